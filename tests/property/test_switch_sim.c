/* SPDX-License-Identifier: Apache-2.0 */
/* Random histories of the whole switch in one process, and the invariants of switch.md 16 after them. */
#include "support/sim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct sim sim;

/* A code somebody might present: right, of an older display, of the window before, or any. */
static void code_draw(struct sim *s, size_t card, char out[static 4])
{
    uint32_t kind = sim_draw(s, 10);
    struct ledger_full_card row;
    sim_read(s, card, &row);
    if (kind == 9)
        (void)snprintf(out, 4, "%03u", sim_draw(s, 1000));
    else if (card < 3)
        sim_code(SWITCH_PM0, card, row.code.issue_n - (kind == 8 && row.code.issue_n > 0), out);
    else if (card == 3 || kind < 2)
        sim_code(SWITCH_CY, card, 0, out);
    else
        sim_code(SWITCH_PM5, card, switch_window_index(s->world.wall_ms, 1) - (kind == 8), out);
}

/* ---- S-5: a batch of n gives the same answers and the same ledger as n batches of one ----
 * for plans of one round: with several, a request reaches its decision after as many rounds as its code needs. */

enum { BATCH = 48 };

struct plan_of_attack {
    size_t card[BATCH];
    int64_t amount[BATCH];
    char code[BATCH][4];
};

static void attack_draw(struct sim *s, struct plan_of_attack *p)
{
    static const int64_t amounts[] = {100, 0, 2000000, 55};
    for (size_t i = 0; i < BATCH; i++) {
        p->card[i] = sim_draw(s, SIM_CARDS - 1);
        p->amount[i] = amounts[sim_draw(s, 4)];
        code_draw(s, p->card[i], p->code[i]);
    }
}

static void attack_run(struct sim *s, const struct plan_of_attack *p, bool together, char result[static BATCH][4])
{
    for (size_t i = 0; i < BATCH; i++) {
        struct iso8583_message m;

        sim_authorise(&m, p->card[i], i, p->amount[i], p->code[i]);
        (void)sim_send(s, &m);
        if (!together)
            sim_settle(s);
    }
    sim_settle(s);
    for (size_t i = 0; i < BATCH; i++) {
        struct iso8583_message answer;

        sim_answer(s, i, &answer);
        memcpy(result[i], iso8583_get(&answer, ISO8583_RESPONSE).at, 2);
        result[i][2] = iso8583_result_read(ISO8583_RESULT_44_10, &answer);
        result[i][3] = iso8583_has(&answer, ISO8583_APPROVAL);
    }
}

static void same_rows(struct sim *a, struct sim *b)
{
    for (size_t n = 0; n < SIM_CARDS; n++) {
        struct ledger_full_card x;
        struct ledger_full_card y;

        sim_read(a, n, &x);
        sim_read(b, n, &y);
        assert_int_equal(x.code.state, y.code.state);
        assert_int_equal(x.code.declines, y.code.declines);
        assert_int_equal(x.code.issue_n, y.code.issue_n);
        assert_int_equal(x.code.g_consec, y.code.g_consec);
        assert_int_equal(x.code.g_lock, y.code.g_lock);
        assert_int_equal(x.code.g_fail_ts.len, y.code.g_fail_ts.len);
        assert_int_equal(x.account.held, y.account.held);
        assert_int_equal(x.account.day_count, y.account.day_count);
    }
}

static void a_batch_is_as_many_batches_of_one(void **state)
{
    static struct sim other;
    static char one_by_one[BATCH][4];
    static char at_once[BATCH][4];
    (void)state;
    for (uint64_t seed = 1; seed <= 15; seed++) {
        struct plan_of_attack p;

        sim_open(&sim, seed);
        sim_open(&other, seed);
        for (size_t n = 0; n < 3; n++) {
            sim_display(&sim, n);
            sim_display(&other, n);
        }
        attack_draw(&sim, &p);
        attack_run(&sim, &p, true, at_once);
        attack_run(&other, &p, false, one_by_one);
        for (size_t i = 0; i < BATCH; i++)
            assert_memory_equal(at_once[i], one_by_one[i], 4);
        same_rows(&sim, &other);
        sim_close(&sim);
        sim_close(&other);
    }
}

/* ---- random histories ---- */

enum { ACTIONS = 400 };

struct history {
    size_t card[SIM_REQUESTS];
    size_t repeats[SIM_REQUESTS]; /* the request it repeats; itself: none */
    struct iso8583_message sent[ACTIONS + 1];
    size_t number[ACTIONS + 1]; /* of the request each message is */
    size_t sent_count;
};

static void act_authorise(struct sim *s, struct history *h)
{
    struct iso8583_message *m = &h->sent[h->sent_count];
    size_t card = sim_draw(s, SIM_CARDS);
    char code[4];
    code_draw(s, card, code);
    sim_authorise(m, card, h->sent_count, sim_draw(s, 8) == 0 ? 0 : 100 + sim_draw(s, 100), code);
    h->number[h->sent_count] = sim_send(s, m);
    h->card[h->number[h->sent_count]] = card;
    h->repeats[h->number[h->sent_count]] = h->number[h->sent_count];
    h->sent_count++;
}

static void act_repeat(struct sim *s, struct history *h)
{
    size_t i = sim_draw(s, (uint32_t)h->sent_count);
    struct iso8583_message m = h->sent[i];
    m.mti |= 1;
    size_t number = sim_send(s, &m);
    h->repeats[number] = h->number[i];
}

static void act_reverse(struct sim *s, struct history *h)
{
    const struct iso8583_message *original = &h->sent[sim_draw(s, (uint32_t)h->sent_count)];
    struct iso8583_message *m = &h->sent[h->sent_count];
    if (original->mti != ISO8583_AUTHORISATION)
        return;
    iso8583_message_init(m, ISO8583_REVERSAL);
    for (unsigned f = 2; f < ISO8583_FIELDS; f++)
        if (iso8583_need(&iso8583_profile_visa_base1, ISO8583_REVERSAL, f) != '-')
            iso8583_copy(m, original, f);
    iso8583_set_decimal(m, ISO8583_STAN, h->sent_count, 6);
    iso8583_set_decimal(m, ISO8583_RRN, h->sent_count, 12);
    assert_int_equal(iso8583_original_write(original, m), ERR_OK);
    if (sim_draw(s, 3) == 0)
        assert_int_equal(iso8583_replacement_write(m, 50), ERR_OK);
    h->number[h->sent_count] = sim_send(s, m);
    h->repeats[h->number[h->sent_count]] = h->number[h->sent_count];
    h->sent_count++;
}

static void act(struct sim *s, struct history *h)
{
    uint32_t what = sim_draw(s, 100);
    if (what < 45 || h->sent_count == 0)
        act_authorise(s, h);
    else if (what < 55)
        act_repeat(s, h);
    else if (what < 65)
        act_reverse(s, h);
    else if (what < 72)
        sim_display(s, sim_draw(s, 3));
    else if (what < 75)
        s->drop_percent = sim_draw(s, 3) == 0 ? 30 : 0;
    else if (what < 78)
        s->refuse_percent = sim_draw(s, 3) == 0 ? 30 : 0;
    else if (what < 80)
        s->reorder = !s->reorder;
    else if (what < 83)
        s->world.wall_ms += (int64_t)sim_draw(s, 400) * 1000;
    else
        sim_turn(s);
}

static bool undone(struct sim *s, const struct history *h, size_t request)
{
    struct ledger_original original;
    size_t i = 0;
    while (i < h->sent_count && h->number[i] != request)
        i++;
    assert_true(i < h->sent_count);
    return h->sent[i].mti == ISO8583_AUTHORISATION && sim_row_of(s, &h->sent[i], &original) && original.auth.reversed_at != 0 &&
           original.auth.reversed_amount == original.auth.amount;
}

/* S-3: byte-equal answers of one key. A repeat that could not be stored (91, 96) is evaluated again; one that came after the
 * reversal of its original gets 05. */
static void check_repeats(struct sim *s, const struct history *h)
{
    for (size_t i = 0; i < s->count; i++) {
        const struct sim_request *a = &s->request[i];
        const struct sim_request *b = &s->request[h->repeats[i]];
        struct iso8583_message answer;

        assert_int_equal(a->answers, 1);
        if (a->answer_len == b->answer_len && memcmp(a->answer, b->answer, a->answer_len) == 0)
            continue;
        sim_answer(s, i, &answer);
        assert_true(span_is(iso8583_get(&answer, ISO8583_RESPONSE), "05"));
        assert_true(undone(s, h, h->repeats[i]));
    }
}

static int64_t sum(struct sim *s)
{
    struct ledger_full_card card;
    int64_t held = 0;
    for (size_t n = 0; n < 5; n++) {
        sim_read(s, n, &card);
        held += card.account.held;
        assert_true(card.account.held >= 0);
    }
    return held;
}

/* What is set aside: approved amounts less what was reversed, by the rows that the answers speak of (S-2, S-13, S-14). */
static void check_money(struct sim *s, const struct history *h)
{
    int64_t expected = 0;
    for (size_t i = 0; i < h->sent_count; i++) {
        struct iso8583_message answer;
        struct ledger_original original;

        if (h->sent[i].mti != ISO8583_AUTHORISATION)
            continue;
        sim_answer(s, h->number[i], &answer);
        if (sim_row_of(s, &h->sent[i], &original)) {
            assert_memory_equal(original.auth.de39, iso8583_get(&answer, ISO8583_RESPONSE).at, 2);
            assert_true(original.auth.reversed_amount <= original.auth.amount);
            if (original.auth.de38[0] != 0)
                expected += original.auth.amount - original.auth.reversed_amount;
        } else {
            assert_false(iso8583_has(&answer, ISO8583_APPROVAL));
        }
    }
    assert_int_equal(sum(s), expected);
}

/* S-1: for every counter at most one approval. */
static void check_single_use(struct sim *s)
{
    struct store_op op = {.row = LEDGER_ROW(AUTH_APPROVED_CODES)};
    struct store_batch batch = {.op = &op, .count = 1, .arena = &s->f.arena};
    assert_int_equal(store_run(s->f.store, &batch), ERR_OK);
    for (size_t i = 0; i < op.rows.count; i++)
        if (store_cell_span(&op.rows, i, 1).at[0] != 'W')
            assert_int_equal(store_cell_int(&op.rows, i, 2), 1);
    arena_reset(&s->f.arena);
}

static void histories(void **state)
{
    static struct history h;
    (void)state;
    unsigned reached_approved = 0;
    unsigned reached_down = 0;
    uint64_t conflicts = 0;
    for (uint64_t seed = 100; seed < 120; seed++) {
        memset(&h, 0, sizeof h);
        sim_open(&sim, seed);
        for (int i = 0; i < ACTIONS && h.sent_count < ACTIONS; i++)
            act(&sim, &h);
        sim.drop_percent = sim.refuse_percent = 0;
        sim_settle(&sim);
        check_repeats(&sim, &h);
        check_money(&sim, &h);
        check_single_use(&sim);
        conflicts += switch_counters(sim.core).conflicts;
        for (size_t i = 0; i < h.sent_count; i++) {
            struct iso8583_message answer;

            sim_answer(&sim, h.number[i], &answer);
            reached_approved += iso8583_has(&answer, ISO8583_APPROVAL);
            reached_down += span_is(iso8583_get(&answer, ISO8583_RESPONSE), "91");
            assert_false(span_is(iso8583_get(&answer, ISO8583_RESPONSE), "96"));
        }
        sim_close(&sim);
    }
    /* The histories went where it hurts. */
    assert_true(reached_approved > 300);
    assert_true(reached_down > 30);
    assert_true(conflicts > 2);
}

/* ---- S-15: what cannot be parsed is answered 30 or 12, or not at all, and never changes a row ---- */

static void damaged_frames_change_nothing(void **state)
{
    (void)state;
    sim_open(&sim, 11);
    sim_display(&sim, 0);
    struct ledger_full_card before;
    sim_read(&sim, 0, &before);
    unsigned answered = 0;
    unsigned silent = 0;
    for (uint64_t round = 0; round < 30000; round++) {
        struct iso8583_message m;
        uint8_t frame[SIM_FRAME];
        struct buf out = buf_over(frame, sizeof frame);
        size_t len;

        sim_authorise(&m, 0, round, 100, "999");
        assert_int_equal(iso8583_build(&iso8583_profile_visa_base1, &m, &out), ERR_OK);
        for (uint32_t changes = 1 + sim_draw(&sim, 3); changes > 0; changes--)
            frame[sim_draw(&sim, (uint32_t)out.len)] = (uint8_t)sim_draw(&sim, 256);
        len = sim_draw(&sim, 4) == 0 ? sim_draw(&sim, (uint32_t)out.len) : out.len;
        if (iso8583_parse(&iso8583_profile_visa_base1, span_of(frame, len), &m, NULL) == ERR_OK)
            continue;
        sim.request[0].answers = 0;
        switch_receive(sim.core, 0, (struct net_peer){.slot = 0}, span_of(frame, len));
        answered += sim.request[0].answers;
        silent += sim.request[0].answers == 0;
        assert_int_equal(switch_pending(sim.core), 0);
    }
    struct ledger_full_card after;
    sim_read(&sim, 0, &after);
    assert_memory_equal(&before.code, &after.code, sizeof before.code);
    assert_true(answered > 1000);
    assert_true(silent > 1000);
    sim_close(&sim);
}

/* ---- limits ---- */

static void above_the_slots_91_at_once(void **state)
{
    (void)state;
    sim_open(&sim, 7);
    char code[4];
    sim_code(SWITCH_CY, 3, 0, code);
    unsigned busy = 0;
    for (uint64_t i = 0; i < 600; i++) { /* 512 slots */
        struct iso8583_message m;

        sim_authorise(&m, 3, i, 1, code);
        busy += sim.request[sim_send(&sim, &m)].answers;
    }
    assert_int_equal(busy, 600 - 512);
    sim_settle(&sim);
    for (size_t i = 0; i < 600; i++) {
        struct iso8583_message answer;

        sim_answer(&sim, i, &answer);
        assert_true(span_is(iso8583_get(&answer, ISO8583_RESPONSE), i < 512 ? "00" : "91"));
    }
    assert_int_equal(sum(&sim), 512);
    sim_close(&sim);
}

static void a_late_request_is_dropped_unevaluated(void **state)
{
    (void)state;
    sim_open(&sim, 8);
    sim_display(&sim, 0);
    char code[4];
    sim_code(SWITCH_PM0, 0, 1, code);
    struct iso8583_message m;
    sim_authorise(&m, 0, 1, 100, code);
    (void)sim_send(&sim, &m);
    sim.world.monotonic_us += 10000001;
    sim_settle(&sim);
    assert_int_equal(sim.request[0].answers, 0);
    assert_int_equal(switch_counters(sim.core).late, 1);
    m.mti = ISO8583_AUTHORISATION_REPEAT; /* the network repeats, and the code is still good */
    (void)sim_send(&sim, &m);
    sim_settle(&sim);
    sim_answer(&sim, 1, &m);
    assert_true(span_is(iso8583_get(&m, ISO8583_RESPONSE), "00"));
    sim_close(&sim);
}

/* A clock behind the newest time of the row makes dynamic steps "HSM down": no try is lost (issuer.md 5). */
static void a_clock_that_runs_behind_costs_no_try(void **state)
{
    (void)state;
    sim_open(&sim, 9);
    sim_display(&sim, 0);
    sim.world.wall_ms -= 5000;
    struct iso8583_message m;
    sim_authorise(&m, 0, 1, 100, "999");
    (void)sim_send(&sim, &m);
    sim_settle(&sim);
    sim_answer(&sim, 0, &m);
    assert_true(span_is(iso8583_get(&m, ISO8583_RESPONSE), "91"));
    struct ledger_full_card row;
    sim_read(&sim, 0, &row);
    assert_int_equal(row.code.declines, 0);
    assert_int_equal(row.code.g_consec, 0);
    sim_close(&sim);
}

/* A repeat gets the stored answer for 72 hours; after that the same message is a new one. */
static void a_repeat_is_known_for_72_hours(void **state)
{
    const int64_t later_ms[] = {71 * 3600000LL, 2 * 3600000LL};
    (void)state;
    sim_open(&sim, 11);
    char code[4], approval[2][6];
    sim_code(SWITCH_CY, 3, 0, code);
    struct iso8583_message m, answer;
    sim_authorise(&m, 3, 1, 100, code);
    (void)sim_send(&sim, &m);
    sim_settle(&sim);
    for (size_t i = 0; i < 2; i++) {
        sim_answer(&sim, i, &answer);
        assert_true(span_is(iso8583_get(&answer, ISO8583_RESPONSE), "00"));
        memcpy(approval[i], iso8583_get(&answer, ISO8583_APPROVAL).at, 6);
        sim.world.wall_ms += later_ms[i];
        sim.world.monotonic_us += later_ms[i] * 1000;
        while (switch_counters(sim.core).retentions == i) {
            sim_turn(&sim);
            (void)usleep(1000);
        }
        (void)sim_send(&sim, &m);
        sim_settle(&sim);
    }
    assert_memory_equal(approval[0], approval[1], 6);
    sim_answer(&sim, 2, &answer);
    assert_memory_not_equal(approval[0], iso8583_get(&answer, ISO8583_APPROVAL).at, 6);
    sim_close(&sim);
}

/* A step without answer is sent once more to another HSM; with none left the outcome is "HSM down", and no try is lost. */
static void another_hsm_is_asked(void **state)
{
    (void)state;
    sim_open(&sim, 10);
    sim_display(&sim, 0);
    char code[4];
    sim_code(SWITCH_PM0, 0, 1, code);
    struct iso8583_message m;
    for (int round = 0; round < 2; round++) {
        struct ledger_full_card row;

        sim.asked[0] = sim.asked[1] = 0;
        sim.deaf[0] = true;
        sim.deaf[1] = round == 0; /* first both, then one */
        sim_authorise(&m, 0, (uint64_t)round, 100, code);
        (void)sim_send(&sim, &m);
        sim_settle(&sim);
        sim_answer(&sim, (size_t)round, &m);
        assert_true(span_is(iso8583_get(&m, ISO8583_RESPONSE), round == 0 ? "91" : "00"));
        if (round == 0)
            assert_int_equal(sim.asked[0] + sim.asked[1], 2);
        assert_true(sim.asked[1] == 1);
        sim_read(&sim, 0, &row);
        assert_int_equal(row.code.declines, 0);
    }
    sim_close(&sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_batch_is_as_many_batches_of_one),     cmocka_unit_test(histories),
        cmocka_unit_test(damaged_frames_change_nothing),         cmocka_unit_test(another_hsm_is_asked),
        cmocka_unit_test(a_repeat_is_known_for_72_hours),        cmocka_unit_test(above_the_slots_91_at_once),
        cmocka_unit_test(a_late_request_is_dropped_unevaluated), cmocka_unit_test(a_clock_that_runs_behind_costs_no_try),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
