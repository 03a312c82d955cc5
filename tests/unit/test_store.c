/* SPDX-License-Identifier: Apache-2.0 */
/* The store on both engines: the same tests, the same answers. */
#include "ledger/ledger.h"
#include "ledger/shapes.h"
#include "store/driver.h"
#include "store/error.h"
#include "support/stores.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define OPS(...) ((struct store_op[]){__VA_ARGS__})
#define OP(statement_, flags_, type_, ...)                                                  \
    {                                                                                       \
        .row = LEDGER_ROW(statement_), .flags = (flags_), .argument = &(const struct type_) \
        {                                                                                   \
            __VA_ARGS__                                                                     \
        }                                                                                   \
    }

static struct store_batch batch_of(struct stores_fixture *f, struct store_op *op, size_t count)
{
    return (struct store_batch){.op = op, .count = count, .arena = &f->arena};
}

static enum err run(struct stores_fixture *f, struct store_op *op, size_t count, size_t *at)
{
    struct store_batch batch = batch_of(f, op, count);
    enum err err = store_run(f->store, &batch);
    if (at)
        *at = batch.at;
    return err;
}

static bool account_exists(struct stores_fixture *f, const char *account_id, int64_t *version)
{
    struct store_op get[] = {OP(ACCOUNT_GET, 0, ledger_by_id, account_id)};
    assert_int_equal(run(f, get, 1, NULL), ERR_OK);
    if (version)
        *version = store_cell_int(&get[0].rows, 0, 10);
    return get[0].rows.count == 1;
}

static struct store_op account_insert(const struct ledger_account *account)
{
    return (struct store_op){.row = LEDGER_ROW(ACCOUNT_INSERT), .flags = STORE_MUST_CHANGE, .argument = account};
}

static struct ledger_account account_of(const char *id)
{
    struct ledger_account account = {.currency = "036", .balance = 1000, .version = 1};
    strncpy(account.account_id, id, sizeof account.account_id - 1);
    return account;
}

#define ACCOUNT(id_) (&(const struct ledger_account){.account_id = (id_), .currency = "036", .balance = 1000, .version = 1})
#define ACCOUNT_UPDATE(id_, version_) \
    OP(ACCOUNT_UPDATE, STORE_MUST_CHANGE, ledger_account, .account_id = (id_), .version = (version_), .balance = 900)

/* ---- migrations ---- */

static void test_migrations(void **state)
{
    struct stores_fixture f = {.env = env_system(NULL)};
    struct buf url = buf_over(f.url, sizeof f.url);
    ((const struct stores_driver *)*state)->fresh(&url);
    assert_int_equal(arena_create(&f.arena, 1 << 16), ERR_OK);
    f.store = stores_connect(&f);
    int64_t version = -1;
    assert_int_equal(store_schema_version(f.store, &ledger_set, &version), ERR_INTERNAL); /* not even the version table */
    assert_int_equal(store_migrate(f.store, &ledger_set), ERR_OK);
    assert_int_equal(store_schema_version(f.store, &ledger_set, &version), ERR_OK);
    assert_int_equal(version, store_schema_newest(&ledger_set));
    assert_int_equal(store_schema_version(f.store, &gateway_set, &version), ERR_OK);
    assert_int_equal(version, 0);
    assert_int_equal(store_migrate(f.store, &ledger_set), ERR_OK); /* again: nothing to do */
    assert_int_equal(store_migrate(f.store, &gateway_set), ERR_OK);
    assert_int_equal(store_schema_version(f.store, &gateway_set, &version), ERR_OK);
    assert_int_equal(version, store_schema_newest(&gateway_set));
    assert_string_equal(store_driver_name(f.store), ((const struct stores_driver *)*state)->name);
    stores_teardown(&f);
}

static void *migrate_thread(void *context)
{
    struct stores_fixture *f = context;
    struct store *store = stores_connect(f);
    enum err err = store_migrate(store, &ledger_set);
    store_close(store);
    return (void *)(uintptr_t)err;
}

static void test_migrations_of_two_nodes_at_once(void **state)
{
    struct stores_fixture f = {.env = env_system(NULL)};
    struct buf url = buf_over(f.url, sizeof f.url);
    ((const struct stores_driver *)*state)->fresh(&url);
    assert_int_equal(arena_create(&f.arena, 1 << 16), ERR_OK);
    pthread_t thread[2];
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, migrate_thread, &f), 0);
    for (int i = 0; i < 2; i++) {
        void *err = NULL;
        pthread_join(thread[i], &err);
        assert_int_equal((uintptr_t)err, ERR_OK);
    }
    f.store = stores_connect(&f);
    int64_t version = 0;
    assert_int_equal(store_schema_version(f.store, &ledger_set, &version), ERR_OK);
    assert_int_equal(version, store_schema_newest(&ledger_set));
    stores_teardown(&f);
}

static void test_the_file_is_private(void **state)
{
    struct stores_fixture f = {.env = env_system(NULL), .url = "sqlite:/tmp/countersign-store-private.db"};
    struct stat file;
    (void)state;
    unlink(stores_path(&f));
    assert_int_equal(arena_create(&f.arena, 1 << 16), ERR_OK);
    f.store = stores_connect(&f);
    assert_int_equal(stat(stores_path(&f), &file), 0);
    assert_int_equal(file.st_mode & 0777, 0600);
    stores_teardown(&f);
}

enum { STARTERS = 4, STARTS = 60 };

/* A process that waits until all are there, then opens the new database as a service does at its start. */
static int start_together(const char *url, unsigned *there, unsigned pause_us)
{
    struct env env = env_system(NULL);
    struct store *store = NULL;
    (void)__atomic_add_fetch(there, 1, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(there, __ATOMIC_SEQ_CST) < STARTERS)
        ;
    usleep(pause_us);
    enum err err = store_open(url, &env, ledger_sets, &store);
    if (err == ERR_OK)
        err = store_migrate(store, &ledger_set);
    store_close(store);
    return err == ERR_OK ? 0 : 1;
}

/* Each wants to turn the new file into one with a WAL. SQLite refuses one of two at once. */
static void test_services_that_start_together_share_a_new_file(void **state)
{
    (void)state;
    unsigned *there = mmap(NULL, sizeof *there, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(there, MAP_FAILED);
    for (int round = 0; round < STARTS; round++) {
        uint8_t room[256];
        struct buf url = buf_over(room, sizeof room - 1);
        stores_sqlite.fresh(&url);
        *there = 0;
        pid_t child[STARTERS];
        for (int i = 0; i < STARTERS; i++)
            if ((child[i] = fork()) == 0)
                _exit(start_together(buf_text(&url), there, (unsigned)(round * 37 + i * 61) % 400));
        for (int i = 0; i < STARTERS; i++) {
            int status = -1;
            assert_int_equal(waitpid(child[i], &status, 0), child[i]);
            assert_int_equal(status, 0);
        }
    }
    assert_int_equal(munmap(there, sizeof *there), 0);
}

/* ---- the statement list ---- */

/* Zeros and empty texts for every argument. */
static const void *blank_of(const struct store_shape *shape, void *out)
{
    static const char *const empty = "";
    for (size_t i = 0; shape && i < shape->count; i++)
        if (shape->member[i].kind == STORE_MEMBER_STRING)
            memcpy((uint8_t *)out + shape->member[i].offset, &empty, sizeof empty);
    return out;
}

/* Twice, so that reads meet the rows that the writes before them left. */
static void test_every_statement_fits_its_row(void **state)
{
    struct stores_fixture f;
    stores_setup(&f, *state);
    assert_int_equal(f.store->statements.count,
                     store_schema_set.count + store_identity_set.count + ledger_set.count + gateway_set.count + 1);
    for (size_t round = 0; round < 2; round++) {
        for (size_t i = 0; i < f.store->statements.count; i++) {
            const struct store_row *row = f.store->statements.at[i].row;
            static _Alignas(16) uint8_t room[16384];
            memset(room, 0, sizeof room);
            assert_true(!row->takes || row->takes->size <= sizeof room);
            struct store_op op = {.row = row, .argument = blank_of(row->takes, room)};
            enum err err = run(&f, &op, 1, NULL);
            if (err != ERR_OK && err != ERR_DUPLICATE)
                fail_msg("%s: %s", row->name, err_row(err)->name);
            arena_reset(&f.arena);
        }
    }
    stores_teardown(&f);
}

/* ---- batches ---- */

static void test_a_batch_is_all_or_nothing(void **state)
{
    struct stores_fixture f;
    size_t at = 99;
    stores_setup(&f, *state);
    struct store_op op[] = {account_insert(ACCOUNT("a1")), ACCOUNT_UPDATE("a1", 7)};
    assert_int_equal(run(&f, op, 2, &at), STORE_ERR_CONFLICT); /* the version is 1 */
    assert_int_equal(at, 1);
    assert_false(account_exists(&f, "a1", NULL));
    struct store_op again[] = {account_insert(ACCOUNT("a1")), ACCOUNT_UPDATE("a1", 1)};
    assert_int_equal(run(&f, again, 2, &at), ERR_OK);
    int64_t version = 0;
    assert_true(account_exists(&f, "a1", &version));
    assert_int_equal(version, 2);
    stores_teardown(&f);
}

static void test_insert_on_conflict_tells(void **state)
{
    struct stores_fixture f;
    size_t at = 99;
    stores_setup(&f, *state);
    struct store_op first[] = {account_insert(ACCOUNT("a1"))};
    assert_int_equal(run(&f, first, 1, &at), ERR_OK);
    assert_int_equal(first[0].changed, 1);
    struct store_op second[] = {account_insert(ACCOUNT("a2")), account_insert(ACCOUNT("a1"))};
    assert_int_equal(run(&f, second, 2, &at), STORE_ERR_CONFLICT);
    assert_int_equal(at, 1);
    assert_false(account_exists(&f, "a2", NULL));
    second[1].flags = 0; /* allowed to change nothing */
    assert_int_equal(run(&f, second, 2, &at), ERR_OK);
    assert_int_equal(second[1].changed, 0);
    assert_true(account_exists(&f, "a2", NULL));
    stores_teardown(&f);
}

static void test_a_broken_unique_key_is_a_duplicate(void **state)
{
    struct stores_fixture f;
    size_t at = 99;
    stores_setup(&f, *state);
    struct store_op op[] = {OP(HOLD_INSERT, 0, ledger_hold, .auth_id = "h1", .account_id = "a", .amount = 5),
                            OP(HOLD_INSERT, 0, ledger_hold, .auth_id = "h1", .account_id = "a", .amount = 5)};
    assert_int_equal(run(&f, op, 2, &at), ERR_DUPLICATE);
    assert_int_equal(at, 1);
    assert_int_equal(run(&f, op, 1, &at), ERR_OK);
    stores_teardown(&f);
}

static void test_values_travel_unchanged(void **state)
{
    struct stores_fixture f;
    stores_setup(&f, *state);
    const uint8_t bytes[] = {0, 1, 0xFF, 0, '\'', 0x80};
    struct ledger_idem_put put = {.original_key = span_text("t"), .message = span_text("k")};
    put.idem = (struct ledger_idem){.auth_id = "caf\xc3\xa9 ' \" \\", .created_at = INT64_MIN};
    memcpy(put.idem.fingerprint.at, bytes, sizeof bytes);
    put.idem.fingerprint.len = sizeof bytes;
    const struct ledger_by_key key = {
        .message = span_text("k"), .original_key = span_text("t"), .from_key = span_text("t"), .to_key = span_text("u")};
    struct store_op op[] = {{.row = LEDGER_ROW(IDEM_INSERT), .flags = STORE_MUST_CHANGE, .argument = &put},
                            {.row = LEDGER_ROW(IDEM_FIND), .argument = &key}};
    assert_int_equal(run(&f, op, 2, NULL), ERR_OK);
    assert_int_equal(op[1].rows.count, 1);
    assert_true(span_equal(store_cell_span(&op[1].rows, 0, 2), span_of(bytes, sizeof bytes)));
    assert_int_equal(store_cell(&op[1].rows, 0, 3).kind, STORE_BYTES);
    assert_int_equal(store_cell_span(&op[1].rows, 0, 3).len, 0);
    assert_true(span_is(store_cell_span(&op[1].rows, 0, 4), "caf\xc3\xa9 ' \" \\"));
    assert_true(store_cell_int(&op[1].rows, 0, 5) == INT64_MIN);
    assert_int_equal(store_cell(&op[1].rows, 1, 0).kind, STORE_NULL); /* outside */
    assert_int_equal(store_cell(&op[1].rows, 0, 10).kind, STORE_NULL);
    stores_teardown(&f);
}

static void test_many_rows(void **state)
{
    struct stores_fixture f;
    stores_setup(&f, *state);
    enum { COUNT = 100 };
    for (int i = 0; i < COUNT; i++) {
        char kid[] = {(char)('0' + i / 10), (char)('0' + i % 10), 0};
        struct ledger_client_key key = {.client_id = "c", .use = LEDGER_KEY_ENC, .jwk = "{}", .not_before = i};
        memcpy(key.kid, kid, sizeof kid);
        struct store_op op[] = {{.row = LEDGER_ROW(CLIENT_KEY_PUT), .flags = STORE_MUST_CHANGE, .argument = &key}};
        assert_int_equal(run(&f, op, 1, NULL), ERR_OK);
    }
    struct store_op get[] = {OP(CLIENT_KEYS, 0, ledger_by_id, "c")};
    assert_int_equal(run(&f, get, 1, NULL), ERR_OK);
    assert_int_equal(get[0].rows.count, COUNT);
    for (size_t i = 0; i < COUNT; i++)
        assert_int_equal(store_cell_int(&get[0].rows, i, 4), COUNT - 1 - (int64_t)i); /* newest first */
    stores_teardown(&f);
}

static void test_a_full_arena_writes_nothing(void **state)
{
    struct stores_fixture f;
    uint8_t room[64];
    stores_setup(&f, *state);
    struct arena tiny = arena_over(room, sizeof room);
    struct store_op op[] = {account_insert(ACCOUNT("a1")), OP(ACCOUNT_GET, 0, ledger_by_id, "a1")};
    struct store_batch batch = {.op = op, .count = 2, .arena = &tiny};
    assert_int_equal(store_run(f.store, &batch), ERR_MEMORY);
    assert_int_equal(batch.at, 1);
    assert_false(account_exists(&f, "a1", NULL));
    batch.arena = NULL;
    assert_int_equal(store_run(f.store, &batch), ERR_INTERNAL); /* rows without a place for them */
    stores_teardown(&f);
}

static void test_arguments_are_checked(void **state)
{
    struct stores_fixture f;
    size_t at = 99;
    stores_setup(&f, *state);
    struct store_op none[] = {account_insert(ACCOUNT("a1")), {.row = LEDGER_ROW(ACCOUNT_UPDATE)}};
    assert_int_equal(run(&f, none, 2, &at), ERR_INTERNAL);
    assert_int_equal(at, 1);
    const struct store_row stranger = *LEDGER_ROW(ACCOUNT_INSERT); /* of no set of the connection */
    struct store_op unknown[] = {{.row = &stranger, .argument = ACCOUNT("a1")}};
    assert_int_equal(run(&f, unknown, 1, &at), ERR_INTERNAL);
    assert_int_equal(run(&f, unknown, 0, &at), ERR_OK); /* no operation at all */
    stores_teardown(&f);
}

/* More than any socket buffer holds, in both directions: neither side may wait for the other. */
static void test_a_batch_larger_than_the_sockets(void **state)
{
    enum { COUNT = 3000, WIDE = 4000 };
    struct stores_fixture f;
    static char wide[WIDE + 1];
    static struct store_op op[COUNT * 2];
    static struct stores_wide put[COUNT];
    static struct ledger_by_id key[COUNT];
    static char id[COUNT][12];
    stores_setup(&f, *state);
    arena_destroy(&f.arena);
    assert_int_equal(arena_create(&f.arena, 64 << 20), ERR_OK);
    memset(wide, 'w', WIDE);
    for (int i = 0; i < COUNT; i++) {
        struct buf text = buf_over(id[i], sizeof id[i]);
        buf_put_integer(&text, i);
        key[i].id = buf_text(&text);
        put[i] = (struct stores_wide){key[i].id, "k", wide};
        op[i] = (struct store_op){.row = &stores_wide_row, .argument = &put[i]};
        op[COUNT + i] = (struct store_op){.row = LEDGER_ROW(CLIENT_KEYS), .argument = &key[i]};
    }
    assert_int_equal(run(&f, op, COUNT * 2, NULL), ERR_OK);
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(store_cell_span(&op[COUNT + i].rows, 0, 3).len, WIDE);
    stores_teardown(&f);
}

/* ---- groups ---- */

static void test_a_group_undoes_only_what_failed(void **state)
{
    enum { COUNT = 150 }; /* more than share one commit */
    struct stores_fixture f;
    stores_setup(&f, *state);
    struct store_op seed[] = {account_insert(ACCOUNT("seed"))};
    assert_int_equal(run(&f, seed, 1, NULL), ERR_OK);
    static struct store_op op[COUNT][3];
    static struct ledger_account account[COUNT];
    static struct ledger_by_id key[COUNT];
    static char name[COUNT][8];
    const struct ledger_account *taken = ACCOUNT("seed");
    static struct store_batch batch[COUNT];
    struct store_batch *pointer[COUNT];
    for (int i = 0; i < COUNT; i++) {
        struct buf b = buf_over(name[i], sizeof name[i]);
        buf_put_text(&b, "g");
        buf_put_integer(&b, i);
        key[i].id = buf_text(&b);
        account[i] = account_of(key[i].id);
        op[i][0] = account_insert(&account[i]);
        op[i][1] = (struct store_op){.row = LEDGER_ROW(ACCOUNT_GET), .argument = &key[i]};
        op[i][2] = account_insert(i % 7 == 3 ? taken : &account[i]);
        if (i % 7 != 3)
            op[i][2].flags = 0;
        batch[i] = batch_of(&f, op[i], 3);
        pointer[i] = &batch[i];
    }
    store_run_group(f.store, pointer, COUNT);
    for (int i = 0; i < COUNT; i++) {
        bool fails = i % 7 == 3;
        assert_int_equal(batch[i].err, fails ? STORE_ERR_CONFLICT : ERR_OK);
        if (fails)
            assert_int_equal(batch[i].at, 2);
        else
            assert_int_equal(store_cell_int(&op[i][1].rows, 0, 2), 1000);
        assert_int_equal(account_exists(&f, name[i], NULL), !fails);
    }
    stores_teardown(&f);
}

static void test_the_same_row_twice_in_a_group(void **state)
{
    struct stores_fixture f;
    stores_setup(&f, *state);
    struct store_op seed[] = {account_insert(ACCOUNT("a1"))};
    assert_int_equal(run(&f, seed, 1, NULL), ERR_OK);
    struct store_op first[] = {ACCOUNT_UPDATE("a1", 1)};
    struct store_op second[] = {ACCOUNT_UPDATE("a1", 1)};
    struct store_op third[] = {ACCOUNT_UPDATE("a1", 2)};
    struct store_batch batch[] = {batch_of(&f, first, 1), batch_of(&f, second, 1), batch_of(&f, third, 1)};
    store_run_group(f.store, (struct store_batch *const[]){&batch[0], &batch[1], &batch[2]}, 3);
    assert_int_equal(batch[0].err, ERR_OK);
    assert_int_equal(batch[1].err, STORE_ERR_CONFLICT);
    assert_int_equal(batch[2].err, ERR_OK);
    stores_teardown(&f);
}

/* ---- addresses ---- */

static void test_addresses(void **state)
{
    (void)state;
    struct env env = env_system(NULL);
    struct store *store = NULL;
    char wide[700];
    memset(wide, 'x', sizeof wide);
    memcpy(wide, "postgres:", 9);
    wide[sizeof wide - 1] = 0;
    assert_int_equal(store_open("mysql:db", &env, ledger_sets, &store), ERR_CONFIG);
    assert_int_equal(store_open("", &env, ledger_sets, &store), ERR_CONFIG);
    assert_int_equal(store_open(wide, &env, ledger_sets, &store), ERR_CONFIG);
    assert_int_equal(store_open("sqlite:/no/such/directory/x.db", &env, ledger_sets, &store), STORE_ERR_FILE);
    assert_int_equal(store_open("postgres:host=/no/such/directory", &env, ledger_sets, &store), STORE_ERR_UNAVAILABLE);
    assert_null(store);
    store_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(test_migrations),
        ON_BOTH(test_migrations_of_two_nodes_at_once),
        ON_BOTH(test_every_statement_fits_its_row),
        ON_BOTH(test_a_batch_is_all_or_nothing),
        ON_BOTH(test_insert_on_conflict_tells),
        ON_BOTH(test_a_broken_unique_key_is_a_duplicate),
        ON_BOTH(test_values_travel_unchanged),
        ON_BOTH(test_many_rows),
        ON_BOTH(test_a_full_arena_writes_nothing),
        ON_BOTH(test_arguments_are_checked),
        ON_BOTH(test_a_batch_larger_than_the_sockets),
        ON_BOTH(test_a_group_undoes_only_what_failed),
        ON_BOTH(test_the_same_row_twice_in_a_group),
        cmocka_unit_test(test_the_file_is_private),
        cmocka_unit_test(test_services_that_start_together_share_a_new_file),
        cmocka_unit_test(test_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
