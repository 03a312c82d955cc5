/* SPDX-License-Identifier: Apache-2.0 */
/* Holds end by time (switch.md 10): with a clock that is a number, and by two real nodes over one store. */
#include "support/postgres.h"
#include "support/sim.h"
#include "support/till.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define DAY_MS INT64_C(86400000)

/* ---- days ---- */

static struct sim sim;

static int64_t held(void)
{
    struct ledger_full_card card;
    sim_read(&sim, 3, &card);
    return card.account.held;
}

static void purchase(const char *mcc, int64_t amount)
{
    struct iso8583_message m, answer;
    char code[4];
    sim_code(SWITCH_CY, 3, 0, code);
    sim_authorise(&m, 3, (uint64_t)amount, amount, code);
    if (mcc)
        iso8583_set_text(&m, ISO8583_MCC, mcc);
    size_t at = sim_send(&sim, &m);
    sim_settle(&sim);
    sim_answer(&sim, at, &answer);
    assert_true(span_is(iso8583_get(&answer, ISO8583_RESPONSE), "00"));
}

/* A sweep and its end. */
static void sweep(int64_t held_then)
{
    sim.world.monotonic_us += INT64_C(61000000);
    for (int i = 0; i < 2000 && held() != held_then; i++) {
        sim_turn(&sim);
        (void)usleep(500);
    }
    for (int i = 0; i < 20; i++) {
        sim_turn(&sim);
        (void)usleep(500);
    }
    assert_int_equal(held(), held_then);
}

static void seven_days_or_thirty(void **state)
{
    (void)state;
    sim_open(&sim, 21);
    purchase("5999", 1);
    purchase(NULL, 2);
    purchase("7011", 10);
    purchase("3501", 20);
    purchase("3999", 40);
    purchase("3351", 80);
    purchase("7512", 160);
    purchase("7519", 320);
    purchase("4000", 4); /* neither lodging nor a vehicle */
    sim.world.wall_ms += 7 * DAY_MS - 60000;
    sweep(637);
    sim.world.wall_ms += 120000;
    sweep(630);
    assert_int_equal(switch_counters(sim.core).lapses, 3);
    sim.world.wall_ms += 23 * DAY_MS - 240000;
    sweep(630);
    purchase("5999", 3);
    sim.world.wall_ms += 300000;
    sweep(3);
    assert_int_equal(switch_counters(sim.core).lapses, 9);
    sim_close(&sim);
}

/* ---- two nodes ---- */

enum { HOLDS = 300, CARDS = 10, AMOUNT = 7 };

static char auth_id[HOLDS][LEDGER_UUID];

static void hold_put(size_t n, int64_t until)
{
    struct ledger_unit unit;
    struct ledger_auth auth = {.mti_class = "0100", .de39 = "00", .de38 = "ABCDEF", .amount = AMOUNT, .currency = "036"};
    struct ledger_hold hold = {.amount = AMOUNT, .state = LEDGER_HOLD_OPEN, .until = until};
    struct ledger_full_card card;
    lab_read(&till_lab, TILL_STATIC + n % CARDS, &card);
    env_uuid(&till_lab.env, auth.auth_id);
    memcpy(auth_id[n], auth.auth_id, sizeof auth_id[n]);
    memcpy(auth.card_id, card.card.card_id, sizeof auth.card_id);
    memcpy(hold.auth_id, auth.auth_id, sizeof hold.auth_id);
    memcpy(hold.account_id, card.account.account_id, sizeof hold.account_id);
    card.account.held += AMOUNT;
    ledger_unit_begin(&unit, 3, &till_lab.arena);
    ledger_put_auth(&unit, &auth);
    ledger_put_hold(&unit, &hold);
    ledger_put_account(&unit, &card.account);
    assert_int_equal(ledger_unit_run(&unit, till_lab.store), ERR_OK);
    arena_reset(&till_lab.arena);
}

static int64_t held_by_all(void)
{
    int64_t sum = 0;
    for (size_t n = 0; n < CARDS; n++) {
        struct ledger_full_card card;
        lab_read(&till_lab, TILL_STATIC + n, &card);
        assert_true(card.account.held >= 0);
        sum += card.account.held;
    }
    return sum;
}

static bool told_as_lapsed(size_t n)
{
    struct ledger_unit unit;
    struct ledger_auth auth;
    ledger_unit_begin(&unit, 1, &till_lab.arena);
    size_t at = ledger_get_auth(&unit, auth_id[n]);
    assert_int_equal(ledger_unit_run(&unit, till_lab.store), ERR_OK);
    assert_true(ledger_take_auth(&unit, at, &auth));
    arena_reset(&till_lab.arena);
    return auth.lapsed_at > 0;
}

/* Every third hold is not due. Payments go on meanwhile, on the same accounts. */
static void released_once(const char *url)
{
    lab_open(&till_lab, NULL, url);
    till_lab.nodes = 2;
    struct ledger_product p = lab_product("static", LEDGER_STATIC);
    lab_put_product(&till_lab, &p);
    lab_put_cards(&till_lab, "static", TILL_STATIC, CARDS, 1000000);
    int64_t now = env_wall_ms(&till_lab.env);
    for (size_t n = 0; n < HOLDS; n++)
        hold_put(n, n % 3 == 0 ? now + DAY_MS : now - 1);
    lab_hsm_start(&till_lab);
    lab_switch_start(&till_lab);
    char code[4];
    int64_t paid = 0;
    for (int i = 0; i < 200; i++) {
        size_t n = TILL_STATIC + (size_t)i % CARDS;
        lab_code_static(&till_lab, n, code);
        till_pay(LAB_VISA, n, 11, code, "00", 'M');
        paid += 11;
    }
    for (int i = 0; i < 200 && held_by_all() != HOLDS / 3 * AMOUNT + paid; i++)
        (void)usleep(50000);
    (void)usleep(1500000); /* and not once more */
    assert_int_equal(held_by_all(), HOLDS / 3 * AMOUNT + paid);
    for (size_t n = 0; n < HOLDS; n++)
        assert_int_equal(told_as_lapsed(n), n % 3 != 0);
    assert_true(lab_switch_stop(&till_lab));
    lab_close(&till_lab);
}

static void two_nodes_on_sqlite(void **state)
{
    (void)state;
    released_once(NULL);
}

static void two_nodes_on_postgres(void **state)
{
    (void)state;
    char url[256];
    struct buf text = buf_over(url, sizeof url);
    postgres_fresh(&text);
    released_once(url);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(seven_days_or_thirty),
        cmocka_unit_test(two_nodes_on_sqlite),
        cmocka_unit_test(two_nodes_on_postgres),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
