/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads that never wait: one non-blocking connection in pipeline mode.
 *
 *     DOWN ── retry_us ──► CONNECTING ── connected ──► READY ── lost, silent ──► DOWN
 *       ▲                      │
 *       └── refused, silent ───┘
 *
 * The pipe lists what was sent and not yet answered, in order: settings of the session, preparations of statements, and batches.
 * Each ends with a Sync of its own, so the failure of one stays with it. An entry whose batch has left stays, so that its answers
 * are known for what they are when they come.
 */
#include "store/postgres/internal.h"

#include <poll.h>
#include <string.h>

enum { PAUSE_FIRST_US = 50000, PAUSE_MOST_US = 2000000, DOUBLINGS_MAX = 10 };

enum link { LINK_DOWN, LINK_CONNECTING, LINK_READY };
enum entry_kind { ENTRY_SETTING, ENTRY_PREPARE, ENTRY_READ };

struct entry {
    enum entry_kind kind;
    size_t which;            /* of the settings, or of the statements */
    struct store_read *read; /* NULL: it has left */
    size_t at;               /* the operation whose result is next */
    enum err err;            /* the first failure */
};

struct statement {
    bool prepared; /* or being so */
    enum err err;  /* why it is not */
};

struct reading {
    struct store_reader *reader;
    PGconn *connection;
    enum link link;
    PostgresPollingStatusType wants; /* while connecting */
    bool usable;                     /* all settings are answered */
    int64_t retry_us;                /* DOWN: the next attempt */
    int64_t heard_us;                /* the last answer or step, or when the next became due */
    unsigned failures;               /* attempts in a row */
    size_t host, hosts;
    struct entry *pipe;
    size_t pipe_cap, head, count;
    struct statement *statement; /* one of each, on this connection */
    bool ended;                  /* the last result ended a statement */
    int watched;                 /* what `watch` was last told: descriptor, and for what */
    bool watched_read, watched_write;
    char conninfo[POSTGRES_CONNINFO_SIZE];
};

static struct reading *of(const struct store_reader *reader)
{
    return reader->connection;
}

static int64_t silence_us(const struct reading *r)
{
    uint32_t ms = r->reader->config.silence_ms;
    return (int64_t)(ms > 0 ? ms : STORE_READER_SILENCE_MS) * 1000;
}

static void tell(const struct reading *r, enum log_level level, const char *event, const char *reason)
{
    struct log *log = r->reader->config.env->log;
    if (log)
        LOG(log, level, event, LOG_TEXT("driver", "postgres"), LOG_TEXT("reason", reason));
}

/* ---- what the loop watches ---- */

static void watch(struct reading *r, int fd, bool readable, bool writable)
{
    if (fd == r->watched && readable == r->watched_read && writable == r->watched_write)
        return;
    r->watched = fd;
    r->watched_read = readable;
    r->watched_write = writable;
    if (r->reader->config.watch)
        r->reader->config.watch(r->reader->config.context, fd, readable, writable);
}

static void watch_nothing(struct reading *r)
{
    watch(r, -1, false, false);
}

/* ---- the pipe ---- */

static struct entry *pipe_at(const struct reading *r, size_t i)
{
    ASSERT(i < r->count);
    return &r->pipe[(r->head + i) % r->pipe_cap];
}

static struct entry *pipe_add(struct reading *r, enum entry_kind kind, size_t which, int64_t now_us)
{
    ASSERT(r->count < r->pipe_cap);
    if (r->count++ == 0)
        r->heard_us = now_us; /* until now nothing had to be answered */
    struct entry *entry = pipe_at(r, r->count - 1);
    *entry = (struct entry){.kind = kind, .which = which};
    return entry;
}

static struct entry pipe_take(struct reading *r)
{
    struct entry entry = *pipe_at(r, 0);
    r->head = (r->head + 1) % r->pipe_cap;
    r->count--;
    return entry;
}

/* ---- losing the connection ---- */

/* After a failure the other hosts follow at once; a round of all that failed is followed by a pause. */
static int64_t pause_us(const struct reading *r)
{
    if (r->failures % r->hosts != 0)
        return 0;
    size_t rounds = r->failures / r->hosts;
    int64_t most = PAUSE_FIRST_US << (rounds < DOUBLINGS_MAX ? rounds - 1 : DOUBLINGS_MAX);
    most = most < PAUSE_MOST_US ? most : PAUSE_MOST_US;
    uint32_t random = 0;
    env_random(r->reader->config.env, &random, sizeof random);
    return most / 2 + random % (most / 2);
}

static void put_back(struct reading *r)
{
    for (size_t i = r->count; i > 0; i--) {
        struct entry *entry = pipe_at(r, i - 1);
        if (entry->read)
            store_read_again(r->reader, entry->read);
    }
    r->head = r->count = 0;
}

static void lose(struct reading *r, int64_t now_us, const char *why)
{
    bool was_usable = r->usable;
    watch_nothing(r);
    PQfinish(r->connection);
    r->connection = NULL;
    r->link = LINK_DOWN;
    r->usable = r->ended = false;
    memset(r->statement, 0, r->reader->store->statements.count * sizeof *r->statement);
    put_back(r);
    r->reader->counts.lost++;
    r->failures = was_usable ? 0 : r->failures + 1;
    r->retry_us = now_us + (was_usable ? 0 : pause_us(r));
    r->host = (r->host + 1) % r->hosts;
    if (was_usable || r->failures == 1)
        tell(r, LOG_WARN, "store.reader_down", why);
}

/* ---- sending ---- */

static bool flush(struct reading *r)
{
    int left = PQflush(r->connection);
    if (left < 0)
        return false;
    watch(r, PQsocket(r->connection), true, left > 0);
    return true;
}

static bool send_settings(struct reading *r, int64_t now_us)
{
    for (size_t i = 0; i < store_postgres_setting_count; i++) {
        (void)pipe_add(r, ENTRY_SETTING, i, now_us);
        if (!store_postgres_send_text(r->connection, store_postgres_setting[i].sql) || PQpipelineSync(r->connection) != 1)
            return false;
    }
    return true;
}

static bool send_prepares(struct reading *r, const struct store_batch *batch, int64_t now_us)
{
    for (size_t i = 0; i < batch->count; i++) {
        size_t which = batch->op[i].statement;
        if (r->statement[which].prepared)
            continue;
        (void)pipe_add(r, ENTRY_PREPARE, which, now_us);
        r->statement[which].prepared = true;
        const struct store_statement *statement = store_statement_of(r->reader->store, &batch->op[i]);
        if (!store_postgres_send_prepare(r->connection, statement) || PQpipelineSync(r->connection) != 1)
            return false;
    }
    return true;
}

static bool send_batch(struct reading *r, int64_t now_us)
{
    if (!send_prepares(r, r->reader->first->batch, now_us))
        return false;
    struct entry *entry = pipe_add(r, ENTRY_READ, 0, now_us);
    entry->read = store_read_take(r->reader, entry);
    const struct store_batch *batch = entry->read->batch;
    for (size_t i = 0; i < batch->count; i++)
        if (!store_postgres_send_op(r->connection, store_statement_of(r->reader->store, &batch->op[i]), &batch->op[i]))
            return false;
    return PQpipelineSync(r->connection) == 1;
}

/* An entry for the batch and for each statement that it may have to prepare. */
static bool has_room(const struct reading *r, const struct store_batch *batch)
{
    size_t statements = r->reader->store->statements.count;
    return r->pipe_cap - r->count > (batch->count < statements ? batch->count : statements);
}

static void reading_send(struct store_reader *reader, int64_t now_us)
{
    struct reading *r = of(reader);
    if (r->link != LINK_READY)
        return;
    bool fine = true;
    while (fine && reader->first && has_room(r, reader->first->batch))
        fine = send_batch(r, now_us);
    if (!fine || !flush(r))
        lose(r, now_us, "cannot send");
}

/* ---- receiving ---- */

/* false: the connection is no good; so below. */
static bool take_setting(const struct entry *entry, const PGresult *result)
{
    return PQresultStatus(result) == PGRES_COMMAND_OK || !store_postgres_setting[entry->which].required;
}

static bool take_prepare(struct reading *r, const struct entry *entry, const PGresult *result)
{
    struct statement *statement = &r->statement[entry->which];
    const char *name = r->reader->store->statements.at[entry->which].row->name;
    bool fine = PQresultStatus(result) == PGRES_COMMAND_OK;
    statement->err = fine ? ERR_OK : store_postgres_err(r->reader->store, name, result);
    statement->prepared = statement->prepared && fine;
    return statement->err != ERR_CLOSED;
}

static bool take_rows(struct reading *r, struct entry *entry, PGresult *result)
{
    if (!entry->read)
        return true;
    struct store_batch *batch = entry->read->batch;
    if (entry->at >= batch->count)
        return false;
    struct store_op *op = &batch->op[entry->at];
    enum err err = store_postgres_read_op(r->reader->store, result, op, batch->arena);
    if (err == ERR_CLOSED)
        return false;
    if (err == ERR_OK || entry->err != ERR_OK)
        return true;
    enum err prepare = r->statement[op->statement].err;
    entry->err = prepare != ERR_OK ? prepare : err;
    batch->at = entry->at;
    return true;
}

static bool read_done(struct reading *r, const struct entry *entry)
{
    struct store_read *read = entry->read;
    r->reader->late = false;
    if (!read) {
        r->reader->counts.discarded++;
        return true;
    }
    if (entry->err == ERR_OK && entry->at != read->batch->count)
        return false;
    if (entry->err == ERR_BUSY)
        store_read_again(r->reader, read);
    else
        store_read_finish(r->reader, read, entry->err == STORE_ERR_UNKNOWN ? STORE_ERR_UNAVAILABLE : entry->err);
    return true;
}

static bool take_sync(struct reading *r)
{
    const struct entry *first = pipe_at(r, 0);
    if (first->kind == ENTRY_READ && !read_done(r, first))
        return false;
    struct entry entry = pipe_take(r);
    if (entry.kind == ENTRY_SETTING && entry.which + 1 == store_postgres_setting_count) {
        r->usable = true;
        r->failures = 0;
        tell(r, LOG_INFO, "store.reader_up", "connected");
    }
    return true;
}

static bool take_result(struct reading *r, PGresult *result)
{
    struct entry *entry = pipe_at(r, 0);
    if (!result) {
        entry->at++;
        return !r->ended;
    }
    if (PQresultStatus(result) == PGRES_PIPELINE_SYNC)
        return take_sync(r);
    switch (entry->kind) {
    case ENTRY_SETTING:
        return take_setting(entry, result);
    case ENTRY_PREPARE:
        return take_prepare(r, entry, result);
    case ENTRY_READ:
        return take_rows(r, entry, result);
    }
    return false;
}

static bool take_answers(struct reading *r, int64_t now_us)
{
    while (r->count > 0 && !PQisBusy(r->connection)) {
        if (PQstatus(r->connection) != CONNECTION_OK)
            return false;
        PGresult *result = PQgetResult(r->connection);
        bool fine = take_result(r, result);
        r->ended = !result;
        if (result)
            r->heard_us = now_us;
        PQclear(result);
        if (!fine)
            return false;
    }
    return true;
}

static void talk(struct reading *r, int64_t now_us)
{
    if (PQconsumeInput(r->connection) == 0 || !take_answers(r, now_us))
        lose(r, now_us, "connection lost");
    else if (r->count > 0 && now_us - r->heard_us >= silence_us(r))
        lose(r, now_us, "no answer");
    else
        reading_send(r->reader, now_us);
}

/* ---- connecting ---- */

/* Notices may quote values; the answers tell all that is needed. */
static void ignore_notice(void *context, const PGresult *notice)
{
    (void)context;
    (void)notice;
}

static void begin(struct reading *r, int64_t now_us)
{
    r->connection = store_postgres_start(r->conninfo, r->host);
    if (!r->connection || PQstatus(r->connection) == CONNECTION_BAD) {
        lose(r, now_us, "cannot connect");
        return;
    }
    (void)PQsetNoticeReceiver(r->connection, ignore_notice, NULL);
    r->link = LINK_CONNECTING;
    r->wants = PGRES_POLLING_WRITING;
    r->heard_us = now_us;
}

static void begin_session(struct reading *r, int64_t now_us)
{
    (void)PQsetErrorVerbosity(r->connection, PQERRORS_SQLSTATE);
    r->link = LINK_READY;
    r->reader->counts.connected++;
    bool fine = PQsetnonblocking(r->connection, 1) == 0 && PQenterPipelineMode(r->connection) == 1;
    if (!fine || !send_settings(r, now_us))
        lose(r, now_us, "no session");
}

/* libpq must not be asked before its socket is ready. */
static bool socket_ready(const struct reading *r)
{
    struct pollfd fd = {.fd = PQsocket(r->connection), .events = r->wants == PGRES_POLLING_READING ? POLLIN : POLLOUT};
    return fd.fd >= 0 && poll(&fd, 1, 0) > 0;
}

static bool is_waiting(PostgresPollingStatusType wants)
{
    return wants == PGRES_POLLING_READING || wants == PGRES_POLLING_WRITING;
}

/* It may close its socket and open another one: meanwhile nothing is watched. */
static void connect_on(struct reading *r, int64_t now_us)
{
    while (is_waiting(r->wants) && socket_ready(r)) {
        watch_nothing(r);
        r->wants = PQconnectPoll(r->connection);
        r->heard_us = now_us;
    }
    if (r->wants == PGRES_POLLING_OK)
        begin_session(r, now_us);
    else if (r->wants == PGRES_POLLING_FAILED)
        lose(r, now_us, "refused");
    else if (now_us - r->heard_us >= silence_us(r))
        lose(r, now_us, "no answer");
    else
        watch(r, PQsocket(r->connection), r->wants == PGRES_POLLING_READING, r->wants == PGRES_POLLING_WRITING);
}

/* ---- verbs ---- */

static int64_t wake_us(const struct reading *r)
{
    switch (r->link) {
    case LINK_DOWN:
        return r->retry_us;
    case LINK_CONNECTING:
        return r->heard_us + silence_us(r);
    case LINK_READY:
        return r->count > 0 ? r->heard_us + silence_us(r) : 0;
    }
    return 0;
}

static int64_t reading_turn(struct store_reader *reader, int64_t now_us)
{
    struct reading *r = of(reader);
    if (r->link == LINK_DOWN && now_us >= r->retry_us)
        begin(r, now_us);
    if (r->link == LINK_CONNECTING)
        connect_on(r, now_us);
    if (r->link == LINK_READY)
        talk(r, now_us);
    return wake_us(r);
}

static bool reading_up(const struct store_reader *reader)
{
    return of(reader)->usable;
}

static void reading_forget(struct store_reader *reader, struct store_read *read)
{
    struct entry *entry = read->sent;
    (void)reader;
    ASSERT(entry->kind == ENTRY_READ && entry->read == read);
    entry->read = NULL;
}

static enum err reading_open(struct store_reader *reader, const char *place)
{
    void *at = NULL;
    TRY(memory_reserve(1, sizeof(struct reading), &at));
    struct reading *r = at;
    reader->connection = r;
    r->reader = reader;
    r->watched = -1;
    TRY(store_postgres_conninfo(place, r->conninfo));
    TRY(store_postgres_hosts(r->conninfo, &r->hosts));
    TRY(memory_reserve(reader->store->statements.count, sizeof *r->statement, &at));
    r->statement = at;
    r->pipe_cap = store_postgres_setting_count + reader->store->statements.count + 2 * reader->config.cap;
    TRY(memory_reserve(r->pipe_cap, sizeof *r->pipe, &at));
    r->pipe = at;
    return ERR_OK;
}

static void reading_close(struct store_reader *reader)
{
    struct reading *r = of(reader);
    if (!r)
        return;
    watch_nothing(r);
    PQfinish(r->connection);
    memory_release(r->pipe, r->pipe_cap, sizeof *r->pipe);
    memory_release(r->statement, reader->store->statements.count, sizeof *r->statement);
    memory_release(r, 1, sizeof *r);
}

const struct store_reading store_postgres_reading = {
    .open = reading_open,
    .close = reading_close,
    .up = reading_up,
    .send = reading_send,
    .turn = reading_turn,
    .forget = reading_forget,
};
