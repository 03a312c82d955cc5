/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What goes into a statement and comes out of it.
 *
 * Purpose    A value is an SQL NULL, an INT8, a text or bytes; rows are a table of them.
 * Ownership  A value points to its text or bytes and owns nothing.
 * Limits     Texts and bytes have less than 4 GiB.
 */
#ifndef STORE_VALUE_H
#define STORE_VALUE_H

#include "base/buf.h"

#include <stdint.h>
#include <string.h>

enum store_kind { STORE_NULL, STORE_INT, STORE_TEXT, STORE_BYTES };

struct store_value {
    enum store_kind kind;
    uint32_t len; /* of TEXT and BYTES */
    union {
        int64_t integer;
        const uint8_t *at;
    };
};

static inline struct store_value store_int(int64_t value)
{
    return (struct store_value){.kind = STORE_INT, .integer = value};
}
static inline struct store_value store_bytes(const void *at, size_t len)
{
    return (struct store_value){.kind = STORE_BYTES, .len = (uint32_t)len, .at = at};
}
static inline struct store_value store_text(const char *text)
{
    return (struct store_value){.kind = STORE_TEXT, .len = (uint32_t)strlen(text), .at = (const uint8_t *)text};
}
static inline struct store_value store_text_span(struct span s)
{
    return (struct store_value){.kind = STORE_TEXT, .len = (uint32_t)s.len, .at = s.at};
}

struct store_rows {
    struct store_value *cell; /* count x columns, row by row, in the batch's arena */
    size_t count;
    size_t columns;
};

#endif
