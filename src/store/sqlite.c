/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SQLite: the embedded driver. WAL with synchronous=FULL makes one fdatasync a commit; batches of a group stand in savepoints, so a
 * conflict undoes its own batch and the others commit with the rest.
 */
#include "store/driver.h"
#include "store/error.h"
#include "store/internal.h"
#include "store/writer.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

enum {
    BUSY_TIMEOUT_MS = 5000,
    READER_TIMEOUT_MS = 5,
    POLL_US = 100,
    CHECKPOINT_FRAMES = 16384,
    CAREFUL_GROUPS = 16, /* that are saved batch by batch after a batch has failed */
    RESTART_FRAMES = 2 * CHECKPOINT_FRAMES
};

/* Statements of the driver itself. */
enum verb { VERB_BEGIN_READ, VERB_BEGIN_WRITE, VERB_COMMIT, VERB_ROLLBACK, VERB_SAVE, VERB_RELEASE, VERB_UNDO, VERB_COUNT };
static const char *const verb_sql[VERB_COUNT] = {
    [VERB_BEGIN_READ] = "BEGIN",       [VERB_BEGIN_WRITE] = "BEGIN IMMEDIATE", [VERB_COMMIT] = "COMMIT",
    [VERB_ROLLBACK] = "ROLLBACK",      [VERB_SAVE] = "SAVEPOINT batch",        [VERB_RELEASE] = "RELEASE batch",
    [VERB_UNDO] = "ROLLBACK TO batch",
};

struct sqlite {
    sqlite3 *db;
    const struct env *env;
    int patience_ms;    /* how long a lock is waited for */
    int64_t busy_us;    /* since when the one of now is waited for */
    int turn;           /* descriptor of the turnstile, -1: none */
    int restart_frames; /* size of the WAL from which readers are waited for */
    int careful;        /* groups that are still saved batch by batch */
    sqlite3_stmt *verb[VERB_COUNT];
    sqlite3_stmt **prepared; /* one a statement, made when first used */
};

/* Pages that SQLite takes from one block, so that a miss of the page cache is no call of malloc. The cache itself is larger. */
enum { CACHED_PAGES = 1024 };
static const char pragmas[] = "PRAGMA journal_mode = WAL;"
                              "PRAGMA synchronous = FULL;"
                              "PRAGMA mmap_size = 0;"
                              "PRAGMA cache_size = -65536;"
                              "PRAGMA temp_store = MEMORY;"
                              "PRAGMA trusted_schema = OFF;";

static struct sqlite *of(const struct store *store)
{
    return store->connection;
}

static enum err refused(const struct store *store, const char *name)
{
    enum err err = store_sqlite_err(of(store)->db);
    char room[24];
    struct buf code = buf_over(room, sizeof room);
    buf_put_integer(&code, sqlite3_extended_errcode(of(store)->db));
    if (err != ERR_DUPLICATE)
        store_log_refused(store, name, buf_text(&code));
    return err;
}

static enum err verb_run(struct store *store, enum verb verb)
{
    struct sqlite *s = of(store);
    if (!s->verb[verb] &&
        sqlite3_prepare_v3(s->db, verb_sql[verb], -1, SQLITE_PREPARE_PERSISTENT, &s->verb[verb], NULL) != SQLITE_OK)
        return refused(store, verb_sql[verb]);
    int code = sqlite3_step(s->verb[verb]);
    enum err err = code == SQLITE_DONE ? ERR_OK : refused(store, verb_sql[verb]);
    sqlite3_reset(s->verb[verb]);
    return err;
}

/* ---- the turnstile: several processes write, and each gets its turn ---- */

/*
 * SQLite's own waiting is not fair: a writer that commits without pause takes the lock again before one that sleeps has looked. So
 * a writer first locks a file of its own beside the database, and lets go of it when its transaction has begun: one that has just
 * committed finds the turnstile held by whoever waits. Without the file all works, but for fairness.
 */
static int turnstile_open(const char *place)
{
    char path[1024];
    struct buf text = buf_over(path, sizeof path);
    buf_put_text(&text, place);
    buf_put_text(&text, "-turn");
    (void)buf_text(&text);
    return buf_done(&text) == ERR_OK ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;
}

static void doze(void)
{
    nanosleep(&(struct timespec){.tv_nsec = POLL_US * 1000}, NULL);
}

/* A doze takes longer than it says: the clock decides. A clock that stands still, as a test's may, leaves it to the dozes. */
static bool patient(const struct sqlite *s, int64_t since_us, int dozes, int patience_ms)
{
    int64_t patience_us = (int64_t)patience_ms * 1000;
    return env_monotonic_us(s->env) - since_us < patience_us && dozes < patience_us / POLL_US;
}

static void turnstile_enter(const struct sqlite *s)
{
    int64_t since_us = env_monotonic_us(s->env);
    for (int i = 0; s->turn >= 0 && patient(s, since_us, i, BUSY_TIMEOUT_MS); i++) {
        if (flock(s->turn, LOCK_EX | LOCK_NB) == 0)
            return;
        doze();
    }
}

static void turnstile_leave(const struct sqlite *s)
{
    if (s->turn >= 0)
        flock(s->turn, LOCK_UN);
}

static int busy(void *context, int count)
{
    struct sqlite *s = context;
    if (count == 0)
        s->busy_us = env_monotonic_us(s->env);
    doze();
    return patient(s, s->busy_us, count, s->patience_ms);
}

/*
 * The WAL starts over only when no reader looks into it; where readers overlap without a gap that never comes by itself, and it
 * would grow for ever. So a WAL of twice the usual size makes the writer wait until readers have moved on: one short read.
 */
static int after_commit(void *context, sqlite3 *db, const char *name, int frames)
{
    struct sqlite *s = context;
    if (frames < CHECKPOINT_FRAMES)
        s->restart_frames = RESTART_FRAMES;
    else if (frames < s->restart_frames)
        (void)sqlite3_wal_checkpoint_v2(db, name, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    else if (sqlite3_wal_checkpoint_v2(db, name, SQLITE_CHECKPOINT_RESTART, NULL, NULL) != SQLITE_OK)
        s->restart_frames += CHECKPOINT_FRAMES; /* a reader that does not end: not at every commit */
    return SQLITE_OK;
}

/* ---- connection ---- */

/*
 * A new file belongs to its owner alone; the WAL takes its mode from it. An existing one is not touched here: to close a second
 * descriptor of it would drop the locks that other connections of this process hold.
 */
static void make_private(const char *place)
{
    int file = open(place, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file >= 0)
        close(file);
}

/*
 * Two processes that turn a new file into one with a WAL want to raise the same lock. SQLite refuses one of them at once, without
 * the busy handler, since it sees a deadlock. The one that is refused has let go of its lock, so it may ask again.
 */
static enum err settle(struct store *store)
{
    struct sqlite *s = of(store);
    int64_t since_us = env_monotonic_us(s->env);
    int code = SQLITE_BUSY;
    for (int i = 0; code == SQLITE_BUSY && patient(s, since_us, i, s->patience_ms); i++) {
        if (i > 0)
            doze();
        code = sqlite3_exec(s->db, pragmas, NULL, NULL, NULL) == SQLITE_OK ? SQLITE_OK : sqlite3_errcode(s->db) & 0xff;
    }
    return code == SQLITE_OK ? ERR_OK : refused(store, "PRAGMA");
}

static enum err sqlite_open(struct store *store, const char *place)
{
    void *at = NULL;
    TRY(memory_reserve(1, sizeof(struct sqlite), &at));
    struct sqlite *s = at;
    store->connection = s;
    s->turn = -1;
    s->env = store->env;
    s->patience_ms = BUSY_TIMEOUT_MS;
    TRY(memory_reserve(store->statements.count, sizeof(sqlite3_stmt *), &at));
    s->prepared = at;
    make_private(place);
    /* Memory statistics would take one lock for all connections of the process; refused, and harmless, once SQLite runs. */
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    (void)sqlite3_config(SQLITE_CONFIG_PAGECACHE, NULL, 0, CACHED_PAGES);
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(place, &s->db, flags, NULL) != SQLITE_OK)
        return s->db ? refused(store, "open") : STORE_ERR_UNAVAILABLE;
    sqlite3_extended_result_codes(s->db, 1);
    sqlite3_busy_handler(s->db, busy, s);
    TRY(settle(store));
    sqlite3_wal_hook(s->db, after_commit, s);
    s->turn = turnstile_open(place);
    return ERR_OK;
}

static enum err sqlite_only_read(struct store *store)
{
    struct sqlite *s = of(store);
    s->patience_ms = READER_TIMEOUT_MS;
    return sqlite3_exec(s->db, "PRAGMA query_only = ON", NULL, NULL, NULL) == SQLITE_OK ? ERR_OK : refused(store, "PRAGMA");
}

static void sqlite_shut(struct store *store)
{
    struct sqlite *s = of(store);
    if (!s)
        return;
    for (size_t i = 0; i < VERB_COUNT; i++)
        sqlite3_finalize(s->verb[i]);
    for (size_t i = 0; s->prepared && i < store->statements.count; i++)
        sqlite3_finalize(s->prepared[i]);
    sqlite3_close(s->db);
    if (s->turn >= 0)
        close(s->turn);
    memory_release(s->prepared, store->statements.count, sizeof(sqlite3_stmt *));
    memory_release(s, 1, sizeof *s);
    store->connection = NULL;
}

/* ---- one operation ---- */

static bool columns_fit(sqlite3_stmt *prepared, const struct store_statement *statement)
{
    size_t count = strlen(statement->results);
    bool fit = (size_t)sqlite3_column_count(prepared) == count;
    for (size_t i = 0; i < count && fit; i++)
        fit = store_column_fits(statement, i, sqlite3_column_name(prepared, (int)i));
    return fit;
}

static enum err prepare(struct store *store, const struct store_op *op, sqlite3_stmt **out)
{
    struct sqlite *s = of(store);
    const struct store_statement *statement = store_statement_of(store, op);
    *out = s->prepared[op->statement];
    if (*out)
        return ERR_OK;
    if (sqlite3_prepare_v3(s->db, statement->sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL) != SQLITE_OK)
        return refused(store, op->row->name);
    if (!columns_fit(*out, statement)) {
        sqlite3_finalize(*out);
        store_log_refused(store, op->row->name, "result columns");
        return ERR_INTERNAL;
    }
    s->prepared[op->statement] = *out;
    return ERR_OK;
}

/* Arguments are borrowed: they stay in place for as long as the statement runs. An empty text is no NULL. */
static int bind(sqlite3_stmt *statement, int index, const struct store_value *value)
{
    const void *at = value->len > 0 ? (const void *)value->at : "";
    switch (value->kind) {
    case STORE_INT:
        return sqlite3_bind_int64(statement, index, value->integer);
    case STORE_TEXT:
        return sqlite3_bind_text(statement, index, at, (int)value->len, SQLITE_STATIC);
    case STORE_BYTES:
        return sqlite3_bind_blob(statement, index, at, (int)value->len, SQLITE_STATIC);
    case STORE_NULL:
        break;
    }
    return sqlite3_bind_null(statement, index);
}

static enum err read_cell(sqlite3_stmt *statement, int column, char letter, struct store_value *cell, struct arena *arena)
{
    int type = sqlite3_column_type(statement, column);
    if (type == SQLITE_NULL)
        return ERR_OK;
    if (letter == 'i') {
        if (type != SQLITE_INTEGER)
            return ERR_INTERNAL;
        *cell = store_int(sqlite3_column_int64(statement, column));
        return ERR_OK;
    }
    if (type != (letter == 't' ? SQLITE_TEXT : SQLITE_BLOB))
        return ERR_INTERNAL;
    const void *at = letter == 't' ? (const void *)sqlite3_column_text(statement, column) : sqlite3_column_blob(statement, column);
    return store_cell_copy(cell, store_kind_of(letter), at, (size_t)sqlite3_column_bytes(statement, column), arena);
}

static enum err read_row(sqlite3_stmt *statement, const char *letters, struct store_rows *rows, size_t *cap, struct arena *arena)
{
    struct store_value *cell = store_rows_add(rows, cap, arena);
    if (!cell)
        return ERR_MEMORY;
    for (int i = 0; letters[i]; i++)
        TRY(read_cell(statement, i, letters[i], &cell[i], arena));
    return ERR_OK;
}

static enum err step_all(struct store *store, sqlite3_stmt *statement, struct store_op *op, struct arena *arena)
{
    const char *letters = store_statement_of(store, op)->results;
    size_t cap = 0;
    op->rows = (struct store_rows){.columns = strlen(letters)};
    int code;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW)
        TRY(read_row(statement, letters, &op->rows, &cap, arena));
    if (code != SQLITE_DONE)
        return refused(store, op->row->name);
    if (op->row->flags & STORE_ROW_WRITE)
        op->changed = letters[0] ? (int64_t)op->rows.count : sqlite3_changes(of(store)->db);
    return ERR_OK;
}

/* A connection keeps pages in memory, so it may be the last to know that its file is damaged. A new one reads the file. */
static enum err look_anew(const struct store *store)
{
    sqlite3 *db = NULL;
    const char *path = sqlite3_db_filename(of(store)->db, "main");
    int code = sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_exec(db, "SELECT count(*) FROM sqlite_schema", NULL, NULL, NULL);
    enum err err = code == SQLITE_OK || code == SQLITE_BUSY ? ERR_OK : store_sqlite_err(db);
    sqlite3_close(db);
    return err;
}

/* Arguments are numbered in the order in which they first occur, as SQLite numbers them. */
static enum err op_run(struct store *store, struct store_op *op, struct arena *arena)
{
    const struct store_statement *statement = store_statement_of(store, op);
    sqlite3_stmt *prepared = NULL;
    if (op->row->flags & STORE_ROW_PROBE)
        TRY(look_anew(store));
    TRY(prepare(store, op, &prepared));
    for (size_t i = 0; i < statement->argument_count; i++) {
        struct store_value value = store_argument(statement, op, i);
        if (bind(prepared, (int)i + 1, &value) != SQLITE_OK)
            return refused(store, op->row->name);
    }
    enum err err = step_all(store, prepared, op, arena);
    sqlite3_reset(prepared);
    if (err == ERR_OK && (op->flags & STORE_MUST_CHANGE) && op->changed == 0)
        err = STORE_ERR_CONFLICT;
    return err;
}

static void batch_perform(struct store *store, struct store_batch *batch)
{
    for (size_t i = 0; i < batch->count && batch->err == ERR_OK; i++) {
        batch->err = op_run(store, &batch->op[i], batch->arena);
        batch->at = i;
    }
}

/* ---- verbs ---- */

/* A file that was removed or put aside still takes writes, and nobody would ever see them. */
static enum err in_place(struct store *store)
{
    int moved = 0;
    if (sqlite3_file_control(of(store)->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved) != SQLITE_OK || !moved)
        return ERR_OK;
    store_log_refused(store, "BEGIN", "the file was moved or removed");
    return STORE_ERR_FILE;
}

static enum err sqlite_begin(struct store *store, bool writes)
{
    if (!writes)
        return verb_run(store, VERB_BEGIN_READ);
    TRY(in_place(store));
    turnstile_enter(of(store));
    enum err err = verb_run(store, VERB_BEGIN_WRITE);
    turnstile_leave(of(store));
    return err;
}

static void sqlite_rollback(struct store *store)
{
    if (sqlite3_get_autocommit(of(store)->db))
        return;
    enum err err = verb_run(store, VERB_ROLLBACK);
    if (err != ERR_OK)
        store_log_refused(store, "ROLLBACK", err_row(err)->name);
}

static enum err perform_saved(struct store *store, struct store_batch *batch)
{
    TRY(verb_run(store, VERB_SAVE));
    batch_perform(store, batch);
    /* Disk full and I/O errors may have ended the whole transaction. */
    if (sqlite3_get_autocommit(of(store)->db))
        return store_err_unavailable(batch->err) ? batch->err : STORE_ERR_UNAVAILABLE;
    if (batch->err == ERR_OK)
        return verb_run(store, VERB_RELEASE);
    TRY(verb_run(store, VERB_UNDO));
    return verb_run(store, VERB_RELEASE);
}

/*
 * Batches hardly ever fail, and a savepoint copies every page that is written after it. So a group runs without first; false: one
 * has failed, nothing of the group is written, and it is to run again, each batch behind a savepoint of its own.
 */
static bool perform_plain(struct store *store, struct store_batch *const *batch, size_t count)
{
    size_t used[STORE_GROUP_MAX];
    ASSERT(count <= STORE_GROUP_MAX);
    for (size_t i = 0; i < count; i++)
        used[i] = batch[i]->arena ? batch[i]->arena->used : 0;
    for (size_t i = 0; i < count; i++) {
        batch_perform(store, batch[i]);
        if (batch[i]->err == ERR_OK)
            continue;
        for (size_t undone = 0; undone <= i; undone++)
            store_batch_forget(batch[undone], used[undone]);
        sqlite_rollback(store);
        return false;
    }
    return true;
}

static enum err sqlite_perform(struct store *store, struct store_batch *const *batch, size_t count)
{
    if (count == 1) {
        batch_perform(store, batch[0]);
        return batch[0]->err == ERR_OK ? ERR_OK : STORE_ERR_CONFLICT;
    }
    struct sqlite *s = of(store);
    bool writes = sqlite3_txn_state(s->db, NULL) == SQLITE_TXN_WRITE;
    if (s->careful == 0 && perform_plain(store, batch, count))
        return ERR_OK;
    s->careful = s->careful == 0 ? CAREFUL_GROUPS : s->careful - 1;
    if (sqlite3_get_autocommit(s->db))
        TRY(sqlite_begin(store, writes));
    for (size_t i = 0; i < count; i++)
        TRY(perform_saved(store, batch[i]));
    return ERR_OK;
}

static enum err sqlite_commit(struct store *store)
{
    enum err err = verb_run(store, VERB_COMMIT);
    /* A commit record that was written whole but not synced may still be found by recovery after a crash. */
    if (err != ERR_OK && sqlite3_extended_errcode(of(store)->db) == SQLITE_IOERR_FSYNC)
        return STORE_ERR_UNKNOWN;
    return err;
}

static enum err sqlite_execute(struct store *store, const char *sql)
{
    static const char *const marks[] = {"{int}", "INTEGER", "{bytes}", "BLOB", "{empty}", "X''", "{table}", "STRICT, WITHOUT ROWID",
                                        NULL};
    char room[4096];
    struct buf text = buf_over(room, sizeof room);
    TRY(store_marks_expand(sql, marks, &text));
    if (sqlite3_exec(of(store)->db, buf_text(&text), NULL, NULL, NULL) != SQLITE_OK)
        return refused(store, "migration");
    return ERR_OK;
}

const struct store_driver store_sqlite = {
    .name = "sqlite",
    .scheme = "sqlite:",
    .needs = store_sqlite_needs,
    .open = sqlite_open,
    .close = sqlite_shut,
    .begin = sqlite_begin,
    .perform = sqlite_perform,
    .commit = sqlite_commit,
    .rollback = sqlite_rollback,
    .execute = sqlite_execute,
    .only_read = sqlite_only_read,
};
