/* SPDX-License-Identifier: Apache-2.0 */
/* Values of options: what their rows allow, and what they mean. */
#include "cli/internal.h"

#include <stdio.h>
#include <string.h>

static bool is_choice(const char *choices, const char *value, int *place)
{
    size_t len = strlen(value);
    *place = 0;
    for (const char *at = choices; *at; (*place)++) {
        size_t own = strcspn(at, "|");
        if (own == len && strncmp(at, value, len) == 0)
            return true;
        at += own + (at[own] == '|');
    }
    return false;
}

static bool is_number(const char *text, int64_t *out)
{
    bool negative = text[0] == '-';
    uint64_t value = 0;
    if (span_decimal(span_text(text + negative), &value) != ERR_OK)
        return false;
    *out = negative ? -(int64_t)value : (int64_t)value;
    return true;
}

bool cli_printable(const char *text)
{
    for (; *text; text++)
        if (*text < 0x20 || *text > 0x7E)
            return false;
    return true;
}

bool cli_value_wrong(const struct cli_option *o, const char *value, char why[static CLI_WHY])
{
    int64_t number = 0;
    int place = 0;
    size_t len = strlen(value);
    bool bounded = o->max > 0 && len > (size_t)o->max;
    switch (o->kind) {
    case CLI_NUMBER:
        (void)snprintf(why, CLI_WHY, "a number from %lld to %lld is wanted", (long long)o->min, (long long)o->max);
        return !is_number(value, &number) || number < o->min || number > o->max;
    case CLI_CHOICE:
        (void)snprintf(why, CLI_WHY, "one of %s is wanted", o->choices);
        return !is_choice(o->choices, value, &place);
    case CLI_TEXT:
        (void)snprintf(why, CLI_WHY, "at most %lld characters of printable ASCII are allowed", (long long)o->max);
        return o->max > 0 && (bounded || !cli_printable(value));
    case CLI_FILE:
    case CLI_FOLDER:
        (void)snprintf(why, CLI_WHY, "a path of at most %lld characters is allowed", (long long)o->max);
        return bounded;
    case CLI_HEX:
        (void)snprintf(why, CLI_WHY, "up to %lld pairs of hexadecimal digits are wanted", (long long)o->max);
        return len % 2 != 0 || len / 2 > (size_t)o->max || strspn(value, "0123456789ABCDEFabcdef") != len;
    case CLI_ADDRESS:
        (void)snprintf(why, CLI_WHY, "ADDR:PORT is wanted");
        return len == 0;
    case CLI_KEY: /* the table of the settings knows better */
    case CLI_FLAG:
    default:
        return false;
    }
}

/* ---- of a line that was understood ---- */

bool cli_flag(const struct cli_line *line, size_t option)
{
    return line->value[option];
}

const char *cli_text(const struct cli_line *line, size_t option, const char *otherwise)
{
    return line->value[option] ? line->value[option] : otherwise;
}

int64_t cli_number(const struct cli_line *line, size_t option, int64_t otherwise)
{
    int64_t number = otherwise;
    ASSERT(line->command->option[option].kind == CLI_NUMBER);
    if (line->value[option])
        ASSERT(is_number(line->value[option], &number)); /* it was looked at, or is the row's own default */
    return number;
}

int cli_choice(const struct cli_line *line, size_t option)
{
    int place = -1;
    ASSERT(line->command->option[option].kind == CLI_CHOICE);
    if (line->value[option])
        ASSERT(is_choice(line->command->option[option].choices, line->value[option], &place));
    return place;
}
