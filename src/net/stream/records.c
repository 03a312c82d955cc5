/* SPDX-License-Identifier: Apache-2.0 */
#include "net/internal.h"
#include "net/stream/stream.h"

#include <string.h>

static void log_refusal(struct net_stream *s, const char *reason)
{
    struct net_group *g = s->group;
    struct log *log = g->loop->config.env->log;
    int64_t second = net_loop_now_us(g->loop) / 1000000;
    if (second != g->refusal_us) {
        g->refusal_us = second;
        g->refusals = 0;
    }
    if (!log || g->refusals++ >= NET_REFUSALS_LOGGED)
        return;
    char peer[64] = "";
    struct sockaddr_storage address;
    int len = sizeof address;
    if (uv_tcp_getpeername(&s->tcp, (struct sockaddr *)&address, &len) == 0)
        net_address_text(&address, peer);
    LOG(log, LOG_WARN, "net.tls_refused", LOG_TEXT("name", g->name), LOG_TEXT("peer", peer), LOG_TEXT("reason", reason));
}

void net_stream_refuse(struct net_stream *s, const char *reason)
{
    s->group->counters.handshakes_failed++;
    log_refusal(s, reason);
    if (s->group->events.failed)
        s->group->events.failed(s->group->events.context, reason);
    net_stream_kill(s);
}

/* A session that was open broke: a forged or cut record, or the peer's alert. */
static void broken(struct net_stream *s, const char *reason)
{
    net_loop_log(s->group->loop, LOG_WARN, "net.tls_broken", s->group, reason);
    net_stream_kill(s);
}

/* ---- received ---- */

static void read_plain(struct net_stream *s)
{
    struct net_group *g = s->group;
    if (!s->in)
        s->in = net_pool_borrow(&g->in);
    while (s->state == NET_OPEN && s->in_len < g->sizes.read) {
        size_t got = 0;
        switch (net_tls_read(&s->tls, s->in + s->in_len, g->sizes.read - s->in_len, &got)) {
        case NET_TLS_DONE:
            s->in_len += got;
            if (s->in_len > s->in_high)
                s->in_high = s->in_len;
            continue;
        case NET_TLS_WAIT:
            break;
        case NET_TLS_ENDED:
            net_stream_end(s);
            break;
        case NET_TLS_FAILED:
            broken(s, s->tls.reason);
            return;
        }
        break;
    }
    net_stream_list_in(s);
}

void net_stream_decipher(struct net_stream *s, size_t len)
{
    ASSERT(s->group->tls && len <= NET_CIPHER_SIZE);
    s->tls.fed = span_of(s->group->loop->cipher, len);
    if (s->state == NET_SHAKING)
        net_stream_shake(s);
    if (s->state == NET_OPEN)
        read_plain(s);
    /* The buffer is the next stream's. All of it is taken unless the session waits for a peer that does not read. */
    if (s->tls.fed.len > 0 && s->state == NET_SHAKING)
        net_stream_refuse(s, "the peer does not read");
    else if (s->tls.fed.len > 0 && s->state == NET_OPEN && !s->ended)
        broken(s, "the peer does not read");
    s->tls.fed = (struct span){0};
}

/* ---- to be sent ---- */

static void on_spilled(uv_write_t *request, int status)
{
    struct net_stream *s = request->data;
    s->writing = 0;
    if (s->state == NET_FREE || s->state == NET_DEAD)
        return;
    if (status < 0) {
        net_stream_kill(s);
        return;
    }
    net_pool_return(&s->group->spill, s->spill, NET_TLS_RECORD);
    s->spill = NULL;
    if (s->state == NET_SHAKING)
        net_stream_shake(s);
    net_stream_flush(s);
}

static enum err spill(struct net_stream *s, struct span bytes)
{
    ASSERT(!s->spill && bytes.len <= s->group->spill.size);
    s->spill = net_pool_borrow(&s->group->spill);
    memcpy(s->spill, bytes.at, bytes.len);
    s->writing = bytes.len;
    s->write.data = s;
    uv_buf_t out = uv_buf_init((char *)s->spill, (unsigned)bytes.len);
    if (uv_write(&s->write, (uv_stream_t *)&s->tcp, &out, 1, on_spilled) == 0)
        return ERR_OK;
    s->writing = 0;
    return ERR_SYSTEM;
}

/* Straight to the socket; what it does not take, a record at most, goes to the event library, and the next record waits. */
ssize_t net_stream_wire(void *stream, struct span bytes)
{
    struct net_stream *s = stream;
    if (s->writing > 0)
        return 0;
    if (s->state == NET_DEAD)
        return -1;
    uv_buf_t out = uv_buf_init((char *)(uintptr_t)bytes.at, (unsigned)bytes.len);
    s->group->counters.writes++;
    int done = uv_try_write((uv_stream_t *)&s->tcp, &out, 1);
    if (done < 0 && done != UV_EAGAIN)
        return -1;
    size_t taken = done > 0 ? (size_t)done : 0;
    struct span rest = span_slice(bytes, taken, s->group->spill.size);
    if (rest.len > 0 && spill(s, rest) != ERR_OK)
        return -1;
    return (ssize_t)(taken + rest.len);
}
