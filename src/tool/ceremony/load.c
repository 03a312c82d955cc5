/* SPDX-License-Identifier: Apache-2.0 */
#include "tool/ceremony/load.h"

#include "tool/ceremony/internal.h"

#include <stdio.h>

static int open_and_fill(struct tool_ceremony *run, struct keys_lmk_set *set)
{
    int status = tool_ceremony_open(run);
    if (status != CLI_EXIT_DONE)
        return status;
    enum err err = keys_store_fill(run->store, set);
    return err == ERR_OK ? CLI_EXIT_DONE : tool_ceremony_say(CLI_EXIT_FAILED, "%s: %s", run->options.store, err_row(err)->text);
}

int tool_ceremony_fill(const char *store, int passphrase_fd, struct keys_lmk_set *set)
{
    struct tool_ceremony run = {.env = env_system(NULL), .options = {.passphrase_fd = passphrase_fd, .component_fd = -1, .id = -1}};
    struct secret_pages pages;
    (void)snprintf(run.options.store, sizeof run.options.store, "%s", store);
    if (tool_entry_open(passphrase_fd, false, &run.entry) != ERR_OK)
        return tool_ceremony_say(CLI_EXIT_FAILED, "there is no terminal for the passphrases: use --passphrase-fd");
    run.entry.aside = true;
    int status = CLI_EXIT_FAILED;
    if (secret_pages_create(sizeof(struct tool_ceremony_desk), &pages) == ERR_OK) {
        run.desk = pages.at;
        run.desk->pages = pages;
        status = open_and_fill(&run, set);
        secret_pages_destroy(&pages);
    }
    keys_store_destroy(run.store);
    tool_entry_close(&run.entry);
    return status;
}
