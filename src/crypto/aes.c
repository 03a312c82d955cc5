/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/aes.h"

#include "crypto/error.h"
#include "crypto/internal.h"

#include <openssl/evp.h>

static const char *cipher_name(size_t len)
{
    return len == 16 ? "AES-128-CBC" : len == 24 ? "AES-192-CBC" : len == 32 ? "AES-256-CBC" : NULL;
}

static enum err run(const struct secret_key *key, const uint8_t *iv, const uint8_t *in, uint8_t *out, size_t len, int encrypt)
{
    const char *name = cipher_name(key->len);
    int done = 0;
    ASSERT(len % CRYPTO_AES_BLOCK == 0 && len <= 65536);
    if (!name)
        return CRYPTO_ERR_KEY_LENGTH_ALGORITHM;
    EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, name, NULL);
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    bool made = cipher && context && EVP_CipherInit_ex2(context, cipher, key->at, iv, encrypt, NULL) == 1 &&
                EVP_CIPHER_CTX_set_padding(context, 0) == 1 && EVP_CipherUpdate(context, out, &done, in, (int)len) == 1 &&
                (size_t)done == len;
    EVP_CIPHER_CTX_free(context);
    EVP_CIPHER_free(cipher);
    return made ? ERR_OK : crypto_failed();
}

enum err crypto_aes_cbc_encrypt(const struct secret_key *key, const uint8_t iv[static CRYPTO_AES_BLOCK], const uint8_t *in,
                                uint8_t *out, size_t len)
{
    return run(key, iv, in, out, len, 1);
}

enum err crypto_aes_cbc_decrypt(const struct secret_key *key, const uint8_t iv[static CRYPTO_AES_BLOCK], const uint8_t *in,
                                uint8_t *out, size_t len)
{
    return run(key, iv, in, out, len, 0);
}
