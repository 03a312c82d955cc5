/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two people of the story: a cardholder with the issuer's app, a merchant with a shop.
 *
 * Purpose    sandbox_holder_display asks the issuer's credentials API as the app's backend does. sandbox_merchant_charge pays
 *            through the gateway as a Commerce Hub client does: signed with HMAC, the card in an RSA-OAEP block or, for a sandbox
 *            merchant, plain.
 * Ownership  Answers are copied out.
 * Threading  One thread.
 * Failure    The error says that no answer came; an answer of any HTTP status is no failure here.
 * Limits     Amounts in minor units of AUD.
 */
#ifndef SANDBOX_CLIENT_H
#define SANDBOX_CLIENT_H

#include "sandbox/internal.h"

struct sandbox_credentials {
    unsigned status;
    char code[5];
    char expires_at[32]; /* empty for a printed code */
};
/* One display; every call makes a fresh one-time code. */
MUST_USE enum err sandbox_holder_display(const struct sandbox *box, const struct sandbox_card *card,
                                         struct sandbox_credentials *out);

struct sandbox_charge {
    const struct sandbox_merchant *merchant;
    const struct sandbox_card *card;
    const char *code;
    int64_t amount_minor;
    bool encrypted;
};
struct sandbox_verdict {
    unsigned status;
    char approval[24]; /* APPROVED, DECLINED, ...; empty if the gateway refused to ask */
    char match[24];    /* securityCodeMatch; empty if the answer has none */
    char response[8];
    char host[8];
    char network[24];
    char problem[80]; /* error[0] */
};
MUST_USE enum err sandbox_merchant_charge(const struct sandbox *box, const struct sandbox_charge *charge,
                                          struct sandbox_verdict *out);

#endif
