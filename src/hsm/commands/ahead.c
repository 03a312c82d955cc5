/* SPDX-License-Identifier: Apache-2.0 */
#include "hsm/commands/ahead.h"

#include "cvv/batch.h"
#include "hsm/commands/internal.h"
#include "hsm/key/resolve.h"

#include <string.h>

enum { CODE_LEN = 2 };
_Static_assert(sizeof(struct cvv_dynamic) >= sizeof(struct cvv_batch_card), "a lot is wiped by the larger of its cards");

union card {
    struct cvv_batch_card fixed; /* of CW and CY */
    struct cvv_dynamic dynamic;
};

struct hsm_ahead {
    struct secret_pages pages;
    size_t count; /* commands looked at */
    size_t keys;
    uint64_t codes;
    struct secret_key key[HSM_AHEAD_KEYS];
    struct hsm_prepared item[HSM_AHEAD_FRAMES];
    union card card[HSM_AHEAD_FRAMES]; /* of each item that has a key */
    /* One key at a time: which items, their cards and what comes out. */
    struct crypto_des_batch_key schedule;
    uint16_t chosen[HSM_AHEAD_FRAMES];
    union {
        struct cvv_batch_card fixed[HSM_AHEAD_FRAMES];
        struct cvv_dynamic dynamic[HSM_AHEAD_FRAMES];
    } lot;
    struct cvv_batch_code code[HSM_AHEAD_FRAMES];
};

enum err hsm_ahead_create(struct hsm_ahead **out)
{
    struct secret_pages pages;
    TRY(secret_pages_create(sizeof(struct hsm_ahead), &pages));
    struct hsm_ahead *ahead = pages.at;
    ahead->pages = pages;
    *out = ahead;
    return ERR_OK;
}

void hsm_ahead_destroy(struct hsm_ahead *ahead)
{
    if (!ahead)
        return;
    struct secret_pages pages = ahead->pages;
    secret_pages_destroy(&pages);
}

void hsm_ahead_clear(struct hsm_ahead *ahead)
{
    for (size_t i = 0; i < ahead->count; i++)
        if (ahead->item[i].parsed)
            secret_wipe(&ahead->item[i], sizeof ahead->item[i]);
    secret_wipe(ahead->key, ahead->keys * sizeof *ahead->key);
    ahead->count = ahead->keys = 0;
}

uint64_t hsm_ahead_codes(const struct hsm_ahead *ahead)
{
    return ahead->codes;
}

struct hsm_prepared *hsm_ahead_prepared(struct hsm_ahead *ahead, size_t i)
{
    return i < ahead->count && ahead->item[i].parsed ? &ahead->item[i] : NULL;
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

static bool dynamic_card(const struct hsm_context *context, const struct hostcmd_row *row, struct hsm_prepared *item,
                         struct span *key, struct cvv_dynamic *out)
{
    bool made = hsm_dynamic_card(context, row, &item->request, key, out);
    memcpy(item->overlay, out->overlay, sizeof item->overlay);
    return made;
}

/* The card of a command and the text of its key; false: nothing to compute ahead, or something wrong that its handler will tell. */
static bool describe(const struct hsm_context *context, const struct hostcmd_row *row, struct hsm_prepared *item, union card *card,
                     struct span *key)
{
    const struct hostcmd_cw *cw = &item->request.cw;
    const struct hostcmd_cy *cy = &item->request.cy;
    item->dynamic = row->id == HOSTCMD_QY || row->id == HOSTCMD_PM;
    if (item->dynamic)
        return dynamic_card(context, row, item, key, &card->dynamic);
    *key = row->id == HOSTCMD_CW ? WIRE_SPAN(cw->key) : WIRE_SPAN(cy->key);
    if (row->id == HOSTCMD_CW)
        return static_card(WIRE_SPAN(cw->pan), WIRE_SPAN(cw->expiry), WIRE_SPAN(cw->service), &card->fixed);
    return static_card(WIRE_SPAN(cy->pan), WIRE_SPAN(cy->expiry), WIRE_SPAN(cy->service), &card->fixed);
}

/* The key that the handler will find; NULL if it is not loaded yet or something is wrong with it. */
static const struct secret_key *loaded_key(const struct hsm_context *context, const struct hsm_client *client,
                                           const struct hostcmd_row *row, const struct hsm_prepared *item, struct span text)
{
    bool given = item->tail.lmk != HOSTCMD_LMK_DEFAULT;
    uint8_t standard = client ? client->lmk : context->config->lmk;
    const struct hsm_call call = {.row = row,
                                  .client = client,
                                  .lmk = given ? (uint8_t)item->tail.lmk : standard,
                                  .lmk_given = given,
                                  .request = &item->request};
    if (item->dynamic) {
        const struct cvv_master *master = hsm_key_master_peek(context, &call, text);
        return master ? &master->master.key : NULL;
    }
    const struct cvv_key *cvk = hsm_key_cvk_peek(context, &call, text);
    return cvk ? &cvk->pair.key : NULL;
}

/* With the layout of scheme 5 that the dispatcher goes by: it takes what is parsed here for its own. */
static const struct hostcmd_row *row_of(const struct hsm_context *context, struct span command)
{
    const struct hostcmd_row *row = hostcmd_find(span_slice(command, 0, CODE_LEN));
    bool code = row && (row->id == HOSTCMD_CW || row->id == HOSTCMD_CY || row->id == HOSTCMD_QY || row->id == HOSTCMD_PM);
    return code ? hostcmd_layout_row(context->layout, row->id) : NULL;
}

static void look_at(const struct hsm_context *context, const struct hsm_ask *ask, struct hsm_prepared *item, union card *card)
{
    struct span key, command = span_slice(ask->payload, context->config->header, SIZE_MAX);
    const struct hostcmd_row *row = row_of(context, command);
    item->parsed = item->made = false;
    item->loaded = NULL;
    if (!row)
        return;
    struct span data = span_slice(command, CODE_LEN, SIZE_MAX);
    if (hostcmd_request_parse(row, data, &item->request, &item->tail, NULL) != ERR_OK)
        return;
    item->parsed = true;
    if (describe(context, row, item, card, &key))
        item->loaded = loaded_key(context, ask->client, row, item, key);
}

/* ---- codes of one key ---- */

/* Gathers the commands of a kind under a key from the first of them on. Each command loads it for itself, so it is the key that
 * counts and not its place. */
static size_t choose(struct hsm_ahead *ahead, size_t first, const struct secret_key *key)
{
    size_t chosen = 0;
    const struct hsm_prepared head = {.loaded = ahead->item[first].loaded, .dynamic = ahead->item[first].dynamic};
    for (size_t i = first; i < ahead->count; i++) {
        struct hsm_prepared *item = &ahead->item[i];
        if (!item->loaded || item->dynamic != head.dynamic)
            continue;
        if (item->loaded != head.loaded && !secret_equal(item->loaded->at, key->at, key->len))
            continue;
        item->loaded = NULL;
        ahead->chosen[chosen] = (uint16_t)i;
        if (head.dynamic)
            ahead->lot.dynamic[chosen++] = ahead->card[i].dynamic;
        else
            ahead->lot.fixed[chosen++] = ahead->card[i].fixed;
    }
    return chosen;
}

static void make_codes(struct hsm_ahead *ahead, const struct secret_key *key, bool dynamic, size_t count)
{
    if (count < HSM_AHEAD_LEAST || cvv_batch_load(key, &ahead->schedule) != ERR_OK)
        return;
    if (dynamic)
        cvv_batch_dynamic(crypto_des_kernel_best(), &ahead->schedule, ahead->lot.dynamic, count, ahead->code);
    else
        cvv_batch_generate(crypto_des_kernel_best(), &ahead->schedule, ahead->lot.fixed, count, ahead->code);
    for (size_t i = 0; i < count; i++) {
        struct hsm_prepared *item = &ahead->item[ahead->chosen[i]];
        ASSERT(item->parsed && !item->made);
        item->key = key;
        item->made = ahead->code[i].err == ERR_OK;
        item->code = (struct code_digits){.len = CVV_BATCH_DIGITS};
        memcpy(item->code.at, ahead->code[i].digit, CVV_BATCH_DIGITS);
    }
    ahead->codes += count;
    secret_wipe(ahead->code, count * sizeof *ahead->code);
    crypto_des_batch_unload(&ahead->schedule);
}

void hsm_ahead_prepare(const struct hsm_context *context, struct hsm_ahead *ahead, const struct hsm_ask *ask, size_t count)
{
    ASSERT(ahead->count == 0 && ahead->keys == 0 && count <= HSM_AHEAD_FRAMES);
    if (count < HSM_AHEAD_LEAST)
        return;
    for (ahead->count = 0; ahead->count < count; ahead->count++)
        look_at(context, &ask[ahead->count], &ahead->item[ahead->count], &ahead->card[ahead->count]);
    for (size_t i = 0; i < count && ahead->keys < HSM_AHEAD_KEYS; i++) {
        if (!ahead->item[i].loaded)
            continue;
        struct secret_key *key = &ahead->key[ahead->keys++];
        *key = *ahead->item[i].loaded;
        make_codes(ahead, key, ahead->item[i].dynamic, choose(ahead, i, key));
    }
    secret_wipe(ahead->card, count * sizeof *ahead->card);
    secret_wipe(&ahead->lot, count * sizeof *ahead->lot.dynamic);
}
