/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DES on many blocks at once, bit-sliced.
 *
 * Purpose    One key, hundreds of blocks: bit n of every block stands in one wide register (a plane), and the S-boxes are circuits
 *            of logical operations. Neither branch nor address depends on a key or a block: constant time by construction.
 * Ownership  crypto_des_batch_load fills a plain struct, crypto_des_batch_unload wipes it. Planes are the caller's; who is done
 *            with them wipes.
 * Threading  Free of state.
 * Failure    CRYPTO_ERR_KEY_LENGTH_ALGORITHM for a key that is neither single nor double length; nothing else can fail.
 * Limits     Single DES and EDE2. A kernel works on `lanes` blocks at a time and costs the same for one as for all of them.
 *            A block is a number whose most significant bit is bit 1 of FIPS 46-3.
 *
 * Example
 *     struct crypto_des_batch_key key;
 *     TRY(crypto_des_batch_load(&pair, &key));
 *     crypto_des_batch_encrypt(crypto_des_kernel_best(), &key, blocks, blocks, count);
 *     crypto_des_batch_unload(&key);
 */
#ifndef CRYPTO_DES_BATCH_H
#define CRYPTO_DES_BATCH_H

#include "base/secret.h"

enum {
    CRYPTO_DES_BATCH_LANES_MAX = 512,
    CRYPTO_DES_BATCH_ROUNDS = 16,
    CRYPTO_DES_BATCH_ROUND_BITS = 48,
    CRYPTO_DES_BATCH_WORDS = CRYPTO_DES_BATCH_LANES_MAX / 64
};

/* at[n]: bit n of each block, counted from the least significant. Which lane holds which block is the kernel's affair. */
struct crypto_des_planes {
    _Alignas(64) uint64_t at[64][CRYPTO_DES_BATCH_WORDS];
};

/* Each bit of each round key as a mask; [1] is the second half of a double-length key. */
struct crypto_des_batch_key {
    uint64_t mask[2][CRYPTO_DES_BATCH_ROUNDS][CRYPTO_DES_BATCH_ROUND_BITS];
    uint8_t halves; /* 1: single DES, 2: EDE2 */
};

/* Which bit of a key each bit of a round key is: the plane of key blocks that holds it. */
struct crypto_des_batch_order {
    uint8_t plane[CRYPTO_DES_BATCH_ROUNDS][CRYPTO_DES_BATCH_ROUND_BITS];
};

/* One implementation. Only des_batch.c calls these; everyone else the functions below. */
struct crypto_des_kernel {
    const char *name;
    uint16_t lanes;
    bool (*runs_here)(void);
    void (*gather)(const uint64_t *blocks, struct crypto_des_planes *out);
    void (*scatter)(const struct crypto_des_planes *planes, uint64_t *blocks);
    void (*encrypt)(const struct crypto_des_batch_key *key, struct crypto_des_planes *planes);
    void (*chain)(const struct crypto_des_batch_key *key, const struct crypto_des_planes *left,
                  const struct crypto_des_planes *right, struct crypto_des_planes *out);
    void (*chain_each)(const struct crypto_des_batch_order *order, const struct crypto_des_planes keys[2],
                       const struct crypto_des_planes *left, const struct crypto_des_planes *right, struct crypto_des_planes *out);
};

/* The widest that this machine runs. */
const struct crypto_des_kernel *crypto_des_kernel_best(void);
/* Those that this machine runs, the widest first; NULL behind the last one. */
const struct crypto_des_kernel *crypto_des_kernel_at(size_t i);

MUST_USE enum err crypto_des_batch_load(const struct secret_key *key, struct crypto_des_batch_key *out);
void crypto_des_batch_unload(struct crypto_des_batch_key *key);

/* ECB over `count` blocks; `in` and `out` may be the same. */
void crypto_des_batch_encrypt(const struct crypto_des_kernel *kernel, const struct crypto_des_batch_key *key, const uint64_t *in,
                              uint64_t *out, size_t count);

/*
 * The cipher of a CVV, EDE2(K, DES(KA, left) xor right), for up to `kernel->lanes` blocks of a double-length key; the result stays
 * in planes, as many words of each row as `kernel->lanes` / 64.
 */
void crypto_des_batch_chain(const struct crypto_des_kernel *kernel, const struct crypto_des_batch_key *key, const uint64_t *left,
                            const uint64_t *right, size_t count, struct crypto_des_planes *out);
/* The same with a key for each block: its two halves as numbers, whose parity bits are not looked at. */
struct crypto_des_batch_pairs {
    const uint64_t *first;
    const uint64_t *second;
};
void crypto_des_batch_chain_each(const struct crypto_des_kernel *kernel, const struct crypto_des_batch_pairs *keys,
                                 const uint64_t *left, const uint64_t *right, size_t count, struct crypto_des_planes *out);
/* Planes as `kernel->lanes` numbers: the n-th belongs to the n-th block. */
void crypto_des_batch_scatter(const struct crypto_des_kernel *kernel, const struct crypto_des_planes *planes, uint64_t *out);

#endif
