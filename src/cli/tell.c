/* SPDX-License-Identifier: Apache-2.0 */
/* What commands write: to descriptors, and on standard error when something is wrong. */
#include "cli/cli.h"

#include <stdio.h>

int cli_failed(const struct cli_line *line, int status, const char *what, const char *why)
{
    (void)fprintf(stderr, "%s: %s%s%s\n", line->name, what, *what && *why ? ": " : "", why);
    return status;
}

int cli_refuse(const struct cli_line *line, const char *what, const char *why)
{
    (void)cli_failed(line, CLI_EXIT_USAGE, what, why);
    (void)fprintf(stderr, "Try '%s --help'.\n", line->name);
    return CLI_EXIT_USAGE;
}
