/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections to PostgreSQL break, and its server dies, in the middle of authorisations: an approval that was answered is in the
 * ledger, one that is in the ledger is answered when the network repeats, and nothing is held that nobody was told of
 * (switch.md 6 step 8).
 */
#include "support/postgres.h"
#include "support/till.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { REQUESTS = 120, BURST = 8, REPEATS = 10, CARD = TILL_STATIC };

/* Sends a burst, breaks something, and repeats what gets no answer, as a network does. True in `approved` for 00. */
static void burst(uint64_t first, const char *code, void (*breaks)(void), bool approved[static BURST])
{
    bool answered[BURST] = {false};
    for (int round = 0; round < REPEATS; round++) {
        int fd = lab_connect(&till_lab, 0, LAB_VISA);
        size_t sent = 0;

        for (size_t i = 0; i < BURST; i++) {
            struct iso8583_message m;
            uint8_t frame[ISO8583_FRAME_MAX];

            if (answered[i])
                continue;
            lab_request(&m, LAB_VISA, CARD + i, first + i, 1, code + 4 * i);
            m.mti = round == 0 ? ISO8583_AUTHORISATION : ISO8583_AUTHORISATION_REPEAT;
            lab_send(fd, frame, lab_frame(LAB_VISA, &m, frame, sizeof frame));
            sent++;
        }
        if (round == 0 && breaks)
            breaks();
        while (sent > 0) {
            struct iso8583_message answer;
            uint8_t frame[ISO8583_FRAME_MAX];
            uint64_t trace = 0;
            size_t len = 0;
            if (!lab_receive(fd, 1500, frame, sizeof frame, &len))
                break;
            assert_int_equal(iso8583_parse(&iso8583_profile_visa_base1, span_of(frame, len), &answer, NULL), ERR_OK);
            assert_int_equal(span_decimal(iso8583_get(&answer, ISO8583_RRN), &trace), ERR_OK);
            sent--;
            /* 96 says that it is not in the ledger: the network may repeat it as well. */
            if (span_is(iso8583_get(&answer, ISO8583_RESPONSE), "96"))
                continue;
            assert_true(span_is(iso8583_get(&answer, ISO8583_RESPONSE), "00"));
            answered[trace - first] = approved[trace - first] = true;
        }
        (void)close(fd);
        if (!memchr(answered, false, sizeof answered))
            return;
        (void)usleep(50000);
    }
}

static void crash_and_restart(void)
{
    postgres_crash();
    (void)usleep(20000);
    postgres_restart();
}

static void history(void (*breaks)(void), size_t requests)
{
    char code[BURST][4];
    int64_t held_before = 0;
    struct ledger_full_card card;
    for (size_t i = 0; i < BURST; i++) {
        lab_code_static(&till_lab, CARD + i, code[i]);
        lab_read(&till_lab, CARD + i, &card);
        held_before += card.account.held;
    }
    int64_t expected = 0;
    for (size_t done = 0; done < requests; done += BURST) {
        bool approved[BURST] = {false};

        burst(till_trace, code[0], breaks, approved);
        till_trace += BURST;
        for (size_t i = 0; i < BURST; i++) {
            assert_true(approved[i]);
            expected++;
        }
    }
    store_close(till_lab.store);
    till_lab.store = NULL;
    assert_int_equal(store_open(till_lab.url, &till_lab.env, ledger_sets, &till_lab.store), ERR_OK);
    int64_t held = 0;
    for (size_t i = 0; i < BURST; i++) {
        lab_read(&till_lab, CARD + i, &card);
        held += card.account.held;
    }
    assert_int_equal(held - held_before, expected);
}

static void cut_connections(void **state)
{
    (void)state;
    history(postgres_cut_connections, REQUESTS);
}

static void killed_server(void **state)
{
    (void)state;
    history(crash_and_restart, 2 * (size_t)BURST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cut_connections),
        cmocka_unit_test(killed_server),
    };
    return cmocka_run_group_tests(tests, till_open_postgres, till_close);
}
