/* SPDX-License-Identifier: Apache-2.0 */
/* A store that was emptied or replaced is refused at the start and not ready while it runs; so is one that cannot be written. */
#include "service/identity.h"
#include "store/error.h"
#include "store/health.h"
#include "support/faulty_vfs.h"
#include "support/stores.h"

#include <fcntl.h>
#include <libpq-fe.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* What another program does to the database. In SQLite it takes the lock first: a change that began as a look does not wait. */
static void sql(const struct stores_fixture *f, const char *text)
{
    if (strncmp(f->url, "sqlite:", 7) == 0) {
        sqlite3 *db = NULL;
        assert_int_equal(sqlite3_open(stores_path(f), &db), SQLITE_OK);
        sqlite3_busy_timeout(db, 5000);
        bool change = strncmp(text, "PRAGMA", 6) != 0;
        assert_int_equal(sqlite3_exec(db, change ? "BEGIN IMMEDIATE" : "", NULL, NULL, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_exec(db, change ? "COMMIT" : "", NULL, NULL, NULL), SQLITE_OK);
        sqlite3_close(db);
        return;
    }
    PGconn *connection = PQconnectdb(strchr(f->url, ':') + 1);
    PGresult *result = PQexec(connection, text);
    assert_int_equal(PQresultStatus(result), PGRES_COMMAND_OK);
    PQclear(result);
    PQfinish(connection);
}

/* ---- the start ---- */

struct starts {
    struct stores_fixture f;
    char dir[48], vault_path[64], file[64];
    const char *replaces;
    struct store_identity id;
    struct net_problem problem;
};

static void write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    (void)close(fd);
}

static void setup(struct starts *s, const struct stores_driver *driver)
{
    *s = (struct starts){.dir = "/tmp/countersign-identity.XXXXXX", .replaces = ""};
    stores_setup(&s->f, driver);
    assert_non_null(mkdtemp(s->dir));
    (void)snprintf(s->vault_path, sizeof s->vault_path, "%s/key", s->dir);
    write_file(s->vault_path, "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n");
}

static void teardown(struct starts *s)
{
    char command[80];
    stores_teardown(&s->f);
    (void)snprintf(command, sizeof command, "rm -r %s", s->dir);
    assert_int_equal(system(command), 0);
}

/* As a service does: the check, then the tables. */
static enum err start_over(struct starts *s, const struct stores_fixture *f)
{
    const struct service_identity_config config = {
        .url = s->f.url, .file = s->file, .replaces = s->replaces, .vault_path = s->vault_path, .set = ledger_sets[0]};
    struct service_identity file;
    struct store *store = NULL;
    s->problem.text[0] = 0;
    TRY(service_identity_open(&config, &file, &s->problem));
    assert_int_equal(store_open(f->url, &s->f.env, ledger_sets, &store), ERR_OK);
    enum err err = service_identity_check(&config, &file, store, &s->f.log, &s->id, &s->problem);
    service_identity_close(&file);
    if (err == ERR_OK)
        assert_int_equal(store_migrate(store, ledger_sets[0]), ERR_OK);
    store_close(store);
    return err;
}

static void a_store_that_was_there_is_remembered(void **state)
{
    struct starts s;
    setup(&s, *state);
    assert_int_equal(start_over(&s, &s.f), ERR_OK);
    const struct store_identity first = s.id;
    assert_int_equal(strlen(first.text), STORE_IDENTITY_LEN);
    assert_int_equal(start_over(&s, &s.f), ERR_OK);
    assert_string_equal(s.id.text, first.text);
    /* Emptied: rows, or tables. */
    sql(&s.f, "DELETE FROM store_identity");
    assert_int_equal(start_over(&s, &s.f), STORE_ERR_REPLACED);
    assert_non_null(strstr(s.problem.text, "store.url: the database is empty, or another one"));
    assert_non_null(strstr(s.problem.text, s.vault_path));
    assert_non_null(strstr(s.problem.text, first.text));
    assert_non_null(strstr(s.problem.text, "this one is new"));
    sql(&s.f, "DROP TABLE store_identity");
    assert_int_equal(start_over(&s, &s.f), STORE_ERR_REPLACED);
    /* Another identity does not help; its own does, once. */
    s.replaces = "0123456789ABCDEF0123456789ABCDEF";
    assert_int_equal(start_over(&s, &s.f), STORE_ERR_REPLACED);
    s.replaces = first.text;
    assert_int_equal(start_over(&s, &s.f), ERR_OK);
    assert_string_not_equal(s.id.text, first.text);
    assert_int_equal(start_over(&s, &s.f), ERR_OK);
    sql(&s.f, "DELETE FROM store_identity");
    assert_int_equal(start_over(&s, &s.f), STORE_ERR_REPLACED);
    teardown(&s);
}

static void another_store_is_refused(void **state)
{
    struct starts s, other;
    setup(&s, *state);
    setup(&other, *state);
    assert_int_equal(start_over(&s, &s.f), ERR_OK);
    assert_int_equal(start_over(&other, &other.f), ERR_OK);
    assert_int_equal(start_over(&s, &other.f), STORE_ERR_REPLACED);
    assert_non_null(strstr(s.problem.text, "this one is another"));
    teardown(&other);
    teardown(&s);
}

/* A node that comes later, and a store that is older than identities. */
static void a_first_start_takes_what_is_there(void **state)
{
    struct starts s, later;
    setup(&s, *state);
    sql(&s.f, "DROP TABLE store_identity");
    assert_int_equal(start_over(&s, &s.f), ERR_OK);
    setup(&later, *state);
    assert_int_equal(start_over(&later, &s.f), ERR_OK);
    assert_string_equal(later.id.text, s.id.text);
    teardown(&later);
    teardown(&s);
}

static void a_file_that_cannot_be_used_is_named(void **state)
{
    struct starts s;
    setup(&s, *state);
    (void)snprintf(s.file, sizeof s.file, "%s/none/id", s.dir);
    assert_int_equal(start_over(&s, &s.f), ERR_CONFIG);
    assert_non_null(strstr(s.problem.text, s.file));
    (void)snprintf(s.file, sizeof s.file, "%s/id", s.dir);
    write_file(s.file, "123\n");
    assert_int_equal(start_over(&s, &s.f), ERR_CONFIG);
    assert_non_null(strstr(s.problem.text, "is no identity of a store"));
    teardown(&s);
}

/* ---- while it runs ---- */

struct run {
    struct stores_fixture f;
    struct store_writer *writer;
    struct store_health *health;
    enum err reads;
};

static void run_begin(struct run *r, const struct stores_driver *driver)
{
    *r = (struct run){.reads = ERR_OK};
    stores_setup(&r->f, driver);
    struct store *store = stores_connect(&r->f);
    struct store_health_config config = {
        .env = &r->f.env, .set_name = ledger_sets[0]->name, .service = "test", .timeout_us = 2000000};
    assert_int_equal(store_identity_make(store, ledger_sets[0], &config.identity), ERR_OK);
    assert_int_equal(store_writer_start(store, &r->f.env, 16, &r->writer), ERR_OK);
    config.writer = r->writer;
    assert_int_equal(store_health_create(&config, &r->health), ERR_OK);
}

static void run_end(struct run *r)
{
    store_writer_stop(r->writer);
    store_health_destroy(r->health);
    stores_teardown(&r->f);
}

static void becomes(struct run *r, enum err wanted)
{
    for (int i = 0; i < 1500; i++) {
        int64_t now_us = env_monotonic_us(&r->f.env);
        assert_true(store_health_turn(r->health, now_us, r->reads) > now_us);
        if (i > 0 && store_health_err(r->health) == wanted)
            return;
        (void)usleep(10000);
    }
    assert_int_equal(store_health_err(r->health), wanted);
}

static void a_store_that_goes_is_found_without_a_request(void **state)
{
    struct run r;
    run_begin(&r, *state);
    becomes(&r, ERR_OK);
    r.reads = STORE_ERR_DAMAGED;
    becomes(&r, STORE_ERR_DAMAGED);
    r.reads = ERR_OK;
    becomes(&r, ERR_OK);
    sql(&r.f, "UPDATE store_identity SET id = 'another' WHERE set_name = 'ledger'");
    becomes(&r, STORE_ERR_REPLACED);
    run_end(&r);
}

static void tables_that_are_dropped_are_found(void **state)
{
    struct run r;
    run_begin(&r, *state);
    becomes(&r, ERR_OK);
    sql(&r.f, "DROP TABLE store_identity");
    becomes(&r, STORE_ERR_REPLACED);
    run_end(&r);
}

static void a_disk_says_what_it_is(void **state)
{
    static const struct {
        int code;
        enum err err;
    } fault[] = {{SQLITE_FULL, STORE_ERR_FULL}, {SQLITE_READONLY, STORE_ERR_READ_ONLY}, {SQLITE_CORRUPT, STORE_ERR_DAMAGED}};
    struct run r;
    (void)state;
    faulty_vfs_install();
    run_begin(&r, &stores_sqlite);
    for (size_t i = 0; i < sizeof fault / sizeof fault[0]; i++) {
        faulty_vfs_hold(fault[i].code);
        becomes(&r, fault[i].err);
        faulty_vfs_hold(0);
        becomes(&r, ERR_OK);
    }
    run_end(&r);
}

/* The pages are in the memory of the connection: only the file tells. */
static void a_file_that_is_overwritten_is_damaged(void **state)
{
    struct run r;
    (void)state;
    run_begin(&r, &stores_sqlite);
    becomes(&r, ERR_OK);
    sql(&r.f, "PRAGMA wal_checkpoint(TRUNCATE)");
    FILE *file = fopen(stores_path(&r.f), "r+");
    assert_non_null(file);
    for (int i = 0; i < 4096; i++)
        (void)fputc('x', file);
    (void)fclose(file);
    becomes(&r, STORE_ERR_DAMAGED);
    run_end(&r);
}

static void a_file_that_is_removed_takes_no_writes(void **state)
{
    struct run r;
    (void)state;
    run_begin(&r, &stores_sqlite);
    becomes(&r, ERR_OK);
    assert_int_equal(unlink(stores_path(&r.f)), 0);
    becomes(&r, STORE_ERR_FILE);
    run_end(&r);
}

static void a_server_that_only_reads_says_so(void **state)
{
    struct run r;
    char text[160];
    (void)state;
    run_begin(&r, &stores_postgres);
    becomes(&r, ERR_OK);
    const char *name = strstr(r.f.url, "dbname=") + strlen("dbname=");
    size_t len = strcspn(name, " ");
    (void)snprintf(text, sizeof text, "ALTER DATABASE \"%.*s\" SET default_transaction_read_only = on", (int)len, name);
    sql(&r.f, text);
    sql(&r.f, "DO $$ BEGIN PERFORM pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> "
              "pg_backend_pid(); END $$");
    becomes(&r, STORE_ERR_READ_ONLY);
    (void)snprintf(text, sizeof text, "BEGIN READ WRITE; ALTER DATABASE \"%.*s\" RESET default_transaction_read_only; COMMIT",
                   (int)len, name);
    sql(&r.f, text);
    becomes(&r, ERR_OK);
    run_end(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(a_store_that_was_there_is_remembered),
        ON_BOTH(another_store_is_refused),
        ON_BOTH(a_first_start_takes_what_is_there),
        cmocka_unit_test_prestate(a_file_that_cannot_be_used_is_named, (void *)(uintptr_t)&stores_sqlite),
        ON_BOTH(a_store_that_goes_is_found_without_a_request),
        ON_BOTH(tables_that_are_dropped_are_found),
        cmocka_unit_test(a_server_that_only_reads_says_so),
        cmocka_unit_test(a_file_that_is_overwritten_is_damaged),
        cmocka_unit_test(a_file_that_is_removed_takes_no_writes),
        cmocka_unit_test(a_disk_says_what_it_is),
    };
    return cmocka_run_group_tests_name("store identity", tests, NULL, NULL);
}
