/* SPDX-License-Identifier: Apache-2.0 */
/* Conformance checks of security-codes.md 11 at the frame boundary: C-2, C-4, C-5, C-6, C-7; and the same for RY and CVC3. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include "support/frames.h"
#include "support/rng.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { FRAME = 512, HOUR = 3600, START = 1767225600 };

static struct env env;
static struct hsm *hsm, *hard;

static unsigned below(unsigned n)
{
    uint32_t value = 0;
    env_random(&env, &value, sizeof value);
    return value % n;
}

static const char *digits(char *out, size_t len)
{
    for (size_t i = 0; i < len; i++)
        out[i] = (char)('0' + below(10));
    out[len] = 0;
    return out;
}

/* A random key of the type, as text. */
static const char *key_of(const char *type)
{
    static char text[64];
    struct secret_key key;
    keys_generate(&env, 16, &key);
    snprintf(text, sizeof text, "%s", frames_wrap(hsm, type, KEYS_U, &key));
    return text;
}

static void ask_code(const char *request, const char *reply_code, char out[static 4])
{
    const char *reply = frames_ask(hsm, request);
    if (strlen(reply) != 7 || strncmp(reply, reply_code, 2) != 0 || strncmp(reply + 2, "00", 2) != 0)
        fail_msg("%s answered %s", request, reply);
    memcpy(out, reply + 4, 4);
}

static bool answers(const char *request, const char *reply)
{
    return strcmp(frames_ask(hsm, request), reply) == 0;
}

/* ---- C-2 ---- */

static void only_the_generated_code_verifies(void **state)
{
    (void)state;
    for (int round = 0; round < 25; round++) {
        char card[64], pan[20], expiry[5], service[4], request[FRAME], code[4], verify[FRAME];
        const char *key = key_of("402");
        snprintf(card, sizeof card, "%s;%s%s", digits(pan, 13 + below(7)), digits(expiry, 4), digits(service, 3));
        snprintf(request, sizeof request, "CW%s%s", key, card);
        ask_code(request, "CX", code);
        for (unsigned n = 0; n < 1000; n++) {
            char given[4];
            snprintf(given, sizeof given, "%03u", n);
            snprintf(verify, sizeof verify, "CY%s%s%s", key, given, card);
            frames_assert(hsm, verify, strcmp(given, code) == 0 ? "CZ00" : "CZ01");
        }
    }
}

/* ---- C-4, C-5, C-6 ---- */

struct card {
    char key[64], before[96]; /* method, PAN, ;, expiry, service code */
};

static struct card random_card(void)
{
    struct card c;
    char pan[20], rest[8];
    size_t len = 13 + below(7);
    snprintf(c.key, sizeof c.key, "%s", key_of("109"));
    snprintf(c.before, sizeof c.before, "%c%s;%s", len > 16 && below(2) ? 'B' : 'A', digits(pan, len), digits(rest, 7));
    return c;
}

static const char *moment_of(int64_t unix_s, unsigned twu)
{
    static char text[64];
    time_t t = (time_t)unix_s;
    struct tm tm;
    gmtime_r(&t, &tm);
    snprintf(text, sizeof text, "%02d%02d%02d%02d%02d%02u", tm.tm_year % 100, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
             twu);
    return text;
}

static void window_code(const struct card *c, int64_t unix_s, unsigned twu, char out[static 4])
{
    char request[FRAME];
    snprintf(request, sizeof request, "QY5%s%s%s", c->key, c->before, moment_of(unix_s, twu));
    ask_code(request, "QZ", out);
}

static void counter_code(const struct card *c, unsigned counter, char out[static 4])
{
    char request[FRAME];
    snprintf(request, sizeof request, "QY0%s%s%06u", c->key, c->before, counter);
    ask_code(request, "QZ", out);
}

/* C-4: a counter and a window that are equal modulo 10,000 give the same code. */
static void counters_and_windows_meet(void **state)
{
    (void)state;
    for (int round = 0; round < 300; round++) {
        struct card c = random_card();
        unsigned twu = 1 + below(18);
        int64_t t = START + below(400 * 24) * (int64_t)HOUR + below(HOUR);
        unsigned window = (unsigned)(t / (HOUR * (int64_t)twu) % 10000);
        char a[4], b[4];
        window_code(&c, t, twu, a);
        counter_code(&c, window + 10000 * below(100), b);
        assert_string_equal(a, b);
    }
}

/* C-5: PM at t takes the code of s if the windows are equal; else only where the codes are equal by chance. */
static void codes_of_other_windows_do_not_verify(void **state)
{
    (void)state;
    unsigned equal = 0, chance = 0;
    for (int round = 0; round < 1000; round++) {
        struct card c = random_card();
        unsigned twu = 1 + below(18);
        int64_t length = HOUR * (int64_t)twu, t = START + below(10000000), s = t + (int64_t)below((unsigned)(2 * length)) - length;
        char right[4], given[4], request[FRAME];
        window_code(&c, t, twu, right);
        window_code(&c, s, twu, given);
        snprintf(request, sizeof request, "PM50%s%s%s%s", c.key, c.before, moment_of(t, twu), given);
        bool matches = answers(request, "PN00"), same_window = t / length == s / length;
        assert_true(matches || answers(request, "PN01"));
        assert_int_equal(matches, same_window || strcmp(right, given) == 0);
        equal += same_window;
        chance += matches && !same_window;
    }
    assert_true(equal > 200 && chance < 20);
}

/* C-6: on both sides of a boundary of each window length, 400 days on. */
static void windows_change_on_their_boundaries(void **state)
{
    (void)state;
    for (unsigned twu = 1; twu <= 18; twu++) {
        int64_t length = HOUR * (int64_t)twu;
        for (int64_t boundary = (START / length + 1) * length; boundary < START + 400 * 86400LL; boundary += 23 * length) {
            struct card c = random_card();
            char before[4], first[4], last[4], counter[4];
            window_code(&c, boundary - 60, twu, before);
            window_code(&c, boundary, twu, first);
            window_code(&c, boundary + length - 60, twu, last);
            assert_string_equal(first, last);
            counter_code(&c, (unsigned)((boundary / length - 1) % 10000), counter);
            assert_string_equal(before, counter);
            counter_code(&c, (unsigned)(boundary / length % 10000), counter);
            assert_string_equal(first, counter);
        }
    }
}

/* ---- C-7 ---- */

static void bad_input_gives_its_error_and_nothing_else(void **state)
{
    (void)state;
    static const struct {
        const char *type, *before, *after, *reply;
    } commands[] = {
        {"402", "CW", "4123456789012345;8701101", "CX"},
        {"402", "CY", "5614123456789012345;8701101", "CZ"},
        {"109", "QY0", "A4123456789012345;2812998000001", "QZ"},
        {"109", "QY5", "A4123456789012345;2812000260101000001", "QZ"},
        {"109", "PM00", "A4123456789012345;2812998000001104", "PN"},
        {"402", "RY30", "37123456789012300009912", "RZ"},
    };
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        char request[FRAME], expected[8];
        struct secret_key even, single, triple;
        keys_generate(&env, 16, &even);
        even.at[below(16)] ^= (uint8_t)(1 << below(8));
        keys_generate(&env, 8, &single);
        keys_generate(&env, 24, &triple);
        snprintf(expected, sizeof expected, "%s10", commands[i].reply);
        frames_assert_key(hsm, commands[i].before, frames_wrap(hsm, commands[i].type, KEYS_U, &even), commands[i].after, expected);
        snprintf(expected, sizeof expected, "%s27", commands[i].reply);
        frames_assert_key(hsm, commands[i].before, frames_wrap(hsm, commands[i].type, KEYS_T, &triple), commands[i].after,
                          expected);
        snprintf(request, sizeof request, "%sZ", commands[i].before);
        /* Compatibility mode takes a single-length CVK (host-commands.md 9). */
        frames_assert_key(strcmp(commands[i].type, "402") == 0 ? hard : hsm, request,
                          frames_wrap(hsm, commands[i].type, KEYS_Z, &single), commands[i].after, expected);
        /* Each character in turn becomes none of its field, and each length but the right one. */
        snprintf(expected, sizeof expected, "%s15", commands[i].reply);
        const char *key = key_of(commands[i].type);
        int len = snprintf(request, sizeof request, "%s%s%s", commands[i].before, key, commands[i].after);
        for (size_t at = strlen(commands[i].before) + strlen(key); at < (size_t)len; at++) {
            char kept = request[at];
            request[at] = '/';
            frames_assert(hsm, request, expected);
            request[at] = kept;
        }
        for (size_t at = strlen(commands[i].before) + strlen(key); at < (size_t)len; at++) {
            char kept = request[at];
            request[at] = 0;
            frames_assert(hsm, request, expected);
            request[at] = kept;
        }
        snprintf(request + len, sizeof request - (size_t)len, "0");
        frames_assert(hsm, request, expected);
    }
}

/* ---- RY ---- */

static void every_changed_digit_of_a_csc_is_a_mismatch(void **state)
{
    (void)state;
    for (int round = 0; round < 50; round++) {
        char rest[16], expiry[5], service[4], card[64], request[FRAME], made[16];
        const char *key = key_of("402");
        char flag = below(2) ? '2' : '0';
        snprintf(card, sizeof card, "3%c%s0000%s%s", below(2) ? '4' : '7', digits(rest, 13), digits(expiry, 4),
                 flag == '2' ? digits(service, 3) : "");
        snprintf(request, sizeof request, "RY3%c%s%s", flag, key, card);
        const char *reply = frames_ask(hsm, request);
        assert_int_equal(strlen(reply), 17);
        assert_memory_equal(reply, "RZ003", 5);
        memcpy(made, reply + 5, 13);
        snprintf(request, sizeof request, "RY4%c%s%s%s", flag, key, card, made);
        frames_assert(hsm, request, "RZ004000");
        for (size_t i = 0; i < 12; i++) {
            char kept = made[i], expected[9] = "RZ014000";
            made[i] = (char)('0' + (made[i] - '0' + 1 + (int)below(9)) % 10);
            expected[i < 5 ? 5 : i < 9 ? 6 : 7] = '2';
            snprintf(request, sizeof request, "RY4%c%s%s%s", flag, key, card, made);
            frames_assert(hsm, request, expected);
            made[i] = kept;
        }
    }
}

/* ---- CVC3 ---- */

/* Of all three-digit endings exactly one verifies, and whatever is compared agrees with it. */
static void one_cvc3_verifies(void **state)
{
    (void)state;
    static const uint8_t track[] = {0x54, 0x13, 0x12, 0x35, 0x56, 0x78, 0x48, 0x04, 0xD0, 0x90,
                                    0x61, 0x01, 0x90, 0x05, 0x99, 0x77, 0x22, 0x55, 0x3F};
    for (int round = 0; round < 5; round++) {
        char head[FRAME], un[9];
        struct buf start = buf_over(head, sizeof head);
        int found = -1;
        buf_put_text(&start, "PM12");
        buf_put_text(&start, key_of("709"));
        buf_put_text(&start, "A5413123556784804;00019");
        buf_put(&start, track, sizeof track);
        buf_put_text(&start, digits(un, 8));
        buf_put_decimal(&start, below(65536), 5);
        for (unsigned n = 0; n < 1000; n++) {
            struct buf request = start;
            buf_put_text(&request, "XX");
            buf_put_decimal(&request, n, 3);
            struct span reply = frames_ask_span(hsm, buf_span(&request));
            if (span_is(reply, "PN00")) {
                assert_int_equal(found, -1);
                found = (int)n;
            } else {
                assert_true(span_is(reply, "PN01"));
            }
        }
        assert_true(found >= 0);
        for (unsigned n = 0; n < 10; n++) {
            struct buf request = start;
            buf_put_text(&request, "XXXX");
            buf_put_decimal(&request, n, 1);
            assert_true(span_is(frames_ask_span(hsm, buf_span(&request)), (int)n == found % 10 ? "PN00" : "PN01"));
        }
    }
}

static int set_up(void **state)
{
    (void)state;
    env = rng_env(11);
    hsm = frames_hsm(&env, 0, false);
    const struct hsm_config hardened = {.env = &env, .header = 4, .sockets = 64, .test_lmk = true, .hardened = true};
    hard = frames_hsm_of(&hardened);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    hsm_destroy(hsm);
    hsm_destroy(hard);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_generated_code_verifies),
        cmocka_unit_test(counters_and_windows_meet),
        cmocka_unit_test(codes_of_other_windows_do_not_verify),
        cmocka_unit_test(windows_change_on_their_boundaries),
        cmocka_unit_test(bad_input_gives_its_error_and_nothing_else),
        cmocka_unit_test(every_changed_digit_of_a_csc_is_a_mismatch),
        cmocka_unit_test(one_cvc3_verifies),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
