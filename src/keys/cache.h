/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bounded cache of loaded keys, so that a repeated command costs no unwrapping and no re-keying.
 *
 * Purpose    Finds what was made from a KEY text (cipher contexts, a payload of the caller's type) by the text itself.
 * Ownership  The cache owns the payloads, in locked pages; `unload` is called before a payload is reused or at destruction.
 * Threading  One thread at a time; make one a thread.
 * Failure    None after creation: a full set of slots gives up its oldest entry.
 * Limits     KEY texts up to 512 characters are cached; longer ones are always a miss and cannot be added (keys_cache_add gives
 * NULL).
 *
 * Example
 *     struct loaded *l = keys_cache_find(cache, lmk, purpose, text);
 *     if (!l) {
 *         l = keys_cache_add(cache, lmk, purpose, text);      // zeroed
 *         ... fill it; on failure keys_cache_drop(cache, l) ...
 *     }
 */
#ifndef KEYS_CACHE_H
#define KEYS_CACHE_H

#include "base/buf.h"

enum { KEYS_CACHE_TEXT = 512 };

struct keys_cache;

/* `slots` is rounded up to a power of two of at least 4; `unload` must bear a zeroed payload. */
MUST_USE enum err keys_cache_create(size_t slots, size_t payload_size, void (*unload)(void *payload), struct keys_cache **out);
void keys_cache_destroy(struct keys_cache *cache);

/* `purpose` tells apart what one text may be loaded as (key type, contexts). NULL if absent. */
void *keys_cache_find(struct keys_cache *cache, unsigned lmk, unsigned purpose, struct span text);
/* The same without counting the question or its time. */
const void *keys_cache_peek(const struct keys_cache *cache, unsigned lmk, unsigned purpose, struct span text);
void *keys_cache_add(struct keys_cache *cache, unsigned lmk, unsigned purpose, struct span text);
/* Unloads and wipes everything. */
void keys_cache_clear(struct keys_cache *cache);
void keys_cache_drop(struct keys_cache *cache, void *payload);

/* Of keys_cache_find since creation. */
struct keys_cache_counters {
    uint64_t hits, misses;
};
struct keys_cache_counters keys_cache_counters(const struct keys_cache *cache);

#endif
