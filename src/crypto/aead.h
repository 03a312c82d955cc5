/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Authenticated encryption with the key loaded once: AES-256-GCM.
 *
 * Purpose    What rests sealed in files and databases: PANs (crypto/vault.h), LMKs (keys/store/store.h).
 * Ownership  crypto_aead_load makes, crypto_aead_unload frees and wipes; the struct may be moved but not copied.
 * Threading  A loaded key belongs to one thread at a time.
 * Failure    crypto_aead_unseal gives ERR_PARSE_VALUE for a changed byte, other associated data or another key; `out` is as before.
 * Limits     Sealed = nonce 12B | ciphertext | tag 16B. Nonces are random: a key is to be retired before 2^32 sealings.
 *
 * Example
 *     struct crypto_aead aead = {0};
 *     TRY(crypto_aead_load(key, &aead));
 *     enum err err = crypto_aead_seal(&aead, env, header, plain, &out);
 *     crypto_aead_unload(&aead);
 */
#ifndef CRYPTO_AEAD_H
#define CRYPTO_AEAD_H

#include "base/buf.h"
#include "base/env.h"

enum {
    CRYPTO_AEAD_KEY = 32,
    CRYPTO_AEAD_NONCE = 12,
    CRYPTO_AEAD_TAG = 16,
    CRYPTO_AEAD_OVERHEAD = CRYPTO_AEAD_NONCE + CRYPTO_AEAD_TAG,
    CRYPTO_AEAD_PLAIN_MAX = 1 << 20
};

struct crypto_aead {
    void *seal;
    void *unseal;
};

MUST_USE enum err crypto_aead_load(const uint8_t key[static CRYPTO_AEAD_KEY], struct crypto_aead *out);
void crypto_aead_unload(struct crypto_aead *aead);
MUST_USE enum err crypto_aead_seal(struct crypto_aead *aead, const struct env *env, struct span aad, struct span plain,
                                   struct buf *out);
MUST_USE enum err crypto_aead_unseal(struct crypto_aead *aead, struct span aad, struct span sealed, struct buf *out);

#endif
