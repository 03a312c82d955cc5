/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The statement list: every SQL statement of the house, once.
 *
 * Purpose    A row is X(name, set, flags, arguments, results, sql, doc). The list is split by the set of tables it speaks of.
 * Columns    set        LEDGER or GATEWAY: the tables it needs (store_migrate).
 *            flags      READ or WRITE; | STORE_ROW_SCAN: it may walk a whole table (operators, tests, tables of a few rows).
 *                       A write's first argument is the key of its row (| STORE_ROW_KEY_3: the first three): store/order.h.
 *            arguments  one letter an argument: i INT8, t text, b bytes. Bound as $1, $2, ...
 *            results    one letter a result column; "" for none.
 *            sql        valid on SQLite 3.40 and PostgreSQL 15, in the portable subset: ids made by us, ON CONFLICT, RETURNING,
 *                       INT8; no sequences, locks, division or functions beyond count, sum, max, min and coalesce.
 *            Literals that are stored in an INT8 column or returned as `i` are cast: CAST(0 AS BIGINT) on both engines.
 * Failure    A test prepares every row on both engines and checks its letters, and that no row outside SCAN walks a table.
 */
#ifndef STORE_STATEMENTS_H
#define STORE_STATEMENTS_H

#include "gateway/statements.h"
#include "ledger/statements.h"

/* clang-format off */
#define STORE_STATEMENTS_SCHEMA(X) \
    X(SCHEMA_GET, SCHEMA, READ, "t", "i", \
      "SELECT version FROM schema_version WHERE set_name = $1", "which migration a set of tables has reached") \
    X(SCHEMA_START, SCHEMA, WRITE, "t", "", \
      "INSERT INTO schema_version (set_name, version) VALUES ($1, 0) ON CONFLICT DO NOTHING", "a set without tables") \
    X(SCHEMA_RAISE, SCHEMA, WRITE, "tii", "", \
      "UPDATE schema_version SET version = $3 WHERE set_name = $1 AND version = $2", "one migration done, by one node")
/* clang-format on */

#define STORE_STATEMENTS(X) STORE_STATEMENTS_SCHEMA(X) STORE_STATEMENTS_LEDGER(X) STORE_STATEMENTS_GATEWAY(X)

enum store_statement {
#define STORE_ENUM(name, set, flags, arguments, results, sql, doc) STORE_##name,
    STORE_STATEMENTS(STORE_ENUM)
#undef STORE_ENUM
        STORE_STATEMENT_COUNT
};

#endif
