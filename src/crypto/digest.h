/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HMAC-SHA-256 over a stream, with looks at what it is so far.
 *
 * Purpose    Tells whether a long input is the one that was seen before, at any point of it.
 * Ownership  crypto_digest_stream_begin makes, crypto_digest_stream_end frees.
 * Threading  One thread at a time.
 * Failure    CRYPTO_ERR_FAILED if the library refuses.
 * Limits     None on the length.
 */
#ifndef CRYPTO_DIGEST_H
#define CRYPTO_DIGEST_H

#include "crypto/mac.h"

struct crypto_digest_stream {
    void *context;
};
MUST_USE enum err crypto_digest_stream_begin(struct span key, struct crypto_digest_stream *out);
MUST_USE enum err crypto_digest_stream_add(struct crypto_digest_stream *stream, struct span in);
/* The MAC over everything added so far; more may be added afterwards. */
MUST_USE enum err crypto_digest_stream_peek(const struct crypto_digest_stream *stream, uint8_t out[static CRYPTO_DIGEST_SHA256]);
void crypto_digest_stream_end(struct crypto_digest_stream *stream);

#endif
