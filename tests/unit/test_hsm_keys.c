/* SPDX-License-Identifier: Apache-2.0 */
/* The key commands AS, A0 and BU: what they make works, what they refuse has its code. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include "keys/block/tr31.h"
#include "support/frames.h"

#include <stdio.h>
#include <string.h>

#define CVK "U9B4934384B19946B040CD702B4D58145"
#define CVK_BLOCK "S00072C0TN00E0001A417975993E2331918759DD1656AC94306BE01C19FDE29E83A93AB42"
#define CRYPTO_AES_BLOCK                                                                                \
    "S00104D0AB00E0001E7F90FFA459BAFC7780C25DD3ECF85B415E037A082A4D25CF573CA0449743A085841664F7CEE6B14" \
    "DC4DE221"
#define ZMK "U71979DEB8587E2734F1E99D5DCAEF9AC" /* C497DCBA1A98ABBC45A2523786C28007 */

static struct env env;
static struct hsm *hsm;

static struct secret_key clear_of(const char *type, const char *text, size_t len)
{
    struct keys_type_place place;
    struct secret_key key = {0};
    assert_int_equal(keys_type_place(span_text(type), &place), ERR_OK);
    assert_int_equal(keys_unwrap(hsm_context(hsm)->lmks, 0, place, span_of(text, len), &key), ERR_OK);
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
    struct card_pan pan;
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
    static const struct exchange frames[] = {{"AS;0T1", "AT15"}, {"AS;0U", "AT15"},     {"AS;0U2", "AT15"}, {"AS%07", "AT13"},
                                             {"AS;0S1", "AT26"}, {"AS;0U1%01", "AT26"}, {"AS;0Q1", "AT15"}};
    FRAMES_ASSERT(hsm, frames);
}

/* Under a key-block LMK a pair is a block that serves CW and CY. */
static void as_makes_blocks(void **state)
{
    (void)state;
    static const char *const requests[] = {"AS%01", "AS;001%01", "AS;0S1%01", "AS;0S0%01", "AS;Z00%01"};
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        struct keys_header header;
        struct secret_key key;
        char made[128];
        const char *r = frames_ask(hsm, requests[i]);
        bool one = strchr(requests[i], '1') < strchr(requests[i], '%');
        assert_memory_equal(r, "AT00S00072C0TC00E0001", 21);
        assert_int_equal(strlen(r), 77 + (one ? 6 : 12));
        assert_int_equal(keys_block_unwrap(hsm_context(hsm)->lmks, 1, span_of(r + 4, 73), &header, &key), ERR_OK);
        assert_kcv(one ? key : half(key, 0), r + 77, 6);
        if (!one)
            assert_kcv(half(key, 8), r + 83, 6);
        snprintf(made, sizeof made, "%.73s", r + 4);
        assert_makes_code(made, "%01", &key);
    }
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
        /* AES-256 of the bytes 00 to 1F; CMAC by openssl. */
        {"BUFFF" CRYPTO_AES_BLOCK ";FFF%01", "BV00377822C09348AD3B"},
        {"BUFFF" CRYPTO_AES_BLOCK ";FFF;001%01", "BV00377822"},
        {"BU00F" CRYPTO_AES_BLOCK ";001%01", "BV00377822"},
        {"BU421K101", "BV21"},
        {"BU421K0FF", "BV12"},
        {"BUFFF" CVK_BLOCK ";FFF", "BV26"},
        {"BUFFF" CVK_BLOCK ";FFF;001%01x", "BV15"},
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

/* Every type that A0 makes in every form a variant LMK has. */
static void a0_makes_every_type(void **state)
{
    (void)state;
    static const struct {
        char scheme;
        size_t digits;
        bool tag;
    } forms[] = {{'Z', 16, false}, {'U', 32, true}, {'X', 32, true}, {'T', 48, true}, {'Y', 48, true}};
    for (unsigned variant = 0; variant <= 9; variant++)
        for (unsigned pair = 0; pair <= 0x0E; pair++)
            for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
                char type[4], request[16];
                snprintf(type, sizeof type, "%u%02X", variant, pair);
                snprintf(request, sizeof request, "A00%s%c", type, forms[i].scheme);
                const char *r = frames_ask(hsm, request);
                if (strcmp(type, "00C") == 0 || strcmp(type, "10C") == 0) {
                    assert_string_equal(r, "A129");
                    continue;
                }
                size_t len = forms[i].digits + forms[i].tag;
                assert_memory_equal(r, "A100", 4);
                assert_int_equal(strlen(r), 4 + len + 6);
                if (forms[i].tag)
                    assert_int_equal(r[4], forms[i].scheme);
                assert_kcv(clear_of(type, r + 4, len), r + 4 + len, 6);
            }
}

static void a0_makes_key_blocks(void **state)
{
    (void)state;
    struct keys_header header;
    struct secret_key key;
    char made[128];
    const char *r = frames_ask(hsm, "A00FFFS%01#C0T2N00E00");
    assert_int_equal(strlen(r), 4 + 73 + 6);
    assert_int_equal(keys_block_unwrap(hsm_context(hsm)->lmks, 1, span_of(r + 4, 73), &header, &key), ERR_OK);
    assert_memory_equal(r + 4, "S00072C0TN00E0001", 17);
    assert_int_equal(key.len, 16);
    assert_kcv(key, r + 77, 6);
    snprintf(made, sizeof made, "%.73s", r + 4);
    assert_makes_code(made, "%01", &key);
    static const struct {
        const char *attributes, *head;
        uint8_t len;
    } rows[] = {
        {"#C0T3N00E00", "S00088C0TN00E0001", 24},
        {"#K0T1B00N00", "S00056K0TB00N0001", 8},
        {"#D0D1B00S00", "S00056D0DB00S0001", 8},
        {"#E0T2X47S01KS1800604B120F9292800000", "S00096E0TX47S0101KS1800604B120F9292800000", 16},
        {"#K0T2Nc1E00", "S00072K0TNc1E0001", 16},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char request[96];
        snprintf(request, sizeof request, "A00FFFS%%01%s", rows[i].attributes);
        r = frames_ask(hsm, request);
        assert_memory_equal(r, "A100", 4);
        assert_memory_equal(r + 4, rows[i].head, strlen(rows[i].head));
        assert_int_equal(keys_block_unwrap(hsm_context(hsm)->lmks, 1, span_of(r + 4, strlen(r) - 10), &header, &key), ERR_OK);
        assert_int_equal(key.len, rows[i].len);
        assert_kcv(key, r + strlen(r) - 6, 6);
    }
    static const struct exchange refused[] = {
        {"A00FFFS%01#C0T2Z00E00", "A1A8"},
        {"A00FFFS%01#C0T2N0-E00", "A1A9"},
        {"A00FFFS%01#C0T2N00X00", "A115"},
        {"A00FFFS%01#C0H1N00E00", "A1A7"},
        {"A00FFFS%01#C0A1N00E00", "A1A7"},
        {"A00FFFS%01#C0T4N00E00", "A1A7"},
        {"A00FFFS%01#C0T2N00E0100", "A115"},
        {"A00FFFS%01#C0T2N00E020005L0005L", "A1BC"},
        {"A00FFFS%01#C0T2N00E010005X", "A1AD"},
        {"A00FFFS%01#C0T2N00E01?005X", "A1BE"},
        {"A00402U%00&E", "A1B7"},
        {"A00FFFS%01&N#C0T2N00E00", "A1B7"},
    };
    FRAMES_ASSERT(hsm, refused);
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
    assert_int_equal(keys_block_unwrap(hsm_context(hsm)->lmks, 1, span_of(r + 4, 73), &header, &key), ERR_OK);
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

static const struct secret_key zone_key = {
    16, {0xC4, 0x97, 0xDC, 0xBA, 0x1A, 0x98, 0xAB, 0xBC, 0x45, 0xA2, 0x52, 0x37, 0x86, 0xC2, 0x80, 0x07}};

/* Both keys of an answer of two S or R blocks, the second one under the zone key. */
static void assert_blocks_agree(const char *r, const char *lmk_head, const char *zone_head)
{
    struct keys_header header;
    struct secret_key key, exported;
    size_t len = keys_block_extent(span_of(r + 4, strlen(r) - 4));
    assert_memory_equal(r, "A100", 4);
    assert_memory_equal(r + 4, lmk_head, strlen(lmk_head));
    assert_int_equal(keys_block_unwrap(hsm_context(hsm)->lmks, 1, span_of(r + 4, len), &header, &key), ERR_OK);
    r += 4 + len;
    assert_memory_equal(r, zone_head, strlen(zone_head));
    struct span text = span_of(r, strlen(r) - 6);
    if (r[0] == 'R')
        assert_int_equal(keys_tr31_unwrap(&zone_key, text, &header, &exported), ERR_OK);
    else
        assert_int_equal(keys_block_unwrap_under(&zone_key, text, &header, &exported), ERR_OK);
    assert_memory_equal(&key, &exported, sizeof key);
    assert_kcv(key, r + text.len, 6);
}

static void a0_exports_blocks(void **state)
{
    (void)state;
    char zone[128], request[512];
    snprintf(zone, sizeof zone, "%s", frames_block(hsm, "52", 'N', 'T', &zone_key));
    static const struct {
        const char *after, *lmk_head, *zone_head;
    } rows[] = {
        {"S%01#C0T2N00E00", "S00072C0TN00E0001", "S00072C0TN00E00FF"},
        {"S%01&N#C0T2N00S00", "S00072C0TN00S0001", "S00072C0TN00N00FF"},
        {"R%01#C0T2V05E00", "S00072C0TV05E0001", "RB0096C0TV05E0000"},
        {"R%01!A#C0T2V05E00", "S00072C0TV05E0001", "RA0072C0TV05E0000"},
        {"R%01&N!C#C0T3G05S00", "S00088C0TG05S0001", "RC0088C0TG05N0000"},
        {"R%01#B0T2X12S01KS1800604B120F9292800000", "S00096B0TX12S0101KS18", "RB0120B0TX12S0100KS18"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        snprintf(request, sizeof request, "A01FFFS;0%s%s", zone, rows[i].after);
        assert_blocks_agree(frames_ask(hsm, request), rows[i].lmk_head, rows[i].zone_head);
    }
    static const struct exchange refused[] = {
        {"R%01!D#C0T2V05E00", "A1BB"}, {"S%01!B#C0T2V05E00", "A115"}, {"R%01!X#C0T2V05E00", "A115"}, {"S%01&S#C0T2V05E00", "A1B9"},
        {"S%01&X#C0T2V05E00", "A1B9"}, {"R%01#C0T2V05N00", "A1AA"},   {"U%01#C0T2V05E00", "A129"},   {"T%01#C0T2V05S00", "A126"},
        {"Q%01#C0T2V05S00", "A126"},   {"U%01&E#C0T2V05S00", "A1B7"}, {"S%01#C0A2N00E00", "A1A7"},   {"S%01", "A115"},
    };
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        snprintf(request, sizeof request, "A01FFFS;0%s%s", zone, refused[i].request);
        frames_assert(hsm, request, refused[i].reply);
    }
    /* Exportability S lets a key leave without its header. */
    snprintf(request, sizeof request, "A01FFFS;0%sX%%01#C0T2V05S00", zone);
    assert_memory_equal(frames_ask(hsm, request), "A100S00072C0TV05S0001", 21);
    assert_int_equal(strlen(frames_ask(hsm, request)), 4 + 73 + 33 + 6);
}

/* Variant keys leave as blocks with the header of `#`; a terminal master key may stand in for the ZMK. */
static void a0_exports_variant_keys_as_blocks(void **state)
{
    (void)state;
    struct keys_header header;
    struct secret_key key, exported;
    const char *r = frames_ask(hsm, "A01402U;0" ZMK "R#C0T2V00E00");
    assert_int_equal(strlen(r), 4 + 33 + 97 + 6);
    key = clear_of("402", r + 4, 33);
    assert_int_equal(keys_tr31_unwrap(&zone_key, span_of(r + 37, 97), &header, &exported), ERR_OK);
    assert_memory_equal(r + 37, "RB0096C0TV00E0000", 17);
    assert_memory_equal(&key, &exported, sizeof key);
    assert_memory_equal(frames_ask(hsm, "A01109T;0" ZMK "S&N#E0T3X00E00") + 4 + 49, "S00088E0TX00N00FF", 17);
    char request[256];
    snprintf(request, sizeof request, "A01002U;1%sU", frames_wrap(hsm, "002", KEYS_U, &zone_key));
    r = frames_ask(hsm, request);
    key = clear_of("002", r + 4, 33);
    assert_int_equal(keys_zmk_unwrap(&zone_key, span_of(r + 37, 33), &exported), ERR_OK);
    assert_memory_equal(&key, &exported, sizeof key);
    static const struct exchange refused[] = {
        {"A01402U;0" ZMK "R#P0T2B00E00", "A1A6"},
        {"A01402U;0" ZMK "R#C0T3V00E00", "A1A5"},
        {"A01402U;1" ZMK "X", "A110"},
        {"A01402U;0" ZMK "R#C0A1V00E00", "A1A7"},
        {"A01402U;0" ZMK "U&N", "A1B7"},
        {"A01402U;0" ZMK "U!B", "A1B7"},
        {"A01402U;2" ZMK "X", "A115"},
        {"A01402U;0K0FFX", "A112"},
        {"A01402U;0KFFFX", "A121"},
        {"A01FFFS;0" ZMK "S#C0T2V00E00", "A128"},
        {"A01402Q;0" ZMK "X", "A126"},
    };
    FRAMES_ASSERT(hsm, refused);
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
        cmocka_unit_test(as_makes_blocks),
        cmocka_unit_test(bu_gives_check_values),
        cmocka_unit_test(a0_makes_every_type),
        cmocka_unit_test(a0_makes_keys),
        cmocka_unit_test(a0_makes_key_blocks),
        cmocka_unit_test(a0_exports),
        cmocka_unit_test(a0_exports_blocks),
        cmocka_unit_test(a0_exports_variant_keys_as_blocks),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
