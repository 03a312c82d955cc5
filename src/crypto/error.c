/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/error.h"

static const struct err_row rows[] = {CRYPTO_ERR_LIST(ERR_ROW)};
const struct err_table crypto_errors = {"crypto", CRYPTO_ERR_BASE + 1, sizeof rows / sizeof rows[0], rows};
