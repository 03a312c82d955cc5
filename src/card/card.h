/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The card on paper: number, brand, expiry, service code.
 *
 * Purpose    Values of fixed size, parsed once at the edge and copied freely afterwards. Digits are ASCII.
 * Ownership  Plain values; a holder that is done with a full number wipes it (secret_wipe).
 * Threading  Free of state.
 * Failure    A number outside its rule is CARD_ERR_PAN, an expiry or service code ERR_PARSE_VALUE (or the parse error that fits).
 * Limits     PAN 12..19 digits (12 is kept for published vectors; products impose 13..19). Years are two digits of 2000..2099.
 *
 * Example
 *     struct card_pan pan;
 *     char masked[CARD_MASK_SIZE];
 *     TRY(card_pan_parse(span_text("4111111111111111"), CARD_LUHN, &pan));
 *     card_pan_mask(&pan, masked);              // 411111******1111
 */
#ifndef CARD_CARD_H
#define CARD_CARD_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

/* ---- number ---- */

enum { CARD_PAN_MIN = 12, CARD_PAN_MAX = 19, CARD_MASK_SIZE = CARD_PAN_MAX + 1 };

struct card_pan {
    uint8_t len;
    char digit[CARD_PAN_MAX];
};

enum card_pan_rule { CARD_ANY, CARD_LUHN };

MUST_USE enum err card_pan_parse(struct span text, enum card_pan_rule rule, struct card_pan *out);
static inline struct span card_pan_span(const struct card_pan *pan)
{
    return span_of(pan->digit, pan->len);
}
/* Constant time in the digits. */
bool card_pan_equal(const struct card_pan *a, const struct card_pan *b);
/* First six, last four, stars between: 411111******1111; a number of 12 digits shows 411111**1111. */
void card_pan_mask(const struct card_pan *pan, char out[static CARD_MASK_SIZE]);
/* The same for digits that are not a struct card_pan; fewer than 12 become stars throughout. Cut at 19. */
void card_text_mask(struct span digits, char out[static CARD_MASK_SIZE]);
void card_pan_bin6(const struct card_pan *pan, char out[static 7]);
void card_pan_last4(const struct card_pan *pan, char out[static 5]);

bool card_luhn_valid(struct span digits);
/* The digit that makes `digits` followed by it valid, as ASCII. */
char card_luhn_digit(struct span digits);

/* ---- brand ---- */

enum card_brand {
    CARD_BRAND_UNKNOWN,
    CARD_BRAND_VISA,
    CARD_BRAND_MASTERCARD,
    CARD_BRAND_AMEX,
    CARD_BRAND_DISCOVER,
    CARD_BRAND_DINERS,
    CARD_BRAND_MAESTRO,
    CARD_BRAND_JCB,
    CARD_BRAND_UNION_PAY,
    CARD_BRAND_COUNT
};

struct card_brand_row {
    const char *name;    /* VISA, MASTERCARD, ... as Commerce Hub writes it */
    uint32_t lengths;    /* bit n: numbers of n digits exist */
    uint8_t code_digits; /* of the printed security code */
};

/* By IIN range and length; CARD_BRAND_UNKNOWN if no range holds the number or the brand has no numbers of this length. */
enum card_brand card_brand_of(const struct card_pan *pan);
/* Never NULL. */
const struct card_brand_row *card_brand_row(enum card_brand brand);
enum card_brand card_brand_from_name(struct span name);

/* ---- free text ---- */

/* Whole groups of digits, without zeros in front and without the blanks, dashes and dots between them, have together a range and a
 * length of a brand and pass Luhn. Other punctuation stands between groups of three and more digits. Digits inside a UUID, or
 * inside a word of 24 and more hexadecimal digits, are not looked at. */
bool card_text_has_number(struct span text);

/* ---- expiry ---- */

struct card_expiry {
    uint8_t year;  /* 00..99 of 2000..2099 */
    uint8_t month; /* 1..12 */
};
enum card_expiry_order { CARD_YYMM, CARD_MMYY };

MUST_USE enum err card_expiry_parse(struct span text, enum card_expiry_order order, struct card_expiry *out);
/* From "12" and "2028" (or "28"). */
MUST_USE enum err card_expiry_from_parts(struct span month, struct span year, struct card_expiry *out);
/* Four digits and a zero. */
void card_expiry_write(struct card_expiry expiry, enum card_expiry_order order, char out[static 5]);
/* True once the month after the expiry month has begun (UTC). */
bool card_expiry_past(struct card_expiry expiry, int year, int month);
static inline bool card_expiry_equal(struct card_expiry a, struct card_expiry b)
{
    return a.year == b.year && a.month == b.month;
}

/* ---- service code ---- */

/* The issuer fixes the service code for each kind of code and never takes it from a message for these. */
#define CARD_SERVICE_CVV2 "000"
#define CARD_SERVICE_ICVV "999"
#define CARD_SERVICE_ONE_TIME "998"
MUST_USE enum err card_service_parse(struct span text, char out[static 4]);

#endif
