/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A store that was there before is not taken for a new one.
 *
 * Purpose    A small file outside the store remembers the identity of the store behind a URL (store/identity.h). At the start both
 *            are compared. A store without identity is new if nothing is remembered, and else it was emptied.
 * Ownership  Borrows its configuration.
 * Threading  The main thread, at the start, before the process confines itself.
 * Failure    STORE_ERR_REPLACED: the store is empty, or another one; ERR_SYSTEM, ERR_FORBIDDEN: the file cannot be read or written.
 *            `problem` names the file, the identity, and what to do. Nothing of the service is written to the store then.
 * File       `file`, or "VAULT.SET-XXXXXXXX": X is a MAC of the URL, which may hold a password. One line: the identity.
 */
#ifndef SERVICE_IDENTITY_H
#define SERVICE_IDENTITY_H

#include "base/log.h"
#include "crypto/vault.h"
#include "net/net.h"
#include "store/identity.h"

struct service_identity_config {
    const char *url;
    const char *file;     /* "": beside the vault's */
    const char *replaces; /* the identity of a store whose place another one may take */
    const char *vault_path;
    struct crypto_vault *vault;
    const struct store_set *set;
    struct log *log;
};

/* Before the tables of the set are brought up to date. */
MUST_USE enum err service_identity_check(const struct service_identity_config *config, struct store *store,
                                         struct store_identity *out, struct net_problem *problem);

#endif
