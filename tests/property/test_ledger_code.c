/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a code under random interleavings of displays, authorisations, cancellations and sweeps, with clock steps. Each actor
 * reads the row, is overtaken by others, then writes what it decided. After every commit the invariants of issuer.md 11 are
 * checked against what was there before:
 *     I-1  one active counter at most, and it is the highest one issued
 *     I-2  the counter strictly grows, and no two displays share one
 *     I-3  a counter is approved once at most
 *     I-5  used, expired, exhausted and cancelled never return to active for the same counter
 *     I-6  declines changes by one, by a decline, and is reset by a new counter alone
 * The same actors run over a row in memory with the store's guards, and over both engines.
 */
#include "ledger/code.h"
#include "ledger/error.h"
#include "store/error.h"
#include "support/ledgers.h"
#include "support/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ACTORS = 6, TRIES = 2, LIFE_MS = 40, COUNTER_ROOM = 4096 };

enum step { STEP_DISPLAY, STEP_APPROVE, STEP_DECLINE, STEP_CANCEL, STEP_SWEEP, STEP_COUNT };

struct actor {
    bool busy;
    enum step step;
    struct ledger_code seen;
    struct ledger_code after;
    int64_t at;
};

struct world {
    const struct env env;
    struct stores_fixture *f; /* NULL: the row in memory */
    struct ledger_full_card card;
    struct actor actor[ACTORS];
    int64_t now;
    int64_t serial;
    uint8_t approved[COUNTER_ROOM];
    uint8_t displayed[COUNTER_ROOM];
    int64_t commits[STEP_COUNT], conflicts, refusals;
};

static uint64_t dice(const struct world *w, uint64_t sides)
{
    uint64_t value;
    env_random(&w->env, &value, sizeof value);
    return value % sides;
}

/* ---- what the invariants say of two rows, one commit apart ---- */

static void check_commit(struct world *w, const struct actor *a, const struct ledger_code *before, const struct ledger_code *after)
{
    assert_true(after->version == before->version + 1);
    assert_true(after->issue_n >= before->issue_n); /* I-1, I-2 */
    if (a->step == STEP_DISPLAY) {
        assert_true(after->issue_n > before->issue_n);
        assert_int_equal(after->state, LEDGER_CODE_ACTIVE);
        assert_int_equal(after->declines, 0);
        assert_int_equal(w->displayed[after->issue_n], 0); /* I-2 */
        w->displayed[after->issue_n] = 1;
        return;
    }
    assert_true(after->issue_n == before->issue_n);
    if (before->state != LEDGER_CODE_ACTIVE) /* I-5: none of the others leads anywhere without a new counter */
        assert_int_equal(after->state, before->state);
    assert_true(after->declines == before->declines + (a->step == STEP_DECLINE)); /* I-6 */
    if (a->step == STEP_DECLINE)
        assert_int_equal(after->state, after->declines >= TRIES ? LEDGER_CODE_EXHAUSTED : LEDGER_CODE_ACTIVE);
    if (a->step == STEP_APPROVE) {
        assert_int_equal(after->state, LEDGER_CODE_USED);
        assert_int_equal(w->approved[after->issue_n], 0); /* I-3 */
        w->approved[after->issue_n] = 1;
    }
}

/* ---- actors ---- */

static bool decide(struct world *w, struct actor *a)
{
    struct ledger_code_change change = {.at = a->at, .expires_at = a->at + LIFE_MS, .auth_id = "auth"};
    switch (a->step) {
    case STEP_DISPLAY:
        return ledger_code_next_counter(&a->after, &change.issue_n) == ERR_OK &&
               ledger_code_apply(&a->after, LEDGER_EVENT_ISSUE, &change);
    case STEP_APPROVE:
        return ledger_code_apply(&a->after, LEDGER_EVENT_CONSUME, &change);
    case STEP_DECLINE:
        return ledger_code_apply(&a->after, ledger_code_decline_event(&a->after, TRIES), &change);
    case STEP_CANCEL:
        return ledger_code_apply(&a->after, LEDGER_EVENT_CANCEL, &change);
    case STEP_SWEEP:
        return ledger_code_state_at(&a->after, a->at) == LEDGER_CODE_EXPIRED &&
               ledger_code_apply(&a->after, LEDGER_EVENT_EXPIRE, &change);
    case STEP_COUNT:
        break;
    }
    (void)w;
    return false;
}

static void begin(struct world *w, struct actor *a)
{
    if (w->f)
        ledgers_read(w->f->store, &w->f->arena, 0, &w->card);
    *a = (struct actor){
        .busy = true, .step = (enum step)dice(w, STEP_COUNT), .seen = w->card.code, .after = w->card.code, .at = w->now};
    if (decide(w, a))
        return;
    assert_memory_equal(&a->after, &a->seen, sizeof a->after); /* a refusal changes nothing */
    w->refusals++;
    a->busy = false;
}

/* The guards of the statements, over the row in memory. */
static enum err write_memory(struct world *w, const struct actor *a)
{
    const struct ledger_code *row = &w->card.code;
    if (row->version != a->seen.version)
        return STORE_ERR_CONFLICT;
    if (a->step == STEP_APPROVE && (row->state != LEDGER_CODE_ACTIVE || row->issue_n != a->seen.issue_n))
        return STORE_ERR_CONFLICT;
    w->card.code = a->after;
    w->card.code.version++;
    return ERR_OK;
}

static enum err write_store(struct world *w, const struct actor *a)
{
    struct ledger_unit unit;
    struct ledger_issuance journal = {.at = a->at, .issue_n = a->after.issue_n};
    struct buf id = buf_over(journal.issuance_id, sizeof journal.issuance_id);
    buf_put_integer(&id, ++w->serial);
    memcpy(journal.card_id, a->seen.card_id, sizeof journal.card_id);
    arena_reset(&w->f->arena);
    ledger_unit_begin(&unit, 2, &w->f->arena);
    if (a->step == STEP_DISPLAY)
        ledger_put_issue(&unit, &a->seen, &a->after, &journal);
    else
        ledger_put_code(&unit, &a->seen, &a->after, a->step == STEP_APPROVE ? LEDGER_CONSUME : LEDGER_UPDATE);
    enum err err = ledger_unit_run(&unit, w->f->store);
    ledgers_read(w->f->store, &w->f->arena, 0, &w->card);
    return err;
}

static void finish(struct world *w, struct actor *a)
{
    if (w->f)
        ledgers_read(w->f->store, &w->f->arena, 0, &w->card);
    struct ledger_code before = w->card.code;
    enum err err = w->f ? write_store(w, a) : write_memory(w, a);
    a->busy = false;
    if (err == ERR_OK) {
        w->commits[a->step]++;
        check_commit(w, a, &before, &w->card.code);
        return;
    }
    assert_int_equal(err, STORE_ERR_CONFLICT);
    assert_memory_equal(&w->card.code, &before, sizeof before); /* nor does a conflict */
    w->conflicts++;
}

static void run(struct world *w, int steps)
{
    for (int i = 0; i < steps; i++) {
        struct actor *a = &w->actor[dice(w, ACTORS)];
        if (a->busy)
            finish(w, a);
        else
            begin(w, a);
        w->now += (int64_t)dice(w, 8);
        if (dice(w, 100) == 0) /* a step of the clock, in either direction */
            w->now += (int64_t)dice(w, 200) - 100;
    }
    for (int s = 0; s < STEP_COUNT; s++) /* every outcome was reached */
        assert_true(w->commits[s] > 0);
    assert_true(w->conflicts > 0 && w->refusals > 0);
}

static void test_in_memory(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct rng_world rng = {.state = seed};
        struct world w = {.env = rng_env_over(&rng), .now = 1000000};
        run(&w, 2000);
    }
}

static void test_on_the_engine(void **state)
{
    struct stores_fixture f;
    struct rng_world rng = {.state = 7};
    struct world w = {.env = rng_env_over(&rng), .f = &f, .now = 1000000};
    stores_setup(&f, *state);
    ledgers_add_card(&f, f.store, 0);
    run(&w, 1500);
    stores_teardown(&f);
}

/* ---- the table ---- */

static void test_the_table_is_total_and_terminal_states_are(void **state)
{
    (void)state;
    for (int s = 0; s < LEDGER_CODE_STATE_COUNT; s++) {
        for (int e = 0; e < LEDGER_EVENT_COUNT; e++) {
            const struct ledger_code_rule *rule = ledger_code_rule((enum ledger_code_state)s, (enum ledger_code_event)e);
            assert_int_equal(rule->state, s);
            assert_int_equal(rule->event, e);
            if (s != LEDGER_CODE_ACTIVE && e != LEDGER_EVENT_ISSUE) {
                assert_int_equal(rule->next, s);
                assert_int_equal(rule->action, LEDGER_ACTION_REFUSE);
            }
            if (e == LEDGER_EVENT_ISSUE)
                assert_int_equal(rule->next, LEDGER_CODE_ACTIVE);
        }
    }
}

static void test_the_clock_ends_a_code(void **state)
{
    (void)state;
    struct ledger_code code = {.state = LEDGER_CODE_ACTIVE, .issue_n = 1, .issued_at = 100, .expires_at = 200};
    assert_int_equal(ledger_code_state_at(&code, 199), LEDGER_CODE_ACTIVE);
    assert_int_equal(ledger_code_state_at(&code, 200), LEDGER_CODE_EXPIRED);
    assert_false(ledger_code_apply(&code, LEDGER_EVENT_CONSUME, &(struct ledger_code_change){.at = 200, .auth_id = "a"}));
    assert_false(ledger_code_apply(&code, LEDGER_EVENT_DECLINE, &(struct ledger_code_change){.at = 200}));
    assert_true(ledger_code_apply(&code, LEDGER_EVENT_EXPIRE, &(struct ledger_code_change){.at = 200}));
    assert_int_equal(ledger_code_state_at(&code, 0), LEDGER_CODE_EXPIRED); /* written down: no step of the clock revives it */
    code = (struct ledger_code){.state = LEDGER_CODE_ACTIVE, .last_display_at = 10000};
    assert_false(ledger_code_clock_suspect(&code, 8000));
    assert_true(ledger_code_clock_suspect(&code, 7999));
}

static void test_the_counter_ends(void **state)
{
    (void)state;
    struct ledger_code code = {.issue_n = LEDGER_COUNTER_MAX - 1};
    int64_t next = 0;
    assert_int_equal(ledger_code_next_counter(&code, &next), ERR_OK);
    assert_int_equal(next, 999999);
    assert_true(ledger_code_apply(&code, LEDGER_EVENT_ISSUE, &(struct ledger_code_change){.issue_n = next, .expires_at = 10}));
    assert_int_equal(ledger_code_next_counter(&code, &next), LEDGER_ERR_COUNTER_EXHAUSTED);
    assert_false(ledger_code_apply(&code, LEDGER_EVENT_ISSUE, &(struct ledger_code_change){.issue_n = 1000000, .expires_at = 10}));
    assert_false(ledger_code_apply(&code, LEDGER_EVENT_ISSUE, &(struct ledger_code_change){.issue_n = 5, .expires_at = 10}));
}

static void test_tries(void **state)
{
    (void)state;
    const struct ledger_code_change change = {.at = 1};
    struct ledger_code code = {.state = LEDGER_CODE_ACTIVE, .expires_at = 10};
    assert_int_equal(ledger_code_decline_event(&code, 1), LEDGER_EVENT_EXHAUST);
    assert_int_equal(ledger_code_decline_event(&code, 3), LEDGER_EVENT_DECLINE);
    for (int i = 1; i <= 3; i++)
        assert_true(ledger_code_apply(&code, ledger_code_decline_event(&code, 3), &change));
    assert_int_equal(code.declines, 3);
    assert_int_equal(code.state, LEDGER_CODE_EXHAUSTED);
}

static void test_the_picture_names_everything(void **state)
{
    (void)state;
    char room[2048];
    struct buf out = buf_over(room, sizeof room);
    ledger_code_document(&out);
    assert_int_equal(buf_done(&out), ERR_OK);
    (void)buf_text(&out);
    for (int s = 0; s < LEDGER_CODE_STATE_COUNT; s++)
        assert_non_null(strstr(room, ledger_code_state_name((enum ledger_code_state)s)));
    for (int e = 0; e < LEDGER_EVENT_COUNT; e++)
        assert_non_null(strstr(room, ledger_code_event_name((enum ledger_code_event)e)));
    assert_non_null(strstr(room, "| active | active (start) | used (use) | active (count) | exhausted (count) | expired (end) |"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_in_memory),
        ON_BOTH(test_on_the_engine),
        cmocka_unit_test(test_the_table_is_total_and_terminal_states_are),
        cmocka_unit_test(test_the_clock_ends_a_code),
        cmocka_unit_test(test_the_counter_ends),
        cmocka_unit_test(test_tries),
        cmocka_unit_test(test_the_picture_names_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
