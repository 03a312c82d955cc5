/* SPDX-License-Identifier: Apache-2.0 */
#include "cvv/cvv.h"

#include "crypto/error.h"
#include "cvv/internal.h"

enum err cvv_key_load(const struct secret_key *pair, struct cvv_key *out)
{
    if (pair->len != 16)
        return CRYPTO_ERR_KEY_LENGTH;
    SECRET_KEY left = {.len = 8};
    memcpy(left.at, pair->at, 8);
    struct cvv_key key = {0};
    enum err err = crypto_des_load(&left, &key.left);
    if (err == ERR_OK)
        err = crypto_des_load(pair, &key.pair);
    if (err == ERR_OK)
        *out = key;
    else
        cvv_key_unload(&key);
    secret_wipe(&key, sizeof key);
    return err;
}

void cvv_key_unload(struct cvv_key *key)
{
    crypto_des_unload(&key->left);
    crypto_des_unload(&key->pair);
}

static enum err encipher_number(struct crypto_des *des, uint64_t *number)
{
    uint64_t bytes = htobe64(*number);
    enum err err = crypto_des_encrypt(des, (const uint8_t *)&bytes, (uint8_t *)&bytes, sizeof bytes);
    *number = be64toh(bytes);
    return err;
}

/* X = DES(KA, L); Y = EDE2(KA KB, X xor R). The result takes the place of `left`; the caller wipes, whatever comes back. */
static enum err make_block(struct cvv_key *key, const struct card_pan *pan, const char expiry[static 4],
                           const char service[static 3], struct cvv_blocks *blocks)
{
    TRY(cvv_pack(pan, expiry, service, blocks));
    TRY(encipher_number(&key->left, &blocks->left));
    blocks->left ^= blocks->right;
    return encipher_number(&key->pair, &blocks->left);
}

enum err cvv_block(struct cvv_key *key, const struct card_pan *pan, const char expiry[static 4], const char service[static 3],
                   uint8_t out[static CRYPTO_DES_BLOCK])
{
    struct cvv_blocks blocks;
    enum err err = make_block(key, pan, expiry, service, &blocks);
    uint64_t bytes = htobe64(blocks.left);
    if (err == ERR_OK)
        memcpy(out, &bytes, sizeof bytes);
    secret_wipe(&blocks, sizeof blocks);
    return err;
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
 * The block of a CVV, its digits turned round so that the leftmost stands lowest. Bit 4i of `decimals` or of `letters` says what
 * digit i is; each step takes the lowest decimal one, or the lowest letter if none is left. Shifts and the counting of zeros take
 * the same time for any number.
 */
static void decimalise_block(uint64_t block, uint8_t digits, struct code_digits *out)
{
    uint64_t pairs = __builtin_bswap64(block), ones = 0x1111111111111111, low = CVV_EACH_BYTE(0x0F);
    uint64_t turned = (pairs >> 4 & low) | (pairs & low) << 4;
    uint64_t letters = (turned >> 3 & (turned >> 2 | turned >> 1)) & ones, decimals = letters ^ ones;
    *out = (struct code_digits){.len = digits};
    for (size_t k = 0; k < digits; k++) {
        uint64_t second = (decimals - 1) >> 63; /* 1: no decimal digit is left */
        int place = __builtin_ctzll(decimals | (letters & -second));
        out->at[k] = (char)('0' + (turned >> place & 15) - 10 * second);
        decimals &= decimals - 1;
        letters &= letters - second;
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

enum err cvv_generate(struct cvv_key *key, const struct card_pan *pan, const char expiry[static 4], const char service[static 3],
                      uint8_t digits, struct code_digits *out)
{
    struct cvv_blocks blocks;
    if (digits < 1 || digits > sizeof out->at)
        return ERR_PARSE_VALUE;
    enum err err = make_block(key, pan, expiry, service, &blocks);
    if (err == ERR_OK)
        decimalise_block(blocks.left, digits, out);
    secret_wipe(&blocks, sizeof blocks);
    return err;
}

enum verdict cvv_verdict(const struct code_digits *right, const struct code_digits *given)
{
    return secret_code_equal(right, given) ? VERDICT_MATCH : VERDICT_MISMATCH;
}
