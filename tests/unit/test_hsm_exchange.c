/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AU, AW, A6 and A8 at the frame: the recorded exchanges, and every refusal with its code. What they make is read by another
 * implementation in tests/scenario/scenario_exchange.py.
 */
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
#define ZMK_SINGLE "4ED06495741C280C"           /* E951A1D6EF08EA15 */
#define CVK "U9B4934384B19946B040CD702B4D58145" /* 0123456789ABCDEFFEDCBA9876543210 */
#define CVK_PLAIN "0A61E674E88C6A7EEABC38C2B2BB492F"
#define CVK_OUT "AB88EE604522372FDAA27A67A8CDADFA" /* under ZMK_SINGLE */
#define ZPK "U0E07CDC0161A0DE3B5AA44DF227EC9DE"
#define ZPK_OUT "U482C4E722BB0CF1845E1E5BD16310119" /* under ZMK */
/* Under the key-block LMK, recorded from a payShield: ZMK, and a ZPK that may be exported. */
#define ZMK_BLOCK "S00072K0TB00E0001DB045F29C053EEFF7B9425B3A88C7258EB7EA7E40E2C47878647072A"
#define ZPK_BLOCK "S00072P0TB00E0001EA421618B34F5FA1A77F7CF6480111B97CF0FAE7BD77D589EC921EF9"
#define ZPK_BLOCK_OUT "S00072P0TB00N00FFE1D89671C973C7F0DAF91CB2EBF379493C08975679001172C89A0AF8" /* under ZMK_BLOCK */
#define CVK_BLOCK "S00072C0TN00E0001A417975993E2331918759DD1656AC94306BE01C19FDE29E83A93AB42"
#define ZPK_KCV "4FE9FD"

static const struct secret_key zmk = {
    16, {0xC4, 0x97, 0xDC, 0xBA, 0x1A, 0x98, 0xAB, 0xBC, 0x45, 0xA2, 0x52, 0x37, 0x86, 0xC2, 0x80, 0x07}};
static const struct secret_key zmk_of_block = {
    16, {0x64, 0x2C, 0x79, 0x04, 0xA4, 0xD5, 0xC2, 0x38, 0xCD, 0x6E, 0x7A, 0x9D, 0x76, 0xD3, 0x64, 0x49}};

static struct env env;
static struct hsm *hsm;

static void recorded(void **state)
{
    (void)state;
    static const struct exchange frames[] = {
        {"AW" ZMK_SINGLE CVK_OUT ";001", "AX00" CVK_PLAIN "08D7B4"},
        {"AW" ZMK_SINGLE CVK_OUT ";000", "AX00" CVK_PLAIN "D5D44FA68CDC"},
        {"AW" ZMK_SINGLE CVK_OUT ";ZZ1", "AX00" CVK_PLAIN "08D7B4"},
        {"AW" ZMK_SINGLE CVK_OUT, "AX00" CVK_PLAIN "D5D44FA68CDC"},
        {"AW" ZMK_SINGLE CVK_OUT "0", "AX00" CVK_PLAIN "D5D44FA68CDC"},
        {"AW" ZMK_SINGLE CVK_OUT "00;001", "AX00" CVK_PLAIN "08D7B4"},
        {"AW" ZMK_SINGLE CVK_OUT ";0U1", "AX00" CVK "08D7B4"},
        {"AW" ZMK_SINGLE CVK_OUT ";001%00\x19T", "AX00" CVK_PLAIN "08D7B4\x19T"},
        {"AU" ZMK_SINGLE CVK_PLAIN, "AV00" CVK_OUT "D5D44FA68CDC"},
        {"AU" ZMK_SINGLE CVK ";001", "AV00" CVK_OUT "08D7B4"},
        {"AU" ZMK_SINGLE CVK ";X01", "AV00X" CVK_OUT "08D7B4"},
        {"A6402" ZMK_SINGLE CVK_OUT "U", "A700" CVK "08D7B4"},
        {"A6402" ZMK_SINGLE "X" CVK_OUT "00", "A700" CVK_PLAIN "08D7B4"},
        {"A6001" ZMK ZPK_OUT "U", "A700" ZPK "ABDEBC"},
        {"A6001" ZMK ZPK_OUT "U0", "A700" ZPK "ABDEBC"},
        {"A8001" ZMK ZPK "U", "A900" ZPK_OUT "ABDEBC"},
        {"A8002" ZMK_SINGLE "0406FBB23A5214DFZ", "A90035ED0C0EA7F7D0FA0035BB"},
        {"A8002" ZMK_SINGLE "0406FBB23A5214DF0", "A90035ED0C0EA7F7D0FA0035BB"},
        {"A8402" ZMK_SINGLE CVK "X", "A900X" CVK_OUT "08D7B4"},
        {"A8402" ZMK_SINGLE CVK "X%00", "A900X" CVK_OUT "08D7B4"},
    };
    FRAMES_ASSERT(hsm, frames);
}

/* Under C497DCBA1A98ABBC45A2523786C28007 with 08 (18) on the first byte of each half; made with the openssl command. */
static void atalla_variants(void **state)
{
    (void)state;
    static const struct exchange frames[] = {
        {"A6001" ZMK "X91FC048114262F702D97A1D0086B207E"
         "U1",
         "A700" ZPK "ABDEBC"},
        {"A8001" ZMK ZPK "X01", "A900X91FC048114262F702D97A1D0086B207EABDEBC"},
        {"A6001" ZMK "U6D1B08672DD1B7BF02C34BE49525B4C4"
         "U3",
         "A700" ZPK "ABDEBC"},
        {"A8001" ZMK ZPK "U03", "A900U6D1B08672DD1B7BF02C34BE49525B4C4ABDEBC"},
    };
    FRAMES_ASSERT(hsm, frames);
}

/* The block that a payShield sent out comes in here, and its key is the one that stands under the LMK. */
static void recorded_block(void **state)
{
    (void)state;
    struct keys_header header;
    struct secret_key kept, known;
    const char *r = frames_ask(hsm, "A6FFF" ZMK_BLOCK ZPK_BLOCK_OUT "S%01");
    assert_int_equal(strlen(r), 4 + 73 + 6);
    assert_memory_equal(r, "A700S00072P0TB00N0001", 21);
    assert_string_equal(r + 77, ZPK_KCV);
    assert_int_equal(keys_block_unwrap(hsm_context(hsm)->lmks, 1, span_of(r + 4, 73), &header, &kept), ERR_OK);
    assert_int_equal(keys_block_unwrap(hsm_context(hsm)->lmks, 1, span_text(ZPK_BLOCK), &header, &known), ERR_OK);
    assert_memory_equal(&kept, &known, sizeof kept);
    r = frames_ask(hsm, "A8FFF" ZMK_BLOCK ZPK_BLOCK "S%01&N");
    assert_memory_equal(r, "A900S00072P0TB00N00FF", 21);
    assert_int_equal(keys_block_unwrap_under(&zmk_of_block, span_of(r + 4, 73), &header, &kept), ERR_OK);
    assert_memory_equal(&kept, &known, sizeof kept);
    /* Once marked N it goes nowhere. */
    char request[512];
    snprintf(request, sizeof request, "A6FFF" ZMK_BLOCK "%.73sS%%01", r + 4);
    r = frames_ask(hsm, request);
    assert_memory_equal(r, "A700S", 5);
    snprintf(request, sizeof request, "A8FFF" ZMK_BLOCK "%.73sS%%01", r + 4);
    frames_assert(hsm, request, "A9AA");
}

/* clang-format off */
static const struct exchange refusals[] = {
    /* 10: the ZMK. */
    {"AU" CVK CVK, "AV10"},
    {"AW" CVK CVK_OUT, "AX10"},
    {"A6001" CVK ZPK_OUT "U", "A710"},
    {"A8001" CVK ZPK "U", "A910"},
    /* 11: the key, or nothing in it. */
    {"AU" ZMK ZPK, "AV11"},
    {"AW" ZMK "X00000000000000000000000000000000", "AX11"},
    {"A8402" ZMK ZPK "U", "A911"},
    /* 27: no pair. */
    {"AW" ZMK_SINGLE "Z35ED0C0EA7F7D0FA", "AX27"},
    /* 26: scheme. */
    {"AU" ZMK CVK ";Q01", "AV26"},
    {"AU" ZMK CVK ";T01", "AV26"},
    {"AW" ZMK_SINGLE CVK_OUT ";0S1", "AX26"},
    {"AW" ZMK_SINGLE CVK_OUT ";0T1", "AX26"},
    {"A6001" ZMK ZPK_OUT "T", "A726"},
    {"A6001" ZMK ZPK_OUT "Z", "A726"},
    {"A6001" ZMK ZPK_OUT "S", "A726"},
    {"A6001" ZMK ZPK_OUT "Q", "A726"},
    {"A6001" ZMK "Q482C4E722BB0CF1845E1E5BD16310119U", "A726"},
    {"A6001" ZMK_BLOCK ZPK_OUT "U", "A726"},
    {"A8001" ZMK ZPK "T", "A926"},
    {"A8001" ZMK ZPK "Q", "A926"},
    {"A8001" ZMK ZPK_BLOCK "U", "A926"},
    /* 28: type. */
    {"A6FFF" ZMK ZPK_OUT "S", "A728"},
    {"A640F" ZMK ZPK_OUT "U", "A728"},
    {"A6X01" ZMK ZPK_OUT "U", "A728"},
    {"A6001" ZMK_BLOCK ZPK_BLOCK_OUT "S%01", "A728"},
    {"A8FFF" ZMK ZPK "U", "A928"},
    {"A8001" ZMK_BLOCK ZPK_BLOCK "S%01", "A928"},
    /* 29: components, private keys, and a key that leaves in key blocks only. */
    {"A6100" ZMK ZPK_OUT "U", "A729"},
    {"A8100" ZMK ZPK "U", "A929"},
    {"A800C" ZMK ZPK "U", "A929"},
    {"A8FFF" ZMK_BLOCK ZPK_BLOCK "U%01", "A929"},
    {"AU" ZMK_BLOCK CVK_BLOCK ";X01%01", "AV29"},
    /* 12, 13, 21. */
    {"A8001K000" ZPK "U", "A912"},
    {"A8001" ZMK "K000U", "A912"},
    {"A8001KFFF" ZPK "U", "A921"},
    {"A8001" ZMK ZPK "U%07", "A913"},
    /* 15: fields. */
    {"A6001" ZMK ZPK_OUT, "A715"},
    {"A6001" ZMK ZPK_OUT "U123", "A715"},
    {"A6001" ZMK ZPK_OUT "U32", "A715"},
    {"A6001" ZMK, "A715"},
    {"A6001" ZMK ZPK_OUT "U&", "A715"},
    {"A6001" ZMK ZPK_OUT "U&N&N", "A715"},
    {"A8001" ZMK ZPK "S", "A915"},
    {"A8001" ZMK ZPK "S!1#P0T2N00E00", "A915"},
    {"A8001" ZMK ZPK "R!E#P0T2N00E00", "A915"},
    {"A8001" ZMK ZPK "R1#P0T2N00E00", "A915"},
    {"A6FFF" ZMK_BLOCK ZPK_BLOCK_OUT "S%01!A", "A715"},
    {"A6FFF" ZMK_BLOCK ZPK_OUT "S%01", "A715"},
    {"AU" ZMK CVK ";U0", "AV15"},
    {"AU" ZMK CVK ";U02", "AV15"},
    {"AW" ZMK CVK ";101", "AX15"},
    /* 83, A4: the block. */
    {"A6FFF" ZMK_BLOCK "S00073P0TB00N00FFE1D89671C973C7F0DAF91CB2EBF379493C08975679001172C89A0AF80S%01", "A783"},
    {"A6FFF" ZMK_BLOCK "S00072P0TB00N00FFE1D89671C973C7F0DAF91CB2EBF379493C08975679001172C89A0AF9S%01", "A7A4"},
    {"A6FFF" ZMK_BLOCK "S00072P0TB00E00FFE1D89671C973C7F0DAF91CB2EBF379493C08975679001172C89A0AF8S%01", "A7A4"},
    {"A6FFF" ZMK_BLOCK ZPK_BLOCK "S%01", "A7A4"},
    {"A8FFF" ZMK_BLOCK "S00072P0TB00E0001EA421618B34F5FA1A77F7CF6480111B97CF0FAE7BD77D589EC921EF8S%01", "A9A4"},
    /* A6 to AA. */
    {"A8FFF" ZPK_BLOCK ZPK_BLOCK "S%01", "A9A6"},
    {"AU" ZMK_BLOCK ZPK_BLOCK "%01", "AVA6"},
    {"AW" ZMK_BLOCK ZPK_BLOCK_OUT "%01", "AXA6"},
    {"A6FFF" ZMK_BLOCK ZPK_BLOCK_OUT "S%01#C0T2B00N00", "A7A6"},
    {"A6FFF" ZMK_BLOCK ZPK_BLOCK_OUT "S%01#P0T2N00N00", "A7A8"},
    {"A6FFF" ZMK_BLOCK ZPK_BLOCK_OUT "S%01#P0D1B00N00", "A7A7"},
    {"A6FFF" ZMK_BLOCK ZPK_BLOCK_OUT "S%01#P0T2B01N00", "A7A9"},
    {"A6FFF" ZMK_BLOCK ZPK_BLOCK_OUT "S%01#P0T2B00E00", "A7AA"},
    {"A6FFF" ZMK_BLOCK ZPK_BLOCK_OUT "S%01#P0T3B00N00", "A7A5"},
    {"A6FFF" ZMK_BLOCK ZPK_BLOCK_OUT "S%01#P0Q2B00N00", "A7A7"},
    {"A6FFF" ZMK_BLOCK ZPK_OUT "S%01#P0A2B00N00", "A7A7"},
    {"A8001" ZMK ZPK "S#C0T2N00E00", "A9A6"},
    {"A8001" ZMK ZPK "S#P0T3N00E00", "A9A5"},
    {"A8001" ZMK ZPK "S#P0T2Q00E00", "A9A8"},
    {"A8001" ZMK ZPK "S#P0T2N:0E00", "A9A9"},
    /* AB, AC, BE, BC: optional blocks. */
    {"A6FFF" ZMK_BLOCK ZPK_BLOCK_OUT "S%01#P0T2B00N01KS0800AA", "A7AB"},
    {"A8001" ZMK ZPK "S#P0T2N00E01PB080000", "A9AC"},
    {"A8001" ZMK ZPK "S#P0T2N00E01K:080000", "A9BE"},
    {"A8001" ZMK ZPK "S#P0T2N00E02KS080000KS080000", "A9BC"},
    {"A8001" ZMK ZPK "S#P0T2N00E010005Q", "A9AD"},
    {"A8001" ZMK ZPK "S#P0T2N00E010104", "A9B0"},
    {"A8001" ZMK ZPK "S#P0T2N00E010204", "A9B1"},
    {"A8001" ZMK ZPK "S#P0T2N00E010304", "A9AE"},
    {"A8001" ZMK ZPK "S#P0T2N00E010404", "A9AF"},
    {"A8001" ZMK ZPK "S#P0T2N00E02KS080000", "A915"},
    {"A8001" ZMK ZPK "S#P0T2N00E01KS03", "A915"},
    /* B7, B9: changes. */
    {"A6001" ZMK ZPK_OUT "U&N", "A7B7"},
    {"A6001" ZMK ZPK_OUT "U!0", "A7B7"},
    {"A8001" ZMK ZPK "U&N", "A9B7"},
    {"A8001" ZMK ZPK "U!A", "A9B7"},
    {"A6FFF" ZMK_BLOCK ZPK_BLOCK_OUT "S%01&E", "A7B9"},
    {"A6FFF" ZMK_BLOCK ZPK_BLOCK_OUT "S&Q%01", "A7B9"},
    {"A8FFF" ZMK_BLOCK ZPK_BLOCK "S%01&S", "A9B9"},
    /* BB: a block needs a ZMK of double length, version D an AES one. */
    {"A8001" ZMK_SINGLE ZPK "S#P0T2N00E00", "A9BB"},
    {"A8001" ZMK ZPK "R!D#P0T2N00E00", "A9BB"},
    {"A6001" ZMK_SINGLE ZPK_BLOCK_OUT "U", "A7BB"},
    {"A6001" ZMK "RD0112B0TN00N000037DB9B046B7B0048785690759580ABC3B9842AB4BB7717B49E92528E575785D8123559376A2553B27BE94F054F"
     "4E971CU",
     "A7BB"},
};
/* clang-format on */

static void refused(void **state)
{
    (void)state;
    FRAMES_ASSERT(hsm, refusals);
}

/* ---- blocks that are authentic and still refused ---- */

static const char *under_zmk(const struct keys_header *header, const struct secret_key *kbpk, const struct secret_key *key,
                             char tag)
{
    static char text[KEYS_BLOCK_MAX];
    struct buf b = buf_over(text, sizeof text);
    enum err err =
        tag == 'R' ? keys_tr31_wrap(kbpk, 'B', header, key, &env, &b) : keys_block_wrap_under(kbpk, header, key, &env, &b);
    assert_int_equal(err, ERR_OK);
    return buf_text(&b);
}

static void keys_without_content(void **state)
{
    (void)state;
    static const struct secret_key nothing = {16, {0}}, even = {16, {2, 4, 8, 16, 32, 64, 128, 1, 1, 1, 1, 1, 1, 1, 1, 3}};
    struct keys_header header = {
        .usage = {'P', '0'}, .algorithm = 'T', .mode = 'B', .version = {'0', '0'}, .exportability = 'E', .lmk = {'F', 'F'}};
    frames_assert_key(hsm, "A6001" ZMK, under_zmk(&header, &zmk, &nothing, 'S'), "U", "A711");
    frames_assert_key(hsm, "A6FFF" ZMK_BLOCK, under_zmk(&header, &zmk_of_block, &nothing, 'R'), "S%01", "A711");
    assert_memory_equal(frames_ask(hsm, "A6001" ZMK "X00000000000000000000000000000000U"), "A7", 2);
    /* The warning of an uneven key, and what AW makes of it. */
    char request[512];
    snprintf(request, sizeof request, "A6001" ZMK "%sU", under_zmk(&header, &zmk, &even, 'S'));
    assert_memory_equal(frames_ask(hsm, request), "A701U", 5);
    memcpy(header.usage, "C0", 2);
    header.mode = 'N';
    frames_assert_key(hsm, "AW" ZMK, under_zmk(&header, &zmk, &even, 'S'), ";0U1", "AX11");
    /* A CVK has two halves. */
    static const struct secret_key single = {8, {0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF}};
    frames_assert_key(hsm, "AU" ZMK "Z", frames_wrap(hsm, "402", KEYS_Z, &single), "", "AV27");
    frames_assert_key(hsm, "AW" ZMK, under_zmk(&header, &zmk, &single, 'R'), "", "AX27");
    /* Of another LMK, not of a ZMK. */
    memcpy(header.lmk, "01", 2);
    frames_assert_key(hsm, "A6001" ZMK, under_zmk(&header, &zmk, &zmk, 'S'), "U", "A7A3");
}

/* A key block becomes a variant key only where its usage belongs to the type. */
static void blocks_become_variant_keys(void **state)
{
    (void)state;
    static const struct {
        const char *type, *usage, *answer;
    } rows[] = {{"402", "C0", "A700"}, {"402", "13", "A700"}, {"402", "P0", "A7A6"}, {"001", "72", "A700"}, {"001", "C0", "A7A6"},
                {"109", "E0", "A700"}, {"109", "E1", "A7A6"}, {"000", "52", "A700"}, {"000", "K0", "A700"}, {"709", "32", "A700"},
                {"00A", "D0", "A700"}, {"10C", "M7", "A7A6"}, {"609", "41", "A700"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct keys_header header = {.algorithm = 'T', .mode = 'N', .version = {'0', '0'}, .exportability = 'E', .lmk = {'F', 'F'}};
        char request[512];
        memcpy(header.usage, rows[i].usage, 2);
        snprintf(request, sizeof request, "A6%s" ZMK "%sU", rows[i].type, under_zmk(&header, &zmk, &zmk, i % 2 ? 'S' : 'R'));
        assert_memory_equal(frames_ask(hsm, request), rows[i].answer, 4);
    }
    struct keys_header aes = {.usage = {'D', '0'}, .algorithm = 'A', .mode = 'N', .version = {'0', '0'}, .exportability = 'E'};
    frames_assert_key(hsm, "A600A" ZMK, under_zmk(&aes, &zmk, &zmk, 'R'), "U", "A7A7");
}

/* Sensitive keys may go in any form; keys that are no TDES keys have none but blocks. */
static void sensitive_keys(void **state)
{
    (void)state;
    struct keys_header header = {.usage = {'P', '0'}, .algorithm = 'T', .mode = 'B', .version = {'0', '0'}, .exportability = 'S'};
    char text[KEYS_BLOCK_MAX], request[512], wanted[64];
    struct buf b = buf_over(text, sizeof text), w = buf_over(wanted, sizeof wanted);
    assert_int_equal(keys_block_wrap(hsm_context(hsm)->lmks, 1, &header, &zmk, &env, &b), ERR_OK);
    buf_put_text(&w, "A900");
    assert_int_equal(keys_zmk_wrap(&zmk_of_block, KEYS_U, &zmk, &w), ERR_OK);
    snprintf(request, sizeof request, "A8FFF" ZMK_BLOCK "%sU%%01", buf_text(&b));
    assert_memory_equal(frames_ask(hsm, request), wanted, w.len);
    snprintf(request, sizeof request, "A8FFF" ZMK_BLOCK "%sT%%01", buf_text(&b));
    frames_assert(hsm, request, "A926");
    /* An AES ZMK wraps in version D and in no other form. */
    const char *aes_zmk = frames_block(hsm, "K0", 'B', 'A', &zmk);
    snprintf(request, sizeof request, "A8FFF%s%sU%%01", aes_zmk, buf_text(&b));
    frames_assert(hsm, request, "A9BB");
    snprintf(request, sizeof request, "A6FFF%s" ZPK_OUT "S%%01", aes_zmk);
    frames_assert(hsm, request, "A7BB");
    buf_clear(&b);
    header.algorithm = 'A';
    assert_int_equal(keys_block_wrap(hsm_context(hsm)->lmks, 1, &header, &zmk, &env, &b), ERR_OK);
    snprintf(request, sizeof request, "A8FFF" ZMK_BLOCK "%sU%%01", buf_text(&b));
    frames_assert(hsm, request, "A9A7");
    snprintf(request, sizeof request, "A8FFF" ZMK_BLOCK "%sR%%01", buf_text(&b));
    frames_assert(hsm, request, "A9BB");
}

/* ZMKs of the wrong direction, of no ZMK's usage, and of no algorithm that wraps. */
static void zmks_have_a_direction(void **state)
{
    (void)state;
    static const struct {
        const char *usage;
        char mode, algorithm;
        const char *in, *out;
    } rows[] = {
        {"K0", 'B', 'T', "A7A4", "A900"}, {"K0", 'N', 'T', "A7A4", "A900"}, {"52", 'B', 'T', "A7A4", "A900"},
        {"K0", 'E', 'T', "A7A8", "A900"}, {"K0", 'D', 'T', "A7A4", "A9A8"}, {"K0", 'X', 'T', "A7A8", "A9A8"},
        {"P0", 'B', 'T', "A7A6", "A9A6"}, {"K0", 'B', 'H', "A7A7", "A9A7"}, {"K0", 'B', 'A', "A7BB", "A9BB"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char request[512];
        const char *text = frames_block(hsm, rows[i].usage, rows[i].mode, rows[i].algorithm, &zmk);
        snprintf(request, sizeof request, "A6FFF%s" ZPK_BLOCK_OUT "S%%01", text);
        assert_memory_equal(frames_ask(hsm, request), rows[i].in, 4);
        snprintf(request, sizeof request, "A8FFF%s" ZPK_BLOCK "S%%01", text);
        assert_memory_equal(frames_ask(hsm, request), rows[i].out, 4);
    }
}

/* Keys of user storage bring their LMK; two keys of one command must stand under the same. */
static void stored_keys(void **state)
{
    (void)state;
    struct hsm *own = frames_hsm(&env, 0, false);
    assert_int_equal(hsm_keys_store(hsm_context(own)->keys, 1, 0, span_text(ZMK)), ERR_OK);
    assert_int_equal(hsm_keys_store(hsm_context(own)->keys, 2, 0, span_text(ZPK)), ERR_OK);
    assert_int_equal(hsm_keys_store(hsm_context(own)->keys, 3, 1, span_text(ZMK_BLOCK)), ERR_OK);
    assert_int_equal(hsm_keys_store(hsm_context(own)->keys, 4, 1, span_text(CVK_BLOCK)), ERR_OK);
    static const struct exchange frames[] = {
        {"A8001K001K002U", "A900" ZPK_OUT "ABDEBC"},
        {"A8001K001" ZPK "U", "A900" ZPK_OUT "ABDEBC"},
        {"A6001K001" ZPK_OUT "U", "A700" ZPK "ABDEBC"},
        {"AUK001" CVK ";T01", "AV26"},
        {"A8001K001K004U", "A9A1"},
        {"A8FFFK003" ZPK "U", "A9A1"},
        {"A8001K001K002U%01", "A9A2"},
        {"AUK003K002", "AVA1"},
    };
    FRAMES_ASSERT(own, frames);
    assert_memory_equal(frames_ask(own, "A6FFFK003" ZPK_BLOCK_OUT "S"), "A700S00072P0TB00N0001", 21);
    assert_memory_equal(frames_ask(own, "AUK003K004;S01"), "AV00S00072C0TN00E00FF", 21);
    hsm_destroy(own);
}

/* ---- a CVK without a header gets that of its type ---- */

static void cvk_blocks(void **state)
{
    (void)state;
    struct keys_header header;
    struct secret_key key;
    static const struct {
        const char *request, *head;
    } rows[] = {
        {"AU" ZMK CVK ";R01", "AV00RB0096C0TC00E0000"},
        {"AU" ZMK CVK ";S01", "AV00S00072C0TC00E00FF"},
        {"AU" ZMK CVK ";R01&N!C", "AV00RC0072C0TC00N0000"},
        {"AU" ZMK CVK ";R01!A%00#13T2V07S00", "AV00RA007213TV07S0000"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *r = frames_ask(hsm, rows[i].request);
        assert_memory_equal(r, rows[i].head, strlen(rows[i].head));
        size_t len = strlen(r) - 4 - 6;
        enum err err = r[4] == 'R' ? keys_tr31_unwrap(&zmk, span_of(r + 4, len), &header, &key)
                                   : keys_block_unwrap_under(&zmk, span_of(r + 4, len), &header, &key);
        assert_int_equal(err, ERR_OK);
        assert_string_equal(r + 4 + len, "08D7B4");
    }
    frames_assert(hsm, "AU" ZMK CVK ";R01#P0T2N00E00", "AVA6");
    const char *r = frames_ask(hsm, "AW" ZMK_BLOCK "X" CVK_OUT "%01");
    assert_true(memcmp(r, "AX00", 4) != 0); /* under another ZMK: parity */
    assert_memory_equal(frames_ask(hsm, "AWK9"), "AX15", 4);
}

/* A KEY has up to 512 characters: optional blocks of both length fields serve, leave and come back; one cipher block more is 83. */
static void long_blocks(void **state)
{
    (void)state;
    static const struct secret_key pair = {
        16, {0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF, 0xFE, 0xDC, 0xBA, 0x98, 0x76, 0x54, 0x32, 0x10}};
    for (int longer = 0; longer < 2; longer++) {
        struct keys_header header = {
            .usage = {'C', '0'}, .algorithm = 'T', .mode = 'N', .version = {'0', '0'}, .exportability = 'E', .optional = 2};
        char optional[512], text[KEYS_BLOCK_MAX], request[1200];
        struct buf b = buf_over(text, sizeof text);
        int len = 432 + 8 * longer;
        snprintf(optional, sizeof optional, "KS1800604B120F9292800000LB0002%04X%0*d", len - 24, len - 34, 0);
        header.blocks = span_text(optional);
        assert_int_equal(keys_block_wrap(hsm_context(hsm)->lmks, 1, &header, &pair, &env, &b), ERR_OK);
        assert_int_equal(b.len, 505 + 8 * longer);
        snprintf(request, sizeof request, "CW%s4123456789012345;8701101%%01", buf_text(&b));
        for (int twice = 0; twice < 2; twice++)
            frames_assert(hsm, request, longer ? "CX83" : "CX00561");
        snprintf(request, sizeof request, "AU" ZMK_BLOCK "%s;S01%%01", text);
        const char *r = frames_ask(hsm, request);
        assert_memory_equal(r, longer ? "AV83" : "AV00S00504C0TN00E02FFKS18", longer ? 4 : 25);
        snprintf(request, sizeof request, "AW" ZMK_BLOCK "%.505s;001%%01", r + 4);
        if (longer)
            continue;
        assert_memory_equal(frames_ask(hsm, request), "AX00S00504C0TN00E0201KS18", 25);
        /* The MAC of version B is four bytes longer. */
        snprintf(request, sizeof request, "AU" ZMK_BLOCK "%s;R01%%01", text);
        frames_assert(hsm, request, "AVA5");
    }
}

/* ---- hardened mode ---- */

static void hardened_wants_authority_and_good_keys(void **state)
{
    (void)state;
    static const struct secret_key halves = {16, {1, 2, 4, 7, 8, 11, 13, 14, 1, 2, 4, 7, 8, 11, 13, 14}};
    struct keys_header header = {.usage = {'P', '0'}, .algorithm = 'T', .mode = 'N', .version = {'0', '0'}, .exportability = 'E'};
    const struct hsm_config config = {.env = &env, .header = 4, .sockets = 64, .test_lmk = true, .hardened = true};
    struct hsm *strict = NULL;
    assert_int_equal(hsm_create(&config, &strict), ERR_OK);
    frames_assert(strict, "AW" ZMK_SINGLE CVK_OUT ";001", "AX17");
    frames_assert(strict, "AU" ZMK CVK, "AV17");
    frames_assert(strict, "A6402" ZMK_SINGLE CVK_OUT "U", "A717");
    frames_assert(strict, "A8402" ZMK CVK "X", "A917");
    assert_int_equal(hsm_state_authorise(hsm_context(strict)->state, 0, HOSTCMD_IMPORT, "402", 0), ERR_OK);
    frames_assert(strict, "AW" ZMK_SINGLE CVK_OUT ";001", "AX00" CVK_PLAIN "08D7B4");
    frames_assert(strict, "A6402" ZMK_SINGLE CVK_OUT "U", "A700" CVK "08D7B4");
    frames_assert(strict, "A6001" ZMK ZPK_OUT "U", "A717");
    frames_assert(strict, "AU" ZMK CVK, "AV17");
    assert_int_equal(hsm_state_authorise(hsm_context(strict)->state, 0, HOSTCMD_IMPORT, "", 0), ERR_OK);
    assert_int_equal(hsm_state_authorise(hsm_context(strict)->state, 1, HOSTCMD_IMPORT, "", 0), ERR_OK);
    frames_assert(strict, "A6001" ZMK ZPK_OUT "U", "A700" ZPK "ABDEBC");
    frames_assert_key(strict, "A6001" ZMK, under_zmk(&header, &zmk, &halves, 'R'), "U", "A775");
    frames_assert_key(strict, "A6FFF" ZMK_BLOCK, under_zmk(&header, &zmk_of_block, &zmk, 'R'), "S%01", "A7A8");
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
        cmocka_unit_test(recorded),
        cmocka_unit_test(atalla_variants),
        cmocka_unit_test(recorded_block),
        cmocka_unit_test(refused),
        cmocka_unit_test(keys_without_content),
        cmocka_unit_test(blocks_become_variant_keys),
        cmocka_unit_test(sensitive_keys),
        cmocka_unit_test(zmks_have_a_direction),
        cmocka_unit_test(stored_keys),
        cmocka_unit_test(cvk_blocks),
        cmocka_unit_test(long_blocks),
        cmocka_unit_test(hardened_wants_authority_and_good_keys),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
