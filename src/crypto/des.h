/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DES and triple DES with the key loaded once.
 *
 * Purpose    The networks' codes and the variant LMK are defined on DES; nothing else in the house uses it. A `struct des` holds
 *            cipher contexts made when the key is loaded, since re-keying costs more than the blocks themselves.
 * Ownership  des_load makes, des_unload frees and wipes; the struct may be moved but not copied.
 * Threading  A loaded key belongs to one thread at a time.
 * Failure    ERR_KEY_LENGTH_ALGORITHM for a length that is not 8, 16 or 24; ERR_CRYPTO if the library refuses.
 * Limits     Whole blocks of 8 bytes. Single DES runs in the legacy provider where it is installed, else as EDE with equal keys.
 *
 * Example
 *     struct des des;
 *     TRY(des_load(&key, &des));
 *     TRY(des_encrypt(&des, block, block, 8));
 *     des_unload(&des);
 */
#ifndef CRYPTO_DES_H
#define CRYPTO_DES_H

#include "base/secret.h"

enum { DES_BLOCK = 8 };

struct des {
    void *encrypt;
    void *decrypt; /* made at the first use */
    struct secret_key key;
};

MUST_USE enum err des_load(const struct secret_key *key, struct des *out);
/* Another key of the same length in the same contexts. */
MUST_USE enum err des_reload(struct des *des, const struct secret_key *key);
void des_unload(struct des *des);

/* ECB; `in` and `out` may be the same. */
MUST_USE enum err des_encrypt(struct des *des, const uint8_t *in, uint8_t *out, size_t len);
MUST_USE enum err des_decrypt(struct des *des, const uint8_t *in, uint8_t *out, size_t len);
MUST_USE enum err des_cbc_encrypt(struct des *des, const uint8_t iv[static DES_BLOCK], const uint8_t *in, uint8_t *out, size_t len);
MUST_USE enum err des_cbc_decrypt(struct des *des, const uint8_t iv[static DES_BLOCK], const uint8_t *in, uint8_t *out, size_t len);

/* ISO/IEC 9797-1 MAC algorithm 1 (plain CBC-MAC, zero IV) over whole blocks, as key blocks of version 0 use it. */
MUST_USE enum err des_mac_cbc(struct des *des, const uint8_t *in, size_t len, uint8_t out[static DES_BLOCK]);
/* ISO/IEC 9797-1 MAC algorithm 3 ("retail MAC") with padding method 2, double-length key. */
MUST_USE enum err des_mac_retail(const struct secret_key *pair, const uint8_t *in, size_t len, uint8_t out[static DES_BLOCK]);

#endif
