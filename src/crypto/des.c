/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/des.h"

#include "crypto/error.h"
#include "crypto/internal.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/provider.h>
#include <string.h>

static int pick_legacy(OSSL_PROVIDER *provider, void *out)
{
    if (strcmp(OSSL_PROVIDER_get0_name(provider), "legacy") == 0)
        *(OSSL_PROVIDER **)out = provider;
    return 1;
}

static void unload_legacy(void)
{
    OSSL_PROVIDER *legacy = NULL;
    if (OSSL_PROVIDER_do_all(NULL, pick_legacy, &legacy) == 1 && legacy)
        OSSL_PROVIDER_unload(legacy);
}

/*
 * Single DES exists in the legacy provider only. It is loaded at the first single-length key, beside the default provider, and
 * stays until the process ends: OpenSSL keeps the one instance. Where it is not installed, DES-EDE with equal keys is single DES
 * at three times the price.
 */
static EVP_CIPHER *fetch_single(void)
{
    ERR_set_mark();
    EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, "DES-ECB", NULL);
    if (!cipher && OSSL_PROVIDER_try_load(NULL, "legacy", 1)) {
        (void)OPENSSL_atexit(unload_legacy);
        cipher = EVP_CIPHER_fetch(NULL, "DES-ECB", NULL);
    }
    ERR_pop_to_mark();
    return cipher;
}

static EVP_CIPHER *fetch(size_t len)
{
    EVP_CIPHER *single = len == 8 ? fetch_single() : NULL;
    if (single)
        return single;
    return EVP_CIPHER_fetch(NULL, len == 24 ? "DES-EDE3-ECB" : "DES-EDE-ECB", NULL);
}

/* `key` twice when single DES runs as EDE: a context that takes 8 bytes reads the first half only. */
static void widen(const struct secret_key *key, uint8_t out[static 24])
{
    memcpy(out, key->at, key->len);
    if (key->len == 8)
        memcpy(out + 8, key->at, 8);
}

static enum err context_create(const struct secret_key *key, int encrypt, void **out)
{
    EVP_CIPHER *cipher = fetch(key->len);
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    uint8_t wide[24] = {0};
    widen(key, wide);
    bool made = cipher && context && EVP_CipherInit_ex2(context, cipher, wide, NULL, encrypt, NULL) == 1 &&
                EVP_CIPHER_CTX_set_padding(context, 0) == 1;
    secret_wipe(wide, sizeof wide);
    EVP_CIPHER_free(cipher);
    if (!made) {
        EVP_CIPHER_CTX_free(context);
        return crypto_failed();
    }
    *out = context;
    return ERR_OK;
}

enum err crypto_des_load(const struct secret_key *key, struct crypto_des *out)
{
    if (key->len != 8 && key->len != 16 && key->len != 24)
        return CRYPTO_ERR_KEY_LENGTH_ALGORITHM;
    struct crypto_des des = {.key = *key};
    enum err err = context_create(key, 1, &des.encrypt);
    if (err == ERR_OK)
        *out = des;
    secret_wipe(&des, sizeof des);
    return err;
}

static enum err context_rekey(void *context, const struct secret_key *key)
{
    uint8_t wide[24] = {0};
    widen(key, wide);
    int done = EVP_CipherInit_ex2(context, NULL, wide, NULL, -1, NULL);
    secret_wipe(wide, sizeof wide);
    return done == 1 ? ERR_OK : crypto_failed();
}

enum err crypto_des_reload(struct crypto_des *des, const struct secret_key *key)
{
    if (key->len != des->key.len)
        return CRYPTO_ERR_KEY_LENGTH_ALGORITHM;
    TRY(context_rekey(des->encrypt, key));
    if (des->decrypt)
        TRY(context_rekey(des->decrypt, key));
    des->key = *key;
    return ERR_OK;
}

void crypto_des_unload(struct crypto_des *des)
{
    EVP_CIPHER_CTX_free(des->encrypt);
    EVP_CIPHER_CTX_free(des->decrypt);
    secret_wipe(des, sizeof *des);
}

static enum err run(void *context, const uint8_t *in, uint8_t *out, size_t len)
{
    int done = 0;
    ASSERT(len % CRYPTO_DES_BLOCK == 0 && len <= 65536);
    if (EVP_CipherUpdate(context, out, &done, in, (int)len) != 1 || (size_t)done != len)
        return crypto_failed();
    return ERR_OK;
}

enum err crypto_des_encrypt(struct crypto_des *des, const uint8_t *in, uint8_t *out, size_t len)
{
    return run(des->encrypt, in, out, len);
}

enum err crypto_des_decrypt(struct crypto_des *des, const uint8_t *in, uint8_t *out, size_t len)
{
    if (!des->decrypt)
        TRY(context_create(&des->key, 0, &des->decrypt));
    return run(des->decrypt, in, out, len);
}

static void xor_block(uint8_t *to, const uint8_t *with)
{
    for (int i = 0; i < CRYPTO_DES_BLOCK; i++)
        to[i] ^= with[i];
}

/* CBC over the ECB context: no second context and no re-initialisation for each IV. */
enum err crypto_des_cbc_encrypt(struct crypto_des *des, const uint8_t iv[static CRYPTO_DES_BLOCK], const uint8_t *in, uint8_t *out,
                                size_t len)
{
    uint8_t chain[CRYPTO_DES_BLOCK];
    memcpy(chain, iv, sizeof chain);
    for (size_t i = 0; i < len; i += CRYPTO_DES_BLOCK) {
        xor_block(chain, in + i);
        TRY(crypto_des_encrypt(des, chain, chain, sizeof chain));
        memcpy(out + i, chain, sizeof chain);
    }
    return ERR_OK;
}

enum err crypto_des_cbc_decrypt(struct crypto_des *des, const uint8_t iv[static CRYPTO_DES_BLOCK], const uint8_t *in, uint8_t *out,
                                size_t len)
{
    uint8_t chain[CRYPTO_DES_BLOCK];
    memcpy(chain, iv, sizeof chain);
    for (size_t i = 0; i < len; i += CRYPTO_DES_BLOCK) {
        uint8_t cipher[CRYPTO_DES_BLOCK];
        memcpy(cipher, in + i, sizeof cipher);
        TRY(crypto_des_decrypt(des, cipher, out + i, sizeof cipher));
        xor_block(out + i, chain);
        memcpy(chain, cipher, sizeof chain);
    }
    return ERR_OK;
}

enum err crypto_des_mac_cbc(struct crypto_des *des, const uint8_t *in, size_t len, uint8_t out[static CRYPTO_DES_BLOCK])
{
    uint8_t chain[CRYPTO_DES_BLOCK] = {0};
    for (size_t i = 0; i < len; i += CRYPTO_DES_BLOCK) {
        xor_block(chain, in + i);
        TRY(crypto_des_encrypt(des, chain, chain, sizeof chain));
    }
    memcpy(out, chain, sizeof chain);
    return ERR_OK;
}

/* Padding method 2: one bit 1, then zeros to a whole block; always at least one byte. */
static enum err mac_padded(struct crypto_des *des, const uint8_t *in, size_t len, uint8_t chain[static CRYPTO_DES_BLOCK])
{
    size_t whole = len / CRYPTO_DES_BLOCK * CRYPTO_DES_BLOCK;
    uint8_t last[CRYPTO_DES_BLOCK] = {0};
    memcpy(last, in + whole, len - whole);
    last[len - whole] = 0x80;
    TRY(crypto_des_mac_cbc(des, in, whole, chain));
    xor_block(chain, last);
    secret_wipe(last, sizeof last);
    return crypto_des_encrypt(des, chain, chain, CRYPTO_DES_BLOCK);
}

/* ISO/IEC 9797-1 algorithm 3: CBC with the left key, then decrypt with the right and encrypt with the left. */
enum err crypto_des_mac_retail(const struct secret_key *pair, const uint8_t *in, size_t len, uint8_t out[static CRYPTO_DES_BLOCK])
{
    if (pair->len != 16)
        return CRYPTO_ERR_KEY_LENGTH_ALGORITHM;
    SECRET_KEY half = {.len = 8};
    struct crypto_des left = {0}, right = {0};
    memcpy(half.at, pair->at, 8);
    enum err err = crypto_des_load(&half, &left);
    memcpy(half.at, pair->at + 8, 8);
    if (err == ERR_OK)
        err = crypto_des_load(&half, &right);
    if (err == ERR_OK)
        err = mac_padded(&left, in, len, out);
    if (err == ERR_OK)
        err = crypto_des_decrypt(&right, out, out, CRYPTO_DES_BLOCK);
    if (err == ERR_OK)
        err = crypto_des_encrypt(&left, out, out, CRYPTO_DES_BLOCK);
    crypto_des_unload(&left);
    crypto_des_unload(&right);
    return err;
}
