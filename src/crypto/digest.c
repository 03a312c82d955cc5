/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/digest.h"

#include "crypto/internal.h"

#include <openssl/evp.h>

enum err crypto_digest_stream_begin(struct span key, struct crypto_digest_stream *out)
{
    struct crypto_hmac loaded = {0};
    TRY(crypto_hmac_load(key, &loaded));
    out->context = loaded.context;
    return ERR_OK;
}

enum err crypto_digest_stream_add(struct crypto_digest_stream *stream, struct span in)
{
    if (in.len > 0 && EVP_MAC_update(stream->context, in.at, in.len) != 1)
        return crypto_failed();
    return ERR_OK;
}

enum err crypto_digest_stream_peek(const struct crypto_digest_stream *stream, uint8_t out[static CRYPTO_DIGEST_SHA256])
{
    size_t made = 0;
    EVP_MAC_CTX *copy = EVP_MAC_CTX_dup(stream->context);
    bool done = copy && EVP_MAC_final(copy, out, &made, CRYPTO_DIGEST_SHA256) == 1 && made == CRYPTO_DIGEST_SHA256;
    EVP_MAC_CTX_free(copy);
    return done ? ERR_OK : crypto_failed();
}

void crypto_digest_stream_end(struct crypto_digest_stream *stream)
{
    EVP_MAC_CTX_free(stream->context);
    stream->context = NULL;
}
