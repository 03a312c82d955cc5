/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/statements.h"

#include "ledger/shapes.h"

/* clang-format off */
#define S(shape_) &ledger_shape_##shape_
#define ROW(name_, flags_, table_, key_, takes_, gives_, sql_, doc_) \
    [LEDGER_STATEMENT_##name_] = {#name_, STORE_ROW_##flags_, LEDGER_TABLE_##table_, key_, takes_, gives_, sql_, doc_},
/* clang-format on */

const struct store_row ledger_statement[LEDGER_STATEMENT_COUNT] = {LEDGER_STATEMENTS(ROW)};
