/* SPDX-License-Identifier: Apache-2.0 */
/* Store work that belongs to no payment: the merchant table, and what processes that died have left. */
#include "gateway/internal.h"
#include "net/net.h"
#include "store/error.h"

enum { RELOAD_US = 5000000, SWEEP_US = 30000000, LOST_MS = 120000, CLAIM_LIFE_MS = 86400000, CHORE_ARENA = 2 * 1024 * 1024 };

static struct store_batch *begin(struct gateway *g, struct gateway_chore *c, size_t count)
{
    ASSERT(!c->busy);
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

/* ---- turn ---- */

static void stored(struct gateway *g, struct gateway_chore *c)
{
    ASSERT(c->busy);
    c->busy = false;
    g->store_up = c->batch.err == ERR_OK;
    if (g->store_up)
        c->stored(g);
}

int64_t gateway_chores_turn(struct gateway *g, int64_t now_us)
{
    void *item[2];
    size_t count = queue_take(&g->chore_done, item, 2);
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
    TRY(queue_create(&g->chore_done, 2, net_loop_wake, g->parts.loop));
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
