/* SPDX-License-Identifier: Apache-2.0 */
#include "net/internal.h"
#include "net/stream/stream.h"

#include "base/secret.h"

#include <string.h>

size_t net_stream_room(const struct net_stream *s)
{
    /* Plain bytes that the event library holds cannot be moved to the front. */
    size_t from = s->writing > 0 && !s->group->tls ? 0 : s->out_start;
    ASSERT(s->out_start <= s->out_end && s->out_end <= s->group->sizes.write);
    return s->group->sizes.write - (s->out_end - from);
}

bool net_stream_written(const struct net_stream *s)
{
    return s->out_end == s->out_start && s->writing == 0;
}

static void sent(struct net_stream *s, size_t len)
{
    ASSERT(s->out && len <= s->out_end - s->out_start);
    secret_wipe(s->out + s->out_start, len);
    s->out_start += len;
    s->group->counters.bytes_out += len;
    if (s->out_start < s->out_end)
        return;
    net_pool_return(&s->group->out, s->out, s->out_high);
    s->out = NULL;
    s->out_start = s->out_end = s->out_high = 0;
}

void net_stream_finish(struct net_stream *s)
{
    if (s->group->tls && !s->notified) {
        s->notified = true;
        net_tls_notify(&s->tls);
        if (s->writing > 0)
            return;
    }
    if (!net_stream_linger(s))
        net_stream_kill(s);
}

static void after_write(struct net_stream *s)
{
    if (s->limited)
        net_stream_list_in(s);
    if (s->state == NET_CLOSING)
        net_stream_finish(s);
    else if (net_stream_end_reached(s))
        net_stream_close(s);
}

static void on_written(uv_write_t *request, int status)
{
    struct net_stream *s = request->data;
    size_t len = s->writing;
    s->writing = 0;
    if (s->state == NET_FREE || s->state == NET_DEAD)
        return;
    if (status < 0) {
        net_stream_kill(s);
        return;
    }
    sent(s, len);
    net_stream_flush(s);
}

/* False: the rest is with the event library, or the stream is gone. */
static bool write_plain(struct net_stream *s)
{
    if (s->out_end > s->out_start) {
        uv_buf_t out = uv_buf_init((char *)s->out + s->out_start, (unsigned)(s->out_end - s->out_start));
        s->group->counters.writes++;
        int done = uv_try_write((uv_stream_t *)&s->tcp, &out, 1);
        if (done < 0 && done != UV_EAGAIN) {
            net_stream_kill(s);
            return false;
        }
        if (done > 0)
            sent(s, (size_t)done);
    }
    if (s->out_end == s->out_start)
        return true;
    uv_buf_t out = uv_buf_init((char *)s->out + s->out_start, (unsigned)(s->out_end - s->out_start));
    s->writing = out.len;
    s->write.data = s;
    if (uv_write(&s->write, (uv_stream_t *)&s->tcp, &out, 1, on_written) != 0) {
        s->writing = 0;
        net_stream_kill(s);
    }
    return false;
}

static bool write_records(struct net_stream *s)
{
    while (s->out_end > s->out_start) {
        size_t taken = 0;
        switch (net_tls_write(&s->tls, span_of(s->out + s->out_start, s->out_end - s->out_start), &taken)) {
        case NET_TLS_DONE:
            sent(s, taken);
            break;
        case NET_TLS_WAIT:
            return false;
        case NET_TLS_ENDED:
        case NET_TLS_FAILED:
            net_stream_kill(s);
            return false;
        }
    }
    return s->writing == 0;
}

void net_stream_flush(struct net_stream *s)
{
    if (s->writing > 0 || (s->state != NET_OPEN && s->state != NET_CLOSING))
        return;
    if (s->group->tls ? write_records(s) : write_plain(s))
        after_write(s);
}

static void list_out(struct net_stream *s)
{
    if (s->listed_out)
        return;
    struct net_loop *loop = s->group->loop;
    s->listed_out = true;
    s->next_out = NULL;
    if (loop->unsent)
        loop->unsent_last->next_out = s;
    else
        loop->unsent = s;
    loop->unsent_last = s;
}

/* Moves what is queued to the front of the buffer. */
static void compact(struct net_stream *s)
{
    size_t old_end = s->out_end;
    memmove(s->out, s->out + s->out_start, s->out_end - s->out_start);
    s->out_end -= s->out_start;
    s->out_start = 0;
    secret_wipe(s->out + s->out_end, old_end - s->out_end);
}

enum err net_stream_send(struct net_stream *s, const struct span *part, size_t count)
{
    struct net_group *g = s->group;
    ASSERT(s->state == NET_OPEN);
    size_t payload = 0;
    for (size_t i = 0; i < count; i++)
        payload += part[i].len;
    size_t len = net_prefix_len(g) + payload;
    if (payload > g->framing.max && g->framing.kind == NET_LEN2)
        return ERR_FRAME;
    if (len > net_stream_room(s))
        return ERR_BUSY;
    if (!s->out)
        s->out = net_pool_borrow(&g->out);
    if (len > g->sizes.write - s->out_end)
        compact(s);
    struct buf out = buf_over(s->out + s->out_end, len);
    if (g->framing.kind == NET_LEN2)
        buf_put_u16(&out, (uint16_t)payload);
    for (size_t i = 0; i < count; i++)
        buf_put_span(&out, part[i]);
    ASSERT(out.len == len && out.err == ERR_OK);
    s->out_end += len;
    if (s->out_end > s->out_high)
        s->out_high = s->out_end;
    s->owed -= s->owed > 0;
    g->counters.frames_out++;
    list_out(s);
    return ERR_OK;
}
