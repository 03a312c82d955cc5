/* SPDX-License-Identifier: Apache-2.0 */
/* The issuer as a process, with a real HSM and a real ledger: codes, policies, errors. */
#include "support/issuer_world.h"

#include "hostcmd/commands.h"
#include "support/sockets.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct world world;

static int setup(void **state)
{
    (void)state;
    world_setup(&world, true);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    world_teardown(&world);
    return 0;
}

static void expect(const char *method, const char *path, const char *body, int status, const char *code)
{
    struct world_reply *r = world_ask(&world, method, path, NULL, body);
    if (r->status != status || (code && strcmp(world_text(r, "code"), code) != 0))
        fail_msg("%s %s: %d %s", method, path, r->status, r->body);
    if (code) {
        assert_string_equal(world_header(r, "Content-Type"), "application/problem+json");
        assert_int_equal(cJSON_GetObjectItem(r->json, "status")->valueint, status);
        assert_true(strlen(world_text(r, "title")) > 0 && strlen(world_text(r, "type")) > 0);
        assert_true(strlen(world_text(r, "correlationId")) > 0);
    }
    if (status == 429 || status == 503)
        assert_non_null(world_header(r, "Retry-After"));
    assert_string_equal(world_header(r, "Cache-Control"), "no-store");
    world_reply_free(r);
}

/* A display that succeeds; the code. */
static void show(const char *card_id, char cvv[4])
{
    char path[128];
    snprintf(path, sizeof path, "/cards/%s/credentials", card_id);
    struct world_reply *r = world_ask(&world, "GET", path, NULL, NULL);
    if (r->status != 200)
        fail_msg("%s: %d %s", card_id, r->status, r->body);
    assert_string_equal(world_text(r, "pan"), WORLD_PAN);
    assert_string_equal(world_text(r, "exp"), "1228");
    snprintf(cvv, 4, "%s", world_text(r, "cvv"));
    world_reply_free(r);
}

/* Cards share the PAN of the vectors, which may be registered once: each test that needs it has a world of its own. */
static void new_vector_card(const char *product)
{
    world_teardown(&world);
    world_setup(&world, true);
    world_put_card(&world, "v", product, WORLD_PAN);
}

/* ---- codes ---- */

/* otc-1, otc-2, otc-3 of the published vectors. */
static void test_one_time_codes_in_order(void **state)
{
    (void)state;
    static const char *const want[] = {"104", "484", "924"};
    char cvv[4];
    new_vector_card("one-time");
    for (int64_t n = 1; n <= 3; n++) {
        int64_t before = env_wall_ms(&world.env);
        show("v", cvv);
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
    } row[] = {{2089, 2091, NULL, "559"}, {2223, 2225, NULL, "431"}, {9998, 9999, "590", ""}, {9999, 10000, "636", ""},
               {10000, 10001, "104", ""}};
    char cvv[4];
    new_vector_card("one-time");
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        if (world_card(&world, "v").code.issue_n < row[i].last)
            world_issue(&world, "v", row[i].last);
        show("v", cvv);
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
    new_vector_card("one-time");
    world_issue(&world, "v", 999997);
    show("v", cvv);
    while (world_card(&world, "v").code.issue_n < 999999)
        show("v", cvv);
    expect("GET", "/cards/v/credentials", NULL, 409, "counter_exhausted");
    assert_int_equal(world_card(&world, "v").code.issue_n, 999999);
}

static void test_policy_refuse(void **state)
{
    (void)state;
    char cvv[4];
    new_vector_card("refuse");
    show("v", cvv);
    struct world_reply *r = world_ask(&world, "GET", "/cards/v/credentials", NULL, NULL);
    assert_int_equal(r->status, 409);
    assert_string_equal(world_text(r, "code"), "code_active");
    char expires[25];
    env_rfc3339(world_card(&world, "v").code.expires_at, expires);
    assert_string_equal(world_text(r, "cvvExpiresAt"), expires);
    assert_null(strstr(r->body, cvv));
    world_reply_free(r);
    assert_int_equal(world_card(&world, "v").code.issue_n, 1);
    expect("POST", "/cards/v/dynamic-cvv2/cancel", NULL, 204, NULL);
    show("v", cvv);
    assert_string_equal(cvv, "484");
}

static void test_policy_same(void **state)
{
    (void)state;
    char first[4], second[4];
    new_vector_card("same");
    show("v", first);
    struct ledger_code before = world_card(&world, "v").code;
    show("v", second);
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
    new_vector_card("rate-2");
    show("v", cvv);
    show("v", cvv);
    expect("GET", "/cards/v/credentials", NULL, 429, "display_rate");
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
    new_vector_card("static");
    struct world_reply *r = world_ask(&world, "GET", "/cards/v/credentials", NULL, NULL);
    assert_int_equal(r->status, 200);
    assert_string_equal(world_text(r, "cvv"), "431");
    assert_null(cJSON_GetObjectItem(r->json, "cvvExpiresAt"));
    world_reply_free(r);
    assert_int_equal(world_card(&world, "v").code.issue_n, 0);
    expect("POST", "/cards/v/dynamic-cvv2", "{\"count\":2}", 409, "wrong_mode");
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
    new_vector_card("window");
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
    expect("POST", "/cards/v/dynamic-cvv2", "{\"count\":25}", 400, "bad_count");
    expect("POST", "/cards/v/dynamic-cvv2", "{\"count\":0}", 400, "bad_count");
    expect("POST", "/cards/v/dynamic-cvv2", "{\"count\":1.5}", 400, "bad_count");
    expect("POST", "/cards/v/dynamic-cvv2", "{}", 400, "bad_field");
    expect("DELETE", "/cards/v/dynamic-cvv2/enrolment", NULL, 200, NULL);
    expect("POST", "/cards/v/dynamic-cvv2", "{\"count\":1}", 403, "not_enrolled");
    char cvv[4];
    show("v", cvv);
    assert_string_equal(cvv, "431"); /* a card that is not enrolled behaves as static */
}

/* ---- status, enrolment, lock ---- */

static void test_status_never_holds_the_code(void **state)
{
    (void)state;
    char cvv[4];
    new_vector_card("one-time");
    struct world_reply *r = world_ask(&world, "GET", "/cards/v/dynamic-cvv2/status", NULL, NULL);
    assert_string_equal(world_text(r, "state"), "none");
    world_reply_free(r);
    show("v", cvv);
    r = world_ask(&world, "GET", "/cards/v/dynamic-cvv2/status", NULL, NULL);
    assert_int_equal(r->status, 200);
    assert_string_equal(world_text(r, "mode"), "one_time");
    assert_string_equal(world_text(r, "state"), "active");
    assert_int_equal(cJSON_GetObjectItem(r->json, "triesLeft")->valueint, 3);
    assert_string_equal(world_text(r, "lock"), "none");
    assert_true(strlen(world_text(r, "cvvExpiresAt")) == 24);
    assert_null(cJSON_GetObjectItem(r->json, "cvv"));
    world_reply_free(r);
    expect("POST", "/cards/v/dynamic-cvv2/cancel", NULL, 204, NULL);
    expect("POST", "/cards/v/dynamic-cvv2/cancel", NULL, 204, NULL);
    assert_int_equal(world_card(&world, "v").code.state, LEDGER_CODE_CANCELLED);
    expect("POST", "/cards/v/unlock", "{\"reason\":\"holder called\"}", 200, NULL);
    assert_int_equal(world_card(&world, "v").code.state, LEDGER_CODE_CANCELLED);
    assert_true(world_card(&world, "v").code.g_unlock_at > 0);
    expect("POST", "/cards/v/unlock", "{}", 400, "bad_field");
}

static void test_enrolment_and_status_of_the_card(void **state)
{
    (void)state;
    char cvv[4];
    new_vector_card("one-time");
    show("v", cvv);
    struct world_reply *r = world_ask(&world, "GET", "/cards/v/dynamic-cvv2/enrolment", NULL, NULL);
    assert_true(cJSON_IsTrue(cJSON_GetObjectItem(r->json, "enrolled")));
    world_reply_free(r);
    expect("DELETE", "/cards/v/dynamic-cvv2/enrolment", NULL, 200, NULL);
    expect("DELETE", "/cards/v/dynamic-cvv2/enrolment", NULL, 200, NULL);
    assert_int_equal(world_card(&world, "v").code.state, LEDGER_CODE_CANCELLED);
    expect("PUT", "/cards/v/dynamic-cvv2/enrolment", NULL, 200, NULL);
    show("v", cvv);
    assert_string_equal(cvv, "484"); /* the counter is not reset by unenrolment */
    expect("PATCH", "/cards/v", "{\"status\":\"suspended\"}", 200, NULL);
    expect("GET", "/cards/v/credentials", NULL, 403, "card_not_active");
    assert_int_equal(world_card(&world, "v").code.state, LEDGER_CODE_CANCELLED);
    expect("PATCH", "/cards/v", "{\"status\":\"active\",\"name\":\"Ren\xC3\xA9\"}", 200, NULL);
    show("v", cvv);
    assert_string_equal(cvv, "924");
    expect("DELETE", "/cards/v", NULL, 204, NULL);
    expect("GET", "/cards/v/credentials", NULL, 403, "card_not_active");
    expect("PATCH", "/cards/v", "{\"status\":\"active\"}", 403, "card_not_active");
}

/* ---- registration ---- */

static void test_registration(void **state)
{
    (void)state;
    static const char card[] = "{\"cardId\":\"c-1\",\"productId\":\"one-time\",\"pan\":\"4111111111111111\",\"exp\":\"1228\",\"name\":\"A B\"}";
    struct world_reply *r = world_ask(&world, "POST", "/cards", NULL, card);
    assert_int_equal(r->status, 201);
    assert_string_equal(world_text(r, "cardId"), "c-1");
    world_reply_free(r);
    expect("POST", "/cards", card, 200, NULL);
    expect("POST", "/cards", "{\"productId\":\"one-time\",\"pan\":\"4111111111111111\",\"exp\":\"1228\",\"name\":\"A B\"}", 200, NULL);
    expect("POST", "/cards", "{\"productId\":\"one-time\",\"pan\":\"4111111111111111\",\"exp\":\"0129\",\"name\":\"A B\"}", 409,
           "duplicate_card");
    expect("POST", "/cards", "{\"cardId\":\"c-1\",\"productId\":\"one-time\",\"pan\":\"4242424242424242\",\"exp\":\"1228\"}", 409,
           "duplicate_card");
    struct ledger_full_card row = world_card(&world, "c-1");
    assert_string_equal(row.card.expiry, "2812");
    assert_string_equal(row.card.pan_last4, "1111");
    assert_string_equal(row.account.account_id, "c-1");
    assert_int_equal(row.account.balance, 1000000);
    assert_string_equal(row.account.currency, "036");
    r = world_ask(&world, "GET", "/cards/c-1", NULL, NULL);
    assert_string_equal(world_text(r, "maskedPan"), "411111******1111");
    assert_string_equal(world_text(r, "exp"), "1228");
    assert_null(strstr(r->body, "4111111111111111"));
    world_reply_free(r);
    r = world_ask(&world, "POST", "/cards", NULL, "{\"productId\":\"static\",\"pan\":\"5555555555554444\",\"exp\":\"1230\"}");
    assert_int_equal(r->status, 201);
    assert_int_equal(strlen(world_text(r, "cardId")), 36);
    world_reply_free(r);
}

static void test_registration_faults(void **state)
{
    (void)state;
#define REST ",\"exp\":\"1228\",\"productId\":\"one-time\"}"
    expect("POST", "/cards", "{\"pan\":\"4111111111111112\"" REST, 400, "bad_pan");
    expect("POST", "/cards", "{\"pan\":\"41111111\"" REST, 400, "bad_field");
    expect("POST", "/cards", "{\"pan\":4111111111111111" REST, 400, "bad_field");
    expect("POST", "/cards", "{\"pan\":\"4012888888881881\",\"pan\":\"4012888888881881\"" REST, 400, "bad_json");
    expect("POST", "/cards", "{\"pan\":\"4012888888881881\",\"cvv\":\"123\"" REST, 400, "bad_field");
    expect("POST", "/cards", "{\"pan\":\"4012888888881881\",\"cardId\":\"a b\"" REST, 400, "bad_field");
    expect("POST", "/cards", "{\"pan\":\"4012888888881881\",\"exp\":\"1328\",\"productId\":\"one-time\"}", 400, "bad_field");
    expect("POST", "/cards", "{\"pan\":\"4012888888881881\",\"exp\":\"1228\",\"productId\":\"nix\"}", 404, "product_not_found");
    expect("POST", "/cards", "not json", 400, "bad_json");
    expect("POST", "/cards", "[]", 400, "bad_json");
    expect("POST", "/cards", NULL, 415, "bad_media_type");
    struct world_reply *r = world_ask(&world, "POST", "/cards", NULL, "{\"pan\":\"4111111111111112\"" REST);
    assert_string_equal(world_text(r, "field"), "pan");
    assert_null(strstr(r->body, "4111")); /* input is never echoed */
    world_reply_free(r);
    expect("GET", "/nothing", NULL, 404, "not_found");
    expect("PUT", "/cards", "{}", 405, "bad_method");
    expect("HEAD", "/cards/c-1/credentials", NULL, 405, NULL);
    expect("GET", "/cards/%zz", NULL, 400, "bad_field");
}

/* ---- who may ---- */

static void expect_as(const char *headers, const char *method, const char *path, int status, const char *code)
{
    struct world_reply *r = world_ask(&world, method, path, headers, NULL);
    if (r->status != status || strcmp(world_text(r, "code"), code) != 0)
        fail_msg("%s %s: %d %s", method, path, r->status, r->body);
    world_reply_free(r);
}

static void test_access(void **state)
{
    (void)state;
    new_vector_card("one-time");
    world_put_client(&world, "reader", WORLD_ISSUER, "read", "reader-key");
    world_put_client(&world, "stranger", "OTHERBANK1", "cards display read products operator keys", "stranger-key");
    expect_as("", "GET", "/cards/v", 401, "no_token");
    expect_as("Authorization: Bearer x\r\n", "GET", "/cards/v", 401, "bad_token");
    expect_as("X-Api-Key: wrong\r\n", "GET", "/cards/v", 401, "bad_token");
    expect_as("X-Api-Key: stranger-key\r\n", "GET", "/cards/v", 403, "wrong_issuer");
    expect_as("X-Api-Key: stranger-key\r\n", "GET", "//v2/issuers/OTHERBANK1/cards/v", 404, "card_not_found");
    expect_as("X-Api-Key: reader-key\r\n", "GET", "/cards/v/credentials", 403, "missing_role");
    expect_as("X-Api-Key: reader-key\r\n", "GET", "/cards/none", 404, "card_not_found");
    expect_as("X-Api-Key: reader-key\r\n", "GET", "/cards/a%20b", 404, "card_not_found");
    struct world_reply *r = world_ask(&world, "GET", "/cards/v", "X-Api-Key: reader-key\r\nX-Correlation-Id: my-id_1\r\n", NULL);
    assert_int_equal(r->status, 200);
    assert_string_equal(world_header(r, "x-correlation-id"), "my-id_1");
    world_reply_free(r);
    r = world_ask(&world, "GET", "/cards/x", "X-Api-Key: reader-key\r\nX-Correlation-Id: bad id!\r\n", NULL);
    assert_string_not_equal(world_text(r, "correlationId"), "bad id!");
    world_reply_free(r);
    assert_int_equal(world_card(&world, "v").code.issue_n, 0);
}

static void test_production_takes_no_api_key(void **state)
{
    (void)state;
    world_teardown(&world);
    world_setup(&world, false);
    world_put_client(&world, "c", WORLD_ISSUER, "cards display read products operator keys", WORLD_API_KEY);
    world_put_card(&world, "v", "one-time", WORLD_PAN);
    expect("GET", "/cards/v/credentials", NULL, 403, "sandbox_only");
    assert_int_equal(world_card(&world, "v").code.issue_n, 0);
}

/* ---- encryption ---- */

/* Encrypted to a key that node made, and read by node: nothing of ours is on that side. */
static void run_node(const char *script, const char *argument, char *out, size_t cap)
{
    char command[512];
    snprintf(command, sizeof command, "node tests/support/%s %s %s", script, world.dir, argument);
    FILE *f = popen(command, "r");
    assert_non_null(f);
    size_t n = fread(out, 1, cap - 1, f);
    out[n] = 0;
    assert_int_equal(pclose(f), 0);
}

static void save(const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", world.dir, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void test_encrypted_credentials(void **state)
{
    (void)state;
    char jwk[512], plain[512];
    new_vector_card("one-time");
    run_node("jwe_reader.js", "make", jwk, sizeof jwk);
    struct world_reply *r = world_ask(&world, "PUT", "/clients/sandbox/keys/phone-1", NULL, jwk);
    if (r->status != 200)
        fail_msg("%d %s", r->status, r->body);
    world_reply_free(r);
    r = world_ask(&world, "GET", "/cards/v/credentials", NULL, NULL);
    assert_int_equal(r->status, 200);
    assert_null(cJSON_GetObjectItem(r->json, "cvv"));
    assert_null(strstr(r->body, "104"));
    save("token", world_text(r, "encryptedData"));
    world_reply_free(r);
    run_node("jwe_reader.js", "read", plain, sizeof plain);
    cJSON *json = cJSON_Parse(plain);
    assert_string_equal(cJSON_GetObjectItem(json, "kid")->valuestring, "phone-1");
    assert_string_equal(cJSON_GetObjectItem(json, "pan")->valuestring, WORLD_PAN);
    assert_string_equal(cJSON_GetObjectItem(json, "cvv")->valuestring, "104");
    assert_string_equal(cJSON_GetObjectItem(json, "exp")->valuestring, "1228");
    cJSON_Delete(json);
    /* rotation: two live keys of a use, not three; a revoked one is gone */
    expect("PUT", "/clients/sandbox/keys/phone-2", jwk, 200, NULL);
    expect("PUT", "/clients/sandbox/keys/phone-3", jwk, 409, "version_conflict");
    expect("DELETE", "/clients/sandbox/keys/phone-1", NULL, 204, NULL);
    expect("GET", "/clients/sandbox/keys/phone-1", NULL, 404, "not_found");
    expect("GET", "/clients/sandbox/keys/phone-2", NULL, 200, NULL);
    expect("GET", "/clients/other/keys/phone-2", NULL, 404, "not_found");
    expect("PUT", "/clients/sandbox/keys/phone-4", "{\"kty\":\"EC\",\"crv\":\"P-256\",\"use\":\"enc\","
           "\"x\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\",\"y\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}",
           400, "bad_field");
    expect("PUT", "/clients/sandbox/keys/phone-4", "{\"kty\":\"RSA\"}", 400, "bad_field");
}

/* ---- products ---- */

static void test_products(void **state)
{
    (void)state;
    new_vector_card("one-time");
    struct world_reply *r = world_ask(&world, "POST", "/card-products", NULL,
                                      "{\"productId\":\"p1\",\"mode\":\"time_window\",\"twuH\":6,\"mkRef\":\"mk\",\"cvkRef\":\"cvk\","
                                      "\"network\":\"visa+eftpos\",\"windowSingleUse\":true}");
    assert_int_equal(r->status, 201);
    assert_string_equal(world_header(r, "ETag"), "\"1\"");
    world_reply_free(r);
    r = world_ask(&world, "GET", "/card-products/p1", NULL, NULL);
    assert_int_equal(r->status, 200);
    assert_string_equal(world_text(r, "mode"), "time_window");
    assert_string_equal(world_text(r, "staticPolicy"), "allowed");
    assert_string_equal(world_text(r, "serviceCodeDyn"), "000");
    assert_string_equal(world_text(r, "network"), "visa+eftpos");
    assert_int_equal(cJSON_GetObjectItem(r->json, "twuH")->valueint, 6);
    assert_int_equal(cJSON_GetObjectItem(r->json, "expiryDelayS")->valueint, 300);
    assert_true(cJSON_IsTrue(cJSON_GetObjectItem(r->json, "windowSingleUse")));
    world_reply_free(r);
    expect("POST", "/card-products", "{\"productId\":\"p1\",\"cvkRef\":\"cvk\"}", 409, "version_conflict");
    expect("POST", "/card-products", "{\"productId\":\"p2\",\"cvkRef\":\"no such key\"}", 400, "bad_field");
    expect("POST", "/card-products", "{\"productId\":\"p2\",\"mode\":\"one_time\"}", 400, "bad_field");
    expect("POST", "/card-products", "{\"productId\":\"p2\",\"tries\":11,\"cvkRef\":\"cvk\"}", 400, "bad_field");
    expect("POST", "/card-products", "{\"productId\":\"p2\",\"mode\":\"magic\",\"cvkRef\":\"cvk\"}", 400, "bad_field");
    expect("GET", "/card-products/none", NULL, 404, "product_not_found");
    expect("PATCH", "/cards/v", "{\"productId\":\"p1\"}", 200, NULL);
    expect("GET", "/cards/v/credentials", NULL, 200, NULL);
}

/* ---- crowds and outages ---- */

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
    new_vector_card("one-time");
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
    assert_true(code.issue_n >= 4 * CROWD); /* one counter each, and those the skip rule passed over */
    assert_int_equal(code.version - fresh, 4 * CROWD); /* and one write each */
}

static void test_hsm_gone(void **state)
{
    (void)state;
    char cvv[4];
    new_vector_card("one-time");
    show("v", cvv);
    struct ledger_code before = world_card(&world, "v").code;
    world_hsm_kill(&world);
    expect("GET", "/cards/v/credentials", NULL, 503, "hsm_unavailable");
    expect("GET", "/cards/v/credentials", NULL, 503, "hsm_unavailable");
    struct ledger_code after = world_card(&world, "v").code;
    assert_memory_equal(&before, &after, sizeof before);
    expect("GET", "/cards/v/dynamic-cvv2/status", NULL, 200, NULL);
    world_hsm_start(&world);
    show("v", cvv);
    assert_string_equal(cvv, "484");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_registration),
        cmocka_unit_test(test_registration_faults),
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
        cmocka_unit_test(test_access),
        cmocka_unit_test(test_encrypted_credentials),
        cmocka_unit_test(test_products),
        cmocka_unit_test(test_parallel_displays),
        cmocka_unit_test(test_hsm_gone),
        cmocka_unit_test(test_production_takes_no_api_key),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
