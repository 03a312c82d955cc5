/* SPDX-License-Identifier: Apache-2.0 */
/* The key commands AS, A0 and BU: what they make works, what they refuse has its code. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include "support/frames.h"

#include <stdio.h>
#include <string.h>

#define CVK "U9B4934384B19946B040CD702B4D58145"
#define CVK_BLOCK "S00072C0TN00E0001A417975993E2331918759DD1656AC94306BE01C19FDE29E83A93AB42"
#define ZMK "U71979DEB8587E2734F1E99D5DCAEF9AC" /* C497DCBA1A98ABBC45A2523786C28007 */

static struct env env;
static struct hsm *hsm;

static struct secret_key clear_of(const char *type, const char *text, size_t len)
{
    struct keys_type_place place;
    struct secret_key key = {0};
    assert_int_equal(keys_type_place(span_text(type), &place), ERR_OK);
    assert_int_equal(keys_unwrap(hsm_key_lmks(hsm), 0, place, span_of(text, len), &key), ERR_OK);
    assert_true(keys_parity_odd(&key));
    return key;
}

static void assert_kcv(struct secret_key key, const char *text, size_t digits)
{
    uint8_t kcv[8];
    char hex[17];
    struct buf b = buf_over(hex, sizeof hex);
    assert_int_equal(keys_kcv(&key, kcv), ERR_OK);
    buf_put_hex(&b, kcv, digits / 2);
    assert_memory_equal(hex, text, digits);
}

static struct secret_key half(struct secret_key key, size_t at)
{
    struct secret_key out = {.len = 8};
    memcpy(out.at, key.at + at, 8);
    return out;
}

/* CW under the wrapped key answers what the clear key gives. */
static void assert_makes_code(const char *wrapped_key, const char *tail, const struct secret_key *clear)
{
    struct cvv_key key;
    struct code_digits code;
    struct pan pan;
    char after[64], reply[16];
    assert_int_equal(card_pan_parse(span_text("4123456789012345"), CARD_ANY, &pan), ERR_OK);
    assert_int_equal(cvv_key_load(clear, &key), ERR_OK);
    assert_int_equal(cvv_generate(&key, &pan, "8701", "101", 3, &code), ERR_OK);
    cvv_key_unload(&key);
    snprintf(after, sizeof after, "4123456789012345;8701101%s", tail);
    snprintf(reply, sizeof reply, "CX00%.3s", code.at);
    frames_assert_key(hsm, "CW", wrapped_key, after, reply);
}

static void as_makes_usable_pairs(void **state)
{
    (void)state;
    const char *r = frames_ask(hsm, "AS");
    assert_int_equal(strlen(r), 4 + 32 + 12);
    assert_memory_equal(r, "AT00", 4);
    struct secret_key key = clear_of("402", r + 4, 32);
    assert_kcv(half(key, 0), r + 36, 6);
    assert_kcv(half(key, 8), r + 42, 6);
    r = frames_ask(hsm, "AS;0U1");
    assert_int_equal(strlen(r), 4 + 33 + 6);
    key = clear_of("402", r + 4, 33);
    assert_kcv(key, r + 37, 6);
    char made[64];
    snprintf(made, sizeof made, "%.33s", r + 4);
    assert_makes_code(made, "", &key);
    static const struct exchange frames[] = {
        {"AS;0T1", "AT15"}, {"AS;0U", "AT15"}, {"AS;0U2", "AT15"}, {"AS%07", "AT13"}, {"AS;0S1", "AT26"},
        {"AS;0U1%01", "AT26"}, {"AS;0Q1", "AT15"}};
    FRAMES_ASSERT(hsm, frames);
}

static void bu_gives_check_values(void **state)
{
    (void)state;
    static const struct exchange frames[] = {
        {"BU421" CVK, "BV0008D7B4FB629D0885"},
        {"BU421" CVK ";001", "BV0008D7B4"},
        {"BU421" CVK ";000", "BV0008D7B4FB629D0885"},
        {"BUFF1" CVK ";402", "BV0008D7B4FB629D0885"},
        {"BUFF1" CVK ";402;001", "BV0008D7B4"},
        {"BU001U93CB819F8FEE4F78BF9C4CDD84750DB1", "BV00B70AD25C94548822"},
        {"BU011U1EF828AA8F6B80EB83E19FBC373F3A85", "BV006F1E3F74F826B7EB"},
        {"BUFFF" CVK_BLOCK ";FFF;001%01", "BV00EC7A50"},
        {"BU431" CVK, "BV04"},
        {"BUFF1" CVK ";40F", "BV04"},
        {"BUFF1" CVK ";499", "BV04"},
        {"BU423" CVK, "BV05"},
        {"BU42F" CVK, "BV05"},
        {"BU421T0A61E674E88C6A7EEABC38C2B2BB492F0A61E674E88C6A7E", "BV05"},
        {"BU091" CVK, "BV10"},
        {"BU421" CVK "%07", "BV13"},
    };
    FRAMES_ASSERT(hsm, frames);
}

static void a0_makes_keys(void **state)
{
    (void)state;
    const char *r = frames_ask(hsm, "A00402U");
    assert_int_equal(strlen(r), 4 + 33 + 6);
    assert_kcv(clear_of("402", r + 4, 33), r + 37, 6);
    r = frames_ask(hsm, "A00002Z");
    assert_int_equal(strlen(r), 4 + 16 + 6);
    assert_kcv(clear_of("002", r + 4, 16), r + 20, 6);
    r = frames_ask(hsm, "A00109T");
    assert_int_equal(strlen(r), 4 + 49 + 6);
    static const struct exchange frames[] = {
        {"A00FFFS", "A128"},
        {"A0040FU", "A128"},
        {"A00412U", "A128"},
        {"A00402S", "A126"},
        {"A004020", "A126"},
        {"A0A402U", "A168"},
        {"A0B402U", "A168"},
        {"A0040", "A115"},
        {"A00402U%07", "A113"},
        {"A00402U%01", "A128"},
        {"A00FFFS%01", "A115"},
        {"A00FFFU%01#C0T2N00E00", "A126"},
        {"A00FFFS%01#C0A2N00E00", "A1A7"},
        {"A00FFFS%01#C0T2N00E01", "A115"},
    };
    FRAMES_ASSERT(hsm, frames);
}

static void a0_makes_key_blocks(void **state)
{
    (void)state;
    struct keys_header header;
    struct secret_key key;
    char made[128];
    const char *r = frames_ask(hsm, "A00FFFS%01#C0T2N00E00");
    assert_int_equal(strlen(r), 4 + 73 + 6);
    assert_int_equal(keys_block_unwrap(hsm_key_lmks(hsm), 1, span_of(r + 4, 73), &header, &key), ERR_OK);
    assert_memory_equal(r + 4, "S00072C0TN00E0001", 17);
    assert_int_equal(key.len, 16);
    assert_kcv(key, r + 77, 6);
    snprintf(made, sizeof made, "%.73s", r + 4);
    assert_makes_code(made, "%01", &key);
}

static void a0_exports(void **state)
{
    (void)state;
    static const struct secret_key zmk = {
        16, {0xC4, 0x97, 0xDC, 0xBA, 0x1A, 0x98, 0xAB, 0xBC, 0x45, 0xA2, 0x52, 0x37, 0x86, 0xC2, 0x80, 0x07}};
    struct secret_key key, exported;
    const char *r = frames_ask(hsm, "A01402U;0" ZMK "X");
    assert_int_equal(strlen(r), 4 + 33 + 33 + 6);
    key = clear_of("402", r + 4, 33);
    assert_int_equal(keys_zmk_unwrap(&zmk, span_of(r + 37, 33), &exported), ERR_OK);
    assert_memory_equal(key.at, exported.at, 16);
    assert_kcv(key, r + 70, 6);
    r = frames_ask(hsm, "A01002Z;0" ZMK "Z");
    assert_int_equal(strlen(r), 4 + 16 + 16 + 6);
    key = clear_of("002", r + 4, 16);
    assert_int_equal(keys_zmk_unwrap(&zmk, span_of(r + 20, 16), &exported), ERR_OK);
    assert_memory_equal(key.at, exported.at, 8);
    assert_kcv(key, r + 36, 6);
    /* Under the key-block LMK the ZMK is a block as well, and the key goes out as one. */
    char request[512];
    struct keys_header header;
    snprintf(request, sizeof request, "A01FFFS;0%sS%%01#C0T2N00E00", frames_block(hsm, "K0", 'B', 'T', &zmk));
    r = frames_ask(hsm, request);
    assert_int_equal(strlen(r), 4 + 73 + 73 + 6);
    assert_int_equal(keys_block_unwrap(hsm_key_lmks(hsm), 1, span_of(r + 4, 73), &header, &key), ERR_OK);
    assert_int_equal(keys_block_unwrap_under(&zmk, span_of(r + 77, 73), &header, &exported), ERR_OK);
    assert_memory_equal(header.lmk, "FF", 2);
    assert_memory_equal(key.at, exported.at, 16);
    snprintf(request, sizeof request, "A01FFFS;0%sS%%01#C0T2N00N00", frames_block(hsm, "K0", 'B', 'T', &zmk));
    frames_assert(hsm, request, "A1AA");
    snprintf(request, sizeof request, "A01FFFS;0%sS%%01#C0T2N00E00", frames_block(hsm, "C0", 'B', 'T', &zmk));
    frames_assert(hsm, request, "A1A6");
    static const struct exchange frames[] = {
        {"A01402U;0" CVK "X", "A110"}, {"A01402U;0" ZMK "T", "A126"}, {"A01402U;0" ZMK "R", "A115"},
        {"A01402U;0" ZMK "S", "A115"}, {"A01402U;0" ZMK, "A115"},     {"A01402U", "A115"},
    };
    FRAMES_ASSERT(hsm, frames);
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
        cmocka_unit_test(as_makes_usable_pairs),
        cmocka_unit_test(bu_gives_check_values),
        cmocka_unit_test(a0_makes_keys),
        cmocka_unit_test(a0_makes_key_blocks),
        cmocka_unit_test(a0_exports),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
