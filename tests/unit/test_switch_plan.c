/* SPDX-License-Identifier: Apache-2.0 */
/* The verification plan against the table of switch.md 5, and what answers add up to. */
#include "switch/plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { NOW = 1767243600 }; /* 2026-01-01T05:00:00Z; window vectors t0-02 and t0-03 of security-codes.md 7.4 */
static const int64_t now_ms = (int64_t)NOW * 1000;

struct world {
    struct ledger_product product;
    struct ledger_card card;
    struct ledger_code code;
    struct switch_plan_input in;
};

static void world_make(struct world *w, enum ledger_mode mode, enum ledger_static_policy policy)
{
    *w = (struct world){.product = {.mode = mode,
                                    .static_policy = policy,
                                    .twu_h = 1,
                                    .tries = 3,
                                    .accept_previous_window = true,
                                    .diag_step = true,
                                    .expiry_delay_s = 300},
                        .card = {.enrolled = true}};
    w->in = (struct switch_plan_input){.product = &w->product, .card = &w->card, .code = &w->code, .now_ms = now_ms};
}

static void code_active(struct world *w, int64_t n)
{
    w->code = (struct ledger_code){.issue_n = n,
                                   .state = LEDGER_CODE_ACTIVE,
                                   .issued_at = now_ms - 1000,
                                   .expires_at = now_ms + 299000,
                                   .first_display_at = now_ms - 1000,
                                   .last_display_at = now_ms - 1000};
}

/* The plan as text: CY, PM0(n), PM5(now), PM5(before), DIAG(n). */
static void expect_plan(const struct world *w, const char *text, size_t live)
{
    char room[128];
    struct buf out = buf_over(room, sizeof room);
    struct switch_plan plan;
    switch_plan_make(&w->in, &plan);
    for (size_t i = 0; i < plan.count; i++) {
        const struct switch_step *s = &plan.step[i];

        buf_put_text(&out, i > 0 ? " " : "");
        buf_put_text(&out, s->diag ? "DIAG" : s->question == SWITCH_CY ? "CY" : s->question == SWITCH_PM0 ? "PM0" : "PM5");
        if (s->question == SWITCH_PM0)
            buf_put_integer(&out, s->ref);
        if (s->question == SWITCH_PM5)
            buf_put_text(&out, s->previous ? "before" : "now");
    }
    assert_string_equal(buf_text(&out), text);
    assert_int_equal(plan.live, live);
}

static void default_orders(void **state)
{
    (void)state;
    struct world w;
    world_make(&w, LEDGER_STATIC, LEDGER_STATIC_ALLOWED);
    expect_plan(&w, "CY", 1);
    world_make(&w, LEDGER_TIME_WINDOW, LEDGER_STATIC_ALLOWED);
    expect_plan(&w, "CY PM5now PM5before", 3);
    world_make(&w, LEDGER_TIME_WINDOW, LEDGER_STATIC_OFF);
    expect_plan(&w, "PM5now PM5before", 2);
    world_make(&w, LEDGER_ONE_TIME, LEDGER_STATIC_OFF);
    code_active(&w, 7);
    expect_plan(&w, "PM07", 1);
    world_make(&w, LEDGER_ONE_TIME, LEDGER_STATIC_ALLOWED);
    code_active(&w, 7);
    expect_plan(&w, "CY PM07", 2);
}

static void only_live_steps_are_asked(void **state)
{
    (void)state;
    struct world w;
    world_make(&w, LEDGER_ONE_TIME, LEDGER_STATIC_OFF);
    expect_plan(&w, "DIAG0", 0);
    code_active(&w, 7);
    w.code.expires_at = now_ms;
    expect_plan(&w, "DIAG7", 0);
    w.code.expires_at = now_ms + 1;
    expect_plan(&w, "PM07", 1);
    w.code.declines = 3;
    expect_plan(&w, "DIAG7", 0);
    w.code.declines = 0;
    w.code.state = LEDGER_CODE_USED;
    expect_plan(&w, "DIAG7", 0);
    w.product.diag_step = false;
    expect_plan(&w, "", 0);
    w.product.static_policy = LEDGER_STATIC_ALLOWED;
    w.product.diag_step = true;
    expect_plan(&w, "CY DIAG7", 1);
    world_make(&w, LEDGER_TIME_WINDOW, LEDGER_STATIC_OFF);
    w.product.accept_previous_window = false;
    expect_plan(&w, "PM5now", 1);
}

static void static_fallback_ends_with_the_first_display(void **state)
{
    (void)state;
    struct world w;
    world_make(&w, LEDGER_ONE_TIME, LEDGER_STATIC_FALLBACK);
    expect_plan(&w, "CY DIAG0", 1);
    code_active(&w, 1);
    expect_plan(&w, "PM01", 1);
    w.in.static_override = true;
    expect_plan(&w, "CY PM01", 2);
}

static void a_card_that_is_not_enrolled_is_static(void **state)
{
    (void)state;
    struct world w;
    world_make(&w, LEDGER_ONE_TIME, LEDGER_STATIC_OFF);
    code_active(&w, 1);
    w.card.enrolled = false;
    expect_plan(&w, "CY", 1);
    world_make(&w, LEDGER_TIME_WINDOW, LEDGER_STATIC_OFF);
    w.card.enrolled = false;
    expect_plan(&w, "CY", 1);
}

static void orders_of_a_product(void **state)
{
    (void)state;
    struct world w;
    world_make(&w, LEDGER_TIME_WINDOW, LEDGER_STATIC_ALLOWED);
    memcpy(w.product.plan, "PM5P,PM5,CY", 12);
    expect_plan(&w, "PM5before PM5now CY", 3);
    world_make(&w, LEDGER_TIME_WINDOW, LEDGER_STATIC_ALLOWED);
    w.product.smart_order = true;
    expect_plan(&w, "CY PM5now PM5before", 3);
    w.code.last_display_at = now_ms - 2 * 3600000 + 1;
    expect_plan(&w, "PM5now PM5before CY", 3);
    w.code.last_display_at = now_ms - 2 * 3600000;
    expect_plan(&w, "CY PM5now PM5before", 3);
    assert_true(switch_plan_text_valid(""));
    assert_true(switch_plan_text_valid("CY,PM0"));
    assert_false(switch_plan_text_valid("CY,PM9"));
    assert_false(switch_plan_text_valid("CY,,PM0"));
    assert_false(switch_plan_text_valid("CY,CY,CY,CY,CY,CY,CY"));
}

static void single_use_windows(void **state)
{
    int64_t window = switch_window_index(now_ms, 1);
    (void)state;
    struct world w;
    world_make(&w, LEDGER_TIME_WINDOW, LEDGER_STATIC_OFF);
    w.product.window_single_use = true;
    expect_plan(&w, "PM5now PM5before", 2);
    w.code.win_idx = window - 1;
    w.code.state = LEDGER_CODE_USED;
    expect_plan(&w, "PM5now", 1);
    w.code.win_idx = window;
    expect_plan(&w, "", 0);
    w.code.win_idx = window - 2;
    expect_plan(&w, "PM5now PM5before", 2);
    world_make(&w, LEDGER_TIME_WINDOW, LEDGER_STATIC_OFF);
    w.product.window_requires_display = true;
    expect_plan(&w, "", 0);
    w.code.first_display_at = 1;
    expect_plan(&w, "PM5now PM5before", 2);
}

/* Vectors t0-02, t0-03, t0-13, t0-14 of security-codes.md 7.4. */
static void window_index(void **state)
{
    (void)state;
    assert_int_equal(switch_window_index(INT64_C(1767243599000), 1), 490900);
    assert_int_equal(switch_window_index(INT64_C(1767243600000), 1), 490901);
    assert_int_equal(switch_window_index(INT64_C(1767225600000), 6), 81816);
    assert_int_equal(switch_window_index(INT64_C(1767225599000), 18), 27271);
}

/* ---- reading ---- */

static const struct switch_step cy = {.question = SWITCH_CY};
static const struct switch_step pm5 = {.question = SWITCH_PM5, .ref = 9};
static const struct switch_step pm5p = {.question = SWITCH_PM5, .ref = 8, .previous = true};

static struct switch_finding read_three(const enum switch_fact_answer answer[static 3], bool parallel)
{
    struct switch_plan plan = {.step = {cy, pm5, pm5p}, .count = 3, .live = 3};
    struct switch_facts facts = {0};
    for (size_t i = 0; i < 3; i++)
        if (answer[i] != SWITCH_UNASKED)
            switch_facts_add(&facts, &plan.step[i], answer[i]);
    struct switch_finding finding;
    switch_plan_read(&plan, &facts, parallel, &finding);
    return finding;
}

/* All 128 combinations of answers and plan: the first match in plan order counts, alone; an unanswered step without a match is
 * never a mismatch. */
static void every_combination_of_answers(void **state)
{
    (void)state;
    for (int combination = 0; combination < 128; combination++) {
        enum switch_fact_answer a[3] = {(enum switch_fact_answer)(combination & 3), (enum switch_fact_answer)(combination >> 2 & 3),
                                        (enum switch_fact_answer)(combination >> 4 & 3)};
        bool parallel = combination >> 6 != 0;
        struct switch_finding f = read_three(a, parallel);
        int match = -1;
        int unasked = -1;

        for (int i = 2; i >= 0; i--) {
            match = a[i] == SWITCH_MATCH ? i : match;
            unasked = a[i] == SWITCH_UNASKED ? i : unasked;
        }
        if (match >= 0 && (unasked < 0 || match < unasked)) {
            assert_int_equal(f.reading, SWITCH_READ_MATCH);
            assert_int_equal(f.step.question, match == 0 ? SWITCH_CY : SWITCH_PM5);
            assert_int_equal(f.step.previous, match == 2);
        } else if (unasked >= 0) {
            assert_int_equal(f.reading, SWITCH_READ_ASK);
            assert_true(parallel ? f.ask_count >= 1 : f.ask_count == 1);
        } else {
            bool open = a[0] == SWITCH_NO_ANSWER || a[1] == SWITCH_NO_ANSWER || a[2] == SWITCH_NO_ANSWER;
            assert_int_equal(f.reading, open ? SWITCH_READ_NO_ANSWER : SWITCH_READ_MISMATCH);
        }
    }
}

static void the_diagnostic_step_never_matches(void **state)
{
    struct switch_plan plan = {.step = {{.question = SWITCH_PM0, .ref = 4, .diag = true}}, .count = 1};
    (void)state;
    struct switch_facts facts = {0};
    assert_int_equal(switch_fact_of(VERDICT_MATCH), SWITCH_MATCH);
    assert_int_equal(switch_fact_of(VERDICT_MISMATCH), SWITCH_NO_MATCH);
    assert_int_equal(switch_fact_of(VERDICT_UNAVAILABLE), SWITCH_NO_ANSWER);
    switch_facts_add(&facts, &plan.step[0], SWITCH_MATCH);
    struct switch_finding finding;
    switch_plan_read(&plan, &facts, false, &finding);
    assert_int_equal(finding.reading, SWITCH_READ_DEAD);
    switch_facts_add(&facts, &plan.step[0], SWITCH_NO_ANSWER);
    switch_plan_read(&plan, &facts, false, &finding);
    assert_int_equal(finding.reading, SWITCH_READ_NO_ANSWER);
    plan.step[0].ref = 0; /* never issued */
    switch_facts_add(&facts, &plan.step[0], SWITCH_MATCH);
    switch_plan_read(&plan, &facts, false, &finding);
    assert_int_equal(finding.reading, SWITCH_READ_MISMATCH);
}

/* A fact of counter 4 serves the plan that was made again after the code was used, and not the one for counter 5. */
static void facts_outlive_the_plan(void **state)
{
    struct switch_step live = {.question = SWITCH_PM0, .ref = 4};
    struct switch_step dead = {.question = SWITCH_PM0, .ref = 4, .diag = true};
    struct switch_step next = {.question = SWITCH_PM0, .ref = 5};
    (void)state;
    struct switch_facts facts = {0};
    switch_facts_add(&facts, &live, SWITCH_MATCH);
    assert_int_equal(switch_facts_find(&facts, &dead), SWITCH_MATCH);
    assert_int_equal(switch_facts_find(&facts, &next), SWITCH_UNASKED);
    for (int64_t i = 100; i < 100 + SWITCH_FACTS_MAX; i++)
        switch_facts_add(&facts, &(struct switch_step){.question = SWITCH_PM0, .ref = i}, SWITCH_NO_MATCH);
    assert_int_equal(facts.count, SWITCH_FACTS_MAX);
    assert_int_equal(switch_facts_find(&facts, &live), SWITCH_UNASKED);
}

static void steps_as_text(void **state)
{
    struct switch_plan plan = {.step = {cy, pm5, pm5p}, .count = 3};
    (void)state;
    struct switch_facts facts = {0};
    char text[SWITCH_STEPS_TEXT];
    switch_plan_text(&plan, &facts, text);
    assert_string_equal(text, "");
    switch_facts_add(&facts, &cy, SWITCH_NO_MATCH);
    switch_facts_add(&facts, &pm5, SWITCH_NO_ANSWER);
    switch_facts_add(&facts, &pm5p, SWITCH_MATCH);
    switch_plan_text(&plan, &facts, text);
    assert_string_equal(text, "CY-,PM5?,PM5P+");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(default_orders),
        cmocka_unit_test(only_live_steps_are_asked),
        cmocka_unit_test(static_fallback_ends_with_the_first_display),
        cmocka_unit_test(a_card_that_is_not_enrolled_is_static),
        cmocka_unit_test(orders_of_a_product),
        cmocka_unit_test(single_use_windows),
        cmocka_unit_test(window_index),
        cmocka_unit_test(every_combination_of_answers),
        cmocka_unit_test(the_diagnostic_step_never_matches),
        cmocka_unit_test(facts_outlive_the_plan),
        cmocka_unit_test(steps_as_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
