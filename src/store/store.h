/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store: one statement list, two drivers.
 *
 * Purpose    Every SQL statement of the house is a row of store/statements.h. Callers name a row and bind values; they never write
 *            SQL. A batch is the unit of work: its operations run as one transaction, all or nothing. The URL selects the driver:
 *                sqlite:/path/file.db               embedded, WAL, synchronous=FULL, one writer
 *                postgres:host=/run/pg dbname=x     libpq pipeline mode; several hosts with target_session_attrs=read-write
 * Ownership  A store is one connection. Arguments are borrowed until the batch is done; result cells live in the batch's arena.
 * Threading  A store is used by one thread at a time: each thread opens its own. Writers share commits through store/writer.h.
 * Failure    store_run answers, and leaves in batch->err:
 *                ERR_OK                 committed (or, for reads alone, answered)
 *                STORE_ERR_CONFLICT           the STORE_MUST_CHANGE operation at batch->at changed no row; nothing was written
 *                ERR_DUPLICATE          the operation at batch->at broke a unique key; nothing was written
 *                ERR_MEMORY             the arena is full; nothing was written
 *                STORE_ERR_UNAVAILABLE  no connection, read-only, disk full, lock timeout; nothing was written
 *                STORE_ERR_UNKNOWN      the connection was lost at COMMIT: settle by reading the idempotency row, never blind retry
 *                ERR_INTERNAL           the statement at batch->at does not fit the database or its arguments: our defect
 *            A lost connection is opened again by the next call. Serialisation failures are repeated inside, at most five times.
 * Order      On PostgreSQL the writes of a group are sent by table and key (store/order.h), so that nodes do not deadlock. What
 *            each operation finds is as if the batches had run in the order in which they were given.
 * Limits     STORE_ARGUMENT_MAX arguments a statement. A batch of reads alone takes no lock that would stop a writer. Writers of
 *            one SQLite file, also in several processes, take turns (file.db-turn) and wait at most 5 s.
 *
 * Example
 *     struct store_value key[] = {store_text("card_1")};
 *     struct store_op op[] = {{.statement = STORE_CARD_BY_ID, .argument = key, .argument_count = 1}};
 *     struct store_batch batch = {.op = op, .count = 1, .arena = &arena};
 *     TRY(store_run(store, &batch));
 *     if (op[0].rows.count == 1)
 *         use(store_cell(&op[0].rows, 0, 0));
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/env.h"
#include "store/statements.h"

#include <stdbool.h>
#include <string.h>

enum { STORE_ARGUMENT_MAX = 64 };

enum store_kind { STORE_NULL, STORE_INT, STORE_TEXT, STORE_BYTES };

struct store_value {
    enum store_kind kind;
    uint32_t len; /* of TEXT and BYTES */
    union {
        int64_t integer;
        const uint8_t *at;
    };
};

static inline struct store_value store_int(int64_t value)
{
    return (struct store_value){.kind = STORE_INT, .integer = value};
}
static inline struct store_value store_bytes(const void *at, size_t len)
{
    return (struct store_value){.kind = STORE_BYTES, .len = (uint32_t)len, .at = at};
}
static inline struct store_value store_text(const char *text)
{
    return (struct store_value){.kind = STORE_TEXT, .len = (uint32_t)strlen(text), .at = (const uint8_t *)text};
}
static inline struct store_value store_text_span(struct span s)
{
    return (struct store_value){.kind = STORE_TEXT, .len = (uint32_t)s.len, .at = s.at};
}

struct store_rows {
    struct store_value *cell; /* count x columns, row by row, in the batch's arena */
    size_t count;
    size_t columns;
};

/* An SQL NULL, or a place outside the rows, reads as STORE_NULL: store_cell_int gives 0, store_cell_span an empty span. */
struct store_value store_cell(const struct store_rows *rows, size_t row, size_t column);
int64_t store_cell_int(const struct store_rows *rows, size_t row, size_t column);
struct span store_cell_span(const struct store_rows *rows, size_t row, size_t column);

enum store_flag {
    STORE_MUST_CHANGE = 1 << 0, /* a write that changes no row rolls the batch back: STORE_ERR_CONFLICT */
};

struct store_op {
    enum store_statement statement;
    unsigned flags; /* enum store_flag */
    const struct store_value *argument;
    size_t argument_count;
    /* answers */
    int64_t changed; /* rows written; rows returned where the statement has RETURNING */
    struct store_rows rows;
};

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

/* Opens a connection. `env` gives randomness for jitter and the log; it outlives the store. ERR_CONFIG: the URL names no driver. */
MUST_USE enum err store_open(const char *url, const struct env *env, struct store **out);
/* Closes and frees; NULL is allowed. */
void store_close(struct store *store);

/* Runs the operations in order, as one transaction if one of them writes. See Failure above. */
MUST_USE enum err store_run(struct store *store, struct store_batch *batch);

/*
 * Runs several batches under one commit. Each batch has its own outcome: a conflict undoes its batch alone. A batch may be told
 * STORE_ERR_CONFLICT because of one before it in the group, as if that one had committed first.
 */
void store_run_group(struct store *store, struct store_batch *const *batch, size_t count);

/* Which tables a database holds; a gateway may have a database of its own. */
enum store_set { STORE_LEDGER, STORE_GATEWAY, STORE_SCHEMA /* the versions themselves; always there */ };
/* Brings the tables of a set from whatever version they have to the newest; safe to repeat, and from several nodes at once. */
MUST_USE enum err store_migrate(struct store *store, enum store_set set);
/* 0: the set has no tables yet. */
MUST_USE enum err store_schema_version(struct store *store, enum store_set set, int64_t *out);
int64_t store_schema_newest(enum store_set set);

/* "sqlite" or "postgres". */
const char *store_driver_name(const struct store *store);

#endif
