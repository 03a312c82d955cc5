/* SPDX-License-Identifier: Apache-2.0 */
#include "net/internal.h"
#include "net/stream/stream.h"

#include "base/secret.h"

#include <string.h>
#include <sys/socket.h>

enum { TRIM_FROM = 4 * NET_PAGE, SHARE_PART = 16 };

void net_stream_list_in(struct net_stream *s)
{
    if (s->listed_in)
        return;
    s->listed_in = true;
    s->next_in = NULL;
    if (s->group->arrived)
        s->group->arrived_last->next_in = s;
    else
        s->group->arrived = s;
    s->group->arrived_last = s;
}

/* ---- from the wire ---- */

void net_stream_stop_reading(struct net_stream *s)
{
    if (s->reading)
        uv_read_stop((uv_stream_t *)&s->tcp);
    s->reading = false;
}

/* Room behind what is read, of which a TLS stream keeps a record's free. */
static size_t free_len(const struct net_stream *s)
{
    size_t left = s->group->sizes.read - s->in_len;
    if (!s->group->tls)
        return left;
    return left > NET_TLS_RECORD ? left - NET_TLS_RECORD : 0;
}

/* The quantum rests on how many sent in the turn before; when many more come at once, what is left of the sum bounds it. */
static void begin_turn(struct net_stream *s)
{
    struct net_loop *loop = s->group->loop;
    size_t left = loop->promised < NET_QUANTUM_SUM ? (NET_QUANTUM_SUM - loop->promised) / SHARE_PART : 0;
    s->turn = loop->turn;
    s->turn_len = 0;
    s->turn_share = left < loop->quantum ? left : loop->quantum;
    size_t least = s->group->tls ? NET_QUANTUM_TLS : NET_QUANTUM_MIN;
    if (s->turn_share < least)
        s->turn_share = least;
    loop->promised += s->turn_share;
    loop->readers++;
}

static size_t share_left(struct net_stream *s)
{
    if (s->turn != s->group->loop->turn)
        begin_turn(s);
    return s->turn_share > s->turn_len ? s->turn_share - s->turn_len : 0;
}

/* Nothing is offered to a stream that had its share: the event library comes again in the next turn. */
static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
    (void)suggested;
    struct net_stream *s = handle->data;
    struct net_group *g = s->group;
    if (s->state == NET_LINGERING) {
        *out = uv_buf_init((char *)g->loop->cipher, NET_CIPHER_SIZE);
        return;
    }
    size_t len = free_len(s), share = share_left(s);
    len = len < share ? len : share;
    if (g->tls) {
        *out = uv_buf_init((char *)g->loop->cipher, (unsigned)(len < NET_CIPHER_SIZE ? len : NET_CIPHER_SIZE));
        return;
    }
    if (!s->in && len > 0)
        s->in = net_pool_borrow(&g->in);
    *out = uv_buf_init((char *)s->in + s->in_len, (unsigned)len);
}

static void give_back_empty(struct net_stream *s)
{
    if (!s->in || s->in_len > 0)
        return;
    net_pool_return(&s->group->in, s->in, s->in_high);
    s->in = NULL;
    s->in_high = 0;
}

/* Who connects and leaves without a word looks whether the port is open: no failure of a handshake. */
static void on_end(struct net_stream *s, ssize_t got)
{
    s->left = true;
    if (s->state == NET_SHAKING && (s->spoke || !s->group->is_server))
        net_stream_refuse(s, got == UV_EOF ? "closed by the peer" : uv_strerror((int)got));
    else if (got == UV_EOF && s->state == NET_OPEN)
        net_stream_end(s);
    else
        net_stream_kill(s);
}

static void on_read(uv_stream_t *handle, ssize_t got, const uv_buf_t *into)
{
    (void)into;
    struct net_stream *s = handle->data;
    if (got == 0 || got == UV_ENOBUFS) {
        give_back_empty(s);
        return;
    }
    if (got < 0) {
        on_end(s, got);
        return;
    }
    if (s->state == NET_LINGERING) {
        secret_wipe(s->group->loop->cipher, (size_t)got);
        return;
    }
    s->turn_len += (size_t)got;
    s->spoke = true;
    s->group->counters.bytes_in += (uint64_t)got;
    if (s->group->tls) {
        if (s->state == NET_OPEN)
            s->heard_us = net_loop_now_us(s->group->loop);
        net_stream_decipher(s, (size_t)got);
        return;
    }
    s->heard_us = net_loop_now_us(s->group->loop);
    s->in_len += (size_t)got;
    ASSERT(s->in && s->in_len <= s->group->sizes.read);
    if (s->in_len > s->in_high)
        s->in_high = s->in_len;
    net_stream_list_in(s);
}

bool net_stream_linger(struct net_stream *s)
{
    uv_os_fd_t fd;
    if (!s->group->is_server || s->left || uv_fileno((uv_handle_t *)&s->tcp, &fd) != 0 || shutdown(fd, SHUT_WR) != 0)
        return false;
    if (uv_read_start((uv_stream_t *)&s->tcp, on_room, on_read) != 0)
        return false;
    s->reading = true;
    s->state = NET_LINGERING;
    s->heard_us = net_loop_now_us(s->group->loop);
    s->group->lingering++;
    net_stream_retire(s);
    return true;
}

void net_stream_adjust(struct net_stream *s)
{
    if (s->state == NET_LINGERING)
        return;
    bool want = s->state == NET_SHAKING || (s->state == NET_OPEN && !s->ended && free_len(s) > 0);
    if (!want) {
        net_stream_stop_reading(s);
    } else if (!s->reading) {
        s->reading = uv_read_start((uv_stream_t *)&s->tcp, on_room, on_read) == 0;
        if (!s->reading)
            net_stream_kill(s);
    }
}

void net_stream_trim(struct net_stream *s)
{
    if (s->in && s->in_high >= TRIM_FROM && s->in_len <= s->in_high / 2) {
        net_pool_trim(&s->group->in, s->in, s->in_len, s->in_high);
        s->in_high = s->in_len;
    }
}

/* ---- to frames ---- */

/* Bytes of the frame that starts at `from`, prefix included; 0: not complete yet. Sets `bad`. */
static size_t frame_extent(struct net_stream *s, size_t from)
{
    const struct net_framing *f = &s->group->framing;
    const uint8_t *at = s->in + from;
    size_t left = s->in_len - from;
    size_t prefix = net_prefix_len(s->group);
    if (f->kind == NET_HEAD) {
        const uint8_t *end = left > 0 ? memmem(at, left, "\r\n\r\n", 4) : NULL;
        size_t len = end ? (size_t)(end - at) + 4 : left;
        s->bad = end ? len > f->max : left >= f->max;
        return end && !s->bad ? len : 0;
    }
    if (left < prefix)
        return 0;
    size_t len = (size_t)at[0] << 8 | at[1];
    s->bad = len < f->min || len > f->max;
    return s->bad || left < prefix + len ? 0 : prefix + len;
}

/* How many frames of a stream may still be handed over in this turn. */
static size_t frames_left(struct net_stream *s)
{
    const struct net_group *g = s->group;
    if (g->turn_frames == 0)
        return NET_BATCH_MAX;
    if (s->handed_turn != g->loop->turn)
        s->handed = 0;
    s->handed_turn = g->loop->turn;
    ASSERT(s->handed <= g->turn_frames);
    return g->turn_frames - s->handed;
}

/* Appends the complete frames of a stream to the batch, as far as their answers find room and its turn goes. */
static size_t collect(struct net_stream *s, struct net_frame *frame, size_t count)
{
    struct net_group *g = s->group;
    size_t prefix = net_prefix_len(g);
    size_t space = net_stream_room(s);
    s->in_taken = 0;
    s->limited = s->spent = false;
    if (s->state != NET_OPEN || !s->in)
        return count;
    size_t left = frames_left(s);
    while (count < NET_BATCH_MAX) {
        size_t extent = frame_extent(s, s->in_taken);
        s->spent = extent > 0 && left == 0;
        if (extent == 0 || s->spent)
            break;
        struct span payload = span_of(s->in + s->in_taken + prefix, extent - prefix);
        uint32_t weight = 1;
        size_t room = g->events.room ? g->events.room(g->events.context, payload, &weight) : g->sizes.reply_room;
        s->limited = extent + room > space;
        if (s->limited)
            break;
        space -= extent + room;
        frame[count++] = (struct net_frame){net_stream_peer(s), payload};
        s->in_taken += extent;
        weight = weight < left ? weight : (uint32_t)left;
        s->handed += g->turn_frames > 0 ? weight : 0;
        left -= g->turn_frames > 0 ? weight : 1;
        s->owed += g->is_server; /* what a client receives is an answer */
        s->served_us = net_loop_now_us(g->loop);
        g->counters.frames_in++;
    }
    return count;
}

static void forget_taken(struct net_stream *s)
{
    ASSERT(s->in_taken <= s->in_len);
    size_t left = s->in_len - s->in_taken;
    memmove(s->in, s->in + s->in_taken, left);
    secret_wipe(s->in + left, s->in_len - left);
    s->in_len = left;
    s->in_taken = 0;
}

/* Where the next frame begins is not known: nothing more is read, what was read before is still answered. */
static void end_at_bad(struct net_stream *s)
{
    s->group->counters.bad_frames++;
    secret_wipe(s->in, s->in_len);
    s->in_len = 0;
    s->bad = false;
    give_back_empty(s);
    s->ended = true;
    net_stream_stop_reading(s);
    if (net_stream_end_reached(s))
        net_stream_close(s);
}

/* What stays behind is the beginning of a frame, unless whole ones wait for us. */
static void note_begun(struct net_stream *s, bool full)
{
    bool begun = s->in_len > s->in_taken && !s->limited && !full;
    if (!begun)
        s->begun_us = 0;
    else if (s->begun_us == 0 || s->in_taken > 0)
        s->begun_us = net_loop_now_us(s->group->loop);
}

/* It is the next in line when the next turn begins. */
static void put_off(struct net_stream *s)
{
    struct net_group *g = s->group;
    ASSERT(!s->listed_in);
    s->listed_in = true;
    s->next_in = NULL;
    *(g->later ? &g->later_last->next_in : &g->later) = s;
    g->later_last = s;
}

/* Forgets what was handed over and decides how the stream goes on. */
static void consume(struct net_stream *s, bool full)
{
    if (s->state != NET_OPEN)
        return;
    note_begun(s, full || s->spent);
    if (s->in_taken > 0)
        forget_taken(s);
    give_back_empty(s);
    if (s->bad) {
        end_at_bad(s);
        return;
    }
    if (s->limited)
        net_stream_flush(s);
    else if (s->spent)
        put_off(s);
    else if (full)
        net_stream_list_in(s);
    net_stream_adjust(s);
    if (net_stream_end_reached(s))
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
        ASSERT(count <= NET_BATCH_MAX);
        if (count > 0)
            g->events.frames(g->events.context, frame, count);
        for (struct net_stream *s = batch, *next; s; s = next) {
            next = s->next_in;
            s->listed_in = false;
            consume(s, count == NET_BATCH_MAX);
        }
    }
    g->arrived = g->later;
    g->arrived_last = g->later_last;
    g->later = g->later_last = NULL;
}
