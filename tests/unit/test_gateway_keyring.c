/* SPDX-License-Identifier: Apache-2.0 */
/* The gateway's keys at hand: fresh for a while, gone at once when dropped, destroyed when the last worker lets go. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include "gateway/keyring.h"

#define ID "0001"

static struct gateway_key *put(struct gateway_keyring *ring, int64_t now_us)
{
    static uint8_t room[4096];
    static struct buf der;
    struct gateway_key *key = NULL;
    if (!der.at) {
        struct crypto_rsa_key rsa = {0};
        der = buf_over(room, sizeof room);
        assert_int_equal(crypto_rsa_generate(&rsa), ERR_OK);
        assert_int_equal(crypto_rsa_private_der(&rsa, &der), ERR_OK);
        crypto_rsa_free(&rsa);
    }
    const struct gateway_key like = {.id = ID, .merchant = 3, .expires_ms = 1};
    assert_int_equal(gateway_keyring_put(ring, &like, buf_span(&der), now_us, &key), ERR_OK);
    return key;
}

static struct gateway_key *find(struct gateway_keyring *ring, uint32_t merchant, int64_t now_us)
{
    return gateway_keyring_find(ring, merchant, span_text(ID), now_us);
}

static void a_key_is_fresh_for_a_while_and_for_its_merchant(void **state)
{
    (void)state;
    struct gateway_keyring *ring = NULL;
    assert_int_equal(gateway_keyring_create(&ring), ERR_OK);
    struct gateway_key *key = put(ring, 1000);
    assert_ptr_equal(find(ring, 3, 1000 + GATEWAY_KEY_FRESH_US), key);
    assert_null(find(ring, 3, 1001 + GATEWAY_KEY_FRESH_US));
    assert_null(find(ring, 4, 1000));
    gateway_keyring_destroy(ring);
}

static void a_dropped_key_is_destroyed_by_the_last_worker(void **state)
{
    (void)state;
    const int64_t now = 10 * (int64_t)GATEWAY_KEY_FRESH_US;
    struct gateway_keyring *ring = NULL;
    assert_int_equal(gateway_keyring_create(&ring), ERR_OK);
    struct gateway_key *key = put(ring, now);
    gateway_keyring_drop(ring, 3, span_text(ID));
    assert_int_equal(key->read_us, 0);

    key = put(ring, now);
    key->held = 2;
    gateway_keyring_drop(ring, 3, span_text(ID));
    assert_null(find(ring, 3, now));
    gateway_keyring_release(key);
    assert_int_not_equal(key->read_us, 0); /* the other worker still computes with it */
    gateway_keyring_release(key);
    assert_int_equal(key->read_us, 0);

    key = put(ring, now);
    key->held = 1;
    gateway_keyring_release(key);
    assert_ptr_equal(find(ring, 3, now), key);
    gateway_keyring_destroy(ring);
}

static void an_expired_key_leaves_the_ring(void **state)
{
    (void)state;
    const int64_t now = 10 * (int64_t)GATEWAY_KEY_FRESH_US;
    struct gateway_keyring *ring = NULL;
    assert_int_equal(gateway_keyring_create(&ring), ERR_OK);
    struct gateway_key *key = put(ring, now); /* it expires at 1 */
    gateway_keyring_expire(ring, 0);
    assert_ptr_equal(find(ring, 3, now), key);
    key->held = 1;
    gateway_keyring_expire(ring, 1);
    assert_null(find(ring, 3, now));
    gateway_keyring_release(key);
    assert_int_equal(key->read_us, 0);
    gateway_keyring_destroy(ring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_is_fresh_for_a_while_and_for_its_merchant),
        cmocka_unit_test(a_dropped_key_is_destroyed_by_the_last_worker),
        cmocka_unit_test(an_expired_key_leaves_the_ring),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
