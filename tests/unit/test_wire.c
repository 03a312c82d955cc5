/* SPDX-License-Identifier: Apache-2.0 */
/* The field-table engine, over one record that uses every rule. */
#include "wire/error.h"
#include "wire/wire.h"

#include "support/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

struct sample {
    WIRE_TEXT(1) scheme;
    WIRE_TEXT(19) pan;
    WIRE_TEXT(4) expiry;
    WIRE_TEXT(3) code;
    WIRE_TEXT(2) key_id;
    WIRE_TEXT(4) count;
    WIRE_TEXT(64) data;
    WIRE_TEXT(8) brand;
    WIRE_TEXT(16) name;
    WIRE_TEXT(33) key;
    WIRE_TEXT(1) group_flag;
    WIRE_TEXT(2) group_twu;
    WIRE_TEXT(8) tail;
};

static size_t key_shape(struct span in)
{
    return in.at[0] == 'U' ? 33 : in.at[0] == 'Z' ? 17 : 0;
}

static void key_generate(const struct env *env, struct buf *out)
{
    uint8_t byte[16];
    env_random(env, byte, sizeof byte);
    buf_put_byte(out, byte[0] & 1 ? 'U' : 'Z');
    buf_put_hex(out, byte, byte[0] & 1 ? 16 : 8);
}

/* clang-format off */
static const struct wire_field sample_fields[] = {
    {.name = "scheme", .kind = WIRE_ENUM, .choices = "0|5", .min = 1, .max = 1, WIRE_AT(struct sample, scheme)},
    {.name = "key", .kind = WIRE_SHAPED, .shape = key_shape, .shape_generate = key_generate, .min = 17, .max = 33,
     WIRE_AT(struct sample, key)},
    {.name = "PAN", .kind = WIRE_N, .length = WIRE_DELIMITED, .delimiter = ';', .min = 12, .max = 19, WIRE_AT(struct sample, pan),
     .flags = WIRE_PAN},
    {.name = "expiry", .kind = WIRE_N, .min = 4, .max = 4, WIRE_AT(struct sample, expiry)},
    {.name = "code", .kind = WIRE_N, .min = 3, .max = 3, .flags = WIRE_SECRET, WIRE_AT(struct sample, code),
     .when = offsetof(struct sample, scheme), .equals = "5"},
    {.name = "key id", .kind = WIRE_H, .min = 2, .max = 2, WIRE_AT(struct sample, key_id)},
    {.name = "brand", .kind = WIRE_ENUM, .choices = "V|VISA|MC", .min = 1, .max = 4, WIRE_AT(struct sample, brand)},
    {.name = "name", .kind = WIRE_A, .length = WIRE_LL, .encoding = WIRE_EBCDIC, .length_encoding = WIRE_EBCDIC, .min = 0,
     .max = 16, WIRE_AT(struct sample, name)},
    {.name = "count", .kind = WIRE_H, .min = 4, .max = 4, WIRE_AT(struct sample, count)},
    {.name = "data", .kind = WIRE_B, .length = WIRE_COUNTED, .counter = offsetof(struct sample, count), .min = 0, .max = 64,
     .flags = WIRE_COUNT_HEX, WIRE_AT(struct sample, data)},
    {.name = "group", .kind = WIRE_CONST, .literal = "#", .flags = WIRE_GROUP},
    {.name = "group flag", .kind = WIRE_AN, .min = 1, .max = 1, WIRE_AT(struct sample, group_flag)},
    {.name = "group TWU", .kind = WIRE_N, .min = 2, .max = 2, WIRE_AT(struct sample, group_twu)},
    {.name = "marker", .kind = WIRE_CONST, .literal = "!!", .flags = WIRE_END_GROUP},
    {.name = "tail", .kind = WIRE_N, .length = WIRE_LLL, .min = 1, .max = 8, .flags = WIRE_OPTIONAL, WIRE_AT(struct sample, tail)},
};
/* clang-format on */
static const struct wire_record sample_record = WIRE_RECORD("sample", struct sample, sample_fields);

/* Written by hand: EBCDIC "AB 1" is C1 C2 40 F1, its length F0 F4. */
static const char golden[] = "5Z0123456789ABCDEF4123456789012345;2812123afVISA\xF0\xF4\xC1\xC2\x40\xF1"
                             "0003xyz#Q07!!003123";

static struct span golden_span(void)
{
    return span_of(golden, sizeof golden - 1);
}

static void test_table_is_sound(void **state)
{
    (void)state;
    assert_int_equal(wire_check(&sample_record, NULL), ERR_OK);
}

static void test_golden_parses(void **state)
{
    (void)state;
    struct sample s;
    struct wire_fault fault;
    assert_int_equal(wire_parse_all(&sample_record, golden_span(), &s, &fault), ERR_OK);
    assert_true(span_is(WIRE_SPAN(s.pan), "4123456789012345"));
    assert_true(span_is(WIRE_SPAN(s.code), "123"));
    assert_true(span_is(WIRE_SPAN(s.key_id), "AF"));
    assert_true(span_is(WIRE_SPAN(s.brand), "VISA"));
    assert_true(span_is(WIRE_SPAN(s.name), "AB 1"));
    assert_true(span_is(WIRE_SPAN(s.data), "xyz"));
    assert_true(span_is(WIRE_SPAN(s.group_twu), "07"));
    assert_true(span_is(WIRE_SPAN(s.tail), "123"));
}

static void test_describe_masks(void **state)
{
    (void)state;
    struct sample s;
    uint8_t room[512];
    struct buf out = buf_over(room, sizeof room);
    assert_int_equal(wire_parse_all(&sample_record, golden_span(), &s, NULL), ERR_OK);
    wire_describe(&sample_record, &s, &out);
    const char *text = buf_text(&out);
    assert_non_null(strstr(text, "PAN=412345******2345"));
    assert_non_null(strstr(text, "code=***"));
    assert_null(strstr(text, "4123456789012345"));
}

static void test_other_variant_has_no_code(void **state)
{
    (void)state;
    struct sample s;
    struct wire_fault fault;
    struct span frame = span_text("0Z0123456789ABCDEF4123456789012;2812AFV\xF0\xF0"
                                  "0000!!");
    assert_int_equal(wire_parse_all(&sample_record, frame, &s, &fault), ERR_OK);
    assert_false(s.code.present);
    assert_false(s.group_flag.present);
    assert_false(s.tail.present);
}

#define HEAD "0Z0123456789ABCDEF4123456789012;2812"

/* clang-format off */
static const struct outcome_row {
    const char *in;
    enum wire_outcome outcome;
    enum err err;
    const char *field;
    size_t offset;
} outcome_rows[] = {
    {"", WIRE_OUTCOME_SHORT, ERR_PARSE_SHORT, "scheme", 0},
    {"7", WIRE_OUTCOME_VALUE, ERR_PARSE_VALUE, "scheme", 0},
    {"0X", WIRE_OUTCOME_VALUE, ERR_PARSE_VALUE, "key", 1},
    {"0Z01234567", WIRE_OUTCOME_SHORT, ERR_PARSE_SHORT, "key", 10},
    {"0Z0123456789ABCDEF41234567890123456789;", WIRE_OUTCOME_LONG, ERR_PARSE_LONG, "PAN", 38},
    {"0Z0123456789ABCDEF4123456789012", WIRE_OUTCOME_DELIMITER, ERR_PARSE_DELIMITER, "PAN", 31},
    {"0Z0123456789ABCDEF41234567890;", WIRE_OUTCOME_SHORT, ERR_PARSE_SHORT, "PAN", 29},
    {"0Z0123456789ABCDEF412345678901x;", WIRE_OUTCOME_CHARACTER, ERR_PARSE_CHARACTER, "PAN", 30},
    {HEAD "AG", WIRE_OUTCOME_CHARACTER, ERR_PARSE_CHARACTER, "key id", 37},
    {HEAD "AAXX", WIRE_OUTCOME_VALUE, ERR_PARSE_VALUE, "brand", 38},
    {HEAD "AAVxx", WIRE_OUTCOME_CHARACTER, ERR_PARSE_CHARACTER, "name", 39},
    {HEAD "AAV\xF9\xF9", WIRE_OUTCOME_LONG, ERR_PARSE_LONG, "name", 39},
    {HEAD "AAV\xF0\xF0" "0004abc", WIRE_OUTCOME_SHORT, WIRE_ERR_DATA_LENGTH, "data", 48},
    {HEAD "AAV\xF0\xF0" "0FFFabc", WIRE_OUTCOME_VALUE, ERR_PARSE_VALUE, "data", 45},
    {HEAD "AAV\xF0\xF0" "0000!?", WIRE_OUTCOME_VALUE, ERR_PARSE_VALUE, "marker", 45},
    {HEAD "AAV\xF0\xF0" "0000!!0011x", WIRE_OUTCOME_TRAILING, ERR_PARSE_TRAILING, "end of data", 51},
};
/* clang-format on */

/* Every outcome, each with the field and the place it must name. */
static void test_outcomes(void **state)
{
    (void)state;
    bool reached[WIRE_OUTCOME_COUNT] = {[WIRE_OUTCOME_OK] = true};
    for (size_t i = 0; i < sizeof outcome_rows / sizeof outcome_rows[0]; i++) {
        const struct outcome_row *row = &outcome_rows[i];
        struct sample s;
        struct wire_fault fault = {0};
        assert_int_equal(wire_parse_all(&sample_record, span_text(row->in), &s, &fault), row->err);
        assert_int_equal(fault.outcome, row->outcome);
        assert_string_equal(fault.field, row->field);
        assert_int_equal(fault.offset, row->offset);
        assert_false(s.pan.present); /* wiped */
        reached[fault.outcome] = true;
    }
    for (size_t i = 0; i < WIRE_OUTCOME_COUNT; i++)
        assert_true(reached[i]);
}

static void test_build_of_parse_is_identity(void **state)
{
    (void)state;
    struct env env = rng_env(1);
    for (int round = 0; round < 20000; round++) {
        struct sample made;
        struct sample again;
        uint8_t first[512];
        uint8_t second[512];
        struct buf a = buf_over(first, sizeof first);
        struct buf b = buf_over(second, sizeof second);
        wire_generate(&sample_record, &env, &made);
        assert_int_equal(wire_build(&sample_record, &made, &a), ERR_OK);
        assert_int_equal(wire_parse_all(&sample_record, buf_span(&a), &again, NULL), ERR_OK);
        assert_int_equal(wire_build(&sample_record, &again, &b), ERR_OK);
        assert_true(span_equal(buf_span(&a), buf_span(&b)));
        assert_memory_equal(&made, &again, sizeof made);
    }
}

static void test_every_truncation_is_a_fault(void **state)
{
    (void)state;
    size_t optional_tail = 6;
    for (size_t len = 0; len < sizeof golden - 1; len++) {
        struct sample s;
        enum err err = wire_parse_all(&sample_record, span_of(golden, len), &s, NULL);
        assert_int_equal(err == ERR_OK, len == sizeof golden - 1 - optional_tail);
    }
}

static void test_bcd_of_odd_length(void **state)
{
    (void)state;
    struct wire_field field = {.name = "PAN",
                               .kind = WIRE_N,
                               .length = WIRE_LL,
                               .encoding = WIRE_BCD,
                               .length_encoding = WIRE_BINARY,
                               .min = 1,
                               .max = 19};
    uint8_t room[16];
    uint8_t plain[19];
    struct buf out = buf_over(room, sizeof room);
    struct buf back = buf_over(plain, sizeof plain);
    size_t used = 0;
    assert_int_equal(wire_value_write(&field, span_text("123"), &out), ERR_OK);
    assert_memory_equal(room, "\x03\x01\x23", 3);
    assert_int_equal(wire_value_read(&field, buf_span(&out), &used, &back, NULL), ERR_OK);
    assert_int_equal(used, 3);
    assert_true(span_is(buf_span(&back), "123"));
    /* A filler nibble that is not zero would be lost on the way back. */
    assert_int_equal(wire_value_read(&field, span_of("\x03\x11\x23", 3), &used, &back, NULL), ERR_PARSE_CHARACTER);
}

static void test_packed_length_is_decimal(void **state)
{
    (void)state;
    const struct wire_field field = {
        .name = "DE35", .kind = WIRE_N, .length = WIRE_LLL, .length_encoding = WIRE_BCD, .min = 1, .max = 120};
    uint8_t room[128];
    uint8_t plain[120];
    struct buf out = buf_over(room, sizeof room);
    struct buf back = buf_over(plain, sizeof plain);
    char digits[103];
    size_t used = 0;
    memset(digits, '7', sizeof digits);
    assert_int_equal(wire_value_write(&field, span_of(digits, sizeof digits), &out), ERR_OK);
    assert_memory_equal(room,
                        "\x01\x03"
                        "7",
                        3);
    assert_int_equal(wire_value_read(&field, buf_span(&out), &used, &back, NULL), ERR_OK);
    assert_int_equal(used, 2 + sizeof digits);
    buf_clear(&back);
    assert_int_equal(wire_value_read(&field,
                                     span_of("\x00\x0A"
                                             "7777777777",
                                             12),
                                     &used, &back, NULL),
                     ERR_PARSE_CHARACTER);
    assert_int_equal(wire_value_read(&field,
                                     span_of("\x00\xA1"
                                             "7777777777",
                                             12),
                                     &used, &back, NULL),
                     ERR_PARSE_CHARACTER);
}

/* The owner of a buffer wipes what it knows of: `len` bytes. A value that fails half-way leaves nothing behind that. */
static void test_failed_value_leaves_nothing(void **state)
{
    (void)state;
    const struct wire_field packed = {.name = "PAN",
                                      .kind = WIRE_N,
                                      .length = WIRE_LL,
                                      .encoding = WIRE_BCD,
                                      .length_encoding = WIRE_BINARY,
                                      .min = 1,
                                      .max = 19};
    const struct wire_field text = {.name = "code", .kind = WIRE_N, .min = 4, .max = 4};
    uint8_t plain[19] = {0};
    const uint8_t zero[19] = {0};
    struct buf back = buf_over(plain, sizeof plain);
    size_t used = 0;
    assert_int_equal(wire_value_read(&packed, span_of("\x08\x41\x11\x11\x1F", 5), &used, &back, NULL), ERR_PARSE_CHARACTER);
    assert_memory_equal(plain, zero, sizeof plain);
    assert_int_equal(wire_value_read(&text, span_text("123x"), &used, &back, NULL), ERR_PARSE_CHARACTER);
    assert_memory_equal(plain, zero, sizeof plain);
    assert_int_equal(back.len, 0);
}

static void test_padding(void **state)
{
    (void)state;
    struct wire_field text = {
        .name = "DE41", .kind = WIRE_A, .encoding = WIRE_EBCDIC, .padding = WIRE_PAD_SPACE_RIGHT, .min = 0, .max = 4};
    struct wire_field number = {.name = "DE4", .kind = WIRE_N, .padding = WIRE_PAD_ZERO_LEFT, .min = 0, .max = 4};
    struct wire_field bare = {.name = "DE3", .kind = WIRE_N, .min = 4, .max = 4};
    uint8_t room[16];
    struct buf out = buf_over(room, sizeof room);
    assert_int_equal(wire_value_write(&text, span_text("A"), &out), ERR_OK);
    assert_int_equal(wire_value_write(&number, span_text("12"), &out), ERR_OK);
    assert_memory_equal(room,
                        "\xC1\x40\x40\x40"
                        "0012",
                        8);
    assert_int_equal(wire_value_write(&bare, span_text("12"), &out), ERR_PARSE_SHORT);
}

static void test_faulty_tables_are_refused(void **state)
{
    (void)state;
    const struct wire_field bad[] = {
        {.name = "too wide", .kind = WIRE_N, .min = 1, .max = 20, WIRE_AT(struct sample, pan)},
        {.name = "inverted", .kind = WIRE_N, .min = 5, .max = 4, WIRE_AT(struct sample, expiry)},
        {.name = "no delimiter", .kind = WIRE_N, .length = WIRE_DELIMITED, .min = 1, .max = 4, WIRE_AT(struct sample, expiry)},
        {.name = "no literal", .kind = WIRE_CONST},
        {.name = "no choices", .kind = WIRE_ENUM, .max = 1, WIRE_AT(struct sample, scheme)},
        {.name = "counter later",
         .kind = WIRE_B,
         .length = WIRE_COUNTED,
         .counter = offsetof(struct sample, count),
         .max = 4,
         WIRE_AT(struct sample, data)},
        {.name = "no shape", .kind = WIRE_SHAPED, .max = 4, WIRE_AT(struct sample, key)},
        {.name = NULL, .kind = WIRE_N, .max = 1, WIRE_AT(struct sample, scheme)},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct wire_record one = {"bad", &bad[i], 1, sizeof(struct sample)};
        assert_int_not_equal(wire_check(&one, NULL), ERR_OK);
    }
}

/* A row with two conditions is there when both hold. */
static void test_two_conditions(void **state)
{
    (void)state;
    /* clang-format off */
    static const struct wire_field rows[] = {
        {.name = "scheme", .kind = WIRE_N, .min = 1, .max = 1, WIRE_AT(struct sample, scheme)},
        {.name = "flag", .kind = WIRE_AN, .min = 1, .max = 1, WIRE_AT(struct sample, group_flag)},
        {.name = "code", .kind = WIRE_N, .min = 3, .max = 3, .when = offsetof(struct sample, scheme), .equals = "12",
         .also = offsetof(struct sample, group_flag), .also_equals = "Q", WIRE_AT(struct sample, code)},
    };
    /* clang-format on */
    static const struct wire_record record = WIRE_RECORD("two", struct sample, rows);
    const struct wire_record last = {"two", &rows[1], 2, sizeof(struct sample)}; /* without the member that `when` names */
    static const struct {
        const char *text;
        enum err err;
    } cases[] = {{"1Q123", ERR_OK},
                 {"2Q123", ERR_OK},
                 {"1Z", ERR_OK},
                 {"3Q", ERR_OK},
                 {"1Q", ERR_PARSE_SHORT},
                 {"1Z123", ERR_PARSE_TRAILING},
                 {"3Q123", ERR_PARSE_TRAILING}};
    struct sample s;
    uint8_t room[1024];
    assert_int_equal(wire_check(&record, NULL), ERR_OK);
    assert_int_not_equal(wire_check(&last, NULL), ERR_OK);
    struct wire_field turned[] = {rows[0], rows[2], rows[1]};
    const struct wire_record late = WIRE_RECORD("late", struct sample, turned); /* `also` names a later member */
    assert_int_not_equal(wire_check(&late, NULL), ERR_OK);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf out = buf_over(room, sizeof room);
        assert_int_equal(wire_parse_all(&record, span_text(cases[i].text), &s, NULL), cases[i].err);
        if (cases[i].err != ERR_OK)
            continue;
        assert_int_equal(wire_build(&record, &s, &out), ERR_OK);
        assert_true(span_is(buf_span(&out), cases[i].text));
    }
    struct buf out = buf_over(room, sizeof room);
    wire_document(&record, &out);
    assert_non_null(strstr(buf_text(&out), "if scheme is `1` or `2`; if flag is `Q`"));
}

static void test_document_names_every_row(void **state)
{
    (void)state;
    uint8_t room[4096];
    struct buf out = buf_over(room, sizeof room);
    wire_document(&sample_record, &out);
    assert_int_equal(buf_done(&out), ERR_OK);
    const char *text = buf_text(&out);
    for (size_t i = 0; i < sample_record.count; i++)
        assert_non_null(strstr(text, sample_record.field[i].name));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table_is_sound),
        cmocka_unit_test(test_two_conditions),
        cmocka_unit_test(test_golden_parses),
        cmocka_unit_test(test_describe_masks),
        cmocka_unit_test(test_other_variant_has_no_code),
        cmocka_unit_test(test_outcomes),
        cmocka_unit_test(test_build_of_parse_is_identity),
        cmocka_unit_test(test_every_truncation_is_a_fault),
        cmocka_unit_test(test_bcd_of_odd_length),
        cmocka_unit_test(test_packed_length_is_decimal),
        cmocka_unit_test(test_failed_value_leaves_nothing),
        cmocka_unit_test(test_padding),
        cmocka_unit_test(test_faulty_tables_are_refused),
        cmocka_unit_test(test_document_names_every_row),
    };
    return cmocka_run_group_tests_name("wire", tests, NULL, NULL);
}
