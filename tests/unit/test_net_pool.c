/* SPDX-License-Identifier: Apache-2.0 */
/* Borrowed buffers: what is resident is asked of the kernel. */
#include "net/pool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

enum { COUNT = 256, SIZE = 64 * 1024 };

static size_t resident(const struct net_pool *pool)
{
    static unsigned char page[COUNT * SIZE / NET_PAGE];
    size_t count = 0;
    assert_int_equal(mincore(pool->at, pool->count * pool->size, page), 0);
    for (size_t i = 0; i < pool->count * pool->size / NET_PAGE; i++)
        count += page[i] & 1;
    return count * NET_PAGE;
}

static void test_residence(void **state)
{
    (void)state;
    struct net_pool pool;
    static uint8_t *lent[COUNT];
    assert_int_equal(net_pool_reserve(&pool, COUNT, SIZE), ERR_OK);
    assert_int_equal(resident(&pool), 0);
    for (size_t i = 0; i < COUNT; i++) {
        lent[i] = net_pool_borrow(&pool);
        for (size_t j = 0; j < i; j++)
            assert_ptr_not_equal(lent[i], lent[j]);
    }
    for (size_t i = 0; i < COUNT; i++)
        memset(lent[i], 0xAA, SIZE);
    assert_int_equal(resident(&pool), COUNT * SIZE);
    /* A lent one that is nearly empty keeps the page it needs, and what stands in it. */
    net_pool_trim(&pool, lent[0], 10, SIZE);
    assert_int_equal(resident(&pool), COUNT * SIZE - SIZE + NET_PAGE);
    assert_int_equal(lent[0][9], 0xAA);
    assert_int_equal(lent[0][NET_PAGE], 0);
    for (size_t i = 0; i < COUNT; i++) {
        memset(lent[i], 0, SIZE); /* wiped, as a borrower does */
        net_pool_return(&pool, lent[i], SIZE);
    }
    assert_true(resident(&pool) <= NET_POOL_HOT);
    assert_int_equal(resident(&pool), pool.hot);
    /* The pages of the one used last are used again. */
    uint8_t *again = net_pool_borrow(&pool);
    assert_ptr_equal(again, lent[COUNT - 1]);
    net_pool_return(&pool, again, 0);
    net_pool_release(&pool);
}

/* The same few buffers under load cost no more than themselves. */
static void test_hot_ones_stay(void **state)
{
    (void)state;
    struct net_pool pool;
    assert_int_equal(net_pool_reserve(&pool, COUNT, SIZE), ERR_OK);
    for (int round = 0; round < 1000; round++) {
        uint8_t *first = net_pool_borrow(&pool), *second = net_pool_borrow(&pool);
        first[0] = second[SIZE - 1] = 1;
        first[0] = second[SIZE - 1] = 0;
        net_pool_return(&pool, second, SIZE);
        net_pool_return(&pool, first, 1);
    }
    assert_int_equal(resident(&pool), 2 * NET_PAGE);
    assert_true(pool.hot <= 2 * SIZE);
    net_pool_release(&pool);
}

static void test_too_much(void **state)
{
    (void)state;
    struct net_pool pool;
    assert_int_equal(net_pool_reserve(&pool, 1 << 20, (size_t)1 << 30), ERR_MEMORY);
    net_pool_release(&pool); /* nothing is there: nothing happens */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_residence), cmocka_unit_test(test_hot_ones_stay),
                                       cmocka_unit_test(test_too_much)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
