/* SPDX-License-Identifier: Apache-2.0 */
#include "hsm/key/keys.h"

#include "hsm/key/check.h"
#include "hsm/key/internal.h"
#include "hsm/key/storage.h"

#include "cvv/cvv.h"

#include <string.h>

/* ---- life ---- */

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
    k->storage_size = config->storage_size > 0 ? config->storage_size : HSM_STORAGE;
    TRY(hsm_storage_create(k->storage_size, &k->storage));
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

struct keys_cache_counters hsm_keys_cache_counters(const struct hsm_keys *keys)
{
    struct keys_cache_counters cvks = keys_cache_counters(keys->cvks), masters = keys_cache_counters(keys->masters);
    return (struct keys_cache_counters){cvks.hits + masters.hits, cvks.misses + masters.misses};
}

/* ---- LMKs ---- */

struct keys_lmk_set *hsm_keys_lmks(struct hsm_keys *keys)
{
    return keys->lmks;
}

bool hsm_keys_loaded(const struct hsm_keys *keys, uint8_t lmk)
{
    return keys_lmk_kind(keys->lmks, lmk) != KEYS_LMK_ABSENT;
}

void hsm_keys_check_value(const struct hsm_keys *keys, uint8_t lmk, char out[static 16])
{
    if (keys_lmk_check(keys->lmks, lmk, out) != ERR_OK)
        memset(out, '0', KEYS_CHECK);
}

/* ---- user storage ---- */

enum err hsm_keys_store(struct hsm_keys *keys, unsigned index, uint8_t lmk, struct span text)
{
    return hsm_storage_put(keys->storage, index, &(struct hsm_storage_entry){text, lmk});
}

size_t hsm_keys_stored(const struct hsm_keys *keys)
{
    return hsm_storage_count(keys->storage);
}

enum err hsm_keys_storage_load(struct hsm_keys *keys, const char *path, struct buf *problem)
{
    TRY(hsm_storage_load(keys->storage, path, problem));
    hsm_keys_flush(keys);
    return ERR_OK;
}

enum err hsm_keys_storage_check(const struct hsm_keys *keys, const char *path, struct buf *problem)
{
    struct hsm_storage *trial = NULL;
    TRY(hsm_storage_create(keys->storage_size, &trial));
    enum err err = hsm_storage_load(trial, path, problem);
    hsm_storage_destroy(trial);
    return err;
}
