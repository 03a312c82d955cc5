/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of the gateway only. */
#ifndef GATEWAY_INTERNAL_H
#define GATEWAY_INTERNAL_H

#include "crypto/vault.h"
#include "gateway/claims.h"
#include "gateway/gateway.h"
#include "gateway/pipeline.h"
#include "gateway/reversal/reversal.h"
#include "store/reader.h"
#include "store/writer.h"

/* Store work that belongs to no payment. */
struct gateway_chore {
    const char *name;
    bool busy;
    int64_t next_us, began_us;
    struct store_batch batch;
    struct store_op op[6];
    struct gateway_sweep argument;
    struct arena arena;
    void (*stored)(struct gateway *g);
    enum err err; /* of the last one that came back */
};

struct gateway_counters {
    uint64_t requests, answers_2xx, answers_4xx, answers_5xx, authentication_failures, replays, approvals, declines, timeouts;
    uint64_t unrecognised, store_failures, store_late, busy;
};

/* Strangers cannot fill the log: so many lines a second, and the next one tells how many were left out. */
enum { GATEWAY_REFUSALS_TOLD = 20 };
struct gateway_refusals {
    int64_t second;
    unsigned told;
    uint64_t left_out;
};

/* Keys that wait for a thread, of all merchants. */
enum { GATEWAY_KEYS_QUEUED = 64 };

struct gateway {
    struct gateway_config config;
    struct gateway_parts parts;
    struct flow *flow;
    struct acquirer_link *link[GATEWAY_LINKS_MAX];
    enum card_source source[GATEWAY_LINKS_MAX]; /* whose letters a link's results are */
    struct gateway_merchants *merchants;
    struct gateway_keyring *keyring;
    struct gateway_claims *claims;
    struct gateway_workers *workers;
    struct gateway_reversals *reversals;
    struct gateway_slot *slot;
    size_t slots;              /* more than HTTP has requests: some wait without one */
    struct secret_pages pages; /* a struct gateway_slot_secret for each HTTP request */
    size_t secret_size;
    struct queue store_done; /* batches of slots */
    struct queue chore_done;
    struct gateway_chore reload, sweep, probe;
    struct gateway_counters counters;
    struct gateway_refusals refusals;
    uint32_t making[GATEWAY_MERCHANTS_MAX]; /* keys, by merchant */
};

static inline int64_t gateway_store_deadline_us(const struct gateway *g)
{
    return flow_now_us(g->flow) + g->config.store_ms * 1000;
}

/* As long as a signature must be remembered: its time may lie in the future by the window, and stays good for as long after. */
static inline int64_t gateway_signature_ms(const struct gateway *g)
{
    return 2 * g->config.clock_window_ms;
}

/* ---- chores.c ---- */
/* Before the loop runs: reads the merchants, gives up what an earlier process of this node left. */
MUST_USE enum err gateway_chores_load(struct gateway *g);
int64_t gateway_chores_turn(struct gateway *g, int64_t now_us);
/* The store has just been read and written: a probe that is overdue counts as failed. */
bool gateway_store_up(const struct gateway *g);
/* A request found the store failing: look at once. */
void gateway_store_doubt(struct gateway *g);
void gateway_chores_destroy(struct gateway *g);

#endif
