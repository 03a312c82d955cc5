/* SPDX-License-Identifier: Apache-2.0 */
#include "iso8583/internal.h"

#include <string.h>

static void mti_put(uint16_t mti, struct buf *out)
{
    uint8_t bytes[2] = {(uint8_t)(mti >> 8), (uint8_t)mti};

    buf_put_hex(out, bytes, 2);
}

void iso8583_describe(const struct iso8583_profile *p, const struct iso8583_message *m, struct buf *out)
{
    mti_put(m->mti, out);
    for (size_t i = 0; i < p->matrix_count; i++) {
        unsigned field = p->matrix[i].field;

        if (!iso8583_has(m, field))
            continue;
        buf_put_byte(out, ' ');
        buf_put_decimal(out, field, field < 100 ? 2 : 3);
        buf_put_byte(out, '=');
        wire_value_describe(&p->field[field], iso8583_get(m, field), out);
    }
}

static const char *kind_text(enum wire_kind kind)
{
    switch (kind) {
    case WIRE_N:
        return "n";
    case WIRE_AN:
        return "an";
    case WIRE_B:
        return "b";
    case WIRE_A:
    case WIRE_H:
    case WIRE_Z:
    case WIRE_CONST:
    case WIRE_ENUM:
    case WIRE_SHAPED:
    case WIRE_BOOL:
    case WIRE_DECIMAL:
    case WIRE_OBJECT:
    default:
        return "ans";
    }
}

/* n LL 1..11 */
static void type_document(const struct wire_field *f, struct buf *out)
{
    buf_put_text(out, kind_text(f->kind));
    buf_put_text(out, f->length == WIRE_LL ? " LL " : f->length == WIRE_LLL ? " LLL " : " ");
    if (f->min != f->max) {
        buf_put_decimal(out, f->min, 0);
        buf_put_text(out, "..");
    }
    buf_put_decimal(out, f->max, 0);
}

static void row_document(const struct iso8583_profile *p, const struct iso8583_matrix_row *row, struct buf *out)
{
    static const char *const encodings[] = {
        [WIRE_ASCII] = "ASCII", [WIRE_BCD] = "BCD", [WIRE_EBCDIC] = "EBCDIC", [WIRE_BINARY] = "binary"};
    const struct wire_field *f = &p->field[row->field];

    buf_put_text(out, "| ");
    buf_put_decimal(out, row->field, 0);
    buf_put_text(out, " | ");
    buf_put_text(out, f->name);
    buf_put_text(out, " | ");
    type_document(f, out);
    buf_put_text(out, " | ");
    buf_put_text(out, encodings[f->encoding]);
    for (int i = 0; i < ISO8583_CLASSES; i++) {
        buf_put_text(out, " | ");
        buf_put_byte(out, (uint8_t)row->need[i]);
    }
    buf_put_text(out, " |\n");
}

/* What no class uses. */
static void skipped_document(const struct iso8583_profile *p, struct buf *out)
{
    buf_put_text(out, "\nSkipped wherever they stand (`unknown_field = reject` refuses them with 30): ");
    size_t row = 0;
    for (unsigned field = 2; field < ISO8583_FIELDS; field++) {
        if (row < p->matrix_count && p->matrix[row].field == field) {
            row++;
            continue;
        }
        buf_put_text(out, field == 5 ? "" : ", ");
        buf_put_decimal(out, field, 0);
        buf_put_byte(out, ' ');
        type_document(&p->field[field], out);
    }
    buf_put_text(out, ".\n");
}

void iso8583_document(const struct iso8583_profile *p, struct buf *out)
{
    buf_put_text(out, "### ");
    buf_put_text(out, p->name);
    buf_put_text(out, "\n\n| DE | name | type | encoding |");
#define CLASS_HEAD(mti_) buf_put_text(out, " " #mti_ " |");
    ISO8583_CLASS_LIST(CLASS_HEAD)
#undef CLASS_HEAD
    buf_put_text(out, "\n|---|---|---|---|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < p->matrix_count; i++)
        row_document(p, &p->matrix[i], out);
    skipped_document(p, out);
}

enum { RESERVE = 512 }; /* for the fields that must follow a long one */

void iso8583_generate(const struct iso8583_profile *p, uint16_t mti, const struct env *env, struct iso8583_message *out)
{
    iso8583_message_init(out, mti);
    for (size_t i = 0; i < p->matrix_count; i++) {
        unsigned field = p->matrix[i].field;
        char need = iso8583_need(p, mti, field);
        uint8_t room[1024];
        uint8_t coin;
        struct buf value = buf_over(room, sizeof room);

        env_random(env, &coin, 1);
        if (need == '-' || (need != 'M' && (coin & 1) == 0))
            continue;
        iso8583_value_generate(field, &p->field[field], env, &value);
        if (need == 'M' || value.len + RESERVE <= (size_t)(ISO8583_VALUES_MAX - out->used))
            iso8583_set(out, field, buf_span(&value));
    }
}

/* ---- self-check ---- */

static bool field_sound(const struct wire_field *f)
{
    if (!f->name || f->max == 0 || f->min > f->max)
        return false;
    unsigned longest = f->length == WIRE_LLL ? 999 : f->length_encoding == WIRE_BINARY ? 255 : 99;
    if (f->length == WIRE_FIXED ? f->min != f->max && f->padding == WIRE_PAD_NONE
                                : f->max > longest || (f->length != WIRE_LL && f->length != WIRE_LLL))
        return false;
    return (f->encoding == WIRE_BCD) <= (f->kind == WIRE_N || f->kind == WIRE_Z) &&
           (f->encoding == WIRE_BINARY) == (f->kind == WIRE_B);
}

static bool row_sound(const struct iso8583_matrix_row *row)
{
    for (int i = 0; i < ISO8583_CLASSES; i++)
        if (row->need[i] == 0 || !strchr("MOCE-", row->need[i]))
            return false;
    return row->field >= 2 && row->field < ISO8583_FIELDS;
}

enum err iso8583_check(const struct iso8583_profile *p, struct iso8583_fault *fault)
{
    unsigned last = 0;
    unsigned bad = 0;
    for (unsigned i = 2; i < ISO8583_FIELDS && bad == 0; i++)
        bad = field_sound(&p->field[i]) ? 0 : i;
    for (size_t i = 0; i < p->matrix_count && bad == 0; i++) {
        bad = p->matrix[i].field > last && row_sound(&p->matrix[i]) ? 0 : p->matrix[i].field;
        last = p->matrix[i].field;
    }
    if (bad != 0 && fault)
        *fault = (struct iso8583_fault){.err = ERR_INTERNAL, .outcome = ISO8583_OUTCOME_FIELD, .field = (uint16_t)bad};
    return bad == 0 ? ERR_OK : ERR_INTERNAL;
}
