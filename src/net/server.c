/* SPDX-License-Identifier: Apache-2.0 */
#include "net/internal.h"
#include "net/stream/stream.h"

#include "base/arena.h"

#include <string.h>
#include <sys/resource.h>

struct net_server {
    struct net_group group;
    uv_tcp_t listener;
    uint32_t *vacant; /* stack of unused slots */
    uint32_t vacant_count;
    uint16_t port;
    bool full; /* reported */
};

enum { BACKLOG = 511, FILES_BESIDE = 64 /* what else a process has open */ };

static struct net_server *server_of(struct net_group *g)
{
    return (struct net_server *)(void *)g;
}

static void slot_gone(struct net_group *g, struct net_stream *s)
{
    struct net_server *server = server_of(g);
    ASSERT(server->vacant_count < g->stream_count && s->slot < g->stream_count);
    server->vacant[server->vacant_count++] = s->slot;
    server->full = false;
}

static void server_release(struct net_group *g)
{
    struct net_server *server = server_of(g);
    size_t slots = g->stream_count;
    net_group_release(g);
    memory_release(server->vacant, slots, sizeof(uint32_t));
    memory_release(server, 1, sizeof *server);
}

static void on_closed_refused(uv_handle_t *handle)
{
    memory_library_free(handle);
}

/* Without a slot the connection is still accepted: left in the backlog it would wake the loop for ever. */
static void refuse(struct net_server *server)
{
    server->group.counters.refused++;
    if (!server->full)
        net_loop_log(server->group.loop, LOG_WARN, "net.full", &server->group, "all connection slots are in use");
    server->full = true;
    uv_tcp_t *spare = memory_library_malloc(sizeof *spare);
    if (!spare)
        return;
    uv_tcp_init(&server->group.loop->uv, spare);
    if (uv_accept((uv_stream_t *)&server->listener, (uv_stream_t *)spare) != 0)
        net_loop_log(server->group.loop, LOG_WARN, "net.accept", &server->group, "accept failed");
    uv_close((uv_handle_t *)spare, on_closed_refused);
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct net_server *server = listener->data;
    struct net_loop *loop = server->group.loop;
    if (status < 0) {
        net_loop_log(loop, LOG_WARN, "net.accept", &server->group, uv_strerror(status));
        return;
    }
    if (server->vacant_count == 0) {
        refuse(server);
        return;
    }
    struct net_stream *s = &server->group.stream[server->vacant[server->vacant_count - 1]];
    uv_tcp_init(&loop->uv, &s->tcp);
    s->tcp.data = s;
    server->vacant_count--;
    if (uv_accept(listener, (uv_stream_t *)&s->tcp) != 0) {
        s->state = NET_CLOSING;
        net_stream_kill(s);
        return;
    }
    net_stream_open(s);
}

static enum err listen_on(struct net_server *server, const struct net_server_config *config, struct net_problem *problem)
{
    struct sockaddr_storage address;
    TRY(net_address_resolve(config->listen, true, &address, problem));
    uv_tcp_init(&server->group.loop->uv, &server->listener);
    server->listener.data = server;
    server->group.listener = (uv_handle_t *)&server->listener;
    int status = uv_tcp_bind(&server->listener, (const struct sockaddr *)&address, 0);
    if (status == 0)
        status = uv_listen((uv_stream_t *)&server->listener, BACKLOG, on_connection);
    if (status != 0) {
        net_problem_set(problem, config->listen, uv_strerror(status));
        return ERR_SYSTEM;
    }
    int len = sizeof address;
    uv_tcp_getsockname(&server->listener, (struct sockaddr *)&address, &len);
    server->port = ntohs(address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&address)->sin6_port
                                                       : ((struct sockaddr_in *)&address)->sin_port);
    return ERR_OK;
}

/* The usual limit of 1,024 open files is less than the connections of one port. Where the system does not give more, connections
 * beyond it are refused as they come. */
static void allow_files(struct net_server *server, rlim_t connections)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0)
        return;
    rlim_t wanted = server->group.loop->files + connections + FILES_BESIDE;
    server->group.loop->files += connections;
    if (files.rlim_cur >= wanted)
        return;
    files.rlim_cur = files.rlim_max < wanted ? files.rlim_max : wanted;
    bool raised = setrlimit(RLIMIT_NOFILE, &files) == 0;
    if (!raised || files.rlim_cur < wanted)
        net_loop_log(server->group.loop, LOG_WARN, "net.files", &server->group,
                     "fewer files may be open than there are connections: raise RLIMIT_NOFILE (LimitNOFILE= of the unit)");
}

static enum err reserve(struct net_server *server, const struct net_server_config *config, struct net_problem *problem)
{
    TRY(net_group_reserve(&server->group, config->connections, problem));
    void *vacant = NULL;
    enum err err = memory_reserve(config->connections, sizeof(uint32_t), &vacant);
    if (err != ERR_OK) {
        net_group_release(&server->group);
        return err;
    }
    server->vacant = vacant;
    for (uint32_t i = config->connections; i > 0; i--)
        server->vacant[server->vacant_count++] = i - 1;
    return ERR_OK;
}

enum err net_server_create(struct net_loop *loop, const struct net_server_config *config, struct net_server **out,
                           struct net_problem *problem)
{
    void *at = NULL;
    enum err err = memory_reserve(1, sizeof(struct net_server), &at);
    if (err != ERR_OK) {
        if (config->events.released)
            config->events.released(config->events.context);
        return err;
    }
    struct net_server *server = at;
    server->group = (struct net_group){.name = config->name,
                                       .framing = config->framing,
                                       .sizes = config->sizes,
                                       .events = config->events,
                                       .is_server = true,
                                       .idle_ms = config->idle_ms,
                                       .gone = slot_gone,
                                       .release = server_release};
    if (config->tls)
        err = net_tls_create(config->tls, true, "", &server->group.tls, problem);
    if (err != ERR_OK)
        net_group_release(&server->group);
    else
        err = reserve(server, config, problem);
    if (err != ERR_OK) {
        memory_release(server, 1, sizeof *server);
        return err;
    }
    /* From here on the loop owns it, also after a failure: the handle is let go by the loop only. */
    net_loop_add(loop, &server->group);
    allow_files(server, config->connections);
    TRY(listen_on(server, config, problem));
    *out = server;
    return ERR_OK;
}

enum err net_server_send(struct net_server *server, struct net_peer peer, const struct span *part, size_t count)
{
    struct net_stream *s = net_group_find(&server->group, peer);
    return s ? net_stream_send(s, part, count) : ERR_CLOSED;
}

void net_server_waive(struct net_server *server, struct net_peer peer)
{
    struct net_stream *s = net_group_find(&server->group, peer);
    if (!s)
        return;
    s->owed -= s->owed > 0;
    if (net_stream_end_reached(s))
        net_stream_close(s);
}

void net_server_close(struct net_server *server, struct net_peer peer)
{
    struct net_stream *s = net_group_find(&server->group, peer);
    if (s)
        net_stream_close(s);
}

uint16_t net_server_port(const struct net_server *server)
{
    return server->port;
}

enum err net_server_tls_reload(struct net_server *server, struct net_problem *problem)
{
    return server->group.tls ? net_tls_reload(server->group.tls, problem) : ERR_OK;
}

size_t net_server_count(const struct net_server *server)
{
    return server->group.open;
}

void net_server_peer_name(const struct net_server *server, struct net_peer peer, char out[static 64])
{
    struct net_stream *s = net_group_find(&server->group, peer);
    struct sockaddr_storage address;
    int len = sizeof address;
    out[0] = 0;
    if (s && uv_tcp_getpeername(&s->tcp, (struct sockaddr *)&address, &len) == 0)
        net_address_text(&address, out);
}

void net_server_peer_identity(const struct net_server *server, struct net_peer peer, char out[static NET_IDENTITY_SIZE])
{
    const struct net_stream *s = net_group_find(&server->group, peer);
    out[0] = 0;
    if (s)
        memcpy(out, s->identity, NET_IDENTITY_SIZE);
}

struct net_counters net_server_counters(const struct net_server *server)
{
    return server->group.counters;
}
