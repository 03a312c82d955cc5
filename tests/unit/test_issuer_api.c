/* SPDX-License-Identifier: Apache-2.0 */
/* The issuer as a process, with a real HSM and a real ledger: registration, access, encryption, products. */
#include "support/issuer_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- registration ---- */

static void test_registration(void **state)
{
    (void)state;
    static const char card[] =
        "{\"cardId\":\"c-1\",\"productId\":\"one-time\",\"pan\":\"4111111111111111\",\"exp\":\"1228\",\"name\":\"A B\"}";
    struct world_reply *r = world_ask(&world, "POST", "/cards", NULL, card);
    assert_int_equal(r->status, 201);
    assert_string_equal(world_text(r, "cardId"), "c-1");
    world_reply_free(r);
    world_expect("POST", "/cards", card, 200, NULL);
    world_expect("POST", "/cards", "{\"productId\":\"one-time\",\"pan\":\"4111111111111111\",\"exp\":\"1228\",\"name\":\"A B\"}",
                 200, NULL);
    world_expect("POST", "/cards", "{\"productId\":\"one-time\",\"pan\":\"4111111111111111\",\"exp\":\"0129\",\"name\":\"A B\"}",
                 409, "duplicate_card");
    world_expect("POST", "/cards", "{\"cardId\":\"c-1\",\"productId\":\"one-time\",\"pan\":\"4242424242424242\",\"exp\":\"1228\"}",
                 409, "duplicate_card");
    struct ledger_full_card row = world_card(&world, "c-1");
    assert_string_equal(row.card.expiry, "2812");
    assert_string_equal(row.card.pan_last4, "1111");
    assert_string_equal(row.account.account_id, row.card.card_id);
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
    world_expect("POST", "/cards", "{\"pan\":\"4111111111111112\"" REST, 400, "bad_pan");
    world_expect("POST", "/cards", "{\"pan\":\"41111111\"" REST, 400, "bad_field");
    world_expect("POST", "/cards", "{\"pan\":4111111111111111" REST, 400, "bad_field");
    world_expect("POST", "/cards", "{\"pan\":\"4012888888881881\",\"pan\":\"4012888888881881\"" REST, 400, "bad_json");
    world_expect("POST", "/cards", "{\"pan\":\"4012888888881881\",\"cvv\":\"123\"" REST, 400, "bad_field");
    world_expect("POST", "/cards", "{\"pan\":\"4012888888881881\",\"cardId\":\"a b\"" REST, 400, "bad_field");
    world_expect("POST", "/cards", "{\"pan\":\"4012888888881881\",\"exp\":\"1328\",\"productId\":\"one-time\"}", 400, "bad_field");
    world_expect("POST", "/cards", "{\"pan\":\"4012888888881881\",\"exp\":\"1228\",\"productId\":\"nix\"}", 404,
                 "product_not_found");
    world_expect("POST", "/cards", "not json", 400, "bad_json");
    world_expect("POST", "/cards", "[]", 400, "bad_json");
    world_expect("POST", "/cards", NULL, 415, "bad_media_type");
    world_expect("POST", "/cards", "{\"pan\":\"4012888888881881\",\"cardId\":\"4012888888881881\"" REST, 400, "bad_field");
    world_expect("POST", "/cards", "{\"pan\":\"4012888888881881\",\"cardId\":\"card_4012-8888-8888-1881\"" REST, 400, "bad_field");
    world_expect("POST", "/cards", "{\"pan\":\"4012888888881881\",\"name\":\"A B 4111 1111 1111 1111\"" REST, 400, "bad_field");
    world_expect("POST", "/card-products", "{\"productId\":\"p4012888888881881\",\"mode\":\"static\"}", 400, "bad_field");
    struct world_reply *r =
        world_ask(&world, "GET", "/cards/c-1", "X-Api-Key: " WORLD_API_KEY "\r\nx-correlation-id: 4012888888881881\r\n", NULL);
    assert_null(strstr(r->head, "4012888888881881"));
    world_reply_free(r);
    r = world_ask(&world, "POST", "/cards", NULL, "{\"pan\":\"4111111111111112\"" REST);
    assert_string_equal(world_text(r, "field"), "pan");
    assert_null(strstr(r->body, "4111")); /* input is never echoed */
    world_reply_free(r);
    world_expect("GET", "/nothing", NULL, 404, "not_found");
    world_expect("PUT", "/cards", "{}", 405, "bad_method");
    world_expect("HEAD", "/cards/c-1/credentials", NULL, 405, NULL);
    world_expect("GET", "/cards/%zz", NULL, 400, "bad_field");
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
    world_fresh("one-time");
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
    world_expect("GET", "/cards/v/credentials", NULL, 403, "sandbox_only");
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
    world_fresh("one-time");
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
    world_expect("PUT", "/clients/sandbox/keys/phone-2", jwk, 200, NULL);
    world_expect("PUT", "/clients/sandbox/keys/phone-3", jwk, 409, "version_conflict");
    world_expect("DELETE", "/clients/sandbox/keys/phone-1", NULL, 204, NULL);
    world_expect("GET", "/clients/sandbox/keys/phone-1", NULL, 404, "not_found");
    world_expect("GET", "/clients/sandbox/keys/phone-2", NULL, 200, NULL);
    world_expect("GET", "/clients/other/keys/phone-2", NULL, 404, "not_found");
    world_expect("PUT", "/clients/sandbox/keys/phone-4",
                 "{\"kty\":\"EC\",\"crv\":\"P-256\",\"use\":\"enc\","
                 "\"x\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\",\"y\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}",
                 400, "bad_field");
    world_expect("PUT", "/clients/sandbox/keys/phone-4", "{\"kty\":\"RSA\"}", 400, "bad_field");
}

/* ---- products ---- */

static void test_products(void **state)
{
    (void)state;
    world_fresh("one-time");
    struct world_reply *r =
        world_ask(&world, "POST", "/card-products", NULL,
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
    assert_true(cJSON_IsTrue(cJSON_GetObjectItem(r->json, "diagStep"))); /* the default */
    world_reply_free(r);
    world_expect("POST", "/card-products", "{\"productId\":\"p1\",\"cvkRef\":\"cvk\"}", 409, "version_conflict");
    world_expect("POST", "/card-products", "{\"productId\":\"p2\",\"cvkRef\":\"no such key\"}", 400, "bad_field");
    world_expect("POST", "/card-products", "{\"productId\":\"p2\",\"mode\":\"one_time\"}", 400, "bad_field");
    world_expect("POST", "/card-products", "{\"productId\":\"p2\",\"tries\":11,\"cvkRef\":\"cvk\"}", 400, "bad_field");
    world_expect("POST", "/card-products", "{\"productId\":\"p2\",\"mode\":\"magic\",\"cvkRef\":\"cvk\"}", 400, "bad_field");
    world_expect("GET", "/card-products/none", NULL, 404, "product_not_found");
    r = world_ask(&world, "GET", "/card-products", NULL, NULL);
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(r->json, "products")), 7);
    world_reply_free(r);
    static const char change[] = "{\"productId\":\"p1\",\"mode\":\"time_window\",\"twuH\":2,\"mkRef\":\"mk\",\"cvkRef\":\"cvk\"}";
    world_expect("PUT", "/card-products/p1", change, 400, "bad_field");
    r = world_ask(&world, "PUT", "/card-products/p1", "X-Api-Key: " WORLD_API_KEY "\r\nIf-Match: \"1\"\r\n", change);
    assert_int_equal(r->status, 200);
    assert_string_equal(world_header(r, "ETag"), "\"2\"");
    assert_int_equal(cJSON_GetObjectItem(r->json, "twuH")->valueint, 2);
    world_reply_free(r);
    r = world_ask(&world, "PUT", "/card-products/p1", "X-Api-Key: " WORLD_API_KEY "\r\nIf-Match: \"1\"\r\n", change);
    assert_string_equal(world_text(r, "code"), "version_conflict");
    world_reply_free(r);
    r = world_ask(&world, "PUT", "/card-products/one-time", "X-Api-Key: " WORLD_API_KEY "\r\nIf-Match: \"1\"\r\n", change);
    assert_int_equal(r->status, 400);
    world_reply_free(r);
    world_expect("PATCH", "/cards/v", "{\"productId\":\"p1\"}", 200, NULL);
    world_expect("GET", "/cards/v/credentials", NULL, 200, NULL);
}

static void test_a_card_without_any_code_says_so(void **state)
{
    (void)state;
    world_expect("POST", "/card-products", "{\"productId\":\"bare\",\"mode\":\"one_time\",\"mkRef\":\"mk\"}", 201, NULL);
    world_expect("POST", "/cards", "{\"cardId\":\"bare-1\",\"productId\":\"bare\",\"pan\":\"4012888888881881\",\"exp\":\"1228\"}",
                 201, NULL);
    world_expect("GET", "/cards/bare-1/credentials", NULL, 200, NULL);
    world_expect("DELETE", "/cards/bare-1/dynamic-cvv2/enrolment", NULL, 200, NULL);
    world_expect("GET", "/cards/bare-1/credentials", NULL, 403, "not_enrolled");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_registration),
        cmocka_unit_test(test_registration_faults),
        cmocka_unit_test(test_access),
        cmocka_unit_test(test_production_takes_no_api_key),
        cmocka_unit_test(test_encrypted_credentials),
        cmocka_unit_test(test_products),
        cmocka_unit_test(test_a_card_without_any_code_says_so),
    };
    return cmocka_run_group_tests(tests, world_group_setup, world_group_teardown);
}
