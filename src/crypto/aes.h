/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AES in CBC mode, one call a message.
 *
 * Purpose    What key blocks of version D are enciphered with; CMAC is in crypto/mac.h.
 * Threading  Free of state.
 * Failure    CRYPTO_ERR_KEY_LENGTH_ALGORITHM for a key that is not 16, 24 or 32 bytes; CRYPTO_ERR_FAILED if the library refuses.
 * Limits     Whole blocks of 16 bytes, no padding; `in` and `out` may be the same.
 *
 * Example
 *     TRY(crypto_aes_cbc_decrypt(&key, mac, cipher, plain, len));
 */
#ifndef CRYPTO_AES_H
#define CRYPTO_AES_H

#include "base/secret.h"

enum { CRYPTO_AES_BLOCK = 16 };

MUST_USE enum err crypto_aes_cbc_encrypt(const struct secret_key *key, const uint8_t iv[static CRYPTO_AES_BLOCK], const uint8_t *in,
                                         uint8_t *out, size_t len);
MUST_USE enum err crypto_aes_cbc_decrypt(const struct secret_key *key, const uint8_t iv[static CRYPTO_AES_BLOCK], const uint8_t *in,
                                         uint8_t *out, size_t len);

#endif
