/* SPDX-License-Identifier: Apache-2.0 */
#include "hsm/commands/ahead.h"

#include "cvv/batch.h"
#include "hsm/commands/internal.h"

#include <string.h>

enum { CODE_LEN = 2 };
_Static_assert(sizeof(struct cvv_dynamic) >= sizeof(struct cvv_batch_card), "a lot is wiped by the larger of its cards");

union card {
    struct cvv_batch_card fixed; /* of CW and CY */
    struct cvv_dynamic dynamic;
};

struct hsm_batch {
    struct secret_pages pages;
    size_t count; /* commands looked at */
    size_t keys;
    uint64_t codes;
    struct secret_key key[HSM_BATCH_KEYS];
    struct hsm_prepared item[HSM_BATCH_FRAMES];
    union card card[HSM_BATCH_FRAMES]; /* of each item that has a key */
    /* One key at a time: which items, their cards and what comes out. */
    struct crypto_des_batch_key schedule;
    uint16_t chosen[HSM_BATCH_FRAMES];
    union {
        struct cvv_batch_card fixed[HSM_BATCH_FRAMES];
        struct cvv_dynamic dynamic[HSM_BATCH_FRAMES];
    } lot;
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

bool hsm_prepared_code(const struct hsm_prepared *prepared, const struct secret_key *key, struct code_digits *out)
{
    if (!prepared || !prepared->made || !secret_equal(prepared->key->at, key->at, prepared->key->len))
        return false;
    *out = prepared->code;
    return true;
}

bool hsm_prepared_dynamic(const struct hsm_prepared *prepared, const struct secret_key *key, const char overlay[static 4],
                          struct code_digits *out)
{
    if (!prepared || !secret_equal(prepared->overlay, overlay, sizeof prepared->overlay))
        return false;
    return hsm_prepared_code(prepared, key, out);
}

/* ---- what the commands are ---- */

static bool static_card(struct span pan, struct span expiry, struct span service, struct cvv_batch_card *out)
{
    if (card_pan_parse(pan, CARD_ANY, &out->pan) != ERR_OK)
        return false;
    memcpy(out->expiry, expiry.at, sizeof out->expiry);
    memcpy(out->service, service.at, sizeof out->service);
    return true;
}

static bool dynamic_card(struct hsm *hsm, const struct hostcmd_row *row, struct hsm_prepared *item, struct span *key,
                         struct cvv_dynamic *out)
{
    bool made = hsm_code_dynamic(hsm, row, &item->request, key, out);
    memcpy(item->overlay, out->overlay, sizeof item->overlay);
    return made;
}

/* The card of a command and the text of its key; false: nothing to compute ahead, or something wrong that its handler will tell. */
static bool describe(struct hsm *hsm, const struct hostcmd_row *row, struct hsm_prepared *item, union card *card, struct span *key)
{
    const struct hostcmd_cw *cw = &item->request.cw;
    const struct hostcmd_cy *cy = &item->request.cy;
    item->dynamic = row->id == HOSTCMD_QY || row->id == HOSTCMD_PM;
    if (item->dynamic)
        return dynamic_card(hsm, row, item, key, &card->dynamic);
    *key = row->id == HOSTCMD_CW ? WIRE_SPAN(cw->key) : WIRE_SPAN(cy->key);
    if (row->id == HOSTCMD_CW)
        return static_card(WIRE_SPAN(cw->pan), WIRE_SPAN(cw->expiry), WIRE_SPAN(cw->service), &card->fixed);
    return static_card(WIRE_SPAN(cy->pan), WIRE_SPAN(cy->expiry), WIRE_SPAN(cy->service), &card->fixed);
}

/* The key that the handler will find; NULL if it is not loaded yet or something is wrong with it. */
static const struct secret_key *loaded_key(struct hsm *hsm, const struct hsm_client *client, const struct hostcmd_row *row,
                                           const struct hsm_prepared *item, struct span text)
{
    bool given = item->tail.lmk != HOSTCMD_LMK_DEFAULT;
    uint8_t standard = client ? client->lmk : hsm_config(hsm)->lmk;
    const struct hsm_call call = {.row = row,
                                  .client = client,
                                  .lmk = given ? (uint8_t)item->tail.lmk : standard,
                                  .lmk_given = given,
                                  .request = &item->request};
    if (item->dynamic) {
        const struct cvv_master *master = hsm_key_master_peek(hsm, &call, text);
        return master ? &master->master.key : NULL;
    }
    const struct cvv_key *cvk = hsm_key_cvk_peek(hsm, &call, text);
    return cvk ? &cvk->pair.key : NULL;
}

/* With the layout of scheme 5 that the dispatcher goes by: it takes what is parsed here for its own. */
static const struct hostcmd_row *row_of(const struct hsm *hsm, struct span command)
{
    const struct hostcmd_row *row = hostcmd_find(span_slice(command, 0, CODE_LEN));
    bool code = row && (row->id == HOSTCMD_CW || row->id == HOSTCMD_CY || row->id == HOSTCMD_QY || row->id == HOSTCMD_PM);
    return code ? hostcmd_layout_row(hsm_layout(hsm), row->id) : NULL;
}

static void look_at(struct hsm *hsm, const struct hsm_ask *ask, struct hsm_prepared *item, union card *card)
{
    struct span key, command = span_slice(ask->payload, hsm_config(hsm)->header, SIZE_MAX);
    const struct hostcmd_row *row = row_of(hsm, command);
    item->parsed = item->made = false;
    item->loaded = NULL;
    if (!row)
        return;
    struct span data = span_slice(command, CODE_LEN, SIZE_MAX);
    if (hostcmd_request_parse(row, data, &item->request, &item->tail, NULL) != ERR_OK)
        return;
    item->parsed = true;
    if (describe(hsm, row, item, card, &key))
        item->loaded = loaded_key(hsm, ask->client, row, item, key);
}

/* ---- codes of one key ---- */

/* Gathers the commands of a kind under a key from the first of them on. Each command loads it for itself, so it is the key that
 * counts and not its place. */
static size_t choose(struct hsm_batch *batch, size_t first, const struct secret_key *key)
{
    size_t chosen = 0;
    const struct hsm_prepared head = {.loaded = batch->item[first].loaded, .dynamic = batch->item[first].dynamic};
    for (size_t i = first; i < batch->count; i++) {
        struct hsm_prepared *item = &batch->item[i];
        if (!item->loaded || item->dynamic != head.dynamic)
            continue;
        if (item->loaded != head.loaded && !secret_equal(item->loaded->at, key->at, key->len))
            continue;
        item->loaded = NULL;
        batch->chosen[chosen] = (uint16_t)i;
        if (head.dynamic)
            batch->lot.dynamic[chosen++] = batch->card[i].dynamic;
        else
            batch->lot.fixed[chosen++] = batch->card[i].fixed;
    }
    return chosen;
}

static void make_codes(struct hsm_batch *batch, const struct secret_key *key, bool dynamic, size_t count)
{
    if (count < HSM_BATCH_LEAST || cvv_batch_load(key, &batch->schedule) != ERR_OK)
        return;
    if (dynamic)
        cvv_batch_dynamic(crypto_des_kernel_best(), &batch->schedule, batch->lot.dynamic, count, batch->code);
    else
        cvv_batch_generate(crypto_des_kernel_best(), &batch->schedule, batch->lot.fixed, count, batch->code);
    for (size_t i = 0; i < count; i++) {
        struct hsm_prepared *item = &batch->item[batch->chosen[i]];
        item->key = key;
        item->made = batch->code[i].err == ERR_OK;
        item->code = (struct code_digits){.len = CVV_BATCH_DIGITS};
        memcpy(item->code.at, batch->code[i].digit, CVV_BATCH_DIGITS);
    }
    batch->codes += count;
    secret_wipe(batch->code, count * sizeof *batch->code);
    crypto_des_batch_unload(&batch->schedule);
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
        *key = *batch->item[i].loaded;
        make_codes(batch, key, batch->item[i].dynamic, choose(batch, i, key));
    }
    secret_wipe(batch->card, count * sizeof *batch->card);
    secret_wipe(&batch->lot, count * sizeof *batch->lot.dynamic);
}
