/* SPDX-License-Identifier: Apache-2.0 */
/* Repeats, reversals, network messages and rubbish, against real processes. Expected behaviour: switch.md 3 and 8. */
#include "support/till.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static size_t raw_call(int link, const struct iso8583_message *m, uint8_t *out)
{
    int fd = lab_connect(&till_lab, 0, link);
    size_t len = lab_frame(link, m, out, ISO8583_FRAME_MAX);
    lab_send(fd, out, len);
    assert_true(lab_receive(fd, 8000, out, ISO8583_FRAME_MAX, &len));
    (void)close(fd);
    return len;
}

static void a_repeat_gets_the_stored_answer(void **state)
{
    (void)state;
    lab_issue(&till_lab, 105, 1, 300000);
    char code[4];
    lab_code_one_time(&till_lab, 105, 1, code);
    char wrong[4];
    till_wrong(code, wrong);
    struct iso8583_message request;
    lab_request(&request, LAB_VISA, 105, till_trace++, 700, code);
    uint8_t first[ISO8583_FRAME_MAX];
    size_t len = raw_call(LAB_VISA, &request, first);
    request.mti = ISO8583_AUTHORISATION_REPEAT;
    uint8_t again[ISO8583_FRAME_MAX];
    assert_int_equal(raw_call(LAB_VISA, &request, again), len);
    assert_memory_equal(first, again, len);
    /* a resend with another code is the same message */
    lab_request(&request, LAB_VISA, 105, till_trace - 1, 700, wrong);
    assert_int_equal(raw_call(LAB_VISA, &request, again), len);
    assert_memory_equal(first, again, len);
    struct ledger_full_card card;
    lab_read(&till_lab, 105, &card);
    assert_int_equal(card.account.held, 700);
    assert_int_equal(card.code.g_consec, 0);
    /* the same key, another amount */
    lab_request(&request, LAB_VISA, 105, till_trace - 1, 701, code);
    struct iso8583_message answer;
    lab_call(&till_lab, LAB_VISA, &request, &answer);
    till_expect(&answer, LAB_VISA, "94", 0);
}

static void repeats_in_one_write(void **state)
{
    int fd = lab_connect(&till_lab, 0, LAB_VISA);
    (void)state;
    lab_issue(&till_lab, 106, 1, 300000);
    char code[4];
    lab_code_one_time(&till_lab, 106, 1, code);
    struct iso8583_message request;
    lab_request(&request, LAB_VISA, 106, till_trace++, 700, code);
    uint8_t frame[ISO8583_FRAME_MAX];
    size_t len = lab_frame(LAB_VISA, &request, frame, sizeof frame);
    for (int i = 0; i < 3; i++)
        lab_send(fd, frame, len);
    uint8_t answers[3][ISO8583_FRAME_MAX];
    size_t got[3];
    for (int i = 0; i < 3; i++) {
        assert_true(lab_receive(fd, 8000, answers[i], ISO8583_FRAME_MAX, &got[i]));
        assert_int_equal(got[i], got[0]);
        assert_memory_equal(answers[i], answers[0], got[0]);
    }
    (void)close(fd);
    struct ledger_full_card card;
    lab_read(&till_lab, 106, &card);
    assert_int_equal(card.account.held, 700);
}

static void reverse(const struct iso8583_message *original, int64_t left, struct iso8583_message *answer)
{
    struct iso8583_message m;
    iso8583_message_init(&m, ISO8583_REVERSAL);
    for (unsigned f = 2; f < ISO8583_FIELDS; f++)
        if (iso8583_need(&iso8583_profile_visa_base1, ISO8583_REVERSAL, f) != '-')
            iso8583_copy(&m, original, f);
    iso8583_set_decimal(&m, ISO8583_STAN, till_trace % 1000000, 6);
    iso8583_set_decimal(&m, ISO8583_RRN, till_trace++, 12);
    assert_int_equal(iso8583_original_write(original, &m), ERR_OK);
    if (left > 0)
        assert_int_equal(iso8583_replacement_write(&m, (uint64_t)left), ERR_OK);
    lab_call(&till_lab, LAB_VISA, &m, answer);
    assert_int_equal(answer->mti, ISO8583_REVERSAL_ANSWER);
}

static void reversals(void **state)
{
    (void)state;
    char code[4];
    lab_code_static(&till_lab, 5, code);
    struct iso8583_message request;
    lab_request(&request, LAB_VISA, 5, till_trace++, 1000, code);
    struct iso8583_message answer;
    lab_call(&till_lab, LAB_VISA, &request, &answer);
    till_expect(&answer, LAB_VISA, "00", 'M');
    reverse(&request, 400, &answer); /* partial: 400 stay */
    assert_true(span_is(iso8583_get(&answer, ISO8583_RESPONSE), "00"));
    struct ledger_full_card card;
    lab_read(&till_lab, 5, &card);
    assert_int_equal(card.account.held, 400);
    reverse(&request, 0, &answer); /* 1,000 are not left */
    assert_true(span_is(iso8583_get(&answer, ISO8583_RESPONSE), "13"));
    lab_read(&till_lab, 5, &card);
    assert_int_equal(card.account.held, 400);
    iso8583_set_decimal(&request, ISO8583_AMOUNT, 400, 12);
    reverse(&request, 0, &answer);
    assert_true(span_is(iso8583_get(&answer, ISO8583_RESPONSE), "00"));
    lab_read(&till_lab, 5, &card);
    assert_int_equal(card.account.held, 0);
    reverse(&request, 0, &answer); /* once more: nothing is released twice */
    assert_true(span_is(iso8583_get(&answer, ISO8583_RESPONSE), "13"));
    lab_read(&till_lab, 5, &card);
    assert_int_equal(card.account.held, 0);
}

/* DE95 says what stays authorised: a second message that says the same, under a number of its own, gives nothing more back. */
static void a_partial_reversal_counts_once(void **state)
{
    (void)state;
    char code[4];
    lab_code_static(&till_lab, 9, code);
    struct iso8583_message request;
    lab_request(&request, LAB_VISA, 9, till_trace++, 1000, code);
    struct iso8583_message answer;
    lab_call(&till_lab, LAB_VISA, &request, &answer);
    till_expect(&answer, LAB_VISA, "00", 'M');
    struct ledger_full_card card;
    for (int i = 0; i < 2; i++) {
        reverse(&request, 400, &answer);
        assert_true(span_is(iso8583_get(&answer, ISO8583_RESPONSE), "00"));
        lab_read(&till_lab, 9, &card);
        assert_int_equal(card.account.held, 400);
    }
    reverse(&request, 700, &answer); /* nor is anything taken again */
    assert_true(span_is(iso8583_get(&answer, ISO8583_RESPONSE), "13"));
    lab_read(&till_lab, 9, &card);
    assert_int_equal(card.account.held, 400);
}

/* The number in a reversal must be that of its original: another card's holder cannot release a hold. */
static void a_reversal_of_another_card(void **state)
{
    (void)state;
    char code[4];
    lab_code_static(&till_lab, 10, code);
    struct iso8583_message request;
    lab_request(&request, LAB_VISA, 10, till_trace++, 1000, code);
    struct iso8583_message answer;
    lab_call(&till_lab, LAB_VISA, &request, &answer);
    till_expect(&answer, LAB_VISA, "00", 'M');
    struct iso8583_message other;
    lab_request(&other, LAB_VISA, 11, till_trace++, 1000, code);
    iso8583_copy(&request, &other, ISO8583_PAN);
    reverse(&request, 0, &answer);
    assert_true(span_is(iso8583_get(&answer, ISO8583_RESPONSE), "00"));
    struct ledger_full_card card;
    lab_read(&till_lab, 10, &card);
    assert_int_equal(card.account.held, 1000);
}

static void held_funds_are_not_spent_twice(void **state)
{
    (void)state;
    char code[4];
    lab_code_static(&till_lab, 12, code);
    till_pay(LAB_VISA, 12, 60000, code, "00", 'M');
    till_pay(LAB_VISA, 12, 60000, code, "51", 'M');
    till_pay(LAB_VISA, 12, 40000, code, "00", 'M');
    till_pay(LAB_VISA, 12, 1, code, "51", 'M');
}

static void a_reversal_revives_no_code(void **state)
{
    (void)state;
    lab_issue(&till_lab, 107, 1, 300000);
    char code[4];
    lab_code_one_time(&till_lab, 107, 1, code);
    struct iso8583_message request;
    lab_request(&request, LAB_VISA, 107, till_trace++, 1000, code);
    struct iso8583_message answer;
    lab_call(&till_lab, LAB_VISA, &request, &answer);
    reverse(&request, 0, &answer);
    struct ledger_full_card card;
    lab_read(&till_lab, 107, &card);
    assert_int_equal(card.account.held, 0);
    assert_int_equal(card.code.state, LEDGER_CODE_USED);
    till_pay(LAB_VISA, 107, 1000, code, "N7", 'N');
}

static void a_reversal_before_its_original(void **state)
{
    (void)state;
    lab_issue(&till_lab, 108, 1, 300000);
    char code[4];
    lab_code_one_time(&till_lab, 108, 1, code);
    struct iso8583_message request;
    lab_request(&request, LAB_VISA, 108, till_trace++, 1000, code);
    struct iso8583_message answer;
    reverse(&request, 0, &answer);
    assert_true(span_is(iso8583_get(&answer, ISO8583_RESPONSE), "00"));
    lab_call(&till_lab, LAB_VISA, &request, &answer);
    till_expect(&answer, LAB_VISA, "05", 0);
    struct ledger_full_card card;
    lab_read(&till_lab, 108, &card);
    assert_int_equal(card.code.state, LEDGER_CODE_ACTIVE);
    assert_int_equal(card.account.held, 0);
}

static void network_messages(void **state)
{
    (void)state;
    struct iso8583_message m;
    iso8583_message_init(&m, ISO8583_NETWORK);
    iso8583_set_text(&m, ISO8583_TRANSMISSION, "1121043000");
    iso8583_set_text(&m, ISO8583_STAN, "000001");
    iso8583_set_text(&m, ISO8583_NETWORK_CODE, "301");
    struct iso8583_message answer;
    for (int link = 0; link < LAB_LINKS; link++) {
        lab_call(&till_lab, link, &m, &answer);
        assert_int_equal(answer.mti, ISO8583_NETWORK_ANSWER);
        assert_true(span_is(iso8583_get(&answer, ISO8583_RESPONSE), "00"));
        assert_true(span_is(iso8583_get(&answer, ISO8583_NETWORK_CODE), "301"));
    }
}

static void garbage_costs_nobody_an_answer(void **state)
{
    uint64_t seed = 88172645463325252u;
    (void)state;
    uint8_t frame[600];
    uint8_t answer[ISO8583_FRAME_MAX];
    size_t len = 0;
    const char *const echo[] = {"0800822000000000000004000000000000001121043000000001301",
                                "\x08\x00\x82\x20\0\0\0\0\0\0\x04\0\0\0\0\0\0\0\x11\x21\x04\x30\0\0\0\x01\x03\x01"};
    const size_t echo_len[] = {55, 28};
    for (int round = 0; round < 60; round++) {
        int fd = lab_connect(&till_lab, 0, round % LAB_LINKS);

        for (size_t i = 0; i < sizeof frame; i++) {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            frame[i] = (uint8_t)seed;
        }
        lab_send(fd, frame, 4 + seed % 500);
        lab_send(fd, echo[round % LAB_LINKS == LAB_VISA], echo_len[round % LAB_LINKS == LAB_VISA]);
        assert_true(lab_receive(fd, 3000, answer, sizeof answer, &len));
        (void)close(fd);
    }
    /* 0120 is answered 12, a 0100 with a broken field 30 */
    int fd = lab_connect(&till_lab, 0, LAB_GENERIC);
    lab_send(fd, "012002200000000000001121043000000001", 36);
    assert_true(lab_receive(fd, 3000, answer, sizeof answer, &len));
    assert_memory_equal(answer, "0130", 4);
    assert_memory_equal(answer + len - 2, "12", 2);
    lab_send(fd, "010002200000000000001121043000000001", 36);
    assert_true(lab_receive(fd, 3000, answer, sizeof answer, &len));
    assert_memory_equal(answer + len - 2, "30", 2);
    (void)close(fd);
    char code[4];
    lab_code_static(&till_lab, 8, code);
    till_pay(LAB_VISA, 8, 100, code, "00", 'M'); /* and it still works */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_repeat_gets_the_stored_answer),
        cmocka_unit_test(repeats_in_one_write),
        cmocka_unit_test(reversals),
        cmocka_unit_test(a_partial_reversal_counts_once),
        cmocka_unit_test(a_reversal_of_another_card),
        cmocka_unit_test(held_funds_are_not_spent_twice),
        cmocka_unit_test(a_reversal_revives_no_code),
        cmocka_unit_test(a_reversal_before_its_original),
        cmocka_unit_test(network_messages),
        cmocka_unit_test(garbage_costs_nobody_an_answer),
    };
    return cmocka_run_group_tests_name("sqlite", tests, till_open, till_close) +
           cmocka_run_group_tests_name("postgres", tests, till_open_postgres, till_close);
}
