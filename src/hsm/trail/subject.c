/* SPDX-License-Identifier: Apache-2.0 */
#include "hsm/trail/subject.h"

#include <string.h>

/* Where a key block has its usage: tag, version, length of four digits. */
enum { BLOCK_USAGE = 6 };

/* The value of the first present field of this name; empty: there is none. */
static struct span value_of(const struct wire_record *record, const void *values, const char *name)
{
    for (size_t i = 0; values && record && i < record->count; i++) {
        const struct wire_field *f = &record->field[i];
        if (f->cap == 0 || strcmp(f->name, name) != 0)
            continue;
        const struct wire_text *text = (const struct wire_text *)(const void *)((const uint8_t *)values + f->member);
        if (text->present && text->len > 0)
            return span_of(text->at, text->len);
    }
    return span_of(NULL, 0);
}

static bool put(struct span value, char *out, size_t cap)
{
    if (value.len == 0 || value.len >= cap)
        return false;
    memcpy(out, value.at, value.len);
    out[value.len] = 0;
    return true;
}

/* The field of three digits; or, of BU and BW, 4 and 02 for 402; or what the row is about. */
static bool read_type(const struct hsm_told *told, struct hsm_subject *out)
{
    const struct wire_record *record = told->row->request;
    struct span variant = value_of(record, told->request, "variant"), pair = value_of(record, told->request, "pair");
    if (variant.len == 1 && pair.len == 1 && variant.at[0] != 'F') {
        const char code[] = {(char)variant.at[0], '0', (char)pair.at[0]};
        return put(span_of(code, sizeof code), out->type, sizeof out->type);
    }
    if (put(value_of(record, told->request, "key type"), out->type, sizeof out->type))
        return true;
    const char *fixed = told->row->activity_type ? told->row->activity_type : told->row->key.type;
    return fixed && told->request && put(span_text(fixed), out->type, sizeof out->type);
}

static bool read_usage(const struct hsm_told *told, struct hsm_subject *out)
{
    static const char *const names[] = {"key", "CVK"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct span key = value_of(told->row->reply, told->reply, names[i]);
        if (key.len > BLOCK_USAGE + HSM_SUBJECT_USAGE && (key.at[0] == 'S' || key.at[0] == 'R'))
            return put(span_slice(key, BLOCK_USAGE, HSM_SUBJECT_USAGE), out->usage, sizeof out->usage);
    }
    return false;
}

/* A CVK pair may have one a half. */
static bool read_check(const struct hsm_told *told, struct hsm_subject *out)
{
    struct span one = value_of(told->row->reply, told->reply, "KCV"), b = value_of(told->row->reply, told->reply, "KCV B");
    if (one.len == 0)
        one = value_of(told->row->reply, told->reply, "KCV A");
    if (!put(one, out->check, HSM_SUBJECT_CHECK + 1))
        return false;
    if (b.len > 0 && b.len <= HSM_SUBJECT_CHECK) {
        out->check[one.len] = ' ';
        (void)put(b, out->check + one.len + 1, HSM_SUBJECT_CHECK + 1);
    }
    return true;
}

size_t hsm_subject_fields(const struct hsm_told *told, struct hsm_subject *out, struct log_field field[static HSM_SUBJECT_FIELDS])
{
    size_t count = 0;
    if (told->lmk >= 0)
        field[count++] = LOG_INT("lmk", told->lmk);
    if (read_type(told, out))
        field[count++] = LOG_TEXT("key_type", out->type);
    if (read_usage(told, out))
        field[count++] = LOG_TEXT("usage", out->usage);
    if (read_check(told, out))
        field[count++] = LOG_TEXT("check", out->check);
    return count;
}
