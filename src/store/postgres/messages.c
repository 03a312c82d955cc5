/* SPDX-License-Identifier: Apache-2.0 */
/* Statements into messages, results into rows. Values are binary. */
#include "store/postgres/internal.h"

#include <endian.h>
#include <string.h>

enum { TYPE_BYTEA = 17, TYPE_INT8 = 20, TYPE_TEXT = 25 };

/* ---- errors ---- */

struct sqlstate {
    const char *prefix; /* of the five characters; the first that fits counts */
    enum err err;
};

static const struct sqlstate sqlstates[] = {
    {"40003", STORE_ERR_UNKNOWN},     /* statement completion unknown */
    {"40", ERR_BUSY},                 /* serialisation failure, deadlock */
    {"23505", ERR_DUPLICATE},         /* unique violation */
    {"08", ERR_CLOSED},               /* connection exception */
    {"57P", ERR_CLOSED},              /* shutdown, crash of another backend */
    {"25006", STORE_ERR_READ_ONLY},   /* read-only transaction: a node that is no longer the primary */
    {"25P03", ERR_CLOSED},            /* idle in transaction timeout */
    {"53100", STORE_ERR_FULL},        /* disk full */
    {"53", STORE_ERR_UNAVAILABLE},    /* out of memory, too many connections */
    {"XX001", STORE_ERR_DAMAGED},     /* data corrupted */
    {"XX002", STORE_ERR_DAMAGED},     /* index corrupted */
    {"55P03", STORE_ERR_UNAVAILABLE}, /* lock timeout */
    {"57014", STORE_ERR_UNAVAILABLE}, /* statement timeout */
    {"58", STORE_ERR_FILE},           /* I/O error */
    {"", ERR_INTERNAL},
};

enum err store_postgres_err(const struct store *store, const char *statement, const PGresult *result)
{
    if (PQresultStatus(result) == PGRES_PIPELINE_ABORTED) /* not run, because of a failure before it */
        return ERR_INTERNAL;
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    if (!state) /* made by libpq itself: the connection is gone */
        return ERR_CLOSED;
    const struct sqlstate *row = sqlstates;
    while (strncmp(state, row->prefix, strlen(row->prefix)) != 0)
        row++;
    if (row->err != ERR_DUPLICATE && row->err != ERR_BUSY)
        store_log_refused(store, statement, state);
    return row->err;
}

/* ---- sending ---- */

static Oid oid_of(char letter)
{
    return letter == 'i' ? TYPE_INT8 : letter == 't' ? TYPE_TEXT : TYPE_BYTEA;
}

bool store_postgres_send_prepare(PGconn *connection, const struct store_statement *statement)
{
    Oid type[STORE_ARGUMENT_MAX];
    for (size_t i = 0; i < statement->argument_count; i++)
        type[i] = oid_of(statement->arguments[i]);
    return PQsendPrepare(connection, statement->row->name, statement->sql, (int)statement->argument_count, type) == 1;
}

bool store_postgres_send_op(PGconn *connection, const struct store_statement *statement, const struct store_op *op)
{
    const char *value[STORE_ARGUMENT_MAX];
    int length[STORE_ARGUMENT_MAX];
    int format[STORE_ARGUMENT_MAX];
    int64_t integer[STORE_ARGUMENT_MAX];
    size_t count = statement->argument_count;
    for (size_t i = 0; i < count; i++) {
        struct store_value v = store_argument(statement, op, i);
        format[i] = POSTGRES_BINARY_FORMAT;
        if (v.kind == STORE_INT) {
            integer[i] = (int64_t)htobe64((uint64_t)v.integer);
            value[i] = (const char *)&integer[i];
            length[i] = sizeof integer[i];
        } else {
            value[i] = v.kind == STORE_NULL ? NULL : v.len > 0 ? (const char *)v.at : "";
            length[i] = v.kind == STORE_NULL ? 0 : (int)v.len;
        }
    }
    return PQsendQueryPrepared(connection, op->row->name, (int)count, value, length, format, POSTGRES_BINARY_FORMAT) == 1;
}

bool store_postgres_send_text(PGconn *connection, const char *sql)
{
    return PQsendQueryParams(connection, sql, 0, NULL, NULL, NULL, NULL, POSTGRES_TEXT_FORMAT) == 1;
}

/* ---- receiving ---- */

static enum err read_cell(const PGresult *result, int row, int column, char letter, struct store_value *cell, struct arena *arena)
{
    if (PQgetisnull(result, row, column))
        return ERR_OK;
    size_t len = (size_t)PQgetlength(result, row, column);
    const char *at = PQgetvalue(result, row, column);
    if (letter != 'i')
        return store_cell_copy(cell, store_kind_of(letter), at, len, arena);
    uint64_t integer;
    memcpy(&integer, at, sizeof integer);
    *cell = store_int((int64_t)be64toh(integer));
    return ERR_OK;
}

/* Names are compared once, types always: an engine may plan anew. */
static bool columns_fit(const PGresult *result, struct store_statement *statement)
{
    const char *letters = statement->results;
    if ((size_t)PQnfields(result) != strlen(letters))
        return false;
    for (int i = 0; letters[i]; i++)
        if (PQftype(result, i) != oid_of(letters[i]) ||
            (!statement->known && !store_column_fits(statement, (size_t)i, PQfname(result, i))))
            return false;
    statement->known = true;
    return true;
}

static enum err read_rows(const PGresult *result, const char *letters, struct store_rows *rows, struct arena *arena)
{
    int count = PQntuples(result);
    *rows = (struct store_rows){.columns = strlen(letters)};
    size_t cap = (size_t)count;
    if (count > 0 && !(rows->cell = arena_take(arena, cap * rows->columns * sizeof *rows->cell)))
        return ERR_MEMORY;
    for (int r = 0; r < count; r++) {
        struct store_value *cell = store_rows_add(rows, &cap, arena);
        for (int c = 0; letters[c]; c++)
            TRY(read_cell(result, r, c, letters[c], &cell[c], arena));
    }
    return ERR_OK;
}

static int64_t changed_of(PGresult *result)
{
    uint64_t changed = 0;
    struct span text = span_text(PQcmdTuples(result));
    return text.len > 0 && span_decimal(text, &changed) == ERR_OK ? (int64_t)changed : 0;
}

enum err store_postgres_read_op(const struct store *store, PGresult *result, struct store_op *op, struct arena *arena)
{
    struct store_statement *statement = store_statement_of(store, op);
    const char *name = op->row->name;
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
        return store_postgres_err(store, name, result);
    if (!columns_fit(result, statement)) {
        store_log_refused(store, name, "result columns");
        return ERR_INTERNAL;
    }
    if (op->row->gives)
        TRY(read_rows(result, statement->results, &op->rows, arena));
    if (op->row->flags & STORE_ROW_WRITE)
        op->changed = changed_of(result);
    return (op->flags & STORE_MUST_CHANGE) && op->changed == 0 ? STORE_ERR_CONFLICT : ERR_OK;
}
