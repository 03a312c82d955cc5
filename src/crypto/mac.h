/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Digests and message authentication: SHA-1, SHA-256, HMAC-SHA-256, CMAC.
 *
 * Ownership  A loaded `struct crypto_hmac` is freed with crypto_hmac_unload.
 * Threading  One-shot calls are free of state; a loaded key belongs to one thread at a time.
 * Failure    CRYPTO_ERR_FAILED if the library refuses. Compare results with secret_equal only.
 *
 * Example: the MAC over api key, request id, timestamp and body of a request
 *     const struct span part[] = {api_key, request_id, timestamp, body};
 *     TRY(crypto_hmac_sha256(secret, part, 4, mac));
 */
#ifndef CRYPTO_MAC_H
#define CRYPTO_MAC_H

#include "base/buf.h"
#include "base/secret.h"

enum { CRYPTO_DIGEST_SHA1 = 20, CRYPTO_DIGEST_SHA256 = 32 };

MUST_USE enum err crypto_digest_sha1(struct span in, uint8_t out[static CRYPTO_DIGEST_SHA1]);
MUST_USE enum err crypto_digest_sha256(struct span in, uint8_t out[static CRYPTO_DIGEST_SHA256]);

/* The key loaded once, for use on every request. */
struct crypto_hmac {
    void *context;
};
MUST_USE enum err crypto_hmac_load(struct span key, struct crypto_hmac *out);
void crypto_hmac_unload(struct crypto_hmac *hmac);
/* Over the concatenation of the parts. */
MUST_USE enum err crypto_hmac_run(struct crypto_hmac *hmac, const struct span *part, size_t count,
                                  uint8_t out[static CRYPTO_DIGEST_SHA256]);
MUST_USE enum err crypto_hmac_sha256(struct span key, const struct span *part, size_t count,
                                     uint8_t out[static CRYPTO_DIGEST_SHA256]);
/* HKDF (RFC 5869) with SHA-256 and an empty salt. */
MUST_USE enum err crypto_hkdf_sha256(struct span secret, struct span info, uint8_t *out, size_t len);

/* CMAC (SP 800-38B); gives 8 bytes for DES keys (16 or 24 bytes), 16 for AES keys. */
enum crypto_cmac_cipher { CRYPTO_CMAC_DES, CRYPTO_CMAC_AES };
MUST_USE enum err crypto_cmac_run(enum crypto_cmac_cipher cipher, const struct secret_key *key, struct span in,
                                  uint8_t out[static 16]);

#endif
