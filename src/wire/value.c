/* SPDX-License-Identifier: Apache-2.0 */
/* The value codec: characters, length rule, encoding, padding of one field. */
#include "wire/error.h"
#include "wire/internal.h"

#include "base/secret.h"

#include <string.h>

enum err wire_fault_set(struct wire_fault *fault, enum wire_outcome outcome, const struct wire_field *field, size_t offset)
{
    static const enum err by_outcome[WIRE_OUTCOME_COUNT] = {
        [WIRE_OUTCOME_OK] = ERR_OK,
        [WIRE_OUTCOME_SHORT] = ERR_PARSE_SHORT,
        [WIRE_OUTCOME_LONG] = ERR_PARSE_LONG,
        [WIRE_OUTCOME_CHARACTER] = ERR_PARSE_CHARACTER,
        [WIRE_OUTCOME_VALUE] = ERR_PARSE_VALUE,
        [WIRE_OUTCOME_DELIMITER] = ERR_PARSE_DELIMITER,
        [WIRE_OUTCOME_TRAILING] = ERR_PARSE_TRAILING,
    };
    enum err err = by_outcome[outcome];
    /* A declared length that the data cannot hold has a host-command code of its own (80). */
    if (outcome == WIRE_OUTCOME_SHORT && field && field->length == WIRE_COUNTED)
        err = WIRE_ERR_DATA_LENGTH;
    if (fault)
        *fault = (struct wire_fault){err, outcome, field ? field->name : "end of data", offset};
    return err;
}

bool wire_text_set(struct wire_text *member, size_t cap, struct span value)
{
    bool fits = value.len <= cap && value.len <= UINT16_MAX;
    member->len = fits ? (uint16_t)value.len : 0;
    member->present = fits;
    if (fits && value.len > 0)
        memcpy(member->at, value.at, value.len);
    return fits;
}

bool wire_choice_next(const char **rest, struct span *choice)
{
    if (!*rest || !**rest)
        return false;
    size_t len = strcspn(*rest, "|");
    *choice = span_of(*rest, len);
    *rest += len + ((*rest)[len] == '|');
    return true;
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(uint8_t c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool is_hex(uint8_t c)
{
    return is_digit(c) || (c >= 'A' && c <= 'F') || (c >= 'a' && c <= 'f');
}

static bool character_allowed(const struct wire_field *field, uint8_t c)
{
    if ((field->flags & WIRE_ANY) != 0)
        return true;
    switch (field->kind) {
    case WIRE_N:
        return is_digit(c);
    case WIRE_H:
        return is_hex(c);
    case WIRE_AN:
        return is_digit(c) || is_letter(c) || (c == ' ' && field->padding == WIRE_PAD_SPACE_RIGHT);
    case WIRE_Z:
        return is_digit(c) || c == '=' || c == 'D' || c == 'F' || c == '?';
    case WIRE_DECIMAL:
        return is_digit(c) || c == '.' || c == '-';
    case WIRE_A:
    case WIRE_ENUM:
    case WIRE_SHAPED:
    case WIRE_CONST:
    case WIRE_BOOL:
        return c >= 0x20 && c < 0x7F;
    case WIRE_B:
    case WIRE_OBJECT:
    default:
        return true;
    }
}

static bool choice_known(const char *choices, struct span value)
{
    struct span choice;
    while (wire_choice_next(&choices, &choice))
        if (span_equal(choice, value))
            return true;
    return false;
}

/* Digits, at most one sign in front, at most one point with digits on both sides. */
static bool decimal_well_formed(struct span value)
{
    size_t at = value.len > 0 && value.at[0] == '-' ? 1 : 0;
    size_t digits = 0;
    size_t points = 0;
    for (; at < value.len; at++) {
        if (value.at[at] == '.') {
            if (digits == 0 || ++points > 1 || at + 1 == value.len)
                return false;
        } else if (is_digit(value.at[at])) {
            digits++;
        } else {
            return false;
        }
    }
    return digits > 0;
}

static bool value_allowed(const struct wire_field *field, struct span value)
{
    if (field->kind == WIRE_ENUM)
        return choice_known(field->choices, value);
    if (field->kind == WIRE_BOOL)
        return choice_known("true|false", value);
    if (field->kind == WIRE_DECIMAL)
        return decimal_well_formed(value);
    if (field->kind == WIRE_CONST)
        return span_is(value, field->literal);
    return field->kind != WIRE_SHAPED || field->shape(value) == value.len;
}

enum err wire_value_check(const struct wire_field *field, struct span value, struct wire_fault *fault)
{
    for (size_t i = 0; i < value.len; i++)
        if (!character_allowed(field, value.at[i]))
            return wire_fault_set(fault, WIRE_OUTCOME_CHARACTER, field, i);
    bool sized = field->kind != WIRE_CONST && field->kind != WIRE_ENUM && field->kind != WIRE_BOOL;
    if (sized && value.len < field->min)
        return wire_fault_set(fault, WIRE_OUTCOME_SHORT, field, value.len);
    if (sized && value.len > field->max)
        return wire_fault_set(fault, WIRE_OUTCOME_LONG, field, field->max);
    if (!value_allowed(field, value))
        return wire_fault_set(fault, WIRE_OUTCOME_VALUE, field, 0);
    return ERR_OK;
}

/* ---- length prefixes ---- */

static size_t prefix_digits(const struct wire_field *field)
{
    return field->length == WIRE_LL ? 2 : field->length == WIRE_LLL ? 3 : 0;
}

static size_t prefix_bytes(const struct wire_field *field)
{
    size_t digits = prefix_digits(field);
    bool packed = field->length_encoding == WIRE_BCD || field->length_encoding == WIRE_BINARY;
    return packed ? (digits + 1) / 2 : digits;
}

static bool prefix_read(const struct wire_field *field, struct span in, size_t *out)
{
    size_t value = 0;
    for (size_t i = 0; i < prefix_bytes(field); i++) {
        uint8_t c = in.at[i];
        switch (field->length_encoding) {
        case WIRE_BINARY:
            value = value << 8 | c;
            break;
        case WIRE_BCD:
            if ((c & 15) > 9 || (c >> 4) > 9)
                return false;
            value = value * 100 + (size_t)(c >> 4) * 10 + (c & 15);
            break;
        case WIRE_EBCDIC:
        case WIRE_ASCII:
        default:
            c = field->length_encoding == WIRE_EBCDIC ? (uint8_t)(c - 0xC0) : c; /* EBCDIC digits are F0..F9 */
            if (!is_digit(c))
                return false;
            value = value * 10 + (size_t)(c - '0');
            break;
        }
    }
    *out = value;
    return true;
}

static void prefix_write(const struct wire_field *field, size_t value, struct buf *out)
{
    size_t bytes = prefix_bytes(field);
    uint8_t *at = buf_take(out, bytes);
    for (size_t i = bytes; at && i-- > 0;) {
        switch (field->length_encoding) {
        case WIRE_BINARY:
            at[i] = (uint8_t)value;
            value >>= 8;
            break;
        case WIRE_BCD:
            at[i] = (uint8_t)((value / 10 % 10) << 4 | value % 10);
            value /= 100;
            break;
        case WIRE_EBCDIC:
        case WIRE_ASCII:
        default:
            at[i] = (uint8_t)((field->length_encoding == WIRE_EBCDIC ? 0xF0 : '0') + value % 10);
            value /= 10;
            break;
        }
    }
}

/* ---- encodings ---- */

static size_t encoded_bytes(const struct wire_field *field, size_t characters)
{
    bool packed = field->encoding == WIRE_BCD || (field->encoding == WIRE_BINARY && field->kind == WIRE_H);
    return packed ? (characters + 1) / 2 : characters;
}

static uint8_t nibble_character(uint8_t nibble, enum wire_kind kind)
{
    if (nibble <= 9)
        return (uint8_t)('0' + nibble);
    /* In packed track data the separator is D; F is the filler. */
    if (kind == WIRE_H || (kind == WIRE_Z && (nibble == 13 || nibble == 15)))
        return (uint8_t)('A' + nibble - 10);
    return 0;
}

static uint8_t character_nibble(uint8_t c)
{
    if (is_digit(c))
        return (uint8_t)(c - '0');
    if (c == '=')
        return 13;
    if (c == '?')
        return 15;
    return (uint8_t)((c & ~0x20) - 'A' + 10);
}

static bool unpack(const struct wire_field *field, const uint8_t *in, size_t characters, uint8_t *out)
{
    bool filled = characters % 2 != 0;
    bool fill_left = filled && field->padding != WIRE_PAD_ZERO_RIGHT;
    for (size_t i = 0; i < characters + (filled ? 1 : 0); i++) {
        uint8_t nibble = i % 2 == 0 ? in[i / 2] >> 4 : in[i / 2] & 15;
        bool filler = filled && (fill_left ? i == 0 : i == characters);
        if (filler && nibble != 0)
            return false;
        if (filler)
            continue;
        uint8_t c = nibble_character(nibble, field->kind);
        if (!c)
            return false;
        out[i - (fill_left ? 1 : 0)] = c;
    }
    return true;
}

static void pack(const struct wire_field *field, struct span value, uint8_t *out)
{
    size_t shift = value.len % 2 != 0 && field->padding != WIRE_PAD_ZERO_RIGHT ? 1 : 0;
    memset(out, 0, (value.len + 1) / 2);
    for (size_t i = 0; i < value.len; i++) {
        size_t at = i + shift;
        uint8_t nibble = character_nibble(value.at[i]);
        out[at / 2] |= (uint8_t)(at % 2 == 0 ? nibble << 4 : nibble);
    }
}

enum { SUBSTITUTE = 0x1A };

static bool decode(const struct wire_field *field, const uint8_t *in, size_t characters, uint8_t *out)
{
    if (encoded_bytes(field, 2) == 1)
        return unpack(field, in, characters, out);
    memcpy(out, in, characters);
    if (field->encoding == WIRE_EBCDIC && field->kind != WIRE_B) {
        for (size_t i = 0; i < characters; i++) {
            out[i] = wire_ebcdic_to_ascii(out[i]);
            if (!out[i] && (field->flags & WIRE_ANY) != 0)
                out[i] = SUBSTITUTE;
            if (!out[i])
                return false;
        }
    }
    for (size_t i = 0; field->kind == WIRE_H && i < characters; i++)
        if (out[i] >= 'a' && out[i] <= 'f')
            out[i] = (uint8_t)(out[i] - 0x20);
    return true;
}

static void encode(const struct wire_field *field, struct span value, struct buf *out)
{
    uint8_t *at = buf_take(out, encoded_bytes(field, value.len));
    if (!at || value.len == 0)
        return;
    if (encoded_bytes(field, 2) == 1) {
        pack(field, value, at);
        return;
    }
    memcpy(at, value.at, value.len);
    for (size_t i = 0; field->encoding == WIRE_EBCDIC && field->kind != WIRE_B && i < value.len; i++)
        at[i] = wire_ebcdic_from_ascii(at[i]);
}

/* ---- extent: how many characters the value has, and where they start and end ---- */

struct extent {
    size_t head;       /* bytes of the length prefix */
    size_t characters; /* of the value */
    size_t tail;       /* bytes of the delimiter */
};

static enum err extent_delimited(const struct wire_field *field, struct span in, struct extent *e, struct wire_fault *fault)
{
    size_t window = in.len < (size_t)field->max + 1 ? in.len : (size_t)field->max + 1;
    const uint8_t *end = window > 0 ? memchr(in.at, field->delimiter, window) : NULL;
    if (!end)
        return wire_fault_set(fault, in.len > field->max ? WIRE_OUTCOME_LONG : WIRE_OUTCOME_DELIMITER, field, window);
    *e = (struct extent){0, (size_t)(end - in.at), 1};
    return ERR_OK;
}

static enum err extent_enum(const struct wire_field *field, struct span in, struct extent *e, struct wire_fault *fault)
{
    const char *rest = field->choices;
    struct span choice;
    size_t best = 0;
    bool cut = false;
    while (wire_choice_next(&rest, &choice)) {
        if (choice.len <= in.len && choice.len >= best && memcmp(choice.at, in.at, choice.len) == 0)
            best = choice.len;
        cut |= choice.len > in.len && memcmp(choice.at, in.at, in.len) == 0;
    }
    if (best == 0)
        return wire_fault_set(fault, cut ? WIRE_OUTCOME_SHORT : WIRE_OUTCOME_VALUE, field, 0);
    *e = (struct extent){0, best, 0};
    return ERR_OK;
}

static enum err extent_prefixed(const struct wire_field *field, struct span in, struct extent *e, struct wire_fault *fault)
{
    e->head = prefix_bytes(field);
    if (in.len < e->head)
        return wire_fault_set(fault, WIRE_OUTCOME_SHORT, field, in.len);
    if (!prefix_read(field, in, &e->characters))
        return wire_fault_set(fault, WIRE_OUTCOME_CHARACTER, field, 0);
    if (e->characters > field->max)
        return wire_fault_set(fault, WIRE_OUTCOME_LONG, field, 0);
    return ERR_OK;
}

static enum err extent_of(const struct wire_field *field, struct span in, struct extent *e, struct wire_fault *fault)
{
    *e = (struct extent){0};
    if (field->kind == WIRE_SHAPED) {
        e->characters = in.len > 0 ? field->shape(in) : 0;
        if (e->characters == 0)
            return wire_fault_set(fault, in.len > 0 ? WIRE_OUTCOME_VALUE : WIRE_OUTCOME_SHORT, field, 0);
        return e->characters > field->max ? wire_fault_set(fault, WIRE_OUTCOME_LONG, field, 0) : ERR_OK;
    }
    if (field->kind == WIRE_ENUM && field->length == WIRE_FIXED)
        return extent_enum(field, in, e, fault);
    switch (field->length) {
    case WIRE_DELIMITED:
        return extent_delimited(field, in, e, fault);
    case WIRE_LL:
    case WIRE_LLL:
        return extent_prefixed(field, in, e, fault);
    case WIRE_REST:
        e->characters = in.len;
        return in.len > field->max ? wire_fault_set(fault, WIRE_OUTCOME_LONG, field, field->max) : ERR_OK;
    case WIRE_COUNTED: /* the record engine has set max to the count */
    case WIRE_ITEMS:   /* or to what the items take */
    case WIRE_FIXED:
    default:
        e->characters = field->kind == WIRE_CONST ? strlen(field->literal) : field->max;
        return ERR_OK;
    }
}

enum err wire_value_read(const struct wire_field *field, struct span in, size_t *used, struct buf *out, struct wire_fault *fault)
{
    struct extent e;
    TRY(extent_of(field, in, &e, fault));
    size_t bytes = encoded_bytes(field, e.characters);
    if (in.len < e.head + bytes + e.tail)
        return wire_fault_set(fault, WIRE_OUTCOME_SHORT, field, in.len);
    size_t before = out->len;
    uint8_t *to = buf_take(out, e.characters);
    if (!to)
        return wire_fault_set(fault, WIRE_OUTCOME_LONG, field, 0);
    bool good = decode(field, in.at + e.head, e.characters, to);
    enum err err = good ? wire_value_check(field, span_of(to, e.characters), fault)
                        : wire_fault_set(fault, WIRE_OUTCOME_CHARACTER, field, e.head);
    if (err != ERR_OK) {
        secret_wipe(to, e.characters); /* half a PAN or a code, behind `len` where no owner would look for it */
        out->len = before;
        if (good && fault) /* characters of the value become bytes of the data */
            fault->offset = e.head + encoded_bytes(field, fault->offset);
        return err;
    }
    *used = e.head + bytes + e.tail;
    return ERR_OK;
}

enum err wire_value_extent(const struct wire_field *field, struct span in, size_t *used)
{
    struct extent e;
    TRY(extent_of(field, in, &e, NULL));
    size_t len = e.head + encoded_bytes(field, e.characters) + e.tail;
    if (in.len < len)
        return wire_fault_set(NULL, WIRE_OUTCOME_SHORT, field, in.len);
    *used = len;
    return ERR_OK;
}

static void write_padded(const struct wire_field *field, struct span value, struct buf *out)
{
    uint8_t full[1024];
    size_t missing = field->max - value.len;
    if (field->max > sizeof full) {
        out->err = ERR_PARSE_LONG;
        return;
    }
    bool left = field->padding == WIRE_PAD_ZERO_LEFT;
    memset(full, field->padding == WIRE_PAD_SPACE_RIGHT ? ' ' : '0', field->max);
    if (value.len > 0)
        memcpy(full + (left ? missing : 0), value.at, value.len);
    encode(field, span_of(full, field->max), out);
    secret_wipe(full, field->max);
}

enum err wire_value_write(const struct wire_field *field, struct span value, struct buf *out)
{
    bool fixed = field->length == WIRE_FIXED && field->kind != WIRE_ENUM && field->kind != WIRE_SHAPED && field->kind != WIRE_CONST;
    bool short_fixed = fixed && value.len < field->max;
    if (short_fixed && field->padding == WIRE_PAD_NONE)
        return wire_fault_set(NULL, WIRE_OUTCOME_SHORT, field, value.len);
    TRY(wire_value_check(field, value, NULL));
    if (prefix_digits(field) > 0)
        prefix_write(field, value.len, out);
    if (short_fixed)
        write_padded(field, value, out);
    else
        encode(field, value, out);
    if (field->length == WIRE_DELIMITED)
        buf_put_byte(out, field->delimiter);
    return buf_done(out);
}
