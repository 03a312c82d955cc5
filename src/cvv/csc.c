/* SPDX-License-Identifier: Apache-2.0 */
#include "cvv/csc.h"

#include "card/error.h"
#include "crypto/error.h"

#include <string.h>

enum { PAIR = 16, ACCOUNT_MIN = 15, FROM = 2, TAKEN = 12, EXPIRY = 4, SERVICE = 3, NIBBLES = 32, CODES = 12, PLAIN_LETTERS = 5 };

static bool all_digits(const char *at, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (at[i] < '0' || at[i] > '9')
            return false;
    return true;
}

/* 37: expiry, then digits 3 to 14 of the account; 34: the other way round; version 2 adds the service code. */
static enum err gather(struct span account, const char expiry[static EXPIRY], const char *service, char out[static NIBBLES])
{
    const char *digits = (const char *)account.at;
    if (account.len < ACCOUNT_MIN || !all_digits(digits, account.len) || !all_digits(expiry, EXPIRY))
        return ERR_PARSE_CHARACTER;
    if (service && !all_digits(service, SERVICE))
        return ERR_PARSE_CHARACTER;
    if (digits[0] != '3' || (digits[1] != '4' && digits[1] != '7'))
        return CARD_ERR_ACCOUNT_NUMBER;
    bool expiry_first = digits[1] == '7';
    memset(out, '0', NIBBLES);
    memcpy(out + (expiry_first ? 0 : TAKEN), expiry, EXPIRY);
    memcpy(out + (expiry_first ? EXPIRY : 0), digits + FROM, TAKEN);
    if (service)
        memcpy(out + EXPIRY + TAKEN, service, SERVICE);
    return ERR_OK;
}

static enum err encipher(struct crypto_des *csck, const char text[static NIBBLES], bool two_blocks,
                         uint8_t r[static CRYPTO_DES_BLOCK])
{
    uint8_t block[NIBBLES / 2] = {0};
    enum err err = span_unhex(span_of(text, NIBBLES), block, sizeof block);
    if (err == ERR_OK)
        err = two_blocks ? crypto_des_mac_cbc(csck, block, sizeof block, r) : crypto_des_encrypt(csck, block, r, CRYPTO_DES_BLOCK);
    secret_wipe(block, sizeof block);
    return err;
}

/* Decimal digits from the left; then, while there are fewer than twelve, letters from the left: A..F are 1..6 among the first
 * five digits of R and five more, modulo ten, from the sixth on. */
static void decimalise(const uint8_t r[static CRYPTO_DES_BLOCK], char out[static CODES])
{
    size_t made = 0;
    for (unsigned pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < (size_t)2 * CRYPTO_DES_BLOCK && made < CODES; i++) {
            unsigned nibble = i % 2 == 0 ? r[i / 2] >> 4 : r[i / 2] & 15u;
            if ((nibble > 9) != pass)
                continue;
            unsigned letter = i < PLAIN_LETTERS ? nibble - 9 : (nibble - 9 + 5) % 10;
            out[made++] = (char)('0' + (pass ? letter : nibble));
        }
}

enum err cvv_csc_generate_with(struct crypto_des *csck, struct span account, const char expiry[static 4], const char *service,
                               struct cvv_csc *out)
{
    char text[NIBBLES] = {0}, codes[CODES] = {0};
    uint8_t r[CRYPTO_DES_BLOCK] = {0};
    enum err err = gather(account, expiry, service, text);
    if (err == ERR_OK)
        err = encipher(csck, text, service, r);
    if (err == ERR_OK) {
        decimalise(r, codes);
        memcpy(out->five, codes, sizeof out->five);
        memcpy(out->four, codes + 5, sizeof out->four);
        memcpy(out->three, codes + 9, sizeof out->three);
    }
    secret_wipe(text, sizeof text);
    secret_wipe(codes, sizeof codes);
    secret_wipe(r, sizeof r);
    return err;
}

enum err cvv_csc_generate(const struct secret_key *csck, struct span account, const char expiry[static 4], const char *service,
                          struct cvv_csc *out)
{
    struct crypto_des des = {0};
    if (csck->len != PAIR)
        return CRYPTO_ERR_KEY_LENGTH;
    TRY(crypto_des_load(csck, &des));
    enum err err = cvv_csc_generate_with(&des, account, expiry, service, out);
    crypto_des_unload(&des);
    return err;
}
