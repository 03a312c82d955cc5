/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shapes: which member of a struct stands for which name in a statement.
 *
 * Purpose    A shape lists members of a struct by name, kind and offset. A statement (store/statement.h) takes its arguments from
 *            one struct and gives its result rows into another; one engine reads and writes them all, and nothing is copied by
 *            hand.
 * Ownership  Shapes are constants of the room that owns the struct.
 * Failure    A value that does not fit its member is ERR_INTERNAL: the tables are ours alone.
 * Limits     A struct has less than 64 KiB.
 *
 * Example
 *     struct purse { char id[17]; int64_t balance; };
 *     static const struct store_member purse_member[] = {
 *         STORE_MEMBER(TEXT, struct purse, "id", id), STORE_MEMBER(INT, struct purse, "balance", balance)};
 *     static const struct store_shape purse = STORE_SHAPE(struct purse, purse_member);
 *     ...
 *     TRY(store_shape_read(&purse, &op->rows, 0, &out));
 */
#ifndef STORE_SHAPE_H
#define STORE_SHAPE_H

#include "store/value.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum store_member_kind {
    STORE_MEMBER_INT,    /* int64_t */
    STORE_MEMBER_BOOL,   /* bool, as 0 or 1 */
    STORE_MEMBER_TEXT,   /* char [n], ended by a zero */
    STORE_MEMBER_BYTES,  /* struct { uint16_t len; uint8_t at[n]; } */
    STORE_MEMBER_ENUM,   /* an enum, as the text that `names` has for it */
    STORE_MEMBER_CHAR,   /* char, as a text of one; 0: an empty text */
    STORE_MEMBER_SPAN,   /* struct span, as a text; of a result row it points to the cell */
    STORE_MEMBER_BLOB,   /* struct span, as bytes; so here */
    STORE_MEMBER_FIXED,  /* uint8_t [n], as n bytes */
    STORE_MEMBER_STRING, /* const char *, of arguments alone; NULL: an SQL NULL */
};

struct store_member {
    const char *name; /* of the argument or the column; a column may have its table in front: "c.status" */
    enum store_member_kind kind;
    uint16_t offset;
    uint16_t size;
    const char *const *names; /* of an enum, in its order, ended by NULL */
};

struct store_shape {
    const struct store_member *member;
    size_t count;
    size_t size; /* of the struct */
};

/* clang-format off */
#define STORE_MEMBER(kind_, struct_, name_, member_) \
    {name_, STORE_MEMBER_##kind_, (uint16_t)offsetof(struct_, member_), sizeof(((struct_ *)0)->member_), NULL}
#define STORE_MEMBER_OF(names_, struct_, name_, member_) \
    {name_, STORE_MEMBER_ENUM, (uint16_t)offsetof(struct_, member_), sizeof(((struct_ *)0)->member_), names_}
#define STORE_SHAPE(struct_, list_) {list_, sizeof(list_) / sizeof((list_)[0]), sizeof(struct_)}
/* clang-format on */

/* Fills `out` (shape->size bytes, zeroed first) from a result row. */
MUST_USE enum err store_shape_read(const struct store_shape *shape, const struct store_rows *rows, size_t row, void *out);
/* The value of a member of `in`; it points into `in`, which must stay. */
struct store_value store_member_value(const struct store_member *member, const void *in);
/* How a statement sees a member: 'i' INT8, 't' text, 'b' bytes. */
char store_member_letter(const struct store_member *member);
/* The name of a member without its table. */
const char *store_member_column(const struct store_member *member);
/* Every member has the size of its kind and lies within the struct. Names the first that does not; NULL: all do. */
const char *store_shape_check(const struct store_shape *shape);

#endif
