/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/error.h"

static const struct err_row rows[] = {WIRE_ERR_LIST(ERR_ROW)};
const struct err_table wire_errors = {"wire", WIRE_ERR_BASE + 1, sizeof rows / sizeof rows[0], rows};
