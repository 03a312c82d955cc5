/* SPDX-License-Identifier: Apache-2.0 */
/* The pure parts of the Commerce Hub face: MAC, field list, code lists, amounts. */
#include "gateway/faces/commercehub/commercehub.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Vector of commerce-hub.md 2; computed with openssl dgst -hmac. */
static const char body[] = "{\"merchantDetails\":{\"merchantId\":\"100008000003683\",\"terminalId\":\"10000001\"}}";
static const char mac_raw[] = "nkpWO1O1p2FmtpU6UrljzmsFLKYr5MZlB/vHGcSMRvM=";
static const char mac_hex[] = "OWU0YTU2M2I1M2I1YTc2MTY2YjY5NTNhNTJiOTYzY2U2YjA1MmNhNjJiZTRjNjY1MDdmYmM3MTljNDhjNDZmMw==";
enum { WINDOW = 300000 };
static const int64_t signed_ms = 1670258885014;

static struct commercehub_headers headers(const char *authorization)
{
    return (struct commercehub_headers){.api_key = span_text("API_KEY"),
                                        .request_id = span_text("30dd879c-ee2f-11db-8314-0800200c9a66"),
                                        .timestamp = span_text("1670258885014"),
                                        .token_type = span_text("HMAC"),
                                        .authorization = span_text(authorization)};
}

static void test_mac_vector(void **state)
{
    (void)state;
    struct gateway_secret key = {6, "SECRET", false};
    struct commercehub_headers h = headers(mac_raw);
    uint8_t room[100];
    struct buf text = buf_over(room, sizeof room);
    assert_int_equal(commercehub_mac(&key, &h, span_text(body), false, &text), ERR_OK);
    assert_true(span_is(buf_span(&text), mac_raw));
    buf_clear(&text);
    assert_int_equal(commercehub_mac(&key, &h, span_text(body), true, &text), ERR_OK);
    assert_true(span_is(buf_span(&text), mac_hex));
}

enum { SAID_MAC = GATEWAY_AUTHENTICATION_MAC, SAID_TIME = GATEWAY_AUTHENTICATION_TIME };

static int authenticate(const struct commercehub_headers *h, struct span b, const struct gateway_secret *key, bool known,
                        int64_t now_ms)
{
    const struct commercehub_signer signer = {key, known, now_ms, WINDOW};
    struct gateway_signature signature = {.at_ms = -1};
    enum gateway_authentication found = commercehub_authenticate(h, b, &signer, &signature);
    assert_int_equal(signature.at_ms, found == GATEWAY_AUTHENTICATION_DONE ? signed_ms : -1);
    return (int)found;
}

static void test_authentication(void **state)
{
    (void)state;
    struct gateway_secret key = {6, "SECRET", false};
    struct commercehub_headers h = headers(mac_raw);
    struct span b = span_text(body);
    assert_int_equal(authenticate(&h, b, &key, true, signed_ms), GATEWAY_AUTHENTICATION_DONE);
    assert_int_equal(authenticate(&h, b, &key, true, signed_ms + WINDOW), GATEWAY_AUTHENTICATION_DONE);
    assert_int_equal(authenticate(&h, b, &key, true, signed_ms - WINDOW), GATEWAY_AUTHENTICATION_DONE);
    assert_int_equal(authenticate(&h, b, &key, true, signed_ms + WINDOW + 1), SAID_TIME);
    assert_int_equal(authenticate(&h, b, &key, true, signed_ms - WINDOW - 1), SAID_TIME);
    assert_int_equal(authenticate(&h, b, &key, false, signed_ms), GATEWAY_AUTHENTICATION_KEY);
    assert_int_equal(authenticate(&h, span_slice(b, 0, b.len - 1), &key, true, signed_ms), SAID_MAC);
    h = headers(mac_hex); /* only with the switch of the key */
    assert_int_equal(authenticate(&h, b, &key, true, signed_ms), SAID_MAC);
    key.legacy_mac = true;
    assert_int_equal(authenticate(&h, b, &key, true, signed_ms), GATEWAY_AUTHENTICATION_DONE);
    h = headers("");
    assert_int_equal(authenticate(&h, b, &key, true, signed_ms), SAID_MAC);
    h = headers(mac_raw);
    h.token_type = span_text("JWT");
    assert_int_equal(authenticate(&h, b, &key, true, signed_ms), GATEWAY_AUTHENTICATION_TYPE);
}

static void test_field_list(void **state)
{
    (void)state;
    static const char *const refused[] = {"",
                                          "card.cardData",
                                          "card.cardData:",
                                          "card.cardData:016",
                                          "card.cardData:191",
                                          "card.cardData:1000",
                                          "card.cardData:16,",
                                          ",card.cardData:16",
                                          "card.cardData:16, card.securityCode:3",
                                          "card.cardData:16,card.cardData:16",
                                          "track1Data:79",
                                          "card.cardData:+6",
                                          "card.cardData:16:3",
                                          "CARD.cardData:16"};
    struct commercehub_slices slices;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        if (commercehub_slices_parse(span_text(refused[i]), &slices) == ERR_OK)
            fail_msg("taken: %s", refused[i]);
    struct span all =
        span_text("card.securityCode:3,card.cardData:16,card.expirationYear:4,card.nameOnCard:10,card.expirationMonth:2");
    assert_int_equal(commercehub_slices_parse(all, &slices), ERR_OK);
    assert_int_equal(slices.count, 5);
    assert_int_equal(slices.total, 35);
    assert_int_equal(slices.at[0].name, COMMERCEHUB_SLICE_CODE);
    assert_int_equal(slices.at[4].name, COMMERCEHUB_SLICE_MONTH);
}

static void compare_list(enum commercehub_list list, const char *path, size_t rows)
{
    const struct commercehub_table *table = commercehub_codes(list);
    char line[256];
    size_t row = 0;
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_non_null(fgets(line, sizeof line, file));
    for (; fgets(line, sizeof line, file); row++) {
        char *tab = strchr(line, '\t');
        assert_non_null(tab);
        *tab = 0;
        tab[1 + strcspn(tab + 1, "\r\n")] = 0;
        assert_string_equal(commercehub_message(list, line), tab + 1);
        assert_true(row < table->count && strcmp(table->code[row].code, line) == 0);
    }
    (void)fclose(file);
    assert_int_equal(row, rows);
    assert_int_equal(table->count, rows);
}

static void test_code_lists(void **state)
{
    (void)state;
    compare_list(COMMERCEHUB_RESPONSE_CODES, "docs/spec/data/response-codes.tsv", 54);
    compare_list(COMMERCEHUB_ERROR_CODES, "docs/spec/data/error-codes.tsv", 509);
    assert_string_equal(commercehub_message(COMMERCEHUB_ERROR_CODES, "999999"), "");
}

/* Every fault has a status, and every code it names is in the published list. */
static void test_faults_have_rows(void **state)
{
    (void)state;
    for (unsigned id = GATEWAY_FAULT_NONE + 1; id < GATEWAY_FAULT_COUNT; id++) {
        const struct commercehub_error_row *row = commercehub_error_row((enum gateway_fault_id)id);
        assert_true(row->status >= 400 && row->status < 600);
        assert_true(row->code || row->message);
        if (row->code)
            assert_true(commercehub_message(COMMERCEHUB_ERROR_CODES, row->code)[0] != 0);
    }
}

static void test_host_codes(void **state)
{
    (void)state;
    static const char *const want[][3] = {{"00", "000", "00"}, {"85", "000", "00"}, {"05", "007", "05"}, {"08", "000", "08"},
                                          {"11", "000", "11"}, {"51", "008", "51"}, {"54", "032", "54"}, {"N7", "012", "C2"},
                                          {"82", "012", "C2"}, {"Z9", "006", ""}};
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
        const struct commercehub_host_row *row = commercehub_host_row(want[i][0]);
        assert_string_equal(row->response, want[i][1]);
        assert_string_equal(row->host, want[i][2]);
        assert_true(commercehub_message(COMMERCEHUB_RESPONSE_CODES, row->response)[0] != 0);
    }
}

static void test_amounts(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint8_t scale;
        int64_t want; /* -1: refused */
    } row[] = {{"12.04", 2, 1204},
               {"12", 2, 1200},
               {"12.5", 2, 1250},
               {"0.01", 2, 1},
               {"12.040", 2, 1204},
               {"12.041", 2, -1},
               {"12", 0, 12},
               {"12.0", 0, 12},
               {"12.5", 0, -1},
               {"1.234", 3, 1234},
               {"", 2, -1},
               {".5", 2, -1},
               {"5.", 2, -1},
               {"-1", 2, -1},
               {"1e3", 2, -1},
               {"1.2.3", 2, -1},
               {"9999999999.99", 2, 999999999999},
               {"10000000000.00", 2, -1},
               {"99999999999999999999999", 2, -1}};
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        uint64_t amount = 0;
        enum err err = gateway_money_read(span_text(row[i].text), row[i].scale, &amount);
        if (row[i].want < 0 ? err == ERR_OK : err != ERR_OK || amount != (uint64_t)row[i].want)
            fail_msg("%s", row[i].text);
    }
    uint8_t room[32];
    struct buf out = buf_over(room, sizeof room);
    gateway_money_write(1204, 2, &out);
    gateway_money_write(5, 3, &out);
    gateway_money_write(12, 0, &out);
    assert_true(span_is(buf_span(&out), "12.040.00512"));
    assert_null(gateway_money_currency(span_text("XXX")));
    assert_string_equal(gateway_money_currency(span_text("JPY"))->numeric, "392");
}

static void test_card_number_as_name(void **state)
{
    (void)state;
    struct commercehub_request request = {.encrypted = true};
    struct commercehub_slices slices;
    struct gateway_faults faults = {0};
    assert_int_equal(commercehub_slices_parse(span_text("card.nameOnCard:19"), &slices), ERR_OK);
    commercehub_merge(&slices, span_text("4111 1111 1111 1111"), &request, &faults);
    assert_int_equal(faults.count, 1);
    assert_int_equal(faults.at[0].id, GATEWAY_FAULT_CARD_IN_TEXT);
    assert_string_equal(faults.at[0].field, "source.card.nameOnCard");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_card_number_as_name), cmocka_unit_test(test_mac_vector), cmocka_unit_test(test_authentication),
        cmocka_unit_test(test_field_list),          cmocka_unit_test(test_code_lists), cmocka_unit_test(test_faults_have_rows),
        cmocka_unit_test(test_host_codes),          cmocka_unit_test(test_amounts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
