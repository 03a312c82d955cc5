/* SPDX-License-Identifier: Apache-2.0 */
#include "store/driver.h"

#define ROW(name_, set_, flags_, arguments_, results_, sql_, doc_) \
    [STORE_##name_] = {#name_, STORE_##set_, STORE_ROW_##flags_, arguments_, results_, sql_, doc_},

static const struct store_row rows[] = {STORE_STATEMENTS(ROW)};

const struct store_table store_table = {rows, sizeof rows / sizeof rows[0]};
