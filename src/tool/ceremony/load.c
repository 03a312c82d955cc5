/* SPDX-License-Identifier: Apache-2.0 */
#include "tool/ceremony/load.h"

#include "tool/ceremony/ceremony.h"

#include <stdio.h>

static int open_and_fill(struct hsm_lmk *run, struct keys_lmk_set *set)
{
    int status = hsm_lmk_open(run);
    if (status != HSM_LMK_DONE)
        return status;
    enum err err = keys_store_fill(run->store, set);
    return err == ERR_OK ? HSM_LMK_DONE : hsm_lmk_say(HSM_LMK_FAILED, "%s: %s", run->options.store, err_row(err)->text);
}

int hsm_store_load(const char *store, int passphrase_fd, struct keys_lmk_set *set)
{
    struct hsm_lmk run = {.env = env_system(NULL), .options = {.passphrase_fd = passphrase_fd, .component_fd = -1, .id = -1}};
    struct secret_pages pages;
    (void)snprintf(run.options.store, sizeof run.options.store, "%s", store);
    if (hsm_entry_open(passphrase_fd, false, &run.entry) != ERR_OK)
        return hsm_lmk_say(HSM_LMK_FAILED, "there is no terminal for the passphrases: use --passphrase-fd");
    run.entry.aside = true;
    int status = HSM_LMK_FAILED;
    if (secret_pages_create(sizeof(struct hsm_desk), &pages) == ERR_OK) {
        run.desk = pages.at;
        run.desk->pages = pages;
        status = open_and_fill(&run, set);
        secret_pages_destroy(&pages);
    }
    keys_store_destroy(run.store);
    hsm_entry_close(&run.entry);
    return status;
}
