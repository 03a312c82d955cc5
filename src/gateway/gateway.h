/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The merchant-side gateway: one pipeline, one record, one result vocabulary.
 *
 * Purpose    Takes payments through its faces (face.h), sends them to an acquirer link over ISO 8583, records them and answers. The
 *            core knows no face: an operation is a row that names its stages (path.c, pipeline.h), and a stage takes all that
 *            has arrived for it as one batch.
 * Ownership  The gateway owns its slots, links and workers. Faces, env, http, store writer and reader, vault and loop are the
 *            caller's and outlive it.
 * Threading  gateway_turn and everything it calls run on one thread, the loop's. RSA operations run on `gateway_config.workers`
 *            threads, writes on the store writer's; both come back through queues that wake the loop.
 * Failure    A request always gets exactly one answer. What went to the issuer and came to no known end is reversed: the reversal
 *            stands in the database, armed, before the authorisation leaves, and is disarmed in the transaction that records the
 *            outcome. A process that dies in between finds it at the next start.
 *            A store that does not answer costs the requests that need it: after store_ms they are answered "unavailable", and no
 *            outcome is told that is not stored. What they have written by then is undone as soon as the store answers again.
 * Limits     As many requests at a time as http has slots. An amount has at most 12 digits of minor units.
 * Secrets    Card number and code of a request live in locked pages, one entry an HTTP slot. The code is wiped when its ISO message
 *            has been handed to the link. Neither reaches the log, the metrics or the database; a PAN at rest is sealed.
 *
 * Example
 *     struct gateway_parts parts = {.env = &env, .http = http, .writer = writer, .reader = reader, .vault = vault,
 *                                     .loop = loop};
 *     TRY(gateway_create(&config, &parts, &gateway));
 *     for (;;) {
 *         int64_t deadline_us = gateway_turn(gateway);
 *         net_loop_run_once(loop, deadline_us);
 *     }
 */
#ifndef GATEWAY_GATEWAY_H
#define GATEWAY_GATEWAY_H

#include "acquirer/acquirer.h"
#include "base/buf.h"
#include "base/env.h"
#include "gateway/face.h"

#include <stdbool.h>
#include <stdint.h>

struct gateway;
struct http;
struct net_loop;
struct store_reader;
struct store_writer;
struct crypto_vault;

enum { GATEWAY_LINKS_MAX = 8, GATEWAY_NETWORKS_MAX = 4, GATEWAY_BINS_MAX = 64 };

/* One acquirer link: a client connection to a network or straight to the issuer's switch. */
struct gateway_link_config {
    struct acquirer_config link; /* its name is also the network's in answers and records */
    char source[24];             /* whose letters its code results are, card/result.h */
    int64_t fixed_milli;         /* cost of a payment: thousandths of a minor unit, ... */
    int64_t basis_points;
    int64_t ceiling_milli; /* ... and its ceiling; 0: none */
};

/* Cards whose number starts so may travel over these networks. */
struct gateway_bin {
    char prefix[9];
    char networks[48]; /* link names, comma-separated, the preferred brand first */
};

struct gateway_config {
    struct gateway_faces faces;
    char node[24]; /* names this process in claims; one process a name */
    struct gateway_link_config link[GATEWAY_LINKS_MAX];
    size_t link_count;
    struct gateway_bin bin[GATEWAY_BINS_MAX];
    size_t bin_count;
    char issued[256]; /* first digits of cards that a sandbox's own issuer issued, with blanks between: test values do not hold */
    uint32_t slots;   /* as http's */
    uint32_t workers; /* threads that decrypt */
    uint32_t key_workers;      /* threads that make keys */
    uint32_t keys_live;        /* encryption keys a merchant may have that are neither revoked nor expired */
    uint32_t keys_making;      /* and have made at a time, by this process */
    int64_t clock_window_ms;   /* Timestamp header: how far off, both ways */
    int64_t key_days;          /* life of an encryption key */
    int64_t reversal_first_ms; /* first repeat of an unanswered reversal */
    int64_t store_ms;          /* how long a request waits for the store */
};

struct gateway_parts {
    const struct env *env;
    struct http *http;
    struct store_writer *writer;
    struct store_reader *reader; /* the gateway calls its turn */
    struct crypto_vault *vault;
    struct net_loop *loop;
};

/* Reads merchants and keys, arms what an earlier process left behind, starts links and workers. */
MUST_USE enum err gateway_create(const struct gateway_config *config, const struct gateway_parts *parts, struct gateway **out);
/* Drains every queue once. Returns the monotonic time of the next deadline in microseconds. */
int64_t gateway_turn(struct gateway *gateway);
/* At least one link is signed on and the store answers. */
bool gateway_ready(const struct gateway *gateway);
/* Payments between accept and answer. */
size_t gateway_busy(const struct gateway *gateway);
/* Text exposition of the counters. */
void gateway_metrics(const struct gateway *gateway, struct buf *out);
void gateway_destroy(struct gateway *gateway);

#endif
