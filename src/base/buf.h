/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Spans and capped buffers: the only way the house touches wire data.
 *
 * Purpose    `struct span` is a borrowed, read-only piece of memory. `struct buf` writes into memory of a fixed capacity.
 * Ownership  Neither owns what it points to.
 * Threading  Values; one writer at a time.
 * Failure    A buf has a sticky error: the first write that does not fit sets it, later writes do nothing, and the caller checks
 *            once at the end with buf_done(). Nothing is written past `cap`.
 * Limits     Lengths are bytes.
 *
 * Example
 *     uint8_t room[64];
 *     struct buf out = buf_over(room, sizeof room);
 *     buf_put_text(&out, "CX00");
 *     buf_put_decimal(&out, 7, 3);
 *     TRY(buf_done(&out));                    // room holds CX00007
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct span {
    const uint8_t *at;
    size_t len;
};

struct buf {
    uint8_t *at;
    size_t len;
    size_t cap;
    enum err err;
};

static inline struct span span_of(const void *at, size_t len)
{
    return (struct span){at, len};
}
struct span span_text(const char *text);
bool span_equal(struct span a, struct span b);
bool span_is(struct span a, const char *text);
/* The part from `from`, at most `len` bytes; a start past the end gives an empty span. */
struct span span_slice(struct span s, size_t from, size_t len);
/* The part in front of the first `separator`, or all of it; *rest moves behind that. */
struct span span_cut(struct span *rest, char separator);
/* Decimal digits only, 1..18 of them. */
MUST_USE enum err span_decimal(struct span s, uint64_t *out);
/* Two hexadecimal digits a byte, either case; `out` has s.len / 2 bytes. */
MUST_USE enum err span_unhex(struct span s, uint8_t *out, size_t cap);

static inline struct buf buf_over(void *at, size_t cap)
{
    return (struct buf){at, 0, cap, ERR_OK};
}
static inline struct span buf_span(const struct buf *b)
{
    return (struct span){b->at, b->len};
}
MUST_USE static inline enum err buf_done(const struct buf *b)
{
    return b->err;
}
void buf_clear(struct buf *b);

void buf_put(struct buf *b, const void *at, size_t len);
void buf_put_span(struct buf *b, struct span s);
void buf_put_text(struct buf *b, const char *text);
void buf_put_byte(struct buf *b, uint8_t byte);
void buf_put_fill(struct buf *b, uint8_t byte, size_t count);
void buf_put_u16(struct buf *b, uint16_t value);                   /* big-endian */
void buf_put_decimal(struct buf *b, uint64_t value, size_t width); /* zero-filled to `width`; 0 = as long as needed; wider: error */
void buf_put_integer(struct buf *b, int64_t value);
void buf_put_hex(struct buf *b, const void *at, size_t len); /* upper case */
/* Reserves `len` bytes and returns where they start, or NULL with the sticky error set. */
uint8_t *buf_take(struct buf *b, size_t len);
/* Adds a terminating zero that is not counted in len, for use with C strings. */
const char *buf_text(struct buf *b);

#endif
