/* SPDX-License-Identifier: Apache-2.0 */
/* The HSM behind a TCP port: a batch of frames in, their answers in one write per connection. */
#include "hsm/hsm_internal.h"
#include "hsm/observe.h"

#include "base/arena.h"
#include "base/secret.h"

enum {
    READ_SIZE = 64 * 1024,
    WRITE_SIZE = 256 * 1024,
    REPLY_ROOM = 1200, /* what a reply may be longer than its request: two keys of HOSTCMD_KEY_MAX */
    CODE_LEN = 2,
};

struct port {
    struct hsm *hsm;
    struct net_server *server;
    struct hsm_client client; /* what all its connections have in common */
    uint8_t reply[HSM_REPLY_MAX];
    struct hsm_ask ask[HSM_ASK_MAX];
};

static void answer(struct port *port, const struct net_frame *frame, size_t i)
{
    struct buf reply = buf_over(port->reply, sizeof port->reply);
    struct span part;
    bool answered = hsm_answer_at(port->hsm, i, &reply) == ERR_OK;
    part = buf_span(&reply);
    /* A peer that cannot be answered (too short a frame, or it is gone) is let go. */
    if (!answered || net_server_send(port->server, frame->peer, &part, 1) != ERR_OK)
        net_server_close(port->server, frame->peer);
    secret_wipe(port->reply, reply.len);
}

static void answer_some(struct port *port, const struct net_frame *frame, size_t count)
{
    for (size_t i = 0; i < count; i++)
        port->ask[i] = (struct hsm_ask){.client = &port->client, .payload = frame[i].payload};
    hsm_answer_begin(port->hsm, port->ask, count);
    for (size_t i = 0; i < count; i++)
        answer(port, &frame[i], i);
    hsm_answer_end(port->hsm);
}

static void on_frames(void *context, const struct net_frame *frame, size_t count)
{
    struct port *port = context;
    hsm_observe_begin(hsm_observe(port->hsm));
    for (size_t done = 0; done < count; done += HSM_ASK_MAX)
        answer_some(port, frame + done, count - done < HSM_ASK_MAX ? count - done : HSM_ASK_MAX);
    hsm_observe_end(hsm_observe(port->hsm));
}

/* A chain of short commands may have long answers. */
static size_t room_of(void *context, struct span payload)
{
    const struct port *port = context;
    const struct hostcmd_row *row = hostcmd_find(span_slice(payload, hsm_config(port->hsm)->header, CODE_LEN));
    return row && (row->flags & HOSTCMD_LARGE) ? HSM_REPLY_MAX : REPLY_ROOM;
}

static void on_released(void *context)
{
    memory_release(context, 1, sizeof(struct port));
}

enum err hsm_serve(struct hsm *hsm, struct net_loop *loop, const struct hsm_serve_config *config, struct net_server **out,
                   struct net_problem *problem)
{
    void *at = NULL;
    TRY(memory_reserve(1, sizeof(struct port), &at));
    struct port *port = at;
    port->hsm = hsm;
    port->client = (struct hsm_client){.name = "", .lmk = config->lmk ? *config->lmk : hsm_config(hsm)->lmk};
    struct net_server_config server = {.name = config->tls ? "host.tls" : "host",
                                       .listen = config->listen,
                                       .framing = {NET_LEN2, hsm_config(hsm)->header + CODE_LEN, HOSTCMD_FRAME_MAX},
                                       .sizes = {READ_SIZE, WRITE_SIZE, REPLY_ROOM},
                                       .connections = config->connections,
                                       .events = {.frames = on_frames, .room = room_of, .released = on_released, .context = port},
                                       .tls = config->tls};
    TRY(net_server_create(loop, &server, &port->server, problem));
    *out = port->server;
    return ERR_OK;
}
