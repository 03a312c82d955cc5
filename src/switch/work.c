/* SPDX-License-Identifier: Apache-2.0 */
#include "switch/work.h"

#include "store/error.h"
#include "switch/internal.h"

void switch_work_submit(struct switch_core *core, struct switch_work *work)
{
    struct store_batch *batch = &work->unit.batch;
    int64_t deadline_us = env_monotonic_us(core->config.env) + (int64_t)core->config.store_ms * 1000;
    enum err err = ledger_unit_batch(&work->unit, &batch);
    batch->done = &core->done;
    batch->context = work;
    bool reads = work->kind == SWITCH_WORK_READ || work->kind == SWITCH_WORK_DUE;
    if (err == ERR_OK && reads)
        err = store_reader_submit(core->config.reader, batch, deadline_us);
    else if (err == ERR_OK)
        err = store_writer_submit(core->config.writer, batch);
    if (err == ERR_OK)
        return;
    batch->err = err;
    ASSERT(queue_put(&core->done, batch) == ERR_OK); /* it has room for all work there is */
}

/* ---- readings ---- */

struct switch_read *switch_read_take(struct switch_core *core)
{
    struct switch_read *r = core->free_read;
    if (!r)
        return NULL;
    ASSERT(r->count == 0 && r->held == 0);
    core->free_read = r->next;
    ledger_unit_begin(&r->work.unit, 4 * (size_t)SWITCH_LOOKUP_MAX, &r->work.arena);
    r->tick = ++core->tick;
    return r;
}

void switch_read_add(struct switch_read *read, struct switch_slot *s)
{
    ASSERT(!s->read && read->count < SWITCH_LOOKUP_MAX);
    read->slot[read->count++] = s;
    read->held++;
    s->read = read;
    s->read_tick = read->tick;
    flow_await(&s->item);
}

void switch_read_submit(struct switch_core *core, struct switch_read *read)
{
    ASSERT(read->count > 0);
    switch_work_submit(core, &read->work);
}

void switch_read_leave(struct switch_core *core, struct switch_slot *s)
{
    struct switch_read *r = s->read;
    ASSERT(r && r->held > 0);
    s->read = NULL;
    if (--r->held > 0)
        return;
    arena_reset(&r->work.arena);
    r->count = 0;
    r->next = core->free_read;
    core->free_read = r;
}

static void read_back(struct switch_core *core, struct switch_read *r)
{
    enum err err = r->work.unit.batch.err;
    if (err != ERR_OK)
        LOG(core->config.env->log, LOG_ERROR, "switch.lookup", LOG_TEXT("error", err_row(err)->name), LOG_INT("count", r->count));
    for (size_t i = 0; i < r->count; i++)
        (void)flow_arrive(core->flow, &r->slot[i]->item);
}

/* ---- chunks ---- */

static struct switch_chunk *chunk_take(struct switch_core *core)
{
    struct switch_chunk *c = core->free_chunk;
    if (!c)
        return NULL;
    ASSERT(c->count == 0);
    core->free_chunk = c->next;
    ledger_unit_begin(&c->work.unit, SWITCH_CHUNK_MAX * 7, &c->work.arena);
    return c;
}

/* A request that gets a transaction of its own, a card whose rows in the open chunk are older than the request, and a second
 * reversal of a card cannot join the open chunk. */
static bool joins(const struct switch_slot *s, const struct switch_chunk *open)
{
    const struct switch_card *card = s->card;
    if (s->alone)
        return false;
    if (!card || card->chunk != open)
        return true;
    return card->read_tick >= s->tick && !(card->reversing && s->kind == SWITCH_SLOT_REVERSAL);
}

struct switch_parking *switch_chunk_open(struct switch_core *core, struct switch_slot *s)
{
    struct switch_card *card = s->card;
    struct switch_account *account = card ? card->account : NULL;
    if (core->open_chunk && core->open_chunk->count > 0 && !joins(s, core->open_chunk))
        switch_chunk_submit(core);
    if (card && card->chunk && card->chunk != core->open_chunk)
        return &card->parked;
    if (account && account->chunk && account->chunk != core->open_chunk)
        return &account->parked;
    if (!core->open_chunk)
        core->open_chunk = chunk_take(core);
    if (!core->open_chunk)
        return &core->chunk_room;
    ledger_unit_mark(&core->open_chunk->work.unit, (uint32_t)core->open_chunk->count);
    return NULL;
}

void switch_chunk_add(struct switch_core *core, struct switch_slot *s)
{
    struct switch_chunk *c = core->open_chunk;
    ASSERT(c && c->count < SWITCH_CHUNK_MAX);
    c->slot[c->count++] = s;
    flow_await(&s->item);
    flow_wait_at(&s->item, SWITCH_STAGE_REPLY, 0);
    if (c->count == SWITCH_CHUNK_MAX || s->alone)
        switch_chunk_submit(core);
}

void switch_chunk_submit(struct switch_core *core)
{
    struct switch_chunk *c = core->open_chunk;
    if (!c || c->count == 0)
        return;
    core->open_chunk = NULL;
    switch_work_submit(core, &c->work);
}

static void chunk_back(struct switch_core *core, struct switch_chunk *c)
{
    const struct store_batch *batch = &c->work.unit.batch;
    bool conflict = batch->err == STORE_ERR_CONFLICT || batch->err == ERR_DUPLICATE;
    size_t fault = conflict ? ledger_unit_tag(&c->work.unit, batch->at) : c->count;
    if (conflict)
        core->counters.conflicts++;
    else if (batch->err != ERR_OK)
        LOG(core->config.env->log, LOG_ERROR, "switch.commit", LOG_TEXT("error", err_row(batch->err)->name),
            LOG_INT("count", c->count));
    const struct switch_settled settled = {c, batch->err == ERR_OK, ++core->tick};
    for (size_t i = 0; i < c->count; i++) {
        struct switch_slot *s = c->slot[i];
        switch_card_settle(&core->rows, s, &settled);
        s->committed = batch->err;
        s->at_fault = i == fault;
        (void)flow_arrive(core->flow, &s->item);
    }
    arena_reset(&c->work.arena);
    c->count = 0;
    c->next = core->free_chunk;
    core->free_chunk = c;
}

/* ---- the source ---- */

static void retention_back(struct switch_core *core)
{
    enum err err = core->retention.unit.batch.err;
    core->retaining = false;
    core->counters.retentions += err == ERR_OK;
    if (err != ERR_OK)
        LOG(core->config.env->log, LOG_WARN, "switch.retention", LOG_TEXT("error", err_row(err)->name));
}

static void back(struct switch_core *core, struct switch_work *work)
{
    switch (work->kind) {
    case SWITCH_WORK_READ:
        read_back(core, (struct switch_read *)(void *)work);
        break;
    case SWITCH_WORK_CHUNK:
        chunk_back(core, (struct switch_chunk *)(void *)work);
        break;
    case SWITCH_WORK_DUE:
    case SWITCH_WORK_LAPSE:
        switch_lapse_back(core);
        break;
    case SWITCH_WORK_RETENTION:
    default:
        retention_back(core);
    }
}

int64_t switch_work_turn(void *context, int64_t now_us)
{
    struct switch_core *core = context;
    void *item[SWITCH_CHUNKS];
    size_t count;
    int64_t reader_us = store_reader_turn(core->config.reader, now_us);
    while ((count = queue_take(&core->done, item, SWITCH_CHUNKS)) > 0)
        for (size_t i = 0; i < count; i++)
            back(core, ((struct store_batch *)item[i])->context);
    if (core->free_read)
        switch_resume(core->flow, &core->read_room, SWITCH_LOOKUP_MAX);
    if (core->free_chunk)
        switch_resume(core->flow, &core->chunk_room, SWITCH_CHUNK_MAX);
    bool room = (core->free_read && core->read_room.first) || (core->free_chunk && core->chunk_room.first);
    if (room)
        return now_us;
    return reader_us > 0 ? reader_us : FLOW_NEVER_US;
}
