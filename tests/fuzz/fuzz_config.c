/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration assignments of any bytes: either a value within its row's limits or a problem in words. */
#include "base/config.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct settings {
    char text[8];
    int64_t number;
    bool on;
};

static const struct config_row rows[] = {
    {"a", "text", "a text", CONFIG_TEXT, CONFIG_MEMBER(struct settings, text), 0, 0, ""},
    {"a", "number", "a number", CONFIG_INTEGER, CONFIG_MEMBER(struct settings, number), -5, 5, "0"},
    {"a", "on", "a switch", CONFIG_BOOL, CONFIG_MEMBER(struct settings, on), 0, 0, "off"},
};
static const struct config_table table = {rows, 3};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char assignment[256];
    char problem[128];
    struct settings s = {0};
    size_t len = size < sizeof assignment - 1 ? size : sizeof assignment - 1;
    if (len > 0)
        memcpy(assignment, data, len);
    assignment[len] = 0;
    enum err err = config_set(&table, assignment, &s, problem, sizeof problem);
    if (s.number < -5 || s.number > 5 || !memchr(s.text, 0, sizeof s.text))
        abort();
    if ((err == ERR_OK) != (problem[0] == 0))
        abort();
    return 0;
}
