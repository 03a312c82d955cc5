/* SPDX-License-Identifier: Apache-2.0 */
#include "support/pair.h"

#include "store/driver.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

enum { BLOCKED_US = 20000, STUCK_US = 20000000 };

struct pair_node pair_node[PAIR_NODES];
static const struct pair_fault *planted;

static void plant(const struct store *store, struct store_op *op)
{
    if (!planted || op->row != planted->guarded)
        return;
    op->row = planted->instead;
    op->statement = store_statements_find(&store->statements, op->row);
}

/* ---- nodes and their gates ---- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool gated;
static struct store_driver driver;
static const struct store_driver *real;

static struct pair_node *node_of(const struct store *store)
{
    return &pair_node[store == pair_node[1].writes];
}

/* The writer thread stands here until it is told to go. */
static struct pair_node *gate(const struct store *store, enum pair_place place)
{
    struct pair_node *n = node_of(store);
    pthread_mutex_lock(&lock);
    n->place = place;
    while (gated && !n->go)
        pthread_cond_wait(&changed, &lock);
    n->go = false;
    n->place = PAIR_AT_WORK;
    pthread_mutex_unlock(&lock);
    return n;
}

static void leave(struct pair_node *n, enum pair_place place, bool in_transaction)
{
    pthread_mutex_lock(&lock);
    n->place = place;
    n->in_transaction = in_transaction;
    pthread_mutex_unlock(&lock);
}

/* PostgreSQL sends BEGIN with the statements: no step of its own. */
static enum err gated_begin(struct store *store, bool writes)
{
    struct pair_node *n = writes && real == &store_sqlite ? gate(store, PAIR_BEFORE_BEGIN) : node_of(store);
    enum err err = real->begin(store, writes);
    leave(n, PAIR_AT_WORK, writes && err == ERR_OK);
    return err;
}

static enum err gated_perform(struct store *store, struct store_batch *const *batch, size_t count)
{
    (void)gate(store, PAIR_BEFORE_PERFORM);
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < batch[i]->count; j++)
            plant(store, &batch[i]->op[j]);
    return real->perform(store, batch, count);
}

static enum err gated_commit(struct store *store)
{
    struct pair_node *n = gate(store, PAIR_BEFORE_COMMIT);
    enum err err = real->commit(store);
    leave(n, err == ERR_OK ? PAIR_AT_REST : PAIR_AT_WORK, err != ERR_OK);
    return err;
}

static void gated_rollback(struct store *store)
{
    struct pair_node *n = gate(store, PAIR_BEFORE_ROLLBACK);
    real->rollback(store);
    leave(n, PAIR_AT_REST, false);
}

static struct store *connect(const struct stores_fixture *f)
{
    const struct store_set *const sets[] = {&ledger_set, planted ? planted->set : NULL, NULL};
    struct store *store = NULL;
    assert_int_equal(store_open(f->url, &f->env, sets, &store), ERR_OK);
    return store;
}

struct store *pair_writer(struct store *store, const struct env *env)
{
    struct pair_node *n = &pair_node[env == &pair_node[1].sim.writer_env];
    store_close(store);
    n->writes = connect(&n->sim.f);
    n->reads = connect(&n->sim.f);
    real = n->writes->driver;
    driver = *real;
    driver.begin = gated_begin;
    driver.perform = gated_perform;
    driver.commit = gated_commit;
    driver.rollback = gated_rollback;
    n->writes->driver = &driver;
    return n->writes;
}

bool pair_reads(const struct store_reader *reader, struct store_batch *batch)
{
    struct pair_node *n = &pair_node[reader == pair_node[1].sim.reader];
    if (!gated)
        return false;
    assert_true(n->read_count < PAIR_READS);
    n->read[n->read_count++] = batch;
    return true;
}

/* One statement of the reading: each has a snapshot of its own. */
static void read_step(struct pair_node *n)
{
    struct store_batch *batch = n->read[0];
    struct store_batch one = {.op = &batch->op[n->read_done], .count = 1, .arena = batch->arena};
    const struct store_row *row = one.op->row;
    if (planted && row == planted->guarded)
        one.op->row = planted->instead;
    assert_int_equal(store_run(n->reads, &one), ERR_OK);
    one.op->row = row;
    if (++n->read_done < batch->count)
        return;
    n->read_done = 0;
    memmove(n->read, n->read + 1, --n->read_count * sizeof n->read[0]);
    batch->err = ERR_OK;
    assert_int_equal(queue_put(batch->done, batch), ERR_OK);
}

/* ---- the scheduler ---- */

enum state { DONE, STOPPED, BLOCKED, BUSY };

static enum state look(struct pair_node *n, bool *in_transaction)
{
    pthread_mutex_lock(&lock);
    enum pair_place place = n->place;
    *in_transaction = n->in_transaction;
    pthread_mutex_unlock(&lock);
    if (n->read_count > 0 || place > PAIR_AT_WORK)
        return STOPPED;
    return switch_pending(n->sim.core) == 0 ? DONE : BUSY;
}

/* Lets both come to where only a step can help. A node that another's transaction holds up is known by the time it takes. */
static void settle(enum state state[PAIR_NODES], bool in_transaction[PAIR_NODES])
{
    unsigned waited_us = 0;
    for (;;) {
        for (size_t i = 0; i < PAIR_NODES; i++) {
            sim_turn(&pair_node[i].sim);
            state[i] = look(&pair_node[i], &in_transaction[i]);
        }
        bool busy = false, held = true;
        for (size_t i = 0; i < PAIR_NODES; i++) {
            busy = busy || state[i] == BUSY;
            held = held && (state[i] != BUSY || (state[!i] == STOPPED && in_transaction[!i]));
        }
        if (!busy)
            return;
        if (held && waited_us > BLOCKED_US)
            break;
        assert_true(waited_us < STUCK_US);
        (void)usleep(50);
        waited_us += 50;
    }
    for (size_t i = 0; i < PAIR_NODES; i++)
        state[i] = state[i] == BUSY ? BLOCKED : state[i];
}

/* SQLite has one writer: a second BEGIN would only wait. */
static bool enabled(const enum state state[PAIR_NODES], const bool in_transaction[PAIR_NODES], size_t i)
{
    if (state[i] != STOPPED)
        return false;
    return !(pair_node[i].read_count == 0 && pair_node[i].place == PAIR_BEFORE_BEGIN && in_transaction[!i]);
}

static void step(struct pair_node *n)
{
    if (n->read_count > 0) {
        read_step(n);
        return;
    }
    pthread_mutex_lock(&lock);
    n->place = PAIR_AT_WORK;
    n->go = true;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

bool pair_order_next(struct pair_order *o)
{
    while (o->len > 0 && o->choice[o->len - 1] == 1)
        o->len--;
    if (o->len == 0)
        return false;
    o->choice[o->len - 1] = 1;
    return true;
}

/* A reading and anything but a commit change places without effect. */
static bool matters(enum pair_place a, enum pair_place b)
{
    bool reads = a == PAIR_AT_REST || b == PAIR_AT_REST;
    return !reads || a == PAIR_BEFORE_COMMIT || b == PAIR_BEFORE_COMMIT;
}

/* The step that a stopped node is before; PAIR_AT_REST: a reading. */
static enum pair_place before(const struct pair_node *n)
{
    return n->read_count > 0 ? PAIR_AT_REST : n->place;
}

/*
 * Who goes on. Node 0 goes first, then the order in which node 1 does is tried. There node 0 sleeps until node 1 has done what
 * its step depends on: before that it would only give the orders that were tried.
 */
static size_t choose(struct pair_order *o, size_t *depth, const bool can[PAIR_NODES], bool asleep[PAIR_NODES])
{
    if (!can[0] || !can[1])
        return can[0] ? 0 : 1;
    if (asleep[0])
        return 1;
    assert_true(*depth < PAIR_CHOICES);
    if (*depth == o->len)
        o->choice[o->len++] = 0;
    size_t who = o->choice[(*depth)++];
    asleep[0] = who == 1;
    return who;
}

void pair_run(struct pair_order *o)
{
    enum state state[PAIR_NODES];
    bool in_transaction[PAIR_NODES], asleep[PAIR_NODES] = {false, false};
    for (size_t depth = 0;;) {
        settle(state, in_transaction);
        bool can[PAIR_NODES] = {enabled(state, in_transaction, 0), enabled(state, in_transaction, 1)};
        if (!can[0] && !can[1])
            break;
        size_t who = choose(o, &depth, can, asleep);
        asleep[0] = asleep[0] && who == 1 && !(state[0] == STOPPED && matters(before(&pair_node[0]), before(&pair_node[1])));
        step(&pair_node[who]);
    }
    assert_true(state[0] == DONE && state[1] == DONE);
}

void pair_gates(bool on)
{
    pthread_mutex_lock(&lock);
    gated = on;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

void pair_open(const struct stores_driver *store, const struct pair_fault *fault)
{
    planted = fault;
    pair_gates(false);
    sim_open_pair(&pair_node[0].sim, &pair_node[1].sim, store);
    for (size_t i = 0; i < PAIR_NODES; i++)
        pair_node[i].place = PAIR_AT_REST;
}

void pair_close(void)
{
    pair_gates(false);
    for (size_t i = PAIR_NODES; i-- > 0;) {
        sim_close(&pair_node[i].sim);
        store_close(pair_node[i].reads);
    }
}
