/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PostgreSQL and engines that speak its protocol: libpq in pipeline mode. All operations of a group travel in one round trip, the
 * COMMIT in a second one after the answers were looked at. Values are binary. The socket is never waited for without a deadline.
 */
#include "store/order.h"
#include "store/postgres/internal.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

enum { ANSWER_TIMEOUT_MS = 10000 };

enum prepared { PREPARED_NOT, PREPARED_SENT, PREPARED_READY };

struct postgres {
    PGconn *connection;
    enum prepared *prepared; /* one a statement, on this connection */
    struct store_order order;
    bool begin_sent; /* its answer has not been read yet */
    bool in_transaction;
    char conninfo[POSTGRES_CONNINFO_SIZE];
};

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
    memset(p->prepared, 0, store->statements.count * sizeof *p->prepared);
}

static enum err connect_now(struct store *store)
{
    struct postgres *p = of(store);
    p->connection = PQconnectdb(p->conninfo);
    if (PQstatus(p->connection) != CONNECTION_OK) /* libpq has words for it, and no code */
        return strstr(PQerrorMessage(p->connection), "session is read-only") ? STORE_ERR_READ_ONLY : STORE_ERR_UNAVAILABLE;
    PQsetErrorVerbosity(p->connection, PQERRORS_SQLSTATE);
    bool fine = true;
    for (size_t i = 0; i < store_postgres_setting_count; i++) {
        PGresult *result = PQexec(p->connection, store_postgres_setting[i].sql);
        fine = fine && (PQresultStatus(result) == PGRES_COMMAND_OK || !store_postgres_setting[i].required);
        PQclear(result);
    }
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
    TRY(memory_reserve(store->statements.count, sizeof(enum prepared), &at));
    p->prepared = at;
    TRY(store_order_open(&p->order));
    TRY(store_postgres_conninfo(place, p->conninfo));
    return connected(store);
}

static void postgres_shut(struct store *store)
{
    struct postgres *p = of(store);
    if (!p)
        return;
    PQfinish(p->connection);
    store_order_close(&p->order);
    memory_release(p->prepared, store->statements.count, sizeof(enum prepared));
    memory_release(p, 1, sizeof *p);
    store->connection = NULL;
}

/* ---- one round trip ---- */

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
    enum err err = PQresultStatus(result) == PGRES_COMMAND_OK ? ERR_OK : store_postgres_err(store, statement, result);
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
    const char *name = op->row->name;
    enum err prepare = ERR_OK;
    if (p->prepared[op->statement] == PREPARED_SENT) {
        prepare = take_plain(store, name);
        if (prepare == ERR_CLOSED)
            return ERR_CLOSED;
        p->prepared[op->statement] = prepare == ERR_OK ? PREPARED_READY : PREPARED_NOT;
    }
    PGresult *result = NULL;
    TRY(take_statement(p, &result));
    enum err err = prepare != ERR_OK ? prepare : store_postgres_read_op(store, result, op, arena);
    PQclear(result);
    return err;
}

static enum err send_step(struct store *store, const struct store_op *op)
{
    struct postgres *p = of(store);
    if (p->prepared[op->statement] == PREPARED_NOT) {
        if (!store_postgres_send_prepare(p->connection, store_statement_of(store, op)))
            return ERR_CLOSED;
        p->prepared[op->statement] = PREPARED_SENT;
    }
    return store_postgres_send_op(p->connection, store_statement_of(store, op), op) ? ERR_OK : ERR_CLOSED;
}

static enum err send_steps(struct store *store, const struct store_step *step, size_t count)
{
    struct postgres *p = of(store);
    for (size_t i = 0; i < count; i++)
        TRY(send_step(store, step[i].op));
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

/* What the answers of a group come to. */
struct outcome {
    enum err whole;  /* of the transaction */
    bool aborted;    /* the engine refused a statement and ran none after it */
    bool failed;     /* a batch did, by itself: */
    uint32_t batch;  /* the first of the group */
    uint32_t at;     /* its first operation */
    enum err reason; /* of that one */
};

/*
 * Only the first batch of the group that failed counts. Those before it did not fail, and only they can have changed what it
 * found; one behind it may have failed because of what this one wrote, which is undone.
 */
static void note(struct outcome *o, const struct store_step *step, enum err err)
{
    if (err == ERR_OK || o->aborted)
        return;
    o->aborted = err != STORE_ERR_CONFLICT && err != ERR_MEMORY;
    if (err == ERR_BUSY || store_err_unavailable(err) || err == STORE_ERR_UNKNOWN)
        o->whole = err;
    else if (!o->failed || step->batch < o->batch || (step->batch == o->batch && step->at < o->at))
        *o = (struct outcome){o->whole, o->aborted, true, step->batch, step->at, err};
}

/* All answers are read, whatever they are, so that the pipeline is empty afterwards. */
static enum err take_steps(struct store *store, struct store_batch *const *batch, const struct store_step *step, size_t count)
{
    struct outcome o = {.whole = take_begin(store)};
    o.aborted = o.whole != ERR_OK;
    if (o.whole == ERR_CLOSED)
        return ERR_CLOSED;
    for (size_t i = 0; i < count; i++) {
        enum err err = take_op(store, step[i].op, batch[step[i].batch]->arena);
        if (err == ERR_CLOSED)
            return err;
        note(&o, &step[i], err);
    }
    TRY(take_sync(of(store)));
    if (!o.failed)
        return o.whole;
    batch[o.batch]->err = o.reason;
    batch[o.batch]->at = o.at;
    return STORE_ERR_CONFLICT;
}

/* A connection that failed is not used again: the server rolls back what it had begun. Nor is one to a server that only reads:
 * another may have taken its place. */
static enum err closed_on_loss(struct store *store, enum err err)
{
    if (err == ERR_CLOSED || err == STORE_ERR_READ_ONLY)
        disconnect(store);
    return err;
}

static enum err simple_round(struct store *store, const char *name, const char *sql)
{
    struct postgres *p = of(store);
    if (!store_postgres_send_text(p->connection, sql) || PQpipelineSync(p->connection) != 1)
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
    if (!store_postgres_send_text(of(store)->connection, "BEGIN"))
        return closed_on_loss(store, ERR_CLOSED);
    of(store)->begin_sent = true;
    return ERR_OK;
}

static enum err postgres_perform(struct store *store, struct store_batch *const *batch, size_t count)
{
    const struct store_step *step = NULL;
    size_t steps = 0;
    TRY(store_order_steps(&of(store)->order, store, batch, count, &step, &steps));
    enum err err = send_steps(store, step, steps);
    if (err == ERR_OK)
        err = take_steps(store, batch, step, steps);
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
    if (err == ERR_CLOSED || store_err_unavailable(err)) {
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
    .needs = store_postgres_needs,
    .open = postgres_open,
    .close = postgres_shut,
    .begin = postgres_begin,
    .perform = postgres_perform,
    .commit = postgres_commit,
    .rollback = postgres_rollback,
    .execute = postgres_execute,
    .reading = &store_postgres_reading,
};
