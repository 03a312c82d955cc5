/* SPDX-License-Identifier: Apache-2.0 */
/* Real HSM and issuer processes that lay out scheme 5 by a site's profile: the codes shown are those of their windows. */
#include "support/issuer_world.h"
#include "support/sockets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define MK "UB68E039974B21519E5E2226866C4D3A0" /* WORLD_MK under the test LMK */

static const char layout[] = "profile site\n"
                             "algorithm T0\n"
                             "column 1 twu 3 N unit=minutes\n"
                             "column 2 code 3 N\n"
                             "column 3 time 14 N format=YYYYMMDDhhmmss\n"
                             "column 4 expiry 4 N\n"
                             "column 5 service 3 N\n"
                             "column 6 filler 2 A\n";

/* Asked in that layout, by hand. */
static bool verifies(const char *cvv, int64_t at_s)
{
    struct env_calendar c = env_calendar(at_s * 1000);
    char command[256];
    uint8_t answer[64];
    size_t len = 0;
    snprintf(command, sizeof command, "0001PM50" MK "A" WORLD_PAN ";060%s%04d%02d%02d%02d%02d%02d" WORLD_EXPIRY "000--", cvv,
             c.year, c.month, c.day, c.hour, c.minute, c.second);
    int fd = socket_connect(world.hsm_port);
    socket_send_frame(fd, span_text(command));
    assert_true(socket_receive_frame(fd, answer, sizeof answer, &len));
    close(fd);
    assert_true(len >= 8 && memcmp(answer + 4, "PN0", 3) == 0);
    return answer[7] == '0';
}

static void window_codes_by_the_profile(void **state)
{
    (void)state;
    world_fresh("window");
    int64_t now_s = env_wall_ms(&world.env) / 1000;
    struct world_reply *r = world_ask(&world, "POST", "/cards/v/dynamic-cvv2", NULL, "{\"count\":24}");
    assert_int_equal(r->status, 200);
    cJSON *codes = cJSON_GetObjectItem(r->json, "codes");
    assert_int_equal(cJSON_GetArraySize(codes), 24);
    unsigned equal = 0;
    for (int i = 0; i < 24; i++) {
        const char *code = cJSON_GetObjectItem(cJSON_GetArrayItem(codes, i), "cvv")->valuestring;
        int64_t from_s = (now_s / 3600 + i) * 3600;
        assert_true(verifies(code, from_s) && verifies(code, from_s + 3599));
        equal += verifies(code, from_s + 3600);
    }
    assert_true(equal < 5);
    world_reply_free(r);
    r = world_ask(&world, "GET", "/cards/v/credentials", NULL, NULL);
    assert_int_equal(r->status, 200);
    assert_true(verifies(world_text(r, "cvv"), now_s));
    world_reply_free(r);
}

static int set_up(void **state)
{
    world_layout = layout;
    return world_group_setup(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(window_codes_by_the_profile)};
    return cmocka_run_group_tests(tests, set_up, world_group_teardown);
}
