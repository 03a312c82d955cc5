/* SPDX-License-Identifier: Apache-2.0 */
/* Random valid values and records: the tests and fuzzers of every protocol are made from its rows. */
#include "wire/internal.h"

#include <string.h>

static uint32_t draw(const struct env *env, uint32_t bound)
{
    uint32_t value;
    env_random(env, &value, sizeof value);
    return bound > 0 ? value % bound : 0;
}

static const char *alphabet_of(enum wire_kind kind)
{
    static const char digits[] = "0123456789";
    static const char hex[] = "0123456789ABCDEF";
    static const char letters[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    static const char printable[] =
        " !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~";
    switch (kind) {
    case WIRE_N:
    case WIRE_DECIMAL:
        return digits;
    case WIRE_H:
        return hex;
    case WIRE_AN:
        return letters;
    case WIRE_Z:
        return "0123456789D";
    case WIRE_A:
    case WIRE_B:
    case WIRE_CONST:
    case WIRE_ENUM:
    case WIRE_SHAPED:
    case WIRE_BOOL:
    case WIRE_OBJECT:
    default:
        return printable;
    }
}

static void generate_choice(const char *choices, const struct env *env, struct buf *out)
{
    const char *rest = choices;
    struct span choice;
    uint32_t count = 0;
    while (wire_choice_next(&rest, &choice))
        count++;
    uint32_t wanted = draw(env, count);
    rest = choices;
    for (uint32_t i = 0; i <= wanted; i++)
        if (!wire_choice_next(&rest, &choice))
            return;
    buf_put_span(out, choice);
}

static void generate_characters(const struct wire_field *field, size_t len, const struct env *env, struct buf *out)
{
    const char *alphabet = alphabet_of(field->kind);
    size_t letters = strlen(alphabet);
    for (size_t i = 0; i < len; i++) {
        uint8_t c = field->kind == WIRE_B ? (uint8_t)draw(env, 256) : (uint8_t)alphabet[draw(env, (uint32_t)letters)];
        if (field->length == WIRE_DELIMITED && c == field->delimiter)
            c = '0';
        buf_put_byte(out, c);
    }
}

void wire_value_generate(const struct wire_field *field, const struct env *env, struct buf *out)
{
    if (field->kind == WIRE_CONST) {
        buf_put_text(out, field->literal);
    } else if (field->kind == WIRE_ENUM) {
        generate_choice(field->choices, env, out);
    } else if (field->kind == WIRE_BOOL) {
        generate_choice("true|false", env, out);
    } else if (field->kind == WIRE_SHAPED) {
        field->shape_generate(env, out);
    } else {
        bool whole = field->length == WIRE_FIXED || field->min == field->max;
        size_t len = whole ? field->max : field->min + draw(env, (uint32_t)(field->max - field->min) + 1);
        generate_characters(field, len, env, out);
    }
}

enum { ITEMS_MAX = 3, ITEM_MAX = 40 };

/* Up to three short ones: what a table of commands puts into them is not known here. */
static size_t generate_items(const struct wire_field *field, const struct env *env, struct buf *out)
{
    size_t count = 1 + draw(env, ITEMS_MAX);
    struct wire_field bytes = {.kind = field->kind, .length = WIRE_FIXED};
    for (size_t i = 0; i < count; i++) {
        uint8_t room[ITEM_MAX];
        struct buf item = buf_over(room, sizeof room);
        generate_characters(&bytes, 2 + draw(env, ITEM_MAX - 2), env, &item);
        wire_item_put(buf_span(&item), out);
    }
    return count;
}

static void generate_member(const struct wire_field *field, const struct env *env, void *out)
{
    struct wire_text *member = wire_member(field, out);
    struct buf value = buf_over(member->at, field->cap);
    size_t count = 0;
    if (field->length == WIRE_ITEMS)
        count = generate_items(field, env, &value);
    else
        wire_value_generate(field, env, &value);
    member->len = (uint16_t)value.len;
    member->present = true;
    if (field->length == WIRE_COUNTED || field->length == WIRE_ITEMS)
        wire_counter_write(field, field->length == WIRE_ITEMS ? count : value.len, out);
}

void wire_generate(const struct wire_record *record, const struct env *env, void *out)
{
    if (record->size > 0)
        memset(out, 0, record->size);
    bool ended = false; /* once an optional field is left out, the later optional ones are, too */
    for (size_t i = 0; i < record->count; i++) {
        const struct wire_field *field = &record->field[i];
        if (!wire_row_exists(field, out))
            continue;
        if ((field->flags & WIRE_GROUP) && draw(env, 2) == 0) {
            i = wire_group_end(record, i) - 1;
            continue;
        }
        if ((field->flags & WIRE_OPTIONAL) && (ended || draw(env, 4) == 0)) {
            ended = true;
            continue;
        }
        if (field->cap > 0)
            generate_member(field, env, out);
    }
}
