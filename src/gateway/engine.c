/* SPDX-License-Identifier: Apache-2.0 */
/* The stages and sources of the gateway, and what brings requests in and back. */
#include "gateway/internal.h"
#include "net/net.h"

#include <string.h>

enum { TAKE = 64 };

#define ROW(name_, run_) {#run_, gateway_stage_##run_, 0},
static const struct flow_stage stages[] = {GATEWAY_STAGE_LIST(ROW)};
#undef ROW

void gateway_refuse(struct gateway_slot *slot, enum gateway_fault_id id, const char *field)
{
    gateway_fault_add(&slot->x.faults, id, field);
    flow_to(&slot->item, GATEWAY_STAGE_WRITE);
}

/* ---- what comes in ---- */

static void answer_busy(const struct gateway *g, struct http_request *http)
{
    const struct gateway_face *face = gateway_face_of(&g->config.faces, http);
    buf_put_text(http_body(http), face->busy_body);
    http_reply(http, 503, face->content_type);
}

static void begin_exchange(struct gateway *g, struct gateway_slot *slot, struct http_request *http)
{
    struct gateway_exchange *x = &slot->x;
    char id[37];
    env_uuid(g->parts.env, id);
    for (size_t from = 0, to = 0; from < 36; from++) /* ids sort by time; here they have no dashes */
        if (id[from] != '-')
            x->trace_id[to++] = id[from];
    x->http = http;
    x->face = gateway_face_of(&g->config.faces, http);
    x->call = http->route ? http->route->handler : x->face->route[0].handler;
    x->operation = x->face->operation[x->call];
    x->request = slot->secret->request;
    x->now_ms = env_wall_ms(g->parts.env);
}

static void accept(struct gateway *g, struct http_request *http)
{
    ASSERT(http->index < g->config.slots);
    struct flow_item *item = flow_take(g->flow);
    if (!item) {
        answer_busy(g, http);
        return;
    }
    struct gateway_slot *slot = gateway_slot_of(item);
    slot->secret = (struct gateway_slot_secret *)(void *)((uint8_t *)g->pages.at + http->index * g->secret_size);
    begin_exchange(g, slot, http);
    g->counters.busy++;
    g->counters.requests++;
    flow_enter(g->flow, item, GATEWAY_STAGE_AUTHENTICATE, gateway_operation_row(slot->x.operation)->path);
}

static int64_t take_requests(void *context, int64_t now_us)
{
    struct gateway *g = context;
    struct http_request *batch[TAKE];
    size_t count;
    (void)now_us; /* requests have no time of their own */
    while ((count = http_take(g->parts.http, batch, TAKE)) > 0)
        for (size_t i = 0; i < count; i++)
            accept(g, batch[i]);
    return FLOW_NEVER_US;
}

/* ---- what comes back ---- */

static void arrive(struct gateway *g, struct gateway_slot *slot)
{
    (void)flow_arrive(g->flow, &slot->item); /* a slot awaits one thing at a time */
}

static int64_t take_stored(void *context, int64_t now_us)
{
    struct gateway *g = context;
    void *item[TAKE];
    size_t count;
    (void)now_us; /* deadlines are the engine's */
    while ((count = queue_take(&g->store_done, item, TAKE)) > 0)
        for (size_t i = 0; i < count; i++)
            arrive(g, ((struct store_batch *)item[i])->context);
    return FLOW_NEVER_US;
}

static int64_t take_jobs(void *context, int64_t now_us)
{
    struct gateway *g = context;
    struct gateway_job *job[TAKE];
    size_t count;
    (void)now_us; /* a job has no deadline */
    while ((count = gateway_workers_take(g->workers, job, TAKE)) > 0)
        for (size_t i = 0; i < count; i++)
            arrive(g, job[i]->context);
    return FLOW_NEVER_US;
}

static void link_answered(void *owner, enum acquirer_sent sent, void *context, const struct iso8583_message *message)
{
    struct gateway *g = owner;
    if (sent == ACQUIRER_REVERSAL) {
        gateway_reversals_answered(g->reversals, context, message);
        return;
    }
    struct gateway_slot *slot = context;
    if (message)
        gateway_outcome_take(g, slot, message);
    else
        slot->timed_out = true;
    arrive(g, slot);
}

static int64_t turn_links(void *context, int64_t now_us)
{
    struct gateway *g = context;
    int64_t next_us = FLOW_NEVER_US;
    for (size_t i = 0; i < g->config.link_count; i++) {
        int64_t link_us = acquirer_turn(g->link[i], now_us);
        next_us = link_us < next_us ? link_us : next_us;
    }
    return next_us;
}

static int64_t turn_reader(void *context, int64_t now_us)
{
    struct gateway *g = context;
    int64_t next_us = store_reader_turn(g->parts.reader, now_us);
    return next_us > 0 ? next_us : FLOW_NEVER_US;
}

static int64_t turn_reversals(void *context, int64_t now_us)
{
    struct gateway *g = context;
    return gateway_reversals_turn(g->reversals, now_us);
}

static int64_t turn_chores(void *context, int64_t now_us)
{
    return gateway_chores_turn(context, now_us);
}

/* What the stages just sent has deadlines of its own; so has a reversal that they queued, and what was read for it. */
/* clang-format off */
static const struct flow_source sources[] = {
    {"requests",  take_requests,  false},
    {"stored",    take_stored,    false},
    {"jobs",      take_jobs,      false},
    {"links",     turn_links,     true},
    {"reversals", turn_reversals, true},
    {"chores",    turn_chores,    false},
    {"reader",    turn_reader,    true},
};
/* clang-format on */

/* ---- life ---- */

/* Nothing of a request is found by the next one. The arena's block stays. */
static void release(void *context, struct flow_item *item)
{
    struct gateway_slot *slot = gateway_slot_of(item);
    ASSERT(!slot->x.http && !slot->secret && !slot->key);
    gateway_key_end(context, slot);
    struct arena arena = slot->arena;
    arena_reset(&arena);
    memset((uint8_t *)slot + sizeof slot->item, 0, offsetof(struct gateway_slot, op) - sizeof slot->item);
    slot->arena = arena;
}

static enum err reserve(struct gateway *g)
{
    void *at = NULL;
    size_t request = 0;
    for (size_t i = 0; i < g->config.faces.count; i++)
        if (g->config.faces.face[i]->request_size > request)
            request = g->config.faces.face[i]->request_size;
    g->secret_size = (sizeof(struct gateway_slot_secret) + request + 63) / 64 * 64;
    g->slots = 2 * (size_t)g->config.slots;
    TRY(memory_reserve(g->slots, sizeof(struct gateway_slot), &at));
    g->slot = at;
    for (size_t i = 0; i < g->slots; i++)
        TRY(arena_create(&g->slot[i].arena, GATEWAY_ARENA));
    TRY(secret_pages_create(g->config.slots * g->secret_size, &g->pages));
    if (!g->pages.locked)
        LOG(g->parts.env->log, LOG_WARN, "gateway.pages_not_locked", LOG_INT("bytes", g->pages.len));
    return queue_create(&g->store_done, g->slots, net_loop_wake, g->parts.loop);
}

static enum err create_links(struct gateway *g)
{
    const struct acquirer_events events = {link_answered, g};
    for (size_t i = 0; i < g->config.link_count; i++) {
        const struct gateway_link_config *link = &g->config.link[i];
        if (!card_source_from_name(span_text(link->source), &g->source[i])) {
            LOG(g->parts.env->log, LOG_ERROR, "gateway.link_source", LOG_TEXT("link", link->link.name),
                LOG_TEXT("source", link->source));
            return ERR_CONFIG;
        }
        TRY(acquirer_create(&link->link, g->parts.env, g->parts.loop, &events, &g->link[i]));
    }
    return ERR_OK;
}

enum err gateway_pipeline_create(struct gateway *g)
{
    TRY(reserve(g));
    const struct flow_config config = {.name = "gateway",
                                       .env = g->parts.env,
                                       .stage = stages,
                                       .stages = GATEWAY_STAGE_COUNT,
                                       .source = sources,
                                       .sources = sizeof sources / sizeof sources[0],
                                       .items = g->slot,
                                       .size = sizeof(struct gateway_slot),
                                       .count = g->slots,
                                       .release = release,
                                       .context = g};
    TRY(flow_create(&config, &g->flow));
    return create_links(g);
}
