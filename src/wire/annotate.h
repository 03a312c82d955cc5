/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A record on the wire, explained field by field.
 *
 * Purpose    Walks the rows as wire_parse does and tells a visitor where each field lies: for people who debug a frame.
 * Ownership  A part borrows from the data and from the record that is being filled; it is valid during the call of the visitor.
 * Threading  Free of state.
 * Failure    As wire_parse; the parts before the fault have been visited, and `out` is wiped.
 * Limits     Bound by position only.
 *
 * Example
 *     static void show(void *context, const struct wire_part *part)
 *     {
 *         struct buf *out = context;
 *         buf_put_decimal(out, part->offset, 4);
 *         wire_value_describe(part->field, part->value, out);        // masked as the row says
 *     }
 *     TRY(wire_annotate(&cw_record, data, &cw, &(struct wire_visitor){show, &text}, &used, &fault));
 */
#ifndef WIRE_ANNOTATE_H
#define WIRE_ANNOTATE_H

#include "wire/wire.h"

struct wire_part {
    const struct wire_field *field;
    size_t offset;     /* into the data */
    struct span bytes; /* as they stand there, with length prefix and delimiter */
    struct span value; /* decoded; the literal of a WIRE_CONST */
};

struct wire_visitor {
    void (*visit)(void *context, const struct wire_part *part);
    void *context;
};

/* `out` and `used` as in wire_parse. */
MUST_USE enum err wire_annotate(const struct wire_record *record, struct span in, void *out, const struct wire_visitor *visitor,
                                size_t *used, struct wire_fault *fault);

/* What the row takes, as the reference prints it: 4N, 12..19N, `A`, `B`, KEY. */
void wire_field_type(const struct wire_field *field, struct buf *out);

#endif
