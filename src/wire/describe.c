/* SPDX-License-Identifier: Apache-2.0 */
/* What people read: masked descriptions and reference tables. */
#include "wire/annotate.h"
#include "wire/internal.h"

#include <string.h>

static bool printable(struct span value)
{
    for (size_t i = 0; i < value.len; i++)
        if (value.at[i] < 0x20 || value.at[i] >= 0x7F)
            return false;
    return true;
}

/* First six and last four digits stay (PCI DSS 3.4.1); a shorter value is hidden whole. */
static void put_masked_pan(struct span value, struct buf *out)
{
    bool showable = value.len >= 13;
    size_t hidden = showable ? value.len - 10 : value.len;
    buf_put_span(out, span_slice(value, 0, showable ? 6 : 0));
    buf_put_fill(out, '*', hidden);
    buf_put_span(out, span_slice(value, showable ? value.len - 4 : value.len, 4));
}

void wire_value_describe(const struct wire_field *field, struct span value, struct buf *out)
{
    if (field->flags & WIRE_SECRET) {
        buf_put_text(out, "***");
    } else if (field->flags & WIRE_PAN) {
        put_masked_pan(value, out);
    } else if (printable(value)) {
        buf_put_span(out, value);
    } else {
        buf_put_text(out, "x'");
        buf_put_hex(out, value.at, value.len);
        buf_put_byte(out, '\'');
    }
}

void wire_describe(const struct wire_record *record, const void *in, struct buf *out)
{
    bool first = true;
    for (size_t i = 0; i < record->count; i++) {
        const struct wire_field *field = &record->field[i];
        if (field->cap == 0 || !wire_row_exists(field, in))
            continue;
        const struct wire_text *member = wire_member_const(in, field->member);
        if (!member->present)
            continue;
        if (!first)
            buf_put_byte(out, ' ');
        first = false;
        buf_put_text(out, field->name);
        buf_put_byte(out, '=');
        wire_value_describe(field, span_of(member->at, member->len), out);
    }
}

static const char *kind_text(enum wire_kind kind)
{
    static const char *const text[] = {
        [WIRE_N] = "N",
        [WIRE_H] = "H",
        [WIRE_A] = "A",
        [WIRE_AN] = "AN",
        [WIRE_Z] = "Z",
        [WIRE_B] = "B",
        [WIRE_CONST] = "",
        [WIRE_ENUM] = "",
        [WIRE_SHAPED] = "KEY",
        [WIRE_BOOL] = "boolean",
        [WIRE_DECIMAL] = "decimal",
        [WIRE_OBJECT] = "object",
    };
    return text[kind];
}

void wire_field_type(const struct wire_field *field, struct buf *out)
{
    if (field->kind == WIRE_CONST) {
        buf_put_byte(out, '`');
        buf_put_text(out, field->literal);
        buf_put_byte(out, '`');
        return;
    }
    if (field->kind == WIRE_ENUM) {
        const char *rest = field->choices;
        struct span choice;
        for (bool first = true; wire_choice_next(&rest, &choice); first = false) {
            buf_put_text(out, first ? "`" : ", `");
            buf_put_span(out, choice);
            buf_put_byte(out, '`');
        }
        return;
    }
    if (field->kind == WIRE_SHAPED && field->literal) {
        buf_put_text(out, field->literal);
        return;
    }
    bool sized = field->kind != WIRE_SHAPED && field->kind != WIRE_BOOL && field->kind != WIRE_OBJECT;
    if (sized && field->length != WIRE_FIXED && field->min != field->max) {
        buf_put_decimal(out, field->min, 0);
        buf_put_text(out, "..");
    }
    if (sized)
        buf_put_decimal(out, field->max, 0);
    buf_put_text(out, kind_text(field->kind));
}

/* "if scheme is 0 or 5; ": the member's own row has the name; in a reply it may be one of the request. */
static void put_condition(const struct wire_record *record, uint16_t member, const char *values, struct buf *out)
{
    const char *name = NULL;
    if (!values)
        return;
    for (size_t i = 0; !name && i < record->count; i++)
        if (record->field[i].cap > 0 && record->field[i].member == member)
            name = record->field[i].name;
    buf_put_text(out, "if ");
    buf_put_text(out, name ? name : "the request");
    buf_put_text(out, " is ");
    for (size_t i = 0; values[i]; i++) {
        buf_put_text(out, i == 0 ? "`" : " or `");
        buf_put_byte(out, (uint8_t)values[i]);
        buf_put_byte(out, '`');
    }
    buf_put_text(out, "; ");
}

static void put_delimiter(uint8_t c, struct buf *out)
{
    bool shown = c > 0x20 && c < 0x7F;
    buf_put_text(out, shown ? "`" : "X'");
    if (shown)
        buf_put_byte(out, c);
    else
        buf_put_hex(out, &c, 1);
    buf_put_text(out, shown ? "`" : "'");
}

static void put_rule(const struct wire_record *record, const struct wire_field *field, struct buf *out)
{
    static const char *const length[] = {
        [WIRE_FIXED] = "",
        [WIRE_DELIMITED] = "",
        [WIRE_LL] = "LL; ",
        [WIRE_LLL] = "LLL; ",
        [WIRE_REST] = "rest; ",
        [WIRE_COUNTED] = "counted; ",
        [WIRE_ITEMS] = "counted items, each 4N length and data; ",
    };
    static const char *const encoding[] = {
        [WIRE_ASCII] = "", [WIRE_BCD] = "BCD; ", [WIRE_EBCDIC] = "EBCDIC; ", [WIRE_BINARY] = "binary; "};
    buf_put_text(out, length[field->length]);
    if (field->length == WIRE_DELIMITED) {
        buf_put_text(out, "up to ");
        put_delimiter(field->delimiter, out);
        buf_put_text(out, "; ");
    }
    buf_put_text(out, encoding[field->encoding]);
    if (field->flags & WIRE_GROUP)
        buf_put_text(out, "starts an optional group; ");
    if (field->flags & WIRE_OPTIONAL)
        buf_put_text(out, "optional; ");
    if (field->flags & WIRE_SECRET)
        buf_put_text(out, "secret; ");
    put_condition(record, field->when, field->equals, out);
    put_condition(record, field->also, field->also_equals, out);
}

void wire_document(const struct wire_record *record, struct buf *out)
{
    buf_put_text(out, "| Field | Type | Rule | Meaning |\n| --- | --- | --- | --- |\n");
    for (size_t i = 0; i < record->count; i++) {
        const struct wire_field *field = &record->field[i];
        buf_put_text(out, "| ");
        buf_put_text(out, field->name);
        buf_put_text(out, " | ");
        wire_field_type(field, out);
        buf_put_text(out, " | ");
        size_t before = out->len;
        put_rule(record, field, out);
        if (out->err == ERR_OK && out->len > before + 2)
            out->len -= 2; /* the last "; " */
        buf_put_text(out, " | ");
        buf_put_text(out, field->doc ? field->doc : "");
        buf_put_text(out, " |\n");
    }
}
