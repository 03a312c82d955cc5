/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The errors of the room `store`.
 *
 * Purpose    How a database fails its users; store.h says what each means for a batch.
 * Ownership  Rows are static and immutable.
 * Columns    those of base/err.h.
 */
#ifndef STORE_ERROR_H
#define STORE_ERROR_H

#include "base/err.h"

#include <stdbool.h>

/* clang-format off */
/*    name                   class        host  DE39  HTTP  code                 text */
#define STORE_ERR_LIST(X) \
    X(STORE_ERR_CONFLICT,    STATE,       "15", "94", 409, "version_conflict",   "someone else changed the same row") \
    X(STORE_ERR_UNAVAILABLE, UNAVAILABLE, "41", "96", 503, "ledger_unavailable", "the database did not answer") \
    X(STORE_ERR_FULL,        UNAVAILABLE, "41", "96", 503, "ledger_unavailable", "the disk of the database is full") \
    X(STORE_ERR_READ_ONLY,   UNAVAILABLE, "41", "96", 503, "ledger_unavailable", "the database can only be read") \
    X(STORE_ERR_DAMAGED,     UNAVAILABLE, "41", "96", 503, "ledger_unavailable", "the database is damaged, or its file is none") \
    X(STORE_ERR_FILE,        UNAVAILABLE, "41", "96", 503, "ledger_unavailable", "a database file cannot be opened or used") \
    X(STORE_ERR_REPLACED,    UNAVAILABLE, "41", "96", 503, "ledger_unavailable", "the database is empty, or another one") \
    X(STORE_ERR_UNKNOWN,     UNAVAILABLE, "41", "96", 503, "ledger_unavailable", "the outcome of a commit is unknown")

enum { STORE_ERR_BASE = 0x0600, STORE_ERR_LIST(ERR_NUMBER) STORE_ERR_END };
STORE_ERR_LIST(ERR_CONSTANT)
/* clang-format on */

extern const struct err_table store_errors;

/* Nothing was written, and the same may be tried again: every row of the class but STORE_ERR_UNKNOWN. */
bool store_err_unavailable(enum err err);

#endif
