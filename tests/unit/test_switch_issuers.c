/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A payment finds its card with the issuer that the number belongs to (issuer.md 3.5), on two nodes and both stores: two issuers
 * have a card of one number, and the range moves from one to the other. What nobody has, what another issuer has no card of, and
 * what the issuer itself has no card of is read and answered alike.
 */
#include "ledger/enrol.h"
#include "support/ledgers.h"
#include "support/sim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { CARD = 3, NOBODYS_CARD = 9 }; /* static; a number without a card */
#define SIM_ISSUER "SIM0000001"
#define OTHER "OTHERBANK1"

static struct sim node[2];
static uint64_t serial;

/* ---- what is read ---- */

static char trace[4096];
static size_t traced;

enum err __wrap_store_reader_submit(struct store_reader *reader, struct store_batch *batch, int64_t deadline_us);
enum err __real_store_reader_submit(struct store_reader *reader, struct store_batch *batch, int64_t deadline_us);

/* The products, the ranges and the sweep of holds are read by the clock. */
enum err __wrap_store_reader_submit(struct store_reader *reader, struct store_batch *batch, int64_t deadline_us)
{
    static const char *const by_clock[] = {"PRODUCT_VERSIONS", "ISSUER_REGISTER", "PRODUCT_GET", "HOLDS_DUE"};
    bool ours = true;
    for (size_t i = 0; i < sizeof by_clock / sizeof by_clock[0]; i++)
        ours = ours && strcmp(batch->op[0].row->name, by_clock[i]) != 0;
    for (size_t i = 0; ours && i < batch->count; i++)
        traced += (size_t)snprintf(trace + traced, sizeof trace - traced, "%s\n", batch->op[i].row->name);
    assert_true(traced < sizeof trace);
    return __real_store_reader_submit(reader, batch, deadline_us);
}

/* ---- the issuers ---- */

static void enrol(const char *issuer_id, const char *text, bool fresh)
{
    struct ledger_range range = {.low = 0};
    struct ledger_clash clash;
    struct arena arena;
    assert_int_equal(arena_create(&arena, LEDGER_ENROL_ARENA), ERR_OK);
    assert_int_equal(ledger_range_parse(span_text(text), &range), ERR_OK);
    const struct ledger_enrolment bank = {.issuer_id = issuer_id, .range = &range, .ranges = 1, .fresh = fresh};
    assert_int_equal(ledger_enrol(node[0].f.store, &arena, &bank, &clash), ERR_OK);
    arena_destroy(&arena);
}

/* The other issuer's card of the same number, with an account and a product of the same name. */
static void put_other_card(void)
{
    struct ledger_full_card full;
    struct ledger_product product;
    struct ledger_unit unit;
    sim_read(&node[0], CARD, &full);
    ledger_unit_begin(&unit, 1, &node[0].f.arena);
    size_t at = ledger_get_product(&unit, SIM_ISSUER, full.card.product_id);
    assert_int_equal(ledger_unit_run(&unit, node[0].f.store), ERR_OK);
    assert_true(ledger_take_product(&unit, at, &product));
    struct ledger_account account = {.account_id = "theirs", .currency = "036", .balance = 1000000, .version = 1};
    struct ledger_card card = full.card;
    (void)snprintf(card.card_id, sizeof card.card_id, "theirs");
    (void)snprintf(card.issuer_id, sizeof card.issuer_id, OTHER);
    (void)snprintf(product.issuer_id, sizeof product.issuer_id, OTHER);
    memcpy(card.account_id, account.account_id, sizeof card.account_id);
    ledger_unit_begin(&unit, 4, &node[0].f.arena);
    ledger_put_product(&unit, &product);
    ledger_put_new_account(&unit, &account);
    ledger_put_card(&unit, &card);
    assert_int_equal(ledger_unit_run(&unit, node[0].f.store), ERR_OK);
    arena_reset(&node[0].f.arena);
}

/* More than the period in which the nodes look for changes. */
static void let_them_see(void)
{
    for (size_t i = 0; i < 2; i++) {
        node[i].world.monotonic_us += 3000000;
        node[i].world.wall_ms += 3000;
        for (int turn = 0; turn < 100; turn++) {
            sim_turn(&node[i]);
            (void)usleep(500);
        }
    }
}

static void open_both(const struct stores_driver *driver)
{
    serial = 1;
    sim_open_pair(&node[0], &node[1], driver);
    enrol(SIM_ISSUER, "400000", false);
    enrol(OTHER, "500000", true);
    put_other_card();
    let_them_see();
}

static void close_both(void)
{
    sim_close(&node[1]);
    sim_close(&node[0]);
}

/* ---- payments ---- */

static void ask(struct sim *sim, const struct iso8583_message *m, const char *de39)
{
    struct iso8583_message answer;
    char told[3] = {0};
    size_t at = sim_send(sim, m);
    sim_settle(sim);
    sim_answer(sim, at, &answer);
    memcpy(told, iso8583_get(&answer, ISO8583_RESPONSE).at, 2);
    assert_string_equal(told, de39);
}

static void pay(struct sim *sim, size_t card, const char *de39, struct iso8583_message *m)
{
    char code[4];
    sim_code(SWITCH_CY, card, 0, code);
    sim_authorise(m, card, serial++, 100, code);
    ask(sim, m, de39);
}

static int64_t held(const char *card_id)
{
    struct ledger_full_card card;
    struct ledger_unit unit;
    ledger_unit_begin(&unit, 1, &node[0].f.arena);
    size_t at = ledger_get_card(&unit, card_id);
    assert_int_equal(ledger_unit_run(&unit, node[0].f.store), ERR_OK);
    assert_true(ledger_take_card(&unit, at, &card));
    arena_reset(&node[0].f.arena);
    return card.account.held;
}

static void reversal_of(const struct iso8583_message *original, struct iso8583_message *m)
{
    iso8583_message_init(m, ISO8583_REVERSAL);
    for (unsigned f = 2; f < ISO8583_FIELDS; f++)
        if (iso8583_need(&iso8583_profile_visa_base1, ISO8583_REVERSAL, f) != '-')
            iso8583_copy(m, original, f);
    iso8583_set_decimal(m, ISO8583_STAN, serial++ % 1000000, 6);
    assert_int_equal(iso8583_original_write(original, m), ERR_OK);
}

static void test_the_range_says_whose_card_pays(void **state)
{
    struct iso8583_message first, m, reversal;
    open_both(*state);
    pay(&node[0], CARD, "00", &first);
    pay(&node[1], CARD, "00", &m);
    assert_int_equal(held("card-3"), 200);
    assert_int_equal(held("theirs"), 0);
    enrol(SIM_ISSUER, "600000", false);
    enrol(OTHER, "400000", false);
    let_them_see();
    pay(&node[0], CARD, "00", &m);
    pay(&node[1], CARD, "00", &m);
    assert_int_equal(held("card-3"), 200);
    assert_int_equal(held("theirs"), 200);
    /* What was approved before the range moved is given back to the account that holds it. */
    reversal_of(&first, &reversal);
    ask(&node[1], &reversal, "00");
    assert_int_equal(held("card-3"), 100);
    assert_int_equal(held("theirs"), 200);
    reversal_of(&m, &reversal);
    ask(&node[0], &reversal, "00");
    assert_int_equal(held("theirs"), 100);
    enrol(OTHER, "500000", false); /* the number is nobody's */
    let_them_see();
    pay(&node[0], CARD, "14", &m);
    pay(&node[1], CARD, "14", &m);
    close_both();
}

/* One payment of a number; what was read for it, and the answer without the number and what tells messages apart. */
static void look(size_t card, char out[static sizeof trace], struct iso8583_message *answer)
{
    struct iso8583_message m;
    traced = 0;
    trace[0] = 0;
    sim_authorise(&m, card, serial, 100, "000");
    size_t at = sim_send(&node[0], &m);
    sim_settle(&node[0]);
    sim_answer(&node[0], at, answer);
    memcpy(out, trace, sizeof trace);
}

static void test_who_has_no_card_of_a_number_is_not_told(void **state)
{
    static char read[3][sizeof trace];
    static struct iso8583_message answer[3];
    static const char *const owner[] = {"400000", "500000", "600000"}; /* the other's range; the numbers' place is 400000 */
    open_both(*state);
    look(NOBODYS_CARD, read[0], &answer[0]); /* the issuer's own number */
    enrol(SIM_ISSUER, owner[2], false);
    let_them_see();
    serial++;
    look(NOBODYS_CARD, read[1], &answer[1]); /* nobody's */
    enrol(OTHER, owner[0], false);
    let_them_see();
    serial++;
    look(NOBODYS_CARD, read[2], &answer[2]); /* the other's */
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(read[i], read[0]);
        assert_non_null(strstr(read[i], "CARD_BY_PAN"));
        for (unsigned f = 2; f < ISO8583_FIELDS; f++) {
            struct span was = iso8583_get(&answer[0], f), is = iso8583_get(&answer[i], f);
            bool counted = f == ISO8583_STAN || f == ISO8583_RRN;
            assert_int_equal(is.len, was.len);
            if (!counted && is.len > 0)
                assert_memory_equal(is.at, was.at, is.len);
        }
    }
    assert_memory_equal(iso8583_get(&answer[0], ISO8583_RESPONSE).at, "14", 2);
    close_both();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(test_the_range_says_whose_card_pays),
        ON_BOTH(test_who_has_no_card_of_a_number_is_not_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
