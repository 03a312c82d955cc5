/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JWE in compact form (RFC 7516) to an RSA key: RSA-OAEP-256 (RFC 7518 4.3), A256GCM.
 *
 * Purpose    Files that only their recipient reads, by any JOSE tool. Every message has a fresh content key.
 * Ownership  jwe_recipient_import makes, jwe_recipient_free frees.
 * Threading  One thread at a time.
 * Failure    Import of anything but an RSA public key of 2,048 to 4,096 bits: ERR_PARSE_VALUE. ERR_CRYPTO if the library refuses.
 * Limits     Plaintexts up to AEAD_PLAIN_MAX bytes.
 *
 * Example
 *     struct jwe_recipient to;
 *     TRY(jwe_recipient_import(pem, &to));
 *     TRY(jwe_recipient_encrypt(&to, &(struct jwe_message){sequence, plain, &env, &scratch}, &out));
 */
#ifndef CRYPTO_JWE_RSA_H
#define CRYPTO_JWE_RSA_H

#include "base/buf.h"
#include "base/env.h"

enum { JWE_KID_TEXT = 43, JWE_RSA_BYTES_MAX = 512, JWE_RSA_HEADER_MAX = 256 };

struct jwe_recipient {
    void *key;
    char kid[JWE_KID_TEXT + 1]; /* base64url of SHA-256 over the DER SubjectPublicKeyInfo */
};

/* PEM of a SubjectPublicKeyInfo ("BEGIN PUBLIC KEY"). */
MUST_USE enum err jwe_recipient_import(struct span pem, struct jwe_recipient *out);
void jwe_recipient_free(struct jwe_recipient *recipient);

struct jwe_message {
    uint64_t sequence; /* stands in the protected header as "seq" */
    struct span plain;
    const struct env *env;
    struct buf *scratch; /* room for plain and AEAD_OVERHEAD */
};
MUST_USE enum err jwe_recipient_encrypt(const struct jwe_recipient *recipient, const struct jwe_message *message, struct buf *out);
/* Characters that a message of `plain_len` bytes can take. */
size_t jwe_recipient_text_max(size_t plain_len);

#endif
