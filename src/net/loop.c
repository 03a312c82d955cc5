/* SPDX-License-Identifier: Apache-2.0 */
#include "net/internal.h"
#include "net/stream/stream.h"

#include "base/arena.h"

#include <signal.h>

enum { HOUSEKEEPING_MS = 1000 };

int64_t net_loop_now_us(const struct net_loop *loop)
{
    return (int64_t)uv_now(&loop->uv) * 1000;
}

void net_loop_log(struct net_loop *loop, enum log_level level, const char *event, const struct net_group *group, const char *reason)
{
    if (loop->config.env->log)
        LOG(loop->config.env->log, level, event, LOG_TEXT("name", group ? group->name : ""), LOG_TEXT("reason", reason));
}

void net_loop_add(struct net_loop *loop, struct net_group *group)
{
    ASSERT(!group->loop && group->release);
    group->loop = loop;
    group->next = loop->group;
    loop->group = group;
}

/* ---- phases ---- */

static void flush(struct net_loop *loop)
{
    while (loop->unsent) {
        struct net_stream *s = loop->unsent;
        loop->unsent = s->next_out;
        s->listed_out = false;
        net_stream_flush(s);
    }
}

static void on_deadline(uv_timer_t *timer)
{
    struct net_loop *loop = timer->data;
    loop->armed_us = 0;
    loop->due = true;
}

static void arm(struct net_loop *loop, int64_t deadline_us)
{
    if (deadline_us == loop->armed_us)
        return;
    loop->armed_us = deadline_us;
    if (deadline_us == NET_NEVER_US) {
        uv_timer_stop(&loop->deadline);
        return;
    }
    int64_t wait_us = deadline_us - env_monotonic_us(loop->config.env);
    uv_update_time(&loop->uv);
    uv_timer_start(&loop->deadline, on_deadline, wait_us > 0 ? (uint64_t)(wait_us + 999) / 1000 : 0, 0);
}

static bool drained(const struct net_loop *loop)
{
    for (const struct net_group *g = loop->group; g; g = g->next)
        if (g->is_server && g->open + g->lingering > 0)
            return false;
    return !loop->config.busy || !loop->config.busy(loop->config.context);
}

static void turn(struct net_loop *loop)
{
    loop->due = false;
    if (loop->config.turn)
        arm(loop, loop->config.turn(loop->config.context));
}

/* What a connection may be read in the next turn: the more of them send, the less. */
static void share(struct net_loop *loop)
{
    size_t quantum = loop->readers > 0 ? NET_QUANTUM_SUM / loop->readers : NET_QUANTUM_SUM;
    loop->quantum = quantum > NET_QUANTUM_MIN ? quantum : NET_QUANTUM_MIN;
    loop->readers = 0;
    loop->promised = 0;
    loop->turn++;
}

/* A turn hook or an answer may leave frames that could not be handed over before; they must not wait for the next event. */
static void on_check(uv_check_t *check)
{
    struct net_loop *loop = check->data;
    share(loop);
    for (struct net_group *g = loop->group; g; g = g->next)
        net_group_deliver(g);
    turn(loop);
    flush(loop);
    for (const struct net_group *g = loop->group; g; g = g->next)
        if (g->arrived)
            uv_async_send(&loop->wake);
    if (loop->draining && drained(loop))
        uv_stop(&loop->uv);
}

static void on_prepare(uv_prepare_t *prepare)
{
    struct net_loop *loop = prepare->data;
    if (loop->due)
        turn(loop);
    flush(loop);
    net_turns_end(&loop->turns, &loop->uv);
}

static void on_wake(uv_async_t *wake)
{
    (void)wake; /* the turn that follows is the point */
}

static void look_after(struct net_stream *s, int64_t now)
{
    const struct net_group *g = s->group;
    int64_t silent_us = now - s->heard_us;
    if (s->state == NET_SHAKING) {
        if (silent_us > (int64_t)net_tls_handshake_ms(g->tls) * 1000)
            net_stream_refuse(s, "no handshake within the deadline");
        return;
    }
    /* `heard_us` stands still then: whoever goes on sending is let go all the same. */
    if (s->state == NET_LINGERING && silent_us > (int64_t)NET_LINGER_MS * 1000)
        net_stream_kill(s);
    if (s->state != NET_OPEN && s->state != NET_CLOSING)
        return;
    net_stream_trim(s);
    if (g->frame_ms > 0 && s->begun_us > 0 && now - s->begun_us > (int64_t)g->frame_ms * 1000) {
        net_stream_kill(s);
        return;
    }
    bool half = s->ended || s->state == NET_CLOSING;
    int64_t limit_ms = half ? NET_HALF_CLOSED_MS : g->idle_ms;
    if (g->is_server && limit_ms > 0 && silent_us > limit_ms * 1000)
        net_stream_kill(s);
}

static void on_housekeeping(uv_timer_t *timer)
{
    struct net_loop *loop = timer->data;
    int64_t now = net_loop_now_us(loop);
    for (struct net_group *g = loop->group; g; g = g->next) {
        for (size_t i = 0; i < g->stream_count; i++)
            look_after(&g->stream[i], now);
        if (g->tick)
            g->tick(g);
    }
}

/* ---- life ---- */

static void on_signal(uv_signal_t *handle, int signum)
{
    struct net_loop *loop = handle->data;
    loop->config.signal(loop->config.context, signum);
}

static enum err open_signals(struct net_loop *loop)
{
    static const int number[NET_SIGNALS] = {SIGTERM, SIGINT, SIGHUP};
    for (size_t i = 0; loop->config.signal && i < NET_SIGNALS; i++) {
        loop->signal[i].data = loop;
        if (uv_signal_init(&loop->uv, &loop->signal[i]) != 0 || uv_signal_start(&loop->signal[i], on_signal, number[i]) != 0)
            return ERR_SYSTEM;
    }
    return ERR_OK;
}

static enum err open_handles(struct net_loop *loop)
{
    loop->wake.data = loop->prepare.data = loop->check.data = loop->deadline.data = loop->housekeeping.data = loop->grace.data =
        loop;
    if (uv_async_init(&loop->uv, &loop->wake, on_wake) != 0)
        return ERR_SYSTEM;
    net_turns_begin(&loop->turns, &loop->uv);
    uv_prepare_init(&loop->uv, &loop->prepare);
    uv_prepare_start(&loop->prepare, on_prepare);
    uv_check_init(&loop->uv, &loop->check);
    uv_check_start(&loop->check, on_check);
    uv_timer_init(&loop->uv, &loop->deadline);
    uv_timer_init(&loop->uv, &loop->grace);
    uv_timer_init(&loop->uv, &loop->housekeeping);
    uv_timer_start(&loop->housekeeping, on_housekeeping, HOUSEKEEPING_MS, HOUSEKEEPING_MS);
    return open_signals(loop);
}

enum err net_loop_create(const struct net_loop_config *config, struct net_loop **out)
{
    ASSERT(config->env);
    void *at = NULL;
    TRY(memory_reserve(1, sizeof(struct net_loop), &at));
    struct net_loop *loop = at;
    loop->config = *config;
    loop->due = true;
    loop->quantum = NET_QUANTUM_SUM;
    loop->turn = 1;
    /* A peer that went away is an error of write(2), not the end of the process. */
    signal(SIGPIPE, SIG_IGN);
    if (uv_loop_init(&loop->uv) != 0) {
        memory_release(loop, 1, sizeof *loop);
        return ERR_SYSTEM;
    }
    enum err err = open_handles(loop);
    if (err != ERR_OK) {
        net_loop_destroy(loop);
        return err;
    }
    *out = loop;
    return ERR_OK;
}

enum err net_loop_run(struct net_loop *loop)
{
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    return ERR_OK;
}

void net_loop_turn(struct net_loop *loop, bool wait)
{
    uv_run(&loop->uv, wait ? UV_RUN_ONCE : UV_RUN_NOWAIT);
}

void net_loop_stop(struct net_loop *loop)
{
    uv_stop(&loop->uv);
    uv_async_send(&loop->wake);
}

void net_loop_wake(void *loop)
{
    struct net_loop *l = loop;
    uv_async_send(&l->wake);
}

static void on_grace(uv_timer_t *timer)
{
    struct net_loop *loop = timer->data;
    net_loop_log(loop, LOG_WARN, "net.drain", NULL, "grace is over, connections are cut");
    uv_stop(&loop->uv);
}

void net_loop_drain(struct net_loop *loop, uint32_t grace_ms)
{
    if (loop->draining)
        return;
    loop->draining = true;
    for (struct net_group *g = loop->group; g; g = g->next) {
        if (g->listener && !uv_is_closing(g->listener))
            uv_close(g->listener, NULL);
        for (size_t i = 0; g->is_server && i < g->stream_count; i++) {
            if (g->stream[i].state == NET_OPEN)
                net_stream_end(&g->stream[i]);
            else if (g->stream[i].state == NET_SHAKING)
                net_stream_kill(&g->stream[i]);
        }
    }
    uv_timer_start(&loop->grace, on_grace, grace_ms, 0);
    uv_timer_start(&loop->housekeeping, on_housekeeping, NET_LINGER_LOOK_MS, NET_LINGER_LOOK_MS);
    uv_async_send(&loop->wake);
}

static void on_tick(uv_timer_t *uv)
{
    struct net_timer *timer = uv->data;
    timer->tick(timer->context);
    timer->loop->due = true;
}

enum err net_loop_every(struct net_loop *loop, uint32_t first_ms, uint32_t period_ms, void (*tick)(void *context), void *context)
{
    ASSERT(tick);
    if (loop->timer_count == NET_TIMERS_MAX)
        return ERR_BUSY;
    struct net_timer *timer = &loop->timer[loop->timer_count++];
    *timer = (struct net_timer){.loop = loop, .tick = tick, .context = context};
    timer->uv.data = timer;
    uv_timer_init(&loop->uv, &timer->uv);
    uv_timer_start(&timer->uv, on_tick, first_ms, period_ms);
    return ERR_OK;
}

static void close_handle(uv_handle_t *handle, void *context)
{
    (void)context;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

void net_loop_destroy(struct net_loop *loop)
{
    if (!loop)
        return;
    loop->destroying = true;
    uv_walk(&loop->uv, close_handle, NULL);
    while (uv_run(&loop->uv, UV_RUN_DEFAULT) != 0)
        continue;
    ASSERT(uv_loop_close(&loop->uv) == 0);
    net_watch_close_all(loop);
    for (struct net_group *g = loop->group, *next; g; g = next) {
        next = g->next;
        g->release(g);
    }
    memory_release(loop, 1, sizeof *loop);
}
