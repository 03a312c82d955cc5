/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Statements as rows, and the sets that rooms make of them.
 *
 * Purpose    A room that keeps something in the database lists its statements and its tables in a set. Who opens a connection says
 *            which sets it shall know; an operation names its row by a pointer.
 * Columns    flags   READ or WRITE; | SCAN: it may walk a whole table (operators, tests, tables of a few rows);
 *                    | PROBE: the engine first looks at its files anew, past what it keeps in memory.
 *            rank    of the table that a write locks among those of its set, and
 *            key     the arguments that are its key, separated by blanks: writes of a group are sent in this order (store/order.h).
 *            takes   the struct of the arguments; NULL: none.
 *            gives   the struct of a result row; NULL: none.
 *            sql     valid on SQLite 3.40 and PostgreSQL 15, in the portable subset: ids made by us, ON CONFLICT, RETURNING, INT8;
 *                    no sequences, locks, division or functions beyond count, sum, max, min and coalesce. An argument is written as
 *                    its name in `takes` after a colon.
 *                        {takes}    the names of all members of `takes`, with commas between: the columns of an INSERT
 *                        {:takes}   the same as arguments: its VALUES
 *                        {gives}    the names of all members of `gives`: what a SELECT selects
 *                    Literals that are stored in an INT8 column or returned as one are cast: CAST(0 AS BIGINT) on both engines.
 *            So a new column is a migration, a member of the struct and a row of its shape.
 * Failure    Opening a connection checks every row: ERR_INTERNAL, and a line in the log with the row and what is wrong with it.
 *            The engine is asked when a statement is first used: result columns whose names, number or types are not those of
 *            `gives` are ERR_INTERNAL. A test asks both engines about every row, and that none outside SCAN walks a table.
 * Limits     STORE_ARGUMENT_MAX arguments; STORE_SQL_MAX characters of SQL when all is filled in.
 */
#ifndef STORE_STATEMENT_H
#define STORE_STATEMENT_H

#include "store/shape.h"

enum { STORE_ARGUMENT_MAX = 64, STORE_SQL_MAX = 4096 };

enum store_row_flag { STORE_ROW_READ = 1 << 0, STORE_ROW_WRITE = 1 << 1, STORE_ROW_SCAN = 1 << 2, STORE_ROW_PROBE = 1 << 3 };

struct store_row {
    const char *name;
    unsigned flags; /* enum store_row_flag */
    unsigned rank;
    const char *key;
    const struct store_shape *takes;
    const struct store_shape *gives;
    const char *sql;
    const char *doc;
};

/*
 * Tables as a list of steps. A step that has been released is never edited: a change is a new version at the end. All steps of one
 * version run in one transaction. {int}, {bytes}, {empty} and {table} are replaced by the driver.
 */
struct store_migration {
    int64_t version;
    const char *sql;
};

struct store_set {
    const char *name; /* under which its version is kept */
    const struct store_row *row;
    size_t count;
    const struct store_migration *migration;
    size_t migration_count;
};

/* The SQL of a row with arguments as $1, $2, ... and lists filled in, as both engines take it. `argument`: the member that each of
 * them is; `problem`: the word that does not fit, when it is ERR_INTERNAL. */
MUST_USE enum err store_row_expand(const struct store_row *row, struct buf *sql,
                                   const struct store_member *argument[static STORE_ARGUMENT_MAX], size_t *count,
                                   struct span *problem);

#endif
