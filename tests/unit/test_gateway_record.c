/* SPDX-License-Identifier: Apache-2.0 */
/* gateway.md 2: what a record says of each outcome, and which changes of a claim and of a reversal the store refuses. */
#include "gateway/rows.h"
#include "store/error.h"
#include "support/gateway/sim.h"

#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { SECOND_US = 1000000, AMOUNT = 200000 };

/* ---- records of payments ---- */

static struct gateway_sim sim;
static char answer[64];
static enum network_fate next_fate;

static enum network_fate fate(void *context, bool reversal, uint64_t amount)
{
    (void)context; /* one payment at a time */
    (void)amount;
    return reversal ? NETWORK_ANSWERS : next_fate;
}

/* One value of the one row that fits. */
static const char *value(const char *column, const char *table, const char *where)
{
    static char text[256];
    char sql[256];
    sqlite3 *base = NULL;
    sqlite3_stmt *statement = NULL;
    (void)snprintf(sql, sizeof sql, "SELECT %s FROM %s WHERE %s", column, table, where);
    assert_int_equal(sqlite3_open(stores_path(&sim.f), &base), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(base, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    (void)snprintf(text, sizeof text, "%s", (const char *)sqlite3_column_text(statement, 0));
    assert_int_equal(sqlite3_step(statement), SQLITE_DONE);
    assert_int_equal(sqlite3_finalize(statement), SQLITE_OK);
    assert_int_equal(sqlite3_close(base), SQLITE_OK);
    return text;
}

static const char *record(const char *column)
{
    return value(column, "record", "1");
}

static unsigned pay(enum network_fate issuer)
{
    gateway_sim_open(&sim, 21);
    sim.network.fate = fate;
    next_fate = issuer;
    gateway_sim_run(&sim, SECOND_US);
    return gateway_sim_paid(&sim, "one", AMOUNT, answer);
}

static void an_approval(void **state)
{
    (void)state;
    assert_int_equal(pay(NETWORK_ANSWERS), 200);
    const struct network_taken *sent = &sim.network.taken[0];
    assert_string_equal(record("state"), "captured"); /* a sale */
    assert_string_equal(record("kind"), "sale");
    assert_string_equal(record("amount"), "200000");
    assert_string_equal(record("outcome"), "pass");
    assert_string_equal(record("de39"), "00");
    assert_string_equal(record("stan"), sent->stan);
    assert_string_equal(record("rrn"), sent->rrn);
    assert_string_equal(record("de7"), sent->transmission);
    assert_string_equal(record("approval_code"), sent->stan); /* so this issuer makes them */
    assert_string_equal(record("reversal_state"), "none");
    assert_string_equal(record("rejection_reason"), "");
    assert_string_equal(record("request_id"), "one");
    assert_string_equal(record("bin6 || last4"), "4111111111");
    assert_string_equal(record("length(pan_fingerprint)"), "32");
    assert_string_equal(value("answer_status", "claim", "request_id = 'one'"), "200");
    assert_string_equal(value("body", "answer", "answer_id = (SELECT record_id FROM record)"), answer);
    assert_string_equal(value("count(*)", "reversal", "1"), "0");
    gateway_sim_close(&sim);
}

/* Sealed while a capture, void or refund can follow; never in clear, and the code never. */
static void the_number_is_sealed_while_it_is_needed(void **state)
{
    (void)state;
    (void)pay(NETWORK_ANSWERS);
    assert_string_not_equal(record("length(pan_enc)"), "0");
    assert_string_equal(record("instr(pan_enc, '4111111111111111')"), "0");
    gateway_sim_close(&sim);
    (void)pay(NETWORK_REFUSES);
    assert_string_equal(record("length(pan_enc)"), "0");
    gateway_sim_close(&sim);
}

/* The processor's decline ends the decision: no rejection reason, no reversal. */
static void a_decline(void **state)
{
    (void)state;
    assert_int_equal(pay(NETWORK_REFUSES), 200);
    assert_string_equal(record("state"), "processor_declined");
    assert_string_equal(record("de39"), "05");
    assert_string_equal(record("rejection_reason"), "");
    assert_string_equal(record("reversal_state"), "none");
    assert_string_equal(value("count(*)", "reversal", "1"), "0");
    gateway_sim_close(&sim);
}

static void a_timeout(void **state)
{
    (void)state;
    assert_int_equal(pay(NETWORK_IS_SILENT), 422);
    assert_string_equal(record("state"), "failed");
    assert_string_equal(record("reversal_state"), "queued");
    assert_string_equal(record("cvv_canonical"), "NO_RESULT");
    assert_string_equal(value("count(*)", "reversal", "record_id = (SELECT record_id FROM record)"), "1");
    gateway_sim_close(&sim);
}

/* ---- rows ---- */

static int64_t changed(struct stores_fixture *f, const struct store_row *row, const void *argument)
{
    struct store_op op = {.row = row, .argument = argument};
    assert_int_equal(store_run(f->store, &(struct store_batch){.op = &op, .count = 1}), ERR_OK);
    return op.changed;
}

static const struct gateway_reversal_row armed = {.reversal_id = {(const uint8_t *)"r", 1},
                                                  .node = {(const uint8_t *)"one", 3},
                                                  .link_id = {(const uint8_t *)"net", 3},
                                                  .record_id = {(const uint8_t *)"r", 1},
                                                  .message_enc = {(const uint8_t *)"sealed", 6},
                                                  .created_at = 1000,
                                                  .next_try_at = 1000};

static int64_t move(struct stores_fixture *f, int64_t before, const char *to)
{
    const struct gateway_reversal_move m = {
        .reversal_id = span_text("r"), .before_tries = before, .tries = before + 1, .next_try_at = 5000, .state = span_text(to)};
    return changed(f, GATEWAY_ROW(REVERSAL_UPDATE), &m);
}

static size_t due(struct stores_fixture *f, const char *node, int64_t now_ms)
{
    const struct gateway_reversal_due of = {.node = span_text(node), .now = now_ms, .most = 8};
    struct store_op op = {.row = GATEWAY_ROW(REVERSAL_DUE), .argument = &of};
    arena_reset(&f->arena);
    assert_int_equal(store_run(f->store, &(struct store_batch){.op = &op, .count = 1, .arena = &f->arena}), ERR_OK);
    return op.rows.count;
}

/* An armed one is fired or disarmed, once. */
static void an_armed_reversal_has_one_outcome(void **state)
{
    struct stores_fixture f;
    stores_setup(&f, *state);
    assert_int_equal(changed(&f, GATEWAY_ROW(REVERSAL_INSERT), &armed), 1);
    assert_int_equal(due(&f, "one", 9000), 0); /* its payment may be under way */
    assert_int_equal(move(&f, 0, "accepted"), 0);
    assert_int_equal(changed(&f, GATEWAY_ROW(REVERSAL_FIRE), &armed), 1);
    assert_int_equal(changed(&f, GATEWAY_ROW(REVERSAL_FIRE), &armed), 0);
    assert_int_equal(changed(&f, GATEWAY_ROW(REVERSAL_DISARM), &armed), 0); /* too late */
    assert_int_equal(due(&f, "one", 999), 0);
    assert_int_equal(due(&f, "two", 9000), 0); /* another process's */
    assert_int_equal(due(&f, "one", 1000), 1);
    stores_teardown(&f);
}

static void a_disarmed_one_is_gone(void **state)
{
    struct stores_fixture f;
    stores_setup(&f, *state);
    assert_int_equal(changed(&f, GATEWAY_ROW(REVERSAL_INSERT), &armed), 1);
    assert_int_equal(changed(&f, GATEWAY_ROW(REVERSAL_DISARM), &armed), 1);
    assert_int_equal(changed(&f, GATEWAY_ROW(REVERSAL_FIRE), &armed), 0);
    assert_int_equal(due(&f, "one", 9000), 0);
    stores_teardown(&f);
}

/* Who counted another number of tries has been overtaken; what is accepted, refused or abandoned stays so. */
static void a_queued_one_moves_by_its_tries(void **state)
{
    static const char *const last[] = {"accepted", "refused", "abandoned"};
    for (size_t i = 0; i < sizeof last / sizeof last[0]; i++) {
        struct stores_fixture f;
        stores_setup(&f, *state);
        assert_int_equal(changed(&f, GATEWAY_ROW(REVERSAL_INSERT), &armed), 1);
        assert_int_equal(changed(&f, GATEWAY_ROW(REVERSAL_FIRE), &armed), 1);
        assert_int_equal(move(&f, 1, last[i]), 0);
        assert_int_equal(move(&f, 0, "queued"), 1);
        assert_int_equal(move(&f, 0, last[i]), 0);
        assert_int_equal(due(&f, "one", 4999), 0);
        assert_int_equal(due(&f, "one", 5000), 1);
        assert_int_equal(move(&f, 1, last[i]), 1);
        assert_int_equal(move(&f, 2, "queued"), 0);
        assert_int_equal(due(&f, "one", 9000), 0);
        stores_teardown(&f);
    }
}

/* Armed ones of this process alone, and older than its payments live. */
static void what_a_process_left_is_queued(void **state)
{
    struct stores_fixture f;
    struct gateway_sweep sweep = {.node = span_text("two"), .before = 2000, .now = 3000};
    stores_setup(&f, *state);
    assert_int_equal(changed(&f, GATEWAY_ROW(REVERSAL_INSERT), &armed), 1);
    assert_int_equal(changed(&f, GATEWAY_ROW(REVERSAL_ABANDONED), &sweep), 0);
    sweep.node = span_text("one");
    sweep.before = 1000;
    assert_int_equal(changed(&f, GATEWAY_ROW(REVERSAL_ABANDONED), &sweep), 0);
    sweep.before = 1001;
    assert_int_equal(changed(&f, GATEWAY_ROW(REVERSAL_ABANDONED), &sweep), 1);
    assert_int_equal(due(&f, "one", 2999), 0);
    assert_int_equal(due(&f, "one", 3000), 1);
    stores_teardown(&f);
}

static void a_record_is_written_once(void **state)
{
    struct stores_fixture f;
    stores_setup(&f, *state);
    const struct gateway_record_row row = {.record_id = span_text("r"), .tenant = span_text("t"), .state = span_text("captured")};
    const struct gateway_record_row foreign = {.record_id = span_text("r"), .tenant = span_text("u")};
    assert_int_equal(changed(&f, GATEWAY_ROW(RECORD_INSERT), &row), 1);
    struct store_op op = {.row = GATEWAY_ROW(RECORD_INSERT), .argument = &row};
    struct store_batch batch = {.op = &op, .count = 1, .arena = &f.arena};
    assert_int_equal(store_run(f.store, &batch), ERR_DUPLICATE);
    op = (struct store_op){.row = GATEWAY_ROW(RECORD_GET), .argument = &row};
    assert_int_equal(store_run(f.store, &batch), ERR_OK);
    assert_int_equal(op.rows.count, 1);
    op = (struct store_op){.row = GATEWAY_ROW(RECORD_GET), .argument = &foreign};
    assert_int_equal(store_run(f.store, &batch), ERR_OK);
    assert_int_equal(op.rows.count, 0);
    stores_teardown(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_approval),
        cmocka_unit_test(the_number_is_sealed_while_it_is_needed),
        cmocka_unit_test(a_decline),
        cmocka_unit_test(a_timeout),
        ON_BOTH(an_armed_reversal_has_one_outcome),
        ON_BOTH(a_disarmed_one_is_gone),
        ON_BOTH(a_queued_one_moves_by_its_tries),
        ON_BOTH(what_a_process_left_is_queued),
        ON_BOTH(a_record_is_written_once),
    };
    return cmocka_run_group_tests_name("gateway, record", tests, NULL, NULL);
}
