/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The errors of the room `wire`.
 *
 * Purpose    What is wrong with data that a table of fields describes, beyond the general rows of parsing.
 * Ownership  Rows are static and immutable.
 * Columns    those of base/err.h.
 */
#ifndef WIRE_ERROR_H
#define WIRE_ERROR_H

#include "base/err.h"

/* clang-format off */
/*    name                  class  host  DE39  HTTP  code  text */
#define WIRE_ERR_LIST(X) \
    X(WIRE_ERR_DATA_LENGTH, INPUT, "80", "96", 500, "hsm", "data length does not match")

enum { WIRE_ERR_BASE = 0x0300, WIRE_ERR_LIST(ERR_NUMBER) WIRE_ERR_END };
WIRE_ERR_LIST(ERR_CONSTANT)
/* clang-format on */

extern const struct err_table wire_errors;

#endif
