/* SPDX-License-Identifier: Apache-2.0 */
#include "cvv/cvc3.h"

#include "crypto/des.h"
#include "crypto/error.h"

#include <string.h>

enum { PAIR = 16, DIGITS = 5 };

static int nibble_of(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c == 'D' || c == 'd' || c == '=')
        return 0xD;
    return c == 'F' || c == 'f' || c == '?' ? 0xF : -1;
}

/* After the separator: 8 nibbles stay (expiry, service code, start of the discretionary data), 3 become 0, 2 stay, 7 become 0. A
 * filler keeps its value wherever it stands: the data may be shorter than that. */
static bool varies(size_t after, int nibble)
{
    return nibble <= 9 && ((after >= 8 && after < 11) || (after >= 13 && after < 20));
}

static enum err pack(struct span track2, uint8_t out[static CVV_TRACK2_MAX / 2])
{
    size_t separator = track2.len;
    if (track2.len == 0 || track2.len > CVV_TRACK2_MAX || track2.len % 2 != 0)
        return ERR_PARSE_VALUE;
    for (size_t i = 0; i < track2.len; i++) {
        int nibble = nibble_of(track2.at[i]);
        if (nibble < 0)
            return ERR_PARSE_CHARACTER;
        if (nibble == 0xD && separator == track2.len)
            separator = i;
        else if (i > separator && varies(i - separator - 1, nibble))
            nibble = 0;
        out[i / 2] = (uint8_t)(i % 2 == 0 ? nibble << 4 : out[i / 2] | nibble);
    }
    return separator < track2.len ? ERR_OK : ERR_PARSE_DELIMITER;
}

enum err cvv_cvc3_check(struct span track2)
{
    uint8_t data[CVV_TRACK2_MAX / 2] = {0};
    enum err err = pack(track2, data);
    secret_wipe(data, sizeof data);
    return err;
}

/* The last two bytes of the MAC. */
static enum err iv_of(const struct secret_key *card, struct span data, uint8_t out[static 2])
{
    uint8_t mac[CRYPTO_DES_BLOCK] = {0};
    if (card->len != PAIR)
        return CRYPTO_ERR_KEY_LENGTH;
    enum err err = crypto_des_mac_retail(card, data.at, data.len, mac);
    if (err == ERR_OK)
        memcpy(out, mac + CRYPTO_DES_BLOCK - 2, 2);
    secret_wipe(mac, sizeof mac);
    return err;
}

enum err cvv_cvc3_iv(const struct secret_key *card, struct span track2, uint8_t out[static 2])
{
    uint8_t data[CVV_TRACK2_MAX / 2] = {0};
    enum err err = pack(track2, data);
    if (err == ERR_OK)
        err = iv_of(card, span_of(data, track2.len / 2), out);
    secret_wipe(data, sizeof data);
    return err;
}

bool cvv_cvc3_is_track1(struct span data)
{
    bool separated = false;
    for (size_t i = 0; i < data.len; i++) {
        if (data.at[i] < ' ' || data.at[i] > '~')
            return false;
        separated |= data.at[i] == '^';
    }
    return separated && data.len <= CVV_TRACK1_MAX;
}

enum err cvv_cvc3_iv_track1(const struct secret_key *card, struct span track1, uint8_t out[static 2])
{
    if (!cvv_cvc3_is_track1(track1))
        return ERR_PARSE_CHARACTER;
    return iv_of(card, track1, out);
}

/* IVCVC3, unpredictable number as packed decimal, counter in binary. */
static enum err fill(const uint8_t iv[static 2], const char unpredictable[static 8], uint16_t counter,
                     uint8_t out[static CRYPTO_DES_BLOCK])
{
    uint64_t ignored = 0;
    TRY(span_decimal(span_of(unpredictable, 8), &ignored));
    memcpy(out, iv, 2);
    TRY(span_unhex(span_of(unpredictable, 8), out + 2, 4));
    out[6] = (uint8_t)(counter >> 8);
    out[7] = (uint8_t)counter;
    return ERR_OK;
}

enum err cvv_cvc3(const struct secret_key *card, const uint8_t iv[static 2], const char unpredictable[static 8], uint16_t counter,
                  struct code_digits *out)
{
    uint8_t block[CRYPTO_DES_BLOCK] = {0};
    struct crypto_des des = {0};
    if (card->len != PAIR)
        return CRYPTO_ERR_KEY_LENGTH;
    enum err err = fill(iv, unpredictable, counter, block);
    if (err == ERR_OK)
        err = crypto_des_load(card, &des);
    if (err == ERR_OK)
        err = crypto_des_encrypt(&des, block, block, sizeof block);
    crypto_des_unload(&des);
    if (err == ERR_OK) {
        struct buf b = buf_over(out->at, sizeof out->at);
        *out = (struct code_digits){.len = DIGITS};
        buf_put_decimal(&b, (uint64_t)block[6] << 8 | block[7], DIGITS);
    }
    secret_wipe(block, sizeof block);
    return err;
}
