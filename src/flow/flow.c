/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/internal.h"

#include "base/arena.h"

enum { INDEX_MAX = 1 << 24, TICKET_INDEX = 40, TICKET_GENERATION = 8 };

static struct flow_item *item_at(const struct flow *flow, size_t index)
{
    return (struct flow_item *)(void *)((uint8_t *)flow->config.items + index * flow->config.size);
}

/* ---- queues ---- */

static unsigned stage_on_path(const struct flow *flow, uint32_t path, unsigned stage)
{
    while (stage < flow->config.stages && !(path >> stage & 1))
        stage++;
    ASSERT(stage < flow->config.stages); /* a path ends at a stage that gives the verdict "done" */
    return stage;
}

static void push(struct flow *flow, struct flow_item *item, unsigned stage)
{
    struct flow_queue *q = &flow->queue[stage];
    item->stage = (uint8_t)stage;
    item->place = FLOW_QUEUED;
    item->since_us = flow->running ? flow->now_us : env_monotonic_us(flow->config.env); /* a turn may be long ago */
    item->next = NULL;
    if (q->tail)
        q->tail->next = item;
    else
        q->head = item;
    q->tail = item;
    q->count++;
    flow->queued++;
    flow->moves++;
}

static struct flow_item *pop(struct flow *flow, struct flow_queue *q)
{
    struct flow_item *item = q->head;
    ASSERT(item && item->place == FLOW_QUEUED && q->count > 0 && flow->queued > 0);
    q->head = item->next;
    if (!q->head)
        q->tail = NULL;
    item->next = NULL;
    q->count--;
    flow->queued--;
    return item;
}

/* ---- items ---- */

struct flow_item *flow_take(struct flow *flow)
{
    struct flow_item *item = flow->free;
    if (!item)
        return NULL;
    ASSERT(item->place == FLOW_FREE);
    flow->free = item->next;
    flow->busy++;
    uint32_t index = item->index;
    uint32_t generation = item->generation + 1;
    *item = (struct flow_item){.index = index, .generation = generation, .place = FLOW_TAKEN};
    return item;
}

static void put_back(struct flow *flow, struct flow_item *item)
{
    ASSERT(flow->busy > 0 && item->heap == 0);
    item->place = FLOW_FREE;
    item->next = flow->free;
    flow->free = item;
    flow->busy--;
}

void flow_give_back(struct flow *flow, struct flow_item *item)
{
    ASSERT(item->place == FLOW_TAKEN && item->awaited == 0);
    put_back(flow, item);
}

void flow_enter(struct flow *flow, struct flow_item *item, unsigned stage, uint32_t path)
{
    ASSERT(item->place == FLOW_TAKEN);
    item->path = path;
    push(flow, item, stage_on_path(flow, path, stage));
}

uint64_t flow_ticket(const struct flow_item *item, uint8_t part)
{
    ASSERT(item->place != FLOW_FREE);
    return (uint64_t)item->index << TICKET_INDEX | (uint64_t)item->generation << TICKET_GENERATION | part;
}

struct flow_item *flow_find(struct flow *flow, uint64_t ticket, uint8_t *part)
{
    uint64_t index = ticket >> TICKET_INDEX;
    if (index >= flow->config.count)
        return NULL;
    struct flow_item *item = item_at(flow, (size_t)index);
    if (item->place == FLOW_FREE || item->generation != (uint32_t)(ticket >> TICKET_GENERATION))
        return NULL;
    *part = (uint8_t)ticket;
    return item;
}

void flow_await(struct flow_item *item)
{
    ASSERT(item->place != FLOW_FREE && item->awaited < UINT32_MAX);
    item->awaited++;
    item->announced = item->place == FLOW_RUNNING || item->announced;
}

static void go_on(struct flow *flow, struct flow_item *item)
{
    flow_deadline_remove(flow, item);
    push(flow, item, item->stage);
}

bool flow_arrive(struct flow *flow, struct flow_item *item)
{
    ASSERT(item->place != FLOW_FREE && item->awaited > 0);
    if (--item->awaited > 0)
        return false;
    if (item->place == FLOW_WAITING)
        go_on(flow, item);
    return true;
}

void flow_resume(struct flow *flow, struct flow_item *item)
{
    ASSERT(item->place == FLOW_WAITING);
    go_on(flow, item);
}

/* ---- verdicts ---- */

static void decide(struct flow_item *item, enum flow_verdict verdict, unsigned stage)
{
    ASSERT(item->place == FLOW_RUNNING && item->verdict == FLOW_UNDECIDED && stage < FLOW_STAGES_MAX);
    item->verdict = (uint8_t)verdict;
    item->stage = (uint8_t)stage;
}

void flow_next(struct flow_item *item)
{
    unsigned stage = item->stage + 1u;
    while (stage < FLOW_STAGES_MAX - 1 && !(item->path >> stage & 1))
        stage++;
    decide(item, FLOW_NEXT, stage);
}

void flow_to(struct flow_item *item, unsigned stage)
{
    decide(item, FLOW_NEXT, stage);
}

void flow_wait_at(struct flow_item *item, unsigned stage, int64_t deadline_us)
{
    ASSERT(deadline_us >= 0);
    decide(item, FLOW_WAIT, stage);
    item->announced = item->announced || item->awaited > 0; /* also earlier: it may arrive before the stage has ended */
    item->deadline_us = deadline_us;
}

void flow_wait(struct flow_item *item, int64_t deadline_us)
{
    unsigned stage = item->stage + 1u;
    while (stage < FLOW_STAGES_MAX - 1 && !(item->path >> stage & 1))
        stage++;
    flow_wait_at(item, stage, deadline_us);
}

void flow_done(struct flow_item *item)
{
    ASSERT(item->awaited == 0);
    decide(item, FLOW_DONE, item->stage);
}

/* ---- the turn ---- */

static void wait_begin(struct flow *flow, struct flow_item *item)
{
    item->expired = false;
    if (item->announced && item->awaited == 0) { /* it arrived while the stage ran */
        push(flow, item, item->stage);
        return;
    }
    item->place = FLOW_WAITING;
    if (item->deadline_us > 0)
        flow_deadline_add(flow, item);
}

static void carry_out(struct flow *flow, struct flow_item *item)
{
    enum flow_verdict verdict = item->verdict;
    item->verdict = FLOW_UNDECIDED;
    ASSERT(item->stage < flow->config.stages);
    switch (verdict) {
    case FLOW_NEXT:
        item->expired = false;
        push(flow, item, item->stage);
        break;
    case FLOW_WAIT:
        wait_begin(flow, item);
        break;
    case FLOW_DONE:
        flow->config.release(flow->config.context, item);
        flow->moves++;
        put_back(flow, item);
        break;
    case FLOW_UNDECIDED:
    default:
        ASSERT(verdict != FLOW_UNDECIDED);
    }
}

/* What waits before the stage now; what it puts back to itself waits for the next round. False: the turn has no time left. */
static bool run_stage(struct flow *flow, unsigned stage)
{
    const struct flow_stage *row = &flow->config.stage[stage];
    struct flow_queue *q = &flow->queue[stage];
    size_t most = row->batch > 0 && row->batch < FLOW_BATCH_MAX ? row->batch : FLOW_BATCH_MAX;
    struct flow_item *item[FLOW_BATCH_MAX];
    for (size_t left = q->count; left > 0;) {
        int64_t began_us = env_monotonic_us(flow->config.env);
        size_t count = 0;
        for (; count < most && count < left; count++) {
            item[count] = pop(flow, q);
            item[count]->place = FLOW_RUNNING;
            item[count]->announced = false;
            q->counts.wait_us += (uint64_t)(began_us - item[count]->since_us);
        }
        left -= count;
        row->run(flow->config.context, item, count);
        q->counts.items += count;
        q->counts.batches++;
        q->counts.largest = count > q->counts.largest ? count : q->counts.largest;
        int64_t ended_us = env_monotonic_us(flow->config.env);
        q->counts.run_us += (uint64_t)(ended_us - began_us);
        for (size_t i = 0; i < count; i++)
            carry_out(flow, item[i]);
        if (ended_us - flow->began_us > FLOW_TURN_US)
            return false;
    }
    return true;
}

/* Begins where a turn without time stopped, so that no stage is left out for ever. */
static bool run_round(struct flow *flow)
{
    for (unsigned i = 0; i < flow->config.stages; i++) {
        unsigned stage = flow->first;
        bool time_left = run_stage(flow, stage);
        if (time_left || flow->queue[stage].count == 0)
            flow->first = (stage + 1) % (unsigned)flow->config.stages;
        if (!time_left)
            return false;
    }
    flow->first = 0;
    return true;
}

static void expire(struct flow *flow)
{
    while (flow->heap_count > 0 && flow->heap[0]->deadline_us <= flow->now_us) {
        struct flow_item *item = flow->heap[0];
        ASSERT(item->place == FLOW_WAITING);
        item->expired = true;
        go_on(flow, item);
    }
}

static int64_t call_sources(struct flow *flow, bool after)
{
    int64_t next_us = FLOW_NEVER_US;
    for (size_t i = 0; i < flow->config.sources; i++) {
        const struct flow_source *source = &flow->config.source[i];
        if (after && !source->after)
            continue;
        int64_t at_us = source->turn(flow->config.context, flow->now_us);
        next_us = at_us < next_us ? at_us : next_us;
    }
    return next_us;
}

int64_t flow_turn(struct flow *flow)
{
    ASSERT(!flow->running);
    flow->running = true;
    flow->began_us = env_monotonic_us(flow->config.env);
    int64_t next_us = FLOW_NEVER_US;
    uint64_t moves;
    unsigned round = 0;
    bool time_left;
    do {
        moves = flow->moves;
        flow->now_us = env_monotonic_us(flow->config.env);
        next_us = call_sources(flow, false);
        expire(flow);
        time_left = run_round(flow);
    } while (time_left && ++round < FLOW_ROUNDS && flow->moves != moves);
    int64_t after_us = call_sources(flow, true);
    next_us = after_us < next_us ? after_us : next_us;
    if (flow->heap_count > 0 && flow->heap[0]->deadline_us < next_us)
        next_us = flow->heap[0]->deadline_us;
    flow->running = false;
    return flow->queued > 0 ? flow->now_us : next_us;
}

int64_t flow_now_us(const struct flow *flow)
{
    return flow->now_us;
}

size_t flow_busy(const struct flow *flow)
{
    return flow->busy;
}

void flow_each(struct flow *flow, void (*visit)(void *context, struct flow_item *item), void *context)
{
    for (size_t i = 0; i < flow->config.count; i++)
        if (item_at(flow, i)->place != FLOW_FREE)
            visit(context, item_at(flow, i));
}

/* ---- life ---- */

static void items_begin(struct flow *flow)
{
    for (size_t i = flow->config.count; i > 0; i--) {
        struct flow_item *item = item_at(flow, i - 1);
        *item = (struct flow_item){.next = flow->free, .index = (uint32_t)(i - 1), .place = FLOW_FREE};
        flow->free = item;
    }
}

enum err flow_create(const struct flow_config *config, struct flow **out)
{
    ASSERT(config->stages > 0 && config->stages <= FLOW_STAGES_MAX && config->sources <= FLOW_SOURCES_MAX);
    ASSERT(config->count > 0 && config->count <= INDEX_MAX && config->size >= sizeof(struct flow_item) && config->items);
    ASSERT(config->env && config->release);
    void *at = NULL;
    TRY(memory_reserve(1, sizeof(struct flow), &at));
    struct flow *flow = at;
    flow->config = *config;
    flow->now_us = env_monotonic_us(config->env);
    enum err err = memory_reserve(config->count, sizeof(struct flow_item *), &at);
    if (err != ERR_OK) {
        flow_destroy(flow);
        return err;
    }
    flow->heap = at;
    items_begin(flow);
    *out = flow;
    return ERR_OK;
}

void flow_destroy(struct flow *flow)
{
    if (!flow)
        return;
    memory_release(flow->heap, flow->config.count, sizeof(struct flow_item *));
    memory_release(flow, 1, sizeof *flow);
}

/* ---- what operators ask ---- */

struct flow_counts flow_counts(const struct flow *flow, unsigned stage)
{
    ASSERT(stage < flow->config.stages);
    struct flow_counts counts = flow->queue[stage].counts;
    counts.queued = flow->queue[stage].count;
    return counts;
}
