/* SPDX-License-Identifier: Apache-2.0 */
#include "iso8583/layout.h"

#include "card/card.h"

#include <string.h>

/* ---- 126.10: presence, response type, four characters of value ---- */

struct code_126_10 {
    WIRE_TEXT(1) presence;
    WIRE_TEXT(1) response;
    WIRE_TEXT(4) value;
};

/* clang-format off */
#define CODE_ROWS(encoding_) { \
    {.name = "126.10 presence", .kind = WIRE_A, .encoding = encoding_, .min = 1, .max = 1, \
     WIRE_AT(struct code_126_10, presence)}, \
    {.name = "126.10 response type", .kind = WIRE_A, .encoding = encoding_, .min = 1, .max = 1, \
     WIRE_AT(struct code_126_10, response)}, \
    {.name = "126.10 value", .kind = WIRE_A, .encoding = encoding_, .min = 4, .max = 4, .flags = WIRE_SECRET, \
     WIRE_AT(struct code_126_10, value)}, \
}
static const struct wire_field visa_code_fields[] = CODE_ROWS(WIRE_EBCDIC);
static const struct wire_field generic_code_fields[] = CODE_ROWS(WIRE_ASCII);
static const struct wire_record visa_code_record = WIRE_RECORD("126.10 visa", struct code_126_10, visa_code_fields);
static const struct wire_record generic_code_record = WIRE_RECORD("126.10 generic", struct code_126_10, generic_code_fields);

/* Bytes of the subfields of DE126 up to 126.13; 0 = not known, so that what follows cannot be found. */
enum { VISA_126_CODE = 10, VISA_126_ENVIRONMENT = 13 };
static const uint8_t visa_126_len[] = {[5] = 8, [6] = 17, [7] = 17, [8] = 20, [9] = 20, [VISA_126_CODE] = 6,
                                       [11] = 2, [12] = 3, [VISA_126_ENVIRONMENT] = 1};

static const struct iso8583_extract_row extract_rows[ISO8583_EXTRACT_COUNT] = {
    [ISO8583_EXTRACT_UNSET]            = {"",                 0,                "not set: the link does not start"},
    [ISO8583_EXTRACT_NONE]             = {"none",             0,                "the link carries no code"},
    [ISO8583_EXTRACT_VISA_126_10]      = {"visa_126_10",      ISO8583_CODE,
                                          "DE126: 8-byte bitmap; 126.10 six EBCDIC characters"},
    [ISO8583_EXTRACT_GENERIC_126_10]   = {"generic_126_10",   ISO8583_CODE,     "DE126 is the six characters of 126.10 in ASCII"},
    [ISO8583_EXTRACT_AS2805_BACKSLASH] = {"as2805_backslash", ISO8583_NATIONAL,
                                          "DE47: tags CCI1, CCI0, CCVnnn closed by a backslash"},
};
static const struct iso8583_result_row result_rows[ISO8583_RESULT_COUNT] = {
    [ISO8583_RESULT_UNSET] = {"",      0,                 "not set: the link does not start"},
    [ISO8583_RESULT_NONE]  = {"none",  0,                 "DE39 only"},
    [ISO8583_RESULT_44_10] = {"44_10", ISO8583_RESPONSE_DATA, "byte 11 of DE44, the bytes before it blank"},
};
/* clang-format on */

const struct iso8583_extract_row *iso8583_extract_row(enum iso8583_extract rule)
{
    return &extract_rows[rule < ISO8583_EXTRACT_COUNT ? rule : ISO8583_EXTRACT_UNSET];
}

enum iso8583_extract iso8583_extract_find(struct span name)
{
    for (int i = 1; i < ISO8583_EXTRACT_COUNT; i++)
        if (span_is(name, extract_rows[i].name))
            return (enum iso8583_extract)i;
    return ISO8583_EXTRACT_UNSET;
}

const struct iso8583_result_row *iso8583_result_row(enum iso8583_result rule)
{
    return &result_rows[rule < ISO8583_RESULT_COUNT ? rule : ISO8583_RESULT_UNSET];
}

enum iso8583_result iso8583_result_find(struct span name)
{
    for (int i = 1; i < ISO8583_RESULT_COUNT; i++)
        if (span_is(name, result_rows[i].name))
            return (enum iso8583_result)i;
    return ISO8583_RESULT_UNSET;
}

/* ---- reading a code ---- */

/* How many digits the code of this card has: four on American Express, three on all others. */
static size_t digits_of(const struct iso8583_message *m)
{
    struct card_pan pan;
    enum card_brand brand = CARD_BRAND_UNKNOWN;
    if (card_pan_parse(iso8583_get(m, ISO8583_PAN), CARD_ANY, &pan) == ERR_OK)
        brand = card_brand_of(&pan);
    secret_wipe(&pan, sizeof pan);
    return card_brand_row(brand)->code_digits;
}

/* Exactly so many digits make a code; 000 is one. */
static void code_from_digits(struct span digits, size_t count, struct iso8583_code *out)
{
    out->presence = ISO8583_CODE_MALFORMED;
    if (digits.len != count)
        return;
    for (size_t i = 0; i < count; i++)
        if (digits.at[i] < '0' || digits.at[i] > '9')
            return;
    out->presence = ISO8583_CODE_PRESENT;
    out->digits.len = (uint8_t)count;
    memcpy(out->digits.at, digits.at, count);
}

/* Right-justified in four; what stands before three digits is a blank or a zero. */
static void code_from_value(const char *value, size_t count, struct iso8583_code *out)
{
    if (count == 4 || value[0] == ' ' || value[0] == '0')
        code_from_digits(span_of(value + 4 - count, count), count, out);
}

/* switch.md 4.3 */
static void code_from_126_10(const struct code_126_10 *c, size_t count, struct iso8583_code *out)
{
    out->result_wanted = c->response.at[0] != '0';
    switch (c->presence.at[0]) {
    case '0':
        out->presence = ISO8583_CODE_ABSENT;
        break;
    case '2':
        out->presence = ISO8583_CODE_ILLEGIBLE;
        break;
    case '9':
        out->presence = ISO8583_CODE_NOT_ON_CARD;
        break;
    case '3':
        out->dynamic = true;
        __attribute__((fallthrough));
    case '1':
        code_from_value((const char *)c->value.at, count, out);
        break;
    default:
        break;
    }
}

static bool visa_126_has(struct span field, unsigned sub)
{
    return (field.at[(sub - 1) / 8] >> (7 - (sub - 1) % 8) & 1) != 0;
}

/* Where a subfield stands behind the bitmap of DE126. */
static bool visa_126_find(struct span field, unsigned wanted, struct span *out, bool *present)
{
    size_t at = 8;

    if (field.len < 8)
        return false;
    *present = visa_126_has(field, wanted);
    if (!*present)
        return true;
    for (unsigned sub = 1; sub < wanted; sub++) {
        if (!visa_126_has(field, sub))
            continue;
        if (visa_126_len[sub] == 0)
            return false;
        at += visa_126_len[sub];
    }
    *out = span_slice(field, at, visa_126_len[wanted]);
    return out->len == visa_126_len[wanted];
}

static void visa_read(struct span field, size_t count, struct iso8583_code *out)
{
    struct span code = {0};
    bool present = false;
    out->presence = ISO8583_CODE_MALFORMED;
    if (!visa_126_find(field, VISA_126_CODE, &code, &present))
        return;
    struct code_126_10 c;
    if (!present)
        out->presence = ISO8583_CODE_ABSENT;
    else if (wire_parse_all(&visa_code_record, code, &c, NULL) == ERR_OK)
        code_from_126_10(&c, count, out);
    secret_wipe(&c, sizeof c);
}

static void generic_read(struct span field, size_t count, struct iso8583_code *out)
{
    out->presence = ISO8583_CODE_MALFORMED;
    struct code_126_10 c;
    if (wire_parse_all(&generic_code_record, field, &c, NULL) == ERR_OK)
        code_from_126_10(&c, count, out);
    secret_wipe(&c, sizeof c);
}

/* The text after a three-letter tag, up to the backslash that closes it. */
static bool backslash_find(struct span field, const char *tag, struct span *value)
{
    for (size_t from = 0; from < field.len;) {
        const uint8_t *end = memchr(field.at + from, '\\', field.len - from);
        size_t to = end ? (size_t)(end - field.at) : field.len;

        if (end && to - from >= 3 && span_is(span_slice(field, from, 3), tag)) {
            *value = span_slice(field, from + 3, to - from - 3);
            return true;
        }
        from = to + 1;
    }
    return false;
}

static void backslash_read(struct span field, size_t count, struct iso8583_code *out)
{
    struct span indicator, value;
    bool said = backslash_find(field, "CCI", &indicator);
    bool given = backslash_find(field, "CCV", &value);
    if (said && !span_is(indicator, "1") && !span_is(indicator, "0"))
        out->presence = ISO8583_CODE_MALFORMED;
    else if (said ? span_is(indicator, "0") : !given)
        out->presence = ISO8583_CODE_ABSENT;
    else if (given)
        code_from_digits(value, count, out);
    else
        out->presence = ISO8583_CODE_MALFORMED;
}

void iso8583_code_read(enum iso8583_extract rule, const struct iso8583_message *m, struct iso8583_code *out)
{
    uint16_t field = iso8583_extract_row(rule)->field;

    *out = (struct iso8583_code){.presence = ISO8583_CODE_ABSENT, .result_wanted = true};
    if (field == 0 || !iso8583_has(m, field))
        return;
    size_t count = digits_of(m);
    if (rule == ISO8583_EXTRACT_VISA_126_10)
        visa_read(iso8583_get(m, field), count, out);
    else if (rule == ISO8583_EXTRACT_GENERIC_126_10)
        generic_read(iso8583_get(m, field), count, out);
    else if (rule == ISO8583_EXTRACT_AS2805_BACKSLASH)
        backslash_read(iso8583_get(m, field), count, out);
}

/* ---- marks of unattended messages ---- */

static bool visa_unattended(const struct iso8583_message *m)
{
    static const uint8_t recurring = 0xD9, instalment = 0xC9, credential = 0xC3; /* R, I, C in EBCDIC */
    struct span mark = {0};
    bool present = false;
    if (!visa_126_find(iso8583_get(m, ISO8583_CODE), VISA_126_ENVIRONMENT, &mark, &present) || !present)
        return false;
    return mark.at[0] == recurring || mark.at[0] == instalment || mark.at[0] == credential;
}

/* An element of a list: two digits name it, two say its length. */
static bool element_find(struct span list, const char *name, struct span *value)
{
    while (list.len >= 4) {
        uint64_t len = 0;
        if (span_decimal(span_slice(list, 2, 2), &len) != ERR_OK || len > list.len - 4)
            return false;
        *value = span_slice(list, 4, (size_t)len);
        if (span_is(span_slice(list, 0, 2), name))
            return true;
        list = span_slice(list, 4 + (size_t)len, list.len);
    }
    return false;
}

/* DE48: a letter for the kind of transaction, then subelements; 22.5 says who began it. */
static bool mastercard_credential(struct span de48)
{
    struct span element, initiator;
    if (!element_find(span_slice(de48, 1, de48.len), "22", &element) || !element_find(element, "05", &initiator))
        return false;
    struct span kind = span_slice(initiator, 0, 2);
    return span_is(kind, "C1") || span_is(kind, "M1") || span_is(kind, "M2");
}

bool iso8583_unattended(enum iso8583_marks marks, const struct iso8583_message *m)
{
    if (marks == ISO8583_MARKS_VISA)
        return visa_unattended(m);
    if (marks != ISO8583_MARKS_MASTERCARD)
        return false;
    return span_is(span_slice(iso8583_get(m, ISO8583_POS_DATA), 3, 1), "4") ||
           span_is(span_slice(iso8583_get(m, ISO8583_ENTRY_MODE), 0, 2), "10") ||
           mastercard_credential(iso8583_get(m, ISO8583_PRIVATE));
}

/* ---- writing a code ---- */

static enum err code_to_126_10(const struct iso8583_code *code, size_t count, struct code_126_10 *out)
{
    static const char presence[] = {[ISO8583_CODE_ABSENT] = '0',
                                    [ISO8583_CODE_PRESENT] = '1',
                                    [ISO8583_CODE_ILLEGIBLE] = '2',
                                    [ISO8583_CODE_NOT_ON_CARD] = '9'};
    uint8_t value[4] = {' ', ' ', ' ', ' '};

    size_t len = code->presence == ISO8583_CODE_PRESENT ? code->digits.len : 0;
    if (code->presence == ISO8583_CODE_MALFORMED || (code->presence == ISO8583_CODE_PRESENT && len != count))
        return ERR_PARSE_VALUE;
    memcpy(value + 4 - len, code->digits.at, len);
    (void)WIRE_SET(out->presence, span_of(code->dynamic ? "3" : &presence[code->presence], 1));
    (void)WIRE_SET(out->response, span_text(code->result_wanted ? "1" : "0"));
    (void)WIRE_SET(out->value, span_of(value, 4));
    secret_wipe(value, sizeof value);
    return ERR_OK;
}

static enum err write_126_10(const struct wire_record *record, bool bitmap, const struct iso8583_code *code,
                             struct iso8583_message *m)
{
    uint8_t room[16];
    struct code_126_10 c = {0};
    struct buf out = buf_over(room, sizeof room);
    if (bitmap)
        buf_put(&out, (const uint8_t[]){0x00, 0x40, 0, 0, 0, 0, 0, 0}, 8);
    enum err err = code_to_126_10(code, digits_of(m), &c);
    if (err == ERR_OK)
        err = wire_build(record, &c, &out);
    if (err == ERR_OK)
        iso8583_set(m, ISO8583_CODE, buf_span(&out));
    secret_wipe(&c, sizeof c);
    secret_wipe(room, sizeof room);
    return err != ERR_OK ? err : m->err;
}

static enum err write_backslash(const struct iso8583_code *code, struct iso8583_message *m)
{
    uint8_t room[16];
    struct buf out = buf_over(room, sizeof room);
    size_t len = code->digits.len;
    if (code->presence != ISO8583_CODE_ABSENT && (code->presence != ISO8583_CODE_PRESENT || len != digits_of(m)))
        return ERR_PARSE_VALUE;
    buf_put_text(&out, code->presence == ISO8583_CODE_PRESENT ? "CCI1\\CCV" : "CCI0\\");
    if (code->presence == ISO8583_CODE_PRESENT) {
        buf_put(&out, code->digits.at, len);
        buf_put_byte(&out, '\\');
    }
    iso8583_set(m, ISO8583_NATIONAL, buf_span(&out));
    secret_wipe(room, sizeof room);
    return m->err;
}

enum err iso8583_code_write(enum iso8583_extract rule, const struct iso8583_code *code, struct iso8583_message *m)
{
    switch (rule) {
    case ISO8583_EXTRACT_VISA_126_10:
        return write_126_10(&visa_code_record, true, code, m);
    case ISO8583_EXTRACT_GENERIC_126_10:
        return write_126_10(&generic_code_record, false, code, m);
    case ISO8583_EXTRACT_AS2805_BACKSLASH:
        return write_backslash(code, m);
    case ISO8583_EXTRACT_UNSET:
    case ISO8583_EXTRACT_NONE:
    case ISO8583_EXTRACT_COUNT:
    default:
        return code->presence == ISO8583_CODE_ABSENT ? ERR_OK : ERR_PARSE_VALUE;
    }
}

void iso8583_code_erase(enum iso8583_extract rule, struct iso8583_message *m)
{
    iso8583_unset(m, iso8583_extract_row(rule)->field);
}

/* ---- DE44: byte 11 is 44.10, since 44.6 has two bytes (switch.md 4.4) ---- */

enum { RESULT_AT = 10, SUBSTITUTE = 0x1A };

void iso8583_result_write(enum iso8583_result rule, char letter, struct iso8583_message *m)
{
    if (rule != ISO8583_RESULT_44_10 || letter == 0)
        return;
    uint8_t text[RESULT_AT + 1];
    memset(text, ' ', RESULT_AT);
    text[RESULT_AT] = (uint8_t)letter;
    iso8583_set(m, ISO8583_RESPONSE_DATA, span_of(text, sizeof text));
}

char iso8583_result_read(enum iso8583_result rule, const struct iso8583_message *m)
{
    struct span data = iso8583_get(m, ISO8583_RESPONSE_DATA);

    if (rule != ISO8583_RESULT_44_10 || data.len <= RESULT_AT || data.at[RESULT_AT] == ' ')
        return 0;
    return data.at[RESULT_AT] ? (char)data.at[RESULT_AT] : SUBSTITUTE;
}

/* ---- DE90 and DE95 ---- */

/* clang-format off */
static const struct wire_field original_fields[] = {
    {.name = "90.1 original message type",  .kind = WIRE_N, .min = 4,  .max = 4,  WIRE_AT(struct iso8583_original, mti)},
    {.name = "90.2 original STAN",          .kind = WIRE_N, .min = 6,  .max = 6,  WIRE_AT(struct iso8583_original, stan)},
    {.name = "90.3 original transmission",  .kind = WIRE_N, .min = 10, .max = 10, WIRE_AT(struct iso8583_original, transmission)},
    {.name = "90.4 original acquirer",      .kind = WIRE_N, .min = 11, .max = 11, WIRE_AT(struct iso8583_original, acquirer)},
    {.name = "90.5 original forwarder",     .kind = WIRE_N, .min = 11, .max = 11, WIRE_AT(struct iso8583_original, forwarder)},
};
const struct wire_record iso8583_original_record = WIRE_RECORD("original data elements", struct iso8583_original, original_fields);

static const struct wire_field replacement_fields[] = {
    {.name = "95.1 amount, transaction", .kind = WIRE_N, .min = 12, .max = 12, WIRE_AT(struct iso8583_replacement, amount)},
    {.name = "95.2 amount, settlement",  .kind = WIRE_N, .min = 12, .max = 12,
     WIRE_AT(struct iso8583_replacement, settlement_amount)},
    {.name = "95.3 fee, transaction",    .kind = WIRE_AN, .min = 9, .max = 9,  WIRE_AT(struct iso8583_replacement, fee)},
    {.name = "95.4 fee, settlement",     .kind = WIRE_AN, .min = 9, .max = 9,  WIRE_AT(struct iso8583_replacement, settlement_fee)},
};
const struct wire_record iso8583_replacement_record =
    WIRE_RECORD("replacement amounts", struct iso8583_replacement, replacement_fields);
/* clang-format on */

enum err iso8583_original_write(const struct iso8583_message *original, struct iso8583_message *reversal)
{
    static const char digits[] = "0123456789ABCDEF";
    struct span acquirer = iso8583_get(original, ISO8583_ACQUIRER);
    uint8_t room[42];
    struct buf out = buf_over(room, sizeof room);

    for (int shift = 12; shift >= 0; shift -= 4)
        buf_put_byte(&out, (uint8_t)digits[original->mti >> shift & 15]);
    buf_put_span(&out, iso8583_get(original, ISO8583_STAN));
    buf_put_span(&out, iso8583_get(original, ISO8583_TRANSMISSION));
    buf_put_fill(&out, '0', acquirer.len > 11 ? 0 : 11 - acquirer.len);
    buf_put_span(&out, acquirer);
    buf_put_fill(&out, '0', 11);
    TRY(buf_done(&out));
    if (out.len != sizeof room)
        return ERR_PARSE_SHORT;
    iso8583_set(reversal, ISO8583_ORIGINAL, buf_span(&out));
    return reversal->err;
}

enum err iso8583_original_read(const struct iso8583_message *reversal, struct iso8583_original *out)
{
    return wire_parse_all(&iso8583_original_record, iso8583_get(reversal, ISO8583_ORIGINAL), out, NULL);
}

static struct span without_zeros(struct span s)
{
    while (s.len > 0 && s.at[0] == '0')
        s = span_slice(s, 1, s.len - 1);
    return s;
}

bool iso8583_acquirer_equal(struct span a, struct span b)
{
    return span_equal(without_zeros(a), without_zeros(b));
}

enum err iso8583_replacement_read(const struct iso8583_message *reversal, bool *present, uint64_t *amount_minor)
{
    struct span amount = iso8583_get(reversal, ISO8583_AMOUNT);
    *present = iso8583_has(reversal, ISO8583_REPLACEMENT);
    struct iso8583_replacement r;
    if (*present) {
        TRY(wire_parse_all(&iso8583_replacement_record, iso8583_get(reversal, ISO8583_REPLACEMENT), &r, NULL));
        amount = WIRE_SPAN(r.amount);
    }
    return span_decimal(amount, amount_minor);
}

enum err iso8583_replacement_write(struct iso8583_message *reversal, uint64_t amount_minor)
{
    uint8_t room[42];
    struct buf out = buf_over(room, sizeof room);
    buf_put_decimal(&out, amount_minor, 12);
    buf_put_fill(&out, '0', 30);
    TRY(buf_done(&out));
    iso8583_set(reversal, ISO8583_REPLACEMENT, buf_span(&out));
    return reversal->err;
}
