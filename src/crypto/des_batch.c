/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/des_batch.h"

#include "crypto/error.h"
#include "crypto/internal.h"

#include <string.h>

/* ---- kernels ---- */

static const struct crypto_des_kernel *const kernels[] = {
#if defined(__x86_64__)
    &crypto_des_kernel_avx512,
    &crypto_des_kernel_avx2,
#endif
    &crypto_des_kernel_portable,
};

const struct crypto_des_kernel *crypto_des_kernel_at(size_t i)
{
    for (size_t k = 0; k < sizeof kernels / sizeof *kernels; k++)
        if (kernels[k]->runs_here() && i-- == 0)
            return kernels[k];
    return NULL;
}

const struct crypto_des_kernel *crypto_des_kernel_best(void)
{
    return crypto_des_kernel_at(0);
}

/* ---- key schedule (FIPS 46-3, appendix 1) ---- */

enum { CHOSEN = 56, HALF = CHOSEN / 2 };

/* clang-format off */
static const uint8_t permuted_choice_1[CHOSEN] = {
    57, 49, 41, 33, 25, 17,  9,  1, 58, 50, 42, 34, 26, 18, 10,  2, 59, 51, 43, 35, 27, 19, 11,  3, 60, 52, 44, 36,
    63, 55, 47, 39, 31, 23, 15,  7, 62, 54, 46, 38, 30, 22, 14,  6, 61, 53, 45, 37, 29, 21, 13,  5, 28, 20, 12,  4,
};
static const uint8_t permuted_choice_2[CRYPTO_DES_BATCH_ROUND_BITS] = {
    14, 17, 11, 24,  1,  5,  3, 28, 15,  6, 21, 10, 23, 19, 12,  4, 26,  8, 16,  7, 27, 20, 13,  2,
    41, 52, 31, 37, 47, 55, 30, 40, 51, 45, 33, 48, 44, 49, 39, 56, 34, 53, 46, 42, 50, 36, 29, 32,
};
static const uint8_t left_shifts[CRYPTO_DES_BATCH_ROUNDS] = {1, 1, 2, 2, 2, 2, 2, 2, 1, 2, 2, 2, 2, 2, 2, 1};
/* clang-format on */

/* All ones where bit `number` of the key, counted from 1, is set. */
static uint64_t key_mask(const uint8_t key[static 8], unsigned number)
{
    return -(uint64_t)(key[(number - 1) / 8] >> (7 - (number - 1) % 8) & 1);
}

/* C and D rotate by themselves: each stands twice in a row, and a rotation is where the row is read from. */
struct chosen {
    uint64_t half[2][2 * HALF];
};

static void choose(const uint8_t key[static 8], struct chosen *out)
{
    for (unsigned i = 0; i < CHOSEN; i++) {
        uint64_t *row = out->half[i / HALF];
        row[i % HALF] = row[i % HALF + HALF] = key_mask(key, permuted_choice_1[i]);
    }
}

static void schedule(const uint8_t key[static 8], uint64_t out[static CRYPTO_DES_BATCH_ROUNDS][CRYPTO_DES_BATCH_ROUND_BITS])
{
    struct chosen chosen;
    unsigned shifts = 0;
    choose(key, &chosen);
    for (unsigned round = 0; round < CRYPTO_DES_BATCH_ROUNDS; round++) {
        shifts += left_shifts[round];
        /* The first half of the bits comes out of C, the second out of D. */
        for (unsigned bit = 0; bit < CRYPTO_DES_BATCH_ROUND_BITS / 2; bit++)
            out[round][bit] = chosen.half[0][permuted_choice_2[bit] - 1U + shifts];
        for (unsigned bit = CRYPTO_DES_BATCH_ROUND_BITS / 2; bit < CRYPTO_DES_BATCH_ROUND_BITS; bit++)
            out[round][bit] = chosen.half[1][permuted_choice_2[bit] - 1U - HALF + shifts];
    }
    secret_wipe(&chosen, sizeof chosen);
}

enum err crypto_des_batch_load(const struct secret_key *key, struct crypto_des_batch_key *out)
{
    if (key->len != 8 && key->len != 16)
        return CRYPTO_ERR_KEY_LENGTH_ALGORITHM;
    out->halves = key->len / 8;
    schedule(key->at, out->mask[0]);
    schedule(key->at + 8 * (out->halves - 1), out->mask[1]);
    return ERR_OK;
}

void crypto_des_batch_unload(struct crypto_des_batch_key *key)
{
    secret_wipe(key, sizeof *key);
}

/* ---- blocks ---- */

/* `count` blocks, and zeros in the lanes that are left over. */
static void gather(const struct crypto_des_kernel *kernel, const uint64_t *blocks, size_t count, struct crypto_des_planes *out)
{
    uint64_t all[CRYPTO_DES_BATCH_LANES_MAX];
    ASSERT(count <= kernel->lanes);
    if (count == kernel->lanes) {
        kernel->gather(blocks, out);
        return;
    }
    memcpy(all, blocks, count * sizeof *all);
    memset(all + count, 0, (kernel->lanes - count) * sizeof *all);
    kernel->gather(all, out);
    secret_wipe(all, count * sizeof *all);
}

void crypto_des_batch_encrypt(const struct crypto_des_kernel *kernel, const struct crypto_des_batch_key *key, const uint64_t *in,
                              uint64_t *out, size_t count)
{
    struct crypto_des_planes planes;
    uint64_t made[CRYPTO_DES_BATCH_LANES_MAX];
    for (size_t done = 0; done < count; done += kernel->lanes) {
        size_t now = count - done < kernel->lanes ? count - done : kernel->lanes;
        gather(kernel, in + done, now, &planes);
        kernel->encrypt(key, &planes);
        kernel->scatter(&planes, made);
        memcpy(out + done, made, now * sizeof *made);
    }
    secret_wipe(&planes, sizeof planes);
    secret_wipe(made, sizeof made);
}

void crypto_des_batch_chain(const struct crypto_des_kernel *kernel, const struct crypto_des_batch_key *key, const uint64_t *left,
                            const uint64_t *right, size_t count, struct crypto_des_planes *out)
{
    struct crypto_des_planes l, r;
    ASSERT(key->halves == 2);
    gather(kernel, left, count, &l);
    gather(kernel, right, count, &r);
    kernel->chain(key, &l, &r, out);
    secret_wipe(&l, sizeof l);
    secret_wipe(&r, sizeof r);
}

/* C and D rotate by themselves. */
static unsigned rotated(unsigned place, unsigned shifts)
{
    unsigned half = place < HALF ? 0 : HALF;
    return half + (place - half + shifts) % HALF;
}

static void order_make(struct crypto_des_batch_order *out)
{
    unsigned shifts = 0;
    for (unsigned round = 0; round < CRYPTO_DES_BATCH_ROUNDS; round++) {
        shifts += left_shifts[round];
        for (unsigned bit = 0; bit < CRYPTO_DES_BATCH_ROUND_BITS; bit++)
            out->plane[round][bit] = (uint8_t)(64U - permuted_choice_1[rotated(permuted_choice_2[bit] - 1U, shifts)]);
    }
}

void crypto_des_batch_chain_each(const struct crypto_des_kernel *kernel, const struct crypto_des_batch_pairs *keys,
                                 const uint64_t *left, const uint64_t *right, size_t count, struct crypto_des_planes *out)
{
    struct crypto_des_planes l, r, k[2];
    struct crypto_des_batch_order order;
    order_make(&order);
    gather(kernel, keys->first, count, &k[0]);
    gather(kernel, keys->second, count, &k[1]);
    gather(kernel, left, count, &l);
    gather(kernel, right, count, &r);
    kernel->chain_each(&order, k, &l, &r, out);
    secret_wipe(k, sizeof k);
    secret_wipe(&l, sizeof l);
    secret_wipe(&r, sizeof r);
}

void crypto_des_batch_scatter(const struct crypto_des_kernel *kernel, const struct crypto_des_planes *planes, uint64_t *out)
{
    kernel->scatter(planes, out);
}
