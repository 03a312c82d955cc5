/* SPDX-License-Identifier: Apache-2.0 */
/* A batch gives what the cards give one by one, whatever the kernel, the count and the neighbours. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include "crypto/error.h"
#include "cvv/batch.h"
#include "cvv/cvv.h"
#include "cvv/internal.h"
#include "support/rng.h"

#include <string.h>

enum { CARDS_MAX = 2000 };
#define UNTOUCHED ERR_INTERNAL /* no card gives it */

static struct env env;
static struct cvv_batch_card cards[CARDS_MAX];
static struct cvv_batch_code codes[CARDS_MAX];
static struct crypto_des_batch_key batch;

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

static struct secret_key random_pair(void)
{
    struct secret_key pair = {.len = 16};
    env_random(&env, pair.at, pair.len);
    return pair;
}

/* Bytes behind the PAN are noise: they must not matter. */
static void random_card(struct cvv_batch_card *card)
{
    env_random(&env, card, sizeof *card);
    card->pan.len = (uint8_t)(CARD_PAN_MIN + below(CARD_PAN_MAX - CARD_PAN_MIN + 1));
    random_digits(card->pan.digit, card->pan.len);
    random_digits(card->expiry, sizeof card->expiry);
    random_digits(card->service, sizeof card->service);
}

/* One byte that is no digit, neighbours of '0' and '9' and the ends of the range more often; or a length outside the rule. */
static void spoil(struct cvv_batch_card *card)
{
    static const uint8_t bytes[] = {'0' - 1, '9' + 1, 0x00, 0xFF, 0xFA, 0x80, 'A', ' ', 0xB5, 0x3F, 0x2F, 0x40};
    static const uint8_t lengths[] = {0, 11, 20, 255};
    char byte = (char)bytes[below(sizeof bytes)];
    switch (below(4)) {
    case 0:
        card->pan.digit[below(card->pan.len)] = byte;
        break;
    case 1:
        card->expiry[below(4)] = byte;
        break;
    case 2:
        card->service[below(3)] = byte;
        break;
    default:
        card->pan.len = lengths[below(sizeof lengths)];
    }
}

static void assert_same(struct cvv_key *key, size_t count, unsigned *bad)
{
    for (size_t i = 0; i < count; i++) {
        struct code_digits one = {.at = {0}};
        enum err err = cvv_generate(key, &cards[i].pan, cards[i].expiry, cards[i].service, 3, &one);
        assert_int_equal(codes[i].err, err);
        assert_memory_equal(codes[i].digit, one.at, 3);
        *bad += err != ERR_OK;
    }
    for (size_t i = count; i < CARDS_MAX; i++)
        assert_int_equal(codes[i].err, UNTOUCHED);
}

static unsigned check(const struct crypto_des_kernel *kernel, size_t count, unsigned one_bad_in)
{
    struct secret_key pair = random_pair();
    struct cvv_key key;
    unsigned bad = 0;
    for (size_t i = 0; i < count; i++) {
        random_card(&cards[i]);
        if (one_bad_in > 0 && below(one_bad_in) == 0)
            spoil(&cards[i]);
    }
    for (size_t i = 0; i < CARDS_MAX; i++)
        codes[i] = (struct cvv_batch_code){.err = UNTOUCHED};
    assert_int_equal(cvv_key_load(&pair, &key), ERR_OK);
    assert_int_equal(cvv_batch_load(&pair, &batch), ERR_OK);
    cvv_batch_generate(kernel, &batch, cards, count, codes);
    assert_same(&key, count, &bad);
    cvv_key_unload(&key);
    return bad;
}

static void a_batch_equals_its_cards(void **state)
{
    (void)state;
    static const size_t counts[] = {0, 1, 2, 3, 17, 63, 64, 65, 127, 128, 129, 255, 257, 511, 512, 513, 777, 1025, 1999, CARDS_MAX};
    const struct crypto_des_kernel *kernel;
    for (size_t k = 0; (kernel = crypto_des_kernel_at(k)); k++)
        for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
            assert_int_equal(check(kernel, counts[i], 0), 0);
}

static void counts_are_any(void **state)
{
    (void)state;
    const struct crypto_des_kernel *kernel;
    for (size_t k = 0; (kernel = crypto_des_kernel_at(k)); k++)
        for (int round = 0; round < 10; round++)
            assert_int_equal(check(kernel, 1 + below(CARDS_MAX), 0), 0);
}

static void bad_cards_do_not_spoil_the_others(void **state)
{
    (void)state;
    const struct crypto_des_kernel *kernel;
    for (size_t k = 0; (kernel = crypto_des_kernel_at(k)); k++) {
        assert_true(check(kernel, 1501, 7) > 100);
        assert_int_equal(check(kernel, 70, 1), 70);
    }
}

/* ---- dynamic codes ---- */

static void random_dynamic(struct cvv_dynamic *card)
{
    struct cvv_batch_card plain;
    random_card(&plain);
    *card = (struct cvv_dynamic){.pan = plain.pan, .method = below(4) == 0 ? CVV_METHOD_B : CVV_METHOD_A};
    memcpy(card->expiry, plain.expiry, sizeof card->expiry);
    memcpy(card->service, plain.service, sizeof card->service);
    random_digits(card->psn, sizeof card->psn);
    random_digits(card->overlay, sizeof card->overlay);
}

static void spoil_dynamic(struct cvv_dynamic *card)
{
    switch (below(5)) {
    case 0:
        card->pan.digit[below(card->pan.len)] = "AFG/:"[below(5)];
        break;
    case 1:
        card->overlay[below(4)] = ':';
        break;
    case 2:
        card->method = 'C';
        break;
    case 3:
        card->psn[below(2)] = 'x';
        break;
    default:
        card->pan.len = 20;
    }
}

static unsigned check_dynamic(const struct crypto_des_kernel *kernel, size_t count, unsigned one_bad_in)
{
    static struct cvv_dynamic dynamic[CARDS_MAX];
    struct secret_key pair = random_pair();
    struct cvv_master master;
    unsigned bad = 0;
    for (size_t i = 0; i < count; i++) {
        random_dynamic(&dynamic[i]);
        if (one_bad_in > 0 && below(one_bad_in) == 0)
            spoil_dynamic(&dynamic[i]);
    }
    assert_int_equal(cvv_master_load(&pair, &master), ERR_OK);
    assert_int_equal(cvv_batch_load(&pair, &batch), ERR_OK);
    cvv_batch_dynamic(kernel, &batch, dynamic, count, codes);
    for (size_t i = 0; i < count; i++) {
        struct code_digits one = {.at = {0}};
        enum err err = cvv_dynamic_generate(&master, &dynamic[i], &one);
        assert_int_equal(codes[i].err, err);
        assert_memory_equal(codes[i].digit, one.at, 3);
        bad += err != ERR_OK;
    }
    cvv_master_unload(&master);
    return bad;
}

static void dynamic_codes_equal_those_one_by_one(void **state)
{
    (void)state;
    static const size_t counts[] = {1, 2, 127, 129, 511, 513, 1100};
    const struct crypto_des_kernel *kernel;
    for (size_t k = 0; (kernel = crypto_des_kernel_at(k)); k++) {
        for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
            assert_int_equal(check_dynamic(kernel, counts[i], 0), 0);
        assert_true(check_dynamic(kernel, 900, 5) > 80);
    }
}

/* ---- decimalisation ---- */

/* Few decimal digits, often none. */
static uint64_t lettered_block(void)
{
    uint64_t block = 0;
    unsigned decimals = below(5);
    for (unsigned i = 0; i < 16; i++)
        block = block << 4 | (below(16) < decimals ? below(10) : 10 + below(6));
    return block;
}

/* The blocks of ciphers have enough decimal digits but for one in 18,000. */
static void the_second_pass_is_taken(void **state)
{
    (void)state;
    static uint64_t blocks[CRYPTO_DES_BATCH_LANES_MAX], made[CRYPTO_DES_BATCH_LANES_MAX];
    static struct crypto_des_planes planes;
    const struct crypto_des_kernel *kernel;
    unsigned letters_alone = 0;
    for (size_t k = 0; (kernel = crypto_des_kernel_at(k)); k++) {
        for (size_t i = 0; i < kernel->lanes; i++)
            blocks[i] = i == 0 ? 0xABCDEFABCDEFABCD : i == 1 ? 0xFFFFFFFFFFFFFFF9 : lettered_block();
        kernel->gather(blocks, &planes);
        cvv_planes_decimalise(&planes, kernel->lanes / 64U);
        crypto_des_batch_scatter(kernel, &planes, made);
        for (size_t i = 0; i < kernel->lanes; i++) {
            char expected[16];
            size_t count = 0;
            for (int n = 60; n >= 0; n -= 4)
                if ((blocks[i] >> n & 15) < 10)
                    expected[count++] = (char)(blocks[i] >> n & 15);
            letters_alone += count == 0;
            for (int n = 60; n >= 0; n -= 4)
                if ((blocks[i] >> n & 15) >= 10)
                    expected[count++] = (char)((blocks[i] >> n & 15) - 10);
            for (size_t n = 0; n < CVV_BATCH_DIGITS; n++)
                assert_int_equal(made[i] >> 8 * n & 15, expected[n]);
        }
    }
    assert_true(letters_alone > 10);
}

static void other_key_lengths_are_refused(void **state)
{
    (void)state;
    static const uint8_t lengths[] = {0, 8, 24, 32};
    for (size_t i = 0; i < sizeof lengths; i++)
        assert_int_equal(cvv_batch_load(&(struct secret_key){.len = lengths[i]}, &batch), CRYPTO_ERR_KEY_LENGTH);
}

static int set_up(void **state)
{
    (void)state;
    env = rng_env(512);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_batch_equals_its_cards),          cmocka_unit_test(counts_are_any),
        cmocka_unit_test(bad_cards_do_not_spoil_the_others), cmocka_unit_test(dynamic_codes_equal_those_one_by_one),
        cmocka_unit_test(the_second_pass_is_taken),          cmocka_unit_test(other_key_lengths_are_refused),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
