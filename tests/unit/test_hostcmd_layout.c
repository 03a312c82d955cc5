/* SPDX-License-Identifier: Apache-2.0 */
/* Layout profiles of scheme 5: their text, the rows made from them, and two of them end to end through the HSM. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include "hostcmd/layout/layout.h"
#include "support/frames.h"

#include <stdio.h>
#include <string.h>

#define MK "UB68E039974B21519E5E2226866C4D3A0"
#define PAN "4123456789012345"

static int64_t wall_ms = 1767225600000; /* 2026-01-01 00:00:00 UTC */

static int64_t wall(void *context)
{
    (void)context;
    return wall_ms;
}

static struct env env;

static struct hostcmd_profile profile_of(const char *text)
{
    struct hostcmd_profile profile;
    struct hostcmd_layout_problem problem;
    if (hostcmd_profile_parse(span_text(text), &profile, &problem) != ERR_OK)
        fail_msg("line %u: %s", problem.line, problem.text);
    return profile;
}

static const char *text_of(const struct hostcmd_profile *profile)
{
    static char room[2048];
    struct buf out = buf_over(room, sizeof room);
    hostcmd_profile_put(profile, &out);
    assert_int_equal(buf_done(&out), ERR_OK);
    return buf_text(&out);
}

/* ---- the text ---- */

static void shipped_file_says_what_is_built_in(void **state)
{
    (void)state;
    char file[4096], built_in[2048];
    FILE *in = fopen("data/layouts/countersign-5.layout", "r");
    assert_non_null(in);
    size_t len = fread(file, 1, sizeof file - 1, in);
    fclose(in);
    file[len] = 0;
    struct hostcmd_profile read = profile_of(file);
    snprintf(built_in, sizeof built_in, "%s", text_of(&hostcmd_profile_countersign_5));
    assert_string_equal(text_of(&read), built_in);
    /* Written by hand from host-commands.md 5.2. */
    assert_string_equal(built_in, "profile countersign-5\n"
                                  "algorithm T0\n"
                                  "column 1 expiry 4 N\n"
                                  "column 2 service 3 N\n"
                                  "column 3 time 10 N format=YYMMDDhhmm\n"
                                  "column 4 twu 2 N unit=hours\n"
                                  "column 5 code 3 N\n");
}

#define START "profile p\nalgorithm T0\n"
#define REST "column 1 expiry 4 N\ncolumn 2 service 3 N\ncolumn 5 code 3 N\n"
#define TIMES "column 3 time 10 N format=unix10\ncolumn 4 twu 2 N unit=hours\n"

/* Other order, seconds, minutes, a constant, two fillers. */
static const char other[] = "# another one\n"
                            "profile other\r\n"
                            "algorithm  T0\n"
                            "column 7 service 3 N\n"
                            "column 1 constant 2 A value=V2\n"
                            "column 2 twu 4 N unit=minutes\n"
                            "column 3 time 12 N format=YYMMDDhhmmss\n"
                            "column 4 filler 5 N\n"
                            "column 5 code 3 N\n"
                            "\n"
                            "column 6 expiry 4 N\n"
                            "column 8 filler 1 A\n";
/* The service code may be left out, the window is never sent. */
static const char brief[] = "profile brief\nalgorithm T0\n"
                            "column 1 expiry 4 N\n"
                            "column 2 time 10 N format=unix10\n"
                            "column 3 service 3 N optional=998\n"
                            "column 4 code 3 N\n"
                            "column 0 twu 2 N unit=hours optional=06\n";

static void profiles_come_back(void **state)
{
    (void)state;
    static const char *const texts[] = {other, brief, START REST TIMES};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct hostcmd_profile first = profile_of(texts[i]);
        char text[2048];
        snprintf(text, sizeof text, "%s", text_of(&first));
        struct hostcmd_profile again = profile_of(text);
        assert_string_equal(text_of(&again), text);
    }
    struct hostcmd_profile p = profile_of(other);
    assert_int_equal(p.count, 8);
    assert_int_equal(p.column[0].kind, HOSTCMD_CONSTANT);
    assert_int_equal(p.column[6].kind, HOSTCMD_SERVICE);
}

static void malformed_profiles(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        unsigned line;
    } cases[] = {
        {"", 0},
        {START, 0},
        {START REST, 0},
        {"profile p\n" REST TIMES, 0},
        {"algorithm T0\n" REST TIMES, 0},
        {START REST TIMES "column 6 code 3 N\n", 0},
        {START REST TIMES "column 7 filler 3 N\n", 0},
        {START REST TIMES "column 5 filler 3 N\n", 0},
        {START REST TIMES "column 6 filler 3 N\ncolumn 7 filler 3 N\ncolumn 8 filler 3 N\n", 0},
        {START "profile q\n", 3},
        {"profile\n", 1},
        {"profile a b\n", 1},
        {"profile 12345678901234567890123456789012\n", 1},
        {"what\n", 1},
        {START "column\n", 3},
        {START "column 13 expiry 4 N\n", 3},
        {START "column x expiry 4 N\n", 3},
        {START "column 1 nothing 4 N\n", 3},
        {START "column 1 expiry 5 N\n", 3},
        {START "column 1 expiry 0 N\n", 3},
        {START "column 1 expiry 4 Q\n", 3},
        {START "column 1 expiry 4 NN\n", 3},
        {START "column 1 expiry 4 A\n", 3},
        {START "column 1 expiry 4\n", 3},
        {START "column 1 expiry 4 N format=unix10\n", 3},
        {START "column 1 expiry 4 N value=1234\n", 3},
        {START "column 1 expiry 4 N optional=123\n", 3},
        {START "column 1 expiry 4 N optional=12a4\n", 3},
        {START "column 1 expiry 4 N optional=1234 optional=1234\n", 3},
        {START "column 1 expiry 4 N default=1234\n", 3},
        {START "column 0 expiry 4 N\n", 3},
        {START "column 0 code 3 N optional=123\n", 3},
        {START "column 1 code 4 N\n", 3},
        {START "column 1 code 3 N optional=123\n", 3},
        {START "column 1 time 10 N\n", 3},
        {START "column 1 time 10 N format=hhmm\n", 3},
        {START "column 1 time 10 N format=DDMMYYhhmm\n", 3},
        {START "column 1 time 10 N format=unix10 optional=1234567890\n", 3},
        {START "column 1 twu 2 N\n", 3},
        {START "column 1 twu 2 N unit=days\n", 3},
        {START "column 1 twu 5 N unit=hours\n", 3},
        {START "column 1 twu 2 N unit=hours optional=19\n", 3},
        {START "column 1 twu 2 N unit=hours optional=00\n", 3},
        {START "column 1 constant 2 A\n", 3},
        {START "column 1 constant 2 A value=\n", 3},
        {START "column 1 constant 2 A value=abc\n", 3},
        {START "column 1 constant 2 N value=1a\n", 3},
        {START "column 1 constant 2 H value=1g\n", 3},
        {START "column 1 filler 17 N\n", 3},
        {START "column 1 filler 3 N value=000\n", 3},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct hostcmd_profile out;
        struct hostcmd_layout_problem problem = {99, NULL};
        if (hostcmd_profile_parse(span_text(cases[i].text), &out, &problem) != ERR_CONFIG)
            fail_msg("accepted: %s", cases[i].text);
        assert_non_null(problem.text);
        if (problem.line != cases[i].line)
            fail_msg("line %u instead of %u: %s", problem.line, cases[i].line, cases[i].text);
    }
}

/* The example of docs/layouts.md, taken from its page. */
static void documented_example_is_a_profile(void **state)
{
    (void)state;
    char line[256], text[1024] = "";
    FILE *in = fopen("docs/layouts.md", "r");
    assert_non_null(in);
    bool inside = false;
    while (fgets(line, sizeof line, in)) {
        inside = strncmp(line, "    profile ", 12) == 0 || (inside && strncmp(line, "    ", 4) == 0);
        if (inside)
            strncat(text, line + 4, sizeof text - strlen(text) - 1);
    }
    fclose(in);
    struct hostcmd_profile profile = profile_of(text);
    struct hostcmd_layout layout;
    assert_string_equal(profile.name, "site");
    assert_int_equal(profile.count, 7);
    assert_int_equal(hostcmd_layout_fill(&profile, &layout), ERR_OK);
}

/* ---- moments ---- */

/* Seconds and texts as date(1) tells them. */
static void moments_in_every_format(void **state)
{
    (void)state;
    static const struct {
        const char *column;
        int64_t unix_s;
        const char *text;
    } cases[] = {
        {"10 N format=YYMMDDhhmm", 1767225600, "2601010000"},     {"12 N format=YYMMDDhhmmss", 1767243599, "260101045959"},
        {"12 N format=YYYYMMDDhhmm", 1767243540, "202601010459"}, {"14 N format=YYYYMMDDhhmmss", 1767243599, "20260101045959"},
        {"10 N format=unix10", 1767243599, "1767243599"},         {"10 N format=YYMMDDhhmm", 4102444740, "9912312359"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[512];
        struct hostcmd_layout layout;
        struct hostcmd_qy qy = {0};
        struct hostcmd_moment moment = {cases[i].unix_s, 60}, back = {0};
        snprintf(text, sizeof text, START REST "column 4 twu 2 N unit=hours\ncolumn 3 time %s\n", cases[i].column);
        struct hostcmd_profile profile = profile_of(text);
        assert_int_equal(hostcmd_layout_fill(&profile, &layout), ERR_OK);
        assert_int_equal(hostcmd_layout_qy(&layout, &moment, &qy), ERR_OK);
        assert_true(span_is(WIRE_SPAN(qy.time), cases[i].text));
        assert_int_equal(hostcmd_layout_moment(&layout, WIRE_SPAN(qy.time), WIRE_SPAN(qy.twu), 0, &back), ERR_OK);
        assert_int_equal(back.unix_s, cases[i].unix_s);
        assert_int_equal(back.twu_minutes, 60);
    }
}

static void moments_of_the_day_are_the_latest(void **state)
{
    (void)state;
    struct hostcmd_layout layout;
    struct hostcmd_profile profile = profile_of(START REST "column 4 twu 2 N unit=hours\ncolumn 3 time 4 N format=hhmm\n");
    assert_int_equal(hostcmd_layout_fill(&profile, &layout), ERR_OK);
    static const struct {
        const char *text;
        int64_t now_s, unix_s;
    } cases[] = {
        {"0000", 1767225600, 1767225600}, {"0004", 1767225600, 1767225840}, {"0005", 1767225600, 1767225900},
        {"0006", 1767225600, 1767139560}, {"2359", 1767225600, 1767225540}, {"0600", 1767225600, 1767160800},
        {"0003", 1767225500, 1767225780},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct hostcmd_moment out = {0};
        assert_int_equal(hostcmd_layout_moment(&layout, span_text(cases[i].text), span_text("01"), cases[i].now_s, &out), ERR_OK);
        assert_int_equal(out.unix_s, cases[i].unix_s);
    }
    struct hostcmd_moment out;
    assert_int_equal(hostcmd_layout_moment(&layout, span_text("2400"), span_text("01"), 0, &out), ERR_PARSE_VALUE);
}

static void moments_that_do_not_fit(void **state)
{
    (void)state;
    struct hostcmd_layout layout;
    struct hostcmd_qy qy = {0};
    struct hostcmd_pm pm = {0};
    assert_int_equal(hostcmd_layout_fill(&hostcmd_profile_countersign_5, &layout), ERR_OK);
    static const struct hostcmd_moment wrong[] = {{1767225600, 90}, {1767225600, 0}, {1767225600, 1140},
                                                  {-1, 60},         {946684799, 60}, {4102444800, 60}};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(hostcmd_layout_qy(&layout, &wrong[i], &qy), ERR_PARSE_VALUE);
        assert_int_equal(hostcmd_layout_pm(&layout, &wrong[i], &pm), ERR_PARSE_VALUE);
    }
    struct hostcmd_profile fixed = profile_of(brief);
    assert_int_equal(hostcmd_layout_fill(&fixed, &layout), ERR_OK);
    assert_int_equal(hostcmd_layout_qy(&layout, &(struct hostcmd_moment){1767225600, 60}, &qy), ERR_PARSE_VALUE);
    assert_int_equal(hostcmd_layout_qy(&layout, &(struct hostcmd_moment){1767225600, 360}, &qy), ERR_OK);
}

/* ---- end to end ---- */

static struct hsm *hsm_of(const struct hostcmd_profile *profile)
{
    const struct hsm_config config = {.env = &env, .header = 4, .sockets = 64, .test_lmk = true, .layout = profile};
    return frames_hsm_of(&config);
}

static void fill_card(struct hostcmd_qy *qy, struct hostcmd_pm *pm, const char *service)
{
    bool fits = WIRE_SET(qy->key, span_text(MK)) && WIRE_SET(qy->method, span_text("A")) && WIRE_SET(qy->pan, span_text(PAN)) &&
                WIRE_SET(qy->expiry, span_text("2812")) && WIRE_SET(qy->service, span_text(service)) &&
                WIRE_SET(pm->key, span_text(MK)) && WIRE_SET(pm->method, span_text("A")) && WIRE_SET(pm->pan, span_text(PAN)) &&
                WIRE_SET(pm->expiry, span_text("2812")) && WIRE_SET(pm->service, span_text(service));
    assert_true(fits);
}

/* The client's way: a moment and the profile. `shown`: the frame of QY, to look at its bytes. */
static void ask_code(struct hsm *hsm, const struct hostcmd_layout *layout, struct hostcmd_moment moment, const char *service,
                     char code[static 4], char *shown)
{
    struct hostcmd_qy qy = {0};
    struct hostcmd_pm pm = {0};
    char room[512];
    struct buf out = buf_over(room, sizeof room);
    fill_card(&qy, &pm, service);
    assert_int_equal(hostcmd_layout_qy(layout, &moment, &qy), ERR_OK);
    assert_int_equal(hostcmd_request_build_row(hostcmd_layout_row(layout, HOSTCMD_QY), &qy, HOSTCMD_LMK_DEFAULT, &out), ERR_OK);
    if (shown)
        snprintf(shown, 256, "%s", buf_text(&out));
    struct span reply = frames_ask_span(hsm, buf_span(&out));
    assert_int_equal(reply.len, 7);
    assert_memory_equal(reply.at, "QZ00", 4);
    memcpy(code, reply.at + 4, 3);
    code[3] = 0;
    for (int right = 1; right >= 0; right--) {
        char given[4];
        memcpy(given, code, 4);
        given[2] = right ? given[2] : given[2] == '9' ? '0' : (char)(given[2] + 1);
        out = buf_over(room, sizeof room);
        assert_int_equal(hostcmd_layout_pm(layout, &moment, &pm), ERR_OK);
        assert_true(WIRE_SET(pm.code, span_text(given)));
        assert_int_equal(hostcmd_request_build_row(hostcmd_layout_row(layout, HOSTCMD_PM), &pm, HOSTCMD_LMK_DEFAULT, &out), ERR_OK);
        assert_true(span_is(frames_ask_span(hsm, buf_span(&out)), right ? "PN00" : "PN01"));
    }
}

static void default_layout_is_that_of_the_table(void **state)
{
    (void)state;
    struct hostcmd_layout layout;
    struct hsm *hsm = hsm_of(NULL);
    char code[4], shown[256];
    assert_int_equal(hostcmd_layout_fill(&hostcmd_profile_countersign_5, &layout), ERR_OK);
    ask_code(hsm, &layout, (struct hostcmd_moment){1767225600, 60}, "000", code, shown);
    assert_string_equal(shown, "QY5" MK "A" PAN ";2812000260101000001");
    assert_string_equal(code, "411"); /* t0-01 */
    ask_code(hsm, &layout, (struct hostcmd_moment){1767225599, 18 * 60}, "000", code, shown);
    assert_string_equal(shown, "QY5" MK "A" PAN ";2812000251231235918");
    assert_string_equal(code, "190"); /* t0-07 */
    /* The rows of the table and those of the profile read the same frames. */
    struct hostcmd_pm one = {0}, two = {0};
    struct hostcmd_tail tail;
    static const char *const frames[] = {"50" MK "A" PAN ";2812000260101000001411", "00" MK "A" PAN ";2812998000001104",
                                         "12" MK "A" PAN ";00003abc0000077200005XX255"};
    for (size_t i = 0; i < sizeof frames / sizeof frames[0]; i++) {
        assert_int_equal(hostcmd_request_parse(hostcmd_row(HOSTCMD_PM), span_text(frames[i]), &one, &tail, NULL), ERR_OK);
        assert_int_equal(hostcmd_request_parse(hostcmd_layout_row(&layout, HOSTCMD_PM), span_text(frames[i]), &two, &tail, NULL),
                         ERR_OK);
        assert_memory_equal(&one, &two, sizeof one);
    }
    hsm_destroy(hsm);
}

static void another_layout_end_to_end(void **state)
{
    (void)state;
    struct hostcmd_layout layout;
    struct hostcmd_profile profile = profile_of(other);
    struct hsm *hsm = hsm_of(&profile);
    char code[4], same[8], shown[256];
    assert_int_equal(hostcmd_layout_fill(&profile, &layout), ERR_OK);
    ask_code(hsm, &layout, (struct hostcmd_moment){1767243599, 60}, "000", code, shown);
    assert_string_equal(shown, "QY5" MK "A" PAN ";V20060"
                               "260101045959"
                               "00000"
                               "2812"
                               "000"
                               "0");
    assert_string_equal(code, "137"); /* t0-02 */
    /* Half an hour: window 981,802 of 30 minutes is counter 981802 of scheme 0 (conformance check C-4). */
    ask_code(hsm, &layout, (struct hostcmd_moment){1767243600, 30}, "000", code, shown);
    snprintf(same, sizeof same, "QZ00%s", code);
    frames_assert(hsm, "QY0" MK "A" PAN ";2812000981802", same);
    /* Fillers are not looked at, but they are of their type; the other schemes have their own layout. */
    static const struct exchange frames[] = {
        {"QY5" MK "A" PAN ";V20060260101045959999992812000~", "QZ00137"},
        {"QY5" MK "A" PAN ";V200602601010459599999928120000%00\x19t", "QZ00137\x19t"},
        {"PM50" MK "A" PAN ";V2006026010104595900000137281200"
         "00",
         "PN00"},
        {"QY5" MK "A" PAN ";V20060260101045959a99992812000~", "QZ15"},
        {"QY5" MK "A" PAN ";V10060260101045959999992812000~", "QZ15"},
        {"QY5" MK "A" PAN ";V21081260101045959999992812000~", "QZ15"},
        {"QY5" MK "A" PAN ";V20000260101045959999992812000~", "QZ15"},
        {"QY5" MK "A" PAN ";V20060260101045960999992812000~", "QZ15"},
        {"QY5" MK "A" PAN ";V20060260230045959999992812000~", "QZ15"},
        {"QY5" MK "A" PAN ";V20060260101045959999992812000", "QZ15"},
        {"QY5" MK "A" PAN ";V20060260101045959999992812000~~", "QZ15"},
        {"QY5" MK "A" PAN ";2812000260101000001", "QZ15"},
        {"PM51" MK "A" PAN ";V2", "PN15"},
        {"QY0" MK "A" PAN ";2812998000001", "QZ00104"},
        {"PM00" MK "A" PAN ";2812998000001104", "PN00"},
    };
    FRAMES_ASSERT(hsm, frames);
    hsm_destroy(hsm);
}

static void optional_and_unsent_columns(void **state)
{
    (void)state;
    struct hostcmd_layout layout;
    struct hostcmd_profile profile = profile_of(brief);
    struct hsm *hsm = hsm_of(&profile);
    char code[4], shown[256];
    assert_int_equal(hostcmd_layout_fill(&profile, &layout), ERR_OK);
    ask_code(hsm, &layout, (struct hostcmd_moment){1767225600, 360}, "000", code, shown);
    assert_string_equal(shown, "QY5" MK "A" PAN ";28121767225600000");
    assert_string_equal(code, "760"); /* t0-04 */
    static const struct exchange frames[] = {
        {"PM50" MK "A" PAN ";28121767225600000760", "PN00"}, {"PM50" MK "A" PAN ";28121767225600998760", "PN01"},
        {"PM50" MK "A" PAN ";28121767225600760", "PN01"},    {"QY5" MK "A" PAN ";28121767225600x", "QZ15"},
        {"QY5" MK "A" PAN ";281217672256009", "QZ15"},       {"QY5" MK "A" PAN ";2812176722560", "QZ15"},
    };
    FRAMES_ASSERT(hsm, frames);
    /* Left out is the same as its default, with all that may follow. */
    char with_default[32];
    snprintf(with_default, sizeof with_default, "%s", frames_ask(hsm, "QY5" MK "A" PAN ";28121767225600998"));
    assert_memory_equal(with_default, "QZ00", 4);
    frames_assert(hsm, "QY5" MK "A" PAN ";28121767225600", with_default);
    strcat(with_default, "\x19t");
    frames_assert(hsm, "QY5" MK "A" PAN ";28121767225600%00\x19t", with_default);
    char verify[128];
    snprintf(verify, sizeof verify, "PM50" MK "A" PAN ";28121767225600%.3s", with_default + 4);
    frames_assert(hsm, verify, "PN00");
    hsm_destroy(hsm);
}

static void unknown_algorithm_stops_the_start(void **state)
{
    (void)state;
    struct hostcmd_profile profile = hostcmd_profile_countersign_5;
    struct hsm *none = NULL;
    snprintf(profile.algorithm, sizeof profile.algorithm, "T1");
    const struct hsm_config config = {.env = &env, .header = 4, .test_lmk = true, .layout = &profile};
    assert_int_equal(hsm_create(&config, &none), ERR_CONFIG);
    assert_null(none);
}

static int set_up(void **state)
{
    (void)state;
    env = env_system(NULL);
    env.wall_ms = wall;
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shipped_file_says_what_is_built_in),
        cmocka_unit_test(profiles_come_back),
        cmocka_unit_test(malformed_profiles),
        cmocka_unit_test(documented_example_is_a_profile),
        cmocka_unit_test(moments_in_every_format),
        cmocka_unit_test(moments_of_the_day_are_the_latest),
        cmocka_unit_test(moments_that_do_not_fit),
        cmocka_unit_test(default_layout_is_that_of_the_table),
        cmocka_unit_test(another_layout_end_to_end),
        cmocka_unit_test(optional_and_unsent_columns),
        cmocka_unit_test(unknown_algorithm_stops_the_start),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
