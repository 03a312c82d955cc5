/* SPDX-License-Identifier: Apache-2.0 */
/* Card keys of EMV Book 2, annex A1.4. */
#include "crypto/mac.h"
#include "cvv/cvv.h"
#include "cvv/internal.h"

enum { DIGITS = 16 };

/* PAN and PSN with `lead` zeros in front; gives the number of digits. */
static size_t gather(const struct card_pan *pan, const char psn[static 2], size_t lead, char *out)
{
    memset(out, '0', lead);
    memcpy(out + lead, pan->digit, pan->len);
    memcpy(out + lead + pan->len, psn, 2);
    return lead + pan->len + 2;
}

static void input_a(const struct card_pan *pan, const char psn[static 2], char out[static DIGITS])
{
    char all[DIGITS + CARD_PAN_MAX + 2];
    size_t len = gather(pan, psn, DIGITS, all);
    memcpy(out, all + len - DIGITS, DIGITS);
    secret_wipe(all, sizeof all);
}

/* SHA-1 over the packed digits, decimalised in two passes. */
static enum err input_b(const struct card_pan *pan, const char psn[static 2], char out[static DIGITS])
{
    char all[CARD_PAN_MAX + 3];
    uint8_t packed[sizeof all / 2], hash[CRYPTO_DIGEST_SHA1] = {0};
    struct code_digits digits;
    size_t len = gather(pan, psn, pan->len % 2, all);
    enum err err = span_unhex(span_of(all, len), packed, sizeof packed);
    if (err == ERR_OK)
        err = crypto_digest_sha1(span_of(packed, len / 2), hash);
    if (err == ERR_OK) {
        cvv_decimalise(hash, 2 * sizeof hash, DIGITS, &digits);
        memcpy(out, digits.at, DIGITS);
    }
    secret_wipe(all, sizeof all);
    secret_wipe(packed, sizeof packed);
    secret_wipe(hash, sizeof hash);
    return err;
}

static void set_odd_parity(uint8_t *at, size_t len)
{
    for (size_t i = 0; i < len; i++)
        at[i] = (uint8_t)((at[i] & 0xFE) | (__builtin_parity(at[i] & 0xFE) ^ 1));
}

enum err cvv_card_block(const struct card_pan *pan, const char psn[static 2], enum cvv_method method, uint64_t *out)
{
    char digits[DIGITS] = {0};
    uint64_t bytes = 0;
    if (pan->len < CARD_PAN_MIN || pan->len > CARD_PAN_MAX || (method != CVV_METHOD_A && method != CVV_METHOD_B))
        return ERR_PARSE_VALUE;
    if (method == CVV_METHOD_B)
        TRY(input_b(pan, psn, digits));
    else
        input_a(pan, psn, digits);
    enum err err = span_unhex(span_of(digits, sizeof digits), (uint8_t *)&bytes, sizeof bytes);
    if (err == ERR_OK)
        *out = be64toh(bytes);
    secret_wipe(digits, sizeof digits);
    secret_wipe(&bytes, sizeof bytes);
    return err;
}

enum err cvv_card_key(struct crypto_des *master, const struct card_pan *pan, const char psn[static 2], enum cvv_method method,
                      struct secret_key *out)
{
    uint64_t y[2];
    TRY(cvv_card_block(pan, psn, method, &y[0]));
    y[0] = htobe64(y[0]);
    y[1] = ~y[0];
    uint8_t *bytes = (uint8_t *)y;
    enum err err = crypto_des_encrypt(master, bytes, bytes, sizeof y);
    if (err == ERR_OK) {
        set_odd_parity(bytes, sizeof y);
        *out = (struct secret_key){.len = sizeof y};
        memcpy(out->at, y, sizeof y);
    }
    secret_wipe(y, sizeof y);
    return err;
}
