/* SPDX-License-Identifier: Apache-2.0 */
/* Exactly one authorisation may use a code: eight connections race for it, and the oracle is tested with a planted fault. */
#include "ledger/ledger.h"
#include "ledger/shapes.h"

#include "store/driver.h"
#include "store/error.h"
#include "support/ledgers.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { NOW = 1700000000 };

/* ---- double use ---- */

enum { THREADS = 8, CODES = 12 };

/* The consume without its guards, known to the connection beside the ledger's own. */
static const struct store_row planted_row = {
    "PLANTED_CONSUME",
    STORE_ROW_WRITE,
    LEDGER_TABLE_CODE,
    "card_id",
    &ledger_shape_code_put,
    NULL,
    "UPDATE card_code SET version = version + 1, state = :state, used_at = :used_at, used_by = :used_by WHERE card_id = :card_id",
    ""};
static const struct store_set planted_set = {.name = "planted", .row = &planted_row, .count = 1};
static const struct store_set *const planted_sets[] = {&ledger_set, &planted_set, NULL};

struct rival {
    const struct stores_fixture *f;
    const struct store_row *row;
    pthread_barrier_t *barrier;
    int index;
    int approved;
};

/* All read the same active row; then all write. */
static void *compete(void *context)
{
    struct rival *r = context;
    struct store *store = NULL;
    struct arena arena;
    if (store_open(r->f->url, &r->f->env, planted_sets, &store) != ERR_OK || arena_create(&arena, 1 << 18) != ERR_OK)
        abort();
    for (int code = 0; code < CODES; code++) {
        struct ledger_full_card card;
        ledgers_read(store, &arena, code, &card);
        pthread_barrier_wait(r->barrier);
        enum err err = ledgers_consume_by(r->row, store, &arena, &card, code * 100 + r->index, NOW);
        if (err != ERR_OK && err != STORE_ERR_CONFLICT)
            abort();
        r->approved += err == ERR_OK;
        pthread_barrier_wait(r->barrier);
    }
    store_close(store);
    arena_destroy(&arena);
    return NULL;
}

/* Eight connections use every code at the same time; how many codes the oracle finds used twice. */
static int64_t race(const struct stores_driver *driver, const struct store_row *row, int *approved)
{
    struct stores_fixture f;
    struct rival rival[THREADS];
    pthread_t thread[THREADS];
    pthread_barrier_t barrier;
    stores_setup(&f, driver);
    for (int i = 0; i < CODES; i++) {
        struct ledger_full_card card;
        ledgers_add_card(&f, f.store, i);
        ledgers_read(f.store, &f.arena, i, &card);
        assert_int_equal(ledgers_issue(f.store, &f.arena, &card.code, NOW, 300), ERR_OK);
    }
    assert_int_equal(pthread_barrier_init(&barrier, NULL, THREADS), 0);
    for (int i = 0; i < THREADS; i++) {
        rival[i] = (struct rival){&f, row, &barrier, i, 0};
        assert_int_equal(pthread_create(&thread[i], NULL, compete, &rival[i]), 0);
    }
    *approved = 0;
    for (int i = 0; i < THREADS; i++) {
        pthread_join(thread[i], NULL);
        *approved += rival[i].approved;
    }
    pthread_barrier_destroy(&barrier);
    int64_t doubles = ledgers_double_uses(f.store, &f.arena);
    stores_teardown(&f);
    return doubles;
}

static void test_eight_connections_use_a_code_once(void **state)
{
    int approved = 0;
    assert_int_equal(race(*state, LEDGER_ROW(CODE_CONSUME), &approved), 0);
    assert_int_equal(approved, CODES);
}

/* The oracle is tested as well: without the guards it must find the double use. */
static void test_the_oracle_finds_a_dropped_guard(void **state)
{
    int approved = 0;
    assert_int_equal(race(*state, &planted_row, &approved), CODES);
    assert_int_equal(approved, CODES * THREADS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(test_eight_connections_use_a_code_once),
        ON_BOTH(test_the_oracle_finds_a_dropped_guard),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
