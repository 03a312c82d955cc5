/* SPDX-License-Identifier: Apache-2.0 */
/* Whose a card number is: texts of ranges, the table against a plain search, and changes that race on both engines. */
#include "ledger/enrol.h"
#include "ledger/error.h"
#include "ledger/products.h"
#include "store/error.h"
#include "support/ledgers.h"
#include "support/rng.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct ledger_issuers table;
static struct ledger_range all[LEDGER_RANGES_MAX];

/* ---- texts ---- */

static void test_texts_of_ranges(void **state)
{
    (void)state;
    static const struct {
        const char *text, *again;
    } good[] = {
        {"411111", "411111/16"},
        {"411111-411119", "411111-411119/16"},
        {"41111100-41111199/16", "411111/16"},
        {"411111000000-411111999999/19", "411111/19"},
        {"123456789012/12", "123456789012/12"},
        {"500000/12+13+14+19", "500000/12-14+19"},
        {"500000/12-16+19", "500000/12-16+19"},
        {"000000-999999/12-19", "000000-999999/12-19"},
        {"000001/16", "000001/16"},
    };
    static const char *const bad[] = {"",
                                      "4",
                                      "41111",
                                      "4111111111111",
                                      "411111-",
                                      "-411111",
                                      "411112-411111",
                                      "411111-4111112",
                                      "41111x",
                                      "411111/",
                                      "411111/11",
                                      "411111/20",
                                      "411111/16-",
                                      "411111/19-12",
                                      "411111/16+",
                                      "411111/1",
                                      "411111/016",
                                      "411111 /16",
                                      "411111/16,19",
                                      " 411111",
                                      "411111-411112-411113",
                                      "411111/12-14-16"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct ledger_range range;
        char room[LEDGER_RANGE_TEXT + 1];
        struct buf text = buf_over(room, sizeof room);
        assert_int_equal(ledger_range_parse(span_text(good[i].text), &range), ERR_OK);
        ledger_range_write(&range, &text);
        assert_string_equal(buf_text(&text), good[i].again);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct ledger_range range;
        if (ledger_range_parse(span_text(bad[i]), &range) == ERR_OK)
            fail_msg("'%s' is taken", bad[i]);
    }
}

static struct ledger_range range_of(const char *text, const char *issuer_id)
{
    struct ledger_range range = {.low = 0};
    assert_int_equal(ledger_range_parse(span_text(text), &range), ERR_OK);
    snprintf(range.issuer_id, sizeof range.issuer_id, "%s", issuer_id);
    return range;
}

/* ---- the table ---- */

static uint64_t draw(struct rng_world *world, uint64_t bound)
{
    const struct env env = rng_env_over(world);
    uint64_t value;
    env_random(&env, &value, sizeof value);
    return value % bound;
}

static struct ledger_range draw_range(struct rng_world *world)
{
    struct ledger_range range = {.lengths = (int64_t)(draw(world, 255) + 1) << CARD_PAN_MIN};
    int64_t step = 1;
    for (uint64_t n = draw(world, 7); n > 0; n--)
        step *= 10;
    range.low = 400000000000 + (int64_t)draw(world, 500) * 1000000 / step * step;
    range.high = range.low + step * (int64_t)(1 + draw(world, 9)) - 1;
    snprintf(range.issuer_id, sizeof range.issuer_id, "BANK%06u", (unsigned)draw(world, 5));
    return range;
}

/* First digits at the borders of a range, and any. */
static void draw_pan(struct rng_world *world, const struct ledger_range *near, char pan[static 20])
{
    const int64_t prefix[] = {near->low, near->high, near->low - 1, near->high + 1, (int64_t)draw(world, 1000000000000)};
    int64_t first = prefix[draw(world, 5)];
    first = first < 0 ? 0 : first > 999999999999 ? 999999999999 : first;
    snprintf(pan, 20, "%012lld%07u", (long long)first, (unsigned)draw(world, 10000000));
    pan[CARD_PAN_MIN + draw(world, LEDGER_LENGTHS)] = 0;
}

static const char *owner_by_search(const struct ledger_range *range, size_t count, const char *pan)
{
    for (size_t i = 0; i < count; i++)
        if (ledger_range_holds(&range[i], span_text(pan)))
            return range[i].issuer_id;
    return "nobody";
}

static const char *owner(const char *pan)
{
    const struct ledger_issuer *issuer = ledger_issuers_of(&table, span_text(pan));
    return issuer ? issuer->issuer_id : "nobody";
}

static void begin_five(void)
{
    ledger_issuers_begin(&table, 1);
    for (unsigned i = 0; i < 5; i++) {
        struct ledger_issuer issuer = {.timezone = "UTC"};
        snprintf(issuer.issuer_id, sizeof issuer.issuer_id, "BANK%06u", i);
        assert_int_equal(ledger_issuers_add(&table, &issuer), ERR_OK);
    }
}

/* Ranges are added while they meet none: the table finds what a search finds. One that meets another is refused by both. */
static void test_the_table_against_a_search(void **state)
{
    (void)state;
    enum { ROUNDS = 60, RANGES = 60, PANS = 400 };
    struct rng_world world = {42, 0, 0};
    size_t met = 0, owned = 0;
    for (int round = 0; round < ROUNDS; round++) {
        size_t count = 0;
        begin_five();
        for (int i = 0; i < RANGES; i++) {
            bool meets = false;
            all[count] = draw_range(&world);
            for (size_t k = 0; k < count; k++)
                meets |= ledger_range_meets(&all[count], &all[k]);
            met += meets;
            if (meets)
                continue;
            assert_int_equal(ledger_issuers_add_range(&table, &all[count]), ERR_OK);
            count++;
        }
        assert_int_equal(ledger_issuers_end(&table), ERR_OK);
        for (int i = 0; i < PANS; i++) {
            char pan[20];
            draw_pan(&world, &all[draw(&world, count)], pan);
            const char *want = owner_by_search(all, count, pan);
            owned += strcmp(want, "nobody") != 0;
            assert_string_equal(owner(pan), want);
        }
        struct ledger_range twice = all[draw(&world, count)];
        twice.low = twice.high;
        assert_int_equal(ledger_issuers_add_range(&table, &twice), ERR_OK);
        assert_int_equal(ledger_issuers_end(&table), ERR_DUPLICATE);
    }
    assert_true(met > 20 && owned > ROUNDS * PANS / 10);
}

static void test_limits_of_the_table(void **state)
{
    (void)state;
    begin_five();
    struct ledger_range range = range_of("411111/12-19", "NOBODY0001");
    assert_int_equal(ledger_issuers_add_range(&table, &range), ERR_NOT_FOUND);
    for (int i = 0; i < LEDGER_RANGES_MAX; i++) {
        range = range_of("411111/12-19", "BANK000001");
        range.low = range.high = 500000000000 + i;
        assert_int_equal(ledger_issuers_add_range(&table, &range), ERR_OK);
    }
    assert_int_equal(ledger_issuers_add_range(&table, &range), ERR_MEMORY);
    assert_int_equal(ledger_issuers_end(&table), ERR_OK);
    assert_string_equal(owner("5000000010239999"), "BANK000001");
    assert_string_equal(owner("5000000010249999"), "nobody");
    struct ledger_issuer issuer = {.issuer_id = "MORE"};
    while (table.count < LEDGER_ISSUERS_MAX)
        assert_int_equal(ledger_issuers_add(&table, &issuer), ERR_OK);
    assert_int_equal(ledger_issuers_add(&table, &issuer), ERR_MEMORY);
}

/* ---- enrolment ---- */

static enum err enrol(struct stores_fixture *f, const char *issuer_id, const char *one, const char *two, bool fresh,
                      struct ledger_clash *clash)
{
    struct ledger_range range[2];
    struct ledger_enrolment bank = {.issuer_id = issuer_id, .range = range, .fresh = fresh};
    if (one)
        range[bank.ranges++] = range_of(one, "");
    if (two)
        range[bank.ranges++] = range_of(two, "");
    return ledger_enrol(f->store, &f->arena, &bank, clash);
}

static void load(struct stores_fixture *f)
{
    assert_int_equal(ledger_issuers_load(f->store, &f->arena, &table, all), ERR_OK);
}

static void test_no_number_has_two_issuers(void **state)
{
    struct stores_fixture f;
    struct ledger_clash clash;
    stores_setup(&f, *state);
    assert_int_equal(enrol(&f, "BANK000001", "411111-411119", "500000/19", true, &clash), ERR_OK);
    assert_int_equal(enrol(&f, "BANK000001", "600000", NULL, true, &clash), ERR_DUPLICATE);
    assert_int_equal(enrol(&f, "BANK000002", "600000", NULL, false, &clash), ERR_NOT_FOUND);
    assert_int_equal(enrol(&f, "BANK000002", "600000", "41111500-41111599/15-16", true, &clash), LEDGER_ERR_RANGE_TAKEN);
    assert_string_equal(clash.there.issuer_id, "BANK000001");
    assert_true(clash.wanted.low == 411115000000 && clash.there.low == 411111000000);
    assert_int_equal(enrol(&f, "BANK000002", "600000", "600000-600001", true, &clash), LEDGER_ERR_RANGE_TAKEN);
    load(&f);
    assert_int_equal(table.count, 1); /* what was refused left nothing */
    assert_int_equal(enrol(&f, "BANK000002", "411115/15", "500000/16-18", true, &clash), ERR_OK); /* other lengths */
    load(&f);
    assert_string_equal(owner("4111150000000000"), "BANK000001");
    assert_string_equal(owner("411115000000000"), "BANK000002");
    assert_string_equal(owner("5000000000000000000"), "BANK000001");
    assert_string_equal(owner("500000000000000000"), "BANK000002");
    assert_int_equal(enrol(&f, "BANK000003", "700000/13", "700000/19", true, &clash), ERR_OK); /* the same digits twice */
    load(&f);
    assert_string_equal(owner("7000000000000"), "BANK000003");
    assert_string_equal(owner("7000000000000000"), "nobody");
    assert_int_equal(enrol(&f, "BANK000001", "411111-411112", NULL, false, &clash), ERR_OK); /* its own are in nobody's way */
    assert_int_equal(enrol(&f, "BANK000002", "411113", NULL, false, &clash), ERR_OK);
    const struct ledger_enrolment days = {.issuer_id = "BANK000002", .timezone = "Australia/Sydney", .reversal_days = 45};
    assert_int_equal(ledger_enrol(f.store, &f.arena, &days, &clash), ERR_OK);
    load(&f);
    assert_string_equal(owner("4111150000000000"), "nobody");
    assert_string_equal(owner("4111130000000000"), "BANK000002"); /* they stayed */
    assert_string_equal(ledger_issuers_find(&table, "BANK000002")->timezone, "Australia/Sydney");
    assert_int_equal(ledger_issuers_find(&table, "BANK000002")->reversal_days, 45);
    assert_int_equal(ledger_issuers_find(&table, "BANK000001")->reversal_days, 30);
    stores_teardown(&f);
}

/* Both were judged by the same state, in which each is right: one of them is written. */
static void test_a_change_that_was_judged_too_early(void **state)
{
    struct stores_fixture f;
    stores_setup(&f, *state);
    load(&f);
    const struct ledger_range range = range_of("411111", "");
    static const char *const ids[] = {"BANK000001", "BANK000002"};
    for (int i = 0; i < 2; i++) {
        struct ledger_issuer issuer = {.timezone = "UTC", .reversal_days = 30};
        struct ledger_unit unit;
        snprintf(issuer.issuer_id, sizeof issuer.issuer_id, "%s", ids[i]);
        const struct ledger_enrolment bank = {.issuer_id = ids[i], .range = &range, .ranges = 1, .fresh = true};
        arena_reset(&f.arena);
        ledger_unit_begin(&unit, 4, &f.arena);
        ledger_put_enrolment(&unit, &issuer, &bank, table.version);
        assert_int_equal(ledger_unit_run(&unit, f.store), i == 0 ? ERR_OK : STORE_ERR_CONFLICT);
    }
    load(&f);
    assert_int_equal(table.count, 1);
    assert_string_equal(owner("4111110000000000"), "BANK000001");
    stores_teardown(&f);
}

enum { RACERS = 6, RACES = 6 };
struct racer {
    struct stores_fixture *f;
    struct store *store;
    struct arena arena;
    char issuer_id[11];
    struct ledger_range range;
    pthread_barrier_t *start;
    enum err err;
};

static void *race(void *context)
{
    struct racer *r = context;
    struct ledger_clash clash;
    const struct ledger_enrolment bank = {.issuer_id = r->issuer_id, .range = &r->range, .ranges = 1, .fresh = true};
    pthread_barrier_wait(r->start);
    r->err = ledger_enrol(r->store, &r->arena, &bank, &clash);
    return NULL;
}

/* Six commands at once want ranges of which each meets the others: one gets it, the others are told whose it is. */
static void test_commands_that_race(void **state)
{
    struct stores_fixture f;
    static struct racer racer[RACERS];
    stores_setup(&f, *state);
    for (int i = 0; i < RACERS; i++) {
        racer[i] = (struct racer){.f = &f, .store = stores_connect(&f)};
        assert_int_equal(arena_create(&racer[i].arena, LEDGER_ENROL_ARENA), ERR_OK);
    }
    for (int n = 0; n < RACES; n++) {
        pthread_t thread[RACERS];
        pthread_barrier_t start;
        int won = 0;
        assert_int_equal(pthread_barrier_init(&start, NULL, RACERS), 0);
        for (int i = 0; i < RACERS; i++) {
            struct racer *r = &racer[i];
            r->start = &start;
            snprintf(r->issuer_id, sizeof r->issuer_id, "RACE%03d%03d", n, i);
            r->range = (struct ledger_range){
                .low = 400000000000 + n * 1000000 + i, .high = 400000000000 + n * 1000000 + 500 + i, .lengths = INT64_C(1) << 16};
            assert_int_equal(pthread_create(&thread[i], NULL, race, r), 0);
        }
        for (int i = 0; i < RACERS; i++) {
            assert_int_equal(pthread_join(thread[i], NULL), 0);
            won += racer[i].err == ERR_OK;
            assert_true(racer[i].err == ERR_OK || racer[i].err == LEDGER_ERR_RANGE_TAKEN);
        }
        assert_int_equal(won, 1);
        pthread_barrier_destroy(&start);
        load(&f); /* refuses ranges that meet */
        assert_int_equal(table.count, n + 1);
    }
    for (int i = 0; i < RACERS; i++) {
        store_close(racer[i].store);
        arena_destroy(&racer[i].arena);
    }
    stores_teardown(&f);
}

/* ---- in the cache ---- */

static const char *cached_owner(const struct ledger_products *products)
{
    const struct ledger_issuer *issuer = ledger_issuers_of(ledger_products_issuers(products), span_text("4111110000000000"));
    return issuer ? issuer->issuer_id : "nobody";
}

static void test_the_cache_follows(void **state)
{
    struct stores_fixture f;
    struct ledger_clash clash;
    struct ledger_products *products = NULL;
    stores_setup(&f, *state);
    assert_int_equal(ledger_products_create(&products), ERR_OK);
    assert_string_equal(cached_owner(products), "nobody");
    assert_int_equal(enrol(&f, "BANK000001", "411111", NULL, true, &clash), ERR_OK);
    assert_int_equal(ledger_products_refresh(products, f.store, &f.arena), ERR_OK);
    assert_string_equal(cached_owner(products), "BANK000001");
    assert_int_equal(enrol(&f, "BANK000001", "500000", NULL, false, &clash), ERR_OK);
    assert_int_equal(enrol(&f, "BANK000002", "411111", NULL, true, &clash), ERR_OK);
    assert_string_equal(cached_owner(products), "BANK000001");
    assert_int_equal(ledger_products_refresh(products, f.store, &f.arena), ERR_OK);
    assert_string_equal(cached_owner(products), "BANK000002");
    ledger_products_destroy(products);
    stores_teardown(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts_of_ranges),
        cmocka_unit_test(test_the_table_against_a_search),
        cmocka_unit_test(test_limits_of_the_table),
        ON_BOTH(test_no_number_has_two_issuers),
        ON_BOTH(test_a_change_that_was_judged_too_early),
        ON_BOTH(test_commands_that_race),
        ON_BOTH(test_the_cache_follows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
