/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What can be wrong with a request, in the gateway's own words.
 *
 * Purpose    The pipeline and the faces name a fault here; each face has a table from fault to its own code, HTTP status and
 *            text. Several faults are collected and answered together, in the order of the request's fields.
 * Ownership  `field` points to a static path (a row of the face's request table), or is NULL.
 * Threading  Values.
 * Failure    A list that is full keeps the first GATEWAY_FAULTS_MAX faults.
 *
 * Example
 *     gateway_fault_add(&faults, GATEWAY_FAULT_CONDITIONAL, "source.card.securityCode");
 *     if (faults.count > 0)
 *         return answer_error(slot);
 */
#ifndef GATEWAY_FAULT_H
#define GATEWAY_FAULT_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* clang-format off */
#define GATEWAY_FAULT_LIST(X) \
    X(FIELD_VALUE,        "a field has a value that is not allowed") \
    X(FIELD_MISSING,      "a required field is missing") \
    X(CONDITIONAL,        "a field that another one calls for is missing, or one that it rules out is there") \
    X(CHARACTERS,         "a field has control characters") \
    X(BODY_MISSING,       "there is no body, or a header is missing") \
    X(MALFORMED,          "the body is not well-formed") \
    X(SOURCE_UNKNOWN,     "the payment source is not known") \
    X(SOURCE_UNSUPPORTED, "the payment source is known but not taken here") \
    X(SOURCE_UNVERIFIED,  "the payment source cannot be verified") \
    X(CARD_MISSING,       "there is no card in the request") \
    X(CARD_IN_TEXT,       "a card number stands in a field of free text") \
    X(CARD_PLAIN,         "the card number is in clear and the merchant must encrypt") \
    X(CARD_NUMBER,        "the card number is not valid, or the token is unknown") \
    X(BRAND,              "no brand issues cards with this number") \
    X(EXPIRY,             "the expiration date is missing or not valid") \
    X(AMOUNT_VALUE,       "the amount is not valid in this currency") \
    X(AMOUNT_MISSING,     "the amount or the currency is missing") \
    X(CURRENCY,           "the currency is not supported") \
    X(ENCRYPTION,         "the encryption data or its field list is not valid") \
    X(KEY_EXPIRED,        "the encryption key has expired or is revoked") \
    X(KEY_UNKNOWN,        "the encryption key is not known") \
    X(DECRYPTION,         "the encryption block cannot be decrypted") \
    X(MERCHANT,           "the merchant is not known to this access key") \
    X(TERMINAL,           "the terminal is not known to this merchant") \
    X(MERCHANT_CLOSED,    "the merchant may not use this service") \
    X(IN_PROGRESS,        "the same request is still being processed") \
    X(REUSED,             "the same request id was used for another request") \
    X(FEATURE,            "the merchant has not enabled the feature") \
    X(REFERENCE,          "the referenced transaction is not known") \
    X(REFERENCE_STATE,    "the referenced transaction is not in a state that allows this") \
    X(AUTHENTICATION,     "authentication failed") \
    X(NOT_FOUND,          "there is nothing at this address") \
    X(METHOD,             "the method is not served at this address") \
    X(MEDIA_TYPE,         "the content type is not accepted") \
    X(BODY_TOO_LARGE,     "the body is larger than the limit") \
    X(HEADERS_TOO_LARGE,  "headers or address exceed the limit") \
    X(RATE,               "the merchant asks for too many at a time, or has too many") \
    X(UNAVAILABLE,        "no route, or a part behind the gateway is down") \
    X(ISSUER_TIMEOUT,     "the issuer did not answer in time; a reversal is queued") \
    X(INTERNAL,           "internal error")
/* clang-format on */

enum gateway_fault_id {
    GATEWAY_FAULT_NONE,
#define GATEWAY_FAULT_ENUM(name, text) GATEWAY_FAULT_##name,
    GATEWAY_FAULT_LIST(GATEWAY_FAULT_ENUM)
#undef GATEWAY_FAULT_ENUM
        GATEWAY_FAULT_COUNT
};

enum { GATEWAY_FAULTS_MAX = 24 };

struct gateway_fault {
    enum gateway_fault_id id;
    const char *field;
};

struct gateway_faults {
    size_t count;
    struct gateway_fault at[GATEWAY_FAULTS_MAX];
};

/* The first fault of a field is kept, and each of no field once: one wrong value is one entry of the answer. */
void gateway_fault_add(struct gateway_faults *faults, enum gateway_fault_id id, const char *field);
bool gateway_fault_has(const struct gateway_faults *faults, enum gateway_fault_id id);
/* Whether `field`, or an object that it stands in, has a fault. */
bool gateway_fault_of(const struct gateway_faults *faults, const char *field);

#endif
