/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ledger's statements with a fault for the oracles of the tests to find; it stands in for ledger/statements.c in a program of
 * its own. The consume loses its guards, so a code can be used twice. The version guard of the account row goes with it, since it
 * would send the second use back to read the code row again.
 */
#include "ledger/statements.h"
#include "ledger/shapes.h"

/* clang-format off */
#define S(shape_) &ledger_shape_##shape_
#define ROW(name_, flags_, table_, key_, takes_, gives_, sql_, doc_) \
    [LEDGER_STATEMENT_##name_] = {#name_, STORE_ROW_##flags_, LEDGER_TABLE_##table_, key_, takes_, gives_, sql_, doc_},

#pragma GCC diagnostic ignored "-Woverride-init"
const struct store_row ledger_statement[LEDGER_STATEMENT_COUNT] = {
    LEDGER_STATEMENTS(ROW)
    ROW(CODE_CONSUME, WRITE, CODE, "card_id", S(code_put), NULL,
        "UPDATE card_code SET version = version + 1, state = :state, used_at = :used_at, used_by = :used_by "
        "WHERE card_id = :card_id", "planted fault")
    ROW(ACCOUNT_UPDATE, WRITE, ACCOUNT, "account_id", S(account), NULL,
        "UPDATE account SET version = version + 1, balance = :balance, held = :held, day = :day, day_amount = :day_amount, "
        "day_count = :day_count WHERE account_id = :account_id", "planted fault")
};
/* clang-format on */
