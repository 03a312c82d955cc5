/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections whose request is not complete: total times, and how many of them one address may have. Inside the room.
 *
 * Purpose    libmicrohttpd limits the silence of a connection, so a byte now and then keeps it open for ever, and only its own
 *            threads may close one. A thread of the room looks after the times. It shuts a socket down, and libmicrohttpd closes
 *            the connection as if the peer had left.
 * Ownership  The server owns the places, one for each connection, reserved at start. The descriptor stays libmicrohttpd's.
 * Threading  Any; one lock. It also keeps a descriptor from being closed, and used again, while it is shut down.
 * Failure    A connection without a place has the silence of libmicrohttpd for its only limit.
 */
#ifndef HTTP_PEERS_H
#define HTTP_PEERS_H

#include "base/env.h"

#include <microhttpd.h>
#include <pthread.h>
#include <stdbool.h>

enum { HTTP_ADDRESS_LEN = 16 };
enum http_peer_phase {
    HTTP_PEER_NONE,
    HTTP_PEER_HEAD, /* its request line and headers are awaited */
    HTTP_PEER_BODY,
    HTTP_PEER_SERVED, /* its request is complete and the answer not sent */
    HTTP_PEER_CUT,    /* shut down; libmicrohttpd is about to close it */
};
struct http_peer {
    int64_t since_us; /* of the phase */
    int fd;
    enum http_peer_phase phase;
    bool served; /* had an answer before */
    uint8_t address[HTTP_ADDRESS_LEN];
};
struct http_peers {
    pthread_mutex_t lock;
    int end; /* readable when the watch must end */
    pthread_t watch;
    const struct env *env;
    bool tls;
    uint32_t head_ms, body_ms, idle_ms;
    uint32_t per_address, most; /* unfinished ones: of an address, and together */
    uint32_t unfinished, count, vacant_count;
    uint32_t *vacant;
    struct http_peer *peer;
};

/* The caller has set the environment, `tls`, the times, the limits and `count`. After a failure there is nothing to destroy. */
MUST_USE enum err http_peers_create(struct http_peers *peers);
void http_peers_destroy(struct http_peers *peers);
/* A callback of libmicrohttpd: a connection came or went. */
void http_peers_notify(void *context, struct MHD_Connection *connection, void **socket_context,
                       enum MHD_ConnectionNotificationCode code);
void http_peers_phase(struct http_peers *peers, struct MHD_Connection *connection, enum http_peer_phase phase);

#endif
