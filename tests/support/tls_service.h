/* SPDX-License-Identifier: Apache-2.0 */
/* An echo service over TLS in a thread of its own; "WHO?" is answered with the peer's identity. */
#ifndef SUPPORT_TLS_SERVICE_H
#define SUPPORT_TLS_SERVICE_H

#include "net/net.h"
#include "support/tls_peer.h"

#include <pthread.h>

enum { TLS_FRAME_MAX = 32768, TLS_LOG_SIZE = 16384 };

struct tls_service {
    struct env env;
    struct log log;
    struct net_loop *loop;
    struct net_server *server;
    pthread_t thread;
    bool stop;
    bool reload;
    enum err reloaded;
    struct net_problem problem;
    char said[TLS_LOG_SIZE];
};

/* The server alone, in no thread. */
enum err tls_service_open(struct tls_service *service, const struct net_tls_config *tls);
/* One at a time. */
struct tls_service *tls_service_start(struct net_tls_config tls);
/* Stops it and gives what it logged. */
const char *tls_service_finish(struct tls_service *service);
enum err tls_service_reload(struct tls_service *service);
/* `sent` as a frame is answered by `expected`. */
void tls_service_ask(struct tls_peer *peer, struct span sent, struct span expected);

#endif
