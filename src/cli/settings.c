/* SPDX-License-Identifier: Apache-2.0 */
/* A configuration file, and the options that stand for its keys. */
#include "cli/internal.h"

#include <stdio.h>

enum { ASSIGNMENT = 1280 };

/* "section.key=value" of --set, or of an option that stands for a key. */
static enum err assign(const struct cli_line *line, const struct cli_given *given, void *settings, char *problem,
                       size_t problem_cap)
{
    const char *sets = given->option == &cli_settings_rows[CLI_SETTING_SET] ? "" : given->option->sets;
    char room[ASSIGNMENT];
    struct buf text = buf_over(room, sizeof room);
    if (!sets)
        return ERR_OK;
    buf_put_text(&text, sets);
    buf_put_text(&text, given->value);
    const char *assignment = buf_text(&text);
    if (buf_done(&text) != ERR_OK) {
        (void)snprintf(problem, problem_cap, "--%s: at most %d characters are allowed", given->option->name, ASSIGNMENT - 1);
        return ERR_CONFIG;
    }
    return config_set(line->command->settings, assignment, settings, problem, problem_cap);
}

/* Options are applied after the file: the command line wins wherever --config stands. */
enum err cli_settings_load(const struct cli_line *line, void *settings, char *problem, size_t problem_cap)
{
    ASSERT(line->command->settings);
    TRY(config_load(line->command->settings, line->config, settings, problem, problem_cap));
    for (size_t i = 0; i < line->given_count; i++)
        TRY(assign(line, &line->given[i], settings, problem, problem_cap));
    return ERR_OK;
}
