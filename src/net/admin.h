/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The admin port of a service: three answers over HTTP/1.1.
 *
 * Purpose    GET /healthz (the process turns: 200 "ok"), GET /readyz (200 or 503), GET /metrics (Prometheus text: the
 *            service's own, and how long the turns of the loop are). Anything else 404, other methods 405.
 * Ownership  The loop owns it.
 * Threading  The loop's thread; hooks are called there and must not wait.
 * Failure    A request head above 4 KiB closes the connection.
 * Limits     16 connections; an answer up to 96 KiB. No secrets belong into metrics: labels are fixed texts.
 */
#ifndef NET_ADMIN_H
#define NET_ADMIN_H

#include "net/net.h"

struct net_admin;

struct net_admin_config {
    const char *listen;                              /* "ADDR:PORT" */
    bool (*ready)(void *context);                    /* NULL: always */
    void (*metrics)(void *context, struct buf *out); /* NULL: nothing of the service's own */
    void *context;
};

MUST_USE enum err net_admin_create(struct net_loop *loop, const struct net_admin_config *config, struct net_admin **out,
                                   struct net_problem *problem);
uint16_t net_admin_port(const struct net_admin *admin);

#endif
