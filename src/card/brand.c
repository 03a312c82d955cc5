/* SPDX-License-Identifier: Apache-2.0 */
#include "card/card.h"

#define LENGTH(n) (1u << (n))
#define LENGTHS(from, to) ((1u << ((to) + 1)) - (1u << (from)))

/* clang-format off */
static const struct card_brand_row brands[CARD_BRAND_COUNT] = {
    [CARD_BRAND_UNKNOWN]    = {"UNKNOWN",    LENGTHS(12, 19),         3},
    [CARD_BRAND_VISA]       = {"VISA",       LENGTH(13) | LENGTH(16), 3},
    [CARD_BRAND_MASTERCARD] = {"MASTERCARD", LENGTH(16),              3},
    [CARD_BRAND_AMEX]       = {"AMEX",       LENGTH(15),              4},
    [CARD_BRAND_DISCOVER]   = {"DISCOVER",   LENGTHS(16, 19),         3},
    [CARD_BRAND_DINERS]     = {"DINERS",     LENGTHS(14, 19),         3},
    [CARD_BRAND_MAESTRO]    = {"MAESTRO",    LENGTHS(12, 19),         3},
    [CARD_BRAND_JCB]        = {"JCB",        LENGTHS(16, 19),         3},
    [CARD_BRAND_UNION_PAY]  = {"UNION_PAY",  LENGTHS(16, 19),         3},
};

/* Ranges of the first four digits; the first row that holds the number decides. Commerce Hub master data for the brands it states,
 * the card associations' public IIN lists for the others. */
static const struct {
    uint16_t from, to;
    enum card_brand brand;
} ranges[] = {
    {2221, 2720, CARD_BRAND_MASTERCARD},
    {3000, 3059, CARD_BRAND_DINERS},
    {3095, 3095, CARD_BRAND_DINERS},
    {3400, 3499, CARD_BRAND_AMEX},
    {3528, 3589, CARD_BRAND_JCB},
    {3600, 3699, CARD_BRAND_DINERS},
    {3700, 3799, CARD_BRAND_AMEX},
    {3800, 3999, CARD_BRAND_DINERS},
    {4000, 4999, CARD_BRAND_VISA},
    {5018, 5018, CARD_BRAND_MAESTRO},
    {5020, 5020, CARD_BRAND_MAESTRO},
    {5038, 5038, CARD_BRAND_MAESTRO},
    {5100, 5599, CARD_BRAND_MASTERCARD},
    {5600, 5899, CARD_BRAND_MAESTRO},
    {6011, 6011, CARD_BRAND_DISCOVER},
    {6200, 6299, CARD_BRAND_UNION_PAY},
    {6304, 6304, CARD_BRAND_MAESTRO},
    {6390, 6390, CARD_BRAND_MAESTRO},
    {6440, 6599, CARD_BRAND_DISCOVER},
    {6700, 6799, CARD_BRAND_MAESTRO},
    {8100, 8171, CARD_BRAND_UNION_PAY},
};
/* clang-format on */

enum card_brand card_brand_of(const struct card_pan *pan)
{
    unsigned iin = 0;
    for (int i = 0; i < 4; i++)
        iin = iin * 10 + (unsigned)(pan->digit[i] - '0');
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
        if (iin >= ranges[i].from && iin <= ranges[i].to)
            return brands[ranges[i].brand].lengths & LENGTH(pan->len) ? ranges[i].brand : CARD_BRAND_UNKNOWN;
    return CARD_BRAND_UNKNOWN;
}

const struct card_brand_row *card_brand_row(enum card_brand brand)
{
    return &brands[(unsigned)brand < CARD_BRAND_COUNT ? brand : CARD_BRAND_UNKNOWN];
}

enum card_brand card_brand_from_name(struct span name)
{
    for (unsigned i = 0; i < CARD_BRAND_COUNT; i++)
        if (span_is(name, brands[i].name))
            return (enum card_brand)i;
    return CARD_BRAND_UNKNOWN;
}
