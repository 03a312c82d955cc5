/* SPDX-License-Identifier: Apache-2.0 */
/* gateway.md 2: the order of the stages as the store, the network and the client see it, and the deadlines of each. */
#include "gateway/pipeline.h"
#include "gateway/rows.h"
#include "support/gateway/sim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { SECOND_US = 1000000, AMOUNT = 200000 };
#define VISA "4111111111111111"

static struct gateway_sim sim;
static char answer[64];
static enum network_fate authorisation_fate;

/* The writes so far, and the fate of those that hold a statement. */
static const struct store_row *troubled;
static enum gateway_sim_fate trouble;
static unsigned troubles; /* so many of them */
static char writes[16];   /* C claim, R record, U undo; in order */

static enum network_fate fate(void *context, bool reversal, uint64_t amount)
{
    (void)context; /* one payment at a time */
    (void)amount;
    return reversal ? NETWORK_ANSWERS : authorisation_fate;
}

static bool holds(const struct store_batch *batch, const struct store_row *row)
{
    for (size_t i = 0; i < batch->count; i++)
        if (batch->op[i].row == row)
            return true;
    return false;
}

static void on_write(struct store_batch *batch, enum gateway_sim_fate *of)
{
    char kind = holds(batch, GATEWAY_ROW(CLAIM_INSERT))    ? 'C'
                : holds(batch, GATEWAY_ROW(RECORD_INSERT)) ? 'R'
                : holds(batch, GATEWAY_ROW(CLAIM_RELEASE)) ? 'U'
                                                           : 0;
    size_t count = strlen(writes);
    if (kind && count + 1 < sizeof writes)
        writes[count] = kind;
    if (troubles == 0 || !holds(batch, troubled))
        return;
    troubles--;
    *of = trouble;
}

static void befall(const struct store_row *row, enum gateway_sim_fate with, unsigned count)
{
    troubled = row;
    trouble = with;
    troubles = count;
}

static int open_sim(void **state)
{
    (void)state;
    gateway_sim_open(&sim, 41);
    sim.network.fate = fate;
    sim.on_write = on_write;
    authorisation_fate = NETWORK_ANSWERS;
    troubles = 0;
    gateway_sim_run(&sim, SECOND_US);
    memset(writes, 0, sizeof writes);
    return 0;
}

static int close_sim(void **state)
{
    (void)state;
    gateway_sim_close(&sim);
    return 0;
}

static int64_t reversals(const char *name)
{
    return gateway_sim_count(&sim, GATEWAY_ROW(REVERSAL_COUNT), name);
}

static int64_t records(const char *name)
{
    return gateway_sim_count(&sim, GATEWAY_ROW(RECORD_COUNT), name);
}

static unsigned pay(const char *id, uint64_t amount)
{
    return gateway_sim_paid(&sim, id, amount, answer);
}

static int fault_of(void)
{
    int id = 0;
    return sscanf(answer, "fault %d", &id) == 1 ? id : 0;
}

/* The steps of the page, in its order; claim and reversal stand before what leaves, the record before what is told. */
static void the_stages_stand_in_their_order(void **state)
{
    static const enum gateway_stage order[] = {
        GATEWAY_STAGE_AUTHENTICATE, GATEWAY_STAGE_PARSE,    GATEWAY_STAGE_DECRYPT, GATEWAY_STAGE_VALIDATE,
        GATEWAY_STAGE_ROUTE,        GATEWAY_STAGE_CLAIM,    GATEWAY_STAGE_CLAIMED, GATEWAY_STAGE_AUTHORISE,
        GATEWAY_STAGE_NORMALISE,    GATEWAY_STAGE_EVALUATE, GATEWAY_STAGE_RECORD,  GATEWAY_STAGE_RECORDED,
        GATEWAY_STAGE_ANSWER,       GATEWAY_STAGE_LEAVE,
    };
    (void)state;
    for (size_t i = 1; i < sizeof order / sizeof order[0]; i++)
        assert_true(order[i - 1] < order[i]);
}

static void a_payment_is_claimed_sent_recorded_and_told(void **state)
{
    (void)state;
    assert_int_equal(pay("one", AMOUNT), 200);
    assert_string_equal(writes, "CR");
    assert_int_equal(sim.network.takens, 1);
    assert_int_equal(records("captured"), 1);
    assert_int_equal(reversals("armed"), 0);
    assert_int_equal(gateway_busy(sim.gateway), 0);
}

/* Nothing leaves while the claim is not stored, and nothing afterwards when it came too late. */
static void nothing_leaves_before_its_claim(void **state)
{
    (void)state;
    befall(GATEWAY_ROW(CLAIM_INSERT), GATEWAY_SIM_STANDS_STILL, 1);
    int64_t began_us = sim.world.monotonic_us;
    assert_int_equal(pay("one", AMOUNT), 503);
    assert_int_equal(sim.world.monotonic_us - began_us, GATEWAY_SIM_STORE_MS * 1000); /* not a moment later */
    assert_int_equal(sim.network.takens, 0);
    gateway_sim_run(&sim, 5 * SECOND_US);
    assert_string_equal(writes, "CU");
    assert_int_equal(sim.network.takens, 0);
    assert_int_equal(reversals("armed") + reversals("queued"), 0);
    assert_int_equal(gateway_busy(sim.gateway), 0);
    assert_int_equal(pay("one", AMOUNT), 200); /* the same request runs */
}

static void nothing_is_told_before_its_record(void **state)
{
    (void)state;
    befall(GATEWAY_ROW(RECORD_INSERT), GATEWAY_SIM_LEARNS_LATE, 1);
    struct gateway_sim_request *r = gateway_sim_pay(&sim, "one", VISA, AMOUNT);
    gateway_sim_run(&sim, GATEWAY_SIM_STORE_MS * 1000 - 1000);
    assert_int_equal(sim.network.takens, 1);
    assert_false(r->replied);
    gateway_sim_run(&sim, 2000);
    assert_true(r->replied);
    assert_int_equal(r->status, 503);
    gateway_sim_forget(r);
    /* What was stored stands, and is what a repeat is told. */
    gateway_sim_run(&sim, 5 * SECOND_US);
    assert_int_equal(pay("one", AMOUNT), 200);
    assert_int_equal(sim.network.takens, 1);
    assert_int_equal(network_standing(&sim.network, AMOUNT, NULL), 1);
}

/* It cannot be stored: it is taken back, and the same request runs again. */
static void what_cannot_be_recorded_is_reversed(void **state)
{
    (void)state;
    befall(GATEWAY_ROW(RECORD_INSERT), GATEWAY_SIM_UNAVAILABLE, 100);
    assert_int_equal(pay("one", AMOUNT), 503);
    gateway_sim_run(&sim, 5 * SECOND_US);
    assert_int_equal(network_standing(&sim.network, AMOUNT, NULL), 0);
    assert_int_equal(reversals("accepted"), 1);
    assert_int_equal(records("captured"), 0);
    troubles = 0;
    assert_int_equal(pay("one", AMOUNT), 200);
    assert_int_equal(network_standing(&sim.network, AMOUNT, NULL), 1);
}

/* A commit of unknown outcome is looked into by trying again; it was stored the first time. */
static void a_record_is_tried_again(void **state)
{
    (void)state;
    befall(GATEWAY_ROW(RECORD_INSERT), GATEWAY_SIM_DONE, 1);
    assert_int_equal(pay("one", AMOUNT), 200);
    assert_int_equal(records("captured"), 1);
    befall(GATEWAY_ROW(RECORD_INSERT), GATEWAY_SIM_LOST, 3);
    assert_int_equal(pay("two", AMOUNT), 200);
    assert_int_equal(records("captured"), 2);
    gateway_sim_run(&sim, 5 * SECOND_US);
    assert_int_equal(reversals("accepted"), 0);
    assert_string_equal(writes, "CRRCRRRR");
}

static void the_issuer_has_its_time_and_no_more(void **state)
{
    (void)state;
    authorisation_fate = NETWORK_IS_LATE;
    sim.network.late_us = GATEWAY_SIM_TIMEOUT_MS * 1000 - 1;
    assert_int_equal(pay("one", AMOUNT), 200);
    sim.network.late_us = GATEWAY_SIM_TIMEOUT_MS * 1000 + 1;
    int64_t began_us = sim.world.monotonic_us;
    assert_int_equal(pay("two", AMOUNT + 1), 422);
    assert_int_equal(fault_of(), GATEWAY_FAULT_ISSUER_TIMEOUT);
    assert_int_equal(sim.world.monotonic_us - began_us, GATEWAY_SIM_TIMEOUT_MS * 1000);
    assert_int_equal(records("failed"), 1);
    gateway_sim_run(&sim, 5 * SECOND_US);
    assert_int_equal(network_standing(&sim.network, AMOUNT + 1, NULL), 0);
}

/* Steps 1 to 4: nothing is recorded, and the id stays free. */
static void what_is_refused_before_its_claim_leaves_nothing(void **state)
{
    (void)state;
    struct gateway_sim_request *r = gateway_sim_pay(&sim, "one", VISA, AMOUNT);
    (void)snprintf(r->user, sizeof r->user, "stranger");
    gateway_sim_run(&sim, SECOND_US);
    assert_int_equal(r->status, 401);
    gateway_sim_forget(r);
    r = gateway_sim_pay(&sim, "one", "4111111111111112", AMOUNT);
    gateway_sim_run(&sim, SECOND_US);
    assert_int_equal(r->status, 422);
    gateway_sim_forget(r);
    assert_string_equal(writes, "");
    assert_int_equal(sim.network.takens, 0);
    assert_int_equal(pay("one", AMOUNT), 200);
}

/* gateway.md 8: running, another request, the same again. */
static void an_id_is_good_for_one_request(void **state)
{
    (void)state;
    authorisation_fate = NETWORK_DELAYS;
    struct gateway_sim_request *r = gateway_sim_pay(&sim, "one", VISA, AMOUNT);
    gateway_sim_run(&sim, 1000);
    assert_int_equal(pay("one", AMOUNT), 422);
    assert_int_equal(fault_of(), GATEWAY_FAULT_IN_PROGRESS);
    gateway_sim_run(&sim, SECOND_US);
    assert_int_equal(r->status, 200);
    char first[64];
    (void)snprintf(first, sizeof first, "%s", buf_text(&r->answer));
    gateway_sim_forget(r);
    assert_int_equal(pay("one", AMOUNT + 1), 422);
    assert_int_equal(fault_of(), GATEWAY_FAULT_REUSED);
    assert_int_equal(pay("one", AMOUNT), 200);
    assert_string_equal(answer, first);
    assert_int_equal(sim.network.takens, 1);
}

/* Of another process the same: what is compared is in the store. */
static void so_it_is_after_a_restart(void **state)
{
    (void)state;
    assert_int_equal(pay("one", AMOUNT), 200);
    char first[64];
    memcpy(first, answer, sizeof first);
    gateway_sim_kill(&sim);
    gateway_sim_run(&sim, SECOND_US);
    assert_int_equal(pay("one", AMOUNT + 1), 422);
    assert_int_equal(fault_of(), GATEWAY_FAULT_REUSED);
    assert_int_equal(pay("one", AMOUNT), 200);
    assert_string_equal(answer, first);
    assert_int_equal(sim.network.takens, 1);
}

/* More than there are places: the rest is told so at once, and nothing of it is kept. */
static void what_has_no_place_is_told_so(void **state)
{
    (void)state;
    char id[16];
    unsigned busy = 0;
    befall(GATEWAY_ROW(CLAIM_INSERT), GATEWAY_SIM_STANDS_STILL, 100);
    for (unsigned i = 0; i < 3 * GATEWAY_SIM_SLOTS; i++) {
        (void)snprintf(id, sizeof id, "p%u", i);
        struct gateway_sim_request *r = gateway_sim_pay(&sim, id, VISA, AMOUNT);
        assert_non_null(r);
        while (i % GATEWAY_SIM_SLOTS == GATEWAY_SIM_SLOTS - 1 && !r->replied)
            gateway_sim_run(&sim, 10000);
        for (size_t k = 0; k < GATEWAY_SIM_SLOTS; k++)
            if (sim.request[k].used && sim.request[k].replied) {
                assert_int_equal(sim.request[k].status, 503);
                busy += strcmp(buf_text(&sim.request[k].answer), "busy") == 0;
                gateway_sim_forget(&sim.request[k]);
            }
    }
    assert_int_equal(busy, GATEWAY_SIM_SLOTS); /* two requests a place of HTTP */
    troubles = 0;
    gateway_sim_run(&sim, 20 * SECOND_US);
    assert_int_equal(gateway_busy(sim.gateway), 0);
    assert_int_equal(sim.network.takens, 0);
    assert_int_equal(pay("p0", AMOUNT), 200);
}

#define CASE(test_) cmocka_unit_test_setup_teardown(test_, open_sim, close_sim)
int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_stages_stand_in_their_order),
        CASE(a_payment_is_claimed_sent_recorded_and_told),
        CASE(nothing_leaves_before_its_claim),
        CASE(nothing_is_told_before_its_record),
        CASE(what_cannot_be_recorded_is_reversed),
        CASE(a_record_is_tried_again),
        CASE(the_issuer_has_its_time_and_no_more),
        CASE(what_is_refused_before_its_claim_leaves_nothing),
        CASE(an_id_is_good_for_one_request),
        CASE(so_it_is_after_a_restart),
        CASE(what_has_no_place_is_told_so),
    };
    return cmocka_run_group_tests_name("gateway, pipeline", tests, NULL, NULL);
}
