/* SPDX-License-Identifier: Apache-2.0 */
#include "net/stream/stream.h"
#include "net/internal.h"

#include "base/arena.h"
#include "base/secret.h"

#include <string.h>

/* ---- reservation ---- */

static bool sizes_fit(struct net_group *g)
{
    size_t largest = net_prefix_len(g) + g->framing.max;
    bool fit = g->sizes.read >= largest && g->sizes.write >= largest + g->sizes.reply_room && g->framing.max <= 65535;
    /* A record becomes readable as a whole: there must be room for one behind what is read already. */
    if (g->tls)
        g->sizes.read += NET_TLS_RECORD + NET_QUANTUM_MIN;
    return fit;
}

enum err net_group_reserve(struct net_group *g, size_t streams, struct net_problem *problem)
{
    if (!sizes_fit(g) || streams == 0) {
        net_problem_set(problem, g->name, "buffers are smaller than the largest frame");
        net_group_release(g);
        return ERR_CONFIG;
    }
    void *at = NULL;
    enum err err = memory_reserve(streams, sizeof(struct net_stream), &at);
    if (err == ERR_OK) {
        g->stream = at;
        g->stream_count = streams;
        err = net_pool_reserve(&g->in, streams, g->sizes.read);
    }
    if (err == ERR_OK)
        err = net_pool_reserve(&g->out, streams, g->sizes.write);
    if (err == ERR_OK && g->tls)
        err = net_pool_reserve(&g->spill, streams, NET_TLS_RECORD);
    if (err != ERR_OK) {
        net_group_release(g);
        net_problem_set(problem, g->name, "not enough memory for the connections");
        return err;
    }
    for (size_t i = 0; i < streams; i++) {
        g->stream[i].group = g;
        g->stream[i].slot = (uint32_t)i;
    }
    return ERR_OK;
}

void net_group_release(struct net_group *g)
{
    for (size_t i = 0; i < g->stream_count; i++)
        net_tls_session_close(&g->stream[i].tls);
    net_pool_release(&g->in);
    net_pool_release(&g->out);
    net_pool_release(&g->spill);
    net_tls_release(g->tls);
    g->tls = NULL;
    memory_release(g->stream, g->stream_count, sizeof(struct net_stream));
    g->stream = NULL;
    g->stream_count = 0;
    if (g->events.released)
        g->events.released(g->events.context);
    g->events.released = NULL;
}

struct net_stream *net_group_find(const struct net_group *g, struct net_peer peer)
{
    if (peer.slot >= g->stream_count)
        return NULL;
    struct net_stream *s = &g->stream[peer.slot];
    return s->generation == peer.generation && s->state == NET_OPEN ? s : NULL;
}

/* ---- opening ---- */

static void announce(struct net_stream *s)
{
    struct net_group *g = s->group;
    ASSERT(s->state == NET_SHAKING && !s->announced && g->open < g->stream_count);
    if (g->room && !g->room(g)) {
        net_stream_kill(s);
        return;
    }
    ASSERT(g->shaking > 0);
    g->shaking--;
    s->state = NET_OPEN;
    s->announced = true;
    g->open++;
    g->counters.accepted++;
    if (g->ready)
        g->ready(g);
    if (g->events.opened)
        g->events.opened(g->events.context, net_stream_peer(s));
}

void net_stream_open(struct net_stream *s)
{
    struct net_group *g = s->group;
    ASSERT(s->state == NET_FREE && !s->in && !s->out && !s->spill && s->writing == 0);
    s->state = NET_SHAKING;
    g->shaking++;
    s->generation++;
    s->owed = 0;
    s->reading = s->ended = s->bad = s->limited = s->notified = s->spoke = s->left = false;
    s->identity[0] = 0;
    s->heard_us = s->served_us = net_loop_now_us(g->loop);
    s->begun_us = 0;
    uv_tcp_nodelay(&s->tcp, 1);
    if (!g->tls) {
        announce(s);
        net_stream_adjust(s);
        return;
    }
    s->tls.wire = net_stream_wire;
    s->tls.context = s;
    if (net_tls_session_open(g->tls, &s->tls) != ERR_OK) {
        net_stream_refuse(s, "not enough memory");
        return;
    }
    net_stream_adjust(s);
    if (!g->is_server && s->state == NET_SHAKING)
        net_stream_shake(s);
}

/* Hands are shaken; what was received with the last of them is read by the caller. */
static void admit(struct net_stream *s)
{
    if (!net_tls_identity(&s->tls, s->identity)) {
        net_stream_refuse(s, s->tls.reason);
        return;
    }
    s->heard_us = s->served_us = net_loop_now_us(s->group->loop);
    announce(s);
}

void net_stream_shake(struct net_stream *s)
{
    switch (net_tls_shake(&s->tls)) {
    case NET_TLS_DONE:
        admit(s);
        return;
    case NET_TLS_WAIT:
        return;
    case NET_TLS_ENDED:
    case NET_TLS_FAILED:
        net_stream_refuse(s, s->tls.reason);
        return;
    }
}

/* ---- closing ---- */

static void give_back(struct net_stream *s)
{
    struct net_group *g = s->group;
    if (s->in) {
        secret_wipe(s->in, s->in_len);
        net_pool_return(&g->in, s->in, s->in_high);
    }
    if (s->out) {
        secret_wipe(s->out + s->out_start, s->out_end - s->out_start);
        net_pool_return(&g->out, s->out, s->out_high);
    }
    if (s->spill)
        net_pool_return(&g->spill, s->spill, NET_TLS_RECORD);
    s->in = s->out = s->spill = NULL;
    s->in_len = s->in_taken = s->in_high = s->out_start = s->out_end = s->out_high = s->writing = 0;
}

static void on_closed(uv_handle_t *handle)
{
    struct net_stream *s = handle->data;
    struct net_group *g = s->group;
    ASSERT(s->state == NET_DEAD && !s->announced);
    give_back(s);
    net_tls_session_close(&s->tls);
    s->state = NET_FREE;
    g->gone(g, s);
}

void net_stream_retire(struct net_stream *s)
{
    struct net_group *g = s->group;
    if (!s->announced)
        return;
    ASSERT(g->open > 0);
    s->announced = false;
    g->open--;
    g->counters.closed++;
    if (g->events.closed && !g->loop->destroying)
        g->events.closed(g->events.context, net_stream_peer(s));
}

void net_stream_kill(struct net_stream *s)
{
    if (s->state == NET_FREE || s->state == NET_DEAD)
        return;
    ASSERT(s->state != NET_LINGERING || s->group->lingering > 0);
    s->group->lingering -= s->state == NET_LINGERING;
    s->group->shaking -= s->state == NET_SHAKING;
    s->state = NET_DEAD;
    s->reading = false;
    uv_close((uv_handle_t *)&s->tcp, on_closed);
    net_stream_retire(s);
}

void net_stream_close(struct net_stream *s)
{
    if (s->state != NET_OPEN)
        return;
    net_stream_stop_reading(s);
    s->state = NET_CLOSING;
    if (net_stream_written(s))
        net_stream_finish(s);
}

void net_stream_end(struct net_stream *s)
{
    s->ended = true;
    net_stream_stop_reading(s);
    net_stream_list_in(s);
}

bool net_stream_end_reached(const struct net_stream *s)
{
    return s->state == NET_OPEN && s->ended && s->owed == 0 && !s->limited && !s->listed_in;
}
