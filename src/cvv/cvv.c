/* SPDX-License-Identifier: Apache-2.0 */
#include "cvv/cvv.h"

#include <string.h>

enum { NIBBLES = 32 };

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

/* PAN, expiry and service code as packed decimal, padded on the right with zeros to 32 digits. ERR_PARSE_* for anything that is
 * no digit; the largest is
 * looked at once, so that the loop does not stop at the first. */
static enum err pack(const struct pan *pan, const char expiry[static 4], const char service[static 3],
                     uint8_t out[static 2 * DES_BLOCK])
{
    uint8_t digit[NIBBLES];
    uint8_t most = 0;
    size_t len = pan->len;
    if (len < CARD_PAN_MIN || len > CARD_PAN_MAX)
        return ERR_PARSE_VALUE;
    memset(digit, '0', sizeof digit);
    memcpy(digit, pan->digit, len);
    memcpy(digit + len, expiry, 4);
    memcpy(digit + len + 4, service, 3);
    for (size_t i = 0; i < NIBBLES; i++) {
        digit[i] = (uint8_t)(digit[i] - '0');
        most = digit[i] > most ? digit[i] : most;
    }
    for (size_t i = 0; i < NIBBLES / 2; i++)
        out[i] = (uint8_t)(digit[2 * i] << 4 | digit[2 * i + 1]);
    secret_wipe(digit, sizeof digit);
    return most > 9 ? ERR_PARSE_CHARACTER : ERR_OK;
}

/* X = DES(KA, L); Y = EDE2(KA KB, X xor R). */
static enum err encipher(struct cvv_key *key, uint8_t block[static 2 * DES_BLOCK])
{
    TRY(des_encrypt(&key->left, block, block, DES_BLOCK));
    for (int i = 0; i < DES_BLOCK; i++)
        block[i] ^= block[DES_BLOCK + i];
    return des_encrypt(&key->pair, block, block, DES_BLOCK);
}

enum err cvv_block(struct cvv_key *key, const struct pan *pan, const char expiry[static 4], const char service[static 3],
                   uint8_t out[static DES_BLOCK])
{
    uint8_t block[2 * DES_BLOCK] = {0};
    enum err err = pack(pan, expiry, service, block);
    if (err == ERR_OK)
        err = encipher(key, block);
    if (err == ERR_OK)
        memcpy(out, block, DES_BLOCK);
    secret_wipe(block, sizeof block);
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
void cvv_decimalise(const uint8_t *block, size_t hex_digits, uint8_t digits, struct code_digits *out)
{
    struct row decimals = {0, 0}, letters = {0, 0};
    ASSERT(digits <= PLACES && digits <= hex_digits);
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

enum err cvv_generate(struct cvv_key *key, const struct pan *pan, const char expiry[static 4], const char service[static 3],
                      uint8_t digits, struct code_digits *out)
{
    uint8_t block[DES_BLOCK] = {0};
    if (digits < 1 || digits > sizeof out->at)
        return ERR_PARSE_VALUE;
    TRY(cvv_block(key, pan, expiry, service, block));
    cvv_decimalise(block, 2 * sizeof block, digits, out);
    secret_wipe(block, sizeof block);
    return ERR_OK;
}
