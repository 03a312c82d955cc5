/* SPDX-License-Identifier: Apache-2.0 */
#include "hsm/key/resolve.h"

#include "hsm/guard/authority.h"
#include "hsm/key/check.h"
#include "hsm/key/internal.h"
#include "hsm/key/storage.h"
#include "keys/cache.h"
#include "keys/error.h"

#include <string.h>

enum { SINGLE = 8 };

bool hsm_key_barred(const struct hsm_context *context, uint8_t lmk)
{
    const struct hsm_config *config = context->config;
    return config->hardened && config->blocks_only && keys_lmk_kind(context->lmks, lmk) == KEYS_LMK_VARIANT;
}

/* ---- where a key stands ---- */

static enum err locate_stored(const struct hsm_context *context, const struct hsm_call *call, struct span digits,
                              struct hsm_key_text *out)
{
    uint8_t index[2] = {0};
    uint8_t padded[4] = {'0'};
    struct hsm_storage_entry entry;
    if (digits.len != 3)
        return ERR_PARSE_SHORT;
    memcpy(padded + 1, digits.at, 3);
    TRY(span_unhex(span_of(padded, sizeof padded), index, sizeof index));
    TRY(hsm_storage_find(context->keys->storage, (unsigned)index[0] << 8 | index[1], &entry));
    /* The entry's LMK wins over %NN; both given and different do not go together. */
    if (call->lmk_given && call->lmk != entry.lmk)
        return KEYS_ERR_LMK_IDENTIFIERS;
    if (hsm_key_barred(context, entry.lmk))
        return ERR_NOT_AUTHORISED;
    /* What officers have authorised under one LMK must not reach another one through an entry. */
    if (entry.lmk != call->lmk && !hsm_authorised(context, call, entry.lmk))
        return ERR_NOT_AUTHORISED;
    *out = (struct hsm_key_text){entry.text, entry.lmk};
    return ERR_OK;
}

enum err hsm_key_locate(const struct hsm_context *context, const struct hsm_call *call, struct span text, struct hsm_key_text *out)
{
    size_t tag = text.len > 1 && text.at[1] == 'K'; /* UK, TK, SK: the entry has its own (host-commands.md 6.1) */
    if (text.len > tag && text.at[tag] == 'K')
        return locate_stored(context, call, span_slice(text, tag + 1, SIZE_MAX), out);
    *out = (struct hsm_key_text){text, call->lmk};
    return ERR_OK;
}

/* ---- clear keys ---- */

static enum err clear_block(const struct hsm_context *context, const struct hsm_key_text *at, const struct hostcmd_key_rule *rule,
                            struct keys_header *header, struct secret_key *out)
{
    struct keys_header h = {0};
    const struct keys_rule allowed = {rule->usages, rule->modes, rule->algorithm};
    TRY(keys_block_unwrap(context->lmks, at->lmk, at->text, &h, out));
    *header = h;
    if (!rule->usages)
        return ERR_OK;
    TRY(keys_block_allows(&h, &allowed));
    if (context->config->hardened && h.mode == 'N')
        return KEYS_ERR_MODE;
    return h.version[0] == 'c' ? KEYS_ERR_VERSION : ERR_OK; /* a component is no key */
}

static enum err clear_variant(const struct hsm_context *context, const struct hsm_key_text *at, const struct hostcmd_key_rule *rule,
                              struct secret_key *out)
{
    struct keys_type_place place;
    if (!rule->type)
        return KEYS_ERR_SCHEME;
    TRY(keys_type_place(span_text(rule->type), &place));
    return keys_unwrap(context->lmks, at->lmk, place, at->text, out);
}

enum err hsm_key_admit(const struct hsm_context *context, struct span type, const struct keys_header *header,
                       const struct secret_key *key)
{
    struct hsm_key_check *check = context->keys->check;
    return check ? hsm_key_check_run(check, type, header, key) : ERR_OK;
}

enum err hsm_key_clear(const struct hsm_context *context, const struct hsm_key_text *at, const struct hostcmd_key_rule *rule,
                       struct keys_header *header, struct secret_key *out)
{
    SECRET_KEY key = {0};
    struct keys_header h = {.algorithm = 'T'};
    bool block = at->text.len > 0 && at->text.at[0] == 'S';
    TRY(block ? clear_block(context, at, rule, &h, &key) : clear_variant(context, at, rule, &key));
    /* Only DES keys have parity bits. */
    if ((h.algorithm == 'T' || h.algorithm == 'D') && !keys_parity_odd(&key))
        return KEYS_ERR_PARITY_SOURCE;
    if (!block || rule->usages)
        TRY(hsm_key_admit(context, span_text(block ? "" : rule->type), block ? &h : NULL, &key));
    if (header)
        *header = h;
    *out = key;
    return ERR_OK;
}

/* ---- loaded keys ---- */

/* What a text may serve depends on the command and its rule (usage, mode), so both are part of the place in the cache. */
static unsigned purpose(const struct hsm_call *call)
{
    bool other_rule = hostcmd_key_rule(call->row, call->request) != &call->row->key;
    return (unsigned)hostcmd_row_id(call->row) + (other_rule ? HOSTCMD_COUNT : 0u);
}

_Static_assert(2 * HOSTCMD_COUNT <= UINT16_MAX, "a purpose is a place in the cache");

typedef enum err (*loader)(const struct secret_key *key, void *payload);

/* Loads in place, so that the clear contexts stand in the locked pages of the cache and nowhere else. */
static enum err loaded(const struct hsm_context *context, const struct hsm_call *call, const struct hsm_key_text *at,
                       struct keys_cache *cache, loader load, void **out)
{
    void *place = keys_cache_find(cache, at->lmk, purpose(call), at->text);
    if (!place) {
        SECRET_KEY key = {0};
        TRY(hsm_key_clear(context, at, hostcmd_key_rule(call->row, call->request), NULL, &key));
        place = keys_cache_add(cache, at->lmk, purpose(call), at->text);
        if (!place)
            return KEYS_ERR_BLOCK_FORMAT;
        enum err err = load(&key, place);
        if (err != ERR_OK) {
            keys_cache_drop(cache, place);
            return err;
        }
    }
    *out = place;
    return ERR_OK;
}

/* A single-length CVK counts twice; hardened mode has refused it before. */
static enum err load_cvk(const struct secret_key *key, void *payload)
{
    SECRET_KEY pair = *key;
    if (pair.len == SINGLE) {
        memcpy(pair.at + SINGLE, pair.at, SINGLE);
        pair.len = 2 * SINGLE;
    }
    return cvv_key_load(&pair, payload);
}

static enum err load_master(const struct secret_key *key, void *payload)
{
    return cvv_master_load(key, payload);
}

enum err hsm_key_cvk(const struct hsm_context *context, const struct hsm_call *call, struct span text, struct cvv_key **out)
{
    struct hsm_key_text at;
    void *place = NULL;
    TRY(hsm_key_locate(context, call, text, &at));
    TRY(loaded(context, call, &at, context->keys->cvks, load_cvk, &place));
    *out = place;
    return ERR_OK;
}

static const void *peeked(const struct hsm_context *context, const struct hsm_call *call, const struct keys_cache *cache,
                          struct span text)
{
    struct hsm_key_text at;
    if (hsm_key_locate(context, call, text, &at) != ERR_OK)
        return NULL;
    return keys_cache_peek(cache, at.lmk, purpose(call), at.text);
}

const struct cvv_key *hsm_key_cvk_peek(const struct hsm_context *context, const struct hsm_call *call, struct span text)
{
    return peeked(context, call, context->keys->cvks, text);
}

const struct cvv_master *hsm_key_master_peek(const struct hsm_context *context, const struct hsm_call *call, struct span text)
{
    return peeked(context, call, context->keys->masters, text);
}

enum err hsm_key_master(const struct hsm_context *context, const struct hsm_call *call, struct span text, struct cvv_master **out)
{
    struct hsm_key_text at;
    void *place = NULL;
    TRY(hsm_key_locate(context, call, text, &at));
    TRY(loaded(context, call, &at, context->keys->masters, load_master, &place));
    *out = place;
    return ERR_OK;
}
