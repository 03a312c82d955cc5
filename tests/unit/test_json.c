/* SPDX-License-Identifier: Apache-2.0 */
/* JSON in by rows, out by the writer. */
#include "http/error.h"
#include "http/json.h"

#include "support/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct charge {
    WIRE_TEXT(18) total;
    WIRE_TEXT(3) currency;
    WIRE_TEXT(16) card_data;
    WIRE_TEXT(4) expiry;
    WIRE_TEXT(8) indicator;
    WIRE_TEXT(5) capture;
    WIRE_TEXT(32) name;
    WIRE_TEXT(8) first;
    WIRE_TEXT(16) hex;
};

/* clang-format off */
static const struct wire_field charge_fields[] = {
    {.name = "amount", .kind = WIRE_OBJECT},
    {.name = "amount.total", .kind = WIRE_DECIMAL, .min = 1, .max = 18, WIRE_AT(struct charge, total)},
    {.name = "amount.currency", .kind = WIRE_A, .min = 3, .max = 3, WIRE_AT(struct charge, currency)},
    {.name = "source.card", .kind = WIRE_OBJECT, .flags = WIRE_OPTIONAL},
    {.name = "source.card.cardData", .kind = WIRE_N, .min = 12, .max = 16, .flags = WIRE_PAN, WIRE_AT(struct charge, card_data)},
    {.name = "source.card.expiry", .kind = WIRE_N, .min = 4, .max = 4, WIRE_AT(struct charge, expiry)},
    {.name = "indicator", .kind = WIRE_ENUM, .choices = "PROVIDED|NONE", .max = 8, .flags = WIRE_OPTIONAL,
     WIRE_AT(struct charge, indicator)},
    {.name = "capture", .kind = WIRE_BOOL, .max = 5, .flags = WIRE_OPTIONAL, WIRE_AT(struct charge, capture)},
    {.name = "name", .kind = WIRE_B, .min = 1, .max = 32, .flags = WIRE_OPTIONAL | WIRE_EMPTY_OK, WIRE_AT(struct charge, name)},
    {.name = "items[0].id", .kind = WIRE_AN, .min = 1, .max = 8, .flags = WIRE_OPTIONAL, WIRE_AT(struct charge, first)},
    {.name = "hex", .kind = WIRE_H, .min = 0, .max = 16, .flags = WIRE_OPTIONAL, WIRE_AT(struct charge, hex)},
};
/* clang-format on */
static const struct wire_record charge_record = WIRE_RECORD("charge", struct charge, charge_fields);

static enum err bind(const char *body, unsigned flags, struct charge *out, struct http_json_faults *faults)
{
    return http_json_bind(&charge_record, span_text(body), flags, out, faults);
}

static void test_rows_are_sound(void **state)
{
    (void)state;
    struct wire_fault fault;
    assert_int_equal(wire_check(&charge_record, &fault), ERR_OK);
}

static void test_binds_by_path(void **state)
{
    (void)state;
    struct charge c;
    struct http_json_faults faults;
    assert_int_equal(bind("{ \"capture\":true, \"items\":[{\"id\":\"x7\"}],\"amount\" : {\"total\": 12.340,\"currency\":\"USD\"},"
                          "\"source\":{\"card\":{\"cardData\":\"4111111111111111\",\"expiry\":\"2812\"}},\"hex\":\"ab01\","
                          "\"name\":\"Ren\\u00e9 \\ud83d\\ude00\",\"indicator\":\"NONE\"}\r\n",
                          HTTP_JSON_STRICT, &c, &faults),
                     ERR_OK);
    assert_true(span_is(WIRE_SPAN(c.total), "12.340")); /* the exact text, not 12.34 */
    assert_true(span_is(WIRE_SPAN(c.currency), "USD"));
    assert_true(span_is(WIRE_SPAN(c.card_data), "4111111111111111"));
    assert_true(span_is(WIRE_SPAN(c.capture), "true") && http_json_true(WIRE_SPAN(c.capture)));
    assert_true(span_is(WIRE_SPAN(c.name), "Ren\xC3\xA9 \xF0\x9F\x98\x80"));
    assert_true(span_is(WIRE_SPAN(c.first), "x7"));
    assert_true(span_is(WIRE_SPAN(c.indicator), "NONE"));
    assert_true(span_is(WIRE_SPAN(c.hex), "AB01"));
    assert_int_equal(faults.count, 0);
}

static void test_numbers_keep_their_text(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        const char *text; /* NULL: refused */
    } row[] = {
        {"0.1", "0.1"},
        {"123456789012345678", "123456789012345678"},
        {"9007199254740993", "9007199254740993"},
        {"\"5.00\"", "5.00"},
        {"-3.20", "-3.20"},
        {"1e2", NULL},
        {"01", NULL},
        {"1.", NULL},
        {".5", NULL},
        {"+1", NULL},
        {"\"\"", NULL},
        {"\"1,00\"", NULL},
        {"1234567890123456789", NULL},
        {"true", NULL},
        {"0.10000000000000000", NULL},
    };
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        char body[200];
        struct charge c;
        /* the 7 and 8 stand before and inside what is skipped: the texts must not be mixed up */
        snprintf(body, sizeof body, "{\"a\":7,\"b\":[8,{\"c\":\"9\"}],\"amount\":{\"total\":%s,\"currency\":\"EUR\"},\"z\":1}",
                 row[i].json);
        enum err err = bind(body, 0, &c, NULL);
        if (row[i].text) {
            assert_int_equal(err, ERR_OK);
            assert_true(span_is(WIRE_SPAN(c.total), row[i].text));
        } else {
            assert_int_not_equal(err, ERR_OK);
        }
    }
}

struct refused {
    const char *body;
    enum err err;
    const char *path;
};

static void test_each_fault(void **state)
{
    (void)state;
#define AMOUNT "\"amount\":{\"total\":1,\"currency\":\"EUR\"}"
    static const struct refused row[] = {
        {"", ERR_PARSE_JSON, ""},
        {"[]", ERR_PARSE_JSON, ""},
        {"7", ERR_PARSE_JSON, ""},
        {"{" AMOUNT, ERR_PARSE_JSON, ""},
        {"{" AMOUNT "}{}", ERR_PARSE_JSON, ""},
        {"{" AMOUNT "} x", ERR_PARSE_JSON, ""},
        {"{" AMOUNT ",}", ERR_PARSE_JSON, ""},
        {"{" AMOUNT ",\"name\":\"a\x01\"}", ERR_PARSE_JSON, ""},
        {"{" AMOUNT ",\"name\":\"a\nb\"}", ERR_PARSE_JSON, ""},
        {"{" AMOUNT ",\x01\"name\":\"a\"}", ERR_PARSE_JSON, ""},
        {"{" AMOUNT ",\"name\":\"a\\u0000b\"}", ERR_PARSE_JSON, ""},
        {"{" AMOUNT ",\"name\":\"\\ud800\"}", ERR_PARSE_JSON, ""},
        {"{" AMOUNT ",\"name\":\"\\q\"}", ERR_PARSE_JSON, ""},
        {"{" AMOUNT ",\"name\":\"\xC0\x80\"}", ERR_PARSE_JSON, ""},
        {"{" AMOUNT ",\"name\":\"\xED\xA0\x80\"}", ERR_PARSE_JSON, ""},
        {"{" AMOUNT ",\"name\":\"\xF4\x90\x80\x80\"}", ERR_PARSE_JSON, ""},
        {"{" AMOUNT ",\"name\":\"\xE2\x82\"}", ERR_PARSE_JSON, ""},
        {"\xEF\xBB\xBF{" AMOUNT "}", ERR_PARSE_JSON, ""},
        {"{" AMOUNT ",\"capture\":tru}", ERR_PARSE_JSON, ""},
        {"{" AMOUNT ",\"x\":[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]}", ERR_PARSE_JSON, ""},
        {"{" AMOUNT "," AMOUNT "}", ERR_PARSE_DUPLICATE, ""},
        {"{\"amount\":{\"total\":1,\"currency\":\"EUR\",\"total\":2}}", ERR_PARSE_DUPLICATE, ""},
        {"{\"amount\":{\"total\":1,\"currency\":\"EUR\",\"t\\u006ftal\":2}}", ERR_PARSE_DUPLICATE, ""},
        {"{" AMOUNT ",\"unknown\":{\"deep\":[{\"a\":1,\"a\":1}]}}", ERR_PARSE_DUPLICATE, ""},
        {"{" AMOUNT ",\"unknown\":1}", ERR_PARSE_UNKNOWN, "unknown"},
        {"{" AMOUNT ",\"unknown\":{}}", ERR_PARSE_UNKNOWN, "unknown"},
        {"{" AMOUNT ",\"un known\\\"\":1}", ERR_PARSE_UNKNOWN, "un?known?"},
        {"{" AMOUNT ",\"amount.total\":2}", ERR_PARSE_UNKNOWN, "amount.total"},
        {"{" AMOUNT ",\"items[0].id\":\"x\"}", ERR_PARSE_UNKNOWN, "items[0].id"},
        {"{" AMOUNT ",\"items\":[{\"id\":\"x\"},{\"id\":\"y\"}]}", ERR_PARSE_UNKNOWN, "items[1]"},
        {"{" AMOUNT ",\"\":1}", ERR_PARSE_UNKNOWN, ""},
        {"{\"amount\":5}", ERR_PARSE_TYPE, "amount"},
        {"{\"amount\":[]}", ERR_PARSE_TYPE, "amount"},
        {"{\"amount\":null}", ERR_PARSE_TYPE, "amount"},
        {"{\"amount\":{\"total\":true,\"currency\":\"EUR\"}}", ERR_PARSE_TYPE, "amount.total"},
        {"{\"amount\":{\"total\":{},\"currency\":\"EUR\"}}", ERR_PARSE_TYPE, "amount.total"},
        {"{\"amount\":{\"total\":1,\"currency\":978}}", ERR_PARSE_TYPE, "amount.currency"},
        {"{" AMOUNT ",\"source\":3}", ERR_PARSE_TYPE, "source"},
        {"{" AMOUNT ",\"capture\":\"true\"}", ERR_PARSE_TYPE, "capture"},
        {"{" AMOUNT ",\"indicator\":\"MAYBE\"}", ERR_PARSE_VALUE, "indicator"},
        {"{\"amount\":{\"total\":1,\"currency\":\"EURO\"}}", ERR_PARSE_LONG, "amount.currency"},
        {"{\"amount\":{\"total\":1,\"currency\":\"EU\"}}", ERR_PARSE_SHORT, "amount.currency"},
        {"{" AMOUNT ",\"source\":{\"card\":{\"cardData\":\"4111x11111111111\",\"expiry\":\"2812\"}}}", ERR_PARSE_CHARACTER,
         "source.card.cardData"},
        {"{\"amount\":{\"total\":1}}", ERR_PARSE_MISSING, "amount.currency"},
        {"{}", ERR_PARSE_MISSING, "amount"},
        {"{" AMOUNT ",\"source\":{\"card\":{\"expiry\":\"2812\"}}}", ERR_PARSE_MISSING, "source.card.cardData"},
    };
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct charge c;
        struct http_json_faults faults;
        enum err err = bind(row[i].body, HTTP_JSON_STRICT, &c, &faults);
        if (err != row[i].err)
            print_error("%s gives %s\n", row[i].body, err_row(err)->name);
        assert_int_equal(err, row[i].err);
        assert_true(faults.count >= 1);
        assert_int_equal(faults.at[0].err, err);
        assert_string_equal(faults.at[0].path, row[i].path);
        assert_non_null(faults.at[0].reason);
        struct charge wiped = {0};
        assert_memory_equal(&c, &wiped, sizeof c);
    }
}

static void test_all_faults_at_once_in_the_order_of_the_body(void **state)
{
    (void)state;
    struct charge c;
    struct http_json_faults faults;
    assert_int_equal(bind("{\"indicator\":\"x\",\"amount\":{\"currency\":5},\"capture\":0}", 0, &c, &faults), ERR_PARSE_VALUE);
    static const char *const path[] = {"indicator", "amount.currency", "capture", "amount.total"};
    assert_int_equal(faults.count, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_string_equal(faults.at[i].path, path[i]);
        assert_string_equal(faults.at[i].field->name, path[i]);
    }
}

static void test_tolerant_flags(void **state)
{
    (void)state;
    struct charge c;
    assert_int_equal(bind("{" AMOUNT ",\"unknown\":{\"a\":[1,2,{}]}}", 0, &c, NULL), ERR_OK);
    assert_int_equal(bind("{" AMOUNT ",\"capture\":null,\"source\":null}", HTTP_JSON_NULL_ABSENT, &c, NULL), ERR_OK);
    assert_false(c.capture.present);
    assert_int_equal(bind("{\"amount\":null}", HTTP_JSON_NULL_ABSENT, &c, NULL), ERR_PARSE_MISSING);
    assert_int_equal(bind("{" AMOUNT ",\"name\":\"\"}", 0, &c, NULL), ERR_OK);
    assert_false(c.name.present);
    assert_int_equal(bind("{" AMOUNT ",\"hex\":\"\"}", 0, &c, NULL), ERR_OK);
    assert_true(c.hex.present);
}

static void test_limits(void **state)
{
    (void)state;
    static char body[HTTP_JSON_BODY_MAX + 2];
    struct charge c;
    struct http_json_faults faults;
    memset(body, ' ', sizeof body);
    memcpy(body, "{" AMOUNT "}", strlen("{" AMOUNT "}"));
    assert_int_equal(http_json_bind(&charge_record, span_of(body, HTTP_JSON_BODY_MAX), 0, &c, &faults), ERR_OK);
    assert_int_equal(http_json_bind(&charge_record, span_of(body, HTTP_JSON_BODY_MAX + 1), 0, &c, &faults),
                     HTTP_ERR_BODY_TOO_LARGE);
    struct buf b = buf_over(body, sizeof body);
    buf_put_text(&b, "{" AMOUNT);
    for (uint64_t i = 0; i < HTTP_JSON_MEMBERS_MAX; i++) {
        buf_put_text(&b, ",\"m");
        buf_put_decimal(&b, i, 0);
        buf_put_text(&b, "\":1");
    }
    buf_put_byte(&b, '}');
    assert_int_equal(http_json_bind(&charge_record, buf_span(&b), 0, &c, &faults), ERR_PARSE_JSON);
    /* names longer than any path match nothing and stay inside their room */
    buf_clear(&b);
    buf_put_text(&b, "{" AMOUNT ",\"");
    buf_put_fill(&b, 'n', 1000);
    buf_put_text(&b, "\":{\"a\":{\"b\":1}}}");
    assert_int_equal(http_json_bind(&charge_record, buf_span(&b), 0, &c, &faults), ERR_OK);
    assert_int_equal(http_json_bind(&charge_record, buf_span(&b), HTTP_JSON_STRICT, &c, &faults), ERR_PARSE_UNKNOWN);
    assert_int_equal(strlen(faults.at[0].path), HTTP_JSON_PATH_MAX - 1);
}

/* Cuts and changed bytes of a good body: never a crash, and nothing but ERR_OK leaves something in the record. */
static void test_damaged_bodies(void **state)
{
    (void)state;
    static const char good[] =
        "{\"amount\":{\"total\":12.34,\"currency\":\"USD\"},\"capture\":false,\"name\":\"\\u00e9\\n\",\"items\":[{\"id\":\"1\"}]}";
    struct env env = rng_env(11);
    for (size_t len = 0; len < sizeof good - 1; len++) {
        struct charge c;
        assert_int_not_equal(http_json_bind(&charge_record, span_of(good, len), 0, &c, NULL), ERR_OK);
    }
    for (int i = 0; i < 20000; i++) {
        char body[sizeof good];
        uint8_t random[4];
        memcpy(body, good, sizeof good);
        env_random(&env, random, sizeof random);
        body[random[0] % (sizeof good - 1)] = (char)random[1];
        body[random[2] % (sizeof good - 1)] = random[3] & 1 ? (char)random[3] : '"';
        struct charge c;
        struct charge wiped = {0};
        if (http_json_bind(&charge_record, span_of(body, sizeof good - 1), HTTP_JSON_STRICT, &c, NULL) != ERR_OK)
            assert_memory_equal(&c, &wiped, sizeof c);
    }
}

/* A random record written by the rows comes back as it was. */
static void test_written_is_read(void **state)
{
    (void)state;
    struct env env = rng_env(5);
    for (int i = 0; i < 2000; i++) {
        struct charge in;
        struct charge out;
        uint8_t room[2048];
        wire_generate(&charge_record, &env, &in);
        struct buf b = buf_over(room, sizeof room);
        struct json_writer w = json_writer(&b);
        json_open(&w, NULL);
        json_put_member(&w, "name", in.name);
        json_open(&w, "amount");
        bool number = in.total.at[0] != '0' && in.total.at[0] != '-'; /* 007 is a decimal here, but no JSON number */
        if (number)
            json_put_decimal(&w, "total", WIRE_SPAN(in.total));
        else
            json_put_member(&w, "total", in.total);
        json_put_member(&w, "currency", in.currency);
        json_close(&w);
        json_put_member(&w, "indicator", in.indicator);
        if (in.capture.present)
            json_put_bool(&w, "capture", http_json_true(WIRE_SPAN(in.capture)));
        json_open_array(&w, "items");
        json_open(&w, NULL);
        json_put_member(&w, "id", in.first);
        json_close(&w);
        json_close_array(&w);
        json_close(&w);
        assert_int_equal(json_done(&w), ERR_OK);
        enum err err = http_json_bind(&charge_record, buf_span(&b), HTTP_JSON_STRICT, &out, NULL);
        if (in.name.present && !json_utf8(WIRE_SPAN(in.name)))
            continue; /* bytes that are no text become U+FFFD, which may not fit */
        if (err != ERR_OK)
            print_error("%s: %.*s\n", err_row(err)->name, (int)b.len, (char *)b.at);
        assert_int_equal(err, ERR_OK);
        assert_true(span_equal(WIRE_SPAN(in.total), WIRE_SPAN(out.total)));
        assert_true(span_equal(WIRE_SPAN(in.currency), WIRE_SPAN(out.currency)));
        assert_true(span_equal(WIRE_SPAN(in.indicator), WIRE_SPAN(out.indicator)));
        assert_true(span_equal(WIRE_SPAN(in.first), WIRE_SPAN(out.first)));
    }
}

static void test_writer(void **state)
{
    (void)state;
    uint8_t room[256];
    struct buf b = buf_over(room, sizeof room);
    struct json_writer w = json_writer(&b);
    json_open(&w, NULL);
    json_put(&w, "a", span_of("q\"\\\n\x7F\xC3\xA9\xFFz", 9));
    json_put_integer(&w, "n", -42);
    json_open_array(&w, "e");
    json_close_array(&w);
    json_open_array(&w, "l");
    json_put_text(&w, NULL, "x");
    json_put_null(&w, NULL);
    json_put_bool(&w, NULL, false);
    json_close_array(&w);
    json_open(&w, "o");
    json_close(&w);
    json_put_decimal(&w, "d", span_text("1.50"));
    json_close(&w);
    assert_int_equal(json_done(&w), ERR_OK);
    assert_true(span_is(buf_span(&b),
                        "{\"a\":\"q\\\"\\\\\\u000a\\u007f\xC3\xA9\xEF\xBF\xBDz\",\"n\":-42,\"e\":[],\"l\":[\"x\",null,false],"
                        "\"o\":{},\"d\":1.50}"));
    struct buf small = buf_over(room, 8);
    w = json_writer(&small);
    json_open(&w, NULL);
    json_put_text(&w, "name", "too long for it");
    json_close(&w);
    assert_int_not_equal(json_done(&w), ERR_OK);
}

static void test_integers(void **state)
{
    (void)state;
    int64_t n = 0;
    assert_int_equal(http_json_integer(span_text("24"), 1, 24, &n), ERR_OK);
    assert_int_equal(n, 24);
    assert_int_equal(http_json_integer(span_text("-7"), -10, 24, &n), ERR_OK);
    assert_int_equal(n, -7);
    static const char *const bad[] = {"25", "0", "1.0", "", "-", "1e1", "1234567890123456789"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(http_json_integer(span_text(bad[i]), 1, 24, &n), ERR_PARSE_VALUE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_are_sound),
        cmocka_unit_test(test_binds_by_path),
        cmocka_unit_test(test_numbers_keep_their_text),
        cmocka_unit_test(test_each_fault),
        cmocka_unit_test(test_all_faults_at_once_in_the_order_of_the_body),
        cmocka_unit_test(test_tolerant_flags),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_damaged_bodies),
        cmocka_unit_test(test_written_is_read),
        cmocka_unit_test(test_writer),
        cmocka_unit_test(test_integers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
