/* SPDX-License-Identifier: Apache-2.0 */
#include "issuer/error.h"

static const struct err_row rows[] = {ISSUER_ERR_LIST(ERR_ROW)};
const struct err_table issuer_errors = {"issuer", ISSUER_ERR_BASE + 1, sizeof rows / sizeof rows[0], rows};
