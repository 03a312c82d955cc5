/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The people of the sandbox, and what they own.
 *
 * Purpose    Card products, cards, merchants and HSM keys as the sandbox invents them, before any service knows of them.
 * Ownership  Values. They hold card numbers and secrets in clear: the sandbox plays the cardholder and the merchant.
 * Limits     SANDBOX_CARDS cards, SANDBOX_MERCHANTS merchants.
 */
#ifndef SANDBOX_PEOPLE_H
#define SANDBOX_PEOPLE_H

#include "card/card.h"

enum { SANDBOX_CARDS = 112, SANDBOX_MERCHANTS = 10, SANDBOX_KEY_TEXT = 80 };

/* The products. Those behind SANDBOX_MODES are of other brands, with a printed code alone. */
enum sandbox_mode {
    SANDBOX_STATIC,
    SANDBOX_ONE_TIME,
    SANDBOX_TIME_WINDOW,
    SANDBOX_MODES,
    SANDBOX_MASTERCARD = SANDBOX_MODES,
    SANDBOX_AMEX,
    SANDBOX_DISCOVER,
    SANDBOX_PRODUCTS
};

/* What a product of the sandbox is made of. */
struct sandbox_product {
    const char *id;
    const char *mode;     /* as the issuer's API and sandbox.json write it */
    const char *network;  /* the networks that its cards are used on */
    const char *bin;      /* first digits of its cards */
    const char *printed;  /* in keys.ini: the key of its printed codes */
    const char *key_name; /* and that of the others; NULL: there are none */
    size_t cards;
    size_t digits; /* of their numbers */
};
extern const struct sandbox_product sandbox_products[SANDBOX_PRODUCTS];

struct sandbox_card {
    char id[24];
    struct card_pan pan;
    char expiry[5]; /* YYMM */
    enum sandbox_mode mode;
};

struct sandbox_merchant {
    char id[20];
    char terminal[12];
    char api_key[40];
    char secret[48];
};

/* KEY texts under the test LMK. */
struct sandbox_keys {
    char cvk[SANDBOX_KEY_TEXT];
    char csck[SANDBOX_KEY_TEXT];              /* of American Express codes */
    char mk[SANDBOX_MODES][SANDBOX_KEY_TEXT]; /* MK-AC of one_time and time_window */
};

#endif
