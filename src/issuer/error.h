/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The errors of the room `issuer`.
 *
 * Purpose    What the issuer's REST interface refuses.
 * Ownership  Rows are static and immutable.
 * Columns    those of base/err.h.
 */
#ifndef ISSUER_ERROR_H
#define ISSUER_ERROR_H

#include "base/err.h"

/* clang-format off */
/*    name                          class    host  DE39  HTTP  code                text */
#define ISSUER_ERR_LIST(X) \
    X(ISSUER_ERR_WRONG_ISSUER,      REFUSED, "17", "05", 403, "wrong_issuer",      "the client does not act for this issuer") \
    X(ISSUER_ERR_MISSING_ROLE,      REFUSED, "17", "05", 403, "missing_role",      "the client lacks the role for this request") \
    X(ISSUER_ERR_CARD_NOT_ACTIVE,   REFUSED, "15", "62", 403, "card_not_active",   "the card is not active") \
    X(ISSUER_ERR_NOT_ENROLLED,      REFUSED, "15", "05", 403, "not_enrolled",      "the card is not enrolled for dynamic codes") \
    X(ISSUER_ERR_NO_ENCRYPTION_KEY, REFUSED, "17", "05", 403, "no_encryption_key", "the client has no registered encryption key") \
    X(ISSUER_ERR_SANDBOX_ONLY,      REFUSED, "17", "05", 403, "sandbox_only",      "this is served in sandbox mode only") \
    X(ISSUER_ERR_CARD_NOT_FOUND,    INPUT,   "15", "14", 404, "card_not_found",    "no such card") \
    X(ISSUER_ERR_PRODUCT_NOT_FOUND, INPUT,   "15", "25", 404, "product_not_found", "no such card product") \
    X(ISSUER_ERR_DUPLICATE_CARD,    STATE,   "15", "94", 409, "duplicate_card",    "the card is registered with other data") \
    X(ISSUER_ERR_BAD_PAN,           INPUT,   "15", "14", 400, "bad_pan",           "the number is in no range of this issuer") \
    X(ISSUER_ERR_BAD_COUNT,         INPUT,   "15", "30", 400, "bad_count",         "the number of codes is not allowed") \
    X(ISSUER_ERR_CODE_ACTIVE,       STATE,   "15", "96", 409, "code_active",       "a code is active and may not be replaced yet") \
    X(ISSUER_ERR_CARD_EXPIRED,      STATE,   "15", "54", 409, "card_expired",      "the card's date has passed") \
    X(ISSUER_ERR_WRONG_MODE,        STATE,   "15", "96", 409, "wrong_mode",        "the product has another mode")

enum { ISSUER_ERR_BASE = 0x0900, ISSUER_ERR_LIST(ERR_NUMBER) ISSUER_ERR_END };
ISSUER_ERR_LIST(ERR_CONSTANT)
/* clang-format on */

extern const struct err_table issuer_errors;

#endif
