/* SPDX-License-Identifier: Apache-2.0 */
/* What hardened mode refuses in a key, and compatibility mode takes. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include "hsm/guard/state.h"
#include "hsm/key/check.h"
#include "keys/error.h"
#include "support/frames.h"

#include <stdio.h>
#include <string.h>

#define PAN "4123456789012345;8701101"
#define ZMK "U71979DEB8587E2734F1E99D5DCAEF9AC" /* C497DCBA1A98ABBC45A2523786C28007 */

static struct env env;
static struct hsm *hard, *soft;

static struct secret_key key_of(const char *hex)
{
    struct secret_key key = {.len = (uint8_t)(strlen(hex) / 2)};
    assert_int_equal(span_unhex(span_text(hex), key.at, sizeof key.at), ERR_OK);
    return key;
}

/* FIPS 74 3.6: weak keys and dual (semi-weak) keys, as printed there. */
static const char *const weak[] = {
    "0101010101010101", "FEFEFEFEFEFEFEFE", "1F1F1F1F0E0E0E0E", "E0E0E0E0F1F1F1F1", "E001E001F101F101", "01E001E001F101F1",
    "FE1FFE1FFE0EFE0E", "1FFE1FFE0EFE0EFE", "E01FE01FF10EF10E", "1FE01FE00EF10EF1", "01FE01FE01FE01FE", "FE01FE01FE01FE01",
    "011F011F010E010E", "1F011F010E010E01", "E0FEE0FEF1FEF1FE", "FEE0FEE0FEF1FEF1",
};
enum { WEAK = sizeof weak / sizeof weak[0] };
static const char strong[] = "B37FD0A1C7AD83FE";

static void weak_keys(void **state)
{
    (void)state;
    for (size_t i = 0; i < WEAK; i++) {
        char hex[64];
        for (size_t f = 0; f < 2; f++) {
            snprintf(hex, sizeof hex, "%s%s", f ? strong : weak[i], f ? weak[i] : strong);
            struct secret_key key = key_of(hex);
            assert_true(keys_weak(&key));
            assert_true(keys_parity_odd(&key));
            key.at[3] ^= 1; /* the bit of parity hides nothing */
            assert_true(keys_weak(&key));
            key.at[3] ^= 1;
            frames_assert_key(hard, "CW", frames_wrap(hard, "402", KEYS_U, &key), PAN, "CX29");
            frames_assert_key(hard, "CY", frames_block(hard, "C0", 'C', 'T', &key), "123" PAN "%01", "CZ29");
            char request[256];
            snprintf(request, sizeof request, "CW%s" PAN, frames_wrap(soft, "402", KEYS_U, &key));
            assert_memory_equal(frames_ask(soft, request), "CX00", 4);
        }
        struct secret_key near = key_of(weak[i]);
        near.at[5] ^= 0x06;
        assert_false(keys_weak(&near));
    }
}

/* Every way in: a weak key is neither formed nor taken in. */
static void weak_keys_do_not_come_in(void **state)
{
    (void)state;
    struct secret_key zmk = key_of("C497DCBA1A98ABBC45A2523786C28007");
    for (size_t i = 0; i < WEAK; i++) {
        char hex[64], one[64], request[512], text[64];
        snprintf(hex, sizeof hex, "%s%s", weak[i], strong);
        struct secret_key sum = key_of(hex), part, other;
        struct buf b = buf_over(text, sizeof text);
        do {
            keys_generate(&env, 16, &part);
            other = part;
            for (size_t n = 0; n < 16; n++)
                other.at[n] ^= sum.at[n];
            keys_parity_set(&other);
        } while (keys_zero(&other));
        snprintf(one, sizeof one, "%s", frames_wrap(hard, "402", KEYS_U, &part));
        snprintf(request, sizeof request, "A42402U%s%s", one, frames_wrap(hard, "402", KEYS_U, &other));
        frames_assert(hard, request, "A529");
        assert_memory_equal(frames_ask(soft, request), "A500", 4);
        assert_int_equal(keys_zmk_wrap(&zmk, KEYS_U, &sum, &b), ERR_OK);
        frames_assert_key(hard, "A6402" ZMK, buf_text(&b), "U", "A729");
    }
}

static void equal_halves_and_lengths(void **state)
{
    (void)state;
    struct secret_key pair = key_of("13345779133457791334577913345779"), single = key_of("1334577913345779");
    struct secret_key triple = key_of("1334577913345779B37FD0A1C7AD83FE9E767C970B4662A7"), ends = triple;
    memcpy(ends.at + 16, ends.at, 8);
    char request[256];
    frames_assert_key(hard, "CW", frames_wrap(hard, "402", KEYS_U, &pair), PAN, "CX75");
    frames_assert_key(hard, "QY0", frames_wrap(hard, "109", KEYS_U, &pair), "A4123456789012345;2812998000001", "QZ75");
    frames_assert_key(hard, "CW", frames_block(hard, "C0", 'C', 'T', &pair), PAN "%01", "CX75");
    frames_assert_key(hard, "CW", frames_wrap(hard, "402", KEYS_Z, &single), "", "CX15");
    snprintf(request, sizeof request, "CWZ%s" PAN, frames_wrap(hard, "402", KEYS_Z, &single));
    frames_assert(hard, request, "CX27");
    frames_assert_key(hard, "CW", frames_block(hard, "C0", 'C', 'T', &single), PAN "%01", "CX27");
    frames_assert_key(hard, "CW", frames_block(hard, "C0", 'C', 'D', &single), PAN "%01", "CXA7");
    frames_assert_key(hard, "BU420", frames_wrap(hard, "402", KEYS_Z, &single), ";001", "BV27");
    frames_assert_key(hard, "CW", frames_wrap(hard, "402", KEYS_T, &triple), PAN, "CX27");
    frames_assert_key(hard, "CW", frames_wrap(hard, "402", KEYS_T, &ends), PAN, "CX75");
    /* Compatibility: equal halves work, a single-length CVK stands for both (published vector cvv-12: 204), a triple one never. */
    frames_assert_key(soft, "CW", frames_wrap(soft, "402", KEYS_U, &pair), "123456789012;1108000", "CX00204");
    snprintf(request, sizeof request, "CWZ%s123456789012;1108000", frames_wrap(soft, "402", KEYS_Z, &single));
    frames_assert(soft, request, "CX00204");
    frames_assert_key(soft, "CW", frames_block(soft, "C0", 'C', 'T', &single), "123456789012;1108000%01", "CX00204");
    frames_assert_key(soft, "CW", frames_wrap(soft, "402", KEYS_T, &triple), PAN, "CX27");
}

/* Halves that are equal do not come in either; a single-length key of another type does. */
static void lengths_that_come_in(void **state)
{
    (void)state;
    frames_assert(hard, "A00402Z", "A127");
    assert_memory_equal(frames_ask(hard, "A00002Z"), "A100", 4);
    frames_assert(hard, "A00FFFS%01#C0T1C00E00", "A127");
    frames_assert(hard, "A00FFFS%01#C0T2N00E00", "A1A8");
    assert_memory_equal(frames_ask(hard, "A00FFFS%01#C0T2C00E00"), "A100", 4);
    assert_memory_equal(frames_ask(hard, "AS%01"), "AT00", 4);
}

static void mode_of_no_use(void **state)
{
    (void)state;
    struct secret_key key = key_of("0123456789ABCDEFFEDCBA9876543210"), zmk = key_of("C497DCBA1A98ABBC45A2523786C28007");
    char request[512];
    frames_assert_key(hard, "CW", frames_block(hard, "C0", 'N', 'T', &key), PAN "%01", "CXA8");
    frames_assert_key(hard, "CW", frames_block(hard, "C0", 'C', 'T', &key), PAN "%01", "CX00561");
    frames_assert_key(soft, "CW", frames_block(soft, "C0", 'N', 'T', &key), PAN "%01", "CX00561");
    snprintf(request, sizeof request, "A01FFFS;0%sS%%01#C0T2C00E00", frames_block(hard, "K0", 'N', 'T', &zmk));
    frames_assert(hard, request, "A1A8");
    snprintf(request, sizeof request, "A01FFFS;0%sS%%01#C0T2C00E00", frames_block(hard, "K0", 'E', 'T', &zmk));
    assert_memory_equal(frames_ask(hard, request), "A100", 4);
}

/* ---- one key, one use ---- */

static void a_key_has_one_use(void **state)
{
    (void)state;
    struct secret_key key, zmk = key_of("C497DCBA1A98ABBC45A2523786C28007");
    char text[64], request[512];
    keys_generate(&env, 16, &key);
    snprintf(request, sizeof request, "CW%s" PAN, frames_wrap(hard, "402", KEYS_U, &key));
    assert_memory_equal(frames_ask(hard, request), "CX00", 4);
    /* The same key as MK-AC, as a data key taken in, as a block of another usage. */
    frames_assert_key(hard, "QY0", frames_wrap(hard, "109", KEYS_U, &key), "A4123456789012345;2812998000001", "QZ29");
    frames_assert_key(hard, "QY0", frames_block(hard, "E0", 'X', 'T', &key), "A4123456789012345;2812998000001%01", "QZ29");
    struct buf b = buf_over(text, sizeof text);
    assert_int_equal(keys_zmk_wrap(&zmk, KEYS_U, &key, &b), ERR_OK);
    frames_assert_key(hard, "A600A" ZMK, buf_text(&b), "U", "A729");
    /* Its own use under the other kind of LMK, and coming in once more. */
    snprintf(request, sizeof request, "CW%s" PAN "%%01", frames_block(hard, "C0", 'C', 'T', &key));
    assert_memory_equal(frames_ask(hard, request), "CX00", 4);
    snprintf(request, sizeof request, "CW%s" PAN "%%01", frames_block(hard, "13", 'G', 'T', &key));
    assert_memory_equal(frames_ask(hard, request), "CX00", 4);
    snprintf(request, sizeof request, "A6402" ZMK "%sU", buf_text(&b));
    assert_memory_equal(frames_ask(hard, request), "A700", 4);
    /* What was made here has a use as well. */
    const char *r = frames_ask(hard, "A00402U");
    struct keys_type_place place;
    assert_int_equal(keys_type_place(span_text("402"), &place), ERR_OK);
    assert_int_equal(keys_unwrap(hsm_context(hard)->lmks, 0, place, span_of(r + 4, 33), &key), ERR_OK);
    frames_assert_key(hard, "QY0", frames_wrap(hard, "109", KEYS_U, &key), "A4123456789012345;2812998000001", "QZ29");
}

/* Every pair of uses that may meet, and some that may not. */
static void uses(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        enum err err;
    } rows[] = {
        {"402", "402", ERR_OK},
        {"402", "C0", ERR_OK},
        {"C0", "11", ERR_OK},
        {"13", "402", ERR_OK},
        {"109", "E0", ERR_OK},
        {"709", "E6", ERR_OK},
        {"709", "32", ERR_OK},
        {"000", "K0", ERR_OK},
        {"52", "K0", ERR_OK},
        {"001", "P0", ERR_OK},
        {"209", "209", ERR_OK},
        {"ZZ", "ZZ", ERR_OK},
        {"402", "109", KEYS_ERR_FUNCTION},
        {"402", "E0", KEYS_ERR_FUNCTION},
        {"C0", "E0", KEYS_ERR_FUNCTION},
        {"000", "001", KEYS_ERR_FUNCTION},
        {"K0", "P0", KEYS_ERR_FUNCTION},
        {"000", "D0", KEYS_ERR_FUNCTION},
        {"ZZ", "C0", KEYS_ERR_FUNCTION},
        {"20A", "402", KEYS_ERR_FUNCTION},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (int turned = 0; turned < 2; turned++) {
            struct hsm_key_check *check = NULL;
            const char *const use[] = {turned ? rows[i].b : rows[i].a, turned ? rows[i].a : rows[i].b};
            struct secret_key key;
            keys_generate(&env, 16, &key);
            assert_int_equal(hsm_key_check_create(&env, &check), ERR_OK);
            for (int n = 0; n < 2; n++) {
                struct keys_header header = {.algorithm = 'T', .mode = 'X'};
                bool block = strlen(use[n]) == 2;
                memcpy(header.usage, use[n], 2);
                enum err err = hsm_key_check_run(check, span_text(block ? "" : use[n]), block ? &header : NULL, &key);
                assert_int_equal(err, n == 0 ? ERR_OK : rows[i].err);
            }
            hsm_key_check_destroy(check);
        }
}

/* The memory is bounded: old keys are forgotten, recent ones are not, and AES keys have a use, too. */
static void memory_of_keys(void **state)
{
    (void)state;
    struct hsm_key_check *check = NULL;
    struct secret_key first, key, aes = {.len = 32};
    struct keys_header header = {.usage = {'D', '0'}, .algorithm = 'A', .mode = 'B'};
    assert_int_equal(hsm_key_check_create(&env, &check), ERR_OK);
    keys_generate(&env, 16, &first);
    assert_int_equal(hsm_key_check_run(check, span_text("402"), NULL, &first), ERR_OK);
    for (int i = 0; i < 16 * HSM_CHECK_KEYS; i++) {
        keys_generate(&env, 16, &key);
        assert_int_equal(hsm_key_check_run(check, span_text("402"), NULL, &key), ERR_OK);
    }
    assert_int_equal(hsm_key_check_run(check, span_text("109"), NULL, &key), KEYS_ERR_FUNCTION);
    assert_int_equal(hsm_key_check_run(check, span_text("109"), NULL, &first), ERR_OK);
    assert_int_equal(hsm_key_check_run(check, (struct span){0}, &header, &aes), ERR_OK);
    memcpy(header.usage, "M6", 2);
    assert_int_equal(hsm_key_check_run(check, (struct span){0}, &header, &aes), KEYS_ERR_FUNCTION);
    hsm_key_check_destroy(check);
    hsm_key_check_destroy(NULL);
}

/* ---- generated keys ---- */

struct script {
    struct env real;
    const char *const *hex; /* what comes first; ends with NULL */
};

static void scripted(void *context, void *out, size_t len)
{
    struct script *s = context;
    if (!*s->hex) {
        env_random(&s->real, out, len);
        return;
    }
    struct secret_key key = key_of(*s->hex++);
    assert_int_equal(key.len, len);
    memcpy(out, key.at, len);
}

/* A random source that offers bad keys first: none of them is taken. */
static void generated_keys_are_good(void **state)
{
    (void)state;
    char offers[2 * WEAK][33];
    const char *list[2 * WEAK + 3];
    for (size_t i = 0; i < WEAK; i++) {
        snprintf(offers[2 * i], sizeof offers[0], "%s%s", weak[i], strong);
        snprintf(offers[2 * i + 1], sizeof offers[0], "%s%s", strong, weak[i]);
        list[2 * i] = offers[2 * i];
        list[2 * i + 1] = offers[2 * i + 1];
    }
    list[2 * WEAK] = "B37FD0A1C7AD83FEB27ED1A0C6AC82FF"; /* halves that differ in parity alone */
    list[2 * WEAK + 1] = "00000000000000000101010101010101";
    list[2 * WEAK + 2] = NULL;
    struct script script = {env, list};
    struct env first = env;
    struct secret_key key;
    first.random_fill = scripted;
    first.context = &script;
    keys_generate(&first, 16, &key);
    assert_null(*script.hex);
    assert_false(keys_weak(&key));
    assert_false(keys_halves_equal(&key));
    assert_true(keys_parity_odd(&key));
}

/* ---- long check values ---- */

static void long_check_values(void **state)
{
    (void)state;
    const struct hsm_config config = {.env = &env, .header = 4, .sockets = 64, .test_lmk = true, .hardened = true};
    struct hsm *closed = frames_hsm_of(&config);
    struct secret_key key;
    char request[256];
    keys_generate(&env, 16, &key);
    const char *text = frames_wrap(closed, "402", KEYS_U, &key);
    frames_assert_key(closed, "BU421", text, "", "BV17");
    frames_assert_key(closed, "BU421", text, ";000", "BV17");
    snprintf(request, sizeof request, "BU421%s;001", text);
    const char *r = frames_ask(closed, request);
    assert_int_equal(strlen(r), 10);
    frames_assert_kcv(&key, r + 4, 6);
    snprintf(request, sizeof request, "BU421%s", text);
    frames_assert_kcv(&key, frames_ask(hard, request) + 4, 16);
    snprintf(request, sizeof request, "BUFFF%s;FFF%%01", frames_block(closed, "C0", 'C', 'T', &key));
    frames_assert(closed, request, "BV17");
    frames_assert_kcv(&key, frames_ask(hard, request) + 4, 16);
    hsm_destroy(closed);
}

/* An entry of user storage brings its LMK along, and not the authority for another one. */
static void authority_of_entries(void **state)
{
    (void)state;
    const struct hsm_config config = {.env = &env, .header = 4, .lmk = 0, .sockets = 64, .test_lmk = true, .hardened = true};
    struct hsm *closed = frames_hsm_of(&config);
    struct secret_key zmk = key_of("C497DCBA1A98ABBC45A2523786C28007");
    assert_int_equal(hsm_keys_store(hsm_context(closed)->keys, 1, 1, span_text(frames_block(closed, "K0", 'B', 'T', &zmk))),
                     ERR_OK);
    assert_int_equal(hsm_keys_store(hsm_context(closed)->keys, 2, 0, span_text(ZMK)), ERR_OK);
    assert_int_equal(hsm_state_authorise(hsm_context(closed)->state, 0, HOSTCMD_GENERATE, "", 0), ERR_OK);
    assert_memory_equal(frames_ask(closed, "A00402U"), "A100", 4);
    /* Under LMK 00 components may be put together and keys sent out, under 01, which the entry brings along, they may not. */
    assert_int_equal(hsm_state_authorise(hsm_context(closed)->state, 0, HOSTCMD_COMPONENT, "", 0), ERR_OK);
    assert_int_equal(hsm_state_authorise(hsm_context(closed)->state, 0, HOSTCMD_EXPORT, "FFF", 0), ERR_OK);
    frames_assert(closed, "A42FFFSK001K001", "A517");
    frames_assert(closed, "A8FFFK001K001S", "A917");
    frames_assert(closed, "A01402U;0K002X", "A117"); /* to export is another authority */
    assert_int_equal(hsm_state_authorise(hsm_context(closed)->state, 0, HOSTCMD_EXPORT, "402", 0), ERR_OK);
    assert_memory_equal(frames_ask(closed, "A01402U;0K002X"), "A100", 4);
    frames_assert(closed, "A01109U;0K002X", "A117");
    frames_assert(closed, "A01FFFS;0K001S#C0T2C00E00", "A117");
    frames_assert(closed, "A01FFFS;0K001S%01#C0T2C00E00", "A117");
    assert_int_equal(hsm_state_authorise(hsm_context(closed)->state, 1, HOSTCMD_GENERATE, "", 0), ERR_OK);
    frames_assert(closed, "A01FFFS;0K001S#C0T2C00E00", "A117");
    assert_int_equal(hsm_state_authorise(hsm_context(closed)->state, 1, HOSTCMD_EXPORT, "", 0), ERR_OK);
    assert_memory_equal(frames_ask(closed, "A01FFFS;0K001S#C0T2C00E00"), "A100", 4);
    hsm_destroy(closed);
}

static int set_up(void **state)
{
    (void)state;
    env = env_system(NULL);
    struct hsm_config config = {.env = &env, .header = 4, .sockets = 64, .test_lmk = true, .authorised = true, .hardened = true};
    hard = frames_hsm_of(&config);
    config.hardened = false;
    soft = frames_hsm_of(&config);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    hsm_destroy(hard);
    hsm_destroy(soft);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weak_keys),
        cmocka_unit_test(weak_keys_do_not_come_in),
        cmocka_unit_test(equal_halves_and_lengths),
        cmocka_unit_test(lengths_that_come_in),
        cmocka_unit_test(mode_of_no_use),
        cmocka_unit_test(a_key_has_one_use),
        cmocka_unit_test(uses),
        cmocka_unit_test(memory_of_keys),
        cmocka_unit_test(generated_keys_are_good),
        cmocka_unit_test(long_check_values),
        cmocka_unit_test(authority_of_entries),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
