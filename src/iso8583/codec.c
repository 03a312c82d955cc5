/* SPDX-License-Identifier: Apache-2.0 */
#include "iso8583/profile.h"

static const uint16_t class_mti[ISO8583_CLASSES] = {
#define CLASS_MTI(mti_) 0x##mti_,
    ISO8583_CLASS_LIST(CLASS_MTI)
#undef CLASS_MTI
};

/* The column of the matrix; -1 for an MTI that is not ours. Only requests have repeats. */
static int class_index(uint16_t mti)
{
    uint16_t class = iso8583_mti_request(mti) && iso8583_mti_repeat(mti) ? iso8583_mti_class(mti) : mti;

    for (int i = 0; i < ISO8583_CLASSES; i++)
        if (class_mti[i] == class)
            return i;
    return -1;
}

static uint64_t field_bit(unsigned field)
{
    return UINT64_C(1) << (63 - ((field - 1) & 63));
}

static enum err fault_set(struct iso8583_fault *fault, enum iso8583_outcome outcome, enum err err, unsigned field, size_t offset)
{
    if (fault) {
        fault->err = err;
        fault->outcome = outcome;
        fault->field = (uint16_t)field;
        fault->offset = offset;
    }
    return err;
}

/* ---- header ---- */

static int hex_value(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return -1;
}

/* `digits` nibbles, as bytes or as hexadecimal digits; moves *at. */
static bool nibbles_read(bool binary, struct span in, size_t *at, unsigned digits, uint64_t *out)
{
    size_t len = binary ? digits / 2 : digits;
    uint64_t value = 0;

    if (in.len - *at < len)
        return false;
    for (size_t i = 0; i < len; i++) {
        uint8_t c = in.at[*at + i];
        int nibble = binary ? 0 : hex_value(c);

        if (nibble < 0)
            return false;
        value = binary ? value << 8 | c : value << 4 | (uint64_t)nibble;
    }
    *at += len;
    *out = value;
    return true;
}

static bool decimal_nibbles(uint64_t value)
{
    for (; value != 0; value >>= 4)
        if ((value & 15) > 9)
            return false;
    return true;
}

static bool header_read(const struct iso8583_profile *p, struct span frame, size_t *at, struct iso8583_message *m,
                        uint64_t bitmap[2])
{
    uint64_t mti = 0;

    if (!nibbles_read(p->binary, frame, at, 4, &mti) || !decimal_nibbles(mti))
        return false;
    iso8583_message_init(m, (uint16_t)mti);
    if (!nibbles_read(p->binary, frame, at, 16, &bitmap[0]))
        return false;
    if ((bitmap[0] & field_bit(1)) == 0)
        return true;
    bitmap[0] &= ~field_bit(1);
    return nibbles_read(p->binary, frame, at, 16, &bitmap[1]);
}

/* ---- fields ---- */

/* The first data element whose bit is set in `bitmap` and that the profile does not have; 0 = none. */
static unsigned unknown_field(const struct iso8583_profile *p, const uint64_t bitmap[2])
{
    uint64_t rest[2] = {bitmap[0], bitmap[1]};

    for (size_t i = 0; i < p->matrix_count; i++)
        rest[(p->matrix[i].field - 1) >> 6] &= ~field_bit(p->matrix[i].field);
    if (rest[0] != 0)
        return 1u + (unsigned)__builtin_clzll(rest[0]);
    return rest[1] != 0 ? 65u + (unsigned)__builtin_clzll(rest[1]) : 0;
}

static enum err field_read(const struct wire_field *row, struct span in, size_t *at, unsigned field, struct iso8583_message *m,
                           struct wire_fault *fault)
{
    struct buf values = {.at = m->at, .len = m->used, .cap = sizeof m->at, .err = ERR_OK};
    size_t used = 0;

    TRY(wire_value_read(row, span_of(in.at + *at, in.len - *at), &used, &values, fault));
    m->value[field] = (struct iso8583_value){m->used, (uint16_t)(values.len - m->used)};
    m->used = (uint16_t)values.len;
    m->present[(field - 1) >> 6] |= field_bit(field);
    *at += used;
    return ERR_OK;
}

static enum err fields_read(const struct iso8583_profile *p, struct span frame, size_t *at, const uint64_t bitmap[2],
                            struct iso8583_message *m, struct iso8583_fault *fault)
{
    struct wire_fault wire = {0};

    for (size_t i = 0; i < p->matrix_count; i++) {
        unsigned field = p->matrix[i].field;
        enum err err;

        if ((bitmap[(field - 1) >> 6] & field_bit(field)) == 0)
            continue;
        err = field_read(&p->field[field], frame, at, field, m, &wire);
        if (err != ERR_OK) {
            if (fault)
                fault->wire = wire;
            return fault_set(fault, ISO8583_OUTCOME_FIELD, err, field, *at + wire.offset);
        }
    }
    return ERR_OK;
}

static enum err matrix_check(const struct iso8583_profile *p, const struct iso8583_message *m, size_t at,
                             struct iso8583_fault *fault)
{
    int class = class_index(m->mti);

    if (class < 0)
        return fault_set(fault, ISO8583_OUTCOME_CLASS, ERR_PARSE_VALUE, 0, 0);
    for (size_t i = 0; i < p->matrix_count; i++) {
        unsigned field = p->matrix[i].field;
        char need = p->matrix[i].need[class];

        if (need == '-' && iso8583_has(m, field))
            return fault_set(fault, ISO8583_OUTCOME_FORBIDDEN, ERR_PARSE_UNKNOWN, field, at);
        if (need == 'M' && !iso8583_has(m, field))
            return fault_set(fault, ISO8583_OUTCOME_MISSING, ERR_PARSE_MISSING, field, at);
    }
    return ERR_OK;
}

enum err iso8583_parse(const struct iso8583_profile *p, struct span frame, struct iso8583_message *out, struct iso8583_fault *fault)
{
    uint64_t bitmap[2] = {0, 0};
    size_t at = 0;
    iso8583_message_init(out, 0);
    if (fault)
        *fault = (struct iso8583_fault){0};
    if (!header_read(p, frame, &at, out, bitmap))
        return fault_set(fault, ISO8583_OUTCOME_HEADER, ERR_FRAME, 0, at);
    unsigned unknown = unknown_field(p, bitmap);
    if (unknown != 0) {
        /* What stands before the unknown field is read all the same: the answer echoes DE11. */
        uint64_t before[2] = {unknown <= 64 ? bitmap[0] & ~(field_bit(unknown) | (field_bit(unknown) - 1)) : bitmap[0],
                              unknown <= 64 ? 0 : bitmap[1] & ~(field_bit(unknown) | (field_bit(unknown) - 1))};

        TRY(fields_read(p, frame, &at, before, out, fault));
        return fault_set(fault, ISO8583_OUTCOME_UNKNOWN, ERR_PARSE_UNKNOWN, unknown, at);
    }
    TRY(fields_read(p, frame, &at, bitmap, out, fault));
    if (at != frame.len)
        return fault_set(fault, ISO8583_OUTCOME_TRAILING, ERR_PARSE_TRAILING, 0, at);
    return matrix_check(p, out, at, fault);
}

/* ---- building ---- */

static void nibbles_write(bool binary, uint64_t value, unsigned digits, struct buf *out)
{
    uint8_t *at = buf_take(out, binary ? digits / 2 : digits);

    if (!at)
        return;
    for (unsigned i = 0; i < digits / (binary ? 2 : 1); i++) {
        unsigned shift = binary ? (digits / 2 - 1 - i) * 8 : (digits - 1 - i) * 4;

        at[i] = (uint8_t)(binary ? value >> shift : (uint64_t) "0123456789ABCDEF"[value >> shift & 15]);
    }
}

enum err iso8583_build(const struct iso8583_profile *p, const struct iso8583_message *m, struct buf *out)
{
    uint64_t first = m->present[0] | (m->present[1] != 0 ? field_bit(1) : 0);

    TRY(m->err);
    if (unknown_field(p, m->present) != 0)
        return ERR_PARSE_UNKNOWN;
    if (class_index(m->mti) >= 0 || iso8583_mti_request(m->mti))
        TRY(matrix_check(p, m, 0, NULL));
    nibbles_write(p->binary, m->mti, 4, out);
    nibbles_write(p->binary, first, 16, out);
    if (m->present[1] != 0)
        nibbles_write(p->binary, m->present[1], 16, out);
    for (size_t i = 0; i < p->matrix_count; i++) {
        unsigned field = p->matrix[i].field;

        if (iso8583_has(m, field))
            TRY(wire_value_write(&p->field[field], iso8583_get(m, field), out));
    }
    return buf_done(out);
}

/* ---- answers ---- */

char iso8583_need(const struct iso8583_profile *p, uint16_t mti, unsigned field)
{
    int class = class_index(mti);

    for (size_t i = 0; class >= 0 && i < p->matrix_count; i++)
        if (p->matrix[i].field == field)
            return p->matrix[i].need[class];
    return '-';
}

void iso8583_answer_init(const struct iso8583_profile *p, const struct iso8583_message *request, struct iso8583_message *out)
{
    uint16_t mti = iso8583_mti_answer(request->mti);
    int class = class_index(mti);

    iso8583_message_init(out, mti);
    for (size_t i = 0; i < p->matrix_count; i++)
        if (class < 0 ? p->matrix[i].field == ISO8583_TRANSMISSION || p->matrix[i].field == ISO8583_STAN
                      : p->matrix[i].need[class] == 'E')
            iso8583_copy(out, request, p->matrix[i].field);
}

const char *iso8583_fault_response(const struct iso8583_fault *fault, const struct iso8583_message *partial)
{
    if (fault->outcome == ISO8583_OUTCOME_HEADER || !iso8583_has(partial, ISO8583_STAN) || !iso8583_mti_request(partial->mti))
        return NULL;
    return fault->outcome == ISO8583_OUTCOME_CLASS ? "12" : "30";
}
