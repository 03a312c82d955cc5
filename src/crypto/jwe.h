/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JWE in compact form (RFC 7516): ECDH-ES direct agreement on P-256, Concat KDF (RFC 7518 4.6), A256GCM.
 *
 * Purpose    A credential is readable by the registered key of one client only. Every message has a fresh ephemeral key, so the
 *            content key never repeats.
 * Ownership  jwe_public is a value; jwe_private is freed with crypto_jwe_private_free.
 * Threading  Free of state.
 * Failure    Import of a point that is not on the curve: ERR_PARSE_VALUE. Decryption has one failure for whatever is wrong with the
 *            message: ERR_PARSE_VALUE; nothing is left in `out`.
 * Limits     Compact texts up to 8,192 characters; kid of letters, digits and . _ : - , at most 64.
 *
 * Example
 *     struct crypto_jwe_public client;
 *     TRY(crypto_jwe_import_public(x, y, &client));                 // members of the client's JWK, base64url
 *     TRY(crypto_jwe_encrypt(&client, kid, plain, env, &out));
 */
#ifndef CRYPTO_JWE_H
#define CRYPTO_JWE_H

#include "base/buf.h"
#include "base/env.h"

enum { CRYPTO_JWE_COORDINATE = 32, CRYPTO_JWE_COORDINATE_TEXT = 43, CRYPTO_JWE_TEXT_MAX = 8192, CRYPTO_JWE_KID_MAX = 64 };

struct crypto_jwe_public {
    uint8_t x[CRYPTO_JWE_COORDINATE];
    uint8_t y[CRYPTO_JWE_COORDINATE];
};
struct crypto_jwe_private {
    void *key;
};

/* kty EC, crv P-256 are the caller's to check; x and y as base64url text of 43 characters. */
MUST_USE enum err crypto_jwe_import_public(struct span x_text, struct span y_text, struct crypto_jwe_public *out);
MUST_USE enum err crypto_jwe_encrypt(const struct crypto_jwe_public *recipient, struct span kid, struct span plain,
                                     const struct env *env, struct buf *out);

/* For clients and tests. */
MUST_USE enum err crypto_jwe_generate(struct crypto_jwe_private *out_private, struct crypto_jwe_public *out_public);
/* From the members x, y, d of a private JWK. */
MUST_USE enum err crypto_jwe_import_private(const struct crypto_jwe_public *point, struct span d_text,
                                            struct crypto_jwe_private *out);
void crypto_jwe_private_free(struct crypto_jwe_private *key);
MUST_USE enum err crypto_jwe_decrypt(const struct crypto_jwe_private *key, struct span compact, struct buf *out);

/* The Concat KDF of RFC 7518 4.6.2; `len` up to 32. The algorithm id is the value of "enc" (direct agreement). */
struct crypto_jwe_kdf {
    struct span shared;
    struct span algorithm;
    struct span apu;
    struct span apv;
};
MUST_USE enum err crypto_jwe_concat_kdf(const struct crypto_jwe_kdf *in, uint8_t *out, size_t len);

#endif
