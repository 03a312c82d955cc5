/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The errors of the room `hostcmd`.
 *
 * Purpose    What the HSM answers that is not about keys (host-commands.md 11), and that no HSM answers.
 * Ownership  Rows are static and immutable.
 * Columns    those of base/err.h.
 */
#ifndef HOSTCMD_ERROR_H
#define HOSTCMD_ERROR_H

#include "base/err.h"

/* clang-format off */
/*    name                            class        host  DE39  HTTP  code              text */
#define HOSTCMD_ERR_LIST(X) \
    X(HOSTCMD_ERR_LENGTH_RANGE,       INPUT,       "01", "96", 500, "hsm",             "length out of range") \
    X(HOSTCMD_ERR_COMMAND_SPECIFIC,   INPUT,       "03", "96", 500, "hsm",             "command-specific error") \
    X(HOSTCMD_ERR_USER_STORAGE_EMPTY, INPUT,       "12", "96", 500, "key",             "user storage entry is empty") \
    X(HOSTCMD_ERR_USER_STORAGE_INDEX, INPUT,       "21", "96", 500, "key",             "user storage index out of range") \
    X(HOSTCMD_ERR_FRAUD_DETECTION,    LIMIT,       "39", "96", 500, "hsm",             "fraud detection limit reached") \
    X(HOSTCMD_ERR_INTERNAL,           INTERNAL,    "41", "96", 500, "hsm",             "internal error") \
    X(HOSTCMD_ERR_CHAIN_COUNT,        INPUT,       "52", "96", 500, "hsm",             "invalid number of chained commands") \
    X(HOSTCMD_ERR_COMMAND_DISABLED,   REFUSED,     "68", "96", 500, "hsm",             "command unknown or disabled") \
    X(HOSTCMD_ERR_UNAVAILABLE,        UNAVAILABLE, "41", "91", 503, "hsm_unavailable", "no HSM answered")

enum { HOSTCMD_ERR_BASE = 0x0500, HOSTCMD_ERR_LIST(ERR_NUMBER) HOSTCMD_ERR_END };
HOSTCMD_ERR_LIST(ERR_CONSTANT)
/* clang-format on */

extern const struct err_table hostcmd_errors;

/*
 * The error that an answer code of the HSM tells: of this room's rows, else of the first table that has the code;
 * HOSTCMD_ERR_INTERNAL for a code that no table has. For what 00 and 01 tell a client, see hostcmd/said.h.
 */
enum err hostcmd_err_of_code(const char code[static 2]);

#endif
