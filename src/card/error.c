/* SPDX-License-Identifier: Apache-2.0 */
#include "card/error.h"

static const struct err_row rows[] = {CARD_ERR_LIST(ERR_ROW)};
const struct err_table card_errors = {"card", CARD_ERR_BASE + 1, sizeof rows / sizeof rows[0], rows};
