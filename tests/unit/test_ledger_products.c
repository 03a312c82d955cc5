/* SPDX-License-Identifier: Apache-2.0 */
/* The product cache, turn by turn, on both engines: what was committed is found; a silent database costs nothing but freshness. */
#include "ledger/products.h"
#include "support/ledgers.h"
#include "support/postgres.h"
#include "support/readers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { MANY = 40, TURNS_MAX = 20000 };

struct world {
    struct readers r;
    struct ledger_products *products;
    int64_t next_us;
};

static void setup(struct world *w, const struct stores_driver *driver)
{
    stores_setup(&w->r.f, driver);
    readers_open(&w->r, ledger_sets, 4, 0);
    assert_int_equal(ledger_products_create(&w->products), ERR_OK);
}

static void teardown(struct world *w)
{
    readers_close(&w->r);
    ledger_products_destroy(w->products);
    stores_teardown(&w->r.f);
}

static int64_t now(struct world *w)
{
    return env_monotonic_us(&w->r.f.env);
}

static void turn(struct world *w)
{
    readers_drive(&w->r, 1);
    w->next_us = ledger_products_turn(w->products, w->r.reader, now(w));
    assert_true(w->next_us > 0);
}

/* Turns until the cache holds what was committed before now. */
static void catch_up(struct world *w)
{
    int64_t from_us = now(w);
    ledger_products_want(w->products);
    for (int i = 0; i < TURNS_MAX && ledger_products_read_us(w->products) < from_us; i++)
        turn(w);
    assert_true(ledger_products_read_us(w->products) >= from_us);
    assert_int_equal(ledger_products_err(w->products), ERR_OK);
}

static void put(struct world *w, int n, int64_t tries, bool change)
{
    struct ledger_product row = {.version = 1, .tries = tries, .network = "visa"};
    struct ledger_unit unit;
    snprintf(row.product_id, sizeof row.product_id, "p%d", n);
    memcpy(row.issuer_id, "ISSUER0001", sizeof "ISSUER0001");
    arena_reset(&w->r.f.arena);
    ledger_unit_begin(&unit, 1, &w->r.f.arena);
    if (change)
        ledger_put_product_change(&unit, &row);
    else
        ledger_put_product(&unit, &row);
    assert_int_equal(ledger_unit_run(&unit, w->r.f.store), ERR_OK);
}

static void test_new_and_changed_products(void **state)
{
    static struct world w;
    setup(&w, *state);
    assert_int_equal(ledger_products_read_us(w.products), 0);
    catch_up(&w);
    assert_null(ledger_products_at(w.products, 0));
    for (int i = 0; i < MANY; i++)
        put(&w, i, i, false);
    catch_up(&w);
    for (int i = 0; i < MANY; i++) {
        char id[LEDGER_ID];
        snprintf(id, sizeof id, "p%d", i);
        const struct ledger_product *product = ledger_products_find(w.products, "ISSUER0001", id);
        assert_non_null(product);
        assert_int_equal(product->tries, i);
    }
    assert_non_null(ledger_products_at(w.products, MANY - 1));
    assert_null(ledger_products_at(w.products, MANY));
    put(&w, 7, 3, true);
    catch_up(&w);
    assert_int_equal(ledger_products_find(w.products, "ISSUER0001", "p7")->tries, 3);
    assert_int_equal(ledger_products_find(w.products, "ISSUER0001", "p8")->tries, 8);
    teardown(&w);
}

/* Nobody asks: it happens once a period. */
static void test_a_refresh_of_its_own_accord(void **state)
{
    static struct world w;
    setup(&w, *state);
    catch_up(&w);
    put(&w, 1, 5, false);
    int64_t before = ledger_products_read_us(w.products);
    turn(&w);
    assert_true(w.next_us <= now(&w) + LEDGER_PRODUCTS_PERIOD_US);
    while (ledger_products_read_us(w.products) == before)
        turn(&w);
    assert_non_null(ledger_products_find(w.products, "ISSUER0001", "p1"));
    teardown(&w);
}

/* Asked while one is under way: that one may have looked too early, so another follows. */
static void test_asked_while_one_is_under_way(void **state)
{
    static struct world w;
    setup(&w, *state);
    catch_up(&w);
    postgres_freeze();
    ledger_products_want(w.products);
    turn(&w);
    int64_t asked_us = now(&w);
    ledger_products_want(w.products);
    postgres_thaw();
    for (int i = 0; i < TURNS_MAX && ledger_products_read_us(w.products) < asked_us; i++)
        turn(&w);
    assert_true(ledger_products_read_us(w.products) >= asked_us);
    teardown(&w);
}

static void test_a_database_that_does_not_answer(void **state)
{
    static struct world w;
    setup(&w, *state);
    put(&w, 1, 5, false);
    catch_up(&w);
    int64_t read_us = ledger_products_read_us(w.products);
    postgres_freeze();
    ledger_products_want(w.products);
    for (int i = 0; i < TURNS_MAX && ledger_products_err(w.products) == ERR_OK; i++)
        turn(&w);
    assert_int_equal(ledger_products_err(w.products), STORE_ERR_UNAVAILABLE);
    assert_int_equal(ledger_products_read_us(w.products), read_us);
    assert_non_null(ledger_products_find(w.products, "ISSUER0001", "p1"));
    turn(&w);
    postgres_thaw();
    catch_up(&w);
    teardown(&w);
}

/* The reader is full: asked again soon. And it ends while a refresh is under way. */
static void test_a_full_reader_and_the_end(void **state)
{
    static struct world w;
    uint8_t room[4][2048];
    struct arena arena[4];
    struct ledger_unit unit[4];
    setup(&w, *state);
    catch_up(&w);
    postgres_freeze();
    for (int i = 0; i < 4; i++) {
        arena[i] = arena_over(room[i], sizeof room[i]);
        ledger_unit_begin(&unit[i], 1, &arena[i]);
        (void)ledger_get_account(&unit[i], "none");
        assert_int_equal(ledger_unit_submit(&unit[i], w.r.reader, &w.r.done, &unit[i], now(&w) + 60000000), ERR_OK);
    }
    ledger_products_want(w.products);
    turn(&w);
    assert_int_equal(ledger_products_err(w.products), ERR_BUSY);
    assert_true(w.next_us > now(&w) - 1000000);
    postgres_thaw();
    readers_await(&w.r, 4);
    assert_ptr_equal(w.r.last->context, &unit[3]);
    assert_int_equal(ledger_found(&unit[3], 0), 0);
    catch_up(&w);
    postgres_freeze();
    ledger_products_want(w.products);
    turn(&w);
    store_reader_close(w.r.reader);
    w.r.reader = NULL;
    postgres_thaw();
    teardown(&w);
}

static void test_a_unit_that_failed_is_not_submitted(void **state)
{
    static struct world w;
    struct ledger_unit unit;
    setup(&w, *state);
    ledger_unit_begin(&unit, 0, &w.r.f.arena);
    (void)ledger_get_account(&unit, "none");
    assert_int_equal(ledger_unit_submit(&unit, w.r.reader, &w.r.done, NULL, now(&w) + 1000), ERR_MEMORY);
    assert_int_equal(store_reader_under_way(w.r.reader), 0);
    teardown(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(test_new_and_changed_products),         ON_BOTH(test_a_refresh_of_its_own_accord),
        ON_POSTGRES(test_asked_while_one_is_under_way), ON_POSTGRES(test_a_database_that_does_not_answer),
        ON_POSTGRES(test_a_full_reader_and_the_end),    ON_BOTH(test_a_unit_that_failed_is_not_submitted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
