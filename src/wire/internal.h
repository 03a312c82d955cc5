/* SPDX-License-Identifier: Apache-2.0 */
/* Shared inside the room; nobody else includes it. */
#ifndef WIRE_INTERNAL_H
#define WIRE_INTERNAL_H

#include "wire/wire.h"

/* Sets the fault, if one is wanted, and returns the error that belongs to the outcome. */
enum err wire_fault_set(struct wire_fault *fault, enum wire_outcome outcome, const struct wire_field *field, size_t offset);

static inline struct wire_text *wire_member(const struct wire_field *field, void *record)
{
    return (struct wire_text *)(void *)((uint8_t *)record + field->member);
}

static inline const struct wire_text *wire_member_const(const void *record, size_t offset)
{
    return (const struct wire_text *)(const void *)((const uint8_t *)record + offset);
}

enum { WIRE_ITEM_HEAD = 4 }; /* digits of an item's length */

/* Whether the row exists, given the members before it. */
bool wire_row_exists(const struct wire_field *field, const void *record);
/* The first row after the optional group that starts at `start`. */
size_t wire_group_end(const struct wire_record *record, size_t start);
/* Whether any member of the group is present. */
bool wire_group_present(const struct wire_record *record, size_t start, const void *in);
/* The number that a counter member holds. */
MUST_USE enum err wire_counter_read(const struct wire_field *field, const void *record, size_t *out);
/* Sets it, in as many digits as it has. */
void wire_counter_write(const struct wire_field *field, size_t count, void *record);

/* Where a parser of positional records stands. */
struct wire_cursor {
    struct span in;
    size_t at;
    void *out;
    struct wire_fault *fault;
};

/* The rows to skip from row `i` on: an absent group, an absent optional, a row of another variant. 0 = parse this one. */
size_t wire_rows_absent(const struct wire_record *record, size_t i, const struct wire_cursor *c);
/* Reads one row into its member and moves on. */
MUST_USE enum err wire_row_parse(const struct wire_field *field, struct wire_cursor *c);

/* One choice of WIRE_ENUM at a time: advances *rest; false at the end. */
bool wire_choice_next(const char **rest, struct span *choice);

/* ASCII to EBCDIC code page 037, printable characters; and back, 0 for what has no printable ASCII. */
uint8_t wire_ebcdic_from_ascii(uint8_t c);
uint8_t wire_ebcdic_to_ascii(uint8_t c);

#endif
