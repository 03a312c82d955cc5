/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A campaign against two switches over one ledger, and its oracle.
 *
 * Purpose    Acquirers pay, repeat and reverse on both nodes while nodes and backends are killed. Each keeps what it was told.
 *            After every round the oracle holds that against the authorisations, the holds and the accounts.
 * Threading  torture_run has threads of its own; one campaign at a time.
 * Failure    What is wrong is printed, ten lines at most, and counted.
 */
#ifndef TORTURE_TORTURE_H
#define TORTURE_TORTURE_H

#include "support/lab.h"

#include <pthread.h>
#include <stdatomic.h>

enum {
    TORTURE_CARDS = 200, /* of each kind: static, then one-time */
    TORTURE_TELLERS = 12,
    TORTURE_ROW_MAX = 13
};

struct torture_plan {
    const char *binary; /* NULL: build/countersign */
    const char *url;    /* NULL: SQLite */
    uint64_t uses, kills, rounds, seed;
    bool quiet, json;
    bool hunt; /* ends with the first thing that is wrong */
};

/* One authorisation and all that was said of it. */
struct torture_purchase {
    uint32_t card;
    uint32_t serial; /* DE37, unique */
    uint32_t stan;
    int64_t amount;
    char de7[11];
    char terminal;
    char de39[3]; /* the last answer; empty: none came */
    char de38[7];
    bool approved; /* some answer said so */
    bool old;      /* of an earlier round: its stored answer is gone */
    bool undone;   /* a reversal in full was sent */
    int64_t least; /* given back for certain, if it was approved */
    int64_t most;  /* given back at most */
};

struct torture_teller {
    pthread_t thread;
    struct torture *torture;
    uint64_t dice;
    int fd[2];
    unsigned life[2]; /* of the node that the connection was opened to */
    struct torture_purchase *purchase;
    size_t count, cap;
};

struct torture {
    struct torture_plan plan;
    struct lab lab;
    char code[2 * TORTURE_CARDS][4];
    struct torture_teller teller[TORTURE_TELLERS];
    atomic_uint serial;
    atomic_uint faults;  /* that began or ended */
    atomic_bool down;    /* one is under way */
    atomic_uint life[2]; /* how often a node was killed */
    atomic_long left;    /* uses of this round */
    atomic_ulong sent, answered, silent, wrong;
    atomic_bool stopped;
};

/* Runs the campaign; how many things were wrong. */
uint64_t torture_run(const struct torture_plan *plan);

/* ---- teller.c ---- */
/* Uses codes until those of the round are spent. */
void *torture_teller_run(void *teller);

/* ---- oracle.c ---- */
/* All that was told, against all rows. */
void torture_oracle(struct torture *t);
void torture_wrong(struct torture *t, const struct torture_purchase *p, const char *what);
void torture_wrong_link(struct torture *t, size_t node, const char *what);

#endif
