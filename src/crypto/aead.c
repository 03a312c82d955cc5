/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/aead.h"

#include "base/secret.h"
#include "crypto/internal.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <string.h>

static enum err gcm(const uint8_t key[static CRYPTO_AEAD_KEY], int encrypt, void **out)
{
    EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    bool made = cipher && context && EVP_CipherInit_ex2(context, cipher, key, NULL, encrypt, NULL) == 1;
    EVP_CIPHER_free(cipher);
    if (!made) {
        EVP_CIPHER_CTX_free(context);
        return crypto_failed();
    }
    *out = context;
    return ERR_OK;
}

enum err crypto_aead_load(const uint8_t key[static CRYPTO_AEAD_KEY], struct crypto_aead *out)
{
    struct crypto_aead made = {0};
    TRY(gcm(key, 1, &made.seal));
    enum err err = gcm(key, 0, &made.unseal);
    if (err != ERR_OK)
        crypto_aead_unload(&made);
    else
        *out = made;
    return err;
}

void crypto_aead_unload(struct crypto_aead *aead)
{
    EVP_CIPHER_CTX_free(aead->seal);
    EVP_CIPHER_CTX_free(aead->unseal);
    *aead = (struct crypto_aead){0};
}

static bool transform(EVP_CIPHER_CTX *context, const uint8_t *nonce, struct span aad, struct span in, uint8_t *out)
{
    int len = 0;
    if (EVP_CipherInit_ex2(context, NULL, NULL, nonce, -1, NULL) != 1)
        return false;
    if (aad.len > 0 && EVP_CipherUpdate(context, NULL, &len, aad.at, (int)aad.len) != 1)
        return false;
    return in.len == 0 || EVP_CipherUpdate(context, out, &len, in.at, (int)in.len) == 1;
}

enum err crypto_aead_seal(struct crypto_aead *aead, const struct env *env, struct span aad, struct span plain, struct buf *out)
{
    if (plain.len > CRYPTO_AEAD_PLAIN_MAX || aad.len > CRYPTO_AEAD_PLAIN_MAX)
        return ERR_PARSE_LONG;
    size_t before = out->len;
    uint8_t *nonce = buf_take(out, plain.len + CRYPTO_AEAD_OVERHEAD);
    if (!nonce)
        return out->err;
    uint8_t *body = nonce + CRYPTO_AEAD_NONCE, *tag = body + plain.len;
    int len = 0;
    env_random(env, nonce, CRYPTO_AEAD_NONCE);
    if (transform(aead->seal, nonce, aad, plain, body) && EVP_CipherFinal_ex(aead->seal, tag, &len) == 1 &&
        EVP_CIPHER_CTX_ctrl(aead->seal, EVP_CTRL_AEAD_GET_TAG, CRYPTO_AEAD_TAG, tag) == 1)
        return ERR_OK;
    secret_wipe(nonce, plain.len + CRYPTO_AEAD_OVERHEAD);
    out->len = before;
    return crypto_failed();
}

enum err crypto_aead_unseal(struct crypto_aead *aead, struct span aad, struct span sealed, struct buf *out)
{
    if (sealed.len < CRYPTO_AEAD_OVERHEAD || sealed.len > CRYPTO_AEAD_PLAIN_MAX + CRYPTO_AEAD_OVERHEAD ||
        aad.len > CRYPTO_AEAD_PLAIN_MAX)
        return ERR_PARSE_VALUE;
    size_t before = out->len, len = sealed.len - CRYPTO_AEAD_OVERHEAD;
    uint8_t tag[CRYPTO_AEAD_TAG];
    int done = 0;
    memcpy(tag, sealed.at + sealed.len - CRYPTO_AEAD_TAG, CRYPTO_AEAD_TAG);
    uint8_t *to = buf_take(out, len);
    if (!to)
        return out->err;
    if (transform(aead->unseal, sealed.at, aad, span_slice(sealed, CRYPTO_AEAD_NONCE, len), to) &&
        EVP_CIPHER_CTX_ctrl(aead->unseal, EVP_CTRL_AEAD_SET_TAG, CRYPTO_AEAD_TAG, tag) == 1 &&
        EVP_CipherFinal_ex(aead->unseal, tag, &done) == 1)
        return ERR_OK;
    ERR_clear_error();
    secret_wipe(to, len);
    out->len = before;
    return ERR_PARSE_VALUE;
}
