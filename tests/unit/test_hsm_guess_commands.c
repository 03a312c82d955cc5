/* SPDX-License-Identifier: Apache-2.0 */
/* The guessing limit (host-commands.md 10) through CY and PM. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include "hsm/guard/guess.h"
#include "hsm/hsm.h"

#include "support/frames.h"
#include "support/rng.h"

#define CVK "U9B4934384B19946B040CD702B4D58145"
#define MK "UB68E039974B21519E5E2226866C4D3A0"

enum { DAY_MS = 86400000 };

static struct rng_world world;
static struct env env;

static struct hsm *fresh_hsm(void)
{
    world = (struct rng_world){.state = 1, .monotonic_us = 1};
    env = rng_env_over(&world);
    const struct hsm_guess_config guess = {.limit = 3, .pans = 100, .memory = hsm_guess_memory(100)};
    const struct hsm_config config = {.env = &env, .header = 4, .sockets = 1, .test_lmk = true, .guess = &guess};
    struct hsm *hsm = NULL;
    assert_int_equal(hsm_create(&config, &hsm), ERR_OK);
    return hsm;
}

static void test_commands(void **state)
{
    (void)state;
    struct hsm *hsm = fresh_hsm();
    static const struct exchange frames[] = {
        {"CY" CVK "1114123456789012345;8701101", "CZ01"},
        {"CY" CVK "5614123456789012345;8701101", "CZ00"},
        {"PM00" MK "A4123456789012345;2812998000001105", "PN01"},
        {"PM50" MK "A4123456789012345;2812000260101000001410", "PN01"},
        /* The limit, for a right code and a wrong one, static and dynamic. */
        {"CY" CVK "5614123456789012345;8701101", "CZ39"},
        {"CY" CVK "1114123456789012345;8701101", "CZ39"},
        {"PM00" MK "A4123456789012345;2812998000001104", "PN39"},
        {"PM00" MK "A4123456789012345;2812998000001105", "PN39"},
        {"PM50" MK "A4123456789012345;2812000260101000001411", "PN39"},
        /* What was wrong before is wrong still, in the order of host-commands.md 11. */
        {"CY" CVK "5614123456789012345;8701101X", "CZ15"},
        {"CY" CVK "5614123456789012345;8701101%07", "CZ13"},
        {"PM00" MK "B4123456789012345;2812998000001104", "PN15"},
        /* Generation has no limit, other numbers have their own. */
        {"CW" CVK "4123456789012345;8701101", "CX00561"},
        {"QY0" MK "A4123456789012345;2812998000001", "QZ00104"},
        {"CY" CVK "1114123456789012346;8701101", "CZ01"},
    };
    for (size_t i = 0; i < sizeof frames / sizeof frames[0]; i++)
        frames_assert(hsm, frames[i].request, frames[i].reply);
    world.monotonic_us += (int64_t)DAY_MS * 1000;
    frames_assert(hsm, "CY" CVK "5614123456789012345;8701101", "CZ00");
    hsm_destroy(hsm);
}

/* Numbers that have the same codes share one limit: with a limit each, 30 guesses would become thousands. */
static void test_same_codes(void **state)
{
    (void)state;
    static const struct exchange rounds[][5] = {
        /* Derivation and overlay leave out the first digits: one code for all of these, and one limit. */
        {{"QY0" MK "A4123456789012345;2812998000001", "QZ00104"},
         {"QY0" MK "A5523456789012345;2812998000001", "QZ00104"},
         {"PM00" MK "A4123456789012345;2812998000001100", "PN01"},
         {"PM00" MK "A5523456789012345;2812998000001101", "PN01"},
         {"PM00" MK "A9923456789012345;2812998000001102", "PN01"}},
        /* One row of digits. */
        {{"CW" CVK "4123456789012345;8701101", "CX00561"},
         {"CW" CVK "41234567890123458;7011010", "CX00561"},
         {"CY" CVK "1114123456789012345;8701101", "CZ01"},
         {"CY" CVK "11141234567890123458;7011010", "CZ01"},
         {"CY" CVK "111412345678901234587;0110100", "CZ01"}},
    };
    static const struct exchange refused[] = {
        {"PM00" MK "A4223456789012345;2812998000001104", "PN39"},
        {"CY" CVK "5614123456789012345870;1101000", "CZ39"},
    };
    for (size_t r = 0; r < sizeof rounds / sizeof rounds[0]; r++) {
        struct hsm *hsm = fresh_hsm();
        for (size_t i = 0; i < sizeof rounds[r] / sizeof rounds[r][0]; i++)
            frames_assert(hsm, rounds[r][i].request, rounds[r][i].reply);
        frames_assert(hsm, refused[r].request, refused[r].reply);
        hsm_destroy(hsm);
    }
    assert_true(span_is(hsm_guess_name(span_text("4123456789012345")), "23456789012345"));
    assert_true(span_is(hsm_guess_name(span_text("00123456789012")), "123456789012"));
    assert_true(span_is(hsm_guess_name(span_text("000000000000")), "0"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_commands),
        cmocka_unit_test(test_same_codes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
