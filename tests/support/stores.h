/* SPDX-License-Identifier: Apache-2.0 */
/* Empty databases for tests, and the way to run one test on every driver. */
#ifndef SUPPORT_STORES_H
#define SUPPORT_STORES_H

#include "gateway/statements.h"
#include "ledger/statements.h"
#include "store/store.h"

struct stores_driver {
    const char *name;
    void (*fresh)(struct buf *url);
};

extern const struct stores_driver stores_sqlite, stores_postgres;

/* Two entries of a cmocka table: the test gets its driver as *state. */
#define ON_SQLITE(test_)                                                          \
    {                                                                             \
#test_ " on sqlite", test_, NULL, NULL, (void *)(uintptr_t)&stores_sqlite \
    }
#define ON_POSTGRES(test_)                                                            \
    {                                                                                 \
#test_ " on postgres", test_, NULL, NULL, (void *)(uintptr_t)&stores_postgres \
    }
#define ON_BOTH(test_) ON_SQLITE(test_), ON_POSTGRES(test_)

/* An empty database with the tables of both sets; fails the test if it cannot be made. */
struct stores_fixture {
    char url[256];
    struct log log; /* to nowhere, but written */
    struct env env;
    struct store *store;
    struct arena arena;
    bool joined; /* the database belongs to another fixture */
};
void stores_setup(struct stores_fixture *f, const struct stores_driver *driver);
/* The same with the ledger's tables as another set makes them. */
void stores_setup_as(struct stores_fixture *f, const struct stores_driver *driver, const struct store_set *ledger);
/* A second fixture over the same database. */
void stores_join(struct stores_fixture *f, const struct stores_fixture *first);
void stores_teardown(struct stores_fixture *f);
/* Statements of both rooms, for one connection, and one that writes a text of any length. */
extern const struct store_set *const stores_sets[];
struct stores_wide { /* a row of client_key */
    const char *client_id, *kid, *jwk;
};
extern const struct store_row stores_wide_row;
/* A second connection to the same database. */
struct store *stores_connect(const struct stores_fixture *f);
/* The file of a sqlite URL. */
const char *stores_path(const struct stores_fixture *f);

#endif
