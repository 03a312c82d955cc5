/* SPDX-License-Identifier: Apache-2.0 */
/* Two nodes write the same rows in opposite orders: none waits for the other in a circle, and what was decided is what is there. */
#include "store/error.h"
#include "store/order.h"
#include "support/stores.h"

#include <libpq-fe.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { CARDS = 20, ROUNDS = 60, ROUNDS_MAX = 3000, NODES = 2, STATISTICS_TRIES = 100 };

enum { ADD, LOOK, CLAIM, MUST };
struct own {
    const char *id;
    int64_t amount, balance;
    const char *tenant, *face, *request_id, *node;
};
#define MEMBER(kind_, name_) STORE_MEMBER(kind_, struct own, #name_, name_)
static const struct store_member takes_member[] = {MEMBER(STRING, id),   MEMBER(INT, amount),        MEMBER(STRING, tenant),
                                                   MEMBER(STRING, face), MEMBER(STRING, request_id), MEMBER(STRING, node)};
static const struct store_member gives_member[] = {MEMBER(INT, balance)};
static const struct store_shape takes = STORE_SHAPE(struct own, takes_member);
static const struct store_shape gives = STORE_SHAPE(struct own, gives_member);
static const struct store_row own_row[] = {
    {"ADD", STORE_ROW_WRITE, 1, "id", &takes, NULL, "UPDATE account SET balance = balance + :amount WHERE account_id = :id", ""},
    {"LOOK", STORE_ROW_READ, 1, NULL, &takes, &gives, "SELECT balance FROM account WHERE account_id = :id", ""},
    {"CLAIM", STORE_ROW_WRITE, 2, "tenant face request_id", &takes, NULL,
     "UPDATE claim SET node = :node WHERE tenant = :tenant AND face = :face AND request_id = :request_id", ""},
    {"MUST", STORE_ROW_WRITE, 1, "id", &takes, NULL,
     "UPDATE account SET balance = :amount WHERE account_id = :id AND balance < :amount", ""},
};
static const struct store_set own_set = {.name = "own", .row = own_row, .count = sizeof own_row / sizeof own_row[0]};
static const struct store_set *const own_sets[] = {&own_set, NULL};

struct node {
    const struct stores_fixture *f;
    pthread_t thread;
    bool backwards;
    bool look; /* each batch reads as well: it keeps its own order */
    int rounds;
    _Atomic bool *stop;
};

/* One batch a card, or, to keep the order as it is, one batch of them all that reads first. */
static void write_round(struct store *store, const struct node *n)
{
    char id[CARDS][16];
    struct own value[CARDS];
    struct store_op op[CARDS + 1];
    struct store_batch batch[CARDS], *pointer[CARDS];
    uint8_t room[1024];
    struct arena arena = arena_over(room, sizeof room);
    for (int i = 0; i < CARDS; i++) {
        snprintf(id[i], sizeof id[i], "a%02d", n->backwards ? CARDS - i : i + 1);
        value[i] = (struct own){.id = id[i], .amount = 1};
        op[i + 1] = (struct store_op){.row = &own_row[ADD], .flags = STORE_MUST_CHANGE, .argument = &value[i]};
        batch[i] = (struct store_batch){.op = &op[i + 1], .count = 1};
        pointer[i] = &batch[i];
    }
    if (n->look) {
        op[0] = (struct store_op){.row = &own_row[LOOK], .argument = &value[0]};
        batch[0] = (struct store_batch){.op = op, .count = CARDS + 1, .arena = &arena};
    }
    size_t count = n->look ? 1 : CARDS;
    store_run_group(store, pointer, count);
    for (size_t i = 0; i < count; i++)
        if (batch[i].err != ERR_OK && !n->look) /* five deadlocks one after the other are too many */
            abort();
}

static void *write_all(void *context)
{
    const struct node *n = context;
    struct store *store = NULL;
    if (store_open(n->f->url, &n->f->env, own_sets, &store) != ERR_OK)
        abort();
    for (int i = 0; i < n->rounds && !*n->stop; i++)
        write_round(store, n);
    store_close(store);
    return NULL;
}

static int64_t number(PGconn *connection, const char *sql)
{
    PGresult *result = PQexec(connection, sql);
    assert_int_equal(PQresultStatus(result), PGRES_TUPLES_OK);
    int64_t value = PQntuples(result) == 1 ? atoll(PQgetvalue(result, 0, 0)) : -1;
    PQclear(result);
    return value;
}

/* What the server counted, once all the nodes' sessions have ended and told. */
static int64_t deadlocks(PGconn *connection)
{
    static const char others[] = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND "
                                 "backend_type = 'client backend'";
    for (int i = 0; i < STATISTICS_TRIES && number(connection, others) > 2; i++) /* the fixture's and this one stay */
        usleep(20000);
    usleep(100000);
    return number(connection, "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()");
}

static int64_t run_nodes(struct stores_fixture *f, PGconn *connection, bool look, int rounds)
{
    struct node node[NODES];
    _Atomic bool stop = false;
    for (int i = 0; i < NODES; i++) {
        node[i] = (struct node){.f = f, .backwards = i == 1, .look = look, .rounds = rounds, .stop = &stop};
        assert_int_equal(pthread_create(&node[i].thread, NULL, write_all, &node[i]), 0);
    }
    for (int i = 0; i < NODES; i++)
        pthread_join(node[i].thread, NULL);
    return deadlocks(connection);
}

static void fill(PGconn *connection)
{
    PGresult *result = PQexec(connection, "INSERT INTO account (account_id) SELECT 'a' || lpad(i::text, 2, '0') "
                                          "FROM generate_series(1, 20) AS i");
    assert_int_equal(PQresultStatus(result), PGRES_COMMAND_OK);
    PQclear(result);
}

static void test_opposite_orders_do_not_deadlock(void **state)
{
    struct stores_fixture f;
    stores_setup(&f, *state);
    PGconn *connection = PQconnectdb(f.url + sizeof "postgres:" - 1);
    fill(connection);
    assert_int_equal(run_nodes(&f, connection, false, ROUNDS), 0);
    assert_int_equal(number(connection, "SELECT min(balance) FROM account"), NODES * ROUNDS);
    assert_int_equal(number(connection, "SELECT max(balance) FROM account"), NODES * ROUNDS);
    /* The same writes in the order of the decisions do: the test can fail. */
    int64_t found = 0;
    for (int rounds = 0; found == 0 && rounds < ROUNDS_MAX; rounds += ROUNDS)
        found = run_nodes(&f, connection, true, ROUNDS);
    assert_true(found > 0);
    PQfinish(connection);
    stores_teardown(&f);
}

/* A batch that fails is the first of the group that does, though others were sent before it; the others are written. */
static void test_the_first_batch_that_fails_is_told(void **state)
{
    struct stores_fixture f;
    struct store *store = NULL;
    stores_setup(&f, *state);
    PGconn *connection = PQconnectdb(f.url + sizeof "postgres:" - 1);
    fill(connection);
    assert_int_equal(store_open(f.url, &f.env, own_sets, &store), ERR_OK);
    /* The first raises a02 to 5 and fails at a09; the second, which would fail behind the first alone, goes through. */
    const struct own first[2] = {{.id = "a02", .amount = 5}, {.id = "a09", .amount = 0}};
    const struct own second = {.id = "a02", .amount = 5};
    struct store_op op[3] = {{.row = &own_row[MUST], .flags = STORE_MUST_CHANGE, .argument = &first[0]},
                             {.row = &own_row[MUST], .flags = STORE_MUST_CHANGE, .argument = &first[1]},
                             {.row = &own_row[MUST], .flags = STORE_MUST_CHANGE, .argument = &second}};
    struct store_batch batch[2] = {{.op = op, .count = 2}, {.op = &op[2], .count = 1}};
    store_run_group(store, (struct store_batch *const[]){&batch[0], &batch[1]}, 2);
    assert_int_equal(batch[0].err, STORE_ERR_CONFLICT);
    assert_int_equal(batch[0].at, 1);
    assert_int_equal(batch[1].err, ERR_OK);
    assert_int_equal(number(connection, "SELECT balance FROM account WHERE account_id = 'a02'"), 5);
    store_close(store);
    PQfinish(connection);
    stores_teardown(&f);
}

/* ---- the order itself ---- */

static void test_the_order(void **state)
{
    struct store_order order = {0};
    struct store store = {.env = NULL};
    const struct own b = {.id = "b"}, a = {.id = "a"};
    const struct own z = {.tenant = "t", .face = "f", .request_id = "2"}, y = {.tenant = "t", .face = "f", .request_id = "10"};
    struct store_op op[] = {
        {.row = &own_row[CLAIM], .argument = &z}, {.row = &own_row[ADD], .argument = &b}, {.row = &own_row[MUST], .argument = &a},
        {.row = &own_row[CLAIM], .argument = &y}, {.row = &own_row[ADD], .argument = &a}, {.row = &own_row[LOOK], .argument = &a},
        {.row = &own_row[ADD], .argument = &a},
    };
    static const size_t expected[] = {2, 4, 1, 3, 0, 5, 6}; /* a as it came, b; "10" before "2"; what reads comes last */
    struct store_batch batch[] = {{.op = op, .count = 2}, {.op = &op[5], .count = 2}, {.op = &op[2], .count = 3}};
    const struct store_step *step = NULL;
    size_t count = 0;
    (void)state;
    assert_int_equal(store_statements_open(&store, own_sets), ERR_OK);
    for (size_t i = 0; i < sizeof op / sizeof op[0]; i++)
        op[i].statement = store_statements_find(&store.statements, op[i].row);
    assert_int_equal(store_order_open(&order), ERR_OK);
    struct store_batch *const group[] = {&batch[0], &batch[1], &batch[2]};
    assert_int_equal(store_order_steps(&order, &store, group, 3, &step, &count), ERR_OK);
    assert_int_equal(count, 7);
    for (size_t i = 0; i < count; i++)
        assert_ptr_equal(step[i].op, &op[expected[i]]);
    store_order_close(&order);
    store_statements_close(&store.statements);
}

/* A write of one row names its key; those without one walk a range. */
static void test_every_write_has_a_key(void **state)
{
    static const struct store_set *const set[] = {&ledger_set, &gateway_set};
    (void)state;
    for (size_t i = 0; i < sizeof set / sizeof set[0]; i++)
        for (size_t j = 0; j < set[i]->count; j++) {
            const struct store_row *row = &set[i]->row[j];
            bool range = !!strstr(row->sql, "_at < :");
            assert_true(!(row->flags & STORE_ROW_WRITE) || range || row->key);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_order),
        cmocka_unit_test(test_every_write_has_a_key),
        ON_POSTGRES(test_opposite_orders_do_not_deadlock),
        ON_POSTGRES(test_the_first_batch_that_fails_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
