/* SPDX-License-Identifier: Apache-2.0 */
#include "net/net_internal.h"

#include "base/arena.h"
#include "base/secret.h"

#include <string.h>

enum { LEN2 = 2 };

static size_t prefix_len(const struct net_group *g)
{
    return g->framing.kind == NET_LEN2 ? LEN2 : 0;
}

/* ---- reservation ---- */

enum err net_group_reserve(struct net_group *g, size_t streams, struct net_problem *problem)
{
    size_t largest = prefix_len(g) + g->framing.max;
    if (g->sizes.read < largest || g->sizes.write < largest + g->sizes.reply_room || g->framing.max > 65535 || streams == 0) {
        net_problem_set(problem, g->name, "buffers are smaller than the largest frame");
        net_group_release(g);
        return ERR_CONFIG;
    }
    void *at = NULL;
    enum err reserved = memory_reserve(streams, sizeof(struct net_stream), &at);
    if (reserved != ERR_OK) {
        net_group_release(g);
        return reserved;
    }
    g->stream = at;
    g->stream_count = streams;
    for (size_t i = 0; i < streams; i++) {
        struct net_stream *s = &g->stream[i];
        s->group = g;
        s->slot = (uint32_t)i;
        void *in = NULL, *out = NULL;
        reserved = memory_reserve(1, g->sizes.read, &in);
        s->in = in;
        if (reserved == ERR_OK)
            reserved = memory_reserve(1, g->sizes.write, &out);
        s->out = out;
        if (reserved != ERR_OK) {
            net_group_release(g);
            net_problem_set(problem, g->name, "not enough memory for the connections");
            return reserved;
        }
    }
    return ERR_OK;
}

void net_group_release(struct net_group *g)
{
    for (size_t i = 0; i < g->stream_count; i++) {
        memory_release(g->stream[i].in, 1, g->sizes.read);
        memory_release(g->stream[i].out, 1, g->sizes.write);
    }
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

/* ---- closing ---- */

static void on_closed(uv_handle_t *handle)
{
    struct net_stream *s = handle->data;
    struct net_group *g = s->group;
    secret_wipe(s->in, s->in_len);
    secret_wipe(s->out + s->out_start, s->out_end - s->out_start);
    s->in_len = s->in_taken = s->out_start = s->out_end = s->writing = 0;
    s->state = NET_FREE;
    g->gone(g, s);
}

void net_stream_kill(struct net_stream *s)
{
    struct net_group *g = s->group;
    if (s->state == NET_FREE || s->state == NET_DEAD)
        return;
    s->state = NET_DEAD;
    s->reading = false;
    uv_close((uv_handle_t *)&s->tcp, on_closed);
    if (!s->announced)
        return;
    s->announced = false;
    g->open--;
    g->counters.closed++;
    if (g->events.closed && !g->loop->destroying)
        g->events.closed(g->events.context, net_stream_peer(s));
}

static void stop_reading(struct net_stream *s)
{
    if (s->reading)
        uv_read_stop((uv_stream_t *)&s->tcp);
    s->reading = false;
}

void net_stream_close(struct net_stream *s)
{
    if (s->state != NET_OPEN)
        return;
    stop_reading(s);
    s->state = NET_CLOSING;
    if (s->out_end == s->out_start)
        net_stream_kill(s);
}

void net_stream_end(struct net_stream *s)
{
    s->ended = true;
    stop_reading(s);
    net_stream_list_in(s);
}

static bool end_reached(const struct net_stream *s)
{
    return s->state == NET_OPEN && s->ended && s->owed == 0 && !s->limited && !s->listed_in;
}

/* ---- writing ---- */

static size_t room(const struct net_stream *s)
{
    return s->writing > 0 ? s->group->sizes.write - s->out_end : s->group->sizes.write - (s->out_end - s->out_start);
}

static void sent(struct net_stream *s, size_t len)
{
    secret_wipe(s->out + s->out_start, len);
    s->out_start += len;
    s->group->counters.bytes_out += len;
    if (s->out_start == s->out_end)
        s->out_start = s->out_end = 0;
}

static void after_write(struct net_stream *s)
{
    if (s->out_end > s->out_start)
        return;
    if (s->limited)
        net_stream_list_in(s);
    if (s->state == NET_CLOSING)
        net_stream_kill(s);
    else if (end_reached(s))
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
    if (s->out_end > s->out_start)
        net_stream_flush(s);
    else
        after_write(s);
}

void net_stream_flush(struct net_stream *s)
{
    if (s->writing > 0 || (s->state != NET_OPEN && s->state != NET_CLOSING))
        return;
    if (s->out_end > s->out_start) {
        uv_buf_t out = uv_buf_init((char *)s->out + s->out_start, (unsigned)(s->out_end - s->out_start));
        s->group->counters.writes++;
        int done = uv_try_write((uv_stream_t *)&s->tcp, &out, 1);
        if (done < 0 && done != UV_EAGAIN) {
            net_stream_kill(s);
            return;
        }
        if (done > 0)
            sent(s, (size_t)done);
    }
    if (s->out_end > s->out_start) {
        uv_buf_t out = uv_buf_init((char *)s->out + s->out_start, (unsigned)(s->out_end - s->out_start));
        s->writing = out.len;
        s->write.data = s;
        if (uv_write(&s->write, (uv_stream_t *)&s->tcp, &out, 1, on_written) != 0) {
            s->writing = 0;
            net_stream_kill(s);
        }
        return;
    }
    after_write(s);
}

static void list_out(struct net_stream *s)
{
    if (s->listed_out)
        return;
    struct net_loop *loop = s->group->loop;
    s->listed_out = true;
    s->next_out = loop->unsent;
    loop->unsent = s;
}

enum err net_stream_send(struct net_stream *s, const struct span *part, size_t count)
{
    const struct net_group *g = s->group;
    size_t payload = 0;
    for (size_t i = 0; i < count; i++)
        payload += part[i].len;
    size_t len = prefix_len(g) + payload;
    if (payload > g->framing.max && g->framing.kind == NET_LEN2)
        return ERR_FRAME;
    if (len > room(s))
        return ERR_BUSY;
    if (len > g->sizes.write - s->out_end) {
        size_t old_end = s->out_end;
        memmove(s->out, s->out + s->out_start, s->out_end - s->out_start);
        s->out_end -= s->out_start;
        s->out_start = 0;
        secret_wipe(s->out + s->out_end, old_end - s->out_end);
    }
    struct buf out = buf_over(s->out + s->out_end, len);
    if (g->framing.kind == NET_LEN2)
        buf_put_u16(&out, (uint16_t)payload);
    for (size_t i = 0; i < count; i++)
        buf_put_span(&out, part[i]);
    ASSERT(out.len == len && out.err == ERR_OK);
    s->out_end += len;
    s->owed -= s->owed > 0;
    s->group->counters.frames_out++;
    list_out(s);
    return ERR_OK;
}

/* ---- reading ---- */

void net_stream_list_in(struct net_stream *s)
{
    if (s->listed_in)
        return;
    s->listed_in = true;
    s->next_in = s->group->arrived;
    s->group->arrived = s;
}

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
    (void)suggested;
    struct net_stream *s = handle->data;
    *out = uv_buf_init((char *)s->in + s->in_len, (unsigned)(s->group->sizes.read - s->in_len));
}

static void on_read(uv_stream_t *handle, ssize_t got, const uv_buf_t *into)
{
    (void)into;
    struct net_stream *s = handle->data;
    if (got == 0 || got == UV_ENOBUFS)
        return;
    if (got == UV_EOF) {
        net_stream_end(s);
        return;
    }
    if (got < 0) {
        net_stream_kill(s);
        return;
    }
    s->in_len += (size_t)got;
    s->group->counters.bytes_in += (uint64_t)got;
    s->heard_us = net_loop_now_us(s->group->loop);
    net_stream_list_in(s);
}

static void adjust_reading(struct net_stream *s)
{
    bool want = s->state == NET_OPEN && !s->ended && s->in_len < s->group->sizes.read;
    if (!want) {
        stop_reading(s);
    } else if (!s->reading) {
        s->reading = uv_read_start((uv_stream_t *)&s->tcp, on_room, on_read) == 0;
        if (!s->reading)
            net_stream_kill(s);
    }
}

void net_stream_open(struct net_stream *s)
{
    struct net_group *g = s->group;
    s->state = NET_OPEN;
    s->generation++;
    s->owed = 0;
    s->reading = s->ended = s->bad = s->limited = false;
    s->heard_us = net_loop_now_us(g->loop);
    uv_tcp_nodelay(&s->tcp, 1);
    s->announced = true;
    g->open++;
    g->counters.accepted++;
    if (g->events.opened)
        g->events.opened(g->events.context, net_stream_peer(s));
    adjust_reading(s);
}

/* Bytes of the frame that starts at `from`, prefix included; 0: not complete yet. Sets `bad`. */
static size_t frame_extent(struct net_stream *s, size_t from)
{
    const struct net_framing *f = &s->group->framing;
    const uint8_t *at = s->in + from;
    size_t left = s->in_len - from;
    if (f->kind == NET_HEAD) {
        const uint8_t *end = left > 0 ? memmem(at, left, "\r\n\r\n", 4) : NULL;
        size_t len = end ? (size_t)(end - at) + 4 : left;
        s->bad = end ? len > f->max : left >= f->max;
        return end && !s->bad ? len : 0;
    }
    if (left < LEN2)
        return 0;
    size_t len = (size_t)at[0] << 8 | at[1];
    s->bad = len < f->min || len > f->max;
    return s->bad || left < LEN2 + len ? 0 : LEN2 + len;
}

/* Appends the complete frames of a stream to the batch, as far as their answers find room. */
static size_t collect(struct net_stream *s, struct net_frame *frame, size_t count)
{
    struct net_group *g = s->group;
    size_t prefix = prefix_len(g);
    size_t space = room(s);
    s->in_taken = 0;
    s->limited = false;
    if (s->state != NET_OPEN)
        return count;
    while (count < NET_BATCH_MAX) {
        size_t extent = frame_extent(s, s->in_taken);
        if (extent == 0)
            break;
        s->limited = extent + g->sizes.reply_room > space;
        if (s->limited)
            break;
        space -= extent + g->sizes.reply_room;
        frame[count++] = (struct net_frame){net_stream_peer(s), span_of(s->in + s->in_taken + prefix, extent - prefix)};
        s->in_taken += extent;
        s->owed += g->is_server; /* what a client receives is an answer */
        g->counters.frames_in++;
    }
    return count;
}

/* Forgets what was handed over and decides how the stream goes on. */
static void consume(struct net_stream *s, bool full)
{
    if (s->state == NET_OPEN && s->in_taken > 0) {
        size_t left = s->in_len - s->in_taken;
        memmove(s->in, s->in + s->in_taken, left);
        secret_wipe(s->in + left, s->in_len - left);
        s->in_len = left;
        s->in_taken = 0;
    }
    if (s->state != NET_OPEN)
        return;
    if (s->bad) {
        s->group->counters.bad_frames++;
        net_stream_close(s);
        return;
    }
    if (s->limited)
        net_stream_flush(s);
    else if (full)
        net_stream_list_in(s);
    adjust_reading(s);
    if (end_reached(s))
        net_stream_close(s);
}

void net_group_deliver(struct net_group *g)
{
    struct net_frame *frame = g->loop->frame;
    while (g->arrived) {
        struct net_stream *batch = g->arrived;
        g->arrived = NULL;
        size_t count = 0;
        for (struct net_stream *s = batch; s; s = s->next_in)
            count = collect(s, frame, count);
        if (count > 0)
            g->events.frames(g->events.context, frame, count);
        for (struct net_stream *s = batch, *next; s; s = next) {
            next = s->next_in;
            s->listed_in = false;
            consume(s, count == NET_BATCH_MAX);
        }
    }
}
