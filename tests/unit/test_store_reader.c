/* SPDX-License-Identifier: Apache-2.0 */
/* The reader on both engines: each batch comes back once, with its own answer or by its deadline, whatever the server does. */
#include "support/postgres.h"
#include "support/readers.h"

#include <libpq-fe.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

enum { ACCOUNTS = 200, SECOND_US = 1000000, LONG_US = 60 * SECOND_US };

/* Statements that a test needs and a service has not. */
enum { BALANCE, SLOW, MISSING, SUICIDE, TWO_COLUMNS, SPEND };
struct own {
    const char *id;
    int64_t ms, number;
};
static const struct store_member own_member[] = {STORE_MEMBER(STRING, struct own, "id", id),
                                                 STORE_MEMBER(INT, struct own, "ms", ms)};
static const struct store_member balance_member[] = {STORE_MEMBER(INT, struct own, "balance", number)};
static const struct store_member number_member[] = {STORE_MEMBER(INT, struct own, "number", number)};
static const struct store_shape takes = STORE_SHAPE(struct own, own_member);
static const struct store_shape balance = STORE_SHAPE(struct own, balance_member);
static const struct store_shape number = STORE_SHAPE(struct own, number_member);
static const struct store_row own_row[] = {
    {"BALANCE", STORE_ROW_READ, 0, NULL, &takes, &balance, "SELECT balance FROM account WHERE account_id = :id", ""},
    {"SLOW", STORE_ROW_READ, 0, NULL, &takes, &number,
     "SELECT CAST(7 AS BIGINT) AS number FROM pg_sleep(CAST(:ms AS DOUBLE PRECISION) / 1000)", ""},
    {"MISSING", STORE_ROW_READ, 0, NULL, &takes, &balance, "SELECT balance FROM nowhere WHERE account_id = :id", ""},
    {"SUICIDE", STORE_ROW_READ, 0, NULL, NULL, &number,
     "SELECT CAST(1 AS BIGINT) AS number FROM pg_terminate_backend(pg_backend_pid())", ""},
    {"TWO_COLUMNS", STORE_ROW_READ, 0, NULL, NULL, &balance, "SELECT balance, held FROM account", ""},
    {"SPEND", STORE_ROW_WRITE, 0, "id", &takes, NULL, "UPDATE account SET balance = 0 WHERE account_id = :id", ""},
};
static const struct store_set own_set = {.name = "own", .row = own_row, .count = sizeof own_row / sizeof own_row[0]};
static const struct store_set *const own[] = {&own_set, NULL};

/* One question. */
struct ask {
    struct store_batch batch;
    struct store_op op[2];
    struct own value[2];
    struct arena arena;
    char key[16];
    _Alignas(16) uint8_t room[1024];
};

static struct store_batch *ask_balance(struct readers *w, struct ask *a, int account)
{
    *a = (struct ask){0};
    snprintf(a->key, sizeof a->key, "a%d", account);
    a->value[0].id = a->key;
    a->op[0] = (struct store_op){.row = &own_row[BALANCE], .argument = a->value};
    a->arena = arena_over(a->room, sizeof a->room);
    a->batch = (struct store_batch){.op = a->op, .count = 1, .arena = &a->arena, .done = &w->done, .context = a};
    return &a->batch;
}

static struct store_batch *ask_slow(struct readers *w, struct ask *a, int ms)
{
    ask_balance(w, a, 0);
    a->value[0].ms = ms;
    a->op[0].row = &own_row[SLOW];
    return &a->batch;
}

static struct store_batch *ask_plain(struct readers *w, struct ask *a, int statement)
{
    ask_balance(w, a, 1);
    a->op[0].row = &own_row[statement];
    return &a->batch;
}

static int64_t answer(const struct ask *a)
{
    assert_int_equal(a->batch.err, ERR_OK);
    assert_int_equal(a->op[0].rows.count, 1);
    return store_cell_int(&a->op[0].rows, 0, 0);
}

static void run_sql(const struct stores_fixture *f, const char *sql)
{
    uint8_t room[4096];
    struct arena arena = arena_over(room, sizeof room);
    const struct store_row row = {"SQL", STORE_ROW_WRITE, 0, NULL, NULL, NULL, sql, ""};
    const struct store_set set = {.name = "sql", .row = &row, .count = 1};
    const struct store_set *const sets[] = {&set, NULL};
    struct store *store = NULL;
    struct store_op op = {.row = &row};
    assert_int_equal(store_open(f->url, &f->env, sets, &store), ERR_OK);
    assert_int_equal(store_run(store, &(struct store_batch){.op = &op, .count = 1, .arena = &arena}), ERR_OK);
    store_close(store);
}

/* Account a<n> has the balance n. */
static void setup(struct readers *w, const struct stores_driver *driver, size_t cap, uint32_t silence_ms)
{
    stores_setup(&w->f, driver);
    run_sql(&w->f, "WITH RECURSIVE n (i) AS (SELECT CAST(0 AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i < 199) "
                   "INSERT INTO account (account_id, balance) SELECT 'a' || CAST(i AS TEXT), i FROM n");
    readers_open(w, own, cap, silence_ms);
}

static void teardown(struct readers *w)
{
    readers_close(w);
    stores_teardown(&w->f);
}

/* ---- answers ---- */

static void test_a_batch_comes_back_with_its_rows(void **state)
{
    static struct readers w;
    struct ask a;
    setup(&w, *state, 4, 0);
    readers_submit(&w, ask_balance(&w, &a, 42), LONG_US);
    readers_await(&w, 1);
    assert_int_equal(answer(&a), 42);
    assert_ptr_equal(w.last->context, &a);
    assert_true(store_reader_up(w.reader));
    assert_int_equal(store_reader_under_way(w.reader), 0);
    readers_submit(&w, ask_balance(&w, &a, 1000), LONG_US);
    readers_await(&w, 1);
    assert_int_equal(a.batch.err, ERR_OK);
    assert_int_equal(a.op[0].rows.count, 0);
    teardown(&w);
}

static void test_many_at_once_come_back_in_order(void **state)
{
    static struct readers w;
    static struct ask a[ACCOUNTS];
    setup(&w, *state, ACCOUNTS, 0);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < ACCOUNTS; i++)
            readers_submit(&w, ask_balance(&w, &a[i], i), LONG_US);
        for (int i = 0; i < ACCOUNTS; i++) {
            readers_await(&w, 1);
            assert_ptr_equal(w.last->context, &a[i]);
            assert_int_equal(answer(&a[i]), i);
        }
    }
    struct store_reader_counts counts = store_reader_counts(w.reader);
    assert_int_equal(counts.batches, 3 * ACCOUNTS);
    assert_int_equal(counts.failures, 0);
    teardown(&w);
}

static void test_a_batch_of_several_operations(void **state)
{
    static struct readers w;
    struct ask a;
    setup(&w, *state, 4, 0);
    ask_balance(&w, &a, 3);
    a.value[1].id = "a4";
    a.op[1] = (struct store_op){.row = &own_row[BALANCE], .argument = &a.value[1]};
    a.batch.count = 2;
    readers_submit(&w, &a.batch, LONG_US);
    readers_await(&w, 1);
    assert_int_equal(answer(&a), 3);
    assert_int_equal(store_cell_int(&a.op[1].rows, 0, 0), 4);
    teardown(&w);
}

static void test_a_write_is_refused(void **state)
{
    static struct readers w;
    struct ask a;
    setup(&w, *state, 4, 0);
    ask_balance(&w, &a, 3);
    a.op[1] = a.op[0];
    a.op[1].row = &own_row[SPEND];
    a.batch.count = 2;
    assert_int_equal(store_reader_submit(w.reader, &a.batch, LONG_US), ERR_INTERNAL);
    assert_int_equal(a.batch.at, 1);
    a.op[1].row = LEDGER_ROW(ACCOUNT_GET); /* of no set of this connection */
    assert_int_equal(store_reader_submit(w.reader, &a.batch, LONG_US), ERR_INTERNAL);
    assert_int_equal(a.batch.at, 1);
    void *none = NULL;
    assert_int_equal(queue_take(&w.done, &none, 1), 0);
    readers_submit(&w, ask_balance(&w, &a, 3), LONG_US);
    readers_await(&w, 1);
    assert_int_equal(answer(&a), 3);
    teardown(&w);
}

/* A failure stays with its batch. */
static void test_failures_of_one_batch(void **state)
{
    static struct readers w;
    struct ask before, bad, full, after;
    bool postgres = strcmp(((const struct stores_driver *)*state)->name, "postgres") == 0;
    setup(&w, *state, 8, 0);
    static const int statement[] = {MISSING, TWO_COLUMNS};
    for (int i = 0; i < 4; i++) { /* again, when it is known already */
        readers_submit(&w, ask_balance(&w, &before, 1), LONG_US);
        readers_submit(&w, ask_plain(&w, &bad, statement[i % 2]), LONG_US);
        ask_balance(&w, &full, 2);
        full.arena.used = full.arena.cap;
        readers_submit(&w, &full.batch, LONG_US);
        readers_submit(&w, ask_balance(&w, &after, 3), LONG_US);
        readers_await(&w, 4);
        assert_int_equal(answer(&before), 1);
        assert_int_equal(bad.batch.err, ERR_INTERNAL);
        assert_int_equal(full.batch.err, ERR_MEMORY);
        assert_int_equal(answer(&after), 3);
    }
    ask_plain(&w, &bad, BALANCE);
    bad.op[1] = bad.op[0];
    bad.op[1].row = &own_row[MISSING];
    bad.batch.count = 2;
    readers_submit(&w, &bad.batch, LONG_US);
    readers_await(&w, 1);
    assert_int_equal(bad.batch.err, ERR_INTERNAL);
    assert_int_equal(bad.batch.at, 1);
    assert_int_equal(store_reader_counts(w.reader).lost, 0);
    assert_int_equal(store_reader_counts(w.reader).connected, postgres ? 1 : 0);
    teardown(&w);
}

static void test_no_more_than_cap(void **state)
{
    enum { CAP = 3 };
    static struct readers w;
    struct ask a[CAP + 1];
    setup(&w, *state, CAP, 0);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < CAP; i++)
            readers_submit(&w, ask_balance(&w, &a[i], i), LONG_US);
        assert_int_equal(store_reader_submit(w.reader, ask_balance(&w, &a[CAP], 9), LONG_US), ERR_BUSY);
        readers_await(&w, CAP);
        for (int i = 0; i < CAP; i++)
            assert_int_equal(answer(&a[i]), i);
    }
    teardown(&w);
}

static void test_urls(void **state)
{
    struct env env = env_system(NULL);
    struct store_reader *reader = NULL;
    char longer[700] = "postgres:";
    (void)state;
    memset(longer + 9, 'a', sizeof longer - 10);
    const char *const bad[] = {"mysql:db", "postgres:host", longer};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(
            store_reader_open(&(struct store_reader_config){.url = bad[i], .env = &env, .sets = own, .cap = 1}, &reader),
            ERR_CONFIG);
    const char *no_place = "sqlite:/nowhere/file.db";
    assert_int_equal(store_reader_open(&(struct store_reader_config){.url = no_place, .env = &env, .sets = own, .cap = 1}, &reader),
                     STORE_ERR_FILE);
    store_reader_close(NULL);
}

/* ---- deadlines ---- */

static void test_a_late_answer_is_thrown_away(void **state)
{
    static struct readers w;
    struct ask slow, quick;
    setup(&w, *state, 4, 0);
    readers_submit(&w, ask_balance(&w, &quick, 5), LONG_US); /* connected */
    readers_await(&w, 1);
    readers_submit(&w, ask_slow(&w, &slow, 400), 50000);
    readers_submit(&w, ask_balance(&w, &quick, 6), LONG_US);
    readers_await(&w, 1);
    assert_ptr_equal(w.last->context, &slow);
    assert_int_equal(slow.batch.err, STORE_ERR_UNAVAILABLE);
    assert_false(store_reader_up(w.reader));
    struct ask untouched = slow; /* it is its owner's again */
    readers_await(&w, 1);
    assert_int_equal(answer(&quick), 6);
    assert_memory_equal(&untouched, &slow, sizeof slow);
    assert_true(store_reader_up(w.reader));
    struct store_reader_counts counts = store_reader_counts(w.reader);
    assert_int_equal(counts.late, 1);
    assert_int_equal(counts.discarded, 1);
    assert_int_equal(counts.lost, 0);
    teardown(&w);
}

/* All its processes stand still: who asks is answered by its deadline, and when they go on all is as before. */
static void test_a_frozen_server(void **state)
{
    enum { ASKED = 8 };
    static struct readers w;
    struct ask a[ASKED];
    for (uint32_t silence_ms = 200; silence_ms <= 60000; silence_ms *= 300) { /* given up within the time, and waited for */
        setup(&w, *state, ASKED, silence_ms);
        readers_submit(&w, ask_balance(&w, &a[0], 5), LONG_US);
        readers_await(&w, 1);
        postgres_freeze();
        for (int round = 0; round < 6; round++) {
            for (int i = 0; i < ASKED; i++)
                readers_submit(&w, ask_balance(&w, &a[i], i), 100000);
            readers_await(&w, ASKED);
            for (int i = 0; i < ASKED; i++)
                assert_int_equal(a[i].batch.err, STORE_ERR_UNAVAILABLE);
            assert_false(store_reader_up(w.reader));
        }
        readers_submit(&w, ask_balance(&w, &a[0], 7), LONG_US);
        postgres_thaw();
        readers_await(&w, 1);
        assert_int_equal(answer(&a[0]), 7);
        assert_true(store_reader_up(w.reader));
        assert_true(silence_ms == 200 ? store_reader_counts(w.reader).lost > 0 : store_reader_counts(w.reader).lost == 0);
        teardown(&w);
    }
}

/* ---- lost connections ---- */

static void test_a_cut_connection_is_opened_again(void **state)
{
    static struct readers w;
    struct ask a, slow;
    setup(&w, *state, 4, 0);
    for (int i = 0; i < 3; i++) {
        readers_submit(&w, ask_balance(&w, &a, i), LONG_US);
        readers_await(&w, 1);
        assert_int_equal(answer(&a), i);
        postgres_cut_connections();
    }
    /* Its answer is lost, so it is asked again. */
    readers_submit(&w, ask_slow(&w, &slow, 300), LONG_US);
    readers_submit(&w, ask_balance(&w, &a, 9), LONG_US);
    readers_drive(&w, 100);
    postgres_cut_connections();
    readers_await(&w, 2);
    assert_int_equal(answer(&slow), 7);
    assert_int_equal(answer(&a), 9);
    assert_true(store_reader_counts(w.reader).connected >= 4);
    teardown(&w);
}

static void test_a_batch_that_costs_the_connection(void **state)
{
    static struct readers w;
    struct ask deadly, a;
    setup(&w, *state, 4, 0);
    readers_submit(&w, ask_plain(&w, &deadly, SUICIDE), LONG_US);
    readers_await(&w, 1);
    assert_int_equal(deadly.batch.err, STORE_ERR_UNAVAILABLE);
    assert_int_equal(store_reader_counts(w.reader).lost, STORE_READER_TRIES);
    readers_submit(&w, ask_balance(&w, &a, 9), LONG_US);
    readers_await(&w, 1);
    assert_int_equal(answer(&a), 9);
    teardown(&w);
}

struct cutter {
    _Atomic bool stop;
};

static void *cut_now_and_then(void *context)
{
    struct cutter *c = context;
    while (!c->stop) {
        usleep(20000);
        postgres_cut_connections();
    }
    return NULL;
}

static void test_connections_cut_in_the_middle(void **state)
{
    enum { ASKED = 32, ROUNDS = 60 };
    static struct readers w;
    static struct ask a[ASKED];
    struct cutter cutter = {false};
    pthread_t thread;
    int fine = 0;
    setup(&w, *state, ASKED, 0);
    assert_int_equal(pthread_create(&thread, NULL, cut_now_and_then, &cutter), 0);
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < ASKED; i++)
            readers_submit(&w, ask_balance(&w, &a[i], i), LONG_US);
        readers_await(&w, ASKED);
        for (int i = 0; i < ASKED; i++) {
            assert_true(a[i].batch.err == ERR_OK || a[i].batch.err == STORE_ERR_UNAVAILABLE);
            if (a[i].batch.err == ERR_OK)
                assert_int_equal(answer(&a[i]), i);
            fine += a[i].batch.err == ERR_OK;
        }
    }
    cutter.stop = true;
    pthread_join(thread, NULL);
    assert_true(fine > ASKED * ROUNDS / 2);
    teardown(&w);
}

static void test_a_server_that_comes_back(void **state)
{
    static struct readers w;
    struct ask a, b;
    setup(&w, *state, 4, 0);
    readers_submit(&w, ask_balance(&w, &a, 1), LONG_US);
    readers_await(&w, 1);
    postgres_crash();
    readers_submit(&w, ask_balance(&w, &a, 2), 300000);
    readers_await(&w, 1);
    assert_int_equal(a.batch.err, STORE_ERR_UNAVAILABLE);
    assert_false(store_reader_up(w.reader));
    readers_submit(&w, ask_balance(&w, &b, 3), LONG_US);
    readers_drive(&w, 200);
    postgres_restart();
    readers_await(&w, 1);
    assert_int_equal(answer(&b), 3);
    assert_true(store_reader_up(w.reader));
    assert_true(store_reader_counts(w.reader).lost > 2);
    teardown(&w);
}

/* The first host takes connections and never says a word, the second does not exist, the third is the server. */
static void test_several_hosts(void **state)
{
    static struct readers w;
    struct ask a;
    char directory[] = "/tmp/countersign-mute.XXXXXX";
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    setup(&w, *state, 4, 0);
    readers_close(&w);
    assert_non_null(mkdtemp(directory));
    snprintf(address.sun_path, sizeof address.sun_path, "%s/.s.PGSQL.5432", directory);
    int mute = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(mute, (const struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(mute, 4), 0);
    char url[256], before[256];
    snprintf(url, sizeof url, "postgres:host=%s,/nowhere,%s %s", directory, postgres_socket(), strchr(w.f.url, ' '));
    memcpy(before, w.f.url, sizeof before);
    memcpy(w.f.url, url, sizeof url);
    readers_open(&w, own, 4, 150);
    readers_submit(&w, ask_balance(&w, &a, 8), LONG_US);
    readers_await(&w, 1);
    assert_int_equal(answer(&a), 8);
    assert_int_equal(store_reader_counts(w.reader).lost, 2);
    memcpy(w.f.url, before, sizeof before);
    teardown(&w);
    close(mute);
    unlink(address.sun_path);
    rmdir(directory);
}

/* ---- the end ---- */

static void test_what_is_under_way_comes_back_at_the_end(void **state)
{
    static struct readers w;
    struct ask a[3];
    for (int sent = 0; sent < 2; sent++) { /* waiting for the connection, and for an answer */
        setup(&w, *state, 4, 0);
        if (sent)
            readers_drive(&w, 200);
        for (int i = 0; i < 3; i++)
            readers_submit(&w, ask_slow(&w, &a[i], 2000), LONG_US);
        store_reader_close(w.reader);
        w.reader = NULL;
        void *item[4];
        assert_int_equal(queue_take(&w.done, item, 4), 3);
        for (int i = 0; i < 3; i++)
            assert_int_equal(a[i].batch.err, STORE_ERR_UNAVAILABLE);
        assert_int_equal(w.fd, -1);
        teardown(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(test_a_batch_comes_back_with_its_rows),
        ON_BOTH(test_many_at_once_come_back_in_order),
        ON_BOTH(test_a_batch_of_several_operations),
        ON_BOTH(test_a_write_is_refused),
        ON_BOTH(test_failures_of_one_batch),
        ON_POSTGRES(test_no_more_than_cap),
        cmocka_unit_test(test_urls),
        ON_POSTGRES(test_a_late_answer_is_thrown_away),
        ON_POSTGRES(test_a_frozen_server),
        ON_POSTGRES(test_a_cut_connection_is_opened_again),
        ON_POSTGRES(test_a_batch_that_costs_the_connection),
        ON_POSTGRES(test_connections_cut_in_the_middle),
        ON_POSTGRES(test_a_server_that_comes_back),
        ON_POSTGRES(test_several_hosts),
        ON_POSTGRES(test_what_is_under_way_comes_back_at_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
