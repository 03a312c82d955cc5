/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The issuer in this process, its HSM and its writer thread replaced by scripts: every outcome they can have, and what the holder,
 * the ledger and the memory see of it. The code of counter n is n modulo 1,000; the printed code is 999.
 */
#include "hostcmd/error.h"
#include "support/issuer_script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void expect(struct bench *b, int status, const char *code, const char *cvv)
{
    struct world_reply *r = bench_ask(b, "GET", "/cards/v/credentials", NULL);
    if (r->status != status || strcmp(world_text(r, "code"), code) != 0 || strcmp(world_text(r, "cvv"), cvv) != 0)
        fail_msg("%d %s", r->status, r->body);
    world_reply_free(r);
}

static int64_t counter(struct bench *b)
{
    return world_card(&b->world, "v").code.issue_n;
}

/* ---- commits ---- */

static void test_code_only_after_the_commit(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b);
    expect(&b, 200, "", "001");
    assert_int_equal(counter(&b), 1);
    script.writer[1] = DOWN;
    expect(&b, 503, "ledger_unavailable", "");
    assert_int_equal(counter(&b), 1);
    expect(&b, 200, "", "002");
    bench_close(&b);
}

static void test_lost_races_are_run_again(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b);
    for (size_t i = 0; i < 4; i++)
        script.writer[i] = LOST_RACE;
    expect(&b, 200, "", "001");
    assert_int_equal(script.submitted, 5);
    for (size_t i = 5; i < 10; i++)
        script.writer[i] = LOST_RACE;
    expect(&b, 503, "ledger_unavailable", "");
    assert_int_equal(script.submitted, 10);
    assert_int_equal(counter(&b), 1);
    assert_int_equal(issuer_counters(b.issuer).conflicts, 9);
    bench_close(&b);
}

/* issuer.md 4.1: the row of this very request decides. */
static void test_unknown_commits_are_settled(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b);
    script.writer[0] = UNKNOWN_DONE;
    expect(&b, 200, "", "001");
    assert_int_equal(script.submitted, 1);
    assert_int_equal(counter(&b), 1);
    script.writer[1] = UNKNOWN_LOST;
    expect(&b, 200, "", "002");
    assert_int_equal(script.submitted, 3);
    assert_int_equal(counter(&b), 2);
    /* a registration is looked at again: once it is there, it is the same card */
    script.writer[3] = UNKNOWN_DONE;
    struct world_reply *r = bench_ask(&b, "POST", "/cards",
                                      "{\"cardId\":\"n\",\"productId\":\"static\",\"pan\":\"4111111111111111\","
                                      "\"exp\":\"1230\"}");
    assert_int_equal(r->status, 200);
    world_reply_free(r);
    bench_close(&b);
}

static void test_writer_refuses(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b);
    script.writer[0] = FULL;
    expect(&b, 503, "busy", "");
    script.writer[1] = GONE;
    expect(&b, 503, "ledger_unavailable", "");
    assert_int_equal(counter(&b), 0);
    bench_close(&b);
}

/* ---- HSM ---- */

static void test_second_hsm_is_asked_once(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b);
    script.hsm[0] = ERR_TIMEOUT; /* QY; then CW answers, then QY again */
    expect(&b, 200, "", "001");
    assert_int_equal(script.hsm_at, 3);
    assert_int_equal(script.avoided, HOSTCMD_AVOID(3));
    script.hsm[3] = ERR_FRAME; /* QY, CW, QY of the last; QY again fails as well */
    script.hsm[6] = HOSTCMD_ERR_UNAVAILABLE;
    expect(&b, 503, "hsm_unavailable", "");
    assert_int_equal(script.hsm_at, 7);
    assert_int_equal(counter(&b), 1);
    assert_int_equal(issuer_counters(b.issuer).hsm_failures, 1);
    bench_close(&b);
}

static void test_hsm_errors_change_nothing(void **state)
{
    (void)state;
    static const char *const code[] = {"10", "15", "27", "41", "68", "A6"};
    struct bench b;
    bench_open(&b);
    for (size_t i = 0; i < sizeof code / sizeof code[0]; i++) {
        script.hsm_at = 0;
        script.hsm_code[i % 2] = code[i]; /* of QY, of CW */
        expect(&b, 503, "hsm_unavailable", "");
        script.hsm_code[i % 2] = NULL;
    }
    script.hsm_at = 0;
    script.hsm[0] = ERR_BUSY;
    expect(&b, 503, "hsm_unavailable", "");
    assert_int_equal(counter(&b), 0);
    assert_int_equal(script.submitted, 0);
    bench_close(&b);
}

/* ---- skip rule ---- */

static void test_skips_what_equals_the_printed_code(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b);
    world_issue(&b.world, "v", 998);
    expect(&b, 200, "", "000"); /* 999 is the printed code */
    assert_int_equal(counter(&b), 1000);
    assert_int_equal(issuer_counters(b.issuer).skips, 1);
    world_issue(&b.world, "v", 999998);
    expect(&b, 409, "counter_exhausted", ""); /* the last counter gives the printed code */
    assert_int_equal(counter(&b), 999998);
    bench_close(&b);
}

/* ---- a store that does not answer ---- */

/* The holder is told in time, and nothing that is not known is shown; the job stays until its batch is back. */
static void test_a_stuck_commit_costs_its_request_alone(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b);
    world_put_card(&b.world, "w", "one-time", "4111111111111111");
    script.writer[0] = STUCK;
    struct world_reply *r = bench_ask_only(&b, "GET", "/cards/v/credentials", NULL);
    assert_int_equal(r->status, 503);
    assert_string_equal(world_text(r, "code"), "ledger_unavailable");
    world_reply_free(r);
    assert_int_equal(flow_busy(b.issuer->flow), 1);
    assert_int_equal(issuer_pending(b.issuer), 0);
    r = bench_ask_only(&b, "GET", "/cards/w/credentials", NULL);
    assert_int_equal(r->status, 200);
    world_reply_free(r);
    script_unstick();
    issuer_turn(b.issuer);
    assert_int_equal(flow_busy(b.issuer->flow), 0);
    assert_int_equal(counter(&b), 1); /* committed and never shown */
    expect(&b, 200, "", "002");
    bench_close(&b);
}

/* Who waits for the card behind it is told as well, and nobody is left behind. */
static void test_a_stuck_commit_holds_nobody_for_ever(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b);
    script.writer[0] = STUCK;
    struct world_reply *r = bench_ask_only(&b, "GET", "/cards/v/credentials", NULL);
    assert_int_equal(r->status, 503);
    world_reply_free(r);
    for (int i = 0; i < 2; i++) {
        r = bench_ask_only(&b, "GET", "/cards/v/credentials", NULL);
        assert_int_equal(r->status, 503);
        assert_string_equal(world_text(r, "code"), "busy");
        world_reply_free(r);
    }
    script_unstick();
    issuer_turn(b.issuer);
    assert_int_equal(flow_busy(b.issuer->flow), 0);
    expect(&b, 200, "", "002");
    bench_close(&b);
}

/* ---- end ---- */

static size_t parked(const struct issuer *issuer)
{
    size_t count = 0;
    for (size_t i = 0; i < issuer->jobs; i++)
        for (const struct issuer_job *job = issuer->job[i].holds ? issuer->job[i].parked : NULL; job; job = job->parked_next)
            count++;
    return count;
}

static void test_destroyed_with_requests_inside(void **state)
{
    (void)state;
    struct bench b;
    struct world_call call[SLOTS];
    bench_open(&b);
    script.silent = true;
    for (size_t i = 0; i < SLOTS; i++) /* all for one card: one asks the HSM, the others are parked */
        world_call_begin(&call[i], &b.world, "GET", "/cards/v/credentials", NULL, NULL);
    for (int i = 0; i < 5000 && issuer_pending(b.issuer) < SLOTS; i++) {
        issuer_turn(b.issuer);
        usleep(500);
    }
    assert_int_equal(issuer_pending(b.issuer), SLOTS);
    assert_int_equal(parked(b.issuer), SLOTS - 1);
    store_reader_close(b.reader);
    issuer_destroy(b.issuer);
    http_destroy(b.http);
    for (size_t i = 0; i < SLOTS; i++) {
        struct world_reply *r = world_call_end(&call[i]);
        assert_int_equal(r->status, 503);
        world_reply_free(r);
    }
    store_close(script_store);
    arena_destroy(&b.world.arena);
    crypto_vault_close(b.world.vault);
    stores_teardown(&b.stores);
}

/* The writer finished it while it was stopped, with an outcome that only the reader could settle. */
static void test_destroyed_with_an_unknown_commit(void **state)
{
    (void)state;
    struct bench b;
    struct world_call call;
    bench_open(&b);
    script.writer[0] = STUCK;
    world_call_begin(&call, &b.world, "GET", "/cards/v/credentials", NULL, NULL);
    for (int i = 0; i < 5000 && !script.stuck; i++) {
        issuer_turn(b.issuer);
        usleep(500);
    }
    assert_non_null(script.stuck);
    script.stuck->err = STORE_ERR_UNKNOWN;
    assert_int_equal(queue_put(script.stuck->done, script.stuck), ERR_OK);
    store_reader_close(b.reader);
    issuer_destroy(b.issuer);
    http_destroy(b.http);
    struct world_reply *r = world_call_end(&call);
    assert_int_equal(r->status, 503);
    assert_string_equal(world_text(r, "code"), "ledger_unavailable");
    world_reply_free(r);
    store_close(script_store);
    arena_destroy(&b.world.arena);
    crypto_vault_close(b.world.vault);
    stores_teardown(&b.stores);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_code_only_after_the_commit),
        cmocka_unit_test(test_lost_races_are_run_again),
        cmocka_unit_test(test_unknown_commits_are_settled),
        cmocka_unit_test(test_writer_refuses),
        cmocka_unit_test(test_second_hsm_is_asked_once),
        cmocka_unit_test(test_hsm_errors_change_nothing),
        cmocka_unit_test(test_skips_what_equals_the_printed_code),
        cmocka_unit_test(test_a_stuck_commit_costs_its_request_alone),
        cmocka_unit_test(test_a_stuck_commit_holds_nobody_for_ever),
        cmocka_unit_test(test_destroyed_with_requests_inside),
        cmocka_unit_test(test_destroyed_with_an_unknown_commit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
