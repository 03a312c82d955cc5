/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A store that was there before is not taken for a new one.
 *
 * Purpose    A small file outside the store remembers the identity of the store behind a URL (store/identity.h). At the start both
 *            are compared. A store without identity is new if nothing is remembered, and else it was emptied.
 * Ownership  Borrows its configuration; service_identity_close closes the file.
 * Threading  The main thread. The file is opened before the process locks itself in, and can be opened no more afterwards.
 * Failure    STORE_ERR_REPLACED: the store is empty, or another one; ERR_CONFIG, ERR_SYSTEM: the file cannot be used. `problem`
 *            names the file, the identity, and what to do. Nothing of the service is written to the store then.
 * File       `file`, or "SET-XXXXXXXX" in $STATE_DIRECTORY, or "VAULT.SET-XXXXXXXX": X is a MAC of the URL, which may hold a
 *            password. One line: the identity; empty: none.
 */
#ifndef SERVICE_IDENTITY_H
#define SERVICE_IDENTITY_H

#include "base/log.h"
#include "net/net.h"
#include "store/identity.h"

enum { SERVICE_IDENTITY_PATH = 320 };

struct service_identity_config {
    const char *url;
    const char *file;     /* "": where it is by default */
    const char *replaces; /* the identity of a store whose place another one may take */
    const char *vault_path;
    const struct store_set *set;
};
struct service_identity {
    bool open;
    int fd;
    char path[SERVICE_IDENTITY_PATH];
};

/* ERR_OK and no file: the vault cannot be read, which its own opening tells better. */
MUST_USE enum err service_identity_open(const struct service_identity_config *config, struct service_identity *out,
                                        struct net_problem *problem);
/* Before the tables of the set are brought up to date. */
MUST_USE enum err service_identity_check(const struct service_identity_config *config, const struct service_identity *file,
                                         struct store *store, struct log *log, struct store_identity *out,
                                         struct net_problem *problem);
void service_identity_close(struct service_identity *file);

#endif
