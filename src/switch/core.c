/* SPDX-License-Identifier: Apache-2.0 */
#include "base/metric.h"
#include "switch/internal.h"

#include <string.h>

enum { PRODUCTS_EVERY_US = 1000000, RETRY_US = 500, ROUND_MS = 1500, TOTAL_MS = 3000, ROUNDS_MAX = 4 };
enum { RETAIN_H = 72, RETAIN_EVERY_US = 60000000, RETAIN_ROOM = 4096 };

enum err switch_products_load(struct switch_core *core)
{
    enum err err = ledger_products_refresh(core->products, core->config.store, &core->read_arena);
    arena_reset(&core->read_arena);
    core->products_read_us = core->now_us;
    core->products_next_us = core->now_us + PRODUCTS_EVERY_US;
    if (err != ERR_OK)
        LOG(core->config.env->log, LOG_ERROR, "switch.products", LOG_TEXT("error", err_row(err)->name));
    return err;
}

static enum err core_fill(struct switch_core *core)
{
    TRY(switch_pool_create(core));
    TRY(queue_create(&core->done, SWITCH_CHUNKS + 1, core->config.wake, core->config.context));
    TRY(ledger_products_create(&core->products));
    TRY(arena_create(&core->retain_arena, RETAIN_ROOM));
    return switch_products_load(core);
}

enum err switch_create(const struct switch_config *config, struct switch_core **out)
{
    if (config->link_count == 0 || config->link_count > SWITCH_LINKS_MAX || config->slots == 0)
        return ERR_CONFIG;
    struct switch_core *core = NULL;
    TRY(memory_reserve(1, sizeof *core, (void **)&core));
    core->config = *config;
    core->config.round_ms = config->round_ms != 0 ? config->round_ms : ROUND_MS;
    core->config.total_ms = config->total_ms != 0 ? config->total_ms : TOTAL_MS;
    core->config.retain_h = config->retain_h != 0 ? config->retain_h : RETAIN_H;
    core->now_us = env_monotonic_us(config->env);
    core->retain_next_us = core->now_us + RETAIN_EVERY_US;
    memcpy(core->link, config->link, config->link_count * sizeof core->link[0]);
    enum err err = hostcmd_layout_fill(config->layout ? config->layout : &hostcmd_profile_countersign_5, &core->layout);
    if (err == ERR_OK)
        err = core_fill(core);
    if (err == ERR_OK && !core->pages.locked)
        LOG(config->env->log, LOG_WARN, "switch.memory_not_locked", LOG_INT("bytes", core->pages.len));
    if (err == ERR_OK)
        *out = core;
    else
        switch_destroy(core);
    return err;
}

void switch_destroy(struct switch_core *core)
{
    if (!core)
        return;
    if (core->products)
        ledger_products_destroy(core->products);
    if (core->done.ring)
        queue_destroy(&core->done);
    arena_destroy(&core->retain_arena);
    switch_pool_destroy(core);
    memory_release(core, 1, sizeof *core);
}

/* What is older than every repeat is forgotten, a minute's worth at a time. A purge that failed is made up by the next. */
static void retain(struct switch_core *core)
{
    int64_t before = env_wall_ms(core->config.env) - (int64_t)core->config.retain_h * 3600000;
    core->retain_next_us = core->now_us + RETAIN_EVERY_US;
    arena_reset(&core->retain_arena);
    ledger_unit_begin(&core->retain, 2, &core->retain_arena);
    ledger_put_retention(&core->retain, before);
    struct store_batch *batch = NULL;
    enum err err = ledger_unit_batch(&core->retain, &batch);
    if (err == ERR_OK) {
        batch->done = &core->done;
        batch->context = NULL; /* no chunk */
        err = store_writer_submit(core->config.writer, batch);
    }
    core->retaining = err == ERR_OK;
    if (err != ERR_OK)
        LOG(core->config.env->log, LOG_WARN, "switch.retention", LOG_TEXT("error", err_row(err)->name));
}

int64_t switch_turn(struct switch_core *core)
{
    core->now_us = env_monotonic_us(core->config.env);
    if (core->now_us >= core->products_next_us)
        (void)switch_products_load(core);
    if (core->now_us >= core->retain_next_us && !core->retaining)
        retain(core);
    core->busy_hsm = false;
    switch_commit_stage(core);
    int64_t next = hostcmd_client_turn(core->config.hsm, core->now_us);
    switch_hsm_stage(core);
    for (int round = 0; round < ROUNDS_MAX && (core->arrived.head || core->ready.head); round++) {
        switch_lookup_stage(core);
        switch_ready_stage(core);
        if (!core->arrived.head)
            break;
    }
    /* What is left waits for a row or a chunk at the writer, which wakes the loop, or for room at the HSM. */
    if (core->arrived.head || core->ready.head || core->busy_hsm)
        next = core->now_us + RETRY_US;
    return next == 0 || next > core->products_next_us ? core->products_next_us : next;
}

size_t switch_pending(const struct switch_core *core)
{
    return core->pending;
}

struct switch_counters switch_counters(const struct switch_core *core)
{
    return core->counters;
}

void switch_metrics(const struct switch_core *core, struct buf *out)
{
    const struct switch_counters *c = &core->counters;
    metric_put(out, "switch_received_total", "frames received", "counter", (int64_t)c->received);
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
    metric_put(out, "switch_pending", "requests under way", "gauge", (int64_t)core->pending);
}
