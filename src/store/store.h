/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store: statements as rows, two drivers.
 *
 * Purpose    Every SQL statement is a row of the set of a room (store/statement.h). Callers name a row and give the struct that its
 *            arguments stand in; they never write SQL. A batch is the unit of work: its operations run as one transaction, all or
 *            nothing. The URL selects the driver:
 *                sqlite:/path/file.db               embedded, WAL, synchronous=FULL, one writer
 *                postgres:host=/run/pg dbname=x     libpq pipeline mode; several hosts with target_session_attrs=read-write
 * Ownership  A store is one connection. Arguments are borrowed until the batch is done; result cells live in the batch's arena.
 * Threading  A store is used by one thread at a time: each thread opens its own. Writers share commits through store/writer.h.
 * Failure    store_run answers, and leaves in batch->err:
 *                ERR_OK                 committed (or, for reads alone, answered)
 *                STORE_ERR_CONFLICT           the STORE_MUST_CHANGE operation at batch->at changed no row; nothing was written
 *                ERR_DUPLICATE          the operation at batch->at broke a unique key; nothing was written
 *                ERR_MEMORY             the arena is full; nothing was written
 *                STORE_ERR_UNAVAILABLE  no connection, no memory, lock timeout; nothing was written
 *                STORE_ERR_FULL, _READ_ONLY, _DAMAGED, _FILE, _REPLACED    the same, for a reason that an operator has to know
 *                STORE_ERR_UNKNOWN      the connection was lost at COMMIT: settle by reading the idempotency row, never blind retry
 *                ERR_INTERNAL           the statement at batch->at does not fit the database or its arguments: our defect
 *            A lost connection is opened again by the next call. Serialisation failures are repeated inside, at most five times.
 * Order      On PostgreSQL the writes of a group are sent by table and key (store/order.h), so that nodes do not deadlock. What
 *            each operation finds is as if the batches had run in the order in which they were given.
 * Limits     STORE_ARGUMENT_MAX arguments a statement. A batch of reads alone takes no lock that would stop a writer. Writers of
 *            one SQLite file, also in several processes, take turns (file.db-turn) and wait at most 5 s.
 *
 * Example
 *     static const struct store_set *const sets[] = {&purse_set, NULL};
 *     TRY(store_open(url, env, sets, &store));
 *     TRY(store_migrate(store, &purse_set));
 *     const struct purse key = {.id = "p1"};
 *     struct store_op op = {.row = &purse_row[PURSE_GET], .argument = &key};
 *     struct store_batch batch = {.op = &op, .count = 1, .arena = &arena};
 *     TRY(store_run(store, &batch));
 *     if (op.rows.count == 1)
 *         TRY(store_op_read(&op, 0, &purse));
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/confine.h"
#include "base/env.h"
#include "store/statement.h"

#include <stdbool.h>

/* An SQL NULL, or a place outside the rows, reads as STORE_NULL: store_cell_int gives 0, store_cell_span an empty span. */
struct store_value store_cell(const struct store_rows *rows, size_t row, size_t column);
int64_t store_cell_int(const struct store_rows *rows, size_t row, size_t column);
struct span store_cell_span(const struct store_rows *rows, size_t row, size_t column);

enum store_flag {
    STORE_MUST_CHANGE = 1 << 0, /* a write that changes no row rolls the batch back: STORE_ERR_CONFLICT */
};

struct store_op {
    const struct store_row *row; /* of one of the connection's sets */
    unsigned flags;              /* enum store_flag */
    const void *argument;        /* the struct that the row takes; it stays until the batch is done */
    size_t statement;            /* the store's own: its place among the statements of the connection */
    /* answers */
    int64_t changed; /* rows written; rows returned where the statement has RETURNING */
    struct store_rows rows;
};
/* Fills `out` with a result row, as the row of the statement gives it. ERR_INTERNAL: a value does not fit its member. */
MUST_USE enum err store_op_read(const struct store_op *op, size_t row, void *out);

struct queue;
struct store_batch {
    struct store_op *op;
    size_t count;
    struct arena *arena; /* for result cells; NULL if no statement returns rows */
    /* answers */
    enum err err;
    size_t at; /* operation that STORE_ERR_CONFLICT, ERR_DUPLICATE and ERR_INTERNAL speak of */
    /* for store/writer.h */
    struct queue *done; /* where the batch is put when it is finished */
    void *context;      /* the caller's */
};

struct store;

/*
 * Opens a connection that knows the statements of `sets`, which ends with NULL. `env` gives randomness for jitter and the log; it
 * outlives the store. ERR_CONFIG: the URL names no driver. ERR_INTERNAL: a row is not sound.
 */
MUST_USE enum err store_open(const char *url, const struct env *env, const struct store_set *const *sets, struct store **out);
/* Closes and frees; NULL is allowed. */
void store_close(struct store *store);

/* Runs the operations in order, as one transaction if one of them writes. See Failure above. */
MUST_USE enum err store_run(struct store *store, struct store_batch *batch);

/*
 * Runs several batches under one commit. Each batch has its own outcome: a conflict undoes its batch alone. A batch may be told
 * STORE_ERR_CONFLICT because of one before it in the group, as if that one had committed first.
 */
void store_run_group(struct store *store, struct store_batch *const *batch, size_t count);

/* Brings the tables of a set from whatever version they have to the newest; safe to repeat, and from several nodes at once. */
MUST_USE enum err store_migrate(struct store *store, const struct store_set *set);
/* 0: the set has no tables yet. */
MUST_USE enum err store_schema_version(struct store *store, const struct store_set *set, int64_t *out);
int64_t store_schema_newest(const struct store_set *set);

/* What a process that opened this URL needs when it locks itself in (base/confine.h): files, folders, system calls. A URL that
 * names no driver needs nothing. */
void store_needs(const char *url, struct confine_needs *needs);

/* "sqlite" or "postgres". */
const char *store_driver_name(const struct store *store);

#endif
