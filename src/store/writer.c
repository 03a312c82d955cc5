/* SPDX-License-Identifier: Apache-2.0 */
#include "store/writer.h"

#include "base/arena.h"
#include "store/error.h"

#include <pthread.h>
#include <stdatomic.h>

struct store_writer {
    struct store *store;
    const struct env *env;
    struct queue queue;
    pthread_t thread;
    _Atomic int64_t batches, groups, conflicts, failures;
};

static void count(struct store_writer *writer, const struct store_batch *batch)
{
    atomic_fetch_add_explicit(&writer->batches, 1, memory_order_relaxed);
    if (batch->err == STORE_ERR_CONFLICT || batch->err == ERR_DUPLICATE)
        atomic_fetch_add_explicit(&writer->conflicts, 1, memory_order_relaxed);
    else if (batch->err != ERR_OK) {
        atomic_fetch_add_explicit(&writer->failures, 1, memory_order_relaxed);
        if (writer->env && writer->env->log)
            LOG(writer->env->log, LOG_WARN, "store.batch_failed", LOG_TEXT("error", err_row(batch->err)->name));
    }
}

/* Neighbours that go to the same queue go together: its owner is woken once. `item` is `batch` as the queue takes it. */
static void give_back(void *const *item, struct store_batch *const *batch, size_t count)
{
    for (size_t from = 0, to; from < count; from = to) {
        struct queue *done = batch[from]->done;
        for (to = from + 1; to < count && batch[to]->done == done; to++)
            continue;
        ASSERT(queue_put_all(done, item + from, to - from) == to - from); /* there is room: store/writer.h */
    }
}

static void *writer_main(void *context)
{
    struct store_writer *writer = context;
    void *item[STORE_GROUP_MAX];
    size_t taken;
    while ((taken = queue_wait(&writer->queue, item, STORE_GROUP_MAX)) > 0) {
        struct store_batch *batch[STORE_GROUP_MAX];
        for (size_t i = 0; i < taken; i++)
            batch[i] = item[i];
        store_run_group(writer->store, batch, taken);
        atomic_fetch_add_explicit(&writer->groups, 1, memory_order_relaxed);
        for (size_t i = 0; i < taken; i++)
            count(writer, batch[i]);
        give_back(item, batch, taken);
    }
    return NULL;
}

enum err store_writer_start(struct store *store, const struct env *env, size_t cap, struct store_writer **out)
{
    void *at = NULL;
    TRY(memory_reserve(1, sizeof(struct store_writer), &at));
    struct store_writer *writer = at;
    writer->store = store;
    writer->env = env;
    enum err err = queue_create(&writer->queue, cap, NULL, NULL);
    if (err == ERR_OK && pthread_create(&writer->thread, NULL, writer_main, writer) != 0) {
        queue_destroy(&writer->queue);
        err = ERR_SYSTEM;
    }
    if (err != ERR_OK) {
        memory_release(writer, 1, sizeof *writer);
        return err;
    }
    *out = writer;
    return ERR_OK;
}

enum err store_writer_submit(struct store_writer *writer, struct store_batch *batch)
{
    return queue_put(&writer->queue, batch);
}

size_t store_writer_submit_all(struct store_writer *writer, struct store_batch *const *batch, size_t count)
{
    return count > 0 ? queue_put_all(&writer->queue, (void *const *)(const void *)batch, count) : 0;
}

void store_writer_stop(struct store_writer *writer)
{
    if (!writer)
        return;
    queue_close(&writer->queue);
    pthread_join(writer->thread, NULL);
    store_close(writer->store);
    queue_destroy(&writer->queue);
    memory_release(writer, 1, sizeof *writer);
}

struct store_writer_counts store_writer_counts(const struct store_writer *writer)
{
    return (struct store_writer_counts){
        .batches = atomic_load_explicit(&writer->batches, memory_order_relaxed),
        .groups = atomic_load_explicit(&writer->groups, memory_order_relaxed),
        .conflicts = atomic_load_explicit(&writer->conflicts, memory_order_relaxed),
        .failures = atomic_load_explicit(&writer->failures, memory_order_relaxed),
    };
}
