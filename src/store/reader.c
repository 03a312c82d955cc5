/* SPDX-License-Identifier: Apache-2.0 */
#include "store/reader.h"

#include "store/internal.h"

#include <string.h>

/* ---- the list of those that wait ---- */

static void wait_last(struct store_reader *reader, struct store_read *read)
{
    read->state = STORE_READ_WAITING;
    read->next = NULL;
    if (reader->last)
        reader->last->next = read;
    else
        reader->first = read;
    reader->last = read;
}

static void wait_first(struct store_reader *reader, struct store_read *read)
{
    read->state = STORE_READ_WAITING;
    read->next = reader->first;
    reader->first = read;
    if (!reader->last)
        reader->last = read;
}

static void leave(struct store_reader *reader, struct store_read *read)
{
    struct store_read *before = NULL;
    for (struct store_read *r = reader->first; r != read; r = r->next)
        before = r;
    if (before)
        before->next = read->next;
    else
        reader->first = read->next;
    if (reader->last == read)
        reader->last = before;
}

/* ---- for the engines ---- */

struct store_read *store_read_take(struct store_reader *reader, void *sent)
{
    struct store_read *read = reader->first;
    if (!read)
        return NULL;
    ASSERT(read->state == STORE_READ_WAITING);
    leave(reader, read);
    read->state = STORE_READ_SENT;
    read->sent = sent;
    read->tries++;
    return read;
}

void store_read_again(struct store_reader *reader, struct store_read *read)
{
    ASSERT(read->state == STORE_READ_SENT);
    if (read->tries >= STORE_READER_TRIES) {
        store_read_finish(reader, read, STORE_ERR_UNAVAILABLE);
        return;
    }
    store_batch_forget(read->batch, read->arena_used);
    read->sent = NULL;
    wait_first(reader, read);
}

void store_read_finish(struct store_reader *reader, struct store_read *read, enum err err)
{
    struct store_batch *batch = read->batch;
    ASSERT(read->state == STORE_READ_SENT || read->state == STORE_READ_WAITING);
    ASSERT(reader->under_way > 0);
    if (err != ERR_OK)
        reader->counts.failures++;
    reader->counts.batches++;
    reader->under_way--;
    *read = (struct store_read){.state = STORE_READ_FREE, .next = reader->free};
    reader->free = read;
    batch->err = err;
    ASSERT(queue_put(batch->done, batch) == ERR_OK);
}

/* ---- deadlines ---- */

static void give_up(struct store_reader *reader, struct store_read *read)
{
    if (read->state == STORE_READ_SENT)
        reader->reading->forget(reader, read);
    else
        leave(reader, read);
    size_t at = read->batch->at;
    store_batch_forget(read->batch, read->arena_used);
    read->batch->at = at;
    store_read_finish(reader, read, STORE_ERR_UNAVAILABLE);
}

/* Looks at all of them only when one can be due. */
static void expire(struct store_reader *reader, int64_t now_us)
{
    if (reader->earliest_us == 0 || now_us < reader->earliest_us)
        return;
    reader->earliest_us = 0;
    for (size_t i = 0; i < reader->config.cap; i++) {
        struct store_read *read = &reader->read[i];
        if (read->state == STORE_READ_FREE)
            continue;
        if (read->deadline_us <= now_us) {
            reader->late = reader->late || read->state == STORE_READ_SENT;
            reader->counts.late++;
            give_up(reader, read);
        } else if (reader->earliest_us == 0 || read->deadline_us < reader->earliest_us) {
            reader->earliest_us = read->deadline_us;
        }
    }
}

/* ---- life ---- */

static enum err open_engine(struct store_reader *reader)
{
    const char *place = NULL;
    const struct store_driver *driver = store_driver_of(reader->config.url, &place);
    if (!driver)
        return ERR_CONFIG;
    if (!driver->reading) {
        TRY(store_open(reader->config.url, reader->config.env, reader->config.sets, &reader->store));
        return driver->only_read(reader->store);
    }
    void *at = NULL;
    TRY(memory_reserve(1, sizeof(struct store), &at));
    reader->store = at;
    *reader->store = (struct store){.driver = driver, .env = reader->config.env};
    TRY(store_statements_open(reader->store, reader->config.sets));
    TRY(memory_reserve(reader->config.cap, sizeof(struct store_read), &at));
    reader->read = at;
    for (size_t i = reader->config.cap; i > 0; i--) {
        reader->read[i - 1].next = reader->free;
        reader->free = &reader->read[i - 1];
    }
    reader->reading = driver->reading;
    return reader->reading->open(reader, place);
}

enum err store_reader_open(const struct store_reader_config *config, struct store_reader **out)
{
    ASSERT(config->url && config->env && config->sets && config->cap > 0);
    void *at = NULL;
    TRY(memory_reserve(1, sizeof(struct store_reader), &at));
    struct store_reader *reader = at;
    reader->config = *config;
    enum err err = open_engine(reader);
    reader->config.url = NULL;
    if (err != ERR_OK) {
        store_reader_close(reader);
        return err;
    }
    *out = reader;
    return ERR_OK;
}

void store_reader_close(struct store_reader *reader)
{
    if (!reader)
        return;
    for (size_t i = 0; reader->read && i < reader->config.cap; i++)
        if (reader->read[i].state != STORE_READ_FREE)
            give_up(reader, &reader->read[i]);
    ASSERT(reader->under_way == 0);
    if (reader->reading) {
        reader->reading->close(reader);
        memory_release(reader->read, reader->config.cap, sizeof *reader->read);
        store_statements_close(&reader->store->statements);
        memory_release(reader->store, 1, sizeof *reader->store);
    } else {
        store_close(reader->store);
    }
    memory_release(reader, 1, sizeof *reader);
}

/* ---- work ---- */

static enum err check(const struct store_reader *reader, struct store_batch *batch)
{
    if (store_batch_check(reader->store, batch)) {
        size_t i = 0;
        while (!(batch->op[i].row->flags & STORE_ROW_WRITE))
            i++;
        batch->at = i;
        batch->err = ERR_INTERNAL;
    }
    return batch->err;
}

/* An engine that answers at once. */
static void answer(struct store_reader *reader, struct store_batch *batch)
{
    enum err err = store_run(reader->store, batch);
    reader->late = store_err_unavailable(err);
    reader->counts.batches++;
    reader->counts.failures += err != ERR_OK;
    ASSERT(queue_put(batch->done, batch) == ERR_OK);
}

enum err store_reader_submit(struct store_reader *reader, struct store_batch *batch, int64_t deadline_us)
{
    ASSERT(batch->done && deadline_us > 0);
    TRY(check(reader, batch));
    if (!reader->reading) {
        answer(reader, batch);
        return ERR_OK;
    }
    struct store_read *read = reader->free;
    if (!read)
        return ERR_BUSY;
    reader->free = read->next;
    reader->under_way++;
    *read = (struct store_read){.batch = batch, .deadline_us = deadline_us, .arena_used = batch->arena ? batch->arena->used : 0};
    store_batch_forget(batch, read->arena_used);
    wait_last(reader, read);
    if (reader->earliest_us == 0 || deadline_us < reader->earliest_us)
        reader->earliest_us = deadline_us;
    reader->reading->send(reader, env_monotonic_us(reader->config.env));
    return ERR_OK;
}

int64_t store_reader_turn(struct store_reader *reader, int64_t now_us)
{
    if (!reader->reading)
        return 0;
    int64_t next_us = reader->reading->turn(reader, now_us);
    expire(reader, now_us);
    if (next_us == 0 || (reader->earliest_us > 0 && reader->earliest_us < next_us))
        next_us = reader->earliest_us;
    return next_us;
}

bool store_reader_up(const struct store_reader *reader)
{
    return !reader->late && (!reader->reading || reader->reading->up(reader));
}

struct store_reader_counts store_reader_counts(const struct store_reader *reader)
{
    return reader->counts;
}

size_t store_reader_under_way(const struct store_reader *reader)
{
    return reader->under_way;
}
