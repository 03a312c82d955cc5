/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine of every service: stages as rows, a queue before each, one table of what is in flight.
 *
 * Purpose    A service is a list of stages. An item (a request) goes from stage to stage. A stage takes everything that waits
 *            before it as one batch, so that the questions, reads and writes of a batch go out together. An item that waits for
 *            the outside stands in the in-flight table until its answers are in or its deadline has passed.
 * Ownership  The caller gives the memory of the items (locked pages, where they hold secrets) and keeps it until flow_destroy.
 *            `struct flow_item` is the first member of an item. flow_take lends an item; FLOW_DONE gives it back: the engine calls
 *            `release`, which wipes it. A batch that a stage is given is borrowed for the call.
 * Threading  All calls on one thread, the loop's. What other threads finish comes back through a queue that a source drains.
 * Time       Monotonic microseconds of `env`. The engine has no clock of its own: a simulator gives a virtual one.
 * Verdicts   For each item of its batch a stage calls exactly one of
 *                flow_next   on to the next stage of the item's path
 *                flow_to     to a named stage, also back
 *                flow_wait   out of the queues, until everything that flow_await announced has arrived, or until the deadline;
 *                            then on to the next stage of its path
 *                flow_wait_at   the same, but it goes on at a named stage
 *                flow_done   finished
 *            An answer may arrive while the stage still runs: it counts. An item whose deadline passed goes on with `expired` set.
 *            What it still awaits may arrive later; it can be done only when nothing is awaited any more.
 * Failure    flow_take gives NULL when every item is in use: the service answers "busy". Nothing grows.
 * Limits     FLOW_STAGES_MAX stages, 2^24 items, 256 tickets an item.
 * Order      A turn calls the sources, then the stages in the order of their rows, and again while something moves, at most
 *            FLOW_ROUNDS times; then the sources that are marked `after`. A turn that has lasted FLOW_TURN_US ends after the batch
 *            that it is at, and the next one goes on at that stage. What is left waits for the next turn, which comes at once, so
 *            that the sockets are looked at in between.
 *
 * Example: two stages, one of which asks someone outside (compiled in tests/unit/test_flow_example.c)
 *     enum { ASK, ANSWER };
 *     static void ask(void *context, struct flow_item *const *item, size_t count)
 *     {
 *         struct service *s = context;
 *         for (size_t i = 0; i < count; i++) {
 *             flow_await(item[i]);
 *             question_send(s, flow_ticket(item[i], 0));
 *             flow_wait(item[i], flow_now_us(s->flow) + 500000);
 *         }
 *     }
 *     static void answer(void *context, struct flow_item *const *item, size_t count)
 *     {
 *         for (size_t i = 0; i < count; i++) {
 *             reply(context, item[i], item[i]->expired ? "no answer" : "here it is");
 *             if (item[i]->awaited > 0)
 *                 flow_wait_at(item[i], LEAVE, 0); // the answer still comes; it finds the item in its place
 *             else
 *                 flow_done(item[i]);
 *         }
 *     }
 *     static const struct flow_stage stages[] = {{"ask", ask}, {"answer", answer}, {"leave", leave}};
 */
#ifndef FLOW_FLOW_H
#define FLOW_FLOW_H

#include "base/buf.h"
#include "base/env.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FLOW_STAGES_MAX = 32, FLOW_SOURCES_MAX = 12, FLOW_ROUNDS = 8, FLOW_BATCH_MAX = 256, FLOW_TURN_US = 5000 };

#define FLOW_NEVER_US INT64_MAX
#define FLOW_PATH_ALL UINT32_MAX

struct flow;
struct flow_item;

/* Where an item is. */
enum flow_place { FLOW_FREE, FLOW_TAKEN, FLOW_QUEUED, FLOW_RUNNING, FLOW_WAITING };

enum flow_verdict { FLOW_UNDECIDED, FLOW_NEXT, FLOW_WAIT, FLOW_DONE };

/* The first member of what flows. A service reads `expired` and `awaited`; while the item is taken or waits it may link it by
 * `next`. The rest is the engine's. */
struct flow_item {
    struct flow_item *next;
    int64_t since_us;    /* queued since */
    int64_t deadline_us; /* while it waits; 0: none */
    uint32_t heap;       /* its place among the deadlines, from 1; 0: none */
    uint32_t index;
    uint32_t generation;
    uint32_t path;    /* bit a stage: those that flow_next stops at */
    uint32_t awaited; /* announced and not arrived */
    uint8_t stage;    /* the one it is in, or goes on at */
    uint8_t place;    /* enum flow_place */
    uint8_t verdict;  /* enum flow_verdict, while a stage runs */
    bool expired;     /* it came to this stage because its deadline passed */
    bool announced;   /* the stage that runs called flow_await for it, or found it awaited when it let it wait */
};

/* A stage. It gives every item of the batch a verdict. */
struct flow_stage {
    const char *name; /* of the metrics: lower case and underscores */
    void (*run)(void *context, struct flow_item *const *item, size_t count);
    size_t batch; /* most items a call; 0: FLOW_BATCH_MAX */
};

/* Something outside that brings items in or back, or wants to be called at a time: a queue, a client, a clock. */
struct flow_source {
    const char *name;
    /* Does what is due and returns when it wants to be called again at the latest; FLOW_NEVER_US: when something happens. */
    int64_t (*turn)(void *context, int64_t now_us);
    bool after; /* also after the last round: what the stages just gave it goes out in this turn */
};

struct flow_config {
    const char *name; /* of the service, in the metrics */
    const struct env *env;
    const struct flow_stage *stage;
    size_t stages;
    const struct flow_source *source;
    size_t sources;
    void *items; /* `count` items of `size` bytes, zeroed */
    size_t size;
    size_t count;
    /* The item is finished: wipe what stands behind its first member. */
    void (*release)(void *context, struct flow_item *item);
    void *context;
};

MUST_USE enum err flow_create(const struct flow_config *config, struct flow **out);
/* Items that are under way are not released: end them first. NULL is allowed. */
void flow_destroy(struct flow *flow);

/* ---- items ---- */

/* A free item; NULL: all are in use. */
struct flow_item *flow_take(struct flow *flow);
/* Puts a taken item before the first stage of its path at or behind `stage`. */
void flow_enter(struct flow *flow, struct flow_item *item, unsigned stage, uint32_t path);
/* Gives a taken item back that never entered. */
void flow_give_back(struct flow *flow, struct flow_item *item);

/* Names an item, and `part` of it, for a partner outside. A ticket of an item that was released finds nothing. */
uint64_t flow_ticket(const struct flow_item *item, uint8_t part);
struct flow_item *flow_find(struct flow *flow, uint64_t ticket, uint8_t *part);

/* One more answer will arrive for the item. */
void flow_await(struct flow_item *item);
/* One of them has arrived. True: it was the last, and the item goes on if it waits. */
bool flow_arrive(struct flow *flow, struct flow_item *item);

/* ---- verdicts, inside a stage ---- */

void flow_next(struct flow_item *item);
void flow_to(struct flow_item *item, unsigned stage);
/* deadline_us 0: none. With nothing awaited it goes on at the deadline: a pause; without a deadline as well it waits for
 * flow_resume. */
void flow_wait(struct flow_item *item, int64_t deadline_us);
void flow_wait_at(struct flow_item *item, unsigned stage, int64_t deadline_us);
void flow_done(struct flow_item *item);
/* The item that waits goes on now, for a reason that the service knows. */
void flow_resume(struct flow *flow, struct flow_item *item);

/* ---- the turn ---- */

/* One turn of the loop. Returns the next deadline; FLOW_NEVER_US: none. */
int64_t flow_turn(struct flow *flow);
/* The time of this turn. Outside of one: of the last. */
int64_t flow_now_us(const struct flow *flow);
/* Items in use. */
size_t flow_busy(const struct flow *flow);
/* Calls `visit` for every item in use. It may not end items. */
void flow_each(struct flow *flow, void (*visit)(void *context, struct flow_item *item), void *context);

/* ---- what operators ask ---- */

struct flow_counts {
    uint64_t items;   /* that a stage was given */
    uint64_t batches; /* calls */
    uint64_t largest; /* batch */
    uint64_t wait_us; /* of items in the queue, in all */
    uint64_t run_us;  /* of calls, in all */
    size_t queued;    /* now */
};
struct flow_counts flow_counts(const struct flow *flow, unsigned stage);
/* Text exposition, from the rows. */
void flow_metrics(const struct flow *flow, struct buf *out);

#endif
