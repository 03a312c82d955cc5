/* SPDX-License-Identifier: Apache-2.0 */
/* Records bound by position. */
#include "wire/internal.h"

#include "base/secret.h"

#include <string.h>

static bool holds(const void *record, size_t member, const char *values)
{
    if (!values)
        return true;
    const struct wire_text *decider = wire_member_const(record, member);
    return decider->len == 1 && memchr(values, decider->at[0], strlen(values));
}

bool wire_row_exists(const struct wire_field *field, const void *record)
{
    return holds(record, field->when, field->equals) && holds(record, field->also, field->also_equals);
}

size_t wire_group_end(const struct wire_record *record, size_t start)
{
    size_t i = start + 1;
    while (i < record->count && !(record->field[i].flags & (WIRE_GROUP | WIRE_END_GROUP)))
        i++;
    return i;
}

bool wire_group_present(const struct wire_record *record, size_t start, const void *in)
{
    size_t end = wire_group_end(record, start);
    for (size_t i = start; i < end; i++) {
        const struct wire_field *field = &record->field[i];
        if (field->cap > 0 && wire_member_const(in, field->member)->present)
            return true;
    }
    return false;
}

enum err wire_counter_read(const struct wire_field *field, const void *record, size_t *out)
{
    const struct wire_text *counter = wire_member_const(record, field->counter);
    size_t value = 0;
    size_t base = field->flags & WIRE_COUNT_HEX ? 16 : 10;
    for (size_t i = 0; i < counter->len; i++) {
        uint8_t c = counter->at[i];
        size_t digit = c <= '9' ? (size_t)c - '0' : (size_t)c - 'A' + 10;
        if (digit >= base)
            return ERR_PARSE_CHARACTER;
        value = value * base + digit;
    }
    *out = value;
    return ERR_OK;
}

void wire_counter_write(const struct wire_field *field, size_t count, void *record)
{
    static const char digit[] = "0123456789ABCDEF";
    struct wire_text *counter = (struct wire_text *)(void *)((uint8_t *)record + field->counter);
    size_t base = field->flags & WIRE_COUNT_HEX ? 16 : 10;
    for (size_t i = counter->len; i-- > 0; count /= base)
        counter->at[i] = (uint8_t)digit[count % base];
}

static enum err shift_fault(struct wire_cursor *c, enum err err)
{
    if (c->fault)
        c->fault->offset += c->at;
    return err;
}

static enum err parse_const(const struct wire_field *field, struct wire_cursor *c)
{
    size_t len = strlen(field->literal);
    struct span left = span_slice(c->in, c->at, len);
    if (left.len < len)
        return shift_fault(c, wire_fault_set(c->fault, WIRE_OUTCOME_SHORT, field, left.len));
    if (!span_is(left, field->literal))
        return shift_fault(c, wire_fault_set(c->fault, WIRE_OUTCOME_VALUE, field, 0));
    c->at += len;
    return ERR_OK;
}

static enum err parse_member(const struct wire_field *field, struct wire_cursor *c)
{
    struct wire_text *member = wire_member(field, c->out);
    struct buf value = buf_over(member->at, field->cap);
    struct span left = span_slice(c->in, c->at, SIZE_MAX);
    size_t used = 0;
    enum err err = wire_value_read(field, left, &used, &value, c->fault);
    if (err != ERR_OK)
        return shift_fault(c, err);
    member->len = (uint16_t)value.len;
    member->present = true;
    c->at += used;
    return ERR_OK;
}

static enum err parse_counted(const struct wire_field *field, struct wire_cursor *c)
{
    size_t count = 0;
    if (wire_counter_read(field, c->out, &count) != ERR_OK || count < field->min || count > field->max)
        return shift_fault(c, wire_fault_set(c->fault, WIRE_OUTCOME_VALUE, field, 0));
    struct wire_field counted = *field;
    counted.max = (uint16_t)count;
    return parse_member(&counted, c);
}

enum wire_outcome wire_item_next(struct span *rest, struct span *item)
{
    uint64_t len = 0;
    struct span digits = span_slice(*rest, 0, WIRE_ITEM_HEAD);
    if (digits.len < WIRE_ITEM_HEAD)
        return WIRE_OUTCOME_SHORT;
    if (span_decimal(digits, &len) != ERR_OK)
        return WIRE_OUTCOME_CHARACTER;
    if (len > rest->len - WIRE_ITEM_HEAD)
        return WIRE_OUTCOME_SHORT;
    *item = span_slice(*rest, WIRE_ITEM_HEAD, (size_t)len);
    *rest = span_slice(*rest, WIRE_ITEM_HEAD + (size_t)len, SIZE_MAX);
    return WIRE_OUTCOME_OK;
}

void wire_item_put(struct span item, struct buf *out)
{
    buf_put_decimal(out, item.len, WIRE_ITEM_HEAD);
    buf_put_span(out, item);
}

/* The bytes that `count` items take at the start of `in`. */
static enum wire_outcome items_extent(struct span in, size_t count, size_t *out)
{
    struct span rest = in, item;
    for (size_t i = 0; i < count; i++) {
        enum wire_outcome outcome = wire_item_next(&rest, &item);
        if (outcome != WIRE_OUTCOME_OK)
            return outcome;
    }
    *out = in.len - rest.len;
    return WIRE_OUTCOME_OK;
}

static enum err parse_items(const struct wire_field *field, struct wire_cursor *c)
{
    size_t count = 0, extent = 0;
    if (wire_counter_read(field, c->out, &count) != ERR_OK || count == 0)
        return shift_fault(c, wire_fault_set(c->fault, WIRE_OUTCOME_VALUE, field, 0));
    enum wire_outcome outcome = items_extent(span_slice(c->in, c->at, SIZE_MAX), count, &extent);
    if (outcome == WIRE_OUTCOME_OK && extent > field->max)
        outcome = WIRE_OUTCOME_LONG;
    if (outcome != WIRE_OUTCOME_OK)
        return shift_fault(c, wire_fault_set(c->fault, outcome, field, 0));
    struct wire_field items = *field;
    items.length = WIRE_FIXED;
    items.max = (uint16_t)extent;
    return parse_member(&items, c);
}

enum err wire_row_parse(const struct wire_field *field, struct wire_cursor *c)
{
    if (field->kind == WIRE_CONST)
        return parse_const(field, c);
    if (field->length == WIRE_ITEMS)
        return parse_items(field, c);
    return field->length == WIRE_COUNTED ? parse_counted(field, c) : parse_member(field, c);
}

size_t wire_rows_absent(const struct wire_record *record, size_t i, const struct wire_cursor *c)
{
    const struct wire_field *field = &record->field[i];
    if (!wire_row_exists(field, c->out))
        return 1;
    if (field->flags & WIRE_GROUP) {
        struct span head = span_slice(c->in, c->at, strlen(field->literal));
        return span_is(head, field->literal) ? 0 : wire_group_end(record, i) - i;
    }
    if (!(field->flags & WIRE_OPTIONAL))
        return 0;
    struct span left = span_slice(c->in, c->at, SIZE_MAX);
    return left.len == 0 || (field->kind == WIRE_SHAPED && field->shape(left) == 0) ? 1 : 0;
}

enum err wire_parse(const struct wire_record *record, struct span in, void *out, size_t *used, struct wire_fault *fault)
{
    struct wire_cursor c = {in, 0, out, fault};
    if (record->size > 0)
        memset(out, 0, record->size);
    for (size_t i = 0; i < record->count;) {
        size_t absent = wire_rows_absent(record, i, &c);
        if (absent > 0) {
            i += absent;
            continue;
        }
        enum err err = wire_row_parse(&record->field[i], &c);
        if (err != ERR_OK) {
            secret_wipe(out, record->size);
            return err;
        }
        i++;
    }
    *used = c.at;
    return ERR_OK;
}

enum err wire_parse_all(const struct wire_record *record, struct span in, void *out, struct wire_fault *fault)
{
    size_t used = 0;
    TRY(wire_parse(record, in, out, &used, fault));
    if (used == in.len)
        return ERR_OK;
    secret_wipe(out, record->size);
    return wire_fault_set(fault, WIRE_OUTCOME_TRAILING, NULL, used);
}

static enum err build_items(const struct wire_field *field, const void *in, struct span value, struct buf *out)
{
    size_t count = 0, extent = 0;
    TRY(wire_counter_read(field, in, &count));
    if (count == 0 || value.len > field->max || items_extent(value, count, &extent) != WIRE_OUTCOME_OK || extent != value.len)
        return ERR_PARSE_VALUE;
    buf_put_span(out, value);
    return buf_done(out);
}

static enum err build_row(const struct wire_field *field, const void *in, struct buf *out)
{
    if (field->kind == WIRE_CONST) {
        buf_put_text(out, field->literal);
        return buf_done(out);
    }
    const struct wire_text *member = wire_member_const(in, field->member);
    if (!member->present && (field->flags & WIRE_OPTIONAL))
        return ERR_OK;
    if (field->length == WIRE_ITEMS)
        return build_items(field, in, span_of(member->at, member->len), out);
    if (field->length != WIRE_COUNTED)
        return wire_value_write(field, span_of(member->at, member->len), out);
    size_t count = 0;
    TRY(wire_counter_read(field, in, &count));
    if (count != member->len)
        return ERR_PARSE_VALUE;
    struct wire_field counted = *field;
    counted.max = (uint16_t)count;
    return wire_value_write(&counted, span_of(member->at, member->len), out);
}

enum err wire_build(const struct wire_record *record, const void *in, struct buf *out)
{
    for (size_t i = 0; i < record->count;) {
        const struct wire_field *field = &record->field[i];
        if (!wire_row_exists(field, in)) {
            i++;
        } else if ((field->flags & WIRE_GROUP) && !wire_group_present(record, i, in)) {
            i = wire_group_end(record, i);
        } else {
            TRY(build_row(field, in, out));
            i++;
        }
    }
    return buf_done(out);
}
