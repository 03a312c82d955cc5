/* SPDX-License-Identifier: Apache-2.0 */
/* A4: a key from its components. */
#include "crypto/error.h"
#include "hsm/commands/internal.h"
#include "hsm/key/reply.h"
#include "hsm/key/zone.h"
#include "keys/error.h"

#include <string.h>

/* The components as they stand in user storage or the request, all under one LMK. */
struct parts {
    size_t count;
    uint8_t lmk;
    struct span text[HOSTCMD_COMPONENTS];
};

static enum err parts_locate(const struct hsm_context *context, const struct hsm_call *call, struct parts *out)
{
    const struct hostcmd_a4 *r = call->request;
    out->count = (size_t)(r->count.at[0] - '0');
    for (size_t i = 0; i < out->count; i++) {
        struct hsm_key_text at;
        TRY(hsm_key_locate(context, call, WIRE_SPAN(r->component[i]), &at));
        if (i > 0 && at.lmk != out->lmk)
            return KEYS_ERR_LMK_IDENTIFIERS;
        out->text[i] = at.text;
        out->lmk = at.lmk;
    }
    return ERR_OK;
}

/* The first component says how long the key is. */
static enum err add(const struct secret_key *part, struct secret_key *sum)
{
    if (sum->len == 0)
        sum->len = part->len;
    if (part->len != sum->len)
        return CRYPTO_ERR_KEY_LENGTH;
    for (size_t i = 0; i < part->len; i++)
        sum->at[i] ^= part->at[i];
    return ERR_OK;
}

/* ---- variant components ---- */

static enum err sum_variant(const struct hsm_context *context, const struct parts *parts, struct keys_type_place place,
                            struct secret_key *out)
{
    SECRET_KEY sum = {0};
    bool odd = true;
    for (size_t i = 0; i < parts->count; i++) {
        SECRET_KEY part = {0};
        TRY(keys_unwrap(context->lmks, parts->lmk, place, parts->text[i], &part));
        TRY(add(&part, &sum));
        odd &= keys_parity_odd(&part);
    }
    *out = sum;
    return odd ? ERR_OK : KEYS_ERR_PARITY_SOURCE;
}

/* Components come under the plain pair of the type or under its component variant, all in the same way: parity tells which. */
static enum err form_variant(const struct hsm_context *context, const struct hostcmd_a4 *r, const struct parts *parts,
                             struct hsm_moving *key)
{
    struct keys_type_place place;
    TRY(keys_type_place(WIRE_SPAN(r->type), &place));
    if (span_is(WIRE_SPAN(r->type), "00C") || span_is(WIRE_SPAN(r->type), "10C"))
        return KEYS_ERR_FUNCTION;
    enum err err = sum_variant(context, parts, place, &key->key);
    if (err == KEYS_ERR_PARITY_SOURCE) {
        place.component = true;
        err = sum_variant(context, parts, place, &key->key);
    }
    TRY(err);
    key->header.algorithm = 'T';
    return key->scheme == 0 || hsm_scheme_length(key->scheme) == key->key.len ? ERR_OK : CRYPTO_ERR_KEY_LENGTH;
}

/* ---- key block components ---- */

/* c1 to c9, each once. */
static enum err check_version(const char version[static 2], unsigned *seen)
{
    bool component = (version[0] == 'c' || version[0] == 'C') && version[1] >= '1' && version[1] <= '9';
    unsigned bit = component ? 1u << (version[1] - '0') : 0;
    if (!component || (*seen & bit))
        return KEYS_ERR_COMPONENTS;
    *seen |= bit;
    return ERR_OK;
}

static bool alike(const struct keys_header *a, const struct keys_header *b)
{
    return memcmp(a->usage, b->usage, sizeof a->usage) == 0 && a->algorithm == b->algorithm && a->mode == b->mode &&
           a->exportability == b->exportability;
}

static enum err sum_blocks(const struct hsm_context *context, const struct parts *parts, struct hsm_moving *key)
{
    SECRET_KEY sum = {0};
    unsigned seen = 0;
    for (size_t i = 0; i < parts->count; i++) {
        SECRET_KEY part = {0};
        struct keys_header header;
        TRY(keys_block_unwrap(context->lmks, parts->lmk, parts->text[i], &header, &part));
        if (i == 0)
            key->header = header;
        TRY(check_version(header.version, &seen));
        if (!alike(&header, &key->header))
            return KEYS_ERR_COMPONENTS;
        if (header.algorithm != 'T' && header.algorithm != 'D')
            return KEYS_ERR_ALGORITHM;
        if (!keys_parity_odd(&part))
            return KEYS_ERR_PARITY_SOURCE;
        TRY(add(&part, &sum));
    }
    key->key = sum;
    return ERR_OK;
}

/* The key has the header of its components, but for what `#` says. */
static enum err form_block(const struct hsm_context *context, const struct hsm_call *call, const struct parts *parts,
                           struct hsm_moving *key)
{
    TRY(sum_blocks(context, parts, key));
    key->block = true;
    key->header.optional = 0;
    key->header.blocks = (struct span){0};
    memcpy(key->header.version, "00", sizeof key->header.version);
    return call->attributes ? hsm_header_complete(call->attributes, &key->header) : ERR_OK;
}

/* ---- A4 ---- */

static enum err form(const struct hsm_context *context, const struct hsm_call *call, const struct parts *parts,
                     struct hsm_moving *key)
{
    const struct hostcmd_a4 *r = call->request;
    bool blocks = keys_lmk_kind(context->lmks, parts->lmk) == KEYS_LMK_BLOCK;
    if (span_is(WIRE_SPAN(r->type), "FFF") != blocks)
        return KEYS_ERR_TYPE;
    if ((key->scheme == 'S') != blocks || key->scheme == 'R')
        return KEYS_ERR_SCHEME;
    TRY(blocks ? form_block(context, call, parts, key) : form_variant(context, r, parts, key));
    if (keys_zero(&key->key))
        return KEYS_ERR_PARITY_DESTINATION;
    keys_parity_set(&key->key); /* an even number of components has none */
    return hsm_key_admit(context, WIRE_SPAN(r->type), blocks ? &key->header : NULL, &key->key);
}

static enum err wrap(const struct hsm_context *context, const struct hostcmd_a4 *r, uint8_t lmk, const struct hsm_moving *key,
                     struct buf *out)
{
    struct keys_type_place place;
    if (key->block)
        return keys_block_wrap(context->lmks, lmk, &key->header, &key->key, context->env, out);
    TRY(keys_type_place(WIRE_SPAN(r->type), &place));
    return keys_wrap(context->lmks, lmk, place, (enum keys_scheme)key->scheme, &key->key, out);
}

enum err hsm_handle_a4(const struct hsm_context *context, struct hsm_call *call)
{
    const struct hostcmd_a4 *r = call->request;
    struct hostcmd_a4_reply *reply = call->reply;
    char text[KEYS_BLOCK_MAX];
    struct buf b = buf_over(text, sizeof text);
    struct parts parts = {0};
    HSM_MOVING key = {.scheme = hsm_scheme_of(WIRE_SPAN(r->scheme))};
    TRY(parts_locate(context, call, &parts));
    TRY(form(context, call, &parts, &key));
    TRY(wrap(context, r, parts.lmk, &key, &b));
    TRY(HSM_REPLY_KEY(&b, reply->key));
    return HSM_REPLY_KCV(&key.key, key.header.algorithm, HSM_KCV_SHORT, reply->kcv);
}
