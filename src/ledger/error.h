/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The errors of the room `ledger`.
 *
 * Purpose    What the life of a code does not allow.
 * Ownership  Rows are static and immutable.
 * Columns    those of base/err.h.
 */
#ifndef LEDGER_ERROR_H
#define LEDGER_ERROR_H

#include "base/err.h"

/* clang-format off */
/*    name                          class        host  DE39  HTTP  code                text */
#define LEDGER_ERR_LIST(X) \
    X(LEDGER_ERR_COUNTER_EXHAUSTED, STATE,       "15", "96", 409, "counter_exhausted", "the issuance counter is exhausted") \
    X(LEDGER_ERR_CLOCK_SUSPECT,     UNAVAILABLE, "41", "91", 503, "clock_suspect",     "the clock runs behind the database") \
    X(LEDGER_ERR_RANGE_TAKEN,       STATE,       "15", "94", 409, "range_taken",       "a number would belong to two ranges")

enum { LEDGER_ERR_BASE = 0x0700, LEDGER_ERR_LIST(ERR_NUMBER) LEDGER_ERR_END };
LEDGER_ERR_LIST(ERR_CONSTANT)
/* clang-format on */

extern const struct err_table ledger_errors;

#endif
