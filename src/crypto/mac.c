/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/mac.h"

#include "crypto/error.h"
#include "crypto/internal.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <string.h>

static enum err digest(const char *name, struct span in, uint8_t *out, size_t len)
{
    size_t made = 0;
    if (EVP_Q_digest(NULL, name, NULL, in.at, in.len, out, &made) != 1 || made != len)
        return crypto_failed();
    return ERR_OK;
}

enum err crypto_digest_sha1(struct span in, uint8_t out[static CRYPTO_DIGEST_SHA1])
{
    return digest("SHA1", in, out, CRYPTO_DIGEST_SHA1);
}

enum err crypto_digest_sha256(struct span in, uint8_t out[static CRYPTO_DIGEST_SHA256])
{
    return digest("SHA256", in, out, CRYPTO_DIGEST_SHA256);
}

static EVP_MAC_CTX *mac_context(const char *name)
{
    EVP_MAC *mac = EVP_MAC_fetch(NULL, name, NULL);
    EVP_MAC_CTX *context = mac ? EVP_MAC_CTX_new(mac) : NULL;
    EVP_MAC_free(mac);
    return context;
}

enum err crypto_hmac_load(struct span key, struct crypto_hmac *out)
{
    char name[] = "SHA256";
    const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0), OSSL_PARAM_construct_end()};
    EVP_MAC_CTX *context = mac_context("HMAC");
    /* A null pointer would mean "keep the key"; an empty key is a key. */
    const uint8_t *at = key.at ? key.at : (const uint8_t *)"";
    if (!context || EVP_MAC_init(context, at, key.len, params) != 1) {
        EVP_MAC_CTX_free(context);
        return crypto_failed();
    }
    out->context = context;
    return ERR_OK;
}

void crypto_hmac_unload(struct crypto_hmac *hmac)
{
    EVP_MAC_CTX_free(hmac->context);
    hmac->context = NULL;
}

enum err crypto_hmac_run(struct crypto_hmac *hmac, const struct span *part, size_t count, uint8_t out[static CRYPTO_DIGEST_SHA256])
{
    size_t made = 0;
    if (EVP_MAC_init(hmac->context, NULL, 0, NULL) != 1)
        return crypto_failed();
    for (size_t i = 0; i < count; i++)
        if (part[i].len > 0 && EVP_MAC_update(hmac->context, part[i].at, part[i].len) != 1)
            return crypto_failed();
    if (EVP_MAC_final(hmac->context, out, &made, CRYPTO_DIGEST_SHA256) != 1 || made != CRYPTO_DIGEST_SHA256)
        return crypto_failed();
    return ERR_OK;
}

enum err crypto_hmac_sha256(struct span key, const struct span *part, size_t count, uint8_t out[static CRYPTO_DIGEST_SHA256])
{
    struct crypto_hmac hmac;
    TRY(crypto_hmac_load(key, &hmac));
    enum err err = crypto_hmac_run(&hmac, part, count, out);
    crypto_hmac_unload(&hmac);
    return err;
}

/* RFC 5869: extract with a salt of zeros, expand block by block. */
enum err crypto_hkdf_sha256(struct span secret, struct span info, uint8_t *out, size_t len)
{
    static const uint8_t salt[CRYPTO_DIGEST_SHA256];
    uint8_t prk[CRYPTO_DIGEST_SHA256], block[CRYPTO_DIGEST_SHA256];
    ASSERT(len <= 255 * CRYPTO_DIGEST_SHA256);
    TRY(crypto_hmac_sha256(span_of(salt, sizeof salt), &secret, 1, prk));
    struct span before = {block, 0};
    enum err err = ERR_OK;
    uint8_t counter = 1;
    for (size_t made = 0; made < len && err == ERR_OK; counter++) {
        const struct span part[] = {before, info, span_of(&counter, 1)};
        err = crypto_hmac_sha256(span_of(prk, sizeof prk), part, 3, block);
        size_t take = len - made < sizeof block ? len - made : sizeof block;
        memcpy(out + made, block, take);
        made += take;
        before.len = sizeof block;
    }
    secret_wipe(prk, sizeof prk);
    secret_wipe(block, sizeof block);
    return err;
}

static const char *cmac_name(enum crypto_cmac_cipher cipher, size_t len)
{
    if (cipher == CRYPTO_CMAC_DES)
        return len == 16 ? "DES-EDE-CBC" : len == 24 ? "DES-EDE3-CBC" : NULL;
    return len == 16 ? "AES-128-CBC" : len == 24 ? "AES-192-CBC" : len == 32 ? "AES-256-CBC" : NULL;
}

enum err crypto_cmac_run(enum crypto_cmac_cipher cipher, const struct secret_key *key, struct span in, uint8_t out[static 16])
{
    const char *name = cmac_name(cipher, key->len);
    if (!name)
        return CRYPTO_ERR_KEY_LENGTH_ALGORITHM;
    size_t made = 0, wanted = cipher == CRYPTO_CMAC_DES ? 8 : 16;
    if (!EVP_Q_mac(NULL, "CMAC", NULL, name, NULL, key->at, key->len, in.at, in.len, out, 16, &made) || made != wanted)
        return crypto_failed();
    return ERR_OK;
}
