/* SPDX-License-Identifier: Apache-2.0 */
/* Golden frames: made by a separate Python program with its own bitmap arithmetic, BCD, and the codec cp037 for EBCDIC. */
#include "iso8583/layout.h"
#include "iso8583/profile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const char visa_0100[] =
    "0100F23C448108C08000000000000000000410412345678901234900000000000000125011210430000000420430001121281259990"
    "100590B012345678901F0F3F2F5F0F4F0F0F0F0F4F2E3C5D9D4F0F0F0F1D4C5D9C3C8C1D5E3F0F0F0F0F0F0F100360E00400000"
    "00000000F1F140F1F2F3";
static const char visa_0110[] =
    "0110723800010ED08000104123456789012349000000000000001250112104300000004204300011210B012345678901F0F3F2F5F0F4"
    "F0F0F0F0F4F2C1F1C2F2C3F3F0F0E3C5D9D4F0F0F0F1D4C5D9C3C8C1D5E3F0F0F0F0F0F0F10B40404040404040404040D40036";
static const char visa_0401[] =
    "0401F220000108C0800000000040000000000F041234567890123400000000000000125011210431000000430B012345678901F0F3F2"
    "F5F0F4F0F0F0F0F4F2E3C5D9D4F0F0F0F1D4C5D9C3C8C1D5E3F0F0F0F0F0F0F10036010000004211210430001234567890100000"
    "000000";
static const char visa_0800[] = "08008220000000000000040000000000000011210430000000010301";
static const char iso_0100[] =
    "0100F23C448108C0800000000000000000041641234567890123490000000000000012501121043000000042043000112128125999010"
    "591112345678901032504000042T1      MERCHANT000000103600611 123";
static const char iso_0110[] =
    "0110723800010ED08000164123456789012349000000000000001250112104300000004204300011211112345678901032504000042A1"
    "B2C300T1      MERCHANT000000111          M036";
static const char iso_0400[] =
    "0400F220000108C08000000000420000000016412345678901234900000000000000125011210431000000431112345678901032504000"
    "042TERM0001MERCHANT000000103601000000421121043000123456789010000000000000000000050000000000000000000000000000"
    "0000";

struct golden {
    const struct iso8583_profile *profile;
    const char *text;
    bool hex;
};
static const struct golden goldens[] = {
    {&iso8583_profile_visa_base1, visa_0100, true},  {&iso8583_profile_visa_base1, visa_0110, true},
    {&iso8583_profile_visa_base1, visa_0401, true},  {&iso8583_profile_visa_base1, visa_0800, true},
    {&iso8583_profile_iso87_ascii, iso_0100, false}, {&iso8583_profile_iso87_ascii, iso_0110, false},
    {&iso8583_profile_iso87_ascii, iso_0400, false},
};

static struct span golden_bytes(const struct golden *g, uint8_t room[static 1024])
{
    size_t len = strlen(g->text);

    if (!g->hex)
        return span_text(g->text);
    assert_int_equal(span_unhex(span_text(g->text), room, 1024), ERR_OK);
    return span_of(room, len / 2);
}

static void parse_golden(const char *text, const struct iso8583_profile *p, struct iso8583_message *m)
{
    struct golden g = {p, text, p->binary};
    uint8_t room[1024];
    struct iso8583_fault fault;
    assert_int_equal(iso8583_parse(p, golden_bytes(&g, room), m, &fault), ERR_OK);
}

static void is(const struct iso8583_message *m, unsigned field, const char *text)
{
    struct span value = iso8583_get(m, field);

    assert_int_equal(value.len, strlen(text));
    assert_memory_equal(value.at, text, value.len);
}

static void authorisation_reads_the_same_in_both_profiles(void **state)
{
    const struct iso8583_profile *profiles[] = {&iso8583_profile_visa_base1, &iso8583_profile_iso87_ascii};
    const char *frames[] = {visa_0100, iso_0100};
    const char *terminals[] = {"TERM0001", "T1      "};
    const char *modes[] = {"0100", "010"};

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct iso8583_message m;

        parse_golden(frames[i], profiles[i], &m);
        assert_int_equal(m.mti, ISO8583_AUTHORISATION);
        is(&m, 2, "4123456789012349");
        is(&m, 3, "000000");
        is(&m, 4, "000000001250");
        is(&m, 7, "1121043000");
        is(&m, 11, "000042");
        is(&m, 12, "043000");
        is(&m, 13, "1121");
        is(&m, 14, "2812");
        is(&m, 18, "5999");
        is(&m, 22, modes[i]);
        is(&m, 25, "59");
        is(&m, 32, "12345678901");
        is(&m, 37, "032504000042");
        is(&m, 41, terminals[i]);
        is(&m, 42, "MERCHANT0000001");
        is(&m, 49, "036");
        assert_false(iso8583_has(&m, 1));
        assert_false(iso8583_has(&m, 39));
    }
}

static void odd_account_number_is_filled_on_the_left(void **state)
{
    (void)state;
    struct iso8583_message m;
    parse_golden(visa_0401, &iso8583_profile_visa_base1, &m);
    is(&m, 2, "412345678901234");
    assert_true(iso8583_mti_repeat(m.mti));
    struct iso8583_original original;
    assert_int_equal(iso8583_original_read(&m, &original), ERR_OK);
    assert_true(span_is(WIRE_SPAN(original.stan), "000042"));
    assert_true(span_is(WIRE_SPAN(original.transmission), "1121043000"));
    assert_true(iso8583_acquirer_equal(WIRE_SPAN(original.acquirer), span_text("12345678901")));
}

static void golden_frames_build_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof goldens / sizeof goldens[0]; i++) {
        uint8_t room[1024];
        uint8_t built[1024];
        struct span frame = golden_bytes(&goldens[i], room);
        struct buf out = buf_over(built, sizeof built);
        struct iso8583_message m;

        assert_int_equal(iso8583_parse(goldens[i].profile, frame, &m, NULL), ERR_OK);
        assert_int_equal(iso8583_build(goldens[i].profile, &m, &out), ERR_OK);
        assert_int_equal(out.len, frame.len);
        assert_memory_equal(built, frame.at, frame.len);
    }
}

static void every_truncation_is_a_fault(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof goldens / sizeof goldens[0]; i++) {
        uint8_t room[1024];
        struct span frame = golden_bytes(&goldens[i], room);

        for (size_t len = 0; len < frame.len; len++) {
            struct iso8583_message m;
            struct iso8583_fault fault;

            assert_int_not_equal(iso8583_parse(goldens[i].profile, span_of(frame.at, len), &m, &fault), ERR_OK);
            assert_int_not_equal(fault.outcome, ISO8583_OUTCOME_OK);
            assert_true(fault.offset <= len);
        }
    }
}

static void an_answer_echoes_what_the_matrix_says(void **state)
{
    uint8_t built[1024], room[1024];
    struct buf out = buf_over(built, sizeof built);
    struct span golden = golden_bytes(&(struct golden){&iso8583_profile_visa_base1, visa_0110, true}, room);
    (void)state;
    struct iso8583_message request;
    parse_golden(visa_0100, &iso8583_profile_visa_base1, &request);
    struct iso8583_message expected;
    parse_golden(visa_0110, &iso8583_profile_visa_base1, &expected);
    struct iso8583_message answer;
    iso8583_answer_init(&iso8583_profile_visa_base1, &request, &answer);
    assert_false(iso8583_has(&answer, ISO8583_CODE));
    iso8583_set_text(&answer, ISO8583_APPROVAL, "A1B2C3");
    iso8583_set_text(&answer, ISO8583_RESPONSE, "00");
    iso8583_result_write(ISO8583_RESULT_44_10, 'M', &answer);
    assert_int_equal(iso8583_build(&iso8583_profile_visa_base1, &answer, &out), ERR_OK);
    assert_int_equal(out.len, golden.len);
    assert_memory_equal(built, golden.at, golden.len);
    assert_int_equal(iso8583_result_read(ISO8583_RESULT_44_10, &expected), 'M');
}

/* ---- faults, by hand ---- */

struct fault_case {
    const char *frame; /* iso87-ascii */
    enum iso8583_outcome outcome;
    unsigned field;
    const char *response; /* NULL: no answer possible */
};
static const struct fault_case fault_cases[] = {
    {"", ISO8583_OUTCOME_HEADER, 0, NULL},
    {"01", ISO8583_OUTCOME_HEADER, 0, NULL},
    {"01A0", ISO8583_OUTCOME_HEADER, 0, NULL},
    {"080082200000000000", ISO8583_OUTCOME_HEADER, 0, NULL},
    {"0800G220000000000000", ISO8583_OUTCOME_HEADER, 0, NULL},
    /* 0120 is well-formed but not served: 12 */
    {"012002200000000000001121043000000001", ISO8583_OUTCOME_CLASS, 0, "12"},
    {"012002000000000000001121043000", ISO8583_OUTCOME_CLASS, 0, NULL},
    /* DE5 is skipped; what follows is too short for it */
    {"080008000000000000001121043000", ISO8583_OUTCOME_FIELD, 5, NULL},
    /* DE128 is cut off behind a readable DE11 */
    {"0800822000000000000004000000000000011121043000000001301", ISO8583_OUTCOME_FIELD, 128, "30"},
    {"0800822000000000000004000000000000001121043000000001301x", ISO8583_OUTCOME_TRAILING, 0, "30"},
    {"0800022000000000000011210430000000010", ISO8583_OUTCOME_TRAILING, 0, "30"},
    {"080002200000000000001121043000000001", ISO8583_OUTCOME_MISSING, 70, "30"},
    {"0800822000000000000004000000000000001121043000000001AAA", ISO8583_OUTCOME_FIELD, 70, "30"},
    /* DE11 is read behind a bad DE7 */
    {"080082200000000000000400000000000000112104300A000001301", ISO8583_OUTCOME_FIELD, 7, "30"},
    {"0800822000000000000004000000000000001321043000000001301", ISO8583_OUTCOME_FIELD, 7, "30"},
};

static void faults_say_what_and_where(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof fault_cases / sizeof fault_cases[0]; i++) {
        const struct fault_case *c = &fault_cases[i];
        struct iso8583_message m;
        struct iso8583_fault fault;
        const char *response;

        assert_int_not_equal(iso8583_parse(&iso8583_profile_iso87_ascii, span_text(c->frame), &m, &fault), ERR_OK);
        if (fault.outcome != c->outcome || fault.field != c->field)
            print_error("case %zu: outcome %d field %u\n", i, (int)fault.outcome, fault.field);
        assert_int_equal(fault.outcome, c->outcome);
        assert_int_equal(fault.field, c->field);
        response = iso8583_fault_response(&fault, &m);
        if (!c->response)
            assert_null(response);
        else
            assert_string_equal(response, c->response);
    }
}

/* An amount in a network message is skipped, and a link may refuse it. */
static void what_a_class_does_not_use_is_skipped(void **state)
{
    (void)state;
    static const char frame[] = "080092200000000000000400000000000000000000000000"
                                "1121043000000001301";
    struct iso8583_message m;
    struct iso8583_fault fault = {0};
    assert_int_equal(iso8583_parse(&iso8583_profile_iso87_ascii, span_text(frame), &m, NULL), ERR_OK);
    assert_false(iso8583_has(&m, 4));
    is(&m, 70, "301");
    assert_int_equal(iso8583_skipped_refuse(&m, &fault), ERR_PARSE_UNKNOWN);
    assert_int_equal(fault.field, 4);
    parse_golden(iso_0100, &iso8583_profile_iso87_ascii, &m);
    assert_int_equal(iso8583_skipped_refuse(&m, &fault), ERR_OK);
}

static void an_unknown_class_can_be_rejected(void **state)
{
    uint8_t room[256];
    struct buf out = buf_over(room, sizeof room);
    (void)state;
    struct iso8583_message m;
    assert_int_not_equal(iso8583_parse(&iso8583_profile_iso87_ascii, span_text(fault_cases[5].frame), &m, NULL), ERR_OK);
    struct iso8583_message answer;
    iso8583_answer_init(&iso8583_profile_iso87_ascii, &m, &answer);
    iso8583_set_text(&answer, ISO8583_RESPONSE, "12");
    assert_int_equal(iso8583_build(&iso8583_profile_iso87_ascii, &answer, &out), ERR_OK);
    assert_true(span_is(buf_span(&out), "01300220000002000000112104300000000112"));
    assert_int_equal(iso8583_parse(&iso8583_profile_iso87_ascii,
                                   span_text("0120022000000880000011210430000000010325040000"
                                             "42TERM0001"),
                                   &m, NULL),
                     ERR_PARSE_VALUE);
    iso8583_answer_init(&iso8583_profile_iso87_ascii, &m, &answer);
    is(&answer, 37, "032504000042");
    is(&answer, 41, "TERM0001");
}

static void a_message_keeps_its_values(void **state)
{
    struct iso8583_message m = {0};
    uint8_t big[ISO8583_VALUES_MAX + 1] = {0};

    (void)state;
    iso8583_message_init(&m, ISO8583_AUTHORISATION);
    iso8583_set_text(&m, 37, "AAAAAAAAAAAA");
    iso8583_set_text(&m, 41, "T");
    iso8583_set_text(&m, 37, "BBBBBBBBBBBB");
    is(&m, 41, "T");
    is(&m, 37, "BBBBBBBBBBBB");
    iso8583_set_text(&m, 41, "TERMINAL");
    is(&m, 41, "TERMINAL");
    iso8583_unset(&m, 41);
    assert_false(iso8583_has(&m, 41));
    iso8583_set(&m, 48, span_of(big, sizeof big));
    assert_int_equal(m.err, ERR_PARSE_LONG);
    iso8583_message_wipe(&m);
    assert_int_equal(m.err, ERR_OK);
    iso8583_set_text(&m, 1, "x");
    assert_int_equal(m.err, ERR_PARSE_LONG);
    for (size_t i = 0; i < 24; i++)
        assert_int_equal(m.at[i], 0);
}

static void a_description_is_masked(void **state)
{
    uint8_t room[1024];
    struct buf out = buf_over(room, sizeof room);
    (void)state;
    struct iso8583_message m;
    parse_golden(visa_0100, &iso8583_profile_visa_base1, &m);
    iso8583_describe(&iso8583_profile_visa_base1, &m, &out);
    assert_non_null(strstr(buf_text(&out), "02=412345******2349"));
    assert_non_null(strstr(buf_text(&out), "126=***"));
    assert_null(strstr(buf_text(&out), "4123456789012349"));
}

static void the_tables_are_sound(void **state)
{
    (void)state;
    assert_int_equal(iso8583_check(&iso8583_profile_visa_base1, NULL), ERR_OK);
    assert_int_equal(iso8583_check(&iso8583_profile_iso87_ascii, NULL), ERR_OK);
    assert_int_equal(wire_check(&iso8583_original_record, NULL), ERR_OK);
    assert_int_equal(wire_check(&iso8583_replacement_record, NULL), ERR_OK);
    assert_ptr_equal(iso8583_profile_find(span_text("visa-base1")), &iso8583_profile_visa_base1);
    assert_null(iso8583_profile_find(span_text("visa")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(authorisation_reads_the_same_in_both_profiles),
        cmocka_unit_test(odd_account_number_is_filled_on_the_left),
        cmocka_unit_test(golden_frames_build_back),
        cmocka_unit_test(every_truncation_is_a_fault),
        cmocka_unit_test(an_answer_echoes_what_the_matrix_says),
        cmocka_unit_test(faults_say_what_and_where),
        cmocka_unit_test(what_a_class_does_not_use_is_skipped),
        cmocka_unit_test(an_unknown_class_can_be_rejected),
        cmocka_unit_test(a_message_keeps_its_values),
        cmocka_unit_test(a_description_is_masked),
        cmocka_unit_test(the_tables_are_sound),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
