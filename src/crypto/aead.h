/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Authenticated encryption with the key loaded once: AES-256-GCM.
 *
 * Purpose    What rests sealed in files and databases: PANs (crypto/vault.h), LMKs (keys/lmk_store.h).
 * Ownership  aead_load makes, aead_unload frees and wipes; the struct may be moved but not copied.
 * Threading  A loaded key belongs to one thread at a time.
 * Failure    aead_unseal gives ERR_PARSE_VALUE for a changed byte, other associated data or another key; `out` is as before.
 * Limits     Sealed = nonce 12B | ciphertext | tag 16B. Nonces are random: a key is to be retired before 2^32 sealings.
 *
 * Example
 *     struct aead aead = {0};
 *     TRY(aead_load(key, &aead));
 *     enum err err = aead_seal(&aead, env, header, plain, &out);
 *     aead_unload(&aead);
 */
#ifndef CRYPTO_AEAD_H
#define CRYPTO_AEAD_H

#include "base/buf.h"
#include "base/env.h"

enum { AEAD_KEY = 32, AEAD_NONCE = 12, AEAD_TAG = 16, AEAD_OVERHEAD = AEAD_NONCE + AEAD_TAG, AEAD_PLAIN_MAX = 1 << 20 };

struct aead {
    void *seal;
    void *unseal;
};

MUST_USE enum err aead_load(const uint8_t key[static AEAD_KEY], struct aead *out);
void aead_unload(struct aead *aead);
MUST_USE enum err aead_seal(struct aead *aead, const struct env *env, struct span aad, struct span plain, struct buf *out);
MUST_USE enum err aead_unseal(struct aead *aead, struct span aad, struct span sealed, struct buf *out);

#endif
