/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Durable one-time consumes through the ledger, in batches of 256 under one commit, as the switch writes them: the conditional
 * write of the code row, the idempotency row, the authorisation, the hold and the account. The limit is measured in the same run
 * on the same disk: the same five rows written by SQLite with nothing around them, one fdatasync a batch.
 *
 *     build/bench/bench_store [store URL]        default: sqlite in a temporary file
 */
#include "ledger/ledger.h"
#include "support/bench.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CARDS = 8192, BATCH = 256, OPS_EACH = 5, ROUNDS = 96, ARENA = 8 << 20 };

static struct env env;
static struct ledger_full_card *cards;
static int64_t serial;

static void check(enum err err, const char *what)
{
    if (err == ERR_OK)
        return;
    fprintf(stderr, "bench_store: %s: %s\n", what, err_row(err)->name);
    exit(1);
}

static void number(char *out, size_t cap, const char *prefix, int64_t value, size_t width)
{
    struct buf b = buf_over(out, cap);
    buf_put_text(&b, prefix);
    buf_put_decimal(&b, (uint64_t)value, width);
    (void)buf_text(&b);
}

static void make_card(int64_t i, struct ledger_full_card *c)
{
    *c = (struct ledger_full_card){.card = {.status = LEDGER_CARD_ACTIVE, .enrolled = true, .version = 1}};
    number(c->card.card_id, sizeof c->card.card_id, "card_", i, 8);
    memcpy(c->card.reference, c->card.card_id, sizeof c->card.reference);
    number(c->account.account_id, sizeof c->account.account_id, "acct_", i, 8);
    memcpy(c->card.account_id, c->account.account_id, sizeof c->account.account_id);
    memcpy(c->card.product_id, "one_time", 9);
    memcpy(c->card.issuer_id, "ISSUER0001", 11);
    memcpy(c->account.currency, "036", 4);
    env_random(&env, c->card.pan_mac.at, sizeof c->card.pan_mac.at);
    c->card.pan_mac.len = sizeof c->card.pan_mac.at;
    env_random(&env, c->card.pan_enc.at, 48);
    c->card.pan_enc.len = 48;
    c->account.balance = 1000000000;
    c->account.version = 1;
}

static void seed(struct store *store, struct arena *arena)
{
    for (int64_t i = 0; i < CARDS; i += BATCH) {
        struct ledger_unit unit;
        arena_reset(arena);
        ledger_unit_begin(&unit, (size_t)BATCH * 3, arena);
        for (int64_t j = i; j < i + BATCH; j++) {
            make_card(j, &cards[j]);
            ledger_put_new_account(&unit, &cards[j].account);
            ledger_put_card(&unit, &cards[j].card);
        }
        check(ledger_unit_run(&unit, store), "seed");
    }
}

/* Displays: every card gets its next code. Not measured. */
static void issue_all(struct store *store, struct arena *arena)
{
    for (int64_t i = 0; i < CARDS; i += BATCH) {
        struct ledger_unit unit;
        arena_reset(arena);
        ledger_unit_begin(&unit, (size_t)BATCH * 2, arena);
        for (int64_t j = i; j < i + BATCH; j++) {
            struct ledger_code after = cards[j].code;
            memcpy(after.card_id, cards[j].card.card_id, sizeof after.card_id);
            int64_t now = env_wall_ms(&env);
            struct ledger_code_change change = {.at = now, .issue_n = after.issue_n + 1, .expires_at = now + 300000};
            ledger_code_apply(&after, LEDGER_EVENT_ISSUE, &change);
            struct ledger_issuance journal = {.at = ++serial, .issue_n = change.issue_n};
            memcpy(journal.card_id, after.card_id, sizeof after.card_id);
            env_uuid(&env, journal.issuance_id);
            ledger_put_issue(&unit, &cards[j].code, &after, &journal);
            after.version++;
            cards[j].code = after;
        }
        check(ledger_unit_run(&unit, store), "issue");
    }
}

static void put_consume(struct ledger_unit *unit, struct ledger_full_card *c)
{
    char de11[7], de37[13], id[LEDGER_UUID];
    int64_t n = ++serial;
    number(de11, sizeof de11, "", n % 1000000, 6);
    number(de37, sizeof de37, "", n, 12);
    env_uuid(&env, id);
    int64_t now = env_wall_ms(&env);
    struct ledger_code after = c->code;
    ledger_code_apply(&after, LEDGER_EVENT_CONSUME, &(struct ledger_code_change){.at = now, .auth_id = id});
    struct ledger_message_id message = {
        "visa", "0100", "1121050000", de11, "123456", de37, "TERM0001", "MERCHANT0000001", c->card.pan_mac.at, "visa"};
    struct ledger_idem idem = {.created_at = now};
    idem.fingerprint.len = 40;
    idem.answer.len = 48;
    memcpy(idem.auth_id, id, sizeof id);
    struct ledger_auth auth = {.link_id = "visa",
                               .mti_class = "0100",
                               .de7 = "1121050000",
                               .de32 = "123456",
                               .de41 = "TERM0001",
                               .de42 = "MERCHANT0000001",
                               .bin8 = "45678901",
                               .amount = 1234,
                               .currency = "036",
                               .de3 = "000000",
                               .mcc = "5411",
                               .de22 = "0812",
                               .de25 = "59",
                               .received_at = now,
                               .decided_at = now,
                               .outcome = 5,
                               .steps = "PM0+",
                               .result = "M",
                               .de39 = "00",
                               .de38 = "123456"};
    memcpy(auth.auth_id, id, sizeof id);
    memcpy(auth.de11, de11, sizeof de11);
    memcpy(auth.de37, de37, sizeof de37);
    memcpy(auth.card_id, c->card.card_id, sizeof auth.card_id);
    memcpy(auth.pan_mac.at, c->card.pan_mac.at, sizeof auth.pan_mac.at);
    auth.pan_mac.len = sizeof auth.pan_mac.at;
    struct ledger_hold hold = {.amount = 1234, .until = now + 604800000};
    memcpy(hold.auth_id, id, sizeof id);
    memcpy(hold.account_id, c->account.account_id, sizeof hold.account_id);
    struct ledger_account account = c->account;
    account.held += 1234;
    memcpy(auth.previous_auth_id, account.last_auth_id, sizeof auth.previous_auth_id);
    memcpy(account.last_auth_id, id, sizeof id);
    ledger_put_code(unit, &c->code, &after, LEDGER_CONSUME);
    ledger_put_idem(unit, &message, &idem);
    ledger_put_auth(unit, &auth);
    ledger_put_hold(unit, &hold);
    ledger_put_account(unit, &account);
    after.version++;
    account.version++;
    c->code = after;
    c->account = account;
}

/* Cards in an order that visits the tables at random, as real traffic does. */
static size_t scatter(size_t i)
{
    return i * 2654435761u % CARDS;
}

static int64_t consume_all(struct store *store, struct arena *arena)
{
    int64_t start = env_monotonic_us(&env);
    for (size_t i = 0; i < CARDS; i += BATCH) {
        struct ledger_unit unit;
        arena_reset(arena);
        ledger_unit_begin(&unit, (size_t)BATCH * OPS_EACH, arena);
        for (size_t j = i; j < i + BATCH; j++)
            put_consume(&unit, &cards[scatter(j)]);
        check(ledger_unit_run(&unit, store), "consume");
    }
    return env_monotonic_us(&env) - start;
}

/* What the switch asks before: the idempotency row and the card with its code and account. */
static int64_t look_up_all(struct store *store, struct arena *arena)
{
    int64_t start = env_monotonic_us(&env);
    static struct ledger_full_card found;
    for (size_t i = 0; i < CARDS; i += BATCH) {
        struct ledger_unit unit;
        arena_reset(arena);
        ledger_unit_begin(&unit, (size_t)BATCH * 2, arena);
        for (size_t j = i; j < i + BATCH; j++) {
            struct ledger_message_id message = {"visa",
                                                "0100",
                                                "1121050001",
                                                "000000",
                                                "123456",
                                                "000000000000",
                                                "TERM0001",
                                                "MERCHANT0000001",
                                                cards[scatter(j)].card.pan_mac.at,
                                                "visa"};
            (void)ledger_get_message(&unit, &message);
            (void)ledger_get_card_by_pan(&unit, "ISSUER0001", cards[scatter(j)].card.pan_mac.at);
        }
        check(ledger_unit_run(&unit, store), "look up");
        for (size_t j = 0; j < BATCH; j++)
            if (!ledger_take_card(&unit, j * 2 + 1, &found) || ledger_found(&unit, j * 2) != 0)
                check(ERR_NOT_FOUND, "look up");
    }
    return env_monotonic_us(&env) - start;
}

/* ---- the limit: five rows of the same sizes, nothing around them ---- */

static void must(int code, int wanted, sqlite3 *db)
{
    if (code == wanted)
        return;
    fprintf(stderr, "bench_store: bare sqlite: %s\n", sqlite3_errmsg(db));
    exit(1);
}

static int64_t bare(const char *path, size_t count)
{
    static const char *const insert[] = {"INSERT INTO a VALUES (?, ?)", "INSERT INTO b VALUES (?, ?)",
                                         "INSERT INTO c VALUES (?, ?)", "UPDATE d SET v = ?2 WHERE k = ?1 % 8192",
                                         "UPDATE e SET v = ?2 WHERE k = ?1 % 8192"};
    static const int size[] = {430, 180, 110, 240, 90};
    static char payload[512];
    sqlite3 *db = NULL;
    sqlite3_stmt *statement[5];
    must(sqlite3_open(path, &db), SQLITE_OK, db);
    must(sqlite3_exec(db,
                      "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE a (k INTEGER PRIMARY KEY, v BLOB);"
                      "CREATE TABLE b (k INTEGER PRIMARY KEY, v BLOB); CREATE TABLE c (k INTEGER PRIMARY KEY, v BLOB);"
                      "CREATE TABLE d (k INTEGER PRIMARY KEY, v BLOB); CREATE TABLE e (k INTEGER PRIMARY KEY, v BLOB);"
                      "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 8191)"
                      "INSERT INTO d SELECT i, zeroblob(240) FROM n; INSERT INTO e SELECT k, zeroblob(90) FROM d;",
                      NULL, NULL, NULL),
         SQLITE_OK, db);
    for (int s = 0; s < 5; s++)
        must(sqlite3_prepare_v2(db, insert[s], -1, &statement[s], NULL), SQLITE_OK, db);
    int64_t start = env_monotonic_us(&env);
    for (size_t i = 0; i < count; i++) {
        if (i % BATCH == 0)
            must(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK, db);
        for (int s = 0; s < 5; s++) {
            must(sqlite3_bind_int64(statement[s], 1, (int64_t)(s < 3 ? i : scatter(i))), SQLITE_OK, db);
            must(sqlite3_bind_blob(statement[s], 2, payload, size[s], SQLITE_STATIC), SQLITE_OK, db);
            must(sqlite3_step(statement[s]), SQLITE_DONE, db);
            must(sqlite3_reset(statement[s]), SQLITE_OK, db);
        }
        if (i % BATCH == BATCH - 1)
            must(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), SQLITE_OK, db);
    }
    int64_t took = env_monotonic_us(&env) - start;
    for (int s = 0; s < 5; s++)
        sqlite3_finalize(statement[s]);
    sqlite3_close(db);
    return took;
}

static bool report(const char *name, double value, double limit, double goal)
{
    return bench_report(&(struct bench_figure){.bench = name,
                                               .value = value,
                                               .unit = "/s",
                                               .limit = limit,
                                               .limit_is = "five bare SQLite rows, one fdatasync a batch",
                                               .rule = BENCH_VALUE_AT_LEAST,
                                               .goal = goal});
}

int main(int argc, char **argv)
{
    char directory[] = "/tmp/countersign-bench.XXXXXX";
    char url[128], path[128], command[128];
    struct store *store = NULL, *reader = NULL;
    struct arena arena;
    void *at = NULL;
    env = env_system(NULL);
    if (!mkdtemp(directory))
        return 1;
    snprintf(url, sizeof url, "sqlite:%s/ledger.db", directory);
    snprintf(path, sizeof path, "%s/bare.db", directory);
    check(arena_create(&arena, ARENA), "arena");
    check(memory_reserve(CARDS, sizeof *cards, &at), "cards");
    cards = at;
    check(store_open(argc > 1 ? argv[1] : url, &env, ledger_sets, &store), "open");
    check(store_migrate(store, &ledger_set), "migrate");
    check(store_open(argc > 1 ? argv[1] : url, &env, ledger_sets, &reader),
          "open"); /* a connection of its own, as the loop of the switch */
    seed(store, &arena);
    int64_t consume_us = 0, look_up_us = 0;
    size_t count = 0;
    for (int round = 0; round < ROUNDS && consume_us < 2000000; round++, count += CARDS) {
        issue_all(store, &arena);
        look_up_us += look_up_all(reader, &arena);
        consume_us += consume_all(store, &arena);
    }
    store_close(reader);
    store_close(store);
    double second = 1e6 * (double)count;
    double limit = second / (double)bare(path, count);
    printf("%zu consumes in batches of %d, five rows each; %s\n", count, BATCH, argc > 1 ? argv[1] : "sqlite");
    bool shared = argc > 1 && strncmp(argv[1], "postgres:", 9) == 0;
    bool holds = report(shared ? "store.consume_durable.postgres" : "store.consume_durable", second / (double)consume_us, limit,
                        shared ? 8000 : 26000);
    holds =
        report(shared ? "store.look_up.postgres" : "store.look_up", second / (double)look_up_us, limit, shared ? 15000 : 60000) &&
        holds;
    snprintf(command, sizeof command, "rm -rf %s", directory);
    return system(command) == 0 && holds ? 0 : 1;
}
