/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/base64.h"

#include <stdbool.h>

static const char standard[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static void put_group(uint32_t group, size_t characters, const char *alphabet, uint8_t *to)
{
    for (size_t k = 0; k < characters; k++)
        to[k] = (uint8_t)alphabet[group >> (18 - 6 * k) & 63];
}

static void encode(struct span in, const char *alphabet, bool pad, struct buf *out)
{
    size_t whole = in.len / 3, left = in.len % 3;
    uint8_t *to = buf_take(out, 4 * whole + (left == 0 ? 0 : pad ? 4 : left + 1));
    if (!to)
        return;
    for (size_t i = 0; i < whole; i++) {
        const uint8_t *at = in.at + 3 * i;
        put_group((uint32_t)at[0] << 16 | (uint32_t)at[1] << 8 | at[2], 4, alphabet, to + 4 * i);
    }
    if (left == 0)
        return;
    const uint8_t *at = in.at + 3 * whole;
    to += 4 * whole;
    put_group((uint32_t)at[0] << 16 | (left > 1 ? (uint32_t)at[1] << 8 : 0), left + 1, alphabet, to);
    for (size_t k = left + 1; pad && k < 4; k++)
        to[k] = '=';
}

static int value_of(uint8_t c, const char *alphabet)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == (uint8_t)alphabet[62] ? 62 : c == (uint8_t)alphabet[63] ? 63 : -1;
}

/* One group of 2..4 characters; bits that no byte takes must be zero, so that every value has one spelling. */
static enum err decode_group(const uint8_t *at, size_t len, const char *alphabet, uint8_t *out)
{
    uint32_t group = 0;
    for (size_t k = 0; k < len; k++) {
        int value = value_of(at[k], alphabet);
        if (value < 0)
            return ERR_PARSE_CHARACTER;
        group |= (uint32_t)value << (18 - 6 * k);
    }
    if ((len == 2 && group & 0xFFFF) || (len == 3 && group & 0xFF))
        return ERR_PARSE_VALUE;
    for (size_t k = 0; k + 1 < len; k++)
        out[k] = (uint8_t)(group >> (16 - 8 * k));
    return ERR_OK;
}

static enum err decode(struct span in, const char *alphabet, struct buf *out)
{
    size_t rest = in.len % 4;
    if (rest == 1)
        return ERR_PARSE_SHORT;
    size_t before = out->len;
    uint8_t *to = buf_take(out, in.len / 4 * 3 + (rest ? rest - 1 : 0));
    if (!to)
        return out->err;
    enum err err = ERR_OK;
    for (size_t i = 0; i < in.len && err == ERR_OK; i += 4, to += 3)
        err = decode_group(in.at + i, in.len - i < 4 ? in.len - i : 4, alphabet, to);
    if (err != ERR_OK)
        out->len = before;
    return err;
}

void crypto_base64_encode(struct span in, struct buf *out)
{
    encode(in, standard, true, out);
}

enum err crypto_base64_decode(struct span in, struct buf *out)
{
    if (in.len % 4 != 0)
        return ERR_PARSE_SHORT;
    for (int i = 0; i < 2 && in.len > 0 && in.at[in.len - 1] == '='; i++)
        in.len--;
    return decode(in, standard, out);
}

void crypto_base64url_encode(struct span in, struct buf *out)
{
    encode(in, url, false, out);
}

enum err crypto_base64url_decode(struct span in, struct buf *out)
{
    return decode(in, url, out);
}
