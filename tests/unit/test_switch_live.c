/* SPDX-License-Identifier: Apache-2.0 */
/* Real HSM and switch processes over SQLite, driven with real frames. Expected letters and codes: switch.md 4.4 and 12. */
#include "support/till.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void static_code(void **state)
{
    (void)state;
    char code[4];
    lab_code_static(&till_lab, 1, code);
    char wrong[4];
    till_wrong(code, wrong);
    till_pay(LAB_VISA, 1, 1250, code, "00", 'M');
    till_pay(LAB_VISA, 1, 1250, code, "00", 'M');
    till_pay(LAB_GENERIC, 1, 1250, code, "00", 'M');
    till_pay(LAB_EFTPOS, 1, 1250, code, "00", 0);
    till_pay(LAB_VISA, 1, 1250, wrong, "N7", 'N');
    till_pay(LAB_GENERIC, 1, 1250, wrong, "05", 'N');
    till_pay(LAB_EFTPOS, 1, 1250, wrong, "05", 0);
    till_pay(LAB_VISA, 1, 0, code, "85", 'M');
    till_pay(LAB_GENERIC, 1, 0, code, "00", 'M');
}

static void one_time_code_is_good_once(void **state)
{
    (void)state;
    lab_issue(&till_lab, 101, 1, 300000);
    char code[4];
    lab_code_one_time(&till_lab, 101, 1, code);
    till_pay(LAB_VISA, 101, 1000, code, "00", 'M');
    till_pay(LAB_VISA, 101, 1000, code, "N7", 'N');
    till_pay(LAB_EFTPOS, 101, 1000, code, "05", 0);
    struct ledger_full_card card;
    lab_read(&till_lab, 101, &card);
    assert_int_equal(card.code.state, LEDGER_CODE_USED);
    assert_int_equal(card.account.held, 1000);
    assert_int_equal(card.code.g_consec, 0); /* a dead code is no guess */
    lab_issue(&till_lab, 101, 2, 300000);
    lab_code_one_time(&till_lab, 101, 2, code);
    till_pay(LAB_EFTPOS, 101, 1000, code, "00", 0);
}

static void one_time_code_never_issued_or_expired(void **state)
{
    (void)state;
    char code[4];
    lab_code_one_time(&till_lab, 102, 0, code);
    till_pay(LAB_VISA, 102, 1000, code, "N7", 'N');
    lab_issue(&till_lab, 102, 1, 1);
    (void)usleep(5000);
    lab_code_one_time(&till_lab, 102, 1, code);
    till_pay(LAB_VISA, 102, 1000, code, "N7", 'N');
}

static void one_time_code_is_exhausted_by_wrong_ones(void **state)
{
    (void)state;
    lab_issue(&till_lab, 103, 1, 300000);
    char code[4];
    lab_code_one_time(&till_lab, 103, 1, code);
    char wrong[4];
    till_wrong(code, wrong);
    struct ledger_full_card card;
    for (int i = 1; i <= 3; i++) {
        till_pay(LAB_VISA, 103, 1000, wrong, "N7", 'N');
        lab_read(&till_lab, 103, &card);
        assert_int_equal(card.code.declines, i);
        assert_int_equal(card.code.state, i < 3 ? LEDGER_CODE_ACTIVE : LEDGER_CODE_EXHAUSTED);
        assert_int_equal(card.code.g_consec, i);
    }
    till_pay(LAB_VISA, 103, 1000, code, "N7", 'N');
}

static void a_decline_for_funds_keeps_the_code(void **state)
{
    (void)state;
    lab_issue(&till_lab, 104, 1, 300000);
    char code[4];
    lab_code_one_time(&till_lab, 104, 1, code);
    till_pay(LAB_VISA, 104, 100001, code, "51", 'M');
    struct ledger_full_card card;
    lab_read(&till_lab, 104, &card);
    assert_int_equal(card.code.state, LEDGER_CODE_ACTIVE);
    assert_int_equal(card.code.declines, 1);
    till_pay(LAB_VISA, 104, 100000, code, "00", 'M');
}

static void window_codes(void **state)
{
    int64_t now = env_wall_ms(&till_lab.env);
    (void)state;
    char fixed[4], current[4], previous[4], older[4], next[4];
    /* Not in the last second of a window: the next request would be in another. */
    if (now % 3600000 > 3595000) {
        (void)usleep(6000000);
        now = env_wall_ms(&till_lab.env);
    }
    lab_code_static(&till_lab, 201, fixed);
    lab_code_window(&till_lab, 201, now, current);
    lab_code_window(&till_lab, 201, now - 3600000, previous);
    lab_code_window(&till_lab, 201, now - 2 * 3600000, older);
    lab_code_window(&till_lab, 201, now + 3600000, next);
    till_pay(LAB_EFTPOS, 201, 100, current, "00", 0);
    till_pay(LAB_EFTPOS, 201, 100, previous, "00", 0);
    till_pay(LAB_VISA, 201, 100, current, "00", 'M');
    till_pay(LAB_VISA, 201, 100, fixed, "00", 'M');
    if (strcmp(older, current) != 0 && strcmp(older, previous) != 0 && strcmp(older, fixed) != 0)
        till_pay(LAB_VISA, 201, 100, older, "N7", 'N');
    if (strcmp(next, current) != 0 && strcmp(next, previous) != 0 && strcmp(next, fixed) != 0)
        till_pay(LAB_VISA, 201, 100, next, "N7", 'N');
}

static void parallel_plan(void **state)
{
    (void)state;
    lab_issue(&till_lab, 301, 1, 300000);
    char fixed[4], code[4];
    lab_code_static(&till_lab, 301, fixed);
    lab_code_one_time(&till_lab, 301, 1, code);
    till_pay(LAB_VISA, 301, 100, fixed, "00", 'M');
    till_pay(LAB_VISA, 301, 100, code, "00", 'M');
    if (strcmp(fixed, code) != 0)
        till_pay(LAB_VISA, 301, 100, code, "N7", 'N');
}

static void present_as(int link, size_t n, const char *field_126, const char *de39, char letter)
{
    struct iso8583_message request;
    lab_request(&request, link, n, till_trace++, 100, NULL);
    if (field_126)
        iso8583_set_text(&request, ISO8583_CODE, field_126);
    struct iso8583_message answer;
    lab_call(&till_lab, link, &request, &answer);
    till_expect(&answer, link, de39, letter);
}

static void absent_illegible_malformed(void **state)
{
    (void)state;
    present_as(LAB_GENERIC, 2, NULL, "00", 0);
    present_as(LAB_GENERIC, 2, "01    ", "00", 0);
    present_as(LAB_GENERIC, 2, "91    ", "00", 'S');
    present_as(LAB_GENERIC, 2, "21    ", "00", 'P');
    present_as(LAB_GENERIC, 2, "11 12 ", "05", 'P');
    present_as(LAB_GENERIC, 2, "11", "05", 'P');
    present_as(LAB_EFTPOS, 2, "21    ", "00", 0);
}

static void wrong_expiry_is_a_mismatch(void **state)
{
    (void)state;
    char code[4];
    lab_code_static(&till_lab, 3, code);
    struct iso8583_message request;
    lab_request(&request, LAB_VISA, 3, till_trace++, 100, code);
    iso8583_set_text(&request, ISO8583_EXPIRY, "3001");
    struct iso8583_message answer;
    lab_call(&till_lab, LAB_VISA, &request, &answer);
    till_expect(&answer, LAB_VISA, "N7", 'N');
}

static void result_not_wanted(void **state)
{
    struct iso8583_code presented = {.presence = ISO8583_CODE_PRESENT, .digits = {.len = 3}};
    (void)state;
    char code[4];
    lab_code_static(&till_lab, 4, code);
    memcpy(presented.digits.at, code, 3);
    struct iso8583_message request;
    lab_request(&request, LAB_VISA, 4, till_trace++, 100, code);
    assert_int_equal(iso8583_code_write(ISO8583_EXTRACT_VISA_126_10, &presented, &request), ERR_OK);
    struct iso8583_message answer;
    lab_call(&till_lab, LAB_VISA, &request, &answer);
    till_expect(&answer, LAB_VISA, "00", 0);
}

static void card_status_decides_first(void **state)
{
    (void)state;
    char code[4];
    lab_code_static(&till_lab, 6, code);
    lab_status(&till_lab, 6, LEDGER_CARD_SUSPENDED);
    till_pay(LAB_VISA, 6, 100, code, "05", 'M');
    till_pay(LAB_GENERIC, 6, 100, code, "62", 'M');
    lab_status(&till_lab, 6, LEDGER_CARD_CLOSED);
    till_pay(LAB_VISA, 6, 100, code, "46", 'M');
    till_pay(LAB_EFTPOS, 6, 100, code, "14", 0);
    till_pay(LAB_VISA, 99, 100, "123", "14", 0); /* nobody's card */
}

static void a_locked_card_looks_like_a_mismatch(void **state)
{
    (void)state;
    char code[4];
    lab_code_static(&till_lab, 7, code);
    char wrong[4];
    till_wrong(code, wrong);
    /* one accepted value: ten failures in 24 h are allowed, ten in a row lock hard */
    for (int i = 0; i < 10; i++)
        till_pay(LAB_VISA, 7, 100, wrong, "N7", 'N');
    struct ledger_full_card card;
    lab_read(&till_lab, 7, &card);
    assert_int_equal(card.code.g_lock, LEDGER_LOCK_HARD);
    till_pay(LAB_VISA, 7, 100, code, "N7", 'N');
    lab_read(&till_lab, 7, &card);
    assert_int_equal(card.code.g_consec, 10); /* a locked card counts no further */
    struct ledger_code after = card.code;
    after.g_lock = LEDGER_LOCK_NONE;
    after.g_consec = 0;
    after.g_fail_ts.len = 0;
    lab_code_write(&till_lab, &card.code, &after);
    till_pay(LAB_VISA, 7, 100, code, "00", 'M');
}

static void without_an_hsm_nothing_is_lost(void **state)
{
    (void)state;
    lab_issue(&till_lab, 109, 1, 300000);
    char code[4];
    lab_code_one_time(&till_lab, 109, 1, code);
    lab_hsm_stop(&till_lab);
    till_pay(LAB_VISA, 109, 1000, code, "91", 'P');
    till_pay(LAB_EFTPOS, 109, 1000, code, "91", 0);
    till_pay(LAB_VISA, 109, 100001, code, "51", 'P'); /* its other checks still run */
    struct ledger_full_card card;
    lab_read(&till_lab, 110, &card);
    struct ledger_code locked = card.code;
    locked.g_lock = LEDGER_LOCK_HARD;
    lab_code_write(&till_lab, &card.code, &locked);
    till_pay(LAB_VISA, 110, 1000, code, "N7", 'N'); /* a lock is a lock */
    till_pay(LAB_EFTPOS, 110, 1000, NULL, "05", 0);
    lab_read(&till_lab, 109, &card);
    assert_int_equal(card.code.state, LEDGER_CODE_ACTIVE);
    assert_int_equal(card.code.declines, 0);
    assert_int_equal(card.code.g_consec, 0);
    lab_hsm_start(&till_lab);
    for (int i = 0; i < 100; i++) { /* the link is opened again within seconds */
        struct iso8583_message request;
        struct iso8583_message answer;

        lab_request(&request, LAB_VISA, 109, till_trace++, 1000, code);
        lab_call(&till_lab, LAB_VISA, &request, &answer);
        if (!span_is(iso8583_get(&answer, ISO8583_RESPONSE), "91")) {
            till_expect(&answer, LAB_VISA, "00", 'M');
            return;
        }
        (void)usleep(100000);
    }
    fail_msg("the switch does not find the HSM again");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(static_code),
        cmocka_unit_test(one_time_code_is_good_once),
        cmocka_unit_test(one_time_code_never_issued_or_expired),
        cmocka_unit_test(one_time_code_is_exhausted_by_wrong_ones),
        cmocka_unit_test(a_decline_for_funds_keeps_the_code),
        cmocka_unit_test(window_codes),
        cmocka_unit_test(parallel_plan),
        cmocka_unit_test(absent_illegible_malformed),
        cmocka_unit_test(wrong_expiry_is_a_mismatch),
        cmocka_unit_test(result_not_wanted),
        cmocka_unit_test(card_status_decides_first),
        cmocka_unit_test(a_locked_card_looks_like_a_mismatch),
        cmocka_unit_test(without_an_hsm_nothing_is_lost),
    };
    return cmocka_run_group_tests_name("sqlite", tests, till_open, till_close) +
           cmocka_run_group_tests_name("postgres", tests, till_open_postgres, till_close);
}
