/* SPDX-License-Identifier: Apache-2.0 */
#include "iso8583/message.h"

#include "base/secret.h"

#include <string.h>

void iso8583_message_init(struct iso8583_message *m, uint16_t mti)
{
    m->mti = mti;
    m->used = 0;
    m->err = ERR_OK;
    m->present[0] = m->present[1] = 0;
    m->skipped[0] = m->skipped[1] = 0;
}

void iso8583_message_wipe(struct iso8583_message *m)
{
    secret_wipe(m->at, sizeof m->at < m->used ? sizeof m->at : m->used);
    iso8583_message_init(m, 0);
}

/* The place for a value: the old one if it is large enough, otherwise the end of the storage. */
static struct iso8583_value *value_place(struct iso8583_message *m, unsigned field, size_t len)
{
    struct iso8583_value *v = &m->value[field];

    if (iso8583_has(m, field) && v->len >= len)
        return v;
    if (len > (size_t)(ISO8583_VALUES_MAX - m->used))
        return NULL;
    iso8583_unset(m, field);
    v->offset = m->used;
    m->used = (uint16_t)(m->used + len);
    return v;
}

void iso8583_set(struct iso8583_message *m, unsigned field, struct span value)
{
    if (m->err != ERR_OK)
        return;
    struct iso8583_value *v = field >= 2 && field < ISO8583_FIELDS ? value_place(m, field, value.len) : NULL;
    if (!v) {
        m->err = ERR_PARSE_LONG;
        return;
    }
    v->len = (uint16_t)value.len;
    if (value.len > 0)
        memmove(m->at + v->offset, value.at, value.len);
    m->present[(field - 1) >> 6] |= iso8583_bit(field);
}

void iso8583_set_text(struct iso8583_message *m, unsigned field, const char *text)
{
    iso8583_set(m, field, span_text(text));
}

void iso8583_set_decimal(struct iso8583_message *m, unsigned field, uint64_t value, size_t width)
{
    uint8_t digits[32];
    struct buf out = buf_over(digits, sizeof digits);
    buf_put_decimal(&out, value, width);
    if (m->err == ERR_OK)
        m->err = buf_done(&out);
    iso8583_set(m, field, buf_span(&out));
}

void iso8583_unset(struct iso8583_message *m, unsigned field)
{
    if (!iso8583_has(m, field))
        return;
    secret_wipe(m->at + m->value[field].offset, m->value[field].len);
    m->present[(field - 1) >> 6] &= ~iso8583_bit(field);
}

void iso8583_copy(struct iso8583_message *to, const struct iso8583_message *from, unsigned field)
{
    if (iso8583_has(from, field))
        iso8583_set(to, field, iso8583_get(from, field));
}
