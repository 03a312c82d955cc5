/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two people of the story: a cardholder with the issuer's app, a merchant with a shop.
 *
 * Purpose    demo_holder_display asks the issuer's credentials API as the app's backend does; demo_merchant_charge pays through
 *            the gateway as a Commerce Hub client does: signed with HMAC, the card in an RSA-OAEP block or, for a sandbox
 *            merchant, plain.
 * Ownership  Answers are copied out.
 * Threading  One thread.
 * Failure    The error says that no answer came; an answer of any HTTP status is no failure here.
 * Limits     Amounts in minor units of AUD.
 */
#ifndef MAIN_DEMO_CLIENT_H
#define MAIN_DEMO_CLIENT_H

#include "sandbox/internal.h"

struct demo_credentials {
    unsigned status;
    char code[5];
    char expires_at[32]; /* empty for a printed code */
};
/* One display; every call makes a fresh one-time code. */
MUST_USE enum err demo_holder_display(const struct demo *demo, const struct demo_card *card, struct demo_credentials *out);

struct demo_charge {
    const struct demo_merchant *merchant;
    const struct demo_card *card;
    const char *code;
    int64_t amount_minor;
    bool encrypted;
};
struct demo_verdict {
    unsigned status;
    char approval[24]; /* APPROVED, DECLINED, ...; empty if the gateway refused to ask */
    char match[24];    /* securityCodeMatch; empty if the answer has none */
    char response[8];
    char host[8];
    char network[24];
    char problem[80]; /* error[0] */
};
MUST_USE enum err demo_merchant_charge(const struct demo *demo, const struct demo_charge *charge, struct demo_verdict *out);

#endif
