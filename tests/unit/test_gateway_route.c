/* SPDX-License-Identifier: Apache-2.0 */
/* gateway.md 2 step 5: which link a payment takes, and what is told when there is none. */
#include "gateway/fault.h"
#include "support/gateway/sim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { SECOND_US = 1000000 };
#define VISA "4111111111111111"
#define DEBIT "4333331111111117" /* longest prefix: both networks */
#define OTHER "5555555555554444"

static struct gateway_sim sim;
static char id[24];

static void add_link(const char *name, int64_t fixed_milli, int64_t basis_points, int64_t ceiling_milli)
{
    struct gateway_link_config *link = &sim.config.link[sim.config.link_count++];
    *link = sim.config.link[0];
    (void)snprintf(link->link.name, sizeof link->link.name, "%s", name);
    link->fixed_milli = fixed_milli;
    link->basis_points = basis_points;
    link->ceiling_milli = ceiling_milli;
}

/* "flat" costs 8 units a payment, "share" 1 %, at most 60 units. */
static int open_sim(void **state)
{
    (void)state;
    gateway_sim_open(&sim, 31);
    sim.config.link_count = 0;
    add_link("flat", 8000, 0, 0);
    add_link("share", 0, 100, 60000);
    sim.config.bin[0] = (struct gateway_bin){"4", "share"};
    sim.config.bin[1] = (struct gateway_bin){"433333", "share,flat"};
    sim.config.bin_count = 2;
    return 0;
}

static int close_sim(void **state)
{
    (void)state;
    gateway_sim_close(&sim);
    return 0;
}

/* The link's place; the status, if nothing left. */
static int taken_by(const char *card, uint64_t amount)
{
    static unsigned number;
    size_t before = sim.network.takens;
    (void)snprintf(id, sizeof id, "p%u", ++number);
    struct gateway_sim_request *r = gateway_sim_pay(&sim, id, card, amount);
    gateway_sim_run(&sim, SECOND_US);
    assert_true(r->replied);
    int status = (int)r->status;
    gateway_sim_forget(r);
    return sim.network.takens > before ? (int)sim.network.taken[before].link : status;
}

static void start(void)
{
    gateway_sim_run(&sim, SECOND_US);
}

enum { FLAT, SHARE };

static void the_longest_prefix_says_where_a_card_may_go(void **state)
{
    (void)state;
    start();
    assert_int_equal(taken_by(VISA, 1000000), SHARE); /* the one network of its row, whatever the cost */
    assert_int_equal(taken_by(DEBIT, 1000000), FLAT);
}

/* 1 % of 700 is 7 and of 900 is 9, against 8. On equal cost the first of the row. */
static void the_cheapest_link_takes_it(void **state)
{
    (void)state;
    start();
    assert_int_equal(taken_by(DEBIT, 700), SHARE);
    assert_int_equal(taken_by(DEBIT, 900), FLAT);
    assert_int_equal(taken_by(DEBIT, 800), SHARE);
}

static void a_ceiling_ends_what_a_share_costs(void **state)
{
    (void)state;
    sim.config.link[FLAT].fixed_milli = 70000;
    start();
    assert_int_equal(taken_by(DEBIT, 6500), SHARE);
    assert_int_equal(taken_by(DEBIT, 7500), SHARE); /* 75 without its ceiling */
}

static void a_link_that_is_down_is_passed_over(void **state)
{
    (void)state;
    start();
    assert_int_equal(taken_by(DEBIT, 900), FLAT);
    gateway_sim_cut(&sim, FLAT, true);
    assert_int_equal(taken_by(DEBIT, 900), SHARE);
    gateway_sim_cut(&sim, FLAT, false);
    gateway_sim_run(&sim, 2 * SECOND_US);
    assert_int_equal(taken_by(DEBIT, 900), FLAT);
}

/* Unavailable, no rejection: nothing is recorded, and the same request runs when a link is there. */
static void no_link_is_unavailable(void **state)
{
    (void)state;
    char answer[64];
    start();
    gateway_sim_cut(&sim, SHARE, true);
    assert_int_equal(gateway_sim_paid(&sim, "again", 100, answer), 503);
    assert_int_equal(sim.network.takens, 0);
    assert_int_equal(gateway_sim_count(&sim, GATEWAY_ROW(RECORD_COUNT), "failed"), 0);
    assert_int_equal(gateway_sim_count(&sim, GATEWAY_ROW(REVERSAL_COUNT), "armed"), 0);
    gateway_sim_cut(&sim, SHARE, false);
    gateway_sim_run(&sim, 2 * SECOND_US);
    assert_int_equal(gateway_sim_paid(&sim, "again", 100, answer), 200);
}

/* A stored answer needs no route. */
static void a_repeat_is_answered_without_a_link(void **state)
{
    (void)state;
    char first[64], again[64];
    start();
    assert_int_equal(gateway_sim_paid(&sim, "same", 100, first), 200);
    gateway_sim_cut(&sim, SHARE, true);
    assert_int_equal(gateway_sim_paid(&sim, "same", 100, again), 200);
    assert_string_equal(first, again);
    assert_int_equal(sim.network.takens, 1);
}

/* commerce-hub.md 6: a permanent fault of the request, not 503. */
static void a_card_that_no_link_takes_is_a_fault_of_the_request(void **state)
{
    (void)state;
    start();
    assert_int_equal(taken_by(OTHER, 100), 422);
    gateway_sim_cut(&sim, SHARE, true);
    gateway_sim_cut(&sim, FLAT, true);
    assert_int_equal(taken_by(OTHER, 100), 422);
    assert_int_equal(taken_by(DEBIT, 100), 503);
}

#define CASE(test_) cmocka_unit_test_setup_teardown(test_, open_sim, close_sim)
int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(the_longest_prefix_says_where_a_card_may_go),
        CASE(the_cheapest_link_takes_it),
        CASE(a_ceiling_ends_what_a_share_costs),
        CASE(a_link_that_is_down_is_passed_over),
        CASE(no_link_is_unavailable),
        CASE(a_repeat_is_answered_without_a_link),
        CASE(a_card_that_no_link_takes_is_a_fault_of_the_request),
    };
    return cmocka_run_group_tests_name("gateway, route", tests, NULL, NULL);
}
