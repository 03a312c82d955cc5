/* SPDX-License-Identifier: Apache-2.0 */
/* The issuer as a process, with a real HSM and a real ledger: codes, policies, errors. */
#include "support/issuer_world.h"

#include "hostcmd/commands.h"
#include "support/sockets.h"

#include <pthread.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- codes ---- */

/* otc-1, otc-2, otc-3 of the published vectors. */
static void test_one_time_codes_in_order(void **state)
{
    (void)state;
    static const char *const want[] = {"104", "484", "924"};
    char cvv[4];
    world_fresh("one-time");
    for (int64_t n = 1; n <= 3; n++) {
        int64_t before = env_wall_ms(&world.env);
        world_show("v", cvv);
        assert_string_equal(cvv, want[n - 1]);
        struct ledger_full_card card = world_card(&world, "v");
        assert_int_equal(card.code.issue_n, n);
        assert_int_equal(card.code.state, LEDGER_CODE_ACTIVE);
        assert_int_equal(card.code.declines, 0);
        assert_int_equal(card.code.expires_at - card.code.issued_at, 300000);
        assert_true(card.code.issued_at >= before);
        assert_true(card.code.first_display_at > 0);
    }
}

/* otc-repeat, otc-static, otc-9999, otc-10000. */
static void test_skips(void **state)
{
    (void)state;
    static const struct {
        int64_t last, taken;
        const char *code; /* NULL: only what it is not */
        const char *never;
    } row[] = {{2089, 2091, NULL, "559"},
               {2223, 2225, NULL, "431"},
               {9998, 9999, "590", ""},
               {9999, 10000, "636", ""},
               {10000, 10001, "104", ""}};
    char cvv[4];
    world_fresh("one-time");
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        if (world_card(&world, "v").code.issue_n < row[i].last)
            world_issue(&world, "v", row[i].last);
        world_show("v", cvv);
        assert_int_equal(world_card(&world, "v").code.issue_n, row[i].taken);
        assert_string_not_equal(cvv, row[i].never);
        if (row[i].code)
            assert_string_equal(cvv, row[i].code);
    }
}

static void test_counter_exhausted(void **state)
{
    (void)state;
    char cvv[4];
    world_fresh("one-time");
    world_issue(&world, "v", 999997);
    world_show("v", cvv);
    while (world_card(&world, "v").code.issue_n < 999999)
        world_show("v", cvv);
    world_expect("GET", "/cards/v/credentials", NULL, 409, "counter_exhausted");
    assert_int_equal(world_card(&world, "v").code.issue_n, 999999);
}

static void test_policy_refuse(void **state)
{
    (void)state;
    char cvv[4];
    world_fresh("refuse");
    world_show("v", cvv);
    struct world_reply *r = world_ask(&world, "GET", "/cards/v/credentials", NULL, NULL);
    assert_int_equal(r->status, 409);
    assert_string_equal(world_text(r, "code"), "code_active");
    char expires[25];
    env_rfc3339(world_card(&world, "v").code.expires_at, expires);
    assert_string_equal(world_text(r, "cvvExpiresAt"), expires);
    assert_null(strstr(r->body, cvv));
    world_reply_free(r);
    assert_int_equal(world_card(&world, "v").code.issue_n, 1);
    world_expect("POST", "/cards/v/dynamic-cvv2/cancel", NULL, 204, NULL);
    world_show("v", cvv);
    assert_string_equal(cvv, "484");
}

static void test_policy_same(void **state)
{
    (void)state;
    char first[4], second[4];
    world_fresh("same");
    world_show("v", first);
    struct ledger_code before = world_card(&world, "v").code;
    world_show("v", second);
    struct ledger_code after = world_card(&world, "v").code;
    assert_string_equal(first, second);
    assert_int_equal(after.issue_n, 1);
    assert_int_equal(after.expires_at, before.expires_at);
    assert_int_equal(after.declines, before.declines);
}

static void test_display_rate(void **state)
{
    (void)state;
    char cvv[4];
    world_fresh("rate-2");
    world_show("v", cvv);
    world_show("v", cvv);
    world_expect("GET", "/cards/v/credentials", NULL, 429, "display_rate");
    struct world_reply *r = world_ask(&world, "GET", "/cards/v/credentials", NULL, NULL);
    long wait = strtol(world_header(r, "Retry-After"), NULL, 10);
    assert_true(wait > 3500 && wait <= 3601);
    world_reply_free(r);
    assert_int_equal(world_card(&world, "v").code.issue_n, 2);
}

/* 431 is the static CVV2 of the vectors' card (otc-static); it has no expiry. */
static void test_static(void **state)
{
    (void)state;
    world_fresh("static");
    struct world_reply *r = world_ask(&world, "GET", "/cards/v/credentials", NULL, NULL);
    assert_int_equal(r->status, 200);
    assert_string_equal(world_text(r, "cvv"), "431");
    assert_null(cJSON_GetObjectItem(r->json, "cvvExpiresAt"));
    world_reply_free(r);
    assert_int_equal(world_card(&world, "v").code.issue_n, 0);
    world_expect("POST", "/cards/v/dynamic-cvv2", "{\"count\":2}", 409, "wrong_mode");
}

/* PM of the HSM is asked directly whether the code holds at that time. */
static bool hsm_verifies(const char *cvv, int64_t at_s)
{
    struct hostcmd_pm pm = {0};
    struct env_calendar c = env_calendar(at_s * 1000);
    char time[32], text[600], key[300] = "";
    uint8_t frame[700], answer[700];
    snprintf(text, sizeof text, "%s/keys.ini", world.dir);
    FILE *f = fopen(text, "r");
    while (fgets(text, sizeof text, f))
        if (sscanf(text, "mk = %299s", key) == 1)
            break;
    fclose(f);
    snprintf(time, sizeof time, "%02d%02d%02d%02d%02d", c.year % 100, c.month, c.day, c.hour, c.minute);
    WIRE_SET(pm.scheme, span_text("5"));
    WIRE_SET(pm.version, span_text("0"));
    WIRE_SET(pm.key, span_text(key));
    WIRE_SET(pm.method, span_text("A"));
    WIRE_SET(pm.pan, span_text(WORLD_PAN));
    WIRE_SET(pm.expiry, span_text(WORLD_EXPIRY));
    WIRE_SET(pm.service, span_text("000"));
    WIRE_SET(pm.time, span_text(time));
    WIRE_SET(pm.twu, span_text("01"));
    WIRE_SET(pm.code, span_text(cvv));
    struct buf out = buf_over(frame, sizeof frame);
    buf_put_text(&out, "0001");
    assert_int_equal(hostcmd_request_build(HOSTCMD_PM, &pm, HOSTCMD_LMK_DEFAULT, &out), ERR_OK);
    int fd = socket_connect(world.hsm_port);
    size_t len = 0;
    socket_send_frame(fd, buf_span(&out));
    assert_true(socket_receive_frame(fd, answer, sizeof answer, &len));
    close(fd);
    assert_true(len >= 8);
    return memcmp(answer + 4, "PN00", 4) == 0;
}

static void test_windows(void **state)
{
    (void)state;
    world_fresh("window");
    struct world_reply *r = world_ask(&world, "GET", "/cards/v/credentials", NULL, NULL);
    assert_int_equal(r->status, 200);
    int64_t now_s = env_wall_ms(&world.env) / 1000;
    char expires[25];
    env_rfc3339((now_s / 3600 + 2) * 3600 * 1000, expires); /* end of the window, and one more: the previous one is accepted */
    assert_string_equal(world_text(r, "cvvExpiresAt"), expires);
    assert_true(hsm_verifies(world_text(r, "cvv"), now_s));
    world_reply_free(r);
    assert_int_equal(world_card(&world, "v").code.issue_n, 0);
    assert_true(world_card(&world, "v").code.first_display_at > 0);
    r = world_ask(&world, "POST", "/cards/v/dynamic-cvv2", NULL, "{\"count\":24}");
    assert_int_equal(r->status, 200);
    cJSON *codes = cJSON_GetObjectItem(r->json, "codes");
    assert_int_equal(cJSON_GetArraySize(codes), 24);
    for (int i = 0; i < 24; i++) {
        cJSON *code = cJSON_GetArrayItem(codes, i);
        char from[25], until[25];
        env_rfc3339((now_s / 3600 + i) * 3600 * 1000, from);
        env_rfc3339((now_s / 3600 + i + 1) * 3600 * 1000, until);
        assert_string_equal(cJSON_GetObjectItem(code, "validFrom")->valuestring, from);
        assert_string_equal(cJSON_GetObjectItem(code, "validUntil")->valuestring, until);
        assert_true(hsm_verifies(cJSON_GetObjectItem(code, "cvv")->valuestring, (now_s / 3600 + i) * 3600 + 60));
    }
    world_reply_free(r);
    world_expect("POST", "/cards/v/dynamic-cvv2", "{\"count\":25}", 400, "bad_count");
    world_expect("POST", "/cards/v/dynamic-cvv2", "{\"count\":0}", 400, "bad_count");
    world_expect("POST", "/cards/v/dynamic-cvv2", "{\"count\":1.5}", 400, "bad_count");
    world_expect("POST", "/cards/v/dynamic-cvv2", "{}", 400, "bad_field");
    world_expect("DELETE", "/cards/v/dynamic-cvv2/enrolment", NULL, 200, NULL);
    world_expect("POST", "/cards/v/dynamic-cvv2", "{\"count\":1}", 403, "not_enrolled");
    char cvv[4];
    world_show("v", cvv);
    assert_string_equal(cvv, "431"); /* a card that is not enrolled behaves as static */
}

/* ---- status, enrolment, lock ---- */

static void test_status_never_holds_the_code(void **state)
{
    (void)state;
    char cvv[4];
    world_fresh("one-time");
    struct world_reply *r = world_ask(&world, "GET", "/cards/v/dynamic-cvv2/status", NULL, NULL);
    assert_string_equal(world_text(r, "state"), "none");
    world_reply_free(r);
    world_show("v", cvv);
    r = world_ask(&world, "GET", "/cards/v/dynamic-cvv2/status", NULL, NULL);
    assert_int_equal(r->status, 200);
    assert_string_equal(world_text(r, "mode"), "one_time");
    assert_string_equal(world_text(r, "state"), "active");
    assert_int_equal(cJSON_GetObjectItem(r->json, "triesLeft")->valueint, 3);
    assert_string_equal(world_text(r, "lock"), "none");
    assert_true(strlen(world_text(r, "cvvExpiresAt")) == 24);
    assert_null(cJSON_GetObjectItem(r->json, "cvv"));
    world_reply_free(r);
    world_expect("POST", "/cards/v/dynamic-cvv2/cancel", NULL, 204, NULL);
    world_expect("POST", "/cards/v/dynamic-cvv2/cancel", NULL, 204, NULL);
    assert_int_equal(world_card(&world, "v").code.state, LEDGER_CODE_CANCELLED);
    world_expect("POST", "/cards/v/unlock", "{\"reason\":\"holder called\"}", 200, NULL);
    assert_int_equal(world_card(&world, "v").code.state, LEDGER_CODE_CANCELLED);
    assert_true(world_card(&world, "v").code.g_unlock_at > 0);
    world_expect("POST", "/cards/v/unlock", "{}", 400, "bad_field");
}

static void test_enrolment_and_status_of_the_card(void **state)
{
    (void)state;
    char cvv[4];
    world_fresh("one-time");
    world_show("v", cvv);
    struct world_reply *r = world_ask(&world, "GET", "/cards/v/dynamic-cvv2/enrolment", NULL, NULL);
    assert_true(cJSON_IsTrue(cJSON_GetObjectItem(r->json, "enrolled")));
    world_reply_free(r);
    world_expect("DELETE", "/cards/v/dynamic-cvv2/enrolment", NULL, 200, NULL);
    world_expect("DELETE", "/cards/v/dynamic-cvv2/enrolment", NULL, 200, NULL);
    assert_int_equal(world_card(&world, "v").code.state, LEDGER_CODE_CANCELLED);
    world_expect("PUT", "/cards/v/dynamic-cvv2/enrolment", NULL, 200, NULL);
    world_show("v", cvv);
    assert_string_equal(cvv, "484"); /* the counter is not reset by unenrolment */
    world_expect("PATCH", "/cards/v", "{\"status\":\"suspended\"}", 200, NULL);
    world_expect("GET", "/cards/v/credentials", NULL, 403, "card_not_active");
    assert_int_equal(world_card(&world, "v").code.state, LEDGER_CODE_CANCELLED);
    world_expect("PATCH", "/cards/v", "{\"status\":\"active\",\"name\":\"Ren\xC3\xA9\"}", 200, NULL);
    world_show("v", cvv);
    assert_string_equal(cvv, "924");
    world_expect("DELETE", "/cards/v", NULL, 204, NULL);
    world_expect("GET", "/cards/v/credentials", NULL, 403, "card_not_active");
    world_expect("PATCH", "/cards/v", "{\"status\":\"active\"}", 403, "card_not_active");
}

static const char *months_from_now(int months, char out[static 24])
{
    struct env_calendar now = env_calendar(env_wall_ms(&world.env));
    int month = now.year * 12 + now.month - 1 + months;
    (void)snprintf(out, 24, "{\"exp\":\"%02d%02d\"}", month % 12 + 1, month / 12 % 100);
    return out;
}

/* A card whose date has passed shows nothing: neither a code nor a batch, nor one of codes that run past its date. */
static void a_card_whose_date_has_passed(void **state)
{
    (void)state;
    char body[24];
    world_put_card(&world, "past-1", "one-time", "4000000000000002");
    world_put_card(&world, "past-2", "window", "4000000000000010");
    world_expect("PATCH", "/cards/past-1", months_from_now(-1, body), 200, NULL);
    world_expect("GET", "/cards/past-1/credentials", NULL, 409, "card_expired");
    assert_int_equal(world_card(&world, "past-1").code.issue_n, 0);
    world_expect("PATCH", "/cards/past-1", months_from_now(0, body), 200, NULL);
    world_expect("GET", "/cards/past-1/credentials", NULL, 200, NULL);
    world_expect("PATCH", "/cards/past-2", months_from_now(-1, body), 200, NULL);
    world_expect("POST", "/cards/past-2/dynamic-cvv2", "{\"count\":1}", 409, "card_expired");
    world_expect("PATCH", "/cards/past-2", months_from_now(1, body), 200, NULL);
    world_expect("POST", "/cards/past-2/dynamic-cvv2", "{\"count\":2}", 200, NULL);
}

/* ---- crowds and outages ---- */

struct visitor {
    const struct world *at;
    size_t shown;
    size_t busy; /* 503: five commits lost against the other node */
};

static void *visit(void *context)
{
    struct visitor *v = context;
    for (int i = 0; i < 8; i++) {
        struct world_reply *r = world_ask(v->at, "GET", "/cards/v/credentials", NULL, NULL);
        v->shown += r->status == 200;
        v->busy += r->status == 503 && strcmp(world_text(r, "code"), "ledger_unavailable") == 0;
        world_reply_free(r);
    }
    return NULL;
}

/* Two nodes over one ledger: the version of the row keeps them apart, whoever loses reads again. */
static void test_two_nodes(void **state)
{
    (void)state;
    enum { VISITORS = 16 };
    struct visitor visitor[VISITORS];
    pthread_t thread[VISITORS];
    struct world other;
    size_t shown = 0;
    size_t busy = 0;
    world_fresh("one-time");
    world_second_start(&world, &other);
    struct ledger_code before = world_card(&world, "v").code;
    for (size_t i = 0; i < VISITORS; i++) {
        visitor[i] = (struct visitor){.at = i % 2 ? &world : &other};
        assert_int_equal(pthread_create(&thread[i], NULL, visit, &visitor[i]), 0);
    }
    for (size_t i = 0; i < VISITORS; i++) {
        pthread_join(thread[i], NULL);
        shown += visitor[i].shown;
        busy += visitor[i].busy;
    }
    struct ledger_code after = world_card(&world, "v").code;
    assert_int_equal(shown + busy, VISITORS * 8);
    assert_true(shown > VISITORS * 8 / 2);
    assert_int_equal(after.version - before.version, shown); /* a display is one write, a loser writes nothing */
    assert_true(after.issue_n >= (int64_t)shown);
    assert_int_equal(after.state, LEDGER_CODE_ACTIVE);
    world_second_stop(&other);
}

static void *crowd(void *context)
{
    size_t *shown = context;
    char cvv[4] = "";
    for (int i = 0; i < 4; i++) {
        struct world_reply *r = world_ask(&world, "GET", "/cards/v/credentials", NULL, NULL);
        snprintf(cvv, sizeof cvv, "%s", world_text(r, "cvv"));
        *shown += r->status == 200 && strlen(cvv) == 3;
        world_reply_free(r);
    }
    return NULL;
}

static void test_parallel_displays(void **state)
{
    (void)state;
    enum { CROWD = 64 };
    pthread_t thread[CROWD];
    size_t shown[CROWD] = {0};
    size_t all = 0;
    world_fresh("one-time");
    int64_t fresh = world_card(&world, "v").code.version;
    for (size_t i = 0; i < CROWD; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, crowd, &shown[i]), 0);
    for (size_t i = 0; i < CROWD; i++) {
        pthread_join(thread[i], NULL);
        all += shown[i];
    }
    struct ledger_code code = world_card(&world, "v").code;
    assert_int_equal(all, 4 * CROWD);
    assert_int_equal(code.state, LEDGER_CODE_ACTIVE);
    assert_true(code.issue_n >= 4 * CROWD);            /* one counter each, and those the skip rule passed over */
    assert_int_equal(code.version - fresh, 4 * CROWD); /* and one write each */
}

/* The wall clock stands behind the newest time of the row: no code until it has caught up. */
static void test_clock_suspect(void **state)
{
    (void)state;
    world_fresh("one-time");
    world_issue_at(&world, "v", 5, env_wall_ms(&world.env) + 60000);
    world_expect("GET", "/cards/v/credentials", NULL, 503, "clock_suspect");
    assert_int_equal(world_card(&world, "v").code.issue_n, 5);
}

/* Another process holds the write lock for longer than the driver waits. */
static void test_ledger_unavailable(void **state)
{
    (void)state;
    char cvv[4];
    sqlite3 *db = NULL;
    world_fresh("one-time");
    assert_int_equal(sqlite3_open(world.url + sizeof "sqlite:" - 1, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    world_expect("GET", "/cards/v/credentials", NULL, 503, "ledger_unavailable");
    assert_int_equal(sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    assert_true(world_card(&world, "v").code.issue_n <=
                1); /* the write that nobody waits for any more may just have got its turn */
    world_show("v", cvv);
    assert_true(strcmp(cvv, "104") == 0 || strcmp(cvv, "484") == 0);
}

static void test_hsm_gone(void **state)
{
    (void)state;
    char cvv[4];
    world_fresh("one-time");
    world_show("v", cvv);
    struct ledger_code before = world_card(&world, "v").code;
    world_hsm_kill(&world);
    world_expect("GET", "/cards/v/credentials", NULL, 503, "hsm_unavailable");
    world_expect("GET", "/cards/v/credentials", NULL, 503, "hsm_unavailable");
    struct ledger_code after = world_card(&world, "v").code;
    assert_memory_equal(&before, &after, sizeof before);
    world_expect("GET", "/cards/v/dynamic-cvv2/status", NULL, 200, NULL);
    world_hsm_start(&world);
    world_show("v", cvv);
    assert_string_equal(cvv, "484");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_time_codes_in_order),
        cmocka_unit_test(test_skips),
        cmocka_unit_test(test_counter_exhausted),
        cmocka_unit_test(test_policy_refuse),
        cmocka_unit_test(test_policy_same),
        cmocka_unit_test(test_display_rate),
        cmocka_unit_test(test_static),
        cmocka_unit_test(test_windows),
        cmocka_unit_test(test_status_never_holds_the_code),
        cmocka_unit_test(test_enrolment_and_status_of_the_card),
        cmocka_unit_test(a_card_whose_date_has_passed),
        cmocka_unit_test(test_two_nodes),
        cmocka_unit_test(test_parallel_displays),
        cmocka_unit_test(test_clock_suspect),
        cmocka_unit_test(test_ledger_unavailable),
        cmocka_unit_test(test_hsm_gone),
    };
    return cmocka_run_group_tests(tests, world_group_setup, world_group_teardown);
}
