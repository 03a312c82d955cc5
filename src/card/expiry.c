/* SPDX-License-Identifier: Apache-2.0 */
#include "card/card.h"

#include <string.h>

static enum err two_digits(struct span text, uint8_t *out)
{
    uint64_t value = 0;
    TRY(span_decimal(text, &value));
    *out = (uint8_t)value;
    return ERR_OK;
}

enum err card_expiry_from_parts(struct span month, struct span year, struct card_expiry *out)
{
    struct card_expiry e;
    if (month.len != 2 || (year.len != 2 && year.len != 4))
        return ERR_PARSE_VALUE;
    if (year.len == 4 && !span_is(span_slice(year, 0, 2), "20"))
        return ERR_PARSE_VALUE;
    TRY(two_digits(month, &e.month));
    TRY(two_digits(span_slice(year, year.len - 2, 2), &e.year));
    if (e.month < 1 || e.month > 12)
        return ERR_PARSE_VALUE;
    *out = e;
    return ERR_OK;
}

enum err card_expiry_parse(struct span text, enum card_expiry_order order, struct card_expiry *out)
{
    if (text.len != 4)
        return ERR_PARSE_VALUE;
    struct span first = span_slice(text, 0, 2);
    struct span second = span_slice(text, 2, 2);
    return order == CARD_MMYY ? card_expiry_from_parts(first, second, out) : card_expiry_from_parts(second, first, out);
}

void card_expiry_write(struct card_expiry expiry, enum card_expiry_order order, char out[static 5])
{
    uint8_t first = order == CARD_MMYY ? expiry.month : expiry.year;
    uint8_t second = order == CARD_MMYY ? expiry.year : expiry.month;
    struct buf b = buf_over(out, 5);
    buf_put_decimal(&b, first, 2);
    buf_put_decimal(&b, second, 2);
    ASSERT(buf_text(&b)[0] != 0);
}

bool card_expiry_past(struct card_expiry expiry, int year, int month)
{
    return (2000 + expiry.year) * 12 + expiry.month < year * 12 + month;
}

enum err card_service_parse(struct span text, char out[static 4])
{
    uint64_t value = 0;
    if (text.len != 3)
        return ERR_PARSE_VALUE;
    TRY(span_decimal(text, &value));
    memcpy(out, text.at, 3);
    out[3] = 0;
    return ERR_OK;
}
