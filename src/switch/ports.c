/* SPDX-License-Identifier: Apache-2.0 */
/* Links on the network: one server each. */
#include "base/arena.h"
#include "switch/switch.h"

#include <string.h>

enum { READ_ROOM = 128 * 1024, WRITE_ROOM = 512 * 1024, CONNECTIONS = 1024, FRAME_MS = 10000, KEEPALIVE_S = 60, REPLY_ROOM = 128 };

struct port {
    struct switch_ports *ports;
    struct net_server *server;
    size_t link;
};
struct switch_ports {
    struct switch_core *core;
    struct port port[SWITCH_LINKS_MAX];
    size_t count;
};

static void frames(void *context, const struct net_frame *frame, size_t count)
{
    struct port *p = context;
    for (size_t i = 0; i < count; i++)
        switch_receive(p->ports->core, p->link, frame[i].peer, frame[i].payload);
}

enum err switch_ports_open(struct net_loop *loop, const struct switch_link *link, size_t count, struct switch_ports **out,
                           struct net_problem *problem)
{
    if (count > SWITCH_LINKS_MAX)
        return ERR_CONFIG;
    struct switch_ports *ports = NULL;
    TRY(memory_reserve(1, sizeof *ports, (void **)&ports));
    for (size_t i = 0; i < count; i++) {
        struct port *p = &ports->port[i];
        struct net_server_config config = {
            .name = link[i].id,
            .listen = link[i].config.listen,
            .framing = {.kind = NET_LEN2, .max = ISO8583_FRAME_MAX},
            .sizes = {.read = READ_ROOM, .write = WRITE_ROOM, .reply_room = REPLY_ROOM},
            .connections = link[i].config.max_connections ? (uint32_t)link[i].config.max_connections : CONNECTIONS,
            .per_address = (uint32_t)link[i].config.connections_per_address,
            .idle_ms = (uint32_t)link[i].config.idle_s * 1000,
            .frame_ms = FRAME_MS,
            .keepalive_s = link[i].config.keepalive ? KEEPALIVE_S : 0,
            .events = {.frames = frames, .context = p},
        };
        enum err err;

        p->ports = ports;
        p->link = i;
        err = net_server_create(loop, &config, &p->server, problem);
        if (err != ERR_OK) {
            switch_ports_close(ports);
            return err;
        }
        ports->count++;
    }
    *out = ports;
    return ERR_OK;
}

void switch_ports_attach(struct switch_ports *ports, struct switch_core *core)
{
    ports->core = core;
}

void switch_ports_reply(struct switch_ports *ports, size_t link, struct net_peer peer, struct span frame)
{
    /* A connection that is gone takes its answer with it: the network repeats and meets the stored one. */
    if (net_server_send(ports->port[link].server, peer, &frame, 1) == ERR_BUSY)
        net_server_close(ports->port[link].server, peer);
}

void switch_ports_silent(struct switch_ports *ports, size_t link, struct net_peer peer)
{
    net_server_waive(ports->port[link].server, peer);
}

void switch_ports_close(struct switch_ports *ports)
{
    memory_release(ports, 1, sizeof *ports);
}

uint16_t switch_ports_number(const struct switch_ports *ports, size_t link)
{
    return net_server_port(ports->port[link].server);
}
