/* SPDX-License-Identifier: Apache-2.0 */
/* The service and the tools of the program countersign-hsm, as its command line. */
#include "main/commands.h"
#include "tool/tool.h"

static const struct cli_command *const children[] = {
    &main_hsm_serve, &tool_ceremony, &tool_trail, &tool_send, &tool_calc, &tool_personalise, &cli_completion,
};
static const struct cli_page pages[] = {{"countersign-hsm.conf", "5"}, {"countersign", "1"}};

const struct cli_command main_countersign_hsm = {
    .name = "countersign-hsm",
    .summary = "software HSM that answers payShield host commands",
    .about =
        "Makes and verifies card security codes and manages the keys for them, over the host commands of a payShield: TCP port "
        "1500, TLS port 2500. It is the only process that holds keys; they stand in locked memory that is wiped when it ends. "
        "Its log is JSON, a line an event, on standard error.\n"
        "\n"
        "Without a command the service starts, as with serve. Try `countersign-hsm serve --test-lmk` for a sandbox.\n",
    CLI_CHILDREN(children),
    CLI_SEE(pages),
    .fallback = &main_hsm_serve,
};
