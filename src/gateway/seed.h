/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Merchants into the database of a gateway: for operators, the sandbox and tests.
 *
 * Purpose    One merchant with one terminal and one API key. A running gateway sees it within five seconds.
 * Ownership  Everything is the caller's and borrowed for the call.
 * Threading  One thread; `store` and `vault` are used by no other meanwhile.
 * Failure    As store_run; a merchant or key that exists already stays as it is.
 * Limits     Texts as long as the members of struct gateway_merchant; a longer one is left out when the gateway reads it.
 * Secrets    The HMAC secret is stored sealed. The vault's purpose must be GATEWAY_VAULT_PURPOSE.
 *
 * Example
 *     TRY(crypto_vault_open_file("vault.key", GATEWAY_VAULT_PURPOSE, &vault));
 *     TRY(store_migrate(store, &gateway_set));
 *     TRY(gateway_seed(store, vault, &env, &(struct gateway_seed){.merchant_id = "100008000003683", ...}));
 */
#ifndef GATEWAY_SEED_H
#define GATEWAY_SEED_H

#include "base/buf.h"
#include "base/env.h"

#include <stdbool.h>

#define GATEWAY_VAULT_PURPOSE "gateway"

struct gateway_seed {
    const char *merchant_id;
    const char *terminal_id;
    const char *name;
    const char *mcc;      /* NULL: 5999 */
    const char *currency; /* alphabetic, several with a blank between; NULL: AUD */
    const char *prefer;   /* network; NULL: the cheapest */
    bool sandbox;         /* takes card numbers in clear */
    const char *api_key;
    const char *secret;
    bool legacy_mac;
};

struct store;
struct crypto_vault;

MUST_USE enum err gateway_seed(struct store *store, struct crypto_vault *vault, const struct env *env,
                               const struct gateway_seed *seed);

#endif
