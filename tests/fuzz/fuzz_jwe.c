/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of any bytes, and their headers: refused, and nothing is left in the output; base64 is one to one. */
#include "crypto/base64.h"
#include "crypto/jose.h"
#include "crypto/jwe.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_base64(struct span text, enum err (*decode)(struct span, struct buf *), void (*encode)(struct span, struct buf *))
{
    static uint8_t raw_room[16384], back_room[16384];
    struct buf raw = buf_over(raw_room, sizeof raw_room), back = buf_over(back_room, sizeof back_room);
    if (text.len > 8192)
        return;
    if (decode(text, &raw) != ERR_OK) {
        if (raw.len != 0)
            abort();
        return;
    }
    encode(buf_span(&raw), &back);
    if (!span_equal(buf_span(&back), text))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct crypto_jwe_private own;
    static struct crypto_jwe_public point;
    static uint8_t room[CRYPTO_JWE_TEXT_MAX];
    if (!own.key && crypto_jwe_generate(&own, &point) != ERR_OK)
        abort();
    struct span in = span_of(data, size), part;
    struct buf out = buf_over(room, sizeof room);
    if (crypto_jwe_decrypt(&own, in, &out) != ERR_PARSE_VALUE || out.len != 0)
        abort();
    if (crypto_jose_text(in, "alg", &part) == ERR_OK && (part.at < data || part.at + part.len > data + size))
        abort();
    if (crypto_jose_object(in, "epk", &part) == ERR_OK && (part.len < 2 || part.at[part.len - 1] != '}'))
        abort();
    check_base64(in, crypto_base64_decode, crypto_base64_encode);
    check_base64(in, crypto_base64url_decode, crypto_base64url_encode);
    return 0;
}
