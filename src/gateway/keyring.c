/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/keyring.h"

#include "base/arena.h"

#include <string.h>

enum { STALE = 1 }; /* read_us of a key dropped while held: found no more, destroyed at its release */

struct gateway_keyring {
    struct gateway_key key[GATEWAY_KEYRING_MAX];
};

enum err gateway_keyring_create(struct gateway_keyring **out)
{
    void *at = NULL;
    TRY(memory_reserve(1, sizeof(struct gateway_keyring), &at));
    *out = at;
    return ERR_OK;
}

static void clear(struct gateway_key *key)
{
    if (key->read_us != 0)
        crypto_rsa_free(&key->rsa);
    *key = (struct gateway_key){0};
}

void gateway_keyring_destroy(struct gateway_keyring *ring)
{
    if (!ring)
        return;
    for (size_t i = 0; i < GATEWAY_KEYRING_MAX; i++)
        clear(&ring->key[i]);
    memory_release(ring, 1, sizeof *ring);
}

static struct gateway_key *find(struct gateway_keyring *ring, uint32_t merchant, struct span id)
{
    for (size_t i = 0; i < GATEWAY_KEYRING_MAX; i++)
        if (ring->key[i].read_us != 0 && ring->key[i].merchant == merchant && span_is(id, ring->key[i].id))
            return &ring->key[i];
    return NULL;
}

struct gateway_key *gateway_keyring_find(struct gateway_keyring *ring, uint32_t merchant, struct span id, int64_t now_us)
{
    struct gateway_key *key = find(ring, merchant, id);
    if (!key || now_us - key->read_us > GATEWAY_KEY_FRESH_US)
        return NULL;
    key->used_us = now_us;
    return key;
}

/* A free place, or that of the key unused for longest. */
static struct gateway_key *place(struct gateway_keyring *ring)
{
    struct gateway_key *best = NULL;
    for (size_t i = 0; i < GATEWAY_KEYRING_MAX; i++) {
        struct gateway_key *key = &ring->key[i];
        if (key->read_us == 0)
            return key;
        if (key->held == 0 && (!best || key->used_us < best->used_us))
            best = key;
    }
    return best;
}

enum err gateway_keyring_put(struct gateway_keyring *ring, const struct gateway_key *like, struct span der, int64_t now_us,
                             struct gateway_key **out)
{
    struct gateway_key *key = find(ring, like->merchant, span_text(like->id));
    if (key) { /* the private half never changes */
        key->expires_ms = like->expires_ms;
        key->read_us = key->used_us = now_us;
        *out = key;
        return ERR_OK;
    }
    key = place(ring);
    if (!key)
        return ERR_BUSY;
    struct crypto_rsa_key rsa = {0};
    TRY(crypto_rsa_import_private(der, &rsa));
    clear(key);
    *key = *like;
    key->rsa = rsa;
    key->held = 0;
    key->read_us = key->used_us = now_us;
    *out = key;
    return ERR_OK;
}

static void drop(struct gateway_key *key)
{
    if (key->held == 0)
        clear(key);
    else
        key->read_us = STALE;
}

void gateway_keyring_drop(struct gateway_keyring *ring, uint32_t merchant, struct span id)
{
    struct gateway_key *key = find(ring, merchant, id);
    if (key)
        drop(key);
}

void gateway_keyring_expire(struct gateway_keyring *ring, int64_t now_ms)
{
    for (size_t i = 0; i < GATEWAY_KEYRING_MAX; i++)
        if (ring->key[i].read_us != 0 && ring->key[i].expires_ms <= now_ms)
            drop(&ring->key[i]);
}

void gateway_keyring_release(struct gateway_key *key)
{
    ASSERT(key->held > 0);
    key->held--;
    if (key->held == 0 && key->read_us == STALE)
        clear(key);
}
