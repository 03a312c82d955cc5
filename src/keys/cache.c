/* SPDX-License-Identifier: Apache-2.0 */
#include "keys/cache.h"

#include "base/secret.h"

#include <string.h>

enum { WAYS = 4, ALIGNMENT = 16 };

/* A KEY text is ciphertext and may be kept; the payload behind it is secret. */
struct slot {
    uint64_t hash;
    uint64_t used; /* 0 = free; else the number of the last use */
    uint16_t lmk;
    uint16_t purpose;
    uint16_t len;
    uint8_t text[KEYS_CACHE_TEXT];
};

struct keys_cache {
    struct secret_pages pages;
    void (*unload)(void *payload);
    size_t sets; /* a power of two */
    size_t stride;
    uint64_t now;
    struct keys_cache_counters counters;
    struct slot *slot;
    uint8_t *payload;
};

static size_t round_up(size_t n, size_t to)
{
    return (n + to - 1) / to * to;
}

enum err keys_cache_create(size_t slots, size_t payload_size, void (*unload)(void *payload), struct keys_cache **out)
{
    ASSERT(slots > 0 && payload_size > 0 && unload);
    struct secret_pages pages;
    size_t sets = 1;
    while (sets * WAYS < slots)
        sets *= 2;
    size_t stride = round_up(payload_size, ALIGNMENT);
    size_t head = round_up(sizeof(struct keys_cache), ALIGNMENT);
    size_t index = round_up(sets * WAYS * sizeof(struct slot), ALIGNMENT);
    TRY(secret_pages_create(head + index + sets * WAYS * stride, &pages));
    struct keys_cache *c = pages.at;
    uint8_t *at = pages.at;
    *c = (struct keys_cache){.pages = pages,
                             .unload = unload,
                             .sets = sets,
                             .stride = stride,
                             .slot = (struct slot *)(void *)(at + head),
                             .payload = at + head + index};
    *out = c;
    return ERR_OK;
}

static void *payload_of(const struct keys_cache *c, const struct slot *s)
{
    return c->payload + (size_t)(s - c->slot) * c->stride;
}

static void vacate(struct keys_cache *c, struct slot *s)
{
    if (s->used == 0)
        return;
    c->unload(payload_of(c, s));
    secret_wipe(payload_of(c, s), c->stride);
    *s = (struct slot){0};
}

void keys_cache_clear(struct keys_cache *cache)
{
    for (size_t i = 0; i < cache->sets * WAYS; i++)
        vacate(cache, &cache->slot[i]);
}

void keys_cache_destroy(struct keys_cache *cache)
{
    if (!cache)
        return;
    keys_cache_clear(cache);
    struct secret_pages pages = cache->pages;
    secret_pages_destroy(&pages);
}

/* Eight bytes a step, multiply and fold; spread, not strength, is wanted here. */
static uint64_t hash_of(unsigned lmk, unsigned purpose, struct span text)
{
    uint64_t hash = (uint64_t)lmk << 32 | purpose << 16 | text.len;
    for (size_t i = 0; i < text.len; i += 8) {
        uint64_t word = 0;
        memcpy(&word, text.at + i, text.len - i < 8 ? text.len - i : 8);
        hash = (hash ^ word) * 0x9E3779B97F4A7C15u;
        hash ^= hash >> 29;
    }
    return hash;
}

static struct slot *set_of(const struct keys_cache *c, uint64_t hash)
{
    return &c->slot[(hash & (c->sets - 1)) * WAYS];
}

static struct slot *slot_of(const struct keys_cache *c, unsigned lmk, unsigned purpose, struct span text)
{
    uint64_t hash = hash_of(lmk, purpose, text);
    struct slot *set = set_of(c, hash);
    for (int i = 0; i < WAYS; i++) {
        struct slot *s = &set[i];
        if (s->used && s->hash == hash && s->lmk == lmk && s->purpose == purpose && span_equal(span_of(s->text, s->len), text))
            return s;
    }
    return NULL;
}

void *keys_cache_find(struct keys_cache *cache, unsigned lmk, unsigned purpose, struct span text)
{
    struct slot *s = slot_of(cache, lmk, purpose, text);
    if (!s) {
        cache->counters.misses++;
        return NULL;
    }
    s->used = ++cache->now;
    cache->counters.hits++;
    return payload_of(cache, s);
}

const void *keys_cache_peek(const struct keys_cache *cache, unsigned lmk, unsigned purpose, struct span text)
{
    const struct slot *s = slot_of(cache, lmk, purpose, text);
    return s ? payload_of(cache, s) : NULL;
}

void *keys_cache_add(struct keys_cache *cache, unsigned lmk, unsigned purpose, struct span text)
{
    if (text.len > KEYS_CACHE_TEXT)
        return NULL;
    ASSERT(lmk <= UINT16_MAX && purpose <= UINT16_MAX && !slot_of(cache, lmk, purpose, text));
    uint64_t hash = hash_of(lmk, purpose, text);
    struct slot *set = set_of(cache, hash), *oldest = set;
    for (int i = 1; i < WAYS; i++)
        if (set[i].used < oldest->used)
            oldest = &set[i];
    vacate(cache, oldest);
    *oldest = (struct slot){
        .hash = hash, .used = ++cache->now, .lmk = (uint16_t)lmk, .purpose = (uint16_t)purpose, .len = (uint16_t)text.len};
    memcpy(oldest->text, text.at, text.len);
    return payload_of(cache, oldest);
}

void keys_cache_drop(struct keys_cache *cache, void *payload)
{
    size_t offset = (size_t)((uint8_t *)payload - cache->payload);
    ASSERT(offset % cache->stride == 0 && offset / cache->stride < cache->sets * WAYS);
    vacate(cache, &cache->slot[offset / cache->stride]);
}

struct keys_cache_counters keys_cache_counters(const struct keys_cache *cache)
{
    return cache->counters;
}
