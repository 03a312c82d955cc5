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

/* A row as a connection uses it: made when it is opened. */
struct store_statement {
    const struct store_row *row;
    const char *sql;
    const char *arguments; /* a letter each, as store_member_letter gives it */
    const char *results;
    const struct store_member *const *argument;
    const struct store_member *const *key;
    size_t argument_count;
    size_t key_count;
    bool known; /* the engine's answer was compared with what the row gives */
};

enum { STORE_SETS_MAX = 5 };

/* All rows of the sets, the store's own first; a statement is named by its place. */
struct store_statements {
    const struct store_set *set[STORE_SETS_MAX];
    size_t set_count;
    struct store_statement *at;
    size_t count;
    struct arena arena;
};

struct store {
    const struct store_driver *driver;
    const struct env *env;
    struct store_statements statements;
    void *connection;
};

struct store_reading;
struct store_reader;
struct store_reader_config;

struct store_driver {
    const char *name;
    const char *scheme; /* what the URL begins with */
    void (*needs)(const char *place, struct confine_needs *needs);
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

/* ---- migrate.c ---- */

/* The versions themselves; known to every connection. */
extern const struct store_set store_schema_set;
/* The tables of the store itself, before any set is brought up to date. */
MUST_USE enum err store_own_tables(struct store *store);

/* ---- identity.c ---- */

extern const struct store_set store_identity_set;
extern const char store_identity_table[];

/* ---- statements.c ---- */

/* Checks the rows of all sets and makes them ready; `sets` ends with NULL. */
MUST_USE enum err store_statements_open(struct store *store, const struct store_set *const *sets);
void store_statements_close(struct store_statements *statements);
/* Where a row stands among the statements; as many as there are: it belongs to none of the sets. */
size_t store_statements_find(const struct store_statements *statements, const struct store_row *row);

/* Of an operation that was checked. */
static inline struct store_statement *store_statement_of(const struct store *store, const struct store_op *op)
{
    return &store->statements.at[op->statement];
}
/* The value of an argument of an operation. */
static inline struct store_value store_argument(const struct store_statement *statement, const struct store_op *op, size_t i)
{
    return store_member_value(statement->argument[i], op->argument);
}
/* The column that an engine calls `name` is what the row expects at place i. */
bool store_column_fits(const struct store_statement *statement, size_t i, const char *name);

/* ---- store.c ---- */

/* Adds an empty row of NULLs; NULL when the arena is full. */
struct store_value *store_rows_add(struct store_rows *rows, size_t *cap, struct arena *arena);
/* Copies a text or bytes into the arena. */
MUST_USE enum err store_cell_copy(struct store_value *cell, enum store_kind kind, const void *at, size_t len, struct arena *arena);
enum store_kind store_kind_of(char letter);

/* Replaces the marks of a migration statement: name, text, name, text, ..., NULL. */
MUST_USE enum err store_marks_expand(const char *sql, const char *const *mark, struct buf *out);

/* One line about a statement that an engine refused; `code` is the engine's, never its message, which may hold values. */
void store_log_refused(const struct store *store, const char *statement, const char *code);

#endif
