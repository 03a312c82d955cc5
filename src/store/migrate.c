/* SPDX-License-Identifier: Apache-2.0 */
#include "store/driver.h"
#include "store/error.h"

#include <string.h>

static const char *const set_name[] = {[STORE_LEDGER] = "ledger", [STORE_GATEWAY] = "gateway"};

static const char version_table[] =
    "CREATE TABLE IF NOT EXISTS schema_version (set_name TEXT NOT NULL, version {int} NOT NULL, PRIMARY KEY (set_name)) {table}";

enum err store_marks_expand(const char *sql, const char *const *mark, struct buf *out)
{
    while (*sql) {
        size_t i = 0;
        while (mark[i] && strncmp(sql, mark[i], strlen(mark[i])) != 0)
            i += 2;
        if (mark[i]) {
            buf_put_text(out, mark[i + 1]);
            sql += strlen(mark[i]);
        } else {
            buf_put_byte(out, (uint8_t)*sql++);
        }
    }
    (void)buf_text(out);
    return buf_done(out);
}

int64_t store_schema_newest(enum store_set set)
{
    int64_t newest = 0;
    for (size_t i = 0; i < store_migration_count; i++)
        if (store_migration[i].set == set && store_migration[i].version > newest)
            newest = store_migration[i].version;
    return newest;
}

static enum err in_transaction(struct store *store, enum err (*body)(struct store *store, const void *context), const void *context)
{
    TRY(store->driver->begin(store, true));
    enum err err = body(store, context);
    if (err == ERR_OK)
        err = store->driver->commit(store);
    if (err != ERR_OK)
        store->driver->rollback(store);
    return err;
}

static enum err make_version_table(struct store *store, const void *context)
{
    (void)context;
    return store->driver->execute(store, version_table);
}

enum err store_schema_version(struct store *store, enum store_set set, int64_t *out)
{
    uint8_t room[256];
    struct arena arena = arena_over(room, sizeof room);
    struct store_value name = store_text(set_name[set]);
    struct store_op op = {.statement = STORE_SCHEMA_GET, .argument = &name, .argument_count = 1};
    TRY(store_run(store, &(struct store_batch){.op = &op, .count = 1, .arena = &arena}));
    *out = store_cell_int(&op.rows, 0, 0);
    return ERR_OK;
}

static enum err start(struct store *store, enum store_set set)
{
    struct store_value name = store_text(set_name[set]);
    struct store_op op = {.statement = STORE_SCHEMA_START, .argument = &name, .argument_count = 1};
    return store_run(store, &(struct store_batch){.op = &op, .count = 1});
}

struct raise {
    enum store_set set;
    int64_t from;
};

/* The version row comes first: of several nodes one gets it, the others find it raised. */
static enum err raise_by_one(struct store *store, const void *context)
{
    const struct raise *raise = context;
    struct store_value value[] = {store_text(set_name[raise->set]), store_int(raise->from), store_int(raise->from + 1)};
    struct store_op op = {.statement = STORE_SCHEMA_RAISE, .flags = STORE_MUST_CHANGE, .argument = value, .argument_count = 3};
    struct store_batch batch = {.op = &op, .count = 1};
    enum err err = store->driver->perform(store, (struct store_batch *const[]){&batch}, 1);
    if (err == STORE_ERR_CONFLICT)
        err = batch.err;
    for (size_t i = 0; err == ERR_OK && i < store_migration_count; i++)
        if (store_migration[i].set == raise->set && store_migration[i].version == raise->from + 1)
            err = store->driver->execute(store, store_migration[i].sql);
    return err;
}

static enum err raise_to_newest(struct store *store, enum store_set set)
{
    for (;;) {
        int64_t version = 0;
        TRY(store_schema_version(store, set, &version));
        if (version >= store_schema_newest(set))
            return ERR_OK;
        enum err err = in_transaction(store, raise_by_one, &(struct raise){set, version});
        if (err != ERR_OK && err != STORE_ERR_CONFLICT)
            return err;
    }
}

enum { VERSION_TABLE_TRIES = 8 };

enum err store_migrate(struct store *store, enum store_set set)
{
    enum err err = in_transaction(store, make_version_table, NULL);
    /* PostgreSQL: IF NOT EXISTS is no lock; another node making it now shows as a duplicate, or as an error of the catalog. */
    for (int tries = 1; tries < VERSION_TABLE_TRIES && (err == ERR_DUPLICATE || err == STORE_ERR_CONFLICT || err == ERR_INTERNAL);
         tries++)
        err = in_transaction(store, make_version_table, NULL);
    if (err == ERR_OK)
        err = start(store, set);
    if (err == ERR_OK)
        err = raise_to_newest(store, set);
    return err == ERR_CLOSED || err == ERR_BUSY ? STORE_ERR_UNAVAILABLE : err;
}
