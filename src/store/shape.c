/* SPDX-License-Identifier: Apache-2.0 */
#include "store/shape.h"

#include <string.h>

/* What every BYTES member begins with. */
struct bytes {
    uint16_t len;
    uint8_t at[];
};

char store_member_letter(const struct store_member *member)
{
    switch (member->kind) {
    case STORE_MEMBER_INT:
    case STORE_MEMBER_BOOL:
        return 'i';
    case STORE_MEMBER_BYTES:
    case STORE_MEMBER_BLOB:
    case STORE_MEMBER_FIXED:
        return 'b';
    case STORE_MEMBER_TEXT:
    case STORE_MEMBER_ENUM:
    case STORE_MEMBER_CHAR:
    case STORE_MEMBER_SPAN:
    case STORE_MEMBER_STRING:
        break;
    }
    return 't';
}

const char *store_member_column(const struct store_member *member)
{
    const char *dot = strrchr(member->name, '.');
    return dot ? dot + 1 : member->name;
}

static bool member_fits(const struct store_member *member)
{
    switch (member->kind) {
    case STORE_MEMBER_INT:
        return member->size == sizeof(int64_t);
    case STORE_MEMBER_BOOL:
        return member->size == sizeof(bool);
    case STORE_MEMBER_ENUM:
        return member->size == sizeof(unsigned) && member->names;
    case STORE_MEMBER_CHAR:
        return member->size == sizeof(char);
    case STORE_MEMBER_SPAN:
    case STORE_MEMBER_BLOB:
        return member->size == sizeof(struct span);
    case STORE_MEMBER_STRING:
        return member->size == sizeof(const char *);
    case STORE_MEMBER_BYTES:
        return member->size > sizeof(struct bytes);
    case STORE_MEMBER_TEXT:
    case STORE_MEMBER_FIXED:
        return member->size > 0;
    }
    return false;
}

const char *store_shape_check(const struct store_shape *shape)
{
    for (size_t i = 0; i < shape->count; i++) {
        const struct store_member *member = &shape->member[i];
        if (!member_fits(member) || member->offset + (size_t)member->size > shape->size)
            return member->name;
    }
    return NULL;
}

/* ---- from a row ---- */

static enum err read_enum(const struct store_member *member, struct span text, uint8_t *at)
{
    for (unsigned i = 0; member->names[i]; i++) {
        if (!span_is(text, member->names[i]))
            continue;
        memcpy(at, &i, sizeof i);
        return ERR_OK;
    }
    return ERR_INTERNAL;
}

static enum err read_text(const struct store_member *member, struct span text, uint8_t *at)
{
    if (text.len >= member->size || memchr(text.at, 0, text.len))
        return ERR_INTERNAL;
    memcpy(at, text.at, text.len);
    return ERR_OK;
}

static enum err read_bytes(const struct store_member *member, struct span bytes, uint8_t *at)
{
    if (bytes.len > member->size - offsetof(struct bytes, at))
        return ERR_INTERNAL;
    uint16_t len = (uint16_t)bytes.len;
    memcpy(at, &len, sizeof len);
    memcpy(at + offsetof(struct bytes, at), bytes.at, len);
    return ERR_OK;
}

/* As many bytes as `most`, or `least`, or between. */
static enum err read_sized(struct span bytes, size_t least, size_t most, uint8_t *at)
{
    if (bytes.len < least || bytes.len > most)
        return ERR_INTERNAL;
    memcpy(at, bytes.at, bytes.len);
    return ERR_OK;
}

static enum err read_value(const struct store_member *member, const struct store_value *value, uint8_t *at)
{
    if (value->kind == STORE_NULL)
        return ERR_OK;
    struct span s = span_of(value->at, value->len);
    switch (member->kind) {
    case STORE_MEMBER_INT:
        memcpy(at, &value->integer, sizeof value->integer);
        return ERR_OK;
    case STORE_MEMBER_BOOL:
        *at = value->integer != 0;
        return ERR_OK;
    case STORE_MEMBER_TEXT:
        return read_text(member, s, at);
    case STORE_MEMBER_BYTES:
        return read_bytes(member, s, at);
    case STORE_MEMBER_ENUM:
        return read_enum(member, s, at);
    case STORE_MEMBER_CHAR:
        return read_sized(s, 0, 1, at);
    case STORE_MEMBER_FIXED:
        return read_sized(s, member->size, member->size, at);
    case STORE_MEMBER_SPAN:
    case STORE_MEMBER_BLOB:
        memcpy(at, &s, sizeof s);
        return ERR_OK;
    case STORE_MEMBER_STRING:
        break;
    }
    return ERR_INTERNAL;
}

enum err store_shape_read(const struct store_shape *shape, const struct store_rows *rows, size_t row, void *out)
{
    ASSERT(row < rows->count && rows->columns == shape->count);
    const struct store_value *cell = &rows->cell[row * rows->columns];
    memset(out, 0, shape->size);
    for (size_t i = 0; i < shape->count; i++)
        TRY(read_value(&shape->member[i], &cell[i], (uint8_t *)out + shape->member[i].offset));
    return ERR_OK;
}

/* ---- from a struct ---- */

static struct store_value value_of_bytes(const uint8_t *at)
{
    uint16_t len;
    memcpy(&len, at, sizeof len);
    return store_bytes(at + offsetof(struct bytes, at), len);
}

static struct store_value value_of_enum(const struct store_member *member, const uint8_t *at)
{
    unsigned index;
    memcpy(&index, at, sizeof index);
    return store_text(member->names[index]);
}

static struct store_value value_of_string(const uint8_t *at)
{
    const char *text;
    memcpy(&text, at, sizeof text);
    return text ? store_text(text) : (struct store_value){.kind = STORE_NULL};
}

static struct store_value value_of_span(const uint8_t *at, enum store_kind kind)
{
    struct span s;
    memcpy(&s, at, sizeof s);
    return (struct store_value){.kind = kind, .len = (uint32_t)s.len, .at = s.at};
}

static struct store_value value_of_int(const uint8_t *at)
{
    int64_t integer;
    memcpy(&integer, at, sizeof integer);
    return store_int(integer);
}

struct store_value store_member_value(const struct store_member *member, const void *in)
{
    const uint8_t *at = (const uint8_t *)in + member->offset;
    switch (member->kind) {
    case STORE_MEMBER_INT:
        return value_of_int(at);
    case STORE_MEMBER_BOOL:
        return store_int(*at != 0);
    case STORE_MEMBER_TEXT:
        return store_text((const char *)at);
    case STORE_MEMBER_BYTES:
        return value_of_bytes(at);
    case STORE_MEMBER_ENUM:
        return value_of_enum(member, at);
    case STORE_MEMBER_CHAR:
        return (struct store_value){.kind = STORE_TEXT, .len = *at ? 1 : 0, .at = at};
    case STORE_MEMBER_SPAN:
        return value_of_span(at, STORE_TEXT);
    case STORE_MEMBER_BLOB:
        return value_of_span(at, STORE_BYTES);
    case STORE_MEMBER_FIXED:
        return store_bytes(at, member->size);
    case STORE_MEMBER_STRING:
        return value_of_string(at);
    }
    return (struct store_value){.kind = STORE_NULL};
}
