/* SPDX-License-Identifier: Apache-2.0 */
#include "cvv/cvv.h"

#include <string.h>

enum { FIELDS = CARD_PAN_MAX + 4 + 3, NIBBLES = 32 };

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
 * no digit; the differences are gathered so that the loop does not stop at the first. */
static enum err pack(const struct pan *pan, const char expiry[static 4], const char service[static 3],
                     uint8_t out[static 2 * DES_BLOCK])
{
    uint8_t digit[NIBBLES] = {0};
    unsigned bad = 0;
    size_t len = pan->len;
    if (len < CARD_PAN_MIN || len > CARD_PAN_MAX)
        return ERR_PARSE_VALUE;
    memcpy(digit, pan->digit, len);
    memcpy(digit + len, expiry, 4);
    memcpy(digit + len + 4, service, 3);
    for (size_t i = 0; i < len + 7; i++) {
        digit[i] = (uint8_t)(digit[i] - '0');
        bad |= digit[i] > 9;
    }
    for (size_t i = 0; i < NIBBLES / 2; i++)
        out[i] = (uint8_t)(digit[2 * i] << 4 | digit[2 * i + 1]);
    secret_wipe(digit, sizeof digit);
    return bad ? ERR_PARSE_CHARACTER : ERR_OK;
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

void cvv_decimalise(const uint8_t *block, size_t hex_digits, uint8_t digits, struct code_digits *out)
{
    uint8_t made = 0;
    ASSERT(digits <= sizeof out->at && digits <= hex_digits);
    *out = (struct code_digits){.len = digits};
    for (unsigned pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < hex_digits && made < digits; i++) {
            unsigned nibble = i % 2 == 0 ? block[i / 2] >> 4 : block[i / 2] & 15u;
            if ((nibble > 9) == pass)
                out->at[made++] = (char)('0' + nibble - 10 * pass);
        }
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
