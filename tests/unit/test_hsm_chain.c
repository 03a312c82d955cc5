/* SPDX-License-Identifier: Apache-2.0 */
/* NK is no way round what bars a command; its frames are in test_hsm_status.c. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include "hsm/guard/guess.h"
#include "hsm/guard/state.h"
#include "support/frames.h"

#include <stdio.h>
#include <string.h>

#define CVK "U9B4934384B19946B040CD702B4D58145"

/* What a chain of one command answers for this command and this client. */
static void assert_chained(struct hsm *of, const struct hsm_client *client, const char *command, const char *wanted)
{
    char request[256], expected[64];
    uint8_t room[1024];
    struct buf reply = buf_over(room, sizeof room);
    int len = snprintf(request, sizeof request, "HEADNK001%04zu%s", strlen(command), command);
    (void)snprintf(expected, sizeof expected, "HEADNL0001%04zu%s", strlen(wanted), wanted);
    assert_int_equal(hsm_answer(of, client, span_of(request, (size_t)len), &reply), ERR_OK);
    assert_string_equal(buf_text(&reply), expected);
}

/* What bars a command bars it in a chain: the client's list, the authority, the secure state, the guessing limit. */
static void a_chain_opens_nothing(void **state)
{
    (void)state;
    static const char right[] = "CY" CVK "5614123456789012345;8701101", wrong[] = "CY" CVK "5604123456789012345;8701101";
    const struct hsm_guess_config guess = {.limit = 3, .pans = 10, .memory = hsm_guess_memory(10)};
    struct env env = env_system(NULL);
    const struct hsm_config config = {.env = &env, .header = 4, .sockets = 64, .test_lmk = true, .hardened = true, .guess = &guess};
    struct hsm *closed = frames_hsm_of(&config);
    const struct hsm_client teller = {.name = "teller", .disabled = UINT64_C(1) << HOSTCMD_CW},
                            barred = {.name = "barred", .disabled = UINT64_C(1) << HOSTCMD_NK};
    assert_chained(closed, &teller, "CW" CVK "4123456789012345;8701101", "CX68");
    assert_chained(closed, &teller, "A00402U", "A117");
    frames_assert(closed, wrong, "CZ01");
    assert_chained(closed, &teller, wrong, "CZ01");
    assert_chained(closed, &teller, right, "CZ00");
    assert_chained(closed, &teller, wrong, "CZ01");
    assert_chained(closed, &teller, right, "CZ39");
    frames_assert(closed, right, "CZ39");
    hsm_state_secure_set(hsm_context(closed)->state, true);
    assert_chained(closed, &teller, "CY" CVK "5614123456789012346;8701101", "CZ17");
    uint8_t room[64];
    struct buf reply = buf_over(room, sizeof room);
    assert_int_equal(hsm_answer(closed, &barred, span_text("HEADNK0010002NC"), &reply), ERR_OK);
    assert_string_equal(buf_text(&reply), "HEADNL68");
    hsm_destroy(closed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_chain_opens_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
