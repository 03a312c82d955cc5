/* SPDX-License-Identifier: Apache-2.0 */
/* A second face beside Commerce Hub, over real HTTP: it is passed in the list of faces, and no file of the core knows it. */
#include "gateway/faces/commercehub/commercehub.h"
#include "support/gateway_world.h"
#include "support/plain_face.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define WHO "X-User: " GATEWAY_WORLD_USER "\r\nX-Password: " GATEWAY_WORLD_PASSWORD "\r\n"
#define CARD "4111111111111111 3012 123 "

static const struct gateway_face *const faces[] = {&gateway_commercehub, &plain_face};
static const struct gateway_faces both = {faces, 2};

static char answer[4096];

static int fault_of(const char *text)
{
    int id = 0;
    return sscanf(text, "fault %d", &id) == 1 ? id : -1;
}

static void a_face_of_the_tests_pays(void **state)
{
    struct gateway_world *w = *state;
    assert_int_equal(gateway_world_ask(w, "/plain/pay", WHO "X-Id: one\r\n", CARD "100", answer), 200);
    assert_string_equal(answer, "approved A1B2C3");
    assert_int_equal(gateway_world_count(w, GATEWAY_ROW(RECORD_COUNT), "captured"), 1);
    assert_int_equal(gateway_world_authorisations(w), 1);
}

static void its_repeats_are_told_the_same(void **state)
{
    struct gateway_world *w = *state;
    int before = gateway_world_authorisations(w);
    assert_int_equal(gateway_world_ask(w, "/plain/pay", WHO "X-Id: two\r\n", CARD "200", answer), 200);
    assert_int_equal(gateway_world_ask(w, "/plain/pay", WHO "X-Id: two\r\n", CARD "200", answer), 200);
    assert_string_equal(answer, "approved A1B2C3");
    assert_int_equal(gateway_world_authorisations(w), before + 1);
    assert_int_equal(gateway_world_ask(w, "/plain/pay", WHO "X-Id: two\r\n", CARD "201", answer), 422);
    assert_int_equal(fault_of(answer), GATEWAY_FAULT_REUSED);
}

static void it_authenticates_in_its_own_way(void **state)
{
    struct gateway_world *w = *state;
    assert_int_equal(gateway_world_ask(w, "/plain/pay", "X-User: user\r\nX-Password: wrong\r\n", CARD "1", answer), 401);
    assert_int_equal(fault_of(answer), GATEWAY_FAULT_AUTHENTICATION);
    assert_int_equal(gateway_world_ask(w, "/payments/v1/charges", WHO, "{}", answer), 401); /* and Commerce Hub in its own */
    assert_non_null(strstr(answer, "\"APIM\""));
}

static void its_faults_are_its_own(void **state)
{
    struct gateway_world *w = *state;
    assert_int_equal(gateway_world_ask(w, "/plain/pay", WHO "X-Id: three\r\n", "4111111111111112 3012 123 100", answer), 422);
    assert_int_equal(fault_of(answer), GATEWAY_FAULT_CARD_NUMBER);
    assert_int_equal(gateway_world_ask(w, "/plain/pay", WHO "X-Id: three\r\n", CARD, answer), 422);
    assert_int_equal(fault_of(answer), GATEWAY_FAULT_AMOUNT_MISSING);
    assert_int_equal(gateway_world_ask(w, "/plain/none", WHO, "", answer), 422);
    assert_int_equal(fault_of(answer), GATEWAY_FAULT_NOT_FOUND);
}

static void a_card_that_has_expired_goes_nowhere(void **state)
{
    struct gateway_world *w = *state;
    int before = gateway_world_authorisations(w);
    assert_int_equal(gateway_world_ask(w, "/plain/pay", WHO "X-Id: expired\r\n", "4111111111111111 2012 123 100", answer), 422);
    assert_int_equal(fault_of(answer), GATEWAY_FAULT_EXPIRY);
    assert_int_equal(gateway_world_ask(w, "/plain/pay", WHO "X-Id: expired\r\n", "4111111111111111 2012  100", answer), 422);
    assert_int_equal(fault_of(answer), GATEWAY_FAULT_EXPIRY); /* without a code as well */
    assert_int_equal(gateway_world_authorisations(w), before);
}

static void its_other_call_makes_a_key(void **state)
{
    struct gateway_world *w = *state;
    assert_int_equal(gateway_world_ask(w, "/plain/key", WHO "X-Id: four\r\n", "", answer), 200);
    assert_memory_equal(answer, "key ", 4);
    char first[64];
    (void)snprintf(first, sizeof first, "%.60s", answer);
    assert_int_equal(gateway_world_ask(w, "/plain/key", WHO "X-Id: four\r\n", "", answer), 200);
    assert_string_equal(answer, first);
}

static void a_list_with_a_hole_is_refused(void **state)
{
    (void)state;
    struct gateway_face half = plain_face;
    half.error = NULL;
    const struct gateway_face *const with[] = {&half};
    assert_int_equal(gateway_faces_check(&both), ERR_OK);
    assert_int_equal(gateway_faces_check(&(struct gateway_faces){with, 1}), ERR_CONFIG);
    assert_int_equal(gateway_faces_check(&(struct gateway_faces){with, 0}), ERR_CONFIG);
}

static int open_world(void **state)
{
    *state = gateway_world_open(&both, 5000);
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
        cmocka_unit_test(a_face_of_the_tests_pays),
        cmocka_unit_test(its_repeats_are_told_the_same),
        cmocka_unit_test(it_authenticates_in_its_own_way),
        cmocka_unit_test(its_faults_are_its_own),
        cmocka_unit_test(its_other_call_makes_a_key),
        cmocka_unit_test(a_list_with_a_hole_is_refused),
        cmocka_unit_test(a_card_that_has_expired_goes_nowhere),
    };
    return cmocka_run_group_tests_name("gateway face", tests, open_world, close_world);
}
