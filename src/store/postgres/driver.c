/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PostgreSQL and engines that speak its protocol: libpq in pipeline mode. All operations of a group travel in one round trip, the
 * COMMIT in a second one after the answers were looked at. Values are binary. The socket is never waited for without a deadline.
 */
#include "store/driver.h"
#include "store/error.h"

#include <endian.h>
#include <errno.h>
#include <libpq-fe.h>
#include <poll.h>
#include <string.h>

enum { ANSWER_TIMEOUT_MS = 10000, TYPE_BYTEA = 17, TYPE_INT8 = 20, TYPE_TEXT = 25, TEXT_FORMAT = 0, BINARY_FORMAT = 1 };

enum prepared { PREPARED_NOT, PREPARED_SENT, PREPARED_READY };

struct postgres {
    PGconn *connection;
    enum prepared *prepared; /* one a row of the table, on this connection */
    bool begin_sent;         /* its answer has not been read yet */
    bool in_transaction;
    char conninfo[512];
};

/* Seconds, so that a lost server is noticed; the caller's own settings come later in the string and win. */
static const char connect_defaults[] = "connect_timeout=5 tcp_user_timeout=10000 target_session_attrs=read-write ";
static const char session[] = "SET statement_timeout = '8s'; SET lock_timeout = '4s'; SET client_min_messages = 'error'";

/*
 * Every statement finds its rows by a key, and tables may be new and without statistics: no plan that was made for an empty table
 * may walk it when it has grown. Other engines that speak the protocol may refuse these; they plan in their own way.
 */
static const char *const hints[] = {"SET enable_seqscan = off",
                                    "SET enable_bitmapscan = off",
                                    "SET enable_hashjoin = off",
                                    "SET enable_mergejoin = off",
                                    "SET jit = off",
                                    "SET plan_cache_mode = force_generic_plan"};

static struct postgres *of(const struct store *store)
{
    return store->connection;
}

/* ---- waiting ---- */

static enum err wait_socket(struct postgres *p, short events)
{
    struct pollfd fd = {.fd = PQsocket(p->connection), .events = events};
    int ready;
    do
        ready = poll(&fd, 1, ANSWER_TIMEOUT_MS);
    while (ready < 0 && errno == EINTR);
    if (ready <= 0)
        return ERR_CLOSED;
    if ((fd.revents & ~POLLOUT) && PQconsumeInput(p->connection) == 0)
        return ERR_CLOSED;
    return ERR_OK;
}

static enum err flush(struct postgres *p)
{
    int left;
    while ((left = PQflush(p->connection)) == 1)
        TRY(wait_socket(p, POLLIN | POLLOUT));
    return left == 0 ? ERR_OK : ERR_CLOSED;
}

/* The next result, NULL at the end of one statement's results. */
static enum err next_result(struct postgres *p, PGresult **out)
{
    while (PQisBusy(p->connection))
        TRY(wait_socket(p, POLLIN));
    *out = PQgetResult(p->connection);
    return ERR_OK;
}

/* ---- connection ---- */

static void disconnect(struct store *store)
{
    struct postgres *p = of(store);
    PQfinish(p->connection);
    p->connection = NULL;
    p->in_transaction = false;
    p->begin_sent = false;
    memset(p->prepared, 0, store->table.count * sizeof *p->prepared);
}

static enum err connect_now(struct store *store)
{
    struct postgres *p = of(store);
    p->connection = PQconnectdb(p->conninfo);
    if (PQstatus(p->connection) != CONNECTION_OK)
        return STORE_ERR_UNAVAILABLE;
    PQsetErrorVerbosity(p->connection, PQERRORS_SQLSTATE);
    PGresult *result = PQexec(p->connection, session);
    bool fine = PQresultStatus(result) == PGRES_COMMAND_OK;
    PQclear(result);
    for (size_t i = 0; i < sizeof hints / sizeof hints[0]; i++)
        PQclear(PQexec(p->connection, hints[i]));
    fine = fine && PQsetnonblocking(p->connection, 1) == 0 && PQenterPipelineMode(p->connection) == 1;
    return fine ? ERR_OK : STORE_ERR_UNAVAILABLE;
}

static enum err connected(struct store *store)
{
    struct postgres *p = of(store);
    if (p->connection && PQstatus(p->connection) == CONNECTION_OK)
        return ERR_OK;
    disconnect(store);
    enum err err = connect_now(store);
    if (err != ERR_OK)
        disconnect(store);
    return err;
}

static enum err postgres_open(struct store *store, const char *place)
{
    void *at = NULL;
    TRY(memory_reserve(1, sizeof(struct postgres), &at));
    struct postgres *p = at;
    store->connection = p;
    TRY(memory_reserve(store->table.count, sizeof(enum prepared), &at));
    p->prepared = at;
    struct buf text = buf_over(p->conninfo, sizeof p->conninfo);
    buf_put_text(&text, connect_defaults);
    buf_put_text(&text, place);
    (void)buf_text(&text);
    if (buf_done(&text) != ERR_OK)
        return ERR_CONFIG;
    return connected(store);
}

static void postgres_shut(struct store *store)
{
    struct postgres *p = of(store);
    if (!p)
        return;
    PQfinish(p->connection);
    memory_release(p->prepared, store->table.count, sizeof(enum prepared));
    memory_release(p, 1, sizeof *p);
    store->connection = NULL;
}

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
    {"25006", ERR_CLOSED},            /* read-only transaction: a node that is no longer the primary */
    {"25P03", ERR_CLOSED},            /* idle in transaction timeout */
    {"53", STORE_ERR_UNAVAILABLE},    /* disk full, out of memory, too many connections */
    {"55P03", STORE_ERR_UNAVAILABLE}, /* lock timeout */
    {"57014", STORE_ERR_UNAVAILABLE}, /* statement timeout */
    {"58", STORE_ERR_UNAVAILABLE},    /* I/O error */
    {"", ERR_INTERNAL},
};

static enum err err_of(const struct store *store, const char *statement, const PGresult *result)
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

static bool send_prepare(struct store *store, const struct store_row *row)
{
    Oid type[STORE_ARGUMENT_MAX];
    int count = (int)strlen(row->arguments);
    for (int i = 0; i < count; i++)
        type[i] = oid_of(row->arguments[i]);
    return PQsendPrepare(of(store)->connection, row->name, row->sql, count, type) == 1;
}

static bool send_op(struct store *store, const struct store_op *op)
{
    const char *value[STORE_ARGUMENT_MAX];
    int length[STORE_ARGUMENT_MAX];
    int format[STORE_ARGUMENT_MAX];
    int64_t integer[STORE_ARGUMENT_MAX];
    for (size_t i = 0; i < op->argument_count; i++) {
        const struct store_value *v = &op->argument[i];
        format[i] = BINARY_FORMAT;
        if (v->kind == STORE_INT) {
            integer[i] = (int64_t)htobe64((uint64_t)v->integer);
            value[i] = (const char *)&integer[i];
            length[i] = sizeof integer[i];
        } else {
            value[i] = v->kind == STORE_NULL ? NULL : v->len > 0 ? (const char *)v->at : "";
            length[i] = v->kind == STORE_NULL ? 0 : (int)v->len;
        }
    }
    return PQsendQueryPrepared(of(store)->connection, store_row_of(store, op)->name, (int)op->argument_count, value, length, format,
                               BINARY_FORMAT) == 1;
}

/* ---- one round trip ---- */

static bool send_simple(struct store *store, const char *sql)
{
    return PQsendQueryParams(of(store)->connection, sql, 0, NULL, NULL, NULL, NULL, TEXT_FORMAT) == 1;
}

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

static bool columns_fit(const PGresult *result, const char *letters)
{
    if ((size_t)PQnfields(result) != strlen(letters))
        return false;
    for (int i = 0; letters[i]; i++)
        if (PQftype(result, i) != oid_of(letters[i]))
            return false;
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

static enum err read_op(struct store *store, PGresult *result, struct store_op *op, struct arena *arena)
{
    const struct store_row *row = store_row_of(store, op);
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
        return err_of(store, row->name, result);
    if (!columns_fit(result, row->results)) {
        store_log_refused(store, row->name, "result columns");
        return ERR_INTERNAL;
    }
    if (row->results[0])
        TRY(read_rows(result, row->results, &op->rows, arena));
    if (row->flags & STORE_ROW_WRITE)
        op->changed = changed_of(result);
    return (op->flags & STORE_MUST_CHANGE) && op->changed == 0 ? STORE_ERR_CONFLICT : ERR_OK;
}

/* Takes the result of one statement and the NULL after it. */
static enum err take_statement(struct postgres *p, PGresult **out)
{
    PGresult *end = NULL;
    *out = NULL;
    TRY(next_result(p, out));
    if (!*out)
        return ERR_CLOSED;
    enum err err = next_result(p, &end);
    PQclear(end);
    if (err == ERR_OK && !end)
        return ERR_OK;
    PQclear(*out);
    *out = NULL;
    return ERR_CLOSED;
}

static enum err take_plain(struct store *store, const char *statement)
{
    PGresult *result = NULL;
    TRY(take_statement(of(store), &result));
    enum err err = PQresultStatus(result) == PGRES_COMMAND_OK ? ERR_OK : err_of(store, statement, result);
    if (err == ERR_OK && strcmp(statement, "COMMIT") == 0 && strcmp(PQcmdStatus(result), "COMMIT") != 0)
        err = ERR_INTERNAL; /* the engine rolled back what it had refused before */
    PQclear(result);
    return err;
}

static enum err take_sync(struct postgres *p)
{
    PGresult *result = NULL;
    TRY(next_result(p, &result));
    enum err err = PQresultStatus(result) == PGRES_PIPELINE_SYNC ? ERR_OK : ERR_CLOSED;
    PQclear(result);
    return err;
}

/* The statement's own result, after that of its Prepare if one went ahead of it. */
static enum err take_op(struct store *store, struct store_op *op, struct arena *arena)
{
    struct postgres *p = of(store);
    const char *name = store_row_of(store, op)->name;
    enum err prepare = ERR_OK;
    if (p->prepared[op->statement] == PREPARED_SENT) {
        prepare = take_plain(store, name);
        if (prepare == ERR_CLOSED)
            return ERR_CLOSED;
        p->prepared[op->statement] = prepare == ERR_OK ? PREPARED_READY : PREPARED_NOT;
    }
    PGresult *result = NULL;
    TRY(take_statement(p, &result));
    enum err err = prepare != ERR_OK ? prepare : read_op(store, result, op, arena);
    PQclear(result);
    return err;
}

static enum err send_batches(struct store *store, struct store_batch *const *batch, size_t count)
{
    struct postgres *p = of(store);
    for (size_t b = 0; b < count; b++) {
        for (size_t i = 0; i < batch[b]->count; i++) {
            const struct store_op *op = &batch[b]->op[i];
            if (p->prepared[op->statement] == PREPARED_NOT) {
                if (!send_prepare(store, store_row_of(store, op)))
                    return ERR_CLOSED;
                p->prepared[op->statement] = PREPARED_SENT;
            }
            if (!send_op(store, op))
                return ERR_CLOSED;
        }
    }
    if (PQpipelineSync(p->connection) != 1)
        return ERR_CLOSED;
    return flush(p);
}

static enum err take_begin(struct store *store)
{
    struct postgres *p = of(store);
    if (!p->begin_sent)
        return ERR_OK;
    p->begin_sent = false;
    enum err err = take_plain(store, "BEGIN");
    p->in_transaction = err == ERR_OK;
    return err;
}

/*
 * All answers are read, whatever they are, so that the pipeline is empty afterwards. Only the first failure counts: what came after
 * it saw its writes, or was never run.
 */
static enum err take_batches(struct store *store, struct store_batch *const *batch, size_t count)
{
    enum err first = take_begin(store);
    struct store_batch *failed = NULL;
    if (first == ERR_CLOSED)
        return first;
    for (size_t b = 0; b < count; b++) {
        for (size_t i = 0; i < batch[b]->count; i++) {
            enum err err = take_op(store, &batch[b]->op[i], batch[b]->arena);
            if (err == ERR_CLOSED)
                return err;
            if (err == ERR_OK || first != ERR_OK)
                continue;
            first = err;
            failed = batch[b];
            failed->at = i;
        }
    }
    TRY(take_sync(of(store)));
    if (!failed || first == ERR_BUSY || first == STORE_ERR_UNAVAILABLE || first == STORE_ERR_UNKNOWN)
        return first;
    failed->err = first;
    return STORE_ERR_CONFLICT;
}

/* A connection that failed is not used again: the server rolls back what it had begun. */
static enum err closed_on_loss(struct store *store, enum err err)
{
    if (err == ERR_CLOSED)
        disconnect(store);
    return err;
}

static enum err simple_round(struct store *store, const char *name, const char *sql)
{
    struct postgres *p = of(store);
    if (!send_simple(store, sql) || PQpipelineSync(p->connection) != 1)
        return ERR_CLOSED;
    TRY(flush(p));
    enum err begin = take_begin(store);
    if (begin == ERR_CLOSED)
        return begin;
    enum err err = take_plain(store, name);
    if (err == ERR_CLOSED)
        return err;
    TRY(take_sync(p));
    return begin != ERR_OK ? begin : err;
}

/* ---- verbs ---- */

static enum err postgres_begin(struct store *store, bool writes)
{
    TRY(connected(store));
    if (!writes)
        return ERR_OK;
    if (!send_simple(store, "BEGIN"))
        return closed_on_loss(store, ERR_CLOSED);
    of(store)->begin_sent = true;
    return ERR_OK;
}

static enum err postgres_perform(struct store *store, struct store_batch *const *batch, size_t count)
{
    enum err err = send_batches(store, batch, count);
    if (err == ERR_OK)
        err = take_batches(store, batch, count);
    return closed_on_loss(store, err);
}

/* From the moment COMMIT is on its way, a lost connection or a timeout leaves the outcome open. */
static enum err postgres_commit(struct store *store)
{
    struct postgres *p = of(store);
    if (!p->in_transaction)
        return ERR_OK;
    enum err err = simple_round(store, "COMMIT", "COMMIT");
    if (err == ERR_OK)
        p->in_transaction = false;
    if (err == ERR_CLOSED || err == STORE_ERR_UNAVAILABLE) {
        disconnect(store);
        return STORE_ERR_UNKNOWN;
    }
    return err;
}

static void postgres_rollback(struct store *store)
{
    struct postgres *p = of(store);
    if (!p->connection || !(p->in_transaction || p->begin_sent))
        return;
    if (simple_round(store, "ROLLBACK", "ROLLBACK") != ERR_OK)
        disconnect(store);
    p->in_transaction = false;
}

static enum err postgres_execute(struct store *store, const char *sql)
{
    static const char *const marks[] = {"{int}", "BIGINT", "{bytes}", "BYTEA", "{empty}", "''::bytea", "{table}", "", NULL};
    char room[4096];
    struct buf text = buf_over(room, sizeof room);
    TRY(store_marks_expand(sql, marks, &text));
    return closed_on_loss(store, simple_round(store, "migration", buf_text(&text)));
}

const struct store_driver store_postgres = {
    .name = "postgres",
    .scheme = "postgres:",
    .open = postgres_open,
    .close = postgres_shut,
    .begin = postgres_begin,
    .perform = postgres_perform,
    .commit = postgres_commit,
    .rollback = postgres_rollback,
    .execute = postgres_execute,
};
