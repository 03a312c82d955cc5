/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys of an hsm: its LMKs, the keys that are loaded, and its user storage. Inside the room.
 *
 * Purpose    Makes them at the start and forgets what is unwrapped at each change. hsm/key/resolve.h turns a text into a key.
 * Ownership  The hsm owns them; all but the user storage stand in secret pages.
 * Threading  As struct hsm: one thread.
 * Failure    ERR_CONFIG for a user storage with a bad line; nothing changes then.
 * Limits     HSM_CACHE loaded keys of a kind; HSM_STORAGE entries of user storage unless configured otherwise.
 */
#ifndef HSM_KEY_KEYS_H
#define HSM_KEY_KEYS_H

#include "hsm/config.h"
#include "keys/cache.h"
#include "keys/keys.h"

struct hsm_keys;

enum { HSM_STORAGE = 256, HSM_CACHE = 512 };

MUST_USE enum err hsm_keys_create(const struct hsm_config *config, struct hsm_keys **out);
void hsm_keys_destroy(struct hsm_keys *keys);

/* Forgets every unwrapped key: at each change of LMKs or state. */
void hsm_keys_flush(struct hsm_keys *keys);
struct keys_cache_counters hsm_keys_cache_counters(const struct hsm_keys *keys);

/* ---- LMKs ---- */

struct keys_lmk_set *hsm_keys_lmks(struct hsm_keys *keys);
bool hsm_keys_loaded(const struct hsm_keys *keys, uint8_t lmk);
/* The 16H check value NC reports. */
void hsm_keys_check_value(const struct hsm_keys *keys, uint8_t lmk, char out[static 16]);

/* ---- user storage (hsm/key/storage.h) ---- */

/* An entry: a KEY text and the LMK it is under. */
MUST_USE enum err hsm_keys_store(struct hsm_keys *keys, unsigned index, uint8_t lmk, struct span text);
size_t hsm_keys_stored(const struct hsm_keys *keys);
/* All entries from a file, or none; unwrapped keys are forgotten. `problem`: one line for people. */
MUST_USE enum err hsm_keys_storage_load(struct hsm_keys *keys, const char *path, struct buf *problem);
/* Whether it would succeed. */
MUST_USE enum err hsm_keys_storage_check(const struct hsm_keys *keys, const char *path, struct buf *problem);

#endif
