/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/annotate.h"

#include "base/secret.h"
#include "wire/internal.h"

#include <string.h>

static struct wire_part part_of(const struct wire_field *field, const struct wire_cursor *c, size_t from)
{
    struct wire_part part = {.field = field, .offset = from, .bytes = span_slice(c->in, from, c->at - from)};
    part.value = part.bytes;
    if (field->cap > 0) {
        const struct wire_text *member = wire_member_const(c->out, field->member);
        part.value = span_of(member->at, member->len);
    }
    return part;
}

enum err wire_annotate(const struct wire_record *record, struct span in, void *out, const struct wire_visitor *visitor,
                       size_t *used, struct wire_fault *fault)
{
    struct wire_cursor c = {in, 0, out, fault};
    if (record->size > 0)
        memset(out, 0, record->size);
    for (size_t i = 0; i < record->count;) {
        size_t absent = wire_rows_absent(record, i, &c);
        size_t from = c.at;
        if (absent > 0) {
            i += absent;
            continue;
        }
        enum err err = wire_row_parse(&record->field[i], &c);
        if (err != ERR_OK) {
            secret_wipe(out, record->size);
            return err;
        }
        const struct wire_part part = part_of(&record->field[i], &c, from);
        visitor->visit(visitor->context, &part);
        i++;
    }
    *used = c.at;
    return ERR_OK;
}
