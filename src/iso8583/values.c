/* SPDX-License-Identifier: Apache-2.0 */
/* Values that must make sense beyond their characters: dates and times. */
#include "iso8583/internal.h"

#include <string.h>

/* clang-format off */
/* x: C or D, then digits. Pairs of digits: Y year, M month, D day, h hour, m minute, s second. A day fits its month; without a year
 * February has 29. */
static const char *const moments[ISO8583_FIELDS] = {
    [7]  = "MDhms",
    [12] = "hms",
    [13] = "MD",
    [14] = "YM",
    [15] = "MD",
    [16] = "MD",
    [17] = "MD",
    [28] = "x",
    [29] = "x",
    [30] = "x",
    [31] = "x",
    [73] = "YMD",
    [97] = "x",
};
/* clang-format on */

static unsigned days_of(unsigned month, bool leap)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month == 2 && leap ? 29 : days[month - 1];
}

struct range {
    unsigned from, to;
};

/* What a pair may be, after the pairs before it. */
static struct range range_of(char pair, unsigned month, bool leap)
{
    switch (pair) {
    case 'M':
        return (struct range){1, 12};
    case 'D':
        return (struct range){1, days_of(month, leap)};
    case 'h':
        return (struct range){0, 23};
    case 'Y':
        return (struct range){0, 99};
    default:
        return (struct range){0, 59};
    }
}

static bool signed_amount(struct span value)
{
    uint64_t amount = 0;
    bool sign = value.len > 0 && (value.at[0] == 'C' || value.at[0] == 'D');
    return sign && span_decimal(span_slice(value, 1, value.len), &amount) == ERR_OK;
}

bool iso8583_value_sound(unsigned field, struct span value)
{
    const char *pairs = moments[field];
    unsigned month = 1;
    bool leap = true;
    if (pairs && pairs[0] == 'x')
        return signed_amount(value);
    for (size_t i = 0; pairs && pairs[i]; i++) {
        uint64_t part = 0;
        struct range range = range_of(pairs[i], month, leap);
        if (span_decimal(span_slice(value, 2 * i, 2), &part) != ERR_OK || part < range.from || part > range.to)
            return false;
        month = pairs[i] == 'M' ? (unsigned)part : month;
        leap = pairs[i] == 'Y' ? part % 4 == 0 : leap; /* 2000 to 2099 */
    }
    return true;
}

void iso8583_value_generate(unsigned field, const struct wire_field *row, const struct env *env, struct buf *out)
{
    const char *pairs = moments[field];
    if (!pairs) {
        wire_value_generate(row, env, out);
        return;
    }
    unsigned month = 1;
    if (pairs[0] == 'x') {
        buf_put_byte(out, 'D');
        buf_put_fill(out, '0', row->max - 1u);
        return;
    }
    for (size_t i = 0; pairs[i]; i++) {
        struct range range = range_of(pairs[i], month, false);
        uint8_t draw;
        env_random(env, &draw, 1);
        unsigned part = range.from + draw % (range.to - range.from + 1);
        buf_put_decimal(out, part, 2);
        month = pairs[i] == 'M' ? part : month;
    }
}
