/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PostgreSQL stands still (SIGSTOP) in the middle of authorisations: echo is answered, requests that need the ledger are told 96
 * while it still stands, nothing that may have been written is told anything, and afterwards answers and ledger agree.
 */
#include "support/postgres.h"
#include "support/till.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* A network waits longer than any deadline of the switch; the server stands until the answers are there. */
enum { BURST = 8, CARD = TILL_STATIC, PATIENCE_MS = 8000, AFTER_THAW_MS = 10000 };

struct burst {
    uint64_t first; /* trace of the request of CARD */
    int64_t amount;
    char de39[BURST][3]; /* empty: no answer */
    char de38[BURST][7];
};

static char code[BURST][4];

static void send_burst(int fd, const struct burst *b, uint16_t mti)
{
    for (size_t i = 0; i < BURST; i++) {
        uint8_t frame[ISO8583_FRAME_MAX];
        struct iso8583_message m;
        lab_request(&m, LAB_VISA, CARD + i, b->first + i, b->amount, code[i]);
        m.mti = mti;
        lab_send(fd, frame, lab_frame(LAB_VISA, &m, frame, sizeof frame));
    }
}

/* Takes one answer of the burst; false: none came. */
static bool take_answer(int fd, struct burst *b, int wait_ms)
{
    uint8_t frame[ISO8583_FRAME_MAX];
    struct iso8583_message answer;
    size_t len = 0;
    uint64_t trace = 0;
    if (!lab_receive(fd, wait_ms, frame, sizeof frame, &len))
        return false;
    assert_int_equal(iso8583_parse(&iso8583_profile_visa_base1, span_of(frame, len), &answer, NULL), ERR_OK);
    assert_int_equal(span_decimal(iso8583_get(&answer, ISO8583_RRN), &trace), ERR_OK);
    assert_true(trace >= b->first && trace < b->first + BURST);
    size_t i = trace - b->first;
    assert_int_equal(b->de39[i][0], 0); /* one answer a request */
    memcpy(b->de39[i], iso8583_get(&answer, ISO8583_RESPONSE).at, 2);
    if (iso8583_has(&answer, ISO8583_APPROVAL))
        memcpy(b->de38[i], iso8583_get(&answer, ISO8583_APPROVAL).at, 6);
    return true;
}

static void echo(void)
{
    struct iso8583_message m, answer;
    iso8583_message_init(&m, ISO8583_NETWORK);
    iso8583_set_text(&m, ISO8583_TRANSMISSION, "1121043000");
    iso8583_set_text(&m, ISO8583_STAN, "000001");
    iso8583_set_text(&m, ISO8583_NETWORK_CODE, "301");
    lab_call(&till_lab, LAB_VISA, &m, &answer);
    assert_true(span_is(iso8583_get(&answer, ISO8583_RESPONSE), "00"));
}

static int64_t held_sum(void)
{
    int64_t held = 0;
    for (size_t i = 0; i < BURST; i++) {
        struct ledger_full_card card;
        lab_read(&till_lab, CARD + i, &card);
        held += card.account.held;
    }
    return held;
}

/* What the network repeats meets its stored answer, or is authorised now: approved once in any case. */
static void repeat_until_approved(int fd, struct burst *b)
{
    struct burst again = {.first = b->first, .amount = b->amount};
    send_burst(fd, &again, ISO8583_AUTHORISATION_REPEAT);
    for (size_t i = 0; i < BURST; i++)
        assert_true(take_answer(fd, &again, AFTER_THAW_MS));
    for (size_t i = 0; i < BURST; i++) {
        assert_string_equal(again.de39[i], "00");
        if (strcmp(b->de39[i], "00") == 0)
            assert_string_equal(again.de38[i], b->de38[i]);
    }
}

/* One stop: a burst that the stop meets half way, and one that comes while the server stands. */
static void stop_once(useconds_t head_start_us)
{
    struct burst caught = {.first = till_trace, .amount = 3};
    struct burst refused = {.first = till_trace + BURST, .amount = 5};
    till_trace += 2 * (uint64_t)BURST;
    int64_t held_before = held_sum();
    int fd = lab_connect(&till_lab, 0, LAB_VISA);
    int late_fd = lab_connect(&till_lab, 0, LAB_VISA);
    send_burst(fd, &caught, ISO8583_AUTHORISATION);
    (void)usleep(head_start_us);
    postgres_freeze();
    echo();
    send_burst(late_fd, &refused, ISO8583_AUTHORISATION);
    for (size_t i = 0; i < BURST; i++) {
        echo();
        assert_true(take_answer(late_fd, &refused, PATIENCE_MS));
    }
    for (size_t i = 0; i < BURST; i++)
        assert_string_equal(refused.de39[i], "96");
    echo();
    postgres_thaw();
    /* Approved before or after the stop, or 96 because nothing was written. */
    for (size_t i = 0; i < BURST; i++)
        assert_true(take_answer(fd, &caught, AFTER_THAW_MS));
    for (size_t i = 0; i < BURST; i++)
        assert_true(strcmp(caught.de39[i], "00") == 0 || strcmp(caught.de39[i], "96") == 0);
    repeat_until_approved(fd, &caught);
    repeat_until_approved(late_fd, &refused);
    assert_int_equal(held_sum() - held_before, BURST * (caught.amount + refused.amount));
    (void)close(fd);
    (void)close(late_fd);
}

/* What /readyz says: 200, 503. */
static int readiness(void)
{
    static const char ask[] = "GET /readyz HTTP/1.1\r\nHost: lab\r\n\r\n";
    char answer[16] = "";
    int fd = lab_connect_port(till_lab.admin_port[0]);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, ask, sizeof ask - 1), (ssize_t)(sizeof ask - 1));
    assert_true(read(fd, answer, sizeof answer - 1) > 12);
    (void)close(fd);
    return atoi(answer + 9);
}

static void readiness_becomes(int wanted)
{
    for (int i = 0; i < 100 && readiness() != wanted; i++)
        (void)usleep(100000);
    assert_int_equal(readiness(), wanted);
}

static void a_silent_ledger_is_not_ready(void **state)
{
    (void)state;
    readiness_becomes(200);
    postgres_freeze();
    readiness_becomes(503);
    postgres_thaw();
    readiness_becomes(200);
}

/* The head start decides what the stop meets: readings, questions, commits or answers. */
static void a_database_that_stands_still(void **state)
{
    static const useconds_t head_start_us[] = {0, 500, 1500, 4000};
    (void)state;
    for (size_t i = 0; i < BURST; i++)
        lab_code_static(&till_lab, CARD + i, code[i]);
    for (size_t i = 0; i < sizeof head_start_us / sizeof head_start_us[0]; i++)
        stop_once(head_start_us[i]);
    till_pay(LAB_VISA, CARD, 100, code[0], "00", 'M');
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_silent_ledger_is_not_ready),
                                       cmocka_unit_test(a_database_that_stands_still)};
    return cmocka_run_group_tests(tests, till_open_postgres, till_close);
}
