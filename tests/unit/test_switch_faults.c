/* SPDX-License-Identifier: Apache-2.0 */
/* What a request is answered when the ledger cannot be read, cannot be written, stands still, or changes under every decision, and
 * when the HSMs are full. */
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

/* What a store that stands still holds back. */
struct held {
    bool holds;
    struct store_batch *batch[128];
    int64_t deadline_us[128];
    size_t count;
};
static struct held writes, reads;

static enum err hold(struct held *h, struct store_batch *batch, int64_t deadline_us)
{
    assert_true(h->count < sizeof h->batch / sizeof h->batch[0]);
    h->deadline_us[h->count] = deadline_us;
    h->batch[h->count++] = batch;
    return ERR_OK;
}

enum err __real_store_reader_submit(struct store_reader *reader, struct store_batch *batch, int64_t deadline_us);
enum err __wrap_store_reader_submit(struct store_reader *reader, struct store_batch *batch, int64_t deadline_us);
enum err __wrap_store_reader_submit(struct store_reader *reader, struct store_batch *batch, int64_t deadline_us)
{
    return reads.holds ? hold(&reads, batch, deadline_us) : __real_store_reader_submit(reader, batch, deadline_us);
}

enum err __real_store_writer_submit(struct store_writer *writer, struct store_batch *batch);
enum err __wrap_store_writer_submit(struct store_writer *writer, struct store_batch *batch);
enum err __wrap_store_writer_submit(struct store_writer *writer, struct store_batch *batch)
{
    enum outcome outcome = script_at < sizeof script / sizeof script[0] ? script[script_at++] : RUN;
    if (writes.holds)
        return hold(&writes, batch, 0);
    if (outcome == RUN)
        return __real_store_writer_submit(writer, batch);
    if (outcome == FULL)
        return ERR_BUSY;
    if (outcome == UNKNOWN_DONE)
        assert_int_equal(store_run(sim.f.store, batch), ERR_OK);
    batch->err = outcome == DOWN ? STORE_ERR_UNAVAILABLE : STORE_ERR_UNKNOWN;
    return queue_put(batch->done, batch);
}

/* The store goes on with what it held back. */
static void release(void)
{
    writes.holds = reads.holds = false;
    for (size_t i = 0; i < writes.count; i++)
        assert_int_equal(__real_store_writer_submit(sim.writer, writes.batch[i]), ERR_OK);
    for (size_t i = 0; i < reads.count; i++)
        assert_int_equal(__real_store_reader_submit(sim.reader, reads.batch[i], reads.deadline_us[i]), ERR_OK);
    writes.count = reads.count = 0;
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

/* An approval was answered, then its row cannot be read: the repeat is told nothing, and later what was said first. */
static void a_repeat_is_never_told_otherwise(void **state)
{
    (void)state;
    sim_open(&sim, 29);
    sim_display(&sim, 0);
    present(1, false);
    expect(0, "00");
    table_rename("idem", "gone");
    present(1, true);
    assert_int_equal(sim.silent, 1);
    assert_int_equal(switch_counters(sim.core).unavailable, 0);
    table_rename("gone", "idem");
    present(1, true);
    expect(2, "00");
    sim_close(&sim);
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

/* ---- a store that stands still ---- */

static void turns(int64_t pass_us)
{
    for (int i = 0; i < 8; i++)
        sim_turn(&sim);
    sim.world.monotonic_us += pass_us;
    for (int i = 0; i < 8; i++)
        sim_turn(&sim);
}

static size_t present_static(uint64_t serial)
{
    struct iso8583_message m;
    char right[4];
    sim_code(SWITCH_CY, 3, 0, right);
    sim_authorise(&m, 3, serial, 100, right);
    return sim_send(&sim, &m);
}

/* A number that no card has: it needs a chunk and nothing else. */
static size_t present_unknown(uint64_t serial)
{
    struct iso8583_message m;
    sim_authorise(&m, SIM_CARDS + 1, serial, 100, "123");
    return sim_send(&sim, &m);
}

static void silent(size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        assert_int_equal(sim.request[i].answers, 0);
}

/* The transaction of the first is at the writer: it is told nothing until it is back. The second waits for the card, and nothing of
 * it is written: 96 when its time is over. The repeat of the first waits for its answer. */
static void a_writer_that_stands_still(void **state)
{
    struct ledger_full_card row;
    (void)state;
    sim_open(&sim, 80);
    turns(0); /* the products are there */
    writes.holds = true;
    (void)present_static(1);
    turns(0);
    assert_int_equal(writes.count, 1);
    (void)present_static(2);
    (void)present_static(1);
    turns(1400000);
    silent(0, 3);
    turns(200000);
    silent(0, 1);
    expect(1, "96");
    turns(8000000);
    silent(0, 1);
    silent(2, 3);
    release();
    sim_settle(&sim);
    expect(0, "00");
    expect(2, "00");
    sim_read(&sim, 3, &row);
    assert_int_equal(row.account.held, 100);
    assert_int_equal(switch_counters(sim.core).repeats, 1);
    sim_close(&sim);
}

/* Every chunk is at the writer: what finds none is told 96, the others what was written. */
static void a_writer_that_holds_every_chunk(void **state)
{
    enum { CHUNKS = 64, MORE = 6 };
    (void)state;
    sim_open(&sim, 81);
    turns(0);
    writes.holds = true;
    for (uint64_t i = 0; i < CHUNKS + MORE; i++) {
        (void)present_unknown(i);
        turns(0);
    }
    assert_int_equal(writes.count, CHUNKS);
    turns(1600000);
    silent(0, CHUNKS);
    for (size_t i = CHUNKS; i < CHUNKS + MORE; i++)
        expect(i, "96");
    (void)present_unknown(1000); /* waits for a chunk, and gets the first that is back */
    turns(0);
    release();
    sim_settle(&sim);
    for (size_t i = 0; i < CHUNKS; i++)
        expect(i, "14");
    expect(CHUNKS + MORE, "14");
    sim_close(&sim);
}

/* Every reading is under way: what finds none waits for one; in time it is read, else it is told 96. */
static void a_reader_that_stands_still(void **state)
{
    enum { MORE = 3 };
    (void)state;
    for (int in_time = 0; in_time < 2; in_time++) {
        sim_open(&sim, 82 + (uint64_t)in_time);
        turns(0);
        reads.holds = true;
        for (uint64_t i = 0; i < SWITCH_READS_MAX + MORE; i++) {
            (void)present_unknown(i);
            turns(0);
        }
        assert_int_equal(reads.count, SWITCH_READS_MAX);
        if (!in_time)
            turns(1600000);
        silent(0, SWITCH_READS_MAX);
        release();
        sim_settle(&sim);
        for (size_t i = 0; i < SWITCH_READS_MAX + MORE; i++)
            expect(i, in_time || i < SWITCH_READS_MAX ? "14" : "96");
        sim_close(&sim);
    }
}

/* With every window full the others wait for room; it comes with each answer, or not at all before their time is over. */
static void above_the_windows_requests_wait(void **state)
{
    enum { WINDOW = 4, REQUESTS = 50 };
    (void)state;
    for (int deaf = 0; deaf < 2; deaf++) {
        sim_open_narrow(&sim, 12, WINDOW);
        sim.deaf[0] = sim.deaf[1] = deaf;
        for (uint64_t i = 0; i < REQUESTS; i++)
            (void)present_static(i);
        (void)switch_turn(sim.core);
        (void)switch_turn(sim.core);
        assert_int_equal(sim.asked[0] + sim.asked[1], SIM_HSMS * WINDOW);
        sim_settle(&sim);
        for (size_t i = 0; i < REQUESTS; i++)
            expect(i, deaf ? "91" : "00");
        sim_close(&sim);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_broken_ledger_is_answered_96),      cmocka_unit_test(a_repeat_is_never_told_otherwise),
        cmocka_unit_test(a_lost_commit_is_settled_by_its_row), cmocka_unit_test(a_card_that_never_rests_is_answered_96),
        cmocka_unit_test(a_fresh_code_is_seen_at_once),        cmocka_unit_test(a_reversal_that_crosses_its_original),
        cmocka_unit_test(a_writer_that_stands_still),          cmocka_unit_test(a_writer_that_holds_every_chunk),
        cmocka_unit_test(a_reader_that_stands_still),          cmocka_unit_test(above_the_windows_requests_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
