/* SPDX-License-Identifier: Apache-2.0 */
#include "hostcmd/client.h"

#include "hostcmd/commands.h"

#include "base/arena.h"
#include "base/secret.h"

#include <string.h>

enum {
    WINDOW_MAX = 4096,
    FAILURES_TO_OPEN = 3,
    FAILURES_US = 5000000,
    PROBE_US = 1000000,
    PROBE_DEADLINE_US = 1000000,
    CODE_LEN = 2,
};

enum slot_state { SLOT_VACANT, SLOT_WAITING, SLOT_DONE };

/* A request in flight, later its answer. The sequence number in the header is generation << 16 | index: an answer that comes after
 * its slot was given to another request does not match. */
struct slot {
    enum slot_state state;
    uint16_t generation;
    uint16_t index;
    bool probe;
    char reply_code[CODE_LEN];
    int64_t deadline_us;
    struct hostcmd_answer answer;
    struct slot *next; /* vacant list or list of done ones */
};

struct endpoint {
    bool up;
    bool open; /* the breaker */
    bool probing;
    uint32_t in_flight;
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
    struct slot *vacant;
    struct slot *done;
    struct slot **done_end;
    size_t pending;
    int64_t earliest_us; /* no deadline in flight is before this one */
};

enum err hostcmd_client_create(const struct hostcmd_client_config *config, struct hostcmd_client **out)
{
    size_t endpoints = config->transport.endpoints;
    if (endpoints == 0 || endpoints > HOSTCMD_ENDPOINTS_MAX || config->window == 0 || config->window > WINDOW_MAX)
        return ERR_CONFIG;
    void *at = NULL, *slots = NULL;
    TRY(memory_reserve(1, sizeof(struct hostcmd_client), &at));
    struct hostcmd_client *c = at;
    /* One more each for the probe. */
    size_t count = endpoints * (config->window + 1);
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
        c->slot[i - 1].index = (uint16_t)(i - 1);
        c->slot[i - 1].next = c->vacant;
        c->vacant = &c->slot[i - 1];
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

static void vacate(struct hostcmd_client *c, struct slot *s)
{
    hostcmd_answer_wipe(&s->answer);
    s->state = SLOT_VACANT;
    s->next = c->vacant;
    c->vacant = s;
}

/* The end of a request: it waits for hostcmd_client_take. A probe ends here. */
static void complete(struct hostcmd_client *c, struct slot *s, enum err err)
{
    struct endpoint *e = &c->endpoint[s->answer.endpoint];
    e->in_flight--;
    c->pending--;
    if (s->probe) {
        e->probing = false;
        if (err == ERR_OK && e->open)
            recovered(c, s->answer.endpoint);
        vacate(c, s);
        return;
    }
    s->state = SLOT_DONE;
    s->answer.err = err;
    s->next = NULL;
    *c->done_end = s;
    c->done_end = &s->next;
}

static enum err send_on(struct hostcmd_client *c, size_t endpoint, const struct hostcmd_send *send, bool probe)
{
    struct slot *s = c->vacant;
    if (!s)
        return ERR_BUSY;
    uint16_t generation = (uint16_t)(s->generation + 1);
    uint8_t header[HOSTCMD_HEADER] = {(uint8_t)(generation >> 8), (uint8_t)generation, (uint8_t)(s->index >> 8), (uint8_t)s->index};
    TRY(c->config.transport.send(c->config.transport.context, endpoint, span_of(header, sizeof header), send->command));
    c->vacant = s->next;
    s->generation = generation;
    s->state = SLOT_WAITING;
    s->probe = probe;
    s->deadline_us = send->deadline_us;
    s->reply_code[0] = (char)send->command.at[0];
    s->reply_code[1] = (char)(send->command.at[1] + 1);
    s->answer.ticket = send->ticket;
    s->answer.endpoint = (uint16_t)endpoint;
    s->answer.len = 0;
    c->endpoint[endpoint].in_flight++;
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
    enum err err = ERR_HSM_UNAVAILABLE;
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
    return err == ERR_CLOSED ? ERR_HSM_UNAVAILABLE : err;
}

size_t hostcmd_client_take(struct hostcmd_client *client, struct hostcmd_answer *out, size_t max)
{
    size_t count = 0;
    while (count < max && client->done) {
        struct slot *s = client->done;
        client->done = s->next;
        struct hostcmd_answer *to = &out[count++];
        memcpy(to, &s->answer, offsetof(struct hostcmd_answer, at) + s->answer.len);
        vacate(client, s);
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

int64_t hostcmd_client_turn(struct hostcmd_client *client, int64_t now_us)
{
    if (now_us >= client->earliest_us)
        expire(client, now_us);
    int64_t next = client->earliest_us;
    for (size_t i = 0; i < client->config.transport.endpoints; i++) {
        struct endpoint *e = &client->endpoint[i];
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
    for (size_t i = 0; i < client->slot_count && e->in_flight > 0; i++) {
        struct slot *s = &client->slot[i];
        if (s->state != SLOT_WAITING || s->answer.endpoint != endpoint)
            continue;
        client->counters.broken++;
        lost = true;
        complete(client, s, ERR_HSM_UNAVAILABLE);
    }
    if (lost)
        failed(client, endpoint);
}

static void rubbish(struct hostcmd_client *c, size_t endpoint)
{
    c->counters.rubbish++;
    failed(c, endpoint);
    if (c->config.transport.reset)
        c->config.transport.reset(c->config.transport.context, endpoint);
}

static struct slot *slot_of(struct hostcmd_client *c, size_t endpoint, struct span header)
{
    uint16_t generation = (uint16_t)(header.at[0] << 8 | header.at[1]);
    size_t index = (size_t)(header.at[2] << 8 | header.at[3]);
    if (index >= c->slot_count)
        return NULL;
    struct slot *s = &c->slot[index];
    bool matches = s->state == SLOT_WAITING && s->generation == generation && s->answer.endpoint == endpoint;
    return matches ? s : NULL;
}

void hostcmd_client_receive(struct hostcmd_client *client, size_t endpoint, struct span payload)
{
    if (payload.len < HOSTCMD_HEADER + 2 * CODE_LEN) {
        rubbish(client, endpoint);
        return;
    }
    struct slot *s = slot_of(client, endpoint, span_slice(payload, 0, HOSTCMD_HEADER));
    if (!s) {
        client->counters.strays++;
        return;
    }
    struct span reply = span_slice(payload, HOSTCMD_HEADER, SIZE_MAX);
    bool ours = reply.at[0] == (uint8_t)s->reply_code[0] && reply.at[1] == (uint8_t)s->reply_code[1];
    if (!ours || reply.len > HOSTCMD_ANSWER_MAX) {
        complete(client, s, ERR_FRAME);
        rubbish(client, endpoint);
        return;
    }
    memcpy(s->answer.at, reply.at, reply.len);
    s->answer.len = (uint16_t)reply.len;
    client->counters.answered++;
    complete(client, s, ERR_OK);
}
