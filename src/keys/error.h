/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The errors of the room `keys`.
 *
 * Purpose    What is wrong with a key, a key block, a key's change or an LMK. The host codes are those of the payShield
 *            (host-commands.md 11). A client of the HSM reads these rows as answers, so the services list them, too.
 * Ownership  Rows are static and immutable.
 * Columns    those of base/err.h.
 */
#ifndef KEYS_ERROR_H
#define KEYS_ERROR_H

#include "base/err.h"

/* clang-format off */
/*    name                          class    host  DE39  HTTP  code  text */
#define KEYS_ERR_LIST(X) \
    X(KEYS_ERR_TYPE_CODE,           INPUT,   "04", "96", 500, "key", "invalid key type code") \
    X(KEYS_ERR_LENGTH_FLAG,         INPUT,   "05", "96", 500, "key", "invalid key length flag") \
    X(KEYS_ERR_PARITY_SOURCE,       INPUT,   "10", "96", 500, "key", "parity error of the source key") \
    X(KEYS_ERR_PARITY_DESTINATION,  INPUT,   "11", "96", 500, "key", "destination key: parity error or zero") \
    X(KEYS_ERR_LMK_IDENTIFIER,      INPUT,   "13", "96", 500, "key", "LMK identifier is not loaded") \
    X(KEYS_ERR_SCHEME,              INPUT,   "26", "96", 500, "key", "invalid key scheme") \
    X(KEYS_ERR_TYPE,                INPUT,   "28", "96", 500, "key", "invalid key type") \
    X(KEYS_ERR_FUNCTION,            REFUSED, "29", "96", 500, "key", "key function not permitted") \
    X(KEYS_ERR_LMK_STORAGE,         STATE,   "33", "96", 500, "key", "LMK key change storage error") \
    X(KEYS_ERR_HALVES,              REFUSED, "75", "96", 500, "key", "single-length key in a longer one") \
    X(KEYS_ERR_BLOCK_FORMAT,        INPUT,   "83", "96", 500, "key", "invalid key block") \
    X(KEYS_ERR_LMK_SCHEMES,         INPUT,   "A1", "96", 500, "key", "incompatible LMK schemes") \
    X(KEYS_ERR_LMK_IDENTIFIERS,     INPUT,   "A2", "96", 500, "key", "incompatible LMK identifiers") \
    X(KEYS_ERR_BLOCK_LMK,           INPUT,   "A3", "96", 500, "key", "incompatible key block LMK identifiers") \
    X(KEYS_ERR_BLOCK_MAC,           INPUT,   "A4", "96", 500, "key", "key block authentication failed") \
    X(KEYS_ERR_BLOCK_LENGTH,        INPUT,   "A5", "96", 500, "key", "incompatible key length in the key block") \
    X(KEYS_ERR_USAGE,               INPUT,   "A6", "96", 500, "key", "invalid key usage") \
    X(KEYS_ERR_ALGORITHM,           INPUT,   "A7", "96", 500, "key", "invalid algorithm") \
    X(KEYS_ERR_MODE,                INPUT,   "A8", "96", 500, "key", "invalid mode of use") \
    X(KEYS_ERR_VERSION,             INPUT,   "A9", "96", 500, "key", "invalid key version number") \
    X(KEYS_ERR_EXPORTABILITY,       INPUT,   "AA", "96", 500, "key", "invalid export field") \
    X(KEYS_ERR_OPTIONAL_COUNT,      INPUT,   "AB", "96", 500, "key", "invalid number of optional blocks") \
    X(KEYS_ERR_OPTIONAL_BLOCK,      INPUT,   "AC", "96", 500, "key", "invalid optional block") \
    X(KEYS_ERR_OPTIONAL_STATUS,     INPUT,   "AD", "96", 500, "key", "invalid key status in an optional block") \
    X(KEYS_ERR_OPTIONAL_START,      INPUT,   "AE", "96", 500, "key", "invalid start of validity in an optional block") \
    X(KEYS_ERR_OPTIONAL_END,        INPUT,   "AF", "96", 500, "key", "invalid end of validity in an optional block") \
    X(KEYS_ERR_ENCRYPTION_MODE,     INPUT,   "B0", "96", 500, "key", "invalid encryption mode in an optional block") \
    X(KEYS_ERR_AUTHENTICATION_MODE, INPUT,   "B1", "96", 500, "key", "invalid MAC mode in an optional block") \
    X(KEYS_ERR_COMPONENTS,          INPUT,   "B5", "96", 500, "key", "key components do not belong together") \
    X(KEYS_ERR_CHANGE_FIELD,        INPUT,   "B7", "96", 500, "key", "invalid field of a change") \
    X(KEYS_ERR_CHANGE_OLD,          INPUT,   "B8", "96", 500, "key", "invalid old value of a change") \
    X(KEYS_ERR_CHANGE_NEW,          INPUT,   "B9", "96", 500, "key", "invalid new value of a change") \
    X(KEYS_ERR_WRAPPING_KEY,        INPUT,   "BB", "96", 500, "key", "invalid wrapping key") \
    X(KEYS_ERR_OPTIONAL_REPEATED,   INPUT,   "BC", "96", 500, "key", "an optional block occurs twice") \
    X(KEYS_ERR_HEADER_IDENTIFIER,   INPUT,   "BE", "96", 500, "key", "invalid identifier in a key block header")

enum { KEYS_ERR_BASE = 0x0400, KEYS_ERR_LIST(ERR_NUMBER) KEYS_ERR_END };
KEYS_ERR_LIST(ERR_CONSTANT)
/* clang-format on */

extern const struct err_table keys_errors;

#endif
