/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Takes the place of store/table.c in a test build of the services, which is never installed.
 *
 * A fault for the oracles of the tests to find: the consume loses its guards, so a code can be used twice. The version guard of the
 * account row goes with it, since it would send the second use back to read the code row again.
 */
#include "store/driver.h"

#define ROW(name_, set_, flags_, arguments_, results_, sql_, doc_) \
    [STORE_##name_] = {#name_, STORE_##set_, STORE_ROW_##flags_, arguments_, results_, sql_, doc_},

#pragma GCC diagnostic ignored "-Woverride-init"
static const struct store_row rows[] = {
    STORE_STATEMENTS(ROW)[STORE_CODE_CONSUME] =
        {"CODE_CONSUME", STORE_LEDGER, STORE_ROW_WRITE, STORE_CODE_SET_TYPES "i", "",
         "UPDATE card_code SET version = version + 1, state = $3, used_at = $5, used_by = $6 WHERE card_id = $1", "planted fault"},
    [STORE_ACCOUNT_UPDATE] =
        {"ACCOUNT_UPDATE", STORE_LEDGER, STORE_ROW_WRITE, "tiiiiii", "",
         "UPDATE account SET version = version + 1, balance = $3, held = $4, day = $5, day_amount = $6, day_count = $7 "
         "WHERE account_id = $1",
         "planted fault"},
};

const struct store_table store_table = {rows, sizeof rows / sizeof rows[0]};
