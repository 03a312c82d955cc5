/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DES and triple DES with the key loaded once.
 *
 * Purpose    The networks' codes and the variant LMK are defined on DES; nothing else in the house uses it. A `struct crypto_des`
 *            holds cipher contexts made when the key is loaded, since re-keying costs more than the blocks themselves.
 * Ownership  crypto_des_load makes, crypto_des_unload frees and wipes; the struct may be moved but not copied.
 * Threading  A loaded key belongs to one thread at a time.
 * Failure    CRYPTO_ERR_KEY_LENGTH_ALGORITHM for a length that is not 8, 16 or 24; CRYPTO_ERR_FAILED if the library refuses.
 * Limits     Whole blocks of 8 bytes. Single DES runs in the legacy provider where it is installed, else as EDE with equal keys.
 *
 * Example
 *     struct crypto_des des;
 *     TRY(crypto_des_load(&key, &des));
 *     TRY(crypto_des_encrypt(&des, block, block, 8));
 *     crypto_des_unload(&des);
 */
#ifndef CRYPTO_DES_H
#define CRYPTO_DES_H

#include "base/secret.h"

enum { CRYPTO_DES_BLOCK = 8 };

struct crypto_des {
    void *encrypt;
    void *decrypt; /* made at the first use */
    struct secret_key key;
};

MUST_USE enum err crypto_des_load(const struct secret_key *key, struct crypto_des *out);
/* Another key of the same length in the same contexts. */
MUST_USE enum err crypto_des_reload(struct crypto_des *des, const struct secret_key *key);
void crypto_des_unload(struct crypto_des *des);

/* ECB; `in` and `out` may be the same. */
MUST_USE enum err crypto_des_encrypt(struct crypto_des *des, const uint8_t *in, uint8_t *out, size_t len);
MUST_USE enum err crypto_des_decrypt(struct crypto_des *des, const uint8_t *in, uint8_t *out, size_t len);
MUST_USE enum err crypto_des_cbc_encrypt(struct crypto_des *des, const uint8_t iv[static CRYPTO_DES_BLOCK], const uint8_t *in,
                                         uint8_t *out, size_t len);
MUST_USE enum err crypto_des_cbc_decrypt(struct crypto_des *des, const uint8_t iv[static CRYPTO_DES_BLOCK], const uint8_t *in,
                                         uint8_t *out, size_t len);

/* ISO/IEC 9797-1 MAC algorithm 1 (plain CBC-MAC, zero IV) over whole blocks, as key blocks of version 0 use it. */
MUST_USE enum err crypto_des_mac_cbc(struct crypto_des *des, const uint8_t *in, size_t len, uint8_t out[static CRYPTO_DES_BLOCK]);
/* ISO/IEC 9797-1 MAC algorithm 3 ("retail MAC") with padding method 2, double-length key. */
MUST_USE enum err crypto_des_mac_retail(const struct secret_key *pair, const uint8_t *in, size_t len,
                                        uint8_t out[static CRYPTO_DES_BLOCK]);

#endif
