/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gateway on one thread and one clock that the test moves: its requests, its links and its writer are functions of the test.
 *
 * Purpose    The same seed gives the same history. A write meets a fate; the process can die at any of them and comes back on the
 *            same database, while clients and network stay.
 * Writes     They are applied in the order of submission. One that stands still stops those behind it, as with the real writer.
 * Threading  One at a time. The program is linked with the --wrap options of GATEWAY_SIM in the Makefile.
 * Failure    Anything unexpected ends the program.
 */
#ifndef SUPPORT_GATEWAY_SIM_H
#define SUPPORT_GATEWAY_SIM_H

#include "support/gateway/network.h"
#include "support/rng.h"
#include "support/stores.h"

#include "gateway/gateway.h"
#include "net/net.h"

#include <stdatomic.h>

enum { GATEWAY_SIM_SLOTS = 16, GATEWAY_SIM_WRITES_MAX = 256, GATEWAY_SIM_STORE_MS = 2000, GATEWAY_SIM_TIMEOUT_MS = 1500 };
#define GATEWAY_SIM_USER "user"
#define GATEWAY_SIM_PASSWORD "a password"

enum gateway_sim_fate {
    GATEWAY_SIM_COMMITS,
    GATEWAY_SIM_DIES_BEFORE,  /* the process ends before the write */
    GATEWAY_SIM_DIES_BEHIND,  /* and behind it, before it can be told */
    GATEWAY_SIM_STANDS_STILL, /* applied when nobody waits for it any more */
    GATEWAY_SIM_LEARNS_LATE,  /* applied at once, told then */
    GATEWAY_SIM_UNAVAILABLE,  /* not applied, and told so */
    GATEWAY_SIM_LOST,         /* not applied; told that nobody knows */
    GATEWAY_SIM_DONE,         /* applied; told that nobody knows */
    GATEWAY_SIM_FULL,         /* the queue does not take it */
    GATEWAY_SIM_LIES,         /* of planted faults: not applied, told that it is */
    GATEWAY_SIM_FATES
};

struct gateway_sim_request {
    struct http_request http;
    char id[24], user[24], text[80];
    bool used, taken, replied;
    unsigned status;
    uint8_t room[1024];
    struct buf answer;
};

/* A link of the gateway, as the network sees it. */
struct net_client {
    struct net_events events;
    bool up, cut; /* `cut`: it does not come back */
    int64_t up_us;
};

struct gateway_sim {
    struct rng_world world;
    struct env env;
    struct stores_fixture f;
    struct store_reader *reader;
    struct crypto_vault *vault;
    struct gateway_config config; /* may be changed before the start */
    struct gateway *gateway;      /* NULL: the process has died */
    struct net_client client[GATEWAY_LINKS_MAX];
    size_t clients;
    struct network network;
    struct gateway_sim_request request[GATEWAY_SIM_SLOTS];
    struct gateway_sim_write {
        struct store_batch *batch;
        enum gateway_sim_fate fate;
        bool applied;
        int64_t due_us;
    } write[GATEWAY_SIM_WRITES_MAX]; /* under way, in order */
    size_t under_way;
    unsigned writes, starts;
    bool starting, dead;
    atomic_bool woken;
    int64_t next_us;
    /* The fate of the write number `n`; NULL: it commits. */
    enum gateway_sim_fate (*fate)(unsigned n);
    /* For planted faults; NULL: none. */
    void (*on_write)(struct store_batch *batch, enum gateway_sim_fate *fate);
    void (*on_frame)(struct gateway_sim *sim, size_t link, struct span frame);
};

/* Not started yet: one link "net" for all cards. */
void gateway_sim_open(struct gateway_sim *sim, uint64_t seed);
void gateway_sim_close(struct gateway_sim *sim);
/* The process ends now, and comes back at the next turn. */
void gateway_sim_kill(struct gateway_sim *sim);
/* The connection of a link is lost; it comes back after a second, unless it stays cut. */
void gateway_sim_cut(struct gateway_sim *sim, size_t link, bool stays);
/* What can happen now happens once. False: nothing could. */
bool gateway_sim_turn(struct gateway_sim *sim);
/* The clock goes on to whatever is next, at most to `latest_us`. */
void gateway_sim_pass(struct gateway_sim *sim, int64_t latest_us);
/* Turns for so long. */
void gateway_sim_run(struct gateway_sim *sim, int64_t for_us);
/* A payment by the plain face; NULL: there is no room, or nobody listens. */
struct gateway_sim_request *gateway_sim_pay(struct gateway_sim *sim, const char *id, const char *card, uint64_t amount);
/* The same, and runs until it is answered. The status; the text goes to `answer`. */
unsigned gateway_sim_paid(struct gateway_sim *sim, const char *id, uint64_t amount, char answer[static 64]);
/* A reply was read, or nobody waits for it any more. */
void gateway_sim_forget(struct gateway_sim_request *request);
/* Rows that a statement which counts gives for `state`. */
int64_t gateway_sim_count(struct gateway_sim *sim, const struct store_row *row, const char *state);

#endif
