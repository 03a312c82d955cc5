/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reader: reads that never make a loop wait.
 *
 * Purpose    Event loops never wait for the database. A batch of reads is submitted and comes back in its own `done` queue, as a
 *            batch of the writer does.
 *                sqlite      answers within store_reader_submit: the batch is in its queue when the call returns.
 *                postgres    one non-blocking connection in pipeline mode: several batches are on their way at once, each is
 *                            answered by itself, and answers come in the order of submission.
 * Ownership  A submitted batch, its operations, arguments and arena belong to the reader until the batch comes out of its `done`
 *            queue. That queue must have room for all batches its owner has under way. `url` is copied; `env` outlives the reader.
 * Threading  One thread: the loop's. Only the `done` queues may be read from elsewhere.
 * Turns      Call store_reader_turn in every turn of the loop, and let the loop wait no longer than until what it answers. Batches
 *            submitted later in the same turn are sent at once, but only the next store_reader_turn tells their deadlines: call
 *            it after whatever submits. `watch` says for which descriptor, and for what, the loop must turn; net_watch_set fits.
 * Failure    batch->err, when it comes back:
 *                ERR_OK                 answered
 *                ERR_MEMORY             the arena is full
 *                STORE_ERR_UNAVAILABLE  not answered by its deadline, or the reader was closed; an answer that arrives later is
 *                                       thrown away
 *                ERR_INTERNAL           the statement at batch->at does not fit the database: our defect
 *            A submit that fails leaves the batch with the caller: ERR_BUSY, `cap` batches are under way; ERR_INTERNAL, an
 *            operation writes or does not fit its statement (batch->at).
 *            A lost connection is opened again at once, then with growing, random pauses of at most 2 s. Batches that wait for it
 *            are sent when it is there; one whose answer was lost is sent again, at most STORE_READER_TRIES times, since reads
 *            have no effect. A connection, or an attempt at one, that gives nothing for `silence_ms` counts as lost.
 *            Of several hosts each attempt tries one, in turn, until one is found that takes writes.
 * Blocking   Nothing waits for the server. What can wait: libpq resolves a host that is given by name, at each attempt, so give
 *            addresses (`hostaddr`) or sockets; and it reads the files of passwords, certificates and services that the URL names.
 *            SQLite reads from the disk; a lock is waited for at most 5 ms, and readers of a WAL find one only while
 *            another process recovers it.
 * Limits     `cap` batches under way; STORE_ARGUMENT_MAX arguments a statement.
 *
 * Example
 *     struct store_reader_config config = {.url = url, .env = env, .cap = 256, .watch = net_watch_set, .context = watch};
 *     TRY(store_reader_open(&config, &reader));
 *     batch->done = &service->store_done;
 *     TRY(store_reader_submit(reader, batch, env_monotonic_us(env) + 1500000));
 *     ...
 *     int64_t wake_us = store_reader_turn(reader, env_monotonic_us(env));   // in the loop's turn hook
 *     size_t n = queue_take(&service->store_done, items, 64);               // items[i] is a struct store_batch *
 */
#ifndef STORE_READER_H
#define STORE_READER_H

#include "base/queue.h"
#include "store/error.h"
#include "store/store.h"

enum { STORE_READER_TRIES = 3, STORE_READER_SILENCE_MS = 3000 };

struct store_reader;

struct store_reader_config {
    const char *url;
    const struct env *env;
    const struct store_set *const *sets; /* as of store_open */
    size_t cap;                          /* batches under way */
    /* The loop shall turn when `fd` can be read, or written, until the next call; fd -1: there is nothing to watch. Called within
     * the calls below, always before a descriptor is closed. May be NULL: a caller that turns anyway. */
    void (*watch)(void *context, int fd, bool readable, bool writable);
    void *context;
    uint32_t silence_ms; /* after which a server that owes an answer counts as gone; 0: STORE_READER_SILENCE_MS */
};

/* Does not wait for a server: its connection is made by the turns. ERR_CONFIG: the URL is no good. SQLite: the file is opened. */
MUST_USE enum err store_reader_open(const struct store_reader_config *config, struct store_reader **out);
/* `deadline_us` in monotonic microseconds, more than 0. */
MUST_USE enum err store_reader_submit(struct store_reader *reader, struct store_batch *batch, int64_t deadline_us);
/* Never waits. Returns when it must be called again at the latest (monotonic microseconds); 0: no need. */
int64_t store_reader_turn(struct store_reader *reader, int64_t now_us);
/* A submitted batch would be answered now, as far as one can know. For readiness. */
bool store_reader_up(const struct store_reader *reader);
/* What is under way comes back with STORE_ERR_UNAVAILABLE first. NULL is allowed. */
void store_reader_close(struct store_reader *reader);

struct store_reader_counts {
    int64_t batches;   /* came back */
    int64_t failures;  /* of these, with an error */
    int64_t late;      /* of these, at their deadline */
    int64_t discarded; /* answers that came after it */
    int64_t connected; /* connections made */
    int64_t lost;      /* connections lost, attempts that failed */
};
struct store_reader_counts store_reader_counts(const struct store_reader *reader);
/* Batches under way now. */
size_t store_reader_under_way(const struct store_reader *reader);

#endif
