/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/digest.h"

#include "crypto/internal.h"

#include <openssl/evp.h>

enum err digest_stream_begin(struct span key, struct digest_stream *out)
{
    struct hmac loaded = {0};
    TRY(hmac_load(key, &loaded));
    out->context = loaded.context;
    return ERR_OK;
}

enum err digest_stream_add(struct digest_stream *stream, struct span in)
{
    if (in.len > 0 && EVP_MAC_update(stream->context, in.at, in.len) != 1)
        return crypto_failed();
    return ERR_OK;
}

enum err digest_stream_peek(const struct digest_stream *stream, uint8_t out[static DIGEST_SHA256])
{
    size_t made = 0;
    EVP_MAC_CTX *copy = EVP_MAC_CTX_dup(stream->context);
    bool done = copy && EVP_MAC_final(copy, out, &made, DIGEST_SHA256) == 1 && made == DIGEST_SHA256;
    EVP_MAC_CTX_free(copy);
    return done ? ERR_OK : crypto_failed();
}

void digest_stream_end(struct digest_stream *stream)
{
    EVP_MAC_CTX_free(stream->context);
    stream->context = NULL;
}
