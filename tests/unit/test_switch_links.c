/* SPDX-License-Identifier: Apache-2.0 */
/* Settings of a link that decide about frames and messages (switch.md 3), with frames against the switch. */
#include "support/sim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct sim sim;
static uint64_t serial = 1;

static void expect(const struct iso8583_message *m, const char *de39)
{
    struct iso8583_message answer;
    size_t at = sim_send(&sim, m);
    sim_settle(&sim);
    sim_answer(&sim, at, &answer);
    char told[3] = {0};
    memcpy(told, iso8583_get(&answer, ISO8583_RESPONSE).at, 2);
    assert_string_equal(told, de39);
}

static void purchase(struct iso8583_message *m)
{
    char code[4];
    sim_code(SWITCH_CY, 3, 0, code);
    sim_authorise(m, 3, serial++, 100, code);
}

/* ---- keepalives ---- */

static void echo(struct switch_link_config *link)
{
    memcpy(link->zero_length, "echo", 5);
}

static void a_frame_of_length_zero(void **state)
{
    (void)state;
    sim_open(&sim, 3);
    switch_receive(sim.core, 0, (struct net_peer){.slot = 0}, span_of("", 0));
    assert_int_equal(sim.request[0].answers, 0);
    assert_int_equal(sim.silent, 1);
    sim_relink(&sim, echo);
    switch_receive(sim.core, 0, (struct net_peer){.slot = 0}, span_of("", 0));
    assert_int_equal(sim.request[0].answers, 1);
    assert_int_equal(sim.request[0].answer_len, 0);
    assert_int_equal(sim.silent, 1);
    sim_close(&sim);
}

/* ---- fields that the class does not use ---- */

static void reject(struct switch_link_config *link)
{
    memcpy(link->unknown_field, "reject", 7);
}

/* DE19 behind DE14: three digits in two bytes. */
static size_t with_country(const struct iso8583_message *m)
{
    struct sim_request *r = &sim.request[sim.count];
    struct iso8583_message head = *m;
    uint8_t room[SIM_FRAME];
    struct buf whole = buf_over(room, sizeof room);
    assert_int_equal(iso8583_build(&iso8583_profile_visa_base1, &head, &whole), ERR_OK);
    size_t at = 2 + 16 + 9 + 3 + 6 + 5 + 3; /* MTI, bitmaps, DE2, 3, 4, 7, 11 */
    memcpy(r->frame, room, at);
    memcpy(r->frame + at, "\x00\x36", 2);
    memcpy(r->frame + at + 2, room + at, whole.len - at);
    r->frame[2 + 2] |= 0x20; /* bit 19 */
    r->frame_len = whole.len + 2;
    switch_receive(sim.core, 0, (struct net_peer){.slot = (uint32_t)sim.count}, span_of(r->frame, r->frame_len));
    return sim.count++;
}

static void a_field_that_nobody_needs(void **state)
{
    (void)state;
    static void (*const change[])(struct switch_link_config * link) = {NULL, reject};
    static const char *const de39[] = {"00", "30"};
    sim_open(&sim, 4);
    for (int i = 0; i < 2; i++) {
        struct iso8583_message m, answer;
        sim_relink(&sim, change[i]);
        purchase(&m);
        size_t at = with_country(&m);
        sim_settle(&sim);
        sim_answer(&sim, at, &answer);
        assert_true(span_is(iso8583_get(&answer, ISO8583_RESPONSE), de39[i]));
        assert_true(iso8583_has(&answer, ISO8583_RRN));
        purchase(&m);
        expect(&m, "00");
    }
    sim_close(&sim);
}

/* ---- currencies: the accounts are in 036 ---- */

static int64_t held(void)
{
    struct ledger_full_card card;
    sim_read(&sim, 3, &card);
    return card.account.held;
}

static void generic(struct switch_link_config *link)
{
    memcpy(link->network, "generic", 8);
}

static void own_codes(struct switch_link_config *link)
{
    memcpy(link->currency_de39, "57", 3);
    memcpy(link->processing_codes, "00,28", 6);
}

static void foreign(struct iso8583_message *m, const char *currency, int64_t billing, const char *billing_currency)
{
    purchase(m);
    if (currency)
        iso8583_set_text(m, ISO8583_CURRENCY, currency);
    else
        iso8583_unset(m, ISO8583_CURRENCY);
    if (billing >= 0)
        iso8583_set_decimal(m, 6, (uint64_t)billing, 12);
    if (billing_currency)
        iso8583_set_text(m, 51, billing_currency);
}

static void amounts_in_other_currencies(void **state)
{
    (void)state;
    static const struct {
        const char *currency;
        int64_t billing;
        const char *billing_currency, *visa, *generic;
        int64_t taken;
    } rows[] = {
        {"036", -1, NULL, "00", "00", 100}, {"840", -1, NULL, "05", "12", 0},     {"392", -1, NULL, "05", "12", 0},
        {"414", -1, NULL, "05", "12", 0},   {NULL, -1, NULL, "05", "12", 0},      {"840", 155, "036", "00", "00", 155},
        {"840", 155, "978", "05", "12", 0}, {"840", 155, NULL, "05", "12", 0},    {"840", -1, "036", "05", "12", 0},
        {"840", 0, "036", "05", "12", 0},   {"036", 999, "036", "00", "00", 100}, {"392", 3, "036", "00", "00", 3},
    };
    for (int k = 0; k < 2; k++) {
        sim_open(&sim, 5);
        sim_relink(&sim, k == 0 ? NULL : generic);
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
            struct iso8583_message m;
            int64_t before = held();
            foreign(&m, rows[i].currency, rows[i].billing, rows[i].billing_currency);
            expect(&m, k == 0 ? rows[i].visa : rows[i].generic);
            assert_int_equal(held(), before + rows[i].taken);
        }
        sim_close(&sim);
    }
}

static void zero_is_zero_in_every_currency(void **state)
{
    (void)state;
    sim_open(&sim, 6);
    struct iso8583_message m;
    foreign(&m, "840", -1, NULL);
    iso8583_set_decimal(&m, ISO8583_AMOUNT, 0, 12);
    expect(&m, "85");
    sim_relink(&sim, own_codes);
    foreign(&m, "840", -1, NULL);
    expect(&m, "57");
    assert_int_equal(held(), 0);
    sim_close(&sim);
}

/* ---- processing codes ---- */

static void what_a_processing_code_does(void **state)
{
    (void)state;
    static const struct {
        const char *de3, *de39;
        int64_t taken;
    } rows[] = {{"000000", "00", 100}, {"003000", "00", 100}, {"010000", "00", 100}, {"090000", "00", 100}, {"110000", "00", 100},
                {"200000", "00", 0},   {"200030", "00", 0},   {"300000", "00", 0},   {"310000", "00", 0},   {"303000", "00", 0},
                {"990000", "57", 0},   {"020000", "57", 0},   {"280000", "57", 0},   {"210000", "57", 0},   {"380000", "57", 0}};
    sim_open(&sim, 8);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct iso8583_message m;
        int64_t before = held();
        purchase(&m);
        iso8583_set_text(&m, ISO8583_PROCESSING_CODE, rows[i].de3);
        expect(&m, rows[i].de39);
        assert_int_equal(held(), before + rows[i].taken);
    }
    sim_close(&sim);
}

/* A credit needs no funds, an inquiry neither; a wrong code still declines an inquiry, and nobody asks for one of a credit. */
static void credits_and_inquiries_take_nothing(void **state)
{
    (void)state;
    static const char *const de3[] = {"200000", "300000", "310000"};
    sim_open(&sim, 9);
    for (size_t i = 0; i < 3; i++) {
        struct iso8583_message m;
        purchase(&m);
        iso8583_set_text(&m, ISO8583_PROCESSING_CODE, de3[i]);
        iso8583_set_decimal(&m, ISO8583_AMOUNT, 99999999, 12);
        iso8583_set_text(&m, ISO8583_CURRENCY, "840");
        expect(&m, "00");
        sim_authorise(&m, 3, serial++, 100, "999");
        iso8583_set_text(&m, ISO8583_PROCESSING_CODE, de3[i]);
        expect(&m, i == 0 ? "00" : "N7");
    }
    assert_int_equal(held(), 0);
    sim_relink(&sim, own_codes);
    struct iso8583_message m;
    purchase(&m);
    iso8583_set_text(&m, ISO8583_PROCESSING_CODE, "280000");
    expect(&m, "00");
    purchase(&m);
    iso8583_set_text(&m, ISO8583_PROCESSING_CODE, "200000");
    expect(&m, "57");
    sim_close(&sim);
}

/* ---- card dates, over all products: DE14 of 2020, of another month, none ---- */

static void dates_without_a_code(void **state)
{
    (void)state;
    static const size_t cards[] = {0, 3, 4}; /* one_time, static, time_window */
    sim_open(&sim, 10);
    for (size_t i = 0; i < 3; i++) {
        struct iso8583_message m;
        for (int k = 0; k < 6; k++) {
            sim_authorise(&m, cards[i], serial++, 100, "000");
            iso8583_code_erase(ISO8583_EXTRACT_VISA_126_10, &m);
            iso8583_set_text(&m, ISO8583_EXPIRY, k % 2 == 0 ? "2012" : "2911");
            expect(&m, k < 5 ? "54" : "05");
        }
        iso8583_unset(&m, ISO8583_EXPIRY);
        iso8583_set_decimal(&m, ISO8583_STAN, serial++, 6);
        expect(&m, "00");
        iso8583_set_text(&m, ISO8583_EXPIRY, "2911");
        iso8583_set(&m, ISO8583_CODE, span_of("\x00\x08\0\0\0\0\0\0\xD9", 9)); /* recurring */
        iso8583_set_decimal(&m, ISO8583_STAN, serial++, 6);
        expect(&m, "00");
        sim.world.wall_ms += INT64_C(86400001);
        iso8583_unset(&m, ISO8583_CODE);
        iso8583_set_decimal(&m, ISO8583_STAN, serial++, 6);
        expect(&m, "54");
    }
    sim_close(&sim);
}

/* ---- a changed product counts from its commit on ---- */

static void product_change(const char *id, void (*change)(struct ledger_product *product))
{
    struct ledger_unit unit;
    struct ledger_product product;
    ledger_unit_begin(&unit, 1, &sim.f.arena);
    size_t at = ledger_get_product(&unit, "SIM0000001", "static");
    assert_int_equal(ledger_unit_run(&unit, sim.f.store), ERR_OK);
    assert_true(ledger_take_product(&unit, at, &product));
    bool fresh = strcmp(id, "static") != 0;
    memcpy(product.product_id, id, strlen(id) + 1);
    product.version = fresh ? 1 : product.version;
    change(&product);
    ledger_unit_begin(&unit, 1, &sim.f.arena);
    if (fresh)
        ledger_put_product(&unit, &product);
    else
        ledger_put_product_change(&unit, &product);
    assert_int_equal(ledger_unit_run(&unit, sim.f.store), ERR_OK);
    arena_reset(&sim.f.arena);
}

static void demand(struct ledger_product *product)
{
    product->absent_policy = LEDGER_DECLINE;
}

static void forgive(struct ledger_product *product)
{
    product->absent_policy = LEDGER_RULES;
}

static void without_code(struct iso8583_message *m)
{
    purchase(m);
    iso8583_code_erase(ISO8583_EXTRACT_VISA_126_10, m);
}

static void a_product_counts_from_its_commit_on(void **state)
{
    (void)state;
    sim_open(&sim, 12);
    struct iso8583_message m;
    for (int i = 0; i < 20; i++) {
        without_code(&m);
        expect(&m, "00");
        product_change("static", demand);
        without_code(&m);
        expect(&m, "05");
        product_change("static", forgive);
    }
    sim_close(&sim);
}

static void a_new_product_counts_at_once(void **state)
{
    (void)state;
    sim_open(&sim, 13);
    struct iso8583_message m;
    purchase(&m);
    expect(&m, "00"); /* the cache is filled */
    struct ledger_full_card row;
    product_change("fresh", demand);
    sim_read(&sim, 3, &row);
    memcpy(row.card.product_id, "fresh", 6);
    struct ledger_unit unit;
    ledger_unit_begin(&unit, 1, &sim.f.arena);
    ledger_put_card_change(&unit, &row.card);
    assert_int_equal(ledger_unit_run(&unit, sim.f.store), ERR_OK);
    arena_reset(&sim.f.arena);
    purchase(&m);
    expect(&m, "00");
    without_code(&m);
    expect(&m, "05");
    sim_close(&sim);
}

/* ---- an unknown card is 14, however many are under way ---- */

static void an_unknown_card_in_a_full_house(void **state)
{
    (void)state;
    sim_open(&sim, 14);
    sim.deaf[0] = sim.deaf[1] = true;
    struct iso8583_message m, answer;
    for (size_t i = 0; i < 511; i++) { /* of 512 slots */
        sim_authorise(&m, i % SIM_CARDS, serial++, 1, "123");
        (void)sim_send(&sim, &m);
    }
    sim_turn(&sim);
    sim_authorise(&m, 77, serial++, 1, "123");
    size_t at = sim_send(&sim, &m);
    sim_settle(&sim);
    sim_answer(&sim, at, &answer);
    assert_true(span_is(iso8583_get(&answer, ISO8583_RESPONSE), "14"));
    sim_close(&sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_frame_of_length_zero),       cmocka_unit_test(a_field_that_nobody_needs),
        cmocka_unit_test(amounts_in_other_currencies),  cmocka_unit_test(zero_is_zero_in_every_currency),
        cmocka_unit_test(what_a_processing_code_does),  cmocka_unit_test(credits_and_inquiries_take_nothing),
        cmocka_unit_test(dates_without_a_code),         cmocka_unit_test(a_product_counts_from_its_commit_on),
        cmocka_unit_test(a_new_product_counts_at_once), cmocka_unit_test(an_unknown_card_in_a_full_house),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
