/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Encryption keys in use: a small cache of opened RSA keys.
 *
 * Purpose    Opening a sealed key takes a read, an AES-GCM and a DER import; a merchant's page uses the same key for weeks. A
 *            cached key is asked for again after GATEWAY_KEY_FRESH_US, so that a revocation on another node is seen.
 * Ownership  The ring owns the keys. Who raises `held` keeps one from being destroyed while a worker uses it, and ends that with
 *            gateway_keyring_release.
 * Threading  The loop's thread; the RSA key itself may be read by several.
 * Failure    A key that cannot be opened is not put in.
 * Limits     GATEWAY_KEYRING_MAX keys; the one not used for longest makes room.
 *
 * Example
 *     struct gateway_key *key = gateway_keyring_find(ring, merchant, key_id, now_us);
 *     if (!key)
 *         read_it_from_the_store();
 */
#ifndef GATEWAY_KEYRING_H
#define GATEWAY_KEYRING_H

#include "crypto/rsa.h"

enum { GATEWAY_KEYRING_MAX = 128, GATEWAY_KEY_FRESH_US = 10000000 };

struct gateway_key {
    char id[65];
    uint32_t merchant;
    int64_t expires_ms;
    struct crypto_rsa_key rsa;
    unsigned held;
    int64_t used_us;
    int64_t read_us; /* 0: the place is free */
};

struct gateway_keyring;

MUST_USE enum err gateway_keyring_create(struct gateway_keyring **out);
void gateway_keyring_destroy(struct gateway_keyring *ring);
/* NULL if it is not here or no longer fresh. */
struct gateway_key *gateway_keyring_find(struct gateway_keyring *ring, uint32_t merchant, struct span id, int64_t now_us);
/* Imports the DER; ERR_BUSY if every place is held. */
MUST_USE enum err gateway_keyring_put(struct gateway_keyring *ring, const struct gateway_key *like, struct span der, int64_t now_us,
                                      struct gateway_key **out);
/* Ends what `held`++ began; a key dropped meanwhile is destroyed. */
void gateway_keyring_release(struct gateway_key *key);
/* Drops what has expired by `now_ms`. */
void gateway_keyring_expire(struct gateway_keyring *ring, int64_t now_ms);
/* Out of the ring at once; destroyed as soon as nobody holds it. */
void gateway_keyring_drop(struct gateway_keyring *ring, uint32_t merchant, struct span id);

#endif
