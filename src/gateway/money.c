/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/money.h"

/* clang-format off */
static const struct gateway_currency currencies[] = { /* ISO 4217, list one */
    {"AED", "784", 2}, {"ARS", "032", 2}, {"AUD", "036", 2}, {"BGN", "975", 2}, {"BHD", "048", 3}, {"BRL", "986", 2},
    {"CAD", "124", 2}, {"CHF", "756", 2}, {"CLP", "152", 0}, {"CNY", "156", 2}, {"COP", "170", 2}, {"CZK", "203", 2},
    {"DKK", "208", 2}, {"EGP", "818", 2}, {"EUR", "978", 2}, {"GBP", "826", 2}, {"HKD", "344", 2}, {"HUF", "348", 2},
    {"IDR", "360", 2}, {"ILS", "376", 2}, {"INR", "356", 2}, {"ISK", "352", 0}, {"JOD", "400", 3}, {"JPY", "392", 0},
    {"KRW", "410", 0}, {"KWD", "414", 3}, {"MXN", "484", 2}, {"MYR", "458", 2}, {"NOK", "578", 2}, {"NZD", "554", 2},
    {"OMR", "512", 3}, {"PEN", "604", 2}, {"PHP", "608", 2}, {"PLN", "985", 2}, {"QAR", "634", 2}, {"RON", "946", 2},
    {"SAR", "682", 2}, {"SEK", "752", 2}, {"SGD", "702", 2}, {"THB", "764", 2}, {"TND", "788", 3}, {"TRY", "949", 2},
    {"TWD", "901", 2}, {"UAH", "980", 2}, {"USD", "840", 2}, {"UYU", "858", 2}, {"VND", "704", 0}, {"ZAR", "710", 2},
};
/* clang-format on */

enum { CURRENCIES = sizeof currencies / sizeof currencies[0] };

const struct gateway_currency *gateway_money_currency(struct span alpha)
{
    for (size_t i = 0; i < CURRENCIES; i++)
        if (span_is(alpha, currencies[i].alpha))
            return &currencies[i];
    return NULL;
}

enum err gateway_money_read(struct span text, uint8_t scale, uint64_t *amount_minor)
{
    static const uint64_t limit = 1000000000000u; /* field 4 is n12 */
    uint64_t value = 0;
    size_t whole = 0;
    int decimals = -1; /* before the point */
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.at[i];
        if (c == '.' && decimals < 0 && whole > 0) {
            decimals = 0;
            continue;
        }
        if (c < '0' || c > '9')
            return ERR_PARSE_CHARACTER;
        if (decimals < 0)
            whole++;
        else if (++decimals > scale) {
            if (c != '0')
                return ERR_PARSE_VALUE;
            continue;
        }
        value = value * 10 + (c - '0');
        if (value >= limit)
            return ERR_PARSE_LONG;
    }
    if (whole == 0 || decimals == 0) /* "", ".5" and "5." */
        return ERR_PARSE_VALUE;
    for (int i = decimals < 0 ? 0 : decimals; i < scale; i++)
        value *= 10;
    if (value >= limit)
        return ERR_PARSE_LONG;
    *amount_minor = value;
    return ERR_OK;
}

void gateway_money_write(uint64_t amount_minor, uint8_t scale, struct buf *out)
{
    uint64_t unit = 1;
    for (uint8_t i = 0; i < scale; i++)
        unit *= 10;
    buf_put_decimal(out, amount_minor / unit, 0);
    if (scale == 0)
        return;
    buf_put_byte(out, '.');
    buf_put_decimal(out, amount_minor % unit, scale);
}
