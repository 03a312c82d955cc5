/* SPDX-License-Identifier: Apache-2.0 */
/* A database that does not answer costs the requests that need it, for as long as the setting says; nothing is left of them. */
#include "gateway/faces/commercehub/commercehub.h"
#include "support/gateway_world.h"
#include "support/plain_face.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define WHO "X-User: " GATEWAY_WORLD_USER "\r\nX-Password: " GATEWAY_WORLD_PASSWORD "\r\n"
#define CARD "4111111111111111 3012 123 "
enum { STORE_MS = 300 };

static const struct gateway_face *const faces[] = {&gateway_commercehub, &plain_face};
static const struct gateway_faces list = {faces, 2};

static char answer[4096];

static int64_t now_ms(void)
{
    struct timespec at;
    (void)clock_gettime(CLOCK_MONOTONIC, &at);
    return (int64_t)at.tv_sec * 1000 + at.tv_nsec / 1000000;
}

static void wait_until_done(const struct gateway_world *w)
{
    for (int i = 0; i < 800 && gateway_world_busy(w) > 0; i++)
        (void)usleep(10000);
    assert_int_equal(gateway_world_busy(w), 0);
}

static void what_needs_no_store_goes_on(void **state)
{
    struct gateway_world *w = *state;
    gateway_world_freeze(w);
    int64_t began_ms = now_ms();
    assert_int_equal(gateway_world_ask(w, "/plain/pay", "X-User: user\r\nX-Password: wrong\r\n", CARD "1", answer), 401);
    assert_int_equal(gateway_world_ask(w, "/plain/pay", WHO "X-Id: f1\r\n", CARD, answer), 422);
    assert_true(now_ms() - began_ms < STORE_MS);
    gateway_world_thaw(w);
}

/* Signed as Commerce Hub wants it; the body is refused before the store is needed. */
static int ask_signed(struct gateway_world *w, const char *id, const char *body)
{
    static const struct gateway_secret key = {.len = sizeof GATEWAY_WORLD_PASSWORD - 1, .at = GATEWAY_WORLD_PASSWORD};
    char stamp[16], headers[512];
    uint8_t room[COMMERCEHUB_MAC_TEXT];
    struct buf mac = buf_over(room, sizeof room);
    (void)snprintf(stamp, sizeof stamp, "%lld", (long long)time(NULL) * 1000);
    const struct commercehub_headers h = {
        .api_key = span_text(GATEWAY_WORLD_USER), .request_id = span_text(id), .timestamp = span_text(stamp)};
    assert_int_equal(commercehub_mac(&key, &h, span_text(body), false, &mac), ERR_OK);
    (void)snprintf(headers, sizeof headers,
                   "Content-Type: application/json\r\nApi-Key: %s\r\nClient-Request-Id: %s\r\nTimestamp: %s\r\n"
                   "Auth-Token-Type: HMAC\r\nAuthorization: %.*s\r\n",
                   GATEWAY_WORLD_USER, id, stamp, (int)mac.len, (const char *)mac.at);
    return gateway_world_ask(w, "/payments/v1/charges", headers, body, answer);
}

/* Its signature is spent all the same, as soon as the store can be written. */
static void a_refusal_does_not_wait_for_the_store(void **state)
{
    struct gateway_world *w = *state;
    char id[16];
    gateway_world_freeze(w);
    for (int i = 0; i < 40; i++) { /* more than there are slots */
        (void)snprintf(id, sizeof id, "refused-%d", i);
        assert_int_equal(ask_signed(w, id, "{}"), 400);
    }
    assert_true(gateway_world_busy(w) > 0);
    assert_int_equal(gateway_world_ask(w, "/plain/pay", WHO "X-Id: f0\r\n", CARD, answer), 422); /* others find a slot */
    gateway_world_thaw(w);
    wait_until_done(w);
}

static void what_needs_it_is_answered_in_time_and_undone(void **state)
{
    struct gateway_world *w = *state;
    gateway_world_freeze(w);
    assert_int_equal(gateway_world_ask(w, "/plain/pay", WHO "X-Id: f2\r\n", CARD "200", answer), 503);
    assert_true(gateway_world_busy(w) > 0); /* it waits for the store without its client */
    assert_int_equal(gateway_world_ask(w, "/plain/pay", "X-User: user\r\nX-Password: wrong\r\n", CARD "1", answer), 401);
    gateway_world_thaw(w);
    wait_until_done(w);
    assert_int_equal(gateway_world_authorisations(w), 0);
    assert_int_equal(gateway_world_count(w, GATEWAY_ROW(REVERSAL_COUNT), "armed"), 0);
    assert_int_equal(gateway_world_count(w, GATEWAY_ROW(REVERSAL_COUNT), "queued"), 0);
    /* The same request may come again, and runs. */
    assert_int_equal(gateway_world_ask(w, "/plain/pay", WHO "X-Id: f2\r\n", CARD "200", answer), 200);
    assert_string_equal(answer, "approved A1B2C3");
    assert_int_equal(gateway_world_authorisations(w), 1);
    assert_int_equal(gateway_world_reversals(w), 0);
}

/* What the issuer approved and the store has not taken yet is not told: it is settled when the store answers. */
static void what_has_left_stands_or_is_reversed(void **state)
{
    struct gateway_world *w = *state;
    int before = gateway_world_authorisations(w);
    gateway_world_freeze_sent(w);
    assert_int_equal(gateway_world_ask(w, "/plain/pay", WHO "X-Id: f3\r\n", CARD "300", answer), 503);
    assert_int_equal(gateway_world_authorisations(w), before + 1);
    gateway_world_thaw(w);
    wait_until_done(w);
    /* The record that was late was stored after all, with its answer: a repeat is told what stands; or else it is reversed. */
    bool stands = gateway_world_count(w, GATEWAY_ROW(RECORD_COUNT), "captured") == 2;
    for (int i = 0; i < 300 && !stands && gateway_world_reversals(w) == 0; i++)
        (void)usleep(10000);
    assert_int_equal(gateway_world_reversals(w), stands ? 0 : 1);
    assert_int_equal(gateway_world_count(w, GATEWAY_ROW(REVERSAL_COUNT), "armed"), 0);
    assert_int_equal(gateway_world_ask(w, "/plain/pay", WHO "X-Id: f3\r\n", CARD "300", answer), 200);
    assert_int_equal(gateway_world_authorisations(w), stands ? before + 1 : before + 2);
}

static int open_world(void **state)
{
    *state = gateway_world_open(&list, STORE_MS);
    return 0;
}

static int close_world(void **state)
{
    gateway_world_close(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_needs_no_store_goes_on),
        cmocka_unit_test(a_refusal_does_not_wait_for_the_store),
        cmocka_unit_test(what_needs_it_is_answered_in_time_and_undone),
        cmocka_unit_test(what_has_left_stands_or_is_reversed),
    };
    return cmocka_run_group_tests_name("gateway, frozen store", tests, open_world, close_world);
}
