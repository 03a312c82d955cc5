/* SPDX-License-Identifier: Apache-2.0 */
/* The command table: sound rows, build and parse are inverse on random valid records, every outcome is reached. */
#include "hostcmd/commands.h"
#include "hostcmd/error.h"

#include "keys/error.h"
#include "support/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { FRAME = 40000, RECORD = HOSTCMD_RECORD_MAX };

static uint8_t frame[FRAME], again[FRAME], changed[FRAME], one[RECORD], two[RECORD];

static void test_rows_are_sound(void **state)
{
    (void)state;
    struct wire_fault fault = {0};
    assert_int_equal(hostcmd_check(&fault), ERR_OK);
    for (unsigned i = 0; i < HOSTCMD_COUNT; i++) {
        const struct hostcmd_row *row = hostcmd_row((enum hostcmd_id)i);
        assert_ptr_equal(hostcmd_find(span_text(row->code)), row);
        assert_int_equal(hostcmd_row_id(row), i);
        /* Second character plus one (host-commands.md 1). */
        assert_int_equal(row->reply_code[0], row->code[0]);
        assert_int_equal(row->reply_code[1], row->code[1] + 1);
        assert_true(row->request->size <= RECORD && row->reply->size <= RECORD);
        /* Both layouts of a reply live in one struct. */
        if (row->choice.record)
            assert_int_equal(row->choice.record->size, row->reply->size);
    }
    assert_null(hostcmd_find(span_text("XX")));
    assert_null(hostcmd_find(span_text("C")));
}

/* Members that the rows did not write are zero on both sides, so that whole structs compare. */
static void test_requests_come_back(void **state)
{
    (void)state;
    struct env env = rng_env(1);
    for (unsigned i = 0; i < HOSTCMD_COUNT; i++) {
        const struct hostcmd_row *row = hostcmd_row((enum hostcmd_id)i);
        for (int n = 0; n < 1000; n++) {
            int lmk = n % 3 == 0 ? n % 100 : HOSTCMD_LMK_DEFAULT;
            struct buf out = buf_over(frame, sizeof frame);
            struct buf out2 = buf_over(again, sizeof again);
            struct hostcmd_tail tail;
            wire_generate(row->request, &env, one);
            assert_int_equal(hostcmd_request_build((enum hostcmd_id)i, one, lmk, &out), ERR_OK);
            size_t fields = out.len;
            if (n % 2)
                buf_put_text(&out, "\x19trailer");
            assert_int_equal(hostcmd_request_parse(row, span_slice(buf_span(&out), 2, SIZE_MAX), two, &tail, NULL), ERR_OK);
            assert_int_equal(tail.lmk, lmk);
            assert_true(span_is(tail.trailer, n % 2 ? "\x19trailer" : ""));
            assert_int_equal(hostcmd_request_build((enum hostcmd_id)i, two, lmk, &out2), ERR_OK);
            assert_true(span_equal(span_slice(buf_span(&out), 0, fields), buf_span(&out2)));
        }
    }
}

static void reply_comes_back(enum hostcmd_id id, const struct wire_record *record, const void *request, const struct env *env)
{
    const struct hostcmd_row *row = hostcmd_row(id);
    struct hostcmd_said told = hostcmd_said(ERR_OK, row->flags & HOSTCMD_DATA_WITH_01 ? VERDICT_MISMATCH : VERDICT_MATCH);
    struct buf out = buf_over(frame, sizeof frame);
    struct buf out2 = buf_over(again, sizeof again);
    struct hostcmd_said answer = {0};
    wire_generate(record, env, one);
    assert_int_equal(hostcmd_reply_build(row, told, request, one, (struct span){0}, &out), ERR_OK);
    assert_int_equal(hostcmd_reply_parse(id, request, buf_span(&out), &answer, two), ERR_OK);
    assert_int_equal(answer.verdict, told.verdict);
    assert_int_equal(answer.cause, ERR_OK);
    assert_int_equal(hostcmd_reply_build(row, told, request, two, (struct span){0}, &out2), ERR_OK);
    assert_true(span_equal(buf_span(&out), buf_span(&out2)));
}

static void test_replies_come_back(void **state)
{
    (void)state;
    struct env env = rng_env(2);
    static uint8_t request[RECORD];
    for (unsigned i = 0; i < HOSTCMD_COUNT; i++) {
        const struct hostcmd_row *row = hostcmd_row((enum hostcmd_id)i);
        for (int n = 0; n < 500; n++) {
            /* A random request decides which layout its reply has. */
            wire_generate(row->request, &env, request);
            reply_comes_back((enum hostcmd_id)i, hostcmd_reply_record(row, request), request, &env);
        }
    }
}

/* ---- every outcome ---- */

static size_t reached[HOSTCMD_COUNT][WIRE_OUTCOME_COUNT];

static void try_frame(unsigned id, struct span data)
{
    struct hostcmd_tail tail;
    struct wire_fault fault = {0};
    const struct hostcmd_row *row = hostcmd_row((enum hostcmd_id)id);
    enum err err = hostcmd_request_parse(row, data, two, &tail, &fault);
    assert_true(err == ERR_OK || fault.outcome != WIRE_OUTCOME_OK);
    /* Whatever it is, it has a code that the table of host-commands.md 11 knows. */
    assert_int_equal(strlen(err_row(err)->host_code), 2);
    if (err != ERR_OK) {
        assert_non_null(fault.field);
        assert_true(fault.offset <= data.len);
        for (size_t i = 0; i < row->request->size; i++)
            assert_int_equal(two[i], 0);
    }
    reached[id][err == ERR_OK ? WIRE_OUTCOME_OK : fault.outcome]++;
}

static uint32_t draw(const struct env *env, size_t bound)
{
    uint32_t value;
    env_random(env, &value, sizeof value);
    return bound > 0 ? (uint32_t)(value % bound) : 0;
}

static void mutate(const struct env *env, unsigned id)
{
    struct buf out = buf_over(frame, sizeof frame);
    wire_generate(hostcmd_row((enum hostcmd_id)id)->request, env, one);
    assert_int_equal(hostcmd_request_build((enum hostcmd_id)id, one, HOSTCMD_LMK_DEFAULT, &out), ERR_OK);
    size_t len = out.len - 2;
    memcpy(changed, frame + 2, len);
    switch (draw(env, 6)) {
    case 0: /* cut */
        len = draw(env, len);
        break;
    case 1: /* one byte: near the start, where short fields stand, or anywhere */
        if (len > 0)
            changed[draw(env, draw(env, 2) || len < 8 ? len : 8)] = (uint8_t)draw(env, 256);
        break;
    case 2: /* longer */
        changed[len++] = (uint8_t)draw(env, 256);
        break;
    case 3: /* no delimiter */
        for (size_t i = 0; i < len; i++)
            if (changed[i] == ';')
                changed[i] = '0';
        break;
    case 4: { /* a byte more in front of a random place */
        size_t at = draw(env, len + 1);
        memmove(changed + at + 1, changed + at, len - at);
        changed[at] = (uint8_t)("0;%#F\x19Z"[draw(env, 7)]);
        len++;
        break;
    }
    default: /* a trailer of any length, marks inside */
        changed[len++] = 0x19;
        for (size_t n = draw(env, 40); n > 0; n--)
            changed[len++] = (uint8_t)draw(env, 256);
        break;
    }
    try_frame(id, span_of(changed, len));
}

static bool reached_all(unsigned i)
{
    const size_t *r = reached[i];
    bool fields = hostcmd_row((enum hostcmd_id)i)->request->count > 0;
    return r[WIRE_OUTCOME_OK] && r[WIRE_OUTCOME_LONG] && r[WIRE_OUTCOME_TRAILING] &&
           (!fields || (r[WIRE_OUTCOME_SHORT] && (r[WIRE_OUTCOME_CHARACTER] || r[WIRE_OUTCOME_VALUE])));
}

static void test_every_outcome_is_reached(void **state)
{
    (void)state;
    struct env env = rng_env(3);
    for (unsigned i = 0; i < HOSTCMD_COUNT; i++) {
        /* The long ones are slow to make, and a change seldom meets what stands before their data. */
        bool whole = hostcmd_row((enum hostcmd_id)i)->request->size < HOSTCMD_ECHO_MAX;
        for (int n = 0; n < (whole ? 20000 : 2000) || !reached_all(i); n++) {
            assert_true(n < 200000);
            mutate(&env, i);
        }
    }
    static const enum hostcmd_id with_pan[] = {HOSTCMD_CW, HOSTCMD_CY, HOSTCMD_QY, HOSTCMD_PM};
    for (size_t i = 0; i < sizeof with_pan / sizeof with_pan[0]; i++)
        for (unsigned outcome = 0; outcome < WIRE_OUTCOME_COUNT; outcome++)
            assert_true(reached[with_pan[i]][outcome] > 0);
}

/* ---- what single faults answer ---- */

/* clang-format off */
static const struct single_fault {
    const char *command;
    const char *code;
    const char *trailer;
} single_faults[] = {
    {"CWU9B4934384B19946B040CD702B4D581454123456789012345;8701101", "00", ""},
    {"CWU9B4934384B19946B040CD702B4D581454123456789012345;8701101%01", "00", ""},
    {"CWU9B4934384B19946B040CD702B4D581454123456789012345;8701101%01\x19" "A", "00", "\x19" "A"},
    {"CWU9B4934384B19946B040CD702B4D581454123456789012345;8701101\x19", "00", "\x19"},
    {"CWU9B4934384B19946B040CD702B4D581454123456789012345;8701101\x19" "12345678901234567890123456789012", "00",
     "\x19" "12345678901234567890123456789012"},
    {"CWU9B4934384B19946B040CD702B4D581454123456789012345;8701101\x19" "123456789012345678901234567890123", "15", ""},
    {"CWU9B4934384B19946B040CD702B4D581454123456789012345;8701101\x19" "%01", "00", "\x19" "%01"},
    {"CWU9B4934384B19946B040CD702B4D581454123456789012345;8701101%0", "15", ""},
    {"CWU9B4934384B19946B040CD702B4D581454123456789012345;8701101%0x\x19t", "15", "\x19t"},
    {"CWU9B4934384B19946B040CD702B4D581454123456789012345;87011010", "15", ""},
    {"CWU9B4934384B19946B040CD702B4D581454123456789012345;870110", "15", ""},
    {"CWU9B4934384B19946B040CD702B4D581454123456789012345;8701101#C0T2N00S00", "00", ""},
    {"CWQ9B4934384B19946B040CD702B4D581454123456789012345;8701101", "26", ""},
    {"CWS0x072C0TN00E0001A417975993E2331918759DD1656AC94306BE01C19FDE29E83A93AB424;0", "83", ""},
    {"CWS09999C0TN00E0001A417975993E2331918759DD1656AC94306BE01C19FDE29E83A93AB424;0", "83", ""},
    {"CWU9B49", "15", ""},
    {"CW", "15", ""},
    {"CW\x19t", "15", "\x19t"},
    {"QY1U", "68", ""},
    {"QY9", "15", ""},
    {"QY", "15", ""},
    {"PM5", "15", ""},
    {"PM51U", "15", ""},
    {"PM10U", "68", ""},
    {"PM12U", "15", ""},
    {"PM12U1E6F5623CAEF7F791373A1F01A506A28A5413123556784804;00003abc0000077200005XX255\x19t", "00", "\x19t"},
    {"PM12U1E6F5623CAEF7F791373A1F01A506A28A5413123556784804;00003\x19" "bc0000077200005XX255", "00", ""},
    {"PM12U1E6F5623CAEF7F791373A1F01A506A28A5413123556784804;00003\x19" "bc0000077200005XX25", "15", ""},
    {"PM12U1E6F5623CAEF7F791373A1F01A506A28A5413123556784804;00000", "15", ""},
    {"PM12U1E6F5623CAEF7F791373A1F01A506A28A5413123556784804;00004abc", "15", ""},
    {"PM00UB68E039974B21519E5E2226866C4D3A0A\x19t", "15", "\x19t"},
    {"RY33U", "68", ""},
    {"RY50U", "15", ""},
    {"RY3", "15", ""},
    {"RY32U9B4934384B19946B040CD702B4D5814537123456789012300009912702", "00", ""},
    {"RY30U9B4934384B19946B040CD702B4D5814537123456789012300009912702", "15", ""},
    {"QY5UB68E039974B21519E5E2226866C4D3A0A4123456789012345;2812000260101000001", "00", ""},
    {"QY5UB68E039974B21519E5E2226866C4D3A0A4123456789012345;2812000260101000019", "15", ""},
    {"QY5UB68E039974B21519E5E2226866C4D3A0C4123456789012345;2812000260101000001", "15", ""},
    {"A0A402U", "68", ""},
    {"A00402U", "00", ""},
    {"A00FFFS%01#C0T2N00S00", "00", ""},
    {"A00FFFS#C0T2N00S00%01", "00", ""},
    {"A00FFFS#C0T2N00S00%01%01", "15", ""},
    {"A00FFFS#C0T2N00S00#C0T2N00S00", "15", ""},
    {"A01000U;0U1E6F5623CAEF7F791373A1F01A506A28X", "00", ""},
    {"A01000U", "15", ""},
    {"BU0200406FBB23A5214DF", "00", ""},
    {"BU023U", "05", ""},
    {"BUx20U", "04", ""},
    {"BU0200406FBB23A5214DF;001", "00", ""},
    {"BUFF10406FBB23A5214DF0406FBB23A5214DF;402;ZZ0", "00", ""},
    {"BUff10406FBB23A5214DF0406FBB23A5214DF", "15", ""},
    {"A42402U9B4934384B19946B040CD702B4D581459B4934384B19946B040CD702B4D58145", "00", ""},
    {"A43002Z3B723AF4CF00A7A6954111D254A90D17EAAF49979FA95742", "00", ""},
    {"A43002Z3B723AF4CF00A7A6954111D254A90D17", "15", ""},
    {"A42002Z3B723AF4CF00A7A6954111D254A90D17EAAF49979FA95742", "15", ""},
    {"A43FFFS3B723AF4CF00A7A6954111D254A90D17EAAF49979FA95742", "15", ""},
    {"A41002Z3B723AF4CF00A7A6", "03", ""},
    {"A4A002Z3B723AF4CF00A7A6", "03", ""},
    {"A42002Q3B723AF4CF00A7A6954111D254A90D17", "26", ""},
    {"A42x02Z3B723AF4CF00A7A6954111D254A90D17", "28", ""},
    {"A42002Z3B723AF4CF00A7A6954111D254A90D17%01#0000", "00", ""},
    {"A42002Z3B723AF4CF00A7A6954111D254A90D17#C0T2N00E00", "15", ""},
    {"BW0200406FBB23A5214DF", "00", ""},
    {"BW0200406FBB23A5214DF;0Z0", "00", ""},
    {"BW0200406FBB23A5214DF;002;0Z0", "00", ""},
    {"BW0200406FBB23A5214DF;002;0Z1", "15", ""},
    {"BWFF00406FBB23A5214DF", "15", ""},
    {"BWFF00406FBB23A5214DF;0Z0", "04", ""},
    {"BWFF00406FBB23A5214DF;002", "00", ""},
    {"BW0230406FBB23A5214DF", "05", ""},
    {"BWx200406FBB23A5214DF", "04", ""},
    {"AS", "00", ""},
    {"AS;0U1", "00", ""},
    {"AS;0U2", "15", ""},
    {"AS;0U", "15", ""},
    {"B200100123456789ABCDEF", "00", ""},
    {"B200110123456789ABCDEF", "80", ""},
    {"B2FFFF0123456789ABCDEF", "80", ""},
    {"B2000F0123456789ABCDEF", "15", ""},
    {"B20002\x19" "A\x19t", "00", "\x19t"},
    {"NC", "00", ""},
    {"NO00", "00", ""},
    {"NO02", "15", ""},
    {"NO", "15", ""},
};
/* clang-format on */

static void test_codes_of_faults(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof single_faults / sizeof single_faults[0]; i++) {
        struct span command = span_text(single_faults[i].command);
        const struct hostcmd_row *found = hostcmd_find(span_slice(command, 0, 2));
        struct hostcmd_tail tail;
        assert_non_null(found);
        enum err err = hostcmd_request_parse(found, span_slice(command, 2, SIZE_MAX), two, &tail, NULL);
        if (strcmp(err_row(err)->host_code, single_faults[i].code) != 0)
            fail_msg("%s: %s", single_faults[i].command, err_row(err)->host_code);
        if (!span_is(tail.trailer, single_faults[i].trailer))
            fail_msg("%s: trailer of %zu", single_faults[i].command, tail.trailer.len);
    }
}

/* ---- replies as a client reads them ---- */

static void test_verdicts(void **state)
{
    (void)state;
    assert_int_equal((struct hostcmd_said){0}.verdict, VERDICT_UNAVAILABLE);
    assert_int_equal(hostcmd_said_of("00").verdict, VERDICT_MATCH);
    assert_int_equal(hostcmd_said_of("01").verdict, VERDICT_MISMATCH);
    assert_int_equal(hostcmd_said_of("00").cause, ERR_OK);
    assert_int_equal(hostcmd_said_of("01").cause, ERR_OK);
    for (unsigned i = 0; i < 36 * 36; i++) {
        static const char digit[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
        const char code[3] = {digit[i / 36], digit[i % 36], 0};
        struct hostcmd_said said = hostcmd_said_of(code);
        if (strcmp(code, "00") == 0 || strcmp(code, "01") == 0) {
            assert_string_equal(hostcmd_said_code(said), code);
            continue;
        }
        assert_int_equal(said.verdict, VERDICT_UNAVAILABLE);
        assert_int_not_equal(said.cause, ERR_OK);
        assert_string_equal(hostcmd_said_code(said), err_row(said.cause)->host_code);
    }
    assert_int_equal(hostcmd_said_of("26").cause, KEYS_ERR_SCHEME);
    assert_string_equal(hostcmd_said_code(hostcmd_said(HOSTCMD_ERR_FRAUD_DETECTION, VERDICT_MATCH)), "39");
    assert_int_equal(hostcmd_said(HOSTCMD_ERR_FRAUD_DETECTION, VERDICT_MATCH).verdict, VERDICT_UNAVAILABLE);
}

static void test_replies(void **state)
{
    (void)state;
    struct hostcmd_cw_reply cx;
    struct hostcmd_pm_reply pn;
    struct hostcmd_a0_reply a1;
    struct hostcmd_bu_reply bv;
    struct hostcmd_said answer = {0};
    assert_int_equal(hostcmd_reply_parse(HOSTCMD_CW, NULL, span_text("CX00561"), &answer, &cx), ERR_OK);
    assert_int_equal(answer.verdict, VERDICT_MATCH);
    assert_true(span_is(WIRE_SPAN(cx.code), "561"));
    assert_int_equal(hostcmd_reply_parse(HOSTCMD_CW, NULL, span_text("CX10"), &answer, &cx), ERR_OK);
    assert_int_equal(answer.verdict, VERDICT_UNAVAILABLE);
    assert_int_equal(answer.cause, KEYS_ERR_PARITY_SOURCE);
    assert_false(cx.code.present);
    assert_int_equal(hostcmd_reply_parse(HOSTCMD_CY, NULL, span_text("CZ00"), &answer, NULL), ERR_OK);
    assert_int_equal(answer.verdict, VERDICT_MATCH);
    assert_int_equal(hostcmd_reply_parse(HOSTCMD_CY, NULL, span_text("CZ01\x19t"), &answer, NULL), ERR_OK);
    assert_int_equal(answer.verdict, VERDICT_MISMATCH);
    assert_int_equal(hostcmd_reply_parse(HOSTCMD_PM, NULL, span_text("PN01"), &answer, &pn), ERR_OK);
    assert_int_equal(hostcmd_reply_parse(HOSTCMD_PM, NULL, span_text("PN01104"), &answer, &pn), ERR_OK);
    assert_true(span_is(WIRE_SPAN(pn.expected), "104"));
    assert_int_equal(hostcmd_reply_parse(HOSTCMD_A0, NULL, span_text("A100U1E6F5623CAEF7F791373A1F01A506A28123456"), &answer, &a1),
                     ERR_OK);
    assert_true(span_is(WIRE_SPAN(a1.kcv), "123456"));
    assert_int_equal(hostcmd_reply_parse(HOSTCMD_A0, NULL, span_text("A1000406FBB23A5214DF123456"), &answer, &a1), ERR_OK);
    assert_true(span_is(WIRE_SPAN(a1.key), "0406FBB23A5214DF"));
    struct hostcmd_bu bu = {0};
    assert_true(WIRE_SET(bu.kcv_type, span_text("1")));
    assert_int_equal(hostcmd_reply_parse(HOSTCMD_BU, &bu, span_text("BV00123456"), &answer, &bv), ERR_OK);
    assert_int_equal(hostcmd_reply_parse(HOSTCMD_BU, NULL, span_text("BV00123456"), &answer, &bv), ERR_PARSE_SHORT);
    static const char *const strange[] = {"", "C", "CX", "CX0", "CZ00", "XX00123"};
    for (size_t i = 0; i < sizeof strange / sizeof strange[0]; i++)
        assert_int_equal(hostcmd_reply_parse(HOSTCMD_CW, NULL, span_text(strange[i]), &answer, &cx), ERR_FRAME);
    static const char *const wrong[] = {"CX00", "CX0012", "CX001234", "CX10123", "CX0012x"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_not_equal(hostcmd_reply_parse(HOSTCMD_CW, NULL, span_text(wrong[i]), &answer, &cx), ERR_OK);
}

/* Nothing of a PAN or a code may reach a log line. */
static void test_descriptions_are_masked(void **state)
{
    (void)state;
    struct hostcmd_cy cy = {0};
    assert_true(WIRE_SET(cy.key, span_text("U9B4934384B19946B040CD702B4D58145")));
    assert_true(WIRE_SET(cy.code, span_text("561")));
    assert_true(WIRE_SET(cy.pan, span_text("4123456789012345")));
    assert_true(WIRE_SET(cy.expiry, span_text("8701")));
    assert_true(WIRE_SET(cy.service, span_text("101")));
    struct buf out = buf_over(frame, sizeof frame);
    wire_describe(hostcmd_row(HOSTCMD_CY)->request, &cy, &out);
    const char *text = buf_text(&out);
    assert_non_null(strstr(text, "412345******2345"));
    assert_null(strstr(text, "561"));
    assert_null(strstr(text, "4123456789012345"));
}

/* Fields that hold codes or what codes are made of, by name. */
static unsigned check_masks(const struct wire_record *record)
{
    static const char *const secret[] = {"CVV", "code", "expected", "CVC3", "track data", "5CSC", "4CSC", "3CSC", "random"};
    static const char *const pan[] = {"PAN", "account"};
    unsigned seen = 0;
    for (size_t i = 0; record && i < record->count; i++) {
        const struct wire_field *f = &record->field[i];
        for (size_t n = 0; n < sizeof secret / sizeof secret[0]; n++)
            if (strcmp(f->name, secret[n]) == 0 && ++seen && !(f->flags & WIRE_SECRET))
                fail_msg("%s: %s is shown", record->name, f->name);
        for (size_t n = 0; n < sizeof pan / sizeof pan[0]; n++)
            if (strcmp(f->name, pan[n]) == 0 && ++seen && !(f->flags & WIRE_PAN))
                fail_msg("%s: %s is shown", record->name, f->name);
    }
    return seen;
}

static void test_codes_have_masks(void **state)
{
    (void)state;
    unsigned seen = 0;
    for (unsigned i = 0; i < HOSTCMD_COUNT; i++) {
        const struct hostcmd_row *row = hostcmd_row((enum hostcmd_id)i);
        seen += check_masks(row->request) + check_masks(row->reply) + check_masks(row->choice.record);
    }
    assert_true(seen >= 20);
}

static void test_document(void **state)
{
    (void)state;
    static uint8_t page[64 * 1024];
    struct buf out = buf_over(page, sizeof page);
    hostcmd_document(&out);
    assert_int_equal(buf_done(&out), ERR_OK);
    assert_non_null(strstr(buf_text(&out), "## PM"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_are_sound),    cmocka_unit_test(test_requests_come_back),
        cmocka_unit_test(test_replies_come_back), cmocka_unit_test(test_every_outcome_is_reached),
        cmocka_unit_test(test_codes_of_faults),   cmocka_unit_test(test_verdicts),
        cmocka_unit_test(test_replies),           cmocka_unit_test(test_descriptions_are_masked),
        cmocka_unit_test(test_codes_have_masks),  cmocka_unit_test(test_document),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
