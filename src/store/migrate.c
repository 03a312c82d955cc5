/* SPDX-License-Identifier: Apache-2.0 */
#include "store/driver.h"
#include "store/error.h"
#include "store/internal.h"

#include <string.h>

/* ---- the store's own statements ---- */

struct version {
    const char *set_name;
    int64_t before, version;
};
static const struct store_member version_member[] = {
    STORE_MEMBER(STRING, struct version, "set_name", set_name),
    STORE_MEMBER(INT, struct version, "before", before),
    STORE_MEMBER(INT, struct version, "version", version),
};
static const struct store_shape version_shape = STORE_SHAPE(struct version, version_member);
static const struct store_member found_member[] = {STORE_MEMBER(INT, struct version, "version", version)};
static const struct store_shape found_shape = STORE_SHAPE(struct version, found_member);

enum { SCHEMA_GET, SCHEMA_START, SCHEMA_RAISE, SCHEMA_COUNT };
static const struct store_row schema_row[SCHEMA_COUNT] = {
    [SCHEMA_GET] = {"SCHEMA_GET", STORE_ROW_READ, 0, NULL, &version_shape, &found_shape,
                    "SELECT {gives} FROM schema_version WHERE set_name = :set_name", "which migration a set of tables has reached"},
    [SCHEMA_START] = {"SCHEMA_START", STORE_ROW_WRITE, 0, "set_name", &version_shape, NULL,
                      "INSERT INTO schema_version (set_name, version) VALUES (:set_name, 0) ON CONFLICT DO NOTHING",
                      "a set without tables"},
    [SCHEMA_RAISE] = {"SCHEMA_RAISE", STORE_ROW_WRITE, 0, "set_name", &version_shape, NULL,
                      "UPDATE schema_version SET version = :version WHERE set_name = :set_name AND version = :before",
                      "one migration done, by one node"},
};
const struct store_set store_schema_set = {.name = "schema", .row = schema_row, .count = SCHEMA_COUNT};

/* ---- migrations ---- */

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

int64_t store_schema_newest(const struct store_set *set)
{
    int64_t newest = 0;
    for (size_t i = 0; i < set->migration_count; i++)
        if (set->migration[i].version > newest)
            newest = set->migration[i].version;
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

static enum err make_own_tables(struct store *store, const void *context)
{
    (void)context;
    TRY(store->driver->execute(store, version_table));
    return store->driver->execute(store, store_identity_table);
}

enum err store_schema_version(struct store *store, const struct store_set *set, int64_t *out)
{
    uint8_t room[256];
    struct arena arena = arena_over(room, sizeof room);
    const struct version version = {.set_name = set->name};
    struct store_op op = {.row = &schema_row[SCHEMA_GET], .argument = &version};
    TRY(store_run(store, &(struct store_batch){.op = &op, .count = 1, .arena = &arena}));
    *out = store_cell_int(&op.rows, 0, 0);
    return ERR_OK;
}

static enum err start(struct store *store, const struct store_set *set)
{
    const struct version version = {.set_name = set->name};
    struct store_op op = {.row = &schema_row[SCHEMA_START], .argument = &version};
    return store_run(store, &(struct store_batch){.op = &op, .count = 1});
}

struct raise {
    const struct store_set *set;
    int64_t from;
};

/* The version row comes first: of several nodes one gets it, the others find it raised. */
static enum err raise_by_one(struct store *store, const void *context)
{
    const struct raise *raise = context;
    const struct store_set *set = raise->set;
    const struct version version = {set->name, raise->from, raise->from + 1};
    struct store_op op = {.row = &schema_row[SCHEMA_RAISE], .flags = STORE_MUST_CHANGE, .argument = &version};
    struct store_batch batch = {.op = &op, .count = 1};
    ASSERT(store_batch_check(store, &batch));
    enum err err = store->driver->perform(store, (struct store_batch *const[]){&batch}, 1);
    if (err == STORE_ERR_CONFLICT)
        err = batch.err;
    for (size_t i = 0; err == ERR_OK && i < set->migration_count; i++)
        if (set->migration[i].version == raise->from + 1)
            err = store->driver->execute(store, set->migration[i].sql);
    return err;
}

static enum err raise_to_newest(struct store *store, const struct store_set *set)
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

enum { OWN_TABLES_TRIES = 8 };

static enum err outside(enum err err)
{
    return err == ERR_CLOSED || err == ERR_BUSY ? STORE_ERR_UNAVAILABLE : err;
}

enum err store_own_tables(struct store *store)
{
    enum err err = in_transaction(store, make_own_tables, NULL);
    /* PostgreSQL: IF NOT EXISTS is no lock; another node making it now shows as a duplicate, or as an error of the catalog. */
    for (int tries = 1; tries < OWN_TABLES_TRIES && (err == ERR_DUPLICATE || err == STORE_ERR_CONFLICT || err == ERR_INTERNAL);
         tries++)
        err = in_transaction(store, make_own_tables, NULL);
    return outside(err);
}

enum err store_migrate(struct store *store, const struct store_set *set)
{
    TRY(store_own_tables(store));
    enum err err = start(store, set);
    if (err == ERR_OK)
        err = raise_to_newest(store, set);
    return outside(err);
}
