/* SPDX-License-Identifier: Apache-2.0 */
#include "hsm/key/resolve.h"
#include "hsm/key/check.h"
#include "hsm/key/storage.h"
#include "keys/cache.h"
#include "keys/error.h"

#include <string.h>

enum { SINGLE = 8 };

struct hsm_keys {
    struct secret_pages pages;
    struct keys_lmk_set *lmks;
    struct keys_cache *cvks;
    struct keys_cache *masters;
    struct hsm_storage *storage;
    struct hsm_key_check *check; /* hardened mode; else NULL */
};

static void unload_cvk(void *payload)
{
    cvv_key_unload(payload);
}

static void unload_master(void *payload)
{
    cvv_master_unload(payload);
}

static enum err fill(struct hsm_keys *k, const struct hsm_config *config)
{
    TRY(keys_lmk_set_create(&k->lmks));
    if (!keys_lmk_set_locked(k->lmks))
        LOG(config->env->log, LOG_WARN, "hsm.memory_not_locked", LOG_TEXT("see", "RLIMIT_MEMLOCK: keys may be swapped out"));
    TRY(keys_cache_create(HSM_CACHE, sizeof(struct cvv_key), unload_cvk, &k->cvks));
    TRY(keys_cache_create(HSM_CACHE, sizeof(struct cvv_master), unload_master, &k->masters));
    TRY(hsm_storage_create(config->storage_size > 0 ? config->storage_size : HSM_STORAGE, &k->storage));
    if (config->hardened)
        TRY(hsm_key_check_create(config->env, &k->check));
    if (!config->test_lmk)
        return ERR_OK;
    TRY(keys_lmk_add_test_variant(k->lmks, 0));
    TRY(keys_lmk_add_test_block(k->lmks, 1));
    return config->test_lmk_old ? keys_lmk_add_test_old(k->lmks, 0, 1) : ERR_OK;
}

enum err hsm_keys_create(const struct hsm_config *config, struct hsm_keys **out)
{
    struct secret_pages pages;
    TRY(secret_pages_create(sizeof(struct hsm_keys), &pages));
    struct hsm_keys *k = pages.at;
    k->pages = pages;
    enum err err = fill(k, config);
    if (err == ERR_OK)
        *out = k;
    else
        hsm_keys_destroy(k);
    return err;
}

void hsm_keys_destroy(struct hsm_keys *keys)
{
    if (!keys)
        return;
    keys_cache_destroy(keys->cvks);
    keys_cache_destroy(keys->masters);
    keys_lmk_set_destroy(keys->lmks);
    hsm_storage_destroy(keys->storage);
    hsm_key_check_destroy(keys->check);
    struct secret_pages pages = keys->pages;
    secret_pages_destroy(&pages);
}

void hsm_keys_flush(struct hsm_keys *keys)
{
    keys_cache_clear(keys->cvks);
    keys_cache_clear(keys->masters);
}

bool hsm_keys_loaded(const struct hsm_keys *keys, uint8_t lmk)
{
    return keys_lmk_kind(keys->lmks, lmk) != KEYS_LMK_ABSENT;
}

struct keys_cache_counters hsm_keys_cache_counters(const struct hsm_keys *keys)
{
    struct keys_cache_counters cvks = keys_cache_counters(keys->cvks), masters = keys_cache_counters(keys->masters);
    return (struct keys_cache_counters){cvks.hits + masters.hits, cvks.misses + masters.misses};
}

void hsm_keys_check_value(const struct hsm_keys *keys, uint8_t lmk, char out[static 16])
{
    if (keys_lmk_check(keys->lmks, lmk, out) != ERR_OK)
        memset(out, '0', KEYS_CHECK);
}

struct keys_lmk_set *hsm_key_lmks(struct hsm *hsm)
{
    return hsm_keys(hsm)->lmks;
}

/* ---- user storage ---- */

enum err hsm_key_store(struct hsm *hsm, unsigned index, uint8_t lmk, struct span text)
{
    return hsm_storage_put(hsm_keys(hsm)->storage, index, &(struct hsm_storage_entry){text, lmk});
}

enum err hsm_storage_check(const struct hsm *hsm, const char *path, struct net_problem *problem)
{
    struct hsm_storage *trial = NULL;
    size_t size = hsm_config(hsm)->storage_size;
    struct buf text = buf_over(problem->text, sizeof problem->text - 1);
    if (!path || !*path)
        return ERR_OK;
    TRY(hsm_storage_create(size ? size : HSM_STORAGE, &trial));
    enum err err = hsm_storage_load(trial, path, &text);
    problem->text[text.len] = 0;
    hsm_storage_destroy(trial);
    return err;
}

enum err hsm_storage_reload(struct hsm *hsm, struct net_problem *problem)
{
    const char *path = hsm_config(hsm)->user_storage;
    struct buf text = buf_over(problem->text, sizeof problem->text - 1);
    if (!path || !*path)
        return ERR_OK;
    enum err err = hsm_storage_load(hsm_keys(hsm)->storage, path, &text);
    problem->text[text.len] = 0;
    if (err == ERR_OK) {
        hsm_keys_flush(hsm_keys(hsm));
        LOG(hsm_env(hsm)->log, LOG_INFO, "hsm.user_storage", LOG_INT("entries", hsm_storage_count(hsm_keys(hsm)->storage)));
    }
    return err;
}

static enum err locate_stored(struct hsm *hsm, const struct hsm_call *call, struct span digits, struct hsm_key_text *out)
{
    uint8_t index[2] = {0};
    uint8_t padded[4] = {'0'};
    struct hsm_storage_entry entry;
    if (digits.len != 3)
        return ERR_PARSE_SHORT;
    memcpy(padded + 1, digits.at, 3);
    TRY(span_unhex(span_of(padded, sizeof padded), index, sizeof index));
    TRY(hsm_storage_find(hsm_keys(hsm)->storage, (unsigned)index[0] << 8 | index[1], &entry));
    /* The entry's LMK wins over %NN; both given and different do not go together. */
    if (call->lmk_given && call->lmk != entry.lmk)
        return KEYS_ERR_LMK_IDENTIFIERS;
    /* What officers have authorised under one LMK must not reach another one through an entry. */
    if (entry.lmk != call->lmk && !hsm_authorised(hsm, call, entry.lmk))
        return ERR_NOT_AUTHORISED;
    *out = (struct hsm_key_text){entry.text, entry.lmk};
    return ERR_OK;
}

enum err hsm_key_locate(struct hsm *hsm, const struct hsm_call *call, struct span text, struct hsm_key_text *out)
{
    if (text.len > 0 && text.at[0] == 'K')
        return locate_stored(hsm, call, span_slice(text, 1, text.len - 1), out);
    *out = (struct hsm_key_text){text, call->lmk};
    return ERR_OK;
}

/* ---- clear keys ---- */

static enum err clear_block(struct hsm *hsm, const struct hsm_key_text *at, const struct hostcmd_key_rule *rule,
                            struct keys_header *header, struct secret_key *out)
{
    struct keys_header h = {0};
    const struct keys_rule allowed = {rule->usages, rule->modes, rule->algorithm};
    TRY(keys_block_unwrap(hsm_key_lmks(hsm), at->lmk, at->text, &h, out));
    *header = h;
    if (!rule->usages)
        return ERR_OK;
    TRY(keys_block_allows(&h, &allowed));
    if (hsm_config(hsm)->hardened && h.mode == 'N')
        return KEYS_ERR_MODE;
    return h.version[0] == 'c' ? KEYS_ERR_VERSION : ERR_OK; /* a component is no key */
}

static enum err clear_variant(struct hsm *hsm, const struct hsm_key_text *at, const struct hostcmd_key_rule *rule,
                              struct secret_key *out)
{
    struct keys_type_place place;
    if (!rule->type)
        return KEYS_ERR_SCHEME;
    TRY(keys_type_place(span_text(rule->type), &place));
    return keys_unwrap(hsm_key_lmks(hsm), at->lmk, place, at->text, out);
}

enum err hsm_key_admit(struct hsm *hsm, struct span type, const struct keys_header *header, const struct secret_key *key)
{
    struct hsm_key_check *check = hsm_keys(hsm)->check;
    return check ? hsm_key_check_run(check, type, header, key) : ERR_OK;
}

enum err hsm_key_clear(struct hsm *hsm, const struct hsm_key_text *at, const struct hostcmd_key_rule *rule,
                       struct keys_header *header, struct secret_key *out)
{
    SECRET_KEY key = {0};
    struct keys_header h = {.algorithm = 'T'};
    bool block = at->text.len > 0 && at->text.at[0] == 'S';
    TRY(block ? clear_block(hsm, at, rule, &h, &key) : clear_variant(hsm, at, rule, &key));
    /* Only DES keys have parity bits. */
    if ((h.algorithm == 'T' || h.algorithm == 'D') && !keys_parity_odd(&key))
        return KEYS_ERR_PARITY_SOURCE;
    if (!block || rule->usages)
        TRY(hsm_key_admit(hsm, span_text(block ? "" : rule->type), block ? &h : NULL, &key));
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

typedef enum err (*loader)(const struct secret_key *key, void *payload);

/* Loads in place, so that the clear contexts stand in the locked pages of the cache and nowhere else. */
static enum err loaded(struct hsm *hsm, const struct hsm_call *call, const struct hsm_key_text *at, struct keys_cache *cache,
                       loader load, void **out)
{
    void *place = keys_cache_find(cache, at->lmk, purpose(call), at->text);
    if (!place) {
        SECRET_KEY key = {0};
        TRY(hsm_key_clear(hsm, at, hostcmd_key_rule(call->row, call->request), NULL, &key));
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

enum err hsm_key_cvk(struct hsm *hsm, const struct hsm_call *call, struct span text, struct cvv_key **out)
{
    struct hsm_key_text at;
    void *place = NULL;
    TRY(hsm_key_locate(hsm, call, text, &at));
    TRY(loaded(hsm, call, &at, hsm_keys(hsm)->cvks, load_cvk, &place));
    *out = place;
    return ERR_OK;
}

static const void *peeked(struct hsm *hsm, const struct hsm_call *call, const struct keys_cache *cache, struct span text)
{
    struct hsm_key_text at;
    if (hsm_key_locate(hsm, call, text, &at) != ERR_OK)
        return NULL;
    return keys_cache_peek(cache, at.lmk, purpose(call), at.text);
}

const struct cvv_key *hsm_key_cvk_peek(struct hsm *hsm, const struct hsm_call *call, struct span text)
{
    return peeked(hsm, call, hsm_keys(hsm)->cvks, text);
}

const struct cvv_master *hsm_key_master_peek(struct hsm *hsm, const struct hsm_call *call, struct span text)
{
    return peeked(hsm, call, hsm_keys(hsm)->masters, text);
}

enum err hsm_key_master(struct hsm *hsm, const struct hsm_call *call, struct span text, struct cvv_master **out)
{
    struct hsm_key_text at;
    void *place = NULL;
    TRY(hsm_key_locate(hsm, call, text, &at));
    TRY(loaded(hsm, call, &at, hsm_keys(hsm)->masters, load_master, &place));
    *out = place;
    return ERR_OK;
}
