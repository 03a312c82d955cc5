/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a driver is. Inside the store only, and for tests that bring statements of their own.
 *
 * Purpose    store.c holds everything the engines share: checks, groups, retries. A driver holds one connection and five verbs.
 * Ownership  `connection` is the driver's; it lives in memory reserved at open.
 * Failure    Verbs answer as store.h says, and two codes that stay inside: ERR_BUSY, the engine asks for the whole transaction
 *            again (40001); ERR_CLOSED, the connection was lost before COMMIT was sent, so nothing was written.
 */
#ifndef STORE_DRIVER_H
#define STORE_DRIVER_H

#include "store/store.h"

enum store_row_flag {
    STORE_ROW_READ = 1 << 0,
    STORE_ROW_WRITE = 1 << 1,
    STORE_ROW_SCAN = 1 << 2,
    STORE_ROW_KEY_3 = 1 << 3 /* the first three arguments are the key, not the first alone */
};

struct store_row {
    const char *name;
    enum store_set set; /* the tables it needs */
    unsigned flags;     /* enum store_row_flag */
    const char *arguments;
    const char *results;
    const char *sql;
    const char *doc;
};

struct store_table {
    const struct store_row *row;
    size_t count;
};

extern const struct store_table store_table;

struct store {
    const struct store_driver *driver;
    const struct env *env;
    struct store_table table;
    void *connection;
};

struct store_reading;
struct store_reader;
struct store_reader_config;

struct store_driver {
    const char *name;
    const char *scheme; /* what the URL begins with */
    enum err (*open)(struct store *store, const char *place);
    void (*close)(struct store *store);
    enum err (*begin)(struct store *store, bool writes);
    /*
     * Runs the operations of all batches. ERR_OK: the transaction may commit; batches that failed by themselves have been undone
     * and carry their error. STORE_ERR_CONFLICT: the same, but the whole transaction must be rolled back and the others run again.
     */
    enum err (*perform)(struct store *store, struct store_batch *const *batch, size_t count);
    enum err (*commit)(struct store *store);
    void (*rollback)(struct store *store);
    /* One statement of a migration, inside a transaction. Marks {int}, {bytes}, {empty} and {table} stand for what differs. */
    enum err (*execute)(struct store *store, const char *sql);
    /* For the reader. An engine that answers at once: the connection shall refuse writes and never wait for long. */
    enum err (*only_read)(struct store *store);
    /* An engine that is asked and answers later: how. NULL: it answers at once. */
    const struct store_reading *reading;
};

extern const struct store_driver store_sqlite;
extern const struct store_driver store_postgres;

/* As store_open and store_reader_open, with a statement table of the caller's. */
MUST_USE enum err store_open_table(const char *url, const struct env *env, struct store_table table, struct store **out);

MUST_USE enum err store_reader_open_table(const struct store_reader_config *config, struct store_table table,
                                          struct store_reader **out);

static inline const struct store_row *store_row_of(const struct store *store, const struct store_op *op)
{
    return &store->table.row[op->statement];
}

/* Adds an empty row of NULLs; NULL when the arena is full. */
struct store_value *store_rows_add(struct store_rows *rows, size_t *cap, struct arena *arena);
/* Copies a text or bytes into the arena. */
MUST_USE enum err store_cell_copy(struct store_value *cell, enum store_kind kind, const void *at, size_t len, struct arena *arena);
enum store_kind store_kind_of(char letter);

/* Replaces the marks of a migration statement: name, text, name, text, ..., NULL. */
MUST_USE enum err store_marks_expand(const char *sql, const char *const *mark, struct buf *out);

/* One line about a statement that an engine refused; `code` is the engine's, never its message, which may hold values. */
void store_log_refused(const struct store *store, const char *statement, const char *code);

struct store_migration {
    enum store_set set;
    int64_t version;
    const char *sql;
};
extern const struct store_migration store_migration[];
extern const size_t store_migration_count;

#endif
