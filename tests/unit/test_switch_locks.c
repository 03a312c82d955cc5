/* SPDX-License-Identifier: Apache-2.0 */
/* A lock never turns into an approval, and spares what switch.md 12 names. Frames against the switch; its HSM is a function that
 * may be silent, or answer 39. */
#include "support/sim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { CARD = 3 }; /* static: one accepted value, ten failures in 24 hours */
#define DAY_MS INT64_C(86400000)

static struct sim sim;
static uint64_t serial;

static void open(bool standin)
{
    sim_open(&sim, 7);
    serial = 1;
    struct ledger_unit unit;
    struct ledger_product product;
    ledger_unit_begin(&unit, 1, &sim.f.arena);
    size_t at = ledger_get_product(&unit, "SIM0000001", "static");
    assert_int_equal(ledger_unit_run(&unit, sim.f.store), ERR_OK);
    assert_true(ledger_take_product(&unit, at, &product));
    product.standin = standin ? LEDGER_STANDIN_APPROVE : LEDGER_STANDIN_DECLINE;
    product.standin_limit = 1000000;
    ledger_unit_begin(&unit, 1, &sim.f.arena);
    ledger_put_product_change(&unit, &product);
    assert_int_equal(ledger_unit_run(&unit, sim.f.store), ERR_OK);
    arena_reset(&sim.f.arena);
}

static void code_change(void (*change)(struct ledger_code *code))
{
    struct ledger_full_card card;
    sim_read(&sim, CARD, &card);
    struct ledger_code after = card.code;
    change(&after);
    struct ledger_unit unit;
    ledger_unit_begin(&unit, 1, &sim.f.arena);
    ledger_put_code(&unit, &card.code, &after, LEDGER_UPDATE);
    assert_int_equal(ledger_unit_run(&unit, sim.f.store), ERR_OK);
    arena_reset(&sim.f.arena);
}

static void hard(struct ledger_code *code)
{
    code->g_lock = LEDGER_LOCK_HARD;
}

/* Ten failures of this day. */
static void soft(struct ledger_code *code)
{
    code->g_lock = LEDGER_LOCK_SOFT;
    code->g_fail_ts.len = sizeof code->g_fail_ts.at;
    for (size_t i = 0; i < sizeof code->g_fail_ts.at; i++)
        code->g_fail_ts.at[i] = (uint8_t)((uint64_t)sim.world.wall_ms >> (8 * (7 - i % 8)));
}

static void message(struct iso8583_message *m, const char *code)
{
    sim_authorise(m, CARD, serial++, 100, code ? code : "000");
    iso8583_set_text(m, ISO8583_MERCHANT, "MERCHANT0000001");
    if (!code)
        iso8583_code_erase(ISO8583_EXTRACT_VISA_126_10, m);
}

static void expect(const struct iso8583_message *m, const char *de39, char letter)
{
    struct iso8583_message answer;
    size_t at = sim_send(&sim, m);
    sim_settle(&sim);
    sim_answer(&sim, at, &answer);
    char told[3] = {0};
    memcpy(told, iso8583_get(&answer, ISO8583_RESPONSE).at, 2);
    assert_string_equal(told, de39);
    assert_int_equal(iso8583_result_read(ISO8583_RESULT_44_10, &answer), letter);
}

static void pay(const char *code, const char *de39, char letter)
{
    struct iso8583_message m;
    message(&m, code);
    expect(&m, de39, letter);
}

static void right(char out[static 4])
{
    sim_code(SWITCH_CY, CARD, 0, out);
}

static void held(int64_t amount)
{
    struct ledger_full_card card;
    sim_read(&sim, CARD, &card);
    assert_int_equal(card.account.held, amount);
}

/* ---- the HSM is silent, or at its own limit ---- */

static void a_silent_hsm_opens_no_lock(void **state)
{
    (void)state;
    char code[4];
    right(code);
    for (int kind = 0; kind < 2; kind++) {
        open(true);
        code_change(kind == 0 ? hard : soft);
        sim.deaf[0] = sim.deaf[1] = true;
        pay("999", "N7", 'N');
        pay(code, "N7", 'N');
        held(0);
        sim_close(&sim);
    }
}

static void the_limit_of_the_hsm_is_no_outage(void **state)
{
    (void)state;
    open(true);
    sim.limited = true;
    char code[4];
    right(code);
    struct ledger_full_card before, after;
    sim_read(&sim, CARD, &before);
    pay("999", "N7", 'N');
    pay(code, "N7", 'N');
    assert_int_equal(sim.asked[0] + sim.asked[1], 2); /* nor is it asked of the other HSM */
    sim_read(&sim, CARD, &after);
    assert_memory_equal(&after.code, &before.code, sizeof after.code);
    sim.limited = false;
    sim.deaf[0] = sim.deaf[1] = true;
    pay(code, "00", 'P'); /* an outage of a card that nobody locked */
    sim_close(&sim);
}

/* ---- what a lock refuses without a code ---- */

static void a_hard_block_refuses_everything_else(void **state)
{
    (void)state;
    open(false);
    char code[4];
    right(code);
    pay(code, "00", 'M'); /* the merchant is known: no help against a hard block */
    code_change(hard);
    pay(NULL, "05", 0);
    pay(code, "N7", 'N');
    struct iso8583_message m;
    message(&m, code);
    iso8583_set(&m, ISO8583_CODE, span_of("\x00\x40\0\0\0\0\0\0\xF2\xF1\x40\x40\x40\x40", 14)); /* illegible */
    expect(&m, "05", 0);
    held(100);
    sim_close(&sim);
}

static void a_soft_lock_lets_known_merchants_through_without_a_code(void **state)
{
    (void)state;
    open(false);
    char code[4];
    right(code);
    code_change(soft);
    pay(NULL, "05", 0);
    sim_close(&sim);
    open(false);
    pay(code, "00", 'M');
    code_change(soft);
    pay(NULL, "00", 0);
    pay(code, "N7", 'N');
    struct iso8583_message m;
    message(&m, NULL);
    iso8583_set_text(&m, ISO8583_MERCHANT, "ANOTHER MERCHAN");
    expect(&m, "05", 0);
    message(&m, NULL);
    iso8583_set_text(&m, ISO8583_ACQUIRER, "400002");
    expect(&m, "05", 0);
    message(&m, NULL);
    iso8583_unset(&m, ISO8583_MERCHANT);
    expect(&m, "05", 0);
    sim.world.wall_ms += 181 * DAY_MS;
    code_change(soft);
    pay(NULL, "05", 0);
    held(200);
    sim_close(&sim);
}

/* A payment without a code under a soft lock makes its merchant known, but one that was given back does not. */
static void a_reversed_payment_makes_no_known_merchant(void **state)
{
    (void)state;
    open(false);
    char code[4];
    right(code);
    struct iso8583_message m, back;
    message(&m, code);
    expect(&m, "00", 'M');
    iso8583_message_init(&back, ISO8583_REVERSAL);
    for (unsigned f = 2; f < ISO8583_FIELDS; f++)
        if (iso8583_need(&iso8583_profile_visa_base1, ISO8583_REVERSAL, f) != '-')
            iso8583_copy(&back, &m, f);
    iso8583_set_decimal(&back, ISO8583_STAN, 777777, 6);
    assert_int_equal(iso8583_original_write(&m, &back), ERR_OK);
    expect(&back, "00", 0);
    code_change(soft);
    pay(NULL, "05", 0);
    sim_close(&sim);
}

/* Credits pass every lock: they must not open it for what follows. */
static void credits_and_inquiries_make_no_known_merchant(void **state)
{
    (void)state;
    static const char *const de3[] = {"200000", "300000", "310000"};
    open(false);
    char code[4];
    right(code);
    struct iso8583_message m;
    for (size_t i = 0; i < 3; i++) {
        message(&m, code);
        iso8583_set_text(&m, ISO8583_PROCESSING_CODE, de3[i]);
        expect(&m, "00", i == 0 ? 0 : 'M');
    }
    message(&m, code);
    iso8583_set_decimal(&m, ISO8583_AMOUNT, 0, 12);
    expect(&m, "85", 'M');
    code_change(soft);
    pay(NULL, "05", 0);
    sim_close(&sim);
}

/* ---- what every lock spares ---- */

static void mark(struct iso8583_message *m, const char *bytes, size_t len)
{
    iso8583_set(m, ISO8583_CODE, span_of(bytes, len));
}

static void subscriptions_go_on(void **state)
{
    (void)state;
    static const struct {
        const char *at;
        size_t len;
        const char *de39;
    } fields[] = {
        {"\x00\x08\0\0\0\0\0\0\xD9", 9, "00"},                          /* R */
        {"\x00\x08\0\0\0\0\0\0\xC9", 9, "00"},                          /* I */
        {"\x00\x08\0\0\0\0\0\0\xC3", 9, "00"},                          /* C */
        {"\x00\x48\0\0\0\0\0\0\xF0\xF1\x40\x40\x40\x40\xD9", 15, "00"}, /* 126.10 says that there is no code */
        {"\x00\x78\0\0\0\0\0\0\xF0\xF1\x40\x40\x40\x40\xF0\xF0\0\0\0\xD9", 20, "00"},
        {"\x00\x08\0\0\0\0\0\0\xD4", 9, "05"},          /* M is no mark */
        {"\x00\x08\0\0\0\0\0\0", 8, "05"},              /* cut off */
        {"\x40\x08\0\0\0\0\0\0\xD9\xD9\xD9", 11, "05"}, /* behind a subfield of unknown length */
    };
    for (int kind = 0; kind < 2; kind++) {
        open(false);
        code_change(kind == 0 ? hard : soft);
        for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
            struct iso8583_message m;
            message(&m, NULL);
            iso8583_unset(&m, ISO8583_MERCHANT); /* a merchant that is known would do as well */
            mark(&m, fields[i].at, fields[i].len);
            expect(&m, fields[i].de39, 0);
        }
        sim_close(&sim);
    }
}

/* A mark must not become a way to try codes on a locked card. */
static void a_mark_with_a_code_is_refused(void **state)
{
    (void)state;
    open(false);
    char code[4];
    right(code);
    uint8_t field[15] = {0x00, 0x48, 0, 0, 0, 0, 0, 0, 0xF1, 0xF1, 0x40, 0xF0, 0xF0, 0xF0, 0xD9};
    for (int i = 0; i < 3; i++)
        field[11 + i] = (uint8_t)(0xF0 + code[i] - '0');
    struct iso8583_message m;
    message(&m, NULL);
    iso8583_set(&m, ISO8583_CODE, span_of(field, sizeof field));
    expect(&m, "00", 'M');
    code_change(soft);
    message(&m, NULL);
    iso8583_set(&m, ISO8583_CODE, span_of(field, sizeof field));
    expect(&m, "N7", 'N');
    held(100);
    sim_close(&sim);
}

static void credits_go_on(void **state)
{
    (void)state;
    open(false);
    code_change(hard);
    struct iso8583_message m;
    message(&m, "999");
    iso8583_set_text(&m, ISO8583_PROCESSING_CODE, "200000");
    expect(&m, "00", 0);
    message(&m, NULL);
    iso8583_set_text(&m, ISO8583_PROCESSING_CODE, "200030");
    expect(&m, "00", 0);
    sim_close(&sim);
}

/* ---- the long cap ---- */

/* A guesser who stays below ten in a row, since the holder pays in between. */
static void twenty_failures_in_thirty_days_block(void **state)
{
    (void)state;
    open(false);
    char code[4];
    right(code);
    for (int i = 0; i < 20; i++) {
        pay("999", "N7", 'N');
        if (i % 4 == 3 && i < 19) {
            pay(code, "00", 'M');
            sim.world.wall_ms += 2 * DAY_MS;
        }
    }
    struct ledger_full_card card;
    sim_read(&sim, CARD, &card);
    assert_int_equal(card.code.g_lock, LEDGER_LOCK_HARD);
    sim.world.wall_ms += 60 * DAY_MS;
    pay(code, "N7", 'N');
    sim_close(&sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_silent_hsm_opens_no_lock),
        cmocka_unit_test(the_limit_of_the_hsm_is_no_outage),
        cmocka_unit_test(a_hard_block_refuses_everything_else),
        cmocka_unit_test(a_soft_lock_lets_known_merchants_through_without_a_code),
        cmocka_unit_test(a_reversed_payment_makes_no_known_merchant),
        cmocka_unit_test(credits_and_inquiries_make_no_known_merchant),
        cmocka_unit_test(subscriptions_go_on),
        cmocka_unit_test(a_mark_with_a_code_is_refused),
        cmocka_unit_test(credits_go_on),
        cmocka_unit_test(twenty_failures_in_thirty_days_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
