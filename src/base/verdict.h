/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a comparison found.
 *
 * Purpose    Verifying a code, or asking someone who verifies it, has three outcomes. A wrong code is one of them and no error: the
 *            question was answered. UNAVAILABLE is the outcome of a question that was not answered; an `enum err` beside it says
 *            why.
 * Ownership  A value.
 * Threading  Free of state.
 *
 * Example
 *     enum verdict verdict = VERDICT_UNAVAILABLE;
 *     TRY(code_verify(&key, &card, &given, &verdict));      // ERR_OK: it was compared
 *     if (verdict == VERDICT_MATCH) ...
 */
#ifndef BASE_VERDICT_H
#define BASE_VERDICT_H

/* UNAVAILABLE comes first: what nobody has set never reads as a match. */
enum verdict {
    VERDICT_UNAVAILABLE, /* nothing was compared: bad input, no key, no answer */
    VERDICT_MATCH,       /* it was compared, and is right */
    VERDICT_MISMATCH     /* it was compared, and is wrong */
};

#endif
