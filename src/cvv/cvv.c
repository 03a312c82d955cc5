/* SPDX-License-Identifier: Apache-2.0 */
#include "cvv/cvv.h"

#include "cvv/internal.h"

enum err cvv_key_load(const struct secret_key *pair, struct cvv_key *out)
{
    if (pair->len != 16)
        return ERR_KEY_LENGTH;
    SECRET_KEY left = {.len = 8};
    memcpy(left.at, pair->at, 8);
    struct cvv_key key = {0};
    enum err err = des_load(&left, &key.left);
    if (err == ERR_OK)
        err = des_load(pair, &key.pair);
    if (err == ERR_OK)
        *out = key;
    else
        cvv_key_unload(&key);
    secret_wipe(&key, sizeof key);
    return err;
}

void cvv_key_unload(struct cvv_key *key)
{
    des_unload(&key->left);
    des_unload(&key->pair);
}

/* X = DES(KA, L); Y = EDE2(KA KB, X xor R). Blocks are numbers; the cipher sees their bytes, the most significant first. */
static enum err encipher(struct cvv_key *key, const struct cvv_blocks *in, uint64_t *out)
{
    uint64_t block = htobe64(in->left);
    uint8_t at[DES_BLOCK];
    memcpy(at, &block, sizeof at);
    enum err err = des_encrypt(&key->left, at, at, sizeof at);
    memcpy(&block, at, sizeof at);
    block ^= htobe64(in->right);
    memcpy(at, &block, sizeof at);
    if (err == ERR_OK)
        err = des_encrypt(&key->pair, at, at, sizeof at);
    memcpy(&block, at, sizeof at);
    *out = be64toh(block);
    secret_wipe(at, sizeof at);
    return err;
}

static enum err make_block(struct cvv_key *key, const struct pan *pan, const char expiry[static 4], const char service[static 3],
                           uint64_t *out)
{
    struct cvv_blocks blocks;
    TRY(cvv_pack(pan, expiry, service, &blocks));
    enum err err = encipher(key, &blocks, out);
    secret_wipe(&blocks, sizeof blocks);
    return err;
}

enum err cvv_block(struct cvv_key *key, const struct pan *pan, const char expiry[static 4], const char service[static 3],
                   uint8_t out[static DES_BLOCK])
{
    uint64_t block;
    TRY(make_block(key, pan, expiry, service, &block));
    block = htobe64(block);
    memcpy(out, &block, sizeof block);
    return ERR_OK;
}

static unsigned nibble_at(const uint8_t *block, size_t i)
{
    return ((unsigned)block[i / 2] >> (i % 2 == 0 ? 4 : 0)) & 15;
}

/* 1 if a is less than b, without a branch; for small numbers. */
static unsigned less(unsigned a, unsigned b)
{
    return (a - b) >> 31;
}

enum { PLACES = sizeof((struct code_digits *)0)->at };

/* A row of up to sixteen digits, four bits each; more are masked away. */
struct row {
    uint64_t digits;
    unsigned len;
};

/* Adds the digit if `take` is 1, without a branch. */
static void row_add(struct row *row, unsigned digit, unsigned take)
{
    uint64_t kept = digit * (take & less(row->len, PLACES));
    row->digits |= kept << (4 * (row->len % PLACES));
    row->len += take;
}

/*
 * Neither branches nor addresses depend on the block: decimal digits and letters are gathered in a row each, and the letters are
 * shifted behind the digits (in two halves, because a shift by the whole width is undefined).
 */
static void decimalise_any(const uint8_t *block, size_t hex_digits, uint8_t digits, struct code_digits *out)
{
    struct row decimals = {0, 0}, letters = {0, 0};
    for (size_t i = 0; i < hex_digits; i++) {
        unsigned nibble = nibble_at(block, i), decimal = less(nibble, 10);
        row_add(&decimals, nibble, decimal);
        row_add(&letters, nibble - 10, 1 - decimal);
    }
    unsigned behind = decimals.len + (PLACES - decimals.len) * less(PLACES, decimals.len);
    uint64_t made = decimals.digits | letters.digits << (2 * behind) << (2 * behind);
    *out = (struct code_digits){.len = digits};
    for (size_t k = 0; k < digits; k++)
        out->at[k] = (char)('0' + (made >> (4 * k) & 15));
}

/*
 * The block of a CVV. Bit 31 - i of `places` says that digit i of the block is decimal, bit 15 - i that it is a letter: from the
 * left, that is the order in which they are taken. Counting leading zeros and shifting take the same time for any number.
 */
static void decimalise_block(uint64_t block, uint8_t digits, struct code_digits *out)
{
    uint64_t letters = (block & (block << 1 | block << 2) & 0x8888888888888888) >> 3;
    letters = (letters | letters >> 3) & 0x0303030303030303;
    letters = (letters | letters >> 6) & 0x000F000F000F000F;
    letters = (letters | letters >> 12) & 0x000000FF000000FF;
    letters = (letters | letters >> 24) & 0x000000000000FFFF;
    uint32_t places = (uint32_t)((~letters & 0xFFFF) << 16 | letters);
    *out = (struct code_digits){.len = digits};
    for (size_t k = 0; k < digits; k++) {
        unsigned i = (unsigned)__builtin_clz(places);
        unsigned nibble = (unsigned)(block >> (60 - 4 * (i & 15))) & 15;
        out->at[k] = (char)('0' + nibble - 10 * (i >> 4));
        places ^= UINT32_C(0x80000000) >> i;
    }
}

void cvv_decimalise(const uint8_t *block, size_t hex_digits, uint8_t digits, struct code_digits *out)
{
    uint64_t number;
    ASSERT(digits <= PLACES && digits <= hex_digits);
    if (hex_digits != 2 * sizeof number) {
        decimalise_any(block, hex_digits, digits, out);
        return;
    }
    memcpy(&number, block, sizeof number);
    decimalise_block(be64toh(number), digits, out);
}

enum err cvv_generate(struct cvv_key *key, const struct pan *pan, const char expiry[static 4], const char service[static 3],
                      uint8_t digits, struct code_digits *out)
{
    uint64_t block;
    if (digits < 1 || digits > sizeof out->at)
        return ERR_PARSE_VALUE;
    TRY(make_block(key, pan, expiry, service, &block));
    decimalise_block(block, digits, out);
    secret_wipe(&block, sizeof block);
    return ERR_OK;
}
