/* SPDX-License-Identifier: Apache-2.0 */
#include "http/error.h"

static const struct err_row rows[] = {HTTP_ERR_LIST(ERR_ROW)};
const struct err_table http_errors = {"http", HTTP_ERR_BASE + 1, sizeof rows / sizeof rows[0], rows};
