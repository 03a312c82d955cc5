/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the store: what store.c gives the reader, and what reader.c and an engine's way of reading share.
 *
 * A read is a batch under way. It waits until the engine takes it, is then sent, and leaves by store_read_finish: answered, or
 * because its deadline passed. An engine that loses its connection puts reads back with store_read_again.
 */
#ifndef STORE_INTERNAL_H
#define STORE_INTERNAL_H

#include "store/driver.h"
#include "store/reader.h"

/* ---- store.c ---- */

/* Refuses a batch that does not fit its statements (batch->err, batch->at); says whether it writes. */
bool store_batch_check(const struct store *store, struct store_batch *batch);
/* Takes back what an earlier run left in the batch and, beyond `arena_used`, in its arena. */
void store_batch_forget(struct store_batch *batch, size_t arena_used);
/* The driver whose scheme the URL begins with, and the rest of the URL; NULL: none. */
const struct store_driver *store_driver_of(const char *url, const char **place);
/* sqlite_needs.c: what the process keeps for SQLite when it locks itself in. */
void store_sqlite_needs(const char *place, struct confine_needs *needs);

/* ---- sqlite_error.c ---- */

struct sqlite3;
/* Of the last call on the connection that failed. */
enum err store_sqlite_err(struct sqlite3 *db);

/* ---- reader.c ---- */

enum store_read_state { STORE_READ_FREE, STORE_READ_WAITING, STORE_READ_SENT };

struct store_read {
    enum store_read_state state;
    struct store_batch *batch;
    int64_t deadline_us;
    size_t arena_used;       /* before the first try */
    unsigned tries;          /* how often it was sent */
    void *sent;              /* the engine's note of it, while SENT */
    struct store_read *next; /* of the free or of the waiting ones */
};

struct store_reader {
    struct store_reader_config config;
    struct store *store;                 /* its table; for an engine that answers within the call, its connection as well */
    const struct store_reading *reading; /* NULL: answered within the call */
    void *connection;                    /* of `reading` */
    struct store_read *read;             /* config.cap of them */
    struct store_read *free;
    struct store_read *first, *last; /* waiting, in the order of submission */
    size_t under_way;
    int64_t earliest_us; /* no deadline is before it; 0: none */
    bool late;           /* a deadline passed, and nothing was answered since */
    struct store_reader_counts counts;
};

/* How an engine reads without waiting. */
struct store_reading {
    enum err (*open)(struct store_reader *reader, const char *place);
    void (*close)(struct store_reader *reader);
    bool (*up)(const struct store_reader *reader);
    /* Sends what waits. */
    void (*send)(struct store_reader *reader, int64_t now_us);
    /* As store_reader_turn, deadlines of batches aside. */
    int64_t (*turn)(struct store_reader *reader, int64_t now_us);
    /* A read that was sent is leaving; what arrives for it is to be thrown away. */
    void (*forget)(struct store_reader *reader, struct store_read *read);
};
extern const struct store_reading store_postgres_reading;

/* The read that waits longest, taken off the list and counted as sent; NULL: none. */
struct store_read *store_read_take(struct store_reader *reader, void *sent);
/* A read that was sent waits again, before all others; one that was sent too often comes back with an error. */
void store_read_again(struct store_reader *reader, struct store_read *read);
/* Answers a batch. The read is free afterwards. */
void store_read_finish(struct store_reader *reader, struct store_read *read, enum err err);

#endif
