/* SPDX-License-Identifier: Apache-2.0 */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include "card/card.h"
#include "card/error.h"
#include "card/result.h"

#include <stdio.h>
#include <string.h>

static struct card_pan pan_of(const char *text)
{
    struct card_pan pan;
    assert_int_equal(card_pan_parse(span_text(text), CARD_ANY, &pan), ERR_OK);
    return pan;
}

static void pan_is_parsed_and_masked(void **state)
{
    (void)state;
    struct card_pan pan = pan_of("4111111111111111");
    char mask[CARD_MASK_SIZE], bin[7], last[5];
    card_pan_mask(&pan, mask);
    assert_string_equal(mask, "411111******1111");
    card_pan_bin6(&pan, bin);
    card_pan_last4(&pan, last);
    assert_string_equal(bin, "411111");
    assert_string_equal(last, "1111");
    card_text_mask(span_text("41111111111"), mask);
    assert_string_equal(mask, "***********");
    card_text_mask(span_text("12345678901234567890123"), mask);
    assert_string_equal(mask, "*******************");
    struct card_pan longest = pan_of("4111111111111111111");
    card_pan_mask(&longest, mask);
    assert_string_equal(mask, "411111*********1111");
    assert_false(card_pan_equal(&pan, &longest));
    assert_true(card_pan_equal(&pan, &pan));
}

static void pan_outside_its_rule_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "", "41111111111", "41111111111111111111", "411111111111111A", "4111 11111111111", "4111111111111112"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct card_pan pan = {.len = 99};
        assert_int_equal(card_pan_parse(span_text(bad[i]), CARD_LUHN, &pan), CARD_ERR_PAN);
        assert_int_equal(pan.len, 99);
    }
    struct card_pan pan;
    assert_int_equal(card_pan_parse(span_text("4111111111111112"), CARD_ANY, &pan), ERR_OK);
}

/* Well-known test numbers of the brands (public in every acquirer's documentation). */
static void brands_by_range_and_length(void **state)
{
    (void)state;
    static const struct {
        const char *pan;
        const char *name;
        int code_digits;
    } known[] = {
        {"4111111111111111", "VISA", 3},       {"4222222222222", "VISA", 3},          {"5555555555554444", "MASTERCARD", 3},
        {"2223003122003222", "MASTERCARD", 3}, {"2720990000000007", "MASTERCARD", 3}, {"378282246310005", "AMEX", 4},
        {"343434343434343", "AMEX", 4},        {"6011111111111117", "DISCOVER", 3},   {"30569309025904", "DINERS", 3},
        {"38520000023237", "DINERS", 3},       {"3530111333300000", "JCB", 3},        {"6200000000000005", "UNION_PAY", 3},
        {"6759649826438453", "MAESTRO", 3},    {"1111111111111117", "UNKNOWN", 3},    {"41111111111111", "UNKNOWN", 3},
        {"2220990000000000", "UNKNOWN", 3},    {"2721000000000000", "UNKNOWN", 3},    {"3527000000000000", "UNKNOWN", 3},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        struct card_pan pan = pan_of(known[i].pan);
        enum card_brand brand = card_brand_of(&pan);
        assert_string_equal(card_brand_row(brand)->name, known[i].name);
        assert_int_equal(card_brand_row(brand)->code_digits, known[i].code_digits);
        assert_int_equal(card_brand_from_name(span_text(known[i].name)), brand);
    }
}

static void luhn_digit_completes(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 5000; n++) {
        char text[20];
        int len = snprintf(text, sizeof text, "411111%u", 10000u + n);
        (void)len;
        size_t used = strlen(text);
        text[used] = card_luhn_digit(span_of(text, used));
        assert_true(card_luhn_valid(span_of(text, used + 1)));
        text[used] = (char)(text[used] == '9' ? '0' : text[used] + 1);
        assert_false(card_luhn_valid(span_of(text, used + 1)));
    }
    assert_int_equal(card_luhn_digit(span_text("7992739871")), '3');
}

static void expiry_in_both_orders(void **state)
{
    (void)state;
    struct card_expiry yymm, mmyy, parts;
    char text[5];
    assert_int_equal(card_expiry_parse(span_text("2812"), CARD_YYMM, &yymm), ERR_OK);
    assert_int_equal(card_expiry_parse(span_text("1228"), CARD_MMYY, &mmyy), ERR_OK);
    assert_int_equal(card_expiry_from_parts(span_text("12"), span_text("2028"), &parts), ERR_OK);
    assert_true(card_expiry_equal(yymm, mmyy) && card_expiry_equal(yymm, parts));
    card_expiry_write(yymm, CARD_MMYY, text);
    assert_string_equal(text, "1228");
    card_expiry_write(yymm, CARD_YYMM, text);
    assert_string_equal(text, "2812");
    assert_false(card_expiry_past(yymm, 2028, 12));
    assert_true(card_expiry_past(yymm, 2029, 1));
    static const char *const bad[] = {"", "281", "28123", "2800", "2813", "28 1", "ab12"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_not_equal(card_expiry_parse(span_text(bad[i]), CARD_YYMM, &yymm), ERR_OK);
    assert_int_not_equal(card_expiry_from_parts(span_text("12"), span_text("1928"), &parts), ERR_OK);
    assert_int_not_equal(card_expiry_from_parts(span_text("1"), span_text("2028"), &parts), ERR_OK);
}

static void service_code_is_three_digits(void **state)
{
    (void)state;
    char out[4];
    assert_int_equal(card_service_parse(span_text("101"), out), ERR_OK);
    assert_string_equal(out, "101");
    assert_int_not_equal(card_service_parse(span_text("10"), out), ERR_OK);
    assert_int_not_equal(card_service_parse(span_text("1011"), out), ERR_OK);
    assert_int_not_equal(card_service_parse(span_text("1A1"), out), ERR_OK);
}

struct result_row {
    char source[32], value[32], meaning[96], canonical[40];
};

static bool next_row(FILE *file, struct result_row *row)
{
    char line[256];
    *row = (struct result_row){0};
    return fgets(line, sizeof line, file) &&
           sscanf(line, "%31[^\t]\t%31[^\t]\t%95[^\t]\t%39[^\t\n]", row->source, row->value, row->meaning, row->canonical) == 4;
}

static struct span value_span(const char *value)
{
    return strcmp(value, "(blank)") == 0 ? span_text("") : span_text(value);
}

/* Every row of the published table, both directions; exact rows come back as they went. */
static void every_row_of_the_result_table(void **state)
{
    (void)state;
    FILE *file = fopen("docs/spec/data/result-codes.tsv", "r");
    assert_non_null(file);
    struct result_row row;
    unsigned imported = 0, exported = 0;
    assert_true(next_row(file, &row));
    while (next_row(file, &row)) {
        enum card_result canonical;
        assert_true(card_result_from_name(span_text(row.canonical), &canonical));
        if (strncmp(row.source, "export/", 7) == 0) {
            enum card_face face;
            enum card_source source;
            assert_true(card_face_from_name(span_text(row.source + 7), &face));
            const char *text = card_result_export(face, canonical);
            assert_true(span_equal(span_text(text), value_span(row.value)));
            assert_true(card_source_from_name(span_text(card_face_name(face)), &source));
            /* A face without a letter for "missing although required" or for a blank writes the nearest, unmarked in the table. */
            if (!strstr(row.meaning, "(nearest)") && text[0])
                assert_int_equal(card_result_import(source, span_text(text)), canonical);
            exported++;
        } else {
            enum card_source source;
            assert_true(card_source_from_name(span_text(row.source), &source));
            assert_int_equal(card_result_import(source, value_span(row.value)), canonical);
            imported++;
        }
    }
    fclose(file);
    assert_int_equal(exported, CARD_RESULT_COUNT * CARD_FACE_COUNT);
    assert_true(imported > 100);
    print_message("%u import rows, %u export rows\n", imported, exported);
}

static void result_is_derived_in_order(void **state)
{
    (void)state;
    struct card_result_facts f = {.bypassed = true, .code_sent = true, .source = CARD_SOURCE_VISA, .raw = span_text("M")};
    assert_int_equal(card_result_derive(&f), CARD_RESULT_BYPASSED);
    f.bypassed = false;
    assert_int_equal(card_result_derive(&f), CARD_RESULT_MATCH);
    f.raw = span_text(" ");
    assert_int_equal(card_result_derive(&f), CARD_RESULT_NO_RESULT);
    f.raw = span_text("\x07");
    assert_int_equal(card_result_derive(&f), CARD_RESULT_UNRECOGNISED);
    f.code_sent = false;
    f.raw = span_text("M");
    assert_int_equal(card_result_derive(&f), CARD_RESULT_NOT_PROVIDED);
    f.presence = '9';
    assert_int_equal(card_result_derive(&f), CARD_RESULT_MERCHANT_SAYS_NOT_ON_CARD);
    f.presence = '0';
    f.raw = span_text("S");
    assert_int_equal(card_result_derive(&f), CARD_RESULT_MERCHANT_SAYS_NOT_ON_CARD);
    f.source = CARD_SOURCE_ADYEN;
    f.raw = span_text("4");
    assert_int_equal(card_result_derive(&f), CARD_RESULT_MISSING_BUT_REQUIRED);
}

static void association_letter_never_lies(void **state)
{
    (void)state;
    char out[2];
    card_result_association(CARD_RESULT_MATCH, span_text("Y"), out);
    assert_string_equal(out, "Y");
    card_result_association(CARD_RESULT_TRACK_CVC1_INVALID, span_text("Y"), out);
    assert_string_equal(out, "N");
    card_result_association(CARD_RESULT_NOT_VERIFIED, span_text("U"), out);
    assert_string_equal(out, "X");
    card_result_association(CARD_RESULT_NOT_PROVIDED, span_text(""), out);
    assert_string_equal(out, "");
    assert_int_equal(card_result_class(CARD_RESULT_SUSPICIOUS), CARD_CLASS_MISMATCH);
}

static void a_number_in_free_text_is_found(void **state)
{
    (void)state;
    static const char *const held[] = {"4111111111111111",
                                       "5555-5555-5555-4444",
                                       "3782 822463 10005",
                                       "order 6011111111111117 of Monday",
                                       "PAN4005520000000129x",
                                       "2026 4111 1111 1111 1111",
                                       "4111 1111 1111 1111 2026",
                                       "4111 - 1111 - 1111 - 1111",
                                       "4111.1111.1111.1111",
                                       "4111\xC2\xA0"
                                       "1111\xE2\x80\x93"
                                       "1111\xE2\x80\x89"
                                       "1111",
                                       "\xEF\xBC\x94\xEF\xBC\x91"
                                       "11111111111111",
                                       "\xD9\xA4\xD9\xA1"
                                       "11111111111111",
                                       "\xE0\xA5\xAA\xDB\xB1"
                                       "11111111111111",
                                       "4111/1111/1111/1111",
                                       "4111_1111_1111_1111",
                                       "(4111)(1111)(1111)(1111)",
                                       "4111, 1111, 1111, 1111",
                                       "3782:822463:10005",
                                       "12/4111111111111111/30",
                                       "0004111111111111111",
                                       "0000000000000004111111111111111",
                                       "501800000009",
                                       "4222222222222",
                                       "pan=4111111111111111;12/30",
                                       "4-1-1-1-1-1-1-1-1-1-1-1-1-1-1-1"};
    for (size_t i = 0; i < sizeof held / sizeof held[0]; i++)
        if (!card_text_has_number(span_text(held[i])))
            fail_msg("not found: %s", held[i]);
}

static void other_long_numbers_are_none(void **state)
{
    (void)state;
    static const char *const none[] = {"",
                                       "4111111111111112",        /* Luhn */
                                       "1670258885014",           /* a time in milliseconds */
                                       "9999999999999995",        /* Luhn, no range */
                                       "41111111111111113",       /* a length that the brand does not have */
                                       "00411111111111111100",    /* a longer row of digits */
                                       "378282246313",            /* too short for its brand */
                                       "2026-12-01 23:59:59.123", /* a time */
                                       "4/12/2026 10:11:18",      /* one of these ten passes Luhn */
                                       "4/12/2026 10:11:19",
                                       "4/12/2026 10:11:10",
                                       "4/12/2026 10:11:11",
                                       "4/12/2026 10:11:12",
                                       "4/12/2026 10:11:13",
                                       "4/12/2026 10:11:14",
                                       "4/12/2026 10:11:15",
                                       "4/12/2026 10:11:16",
                                       "4/12/2026 10:11:17",
                                       "+61 2 9374 4000",                      /* a telephone number */
                                       "30dd879c-ee2f-11db-8314-0800200c9a66", /* a UUID */
                                       "4111a4111111111111111b1111111111",     /* 32 hexadecimal digits */
                                       "41111111-1111-4111-8111-41111111111f", /* a UUID, whatever its digits are */
                                       "100008000003683"};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        if (card_text_has_number(span_text(none[i])))
            fail_msg("found: %s", none[i]);
}

/* One in ten random numbers passes Luhn; nothing else may raise the share of what is found. */
static void identifiers_raise_no_alarm(void **state)
{
    (void)state;
    static const char hex[] = "0123456789abcdef";
    uint64_t seed = 88172645463325252u;
    for (int round = 0; round < 200000; round++) {
        char id[37];
        for (size_t i = 0; i < 36; i++) {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            id[i] = i == 8 || i == 13 || i == 18 || i == 23 ? '-' : hex[seed >> 32 & 15];
        }
        id[36] = 0;
        id[35] = 'f'; /* with one letter at least */
        assert_false(card_text_has_number(span_text(id)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pan_is_parsed_and_masked),      cmocka_unit_test(pan_outside_its_rule_is_refused),
        cmocka_unit_test(brands_by_range_and_length),    cmocka_unit_test(luhn_digit_completes),
        cmocka_unit_test(expiry_in_both_orders),         cmocka_unit_test(service_code_is_three_digits),
        cmocka_unit_test(every_row_of_the_result_table), cmocka_unit_test(result_is_derived_in_order),
        cmocka_unit_test(association_letter_never_lies), cmocka_unit_test(a_number_in_free_text_is_found),
        cmocka_unit_test(other_long_numbers_are_none),   cmocka_unit_test(identifiers_raise_no_alarm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
