/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include <stdio.h>
#include <stdlib.h>

static const struct err_row rows[] = {ERR_LIST(ERR_ROW)};
const struct err_table err_general = {"base", ERR_OK, ERR_END, rows};

const struct err_row *err_row(enum err err)
{
    for (const struct err_table *const *table = err_tables; *table; table++) {
        unsigned at = (unsigned)err - (*table)->first; /* wraps below the first */
        if (at < (*table)->count)
            return &(*table)->row[at];
    }
    return &rows[ERR_INTERNAL];
}

void err_assert_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "{\"level\":\"fatal\",\"event\":\"assert\",\"file\":\"%s\",\"line\":%d,\"condition\":\"%s\"}\n", file, line,
            condition);
    abort();
}
