/* SPDX-License-Identifier: Apache-2.0 */
/* Whether rows are sound, before anybody types a line. */
#include "cli/internal.h"

#include <stdio.h>
#include <string.h>

static const char *fault(char out[static CLI_WHY], const char *command, const char *row, const char *why)
{
    (void)snprintf(out, CLI_WHY, "%s: %s: %s", command, row, why);
    return out;
}

/* The other row, or one that every command has, with the same name or letter. */
static bool is_double(const struct cli_command *c, size_t at)
{
    const struct cli_option *o = &c->option[at];
    for (size_t i = 0; i < at; i++)
        if (strcmp(c->option[i].name, o->name) == 0 || (o->letter && c->option[i].letter == o->letter))
            return true;
    for (size_t i = 0; i < CLI_COMMON_COUNT; i++)
        if (strcmp(cli_common[i].name, o->name) == 0 || (o->letter && cli_common[i].letter == o->letter))
            return true;
    for (size_t i = 0; c->settings && i < CLI_SETTING_COUNT; i++)
        if (strcmp(cli_settings_rows[i].name, o->name) == 0)
            return true;
    return false;
}

static const char *option_fault(const struct cli_command *c, size_t at, char why[static CLI_WHY])
{
    const struct cli_option *o = &c->option[at];
    if (!o->name || !o->doc)
        return "has no name or no text";
    if (is_double(c, at))
        return "its name or letter is taken";
    if ((o->kind == CLI_CHOICE) == !o->choices)
        return "choices belong to a choice";
    if ((o->kind == CLI_FLAG) != !cli_argument(o))
        return "a value has a name, a flag has none";
    if (o->kind == CLI_NUMBER && o->min >= o->max)
        return "has no range";
    if (o->sets && !c->settings)
        return "stands for a key, but there are no settings";
    return o->initial && cli_value_wrong(o, o->initial, why) ? "its default is not allowed" : NULL;
}

static const char *operand_fault(const struct cli_command *c, size_t at)
{
    const struct cli_operand *o = &c->operand[at];
    if (o->repeated && at + 1 < c->operand_count)
        return "only the last argument may be repeated";
    return o->required && at > 0 && !c->operand[at - 1].required ? "stands behind one that may be left out" : NULL;
}

static const char *rows_fault(const struct cli_command *c, char out[static CLI_WHY])
{
    char why[CLI_WHY];
    for (size_t i = 0; i < c->option_count; i++) {
        const char *wrong = option_fault(c, i, why);
        if (wrong)
            return fault(out, c->name, c->option[i].name ? c->option[i].name : "?", wrong);
    }
    for (size_t i = 0; i < c->operand_count; i++) {
        const char *wrong = operand_fault(c, i);
        if (wrong)
            return fault(out, c->name, c->operand[i].name, wrong);
    }
    for (size_t i = 0; i < c->status_count; i++)
        if (!cli_exit_row((int)c->status[i].status))
            return fault(out, c->name, c->status[i].doc, "its status is not in the table");
    return NULL;
}

const char *cli_check(const struct cli_command *c, char out[static CLI_WHY])
{
    if (!c->run == (c->child_count == 0))
        return fault(out, c->name, "run", "a command runs, or has others below it");
    if (c->option_count > CLI_OPTIONS || (c->option_count < CLI_OPTIONS && c->takes >> c->option_count != 0))
        return fault(out, c->name, "options", "too many, or it takes one that is not there");
    const char *wrong = rows_fault(c, out);
    for (size_t i = 0; i < c->child_count && !wrong; i++) {
        for (size_t k = 0; k < i; k++)
            if (strcmp(c->child[i]->name, c->child[k]->name) == 0)
                return fault(out, c->name, c->child[i]->name, "two commands have this name");
        wrong = cli_check(c->child[i], out);
    }
    return wrong;
}
