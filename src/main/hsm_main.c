/* SPDX-License-Identifier: Apache-2.0 */
/* countersign-hsm: the service, and the tools around it by their subcommands. */
#include "card/error.h"
#include "crypto/error.h"
#include "hostcmd/error.h"
#include "keys/error.h"
#include "main/services.h"
#include "tool/ceremony/ceremony.h"
#include "tool/tool.h"
#include "wire/error.h"

#include <stdio.h>
#include <string.h>

const struct err_table *const err_tables[] = {&err_general,    &card_errors, &crypto_errors, &wire_errors, &keys_errors,
                                              &hostcmd_errors, NULL};

struct subcommand {
    const char *name;
    const char *doc;
    int (*main)(int argc, char **argv); /* argv[0] is the subcommand */
};

/* clang-format off */
static const struct subcommand subcommands[] = {
    {"serve", "answer host commands; what options without a subcommand do, too", main_hsm},
    {"lmk", "the key ceremony and the officers' console", tool_ceremony_main},
    {"audit", "find out whether the audit trail was changed", tool_trail_main},
    {"send", "send one host command and explain the frames", tool_send_main},
    {"calc", "compute a security code with every intermediate value", tool_calc_main},
    {"batch", "make the codes of many cards for personalisation", tool_personalise_main},
};
/* clang-format on */

enum { BAD_LINE = 2 };

static void list(FILE *out)
{
    (void)fputs("Usage: countersign-hsm SUBCOMMAND [OPTION...]\n"
                "A software HSM for card security codes that speaks a payShield's host commands.\n\n",
                out);
    for (size_t i = 0; i < sizeof subcommands / sizeof subcommands[0]; i++)
        (void)fprintf(out, "  %-8s %s\n", subcommands[i].name, subcommands[i].doc);
    (void)fputs("\nTry `countersign-hsm serve --test-lmk` for a sandbox, and `countersign-hsm SUBCOMMAND --help`.\n"
                "Each subcommand has its own exit statuses and manual page; man countersign-hsm is the first to read.\n",
                out);
}

/* Without a subcommand the service starts: what init scripts and people typed before there were any. */
int main(int argc, char **argv)
{
    for (size_t i = 0; argc > 1 && i < sizeof subcommands / sizeof subcommands[0]; i++)
        if (strcmp(argv[1], subcommands[i].name) == 0)
            return subcommands[i].main(argc - 1, argv + 1);
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        list(stdout);
        return 0;
    }
    if (argc > 1 && argv[1][0] != '-') {
        (void)fprintf(stderr, "countersign-hsm: %s: no such subcommand\n\n", argv[1]);
        list(stderr);
        return BAD_LINE;
    }
    return main_hsm(argc, argv);
}
