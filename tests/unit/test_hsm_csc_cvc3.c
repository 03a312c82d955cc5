/* SPDX-License-Identifier: Apache-2.0 */
/* RY (American Express CSC) and PM scheme 1 (Mastercard CVC3) at the frame boundary. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include "hsm/guard/guess.h"
#include "support/frames.h"

#include <stdio.h>
#include <string.h>

#define CSCK "U9B4934384B19946B040CD702B4D58145"
#define MK_CVC3 "U1E6F5623CAEF7F791373A1F01A506A28"
#define MK_AC "UB68E039974B21519E5E2226866C4D3A0"
#define A37 "3712345678901230000"
#define A34 "3412345678901270000"

static struct env env;
static struct hsm *hsm;

/* ---- RY: values of the vectors csc-1 to csc-4 ---- */

static void csc_is_generated(void **state)
{
    (void)state;
    static const struct exchange frames[] = {
        {"RY30" CSCK A37 "9912", "RZ003612478720552"},           {"RY32" CSCK A37 "9912702", "RZ003213345068221"},
        {"RY30" CSCK A34 "9912", "RZ003361869699716"},           {"RY32" CSCK A34 "9912702", "RZ003242112181623"},
        {"RY30" CSCK A37 "9912\x19T", "RZ003612478720552\x19T"}, {"RY30" CSCK A37 "9912%00", "RZ003612478720552"},
    };
    FRAMES_ASSERT(hsm, frames);
}

static void csc_is_verified(void **state)
{
    (void)state;
    static const struct exchange frames[] = {
        {"RY40" CSCK A37 "9912612478720552", "RZ004000"},    {"RY42" CSCK A37 "9912702213345068221", "RZ004000"},
        {"RY42" CSCK A34 "9912702242112181623", "RZ004000"}, {"RY40" CSCK A37 "9912FFFFF8720FFF", "RZ004101"},
        {"RY40" CSCK A37 "9912FFFFFFFFFFFF", "RZ004111"},    {"RY40" CSCK A37 "9912612478720553", "RZ014002"},
        {"RY40" CSCK A37 "9912612488720552", "RZ014200"},    {"RY40" CSCK A37 "9912FFFFF8721FFF\x19T", "RZ014121\x19T"},
        {"RY40" CSCK A37 "9912FFFF78720552", "RZ15"},        {"RY40" CSCK A37 "9912612478720FF2", "RZ15"},
        {"RY40" CSCK A37 "991261247872055", "RZ15"},         {"RY40" CSCK A37 "9912fffff8720552", "RZ15"},
    };
    FRAMES_ASSERT(hsm, frames);
}

static void csc_errors(void **state)
{
    (void)state;
    static const struct exchange frames[] = {
        {"RY30" MK_AC A37 "9912", "RZ10"},
        {"RY30" CSCK "3812345678901230000"
         "9912",
         "RZ22"},
        {"RY30" CSCK "4123456789012340000"
         "9912",
         "RZ22"},
        {"RY30" CSCK "3712345678901230001"
         "9912",
         "RZ22"},
        {"RY30" CSCK "371234567890123A000"
         "9912",
         "RZ15"},
        {"RY30" CSCK A37 "99A2", "RZ15"},
        {"RY32" CSCK A37 "9912", "RZ15"},
        {"RY32" CSCK A37 "991270X", "RZ15"},
        {"RY30" CSCK A37 "9912702", "RZ15"},
        {"RY33" CSCK A37 "9912", "RZ68"},
        {"RY31" CSCK A37 "9912", "RZ15"},
        {"RY10" CSCK A37 "9912", "RZ15"},
        {"RY", "RZ15"},
        {"RY30K000" A37 "9912", "RZ12"},
        {"RY30" CSCK A37 "9912%07", "RZ13"},
    };
    FRAMES_ASSERT(hsm, frames);
}

static void csck_rules(void **state)
{
    (void)state;
    struct secret_key two = {16, {0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF, 0xFE, 0xDC, 0xBA, 0x98, 0x76, 0x54, 0x32, 0x10}};
    struct secret_key three;
    keys_generate(&env, 24, &three);
    static const char made[] = "RZ003612478720552", account[] = A37 "9912", on_block[] = A37 "9912%01";
    frames_assert_key(hsm, "RY30", frames_wrap(hsm, "402", KEYS_T, &three), account, "RZ27");
    frames_assert_key(hsm, "RY30", frames_block(hsm, "C0", 'N', 'T', &two), on_block, made);
    frames_assert_key(hsm, "RY30", frames_block(hsm, "12", 'G', 'T', &two), on_block, made);
    frames_assert_key(hsm, "RY30", frames_block(hsm, "C0", 'V', 'T', &two), on_block, made);
    frames_assert_key(hsm, "RY30", frames_block(hsm, "11", 'N', 'T', &two), on_block, "RZA6");
    frames_assert_key(hsm, "RY30", frames_block(hsm, "C0", 'D', 'T', &two), on_block, "RZA8");
    /* One key, two commands: neither answers from the other's place in the cache. */
    frames_assert_key(hsm, "CW", frames_block(hsm, "12", 'N', 'T', &two), "4123456789012345;8701101%01", "CX00561");
}

/* ---- PM scheme 1 ---- */

/* Frame of host-commands.md 5.4: 19 bytes of track in the middle. */
struct cvc3_frame {
    const char *key, *before, *track, *after;
    const char *reply;
};

static struct span build(const struct cvc3_frame *f, char *room, size_t cap)
{
    struct buf b = buf_over(room, cap);
    uint8_t track[128];
    size_t bytes = strlen(f->track) / 2;
    assert_int_equal(span_unhex(span_text(f->track), track, sizeof track), ERR_OK);
    buf_put_text(&b, "PM12");
    buf_put_text(&b, f->key);
    buf_put_text(&b, f->before);
    buf_put_decimal(&b, bytes, 3);
    buf_put(&b, track, bytes);
    buf_put_text(&b, f->after);
    assert_int_equal(buf_done(&b), ERR_OK);
    return buf_span(&b);
}

static void assert_cvc3(struct hsm *on, const struct cvc3_frame *f, size_t count)
{
    char room[512];
    for (size_t i = 0; i < count; i++)
        for (int twice = 0; twice < 2; twice++) {
            struct span reply = frames_ask_span(on, build(&f[i], room, sizeof room));
            if (!span_is(reply, f[i].reply))
                fail_msg("%s %s %s: answered %s, expected %s", f[i].before, f[i].track, f[i].after, (const char *)reply.at,
                         f[i].reply);
        }
}
#define CVC3_ASSERT(hsm_, f_) assert_cvc3((hsm_), (f_), sizeof(f_) / sizeof((f_)[0]))

#define P1 "A5413123556784804;00"
#define T1 "5413123556784804D09061019005997722553F"
#define S1 "5413123556784804D09061019000990000000F" /* its static part */

static void cvc3_is_verified(void **state)
{
    (void)state;
    static const struct cvc3_frame frames[] = {
        {MK_CVC3, P1, T1, "0000077200005XX255", "PN00"},
        {MK_CVC3, P1, S1, "0000077200005XX255", "PN00"},
        {MK_CVC3, P1, T1, "000007720000507255", "PN00"},
        {MK_CVC3, P1, T1, "0000077200005XXXX5", "PN00"},
        {MK_CVC3, P1, T1, "0000077200005XX256", "PN01"},
        {MK_CVC3, P1, T1, "000007720000517255", "PN01"},
        {MK_CVC3, P1, T1, "0000077300005XX255", "PN01"},
        {MK_CVC3, P1, T1, "0000077200006XX255", "PN01"},
        {MK_CVC3, "A5413123556784803;00", "5413123556784803D09061019005997723333F", "0000077200005XX333", "PN00"},
        {MK_CVC3, "A5413123556784801;00", "5413123556784801D09061019005997722253F", "0000077200028XX225", "PN00"},
        {MK_CVC3, "A5413123556784801;00", "5413123556784801D09061019005997722253F", "000007720002849225", "PN00"},
        {MK_CVC3, P1, T1,
         "0000077200005XX255\x19"
         "TRAILER",
         "PN00\x19"
         "TRAILER"},
        {MK_CVC3, P1, T1, "0000077200005XX255%00\x19", "PN00\x19"},
        {MK_CVC3, P1, T1, "0000077200005XX255%07\x19t", "PN13\x19t"},
    };
    CVC3_ASSERT(hsm, frames);
}

/* A filler is no digit: it stays where the rule clears digits, whatever the lengths of number and data. Values of
 * security-codes.md 8, and of another implementation on openssl. */
static void lengths_of_track_2(void **state)
{
    (void)state;
    const struct secret_key mk = {16,
                                  {0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF, 0xFE, 0xDC, 0xBA, 0x98, 0x76, 0x54, 0x32, 0x10}};
    char key[64];
    snprintf(key, sizeof key, "%s", frames_wrap(hsm, "709", KEYS_U, &mk));
    const struct cvc3_frame frames[] = {
        {key, "A5123456789012345678;00", "5123456789012345678D3512101000000000000F", "000008990009438242", "PN00"},
        {key, "A5123456789012345;00", "5123456789012345D351210100000000000F", "000008990009454636", "PN00"},
        {MK_CVC3, P1, "5413123556784804D09061019005997722FFFF", "000007720000521338", "PN00"},
        {MK_CVC3, P1, "5413123556784804D0906101FFFFFFFF", "000007720000528918", "PN00"},
        {MK_CVC3, P1, "5413123556784804D090610190059977225531234567890F", "000007720000521643", "PN00"},
    };
    CVC3_ASSERT(hsm, frames);
}

/* Track 1 counts as it is. */
static void track_1(void **state)
{
    (void)state;
    static const struct {
        const char *text, *cvc3, *reply;
    } cases[] = {
        {"B5413123556784804^SUPPLIED/NOT^09061019000990000000000000000000", "01435", "PN00"},
        {"B5413123556784804^SUPPLIED/NOT^09061019000990000000000000000000", "01436", "PN01"},
        {"B5413123556784804^ /^0906101000000000000", "04383", "PN00"},
        {"B5413123556784804^supplied/not^0906101000000000000", "23428", "PN00"},
        {"B5413123556784804 SUPPLIED/NOT 0906101000000000000", "04383", "PN15"},
        {"B5413123556784804^SUPPLIED/NOT^0906101900099000000000000000000000000000000000000", "04383", "PN15"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char room[200], after[32];
        struct buf hex = buf_over(room, sizeof room);
        buf_put_hex(&hex, cases[i].text, strlen(cases[i].text));
        (void)buf_text(&hex);
        snprintf(after, sizeof after, "0000077200005%s", cases[i].cvc3);
        const struct cvc3_frame frame[] = {{MK_CVC3, P1, room, after, cases[i].reply}};
        CVC3_ASSERT(hsm, frame);
    }
}

/* Nibbles that the static rule clears hold X'19' here: the code stays, and no trailer is seen where there is none. */
#define T19 "5413123556784804D09061019019991919193F"

static void mark_inside_the_track_is_data(void **state)
{
    (void)state;
    static const struct cvc3_frame frames[] = {
        {MK_CVC3, P1, T19, "0000077200005XX255", "PN00"},
        {MK_CVC3, P1, T19, "0000077200005XX254\x19t", "PN01\x19t"},
        {MK_CVC3, P1, T19, "0000077200005XX25", "PN15"},
        {MK_CVC3, P1, T19, "", "PN15"},
        {MK_CVC3, "A54131235567848X4;00", T19, "0000077200005XX255", "PN15"},
    };
    CVC3_ASSERT(hsm, frames);
    frames_assert(hsm, "PM00" MK_AC "A41234567890123X5;2812998000001104\x19t", "PN15\x19t");
}

static void cvc3_errors(void **state)
{
    (void)state;
    static const struct cvc3_frame frames[] = {
        {MK_AC, P1, T1, "0000077200005XX255", "PN10"},
        {"K000", P1, T1, "0000077200005XX255", "PN12"},
        {"Q1E6F5623CAEF7F791373A1F01A506A28", P1, T1, "0000077200005XX255", "PN26"},
        {MK_CVC3, "B5413123556784804;00", T1, "0000077200005XX255", "PN15"},
        {MK_CVC3, "A5413123556784804;0X", T1, "0000077200005XX255", "PN15"},
        {MK_CVC3, P1, "5413123556784804A09061019005997722553F", "0000077200005XX255", "PN15"},
        {MK_CVC3, P1, "5413123556784804009061019005997722553F", "0000077200005XX255", "PN15"},
        {MK_CVC3, P1, "", "0000077200005XX255", "PN15"},
        {MK_CVC3, P1, T1, "0000077X00005XX255", "PN15"},
        {MK_CVC3, P1, T1, "0000077265536XX255", "PN15"},
        {MK_CVC3, P1, T1, "0000077200005XXXXX", "PN15"},
        {MK_CVC3, P1, T1, "0000077200005X25XX", "PN15"},
        {MK_CVC3, P1, T1, "0000077200005XX255X", "PN15"},
        {MK_CVC3, P1, T1 T1, "0000077200005XX255", "PN15"},
    };
    CVC3_ASSERT(hsm, frames);
    static const struct exchange other[] = {
        {"PM10" MK_CVC3 P1, "PN68"},
        {"PM11" MK_CVC3 P1, "PN68"},
        {"PM02" MK_AC, "PN15"},
        {"PM52" MK_AC, "PN15"},
        {"PM20", "PN68"},
        {"PM30", "PN68"},
        {"PM40", "PN68"},
        {"PM60", "PN68"},
        {"PM70", "PN68"},
        {"PM80", "PN15"},
        {"PM90", "PN15"},
        {"PM13" MK_CVC3 P1, "PN15"},
        {"PMA0", "PN15"},
        {"PM12" MK_CVC3 P1 "019short", "PN15"},
    };
    FRAMES_ASSERT(hsm, other);
}

static void cvc3_key_rules(void **state)
{
    (void)state;
    struct secret_key two = {16, {0x01, 0x23, 0x45, 0x67, 0x89, 0x98, 0x76, 0x54, 0x32, 0x10, 0x01, 0x23, 0x45, 0x67, 0x89, 0x98}};
    struct secret_key three;
    char block[160];
    keys_generate(&env, 24, &three);
    static const struct {
        const char *usage;
        char mode;
        const char *reply;
    } cases[] = {{"E4", 'N', "PN00"}, {"E6", 'X', "PN00"}, {"32", 'N', "PN00"},
                 {"E0", 'N', "PNA6"}, {"C0", 'N', "PNA6"}, {"E4", 'V', "PNA8"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        snprintf(block, sizeof block, "%s", frames_block(hsm, cases[i].usage, cases[i].mode, 'T', &two));
        const struct cvc3_frame frame[] = {{block, P1, T1, "0000077200005XX255%01", cases[i].reply}};
        CVC3_ASSERT(hsm, frame);
    }
    const struct cvc3_frame long_key[] = {{frames_wrap(hsm, "709", KEYS_T, &three), P1, T1, "0000077200005XX255", "PN27"}};
    CVC3_ASSERT(hsm, long_key);
    /* The same block under both rules of PM: what scheme 1 cached does not serve scheme 0. */
    snprintf(block, sizeof block, "%s", frames_block(hsm, "E4", 'N', 'T', &two));
    const struct cvc3_frame first[] = {{block, P1, T1, "0000077200005XX255%01", "PN00"}};
    CVC3_ASSERT(hsm, first);
    frames_assert_key(hsm, "PM00", block, "A4123456789012345;2812998000001104%01", "PNA6");
}

static void expected_cvc3_in_authorised_state(void **state)
{
    (void)state;
    static const struct cvc3_frame frames[] = {
        {MK_CVC3, P1, T1, "0000077200005XX255", "PN00"},
        {MK_CVC3, P1, T1, "0000077200005XX000", "PN01255"},
        {MK_CVC3, P1, T1, "0000077200005XXXX1", "PN015"},
        {MK_CVC3, P1, T1, "000007720000500000", "PN0107255"},
        {MK_CVC3, P1, T1, "0000077200005XX000\x19t", "PN01255\x19t"},
        {MK_CVC3, "A5413123556784801;00", "5413123556784801D09061019005997722253F", "0000077200028XX000", "PN01225"},
    };
    struct hsm *open = frames_hsm(&env, 0, true);
    CVC3_ASSERT(open, frames);
    hsm_destroy(open);
}

static void hardened_compares_three_digits_at_least(void **state)
{
    (void)state;
    static const struct cvc3_frame frames[] = {
        {MK_CVC3, P1, T1, "0000077200005XX255", "PN00"},
        {MK_CVC3, P1, T1, "0000077200005XXX55", "PN15"},
        {MK_CVC3, P1, T1, "0000077200005XX256", "PN01"},
    };
    const struct hsm_config config = {
        .env = &env, .header = 4, .sockets = 64, .test_lmk = true, .authorised = false, .hardened = true};
    struct hsm *hard = frames_hsm_of(&config);
    CVC3_ASSERT(hard, frames);
    hsm_destroy(hard);
}

static void guesses_are_limited(void **state)
{
    (void)state;
    const struct hsm_guess_config guess = {.limit = 3, .pans = 16, .memory = hsm_guess_memory(16)};
    const struct hsm_config config = {.env = &env, .header = 4, .sockets = 64, .test_lmk = true, .guess = &guess};
    struct hsm *limited = frames_hsm_of(&config);
    static const struct cvc3_frame wrong = {MK_CVC3, P1, T1, "0000077200005XX256", "PN01"};
    static const struct cvc3_frame after[] = {
        {MK_CVC3, P1, T1, "0000077200005XX256", "PN39"},
        {MK_CVC3, P1, T1, "0000077200005XX255", "PN39"},
        {MK_CVC3, P1, S1 "0F", "0000077200005XXXXX", "PN15"},
        {MK_CVC3, P1, "5413123556784804A09061019005997722553F", "0000077200005XX255", "PN15"},
        {MK_CVC3, "A5413123556784801;00", "5413123556784801D09061019005997722253F", "0000077200028XX225", "PN00"},
    };
    char room[512];
    for (int i = 0; i < 3; i++)
        assert_true(span_is(frames_ask_span(limited, build(&wrong, room, sizeof room)), wrong.reply));
    CVC3_ASSERT(limited, after);
    hsm_destroy(limited);
}

/* Mode 4 compares three values: each that is wrong is a failure; mode 3 makes codes whatever the limit says. */
static void csc_guesses_are_limited(void **state)
{
    (void)state;
    const struct hsm_guess_config guess = {.limit = 4, .pans = 16, .memory = hsm_guess_memory(16)};
    const struct hsm_config config = {.env = &env, .header = 4, .sockets = 64, .test_lmk = true, .guess = &guess};
    struct hsm *limited = frames_hsm_of(&config);
    frames_assert(limited,
                  "RY40" CSCK A37 "9912"
                  "612478720552",
                  "RZ004000");
    frames_assert(limited,
                  "RY40" CSCK A37 "9912"
                  "612478720553",
                  "RZ014002");
    frames_assert(limited,
                  "RY40" CSCK A37 "9912"
                  "FFFFFFFFF553",
                  "RZ014112");
    frames_assert(limited,
                  "RY40" CSCK A37 "9912"
                  "FFFFF8721553",
                  "RZ014122");
    frames_assert(limited,
                  "RY40" CSCK A37 "9912"
                  "612478720552",
                  "RZ39");
    frames_assert(limited,
                  "RY40" CSCK A37 "9912"
                  "FFFFFFFFF553",
                  "RZ39");
    frames_assert(limited, "RY30" CSCK A37 "9912", "RZ003612478720552");
    hsm_destroy(limited);
    /* The last value of one command may use up what is left. */
    limited = frames_hsm_of(&config);
    frames_assert(limited,
                  "RY40" CSCK A37 "9912"
                  "612488721553",
                  "RZ014222");
    frames_assert(limited,
                  "RY40" CSCK A37 "9912"
                  "612488721553",
                  "RZ39");
    hsm_destroy(limited);
}

static int set_up(void **state)
{
    (void)state;
    env = env_system(NULL);
    hsm = frames_hsm(&env, 0, false);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    hsm_destroy(hsm);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(csc_is_generated),
        cmocka_unit_test(csc_is_verified),
        cmocka_unit_test(csc_errors),
        cmocka_unit_test(csck_rules),
        cmocka_unit_test(cvc3_is_verified),
        cmocka_unit_test(lengths_of_track_2),
        cmocka_unit_test(track_1),
        cmocka_unit_test(mark_inside_the_track_is_data),
        cmocka_unit_test(cvc3_errors),
        cmocka_unit_test(cvc3_key_rules),
        cmocka_unit_test(expected_cvc3_in_authorised_state),
        cmocka_unit_test(guesses_are_limited),
        cmocka_unit_test(csc_guesses_are_limited),
        cmocka_unit_test(hardened_compares_three_digits_at_least),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
