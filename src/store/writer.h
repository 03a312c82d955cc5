/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The writer thread: group commit.
 *
 * Purpose    Event loops never wait for the disk. A batch is submitted, the writer takes all batches that have arrived, runs them
 *            under one commit, and puts each into its own `done` queue, whose wake hook wakes the loop. Under load commits are
 *            shared; a single batch is committed at once.
 * Ownership  store_writer_start takes the store over. A submitted batch, its operations, arguments and arena belong to the writer
 *            until the batch comes out of its `done` queue. That queue must have room for all batches its owner has under way.
 * Threading  Submit from any thread. The order of submission is the order of application.
 * Failure    The outcome of a batch is batch->err as store_run leaves it. store_writer_submit answers ERR_BUSY when the queue is
 *            full and ERR_CLOSED after store_writer_stop: the batch then stays the caller's.
 * Limits     `cap` batches wait at most; up to STORE_GROUP_MAX share one commit.
 *
 * Example
 *     TRY(store_writer_start(store, env, 1024, &writer));
 *     batch->done = &loop->store_done;
 *     TRY(store_writer_submit(writer, batch));
 *     ...
 *     size_t n = queue_take(&loop->store_done, items, 64);        // items[i] is a struct store_batch *
 */
#ifndef STORE_WRITER_H
#define STORE_WRITER_H

#include "base/queue.h"
#include "store/store.h"

enum { STORE_GROUP_MAX = 64 };

struct store_writer;

MUST_USE enum err store_writer_start(struct store *store, const struct env *env, size_t cap, struct store_writer **out);
MUST_USE enum err store_writer_submit(struct store_writer *writer, struct store_batch *batch);
/* Several batches in one go, each with its own outcome: as many of them, from the first, as the queue takes; how many. The rest
 * stays the caller's. */
MUST_USE size_t store_writer_submit_all(struct store_writer *writer, struct store_batch *const *batch, size_t count);
/* Finishes what was submitted, ends the thread, closes the store. NULL is allowed. */
void store_writer_stop(struct store_writer *writer);

struct store_writer_counts {
    int64_t batches;
    int64_t groups; /* commits */
    int64_t conflicts;
    int64_t failures;
};
struct store_writer_counts store_writer_counts(const struct store_writer *writer);

#endif
