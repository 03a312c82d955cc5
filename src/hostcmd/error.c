/* SPDX-License-Identifier: Apache-2.0 */
#include "hostcmd/error.h"

#include <stdbool.h>

static const struct err_row rows[] = {HOSTCMD_ERR_LIST(ERR_ROW)};
const struct err_table hostcmd_errors = {"hostcmd", HOSTCMD_ERR_BASE + 1, sizeof rows / sizeof rows[0], rows};

static bool find(const struct err_table *table, const char code[static 2], enum err *out)
{
    for (unsigned i = 0; i < table->count; i++)
        if (table->row[i].host_code[0] == code[0] && table->row[i].host_code[1] == code[1]) {
            *out = (enum err)(table->first + i);
            return true;
        }
    return false;
}

enum err hostcmd_err_of_code(const char code[static 2])
{
    enum err found = HOSTCMD_ERR_INTERNAL;
    if (find(&hostcmd_errors, code, &found))
        return found;
    for (const struct err_table *const *table = err_tables; *table && !find(*table, code, &found); table++)
        ;
    return found;
}
