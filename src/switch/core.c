/* SPDX-License-Identifier: Apache-2.0 */
#include "base/metric.h"
#include "switch/internal.h"

#include <string.h>

enum { ROUND_MS = 1500, TOTAL_MS = 3000, STORE_MS = 1500 };
enum { RETAIN_H = 72, RETAIN_EVERY_US = 60000000, LAPSE_FIRST_US = 1000000 };

/* ---- sources ---- */

static int64_t products_turn(void *context, int64_t now_us)
{
    struct switch_core *core = context;
    int64_t read_us = ledger_products_read_us(core->products);
    int64_t next_us = ledger_products_turn(core->products, core->config.reader, now_us);
    if (ledger_products_read_us(core->products) != read_us)
        switch_resume(core->flow, &core->product_news, SIZE_MAX);
    return next_us;
}

/* What is older than every repeat is forgotten, a minute's worth at a time. A purge that failed is made up by the next. */
static int64_t retention_turn(void *context, int64_t now_us)
{
    struct switch_core *core = context;
    if (core->retaining)
        return FLOW_NEVER_US;
    if (now_us < core->retain_next_us)
        return core->retain_next_us;
    core->retain_next_us = now_us + RETAIN_EVERY_US;
    core->retaining = true;
    arena_reset(&core->retention.arena);
    ledger_unit_begin(&core->retention.unit, 1, &core->retention.arena);
    ledger_put_retention(&core->retention.unit, env_wall_ms(core->config.env) - (int64_t)core->config.retain_h * 3600000);
    switch_work_submit(core, &core->retention);
    return core->retain_next_us;
}

/* clang-format off */
static const struct flow_source sources[] = {
    {"work",      switch_work_turn, true},
    {"hsm",       switch_hsm_turn,  true},
    {"products",  products_turn,    true},
    {"retention", retention_turn,   false},
    {"lapse",     switch_lapse_turn, false},
};
static const struct flow_stage stages[SWITCH_STAGES] = {
    [SWITCH_STAGE_CLAIM]  = {"claim",  switch_claim_stage,  0},
    [SWITCH_STAGE_LOOKUP] = {"lookup", switch_lookup_stage, SWITCH_LOOKUP_MAX},
    [SWITCH_STAGE_SETTLE] = {"settle", switch_settle_stage, 0},
    [SWITCH_STAGE_JUDGE]  = {"judge",  switch_judge_stage,  0},
    [SWITCH_STAGE_ASK]    = {"ask",    switch_ask_stage,    0},
    [SWITCH_STAGE_DECIDE] = {"decide", switch_decide_stage, 0},
    [SWITCH_STAGE_REPLY]  = {"reply",  switch_reply_stage,  0},
};
/* clang-format on */

/* ---- life ---- */

void switch_slot_leave(struct switch_core *core, struct switch_slot *s)
{
    switch_card_drop(&core->rows, s);
    ASSERT(core->in_flight[s->link] > 0);
    core->in_flight[s->link]--;
    switch_resume(core->flow, &s->behind, SIZE_MAX);
    switch_slot_wipe(&core->claims, s);
}

static void release(void *context, struct flow_item *item)
{
    switch_slot_leave(context, switch_slot_of(item));
}

static enum err core_fill(struct switch_core *core)
{
    TRY(switch_pool_create(core));
    const struct flow_config flow = {.name = "switch",
                                     .env = core->config.env,
                                     .stage = stages,
                                     .stages = SWITCH_STAGES,
                                     .source = sources,
                                     .sources = sizeof sources / sizeof sources[0],
                                     .items = core->slot,
                                     .size = sizeof *core->slot,
                                     .count = core->config.slots,
                                     .release = release,
                                     .context = core};
    TRY(flow_create(&flow, &core->flow));
    core->rows.flow = core->flow;
    TRY(queue_create(&core->done, SWITCH_CHUNKS + SWITCH_READS_MAX + 2, core->config.wake, core->config.context));
    return ledger_products_create(&core->products);
}

static void defaults_fill(struct switch_config *config)
{
    config->round_ms = config->round_ms != 0 ? config->round_ms : ROUND_MS;
    config->total_ms = config->total_ms != 0 ? config->total_ms : TOTAL_MS;
    config->store_ms = config->store_ms != 0 ? config->store_ms : STORE_MS;
    config->retain_h = config->retain_h != 0 ? config->retain_h : RETAIN_H;
}

enum err switch_create(const struct switch_config *config, struct switch_core **out)
{
    if (config->link_count == 0 || config->link_count > SWITCH_LINKS_MAX || config->slots == 0)
        return ERR_CONFIG;
    void *at = NULL;
    TRY(memory_reserve(1, sizeof(struct switch_core), &at));
    struct switch_core *core = at;
    core->config = *config;
    defaults_fill(&core->config);
    core->lapse_next_us = env_monotonic_us(config->env) + LAPSE_FIRST_US;
    core->retain_next_us = env_monotonic_us(config->env) + RETAIN_EVERY_US;
    memcpy(core->link, config->link, config->link_count * sizeof core->link[0]);
    enum err err = hostcmd_layout_fill(config->layout ? config->layout : &hostcmd_profile_countersign_5, &core->layout);
    if (err == ERR_OK)
        err = core_fill(core);
    if (err != ERR_OK) {
        switch_destroy(core);
        return err;
    }
    if (!core->pages.locked)
        LOG(config->env->log, LOG_WARN, "switch.memory_not_locked", LOG_INT("bytes", core->pages.len));
    *out = core;
    return ERR_OK;
}

void switch_destroy(struct switch_core *core)
{
    if (!core)
        return;
    flow_destroy(core->flow);
    ledger_products_destroy(core->products);
    if (core->done.ring)
        queue_destroy(&core->done);
    switch_pool_destroy(core);
    memory_release(core, 1, sizeof *core);
}

/* ---- the turn ---- */

int64_t switch_turn(struct switch_core *core)
{
    int64_t next_us = flow_turn(core->flow);
    return next_us == FLOW_NEVER_US ? NET_NEVER_US : next_us;
}

bool switch_store_up(const struct switch_core *core)
{
    return store_reader_up(core->config.reader) && ledger_products_read_us(core->products) > 0 &&
           ledger_products_err(core->products) == ERR_OK;
}

enum err switch_store_err(const struct switch_core *core)
{
    return ledger_products_err(core->products);
}

size_t switch_pending(const struct switch_core *core)
{
    return flow_busy(core->flow);
}

struct switch_counters switch_counters(const struct switch_core *core)
{
    return core->counters;
}

void switch_metrics(const struct switch_core *core, struct buf *out)
{
    const struct switch_counters *c = &core->counters;
    metric_put(out, "switch_received_total", "frames received", "counter", (int64_t)c->received);
    metric_put(out, "switch_keepalives_total", "frames of length zero", "counter", (int64_t)c->keepalives);
    metric_put(out, "switch_rejected_total", "frames rejected by their format", "counter", (int64_t)c->rejected);
    metric_put(out, "switch_busy_total", "requests answered 91 because all slots were in use", "counter", (int64_t)c->busy);
    metric_put(out, "switch_late_total", "requests dropped because they were too old", "counter", (int64_t)c->late);
    metric_put(out, "switch_approved_total", "authorisations approved", "counter", (int64_t)c->approved);
    metric_put(out, "switch_declined_total", "authorisations declined", "counter", (int64_t)c->declined);
    metric_put(out, "switch_repeats_total", "repeats answered from the stored answer", "counter", (int64_t)c->repeats);
    metric_put(out, "switch_unavailable_total", "requests answered 96", "counter", (int64_t)c->unavailable);
    metric_put(out, "switch_conflicts_total", "transactions that lost a conditional write", "counter", (int64_t)c->conflicts);
    metric_put(out, "switch_unanswered_total", "requests without answer: commit outcome unknown", "counter",
               (int64_t)c->unanswered);
    metric_put(out, "switch_reversals_total", "reversals answered", "counter", (int64_t)c->reversals);
    metric_put(out, "switch_retentions_total", "purges of stored answers older than every repeat", "counter",
               (int64_t)c->retentions);
    metric_put(out, "switch_lapses_total", "holds released because their time was over", "counter", (int64_t)c->lapses);
    metric_put(out, "switch_pending", "requests under way", "gauge", (int64_t)flow_busy(core->flow));
    flow_metrics(core->flow, out);
}
