/* SPDX-License-Identifier: Apache-2.0 */
/* The guess budget of a card (switch.md 13), and what a link's configuration may say. */
#include "switch/guess.h"
#include "switch/link.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const int64_t now_ms = INT64_C(1767243600000); /* 2026-01-01T05:00:00Z */

/* switch.md 13: w=1: 10, w=2: 5, w=3: 3, w=4 or 5: 2, w=6 to 10: 1, w from 11: 0 */
static void guess_budget(void **state)
{
    static const int64_t budget[] = {10, 5, 3, 2, 2, 1, 1, 1, 1, 1, 0, 0};
    (void)state;
    for (size_t live = 1; live <= 12; live++) {
        struct ledger_code code = {0};

        assert_int_equal(switch_guess_budget(live), budget[live - 1]);
        for (int64_t i = 0; i < budget[live - 1]; i++) {
            assert_false(switch_guess_lock(&code, live, now_ms + i));
            switch_guess_fail(&code, live, now_ms + i);
        }
        assert_true(switch_guess_lock(&code, live, now_ms + 100));
        if (code.g_lock != LEDGER_LOCK_HARD && budget[live - 1] > 0) {
            assert_int_equal(code.g_lock, LEDGER_LOCK_SOFT);
            assert_true(switch_guess_lock(&code, live, now_ms + 86400000 - 1));
            assert_false(switch_guess_lock(&code, live, now_ms + 86400000 + 100));
        }
    }
}

static void ten_in_a_row_lock_hard(void **state)
{
    (void)state;
    struct ledger_code code = {0};
    for (int i = 0; i < 10; i++) {
        assert_int_not_equal(code.g_lock, LEDGER_LOCK_HARD);
        switch_guess_fail(&code, 3, now_ms + i * INT64_C(86400000));
    }
    assert_int_equal(code.g_lock, LEDGER_LOCK_HARD);
    assert_true(switch_guess_lock(&code, 0, now_ms + INT64_C(1000) * 86400000));
    assert_int_equal(code.g_fail_ts.len, 80);
}

/* Twenty in 30 days, whatever matches lie between them (switch.md 13, long cap). */
static void twenty_in_thirty_days_lock_hard(void **state)
{
    (void)state;
    struct ledger_code code = {0};
    for (int i = 0; i < 20; i++) {
        assert_int_not_equal(code.g_lock, LEDGER_LOCK_HARD);
        switch_guess_fail(&code, 1, now_ms + i / 4 * 7 * INT64_C(86400000)); /* days 0, 7, 14, 21, 28 */
        (void)switch_guess_pass(&code);
    }
    assert_int_equal(code.g_lock, LEDGER_LOCK_HARD);
    code = (struct ledger_code){0};
    for (int i = 0; i < 30; i++) { /* the first of them is 30 days old when the twentieth comes */
        switch_guess_fail(&code, 1, now_ms + i * 2 * INT64_C(86400000));
        (void)switch_guess_pass(&code);
    }
    assert_int_equal(code.g_lock, LEDGER_LOCK_NONE);
    assert_int_equal(switch_guess_failures_long(&code, now_ms + 58 * INT64_C(86400000)), 15);
    assert_int_equal(switch_guess_failures_long(&code, now_ms + 87 * INT64_C(86400000)), 1);
    assert_int_equal(switch_guess_failures_long(&code, now_ms + 88 * INT64_C(86400000)), 0);
}

static void a_match_ends_the_row_but_not_the_budget(void **state)
{
    (void)state;
    struct ledger_code code = {0};
    for (int i = 0; i < 4; i++)
        switch_guess_fail(&code, 2, now_ms);
    assert_true(switch_guess_pass(&code));
    assert_int_equal(code.g_consec, 0);
    assert_int_equal(switch_guess_failures(&code, now_ms), 4);
    assert_false(switch_guess_pass(&code));
}

static void links_say_what_is_wrong(void **state)
{
    struct switch_link_config good = {.profile = "visa-base1", .network = "visa", .extract = "visa_126_10", .result = "44_10"};
    (void)state;
    struct switch_link link;
    char problem[128];
    assert_int_equal(switch_link_resolve("v", &good, &link, problem, sizeof problem), ERR_OK);
    assert_string_equal(link.code_de39, "N7");
    assert_string_equal(link.zero_de39, "85");
    struct switch_link_config c = good;
    c.extract[0] = 0;
    assert_int_equal(switch_link_resolve("v", &c, &link, problem, sizeof problem), ERR_CONFIG);
    assert_non_null(strstr(problem, "extract"));
    c = good;
    memcpy(c.extract, "as2805_backslash", 17); /* DE47 is not in visa-base1 */
    assert_int_equal(switch_link_resolve("v", &c, &link, problem, sizeof problem), ERR_CONFIG);
    c = good;
    memcpy(c.network, "diners", 7);
    assert_int_equal(switch_link_resolve("v", &c, &link, problem, sizeof problem), ERR_CONFIG);
    c = good;
    memcpy(c.profile, "visa", 5);
    assert_int_equal(switch_link_resolve("v", &c, &link, problem, sizeof problem), ERR_CONFIG);
    c = good;
    memcpy(c.result, "44", 3);
    assert_int_equal(switch_link_resolve("v", &c, &link, problem, sizeof problem), ERR_CONFIG);
    c = good;
    c = good;
    memcpy(c.zero_length, "drop", 5);
    assert_int_equal(switch_link_resolve("v", &c, &link, problem, sizeof problem), ERR_CONFIG);
    c = good;
    memcpy(c.unknown_field, "drop", 5);
    assert_int_equal(switch_link_resolve("v", &c, &link, problem, sizeof problem), ERR_CONFIG);
    c = good;
    memcpy(c.code_de39, "63", 3);
    assert_int_equal(switch_link_resolve("v", &c, &link, problem, sizeof problem), ERR_OK);
    assert_string_equal(link.code_de39, "63");
    memcpy(c.code_de39, "6", 2);
    assert_int_equal(switch_link_resolve("v", &c, &link, problem, sizeof problem), ERR_CONFIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(guess_budget),
        cmocka_unit_test(ten_in_a_row_lock_hard),
        cmocka_unit_test(twenty_in_thirty_days_lock_hard),
        cmocka_unit_test(a_match_ends_the_row_but_not_the_budget),
        cmocka_unit_test(links_say_what_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
