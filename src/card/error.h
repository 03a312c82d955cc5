/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The errors of the room `card`.
 *
 * Purpose    What is wrong with a card number.
 * Ownership  Rows are static and immutable.
 * Columns    those of base/err.h.
 */
#ifndef CARD_ERROR_H
#define CARD_ERROR_H

#include "base/err.h"

/* clang-format off */
/*    name                     class  host  DE39  HTTP  code      text */
#define CARD_ERR_LIST(X) \
    X(CARD_ERR_PAN,            INPUT, "15", "14", 400, "bad_pan", "the card number is not valid") \
    X(CARD_ERR_ACCOUNT_NUMBER, INPUT, "22", "14", 400, "bad_pan", "invalid account number")

enum { CARD_ERR_BASE = 0x0100, CARD_ERR_LIST(ERR_NUMBER) CARD_ERR_END };
CARD_ERR_LIST(ERR_CONSTANT)
/* clang-format on */

extern const struct err_table card_errors;

#endif
