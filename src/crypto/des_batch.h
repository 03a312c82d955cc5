/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DES on many blocks at once, bit-sliced.
 *
 * Purpose    One key, hundreds of blocks: bit n of every block stands in one wide register (a plane), and the S-boxes are circuits
 *            of logical operations. Neither branch nor address depends on a key or a block: constant time by construction.
 * Ownership  des_batch_load fills a plain struct, des_batch_unload wipes it. Planes are the caller's; who is done with them wipes.
 * Threading  Free of state.
 * Failure    ERR_KEY_LENGTH_ALGORITHM for a key that is neither single nor double length; nothing else can fail.
 * Limits     Single DES and EDE2. A kernel works on `lanes` blocks at a time and costs the same for one as for all of them.
 *            A block is a number whose most significant bit is bit 1 of FIPS 46-3.
 *
 * Example
 *     struct des_batch_key key;
 *     TRY(des_batch_load(&pair, &key));
 *     des_batch_encrypt(des_kernel_best(), &key, blocks, blocks, count);
 *     des_batch_unload(&key);
 */
#ifndef CRYPTO_DES_BATCH_H
#define CRYPTO_DES_BATCH_H

#include "base/secret.h"

enum { DES_BATCH_LANES_MAX = 512, DES_BATCH_ROUNDS = 16, DES_BATCH_ROUND_BITS = 48, DES_BATCH_WORDS = DES_BATCH_LANES_MAX / 64 };

/* at[n]: bit n of each block, counted from the least significant. Which lane holds which block is the kernel's affair. */
struct des_planes {
    _Alignas(64) uint64_t at[64][DES_BATCH_WORDS];
};

/* Each bit of each round key as a mask; [1] is the second half of a double-length key. */
struct des_batch_key {
    uint64_t mask[2][DES_BATCH_ROUNDS][DES_BATCH_ROUND_BITS];
    uint8_t halves; /* 1: single DES, 2: EDE2 */
};

/* Which bit of a key each bit of a round key is: the plane of key blocks that holds it. */
struct des_batch_order {
    uint8_t plane[DES_BATCH_ROUNDS][DES_BATCH_ROUND_BITS];
};

/* One implementation. Only des_batch.c calls these; everyone else the functions below. */
struct des_kernel {
    const char *name;
    uint16_t lanes;
    bool (*runs_here)(void);
    void (*gather)(const uint64_t *blocks, struct des_planes *out);
    void (*scatter)(const struct des_planes *planes, uint64_t *blocks);
    void (*encrypt)(const struct des_batch_key *key, struct des_planes *planes);
    void (*chain)(const struct des_batch_key *key, const struct des_planes *left, const struct des_planes *right,
                  struct des_planes *out);
    void (*chain_each)(const struct des_batch_order *order, const struct des_planes keys[2], const struct des_planes *left,
                       const struct des_planes *right, struct des_planes *out);
};

/* The widest that this machine runs. */
const struct des_kernel *des_kernel_best(void);
/* Those that this machine runs, the widest first; NULL behind the last one. */
const struct des_kernel *des_kernel_at(size_t i);

MUST_USE enum err des_batch_load(const struct secret_key *key, struct des_batch_key *out);
void des_batch_unload(struct des_batch_key *key);

/* ECB over `count` blocks; `in` and `out` may be the same. */
void des_batch_encrypt(const struct des_kernel *kernel, const struct des_batch_key *key, const uint64_t *in, uint64_t *out,
                       size_t count);

/*
 * The cipher of a CVV, EDE2(K, DES(KA, left) xor right), for up to `kernel->lanes` blocks of a double-length key; the result stays
 * in planes, as many words of each row as `kernel->lanes` / 64.
 */
void des_batch_chain(const struct des_kernel *kernel, const struct des_batch_key *key, const uint64_t *left, const uint64_t *right,
                     size_t count, struct des_planes *out);
/* The same with a key for each block: its two halves as numbers, whose parity bits are not looked at. */
struct des_batch_pairs {
    const uint64_t *first;
    const uint64_t *second;
};
void des_batch_chain_each(const struct des_kernel *kernel, const struct des_batch_pairs *keys, const uint64_t *left,
                          const uint64_t *right, size_t count, struct des_planes *out);
/* Planes as `kernel->lanes` numbers: the n-th belongs to the n-th block. */
void des_batch_scatter(const struct des_kernel *kernel, const struct des_planes *planes, uint64_t *out);

#endif
