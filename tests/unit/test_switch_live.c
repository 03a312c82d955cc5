/* SPDX-License-Identifier: Apache-2.0 */
/* Real HSM and switch processes over SQLite, driven with real frames. Expected letters and codes: switch spec 4.4 and 12. */
#include "support/lab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* Cards by number: each test has its own. */
enum { STATIC_CARDS = 1, ONE_TIME_CARDS = 101, WINDOW_CARDS = 201, PARALLEL_CARDS = 301, CARDS_EACH = 40 };
static struct lab lab;
static uint64_t trace = 1;

static int start(void **state)
{
    struct ledger_product p;

    (void)state;
    lab_open(&lab, NULL);
    p = lab_product("static", LEDGER_STATIC);
    lab_put_product(&lab, &p);
    p = lab_product("one-time", LEDGER_ONE_TIME);
    lab_put_product(&lab, &p);
    p = lab_product("window", LEDGER_TIME_WINDOW);
    lab_put_product(&lab, &p);
    p = lab_product("parallel", LEDGER_ONE_TIME);
    p.static_policy = LEDGER_STATIC_ALLOWED;
    p.plan_parallel = true;
    lab_put_product(&lab, &p);
    lab_put_cards(&lab, "static", STATIC_CARDS, CARDS_EACH, 100000);
    lab_put_cards(&lab, "one-time", ONE_TIME_CARDS, CARDS_EACH, 100000);
    lab_put_cards(&lab, "window", WINDOW_CARDS, CARDS_EACH, 100000);
    lab_put_cards(&lab, "parallel", PARALLEL_CARDS, CARDS_EACH, 100000);
    lab_hsm_start(&lab);
    lab_switch_start(&lab);
    return 0;
}

static int stop(void **state)
{
    bool orderly = lab_switch_stop(&lab);

    (void)state;
    lab_close(&lab);
    return orderly ? 0 : 1;
}

static void expect(const struct iso_message *answer, int link, const char *de39, char letter)
{
    struct span code = iso_get(answer, ISO_RESPONSE);

    if (!span_is(code, de39))
        print_error("DE39 %.*s, not %s\n", (int)code.len, code.at, de39);
    assert_true(span_is(code, de39));
    assert_int_equal(iso_result_read(link == LAB_EFTPOS ? ISO_RESULT_NONE : ISO_RESULT_44_10, answer), letter);
    assert_int_equal(iso_has(answer, ISO_APPROVAL), strcmp(de39, "00") == 0 || strcmp(de39, "85") == 0);
}

/* One request of card `n`, its answer checked. */
static void pay(int link, size_t n, int64_t amount, const char *code, const char *de39, char letter)
{
    struct iso_message request;
    struct iso_message answer;

    lab_request(&request, link, n, trace++, amount, code);
    lab_call(&lab, link, &request, &answer);
    assert_int_equal(answer.mti, ISO_AUTHORISATION_ANSWER);
    assert_true(span_equal(iso_get(&request, ISO_STAN), iso_get(&answer, ISO_STAN)));
    assert_false(iso_has(&answer, ISO_CODE));
    expect(&answer, link, de39, letter);
}

static void wrong_of(const char *code, char out[static 4])
{
    memcpy(out, code, 4);
    out[2] = (char)('0' + (out[2] - '0' + 1) % 10);
}

static void static_code(void **state)
{
    char code[4];
    char wrong[4];

    (void)state;
    lab_code_static(&lab, 1, code);
    wrong_of(code, wrong);
    pay(LAB_VISA, 1, 1250, code, "00", 'M');
    pay(LAB_VISA, 1, 1250, code, "00", 'M');
    pay(LAB_GENERIC, 1, 1250, code, "00", 'M');
    pay(LAB_EFTPOS, 1, 1250, code, "00", 0);
    pay(LAB_VISA, 1, 1250, wrong, "N7", 'N');
    pay(LAB_GENERIC, 1, 1250, wrong, "05", 'N');
    pay(LAB_EFTPOS, 1, 1250, wrong, "05", 0);
    pay(LAB_VISA, 1, 0, code, "85", 'M');
    pay(LAB_GENERIC, 1, 0, code, "00", 'M');
}

static void one_time_code_is_good_once(void **state)
{
    char code[4];
    struct ledger_full_card card;

    (void)state;
    lab_issue(&lab, 101, 1, 300000);
    lab_code_one_time(&lab, 101, 1, code);
    pay(LAB_VISA, 101, 1000, code, "00", 'M');
    pay(LAB_VISA, 101, 1000, code, "N7", 'N');
    pay(LAB_EFTPOS, 101, 1000, code, "05", 0);
    lab_read(&lab, 101, &card);
    assert_int_equal(card.code.state, LEDGER_CODE_USED);
    assert_int_equal(card.account.held, 1000);
    assert_int_equal(card.code.g_consec, 0); /* a dead code is no guess */
    lab_issue(&lab, 101, 2, 300000);
    lab_code_one_time(&lab, 101, 2, code);
    pay(LAB_EFTPOS, 101, 1000, code, "00", 0);
}

static void one_time_code_never_issued_or_expired(void **state)
{
    char code[4];

    (void)state;
    lab_code_one_time(&lab, 102, 0, code);
    pay(LAB_VISA, 102, 1000, code, "N7", 'N');
    lab_issue(&lab, 102, 1, 1);
    (void)usleep(5000);
    lab_code_one_time(&lab, 102, 1, code);
    pay(LAB_VISA, 102, 1000, code, "N7", 'N');
}

static void one_time_code_is_exhausted_by_wrong_ones(void **state)
{
    char code[4];
    char wrong[4];
    struct ledger_full_card card;

    (void)state;
    lab_issue(&lab, 103, 1, 300000);
    lab_code_one_time(&lab, 103, 1, code);
    wrong_of(code, wrong);
    for (int i = 1; i <= 3; i++) {
        pay(LAB_VISA, 103, 1000, wrong, "N7", 'N');
        lab_read(&lab, 103, &card);
        assert_int_equal(card.code.declines, i);
        assert_int_equal(card.code.state, i < 3 ? LEDGER_CODE_ACTIVE : LEDGER_CODE_EXHAUSTED);
        assert_int_equal(card.code.g_consec, i);
    }
    pay(LAB_VISA, 103, 1000, code, "N7", 'N');
}

static void a_decline_for_funds_keeps_the_code(void **state)
{
    char code[4];
    struct ledger_full_card card;

    (void)state;
    lab_issue(&lab, 104, 1, 300000);
    lab_code_one_time(&lab, 104, 1, code);
    pay(LAB_VISA, 104, 100001, code, "51", 'M');
    lab_read(&lab, 104, &card);
    assert_int_equal(card.code.state, LEDGER_CODE_ACTIVE);
    assert_int_equal(card.code.declines, 1);
    pay(LAB_VISA, 104, 100000, code, "00", 'M');
}

static void window_codes(void **state)
{
    int64_t now = env_wall_ms(&lab.env);
    char fixed[4], current[4], previous[4], older[4], next[4];

    (void)state;
    /* Not in the last second of a window: the next request would be in another. */
    if (now % 3600000 > 3595000) {
        (void)usleep(6000000);
        now = env_wall_ms(&lab.env);
    }
    lab_code_static(&lab, 201, fixed);
    lab_code_window(&lab, 201, now, current);
    lab_code_window(&lab, 201, now - 3600000, previous);
    lab_code_window(&lab, 201, now - 2 * 3600000, older);
    lab_code_window(&lab, 201, now + 3600000, next);
    pay(LAB_EFTPOS, 201, 100, current, "00", 0);
    pay(LAB_EFTPOS, 201, 100, previous, "00", 0);
    pay(LAB_VISA, 201, 100, current, "00", 'M');
    pay(LAB_VISA, 201, 100, fixed, "00", 'M');
    if (strcmp(older, current) != 0 && strcmp(older, previous) != 0 && strcmp(older, fixed) != 0)
        pay(LAB_VISA, 201, 100, older, "N7", 'N');
    if (strcmp(next, current) != 0 && strcmp(next, previous) != 0 && strcmp(next, fixed) != 0)
        pay(LAB_VISA, 201, 100, next, "N7", 'N');
}

static void parallel_plan(void **state)
{
    char fixed[4], code[4];

    (void)state;
    lab_issue(&lab, 301, 1, 300000);
    lab_code_static(&lab, 301, fixed);
    lab_code_one_time(&lab, 301, 1, code);
    pay(LAB_VISA, 301, 100, fixed, "00", 'M');
    pay(LAB_VISA, 301, 100, code, "00", 'M');
    if (strcmp(fixed, code) != 0)
        pay(LAB_VISA, 301, 100, code, "N7", 'N');
}

static void present_as(int link, size_t n, const char *field_126, const char *de39, char letter)
{
    struct iso_message request;
    struct iso_message answer;

    lab_request(&request, link, n, trace++, 100, NULL);
    if (field_126 != NULL)
        iso_set_text(&request, ISO_CODE, field_126);
    lab_call(&lab, link, &request, &answer);
    expect(&answer, link, de39, letter);
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
    char code[4];
    struct iso_message request;
    struct iso_message answer;

    (void)state;
    lab_code_static(&lab, 3, code);
    lab_request(&request, LAB_VISA, 3, trace++, 100, code);
    iso_set_text(&request, ISO_EXPIRY, "3001");
    lab_call(&lab, LAB_VISA, &request, &answer);
    expect(&answer, LAB_VISA, "N7", 'N');
}

static void result_not_wanted(void **state)
{
    char code[4];
    struct iso_message request;
    struct iso_message answer;
    struct iso_code presented = {.presence = ISO_CODE_PRESENT, .digits = {.len = 3}};

    (void)state;
    lab_code_static(&lab, 4, code);
    memcpy(presented.digits.at, code, 3);
    lab_request(&request, LAB_VISA, 4, trace++, 100, code);
    assert_int_equal(iso_code_write(ISO_EXTRACT_VISA_126_10, &presented, &request), ERR_OK);
    lab_call(&lab, LAB_VISA, &request, &answer);
    expect(&answer, LAB_VISA, "00", 0);
}

static size_t raw_call(int link, const struct iso_message *m, uint8_t *out)
{
    int fd = lab_connect(&lab, 0, link);
    size_t len = lab_frame(link, m, out, ISO_FRAME_MAX);

    lab_send(fd, out, len);
    assert_true(lab_receive(fd, 8000, out, ISO_FRAME_MAX, &len));
    (void)close(fd);
    return len;
}

static void a_repeat_gets_the_stored_answer(void **state)
{
    char code[4];
    char wrong[4];
    struct iso_message request;
    struct iso_message answer;
    struct ledger_full_card card;
    uint8_t first[ISO_FRAME_MAX];
    uint8_t again[ISO_FRAME_MAX];
    size_t len;

    (void)state;
    lab_issue(&lab, 105, 1, 300000);
    lab_code_one_time(&lab, 105, 1, code);
    wrong_of(code, wrong);
    lab_request(&request, LAB_VISA, 105, trace++, 700, code);
    len = raw_call(LAB_VISA, &request, first);
    request.mti = ISO_AUTHORISATION_REPEAT;
    assert_int_equal(raw_call(LAB_VISA, &request, again), len);
    assert_memory_equal(first, again, len);
    /* a resend with another code is the same message */
    lab_request(&request, LAB_VISA, 105, trace - 1, 700, wrong);
    assert_int_equal(raw_call(LAB_VISA, &request, again), len);
    assert_memory_equal(first, again, len);
    lab_read(&lab, 105, &card);
    assert_int_equal(card.account.held, 700);
    assert_int_equal(card.code.g_consec, 0);
    /* the same key, another amount */
    lab_request(&request, LAB_VISA, 105, trace - 1, 701, code);
    lab_call(&lab, LAB_VISA, &request, &answer);
    expect(&answer, LAB_VISA, "94", 0);
}

static void repeats_in_one_write(void **state)
{
    char code[4];
    struct iso_message request;
    uint8_t frame[ISO_FRAME_MAX];
    uint8_t answers[3][ISO_FRAME_MAX];
    size_t len;
    size_t got[3];
    int fd = lab_connect(&lab, 0, LAB_VISA);
    struct ledger_full_card card;

    (void)state;
    lab_issue(&lab, 106, 1, 300000);
    lab_code_one_time(&lab, 106, 1, code);
    lab_request(&request, LAB_VISA, 106, trace++, 700, code);
    len = lab_frame(LAB_VISA, &request, frame, sizeof frame);
    for (int i = 0; i < 3; i++)
        lab_send(fd, frame, len);
    for (int i = 0; i < 3; i++) {
        assert_true(lab_receive(fd, 8000, answers[i], ISO_FRAME_MAX, &got[i]));
        assert_int_equal(got[i], got[0]);
        assert_memory_equal(answers[i], answers[0], got[0]);
    }
    (void)close(fd);
    lab_read(&lab, 106, &card);
    assert_int_equal(card.account.held, 700);
}

static void reverse(const struct iso_message *original, int64_t left, struct iso_message *answer)
{
    struct iso_message m;

    iso_message_init(&m, ISO_REVERSAL);
    for (unsigned f = 2; f < ISO_FIELDS; f++)
        if (iso_need(&iso_profile_visa_base1, ISO_REVERSAL, f) != '-')
            iso_copy(&m, original, f);
    iso_set_decimal(&m, ISO_STAN, trace % 1000000, 6);
    iso_set_decimal(&m, ISO_RRN, trace++, 12);
    assert_int_equal(iso_original_write(original, &m), ERR_OK);
    if (left > 0)
        assert_int_equal(iso_replacement_write(&m, (uint64_t)left), ERR_OK);
    lab_call(&lab, LAB_VISA, &m, answer);
    assert_int_equal(answer->mti, ISO_REVERSAL_ANSWER);
}

static void reversals(void **state)
{
    char code[4];
    struct iso_message request;
    struct iso_message answer;
    struct ledger_full_card card;

    (void)state;
    lab_code_static(&lab, 5, code);
    lab_request(&request, LAB_VISA, 5, trace++, 1000, code);
    lab_call(&lab, LAB_VISA, &request, &answer);
    expect(&answer, LAB_VISA, "00", 'M');
    reverse(&request, 400, &answer); /* partial: 400 stay */
    assert_true(span_is(iso_get(&answer, ISO_RESPONSE), "00"));
    lab_read(&lab, 5, &card);
    assert_int_equal(card.account.held, 400);
    reverse(&request, 0, &answer);
    assert_true(span_is(iso_get(&answer, ISO_RESPONSE), "00"));
    lab_read(&lab, 5, &card);
    assert_int_equal(card.account.held, 0);
    reverse(&request, 0, &answer); /* once more: nothing is released twice */
    lab_read(&lab, 5, &card);
    assert_int_equal(card.account.held, 0);
}

static void a_reversal_revives_no_code(void **state)
{
    char code[4];
    struct iso_message request;
    struct iso_message answer;
    struct ledger_full_card card;

    (void)state;
    lab_issue(&lab, 107, 1, 300000);
    lab_code_one_time(&lab, 107, 1, code);
    lab_request(&request, LAB_VISA, 107, trace++, 1000, code);
    lab_call(&lab, LAB_VISA, &request, &answer);
    reverse(&request, 0, &answer);
    lab_read(&lab, 107, &card);
    assert_int_equal(card.account.held, 0);
    assert_int_equal(card.code.state, LEDGER_CODE_USED);
    pay(LAB_VISA, 107, 1000, code, "N7", 'N');
}

static void a_reversal_before_its_original(void **state)
{
    char code[4];
    struct iso_message request;
    struct iso_message answer;
    struct ledger_full_card card;

    (void)state;
    lab_issue(&lab, 108, 1, 300000);
    lab_code_one_time(&lab, 108, 1, code);
    lab_request(&request, LAB_VISA, 108, trace++, 1000, code);
    reverse(&request, 0, &answer);
    assert_true(span_is(iso_get(&answer, ISO_RESPONSE), "00"));
    lab_call(&lab, LAB_VISA, &request, &answer);
    expect(&answer, LAB_VISA, "05", 0);
    lab_read(&lab, 108, &card);
    assert_int_equal(card.code.state, LEDGER_CODE_ACTIVE);
    assert_int_equal(card.account.held, 0);
}

static void card_status_decides_first(void **state)
{
    char code[4];

    (void)state;
    lab_code_static(&lab, 6, code);
    lab_status(&lab, 6, LEDGER_CARD_SUSPENDED);
    pay(LAB_VISA, 6, 100, code, "62", 'M');
    lab_status(&lab, 6, LEDGER_CARD_CLOSED);
    pay(LAB_VISA, 6, 100, code, "14", 'M');
    pay(LAB_VISA, 99, 100, "123", "14", 0); /* nobody's card */
}

static void a_locked_card_looks_like_a_mismatch(void **state)
{
    char code[4];
    char wrong[4];
    struct ledger_full_card card;
    struct ledger_code after;

    (void)state;
    lab_code_static(&lab, 7, code);
    wrong_of(code, wrong);
    /* one accepted value: ten failures in 24 h are allowed, ten in a row lock hard */
    for (int i = 0; i < 10; i++)
        pay(LAB_VISA, 7, 100, wrong, "N7", 'N');
    lab_read(&lab, 7, &card);
    assert_int_equal(card.code.g_lock, LEDGER_LOCK_HARD);
    pay(LAB_VISA, 7, 100, code, "N7", 'N');
    lab_read(&lab, 7, &card);
    assert_int_equal(card.code.g_consec, 10); /* a locked card counts no further */
    after = card.code;
    after.g_lock = LEDGER_LOCK_NONE;
    after.g_consec = 0;
    after.g_fail_ts.len = 0;
    lab_code_write(&lab, &card.code, &after);
    pay(LAB_VISA, 7, 100, code, "00", 'M');
}

static void network_messages(void **state)
{
    struct iso_message m;
    struct iso_message answer;

    (void)state;
    iso_message_init(&m, ISO_NETWORK);
    iso_set_text(&m, ISO_TRANSMISSION, "1121043000");
    iso_set_text(&m, ISO_STAN, "000001");
    iso_set_text(&m, ISO_NETWORK_CODE, "301");
    for (int link = 0; link < LAB_LINKS; link++) {
        lab_call(&lab, link, &m, &answer);
        assert_int_equal(answer.mti, ISO_NETWORK_ANSWER);
        assert_true(span_is(iso_get(&answer, ISO_RESPONSE), "00"));
        assert_true(span_is(iso_get(&answer, ISO_NETWORK_CODE), "301"));
    }
}

static void garbage_is_answered_or_closed(void **state)
{
    uint8_t frame[600];
    uint8_t answer[ISO_FRAME_MAX];
    size_t len = 0;
    uint64_t seed = 88172645463325252u;

    (void)state;
    for (int round = 0; round < 60; round++) {
        int fd = lab_connect(&lab, 0, round % LAB_LINKS);

        for (size_t i = 0; i < sizeof frame; i++) {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            frame[i] = (uint8_t)seed;
        }
        lab_send(fd, frame, 4 + seed % 500);
        assert_false(lab_receive(fd, 3000, answer, sizeof answer, &len));
        (void)close(fd);
    }
    /* 0120 is answered 12, a 0100 with a broken field 30 */
    int fd = lab_connect(&lab, 0, LAB_GENERIC);
    lab_send(fd, "012002200000000000001121043000000001", 36);
    assert_true(lab_receive(fd, 3000, answer, sizeof answer, &len));
    assert_memory_equal(answer, "0130", 4);
    assert_memory_equal(answer + len - 2, "12", 2);
    lab_send(fd, "010002200000000000001121043000000001", 36);
    assert_true(lab_receive(fd, 3000, answer, sizeof answer, &len));
    assert_memory_equal(answer + len - 2, "30", 2);
    (void)close(fd);
    static_code(state); /* and it still works; card 1 has room for two more failures */
}

static void without_an_hsm_nothing_is_lost(void **state)
{
    char code[4];
    struct ledger_full_card card;

    (void)state;
    lab_issue(&lab, 109, 1, 300000);
    lab_code_one_time(&lab, 109, 1, code);
    lab_hsm_stop(&lab);
    pay(LAB_VISA, 109, 1000, code, "91", 'P');
    pay(LAB_EFTPOS, 109, 1000, code, "91", 0);
    pay(LAB_VISA, 109, 100001, code, "51", 'P'); /* its other checks still run */
    lab_read(&lab, 109, &card);
    assert_int_equal(card.code.state, LEDGER_CODE_ACTIVE);
    assert_int_equal(card.code.declines, 0);
    assert_int_equal(card.code.g_consec, 0);
    lab_hsm_start(&lab);
    for (int i = 0; i < 100; i++) { /* the link is opened again within seconds */
        struct iso_message request;
        struct iso_message answer;

        lab_request(&request, LAB_VISA, 109, trace++, 1000, code);
        lab_call(&lab, LAB_VISA, &request, &answer);
        if (!span_is(iso_get(&answer, ISO_RESPONSE), "91")) {
            expect(&answer, LAB_VISA, "00", 'M');
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
        cmocka_unit_test(a_repeat_gets_the_stored_answer),
        cmocka_unit_test(repeats_in_one_write),
        cmocka_unit_test(reversals),
        cmocka_unit_test(a_reversal_revives_no_code),
        cmocka_unit_test(a_reversal_before_its_original),
        cmocka_unit_test(card_status_decides_first),
        cmocka_unit_test(a_locked_card_looks_like_a_mismatch),
        cmocka_unit_test(network_messages),
        cmocka_unit_test(garbage_is_answered_or_closed),
        cmocka_unit_test(without_an_hsm_nothing_is_lost),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
