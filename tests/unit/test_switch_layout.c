/* SPDX-License-Identifier: Apache-2.0 */
/* Real HSM and switch processes that lay out scheme 5 by a site's profile: payments with window codes. */
#include "support/till.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { HOUR_S = 3600 };

static const char layout[] = "profile site\n"
                             "algorithm T0\n"
                             "column 1 time 10 N format=unix10\n"
                             "column 2 filler 4 N\n"
                             "column 3 service 3 N\n"
                             "column 4 code 3 N\n"
                             "column 5 expiry 4 N\n"
                             "column 6 twu 4 N unit=minutes\n"
                             "column 7 constant 2 A value=XY\n";

/* The code of a moment, asked in that layout by hand. */
static void window_code(size_t n, int64_t unix_s, char out[static 4])
{
    int fd = lab_connect_port(till_lab.hsm_port);
    assert_true(fd >= 0);
    char pan[17], command[160];
    lab_pan(n, pan);
    int size = snprintf(command, sizeof command, "0000QY5" LAB_MK "A%s;%010lld0000000" LAB_EXPIRY "0060XY", pan, (long long)unix_s);
    lab_send(fd, command, (size_t)size);
    uint8_t answer[64];
    size_t len = 0;
    assert_true(lab_receive(fd, 2000, answer, sizeof answer, &len));
    assert_int_equal(len, 11);
    assert_memory_equal(answer, "0000QZ00", 8);
    memcpy(out, answer + 8, 3);
    out[3] = 0;
    (void)close(fd);
}

static void window_codes_by_the_profile(void **state)
{
    int64_t now_s = env_wall_ms(&till_lab.env) / 1000;
    (void)state;
    /* Not in the last seconds of a window: the next request would be in another. */
    if (now_s % HOUR_S > HOUR_S - 5) {
        (void)usleep(6000000);
        now_s = env_wall_ms(&till_lab.env) / 1000;
    }
    char fixed[4], current[4], previous[4], older[4];
    lab_code_static(&till_lab, TILL_WINDOW, fixed);
    window_code(TILL_WINDOW, now_s, current);
    window_code(TILL_WINDOW, now_s - HOUR_S, previous);
    window_code(TILL_WINDOW, now_s - 2 * HOUR_S, older);
    till_pay(LAB_VISA, TILL_WINDOW, 100, current, "00", 'M');
    till_pay(LAB_VISA, TILL_WINDOW, 100, previous, "00", 'M');
    till_pay(LAB_EFTPOS, TILL_WINDOW, 100, current, "00", 0);
    till_pay(LAB_VISA, TILL_WINDOW, 100, fixed, "00", 'M');
    if (strcmp(older, current) != 0 && strcmp(older, previous) != 0 && strcmp(older, fixed) != 0)
        till_pay(LAB_VISA, TILL_WINDOW, 100, older, "N7", 'N');
}

/* What is not scheme 5 does not change. */
static void other_codes_as_ever(void **state)
{
    (void)state;
    lab_issue(&till_lab, TILL_ONE_TIME, 1, 300000);
    char code[4];
    lab_code_one_time(&till_lab, TILL_ONE_TIME, 1, code);
    till_pay(LAB_VISA, TILL_ONE_TIME, 1000, code, "00", 'M');
    lab_code_static(&till_lab, TILL_STATIC, code);
    till_pay(LAB_VISA, TILL_STATIC, 1000, code, "00", 'M');
}

static int set_up(void **state)
{
    (void)state;
    till_open_layout(layout);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(window_codes_by_the_profile),
        cmocka_unit_test(other_codes_as_ever),
    };
    return cmocka_run_group_tests(tests, set_up, till_close);
}
