/* SPDX-License-Identifier: Apache-2.0 */
/* Records of CSV files and JSON lines: what RFC 4180 and RFC 8259 say, and what files in the field look like. */
#include "card/order.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct card_record record;

#define IN(text_) span_of((text_), sizeof(text_) - 1)

/* "R:a|b", "E", "B:why", "M" for each record in turn, up to the end of the input. */
static const char *told(enum card_line (*next)(struct span, bool, struct card_record *), struct span in, bool last)
{
    static char room[4096];
    struct buf out = buf_over(room, sizeof room);
    while (in.len > 0) {
        enum card_line line = next(in, last, &record);
        static const char letter[] = "REBM";
        buf_put_byte(&out, (uint8_t)letter[line]);
        for (size_t i = 0; i < record.count && line == CARD_LINE_RECORD; i++) {
            buf_put_byte(&out, i == 0 ? ':' : '|');
            if (record.name[i].len > 0 && next == card_jsonl_next) {
                buf_put_span(&out, record.name[i]);
                buf_put_text(&out, record.text[i] ? "='" : "=");
            }
            buf_put_span(&out, record.value[i]);
        }
        if (line == CARD_LINE_MORE)
            break;
        if (line == CARD_LINE_BAD) {
            buf_put_byte(&out, ':');
            buf_put_text(&out, record.why);
        }
        buf_put_byte(&out, ' ');
        buf_put_decimal(&out, record.lines, 0);
        buf_put_byte(&out, '\n');
        assert_true(record.used > 0 && record.used <= in.len);
        in = span_slice(in, record.used, in.len);
    }
    return buf_text(&out);
}

static void csv_as_rfc_4180_says(void **state)
{
    (void)state;
    assert_string_equal(told(card_csv_next, IN("a,b,c\nd,,f\r\n"), true), "R:a|b|c 1\nR:d||f 1\n");
    assert_string_equal(told(card_csv_next, IN("a,b"), true), "R:a|b 1\n");
    assert_string_equal(told(card_csv_next, IN("a\r"), true), "R:a 1\n");
    assert_string_equal(told(card_csv_next, IN("\"a,b\",\"c\"\"d\",\"e\r\nf\"\ng,h,i\n"), true),
                        "R:a,b|c\"d|e\r\nf 2\nR:g|h|i 1\n");
    assert_string_equal(told(card_csv_next, IN("\"\",x\n\n\r\n\"\"\nz\n"), true), "R:|x 1\nE 1\nE 1\nE 1\nR:z 1\n");
    assert_string_equal(told(card_csv_next, IN(",\n"), true), "R:| 1\n");
}

static void a_bad_csv_line_ends_where_it_ends(void **state)
{
    (void)state;
    assert_string_equal(told(card_csv_next, IN("a\"b\nc\n"), true),
                        "B:a quote inside a value that does not begin with one 1\nR:c 1\n");
    assert_string_equal(told(card_csv_next, IN("\"a\"b\nc\n"), true), "B:something behind a closing quote 1\nR:c 1\n");
    assert_string_equal(told(card_csv_next, IN("a,\"b\nc,d\n"), true), "B:a quote is not closed 1\nR:c|d 1\n");
    assert_string_equal(told(card_csv_next, IN("a\rb\nc\n"), true), "B:a carriage return inside a line 1\nR:c 1\n");
    assert_string_equal(told(card_csv_next, IN("a\0b\nc\n"), true), "B:a zero byte 1\nR:c 1\n");
    assert_string_equal(told(card_csv_next, IN("\"a\0b\"\nc\n"), true), "B:a zero byte 1\nR:c 1\n");
}

static void csv_waits_for_what_may_follow(void **state)
{
    (void)state;
    assert_string_equal(told(card_csv_next, IN("a,b"), false), "M");
    assert_string_equal(told(card_csv_next, IN("a\r"), false), "M");
    assert_string_equal(told(card_csv_next, IN("\"a\""), false), "M");
    assert_string_equal(told(card_csv_next, IN("\"a\n"), false), "M");
    assert_string_equal(told(card_csv_next, IN("a\nb"), false), "R:a 1\nM");
}

static void long_lines_are_bad_and_skipped(void **state)
{
    (void)state;
    static char text[3 * CARD_LINE_MAX];
    memset(text, 'x', sizeof text);
    enum card_line (*const next[])(struct span, bool, struct card_record *) = {card_csv_next, card_jsonl_next};
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(next[i](span_of(text, CARD_LINE_MAX - 1), false, &record), CARD_LINE_MORE);
        assert_int_equal(next[i](span_of(text, sizeof text), false, &record), CARD_LINE_BAD);
        assert_string_equal(record.why, "the record is longer than 8,192 bytes");
        assert_true(record.cut);
        assert_int_equal(record.used, sizeof text);
        text[CARD_LINE_MAX + 10] = '\n';
        assert_int_equal(next[i](span_of(text, sizeof text), false, &record), CARD_LINE_BAD);
        assert_false(record.cut);
        assert_int_equal(record.used, CARD_LINE_MAX + 11);
        text[CARD_LINE_MAX + 10] = 'x';
    }
    text[0] = '"';
    assert_int_equal(card_csv_next(span_of(text, sizeof text), true, &record), CARD_LINE_BAD);
    assert_int_equal(record.used, sizeof text);
}

static void too_many_values(void **state)
{
    (void)state;
    char text[2 * CARD_LINE_VALUES + 2];
    memset(text, ',', sizeof text);
    text[CARD_LINE_VALUES - 1] = '\n';
    assert_int_equal(card_csv_next(span_of(text, CARD_LINE_VALUES), true, &record), CARD_LINE_RECORD);
    assert_int_equal(record.count, CARD_LINE_VALUES);
    text[CARD_LINE_VALUES - 1] = ',';
    text[CARD_LINE_VALUES] = '\n';
    assert_int_equal(card_csv_next(span_of(text, CARD_LINE_VALUES + 1), true, &record), CARD_LINE_BAD);
}

static void flat_json(void **state)
{
    (void)state;
    assert_string_equal(told(card_jsonl_next, IN("{\"a\":\"b\",\"c\" : 1.5e+3 , \"d\":null}\n\r\n{}\n{\"e\":true}"), true),
                        "R:a='b|c=1.5e+3|d=null 1\nE 1\nE 1\nR:e=true 1\n");
    assert_string_equal(told(card_jsonl_next, IN("{\"a\":\"\\\"\\\\\\/\\u0041\"}\r\n"), true), "R:a='\"\\/A 1\n");
    assert_string_equal(told(card_jsonl_next, IN("{\"a\":-0.5}\n{\"a\":0}\n"), true), "R:a=-0.5 1\nR:a=0 1\n");
    assert_string_equal(told(card_jsonl_next, IN("{\"a\":1"), false), "M");
}

static void bad_json(void **state)
{
    (void)state;
    static const struct {
        const char *line, *why;
    } bad[] = {
        {"[1]", "an object is wanted"},
        {"{\"a\":1,}", "a name in quotes is wanted"},
        {"{a:1}", "a name in quotes is wanted"},
        {"{\"a\" 1}", "a colon is wanted behind the name"},
        {"{\"a\":01}", "a value that JSON does not have"},
        {"{\"a\":+1}", "a value that JSON does not have"},
        {"{\"a\":1.}", "a value that JSON does not have"},
        {"{\"a\":nul}", "a value that JSON does not have"},
        {"{\"a\":}", "a value that JSON does not have"},
        {"{\"a\":{\"b\":1}}", "an object or array inside the object"},
        {"{\"a\":[1]}", "an object or array inside the object"},
        {"{\"a\":1,\"a\":2}", "a name occurs twice"},
        {"{\"a\":1,\"\\u0061\":2}", "a name occurs twice"},
        {"{\"a\":1 \"b\":2}", "a comma or the end of the object is wanted"},
        {"{\"a\":1} {}", "something behind the object"},
        {"{\"a\":\"b", "a string is not closed"},
        {"{\"a\":\"\\x\"}", "an escape that JSON does not have"},
        {"{\"a\":\"\\u00\"}", "an escape that JSON does not have"},
        {"{\"a\":\"\\u0000\"}", "an escape that JSON does not have"},
        {"{\"a\":\"\t\"}", "a control character inside a string"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char text[64];
        (void)snprintf(text, sizeof text, "%s\n{}", bad[i].line);
        assert_int_equal(card_jsonl_next(span_text(text), true, &record), CARD_LINE_BAD);
        assert_string_equal(record.why, bad[i].why);
        assert_int_equal(record.used, strlen(bad[i].line) + 1);
    }
    assert_int_equal(card_jsonl_next(IN("{\"a\":1\0}\n"), true, &record), CARD_LINE_BAD);
}

/* ---- orders ---- */

static const struct card_order_rule strict = {CARD_YYMM, CARD_LUHN, true};

static enum err order_of(const char *header, const char *line, struct card_order *out, const char **why)
{
    struct card_columns columns = {0};
    if (header) {
        assert_int_equal(card_csv_next(span_text(header), true, &record), CARD_LINE_RECORD);
        TRY(card_columns_find(&record, &columns, why));
        assert_int_equal(card_csv_next(span_text(line), true, &record), CARD_LINE_RECORD);
    } else {
        assert_int_equal(card_jsonl_next(span_text(line), true, &record), CARD_LINE_RECORD);
    }
    return card_order_read(&record, &columns, &strict, out, why);
}

static void orders_from_both_kinds_of_file(void **state)
{
    (void)state;
    static const char *const forms[][2] = {
        {"id,pan,expiry,service", "A-1,4111111111111111,2812,201"},
        {"note, PAN ,Service,expiry,ID", "x,4111111111111111,201,2812,A-1"},
        {NULL, "{\"expiry\":\"2812\",\"pan\":\"4111111111111111\",\"note\":7,\"service\":\"201\",\"id\":\"A-1\"}"},
    };
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        struct card_order order = {0};
        const char *why = "";
        assert_int_equal(order_of(forms[i][0], forms[i][1], &order, &why), ERR_OK);
        assert_true(span_is(card_pan_span(&order.pan), "4111111111111111"));
        assert_true(span_is(span_of(order.id, order.id_len), "A-1"));
        assert_int_equal(order.expiry.year, 28);
        assert_int_equal(order.expiry.month, 12);
        assert_string_equal(order.service[0], "201");
        assert_string_equal(order.service[1], "000");
        assert_string_equal(order.service[2], "999");
    }
}

static void wrong_orders_are_told_without_their_values(void **state)
{
    (void)state;
    static const struct {
        const char *header, *line, *why;
    } wrong[] = {
        {"id,pan", "a,b", "expiry is missing"},
        {"pan,expiry", "a,b", "id is missing"},
        {"id,expiry", "a,b", "pan is missing"},
        {"id,pan,expiry,ID", "a,b,c,d", "a column occurs twice"},
        {"id,pan,expiry,service", "a,4111111111111111,2812", "the line has not as many values as the header"},
        {"id,pan,expiry,service", "a,4111111111111112,2812,201", "pan: 12 to 19 digits with a valid check digit are wanted"},
        {"id,pan,expiry,service", "a,41111111111,2812,201", "pan: 12 to 19 digits with a valid check digit are wanted"},
        {"id,pan,expiry,service", "a,4111111111111111,2813,201", "expiry: YYMM is wanted"},
        {"id,pan,expiry,service", "a,4111111111111111,28120,201", "expiry: YYMM is wanted"},
        {"id,pan,expiry,service", ",4111111111111111,2812,201", "id: 1 to 64 characters are wanted"},
        {"id,pan,expiry,service", "\xC3\xA4,4111111111111111,2812,201", "id: printable ASCII is wanted"},
        {"id,pan,expiry,service", "x4111111111111111,4111111111111111,2812,201",
         "id: it holds the card number, which is never written"},
        {"id,pan,expiry,service", "a,4111111111111111,2812,20", "service code: three digits are wanted"},
        {"id,pan,expiry,service", "a,4111111111111111,2812,", "service: it is needed for CVV"},
        {"id,pan,expiry", "a,4111111111111111,2812", "service: it is needed for CVV"},
        {NULL, "{\"id\":\"a\",\"pan\":4111111111111111,\"expiry\":\"2812\"}", "a string is wanted: \"pan\":\"4123456789012345\""},
        {NULL, "{\"id\":\"a\",\"expiry\":\"2812\"}", "pan is missing"},
        {NULL, "{\"id\":\"a\\u00e4\",\"pan\":\"4111111111111111\",\"expiry\":\"2812\"}", "id: printable ASCII is wanted"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct card_order order = {0};
        const char *why = "";
        assert_int_equal(order_of(wrong[i].header, wrong[i].line, &order, &why), ERR_PARSE_VALUE);
        assert_string_equal(why, wrong[i].why);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(csv_as_rfc_4180_says),
        cmocka_unit_test(a_bad_csv_line_ends_where_it_ends),
        cmocka_unit_test(csv_waits_for_what_may_follow),
        cmocka_unit_test(long_lines_are_bad_and_skipped),
        cmocka_unit_test(too_many_values),
        cmocka_unit_test(flat_json),
        cmocka_unit_test(bad_json),
        cmocka_unit_test(orders_from_both_kinds_of_file),
        cmocka_unit_test(wrong_orders_are_told_without_their_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
