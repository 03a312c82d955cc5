/* SPDX-License-Identifier: Apache-2.0 */
#include "base/secret.h"
#include "iso8583/internal.h"

#include <string.h>

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
    if ((bitmap[0] & iso8583_bit(1)) == 0)
        return true;
    bitmap[0] &= ~iso8583_bit(1);
    return nibbles_read(p->binary, frame, at, 16, &bitmap[1]);
}

/* ---- fields ---- */

/* A frame on its way into a message. */
struct reading {
    const struct iso8583_profile *profile;
    struct span frame;
    size_t at;
    int class;
    size_t row; /* of the matrix: it and the bitmap ascend */
    struct iso8583_message *m;
    struct iso8583_fault fault; /* the first; err: ERR_OK */
};

/* Fields of a class that is not ours are read as far as the profile uses them in any. */
static bool field_used(struct reading *r, unsigned field)
{
    const struct iso8583_profile *p = r->profile;
    while (r->row < p->matrix_count && p->matrix[r->row].field < field)
        r->row++;
    bool known = r->row < p->matrix_count && p->matrix[r->row].field == field;
    return known && (r->class < 0 || p->matrix[r->row].need[r->class] != '-');
}

static enum err field_keep(struct reading *r, unsigned field, size_t *used, struct wire_fault *wire)
{
    struct iso8583_message *m = r->m;
    struct buf values = {.at = m->at, .len = m->used, .cap = sizeof m->at, .err = ERR_OK};
    TRY(wire_value_read(&r->profile->field[field], span_slice(r->frame, r->at, r->frame.len), used, &values, wire));
    if (!iso8583_value_sound(field, span_of(m->at + m->used, values.len - m->used)))
        return wire->err = ERR_PARSE_VALUE;
    m->value[field] = (struct iso8583_value){m->used, (uint16_t)(values.len - m->used)};
    m->used = (uint16_t)values.len;
    m->present[(field - 1) >> 6] |= iso8583_bit(field);
    return ERR_OK;
}

/* What the class does not use must still be what its field says, but for texts, in which anything may stand. It may be track data
 * or a PIN block. */
static enum err field_skip(struct reading *r, unsigned field, size_t *used, struct wire_fault *wire)
{
    const struct wire_field *row = &r->profile->field[field];
    struct span in = span_slice(r->frame, r->at, r->frame.len);
    uint8_t room[1024];
    struct buf value = buf_over(room, sizeof room);
    r->m->skipped[(field - 1) >> 6] |= iso8583_bit(field);
    if (row->kind == WIRE_A)
        return wire->err = wire_value_extent(row, in, used);
    enum err err = wire_value_read(row, in, used, &value, wire);
    if (err == ERR_OK && !iso8583_value_sound(field, buf_span(&value)))
        err = wire->err = ERR_PARSE_VALUE;
    secret_wipe(room, value.len);
    return err;
}

/* A value that is wrong ends the frame's chances, but not the reading: who is answered 30 gets back what could be read. False: the
 * next field cannot be found. */
static bool field_read(struct reading *r, unsigned field)
{
    struct wire_fault wire = {0};
    size_t used = 0;
    enum err err = field_used(r, field) ? field_keep(r, field, &used, &wire) : field_skip(r, field, &used, &wire);
    bool found =
        err == ERR_OK || wire_value_extent(&r->profile->field[field], span_slice(r->frame, r->at, r->frame.len), &used) == ERR_OK;
    if (err != ERR_OK && r->fault.err == ERR_OK) {
        (void)fault_set(&r->fault, ISO8583_OUTCOME_FIELD, err, field, r->at + wire.offset);
        r->fault.wire = wire;
    }
    r->at += found ? used : 0;
    return found;
}

static enum err fields_read(struct reading *r, uint64_t bitmap[static 2])
{
    for (unsigned half = 0; half < 2; half++) {
        while (bitmap[half] != 0) {
            unsigned field = 64 * half + 1u + (unsigned)__builtin_clzll(bitmap[half]);
            bitmap[half] &= ~iso8583_bit(field);
            if (!field_read(r, field))
                return r->fault.err;
        }
    }
    return r->fault.err;
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
    struct reading r = {.profile = p, .frame = frame, .m = out};
    iso8583_message_init(out, 0);
    if (fault)
        *fault = (struct iso8583_fault){0};
    if (!header_read(p, frame, &r.at, out, bitmap))
        return fault_set(fault, ISO8583_OUTCOME_HEADER, ERR_FRAME, 0, r.at);
    r.class = class_index(out->mti);
    enum err err = fields_read(&r, bitmap);
    if (err != ERR_OK && fault)
        *fault = r.fault;
    TRY(err);
    if (r.at != frame.len)
        return fault_set(fault, ISO8583_OUTCOME_TRAILING, ERR_PARSE_TRAILING, 0, r.at);
    return matrix_check(p, out, r.at, fault);
}

enum err iso8583_skipped_refuse(const struct iso8583_message *m, struct iso8583_fault *fault)
{
    for (unsigned half = 0; half < 2; half++)
        if (m->skipped[half] != 0)
            return fault_set(fault, ISO8583_OUTCOME_FORBIDDEN, ERR_PARSE_UNKNOWN,
                             64 * half + 1u + (unsigned)__builtin_clzll(m->skipped[half]), 0);
    return ERR_OK;
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

static bool outside_matrix(const struct iso8583_profile *p, const uint64_t present[static 2])
{
    uint64_t rest[2] = {present[0], present[1]};
    for (size_t i = 0; i < p->matrix_count; i++)
        rest[(p->matrix[i].field - 1) >> 6] &= ~iso8583_bit(p->matrix[i].field);
    return rest[0] != 0 || rest[1] != 0;
}

enum err iso8583_build(const struct iso8583_profile *p, const struct iso8583_message *m, struct buf *out)
{
    uint64_t first = m->present[0] | (m->present[1] != 0 ? iso8583_bit(1) : 0);

    TRY(m->err);
    if (outside_matrix(p, m->present))
        return ERR_PARSE_UNKNOWN;
    if (class_index(m->mti) >= 0 || iso8583_mti_request(m->mti))
        TRY(matrix_check(p, m, 0, NULL));
    nibbles_write(p->binary, m->mti, 4, out);
    nibbles_write(p->binary, first, 16, out);
    if (m->present[1] != 0)
        nibbles_write(p->binary, m->present[1], 16, out);
    for (size_t i = 0; i < p->matrix_count; i++) {
        unsigned field = p->matrix[i].field;

        if (!iso8583_has(m, field))
            continue;
        if (!iso8583_value_sound(field, iso8583_get(m, field)))
            return ERR_PARSE_VALUE;
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

/* What tells an answer's sender which message of his it speaks of, also where its class is not served. */
static bool echoed_always(unsigned field)
{
    static const uint8_t fields[] = {ISO8583_TRANSMISSION, ISO8583_STAN, ISO8583_RRN, ISO8583_TERMINAL, ISO8583_MERCHANT};
    return memchr(fields, (int)field, sizeof fields);
}

void iso8583_answer_init(const struct iso8583_profile *p, const struct iso8583_message *request, struct iso8583_message *out)
{
    uint16_t mti = iso8583_mti_answer(request->mti);
    int class = class_index(mti);

    iso8583_message_init(out, mti);
    for (size_t i = 0; i < p->matrix_count; i++)
        if (class < 0 ? echoed_always(p->matrix[i].field) : p->matrix[i].need[class] == 'E')
            iso8583_copy(out, request, p->matrix[i].field);
}

const char *iso8583_fault_response(const struct iso8583_fault *fault, const struct iso8583_message *partial)
{
    if (fault->outcome == ISO8583_OUTCOME_HEADER || !iso8583_has(partial, ISO8583_STAN) || !iso8583_mti_request(partial->mti))
        return NULL;
    return fault->outcome == ISO8583_OUTCOME_CLASS ? "12" : "30";
}
