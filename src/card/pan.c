/* SPDX-License-Identifier: Apache-2.0 */
#include "card/card.h"

#include "base/secret.h"
#include "card/error.h"

#include <string.h>

bool card_luhn_valid(struct span digits)
{
    unsigned sum = 0;
    for (size_t i = 0; i < digits.len; i++) {
        unsigned digit = (unsigned)(digits.at[digits.len - 1 - i] - '0');
        if (i % 2 == 1)
            digit = digit > 4 ? 2 * digit - 9 : 2 * digit;
        sum += digit;
    }
    return digits.len > 0 && sum % 10 == 0;
}

char card_luhn_digit(struct span digits)
{
    unsigned sum = 0;
    for (size_t i = 0; i < digits.len; i++) {
        unsigned digit = (unsigned)(digits.at[digits.len - 1 - i] - '0');
        if (i % 2 == 0)
            digit = digit > 4 ? 2 * digit - 9 : 2 * digit;
        sum += digit;
    }
    return (char)('0' + (10 - sum % 10) % 10);
}

enum err card_pan_parse(struct span text, enum card_pan_rule rule, struct card_pan *out)
{
    if (text.len < CARD_PAN_MIN || text.len > CARD_PAN_MAX)
        return CARD_ERR_PAN;
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] < '0' || text.at[i] > '9')
            return CARD_ERR_PAN;
    if (rule == CARD_LUHN && !card_luhn_valid(text))
        return CARD_ERR_PAN;
    *out = (struct card_pan){.len = (uint8_t)text.len};
    memcpy(out->digit, text.at, text.len);
    return ERR_OK;
}

bool card_pan_equal(const struct card_pan *a, const struct card_pan *b)
{
    return secret_equal(a->digit, b->digit, sizeof a->digit) & (a->len == b->len);
}

void card_text_mask(struct span digits, char out[static CARD_MASK_SIZE])
{
    size_t len = digits.len < CARD_PAN_MAX ? digits.len : CARD_PAN_MAX;
    bool shown = len == digits.len && len >= CARD_PAN_MIN;
    for (size_t i = 0; i < len; i++)
        out[i] = shown && (i < 6 || i + 4 >= len) ? (char)digits.at[i] : '*';
    out[len] = 0;
}

void card_pan_mask(const struct card_pan *pan, char out[static CARD_MASK_SIZE])
{
    card_text_mask(card_pan_span(pan), out);
}

void card_pan_bin6(const struct card_pan *pan, char out[static 7])
{
    memcpy(out, pan->digit, 6);
    out[6] = 0;
}

void card_pan_last4(const struct card_pan *pan, char out[static 5])
{
    ASSERT(pan->len >= CARD_PAN_MIN);
    memcpy(out, pan->digit + pan->len - 4, 4);
    out[4] = 0;
}
