/* SPDX-License-Identifier: Apache-2.0 */
#include "hostcmd/client.h"

#include "hostcmd/commands.h"

#include "base/arena.h"
#include "base/secret.h"
#include "hostcmd/error.h"

#include <string.h>

enum {
    FAILURES_TO_OPEN = 3,
    FAILURES_US = 5000000,
    PROBE_US = 1000000,
    PROBE_DEADLINE_US = 1000000,
    PROBES_TO_RENEW = 5,
    CODE_LEN = 2,
    INDEX_BITS = 12, /* of HOSTCMD_WINDOW_MAX requests and a probe */
    DIGIT_BITS = 6,
};

enum slot_state { SLOT_VACANT, SLOT_WAITING, SLOT_DONE, SLOT_LOST };

/* A request in flight, later its answer. The number in its header is generation << 12 | index, as far as the header reaches. What
 * timed out is lost, not vacant, while the HSM may still answer it. */
struct slot {
    enum slot_state state;
    uint16_t generation;
    uint16_t index; /* within its endpoint */
    bool probe;
    bool owed; /* the HSM has not answered */
    char reply_code[CODE_LEN];
    int64_t deadline_us;
    struct hostcmd_answer answer;
    struct slot *next; /* vacant list of its endpoint or list of done ones */
};

struct endpoint {
    bool up;
    bool open; /* the breaker */
    bool probing;
    uint32_t in_flight;
    uint32_t lost;       /* slots */
    uint32_t unanswered; /* probes in a row */
    struct slot *slot;   /* window + 1 of them: one for the probe */
    struct slot *vacant;
    int64_t failed_us[FAILURES_TO_OPEN]; /* the latest ones, a ring */
    uint32_t failed_next;
    uint32_t failed_count;
    int64_t probe_us;
};

struct hostcmd_client {
    struct hostcmd_client_config config;
    struct hostcmd_client_counters counters;
    struct endpoint endpoint[HOSTCMD_ENDPOINTS_MAX];
    struct slot *slot;
    size_t slot_count;
    struct slot *done;
    struct slot **done_end;
    size_t pending;
    int64_t earliest_us; /* no deadline in flight is before this one */
};

static bool config_good(const struct hostcmd_client_config *c)
{
    size_t endpoints = c->transport.endpoints;
    bool lmk = c->lmk[0] == 0 || (c->lmk[0] >= '0' && c->lmk[0] <= '9' && c->lmk[1] >= '0' && c->lmk[1] <= '9' && c->lmk[2] == 0);
    return endpoints > 0 && endpoints <= HOSTCMD_ENDPOINTS_MAX && c->window > 0 && c->window <= HOSTCMD_WINDOW_MAX &&
           c->header >= HOSTCMD_HEADER_MIN && lmk;
}

static void vacant_put(struct hostcmd_client *c, struct slot *s)
{
    struct endpoint *e = &c->endpoint[s->answer.endpoint];
    ASSERT(!s->owed);
    s->state = SLOT_VACANT;
    s->next = e->vacant;
    e->vacant = s;
}

enum err hostcmd_client_create(const struct hostcmd_client_config *config, struct hostcmd_client **out)
{
    ASSERT(config->env && config->transport.send);
    if (!config_good(config))
        return ERR_CONFIG;
    void *at = NULL, *slots = NULL;
    TRY(memory_reserve(1, sizeof(struct hostcmd_client), &at));
    struct hostcmd_client *c = at;
    size_t each = config->window + 1, count = config->transport.endpoints * each;
    enum err err = memory_reserve(count, sizeof(struct slot), &slots);
    if (err != ERR_OK) {
        memory_release(c, 1, sizeof *c);
        return err;
    }
    c->config = *config;
    c->slot = slots;
    c->slot_count = count;
    c->done_end = &c->done;
    c->earliest_us = INT64_MAX;
    for (size_t i = count; i > 0; i--) {
        struct slot *s = &c->slot[i - 1];
        s->answer.endpoint = (uint16_t)((i - 1) / each);
        s->index = (uint16_t)((i - 1) % each);
        c->endpoint[s->answer.endpoint].slot = s - s->index;
        vacant_put(c, s);
    }
    *out = c;
    return ERR_OK;
}

void hostcmd_client_destroy(struct hostcmd_client *client)
{
    if (!client)
        return;
    memory_release(client->slot, client->slot_count, sizeof(struct slot));
    memory_release(client, 1, sizeof *client);
}

/* ---- breaker ---- */

static bool usable(const struct endpoint *e)
{
    return e->up && !e->open;
}

static void failed(struct hostcmd_client *c, size_t endpoint)
{
    struct endpoint *e = &c->endpoint[endpoint];
    int64_t now = env_monotonic_us(c->config.env);
    e->failed_us[e->failed_next] = now;
    e->failed_next = (e->failed_next + 1) % FAILURES_TO_OPEN;
    e->failed_count += e->failed_count < FAILURES_TO_OPEN;
    /* The ring now points at the oldest of the last three. */
    bool trips = e->failed_count == FAILURES_TO_OPEN && now - e->failed_us[e->failed_next] <= FAILURES_US;
    if (!trips || e->open)
        return;
    e->open = true;
    e->probe_us = now;
    c->counters.opened++;
    if (c->config.env->log)
        LOG(c->config.env->log, LOG_WARN, "hsm.breaker_open", LOG_INT("endpoint", endpoint));
}

static void recovered(struct hostcmd_client *c, size_t endpoint)
{
    struct endpoint *e = &c->endpoint[endpoint];
    e->open = false;
    e->failed_count = 0;
    if (c->config.env->log)
        LOG(c->config.env->log, LOG_INFO, "hsm.breaker_closed", LOG_INT("endpoint", endpoint));
}

/* ---- slots ---- */

/* Nobody waits for it any more. Its number is free unless the HSM may still answer. */
static void let_go(struct hostcmd_client *c, struct slot *s)
{
    struct endpoint *e = &c->endpoint[s->answer.endpoint];
    hostcmd_answer_wipe(&s->answer);
    if (!s->owed) {
        vacant_put(c, s);
        return;
    }
    s->state = SLOT_LOST;
    e->lost++;
    ASSERT(e->lost <= c->config.window + 1);
}

/* What was lost on a link that is gone, or was answered after all. */
static void found(struct hostcmd_client *c, struct slot *s)
{
    s->owed = false;
    if (s->state != SLOT_LOST)
        return;
    ASSERT(c->endpoint[s->answer.endpoint].lost > 0);
    c->endpoint[s->answer.endpoint].lost--;
    vacant_put(c, s);
}

/* The end of a request: it waits for hostcmd_client_take. A probe ends here. */
static void complete(struct hostcmd_client *c, struct slot *s, enum err err)
{
    struct endpoint *e = &c->endpoint[s->answer.endpoint];
    ASSERT(s->state == SLOT_WAITING && e->in_flight > 0 && c->pending > 0);
    e->in_flight--;
    c->pending--;
    if (s->probe) {
        e->probing = false;
        e->unanswered = err == ERR_TIMEOUT ? e->unanswered + 1 : 0;
        if (err == ERR_OK && e->open)
            recovered(c, s->answer.endpoint);
        let_go(c, s);
        return;
    }
    s->state = SLOT_DONE;
    s->answer.err = err;
    s->next = NULL;
    *c->done_end = s;
    c->done_end = &s->next;
}

static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz+-";

static void put_number(const struct slot *s, uint8_t *header, size_t len)
{
    uint32_t number = (uint32_t)s->generation << INDEX_BITS | s->index;
    for (size_t i = len; i > 0; i--) {
        header[i - 1] = (uint8_t)digits[number & ((1 << DIGIT_BITS) - 1)];
        number >>= DIGIT_BITS;
    }
}

/* The index that the last two digits of a header name, or SIZE_MAX. */
static size_t index_of(struct span header)
{
    const char *high = memchr(digits, header.at[header.len - 2], sizeof digits - 1);
    const char *low = memchr(digits, header.at[header.len - 1], sizeof digits - 1);
    return high && low ? (size_t)(high - digits) << DIGIT_BITS | (size_t)(low - digits) : SIZE_MAX;
}

static enum err transmit(struct hostcmd_client *c, size_t endpoint, const struct slot *s, struct span command)
{
    uint8_t header[HOSTCMD_HEADER_MAX];
    const char lmk[] = {'%', c->config.lmk[0], c->config.lmk[1]};
    const struct span part[] = {span_of(header, c->config.header), command, span_of(lmk, sizeof lmk)};
    put_number(s, header, c->config.header);
    return c->config.transport.send(c->config.transport.context, endpoint, part, c->config.lmk[0] ? 3 : 2);
}

static enum err send_on(struct hostcmd_client *c, size_t endpoint, const struct hostcmd_send *send, bool probe)
{
    struct endpoint *e = &c->endpoint[endpoint];
    struct slot *s = e->vacant;
    if (!s)
        return ERR_BUSY;
    ASSERT(s->state == SLOT_VACANT && !s->owed && e->in_flight <= c->config.window);
    s->generation++;
    TRY(transmit(c, endpoint, s, send->command));
    e->vacant = s->next;
    s->state = SLOT_WAITING;
    s->probe = probe;
    s->owed = true;
    s->deadline_us = send->deadline_us;
    s->reply_code[0] = (char)send->command.at[0];
    s->reply_code[1] = (char)(send->command.at[1] + 1);
    s->answer.ticket = send->ticket;
    s->answer.len = 0;
    e->in_flight++;
    c->pending++;
    c->counters.sent++;
    if (send->deadline_us < c->earliest_us)
        c->earliest_us = send->deadline_us;
    return ERR_OK;
}

/* ---- for the caller ---- */

enum err hostcmd_client_send(struct hostcmd_client *client, const struct hostcmd_send *send)
{
    ASSERT(send->command.len >= CODE_LEN);
    enum err err = HOSTCMD_ERR_UNAVAILABLE;
    size_t best = HOSTCMD_ENDPOINTS_MAX;
    for (size_t i = 0; i < client->config.transport.endpoints; i++) {
        const struct endpoint *e = &client->endpoint[i];
        if (!usable(e) || send->avoid == HOSTCMD_AVOID(i))
            continue;
        if (e->in_flight >= client->config.window)
            err = ERR_BUSY;
        else if (best == HOSTCMD_ENDPOINTS_MAX || e->in_flight < client->endpoint[best].in_flight)
            best = i;
    }
    if (best == HOSTCMD_ENDPOINTS_MAX)
        return err;
    err = send_on(client, best, send, false);
    return err == ERR_CLOSED ? HOSTCMD_ERR_UNAVAILABLE : err;
}

size_t hostcmd_client_take(struct hostcmd_client *client, struct hostcmd_answer *out, size_t max)
{
    size_t count = 0;
    while (count < max && client->done) {
        struct slot *s = client->done;
        ASSERT(s->state == SLOT_DONE);
        client->done = s->next;
        struct hostcmd_answer *to = &out[count++];
        memcpy(to, &s->answer, offsetof(struct hostcmd_answer, at) + s->answer.len);
        let_go(client, s);
    }
    if (!client->done)
        client->done_end = &client->done;
    return count;
}

void hostcmd_answer_wipe(struct hostcmd_answer *answer)
{
    secret_wipe(answer->at, answer->len);
    answer->len = 0;
}

static void expire(struct hostcmd_client *c, int64_t now_us)
{
    c->earliest_us = INT64_MAX;
    for (size_t i = 0; i < c->slot_count; i++) {
        struct slot *s = &c->slot[i];
        if (s->state != SLOT_WAITING)
            continue;
        if (s->deadline_us > now_us) {
            if (s->deadline_us < c->earliest_us)
                c->earliest_us = s->deadline_us;
            continue;
        }
        c->counters.timeouts++;
        failed(c, s->answer.endpoint);
        complete(c, s, ERR_TIMEOUT);
    }
}

static void probe(struct hostcmd_client *c, size_t endpoint, int64_t now_us)
{
    struct endpoint *e = &c->endpoint[endpoint];
    struct hostcmd_send nc = {.command = span_text(hostcmd_row(HOSTCMD_NC)->code), .deadline_us = now_us + PROBE_DEADLINE_US};
    e->probe_us = now_us + PROBE_US;
    e->probing = send_on(c, endpoint, &nc, true) == ERR_OK;
}

static void renew(struct hostcmd_client *c, size_t endpoint)
{
    c->endpoint[endpoint].unanswered = 0;
    if (c->config.transport.reset)
        c->config.transport.reset(c->config.transport.context, endpoint);
}

/* An HSM that swallows requests: on a new link their numbers are free again. */
static bool swallows(const struct hostcmd_client *c, const struct endpoint *e)
{
    return e->unanswered >= PROBES_TO_RENEW || 2 * e->lost > c->config.window + 1;
}

int64_t hostcmd_client_turn(struct hostcmd_client *client, int64_t now_us)
{
    if (now_us >= client->earliest_us)
        expire(client, now_us);
    int64_t next = client->earliest_us;
    for (size_t i = 0; i < client->config.transport.endpoints; i++) {
        struct endpoint *e = &client->endpoint[i];
        if (e->up && swallows(client, e))
            renew(client, i);
        if (!e->open || !e->up)
            continue;
        if (!e->probing && now_us >= e->probe_us)
            probe(client, i, now_us);
        if (e->probe_us < next && !e->probing)
            next = e->probe_us;
    }
    return client->earliest_us < next ? client->earliest_us : next;
}

bool hostcmd_client_ready(const struct hostcmd_client *client)
{
    for (size_t i = 0; i < client->config.transport.endpoints; i++)
        if (usable(&client->endpoint[i]))
            return true;
    return false;
}

size_t hostcmd_client_pending(const struct hostcmd_client *client)
{
    return client->pending;
}

struct hostcmd_client_counters hostcmd_client_counters(const struct hostcmd_client *client)
{
    return client->counters;
}

/* ---- for the transport ---- */

void hostcmd_client_link(struct hostcmd_client *client, size_t endpoint, bool up)
{
    ASSERT(endpoint < client->config.transport.endpoints);
    struct endpoint *e = &client->endpoint[endpoint];
    bool was_up = e->up;
    e->up = up;
    if (up || !was_up)
        return;
    bool lost = false;
    for (size_t i = 0; i <= client->config.window; i++) {
        struct slot *s = &e->slot[i];
        found(client, s);
        if (s->state != SLOT_WAITING)
            continue;
        client->counters.broken++;
        lost = true;
        complete(client, s, HOSTCMD_ERR_UNAVAILABLE);
    }
    if (lost)
        failed(client, endpoint);
}

static void rubbish(struct hostcmd_client *c, size_t endpoint)
{
    c->counters.rubbish++;
    failed(c, endpoint);
    renew(c, endpoint);
}

/* The slot whose request went out on this link under this very header and was not answered. */
static struct slot *slot_of(struct hostcmd_client *c, size_t endpoint, struct span header)
{
    uint8_t sent[HOSTCMD_HEADER_MAX];
    size_t index = index_of(header);
    if (index > c->config.window)
        return NULL;
    struct slot *s = &c->endpoint[endpoint].slot[index];
    put_number(s, sent, header.len);
    return s->owed && memcmp(sent, header.at, header.len) == 0 ? s : NULL;
}

static void take_answer(struct hostcmd_client *c, struct slot *s, struct span reply)
{
    size_t endpoint = s->answer.endpoint;
    bool ours = reply.at[0] == (uint8_t)s->reply_code[0] && reply.at[1] == (uint8_t)s->reply_code[1];
    s->owed = false;
    if (!ours || reply.len > HOSTCMD_ANSWER_MAX) {
        complete(c, s, ERR_FRAME);
        rubbish(c, endpoint);
        return;
    }
    memcpy(s->answer.at, reply.at, reply.len);
    s->answer.len = (uint16_t)reply.len;
    c->counters.answered++;
    complete(c, s, ERR_OK);
}

void hostcmd_client_receive(struct hostcmd_client *client, size_t endpoint, struct span payload)
{
    ASSERT(endpoint < client->config.transport.endpoints);
    size_t header = client->config.header;
    if (payload.len < header + 2 * CODE_LEN) {
        rubbish(client, endpoint);
        return;
    }
    struct slot *s = slot_of(client, endpoint, span_slice(payload, 0, header));
    if (s && s->state == SLOT_WAITING) {
        take_answer(client, s, span_slice(payload, header, SIZE_MAX));
        return;
    }
    client->counters.strays++;
    if (s)
        found(client, s);
}
