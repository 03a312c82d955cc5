/* SPDX-License-Identifier: Apache-2.0 */
/* gateway.md 3.3: when a reversal is sent, what it says, when it is sent again, and what ends it. */
#include "gateway/rows.h"
#include "support/gateway/sim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { SECOND_US = 1000000, AMOUNT = 200000 };
#define DAY_US (86400 * (int64_t)SECOND_US)

static struct gateway_sim sim;
static char answer[64];
static enum network_fate authorisation_fate, reversal_fate;

static enum network_fate fate(void *context, bool reversal, uint64_t amount)
{
    (void)context; /* one payment */
    (void)amount;
    return reversal ? reversal_fate : authorisation_fate;
}

static int open_sim(void **state)
{
    (void)state;
    gateway_sim_open(&sim, 11);
    sim.network.fate = fate;
    authorisation_fate = NETWORK_IS_SILENT;
    reversal_fate = NETWORK_ANSWERS;
    gateway_sim_run(&sim, SECOND_US);
    return 0;
}

static int close_sim(void **state)
{
    (void)state;
    gateway_sim_close(&sim);
    return 0;
}

static int64_t in_state(const char *name)
{
    return gateway_sim_count(&sim, GATEWAY_ROW(REVERSAL_COUNT), name);
}

/* A payment that nobody answers; its reversal is the message number 1. */
static void let_one_time_out(void)
{
    assert_int_equal(gateway_sim_paid(&sim, "one", AMOUNT, answer), 422);
    assert_int_equal(in_state("queued") + in_state("accepted"), 1);
}

static void what_was_answered_in_time_needs_none(void **state)
{
    (void)state;
    authorisation_fate = NETWORK_ANSWERS;
    assert_int_equal(gateway_sim_paid(&sim, "one", AMOUNT, answer), 200);
    authorisation_fate = NETWORK_REFUSES;
    assert_int_equal(gateway_sim_paid(&sim, "two", AMOUNT, answer), 200);
    assert_string_equal(answer, "declined ");
    gateway_sim_run(&sim, 300 * (int64_t)SECOND_US);
    assert_int_equal(sim.network.takens, 2);
    assert_int_equal(in_state("armed") + in_state("queued"), 0);
}

static void an_unreadable_answer_is_none(void **state)
{
    (void)state;
    authorisation_fate = NETWORK_GARBLES;
    let_one_time_out();
    gateway_sim_run(&sim, 2 * SECOND_US);
    assert_int_equal(sim.network.takens, 2);
    assert_int_equal(network_standing(&sim.network, AMOUNT, NULL), 0);
}

static void it_names_its_original(void **state)
{
    (void)state;
    let_one_time_out();
    gateway_sim_run(&sim, 2 * SECOND_US);
    const struct network_taken *sent = &sim.network.taken[0], *reversal = &sim.network.taken[1];
    assert_int_equal(sim.network.takens, 2);
    assert_int_equal(reversal->mti, ISO8583_REVERSAL);
    assert_string_equal(reversal->rrn, sent->rrn);
    assert_string_equal(reversal->amount, sent->amount);
    assert_string_not_equal(reversal->stan, sent->stan);
    assert_string_equal(reversal->reason, "68"); /* late answer */
    assert_memory_equal(reversal->original, "0100", 4);
    assert_memory_equal(reversal->original + 4, sent->stan, 6);
    assert_memory_equal(reversal->original + 10, sent->transmission, 10);
    assert_memory_equal(reversal->original + 20, "00000400123", 11);
    assert_string_equal(reversal->original + 31, "00000000000");
}

/* Due rows are looked for once a second. */
static void without_an_answer_it_is_repeated(void **state)
{
    static const int64_t pause_s[] = {2, 10, 60, 300, 300};
    (void)state;
    reversal_fate = NETWORK_IS_SILENT;
    let_one_time_out();
    gateway_sim_run(&sim, 700 * (int64_t)SECOND_US);
    const struct network_taken *first = &sim.network.taken[1];
    assert_int_equal(first->mti, ISO8583_REVERSAL);
    assert_int_equal(sim.network.takens, 7);
    for (size_t i = 0; i < sizeof pause_s / sizeof pause_s[0]; i++) {
        const struct network_taken *again = &first[i + 1];
        int64_t pause_us = again->at_us - first[i].at_us;
        assert_in_range(pause_us, pause_s[i] * SECOND_US, (pause_s[i] + 1) * SECOND_US);
        assert_int_equal(again->mti, ISO8583_REVERSAL_REPEAT);
        assert_string_equal(again->transmission, first->transmission);
        assert_string_equal(again->stan, first->stan);
        assert_string_equal(again->rrn, first->rrn);
        assert_string_equal(again->original, first->original);
    }
}

static void ends(const char *response, const char *as)
{
    sim.network.reversal_response = response;
    let_one_time_out();
    gateway_sim_run(&sim, 400 * (int64_t)SECOND_US);
    assert_int_equal(sim.network.takens, 2);
    assert_int_equal(in_state(as), 1);
    assert_int_equal(in_state("queued"), 0);
}

static void an_answer_of_00_ends_it(void **state)
{
    (void)state;
    ends("00", "accepted");
}

/* The issuer knows of no such payment. */
static void an_answer_of_25_ends_it(void **state)
{
    (void)state;
    ends("25", "accepted");
}

static void any_other_answer_is_a_refusal(void **state)
{
    (void)state;
    ends("12", "refused");
}

static void an_answer_to_a_repeat_ends_it(void **state)
{
    (void)state;
    reversal_fate = NETWORK_LOSES;
    let_one_time_out();
    gateway_sim_run(&sim, SECOND_US);
    assert_int_equal(in_state("queued"), 1);
    reversal_fate = NETWORK_ANSWERS;
    gateway_sim_run(&sim, 100 * (int64_t)SECOND_US);
    assert_int_equal(in_state("accepted"), 1);
    assert_int_equal(sim.network.takens, 3);
    assert_int_equal(network_standing(&sim.network, AMOUNT, NULL), 0);
}

/* It comes behind the first repeat. */
static void a_late_answer_ends_it_as_well(void **state)
{
    (void)state;
    reversal_fate = NETWORK_IS_LATE;
    sim.network.late_us = 2500000;
    let_one_time_out();
    gateway_sim_run(&sim, 400 * (int64_t)SECOND_US);
    assert_int_equal(in_state("accepted"), 1);
    assert_int_equal(sim.network.takens, 3);
}

static void after_a_day_it_is_given_up(void **state)
{
    static struct buf text;
    static uint8_t room[65536];
    (void)state;
    reversal_fate = NETWORK_LOSES;
    let_one_time_out();
    gateway_sim_run(&sim, DAY_US - 300 * (int64_t)SECOND_US);
    assert_int_equal(in_state("queued"), 1);
    gateway_sim_run(&sim, 900 * (int64_t)SECOND_US);
    assert_int_equal(in_state("abandoned"), 1);
    text = buf_over(room, sizeof room);
    gateway_metrics(sim.gateway, &text);
    assert_non_null(strstr(buf_text(&text), "gateway_reversals_abandoned_total 1"));
}

static void it_waits_for_its_link(void **state)
{
    (void)state;
    struct gateway_sim_request *r = gateway_sim_pay(&sim, "one", "4111111111111111", AMOUNT);
    gateway_sim_run(&sim, SECOND_US);
    gateway_sim_cut(&sim, 0, true);
    gateway_sim_run(&sim, 60 * (int64_t)SECOND_US);
    assert_true(r->replied);
    assert_int_equal(sim.network.takens, 1);
    assert_int_equal(in_state("queued"), 1);
    gateway_sim_cut(&sim, 0, false);
    gateway_sim_run(&sim, 3 * (int64_t)SECOND_US);
    assert_int_equal(sim.network.takens, 2);
    assert_int_equal(sim.network.taken[1].mti, ISO8583_REVERSAL); /* nothing was sent before */
    assert_int_equal(in_state("accepted"), 1);
}

static void a_process_that_comes_back_goes_on(void **state)
{
    (void)state;
    reversal_fate = NETWORK_LOSES;
    let_one_time_out();
    gateway_sim_run(&sim, SECOND_US);
    gateway_sim_kill(&sim);
    reversal_fate = NETWORK_ANSWERS;
    gateway_sim_run(&sim, 12 * (int64_t)SECOND_US);
    assert_int_equal(sim.network.takens, 3);
    assert_int_equal(sim.network.taken[2].mti, ISO8583_REVERSAL_REPEAT);
    assert_string_equal(sim.network.taken[2].stan, sim.network.taken[1].stan);
    assert_int_equal(in_state("accepted"), 1);
}

/* Its client went without an answer; the process does not know whether the issuer approved. */
static void what_a_dead_process_has_sent_is_reversed(void **state)
{
    (void)state;
    authorisation_fate = NETWORK_DELAYS;
    struct gateway_sim_request *r = gateway_sim_pay(&sim, "one", "4111111111111111", AMOUNT);
    gateway_sim_run(&sim, 1000);
    assert_int_equal(network_standing(&sim.network, AMOUNT, NULL), 1);
    gateway_sim_kill(&sim);
    gateway_sim_forget(r);
    gateway_sim_run(&sim, 3 * (int64_t)SECOND_US);
    assert_int_equal(network_standing(&sim.network, AMOUNT, NULL), 0);
    assert_int_equal(in_state("accepted"), 1);
}

#define CASE(test_) cmocka_unit_test_setup_teardown(test_, open_sim, close_sim)
int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(what_was_answered_in_time_needs_none),
        CASE(an_unreadable_answer_is_none),
        CASE(it_names_its_original),
        CASE(without_an_answer_it_is_repeated),
        CASE(an_answer_of_00_ends_it),
        CASE(an_answer_of_25_ends_it),
        CASE(any_other_answer_is_a_refusal),
        CASE(an_answer_to_a_repeat_ends_it),
        CASE(a_late_answer_ends_it_as_well),
        CASE(after_a_day_it_is_given_up),
        CASE(it_waits_for_its_link),
        CASE(a_process_that_comes_back_goes_on),
        CASE(what_a_dead_process_has_sent_is_reversed),
    };
    return cmocka_run_group_tests_name("gateway, reversal", tests, NULL, NULL);
}
