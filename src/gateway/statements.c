/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/statements.h"

#include "gateway/rows.h"

/* clang-format off */
#define S(shape_) &gateway_shape_##shape_
#define ROW(name_, flags_, table_, key_, takes_, gives_, sql_, doc_) \
    [GATEWAY_STATEMENT_##name_] = {#name_, STORE_ROW_##flags_, GATEWAY_TABLE_##table_, key_, takes_, gives_, sql_, doc_},
/* clang-format on */

const struct store_row gateway_statement[GATEWAY_STATEMENT_COUNT] = {GATEWAY_STATEMENTS(ROW)};
