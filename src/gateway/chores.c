/* SPDX-License-Identifier: Apache-2.0 */
/* Store work that belongs to no payment: the merchant table, and what processes that died have left. */
#include "gateway/internal.h"
#include "net/net.h"
#include "store/error.h"

enum {
    RELOAD_US = 5000000,
    SWEEP_US = 30000000,
    PROBE_US = 5000000,
    DOUBT_US = 500000,
    LOST_MS = 120000,
    CLAIM_LIFE_MS = 86400000,
    CHORE_ARENA = 2 * 1024 * 1024,
    CHORES = 3
};

static struct store_batch *begin(struct gateway *g, struct gateway_chore *c, size_t count)
{
    ASSERT(!c->busy);
    c->began_us = env_monotonic_us(g->parts.env);
    c->batch = (struct store_batch){.op = c->op, .count = count, .arena = &c->arena, .done = &g->chore_done, .context = c};
    return &c->batch;
}

/* ---- merchants ---- */

static struct store_batch *reload_begin(struct gateway *g)
{
    arena_reset(&g->reload.arena);
    gateway_merchants_reads(g->reload.op);
    return begin(g, &g->reload, GATEWAY_MERCHANTS_READS);
}

static void reload_stored(struct gateway *g)
{
    size_t left_out = gateway_merchants_take(g->merchants, g->parts.vault, g->reload.op);
    if (left_out > 0)
        LOG(g->parts.env->log, LOG_WARN, "gateway.merchants_left_out", LOG_INT("rows", left_out));
    arena_reset(&g->reload.arena);
}

/* ---- what was left ---- */

/* Claims and armed reversals older than any request lives were left by a process of this node that died, or by a record that could
 * not be stored. At the start that is all of them. */
static void sweep_start(struct gateway *g, int64_t age_ms)
{
    struct gateway_chore *c = &g->sweep;
    int64_t now_ms = env_wall_ms(g->parts.env);
    static const struct store_row *const row[] = {GATEWAY_ROW(REVERSAL_ABANDONED), GATEWAY_ROW(CLAIM_ABANDONED),
                                                  GATEWAY_ROW(CLAIM_PURGE), GATEWAY_ROW(ANSWER_PURGE),
                                                  GATEWAY_ROW(ENCRYPTION_KEY_PURGE)};
    c->argument = (struct gateway_sweep){.node = span_text(g->config.node),
                                         .before = now_ms - age_ms,
                                         .now = now_ms,
                                         .claims_before = now_ms - CLAIM_LIFE_MS,
                                         .released_before = now_ms - gateway_signature_ms(g)};
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++)
        c->op[i] = (struct store_op){.row = row[i], .argument = &c->argument};
    c->busy = store_writer_submit(g->parts.writer, begin(g, c, sizeof row / sizeof row[0])) == ERR_OK;
}

static void sweep_stored(struct gateway *g)
{
    gateway_keyring_expire(g->keyring, env_wall_ms(g->parts.env));
    if (g->sweep.op[0].changed > 0)
        LOG(g->parts.env->log, LOG_WARN, "gateway.attempts_lost", LOG_INT("reversals", g->sweep.op[0].changed));
}

/* ---- is the store there? ---- */

/* Payments read and write, but not all the time. A disk that is full can still be read. */
static void probe_start(struct gateway *g)
{
    struct gateway_chore *c = &g->probe;
    c->argument = (struct gateway_sweep){.node = span_text(g->config.node), .now = env_wall_ms(g->parts.env)};
    c->op[0] = (struct store_op){.row = GATEWAY_ROW(PROBE_WRITE), .argument = &c->argument};
    c->busy = store_writer_submit(g->parts.writer, begin(g, c, 1)) == ERR_OK;
    if (!c->busy)
        c->err = STORE_ERR_UNAVAILABLE;
}

bool gateway_store_up(const struct gateway *g)
{
    bool overdue = g->probe.busy && env_monotonic_us(g->parts.env) - g->probe.began_us > g->config.store_ms * 1000;
    return g->reload.err == ERR_OK && g->sweep.err == ERR_OK && g->probe.err == ERR_OK && !overdue;
}

static void hurry(struct gateway_chore *c, int64_t now_us)
{
    int64_t soon_us = now_us + DOUBT_US;
    c->next_us = c->next_us < soon_us ? c->next_us : soon_us;
}

void gateway_store_doubt(struct gateway *g)
{
    hurry(&g->probe, flow_now_us(g->flow));
}

/* Once for each change: why it is down, or that it is up again. */
static void tell(struct gateway *g, const struct gateway_chore *c, enum err now)
{
    enum err before = c->err;
    if (before == now)
        return;
    if (now == ERR_OK)
        LOG(g->parts.env->log, LOG_INFO, "gateway.store_up", LOG_TEXT("part", c->name), LOG_TEXT("before", err_row(before)->name));
    else
        LOG(g->parts.env->log, LOG_ERROR, "gateway.store_down", LOG_TEXT("part", c->name), LOG_TEXT("error", err_row(now)->name),
            LOG_TEXT("text", err_row(now)->text));
}

/* ---- turn ---- */

static void stored(struct gateway *g, struct gateway_chore *c)
{
    ASSERT(c->busy);
    c->busy = false;
    tell(g, c, c->batch.err);
    c->err = c->batch.err;
    if (c->err != ERR_OK)
        hurry(c, env_monotonic_us(g->parts.env));
    else if (c->stored)
        c->stored(g);
}

int64_t gateway_chores_turn(struct gateway *g, int64_t now_us)
{
    void *item[CHORES];
    size_t count = queue_take(&g->chore_done, item, CHORES);
    for (size_t i = 0; i < count; i++) {
        struct store_batch *batch = item[i];
        stored(g, batch->context);
    }
    if (!g->reload.busy && g->reload.next_us <= now_us) {
        g->reload.next_us = now_us + RELOAD_US;
        g->reload.busy = store_reader_submit(g->parts.reader, reload_begin(g), now_us + g->config.store_ms * 1000) == ERR_OK;
    }
    if (!g->sweep.busy && g->sweep.next_us <= now_us) {
        g->sweep.next_us = now_us + SWEEP_US;
        sweep_start(g, LOST_MS);
    }
    if (!g->probe.busy && g->probe.next_us <= now_us) {
        g->probe.next_us = now_us + PROBE_US;
        probe_start(g);
    }
    return now_us + RELOAD_US / 5;
}

/* ---- life ---- */

static enum err await(struct gateway *g, struct gateway_chore *c)
{
    void *item = NULL;
    if (!c->busy || queue_wait(&g->chore_done, &item, 1) != 1)
        return STORE_ERR_UNAVAILABLE;
    stored(g, c);
    return c->batch.err;
}

enum err gateway_chores_load(struct gateway *g)
{
    TRY(arena_create(&g->reload.arena, CHORE_ARENA));
    TRY(queue_create(&g->chore_done, CHORES, net_loop_wake, g->parts.loop));
    g->reload.name = "merchants";
    g->sweep.name = "sweep";
    g->probe.name = "write";
    g->reload.stored = reload_stored;
    g->sweep.stored = sweep_stored;
    /* The loop does not turn yet: the writer reads. */
    g->reload.busy = store_writer_submit(g->parts.writer, reload_begin(g)) == ERR_OK;
    TRY(await(g, &g->reload));
    sweep_start(g, -1);
    TRY(await(g, &g->sweep));
    g->reload.next_us = env_monotonic_us(g->parts.env) + RELOAD_US;
    g->sweep.next_us = env_monotonic_us(g->parts.env) + SWEEP_US;
    LOG(g->parts.env->log, LOG_INFO, "gateway.loaded", LOG_INT("merchants", gateway_merchants_count(g->merchants)));
    return ERR_OK;
}

void gateway_chores_destroy(struct gateway *g)
{
    queue_destroy(&g->chore_done);
    arena_destroy(&g->reload.arena);
}
