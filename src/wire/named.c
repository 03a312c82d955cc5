/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/named.h"

#include "base/secret.h"
#include "wire/internal.h"

#include <string.h>

void wire_label(const struct wire_field *field, char out[static WIRE_LABEL])
{
    size_t len = 0;
    for (const char *c = field->name; *c && len < WIRE_LABEL - 1; c++) {
        bool upper = *c >= 'A' && *c <= 'Z';
        bool plain = (*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9');
        if (upper || plain)
            out[len++] = (char)(upper ? *c + 0x20 : *c);
        else if (len > 0 && out[len - 1] != '-')
            out[len++] = '-';
    }
    out[len - (len > 0 && out[len - 1] == '-')] = 0;
}

static bool begins(const char *label, struct span name)
{
    return strlen(label) >= name.len && memcmp(label, name.at, name.len) == 0;
}

/* The first row that holds a KEY, or a secret, for names that the layouts do not use themselves. */
static const struct wire_field *by_kind(const struct wire_record *record, struct span name)
{
    bool key = span_is(name, "key"), code = span_is(name, "code");
    for (size_t i = 0; i < record->count; i++) {
        const struct wire_field *field = &record->field[i];
        if ((key && field->kind == WIRE_SHAPED) || (code && (field->flags & WIRE_SECRET)))
            return field;
    }
    return NULL;
}

enum err wire_label_find(const struct wire_record *record, struct span name, char out[static WIRE_LABEL])
{
    char found[WIRE_LABEL] = "", label[WIRE_LABEL];
    bool several = false;
    for (size_t i = 0; name.len > 0 && i < record->count; i++) {
        wire_label(&record->field[i], label);
        if (record->field[i].cap == 0 || !begins(label, name))
            continue;
        if (strlen(label) == name.len) {
            memcpy(out, label, sizeof label);
            return ERR_OK;
        }
        several |= found[0] != 0 && strcmp(found, label) != 0;
        memcpy(found, label, sizeof label);
    }
    const struct wire_field *kind = by_kind(record, name);
    if (kind)
        wire_label(kind, found);
    else if (several || !found[0])
        return several ? ERR_PARSE_DUPLICATE : ERR_PARSE_UNKNOWN;
    memcpy(out, found, sizeof found);
    return ERR_OK;
}

struct filling {
    const struct wire_record *record;
    wire_lookup lookup;
    void *context;
    void *out;
    struct wire_fault *fault;
};

static bool given(const struct filling *f, const struct wire_field *field, struct span *value)
{
    char label[WIRE_LABEL];
    wire_label(field, label);
    return field->cap > 0 && f->lookup(f->context, label, value);
}

static bool group_given(const struct filling *f, size_t start, size_t end)
{
    struct span ignored;
    for (size_t i = start; i < end; i++)
        if (given(f, &f->record->field[i], &ignored))
            return true;
    return false;
}

/* Whether a later row counts by this one. */
static bool counts(const struct filling *f, size_t i)
{
    for (size_t k = i + 1; k < f->record->count; k++)
        if ((f->record->field[k].length == WIRE_COUNTED || f->record->field[k].length == WIRE_ITEMS) &&
            f->record->field[k].counter == f->record->field[i].member)
            return true;
    return false;
}

static enum err missing(const struct filling *f, const struct wire_field *field)
{
    if (f->fault)
        *f->fault = (struct wire_fault){ERR_PARSE_MISSING, WIRE_OUTCOME_SHORT, field->name, 0};
    return ERR_PARSE_MISSING;
}

/* What stands in a row that nobody named: its only choice, zeros until the counted row is known, or nothing. */
static enum err fill_unnamed(const struct filling *f, size_t i)
{
    const struct wire_field *field = &f->record->field[i];
    struct wire_text *member = wire_member(field, f->out);
    if (field->kind == WIRE_ENUM && !strchr(field->choices, '|') && !(field->flags & WIRE_OPTIONAL))
        return wire_text_set(member, field->cap, span_text(field->choices)) ? ERR_OK : ERR_INTERNAL;
    if (counts(f, i)) {
        *member = (struct wire_text){.len = field->max, .present = true};
        memset(member->at, '0', field->max);
        return ERR_OK;
    }
    if (field->length == WIRE_COUNTED && field->min == 0) {
        member->present = true;
        return ERR_OK;
    }
    return field->flags & WIRE_OPTIONAL ? ERR_OK : missing(f, field);
}

/* What does not end at its end is found when the record is built. */
static size_t items_in(struct span value)
{
    struct span item;
    size_t count = 0;
    while (value.len > 0 && wire_item_next(&value, &item) == WIRE_OUTCOME_OK)
        count++;
    return count;
}

static enum err fill_row(const struct filling *f, size_t i)
{
    const struct wire_field *field = &f->record->field[i];
    struct span value;
    if (field->cap == 0)
        return ERR_OK;
    if (!given(f, field, &value))
        return fill_unnamed(f, i);
    TRY(wire_value_check(field, value, f->fault));
    if (!wire_text_set(wire_member(field, f->out), field->cap, value))
        return wire_fault_set(f->fault, WIRE_OUTCOME_LONG, field, field->cap);
    if (field->length == WIRE_COUNTED)
        wire_counter_write(field, value.len, f->out);
    if (field->length == WIRE_ITEMS)
        wire_counter_write(field, items_in(value), f->out);
    return ERR_OK;
}

enum err wire_fill(const struct wire_record *record, wire_lookup lookup, void *context, void *out, struct wire_fault *fault)
{
    const struct filling f = {record, lookup, context, out, fault};
    if (record->size > 0)
        memset(out, 0, record->size);
    for (size_t i = 0; i < record->count; i++) {
        const struct wire_field *field = &record->field[i];
        size_t end = field->flags & WIRE_GROUP ? wire_group_end(record, i) : i;
        if (!wire_row_exists(field, out))
            continue;
        if (end > i && !group_given(&f, i, end)) {
            i = end - 1;
            continue;
        }
        enum err err = fill_row(&f, i);
        if (err != ERR_OK) {
            secret_wipe(out, record->size);
            return err;
        }
    }
    return ERR_OK;
}
