/* SPDX-License-Identifier: Apache-2.0 */
/* Every lane of every kernel that this machine runs, against OpenSSL; every circuit against the tables of FIPS 46-3. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include "../../tools/des_sboxes.h"
#include "crypto/des.h"
#include "crypto/des_batch.h"
#include "crypto/error.h"
#include "support/rng.h"

#include <string.h>

enum { BLOCKS_MAX = 3 * CRYPTO_DES_BATCH_LANES_MAX + 1 };

static struct env env;

static uint64_t number_of(const uint8_t block[static CRYPTO_DES_BLOCK])
{
    uint64_t number = 0;
    for (int i = 0; i < CRYPTO_DES_BLOCK; i++)
        number = number << 8 | block[i];
    return number;
}

static void bytes_of(uint64_t number, uint8_t block[static CRYPTO_DES_BLOCK])
{
    for (int i = CRYPTO_DES_BLOCK - 1; i >= 0; i--, number >>= 8)
        block[i] = (uint8_t)number;
}

static struct secret_key random_key(uint8_t len)
{
    struct secret_key key = {.len = len};
    env_random(&env, key.at, len);
    return key;
}

static uint64_t cipher(struct crypto_des *des, uint64_t block)
{
    uint8_t at[CRYPTO_DES_BLOCK];
    bytes_of(block, at);
    assert_int_equal(crypto_des_encrypt(des, at, at, CRYPTO_DES_BLOCK), ERR_OK);
    return number_of(at);
}

static void check_encrypt(const struct crypto_des_kernel *kernel, uint8_t key_len, size_t count)
{
    static uint64_t in[BLOCKS_MAX], out[BLOCKS_MAX];
    static struct crypto_des_batch_key batch;
    struct secret_key key = random_key(key_len);
    struct crypto_des des;
    env_random(&env, in, sizeof in);
    memset(out, 0x5A, sizeof out);
    assert_int_equal(crypto_des_load(&key, &des), ERR_OK);
    assert_int_equal(crypto_des_batch_load(&key, &batch), ERR_OK);
    crypto_des_batch_encrypt(kernel, &batch, in, out, count);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(out[i], cipher(&des, in[i]));
    for (size_t i = count; i < BLOCKS_MAX; i++)
        assert_int_equal(out[i], 0x5A5A5A5A5A5A5A5A);
    crypto_des_batch_encrypt(kernel, &batch, in, in, count);
    assert_memory_equal(in, out, count * sizeof *in);
    crypto_des_unload(&des);
    crypto_des_batch_unload(&batch);
    assert_int_equal(batch.halves, 0);
}

static void every_lane_enciphers_as_openssl_does(void **state)
{
    (void)state;
    static const size_t counts[] = {0, 1, 2, 63, 64, 65, 127, 128, 129, 255, 256, 257, 511, 512, 513, 1024, BLOCKS_MAX};
    const struct crypto_des_kernel *kernel;
    for (size_t k = 0; (kernel = crypto_des_kernel_at(k)); k++)
        for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
            check_encrypt(kernel, 8, counts[i]);
            check_encrypt(kernel, 16, counts[i]);
        }
}

static void check_chain(const struct crypto_des_kernel *kernel, size_t count)
{
    static uint64_t left[CRYPTO_DES_BATCH_LANES_MAX], right[CRYPTO_DES_BATCH_LANES_MAX], out[CRYPTO_DES_BATCH_LANES_MAX];
    static struct crypto_des_batch_key batch;
    static struct crypto_des_planes planes;
    struct secret_key pair = random_key(16), half = {.len = 8};
    struct crypto_des first, second;
    memcpy(half.at, pair.at, 8);
    env_random(&env, left, sizeof left);
    env_random(&env, right, sizeof right);
    assert_int_equal(crypto_des_load(&half, &first), ERR_OK);
    assert_int_equal(crypto_des_load(&pair, &second), ERR_OK);
    assert_int_equal(crypto_des_batch_load(&pair, &batch), ERR_OK);
    crypto_des_batch_chain(kernel, &batch, left, right, count, &planes);
    crypto_des_batch_scatter(kernel, &planes, out);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(out[i], cipher(&second, cipher(&first, left[i]) ^ right[i]));
    crypto_des_unload(&first);
    crypto_des_unload(&second);
}

static void the_chain_of_a_cvv_is_its_two_steps(void **state)
{
    (void)state;
    const struct crypto_des_kernel *kernel;
    for (size_t k = 0; (kernel = crypto_des_kernel_at(k)); k++)
        for (int round = 0; round < 20; round++) {
            check_chain(kernel, kernel->lanes);
            check_chain(kernel, 1 + (size_t)round * 5);
        }
}

static void check_chain_each(const struct crypto_des_kernel *kernel, size_t count)
{
    static uint64_t key[2][CRYPTO_DES_BATCH_LANES_MAX], left[CRYPTO_DES_BATCH_LANES_MAX], right[CRYPTO_DES_BATCH_LANES_MAX],
        out[CRYPTO_DES_BATCH_LANES_MAX];
    static struct crypto_des_planes planes;
    const struct crypto_des_batch_pairs keys = {key[0], key[1]};
    env_random(&env, key, sizeof key);
    env_random(&env, left, sizeof left);
    env_random(&env, right, sizeof right);
    crypto_des_batch_chain_each(kernel, &keys, left, right, count, &planes);
    crypto_des_batch_scatter(kernel, &planes, out);
    for (size_t i = 0; i < count; i++) {
        struct secret_key half = {.len = 8}, pair = {.len = 16};
        struct crypto_des first, second;
        bytes_of(key[0][i], half.at);
        bytes_of(key[0][i], pair.at);
        bytes_of(key[1][i], pair.at + 8);
        assert_int_equal(crypto_des_load(&half, &first), ERR_OK);
        assert_int_equal(crypto_des_load(&pair, &second), ERR_OK);
        assert_int_equal(out[i], cipher(&second, cipher(&first, left[i]) ^ right[i]));
        crypto_des_unload(&first);
        crypto_des_unload(&second);
    }
}

static void each_block_has_its_own_key(void **state)
{
    (void)state;
    const struct crypto_des_kernel *kernel;
    for (size_t k = 0; (kernel = crypto_des_kernel_at(k)); k++) {
        check_chain_each(kernel, kernel->lanes);
        check_chain_each(kernel, 1);
        check_chain_each(kernel, kernel->lanes - 1U);
    }
}

/* Ronald Rivest, Testing Implementations of DES, 1985: a chain that meets every table entry and every wire. */
static void rivests_chain_comes_out(void **state)
{
    (void)state;
    const struct crypto_des_kernel *kernel;
    for (size_t k = 0; (kernel = crypto_des_kernel_at(k)); k++) {
        static struct crypto_des_batch_key batch;
        uint64_t x = 0x9474B8E8C73BCA7D;
        for (int i = 0; i < 16; i++) {
            struct secret_key key = {.len = 8};
            struct crypto_des des;
            bytes_of(x, key.at);
            assert_int_equal(crypto_des_batch_load(&key, &batch), ERR_OK);
            if (i % 2 == 0) {
                crypto_des_batch_encrypt(kernel, &batch, &x, &x, 1);
                continue;
            }
            /* The odd steps decipher, which a batch does only inside EDE2. */
            uint8_t at[CRYPTO_DES_BLOCK];
            bytes_of(x, at);
            assert_int_equal(crypto_des_load(&key, &des), ERR_OK);
            assert_int_equal(crypto_des_decrypt(&des, at, at, CRYPTO_DES_BLOCK), ERR_OK);
            crypto_des_unload(&des);
            x = number_of(at);
        }
        assert_int_equal(x, 0x1B1A2DDB4C642438);
    }
}

static void kernels_come_widest_first(void **state)
{
    (void)state;
    size_t count = 0;
    for (const struct crypto_des_kernel *kernel; (kernel = crypto_des_kernel_at(count)); count++) {
        assert_true(kernel->lanes <= CRYPTO_DES_BATCH_LANES_MAX);
        if (count > 0)
            assert_true(kernel->lanes < crypto_des_kernel_at(count - 1)->lanes);
    }
    assert_true(count >= 1);
    assert_ptr_equal(crypto_des_kernel_best(), crypto_des_kernel_at(0));
    assert_string_equal(crypto_des_kernel_at(count - 1)->name, "portable");
}

static void other_key_lengths_are_refused(void **state)
{
    (void)state;
    static struct crypto_des_batch_key batch;
    static const uint8_t lengths[] = {0, 24, 32};
    for (size_t i = 0; i < sizeof lengths; i++)
        assert_int_equal(crypto_des_batch_load(&(struct secret_key){.len = lengths[i]}, &batch), CRYPTO_ERR_KEY_LENGTH_ALGORITHM);
}

/* ---- circuits ---- */

typedef void circuit(const uint64_t in[static 6], uint64_t out[static 4]);

static void assert_circuit(circuit *made, unsigned box)
{
    uint64_t in[6] = {0}, out[4];
    for (unsigned v = 0; v < 64; v++)
        for (unsigned i = 0; i < 6; i++)
            in[i] |= (uint64_t)(v >> (5 - i) & 1) << v;
    made(in, out);
    for (unsigned v = 0; v < 64; v++)
        for (unsigned i = 0; i < 4; i++)
            assert_int_equal(out[i] >> v & 1, des_sbox_at(box, v) >> (3 - i) & 1);
}

#define LANE uint64_t
static uint64_t lookup(uint64_t a, uint64_t b, uint64_t c, unsigned table)
{
    uint64_t out = 0;
    for (unsigned i = 0; i < 64; i++)
        out |= (uint64_t)(table >> (4 * (a >> i & 1) + 2 * (b >> i & 1) + (c >> i & 1)) & 1) << i;
    return out;
}
#define TERNARY(a, b, c, table) lookup(a, b, c, table)

#include "crypto/des_sbox_binary.h"
#include "crypto/des_sbox_ternary.h"

#define CIRCUITS(kind)                                                                                                         \
    {                                                                                                                          \
        sbox_##kind##_1, sbox_##kind##_2, sbox_##kind##_3, sbox_##kind##_4, sbox_##kind##_5, sbox_##kind##_6, sbox_##kind##_7, \
            sbox_##kind##_8                                                                                                    \
    }

static void circuits_are_the_tables(void **state)
{
    (void)state;
    circuit *const made[2][8] = {CIRCUITS(binary), CIRCUITS(ternary)};
    for (unsigned kind = 0; kind < 2; kind++)
        for (unsigned b = 0; b < 8; b++)
            assert_circuit(made[kind][b], b);
}

static int set_up(void **state)
{
    (void)state;
    env = rng_env(46);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(circuits_are_the_tables),
        cmocka_unit_test(every_lane_enciphers_as_openssl_does),
        cmocka_unit_test(the_chain_of_a_cvv_is_its_two_steps),
        cmocka_unit_test(each_block_has_its_own_key),
        cmocka_unit_test(rivests_chain_comes_out),
        cmocka_unit_test(kernels_come_widest_first),
        cmocka_unit_test(other_key_lengths_are_refused),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
