/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include <string.h>

struct span span_text(const char *text)
{
    return (struct span){(const uint8_t *)text, strlen(text)};
}

bool span_equal(struct span a, struct span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

bool span_is(struct span a, const char *text)
{
    return span_equal(a, span_text(text));
}

struct span span_slice(struct span s, size_t from, size_t len)
{
    if (from >= s.len)
        return (struct span){s.len > 0 ? s.at + s.len : s.at, 0}; /* an empty span may have no place */
    size_t left = s.len - from;
    return (struct span){s.at + from, len < left ? len : left};
}

struct span span_cut(struct span *rest, char separator)
{
    const uint8_t *at = rest->len > 0 ? memchr(rest->at, separator, rest->len) : NULL;
    struct span part = span_slice(*rest, 0, at ? (size_t)(at - rest->at) : rest->len);
    *rest = span_slice(*rest, part.len + 1, SIZE_MAX);
    return part;
}

enum err span_decimal(struct span s, uint64_t *out)
{
    if (s.len == 0)
        return ERR_PARSE_SHORT;
    if (s.len > 18)
        return ERR_PARSE_LONG;
    uint64_t value = 0;
    for (size_t i = 0; i < s.len; i++) {
        unsigned digit = (unsigned)s.at[i] - '0';
        if (digit > 9)
            return ERR_PARSE_CHARACTER;
        value = value * 10 + digit;
    }
    *out = value;
    return ERR_OK;
}

static int nibble(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

enum err span_unhex(struct span s, uint8_t *out, size_t cap)
{
    if (s.len % 2 != 0)
        return ERR_PARSE_SHORT;
    if (s.len / 2 > cap)
        return ERR_PARSE_LONG;
    for (size_t i = 0; i < s.len; i += 2) {
        int high = nibble(s.at[i]);
        int low = nibble(s.at[i + 1]);
        if (high < 0 || low < 0)
            return ERR_PARSE_CHARACTER;
        out[i / 2] = (uint8_t)(high << 4 | low);
    }
    return ERR_OK;
}

void buf_clear(struct buf *b)
{
    b->len = 0;
    b->err = ERR_OK;
}

uint8_t *buf_take(struct buf *b, size_t len)
{
    if (b->err != ERR_OK || len > b->cap - b->len) {
        if (b->err == ERR_OK)
            b->err = ERR_PARSE_LONG;
        return NULL;
    }
    uint8_t *at = b->at + b->len;
    b->len += len;
    return at;
}

void buf_put(struct buf *b, const void *at, size_t len)
{
    uint8_t *to = buf_take(b, len);
    if (to && len > 0)
        memcpy(to, at, len);
}

void buf_put_span(struct buf *b, struct span s)
{
    buf_put(b, s.at, s.len);
}

void buf_put_text(struct buf *b, const char *text)
{
    buf_put(b, text, strlen(text));
}

void buf_put_byte(struct buf *b, uint8_t byte)
{
    uint8_t *to = buf_take(b, 1);
    if (to)
        *to = byte;
}

void buf_put_fill(struct buf *b, uint8_t byte, size_t count)
{
    uint8_t *to = buf_take(b, count);
    if (to && count > 0)
        memset(to, byte, count);
}

void buf_put_u16(struct buf *b, uint16_t value)
{
    uint8_t *to = buf_take(b, 2);
    if (to) {
        to[0] = (uint8_t)(value >> 8);
        to[1] = (uint8_t)value;
    }
}

void buf_put_decimal(struct buf *b, uint64_t value, size_t width)
{
    char digit[20];
    size_t n = 0;
    do {
        digit[n++] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    if (width == 0)
        width = n;
    if (n > width && b->err == ERR_OK)
        b->err = ERR_PARSE_LONG;
    uint8_t *to = buf_take(b, width);
    if (!to)
        return;
    memset(to, '0', width - n);
    for (size_t i = 0; i < n; i++)
        to[width - 1 - i] = (uint8_t)digit[i];
}

void buf_put_integer(struct buf *b, int64_t value)
{
    if (value < 0)
        buf_put_byte(b, '-');
    buf_put_decimal(b, value < 0 ? (uint64_t) - (value + 1) + 1 : (uint64_t)value, 0);
}

void buf_put_hex(struct buf *b, const void *at, size_t len)
{
    static const char digit[] = "0123456789ABCDEF";
    const uint8_t *from = at;
    uint8_t *to = buf_take(b, 2 * len);
    for (size_t i = 0; to && i < len; i++) {
        to[2 * i] = (uint8_t)digit[from[i] >> 4];
        to[2 * i + 1] = (uint8_t)digit[from[i] & 15];
    }
}

const char *buf_text(struct buf *b)
{
    if (b->len >= b->cap) {
        b->err = ERR_PARSE_LONG;
        return "";
    }
    b->at[b->len] = 0;
    return (const char *)b->at;
}
