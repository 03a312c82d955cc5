/* SPDX-License-Identifier: Apache-2.0 */
#include "iso8583/layout.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* switch.md 4.3, the paragraph below the table */
struct presence_case {
    const char *value; /* 126.10 in ASCII */
    enum iso8583_presence presence;
    bool dynamic;
    bool wanted;
    const char *digits;
};
static const struct presence_case presence_cases[] = {
    {"11 123", ISO8583_CODE_PRESENT, false, true, "123"},  {"11 000", ISO8583_CODE_PRESENT, false, true, "000"},
    {"110123", ISO8583_CODE_PRESENT, false, true, "123"},  {"10 123", ISO8583_CODE_PRESENT, false, false, "123"},
    {"31 123", ISO8583_CODE_PRESENT, true, true, "123"},   {"01    ", ISO8583_CODE_ABSENT, false, true, ""},
    {"01 123", ISO8583_CODE_ABSENT, false, true, ""},      {"21    ", ISO8583_CODE_ILLEGIBLE, false, true, ""},
    {"91    ", ISO8583_CODE_NOT_ON_CARD, false, true, ""}, {"11    ", ISO8583_CODE_MALFORMED, false, true, ""},
    {"11  12", ISO8583_CODE_MALFORMED, false, true, ""},   {"111234", ISO8583_CODE_MALFORMED, false, true, ""},
    {"11 12x", ISO8583_CODE_MALFORMED, false, true, ""},   {"41 123", ISO8583_CODE_MALFORMED, false, true, ""},
    {"x1 123", ISO8583_CODE_MALFORMED, false, true, ""},
};

static void to_ebcdic(const char *text, uint8_t *out)
{
    for (size_t i = 0; i < 6; i++)
        out[i] = text[i] == ' ' ? 0x40 : text[i] == 'x' ? 0xA7 : (uint8_t)(0xF0 + text[i] - '0');
}

static void expect(const struct presence_case *c, const struct iso8583_code *code)
{
    assert_int_equal(code->presence, c->presence);
    assert_int_equal(code->dynamic, c->dynamic);
    assert_int_equal(code->result_wanted, c->wanted);
    assert_int_equal(code->digits.len, strlen(c->digits));
    assert_memory_equal(code->digits.at, c->digits, strlen(c->digits));
}

static void code_126_10_is_read_in_both_encodings(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof presence_cases / sizeof presence_cases[0]; i++) {
        uint8_t visa[14] = {0, 0x40};
        struct iso8583_message m;
        struct iso8583_code code;

        iso8583_message_init(&m, ISO8583_AUTHORISATION);
        iso8583_set_text(&m, ISO8583_CODE, presence_cases[i].value);
        iso8583_code_read(ISO8583_EXTRACT_GENERIC_126_10, &m, &code);
        expect(&presence_cases[i], &code);
        to_ebcdic(presence_cases[i].value, visa + 8);
        iso8583_set(&m, ISO8583_CODE, span_of(visa, sizeof visa));
        iso8583_code_read(ISO8583_EXTRACT_VISA_126_10, &m, &code);
        expect(&presence_cases[i], &code);
    }
}

/* Four digits, all of them, on American Express cards; three on every other. */
static void codes_are_as_long_as_the_brand_says(void **state)
{
    static const struct {
        const char *pan, *value;
        const char *digits; /* "": malformed */
    } rows[] = {
        {"378282246310005", "111234", "1234"}, {"378282246310005", "110123", "0123"}, {"341111227713933", "110000", "0000"},
        {"378282246310005", "11 123", ""},     {"378282246310005", "11123x", ""},     {"4111111111111111", "111234", ""},
        {"4111111111111111", "110123", "123"}, {"5555555555554444", "11 123", "123"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct iso8583_message m, back;
        struct iso8583_code code;
        size_t len = strlen(rows[i].digits);
        iso8583_message_init(&m, ISO8583_AUTHORISATION);
        iso8583_set_text(&m, ISO8583_PAN, rows[i].pan);
        iso8583_set_text(&m, ISO8583_CODE, rows[i].value);
        iso8583_code_read(ISO8583_EXTRACT_GENERIC_126_10, &m, &code);
        assert_int_equal(code.presence, len ? ISO8583_CODE_PRESENT : ISO8583_CODE_MALFORMED);
        assert_int_equal(code.digits.len, len);
        assert_memory_equal(code.digits.at, rows[i].digits, len);
        for (enum iso8583_extract rule = ISO8583_EXTRACT_VISA_126_10; len && rule <= ISO8583_EXTRACT_AS2805_BACKSLASH; rule++) {
            iso8583_message_init(&back, ISO8583_AUTHORISATION);
            iso8583_set_text(&back, ISO8583_PAN, rows[i].pan);
            assert_int_equal(iso8583_code_write(rule, &code, &back), ERR_OK);
            iso8583_code_read(rule, &back, &code);
            assert_int_equal(code.presence, ISO8583_CODE_PRESENT);
            assert_int_equal(code.digits.len, len);
            assert_memory_equal(code.digits.at, rows[i].digits, len);
        }
    }
}

static void visa_126_finds_the_code_behind_other_subfields(void **state)
{
    /* 126.9 (20 bytes) and 126.10 */
    uint8_t field[8 + 20 + 6] = {0x00, 0xC0};
    struct iso8583_message m;
    struct iso8583_code code;

    (void)state;
    to_ebcdic("11 774", field + 28);
    iso8583_message_init(&m, ISO8583_AUTHORISATION);
    iso8583_set(&m, ISO8583_CODE, span_of(field, sizeof field));
    iso8583_code_read(ISO8583_EXTRACT_VISA_126_10, &m, &code);
    expect(&(struct presence_case){"", ISO8583_CODE_PRESENT, false, true, "774"}, &code);
    iso8583_set(&m, ISO8583_CODE, span_of(field, sizeof field - 1));
    iso8583_code_read(ISO8583_EXTRACT_VISA_126_10, &m, &code);
    assert_int_equal(code.presence, ISO8583_CODE_MALFORMED);
    field[0] = 0x80; /* 126.1 has no known length */
    iso8583_set(&m, ISO8583_CODE, span_of(field, sizeof field));
    iso8583_code_read(ISO8583_EXTRACT_VISA_126_10, &m, &code);
    assert_int_equal(code.presence, ISO8583_CODE_MALFORMED);
    memset(field, 0, 8);
    iso8583_set(&m, ISO8583_CODE, span_of(field, sizeof field));
    iso8583_code_read(ISO8583_EXTRACT_VISA_126_10, &m, &code);
    assert_int_equal(code.presence, ISO8583_CODE_ABSENT);
    iso8583_set(&m, ISO8583_CODE, span_of(field, 7));
    iso8583_code_read(ISO8583_EXTRACT_VISA_126_10, &m, &code);
    assert_int_equal(code.presence, ISO8583_CODE_MALFORMED);
}

static void backslash_tags(void **state)
{
    static const struct {
        const char *de47;
        enum iso8583_presence presence;
        const char *digits;
    } cases[] = {
        {"ECM1\\CCI1\\CCV042\\FCR\\", ISO8583_CODE_PRESENT, "042"},
        {"CCV042\\", ISO8583_CODE_PRESENT, "042"},
        {"CCI0\\CCV042\\", ISO8583_CODE_ABSENT, ""},
        {"CCI0\\", ISO8583_CODE_ABSENT, ""},
        {"ECM1\\", ISO8583_CODE_ABSENT, ""},
        {"CCI1\\", ISO8583_CODE_MALFORMED, ""},
        {"CCI1\\CCV42\\", ISO8583_CODE_MALFORMED, ""},
        {"CCI1\\CCV0042\\", ISO8583_CODE_MALFORMED, ""},
        {"CCI1\\CCV042", ISO8583_CODE_MALFORMED, ""}, /* not closed */
        {"CCI7\\CCV042\\", ISO8583_CODE_MALFORMED, ""},
        {"\\\\\\", ISO8583_CODE_ABSENT, ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct iso8583_message m;
        struct iso8583_code code;

        iso8583_message_init(&m, ISO8583_AUTHORISATION);
        iso8583_set_text(&m, ISO8583_NATIONAL, cases[i].de47);
        iso8583_code_read(ISO8583_EXTRACT_AS2805_BACKSLASH, &m, &code);
        expect(&(struct presence_case){"", cases[i].presence, false, true, cases[i].digits}, &code);
    }
}

static void what_is_written_is_read(void **state)
{
    static const struct iso8583_code codes[] = {
        {.presence = ISO8583_CODE_PRESENT, .result_wanted = true, .digits = {3, "007"}},
        {.presence = ISO8583_CODE_PRESENT, .dynamic = true, .digits = {3, "999"}},
        {.presence = ISO8583_CODE_ABSENT, .result_wanted = true},
        {.presence = ISO8583_CODE_ILLEGIBLE, .result_wanted = true},
        {.presence = ISO8583_CODE_NOT_ON_CARD, .result_wanted = true},
    };
    static const enum iso8583_extract rules[] = {ISO8583_EXTRACT_VISA_126_10, ISO8583_EXTRACT_GENERIC_126_10};

    (void)state;
    for (size_t r = 0; r < 2; r++) {
        for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
            struct iso8583_message m;
            struct iso8583_code code;

            iso8583_message_init(&m, ISO8583_AUTHORISATION);
            assert_int_equal(iso8583_code_write(rules[r], &codes[i], &m), ERR_OK);
            iso8583_code_read(rules[r], &m, &code);
            assert_int_equal(code.presence, codes[i].presence);
            assert_int_equal(code.dynamic, codes[i].dynamic);
            assert_int_equal(code.result_wanted, codes[i].result_wanted);
            assert_true(secret_code_equal(&code.digits, &codes[i].digits));
            iso8583_code_erase(rules[r], &m);
            assert_false(iso8583_has(&m, ISO8583_CODE));
            for (size_t b = 0; b < m.used; b++)
                assert_int_equal(m.at[b], 0);
        }
    }
}

static void what_cannot_be_said_is_refused(void **state)
{
    struct iso8583_code code = {.presence = ISO8583_CODE_MALFORMED};
    (void)state;
    struct iso8583_message m;
    iso8583_message_init(&m, ISO8583_AUTHORISATION);
    assert_int_equal(iso8583_code_write(ISO8583_EXTRACT_VISA_126_10, &code, &m), ERR_PARSE_VALUE);
    code = (struct iso8583_code){.presence = ISO8583_CODE_PRESENT, .digits = {4, "1234"}};
    assert_int_equal(iso8583_code_write(ISO8583_EXTRACT_GENERIC_126_10, &code, &m), ERR_PARSE_VALUE);
    assert_int_equal(iso8583_code_write(ISO8583_EXTRACT_AS2805_BACKSLASH, &code, &m), ERR_PARSE_VALUE);
    assert_int_equal(iso8583_code_write(ISO8583_EXTRACT_NONE, &code, &m), ERR_PARSE_VALUE);
    code = (struct iso8583_code){.presence = ISO8583_CODE_PRESENT, .digits = {3, "123"}};
    assert_int_equal(iso8583_code_write(ISO8583_EXTRACT_AS2805_BACKSLASH, &code, &m), ERR_OK);
    assert_true(span_is(iso8583_get(&m, ISO8583_NATIONAL), "CCI1\\CCV123\\"));
    iso8583_code_read(ISO8583_EXTRACT_NONE, &m, &code);
    assert_int_equal(code.presence, ISO8583_CODE_ABSENT);
}

static void results_stand_on_byte_eleven(void **state)
{
    (void)state;
    struct iso8583_message m;
    iso8583_message_init(&m, ISO8583_AUTHORISATION_ANSWER);
    assert_int_equal(iso8583_result_read(ISO8583_RESULT_44_10, &m), 0);
    iso8583_result_write(ISO8583_RESULT_NONE, 'M', &m);
    iso8583_result_write(ISO8583_RESULT_44_10, 0, &m);
    assert_false(iso8583_has(&m, ISO8583_RESPONSE_DATA));
    iso8583_result_write(ISO8583_RESULT_44_10, 'N', &m);
    assert_true(span_is(iso8583_get(&m, ISO8583_RESPONSE_DATA), "          N"));
    assert_int_equal(iso8583_result_read(ISO8583_RESULT_44_10, &m), 'N');
    iso8583_set_text(&m, ISO8583_RESPONSE_DATA, "123456789AP9999");
    assert_int_equal(iso8583_result_read(ISO8583_RESULT_44_10, &m), 'P');
    iso8583_set_text(&m, ISO8583_RESPONSE_DATA, "12345");
    assert_int_equal(iso8583_result_read(ISO8583_RESULT_44_10, &m), 0);
}

static void originals_and_replacements(void **state)
{
    uint64_t amount = 0;
    bool present = true;
    (void)state;
    struct iso8583_message request;
    iso8583_message_init(&request, ISO8583_AUTHORISATION);
    struct iso8583_message reversal;
    iso8583_message_init(&reversal, ISO8583_REVERSAL);
    assert_int_equal(iso8583_original_write(&request, &reversal), ERR_PARSE_SHORT);
    iso8583_set_text(&request, ISO8583_STAN, "000042");
    iso8583_set_text(&request, ISO8583_TRANSMISSION, "1121043000");
    iso8583_set_text(&request, ISO8583_ACQUIRER, "412345");
    assert_int_equal(iso8583_original_write(&request, &reversal), ERR_OK);
    assert_true(span_is(iso8583_get(&reversal, 90), "010000004211210430000000041234500000000000"));
    struct iso8583_original original;
    assert_int_equal(iso8583_original_read(&reversal, &original), ERR_OK);
    assert_true(iso8583_acquirer_equal(WIRE_SPAN(original.acquirer), span_text("412345")));
    assert_false(iso8583_acquirer_equal(WIRE_SPAN(original.acquirer), span_text("4123450")));
    assert_true(iso8583_acquirer_equal(span_text("00000000000"), span_text("")));
    iso8583_set_decimal(&reversal, ISO8583_AMOUNT, 1250, 12);
    assert_int_equal(iso8583_replacement_read(&reversal, &present, &amount), ERR_OK);
    assert_false(present);
    assert_int_equal(amount, 1250);
    assert_int_equal(iso8583_replacement_write(&reversal, 500), ERR_OK);
    assert_int_equal(iso8583_replacement_read(&reversal, &present, &amount), ERR_OK);
    assert_true(present);
    assert_int_equal(amount, 500);
    iso8583_set_text(&reversal, ISO8583_REPLACEMENT, "00000000050x000000000000000000000000000000");
    assert_int_equal(iso8583_replacement_read(&reversal, &present, &amount), ERR_PARSE_CHARACTER);
}

/* switch.md 4.2: DE61.4 = 4, DE22 = 10, DE48 C1, M1, M2; what cannot be read is not marked. */
static void unattended_messages_of_mastercard(void **state)
{
    (void)state;
    static const struct {
        unsigned field;
        const char *value;
        bool marked;
    } rows[] = {
        {61, "0004000000", true},
        {61, "0000000000", false},
        {61, "4", false},
        {61, "4440444", false},
        {22, "100", true},
        {22, "010", false},
        {22, "102", true},
        {48, "T22080504C101", true},
        {48, "T22080504M103", true},
        {48, "T22080504M201", true},
        {48, "T22080504M301", false},
        {48,
         "T9203123"
         "22080504C101",
         true},
        {48,
         "T2212"
         "0101A"
         "0503C10",
         true},
        {48, "T22990504C101", false},
        {48, "T22080404C101", false},
        {48, "T2208050", false},
        {48, "C101", false},
        {48, "T22", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct iso8583_message m;
        iso8583_message_init(&m, ISO8583_AUTHORISATION);
        iso8583_set_text(&m, rows[i].field, rows[i].value);
        if (iso8583_unattended(ISO8583_MARKS_MASTERCARD, &m) != rows[i].marked)
            print_error("DE%u %s\n", rows[i].field, rows[i].value);
        assert_int_equal(iso8583_unattended(ISO8583_MARKS_MASTERCARD, &m), rows[i].marked);
        assert_false(iso8583_unattended(ISO8583_MARKS_NONE, &m));
        assert_false(iso8583_unattended(ISO8583_MARKS_VISA, &m));
    }
}

static void rules_have_names(void **state)
{
    (void)state;
    for (int i = 1; i < ISO8583_EXTRACT_COUNT; i++)
        assert_int_equal(iso8583_extract_find(span_text(iso8583_extract_row((enum iso8583_extract)i)->name)), i);
    for (int i = 1; i < ISO8583_RESULT_COUNT; i++)
        assert_int_equal(iso8583_result_find(span_text(iso8583_result_row((enum iso8583_result)i)->name)), i);
    assert_int_equal(iso8583_extract_find(span_text("")), ISO8583_EXTRACT_UNSET);
    assert_int_equal(iso8583_result_find(span_text("44.10")), ISO8583_RESULT_UNSET);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(code_126_10_is_read_in_both_encodings),
        cmocka_unit_test(codes_are_as_long_as_the_brand_says),
        cmocka_unit_test(visa_126_finds_the_code_behind_other_subfields),
        cmocka_unit_test(backslash_tags),
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(what_cannot_be_said_is_refused),
        cmocka_unit_test(results_stand_on_byte_eleven),
        cmocka_unit_test(originals_and_replacements),
        cmocka_unit_test(unattended_messages_of_mastercard),
        cmocka_unit_test(rules_have_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
