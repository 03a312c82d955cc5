/* SPDX-License-Identifier: Apache-2.0 */
/* The services of the program countersign, as its command line. */
#include "main/commands.h"
#include "sandbox/sandbox.h"

static const struct cli_command *const children[] = {&main_issuer,  &main_issuers, &main_switch,
                                                     &main_gateway, &sandbox_demo, &cli_completion};

static const struct cli_status statuses[] = {
    {CLI_EXIT_DONE, "ended by SIGTERM or SIGINT"},
    {CLI_EXIT_FAILED, "failed"},
    {CLI_EXIT_USAGE, "the command line or the configuration cannot be used"},
};
static const struct cli_page pages[] = {{"countersign-hsm", "1"}, {"countersign", "3"}};

const struct cli_command main_countersign = {
    .name = "countersign",
    .summary = "services for card security codes",
    .about = "The key holder is a program of its own: countersign-hsm.",
    CLI_STATUSES(statuses),
    CLI_CHILDREN(children),
    CLI_SEE(pages),
};
