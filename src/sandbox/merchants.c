/* SPDX-License-Identifier: Apache-2.0 */
/* The sandbox's merchants, in the gateway's database. */
#include <stdio.h>

#include "crypto/vault.h"
#include "gateway/seed.h"
#include "sandbox/internal.h"
#include "store/store.h"

enum err sandbox_seed_merchants(struct sandbox *box, struct store *store, struct arena *arena)
{
    char path[SANDBOX_PATH];
    struct crypto_vault *vault = NULL;
    (void)arena;
    sandbox_path(box, "vault.key", path);
    TRY(store_migrate(store, STORE_GATEWAY));
    TRY(crypto_vault_open_file(path, GATEWAY_VAULT_PURPOSE, &vault));
    enum err err = ERR_OK;
    for (size_t i = 0; i < SANDBOX_MERCHANTS && err == ERR_OK; i++) {
        const struct sandbox_merchant *m = &box->merchant[i];
        char name[32];
        (void)snprintf(name, sizeof name, "Sandbox shop %zu", i + 1);
        err = gateway_seed(store, vault, &box->env,
                           &(struct gateway_seed){.merchant_id = m->id,
                                                  .terminal_id = m->terminal,
                                                  .name = name,
                                                  .sandbox = true,
                                                  .api_key = m->api_key,
                                                  .secret = m->secret});
    }
    crypto_vault_close(vault);
    return err;
}
