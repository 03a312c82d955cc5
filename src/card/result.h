/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Results of a security code check: one canonical value, many letters.
 *
 * Purpose    Letters are not portable: S, U, I, Y, N, D, P and X each mean different things at different sources. Inside the house
 *            a result is an `enum card_result`; letters exist at the edges only and always together with their source.
 * Ownership  Static rows.
 * Threading  Free of state.
 * Failure    Import is total: blank gives NO_RESULT (or what the source's row for blank says), a letter outside the table gives
 *            UNRECOGNISED. Export is total: one text for every value; "" is blank.
 * Limits     The tables are those of docs/spec/data/result-codes.tsv; a test compares every row.
 *
 * Example
 *     enum card_result r = card_result_import(CARD_SOURCE_VISA, span_text("M"));            // CARD_RESULT_MATCH
 *     const char *match = card_result_export(CARD_FACE_COMMERCEHUB_MATCH, r);                 // MATCHED
 */
#ifndef CARD_RESULT_H
#define CARD_RESULT_H

#include "base/buf.h"

#include <stdbool.h>

/* clang-format off */
/*    name                              class */
#define CARD_RESULT_LIST(X) \
    X(MATCH,                            MATCH) \
    X(NO_MATCH,                         MISMATCH) \
    X(NOT_PROCESSED_ISSUER_UNAVAILABLE, OPEN) \
    X(NOT_VERIFIED,                     OPEN) \
    X(NOT_PROVIDED,                     ABSENT) \
    X(MERCHANT_SAYS_NOT_ON_CARD,        ABSENT) \
    X(ISSUER_NOT_PARTICIPATING,         UNSUPPORTED) \
    X(NOT_SUPPORTED_SCHEME,             UNSUPPORTED) \
    X(NOT_SUPPORTED_PROCESSOR,          UNSUPPORTED) \
    X(NOT_APPLICABLE,                   UNSUPPORTED) \
    X(BYPASSED,                         ABSENT) \
    X(INVALID_DATA,                     OPEN) \
    X(SUSPICIOUS,                       MISMATCH) \
    X(MISSING_BUT_REQUIRED,             ABSENT) \
    X(TRACK_CVC1_INVALID,               MISMATCH) \
    X(UNRECOGNISED,                     OPEN) \
    X(NO_RESULT,                        OPEN)

/*    name                     text in tables and records */
#define CARD_SOURCE_LIST(X) \
    X(VISA,                    "visa") \
    X(MASTERCARD_CVC2,         "mastercard.cvc2") \
    X(MASTERCARD_CVC1,         "mastercard.cvc1") \
    X(MASTERCARD_CVC3,         "mastercard.cvc3") \
    X(MASTERCARD_AMEX_CID,     "mastercard.amex-cid") \
    X(AMEX,                    "amex") \
    X(DISCOVER,                "discover") \
    X(BRAINTREE,               "braintree") \
    X(BRAINTREE_GRAPHQL,       "braintree.graphql") \
    X(COMMERCEHUB_MATCH,       "commercehub.match") \
    X(COMMERCEHUB_ASSOCIATION, "commercehub.association") \
    X(AUXVAULT,                "auxvault") \
    X(STRIPE,                  "stripe") \
    X(ADYEN,                   "adyen") \
    X(CYBERSOURCE,             "cybersource") \
    X(AUTHORIZENET,            "authorizenet") \
    X(CHECKOUT,                "checkout") \
    X(MONERIS,                 "moneris") \
    X(PAYEEZY,                 "payeezy") \
    X(PAYPAL,                  "paypal") \
    X(PAYPAL_MAESTRO,          "paypal.maestro")

#define CARD_FACE_LIST(X) \
    X(BRAINTREE,               "braintree") \
    X(COMMERCEHUB_MATCH,       "commercehub.match") \
    X(COMMERCEHUB_ASSOCIATION, "commercehub.association") \
    X(AUXVAULT,                "auxvault") \
    X(STRIPE,                  "stripe") \
    X(ADYEN,                   "adyen") \
    X(CYBERSOURCE,             "cybersource") \
    X(AUTHORIZENET,            "authorizenet") \
    X(CHECKOUT,                "checkout")
/* clang-format on */

enum card_result {
#define CARD_RESULT_ENUM(name, class) CARD_RESULT_##name,
    CARD_RESULT_LIST(CARD_RESULT_ENUM)
#undef CARD_RESULT_ENUM
        CARD_RESULT_COUNT
};
enum card_result_class {
    CARD_CLASS_MATCH,
    CARD_CLASS_MISMATCH,
    CARD_CLASS_OPEN,        /* sent, not answered */
    CARD_CLASS_ABSENT,      /* not sent */
    CARD_CLASS_UNSUPPORTED, /* this card, scheme or transaction does not have it */
};
enum card_source {
#define CARD_SOURCE_ENUM(name, text) CARD_SOURCE_##name,
    CARD_SOURCE_LIST(CARD_SOURCE_ENUM)
#undef CARD_SOURCE_ENUM
        CARD_SOURCE_COUNT
};
enum card_face {
#define CARD_FACE_ENUM(name, text) CARD_FACE_##name,
    CARD_FACE_LIST(CARD_FACE_ENUM)
#undef CARD_FACE_ENUM
        CARD_FACE_COUNT
};

/* One value of one source. `raw` is blank when empty or spaces only. */
enum card_result card_result_import(enum card_source source, struct span raw);
/* Never NULL; "" stands for blank. */
const char *card_result_export(enum card_face face, enum card_result result);

/* What is known when a result is derived (gateway.md 4). */
struct card_result_facts {
    bool bypassed; /* the caller asked to skip the check */
    bool code_sent;
    char presence; /* 0, 1, 2 or 9 as sent; 9: the merchant says there is none */
    enum card_source source;
    struct span raw; /* as the network answered; empty = absent */
};
enum card_result card_result_derive(const struct card_result_facts *facts);

/* The raw network letter if Commerce Hub reads it the same way, else the letter of the export table; "" = blank. `out` gets the
 * letter and a zero. */
void card_result_association(enum card_result result, struct span raw, char out[static 2]);

const char *card_result_name(enum card_result result);
enum card_result_class card_result_class(enum card_result result);
bool card_result_from_name(struct span name, enum card_result *out);
bool card_source_from_name(struct span name, enum card_source *out);
const char *card_face_name(enum card_face face);
bool card_face_from_name(struct span name, enum card_face *out);

#endif
