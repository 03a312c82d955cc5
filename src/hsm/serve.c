/* SPDX-License-Identifier: Apache-2.0 */
/* The HSM behind a TCP port: a batch of frames in, their answers in one write per connection. */
#include "hsm/serve.h"

#include "hsm/internal.h"

#include "base/arena.h"
#include "base/secret.h"

enum {
    READ_SIZE = 64 * 1024,
    WRITE_SIZE = 256 * 1024,
    TURN_FRAMES = HSM_ASK_MAX, /* of a connection: one that pipelines does not hold up the others */
    KEY_WEIGHT = 32,           /* frames that a command on keys counts for in a turn */
    REPLY_ROOM = 1200,         /* what a reply may be longer than its request: two keys of HOSTCMD_KEY_MAX */
    ADDRESS_SIZE = 64,
};

/* Who sits at a connection. */
struct seat {
    struct hsm_client client;
    uint32_t generation;
    uint32_t version; /* of the policy it was judged by */
    bool admitted;
    char identity[NET_IDENTITY_SIZE];
    char address[ADDRESS_SIZE];
};

struct port {
    struct hsm *hsm;
    struct net_server *server;
    uint8_t lmk; /* of this port */
    struct seat *seat;
    uint32_t seats;
    uint8_t reply[HSM_REPLY_MAX];
    struct hsm_ask ask[HSM_ASK_MAX];
};

enum { HANDSHAKES = 256, FRAME_MS = 10000 };

/* ---- connections ---- */

static void tell(struct port *port, const struct seat *seat, enum log_level level, const char *event)
{
    struct log *log = port->hsm->config.env->log;
    const struct log_field field[] = {LOG_TEXT("peer", seat->address), LOG_TEXT("client", seat->identity)};
    if (level == LOG_WARN)
        hsm_tell_limited(&port->hsm->tell, level, event, field, 2);
    else if (log && hsm_tell_admits(&port->hsm->tell, HSM_TELL_CONNECTIONS))
        log_write(log, level, event, field, 2);
}

static void judge(struct port *port, struct seat *seat, struct net_peer peer)
{
    const struct hsm_policy *policy = &port->hsm->policy;
    seat->version = port->hsm->policy_version;
    seat->admitted = hsm_policy_admits(policy, seat->identity, seat->address);
    seat->client =
        (struct hsm_client){.name = seat->identity, .lmk = port->lmk, .disabled = hsm_policy_disabled(policy, seat->identity)};
    if (seat->admitted)
        return;
    tell(port, seat, LOG_WARN, "hsm.plaintext_refused");
    net_server_close(port->server, peer);
}

static void on_opened(void *context, struct net_peer peer)
{
    struct port *port = context;
    ASSERT(peer.slot < port->seats);
    struct seat *seat = &port->seat[peer.slot];
    seat->generation = peer.generation;
    net_server_peer_identity(port->server, peer, seat->identity);
    net_server_peer_name(port->server, peer, seat->address);
    judge(port, seat, peer);
    if (seat->admitted)
        tell(port, seat, LOG_INFO, "hsm.connected");
}

static void on_closed(void *context, struct net_peer peer)
{
    struct port *port = context;
    struct seat *seat = &port->seat[peer.slot];
    if (seat->admitted)
        tell(port, seat, LOG_INFO, "hsm.disconnected");
    *seat = (struct seat){0};
}

/* ---- frames ---- */

/* NULL: the connection is not, or no longer, admitted, or gone. */
static const struct hsm_client *client_of(struct port *port, struct net_peer peer)
{
    struct seat *seat = &port->seat[peer.slot];
    if (seat->generation != peer.generation)
        return NULL;
    if (seat->version != port->hsm->policy_version)
        judge(port, seat, peer);
    return seat->admitted ? &seat->client : NULL;
}

static void answer(struct port *port, const struct net_frame *frame, size_t i)
{
    struct buf reply = buf_over(port->reply, sizeof port->reply);
    if (!client_of(port, frame->peer))
        return; /* let go within this batch */
    bool answered = hsm_answer_at(port->hsm, i, &reply) == ERR_OK;
    struct span part = buf_span(&reply);
    /* A peer that cannot be answered (too short a frame, or it is gone) is let go. */
    if (!answered || net_server_send(port->server, frame->peer, &part, 1) != ERR_OK)
        net_server_close(port->server, frame->peer);
    secret_wipe(port->reply, reply.len);
}

static void answer_some(struct port *port, const struct net_frame *frame, size_t count)
{
    ASSERT(count <= HSM_ASK_MAX);
    for (size_t i = 0; i < count; i++)
        port->ask[i] = (struct hsm_ask){.client = client_of(port, frame[i].peer), .payload = frame[i].payload};
    hsm_answer_begin(port->hsm, port->ask, count);
    for (size_t i = 0; i < count; i++)
        answer(port, &frame[i], i);
    if (hsm_answer_end(port->hsm) == ERR_OK)
        return;
    /* What stands in the write buffers must not leave: some of it are keys whose lines are not on the disk. */
    for (size_t i = 0; i < count; i++)
        net_server_kill(port->server, frame[i].peer);
}

static void on_frames(void *context, const struct net_frame *frame, size_t count)
{
    struct port *port = context;
    hsm_observe_begin(port->hsm->context.observe);
    for (size_t done = 0; done < count; done += HSM_ASK_MAX)
        answer_some(port, frame + done, count - done < HSM_ASK_MAX ? count - done : HSM_ASK_MAX);
    hsm_observe_end(port->hsm->context.observe);
}

/* Making and moving keys takes as long as many codes. */
static uint32_t weight_of(const struct hostcmd_row *row)
{
    return row && row->activity != HOSTCMD_OPEN ? KEY_WEIGHT : 1;
}

/* A chain is as much work as its commands: `frame` is one, from the code on. */
static uint32_t chain_weight(struct span frame, uint32_t header)
{
    enum { ITEMS_AT = HSM_CODE_LEN + 3, FLAG_AT = HSM_CODE_LEN };
    struct span rest = span_slice(frame, ITEMS_AT, SIZE_MAX), item;
    size_t before = frame.len > FLAG_AT && frame.at[FLAG_AT] == '1' ? header : 0;
    uint32_t sum = 1;
    while (sum < TURN_FRAMES && rest.len > 0 && wire_item_next(&rest, &item) == WIRE_OUTCOME_OK)
        sum += weight_of(hostcmd_find(span_slice(item, before, HSM_CODE_LEN)));
    return sum;
}

/* A chain of short commands may have long answers. */
static size_t room_of(void *context, struct span payload, uint32_t *weight)
{
    const struct port *port = context;
    struct span frame = span_slice(payload, port->hsm->config.header, SIZE_MAX);
    const struct hostcmd_row *row = hostcmd_find(span_slice(frame, 0, HSM_CODE_LEN));
    *weight = row && row->id == HOSTCMD_NK ? chain_weight(frame, port->hsm->config.header) : weight_of(row);
    return row && (row->flags & HOSTCMD_LARGE) ? HSM_REPLY_MAX : REPLY_ROOM;
}

static void on_released(void *context)
{
    struct port *port = context;
    memory_release(port->seat, port->seats, sizeof(struct seat));
    memory_release(port, 1, sizeof *port);
}

static enum err port_create(struct hsm *hsm, uint32_t connections, struct port **out)
{
    void *at = NULL, *seats = NULL;
    TRY(memory_reserve(1, sizeof(struct port), &at));
    enum err err = memory_reserve(connections, sizeof(struct seat), &seats);
    if (err != ERR_OK) {
        memory_release(at, 1, sizeof(struct port));
        return err;
    }
    *out = at;
    (*out)->hsm = hsm;
    (*out)->seat = seats;
    (*out)->seats = connections;
    return ERR_OK;
}

enum err hsm_serve(struct hsm *hsm, struct net_loop *loop, const struct hsm_serve_config *config, struct net_server **out,
                   struct net_problem *problem)
{
    struct port *port = NULL;
    struct net_server_config server = {
        .name = config->tls ? "host.tls" : "host",
        .listen = config->listen,
        .framing = {NET_LEN2, hsm->config.header + HSM_CODE_LEN, HOSTCMD_FRAME_MAX},
        .sizes = {READ_SIZE, WRITE_SIZE, REPLY_ROOM},
        .turn_frames = TURN_FRAMES,
        .connections = config->connections,
        .handshakes = config->connections < HANDSHAKES ? config->connections : HANDSHAKES,
        .per_address = config->per_address,
        .idle_ms = config->idle_ms,
        .frame_ms = FRAME_MS,
        .keepalive_s = config->keepalive_s,
        .events = {.frames = on_frames, .room = room_of, .opened = on_opened, .closed = on_closed, .released = on_released},
        .tls = config->tls};
    TRY(port_create(hsm, net_server_slots(&server), &port));
    port->lmk = config->lmk ? *config->lmk : hsm->config.lmk;
    server.events.context = port;
    TRY(net_server_create(loop, &server, &port->server, problem));
    *out = port->server;
    return ERR_OK;
}
