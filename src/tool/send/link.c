/* SPDX-License-Identifier: Apache-2.0 */
#include "tool/send/link.h"

#include "hostcmd/commands.h"

#include <stdio.h>

enum { ROOM = HOSTCMD_FRAME_MAX + 64, LEAST = 4, TICK_MS = 20 };

struct talk {
    const struct tool_send_call *call;
    struct net_loop *loop;
    struct net_client *client;
    struct buf *answer;
    struct net_problem *problem;
    int64_t began_us;
    int64_t sent_us;
    int64_t heard_us;
    bool done;
    enum err err;
};

static void end(struct talk *t, enum err err, const char *why)
{
    if (t->done)
        return;
    t->done = true;
    t->err = err;
    if (err != ERR_OK)
        (void)snprintf(t->problem->text, sizeof t->problem->text, "%s: %s", t->call->address, why);
    net_loop_stop(t->loop);
}

static void on_opened(void *context, struct net_peer peer)
{
    struct talk *t = context;
    (void)peer;
    t->sent_us = env_monotonic_us(t->call->env);
    enum err err = net_client_send(t->client, &t->call->payload, 1);
    if (err != ERR_OK)
        end(t, err, err_row(err)->text);
}

static void on_frames(void *context, const struct net_frame *frame, size_t count)
{
    struct talk *t = context;
    if (t->done || count == 0)
        return;
    t->heard_us = env_monotonic_us(t->call->env);
    buf_put_span(t->answer, frame[0].payload);
    end(t, buf_done(t->answer), "the answer is too long");
}

static void on_closed(void *context, struct net_peer peer)
{
    (void)peer;
    end(context, ERR_CLOSED, "closed by the other side without an answer; is the header as long as the HSM expects?");
}

static void on_failed(void *context, const char *why)
{
    end(context, ERR_LINK_UNAVAILABLE, why);
}

static void on_tick(void *context)
{
    struct talk *t = context;
    if (env_monotonic_us(t->call->env) - t->began_us > (int64_t)t->call->wait_ms * 1000)
        end(t, ERR_TIMEOUT, t->sent_us > 0 ? "connected, but no answer in time" : "no connection in time");
}

static enum err run(struct talk *t)
{
    const struct net_client_config config = {
        .name = "send",
        .address = t->call->address,
        .framing = {NET_LEN2, LEAST, HOSTCMD_FRAME_MAX},
        .sizes = {ROOM, ROOM, 0},
        .tls = t->call->tls,
        .events = {.frames = on_frames, .opened = on_opened, .closed = on_closed, .failed = on_failed, .context = t},
    };
    TRY(net_client_create(t->loop, &config, &t->client, t->problem));
    TRY(net_loop_every(t->loop, TICK_MS, TICK_MS, on_tick, t));
    TRY(net_loop_run(t->loop));
    return t->err;
}

enum err tool_send_call(const struct tool_send_call *call, struct buf *answer, int64_t *elapsed_us, struct net_problem *problem)
{
    struct talk t = {
        .call = call, .answer = answer, .problem = problem, .began_us = env_monotonic_us(call->env), .err = ERR_CLOSED};
    const struct net_loop_config config = {.env = call->env};
    ASSERT(call->payload.len > 0);
    problem->text[0] = 0;
    TRY(net_loop_create(&config, &t.loop));
    enum err err = run(&t);
    t.done = true; /* closing the connection is no news */
    net_loop_destroy(t.loop);
    *elapsed_us = t.heard_us - t.sent_us;
    return err;
}
