/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One secret among several holders: Shamir's scheme, byte by byte over GF(2^8) with the polynomial of AES.
 *
 * Purpose    Any `threshold` of the shares give the secret; fewer say nothing about it.
 * Ownership  Shares and secret are the caller's to wipe.
 * Threading  Free of state; no branch or index depends on a secret.
 * Limits     Secrets of KEYS_SHARE bytes; 2 <= threshold <= count <= KEYS_SHARE_HOLDERS. The secret is the value at 0, the share of
 *            holder i the value at i, 1..9.
 *
 * Example
 *     uint8_t share[KEYS_SHARE_HOLDERS][KEYS_SHARE];
 *     keys_share_split(secret, 2, 3, env, share);
 *     const uint8_t holders[] = {1, 3};
 *     keys_share_value(holders, some, 2, 0, secret);      // `some` are the shares of 1 and 3
 */
#ifndef KEYS_STORE_SHARE_H
#define KEYS_STORE_SHARE_H

#include "base/env.h"

enum { KEYS_SHARE = 32, KEYS_SHARE_HOLDERS = 9 };

/* share[i] becomes the share of holder i + 1. */
void keys_share_split(const uint8_t secret[static KEYS_SHARE], uint8_t threshold, uint8_t count, const struct env *env,
                      uint8_t share[][KEYS_SHARE]);
/* The value at `at` of the curve through the shares of `count` different holders: the secret at 0, or another holder's share. */
void keys_share_value(const uint8_t *holder, const uint8_t share[][KEYS_SHARE], size_t count, uint8_t at,
                      uint8_t out[static KEYS_SHARE]);

#endif
