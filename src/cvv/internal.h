/* SPDX-License-Identifier: Apache-2.0 */
/* Shared inside the room. */
#ifndef CVV_INTERNAL_H
#define CVV_INTERNAL_H

#include "crypto/des_batch.h"
#include "cvv/cvv.h"

#include <endian.h>
#include <string.h>

/* The two halves of what a CVV enciphers; the first digit is the most significant. */
struct cvv_blocks {
    uint64_t left;
    uint64_t right;
};

#define CVV_EACH_BYTE(value) (UINT64_C(0x0101010101010101) * (value))

/* Eight digits (four bits in each byte, the first in the lowest byte) as a number of eight hexadecimal digits. */
static inline uint64_t cvv_digits_join(uint64_t digits)
{
    digits = __builtin_bswap64(digits);
    digits = (digits | digits >> 4) & 0x00FF00FF00FF00FF;
    digits = (digits | digits >> 8) & 0x0000FFFF0000FFFF;
    return (digits | digits >> 16) & 0x00000000FFFFFFFF;
}

/* Zero if all bytes are '0'..'9'. A sum that carries into the next byte comes from one that is found out by its own first half. */
static inline uint64_t cvv_digits_wrong(uint64_t text)
{
    uint64_t above = (text + CVV_EACH_BYTE(0x06)) >> 4 & CVV_EACH_BYTE(0x0F);
    return ((text & CVV_EACH_BYTE(0xF0)) | above) ^ CVV_EACH_BYTE(0x33);
}

/* The first byte in memory as the lowest. */
static inline uint64_t cvv_text_load(const char *at, size_t len)
{
    uint64_t text = 0;
    memcpy(&text, at, len);
    return le64toh(text);
}

/*
 * PAN, expiry and service code as 32 packed digits, filled with zeros on the right. ERR_PARSE_VALUE for a length outside 12..19,
 * ERR_PARSE_CHARACTER for anything that is no digit: the blocks are then made of the low halves of its bytes. Only the length of
 * the PAN decides what is executed.
 */
MUST_USE static inline enum err cvv_pack(const struct card_pan *pan, const char expiry[static 4], const char service[static 3],
                                         struct cvv_blocks *out)
{
    if (pan->len < CARD_PAN_MIN || pan->len > CARD_PAN_MAX)
        return ERR_PARSE_VALUE;
    /* Digits 0..7, 8..11, and those of 12..18 that the PAN has; then the seven that follow it. */
    unsigned more = 8 * (pan->len - (unsigned)CARD_PAN_MIN);
    uint64_t kept = (UINT64_C(1) << more) - 1;
    uint64_t first = cvv_text_load(pan->digit, 8), second = cvv_text_load(pan->digit + 8, 4);
    uint64_t third = (cvv_text_load(pan->digit + CARD_PAN_MAX - 8, 8) >> 8) & kept;
    uint64_t tail = cvv_text_load(expiry, 4) | cvv_text_load(service, 2) << 32 | cvv_text_load(service + 2, 1) << 48;
    uint64_t zeros = CVV_EACH_BYTE('0');
    uint64_t wrong = cvv_digits_wrong(first) | cvv_digits_wrong(second | zeros << 32) | cvv_digits_wrong(third | (zeros & ~kept)) |
                     cvv_digits_wrong(tail | zeros << 56);
    uint64_t low = CVV_EACH_BYTE(0x0F);
    unsigned __int128 rest = (unsigned __int128)(tail & low) << more | (third & low);
    uint64_t middle = (second & low) | (uint64_t)rest << 32;
    out->left = cvv_digits_join(first & low) << 32 | cvv_digits_join(middle);
    out->right = cvv_digits_join((uint64_t)(rest >> 32)) << 32 | cvv_digits_join((uint64_t)(rest >> 96));
    return wrong != 0 ? ERR_PARSE_CHARACTER : ERR_OK;
}

/* What the master key enciphers for the left half of a card's key; its inverse is for the right half. */
MUST_USE enum err cvv_card_block(const struct card_pan *pan, const char psn[static 2], enum cvv_method method, uint64_t *out);

/* Puts the first three digits in place of the blocks, digit n in the four lowest bits of byte n, counted from the lowest; the other
 * bits are left over. `units`: words of each plane that hold blocks. */
void cvv_planes_decimalise(struct crypto_des_planes *planes, unsigned units);

#endif
