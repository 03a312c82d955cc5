/* SPDX-License-Identifier: Apache-2.0 */
/* Statements of a test's own on both engines: what does not fit the database or its row is told, and arguments go by name. */
#include "store/driver.h"
#include "support/stores.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

struct own {
    const char *id, *other;
    int64_t n, version, balance;
    struct span account_id, set_name, mac, text;
};
#define MEMBER(kind_, name_) STORE_MEMBER(kind_, struct own, #name_, name_)
static const struct store_member id_member[] = {MEMBER(STRING, id), MEMBER(STRING, other)};
static const struct store_member two_member[] = {MEMBER(INT, n), MEMBER(INT, balance)};
static const struct store_member n_member[] = {MEMBER(INT, n)};
static const struct store_member name_member[] = {STORE_MEMBER(INT, struct own, "set_name", n)};
static const struct store_member version_member[] = {STORE_MEMBER(SPAN, struct own, "version", text)};
static const struct store_member account_member[] = {MEMBER(SPAN, account_id), MEMBER(INT, balance)};
static const struct store_member nulls_member[] = {STORE_MEMBER(SPAN, struct own, "a.account_id", account_id),
                                                   STORE_MEMBER(INT, struct own, "a.balance", balance), MEMBER(BLOB, mac)};
static const struct store_member echo_member[] = {MEMBER(SPAN, account_id), MEMBER(SPAN, text)};
#define SHAPE(name_) static const struct store_shape name_##_shape = STORE_SHAPE(struct own, name_##_member)
SHAPE(id);
SHAPE(two);
SHAPE(n);
SHAPE(name);
SHAPE(version);
SHAPE(account);
SHAPE(nulls);
SHAPE(echo);

enum { BAD_TABLE, BAD_COUNT, BAD_NAME, BAD_TYPE, BAD_TEXT, BAD, GOOD = BAD, NULLS, ECHO, OWN };
static const struct store_row own_row[OWN] = {
    {"BAD_TABLE", STORE_ROW_WRITE, 0, NULL, NULL, NULL, "DELETE FROM no_such_table", ""},
    {"BAD_COUNT", STORE_ROW_READ, 0, NULL, NULL, &two_shape, "SELECT count(*) AS n FROM card", ""},
    {"BAD_NAME", STORE_ROW_READ, 0, NULL, NULL, &n_shape, "SELECT count(*) AS m FROM card", ""},
    {"BAD_TYPE", STORE_ROW_READ, 0, NULL, NULL, &name_shape, "SELECT set_name FROM schema_version", ""},
    {"BAD_TEXT", STORE_ROW_READ, 0, NULL, NULL, &version_shape, "SELECT version FROM schema_version", ""},
    {"GOOD", STORE_ROW_WRITE, 0, NULL, &id_shape, &account_shape,
     "INSERT INTO account (account_id, balance) VALUES (:id, 5) RETURNING {gives}", ""},
    {"NULLS", STORE_ROW_READ, 0, NULL, NULL, &nulls_shape,
     "SELECT a.account_id, a.balance, NULLIF(c.pan_mac, c.pan_mac) AS mac FROM schema_version s "
     "LEFT JOIN account a ON a.account_id = 'none' LEFT JOIN card c ON c.card_id = 'none' LIMIT 1",
     ""},
    {"ECHO", STORE_ROW_READ, 0, NULL, &id_shape, &echo_shape,
     "SELECT CAST(:other AS TEXT) AS account_id, CAST(:id AS TEXT) AS text", ""},
};
static const struct store_set own_set = {.name = "own", .row = own_row, .count = OWN};
static const struct store_set *const own_sets[] = {&own_set, NULL};

static void test_wrong_sql_is_our_defect(void **state)
{
    struct stores_fixture f;
    struct store *store = NULL;
    struct own out;
    stores_setup(&f, *state);
    assert_int_equal(store_open(f.url, &f.env, own_sets, &store), ERR_OK);
    const struct own key = {.id = "a1"};
    for (unsigned i = 0; i < BAD; i++) {
        struct store_op op[] = {{.row = &own_row[GOOD], .argument = &key}, {.row = &own_row[i]}};
        struct store_batch batch = {.op = op, .count = 2, .arena = &f.arena};
        assert_int_equal(store_run(store, &batch), ERR_INTERNAL);
        assert_int_equal(batch.at, 1);
    }
    struct store_op op[] = {{.row = &own_row[GOOD], .flags = STORE_MUST_CHANGE, .argument = &key}, {.row = &own_row[NULLS]}};
    struct store_batch batch = {.op = op, .count = 2, .arena = &f.arena};
    assert_int_equal(store_run(store, &batch), ERR_OK); /* all before was undone: no duplicate */
    assert_int_equal(op[0].changed, 1);
    assert_int_equal(store_op_read(&op[0], 0, &out), ERR_OK);
    assert_true(span_is(out.account_id, "a1"));
    assert_int_equal(out.balance, 5);
    assert_int_equal(store_cell(&op[1].rows, 0, 0).kind, STORE_NULL);
    assert_int_equal(store_cell_int(&op[1].rows, 0, 1), 0);
    store_close(store);
    stores_teardown(&f);
}

static void test_arguments_go_by_name(void **state)
{
    struct stores_fixture f;
    struct store *store = NULL;
    struct own out;
    stores_setup(&f, *state);
    assert_int_equal(store_open(f.url, &f.env, own_sets, &store), ERR_OK);
    const struct own in = {.id = "first", .other = "second"};
    struct store_op op = {.row = &own_row[ECHO], .argument = &in};
    struct store_batch batch = {.op = &op, .count = 1, .arena = &f.arena};
    assert_int_equal(store_run(store, &batch), ERR_OK);
    assert_int_equal(store_op_read(&op, 0, &out), ERR_OK);
    assert_true(span_is(out.account_id, "second"));
    assert_true(span_is(out.text, "first"));
    const struct own nothing = {0};
    op.argument = &nothing;
    assert_int_equal(store_run(store, &batch), ERR_OK);
    assert_int_equal(store_cell(&op.rows, 0, 0).kind, STORE_NULL);
    assert_int_equal(store_cell(&op.rows, 0, 1).kind, STORE_NULL);
    store_close(store);
    stores_teardown(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(test_wrong_sql_is_our_defect),
        ON_BOTH(test_arguments_go_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
