/* SPDX-License-Identifier: Apache-2.0 */
#include "keys/error.h"

static const struct err_row rows[] = {KEYS_ERR_LIST(ERR_ROW)};
const struct err_table keys_errors = {"keys", KEYS_ERR_BASE + 1, sizeof rows / sizeof rows[0], rows};
