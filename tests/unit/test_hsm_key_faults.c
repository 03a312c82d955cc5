/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The key commands while memory runs out: every allocation of the cipher library, and every reservation at the start, fails in
 * turn. The answer is 41 or 42 without data, or the right one; the next command is none the worse.
 */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include "support/frames.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

enum { ATTEMPTS_MAX = 2000, RECOVERY_MAX = 32 };

#define ZMK "U71979DEB8587E2734F1E99D5DCAEF9AC"

static long failing = -1;   /* allocations of the library until the one that fails; negative: none */
static long reserving = -1; /* reservations likewise */

static void *lend(size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return failing >= 0 && failing-- == 0 ? NULL : malloc(size);
}

static void *extend(void *at, size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return failing >= 0 && failing-- == 0 ? NULL : realloc(at, size);
}

static void take_back(void *at, const char *file, int line)
{
    (void)file;
    (void)line;
    free(at);
}

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size)
{
    return reserving >= 0 && reserving-- == 0 ? NULL : __real_calloc(count, size);
}

static struct env env;
static struct hsm *hsm;

static struct hsm_config config_of(bool hardened)
{
    return (struct hsm_config){
        .env = &env, .header = 4, .sockets = 64, .test_lmk = true, .test_lmk_old = true, .authorised = true, .hardened = hardened};
}

/* ---- commands ---- */

static bool fine(const char *reply)
{
    return strncmp(reply + 2, "00", 2) == 0;
}

/* A shortage may leave the library without a method it had to fetch: it comes back within a few calls. */
static void recovers(const char *request)
{
    failing = -1;
    for (int i = 0; i < RECOVERY_MAX; i++)
        if (fine(frames_ask(hsm, request)))
            return;
    fail_msg("%s does not come back: %s", request, frames_ask(hsm, request));
}

static unsigned shortages(const char *request)
{
    unsigned refused = 0;
    for (long n = 0; n < ATTEMPTS_MAX; n++) {
        failing = n;
        const char *reply = frames_ask(hsm, request);
        bool reached = failing < 0;
        failing = -1;
        if (!reached) {
            assert_true(fine(reply));
            return refused;
        }
        if (fine(reply))
            continue;
        refused++;
        if (strcmp(reply + 2, "42") != 0 && strcmp(reply + 2, "41") != 0)
            fail_msg("%s: %s", request, reply);
        recovers(request);
    }
    fail_msg("%s never comes to its end", request);
    return 0;
}

static void every_allocation_of_a_command(void **state)
{
    (void)state;
    static const char *const requests[] = {
        "AS",
        "AS;0S1%01",
        "A00402U",
        "A00FFFS%01#C0T2C00E00",
        "A01402U;0" ZMK "R#C0T2V00E00",
        "A43002Z3B723AF4CF00A7A6954111D254A90D17EAAF49979FA95742",
        "A42402UU0D44019C073C54DD8403A9ACA257AE20U00FA56CCA3541F988601706F3CCA222E",
        "BU421U9B4934384B19946B040CD702B4D58145",
        "BUFFFS00072C0TN00E0001A417975993E2331918759DD1656AC94306BE01C19FDE29E83A93AB42;FFF%01",
        "BW421UA1E8089C9128CA10120F229A9D6CA24E",
        "BWFFFS00072C0TN00E00015CA75271975016667DBC1DE30CA6DB70695493B7FA85557EA2C47127;FFF%01",
    };
    for (int hardened = 0; hardened < 2; hardened++) {
        const struct hsm_config config = config_of(hardened);
        hsm = frames_hsm_of(&config);
        for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
            assert_true(fine(frames_ask(hsm, requests[i])));
            unsigned refused = shortages(requests[i]);
            print_message("%.8s %s: %u refusals\n", requests[i], hardened ? "hardened" : "compatible", refused);
            assert_true(refused > 0);
        }
        hsm_destroy(hsm);
    }
}

/* ---- start ---- */

/* Fails the n-th of either kind until the start succeeds. */
static void starts(long *which, bool hardened)
{
    const struct hsm_config config = config_of(hardened);
    unsigned failures = 0;
    for (long n = 0; n < ATTEMPTS_MAX; n++) {
        struct hsm *made = NULL;
        *which = n;
        enum err err = hsm_create(&config, &made);
        bool reached = *which < 0;
        *which = -1;
        failures += err != ERR_OK;
        assert_true((err == ERR_OK) == !!made);
        hsm_destroy(made);
        if (!reached) {
            assert_int_equal(err, ERR_OK);
            assert_true(failures > 0);
            return;
        }
        assert_true(err == ERR_OK || err_row(err)->class == ERR_CLASS_LIMIT || err_row(err)->class == ERR_CLASS_INTERNAL);
    }
    fail_msg("the start never comes to its end");
}

static void every_reservation_of_the_start(void **state)
{
    (void)state;
    for (int hardened = 0; hardened < 2; hardened++) {
        starts(&reserving, hardened);
        starts(&failing, hardened);
    }
}

static int set_up(void **state)
{
    (void)state;
    env = env_system(NULL);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_allocation_of_a_command),
        cmocka_unit_test(every_reservation_of_the_start),
    };
    if (CRYPTO_set_mem_functions(lend, extend, take_back) != 1)
        return 1;
    return cmocka_run_group_tests(tests, set_up, NULL);
}
