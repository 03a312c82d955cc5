/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/siphash.h"

enum { ROUNDS_BLOCK = 2, ROUNDS_END = 4, BLOCK = 8 };

struct state {
    uint64_t v0, v1, v2, v3;
};

static uint64_t rotate(uint64_t x, unsigned bits)
{
    return x << bits | x >> (64 - bits);
}

static uint64_t little_endian(const uint8_t *at, size_t len)
{
    uint64_t value = 0;
    for (size_t i = 0; i < len; i++)
        value |= (uint64_t)at[i] << (8 * i);
    return value;
}

static void rounds(struct state *s, int count)
{
    while (count-- > 0) {
        s->v0 += s->v1;
        s->v1 = rotate(s->v1, 13) ^ s->v0;
        s->v0 = rotate(s->v0, 32);
        s->v2 += s->v3;
        s->v3 = rotate(s->v3, 16) ^ s->v2;
        s->v0 += s->v3;
        s->v3 = rotate(s->v3, 21) ^ s->v0;
        s->v2 += s->v1;
        s->v1 = rotate(s->v1, 17) ^ s->v2;
        s->v2 = rotate(s->v2, 32);
    }
}

static void block(struct state *s, uint64_t m)
{
    s->v3 ^= m;
    rounds(s, ROUNDS_BLOCK);
    s->v0 ^= m;
}

uint64_t crypto_siphash(const struct crypto_siphash_key *key, struct span in)
{
    uint64_t k0 = little_endian(key->at, BLOCK);
    uint64_t k1 = little_endian(key->at + BLOCK, BLOCK);
    struct state s = {k0 ^ UINT64_C(0x736f6d6570736575), k1 ^ UINT64_C(0x646f72616e646f6d), k0 ^ UINT64_C(0x6c7967656e657261),
                      k1 ^ UINT64_C(0x7465646279746573)};
    size_t whole = in.len / BLOCK * BLOCK;
    for (size_t i = 0; i < whole; i += BLOCK)
        block(&s, little_endian(in.at + i, BLOCK));
    block(&s, (uint64_t)in.len << 56 | little_endian(in.at + whole, in.len - whole));
    s.v2 ^= 0xFF;
    rounds(&s, ROUNDS_END);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
