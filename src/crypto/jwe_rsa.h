/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JWE in compact form (RFC 7516) to an RSA key: RSA-OAEP-256 (RFC 7518 4.3), A256GCM.
 *
 * Purpose    Files that only their recipient reads, by any JOSE tool. Every message has a fresh content key.
 * Ownership  crypto_jwe_recipient_import makes, crypto_jwe_recipient_free frees.
 * Threading  One thread at a time.
 * Failure    Import of anything but an RSA public key of 2,048 to 4,096 bits: ERR_PARSE_VALUE. CRYPTO_ERR_FAILED if the
 *            library refuses.
 * Limits     Plaintexts up to CRYPTO_AEAD_PLAIN_MAX bytes.
 *
 * Example
 *     struct crypto_jwe_recipient to;
 *     TRY(crypto_jwe_recipient_import(pem, &to));
 *     TRY(crypto_jwe_recipient_encrypt(&to, &(struct crypto_jwe_message){sequence, plain, &env, &scratch}, &out));
 */
#ifndef CRYPTO_JWE_RSA_H
#define CRYPTO_JWE_RSA_H

#include "base/buf.h"
#include "base/env.h"

enum { CRYPTO_JWE_KID_TEXT = 43, CRYPTO_JWE_RSA_BYTES_MAX = 512, CRYPTO_JWE_RSA_HEADER_MAX = 256 };

struct crypto_jwe_recipient {
    void *key;
    char kid[CRYPTO_JWE_KID_TEXT + 1]; /* base64url of SHA-256 over the DER SubjectPublicKeyInfo */
};

/* PEM of a SubjectPublicKeyInfo ("BEGIN PUBLIC KEY"). */
MUST_USE enum err crypto_jwe_recipient_import(struct span pem, struct crypto_jwe_recipient *out);
void crypto_jwe_recipient_free(struct crypto_jwe_recipient *recipient);

struct crypto_jwe_message {
    uint64_t sequence; /* stands in the protected header as "seq" */
    struct span plain;
    const struct env *env;
    struct buf *scratch; /* room for plain and CRYPTO_AEAD_OVERHEAD */
};
MUST_USE enum err crypto_jwe_recipient_encrypt(const struct crypto_jwe_recipient *recipient,
                                               const struct crypto_jwe_message *message, struct buf *out);
/* Characters that a message of `plain_len` bytes can take. */
size_t crypto_jwe_recipient_text_max(size_t plain_len);

#endif
