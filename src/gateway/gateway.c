/* SPDX-License-Identifier: Apache-2.0 */
#include "base/metric.h"
#include "gateway/internal.h"
#include "net/net.h"
#include "store/error.h"

#include <string.h>

enum { RELOAD_US = 5000000, SWEEP_US = 30000000, LOST_MS = 120000, CLAIM_LIFE_MS = 86400000, CHORE_ARENA = 2 * 1024 * 1024 };

/* ---- chores: store work that belongs to no payment ---- */

static void chore_submit(struct gateway *g, struct chore *c, size_t count)
{
    c->batch = (struct store_batch){.op = c->op, .count = count, .arena = &c->arena, .done = &g->store_done, .context = c};
    c->busy = store_writer_submit(g->parts.writer, &c->batch) == ERR_OK;
}

static void reload_start(struct gateway *g)
{
    arena_reset(&g->reload.arena);
    gateway_merchants_reads(g->reload.op);
    chore_submit(g, &g->reload, GATEWAY_MERCHANTS_READS);
}

static void reload_stored(struct gateway *g)
{
    if (g->reload.batch.err != ERR_OK)
        return;
    size_t left_out = gateway_merchants_take(g->merchants, g->parts.vault, g->reload.op);
    if (left_out > 0)
        LOG(g->parts.env->log, LOG_WARN, "gateway.merchants_left_out", LOG_INT("rows", left_out));
    arena_reset(&g->reload.arena);
}

/* Claims and armed reversals older than any request lives were left by a process of this node that died, or by a record that could
 * not be stored. At the start that is all of them. */
static void sweep_start(struct gateway *g, int64_t age_ms)
{
    struct chore *c = &g->sweep;
    int64_t now_ms = env_wall_ms(g->parts.env);
    c->value[0] = store_text(g->config.node);
    c->value[1] = store_int(now_ms - age_ms);
    c->value[2] = store_int(now_ms);
    c->value[3] = store_int(now_ms - CLAIM_LIFE_MS);
    c->op[0] = (struct store_op){.statement = STORE_REVERSAL_ABANDONED, .argument = c->value, .argument_count = 3};
    c->op[1] = (struct store_op){.statement = STORE_CLAIM_ABANDONED, .argument = c->value, .argument_count = 2};
    c->op[2] = (struct store_op){.statement = STORE_CLAIM_PURGE, .argument = &c->value[3], .argument_count = 1};
    chore_submit(g, c, 3);
}

static void chore_stored(struct gateway *g, struct chore *c)
{
    c->busy = false;
    g->store_up = c->batch.err == ERR_OK;
    if (c == &g->reload)
        reload_stored(g);
    else if (c == &g->due)
        reversal_due_stored(g);
    else if (c->batch.err == ERR_OK && c->op[0].changed > 0)
        LOG(g->parts.env->log, LOG_WARN, "gateway.attempts_lost", LOG_INT("reversals", c->op[0].changed));
}

static int64_t chores_turn(struct gateway *g, int64_t now_us)
{
    if (!g->reload.busy && g->reload.next_us <= now_us) {
        g->reload.next_us = now_us + RELOAD_US;
        reload_start(g);
    }
    if (!g->sweep.busy && g->sweep.next_us <= now_us) {
        g->sweep.next_us = now_us + SWEEP_US;
        sweep_start(g, LOST_MS);
    }
    int64_t next_us = reversal_turn(g, now_us);
    if (g->reload.next_us < next_us)
        next_us = g->reload.next_us;
    return g->sweep.next_us < next_us ? g->sweep.next_us : next_us;
}

/* ---- what comes back ---- */

static void stored(struct gateway *g, struct store_batch *batch)
{
    void *context = batch->context;
    if (context == &g->reload || context == &g->due || context == &g->sweep)
        chore_stored(g, context);
    else if (!reversal_stored(g, batch))
        pipeline_push(g, context);
}

static void take_stored(struct gateway *g)
{
    void *item[64];
    size_t count;
    while ((count = queue_take(&g->store_done, item, 64)) > 0)
        for (size_t i = 0; i < count; i++)
            stored(g, item[i]);
}

static void take_jobs(struct gateway *g)
{
    struct gateway_job *job[64];
    size_t count;
    while ((count = gateway_workers_take(g->workers, job, 64)) > 0)
        for (size_t i = 0; i < count; i++)
            pipeline_push(g, job[i]->context);
}

static void link_answered(void *owner, enum acquirer_sent sent, void *context, const struct iso8583_message *message)
{
    struct gateway *g = owner;
    if (sent == ACQUIRER_REVERSAL) {
        reversal_answered(g, context, message);
        return;
    }
    struct slot *slot = context;
    if (message)
        outcome_take(g->link[slot->payment.link], message, &slot->payment);
    else
        slot->timed_out = true;
    pipeline_push(g, slot);
}

/* Records that the store did not take, whose pause is over. */
static int64_t retry_turn(struct gateway *g, int64_t now_us, int64_t next_us)
{
    for (size_t i = 0; g->retrying > 0 && i < g->config.slots; i++) {
        struct slot *slot = &g->slot[i];
        if (!slot->http || slot->retry_us == 0)
            continue;
        if (slot->retry_us <= now_us) {
            slot->retry_us = 0;
            g->retrying--;
            pipeline_push(g, slot);
        } else if (slot->retry_us < next_us) {
            next_us = slot->retry_us;
        }
    }
    return next_us;
}

int64_t gateway_turn(struct gateway *g)
{
    int64_t now_us = env_monotonic_us(g->parts.env);
    take_stored(g);
    take_jobs(g);
    pipeline_take(g);
    int64_t next_us = chores_turn(g, now_us);
    next_us = retry_turn(g, now_us, next_us);
    for (size_t i = 0; i < g->config.link_count; i++) {
        int64_t link_us = acquirer_turn(g->link[i], now_us);
        if (link_us < next_us)
            next_us = link_us;
    }
    pipeline_run(g);
    /* What the stages just sent has deadlines of its own. */
    for (size_t i = 0; i < g->config.link_count; i++) {
        int64_t link_us = acquirer_turn(g->link[i], now_us);
        if (link_us < next_us)
            next_us = link_us;
    }
    return g->due.next_us < next_us && !g->due.busy ? g->due.next_us : next_us;
}

/* ---- life ---- */

static enum err reserve_slots(struct gateway *g)
{
    void *at = NULL;
    TRY(memory_reserve(g->config.slots, sizeof(struct slot), &at));
    g->slot = at;
    TRY(secret_pages_create(g->config.slots * sizeof(struct slot_secret), &g->pages));
    if (!g->pages.locked)
        LOG(g->parts.env->log, LOG_WARN, "gateway.pages_not_locked", LOG_INT("bytes", g->pages.len));
    for (size_t i = 0; i < g->config.slots; i++) {
        g->slot[i].secret = (struct slot_secret *)g->pages.at + i;
        TRY(arena_create(&g->slot[i].arena, SLOT_ARENA));
    }
    for (size_t stage = 0; stage < STAGE_COUNT; stage++) {
        TRY(memory_reserve(g->config.slots, sizeof(struct slot *), &at));
        g->waiting[stage] = at;
    }
    TRY(arena_create(&g->reload.arena, CHORE_ARENA));
    return arena_create(&g->due.arena, 256 * 1024);
}

/* Before the loop runs: waits for the one chore that was submitted. */
static enum err await(struct gateway *g, struct chore *c)
{
    void *item = NULL;
    if (!c->busy || queue_wait(&g->store_done, &item, 1) != 1)
        return STORE_ERR_UNAVAILABLE;
    chore_stored(g, c);
    return c->batch.err;
}

static enum err load(struct gateway *g)
{
    reload_start(g);
    TRY(await(g, &g->reload));
    sweep_start(g, -1);
    TRY(await(g, &g->sweep));
    LOG(g->parts.env->log, LOG_INFO, "gateway.loaded", LOG_INT("merchants", gateway_merchants_count(g->merchants)));
    return ERR_OK;
}

static enum err start(struct gateway *g)
{
    struct acquirer_events events = {link_answered, g};
    TRY(reserve_slots(g));
    TRY(gateway_merchants_create(&g->merchants));
    TRY(gateway_keyring_create(&g->keyring));
    TRY(gateway_claims_create(g->parts.env, &g->claims));
    TRY(queue_create(&g->store_done, g->config.slots + 2 * REVERSALS_MAX + 8, net_loop_wake, g->parts.loop));
    TRY(gateway_workers_start(g->config.workers, g->config.slots, net_loop_wake, g->parts.loop, &g->workers));
    TRY(load(g));
    for (size_t i = 0; i < g->config.link_count; i++)
        TRY(acquirer_create(&g->config.link[i].link, g->parts.env, g->parts.loop, &events, &g->link[i]));
    int64_t now_us = env_monotonic_us(g->parts.env);
    g->reload.next_us = now_us + RELOAD_US;
    g->sweep.next_us = now_us + SWEEP_US;
    g->due.next_us = now_us;
    return ERR_OK;
}

enum err gateway_create(const struct gateway_config *config, const struct gateway_parts *parts, struct gateway **out)
{
    void *at = NULL;
    TRY(memory_reserve(1, sizeof(struct gateway), &at));
    struct gateway *g = at;
    g->config = *config;
    g->parts = *parts;
    enum err err = start(g);
    if (err != ERR_OK)
        gateway_destroy(g);
    else
        *out = g;
    return err;
}

void gateway_destroy(struct gateway *g)
{
    if (!g)
        return;
    gateway_workers_stop(g->workers);
    queue_destroy(&g->store_done);
    for (size_t i = 0; i < GATEWAY_LINKS_MAX; i++)
        acquirer_destroy(g->link[i]);
    gateway_claims_destroy(g->claims);
    gateway_keyring_destroy(g->keyring);
    gateway_merchants_destroy(g->merchants);
    arena_destroy(&g->reload.arena);
    arena_destroy(&g->due.arena);
    for (size_t stage = 0; stage < STAGE_COUNT; stage++)
        memory_release(g->waiting[stage], g->config.slots, sizeof(struct slot *));
    for (size_t i = 0; g->slot && i < g->config.slots; i++)
        arena_destroy(&g->slot[i].arena);
    memory_release(g->slot, g->config.slots, sizeof(struct slot));
    secret_pages_destroy(&g->pages);
    memory_release(g, 1, sizeof *g);
}

/* ---- what operators ask ---- */

bool gateway_ready(const struct gateway *g)
{
    for (size_t i = 0; i < g->config.link_count; i++)
        if (acquirer_up(g->link[i]))
            return g->store_up;
    return false;
}

size_t gateway_busy(const struct gateway *g)
{
    return g->busy;
}

void gateway_metrics(const struct gateway *g, struct buf *out)
{
    const struct gateway_counters *c = &g->counters;
    const struct {
        const char *name, *help;
        uint64_t value;
    } rows[] = {
        {"gateway_requests_total", "requests taken", c->requests},
        {"gateway_answers_2xx_total", "answers with a payment or key", c->answers_2xx},
        {"gateway_answers_4xx_total", "answers that refuse the request", c->answers_4xx},
        {"gateway_answers_5xx_total", "answers that say we could not", c->answers_5xx},
        {"gateway_authentication_failures_total", "wrong key, MAC or time", c->authentication_failures},
        {"gateway_replays_total", "stored answers given again", c->replays},
        {"gateway_approvals_total", "approved by the processor", c->approvals},
        {"gateway_declines_total", "declined by the processor", c->declines},
        {"gateway_timeouts_total", "authorisations without an answer in time", c->timeouts},
        {"gateway_unrecognised_results_total", "code results outside their source's table", c->unrecognised},
        {"gateway_reversals_sent_total", "0400 and 0401 sent", c->reversals_sent},
        {"gateway_reversals_accepted_total", "reversals the issuer took", c->reversals_accepted},
        {"gateway_reversals_refused_total", "reversals the issuer refused", c->reversals_refused},
        {"gateway_reversals_abandoned_total", "reversals given up after a day", c->reversals_abandoned},
        {"gateway_store_failures_total", "batches the store did not take", c->store_failures},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        metric_put(out, rows[i].name, rows[i].help, "counter", (int64_t)rows[i].value);
    metric_put(out, "gateway_busy", "payments between accept and answer", "gauge", (int64_t)g->busy);
    for (size_t i = 0; i < g->config.link_count; i++) {
        buf_put_text(out, "gateway_link_up{link=\"");
        buf_put_text(out, g->config.link[i].link.name);
        buf_put_text(out, acquirer_up(g->link[i]) ? "\"} 1\n" : "\"} 0\n");
    }
}
