/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/error.h"

static const struct err_row rows[] = {LEDGER_ERR_LIST(ERR_ROW)};
const struct err_table ledger_errors = {"ledger", LEDGER_ERR_BASE + 1, sizeof rows / sizeof rows[0], rows};
