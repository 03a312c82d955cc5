/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this room share. */
#ifndef CLI_INTERNAL_H
#define CLI_INTERNAL_H

#include "cli/cli.h"

enum { CLI_COLUMNS = 79, CLI_HELP = 64 * 1024, CLI_SECTION = 24 * 1024 };

/* The options that every command has, and those of a command with settings. */
enum { CLI_COMMON_HELP, CLI_COMMON_USAGE, CLI_COMMON_VERSION, CLI_COMMON_COUNT };
enum { CLI_SETTING_CONFIG, CLI_SETTING_SET, CLI_SETTING_COUNT };
extern const struct cli_option cli_common[CLI_COMMON_COUNT];
extern const struct cli_option cli_settings_rows[CLI_SETTING_COUNT];

static inline bool cli_takes(const struct cli_command *command, size_t option)
{
    return command->takes == 0 || (command->takes & CLI_BIT(option)) != 0;
}

/* What help and completion name the value: "FILE", or the choices. */
static inline const char *cli_argument(const struct cli_option *option)
{
    return option->kind == CLI_CHOICE ? option->choices : option->argument;
}

/* What is allowed, if the value is not. */
bool cli_value_wrong(const struct cli_option *option, const char *value, char why[static CLI_WHY]);
bool cli_printable(const char *text);

/* The row's text with its range and its default. */
void cli_put_option_doc(struct buf *out, const struct cli_option *option);
/* " FILE [FIELD=VALUE ...]"; with " [OPTION...]" in front. */
void cli_put_operand_names(struct buf *out, const struct cli_command *command);
void cli_put_usage(struct buf *out, const struct cli_command *command);
/* The statuses of the nearest command of the path that has some; the general ones if none has. */
const struct cli_status *cli_statuses(const struct cli_line *line, size_t *count);
/* A section's text, from where it stands or from its hook; `room` has CLI_SECTION bytes. */
const char *cli_section_text(const struct cli_section *section, uint8_t *room);

void cli_help(const struct cli_line *line, struct buf *out);

#endif
