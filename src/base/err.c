/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include <stdio.h>
#include <stdlib.h>

static const struct err_row rows[ERR_COUNT] = {
#define ERR_ROW(name_, class_, host_, de39_, http_, code_, text_) \
    [ERR_##name_] = {#name_, ERR_CLASS_##class_, host_, de39_, http_, code_, text_},
    ERR_LIST(ERR_ROW)
#undef ERR_ROW
};

const struct err_row *err_row(enum err err)
{
    return (unsigned)err < ERR_COUNT ? &rows[err] : &rows[ERR_INTERNAL];
}

enum err err_from_host_code(const char code[static 2])
{
    for (unsigned i = 0; i < ERR_COUNT; i++)
        if (rows[i].host_code[0] == code[0] && rows[i].host_code[1] == code[1] && rows[i].class != ERR_CLASS_NONE)
            return (enum err)i;
    return ERR_HSM_INTERNAL;
}

void err_assert_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "{\"level\":\"fatal\",\"event\":\"assert\",\"file\":\"%s\",\"line\":%d,\"condition\":\"%s\"}\n", file, line,
            condition);
    abort();
}
