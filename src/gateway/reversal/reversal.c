/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/reversal/reversal.h"

#include "base/log.h"
#include "gateway/rows.h"
#include "gateway/statements.h"
#include "net/net.h"

#include <string.h>

enum {
    DUE_MAX = 32,
    LIFE_MS = 86400000,
    ANSWER_TIMEOUT_US = 5000000,
    CHECK_US = 1000000,
    READ_US = 5000000,
    ARENA = 256 * 1024,
    WRITES = 2
};

/* One reversal on its way. */
struct way {
    bool used;
    bool awaiting;   /* an answer on the link */
    unsigned writes; /* store batches under way */
    char id[33];
    int64_t tries;
    struct store_batch batch[WRITES];
    struct store_op op[WRITES];
    struct gateway_reversal_move move[WRITES];
};

struct gateway_reversals {
    struct gateway_reversals_config config;
    struct way way[GATEWAY_REVERSALS_MAX];
    struct queue moved;    /* batches of ways */
    struct queue read_due; /* the one batch that reads */
    struct {
        bool busy;
        int64_t next_us;
        struct store_batch batch;
        struct store_op op;
        struct gateway_reversal_due argument;
        struct arena arena;
    } due;
    struct gateway_reversals_counts counts;
};

/* Pauses after the first, second, ... try. */
static int64_t pause_ms(const struct gateway_reversals *r, int64_t tries)
{
    static const int64_t factor[] = {1, 5, 30, 150}; /* 2 s, 10 s, 60 s, 5 min with the default first pause */
    return r->config.first_ms * factor[tries < 3 ? tries : 3];
}

/* An answer that has not come by the next try is not waited for: that try would have to wait as well. */
static int64_t answer_timeout_us(const struct gateway_reversals *r, int64_t tries)
{
    int64_t pause_us = pause_ms(r, tries) * 1000;
    return pause_us < ANSWER_TIMEOUT_US ? pause_us : ANSWER_TIMEOUT_US;
}

void gateway_reversals_soon(struct gateway_reversals *r)
{
    r->due.next_us = 0;
}

/* ---- store ---- */

static void release_if_done(struct way *w)
{
    if (!w->awaiting && w->writes == 0)
        w->used = false;
}

/* The row moves only if nobody else has moved it since this try. */
static void update(struct gateway_reversals *r, struct way *w, const char *state, int64_t next_try_ms)
{
    ASSERT(w->used && w->writes < WRITES);
    unsigned place = w->writes;
    bool again = strcmp(state, "queued") == 0;
    w->move[place] = (struct gateway_reversal_move){.reversal_id = span_text(w->id),
                                                    .before_tries = w->tries,
                                                    .tries = again ? w->tries + 1 : w->tries,
                                                    .next_try_at = next_try_ms,
                                                    .state = span_text(state)};
    w->op[place] = (struct store_op){.row = GATEWAY_ROW(REVERSAL_UPDATE), .argument = &w->move[place]};
    w->batch[place] = (struct store_batch){.op = &w->op[place], .count = 1, .done = &r->moved, .context = w};
    if (again)
        w->tries++;
    if (store_writer_submit(r->config.writer, &w->batch[place]) == ERR_OK)
        w->writes++;
}

static void take_moved(struct gateway_reversals *r)
{
    void *item[GATEWAY_REVERSALS_MAX];
    size_t count;
    while ((count = queue_take(&r->moved, item, GATEWAY_REVERSALS_MAX)) > 0)
        for (size_t i = 0; i < count; i++) {
            struct way *w = ((struct store_batch *)item[i])->context;
            ASSERT(w->used && w->writes > 0);
            w->writes--;
            release_if_done(w);
        }
}

/* ---- sending ---- */

/* NULL: it is under way, or there is no room. */
static struct way *free_way(struct gateway_reversals *r, struct span id)
{
    struct way *found = NULL;
    if (id.len >= sizeof found->id)
        return NULL;
    for (size_t i = 0; i < GATEWAY_REVERSALS_MAX; i++) {
        if (r->way[i].used && span_is(id, r->way[i].id))
            return NULL;
        if (!r->way[i].used && !found)
            found = &r->way[i];
    }
    return found;
}

static void begin(struct way *w, struct span id, int64_t tries)
{
    *w = (struct way){.used = true, .tries = tries};
    memcpy(w->id, id.at, id.len);
}

static void send_one(struct gateway_reversals *r, struct acquirer_link *link, struct span id, struct span sealed, int64_t tries)
{
    uint8_t room[ACQUIRER_FRAME_MAX];
    struct buf frame = buf_over(room, sizeof room);
    struct way *w = free_way(r, id);
    if (!w)
        return;
    if (crypto_vault_unseal(r->config.vault, id, sealed, &frame) != ERR_OK) {
        LOG(r->config.env->log, LOG_ERROR, "gateway.reversal_unreadable", LOG_INT("tries", tries));
        return;
    }
    begin(w, id, tries);
    w->awaiting = acquirer_reverse(link, buf_span(&frame), tries > 0, answer_timeout_us(r, tries), w) == ERR_OK;
    secret_wipe(room, frame.len);
    r->counts.sent += w->awaiting;
    if (w->awaiting)
        update(r, w, "queued", env_wall_ms(r->config.env) + pause_ms(r, tries));
    release_if_done(w);
}

static void abandon(struct gateway_reversals *r, struct span id, int64_t tries)
{
    struct way *w = free_way(r, id);
    if (!w)
        return;
    begin(w, id, tries);
    r->counts.abandoned++;
    LOG(r->config.env->log, LOG_ERROR, "gateway.reversal_abandoned", LOG_TEXT("id", w->id), LOG_INT("tries", tries));
    update(r, w, "abandoned", 0);
    release_if_done(w);
}

void gateway_reversals_answered(struct gateway_reversals *r, void *context, const struct iso8583_message *message)
{
    struct way *w = context;
    ASSERT(w->used && w->awaiting);
    w->awaiting = false;
    if (message) {
        struct span response = iso8583_get(message, ISO8583_RESPONSE);
        /* 25: the issuer knows of no such payment, so there is nothing to reverse. */
        bool accepted = span_is(response, "00") || span_is(response, "25");
        r->counts.accepted += accepted;
        r->counts.refused += !accepted;
        update(r, w, accepted ? "accepted" : "refused", 0);
    }
    release_if_done(w);
}

/* ---- what is due ---- */

static void send_due(struct gateway_reversals *r, const struct store_op *op)
{
    int64_t now_ms = env_wall_ms(r->config.env);
    for (size_t i = 0; i < op->rows.count; i++) {
        struct gateway_reversal_row row;
        if (store_op_read(op, i, &row) != ERR_OK) {
            LOG(r->config.env->log, LOG_ERROR, "gateway.reversal_unreadable", LOG_INT("row", i));
            continue;
        }
        struct acquirer_link *link = r->config.link(r->config.context, row.link_id);
        if (now_ms - row.created_at > LIFE_MS)
            abandon(r, row.reversal_id, row.tries);
        else if (link && acquirer_up(link))
            send_one(r, link, row.reversal_id, row.message_enc, row.tries);
    }
}

static void take_due(struct gateway_reversals *r)
{
    void *item = NULL;
    if (queue_take(&r->read_due, &item, 1) == 0)
        return;
    ASSERT(r->due.busy);
    r->due.busy = false;
    if (r->due.batch.err == ERR_OK)
        send_due(r, &r->due.op);
}

static void read_due(struct gateway_reversals *r, int64_t now_us)
{
    arena_reset(&r->due.arena);
    r->due.next_us = now_us + CHECK_US;
    r->due.argument =
        (struct gateway_reversal_due){.node = span_text(r->config.node), .now = env_wall_ms(r->config.env), .most = DUE_MAX};
    r->due.op = (struct store_op){.row = GATEWAY_ROW(REVERSAL_DUE), .argument = &r->due.argument};
    r->due.batch = (struct store_batch){.op = &r->due.op, .count = 1, .arena = &r->due.arena, .done = &r->read_due};
    r->due.busy = store_reader_submit(r->config.reader, &r->due.batch, now_us + READ_US) == ERR_OK;
}

int64_t gateway_reversals_turn(struct gateway_reversals *r, int64_t now_us)
{
    take_moved(r);
    take_due(r);
    if (!r->due.busy && r->due.next_us <= now_us)
        read_due(r, now_us);
    /* What is due now is looked for when the read that is under way is back. */
    return r->due.busy ? now_us + CHECK_US : r->due.next_us;
}

/* ---- life ---- */

enum err gateway_reversals_create(const struct gateway_reversals_config *config, struct gateway_reversals **out)
{
    void *at = NULL;
    TRY(memory_reserve(1, sizeof(struct gateway_reversals), &at));
    struct gateway_reversals *r = at;
    r->config = *config;
    enum err err = arena_create(&r->due.arena, ARENA);
    if (err == ERR_OK)
        err = queue_create(&r->moved, WRITES * GATEWAY_REVERSALS_MAX, net_loop_wake, config->loop);
    if (err == ERR_OK)
        err = queue_create(&r->read_due, 1, net_loop_wake, config->loop);
    if (err != ERR_OK)
        gateway_reversals_destroy(r);
    else
        *out = r;
    return err;
}

void gateway_reversals_destroy(struct gateway_reversals *r)
{
    if (!r)
        return;
    queue_destroy(&r->read_due);
    queue_destroy(&r->moved);
    arena_destroy(&r->due.arena);
    memory_release(r, 1, sizeof *r);
}

struct gateway_reversals_counts gateway_reversals_counts(const struct gateway_reversals *r)
{
    return r->counts;
}
