/* SPDX-License-Identifier: Apache-2.0 */
/* Conformance checks C-2 to C-7 of security-codes.md 11. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include "crypto/error.h"
#include "cvv/cvv.h"
#include "keys/keys.h"

#include <stdio.h>
#include <string.h>

static struct env env;

static unsigned below(unsigned n)
{
    uint32_t value = 0;
    env_random(&env, &value, sizeof value);
    return value % n;
}

static void random_digits(char *out, size_t len)
{
    for (size_t i = 0; i < len; i++)
        out[i] = (char)('0' + below(10));
}

static struct card_pan random_pan(unsigned from, unsigned to)
{
    struct card_pan pan = {.len = (uint8_t)(from + below(to - from + 1))};
    random_digits(pan.digit, pan.len);
    return pan;
}

/* C-2: the generated code is the only one of a thousand that compares equal. */
static void only_the_generated_code_matches(void **state)
{
    (void)state;
    for (int round = 0; round < 200; round++) {
        struct secret_key cvk;
        struct cvv_key key;
        struct card_pan pan = random_pan(13, 19);
        char expiry[4], service[3];
        struct code_digits code, again, other = {.len = 3};
        keys_generate(&env, 16, &cvk);
        random_digits(expiry, sizeof expiry);
        random_digits(service, sizeof service);
        assert_int_equal(cvv_key_load(&cvk, &key), ERR_OK);
        assert_int_equal(cvv_generate(&key, &pan, expiry, service, 3, &code), ERR_OK);
        assert_int_equal(cvv_generate(&key, &pan, expiry, service, 3, &again), ERR_OK);
        unsigned matches = 0;
        for (unsigned n = 0; n < 1000; n++) {
            other.at[0] = (char)('0' + n / 100);
            other.at[1] = (char)('0' + n / 10 % 10);
            other.at[2] = (char)('0' + n % 10);
            enum verdict verdict = cvv_verdict(&again, &other);
            assert_int_equal(verdict, memcmp(other.at, code.at, 3) == 0 ? VERDICT_MATCH : VERDICT_MISMATCH);
            matches += verdict == VERDICT_MATCH;
        }
        assert_int_equal(matches, 1);
        other.len = 2; /* a code that is cut short is wrong */
        memcpy(other.at, code.at, 3);
        assert_int_equal(cvv_verdict(&code, &other), VERDICT_MISMATCH);
        cvv_key_unload(&key);
    }
}

/* C-3: however few decimal digits a block has, all wanted digits come out, decimal ones first. */
static void blocks_without_decimals_give_all_digits(void **state)
{
    (void)state;
    for (int round = 0; round < 2000; round++) {
        uint8_t block[8];
        unsigned decimals = below(4), seen = 0;
        for (size_t i = 0; i < 16; i++) {
            uint8_t nibble = (uint8_t)(seen < decimals && below(4) == 0 ? below(10) : 10 + below(6));
            seen += nibble < 10;
            block[i / 2] = (uint8_t)(i % 2 == 0 ? nibble << 4 : block[i / 2] | nibble);
        }
        struct code_digits all;
        cvv_decimalise(block, 16, 16, &all);
        assert_int_equal(all.len, 16);
        for (unsigned i = 0; i < 16; i++)
            assert_true(all.at[i] >= '0' && all.at[i] <= (i < seen ? '9' : '5'));
        for (uint8_t digits = 1; digits <= 16; digits++) {
            struct code_digits some;
            cvv_decimalise(block, 16, digits, &some);
            assert_int_equal(some.len, digits);
            assert_memory_equal(some.at, all.at, digits);
        }
    }
}

static struct cvv_dynamic random_dynamic(void)
{
    struct cvv_dynamic d = {.pan = random_pan(13, 19), .psn = {'0', '0'}};
    d.method = d.pan.len > 16 && below(2) ? CVV_METHOD_B : CVV_METHOD_A;
    random_digits(d.expiry, sizeof d.expiry);
    random_digits(d.service, sizeof d.service);
    return d;
}

static struct code_digits generate(struct cvv_master *master, struct cvv_dynamic *d, uint64_t number)
{
    struct code_digits code;
    cvv_overlay(number, d->overlay);
    assert_int_equal(cvv_dynamic_generate(master, d, &code), ERR_OK);
    return code;
}

/* C-4: a counter and a window that are equal modulo 10,000 give equal codes. */
static void counters_and_windows_meet_modulo_ten_thousand(void **state)
{
    (void)state;
    struct secret_key mk;
    struct cvv_master master;
    keys_generate(&env, 16, &mk);
    assert_int_equal(cvv_master_load(&mk, &master), ERR_OK);
    for (int round = 0; round < 300; round++) {
        struct cvv_dynamic d = random_dynamic();
        uint64_t counter = below(1000000), window = (uint64_t)below(90) * 10000 + counter % 10000;
        struct code_digits a = generate(&master, &d, counter), b = generate(&master, &d, window);
        assert_true(secret_code_equal(&a, &b));
    }
    cvv_master_unload(&master);
}

/* C-5: the codes of two times are equal if their windows are; else only where recomputation says so too. */
static void codes_follow_windows(void **state)
{
    (void)state;
    struct secret_key mk;
    struct cvv_master master, second;
    keys_generate(&env, 16, &mk);
    assert_int_equal(cvv_master_load(&mk, &master), ERR_OK);
    assert_int_equal(cvv_master_load(&mk, &second), ERR_OK);
    unsigned equal = 0, chance = 0;
    for (int round = 0; round < 2000; round++) {
        struct cvv_dynamic d = random_dynamic();
        unsigned twu = 1 + below(18);
        int64_t t = 1767225600 + below(10000000), s = t + (int64_t)below(2 * 3600 * twu);
        uint64_t wt, ws;
        assert_int_equal(cvv_window_index(t, twu, &wt), ERR_OK);
        assert_int_equal(cvv_window_index(s, twu, &ws), ERR_OK);
        struct code_digits a = generate(&master, &d, wt), b = generate(&second, &d, ws);
        bool same = secret_code_equal(&a, &b);
        assert_true(same || wt != ws);
        equal += wt == ws;
        chance += same && wt != ws;
    }
    assert_true(equal > 100 && chance < 30);
    cvv_master_unload(&master);
    cvv_master_unload(&second);
}

/* C-6: the index changes exactly on multiples of 3600 x TWU, for 400 days. */
static void windows_change_on_their_boundaries(void **state)
{
    (void)state;
    for (unsigned twu = 1; twu <= 18; twu++) {
        int64_t step = 3600 * (int64_t)twu, first = 1767225600 / step + 1;
        for (int64_t w = first; w * step < 1767225600 + 400 * 86400LL; w++) {
            uint64_t before, at, after;
            assert_int_equal(cvv_window_index(w * step - 1, twu, &before), ERR_OK);
            assert_int_equal(cvv_window_index(w * step, twu, &at), ERR_OK);
            assert_int_equal(cvv_window_index(w * step + step - 1, twu, &after), ERR_OK);
            assert_int_equal(before, w - 1);
            assert_int_equal(at, w);
            assert_int_equal(after, w);
        }
    }
    uint64_t out;
    assert_int_equal(cvv_window_index(-1, 1, &out), ERR_PARSE_VALUE);
    assert_int_equal(cvv_window_index(1, 0, &out), ERR_PARSE_VALUE);
    assert_int_equal(cvv_window_index(1, 19, &out), ERR_PARSE_VALUE);
}

/* C-7: what is not as section 2 says is refused, and nothing is made. */
static void bad_input_is_refused(void **state)
{
    (void)state;
    struct secret_key key = {.len = 16};
    struct cvv_key loaded = {0};
    struct cvv_master master = {0};
    struct code_digits code = {.len = 77};
    memset(key.at, 1, 16);
    static const uint8_t lengths[] = {0, 8, 24, 32};
    for (size_t i = 0; i < sizeof lengths; i++) {
        struct secret_key wrong = {.len = lengths[i]};
        assert_int_equal(cvv_key_load(&wrong, &loaded), CRYPTO_ERR_KEY_LENGTH);
        assert_int_equal(cvv_master_load(&wrong, &master), CRYPTO_ERR_KEY_LENGTH);
    }
    assert_int_equal(cvv_key_load(&key, &loaded), ERR_OK);
    struct card_pan pan = random_pan(16, 16), bad = pan;
    bad.digit[15] = 'A';
    assert_int_equal(cvv_generate(&loaded, &bad, "2812", "000", 3, &code), ERR_PARSE_CHARACTER);
    assert_int_equal(cvv_generate(&loaded, &pan, "28 2", "000", 3, &code), ERR_PARSE_CHARACTER);
    assert_int_equal(cvv_generate(&loaded, &pan, "2812", "0/0", 3, &code), ERR_PARSE_CHARACTER);
    assert_int_equal(cvv_generate(&loaded, &pan, "2812", "000", 0, &code), ERR_PARSE_VALUE);
    assert_int_equal(cvv_generate(&loaded, &pan, "2812", "000", 17, &code), ERR_PARSE_VALUE);
    bad.len = 11;
    assert_int_equal(cvv_generate(&loaded, &bad, "2812", "000", 3, &code), ERR_PARSE_VALUE);
    bad.len = 20;
    assert_int_equal(cvv_generate(&loaded, &bad, "2812", "000", 3, &code), ERR_PARSE_VALUE);
    assert_int_equal(code.len, 77);
    cvv_key_unload(&loaded);
    assert_null(loaded.left.encrypt);
}

/* EMV Book 2, A1.4: the derived key has odd parity in every byte, whatever method made it. */
static void card_keys_have_odd_parity(void **state)
{
    (void)state;
    struct secret_key master = {.len = 16}, card;
    struct crypto_des des = {0};
    memset(master.at, 0x13, 16);
    assert_int_equal(crypto_des_load(&master, &des), ERR_OK);
    for (unsigned i = 0; i < 200; i++) {
        struct card_pan pan = random_pan(12, 19);
        assert_int_equal(cvv_card_key(&des, &pan, "00", i % 2 ? CVV_METHOD_A : CVV_METHOD_B, &card), ERR_OK);
        assert_int_equal(card.len, 16);
        assert_true(keys_parity_odd(&card));
    }
    crypto_des_unload(&des);
}

static int set_up(void **state)
{
    (void)state;
    env = env_system(NULL);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_generated_code_matches),
        cmocka_unit_test(blocks_without_decimals_give_all_digits),
        cmocka_unit_test(counters_and_windows_meet_modulo_ten_thousand),
        cmocka_unit_test(codes_follow_windows),
        cmocka_unit_test(windows_change_on_their_boundaries),
        cmocka_unit_test(card_keys_have_odd_parity),
        cmocka_unit_test(bad_input_is_refused),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
