/* SPDX-License-Identifier: Apache-2.0 */
/* Reversals: from the store to the link, until they are answered; gateway.md 3.3. */
#include "gateway/internal.h"

#include <string.h>

enum { DUE_MAX = 32, LIFE_MS = 86400000, ANSWER_TIMEOUT_US = 5000000, CHECK_US = 1000000 };

/* Pauses after the first, second, ... try. */
static int64_t pause_ms(const struct gateway *g, int64_t tries)
{
    static const int64_t factor[] = {1, 5, 30, 150}; /* 2 s, 10 s, 60 s, 5 min with the default first pause */
    return g->config.reversal_first_ms * factor[tries < 3 ? tries : 3];
}

void reversal_due_soon(struct gateway *g)
{
    g->due.next_us = env_monotonic_us(g->parts.env);
}

/* ---- store ---- */

static void release_if_done(struct reversal *r)
{
    if (!r->awaiting && r->writes == 0)
        r->used = false;
}

/* The row moves only if nobody else has moved it since this try. */
static void update(struct gateway *g, struct reversal *r, const char *state, int64_t next_try_ms)
{
    unsigned place = r->writes == 0 ? 0 : 1;
    struct store_value *value = r->value[place];
    bool again = strcmp(state, "queued") == 0;
    value[0] = store_text(r->id);
    value[1] = store_int(r->tries);
    value[2] = store_text(state);
    value[3] = store_int(next_try_ms);
    value[4] = store_int(again ? r->tries + 1 : r->tries);
    r->op[place] = (struct store_op){.statement = STORE_REVERSAL_UPDATE, .argument = value, .argument_count = 5};
    r->batch[place] = (struct store_batch){.op = &r->op[place], .count = 1, .done = &g->store_done, .context = r};
    if (again)
        r->tries++;
    if (store_writer_submit(g->parts.writer, &r->batch[place]) == ERR_OK)
        r->writes++;
}

bool reversal_stored(struct gateway *g, struct store_batch *batch)
{
    for (size_t i = 0; i < REVERSALS_MAX; i++) {
        struct reversal *r = &g->reversal[i];
        if (batch != &r->batch[0] && batch != &r->batch[1])
            continue;
        r->writes--;
        release_if_done(r);
        return true;
    }
    return false;
}

/* ---- sending ---- */

static struct reversal *free_place(struct gateway *g, struct span id)
{
    struct reversal *found = NULL;
    for (size_t i = 0; i < REVERSALS_MAX; i++) {
        if (g->reversal[i].used && span_is(id, g->reversal[i].id))
            return NULL; /* under way */
        if (!g->reversal[i].used && !found)
            found = &g->reversal[i];
    }
    return found;
}

static struct acquirer_link *link_of(const struct gateway *g, struct span name)
{
    for (size_t i = 0; i < g->config.link_count; i++)
        if (span_is(name, g->config.link[i].link.name))
            return g->link[i];
    return NULL;
}

static void send_one(struct gateway *g, struct acquirer_link *link, struct span id, struct span sealed, int64_t tries)
{
    uint8_t room[ACQUIRER_FRAME_MAX];
    struct buf frame = buf_over(room, sizeof room);
    struct reversal *r = free_place(g, id);
    if (!r || id.len >= sizeof r->id)
        return;
    if (crypto_vault_unseal(g->parts.vault, id, sealed, &frame) != ERR_OK) {
        LOG(g->parts.env->log, LOG_ERROR, "gateway.reversal_unreadable", LOG_INT("tries", tries));
        return;
    }
    *r = (struct reversal){.used = true, .awaiting = true, .tries = tries};
    memcpy(r->id, id.at, id.len);
    if (acquirer_reverse(link, buf_span(&frame), tries > 0, ANSWER_TIMEOUT_US, r) == ERR_OK) {
        g->counters.reversals_sent++;
        update(g, r, "queued", env_wall_ms(g->parts.env) + pause_ms(g, tries));
    } else {
        *r = (struct reversal){0};
    }
    secret_wipe(room, frame.len);
}

static void abandon(struct gateway *g, struct span id, int64_t tries)
{
    struct reversal *r = free_place(g, id);
    if (!r || id.len >= sizeof r->id)
        return;
    *r = (struct reversal){.used = true, .tries = tries};
    memcpy(r->id, id.at, id.len);
    g->counters.reversals_abandoned++;
    LOG(g->parts.env->log, LOG_ERROR, "gateway.reversal_abandoned", LOG_TEXT("id", r->id), LOG_INT("tries", tries));
    update(g, r, "abandoned", 0);
    release_if_done(r);
}

/* Columns: reversal_id, link_id, record_id, message_enc, created_at, next_try_at, tries, state. */
void reversal_due_stored(struct gateway *g)
{
    const struct store_rows *rows = &g->due.op[0].rows;
    int64_t now_ms = env_wall_ms(g->parts.env);
    if (g->due.batch.err != ERR_OK)
        return;
    for (size_t row = 0; row < rows->count; row++) {
        struct span id = store_cell_span(rows, row, 0);
        struct acquirer_link *link = link_of(g, store_cell_span(rows, row, 1));
        int64_t tries = store_cell_int(rows, row, 6);
        if (now_ms - store_cell_int(rows, row, 4) > LIFE_MS)
            abandon(g, id, tries);
        else if (link && acquirer_up(link))
            send_one(g, link, id, store_cell_span(rows, row, 3), tries);
    }
}

void reversal_answered(struct gateway *g, struct reversal *r, const struct iso8583_message *message)
{
    r->awaiting = false;
    if (message) {
        struct span response = iso8583_get(message, ISO8583_RESPONSE);
        /* 25: the issuer knows of no such payment, so there is nothing to reverse. */
        bool accepted = span_is(response, "00") || span_is(response, "25");
        g->counters.reversals_accepted += accepted;
        g->counters.reversals_refused += !accepted;
        update(g, r, accepted ? "accepted" : "refused", 0);
    }
    release_if_done(r);
}

/* ---- turn ---- */

int64_t reversal_turn(struct gateway *g, int64_t now_us)
{
    struct chore *c = &g->due;
    if (c->busy)
        return now_us + CHECK_US; /* what is due now is looked for when this read is back */
    if (c->next_us > now_us)
        return c->next_us;
    arena_reset(&c->arena);
    c->next_us = now_us + CHECK_US;
    c->value[0] = store_text(g->config.node);
    c->value[1] = store_int(env_wall_ms(g->parts.env));
    c->value[2] = store_int(DUE_MAX);
    c->op[0] = (struct store_op){.statement = STORE_REVERSAL_DUE, .argument = c->value, .argument_count = 3};
    c->batch = (struct store_batch){.op = c->op, .count = 1, .arena = &c->arena, .done = &g->store_done, .context = c};
    c->busy = store_writer_submit(g->parts.writer, &c->batch) == ERR_OK;
    return c->next_us;
}
