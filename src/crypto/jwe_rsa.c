/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/jwe_rsa.h"

#include "base/secret.h"
#include "crypto/aead.h"
#include "crypto/base64.h"
#include "crypto/internal.h"
#include "crypto/mac.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

enum { BITS_MIN = 2048, BITS_MAX = 4096 };

static enum err name_key(EVP_PKEY *key, char out[static CRYPTO_JWE_KID_TEXT + 1])
{
    uint8_t *der = NULL, hash[CRYPTO_DIGEST_SHA256];
    int len = i2d_PUBKEY(key, &der);
    if (len <= 0)
        return crypto_failed();
    enum err err = crypto_digest_sha256(span_of(der, (size_t)len), hash);
    OPENSSL_free(der);
    struct buf text = buf_over(out, CRYPTO_JWE_KID_TEXT + 1);
    crypto_base64url_encode(span_of(hash, sizeof hash), &text);
    (void)buf_text(&text);
    return err == ERR_OK ? buf_done(&text) : err;
}

enum err crypto_jwe_recipient_import(struct span pem, struct crypto_jwe_recipient *out)
{
    BIO *memory = BIO_new_mem_buf(pem.at, (int)pem.len);
    EVP_PKEY *key = memory ? PEM_read_bio_PUBKEY(memory, NULL, NULL, NULL) : NULL;
    BIO_free(memory);
    ERR_clear_error();
    bool fits = key && EVP_PKEY_is_a(key, "RSA") && EVP_PKEY_get_bits(key) >= BITS_MIN && EVP_PKEY_get_bits(key) <= BITS_MAX;
    struct crypto_jwe_recipient made = {.key = key};
    enum err err = fits ? name_key(key, made.kid) : ERR_PARSE_VALUE;
    if (err == ERR_OK)
        *out = made;
    else
        EVP_PKEY_free(key);
    return err;
}

void crypto_jwe_recipient_free(struct crypto_jwe_recipient *recipient)
{
    EVP_PKEY_free(recipient->key);
    recipient->key = NULL;
}

/* OAEP with SHA-256 for the label and for MGF1. */
static enum err wrap_key(EVP_PKEY *key, struct span content_key, struct buf *out)
{
    uint8_t cipher[CRYPTO_JWE_RSA_BYTES_MAX];
    size_t len = sizeof cipher;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    bool done = context && EVP_PKEY_encrypt_init(context) == 1 &&
                EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) == 1 &&
                EVP_PKEY_CTX_set_rsa_oaep_md_name(context, "SHA256", NULL) == 1 &&
                EVP_PKEY_CTX_set_rsa_mgf1_md_name(context, "SHA256", NULL) == 1 &&
                EVP_PKEY_encrypt(context, cipher, &len, content_key.at, content_key.len) == 1;
    EVP_PKEY_CTX_free(context);
    if (!done)
        return crypto_failed();
    crypto_base64url_encode(span_of(cipher, len), out);
    return buf_done(out);
}

static void put_header(const struct crypto_jwe_recipient *recipient, uint64_t sequence, struct buf *out)
{
    uint8_t room[CRYPTO_JWE_RSA_HEADER_MAX];
    struct buf header = buf_over(room, sizeof room);
    buf_put_text(&header, "{\"alg\":\"RSA-OAEP-256\",\"enc\":\"A256GCM\",\"kid\":\"");
    buf_put_text(&header, recipient->kid);
    buf_put_text(&header, "\",\"seq\":");
    buf_put_decimal(&header, sequence, 0);
    buf_put_text(&header, "}");
    ASSERT(header.err == ERR_OK);
    crypto_base64url_encode(buf_span(&header), out);
}

/* The protected header, as text, is the associated data. */
static enum err seal(const uint8_t key[static CRYPTO_AEAD_KEY], const struct crypto_jwe_message *m, struct span header)
{
    struct crypto_aead aead = {0};
    TRY(crypto_aead_load(key, &aead));
    enum err err = crypto_aead_seal(&aead, m->env, header, m->plain, m->scratch);
    crypto_aead_unload(&aead);
    return err;
}

static void put_parts(struct span sealed, struct buf *out)
{
    const struct span part[] = {span_slice(sealed, 0, CRYPTO_AEAD_NONCE),
                                span_slice(sealed, CRYPTO_AEAD_NONCE, sealed.len - CRYPTO_AEAD_OVERHEAD),
                                span_slice(sealed, sealed.len - CRYPTO_AEAD_TAG, CRYPTO_AEAD_TAG)};
    for (size_t i = 0; i < sizeof part / sizeof part[0]; i++) {
        buf_put_byte(out, '.');
        crypto_base64url_encode(part[i], out);
    }
}

enum err crypto_jwe_recipient_encrypt(const struct crypto_jwe_recipient *recipient, const struct crypto_jwe_message *message,
                                      struct buf *out)
{
    uint8_t key[CRYPTO_AEAD_KEY];
    size_t start = out->len;
    buf_clear(message->scratch);
    put_header(recipient, message->sequence, out);
    struct span header = span_of(out->at + start, out->len - start);
    TRY(buf_done(out));
    env_random(message->env, key, sizeof key);
    buf_put_byte(out, '.');
    enum err err = wrap_key(recipient->key, span_of(key, sizeof key), out);
    if (err == ERR_OK)
        err = seal(key, message, header);
    secret_wipe(key, sizeof key);
    TRY(err);
    put_parts(buf_span(message->scratch), out);
    return buf_done(out);
}

size_t crypto_jwe_recipient_text_max(size_t plain_len)
{
    return 4 * (CRYPTO_JWE_RSA_HEADER_MAX + CRYPTO_JWE_RSA_BYTES_MAX + plain_len + CRYPTO_AEAD_OVERHEAD) / 3 + 16;
}
