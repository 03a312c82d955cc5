/* SPDX-License-Identifier: Apache-2.0 */
/* What commands write: to descriptors, and on standard error when something is wrong. */
#include "cli/cli.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

enum err cli_write(int fd, struct span text)
{
    while (text.len > 0) {
        ssize_t n = write(fd, text.at, text.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return ERR_SYSTEM;
        text = span_slice(text, (size_t)n, text.len);
    }
    return ERR_OK;
}

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
