/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The admin port of a service: three answers over HTTP/1.1.
 *
 * Purpose    GET /healthz (the process turns: 200 "ok"), GET /readyz (200 or 503), GET /metrics (Prometheus text). Anything else
 *            404, other methods 405.
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
    void (*metrics)(void *context, struct buf *out); /* NULL: an empty page */
    void *context;
};

MUST_USE enum err net_admin_create(struct net_loop *loop, const struct net_admin_config *config, struct net_admin **out,
                                   struct net_problem *problem);
uint16_t net_admin_port(const struct net_admin *admin);

/* ---- the Prometheus text format, version 0.0.4 ---- */

/* `name value` with its HELP and TYPE lines; kind is "counter" or "gauge". */
void net_metric(struct buf *out, const char *name, const char *help, const char *kind, int64_t value);

/* One name with several lines: the head once, then its values; kind is "counter", "gauge" or "histogram". */
struct net_label {
    const char *name;
    const char *value;
};
void net_metric_head(struct buf *out, const char *name, const char *help, const char *kind);
void net_metric_value(struct buf *out, const char *name, const struct net_label *label, size_t count, uint64_t value);

/* Times in microseconds, printed in seconds. `bucket` counts each time in the first bucket whose end it does not exceed; what is
 * longer than the last end stands in `count` alone. */
struct net_histogram {
    const uint32_t *end_us;
    const uint64_t *bucket;
    size_t buckets;
    uint64_t count;
    uint64_t sum_us;
};
void net_metric_histogram(struct buf *out, const char *name, const struct net_label *label, size_t count,
                          const struct net_histogram *histogram);

#endif
