/* SPDX-License-Identifier: Apache-2.0 */
#include "store/error.h"

static const struct err_row rows[] = {STORE_ERR_LIST(ERR_ROW)};
const struct err_table store_errors = {"store", STORE_ERR_BASE + 1, sizeof rows / sizeof rows[0], rows};

bool store_err_unavailable(enum err err)
{
    return err == STORE_ERR_UNAVAILABLE || (err >= STORE_ERR_FULL && err <= STORE_ERR_REPLACED);
}
