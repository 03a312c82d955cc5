/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two nodes of the switch over one store that go on step by step, in an order that a test walks through.
 *
 * Steps      A node stops before each statement that it reads with, and before each part of a transaction. PostgreSQL sends
 *            BEGIN with the statements; SQLite lets a second BEGIN wait, so that is not tried. A node that a lock of the other
 *            holds up goes on by itself when the other has let go.
 * Linking    The program is linked with --wrap=store_writer_start and --wrap=store_reader_submit, and its wrappers ask pair_writer
 *            and pair_reads.
 */
#ifndef SUPPORT_PAIR_H
#define SUPPORT_PAIR_H

#include "support/sim.h"

enum { PAIR_NODES = 2, PAIR_READS = 8, PAIR_CHOICES = 64 };

enum pair_place { PAIR_AT_REST, PAIR_AT_WORK, PAIR_BEFORE_BEGIN, PAIR_BEFORE_PERFORM, PAIR_BEFORE_COMMIT, PAIR_BEFORE_ROLLBACK };

struct pair_node {
    struct sim sim;
    struct store *writes; /* the writer's connection */
    struct store *reads;
    struct store_batch *read[PAIR_READS];
    size_t read_count;
    size_t read_done;      /* statements of the first */
    enum pair_place place; /* of the writer thread */
    bool go;
    bool in_transaction;
};
extern struct pair_node pair_node[PAIR_NODES];

/* A statement that stands in for one of the ledger. */
struct pair_fault {
    const struct store_set *set; /* has `instead` */
    const struct store_row *instead, *guarded;
};

/* `fault` may be NULL; it stays until pair_close. */
void pair_open(const struct stores_driver *store, const struct pair_fault *fault);
void pair_close(void);
/* Open, the nodes run as they like. */
void pair_gates(bool shut);

/* The order that is tried: at each place where both nodes could go on, who did. */
struct pair_order {
    uint8_t choice[PAIR_CHOICES];
    size_t len;
};
/* Until both nodes are at rest. What the order does not say yet is added to it. */
void pair_run(struct pair_order *order);
/* The next that gives something else; false: all were tried. */
bool pair_order_next(struct pair_order *order);

/* For the wrappers: the connection that the writer gets instead; whether a reading is a step. */
struct store *pair_writer(struct store *store, const struct env *env);
bool pair_reads(const struct store_reader *reader, struct store_batch *batch);

#endif
