/* SPDX-License-Identifier: Apache-2.0 */
#include "http/peers.h"

#include "base/arena.h"
#include "base/buf.h"

#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LOOK_MS = 250 };

static const char late_body[] =
    "{\"type\":\"urn:countersign:problem:request_timeout\",\"title\":\"the request was not complete in time\","
    "\"status\":408,\"code\":\"request_timeout\"}";

static void address_of(const struct sockaddr *address, uint8_t out[static HTTP_ADDRESS_LEN])
{
    memset(out, 0, HTTP_ADDRESS_LEN);
    if (address && address->sa_family == AF_INET)
        memcpy(out, &((const struct sockaddr_in *)(const void *)address)->sin_addr, 4);
    else if (address && address->sa_family == AF_INET6)
        memcpy(out, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr, HTTP_ADDRESS_LEN);
}

/* Whose first request, or whose body, is not complete. A connection that waits for its next request is none. */
static bool unfinished(const struct http_peer *p)
{
    return p->phase == HTTP_PEER_BODY || (p->phase == HTTP_PEER_HEAD && !p->served);
}

static void set_phase(struct http_peers *peers, struct http_peer *p, enum http_peer_phase phase)
{
    peers->unfinished -= unfinished(p);
    p->phase = phase;
    peers->unfinished += unfinished(p);
}

static void cut(struct http_peers *peers, struct http_peer *p)
{
    set_phase(peers, p, HTTP_PEER_CUT);
    (void)shutdown(p->fd, SHUT_RDWR);
}

/* Nothing of an answer was written yet, so the bytes of this one may stand there. Over TLS only its library could say them. */
static void cut_late(struct http_peers *peers, struct http_peer *p)
{
    uint8_t room[512];
    struct buf answer = buf_over(room, sizeof room);
    bool waits = unfinished(p);
    buf_put_text(&answer, "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nCache-Control: no-store\r\n"
                          "X-Content-Type-Options: nosniff\r\nContent-Type: application/problem+json\r\nContent-Length: ");
    buf_put_decimal(&answer, sizeof late_body - 1, 0);
    buf_put_text(&answer, "\r\n\r\n");
    buf_put_text(&answer, late_body);
    if (waits && !peers->tls && buf_done(&answer) == ERR_OK)
        (void)send(p->fd, answer.at, answer.len, MSG_DONTWAIT | MSG_NOSIGNAL); /* who does not take it is cut all the same */
    cut(peers, p);
}

/* ---- times ---- */

static int64_t limit_us(const struct http_peers *peers, const struct http_peer *p)
{
    if (p->phase == HTTP_PEER_BODY)
        return (int64_t)peers->body_ms * 1000;
    return ((int64_t)peers->head_ms + (p->served ? (int64_t)peers->idle_ms : 0)) * 1000;
}

static void look(struct http_peers *peers)
{
    int64_t now = env_monotonic_us(peers->env);
    for (uint32_t i = 0; i < peers->count; i++) {
        struct http_peer *p = &peers->peer[i];
        bool waits = p->phase == HTTP_PEER_HEAD || p->phase == HTTP_PEER_BODY;
        if (waits && now - p->since_us > limit_us(peers, p))
            cut_late(peers, p);
    }
}

static void *watch(void *context)
{
    struct http_peers *peers = context;
    struct pollfd end = {.fd = peers->end, .events = POLLIN};
    while (poll(&end, 1, LOOK_MS) <= 0) {
        pthread_mutex_lock(&peers->lock);
        look(peers);
        pthread_mutex_unlock(&peers->lock);
    }
    return NULL;
}

/* ---- places ---- */

/* One more has come. The oldest that is unfinished makes room: an honest request is complete long before it is the oldest. */
static void make_room(struct http_peers *peers, const uint8_t address[static HTTP_ADDRESS_LEN])
{
    struct http_peer *oldest = NULL, *own = NULL;
    uint32_t of_address = 0;
    if (peers->unfinished < peers->per_address && peers->unfinished < peers->most)
        return;
    for (uint32_t i = 0; i < peers->count; i++) {
        struct http_peer *p = &peers->peer[i];
        if (!unfinished(p))
            continue;
        if (!oldest || p->since_us < oldest->since_us)
            oldest = p;
        if (memcmp(p->address, address, HTTP_ADDRESS_LEN) != 0)
            continue;
        of_address++;
        if (!own || p->since_us < own->since_us)
            own = p;
    }
    if (own && of_address >= peers->per_address)
        cut(peers, own);
    else if (oldest && peers->unfinished >= peers->most)
        cut(peers, oldest);
}

static void come(struct http_peers *peers, struct MHD_Connection *connection, void **socket_context)
{
    const union MHD_ConnectionInfo *from = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const union MHD_ConnectionInfo *fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    uint8_t address[HTTP_ADDRESS_LEN];
    address_of(from ? from->client_addr : NULL, address);
    if (!fd || peers->vacant_count == 0)
        return; /* without a place it has the silence of libmicrohttpd for a limit */
    make_room(peers, address);
    struct http_peer *p = &peers->peer[peers->vacant[--peers->vacant_count]];
    *p = (struct http_peer){.fd = fd->connect_fd, .since_us = env_monotonic_us(peers->env)};
    memcpy(p->address, address, sizeof address);
    set_phase(peers, p, HTTP_PEER_HEAD);
    *socket_context = p;
}

static void leave(struct http_peers *peers, void **socket_context)
{
    struct http_peer *p = *socket_context;
    *socket_context = NULL;
    if (!p)
        return;
    set_phase(peers, p, HTTP_PEER_NONE);
    ASSERT(peers->vacant_count < peers->count);
    peers->vacant[peers->vacant_count++] = (uint32_t)(p - peers->peer);
}

void http_peers_notify(void *context, struct MHD_Connection *connection, void **socket_context,
                       enum MHD_ConnectionNotificationCode code)
{
    struct http_peers *peers = context;
    pthread_mutex_lock(&peers->lock);
    if (code == MHD_CONNECTION_NOTIFY_STARTED)
        come(peers, connection, socket_context);
    else
        leave(peers, socket_context);
    pthread_mutex_unlock(&peers->lock);
}

void http_peers_phase(struct http_peers *peers, struct MHD_Connection *connection, enum http_peer_phase phase)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct http_peer *p = info ? info->socket_context : NULL;
    if (!p)
        return;
    pthread_mutex_lock(&peers->lock);
    if (p->phase != HTTP_PEER_CUT) {
        set_phase(peers, p, HTTP_PEER_SERVED);
        p->served |= phase == HTTP_PEER_HEAD;
        p->since_us = env_monotonic_us(peers->env);
        set_phase(peers, p, phase);
    }
    pthread_mutex_unlock(&peers->lock);
}

/* ---- life ---- */

static void forget(struct http_peers *peers)
{
    if (peers->end >= 0)
        close(peers->end);
    pthread_mutex_destroy(&peers->lock);
    memory_release(peers->peer, peers->count, sizeof(struct http_peer));
    memory_release(peers->vacant, peers->count, sizeof(uint32_t));
    *peers = (struct http_peers){0};
}

enum err http_peers_create(struct http_peers *peers)
{
    void *at = NULL;
    peers->end = eventfd(0, EFD_CLOEXEC);
    pthread_mutex_init(&peers->lock, NULL);
    enum err err = peers->end < 0 ? ERR_SYSTEM : memory_reserve(peers->count, sizeof(struct http_peer), &at);
    peers->peer = at;
    at = NULL;
    if (err == ERR_OK)
        err = memory_reserve(peers->count, sizeof(uint32_t), &at);
    peers->vacant = at;
    for (uint32_t i = 0; err == ERR_OK && i < peers->count; i++)
        peers->vacant[peers->vacant_count++] = i;
    if (err == ERR_OK && pthread_create(&peers->watch, NULL, watch, peers) != 0)
        err = ERR_SYSTEM;
    if (err != ERR_OK)
        forget(peers);
    return err;
}

void http_peers_destroy(struct http_peers *peers)
{
    if (!peers->peer)
        return;
    enum err err = eventfd_write(peers->end, 1) == 0 ? ERR_OK : ERR_SYSTEM;
    ASSERT(err == ERR_OK);
    pthread_join(peers->watch, NULL);
    forget(peers);
}
