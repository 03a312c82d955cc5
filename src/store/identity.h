/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The identity of a store: whether a database is the one that was there before.
 *
 * Purpose    A database that was emptied, or another one behind the same URL, looks like a new one, and a new one is taken without
 *            a question. So each set of tables has a row with a random name, which whoever uses it remembers elsewhere.
 * Ownership  Values.
 * Threading  As struct store.
 * Failure    As store_run.
 *
 * Example
 *     TRY(store_identity_read(store, &purse_set, &there));
 *     if (!there.text[0] && remembered.text[0])
 *         refuse();                                    // what was there is gone
 *     TRY(store_identity_make(store, &purse_set, &there));
 */
#ifndef STORE_IDENTITY_H
#define STORE_IDENTITY_H

#include "store/store.h"

enum { STORE_IDENTITY_LEN = 32 };
struct store_identity {
    char text[STORE_IDENTITY_LEN + 1]; /* hexadecimal digits; "": none */
};

/* Makes no table of the set. "": the database has none yet, it is new, or older than identities. */
MUST_USE enum err store_identity_read(struct store *store, const struct store_set *set, struct store_identity *out);
/* The one that is there, or else a new one; the same for all who ask at once. */
MUST_USE enum err store_identity_make(struct store *store, const struct store_set *set, struct store_identity *out);

/* A write that changes a row only of this very store (STORE_MUST_CHANGE), and shows that the disk takes writes. */
struct store_identity_probe {
    const char *set_name;
    const char *id;
    int64_t now;
};
const struct store_row *store_identity_probe_row(void);

#endif
