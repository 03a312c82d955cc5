/* SPDX-License-Identifier: Apache-2.0 */
/*
 * American Express CSC, unconfirmed.
 *
 * Purpose    The three codes of an American Express card in versions 1 and 2. The construction is described by one open simulator
 *            only; no text of American Express and no independent vector confirms it, and whatever shows it must say so.
 * Ownership  Values.
 * Threading  Free of state.
 * Failure    Accounts that begin with neither 34 nor 37: CARD_ERR_ACCOUNT_NUMBER; other fields ERR_PARSE_*; key length
 *            CRYPTO_ERR_KEY_LENGTH.
 * Limits     Accounts of 15 digits and more; expiry YYMM.
 */
#ifndef CVV_CSC_H
#define CVV_CSC_H

#include "base/buf.h"
#include "base/secret.h"
#include "crypto/des.h"

struct cvv_csc {
    char five[5];
    char four[4];
    char three[3];
};

/* `service` NULL: version 1; three digits: version 2. */
MUST_USE enum err cvv_csc_generate(const struct secret_key *csck, struct span account, const char expiry[static 4],
                                   const char *service, struct cvv_csc *out);
/* The same with a double-length key that is loaded already. */
MUST_USE enum err cvv_csc_generate_with(struct crypto_des *csck, struct span account, const char expiry[static 4],
                                        const char *service, struct cvv_csc *out);

#endif
