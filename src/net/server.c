/* SPDX-License-Identifier: Apache-2.0 */
#include "net/internal.h"
#include "net/stream/stream.h"

#include "base/arena.h"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

struct net_server {
    struct net_group group;
    uv_tcp_t listener;
    uint32_t *vacant; /* stack of unused slots */
    uint32_t vacant_count;
    uint32_t places;
    uint32_t handshakes;
    uint32_t per_address;
    uint32_t keepalive_s;
    int reserve;  /* a descriptor to accept with when there is no other */
    bool waiting; /* a connection is accepted by the event library and not by us: it accepts no more until then */
    uint16_t port;
    int64_t full_us; /* the second in which it was told */
};

enum {
    BACKLOG = 511,
    FILES_BESIDE = 64, /* what else a process has open */
    SPARE = 32,        /* slots whose handles are about to be closed */
    PROBE_S = 10,      /* of TCP keepalive, three times */
    PROBES = 3,
};

static struct net_server *server_of(struct net_group *g)
{
    return (struct net_server *)(void *)g;
}

static void on_closed_refused(uv_handle_t *handle)
{
    memory_library_free(handle);
}

/* Once a second: strangers decide how often it happens. */
static void tell(struct net_server *server, const char *event, const char *reason)
{
    int64_t second = net_loop_now_us(server->group.loop) / 1000000 + 1;
    if (server->full_us == second)
        return;
    server->full_us = second;
    net_loop_log(server->group.loop, LOG_WARN, event, &server->group, reason);
}

/* ---- who makes room ---- */

/* The oldest handshake, or the connection that is without a complete frame for longest; never one that waits for its answer. */
static struct net_stream *longest_idle(const struct net_group *g, enum net_state state, const uint8_t *from)
{
    struct net_stream *found = NULL;
    for (size_t i = 0; i < g->stream_count; i++) {
        struct net_stream *s = &g->stream[i];
        if (s->state != state || s->owed > 0 || s->limited || (from && memcmp(s->from, from, NET_ADDRESS_LEN) != 0))
            continue;
        if (!found || s->served_us < found->served_us)
            found = s;
    }
    return found;
}

/* True if one was closed. */
static bool evict(struct net_server *server, struct net_stream *s, const char *why)
{
    if (!s)
        return false;
    tell(server, "net.full", why);
    s->group->counters.evicted++;
    net_stream_kill(s);
    return true;
}

static bool over_files(const struct net_loop *loop)
{
    size_t open = 0;
    if (loop->files_max == SIZE_MAX)
        return false;
    for (const struct net_group *g = loop->group; g; g = g->next)
        open += g->is_server ? g->open + g->shaking + g->lingering : 0;
    return open >= loop->files_max;
}

static bool free_file(struct net_server *server)
{
    static const char why[] = "no descriptor is left: the longest idle connection was closed; raise RLIMIT_NOFILE";
    const struct net_group *own = &server->group;
    if (evict(server, longest_idle(own, NET_SHAKING, NULL), why) || evict(server, longest_idle(own, NET_OPEN, NULL), why))
        return true;
    for (const struct net_group *g = own->loop->group; g; g = g->next)
        if (g->is_server && evict(server, longest_idle(g, NET_OPEN, NULL), why))
            return true;
    return false;
}

/* For one more open connection. */
static bool open_room(struct net_group *g)
{
    struct net_server *server = server_of(g);
    if (g->open < server->places)
        return true;
    if (evict(server, longest_idle(g, NET_OPEN, NULL), "all connections are in use: the longest idle one was closed"))
        return true;
    g->counters.refused++;
    tell(server, "net.full", "all connections are in use and none is idle");
    return false;
}

static size_t of_address(const struct net_group *g, const uint8_t from[static NET_ADDRESS_LEN])
{
    size_t count = 0;
    for (size_t i = 0; i < g->stream_count; i++) {
        const struct net_stream *s = &g->stream[i];
        count += (s->state == NET_OPEN || s->state == NET_SHAKING) && memcmp(s->from, from, NET_ADDRESS_LEN) == 0;
    }
    return count;
}

static bool address_room(struct net_server *server, const uint8_t from[static NET_ADDRESS_LEN])
{
    static const char why[] = "an address has its share of the connections: its longest idle one was closed";
    struct net_group *g = &server->group;
    if (server->per_address == 0 || g->open + g->shaking < server->per_address || of_address(g, from) < server->per_address)
        return true;
    if (evict(server, longest_idle(g, NET_SHAKING, from), why) || evict(server, longest_idle(g, NET_OPEN, from), why))
        return true;
    g->counters.refused++;
    tell(server, "net.full", "an address has its share of the connections and none is idle");
    return false;
}

static bool shaking_room(struct net_server *server)
{
    static const char why[] = "all places of handshakes are in use: the oldest was closed";
    struct net_group *g = &server->group;
    return !g->tls || g->shaking < server->handshakes || evict(server, longest_idle(g, NET_SHAKING, NULL), why);
}

/* ---- accepting ---- */

static void address_of(const uv_tcp_t *tcp, uint8_t out[static NET_ADDRESS_LEN])
{
    struct sockaddr_storage address;
    int len = sizeof address;
    memset(out, 0, NET_ADDRESS_LEN);
    if (uv_tcp_getpeername(tcp, (struct sockaddr *)&address, &len) != 0)
        return;
    if (address.ss_family == AF_INET6)
        memcpy(out, &((struct sockaddr_in6 *)&address)->sin6_addr, NET_ADDRESS_LEN);
    else
        memcpy(out, &((struct sockaddr_in *)&address)->sin_addr, sizeof(struct in_addr));
}

/* A peer that vanished without a word is noticed, and with it answers that nobody takes. Refused by the system: no matter. */
static void keep_alive(const struct net_server *server, uv_tcp_t *tcp)
{
    uv_os_fd_t fd;
    int interval = PROBE_S, count = PROBES;
    unsigned unsent_ms = (server->keepalive_s + PROBE_S * PROBES) * 1000;
    if (server->keepalive_s == 0 || uv_tcp_keepalive(tcp, 1, server->keepalive_s) != 0 || uv_fileno((uv_handle_t *)tcp, &fd) != 0)
        return;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof count);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unsent_ms, sizeof unsent_ms);
}

/* Accepted and closed: left in the backlog it would wake the loop for ever. */
static void refuse(struct net_server *server)
{
    server->group.counters.refused++;
    uv_tcp_t *spare = memory_library_malloc(sizeof *spare);
    if (!spare)
        return;
    uv_tcp_init(&server->group.loop->uv, spare);
    if (uv_accept((uv_stream_t *)&server->listener, (uv_stream_t *)spare) != 0)
        tell(server, "net.accept", "accept failed");
    uv_close((uv_handle_t *)spare, on_closed_refused);
}

static void accept_one(struct net_server *server)
{
    struct net_group *g = &server->group;
    server->waiting = false;
    if (over_files(g->loop) && !free_file(server)) {
        tell(server, "net.full", "no descriptor is left and no connection is idle");
        refuse(server);
        return;
    }
    if (server->vacant_count == 0) {
        server->waiting = true; /* slot_gone goes on */
        return;
    }
    struct net_stream *s = &g->stream[server->vacant[--server->vacant_count]];
    uv_tcp_init(&g->loop->uv, &s->tcp);
    s->tcp.data = s;
    if (uv_accept((uv_stream_t *)&server->listener, (uv_stream_t *)&s->tcp) != 0) {
        s->state = NET_CLOSING;
        net_stream_kill(s);
        return;
    }
    address_of(&s->tcp, s->from);
    if (!address_room(server, s->from) || !shaking_room(server)) {
        s->state = NET_CLOSING;
        net_stream_kill(s);
        return;
    }
    keep_alive(server, &s->tcp);
    net_stream_open(s);
}

static int reserve_file(const struct net_server *server)
{
    return fcntl(uv_backend_fd(&server->group.loop->uv), F_DUPFD_CLOEXEC, 0);
}

/* Without a descriptor accept fails again and again in the same turn. One is let go for it: what it accepts waits, and so do the
 * others, until there are descriptors again. */
static void out_of_files(struct net_server *server, int status)
{
    if (status != UV_EMFILE && status != UV_ENFILE) {
        tell(server, "net.accept", uv_strerror(status));
        return;
    }
    tell(server, "net.full", "no descriptor is left: raise RLIMIT_NOFILE");
    if (free_file(server))
        return;
    if (server->reserve >= 0) {
        close(server->reserve);
        server->reserve = -1;
        return;
    }
    net_loop_log(server->group.loop, LOG_ERROR, "net.accept", &server->group, "no descriptor is left: the port is closed");
    uv_close((uv_handle_t *)&server->listener, NULL);
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct net_server *server = listener->data;
    if (status < 0)
        out_of_files(server, status);
    else if (server->reserve < 0)
        server->waiting = true; /* server_tick goes on */
    else
        accept_one(server);
}

static void go_on(struct net_server *server)
{
    if (server->reserve < 0)
        server->reserve = reserve_file(server);
    if (server->waiting && server->reserve >= 0 && !uv_is_closing((uv_handle_t *)&server->listener))
        accept_one(server);
}

static void server_tick(struct net_group *g)
{
    go_on(server_of(g));
}

static void slot_gone(struct net_group *g, struct net_stream *s)
{
    struct net_server *server = server_of(g);
    ASSERT(server->vacant_count < g->stream_count && s->slot < g->stream_count);
    server->vacant[server->vacant_count++] = s->slot;
    if (!g->loop->destroying && !g->loop->draining)
        go_on(server);
}

static void server_release(struct net_group *g)
{
    struct net_server *server = server_of(g);
    size_t slots = g->stream_count;
    net_group_release(g);
    if (server->reserve >= 0)
        close(server->reserve);
    memory_release(server->vacant, slots, sizeof(uint32_t));
    memory_release(server, 1, sizeof *server);
}

/* ---- life ---- */

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

/* The usual limit of 1,024 open files is less than the connections of one port. Where the system does not give more, the servers of
 * the loop share what there is. */
static void allow_files(struct net_server *server, rlim_t connections)
{
    struct net_loop *loop = server->group.loop;
    struct rlimit files;
    loop->files += connections;
    loop->files_max = SIZE_MAX;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0)
        return;
    rlim_t wanted = loop->files + FILES_BESIDE;
    if (files.rlim_cur >= wanted)
        return;
    struct rlimit more = {files.rlim_max < wanted ? files.rlim_max : wanted, files.rlim_max};
    if (setrlimit(RLIMIT_NOFILE, &more) == 0)
        files = more;
    if (files.rlim_cur >= wanted)
        return;
    loop->files_max = files.rlim_cur > 2 * FILES_BESIDE ? files.rlim_cur - FILES_BESIDE : files.rlim_cur / 2;
    net_loop_log(loop, LOG_WARN, "net.files", &server->group,
                 "fewer files may be open than there are connections: raise RLIMIT_NOFILE (LimitNOFILE= of the unit)");
}

static enum err reserve(struct net_server *server, const struct net_server_config *config, struct net_problem *problem)
{
    uint32_t slots = net_server_slots(config);
    TRY(net_group_reserve(&server->group, slots, problem));
    void *vacant = NULL;
    enum err err = memory_reserve(slots, sizeof(uint32_t), &vacant);
    if (err != ERR_OK) {
        net_group_release(&server->group);
        return err;
    }
    server->vacant = vacant;
    for (uint32_t i = slots; i > 0; i--)
        server->vacant[server->vacant_count++] = i - 1;
    return ERR_OK;
}

static uint32_t handshakes_of(const struct net_server_config *config)
{
    if (!config->tls)
        return 0;
    return config->handshakes ? config->handshakes : config->connections;
}

uint32_t net_server_slots(const struct net_server_config *config)
{
    return config->connections + handshakes_of(config) + SPARE;
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
                                       .turn_frames = config->turn_frames,
                                       .events = config->events,
                                       .is_server = true,
                                       .idle_ms = config->idle_ms,
                                       .frame_ms = config->frame_ms,
                                       .room = open_room,
                                       .tick = server_tick,
                                       .gone = slot_gone,
                                       .release = server_release};
    server->places = config->connections;
    server->handshakes = handshakes_of(config);
    server->per_address = config->per_address;
    server->keepalive_s = config->keepalive_s;
    server->reserve = -1;
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
    allow_files(server, config->connections + server->handshakes);
    server->reserve = reserve_file(server);
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

void net_server_kill(struct net_server *server, struct net_peer peer)
{
    struct net_stream *s = net_group_find(&server->group, peer);
    if (s)
        net_stream_kill(s);
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
