/* SPDX-License-Identifier: Apache-2.0 */
/* What clients of real hosts send where it differs from the command tables: host-commands.md 6.1. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include "hsm/guard/state.h"
#include "keys/block/tr31.h"
#include "support/frames.h"

#include <stdio.h>
#include <string.h>

#define ZMK "U71979DEB8587E2734F1E99D5DCAEF9AC" /* C497DCBA1A98ABBC45A2523786C28007 */
#define CVK "U9B4934384B19946B040CD702B4D58145" /* 0123456789ABCDEFFEDCBA9876543210 */
#define CVK_PLAIN "0A61E674E88C6A7EEABC38C2B2BB492F"
#define ZPK "U0E07CDC0161A0DE3B5AA44DF227EC9DE"
#define ZPK_OUT "U482C4E722BB0CF1845E1E5BD16310119" /* under ZMK */

static const struct secret_key zmk = {
    16, {0xC4, 0x97, 0xDC, 0xBA, 0x1A, 0x98, 0xAB, 0xBC, 0x45, 0xA2, 0x52, 0x37, 0x86, 0xC2, 0x80, 0x07}};
static const struct secret_key cvk = {
    16, {0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF, 0xFE, 0xDC, 0xBA, 0x98, 0x76, 0x54, 0x32, 0x10}};

static struct env env;
static struct hsm *hsm;

/* The answer begins so; what is made at random or sealed with a nonce follows. */
static void assert_begins(struct hsm *at, const char *request, const char *reply)
{
    const char *answer = frames_ask(at, request);
    if (strncmp(answer, reply, strlen(reply)) != 0)
        fail_msg("%s: answered %s, expected %s", request, answer, reply);
}

static void assert_alike(const char *request, const char *as)
{
    char first[512];
    snprintf(first, sizeof first, "%s", frames_ask(hsm, as));
    assert_memory_equal(first + 2, "00", 2);
    frames_assert(hsm, request, first);
}

static void the_flag_before_the_zmk(void **state)
{
    (void)state;
    assert_alike("A8402;0" ZMK CVK "U", "A8402" ZMK CVK "U");
    assert_alike("A8001;0" ZMK ZPK "U%00", "A8001" ZMK ZPK "U");
    assert_alike("A6001;0" ZMK ZPK_OUT "U", "A6001" ZMK ZPK_OUT "U");
    assert_begins(hsm, "A01402U" ZMK "U", "A100U");
    assert_begins(hsm, "A01402U;0" ZMK "U", "A100U");
    assert_begins(hsm, "A01402U" ZMK "X%00", "A100U");
    frames_assert(hsm, "A8402;2" ZMK CVK "U", "A915");
    frames_assert(hsm, "A8402;" ZMK CVK "U", "A915");
    frames_assert(hsm, "A8402;1" ZMK CVK "U", "A910"); /* a ZMK is no TMK */
}

/* A TMK: type 002. */
static void a_terminal_master_key(void **state)
{
    (void)state;
    static const struct secret_key tmk = {
        16, {0x2A, 0x5B, 0xC1, 0x7F, 0x08, 0xE3, 0x94, 0x6D, 0x51, 0xB0, 0x3E, 0xC4, 0x7A, 0x19, 0xF2, 0x8C}};
    char text[64], request[512], out[64];
    struct secret_key odd = tmk;
    keys_parity_set(&odd);
    snprintf(text, sizeof text, "%s", frames_wrap(hsm, "002", KEYS_U, &odd));
    snprintf(request, sizeof request, "A8002;1%s%sU", text, text);
    snprintf(out, sizeof out, "%s", frames_ask(hsm, request));
    assert_memory_equal(out, "A900U", 5);
    snprintf(request, sizeof request, "A6002;1%s%.33sU", text, out + 4);
    assert_begins(hsm, request, "A700U");
    snprintf(request, sizeof request, "A01002U;1%sU", text);
    assert_begins(hsm, request, "A100U");
    /* It wraps nothing but keys of terminals. */
    snprintf(request, sizeof request, "A8402;1%s" CVK "U", text);
    frames_assert(hsm, request, "A929");
    snprintf(request, sizeof request, "A01402U;1%sU", text);
    frames_assert(hsm, request, "A129");
    snprintf(request, sizeof request, "A6402;1%s" ZPK_OUT "U", text);
    frames_assert(hsm, request, "A729");
}

static void attributes_without_algorithm(void **state)
{
    (void)state;
    assert_begins(hsm, "A8402" ZMK CVK "R%00#C0V00N00!B", "A900RB0096C0TV00N0000");
    assert_begins(hsm, "A8402" ZMK CVK "R#C0V00N00!B%00", "A900RB0096C0TV00N0000");
    assert_begins(hsm, "A8402" ZMK CVK "S#C0V00N00", "A900S00072C0TV00N00FF");
    assert_begins(hsm, "A8402" ZMK CVK "S#C0V00E01KS0Aany tx", "A900S");
    assert_begins(hsm,
                  "A6FFF"
                  "S00072K0TB00E0001DB045F29C053EEFF7B9425B3A88C7258EB7EA7E40E2C47878647072A"
                  "U482C4E722BB0CF1845E1E5BD16310119"
                  "S%01#P0N00E00",
                  "A7");
    frames_assert(hsm, "A00FFFS%01#C0N00E00", "A1A7"); /* there is no key yet */
    frames_assert(hsm, "A8402" ZMK CVK "S#C0V00N0", "A915");
    frames_assert(hsm, "A8402" ZMK CVK "S#C0V00N", "A915");
}

static void tags_in_any_order(void **state)
{
    (void)state;
    assert_begins(hsm, "A00FFFS#C0T2N00E00%01", "A100S00072C0TN00E0001");
    assert_begins(hsm, "A00FFFS%01#C0T2N00E00", "A100S00072C0TN00E0001");
    static const char *const tags[] = {"%00#C0T2V00E00&N!B", "&N!B%00#C0T2V00E00", "!B#C0T2V00E00%00&N", "#C0T2V00E00!B&N%00"};
    char request[KEYS_BLOCK_MAX * 3];
    for (size_t i = 0; i < sizeof tags / sizeof tags[0]; i++) {
        snprintf(request, sizeof request, "A8402" ZMK CVK "R%s", tags[i]);
        assert_begins(hsm, request, "A900RB0096C0TV00N0000");
    }
    frames_assert(hsm, "A8402" ZMK CVK "R!B!C#C0T2V00E00", "A915");
    frames_assert(hsm, "A8402" ZMK CVK "R#C0T2V00E00%00%00", "A915");
}

/* A command to which a tag says nothing reads it, once, and goes on: every command under an LMK. */
static void tags_without_meaning(void **state)
{
    (void)state;
    static const char *const requests[] = {
        "CW" CVK "4123456789012345;8701101",
        "CY" CVK "5614123456789012345;8701101",
        "QY0UB68E039974B21519E5E2226866C4D3A0A4123456789012345;2812998000001",
        "PM00UB68E039974B21519E5E2226866C4D3A0A4123456789012345;2812998000001104",
        "AS",
        "AS;U01",
        "BU421" CVK,
        "BU421" CVK ";001",
        "RY30" CVK "37123456789012300009912",
        "RA",
    };
    static const char *const tags[] = {
        "#C0T2V00E00", "#C0V00E00", "&N", "!B", "!00", "%00#C0T2V00E00&N!B", "&E%00!11#C0V00N00", "!0&S#C0T2N00N01KS0Aany tx"};
    char first[512], request[512];
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        snprintf(first, sizeof first, "%s", frames_ask(hsm, requests[i]));
        if (memcmp(first + 2, "00", 2) != 0)
            fail_msg("%s: answered %s", requests[i], first);
        bool random = memcmp(requests[i], "AS", 2) == 0;
        for (size_t k = 0; k < sizeof tags / sizeof tags[0]; k++) {
            snprintf(request, sizeof request, "%s%s", requests[i], tags[k]);
            const char *answer = frames_ask(hsm, request);
            if (strlen(answer) != strlen(first) || (random ? memcmp(answer, first, 4) : strcmp(answer, first)) != 0)
                fail_msg("%s: answered %s, expected %s", request, answer, first);
        }
        for (size_t k = 0; k < 4; k++) {
            static const char *const wrong[] = {"&N&N", "!00!00", "#C0T2V00E00#C0T2V00E00", "#C0"};
            snprintf(request, sizeof request, "%s%s", requests[i], wrong[k]);
            assert_memory_equal(frames_ask(hsm, request) + 2, "15", 2);
        }
    }
}

/* A key that stands in no block has no attributes; what would change them is told apart, since it asks for less than is given. */
static void attributes_of_variant_keys(void **state)
{
    (void)state;
    assert_alike("A6001" ZMK ZPK_OUT "U#P0T2N00E00", "A6001" ZMK ZPK_OUT "U");
    assert_alike("A8402" ZMK CVK "U%00#C0V00N00", "A8402" ZMK CVK "U");
    assert_alike("A8402" ZMK CVK "X#C0T2V00E01KS0Aany tx", "A8402" ZMK CVK "X");
    assert_alike("A42402UU0D44019C073C54DD8403A9ACA257AE20U00FA56CCA3541F988601706F3CCA222E#0000",
                 "A42402UU0D44019C073C54DD8403A9ACA257AE20U00FA56CCA3541F988601706F3CCA222E");
    assert_alike("AW4ED06495741C280CAB88EE604522372FDAA27A67A8CDADFA;001#C0V00E00",
                 "AW4ED06495741C280CAB88EE604522372FDAA27A67A8CDADFA;001");
    assert_alike("AU" ZMK CVK "#C0T2V00E00", "AU" ZMK CVK);
    assert_alike("AU" ZMK CVK ";U01#C0V00E00", "AU" ZMK CVK ";U01");
    assert_begins(hsm, "A00402U#C0T2N00E00", "A100U");
    assert_begins(hsm, "A01402U" ZMK "X#C0V00E00%00", "A100U");
    frames_assert(hsm, "A8402" ZMK CVK "U#C0T2V00E00&N", "A9B7");
    frames_assert(hsm, "A00402U#C0T2V00E00!B", "A1B7");
    frames_assert(hsm, "A6001" ZMK ZPK_OUT "U#P0T2N00E00#P0T2N00E00", "A715");
}

static void letters_without_meaning(void **state)
{
    (void)state;
    static const struct exchange frames[] = {
        {"BU421" CVK ";XU1", "BV0008D7B4"},
        {"BU421" CVK ";0U1", "BV0008D7B4"},
        {"BU421" CVK ";TZ1", "BV0008D7B4"},
        {"BU421" CVK ";?01", "BV15"},
        {"AW4ED06495741C280CAB88EE604522372FDAA27A67A8CDADFA;XU1", "AX00" CVK "08D7B4"},
        {"AU4ED06495741C280C" CVK ";XU1", "AV00XAB88EE604522372FDAA27A67A8CDADFA08D7B4"},
    };
    FRAMES_ASSERT(hsm, frames);
    assert_begins(hsm, "AS;XU1", "AT00U");
    assert_begins(hsm, "AS;UZ1", "AT00");
}

static void stored_keys_with_a_tag(void **state)
{
    (void)state;
    assert_int_equal(hsm_keys_store(hsm_context(hsm)->keys, 0x00A, 0, span_text(CVK)), ERR_OK);
    assert_int_equal(hsm_keys_store(hsm_context(hsm)->keys, 0x00B, 0, span_text(ZMK)), ERR_OK);
    static const struct exchange frames[] = {
        {"CWUK00A4123456789012345;8701101", "CX00561"},
        {"CWTK00A4123456789012345;8701101", "CX00561"},
        {"CWSK00A4123456789012345;8701101", "CX00561"},
        {"CYUK00A5614123456789012345;8701101", "CZ00"},
        {"BU421UK00A;001", "BV0008D7B4"},
        {"CWXK00A4123456789012345;8701101", "CX15"},
        {"CWUK00C4123456789012345;8701101", "CX12"},
    };
    FRAMES_ASSERT(hsm, frames);
    assert_alike("A8402UK00BUK00AU", "A8402" ZMK CVK "U");
    assert_alike("A8402" ZMK "UK00AX", "A8402" ZMK CVK "X");
    assert_alike("AUUK00BK00A;0U1", "AU" ZMK CVK ";0U1");
}

static void the_scheme_0(void **state)
{
    (void)state;
    frames_assert(hsm,
                  "A420020A"
                  "U9B4934384B19946B040CD702B4D58145",
                  "A515");
    assert_int_equal(strlen(frames_ask(hsm, "A004020")), 4 + 32 + 6);
    assert_begins(hsm, "A004020", "A100");
    assert_int_equal(strlen(frames_ask(hsm, "A014020;0" ZMK "0")), 4 + 32 + 32 + 6);
    frames_assert(hsm, "A8402" ZMK CVK "0", frames_ask(hsm, "A8402" ZMK CVK_PLAIN "0"));
    char zeros[64], request[512];
    static const struct secret_key ones = {16, {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}};
    snprintf(zeros, sizeof zeros, "%s", frames_wrap(hsm, "402", KEYS_U, &ones));
    snprintf(request, sizeof request, "A424020" CVK "%s", zeros);
    assert_begins(hsm, request, "A500");
    assert_int_equal(strlen(frames_ask(hsm, request)), 4 + 32 + 6);
}

/* ---- blocks of others ---- */

static const char *under_zmk(char version, const struct secret_key *key)
{
    static char text[KEYS_BLOCK_MAX];
    const struct keys_header header = {
        .usage = {'C', '0'}, .algorithm = 'T', .mode = 'C', .version = {'0', '0'}, .exportability = 'E', .lmk = {'0', '0'}};
    struct buf b = buf_over(text, sizeof text);
    assert_int_equal(keys_tr31_wrap(&zmk, 'B', &header, key, &env, &b), ERR_OK);
    text[1] = version;
    return buf_text(&b);
}

static void versions_of_blocks(void **state)
{
    (void)state;
    frames_assert_key(hsm, "A6402" ZMK, under_zmk('B', &cvk), "U", "A700" CVK "08D7B4");
    frames_assert_key(hsm, "A6402" ZMK, under_zmk('E', &cvk), "U", "A7A1");
    frames_assert_key(hsm, "A6402" ZMK, under_zmk('F', &cvk), "U", "A783");
    frames_assert_key(hsm, "A6402" ZMK, under_zmk('1', &cvk), "U", "A783");
    frames_assert(hsm, "A8402" ZMK CVK "R#C0T2V00E00!E", "A915");
    frames_assert(hsm, "A8402" ZMK CVK "R#C0T2V00E00!1", "A915");
}

static void keys_of_even_parity(void **state)
{
    (void)state;
    static const struct secret_key even = {
        16, {0x00, 0x22, 0x44, 0x66, 0x88, 0xAA, 0xCC, 0xEE, 0xFF, 0xDD, 0xBB, 0x99, 0x77, 0x55, 0x33, 0x11}};
    frames_assert_key(hsm, "A6402" ZMK, under_zmk('B', &even), "U", "A701" CVK "08D7B4");
    const struct hsm_config config = {.env = &env, .header = 4, .sockets = 64, .test_lmk = true, .hardened = true};
    struct hsm *strict = NULL;
    assert_int_equal(hsm_create(&config, &strict), ERR_OK);
    assert_int_equal(hsm_state_authorise(hsm_context(strict)->state, 0, HOSTCMD_IMPORT, "402", 0), ERR_OK);
    frames_assert_key(strict, "A6402" ZMK, under_zmk('B', &even), "U", "A710");
    frames_assert_key(strict, "A6402" ZMK, under_zmk('B', &cvk), "U", "A700" CVK "08D7B4");
    hsm_destroy(strict);
}

/* A key leaves only under one at least as strong; compatibility mode does what real hosts do. */
static void the_strength_of_a_zmk(void **state)
{
    (void)state;
    char single[64], triple[80], request[512];
    struct secret_key one = {8, {0xE9, 0x51, 0xA1, 0xD6, 0xEF, 0x08, 0xEA, 0x15}}, three;
    keys_generate(&env, 24, &three);
    snprintf(single, sizeof single, "%s", frames_wrap(hsm, "000", KEYS_Z, &one));
    snprintf(triple, sizeof triple, "%s", frames_wrap(hsm, "001", KEYS_T, &three));
    const struct hsm_config config = {.env = &env, .header = 4, .sockets = 64, .test_lmk = true, .hardened = true};
    struct hsm *strict = NULL;
    assert_int_equal(hsm_create(&config, &strict), ERR_OK);
    assert_int_equal(hsm_state_authorise(hsm_context(strict)->state, 0, HOSTCMD_EXPORT, "", 0), ERR_OK);
    assert_int_equal(hsm_state_authorise(hsm_context(strict)->state, 0, HOSTCMD_GENERATE, "", 0), ERR_OK);
    const struct {
        const char *before, *zmk, *key, *after, *refused;
    } cases[] = {
        {"A8001", ZMK, triple, "T", "A927"},
        {"A01001T;0", ZMK, "", "T", "A127"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        snprintf(request, sizeof request, "%s%s%s%s", cases[i].before, cases[i].zmk, cases[i].key, cases[i].after);
        frames_assert(strict, request, cases[i].refused);
        assert_memory_equal(frames_ask(hsm, request) + 2, "00", 2);
    }
    snprintf(request, sizeof request, "A8402%s%sR#C0T2V00E00", ZMK, CVK);
    assert_begins(strict, request, "A900R");
    hsm_destroy(strict);
}

/* Left half of one key, right half of another: only key blocks bind them. */
static void variant_keys_can_be_barred(void **state)
{
    (void)state;
    static const struct secret_key two = {
        16, {0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF, 0xFE, 0xDC, 0xBA, 0x98, 0x76, 0x54, 0x32, 0x10}};
    struct hsm_config config = {.env = &env, .header = 4, .sockets = 64, .test_lmk = true, .hardened = true, .blocks_only = true};
    struct hsm *strict = NULL;
    assert_int_equal(hsm_create(&config, &strict), ERR_OK);
    assert_int_equal(hsm_state_authorise(hsm_context(strict)->state, 0, HOSTCMD_GENERATE, "", 0), ERR_OK);
    frames_assert(strict, "CW" CVK "4123456789012345;8701101", "CX17");
    frames_assert(strict, "A00402U", "A117");
    frames_assert(strict, "AS", "AT17");
    assert_int_equal(hsm_keys_store(hsm_context(strict)->keys, 0x00A, 0, span_text(CVK)), ERR_OK);
    frames_assert(strict, "CWK00A4123456789012345;8701101", "CX17");
    frames_assert_key(strict, "CW", frames_block(strict, "C0", 'C', 'T', &two), "4123456789012345;8701101%01", "CX00561");
    hsm_destroy(strict);
    config.hardened = false; /* compatibility mode serves old hosts */
    assert_int_equal(hsm_create(&config, &strict), ERR_OK);
    frames_assert(strict, "CW" CVK "4123456789012345;8701101", "CX00561");
    hsm_destroy(strict);
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
        cmocka_unit_test(the_flag_before_the_zmk),
        cmocka_unit_test(a_terminal_master_key),
        cmocka_unit_test(attributes_without_algorithm),
        cmocka_unit_test(tags_in_any_order),
        cmocka_unit_test(tags_without_meaning),
        cmocka_unit_test(attributes_of_variant_keys),
        cmocka_unit_test(letters_without_meaning),
        cmocka_unit_test(stored_keys_with_a_tag),
        cmocka_unit_test(the_scheme_0),
        cmocka_unit_test(versions_of_blocks),
        cmocka_unit_test(keys_of_even_parity),
        cmocka_unit_test(the_strength_of_a_zmk),
        cmocka_unit_test(variant_keys_can_be_barred),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
