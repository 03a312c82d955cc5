/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store when the world fails: the n-th write of SQLite for every n, full disks, read-only files, locks held by others,
 * connections cut at random, a server that crashes, serialisation failures.
 */
#include "ledger/shapes.h"
#include "store/driver.h"
#include "store/error.h"
#include "store/writer.h"
#include "support/faulty_vfs.h"
#include "support/ledgers.h"
#include "support/postgres.h"

#include <errno.h>
#include <fcntl.h>
#include <libpq-fe.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { NOW = 1700000000, POOL = 3 };

/* Two accounts or none. */
static enum err insert_pair(struct store *store, int64_t n)
{
    struct ledger_account account[2];
    struct store_op op[2];
    for (int i = 0; i < 2; i++) {
        account[i] = (struct ledger_account){.currency = "036"};
        ledgers_card_id(n * 2 + i, account[i].account_id);
        op[i] = (struct store_op){.row = LEDGER_ROW(ACCOUNT_INSERT), .flags = STORE_MUST_CHANGE, .argument = &account[i]};
    }
    return store_run(store, &(struct store_batch){.op = op, .count = 2});
}

/* How many of the pair are there. */
static int count_pair(struct store *store, int64_t n)
{
    int found = 0;
    for (int64_t i = n * 2; i < n * 2 + 2; i++) {
        uint8_t room[2048];
        struct arena arena = arena_over(room, sizeof room);
        char id[LEDGER_ID];
        ledgers_card_id(i, id);
        const struct ledger_by_id key = {.id = id};
        struct store_op op = {.row = LEDGER_ROW(ACCOUNT_GET), .argument = &key};
        assert_int_equal(store_run(store, &(struct store_batch){.op = &op, .count = 1, .arena = &arena}), ERR_OK);
        found += (int)op.rows.count;
    }
    return found;
}

/* What was answered is what is there. */
static void check_pair(struct store *store, int64_t n, enum err answered)
{
    int found = count_pair(store, n);
    assert_true(found == 0 || found == 2);
    if (answered == ERR_OK)
        assert_int_equal(found, 2);
    else if (answered != STORE_ERR_UNKNOWN)
        assert_int_equal(found, 0);
}

/* ---- SQLite ---- */

static void fail_every_write(int code)
{
    struct stores_fixture f;
    int unknown = 0, unavailable = 0;
    stores_setup(&f, &stores_sqlite);
    for (int nth = 1;; nth++) {
        faulty_vfs_arm(nth, code);
        enum err err = insert_pair(f.store, nth);
        bool fired = faulty_vfs_fired();
        faulty_vfs_arm(0, 0);
        enum err told = code == SQLITE_FULL ? STORE_ERR_FULL : STORE_ERR_FILE;
        assert_true(err == ERR_OK || err == told || err == STORE_ERR_UNKNOWN);
        unknown += err == STORE_ERR_UNKNOWN;
        unavailable += err == told;
        /* Another process sees the same; and the connection goes on. */
        struct store *other = stores_connect(&f);
        check_pair(other, nth, err);
        store_close(other);
        assert_int_equal(insert_pair(f.store, 1000 + nth), ERR_OK);
        if (!fired)
            break;
    }
    assert_true(unavailable > 0);
    assert_true(code != SQLITE_IOERR_WRITE || unknown > 0); /* a sync that failed */
    stores_teardown(&f);
}

static void test_every_write_fails_once(void **state)
{
    (void)state;
    fail_every_write(SQLITE_IOERR_WRITE);
}

static void test_the_disk_is_full(void **state)
{
    (void)state;
    fail_every_write(SQLITE_FULL);
}

/* In a group, a failure of the commit is told to all, and none is half there. */
static void test_a_group_fails_as_one(void **state)
{
    struct stores_fixture f;
    (void)state;
    stores_setup(&f, &stores_sqlite);
    for (int nth = 1; nth < 8; nth++) {
        struct ledger_account account[POOL];
        struct store_op op[POOL];
        struct store_batch batch[POOL];
        struct store_batch *pointer[POOL];
        for (int i = 0; i < POOL; i++) {
            account[i] = (struct ledger_account){.currency = "036"};
            snprintf(account[i].account_id, sizeof account[i].account_id, "g%d_%d", nth, i);
            op[i] = (struct store_op){.row = LEDGER_ROW(ACCOUNT_INSERT), .argument = &account[i]};
            batch[i] = (struct store_batch){.op = &op[i], .count = 1};
            pointer[i] = &batch[i];
        }
        faulty_vfs_arm(nth, SQLITE_FULL);
        store_run_group(f.store, pointer, POOL);
        faulty_vfs_arm(0, 0);
        for (int i = 1; i < POOL; i++)
            assert_int_equal(batch[i].err, batch[0].err);
    }
    stores_teardown(&f);
}

/* As a user who may only read the file. */
static void test_a_read_only_file(void **state)
{
    struct stores_fixture f;
    (void)state;
    if (getuid() != 0)
        skip();
    stores_setup(&f, &stores_sqlite);
    store_close(f.store);
    f.store = NULL;
    assert_int_equal(chmod(stores_path(&f), 0444), 0);
    pid_t child = fork();
    if (child == 0) {
        struct store *store = NULL;
        if (setgid(65534) != 0 || setuid(65534) != 0)
            _exit(2);
        enum err err = store_open(f.url, &f.env, ledger_sets, &store);
        if (err == ERR_OK)
            err = insert_pair(store, 1);
        _exit(err == STORE_ERR_READ_ONLY ? 0 : 1);
    }
    int status = 0;
    waitpid(child, &status, 0);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    stores_teardown(&f);
}

static void test_a_file_that_is_no_database(void **state)
{
    struct env env = env_system(NULL);
    struct store *store = NULL;
    char path[] = "/tmp/countersign-rubbish.XXXXXX", url[64];
    (void)state;
    int file = mkstemp(path);
    for (int i = 0; i < 200; i++)
        assert_int_equal(write(file, "this is no database, only text. ", 32), 32);
    close(file);
    snprintf(url, sizeof url, "sqlite:%s", path);
    assert_int_equal(store_open(url, &env, ledger_sets, &store), STORE_ERR_DAMAGED);
    unlink(path);
}

/* ---- a process that is killed ---- */

/* Writes pairs without end and tells the number of each that was answered. */
static _Noreturn void write_until_killed(const struct stores_fixture *f, int tell, int64_t first)
{
    struct store *store = NULL;
    if (store_open(f->url, &f->env, ledger_sets, &store) != ERR_OK)
        _exit(1);
    for (int64_t n = first;; n++)
        if (insert_pair(store, n) != ERR_OK || write(tell, &n, sizeof n) != sizeof n)
            _exit(1);
}

/* At a random moment: what was answered is there, and nothing by half. */
static void test_a_killed_process(void **state)
{
    enum { KILLS = 12, EACH = 100000 };
    struct stores_fixture f;
    stores_setup(&f, *state);
    for (int64_t i = 0; i < KILLS; i++) {
        int ends[2];
        assert_int_equal(pipe(ends), 0);
        pid_t child = fork();
        if (child == 0)
            write_until_killed(&f, ends[1], i * EACH);
        close(ends[1]);
        int64_t answered = -1, n;
        assert_int_equal(read(ends[0], &answered, sizeof answered), sizeof answered);
        usleep(2000 + (useconds_t)(i * 1777 % 9000));
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        while (read(ends[0], &n, sizeof n) == sizeof n)
            answered = n;
        close(ends[0]);
        for (n = i * EACH; n <= answered; n++)
            check_pair(f.store, n, ERR_OK);
        check_pair(f.store, answered + 1, STORE_ERR_UNKNOWN);
        assert_int_equal(count_pair(f.store, answered + 2), 0);
    }
    stores_teardown(&f);
}

/* ---- locks held by others: both engines give up after some seconds ---- */

static void test_a_lock_held_by_another(void **state)
{
    struct stores_fixture f;
    stores_setup(&f, *state);
    assert_int_equal(insert_pair(f.store, 1), ERR_OK);
    if (f.url[0] == 's') {
        sqlite3 *db = NULL;
        assert_int_equal(sqlite3_open(stores_path(&f), &db), SQLITE_OK);
        assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
        assert_int_equal(insert_pair(f.store, 2), STORE_ERR_UNAVAILABLE);
        assert_int_equal(count_pair(f.store, 1), 2); /* readers go on */
        sqlite3_close(db);
    } else {
        PGconn *connection = PQconnectdb(f.url + sizeof "postgres:" - 1);
        PQclear(PQexec(connection, "BEGIN"));
        PQclear(PQexec(connection, "LOCK TABLE account IN EXCLUSIVE MODE"));
        assert_int_equal(insert_pair(f.store, 2), STORE_ERR_UNAVAILABLE);
        assert_int_equal(count_pair(f.store, 1), 2);
        PQfinish(connection);
    }
    assert_int_equal(insert_pair(f.store, 2), ERR_OK);
    stores_teardown(&f);
}

/* ---- PostgreSQL ---- */

static void test_a_cut_connection_is_opened_again(void **state)
{
    struct stores_fixture f;
    (void)state;
    stores_setup(&f, &stores_postgres);
    for (int i = 0; i < 3; i++) {
        postgres_cut_connections();
        assert_int_equal(insert_pair(f.store, i), ERR_OK); /* found dead before anything was written */
        postgres_cut_connections();
        assert_int_equal(count_pair(f.store, i), 2);
    }
    stores_teardown(&f);
}

struct cutter {
    _Atomic bool stop;
};

static void *cut_now_and_then(void *context)
{
    struct cutter *c = context;
    while (!c->stop) {
        usleep(15000);
        postgres_cut_connections();
    }
    return NULL;
}

/* Connections are cut in the middle of batches; each answer must agree with what is there. */
static void test_connections_cut_in_the_middle(void **state)
{
    enum { PAIRS = 600 };
    struct stores_fixture f;
    struct cutter cutter = {false};
    pthread_t thread;
    static enum err answered[PAIRS];
    (void)state;
    stores_setup(&f, &stores_postgres);
    assert_int_equal(pthread_create(&thread, NULL, cut_now_and_then, &cutter), 0);
    for (int i = 0; i < PAIRS; i++)
        answered[i] = insert_pair(f.store, i);
    cutter.stop = true;
    pthread_join(thread, NULL);
    int fine = 0;
    for (int i = 0; i < PAIRS; i++) {
        assert_true(answered[i] == ERR_OK || answered[i] == STORE_ERR_UNAVAILABLE || answered[i] == STORE_ERR_UNKNOWN);
        check_pair(f.store, i, answered[i]);
        fine += answered[i] == ERR_OK;
    }
    assert_true(fine > PAIRS / 2);
    stores_teardown(&f);
}

static void test_the_server_crashes(void **state)
{
    struct stores_fixture f;
    (void)state;
    stores_setup(&f, &stores_postgres);
    assert_int_equal(insert_pair(f.store, 1), ERR_OK);
    postgres_crash();
    assert_int_equal(insert_pair(f.store, 2), STORE_ERR_UNAVAILABLE);
    assert_int_equal(insert_pair(f.store, 2), STORE_ERR_UNAVAILABLE);
    assert_int_equal(store_migrate(f.store, &ledger_set), STORE_ERR_UNAVAILABLE);
    postgres_restart();
    assert_int_equal(count_pair(f.store, 1), 2); /* what was answered survived */
    assert_int_equal(insert_pair(f.store, 2), ERR_OK);
    stores_teardown(&f);
}

/* A commit that is answered by an error of the connection: the backend ends while it waits for a deferred trigger. */
static void test_a_commit_without_answer_is_unknown(void **state)
{
    static const char setup[] =
        "CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); "
        "RETURN NULL; END $$;"
        "CREATE CONSTRAINT TRIGGER dies AFTER INSERT ON account DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION die()";
    struct stores_fixture f;
    (void)state;
    stores_setup(&f, &stores_postgres);
    PGconn *connection = PQconnectdb(f.url + sizeof "postgres:" - 1);
    PGresult *result = PQexec(connection, setup);
    assert_int_equal(PQresultStatus(result), PGRES_COMMAND_OK);
    PQclear(result);
    assert_int_equal(insert_pair(f.store, 1), STORE_ERR_UNKNOWN);
    assert_int_equal(count_pair(f.store, 1), 0);
    PQclear(PQexec(connection, "DROP TRIGGER dies ON account"));
    PQfinish(connection);
    assert_int_equal(insert_pair(f.store, 1), ERR_OK);
    stores_teardown(&f);
}

/* ---- serialisation failures are repeated inside ---- */

enum { RIVALS = 4, ADDITIONS = 40 };
struct add {
    const char *id;
    int64_t amount, balance;
};
static const struct store_member add_member[] = {STORE_MEMBER(STRING, struct add, "id", id),
                                                 STORE_MEMBER(INT, struct add, "amount", amount)};
static const struct store_member balance_member[] = {STORE_MEMBER(INT, struct add, "balance", balance)};
static const struct store_shape add = STORE_SHAPE(struct add, add_member);
static const struct store_shape balance = STORE_SHAPE(struct add, balance_member);
static const struct store_row add_row[] = {
    {"READ_BALANCE", STORE_ROW_READ, 0, NULL, &add, &balance, "SELECT balance FROM account WHERE account_id = :id", ""},
    {"ADD", STORE_ROW_WRITE, 0, "id", &add, &balance,
     "UPDATE account SET balance = balance + :amount WHERE account_id = :id RETURNING balance", ""},
};
static const struct store_set add_set = {.name = "add", .row = add_row, .count = 2};
static const struct store_set *const add_sets[] = {&add_set, NULL};

static void *add_many(void *context)
{
    const struct stores_fixture *f = context;
    struct store *store = NULL;
    uint8_t room[1024];
    intptr_t fine = 0;
    if (store_open(f->url, &f->env, add_sets, &store) != ERR_OK)
        abort();
    for (int i = 0; i < ADDITIONS; i++) {
        struct arena arena = arena_over(room, sizeof room);
        const struct add one = {.id = "card_2", .amount = 1};
        struct store_op op[] = {{.row = &add_row[0], .argument = &one},
                                {.row = &add_row[1], .flags = STORE_MUST_CHANGE, .argument = &one}};
        enum err err = store_run(store, &(struct store_batch){.op = op, .count = 2, .arena = &arena});
        if (err != ERR_OK && err != STORE_ERR_UNAVAILABLE)
            abort();
        fine += err == ERR_OK;
    }
    store_close(store);
    return (void *)fine;
}

static void test_serialisation_failures(void **state)
{
    struct stores_fixture f;
    pthread_t thread[RIVALS];
    (void)state;
    stores_setup(&f, &stores_postgres);
    assert_int_equal(insert_pair(f.store, 1), ERR_OK); /* card_2 and card_3 */
    PGconn *connection = PQconnectdb(f.url + sizeof "postgres:" - 1);
    char sql[128];
    snprintf(sql, sizeof sql, "ALTER DATABASE %s SET default_transaction_isolation = 'serializable'", PQdb(connection));
    PQclear(PQexec(connection, sql));
    PQfinish(connection);
    int64_t fine = 0;
    for (int i = 0; i < RIVALS; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, add_many, &f), 0);
    for (int i = 0; i < RIVALS; i++) {
        void *own = NULL;
        pthread_join(thread[i], &own);
        fine += (intptr_t)own;
    }
    assert_true(fine >= RIVALS * ADDITIONS * 3 / 4); /* five tries are nearly always enough */
    struct ledger_unit get;
    struct ledger_account account;
    ledger_unit_begin(&get, 1, &f.arena);
    (void)ledger_get_account(&get, "card_2");
    assert_int_equal(ledger_unit_run(&get, f.store), ERR_OK);
    assert_true(ledger_take_account(&get, 0, &account));
    assert_int_equal(account.balance, fine);
    stores_teardown(&f);
}

/* ---- the writer tells each batch ---- */

static void test_the_writer_passes_failures_on(void **state)
{
    struct stores_fixture f;
    struct store_writer *writer = NULL;
    struct queue done;
    (void)state;
    stores_setup(&f, &stores_sqlite);
    assert_int_equal(queue_create(&done, 4, NULL, NULL), ERR_OK);
    assert_int_equal(store_writer_start(stores_connect(&f), &f.env, 4, &writer), ERR_OK);
    const struct ledger_account account = {.account_id = "w", .currency = "036"};
    struct store_op op = {.row = LEDGER_ROW(ACCOUNT_INSERT), .argument = &account};
    struct store_batch batch = {.op = &op, .count = 1, .done = &done, .context = &f};
    faulty_vfs_arm(1, SQLITE_FULL);
    assert_int_equal(store_writer_submit(writer, &batch), ERR_OK);
    void *item = NULL;
    assert_int_equal(queue_wait(&done, &item, 1), 1);
    assert_ptr_equal(item, &batch);
    assert_int_equal(batch.err, STORE_ERR_FULL);
    assert_int_equal(store_writer_counts(writer).failures, 1);
    store_writer_stop(writer);
    faulty_vfs_arm(0, 0);
    queue_destroy(&done);
    stores_teardown(&f);
}

int main(void)
{
    faulty_vfs_install();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_write_fails_once),
        cmocka_unit_test(test_the_disk_is_full),
        cmocka_unit_test(test_a_group_fails_as_one),
        cmocka_unit_test(test_a_read_only_file),
        cmocka_unit_test(test_a_file_that_is_no_database),
        ON_BOTH(test_a_killed_process),
        ON_BOTH(test_a_lock_held_by_another),
        cmocka_unit_test(test_a_cut_connection_is_opened_again),
        cmocka_unit_test(test_connections_cut_in_the_middle),
        cmocka_unit_test(test_the_server_crashes),
        cmocka_unit_test(test_a_commit_without_answer_is_unknown),
        cmocka_unit_test(test_serialisation_failures),
        cmocka_unit_test(test_the_writer_passes_failures_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
