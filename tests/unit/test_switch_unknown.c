/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A COMMIT whose answer is lost, on a real PostgreSQL: nothing is answered while its outcome cannot be read, and nothing that fails
 * later turns it into 96 (switch.md 6 step 8).
 */
#include "support/cutter.h"
#include "support/till.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* A request waits 1,500 ms for a reading. After a short break it is answered if the connection is there in time. */
enum { BREAK_MS = 1000, OUTAGE_MS = 2500, WAIT_MS = 3500, AMOUNT = 100 };

/* Sends a message whose commits are broken. DE39, or "" for no answer. */
static void send_cut(const struct iso8583_message *m, enum cutter_place place, unsigned times, int refuse_ms, char de39[static 3])
{
    uint8_t frame[ISO8583_FRAME_MAX];
    size_t len = lab_frame(LAB_VISA, m, frame, sizeof frame);
    int fd = lab_connect(&till_lab, 0, LAB_VISA);
    struct iso8583_message answer;
    cutter_arm(place, times, refuse_ms);
    lab_send(fd, frame, len);
    de39[0] = de39[2] = 0;
    if (lab_receive(fd, WAIT_MS, frame, sizeof frame, &len)) {
        assert_int_equal(iso8583_parse(&iso8583_profile_visa_base1, span_of(frame, len), &answer, NULL), ERR_OK);
        memcpy(de39, iso8583_get(&answer, ISO8583_RESPONSE).at, 2);
    }
    (void)close(fd);
    assert_int_equal(cutter_left(), 0);
}

static void expect_told(const char *de39, bool silence)
{
    assert_string_equal(de39, silence || de39[0] == 0 ? "" : "00");
}

static void expect_held(size_t n, int64_t held)
{
    struct ledger_full_card card;
    lab_read(&till_lab, n, &card);
    assert_int_equal(card.account.held, held);
}

static void expect_used(size_t n)
{
    struct ledger_full_card card;
    lab_read(&till_lab, n, &card);
    assert_int_equal(card.code.state, LEDGER_CODE_USED);
}

/* What was told, and what the network's repeat is told, is what is in the ledger: one payment. */
static void pay_cut(size_t n, enum cutter_place place, unsigned times, int refuse_ms)
{
    char code[4], de39[3];
    struct iso8583_message m, answer;
    lab_issue(&till_lab, n, 1, 300000);
    lab_code_one_time(&till_lab, n, 1, code);
    lab_request(&m, LAB_VISA, n, till_trace++, AMOUNT, code);
    send_cut(&m, place, times, refuse_ms, de39);
    expect_told(de39, refuse_ms == OUTAGE_MS || times > 1);
    m.mti = ISO8583_AUTHORISATION_REPEAT;
    lab_call(&till_lab, LAB_VISA, &m, &answer);
    till_expect(&answer, LAB_VISA, "00", 'M');
    expect_used(n);
    expect_held(n, AMOUNT);
}

static void the_answer_to_commit_is_lost(void **state)
{
    (void)state;
    pay_cut(TILL_ONE_TIME, CUTTER_ANSWER, 1, BREAK_MS);
}

static void commit_itself_is_lost(void **state)
{
    (void)state;
    pay_cut(TILL_ONE_TIME + 1, CUTTER_COMMIT, 1, BREAK_MS);
}

static void the_outcome_cannot_be_read(void **state)
{
    (void)state;
    pay_cut(TILL_ONE_TIME + 2, CUTTER_ANSWER, 1, OUTAGE_MS);
    pay_cut(TILL_ONE_TIME + 3, CUTTER_COMMIT, 1, OUTAGE_MS);
}

/* Unknown twice, and then the code is used: that it was not the first time is not known. */
static void commit_is_lost_again(void **state)
{
    (void)state;
    pay_cut(TILL_ONE_TIME + 4, CUTTER_COMMIT, 2, 200);
}

static void a_reversal(void **state)
{
    char code[4], de39[3];
    struct iso8583_message m, reversal, answer;
    (void)state;
    const int refuse_ms[] = {BREAK_MS, OUTAGE_MS};
    for (size_t i = 0; i < 2; i++) {
        lab_code_static(&till_lab, TILL_STATIC, code);
        lab_request(&m, LAB_VISA, TILL_STATIC, till_trace++, AMOUNT, code);
        lab_call(&till_lab, LAB_VISA, &m, &answer);
        till_expect(&answer, LAB_VISA, "00", 'M');
        iso8583_message_init(&reversal, ISO8583_REVERSAL);
        for (unsigned f = 2; f < ISO8583_FIELDS; f++)
            if (iso8583_need(&iso8583_profile_visa_base1, ISO8583_REVERSAL, f) != '-')
                iso8583_copy(&reversal, &m, f);
        iso8583_set_decimal(&reversal, ISO8583_STAN, till_trace++ % 1000000, 6);
        assert_int_equal(iso8583_original_write(&m, &reversal), ERR_OK);
        send_cut(&reversal, CUTTER_ANSWER, 1, refuse_ms[i], de39);
        expect_told(de39, refuse_ms[i] == OUTAGE_MS);
        reversal.mti = ISO8583_REVERSAL_REPEAT;
        lab_call(&till_lab, LAB_VISA, &reversal, &answer);
        assert_true(span_is(iso8583_get(&answer, ISO8583_RESPONSE), "00"));
        expect_held(TILL_STATIC, 0);
    }
}

static int open_cut(void **state)
{
    char url[256];
    struct buf text = buf_over(url, sizeof url);
    (void)state;
    cutter_open(&text);
    till_open_url(url);
    return 0;
}

static int close_cut(void **state)
{
    int failed = till_close(state);
    cutter_close();
    return failed;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_answer_to_commit_is_lost),
        cmocka_unit_test(commit_itself_is_lost),
        cmocka_unit_test(the_outcome_cannot_be_read),
        cmocka_unit_test(commit_is_lost_again),
        cmocka_unit_test(a_reversal),
    };
    return cmocka_run_group_tests(tests, open_cut, close_cut);
}
