/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The body of a bit-sliced DES kernel, for files of the room: included once by each des_batch_*.c, which has defined LANE, a vector
 * of 64-bit words, KERNEL and KERNEL_NAME, and the S-boxes SBOX(1) to SBOX(8) over LANE.
 *
 * A kernel works on `LANES` blocks. Block n stands in word n % WORDS, bit n / WORDS of each plane: that is how 64 vectors of WORDS
 * consecutive blocks come out of a transposition of their 64 x 64 bits.
 */
#include <string.h>

enum { WORDS = sizeof(LANE) / 8, LANES = 64 * WORDS };

#define INLINE static inline __attribute__((always_inline))

/* A mask in every word. */
INLINE LANE spread(uint64_t word)
{
    return word - (LANE){0};
}

/* ---- blocks to planes and back: the 64 x 64 bits of each word transposed (Warren, Hacker's Delight, 7-3) ---- */

INLINE void swap_corners(LANE *row, unsigned step, uint64_t mask)
{
    for (unsigned i = 0; i < 64; i = (i + step + 1) & ~step) {
        LANE t = (row[i] >> step ^ row[i + step]) & spread(mask);
        row[i] ^= t << step;
        row[i + step] ^= t;
    }
}

static void transpose(LANE row[static 64])
{
    swap_corners(row, 32, 0x00000000FFFFFFFF);
    swap_corners(row, 16, 0x0000FFFF0000FFFF);
    swap_corners(row, 8, 0x00FF00FF00FF00FF);
    swap_corners(row, 4, 0x0F0F0F0F0F0F0F0F);
    swap_corners(row, 2, 0x3333333333333333);
    swap_corners(row, 1, 0x5555555555555555);
}

static void gather(const uint64_t *blocks, struct crypto_des_planes *out)
{
    LANE row[64];
    memcpy(row, blocks, sizeof row);
    transpose(row);
    for (unsigned i = 0; i < 64; i++)
        memcpy(out->at[i], &row[i], sizeof row[i]);
    secret_wipe(row, sizeof row);
}

static void scatter(const struct crypto_des_planes *planes, uint64_t *blocks)
{
    LANE row[64];
    for (unsigned i = 0; i < 64; i++)
        memcpy(&row[i], planes->at[i], sizeof row[i]);
    transpose(row);
    memcpy(blocks, row, sizeof row);
    secret_wipe(row, sizeof row);
}

/* ---- DES (FIPS 46-3); the permutations are wiring ---- */

/* What a round works on: bit n of the halves, counted from 1 as the standard does, is at[n - 1]. */
struct halves {
    LANE left[32];
    LANE right[32];
};

/* The initial permutation: bit n of the left half is bit 58, 50, ... of the block; the right half's is one less. */
INLINE unsigned initial(unsigned n)
{
    return 64 - (58 + 2 * (n / 8) - 8 * (n % 8));
}

/* P, from the S-boxes' side: where the 32 outputs of the boxes go, counted from 0. */
static const uint8_t permutation[32] = {8, 16, 22, 30, 12, 27, 1,  17, 23, 15, 29, 5, 25, 19, 9,  0,
                                        7, 13, 24, 2,  3,  28, 10, 18, 31, 11, 21, 6, 4,  26, 14, 20};

INLINE LANE plane_of(const struct crypto_des_planes *planes, unsigned n)
{
    LANE plane;
    memcpy(&plane, planes->at[n], sizeof plane);
    return plane;
}

typedef void box_function(const LANE in[static 6], LANE out[static 4]);

/* A round key: masks that all blocks share, or (masks NULL) the planes of the blocks' own keys. Which of them is known when a round
 * is compiled. */
struct round_key {
    const uint64_t *masks;
    const struct crypto_des_planes *planes;
    const uint8_t *order;
};

INLINE LANE key_lane(const struct round_key *key, unsigned bit)
{
    return key->masks ? spread(key->masks[bit]) : plane_of(key->planes, key->order[bit]);
}

/* The expansion gives box b the bits 4b-1 .. 4b+4 of the half, counted from 0 round the corner. Written out, because a loop would
 * keep the operands in memory. */
INLINE void box(box_function *circuit, unsigned b, const LANE from[static 32], LANE to[static 32], const struct round_key *key)
{
    const LANE in[6] = {
        from[(4 * b + 31) % 32] ^ key_lane(key, 6 * b), from[4 * b] ^ key_lane(key, 6 * b + 1),
        from[4 * b + 1] ^ key_lane(key, 6 * b + 2),     from[4 * b + 2] ^ key_lane(key, 6 * b + 3),
        from[4 * b + 3] ^ key_lane(key, 6 * b + 4),     from[(4 * b + 4) % 32] ^ key_lane(key, 6 * b + 5),
    };
    LANE out[4];
    circuit(in, out);
    to[permutation[4 * b]] ^= out[0];
    to[permutation[4 * b + 1]] ^= out[1];
    to[permutation[4 * b + 2]] ^= out[2];
    to[permutation[4 * b + 3]] ^= out[3];
}

INLINE void one_round(const LANE from[static 32], LANE to[static 32], struct round_key key)
{
    box(SBOX(1), 0, from, to, &key);
    box(SBOX(2), 1, from, to, &key);
    box(SBOX(3), 2, from, to, &key);
    box(SBOX(4), 3, from, to, &key);
    box(SBOX(5), 4, from, to, &key);
    box(SBOX(6), 5, from, to, &key);
    box(SBOX(7), 6, from, to, &key);
    box(SBOX(8), 7, from, to, &key);
}

/* Sixteen rounds, two at a time so that the halves need not change places. `step` 1: enciphers; -1: deciphers. */
static __attribute__((noinline)) void rounds(LANE left[static 32], LANE right[static 32],
                                             const uint64_t key[static CRYPTO_DES_BATCH_ROUNDS][CRYPTO_DES_BATCH_ROUND_BITS],
                                             int step)
{
    const uint64_t(*at)[CRYPTO_DES_BATCH_ROUND_BITS] = step > 0 ? key : key + CRYPTO_DES_BATCH_ROUNDS - 1;
    for (unsigned i = 0; i < CRYPTO_DES_BATCH_ROUNDS / 2; i++, at += 2 * step) {
        one_round(right, left, (struct round_key){.masks = at[0]});
        one_round(left, right, (struct round_key){.masks = at[step]});
    }
}

/* The same under a key of each block's own. */
static __attribute__((noinline)) void rounds_each(LANE left[static 32], LANE right[static 32], const struct crypto_des_planes *key,
                                                  const struct crypto_des_batch_order *order, int step)
{
    const uint8_t(*at)[CRYPTO_DES_BATCH_ROUND_BITS] = step > 0 ? order->plane : order->plane + CRYPTO_DES_BATCH_ROUNDS - 1;
    for (unsigned i = 0; i < CRYPTO_DES_BATCH_ROUNDS / 2; i++, at += 2 * step) {
        one_round(right, left, (struct round_key){.planes = key, .order = at[0]});
        one_round(left, right, (struct round_key){.planes = key, .order = at[step]});
    }
}

/* Xors the initially permuted block into the halves. */
static void enter(const struct crypto_des_planes *planes, LANE left[static 32], LANE right[static 32])
{
    for (unsigned i = 0; i < 32; i++) {
        left[i] ^= plane_of(planes, initial(i));
        right[i] ^= plane_of(planes, initial(i) + 1);
    }
}

/* The final permutation is the inverse of the initial one; the preoutput is the right half before the left. */
static void leave(const LANE left[static 32], const LANE right[static 32], struct crypto_des_planes *out)
{
    for (unsigned i = 0; i < 32; i++) {
        memcpy(out->at[initial(i)], &right[i], sizeof right[i]);
        memcpy(out->at[initial(i) + 1], &left[i], sizeof left[i]);
    }
}

/* One after the other, the permutations between them cancel; only the halves change places each time. */
static void triple(const struct crypto_des_batch_key *key, LANE left[static 32], LANE right[static 32])
{
    rounds(left, right, key->mask[0], 1);
    rounds(right, left, key->mask[1], -1);
    rounds(left, right, key->mask[0], 1);
}

static void encrypt(const struct crypto_des_batch_key *key, struct crypto_des_planes *planes)
{
    struct halves h;
    memset(&h, 0, sizeof h);
    enter(planes, h.left, h.right);
    if (key->halves == 2)
        triple(key, h.left, h.right);
    else
        rounds(h.left, h.right, key->mask[0], 1);
    leave(h.left, h.right, planes);
    secret_wipe(&h, sizeof h);
}

static void chain(const struct crypto_des_batch_key *key, const struct crypto_des_planes *left,
                  const struct crypto_des_planes *right, struct crypto_des_planes *out)
{
    struct halves h;
    memset(&h, 0, sizeof h);
    enter(left, h.left, h.right);
    rounds(h.left, h.right, key->mask[0], 1);
    enter(right, h.right, h.left);
    triple(key, h.right, h.left);
    leave(h.right, h.left, out);
    secret_wipe(&h, sizeof h);
}

static void chain_each(const struct crypto_des_batch_order *order, const struct crypto_des_planes keys[2],
                       const struct crypto_des_planes *left, const struct crypto_des_planes *right, struct crypto_des_planes *out)
{
    struct halves h;
    memset(&h, 0, sizeof h);
    enter(left, h.left, h.right);
    rounds_each(h.left, h.right, &keys[0], order, 1);
    enter(right, h.right, h.left);
    rounds_each(h.right, h.left, &keys[0], order, 1);
    rounds_each(h.left, h.right, &keys[1], order, -1);
    rounds_each(h.right, h.left, &keys[0], order, 1);
    leave(h.right, h.left, out);
    secret_wipe(&h, sizeof h);
}

static bool runs_here(void);

const struct crypto_des_kernel KERNEL = {KERNEL_NAME, LANES, runs_here, gather, scatter, encrypt, chain, chain_each};
