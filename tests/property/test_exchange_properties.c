/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What leaves under a ZMK comes back as the same key, in every form, version and length; and a key block in which any one character
 * is another one comes back not at all.
 */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include "support/frames.h"
#include "support/rng.h"

#include <stdio.h>
#include <string.h>

enum { ROUNDS = 20, TEXT = KEYS_BLOCK_MAX, FRAME = 2200, LMK_VARIANT = 0, LMK_BLOCK = 1 };

static struct env env;
static struct hsm *hsm;

static void random_key(size_t len, char algorithm, struct secret_key *out)
{
    *out = (struct secret_key){.len = (uint8_t)len};
    env_random(&env, out->at, len);
    if (algorithm != 'A' && algorithm != 'H')
        keys_parity_set(out);
}

static const char *block_of(const char *usage, char algorithm, const struct secret_key *key, char out[static TEXT])
{
    struct buf b = buf_over(out, TEXT);
    struct keys_header header = {.algorithm = algorithm, .mode = 'B', .version = {'0', '0'}, .exportability = 'S'};
    memcpy(header.usage, usage, 2);
    assert_int_equal(keys_block_wrap(hsm_context(hsm)->lmks, LMK_BLOCK, &header, key, &env, &b), ERR_OK);
    return buf_text(&b);
}

/* The key of an answer, and its check value at the end. */
static void take(const char *reply, const char *code, char key[static TEXT], char kcv[static 7])
{
    size_t len = strlen(reply);
    if (len < 10 || memcmp(reply, code, 4) != 0)
        fail_msg("%s instead of %s", reply, code);
    snprintf(key, TEXT, "%.*s", (int)(len - 10), reply + 4);
    snprintf(kcv, 7, "%s", reply + len - 6);
}

/* ---- forms without a header ---- */

static void variant_keys_come_back(void **state)
{
    (void)state;
    static const struct {
        char scheme;
        size_t len;
        char lmk;
    } forms[] = {{'0', 8, 'Z'},  {'0', 16, 'U'}, {'0', 24, 'T'}, {'Z', 8, 'Z'},  {'U', 16, 'U'},
                 {'X', 16, 'X'}, {'T', 24, 'T'}, {'Y', 24, 'Y'}, {'U', 16, '0'}, {'T', 24, '0'}};
    for (size_t n = 0; n < ROUNDS * sizeof forms / sizeof forms[0]; n++) {
        struct secret_key zmk, key, back;
        char zmk_text[64], request[FRAME], out[TEXT], in[TEXT], sent[7], kept[7];
        size_t f = n % (sizeof forms / sizeof forms[0]);
        unsigned atalla = (unsigned)(n / 3 % 32);
        struct keys_type_place place = {.pair = 3};
        random_key(n % 2 ? 16 : 24, 'T', &zmk);
        random_key(forms[f].len, 'T', &key);
        snprintf(zmk_text, sizeof zmk_text, "%s", frames_wrap(hsm, "000", zmk.len == 16 ? KEYS_U : KEYS_T, &zmk));
        enum keys_scheme lmk_scheme = key.len == 8 ? KEYS_Z : key.len == 16 ? KEYS_U : KEYS_T;
        snprintf(request, sizeof request, "A8001%s%s%c%u", zmk_text, frames_wrap(hsm, "001", lmk_scheme, &key), forms[f].scheme,
                 atalla);
        take(frames_ask(hsm, request), "A900", out, sent);
        snprintf(request, sizeof request, "A6001%s%s%c%02u", zmk_text, out, forms[f].lmk, atalla);
        take(frames_ask(hsm, request), "A700", in, kept);
        assert_string_equal(sent, kept);
        assert_int_equal(keys_unwrap(hsm_context(hsm)->lmks, LMK_VARIANT, place, span_text(in), &back), ERR_OK);
        assert_int_equal(back.len, key.len);
        assert_memory_equal(back.at, key.at, key.len);
    }
}

/* ---- key blocks ---- */

static const struct {
    char version, zmk_algorithm;
} versions[] = {{'0', 'T'}, {'A', 'T'}, {'B', 'T'}, {'C', 'T'}, {'D', 'A'}};
enum { VERSIONS = sizeof versions / sizeof versions[0] };

static size_t zmk_length(size_t version, size_t n)
{
    return versions[version].zmk_algorithm == 'A' ? 16 + n % 3 * 8 : 16 + n % 2 * 8;
}

static void send_out(size_t version, const char *zmk, const char *key, char out[static TEXT], char kcv[static 7])
{
    char request[FRAME];
    char v = versions[version].version;
    snprintf(request, sizeof request, "A8FFF%s%s%c%%01!%c", zmk, key, v == '0' ? 'S' : 'R', v);
    take(frames_ask(hsm, request), "A900", out, kcv);
}

static void blocks_come_back(void **state)
{
    (void)state;
    static const struct {
        char algorithm;
        uint8_t len;
    } kinds[] = {{'T', 8}, {'T', 16}, {'T', 24}, {'D', 8}, {'H', 20}, {'H', 32}, {'A', 16}, {'A', 24}, {'A', 32}};
    for (size_t n = 0; n < ROUNDS * VERSIONS; n++)
        for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
            struct secret_key zmk, key, back;
            struct keys_header header;
            char zmk_text[TEXT], key_text[TEXT], request[FRAME], out[TEXT], in[TEXT], sent[7], kept[7];
            size_t v = n % VERSIONS;
            if (kinds[k].algorithm == 'A' && versions[v].zmk_algorithm != 'A')
                continue;
            random_key(zmk_length(v, n), versions[v].zmk_algorithm, &zmk);
            random_key(kinds[k].len, kinds[k].algorithm, &key);
            block_of("K0", versions[v].zmk_algorithm, &zmk, zmk_text);
            send_out(v, zmk_text, block_of("D0", kinds[k].algorithm, &key, key_text), out, sent);
            snprintf(request, sizeof request, "A6FFF%s%sS%%01", zmk_text, out);
            take(frames_ask(hsm, request), "A700", in, kept);
            assert_string_equal(sent, kept);
            assert_int_equal(keys_block_unwrap(hsm_context(hsm)->lmks, LMK_BLOCK, span_text(in), &header, &back), ERR_OK);
            assert_int_equal(back.len, key.len);
            assert_memory_equal(back.at, key.at, key.len);
            assert_int_equal(header.algorithm, kinds[k].algorithm);
        }
}

/* Hexadecimal digits are read in either case, so another character is one of another value. */
static char another(char was, unsigned choice)
{
    if (choice == 0)
        return was == '0' ? '1' : '0';
    if (choice == 1)
        return was == 'F' || was == 'f' ? 'E' : 'F';
    return was == 'z' ? 'y' : 'z';
}

static void any_change_is_refused(void **state)
{
    (void)state;
    for (size_t v = 0; v < VERSIONS; v++) {
        struct secret_key zmk, key;
        char zmk_text[TEXT], key_text[TEXT], request[FRAME], out[TEXT], kcv[7];
        unsigned format = 0, mac = 0;
        random_key(16, versions[v].zmk_algorithm, &zmk);
        random_key(16, 'T', &key);
        send_out(v, block_of("K0", versions[v].zmk_algorithm, &zmk, zmk_text), block_of("D0", 'T', &key, key_text), out, kcv);
        for (size_t i = 1; i < strlen(out); i++)
            for (unsigned choice = 0; choice < 3; choice++) {
                char was = out[i];
                out[i] = another(was, choice);
                snprintf(request, sizeof request, "A6FFF%s%sS%%01", zmk_text, out);
                const char *reply = frames_ask(hsm, request);
                assert_int_equal(strlen(reply), 4);
                assert_memory_equal(reply, "A7", 2);
                format += memcmp(reply + 2, "83", 2) == 0;
                mac += memcmp(reply + 2, "A4", 2) == 0;
                out[i] = was;
            }
        assert_true(format > 0 && mac > strlen(out));
    }
}

static int set_up(void **state)
{
    (void)state;
    env = rng_env(31);
    hsm = frames_hsm(&env, LMK_VARIANT, false);
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
        cmocka_unit_test(variant_keys_come_back),
        cmocka_unit_test(blocks_come_back),
        cmocka_unit_test(any_change_is_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
