/* SPDX-License-Identifier: Apache-2.0 */
#include "hsm/batch.h"

#include "cvv/batch.h"
#include "hsm/hsm_keys.h"

#include <string.h>

enum { CODE_LEN = 2 };

struct hsm_batch {
    struct secret_pages pages;
    size_t count; /* commands looked at */
    size_t keys;
    uint64_t codes;
    struct secret_key key[HSM_BATCH_KEYS];
    struct hsm_prepared item[HSM_BATCH_FRAMES];
    struct cvv_batch_card card[HSM_BATCH_FRAMES]; /* of each item that has a key */
    /* One key at a time: which items, their cards and what comes out. */
    struct des_batch_key schedule;
    uint16_t chosen[HSM_BATCH_FRAMES];
    struct cvv_batch_card lot[HSM_BATCH_FRAMES];
    struct cvv_batch_code code[HSM_BATCH_FRAMES];
};

enum err hsm_batch_create(struct hsm_batch **out)
{
    struct secret_pages pages;
    TRY(secret_pages_create(sizeof(struct hsm_batch), &pages));
    struct hsm_batch *batch = pages.at;
    batch->pages = pages;
    *out = batch;
    return ERR_OK;
}

void hsm_batch_destroy(struct hsm_batch *batch)
{
    if (!batch)
        return;
    struct secret_pages pages = batch->pages;
    secret_pages_destroy(&pages);
}

void hsm_batch_clear(struct hsm_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        if (batch->item[i].parsed)
            secret_wipe(&batch->item[i], sizeof batch->item[i]);
    secret_wipe(batch->key, batch->keys * sizeof *batch->key);
    batch->count = batch->keys = 0;
}

uint64_t hsm_batch_codes(const struct hsm_batch *batch)
{
    return batch->codes;
}

struct hsm_prepared *hsm_batch_prepared(struct hsm_batch *batch, size_t i)
{
    return i < batch->count && batch->item[i].parsed ? &batch->item[i] : NULL;
}

bool hsm_prepared_code(const struct hsm_prepared *prepared, const struct cvv_key *key, struct code_digits *out)
{
    if (!prepared || !prepared->made || !secret_equal(prepared->key->at, key->pair.key.at, prepared->key->len))
        return false;
    *out = prepared->code;
    return true;
}

/* ---- what the commands are ---- */

/* The fields that CW and CY have in common. */
struct fields {
    struct span key, pan, expiry, service;
};

static struct fields fields_of(const struct hostcmd_row *row, const struct hsm_prepared *item)
{
    const struct hostcmd_cw *cw = &item->request.cw;
    const struct hostcmd_cy *cy = &item->request.cy;
    if (row->id == HOSTCMD_CW)
        return (struct fields){WIRE_SPAN(cw->key), WIRE_SPAN(cw->pan), WIRE_SPAN(cw->expiry), WIRE_SPAN(cw->service)};
    return (struct fields){WIRE_SPAN(cy->key), WIRE_SPAN(cy->pan), WIRE_SPAN(cy->expiry), WIRE_SPAN(cy->service)};
}

/* The key that the handler will find; NULL if it is not loaded yet or something is wrong with it. */
static const struct cvv_key *loaded_key(struct hsm *hsm, const struct hsm_client *client, const struct hostcmd_row *row,
                                        const struct hsm_prepared *item)
{
    bool given = item->tail.lmk != HOSTCMD_LMK_DEFAULT;
    uint8_t standard = client ? client->lmk : hsm_config(hsm)->lmk;
    const struct hsm_call call = {.row = row,
                                  .client = client,
                                  .lmk = given ? (uint8_t)item->tail.lmk : standard,
                                  .lmk_given = given,
                                  .request = &item->request};
    return hsm_key_cvk_peek(hsm, &call, fields_of(row, item).key);
}

static const struct hostcmd_row *row_of(struct span command)
{
    struct span code = span_slice(command, 0, CODE_LEN);
    return span_is(code, "CW") ? hostcmd_row(HOSTCMD_CW) : span_is(code, "CY") ? hostcmd_row(HOSTCMD_CY) : NULL;
}

/* A number that is no PAN, or whose key is not there, stays without a card: its handler says what is wrong. */
static void look_at(struct hsm *hsm, const struct hsm_ask *ask, struct hsm_prepared *item, struct cvv_batch_card *card)
{
    struct span command = span_slice(ask->payload, hsm_config(hsm)->header, SIZE_MAX);
    const struct hostcmd_row *row = row_of(command);
    item->parsed = item->made = false;
    item->loaded = NULL;
    if (!row)
        return;
    struct span data = span_slice(command, CODE_LEN, SIZE_MAX);
    if (hostcmd_request_parse(row, data, &item->request, &item->tail, NULL) != ERR_OK)
        return;
    item->parsed = true;
    struct fields f = fields_of(row, item);
    if (card_pan_parse(f.pan, CARD_ANY, &card->pan) != ERR_OK)
        return;
    memcpy(card->expiry, f.expiry.at, sizeof card->expiry);
    memcpy(card->service, f.service.at, sizeof card->service);
    item->loaded = loaded_key(hsm, ask->client, row, item);
}

/* ---- codes of one key ---- */

/* Gathers the commands under a key from the first of them on. CW and CY load it once each, so it is the key itself that counts. */
static size_t choose(struct hsm_batch *batch, size_t first, const struct secret_key *key)
{
    size_t chosen = 0;
    const struct cvv_key *same = batch->item[first].loaded;
    for (size_t i = first; i < batch->count; i++) {
        const struct cvv_key *loaded = batch->item[i].loaded;
        if (!loaded || (loaded != same && !secret_equal(loaded->pair.key.at, key->at, key->len)))
            continue;
        batch->item[i].loaded = NULL;
        batch->chosen[chosen] = (uint16_t)i;
        batch->lot[chosen++] = batch->card[i];
    }
    return chosen;
}

static void make_codes(struct hsm_batch *batch, const struct secret_key *key, size_t count)
{
    if (count < HSM_BATCH_LEAST || cvv_batch_load(key, &batch->schedule) != ERR_OK)
        return;
    cvv_batch_generate(des_kernel_best(), &batch->schedule, batch->lot, count, batch->code);
    for (size_t i = 0; i < count; i++) {
        struct hsm_prepared *item = &batch->item[batch->chosen[i]];
        item->key = key;
        item->made = batch->code[i].err == ERR_OK;
        item->code = (struct code_digits){.len = CVV_BATCH_DIGITS};
        memcpy(item->code.at, batch->code[i].digit, CVV_BATCH_DIGITS);
    }
    batch->codes += count;
    secret_wipe(batch->code, count * sizeof *batch->code);
    des_batch_unload(&batch->schedule);
}

void hsm_batch_prepare(struct hsm *hsm, struct hsm_batch *batch, const struct hsm_ask *ask, size_t count)
{
    ASSERT(batch->count == 0 && count <= HSM_BATCH_FRAMES);
    if (count < HSM_BATCH_LEAST)
        return;
    for (batch->count = 0; batch->count < count; batch->count++)
        look_at(hsm, &ask[batch->count], &batch->item[batch->count], &batch->card[batch->count]);
    for (size_t i = 0; i < count && batch->keys < HSM_BATCH_KEYS; i++) {
        if (!batch->item[i].loaded)
            continue;
        struct secret_key *key = &batch->key[batch->keys++];
        *key = batch->item[i].loaded->pair.key;
        make_codes(batch, key, choose(batch, i, key));
    }
    secret_wipe(batch->card, count * sizeof *batch->card);
    secret_wipe(batch->lot, count * sizeof *batch->lot);
}
