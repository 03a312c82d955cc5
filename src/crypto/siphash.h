/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SipHash-2-4: a keyed hash for tables.
 *
 * Purpose    A table that is indexed by what peers send needs a hash whose collisions they cannot choose. The key is drawn at the
 *            start of the process and stays in it.
 * Ownership  Values.
 * Threading  Free of state.
 * Failure    None.
 * Limits     64 bits: for tables, not for signatures. J.-P. Aumasson, D. J. Bernstein: SipHash, a fast short-input PRF, 2012.
 *
 * Example
 *     env_random(env, key.at, sizeof key.at);
 *     bucket = crypto_siphash(&key, span_text(name)) % buckets;
 */
#ifndef CRYPTO_SIPHASH_H
#define CRYPTO_SIPHASH_H

#include "base/buf.h"

#include <stdint.h>

enum { CRYPTO_SIPHASH_KEY = 16 };

struct crypto_siphash_key {
    uint8_t at[CRYPTO_SIPHASH_KEY];
};

uint64_t crypto_siphash(const struct crypto_siphash_key *key, struct span in);

#endif
