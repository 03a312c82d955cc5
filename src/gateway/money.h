/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Amounts: exact decimals of a currency, kept as minor units. Never a double.
 *
 * Purpose    Reads "12.5" or 12.50 of a request to 1250 minor units, and writes them back.
 * Threading  Free of state.
 * Failure    ERR_PARSE_VALUE for text that is no amount, a scale larger than the currency's, or more than 12 digits of minor
 *            units, which is all that ISO 8583 field 4 holds.
 */
#ifndef GATEWAY_MONEY_H
#define GATEWAY_MONEY_H

#include "base/buf.h"

struct gateway_currency {
    char alpha[4];
    char numeric[4];
    uint8_t scale; /* digits after the point, ISO 4217 */
};

/* NULL if the gateway does not take the currency. */
const struct gateway_currency *gateway_money_currency(struct span alpha);

/* Digits, at most one point; exponents, signs and blanks are refused. Trailing zeros beyond the scale are harmless and taken. */
MUST_USE enum err gateway_money_read(struct span text, uint8_t scale, uint64_t *amount_minor);
/* With exactly `scale` digits after the point. */
void gateway_money_write(uint64_t amount_minor, uint8_t scale, struct buf *out);

#endif
