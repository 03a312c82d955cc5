/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/rsa.h"

#include "base/secret.h"
#include "crypto/base64.h"
#include "crypto/internal.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

enum { RSA_BITS = 2048, SPKI_DER = 294 };

enum err crypto_rsa_generate(struct crypto_rsa_key *out)
{
    EVP_PKEY *key = EVP_RSA_gen(RSA_BITS);
    if (!key)
        return crypto_failed();
    out->key = key;
    return ERR_OK;
}

void crypto_rsa_free(struct crypto_rsa_key *key)
{
    EVP_PKEY_free(key->key);
    key->key = NULL;
}

enum err crypto_rsa_public_text(const struct crypto_rsa_key *key, struct buf *out)
{
    uint8_t *der = NULL;
    int len = i2d_PUBKEY(key->key, &der);
    if (len <= 0)
        return crypto_failed();
    crypto_base64_encode(span_of(der, (size_t)len), out);
    OPENSSL_free(der);
    return buf_done(out);
}

enum err crypto_rsa_private_der(const struct crypto_rsa_key *key, struct buf *out)
{
    uint8_t *der = NULL;
    int len = i2d_PrivateKey(key->key, &der);
    if (len <= 0)
        return crypto_failed();
    buf_put(out, der, (size_t)len);
    OPENSSL_clear_free(der, (size_t)len);
    return buf_done(out);
}

static enum err take(EVP_PKEY *key, struct crypto_rsa_key *out)
{
    ERR_clear_error();
    if (!key || !EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_get_bits(key) != RSA_BITS) {
        EVP_PKEY_free(key);
        return ERR_PARSE_VALUE;
    }
    out->key = key;
    return ERR_OK;
}

enum err crypto_rsa_import_public(struct span spki_text, struct crypto_rsa_key *out)
{
    uint8_t der[SPKI_DER + 2];
    struct buf b = buf_over(der, sizeof der);
    if (crypto_base64_decode(spki_text, &b) != ERR_OK)
        return ERR_PARSE_VALUE;
    const uint8_t *at = der;
    EVP_PKEY *key = d2i_PUBKEY(NULL, &at, (long)b.len);
    if (key && at != der + b.len) {
        EVP_PKEY_free(key);
        key = NULL;
    }
    return take(key, out);
}

enum err crypto_rsa_import_private(struct span der, struct crypto_rsa_key *out)
{
    const uint8_t *at = der.at;
    return take(d2i_AutoPrivateKey(NULL, &at, (long)der.len), out);
}

/* OAEP with SHA-256 for the label and for MGF1. */
static enum err oaep(EVP_PKEY_CTX *context)
{
    if (EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) != 1 ||
        EVP_PKEY_CTX_set_rsa_oaep_md_name(context, "SHA256", NULL) != 1 ||
        EVP_PKEY_CTX_set_rsa_mgf1_md_name(context, "SHA256", NULL) != 1)
        return crypto_failed();
    return ERR_OK;
}

enum err crypto_rsa_oaep_encrypt(const struct crypto_rsa_key *key, struct span plain, struct buf *out)
{
    uint8_t cipher[CRYPTO_RSA_BYTES];
    size_t len = sizeof cipher;
    if (plain.len > CRYPTO_RSA_PLAIN_MAX)
        return ERR_PARSE_LONG;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, key->key, NULL);
    bool done = context && EVP_PKEY_encrypt_init(context) == 1 && oaep(context) == ERR_OK &&
                EVP_PKEY_encrypt(context, cipher, &len, plain.at, plain.len) == 1;
    EVP_PKEY_CTX_free(context);
    if (!done)
        return crypto_failed();
    buf_put(out, cipher, len);
    return buf_done(out);
}

enum err crypto_rsa_oaep_decrypt(const struct crypto_rsa_key *key, struct span cipher, struct buf *out)
{
    uint8_t plain[CRYPTO_RSA_BYTES] = {0};
    size_t len = sizeof plain;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, key->key, NULL);
    bool done = context && EVP_PKEY_decrypt_init(context) == 1 && oaep(context) == ERR_OK &&
                EVP_PKEY_decrypt(context, plain, &len, cipher.at, cipher.len) == 1 && cipher.len == CRYPTO_RSA_BYTES;
    EVP_PKEY_CTX_free(context);
    ERR_clear_error();
    if (done)
        buf_put(out, plain, len);
    secret_wipe(plain, sizeof plain);
    return done ? buf_done(out) : ERR_PARSE_VALUE;
}
