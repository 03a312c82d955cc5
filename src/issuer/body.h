/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The JSON bodies of the issuer; inside the room only.
 *
 * Purpose    Records whose rows bind by name (http/json.h). A product's fields stand in one list, from which body, rows and the way
 *            into the ledger's row are made.
 * Ownership  Bodies live in a job's locked pages and are wiped with the reply.
 * Threading  Plain values.
 * Failure    http_json_bind says what is wrong with a body; ranges of numbers are checked by the handler.
 * Limits     Those of the rows.
 */
#ifndef ISSUER_BODY_H
#define ISSUER_BODY_H

#include "ledger/rows.h"
#include "wire/wire.h"

struct issuer_registration_body {
    WIRE_TEXT(48) card_id;
    WIRE_TEXT(48) product_id;
    WIRE_TEXT(19) pan;
    WIRE_TEXT(4) exp; /* MMYY */
    WIRE_TEXT(2) psn;
    WIRE_TEXT(128) name;
};

struct issuer_card_patch_body {
    WIRE_TEXT(9) status;
    WIRE_TEXT(48) product_id;
    WIRE_TEXT(4) exp;
    WIRE_TEXT(128) name;
};

struct issuer_batch_body {
    WIRE_TEXT(12) count;
};

struct issuer_unlock_body {
    WIRE_TEXT(64) reason;
};

struct issuer_client_key_body { /* a public JWK (RFC 7517, 7518 6.2) */
    WIRE_TEXT(8) kty;
    WIRE_TEXT(8) crv;
    WIRE_TEXT(43) x;
    WIRE_TEXT(43) y;
    WIRE_TEXT(3) use;
    WIRE_TEXT(64) kid;
    WIRE_TEXT(12) lifetime;
};

/*
 * The fields of a product that the API reads and writes, once: body member, rows, and the way into struct ledger_product come from
 * this list. Values outside it (deferred authorisations, plan) have their defaults.
 * X(member, json name, kind, min, max, choices, initial, doc); kind TEXT, INTEGER, BOOL or CHOICE (enum in the order of `choices`)
 */
/* clang-format off */
#define ISSUER_PRODUCT_FIELDS(X) \
    X(mode,                    "mode",                  CHOICE,  0, 12, "static|one_time|time_window", "static", "how it is made") \
    X(network,                 "network",               NETWORK, 0, 24, \
      "visa|mastercard|amex|discover|eftpos|visa+eftpos|mastercard+eftpos", "visa", "links the card is used on") \
    X(expiry_delay_s,          "expiryDelayS",          INTEGER, 30, 86400, NULL, "300", "one_time: life of a code, seconds") \
    X(tries,                   "tries",                 INTEGER, 1, 10, NULL, "1", "declines until a code is deleted") \
    X(twu_h,                   "twuH",                  INTEGER, 1, 18, NULL, "1", "time_window: hours of a window") \
    X(accept_previous_window,  "acceptPreviousWindow",  BOOL, 0, 5, NULL, "true", "the window before the current one is accepted") \
    X(window_single_use,       "windowSingleUse",       BOOL, 0, 5, NULL, "false", "a window's code is good once") \
    X(window_requires_display, "windowRequiresDisplay", BOOL, 0, 5, NULL, "false", "a window's code is good after a display only") \
    X(window_tries,            "windowTries",           INTEGER, 0, 10, NULL, "0", "declines a window; 0: the guess budget alone") \
    X(static_policy,           "staticPolicy",          CHOICE, 0, 28, "off|allowed|fallback_until_first_display", "", \
                                                                          "whether the printed code is accepted as well") \
    X(regenerate,              "regenerate",            CHOICE, 0, 17, "replace|refuse|same_until_expiry", "replace", \
                                                                                    "a display while a code is active") \
    X(count_other_declines,    "countOtherDeclines",    BOOL, 0, 5, NULL, "true", "a decline for another reason counts as a try") \
    X(diag_step,               "diagStep",              BOOL, 0, 5, NULL, "true", "a dead code is asked about as well") \
    X(absent_policy,           "absentPolicy",          CHOICE, 0, 7, "rules|decline", "rules", "no code sent") \
    X(malformed_policy,        "malformedPolicy",       CHOICE, 0, 7, "rules|decline", "decline", "code of a wrong form") \
    X(standin,                 "standin",               CHOICE, 0, 20, "decline|approve_without_code", "decline", "no HSM") \
    X(standin_limit,           "standinLimit",          INTEGER, 0, 999999999999, NULL, "0", "ceiling of that, minor units") \
    X(batch_max,               "batchMax",              INTEGER, 1, 24, NULL, "24", "codes a batch call") \
    X(notify_batch,            "notifyBatch",           INTEGER, 1, 100, NULL, "20", "authorisations a notification call") \
    X(display_rate_per_h,      "displayRatePerH",       INTEGER, 1, 600, NULL, "20", "displays a card and hour") \
    X(cvk_ref,                 "cvkRef",                TEXT, 0, 48, NULL, "", "name of the CVK in the HSM's key list") \
    X(mk_ref,                  "mkRef",                 TEXT, 0, 48, NULL, "", "name of the MK-AC in the HSM's key list") \
    X(key_derivation,          "keyDerivation",         LETTER, 0, 1, "A|B", "A", "EMV method") \
    X(service_code_dyn,        "serviceCodeDyn",        DIGITS, 0, 3, NULL, "", "of dynamic codes; 998 one_time, 000 windows")
/* clang-format on */

/* One member of 48 characters a field, in the order of the list. */
enum issuer_product_field {
#define ISSUER_PRODUCT_ENUM(member, json, kind, min, max, choices, initial, doc) ISSUER_PRODUCT_##member,
    ISSUER_PRODUCT_FIELDS(ISSUER_PRODUCT_ENUM)
#undef ISSUER_PRODUCT_ENUM
        ISSUER_PRODUCT_FIELD_COUNT
};
typedef WIRE_TEXT(48) issuer_product_value;
struct issuer_product_body {
    issuer_product_value product_id;
    issuer_product_value value[ISSUER_PRODUCT_FIELD_COUNT];
};

union issuer_body {
    struct issuer_registration_body registration;
    struct issuer_card_patch_body patch;
    struct issuer_batch_body batch;
    struct issuer_unlock_body unlock;
    struct issuer_client_key_body key;
    struct issuer_product_body product;
};

extern const struct wire_record issuer_registration_record;
extern const struct wire_record issuer_patch_record;
extern const struct wire_record issuer_batch_record;
extern const struct wire_record issuer_unlock_record;
extern const struct wire_record issuer_key_record;
extern const struct wire_record issuer_product_record;

#endif
