/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mastercard CVC3: the code of a contactless magnetic stripe transaction.
 *
 * Purpose    IVCVC3 from the static track 2 data, then CVC3 from it, the unpredictable number and the counter, under a card key
 *            (cvv_card_key over MK-CVC3).
 * Ownership  Values.
 * Threading  Free of state.
 * Failure    Track data, numbers outside their form: ERR_PARSE_*; a key that is not double length: CRYPTO_ERR_KEY_LENGTH.
 * Limits     Track 2 data up to CVV_TRACK2_MAX nibbles, an even number of them: digits, D or = between, F or ? as filler. Track 1
 *            data up to CVV_TRACK1_MAX characters, with ^ between.
 * Source     security-codes.md 8.
 *
 * Example
 *     TRY(cvv_cvc3_iv(&card, span_text("5413123556784804D09061019000990000000F"), iv));
 *     TRY(cvv_cvc3(&card, iv, "00000772", 5, &code));               // 07255
 */
#ifndef CVV_CVC3_H
#define CVV_CVC3_H

#include "base/buf.h"
#include "base/secret.h"

enum { CVV_TRACK2_MAX = 64, CVV_TRACK1_MAX = 79 };

/* The form of the track data alone. */
MUST_USE enum err cvv_cvc3_check(struct span track2);
/* The static part is taken from the data: digits that vary by transaction after the separator become zeros; static data stays. */
MUST_USE enum err cvv_cvc3_iv(const struct secret_key *card, struct span track2, uint8_t out[static 2]);
/* Whether bytes are track 1: ^ is no byte of packed track 2 data. */
bool cvv_cvc3_is_track1(struct span data);
/* The same over the characters of track 1 as they are. */
MUST_USE enum err cvv_cvc3_iv_track1(const struct secret_key *card, struct span track1, uint8_t out[static 2]);
/* Five digits; a terminal shows the last three or four of them. */
MUST_USE enum err cvv_cvc3(const struct secret_key *card, const uint8_t iv[static 2], const char unpredictable[static 8],
                           uint16_t counter, struct code_digits *out);

#endif
