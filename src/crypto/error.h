/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The errors of the room `crypto`.
 *
 * Purpose    What the algorithms refuse.
 * Ownership  Rows are static and immutable.
 * Columns    those of base/err.h.
 */
#ifndef CRYPTO_ERROR_H
#define CRYPTO_ERROR_H

#include "base/err.h"

/* clang-format off */
/*    name                             class     host  DE39  HTTP  code     text */
#define CRYPTO_ERR_LIST(X) \
    X(CRYPTO_ERR_KEY_LENGTH_ALGORITHM, INPUT,    "02", "96", 500, "key",    "key length wrong for the algorithm") \
    X(CRYPTO_ERR_KEY_LENGTH,           INPUT,    "27", "96", 500, "key",    "incompatible key length") \
    X(CRYPTO_ERR_FAILED,               INTERNAL, "42", "96", 500, "crypto", "a cryptographic operation failed")

enum { CRYPTO_ERR_BASE = 0x0200, CRYPTO_ERR_LIST(ERR_NUMBER) CRYPTO_ERR_END };
CRYPTO_ERR_LIST(ERR_CONSTANT)
/* clang-format on */

extern const struct err_table crypto_errors;

#endif
