/* SPDX-License-Identifier: Apache-2.0 */
/* How the engines find rows: no statement outside STORE_ROW_SCAN walks a table. */
#include "store/driver.h"
#include "support/stores.h"

#include <libpq-fe.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void check_plan(sqlite3 *db, const struct store_statement *statement)
{
    char sql[8192];
    struct buf text = buf_over(sql, sizeof sql);
    buf_put_text(&text, "EXPLAIN QUERY PLAN ");
    buf_put_text(&text, statement->sql);
    sqlite3_stmt *plan = NULL;
    assert_int_equal(sqlite3_prepare_v2(db, buf_text(&text), -1, &plan, NULL), SQLITE_OK);
    while (sqlite3_step(plan) == SQLITE_ROW) {
        const char *detail = (const char *)sqlite3_column_text(plan, 3);
        bool made =
            strcmp(detail, "SCAN CONSTANT ROW") == 0 || strcmp(detail, "SCAN chain") == 0 || strcmp(detail, "SCAN known") == 0;
        bool whole_table = strncmp(detail, "SCAN ", 5) == 0 && !made; /* by the statement itself */
        if (whole_table || strstr(detail, "AUTOMATIC"))
            fail_msg("%s: %s", statement->row->name, detail);
    }
    sqlite3_finalize(plan);
}

static void test_sqlite_walks_no_table(void **state)
{
    struct stores_fixture f;
    sqlite3 *db = NULL;
    stores_setup(&f, *state);
    assert_int_equal(sqlite3_open(stores_path(&f), &db), SQLITE_OK);
    for (size_t i = 0; i < f.store->statements.count; i++)
        if (!(f.store->statements.at[i].row->flags & STORE_ROW_SCAN))
            check_plan(db, &f.store->statements.at[i]);
    sqlite3_close(db);
    stores_teardown(&f);
}

/* The text of a plan, one line a row. */
static void postgres_plan(PGconn *connection, const struct store_statement *statement, struct buf *out)
{
    char sql[8192];
    struct buf text = buf_over(sql, sizeof sql);
    buf_put_text(&text, "EXPLAIN EXECUTE statement");
    for (size_t i = 0; statement->arguments[i]; i++) {
        buf_put_text(&text, i == 0 ? "(" : ", ");
        buf_put_text(&text, statement->arguments[i] == 'i' ? "1" : "'1'");
    }
    buf_put_text(&text, statement->arguments[0] ? ")" : "");
    PGresult *result = PQexec(connection, buf_text(&text));
    assert_int_equal(PQresultStatus(result), PGRES_TUPLES_OK);
    for (int i = 0; i < PQntuples(result); i++) {
        buf_put_text(out, PQgetvalue(result, i, 0));
        buf_put_text(out, "\n");
    }
    (void)buf_text(out);
    PQclear(result);
}

static int occurrences(const char *text, const char *word)
{
    int count = 0;
    for (const char *at = text; (at = strstr(at, word)); at++)
        count++;
    return count;
}

/* With the plan settings of the driver, over tables that have never been analysed. */
static void test_postgres_walks_no_table(void **state)
{
    struct stores_fixture f;
    stores_setup(&f, *state);
    PGconn *connection = PQconnectdb(f.url + sizeof "postgres:" - 1);
    PQclear(PQexec(connection, "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET enable_bitmapscan = off;"
                               "SET enable_hashjoin = off; SET enable_mergejoin = off"));
    for (size_t i = 0; i < f.store->statements.count; i++) {
        const struct store_statement *statement = &f.store->statements.at[i];
        const struct store_row *row = statement->row;
        Oid type[STORE_ARGUMENT_MAX];
        char room[32768];
        struct buf plan = buf_over(room, sizeof room);
        for (size_t j = 0; statement->arguments[j]; j++)
            type[j] = statement->arguments[j] == 'i' ? 20 : statement->arguments[j] == 't' ? 25 : 17;
        PQclear(PQexec(connection, "DEALLOCATE ALL"));
        PGresult *result = PQprepare(connection, "statement", statement->sql, (int)strlen(statement->arguments), type);
        assert_int_equal(PQresultStatus(result), PGRES_COMMAND_OK);
        PQclear(result);
        postgres_plan(connection, statement, &plan);
        bool scans = strstr(room, "Seq Scan") || occurrences(room, " Scan using ") > occurrences(room, "Index Cond:");
        if (!(row->flags & STORE_ROW_SCAN) && scans)
            fail_msg("%s:\n%s", row->name, room);
        /* A conditional write names its one row by the primary key. */
        if ((row->flags & STORE_ROW_WRITE) && strstr(row->sql, "UPDATE ") == row->sql && !(row->flags & STORE_ROW_SCAN))
            assert_non_null(strstr(room, "_pkey"));
    }
    PQfinish(connection);
    stores_teardown(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_SQLITE(test_sqlite_walks_no_table),
        ON_POSTGRES(test_postgres_walks_no_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
