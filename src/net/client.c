/* SPDX-License-Identifier: Apache-2.0 */
#include "net/internal.h"
#include "net/stream/stream.h"

#include "base/arena.h"

struct net_client {
    struct net_group group;
    struct sockaddr_storage address;
    uv_timer_t timer; /* waits for the next attempt, or bounds the one that runs */
    uv_connect_t connecting;
    bool attempt; /* a connect is under way */
    uint32_t failures;
    int64_t opened_us;
    uint64_t frames_before;
};

enum { CONNECT_MS = 5000, BACKOFF_FIRST_MS = 1000, BACKOFF_MAX_MS = 30000, STEADY_US = 5000000 };

static struct net_client *client_of(struct net_group *g)
{
    return (struct net_client *)(void *)g;
}
static struct net_stream *stream_of(struct net_client *c)
{
    return &c->group.stream[0];
}

static void begin(struct net_client *c);

static void on_retry(uv_timer_t *timer)
{
    begin(timer->data);
}

/* 0, 1, 2, 4 ... 30 s, a quarter up or down so that many clients do not come back in step. */
static void schedule(struct net_client *c)
{
    uint32_t wait = 0;
    if (c->failures > 0) {
        wait = c->failures > 5 ? BACKOFF_MAX_MS : (uint32_t)BACKOFF_FIRST_MS << (c->failures - 1);
        if (wait > BACKOFF_MAX_MS)
            wait = BACKOFF_MAX_MS;
        uint16_t random;
        env_random(c->group.loop->config.env, &random, sizeof random);
        wait = wait - wait / 4 + wait / 2 * random / 65536;
    }
    c->failures++;
    uv_timer_start(&c->timer, on_retry, wait, 0);
}

/* The handle of a connection, or of an attempt, is released. */
static void stream_gone(struct net_group *g, struct net_stream *s)
{
    (void)s;
    struct net_client *c = client_of(g);
    if (g->loop->destroying)
        return;
    bool steady = g->counters.frames_in > c->frames_before || net_loop_now_us(g->loop) - c->opened_us > STEADY_US;
    if (c->opened_us > 0) {
        net_loop_log(g->loop, LOG_WARN, "net.lost", g, "connection lost");
        if (steady)
            c->failures = 0;
    }
    c->opened_us = 0;
    schedule(c);
}

static void give_up(struct net_client *c)
{
    stream_of(c)->state = NET_CLOSING;
    net_stream_kill(stream_of(c));
}

static void on_timeout(uv_timer_t *timer)
{
    struct net_client *c = timer->data;
    if (c->attempt)
        give_up(c); /* on_connected comes with UV_ECANCELED */
    c->attempt = false;
}

static void on_ready(struct net_group *g)
{
    struct net_client *c = client_of(g);
    c->opened_us = net_loop_now_us(g->loop);
    c->frames_before = g->counters.frames_in;
    net_loop_log(g->loop, LOG_INFO, "net.connected", g, "");
}

static void on_connected(uv_connect_t *request, int status)
{
    struct net_client *c = request->data;
    if (!c->attempt)
        return;
    c->attempt = false;
    uv_timer_stop(&c->timer);
    if (status != 0) {
        if (c->failures <= 1)
            net_loop_log(c->group.loop, LOG_WARN, "net.connect", &c->group, uv_strerror(status));
        if (c->group.events.failed)
            c->group.events.failed(c->group.events.context, uv_strerror(status));
        if (status != UV_ECANCELED)
            give_up(c);
        return;
    }
    net_stream_open(stream_of(c));
}

static void begin(struct net_client *c)
{
    struct net_stream *s = stream_of(c);
    uv_tcp_init(&c->group.loop->uv, &s->tcp);
    s->tcp.data = s;
    c->connecting.data = c;
    c->attempt = true;
    uv_timer_start(&c->timer, on_timeout, CONNECT_MS, 0);
    if (uv_tcp_connect(&c->connecting, &s->tcp, (const struct sockaddr *)&c->address, on_connected) != 0) {
        c->attempt = false;
        give_up(c);
    }
}

static void client_release(struct net_group *g)
{
    struct net_client *c = client_of(g);
    net_group_release(g);
    memory_release(c, 1, sizeof *c);
}

static enum err tls_create(struct net_client *c, const struct net_client_config *config, struct net_problem *problem)
{
    char host[128];
    if (!config->tls)
        return ERR_OK;
    net_address_host(config->address, host);
    enum err err = net_tls_create(config->tls, false, host, &c->group.tls, problem);
    if (err != ERR_OK)
        net_group_release(&c->group);
    return err;
}

enum err net_client_create(struct net_loop *loop, const struct net_client_config *config, struct net_client **out,
                           struct net_problem *problem)
{
    struct sockaddr_storage address;
    TRY(net_address_resolve(config->address, false, &address, problem));
    void *at = NULL;
    TRY(memory_reserve(1, sizeof(struct net_client), &at));
    struct net_client *c = at;
    c->address = address;
    c->group = (struct net_group){.name = config->name,
                                  .framing = config->framing,
                                  .sizes = config->sizes,
                                  .events = config->events,
                                  .ready = on_ready,
                                  .gone = stream_gone,
                                  .release = client_release};
    enum err err = tls_create(c, config, problem);
    if (err == ERR_OK)
        err = net_group_reserve(&c->group, 1, problem);
    if (err != ERR_OK) {
        memory_release(c, 1, sizeof *c);
        return err;
    }
    net_loop_add(loop, &c->group);
    uv_timer_init(&loop->uv, &c->timer);
    c->timer.data = c;
    schedule(c);
    *out = c;
    return ERR_OK;
}

enum err net_client_send(struct net_client *client, const struct span *part, size_t count)
{
    struct net_stream *s = stream_of(client);
    return s->state == NET_OPEN ? net_stream_send(s, part, count) : ERR_CLOSED;
}

bool net_client_up(const struct net_client *client)
{
    return client->group.stream[0].state == NET_OPEN;
}

void net_client_reconnect(struct net_client *client)
{
    struct net_stream *s = stream_of(client);
    if (s->state == NET_OPEN || s->state == NET_CLOSING || s->state == NET_SHAKING)
        net_stream_kill(s);
}

enum err net_client_tls_reload(struct net_client *client, struct net_problem *problem)
{
    return client->group.tls ? net_tls_reload(client->group.tls, problem) : ERR_OK;
}

struct net_counters net_client_counters(const struct net_client *client)
{
    return client->group.counters;
}
