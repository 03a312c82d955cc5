/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store.h"

#include "base/secret.h"
#include "store/error.h"
#include "store/internal.h"
#include "store/writer.h"

#include <string.h>
#include <time.h>

enum { SERIAL_TRIES = 5, GROUP_ROUNDS = 2, JITTER_US = 2000 };

static const struct store_driver *const drivers[] = {&store_sqlite, &store_postgres};

const struct store_driver *store_driver_of(const char *url, const char **place)
{
    for (size_t i = 0; i < sizeof drivers / sizeof drivers[0]; i++) {
        size_t len = strlen(drivers[i]->scheme);
        if (strncmp(url, drivers[i]->scheme, len) != 0)
            continue;
        *place = url + len;
        return drivers[i];
    }
    return NULL;
}

enum err store_open(const char *url, const struct env *env, const struct store_set *const *sets, struct store **out)
{
    const char *place = NULL;
    const struct store_driver *driver = store_driver_of(url, &place);
    if (!driver)
        return ERR_CONFIG;
    void *at = NULL;
    TRY(memory_reserve(1, sizeof(struct store), &at));
    struct store *store = at;
    *store = (struct store){.driver = driver, .env = env};
    enum err err = store_statements_open(store, sets);
    if (err == ERR_OK)
        err = driver->open(store, place);
    if (err != ERR_OK) {
        store_close(store);
        return err;
    }
    *out = store;
    return ERR_OK;
}

void store_close(struct store *store)
{
    if (!store)
        return;
    store->driver->close(store);
    store_statements_close(&store->statements);
    memory_release(store, 1, sizeof *store);
}

const char *store_driver_name(const struct store *store)
{
    return store->driver->name;
}

/* ---- what both engines share before and after the round ---- */

enum store_kind store_kind_of(char letter)
{
    return letter == 'i' ? STORE_INT : letter == 't' ? STORE_TEXT : STORE_BYTES;
}

static enum err op_check(const struct store *store, struct store_op *op)
{
    op->statement = store_statements_find(&store->statements, op->row);
    if (op->statement == store->statements.count)
        return ERR_INTERNAL;
    return op->argument || store_statement_of(store, op)->argument_count == 0 ? ERR_OK : ERR_INTERNAL;
}

/* Refuses a batch that does not fit its statements; says whether it writes. */
bool store_batch_check(const struct store *store, struct store_batch *batch)
{
    bool writes = false;
    batch->err = ERR_OK;
    for (size_t i = 0; i < batch->count; i++) {
        struct store_op *op = &batch->op[i];
        batch->err = op_check(store, op);
        if (batch->err == ERR_OK && op->row->gives && !batch->arena)
            batch->err = ERR_INTERNAL;
        if (batch->err != ERR_OK) {
            batch->at = i;
            return false;
        }
        writes = writes || (op->row->flags & STORE_ROW_WRITE);
    }
    return writes;
}

/* A round may be the second one: what the first left in the arena goes. */
void store_batch_forget(struct store_batch *batch, size_t arena_used)
{
    batch->err = ERR_OK;
    batch->at = 0;
    for (size_t i = 0; i < batch->count; i++) {
        batch->op[i].changed = 0;
        batch->op[i].rows = (struct store_rows){0};
    }
    if (batch->arena && batch->arena->used > arena_used) {
        secret_wipe(batch->arena->at + arena_used, batch->arena->used - arena_used);
        batch->arena->used = arena_used;
    }
}

/* ---- the round ---- */

struct group {
    struct store_batch *batch[STORE_GROUP_MAX];
    size_t arena_used[STORE_GROUP_MAX];
    size_t count;
    bool writes;
};

static enum err group_try(struct store *store, struct group *g)
{
    for (size_t i = 0; i < g->count; i++)
        store_batch_forget(g->batch[i], g->arena_used[i]);
    TRY(store->driver->begin(store, g->writes));
    enum err err = store->driver->perform(store, g->batch, g->count);
    if (err == ERR_OK)
        err = store->driver->commit(store);
    if (err != ERR_OK)
        store->driver->rollback(store);
    return err;
}

static void wait_jitter(const struct store *store, int attempt)
{
    uint16_t random = 0;
    env_random(store->env, &random, sizeof random);
    long us = (long)random % (JITTER_US << attempt);
    nanosleep(&(struct timespec){.tv_nsec = us * 1000}, NULL);
}

/* A serialisation failure is tried again; so is a connection found dead, or
 * one that only reads, once, since nothing had been written. */
static enum err group_persist(struct store *store, struct group *g)
{
    bool reconnected = false;
    for (int attempt = 0;;) {
        enum err err = group_try(store, g);
        if (err == ERR_BUSY && ++attempt < SERIAL_TRIES)
            wait_jitter(store, attempt);
        else if ((err == ERR_CLOSED || err == STORE_ERR_READ_ONLY) && !reconnected)
            reconnected = true;
        else
            return err == ERR_BUSY || err == ERR_CLOSED ? STORE_ERR_UNAVAILABLE : err;
    }
}

static void group_drop_failed(struct group *g)
{
    size_t kept = 0;
    for (size_t i = 0; i < g->count; i++) {
        if (g->batch[i]->err != ERR_OK)
            continue;
        g->batch[kept] = g->batch[i];
        g->arena_used[kept++] = g->arena_used[i];
    }
    g->count = kept;
}

static void group_fail(struct group *g, enum err err)
{
    for (size_t i = 0; i < g->count; i++)
        if (g->batch[i]->err == ERR_OK)
            g->batch[i]->err = err;
}

/* Those with an outcome of their own leave the group, the others run again; after two rounds each by itself. */
static void group_run(struct store *store, struct group *g)
{
    for (int round = 0; g->count > 0; round++) {
        enum err err = group_persist(store, g);
        if (err != STORE_ERR_CONFLICT) {
            if (err != ERR_OK)
                group_fail(g, err);
            return;
        }
        size_t before = g->count;
        group_drop_failed(g);
        ASSERT(g->count < before);
        if (round + 1 < GROUP_ROUNDS)
            continue;
        for (size_t i = 0; i < g->count; i++) {
            struct group one = {.batch = {g->batch[i]}, .arena_used = {g->arena_used[i]}, .count = 1, .writes = g->writes};
            group_run(store, &one);
        }
        return;
    }
}

void store_run_group(struct store *store, struct store_batch *const *batch, size_t count)
{
    for (size_t start = 0; start < count; start += STORE_GROUP_MAX) {
        struct group g = {0};
        for (size_t i = start; i < count && i < start + STORE_GROUP_MAX; i++) {
            bool writes = store_batch_check(store, batch[i]);
            if (batch[i]->err != ERR_OK)
                continue;
            g.writes = g.writes || writes;
            g.arena_used[g.count] = batch[i]->arena ? batch[i]->arena->used : 0;
            g.batch[g.count++] = batch[i];
        }
        group_run(store, &g);
    }
}

enum err store_run(struct store *store, struct store_batch *batch)
{
    store_run_group(store, (struct store_batch *const[]){batch}, 1);
    return batch->err;
}

/* ---- result cells ---- */

struct store_value *store_rows_add(struct store_rows *rows, size_t *cap, struct arena *arena)
{
    if (rows->count == *cap) {
        size_t wider = *cap == 0 ? 1 : *cap * 4;
        struct store_value *cell = arena_take(arena, wider * rows->columns * sizeof *cell);
        if (!cell)
            return NULL;
        if (rows->count > 0)
            memcpy(cell, rows->cell, rows->count * rows->columns * sizeof *cell);
        rows->cell = cell;
        *cap = wider;
    }
    return &rows->cell[rows->count++ * rows->columns];
}

enum err store_cell_copy(struct store_value *cell, enum store_kind kind, const void *at, size_t len, struct arena *arena)
{
    uint8_t *copy = arena_take(arena, len);
    if (!copy || len > UINT32_MAX)
        return ERR_MEMORY;
    if (len > 0)
        memcpy(copy, at, len);
    *cell = (struct store_value){.kind = kind, .len = (uint32_t)len, .at = copy};
    return ERR_OK;
}

struct store_value store_cell(const struct store_rows *rows, size_t row, size_t column)
{
    if (row >= rows->count || column >= rows->columns)
        return (struct store_value){.kind = STORE_NULL};
    return rows->cell[row * rows->columns + column];
}

int64_t store_cell_int(const struct store_rows *rows, size_t row, size_t column)
{
    struct store_value value = store_cell(rows, row, column);
    return value.kind == STORE_INT ? value.integer : 0;
}

struct span store_cell_span(const struct store_rows *rows, size_t row, size_t column)
{
    struct store_value value = store_cell(rows, row, column);
    return value.kind == STORE_TEXT || value.kind == STORE_BYTES ? span_of(value.at, value.len) : span_of(NULL, 0);
}

enum err store_op_read(const struct store_op *op, size_t row, void *out)
{
    return store_shape_read(op->row->gives, &op->rows, row, out);
}

void store_log_refused(const struct store *store, const char *statement, const char *code)
{
    if (store->env && store->env->log)
        LOG(store->env->log, LOG_ERROR, "store.refused", LOG_TEXT("driver", store->driver->name), LOG_TEXT("statement", statement),
            LOG_TEXT("code", code));
}
