/* SPDX-License-Identifier: Apache-2.0 */
/* What commands leave behind in the audit trail, and what becomes of them when the trail cannot be written. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include "hsm/guard/guess.h"
#include "hsm/hsm.h"

#include "support/frames.h"
#include "support/trails.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

/* Hardened mode does not touch keys without a trace; what does not touch keys goes on. */
static void test_commands_on_a_full_disk(void **state)
{
    (void)state;
    (void)signal(SIGXFSZ, SIG_IGN);
    for (int hardened = 0; hardened < 2; hardened++) {
        struct hsm_audit *audit = trails_open(TRAILS_MIB);
        struct hsm *hsm = NULL;
        const struct hsm_config config = {.env = &trails_env,
                                          .header = 4,
                                          .sockets = 1,
                                          .test_lmk = true,
                                          .authorised = true,
                                          .hardened = hardened == 1,
                                          .audit = audit};
        assert_int_equal(hsm_create(&config, &hsm), ERR_OK);
        char reply[16];
        (void)snprintf(reply, sizeof reply, "%.4s", frames_ask(hsm, "A00402U"));
        assert_string_equal(reply, "A100");
        static char text[TRAILS_ROOM];
        size_t len = trails_slurp(trails_path, text);
        assert_non_null(strstr(text, "\"command\":\"A0\",\"answer\":\"00\""));
        trails_limit_files(len);
        (void)snprintf(reply, sizeof reply, "%.5s", frames_ask(hsm, "A00402U"));
        assert_string_equal(reply, hardened ? "A141" : "A100U");
        frames_assert(hsm, "NC", "ND0026860400000000001500-0023");
        frames_assert(hsm, "CYU9B4934384B19946B040CD702B4D581455614123456789012345;8701101", "CZ00");
        trails_limit_files(RLIM_INFINITY);
        (void)snprintf(reply, sizeof reply, "%.4s", frames_ask(hsm, "A00402U"));
        assert_string_equal(reply, "A100");
        hsm_destroy(hsm);
        hsm_audit_close(audit);
    }
}

/* ---- what is in it ---- */

static void test_commands(void **state)
{
    (void)state;
    static char text[TRAILS_ROOM];
    struct hsm_audit *audit = trails_open(TRAILS_MIB);
    struct hsm_guess_config guess = {.limit = 3, .pans = 100, .memory = hsm_guess_memory(100)};
    const struct hsm_config config = {
        .env = &trails_env, .header = 4, .sockets = 1, .test_lmk = true, .guess = &guess, .audit = audit};
    struct hsm *hsm = NULL;
    assert_int_equal(hsm_create(&config, &hsm), ERR_OK);
    frames_assert(hsm, "CYU9B4934384B19946B040CD702B4D581455614123456789012345;8701101", "CZ00");
    for (int i = 0; i < 3; i++)
        frames_assert(hsm, "CYU9B4934384B19946B040CD702B4D581451114123456789012345;8701101", "CZ01");
    frames_assert(hsm, "CYU9B4934384B19946B040CD702B4D581455614123456789012345;8701101", "CZ39");
    frames_assert(hsm, "CWrubbish", "CX15");
    frames_assert(hsm, "RA", "RB00");
    hsm_destroy(hsm);
    hsm_audit_close(audit);
    size_t len = trails_slurp(trails_path, text);
    assert_int_equal(trails_verify(text, len), 0);
    static const char *const wanted[] = {"\"event\":\"hsm.guess_limit\",\"card\":\"", "\"command\":\"CY\",\"answer\":\"39\"",
                                         "\"command\":\"CW\",\"answer\":\"15\"", "\"command\":\"RA\",\"answer\":\"00\""};
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
        if (!strstr(text, wanted[i]))
            fail_msg("no %s in\n%s", wanted[i], text);
    static const char *const never[] = {"4123456789012345", "561", "U9B4934384B19946B", "\"answer\":\"01\""};
    for (size_t i = 0; i < sizeof never / sizeof never[0]; i++)
        if (i != 1 && strstr(text, never[i]))
            fail_msg("%s in\n%s", never[i], text);
}

/* The line of a command on keys says which key: its LMK, its type, the usage of a key block, and the check value that the host was
 * told; never the key. */
static void test_keys(void **state)
{
    (void)state;
    static const struct {
        const char *request, *with;
        size_t kcv_at, kcv_len; /* in the answer */
    } row[] = {
        {"A00402U", "\"lmk\":0,\"key_type\":\"402\",\"check\":", 4 + 33, 6},
        {"A00FFFS%01#C0T2N00E00", "\"lmk\":1,\"key_type\":\"FFF\",\"usage\":\"C0\",\"check\":", 0, 6},
        {"AS;0U1", "\"lmk\":0,\"key_type\":\"402\",\"check\":", 4 + 33, 6},
    };
    static char text[TRAILS_ROOM];
    struct hsm_audit *audit = trails_open(TRAILS_MIB);
    const struct hsm_config config = {
        .env = &trails_env, .header = 4, .sockets = 1, .test_lmk = true, .authorised = true, .audit = audit};
    struct hsm *hsm = NULL;
    assert_int_equal(hsm_create(&config, &hsm), ERR_OK);
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        char wanted[160];
        const char *reply = frames_ask(hsm, row[i].request);
        if (strncmp(reply + 2, "00", 2) != 0)
            fail_msg("%s: %s", row[i].request, reply);
        size_t at = row[i].kcv_at > 0 ? row[i].kcv_at : strlen(reply) - row[i].kcv_len;
        (void)snprintf(wanted, sizeof wanted, "%s\"%.*s\",\"mac\"", row[i].with, (int)row[i].kcv_len, reply + at);
        (void)trails_slurp(trails_path, text);
        if (!strstr(text, wanted))
            fail_msg("no %s in\n%s", wanted, text);
        char key[24];
        (void)snprintf(key, sizeof key, "%.20s", reply + 5);
        assert_null(strstr(text, key));
    }
    /* A refused one says what it was about as far as it was read. */
    frames_assert(hsm, "A00402S", "A126");
    (void)trails_slurp(trails_path, text);
    assert_non_null(
        strstr(text, "\"answer\":\"26\",\"why\":\"KEYS_ERR_SCHEME\",\"client\":\"\",\"lmk\":0,\"key_type\":\"402\",\"mac\""));
    hsm_destroy(hsm);
    hsm_audit_close(audit);
}

int main(void)
{
#define TEST(test_) cmocka_unit_test_setup_teardown(test_, trails_begin, trails_end)
    const struct CMUnitTest tests[] = {TEST(test_commands_on_a_full_disk), TEST(test_commands), TEST(test_keys)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
