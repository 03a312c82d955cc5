/* SPDX-License-Identifier: Apache-2.0 */
/* What a request is answered when the ledger cannot be read, cannot be written, or changes under every decision. */
#include "store/error.h"
#include "support/sim.h"

#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct sim sim;

/* ---- the writer as a script: the program is linked with --wrap ---- */

enum outcome { RUN, UNKNOWN_DONE, UNKNOWN_LOST, DOWN, FULL };
static enum outcome script[8];
static size_t script_at;

enum err __real_store_writer_submit(struct store_writer *writer, struct store_batch *batch);
enum err __wrap_store_writer_submit(struct store_writer *writer, struct store_batch *batch);
enum err __wrap_store_writer_submit(struct store_writer *writer, struct store_batch *batch)
{
    enum outcome outcome = script_at < sizeof script / sizeof script[0] ? script[script_at++] : RUN;
    if (outcome == RUN)
        return __real_store_writer_submit(writer, batch);
    if (outcome == FULL)
        return ERR_BUSY;
    if (outcome == UNKNOWN_DONE)
        assert_int_equal(store_run(sim.f.store, batch), ERR_OK);
    batch->err = outcome == DOWN ? STORE_ERR_UNAVAILABLE : STORE_ERR_UNKNOWN;
    return queue_put(batch->done, batch);
}

static void script_set(enum outcome first, enum outcome second)
{
    memset(script, 0, sizeof script);
    script[0] = first;
    script[1] = second;
    script_at = 0;
}

/* A table is there or not there, as after a failed migration or on a damaged file. */
static void table_rename(const char *from, const char *to)
{
    char text[128];
    (void)snprintf(text, sizeof text, "ALTER TABLE %s RENAME TO %s", from, to);
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(stores_path(&sim.f), &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void expect(size_t request, const char *de39)
{
    struct iso8583_message answer;
    sim_answer(&sim, request, &answer);
    assert_true(span_is(iso8583_get(&answer, ISO8583_RESPONSE), de39));
}

static void present(uint64_t serial, bool repeat)
{
    char code[4];
    sim_code(SWITCH_PM0, 0, 1, code);
    struct iso8583_message m;
    sim_authorise(&m, 0, serial, 100, code);
    m.mti |= repeat;
    (void)sim_send(&sim, &m);
    sim_settle(&sim);
}

static void untouched(void)
{
    struct ledger_full_card row;
    sim_read(&sim, 0, &row);
    assert_int_equal(row.code.state, LEDGER_CODE_ACTIVE);
    assert_int_equal(row.code.declines, 0);
    assert_int_equal(row.account.held, 0);
}

/* Each table in turn: 96, nothing changed, and the repeat of the network succeeds once the table is back. */
static void a_broken_ledger_is_answered_96(void **state)
{
    static const char *const tables[] = {"idem", "auth", "hold"};
    (void)state;
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        struct ledger_full_card row;

        sim_open(&sim, 20 + i);
        sim_display(&sim, 0);
        table_rename(tables[i], "gone");
        present(1, false);
        expect(0, "96");
        assert_int_equal(switch_counters(sim.core).unavailable, 1);
        table_rename("gone", tables[i]);
        untouched();
        present(1, true);
        expect(1, "00");
        sim_read(&sim, 0, &row);
        assert_int_equal(row.code.state, LEDGER_CODE_USED);
        assert_int_equal(row.account.held, 100);
        sim_close(&sim);
    }
}

/* A display between every reading and its commit: five more attempts, then 96 (switch.md 6 step 7). */
static void a_card_that_never_rests_is_answered_96(void **state)
{
    (void)state;
    sim_open(&sim, 30);
    sim_display(&sim, 0);
    struct iso8583_message m;
    sim_authorise(&m, 0, 1, 100, "999"); /* wrong for every counter that comes */
    (void)sim_send(&sim, &m);
    for (int i = 0; i < 2000 && switch_pending(sim.core) > 0; i++) {
        sim_turn(&sim);
        sim_display(&sim, 0);
        sim_turn(&sim);
        sqlite3_sleep(2);
    }
    assert_int_equal(switch_pending(sim.core), 0);
    expect(0, "96");
    assert_true(switch_counters(sim.core).conflicts >= 6);
    struct ledger_full_card row;
    sim_read(&sim, 0, &row);
    assert_int_equal(row.code.declines, 0);
    assert_int_equal(row.code.g_consec, 0);
    sim_close(&sim);
}

/* The display came first, the request after it: the fresh code is good although another request holds the card's old rows. */
static void a_fresh_code_is_seen_at_once(void **state)
{
    (void)state;
    sim_open(&sim, 40);
    sim_display(&sim, 0);
    char old[4];
    sim_code(SWITCH_PM0, 0, 1, old);
    char fresh[4];
    sim_code(SWITCH_PM0, 0, 2, fresh);
    struct iso8583_message m;
    sim_authorise(&m, 0, 1, 100, old);
    (void)sim_send(&sim, &m);
    sim_settle(&sim);
    sim_authorise(&m, 0, 2, 100, old); /* used: stays at the HSM while the display happens */
    (void)sim_send(&sim, &m);
    (void)switch_turn(sim.core);
    sim.world.monotonic_us += 1000;
    sim_display(&sim, 0);
    sim_authorise(&m, 0, 3, 100, fresh);
    (void)sim_send(&sim, &m);
    sim_settle(&sim);
    expect(0, "00");
    expect(1, "N7");
    expect(2, "00");
    sim_close(&sim);
}

/* A commit of which nobody knows whether it happened is settled by the idempotency row (switch.md 6 step 8). */
static void a_lost_commit_is_settled_by_its_row(void **state)
{
    static const struct {
        enum outcome first, second;
        const char *de39; /* NULL: no answer, and the network's repeat is approved */
    } cases[] = {
        {UNKNOWN_DONE, RUN, "00"},
        {UNKNOWN_LOST, RUN, "00"},
        {UNKNOWN_LOST, UNKNOWN_DONE, "00"},
        {UNKNOWN_LOST, UNKNOWN_LOST, NULL},
        {UNKNOWN_LOST, DOWN, NULL},
        {UNKNOWN_LOST, FULL, NULL},
        {DOWN, RUN, "96"},
        {FULL, RUN, "96"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ledger_full_card row;

        sim_open(&sim, 50 + i);
        sim_display(&sim, 0);
        script_set(cases[i].first, cases[i].second);
        present(1, false);
        if (cases[i].de39)
            expect(0, cases[i].de39);
        else
            assert_int_equal(sim.request[0].answers, 0);
        assert_int_equal(switch_counters(sim.core).unanswered, !cases[i].de39);
        present(1, true);
        expect(1, "00");
        sim_read(&sim, 0, &row);
        assert_int_equal(row.account.held, 100);
        assert_int_equal(row.code.state, LEDGER_CODE_USED);
        sim_close(&sim);
    }
}

/* Message `m` reversed by one with a STAN of its own. */
static void reversal_of(const struct iso8583_message *m, uint64_t serial, struct iso8583_message *out)
{
    iso8583_message_init(out, ISO8583_REVERSAL);
    for (unsigned f = 2; f < ISO8583_FIELDS; f++)
        if (iso8583_need(&iso8583_profile_visa_base1, ISO8583_REVERSAL, f) != '-')
            iso8583_copy(out, m, f);
    iso8583_set_decimal(out, ISO8583_STAN, serial, 6);
    iso8583_set_decimal(out, ISO8583_RRN, serial, 12);
    assert_int_equal(iso8583_original_write(m, out), ERR_OK);
}

/* An authorisation and its reversal cross, in either order: the one that came first is evaluated first, and nothing stays held. */
static void a_reversal_that_crosses_its_original(void **state)
{
    (void)state;
    for (size_t first = 0; first < 2; first++) {
        struct iso8583_message m, reversal;
        struct ledger_full_card row;
        char right[4];
        sim_open(&sim, 70 + first);
        sim_display(&sim, 0);
        sim_code(SWITCH_PM0, 0, 1, right);
        sim_authorise(&m, 0, 1, 100, right);
        reversal_of(&m, 2, &reversal);
        (void)sim_send(&sim, first == 0 ? &m : &reversal);
        (void)sim_send(&sim, first == 0 ? &reversal : &m);
        sim_settle(&sim);
        expect(0, "00");
        expect(1, first == 0 ? "00" : "05"); /* outcome 19 */
        sim_read(&sim, 0, &row);
        assert_int_equal(row.account.held, 0);
        assert_int_equal(row.code.state, first == 0 ? LEDGER_CODE_USED : LEDGER_CODE_ACTIVE);
        sim_close(&sim);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_broken_ledger_is_answered_96),         cmocka_unit_test(a_lost_commit_is_settled_by_its_row),
        cmocka_unit_test(a_card_that_never_rests_is_answered_96), cmocka_unit_test(a_fresh_code_is_seen_at_once),
        cmocka_unit_test(a_reversal_that_crosses_its_original),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
