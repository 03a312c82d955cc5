/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The issuer's authorisation switch.
 *
 * Purpose    Takes ISO 8583 requests from links, verifies the security code with an HSM, decides, writes code row, hold,
 *            authorisation and stored answer in one transaction, and answers only after the commit (switch.md 6).
 * Ownership  switch_create reserves everything; switch_destroy wipes and releases it. Reader, writer, HSM client, vault and links
 *            are the caller's. Reader and writer put what is done into queues of the switch: stop both before destroying it.
 * Threading  One loop thread for all calls. The writer thread touches only submitted batches. `wake` is called on the writer's
 *            thread and on the loop's.
 * Failure    A request is answered, or rejected by its format, or (if the outcome of its commit cannot be known) not answered at
 *            all, so that the network repeats it and meets the stored answer. A request that finds the ledger silent is answered
 *            96 after `store_ms`, as long as it is certain that nothing of it was written; one whose transaction is at the writer
 *            waits for it, however long that takes.
 * Limits     `slots` requests under way; above that DE39 91 at once. SWITCH_CHUNK_MAX requests share a transaction.
 * Stages     On the engine of flow/flow.h: claim, lookup, settle, judge, ask (HSM rounds, back to judge), decide, reply. Reads,
 *            questions and transactions of a batch go out together. After a conflict a request goes back to lookup.
 *
 * Example
 *     TRY(switch_create(&config, &core));
 *     switch_receive(core, link, peer, payload);     // for each frame of the turn
 *     next_us = switch_turn(core);                   // from the loop's turn hook
 */
#ifndef SWITCH_SWITCH_H
#define SWITCH_SWITCH_H

#include "base/env.h"
#include "crypto/vault.h"
#include "hostcmd/client.h"
#include "hostcmd/layout/layout.h"
#include "net/net.h"
#include "store/reader.h"
#include "store/writer.h"
#include "switch/link.h"

enum { SWITCH_LINKS_MAX = 8, SWITCH_CHUNK_MAX = 64, SWITCH_READS_MAX = 8 };

struct switch_core;

struct switch_config {
    const struct env *env;
    struct store_reader *reader; /* with room for SWITCH_READS_MAX batches, one of the products and one of holds */
    struct store_writer *writer;
    struct hostcmd_client *hsm;
    const struct hostcmd_profile *layout; /* of scheme 5, as the HSMs have it; copied; NULL: countersign-5 */
    struct crypto_vault *vault;           /* PAN MACs */
    const struct switch_link *link;
    size_t link_count;
    /* A moment on the wall clock of a time zone, as if that were UTC; NULL: UTC. */
    int64_t (*local_ms)(void *zones, const char *timezone, int64_t wall_ms);
    void *zones;
    /* The KEY text of an HSM key name; NULL: not known. */
    const char *(*key)(void *context, const char *name);
    /* Sends one frame back. The bytes are wiped after the call. */
    void (*reply)(void *context, size_t link, struct net_peer peer, struct span frame);
    /* A frame that gets no answer. NULL: nobody wants to know. */
    void (*silent)(void *context, size_t link, struct net_peer peer);
    void (*wake)(void *context); /* a turn is wanted; any thread */
    void *context;
    uint32_t slots;
    uint32_t retain_h; /* hours that a repeat is known; 0 = 72 */
    uint32_t round_ms; /* HSM deadline of one question; 0 = 1,500 */
    uint32_t total_ms; /* of all questions of a request; 0 = 3,000 */
    uint32_t store_ms; /* that a request waits for a reading, or for rows or room at the writer; 0 = 1,500 */
};

MUST_USE enum err switch_create(const struct switch_config *config, struct switch_core **out);
void switch_destroy(struct switch_core *core);

/* One frame without its length. One that cannot be read is answered 30, or by nothing; it costs no other frame its answer. */
void switch_receive(struct switch_core *core, size_t link, struct net_peer peer, struct span payload);
/* Runs every stage on what has arrived. Returns the next deadline (monotonic us). */
int64_t switch_turn(struct switch_core *core);
/* Requests under way. */
size_t switch_pending(const struct switch_core *core);

/* The ledger answers: its last reading of the products succeeded. */
bool switch_store_up(const struct switch_core *core);
/* What the last reading of the products ended with. */
enum err switch_store_err(const struct switch_core *core);

struct switch_counters {
    uint64_t received, keepalives, rejected, busy, late, approved, declined, repeats, unavailable, conflicts, unanswered, reversals;
    uint64_t lapses;     /* holds whose time was over */
    uint64_t retentions; /* purges of what is older than every repeat */
};
struct switch_counters switch_counters(const struct switch_core *core);
void switch_metrics(const struct switch_core *core, struct buf *out);

/* ---- links on the network ---- */

struct switch_ports;
/* One server a link on the loop. They feed the core that is attached, whose reply hook calls switch_ports_reply. */
MUST_USE enum err switch_ports_open(struct net_loop *loop, const struct switch_link *link, size_t count, struct switch_ports **out,
                                    struct net_problem *problem);
void switch_ports_attach(struct switch_ports *ports, struct switch_core *core);
void switch_ports_reply(struct switch_ports *ports, size_t link, struct net_peer peer, struct span frame);
void switch_ports_silent(struct switch_ports *ports, size_t link, struct net_peer peer);
void switch_ports_close(struct switch_ports *ports);
uint16_t switch_ports_number(const struct switch_ports *ports, size_t link);

#endif
