/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RSA-2048 with OAEP (SHA-256, MGF1-SHA256, empty label): the encryption of card data by a merchant's page.
 *
 * Ownership  crypto_rsa_generate and rsa_import_* make, crypto_rsa_free frees; the struct may be moved but not copied.
 * Threading  A key may be used from several threads at once.
 * Failure    Decryption has one failure, ERR_PARSE_VALUE, for wrong length, wrong padding and wrong key alike, so the key is no
 *            padding oracle; nothing is left in `out`. Import of anything but an RSA key of 2048 bits is ERR_PARSE_VALUE too.
 * Limits     Plaintexts up to 190 bytes; ciphertexts are 256 bytes. One private operation takes about 1 ms.
 */
#ifndef CRYPTO_RSA_H
#define CRYPTO_RSA_H

#include "base/buf.h"

enum { CRYPTO_RSA_BYTES = 256, CRYPTO_RSA_PLAIN_MAX = 190, CRYPTO_RSA_SPKI_TEXT = 392, CRYPTO_RSA_DER_MAX = 1300 };

struct crypto_rsa_key {
    void *key;
};

MUST_USE enum err crypto_rsa_generate(struct crypto_rsa_key *out);
void crypto_rsa_free(struct crypto_rsa_key *key);

/* base64 of the DER SubjectPublicKeyInfo: CRYPTO_RSA_SPKI_TEXT characters. */
MUST_USE enum err crypto_rsa_public_text(const struct crypto_rsa_key *key, struct buf *out);
MUST_USE enum err crypto_rsa_import_public(struct span spki_text, struct crypto_rsa_key *out);
/* DER of the private key, to be sealed; the caller wipes it. At most CRYPTO_RSA_DER_MAX bytes. */
MUST_USE enum err crypto_rsa_private_der(const struct crypto_rsa_key *key, struct buf *out);
MUST_USE enum err crypto_rsa_import_private(struct span der, struct crypto_rsa_key *out);

MUST_USE enum err crypto_rsa_oaep_encrypt(const struct crypto_rsa_key *key, struct span plain, struct buf *out);
MUST_USE enum err crypto_rsa_oaep_decrypt(const struct crypto_rsa_key *key, struct span cipher, struct buf *out);

#endif
