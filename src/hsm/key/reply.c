/* SPDX-License-Identifier: Apache-2.0 */
#include "hsm/key/reply.h"

#include "keys/error.h"

#include <string.h>

char hsm_letter(struct span member, char otherwise)
{
    return member.len > 0 ? (char)member.at[0] : otherwise;
}

char hsm_scheme_of(struct span letter)
{
    char scheme = hsm_letter(letter, '0');
    return scheme == '0' ? 0 : scheme;
}

uint8_t hsm_scheme_length(char scheme)
{
    switch (scheme) {
    case KEYS_Z:
        return HSM_SINGLE;
    case KEYS_U:
    case KEYS_X:
        return HSM_DOUBLE;
    case KEYS_T:
    case KEYS_Y:
        return HSM_TRIPLE;
    default:
        return 0;
    }
}

enum err hsm_reply_kcv(const struct secret_key *key, char algorithm, size_t bytes, struct wire_text *member, size_t cap)
{
    uint8_t kcv[8];
    char text[2 * sizeof kcv];
    ASSERT(bytes <= sizeof kcv);
    struct buf b = buf_over(text, sizeof text);
    TRY(keys_block_kcv(algorithm, key, kcv));
    buf_put_hex(&b, kcv, bytes);
    return wire_text_set(member, cap, buf_span(&b)) ? ERR_OK : ERR_INTERNAL;
}

enum err hsm_reply_key(const struct buf *b, struct wire_text *member, size_t cap)
{
    TRY(buf_done(b));
    return wire_text_set(member, cap, buf_span(b)) ? ERR_OK : KEYS_ERR_BLOCK_LENGTH;
}

enum err hsm_reply_half_kcvs(const struct secret_key *pair, struct wire_text *a, struct wire_text *b, size_t cap)
{
    ASSERT(pair->len == HSM_DOUBLE);
    SECRET_KEY half = {.len = HSM_SINGLE};
    memcpy(half.at, pair->at, HSM_SINGLE);
    TRY(hsm_reply_kcv(&half, 'T', HSM_KCV_SHORT, a, cap));
    memcpy(half.at, pair->at + HSM_SINGLE, HSM_SINGLE);
    return hsm_reply_kcv(&half, 'T', HSM_KCV_SHORT, b, cap);
}
