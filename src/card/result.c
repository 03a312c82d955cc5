/* SPDX-License-Identifier: Apache-2.0 */
#include "card/result.h"

#include <stddef.h>

/* clang-format off */
static const struct {
    enum card_source source;
    const char *raw; /* "" = blank */
    enum card_result result;
} imports[] = {
    {CARD_SOURCE_VISA,                    "M",                            CARD_RESULT_MATCH},
    {CARD_SOURCE_VISA,                    "N",                            CARD_RESULT_NO_MATCH},
    {CARD_SOURCE_VISA,                    "P",                            CARD_RESULT_NOT_PROCESSED_ISSUER_UNAVAILABLE},
    {CARD_SOURCE_VISA,                    "S",                            CARD_RESULT_MERCHANT_SAYS_NOT_ON_CARD},
    {CARD_SOURCE_VISA,                    "U",                            CARD_RESULT_ISSUER_NOT_PARTICIPATING},
    {CARD_SOURCE_VISA,                    "",                             CARD_RESULT_NO_RESULT},
    {CARD_SOURCE_MASTERCARD_CVC2,         "M",                            CARD_RESULT_MATCH},
    {CARD_SOURCE_MASTERCARD_CVC2,         "N",                            CARD_RESULT_NO_MATCH},
    {CARD_SOURCE_MASTERCARD_CVC2,         "P",                            CARD_RESULT_NOT_PROCESSED_ISSUER_UNAVAILABLE},
    {CARD_SOURCE_MASTERCARD_CVC2,         "U",                            CARD_RESULT_NOT_VERIFIED},
    {CARD_SOURCE_MASTERCARD_CVC2,         "",                             CARD_RESULT_NO_RESULT},
    {CARD_SOURCE_MASTERCARD_CVC1,         "Y",                            CARD_RESULT_TRACK_CVC1_INVALID},
    {CARD_SOURCE_MASTERCARD_CVC3,         "E",                            CARD_RESULT_INVALID_DATA},
    {CARD_SOURCE_MASTERCARD_CVC3,         "P",                            CARD_RESULT_NOT_PROCESSED_ISSUER_UNAVAILABLE},
    {CARD_SOURCE_MASTERCARD_CVC3,         "Y",                            CARD_RESULT_NO_MATCH},
    {CARD_SOURCE_MASTERCARD_AMEX_CID,     "Y",                            CARD_RESULT_MATCH},
    {CARD_SOURCE_MASTERCARD_AMEX_CID,     "N",                            CARD_RESULT_NO_MATCH},
    {CARD_SOURCE_MASTERCARD_AMEX_CID,     "U",                            CARD_RESULT_NOT_PROCESSED_ISSUER_UNAVAILABLE},
    {CARD_SOURCE_AMEX,                    "Y",                            CARD_RESULT_MATCH},
    {CARD_SOURCE_AMEX,                    "N",                            CARD_RESULT_NO_MATCH},
    {CARD_SOURCE_AMEX,                    "U",                            CARD_RESULT_NOT_PROCESSED_ISSUER_UNAVAILABLE},
    {CARD_SOURCE_AMEX,                    "",                             CARD_RESULT_NO_RESULT},
    {CARD_SOURCE_DISCOVER,                "M",                            CARD_RESULT_MATCH},
    {CARD_SOURCE_DISCOVER,                "N",                            CARD_RESULT_NO_MATCH},
    {CARD_SOURCE_DISCOVER,                "P",                            CARD_RESULT_NOT_PROCESSED_ISSUER_UNAVAILABLE},
    {CARD_SOURCE_DISCOVER,                "S",                            CARD_RESULT_MERCHANT_SAYS_NOT_ON_CARD},
    {CARD_SOURCE_DISCOVER,                "U",                            CARD_RESULT_ISSUER_NOT_PARTICIPATING},
    {CARD_SOURCE_DISCOVER,                "X",                            CARD_RESULT_UNRECOGNISED},
    {CARD_SOURCE_DISCOVER,                "",                             CARD_RESULT_NO_RESULT},
    {CARD_SOURCE_BRAINTREE,               "M",                            CARD_RESULT_MATCH},
    {CARD_SOURCE_BRAINTREE,               "N",                            CARD_RESULT_NO_MATCH},
    {CARD_SOURCE_BRAINTREE,               "U",                            CARD_RESULT_NOT_VERIFIED},
    {CARD_SOURCE_BRAINTREE,               "I",                            CARD_RESULT_NOT_PROVIDED},
    {CARD_SOURCE_BRAINTREE,               "S",                            CARD_RESULT_ISSUER_NOT_PARTICIPATING},
    {CARD_SOURCE_BRAINTREE,               "A",                            CARD_RESULT_NOT_APPLICABLE},
    {CARD_SOURCE_BRAINTREE,               "B",                            CARD_RESULT_BYPASSED},
    {CARD_SOURCE_BRAINTREE_GRAPHQL,       "MATCHES",                      CARD_RESULT_MATCH},
    {CARD_SOURCE_BRAINTREE_GRAPHQL,       "DOES_NOT_MATCH",               CARD_RESULT_NO_MATCH},
    {CARD_SOURCE_BRAINTREE_GRAPHQL,       "NOT_VERIFIED",                 CARD_RESULT_NOT_VERIFIED},
    {CARD_SOURCE_BRAINTREE_GRAPHQL,       "NOT_PROVIDED",                 CARD_RESULT_NOT_PROVIDED},
    {CARD_SOURCE_BRAINTREE_GRAPHQL,       "ISSUER_DOES_NOT_PARTICIPATE",  CARD_RESULT_ISSUER_NOT_PARTICIPATING},
    {CARD_SOURCE_BRAINTREE_GRAPHQL,       "NOT_APPLICABLE",               CARD_RESULT_NOT_APPLICABLE},
    {CARD_SOURCE_BRAINTREE_GRAPHQL,       "BYPASS",                       CARD_RESULT_BYPASSED},
    {CARD_SOURCE_BRAINTREE_GRAPHQL,       "SYSTEM_ERROR",                 CARD_RESULT_NO_RESULT},
    {CARD_SOURCE_COMMERCEHUB_MATCH,       "MATCHED",                      CARD_RESULT_MATCH},
    {CARD_SOURCE_COMMERCEHUB_MATCH,       "NOT_MATCHED",                  CARD_RESULT_NO_MATCH},
    {CARD_SOURCE_COMMERCEHUB_MATCH,       "NOT_PROCESSED",                CARD_RESULT_NOT_PROCESSED_ISSUER_UNAVAILABLE},
    {CARD_SOURCE_COMMERCEHUB_MATCH,       "NOT_PRESENT",                  CARD_RESULT_MERCHANT_SAYS_NOT_ON_CARD},
    {CARD_SOURCE_COMMERCEHUB_MATCH,       "NOT_CERTIFIED",                CARD_RESULT_ISSUER_NOT_PARTICIPATING},
    {CARD_SOURCE_COMMERCEHUB_MATCH,       "NOT_CHECKED",                  CARD_RESULT_NO_RESULT},
    {CARD_SOURCE_COMMERCEHUB_MATCH,       "NONE",                         CARD_RESULT_NOT_PROVIDED},
    {CARD_SOURCE_COMMERCEHUB_ASSOCIATION, "M",                            CARD_RESULT_MATCH},
    {CARD_SOURCE_COMMERCEHUB_ASSOCIATION, "N",                            CARD_RESULT_NO_MATCH},
    {CARD_SOURCE_COMMERCEHUB_ASSOCIATION, "P",                            CARD_RESULT_NOT_PROCESSED_ISSUER_UNAVAILABLE},
    {CARD_SOURCE_COMMERCEHUB_ASSOCIATION, "S",                            CARD_RESULT_MERCHANT_SAYS_NOT_ON_CARD},
    {CARD_SOURCE_COMMERCEHUB_ASSOCIATION, "U",                            CARD_RESULT_ISSUER_NOT_PARTICIPATING},
    {CARD_SOURCE_COMMERCEHUB_ASSOCIATION, "X",                            CARD_RESULT_NO_RESULT},
    {CARD_SOURCE_COMMERCEHUB_ASSOCIATION, "Y",                            CARD_RESULT_MATCH},
    {CARD_SOURCE_COMMERCEHUB_ASSOCIATION, "",                             CARD_RESULT_NOT_PROVIDED},
    {CARD_SOURCE_AUXVAULT,                "M",                            CARD_RESULT_MATCH},
    {CARD_SOURCE_AUXVAULT,                "N",                            CARD_RESULT_NO_MATCH},
    {CARD_SOURCE_AUXVAULT,                "P",                            CARD_RESULT_NOT_PROCESSED_ISSUER_UNAVAILABLE},
    {CARD_SOURCE_AUXVAULT,                "S",                            CARD_RESULT_ISSUER_NOT_PARTICIPATING},
    {CARD_SOURCE_AUXVAULT,                "U",                            CARD_RESULT_NOT_VERIFIED},
    {CARD_SOURCE_STRIPE,                  "pass",                         CARD_RESULT_MATCH},
    {CARD_SOURCE_STRIPE,                  "fail",                         CARD_RESULT_NO_MATCH},
    {CARD_SOURCE_STRIPE,                  "unavailable",                  CARD_RESULT_NOT_VERIFIED},
    {CARD_SOURCE_STRIPE,                  "unchecked",                    CARD_RESULT_NOT_APPLICABLE},
    {CARD_SOURCE_STRIPE,                  "null",                         CARD_RESULT_NOT_PROVIDED},
    {CARD_SOURCE_ADYEN,                   "0",                            CARD_RESULT_NO_RESULT},
    {CARD_SOURCE_ADYEN,                   "1",                            CARD_RESULT_MATCH},
    {CARD_SOURCE_ADYEN,                   "2",                            CARD_RESULT_NO_MATCH},
    {CARD_SOURCE_ADYEN,                   "3",                            CARD_RESULT_NOT_VERIFIED},
    {CARD_SOURCE_ADYEN,                   "4",                            CARD_RESULT_MISSING_BUT_REQUIRED},
    {CARD_SOURCE_ADYEN,                   "5",                            CARD_RESULT_ISSUER_NOT_PARTICIPATING},
    {CARD_SOURCE_ADYEN,                   "6",                            CARD_RESULT_NOT_PROVIDED},
    {CARD_SOURCE_CYBERSOURCE,             "D",                            CARD_RESULT_SUSPICIOUS},
    {CARD_SOURCE_CYBERSOURCE,             "I",                            CARD_RESULT_INVALID_DATA},
    {CARD_SOURCE_CYBERSOURCE,             "M",                            CARD_RESULT_MATCH},
    {CARD_SOURCE_CYBERSOURCE,             "N",                            CARD_RESULT_NO_MATCH},
    {CARD_SOURCE_CYBERSOURCE,             "P",                            CARD_RESULT_NOT_PROCESSED_ISSUER_UNAVAILABLE},
    {CARD_SOURCE_CYBERSOURCE,             "S",                            CARD_RESULT_NOT_PROVIDED},
    {CARD_SOURCE_CYBERSOURCE,             "U",                            CARD_RESULT_ISSUER_NOT_PARTICIPATING},
    {CARD_SOURCE_CYBERSOURCE,             "X",                            CARD_RESULT_NOT_SUPPORTED_SCHEME},
    {CARD_SOURCE_CYBERSOURCE,             "1",                            CARD_RESULT_NOT_SUPPORTED_PROCESSOR},
    {CARD_SOURCE_CYBERSOURCE,             "2",                            CARD_RESULT_UNRECOGNISED},
    {CARD_SOURCE_CYBERSOURCE,             "3",                            CARD_RESULT_NO_RESULT},
    {CARD_SOURCE_AUTHORIZENET,            "M",                            CARD_RESULT_MATCH},
    {CARD_SOURCE_AUTHORIZENET,            "N",                            CARD_RESULT_NO_MATCH},
    {CARD_SOURCE_AUTHORIZENET,            "P",                            CARD_RESULT_NOT_PROCESSED_ISSUER_UNAVAILABLE},
    {CARD_SOURCE_AUTHORIZENET,            "S",                            CARD_RESULT_NOT_PROVIDED},
    {CARD_SOURCE_AUTHORIZENET,            "U",                            CARD_RESULT_ISSUER_NOT_PARTICIPATING},
    {CARD_SOURCE_CHECKOUT,                "Y",                            CARD_RESULT_MATCH},
    {CARD_SOURCE_CHECKOUT,                "D",                            CARD_RESULT_NO_MATCH},
    {CARD_SOURCE_CHECKOUT,                "N",                            CARD_RESULT_MERCHANT_SAYS_NOT_ON_CARD},
    {CARD_SOURCE_CHECKOUT,                "P",                            CARD_RESULT_NOT_PROCESSED_ISSUER_UNAVAILABLE},
    {CARD_SOURCE_CHECKOUT,                "U",                            CARD_RESULT_ISSUER_NOT_PARTICIPATING},
    {CARD_SOURCE_CHECKOUT,                "X",                            CARD_RESULT_NO_RESULT},
    {CARD_SOURCE_MONERIS,                 "D",                            CARD_RESULT_NO_MATCH},
    {CARD_SOURCE_MONERIS,                 "Y",                            CARD_RESULT_MATCH},
    {CARD_SOURCE_MONERIS,                 "M",                            CARD_RESULT_MATCH},
    {CARD_SOURCE_MONERIS,                 "N",                            CARD_RESULT_NO_MATCH},
    {CARD_SOURCE_MONERIS,                 "P",                            CARD_RESULT_NOT_PROCESSED_ISSUER_UNAVAILABLE},
    {CARD_SOURCE_MONERIS,                 "S",                            CARD_RESULT_MERCHANT_SAYS_NOT_ON_CARD},
    {CARD_SOURCE_MONERIS,                 "U",                            CARD_RESULT_ISSUER_NOT_PARTICIPATING},
    {CARD_SOURCE_PAYEEZY,                 "M",                            CARD_RESULT_MATCH},
    {CARD_SOURCE_PAYEEZY,                 "N",                            CARD_RESULT_NO_MATCH},
    {CARD_SOURCE_PAYEEZY,                 "P",                            CARD_RESULT_NOT_PROCESSED_ISSUER_UNAVAILABLE},
    {CARD_SOURCE_PAYEEZY,                 "S",                            CARD_RESULT_MERCHANT_SAYS_NOT_ON_CARD},
    {CARD_SOURCE_PAYEEZY,                 "U",                            CARD_RESULT_ISSUER_NOT_PARTICIPATING},
    {CARD_SOURCE_PAYEEZY,                 "I",                            CARD_RESULT_INVALID_DATA},
    {CARD_SOURCE_PAYEEZY,                 "Z",                            CARD_RESULT_NO_RESULT},
    {CARD_SOURCE_PAYPAL,                  "E",                            CARD_RESULT_UNRECOGNISED},
    {CARD_SOURCE_PAYPAL,                  "I",                            CARD_RESULT_INVALID_DATA},
    {CARD_SOURCE_PAYPAL,                  "M",                            CARD_RESULT_MATCH},
    {CARD_SOURCE_PAYPAL,                  "N",                            CARD_RESULT_NO_MATCH},
    {CARD_SOURCE_PAYPAL,                  "P",                            CARD_RESULT_NOT_PROCESSED_ISSUER_UNAVAILABLE},
    {CARD_SOURCE_PAYPAL,                  "S",                            CARD_RESULT_NOT_SUPPORTED_PROCESSOR},
    {CARD_SOURCE_PAYPAL,                  "U",                            CARD_RESULT_ISSUER_NOT_PARTICIPATING},
    {CARD_SOURCE_PAYPAL,                  "X",                            CARD_RESULT_NO_RESULT},
    {CARD_SOURCE_PAYPAL_MAESTRO,          "0",                            CARD_RESULT_MATCH},
    {CARD_SOURCE_PAYPAL_MAESTRO,          "1",                            CARD_RESULT_NO_MATCH},
    {CARD_SOURCE_PAYPAL_MAESTRO,          "2",                            CARD_RESULT_NOT_SUPPORTED_PROCESSOR},
    {CARD_SOURCE_PAYPAL_MAESTRO,          "3",                            CARD_RESULT_MERCHANT_SAYS_NOT_ON_CARD},
    {CARD_SOURCE_PAYPAL_MAESTRO,          "4",                            CARD_RESULT_NOT_PROCESSED_ISSUER_UNAVAILABLE},
    {CARD_SOURCE_PAYPAL_MAESTRO,          "X",                            CARD_RESULT_NOT_PROCESSED_ISSUER_UNAVAILABLE},
};

/* One column a face, in the order of enum card_face. */
static const char *const exports[CARD_RESULT_COUNT][CARD_FACE_COUNT] = {
    [CARD_RESULT_MATCH]                            = {"M", "MATCHED",       "M", "M", "pass",        "1", "M", "M", "Y"},
    [CARD_RESULT_NO_MATCH]                         = {"N", "NOT_MATCHED",   "N", "N", "fail",        "2", "N", "N", "D"},
    [CARD_RESULT_NOT_PROCESSED_ISSUER_UNAVAILABLE] = {"U", "NOT_PROCESSED", "P", "P", "unavailable", "3", "P", "P", "P"},
    [CARD_RESULT_NOT_VERIFIED]                     = {"U", "NOT_CHECKED",   "X", "U", "unavailable", "3", "P", "P", "P"},
    [CARD_RESULT_NOT_PROVIDED]                     = {"I", "NONE",          "",  "",  "null",        "6", "S", "S", "N"},
    [CARD_RESULT_MERCHANT_SAYS_NOT_ON_CARD]        = {"I", "NOT_PRESENT",   "S", "X", "null",        "6", "S", "S", "N"},
    [CARD_RESULT_ISSUER_NOT_PARTICIPATING]         = {"S", "NOT_CERTIFIED", "U", "S", "unavailable", "5", "U", "U", "U"},
    [CARD_RESULT_NOT_SUPPORTED_SCHEME]             = {"A", "NOT_CHECKED",   "X", "S", "unavailable", "0", "X", "U", "X"},
    [CARD_RESULT_NOT_SUPPORTED_PROCESSOR]          = {"A", "NOT_CHECKED",   "X", "U", "unavailable", "0", "1", "P", "X"},
    [CARD_RESULT_NOT_APPLICABLE]                   = {"A", "NOT_CHECKED",   "X", "U", "unchecked",   "3", "3", "P", "X"},
    [CARD_RESULT_BYPASSED]                         = {"B", "NOT_CHECKED",   "X", "U", "unchecked",   "3", "3", "P", "P"},
    [CARD_RESULT_INVALID_DATA]                     = {"U", "NOT_PROCESSED", "P", "X", "unavailable", "0", "I", "P", "X"},
    [CARD_RESULT_SUSPICIOUS]                       = {"N", "NOT_MATCHED",   "N", "N", "fail",        "2", "D", "N", "D"},
    [CARD_RESULT_MISSING_BUT_REQUIRED]             = {"I", "NONE",          "",  "",  "null",        "4", "S", "S", "N"},
    [CARD_RESULT_TRACK_CVC1_INVALID]               = {"N", "NOT_MATCHED",   "N", "N", "fail",        "2", "N", "N", "D"},
    [CARD_RESULT_UNRECOGNISED]                     = {"U", "NOT_CHECKED",   "X", "X", "unavailable", "0", "2", "P", "X"},
    [CARD_RESULT_NO_RESULT]                        = {"U", "NOT_CHECKED",   "X", "U", "unavailable", "0", "3", "P", "X"},
};
/* clang-format on */

static const char *const result_names[] = {
#define NAME(name, class) [CARD_RESULT_##name] = #name,
    CARD_RESULT_LIST(NAME)
#undef NAME
};
static const enum card_result_class result_classes[] = {
#define CLASS(name, class) [CARD_RESULT_##name] = CARD_CLASS_##class,
    CARD_RESULT_LIST(CLASS)
#undef CLASS
};
static const char *const source_names[] = {
#define SOURCE(name, text) [CARD_SOURCE_##name] = text,
    CARD_SOURCE_LIST(SOURCE)
#undef SOURCE
};
static const char *const face_names[] = {
#define FACE(name, text) [CARD_FACE_##name] = text,
    CARD_FACE_LIST(FACE)
#undef FACE
};

static bool blank(struct span raw)
{
    for (size_t i = 0; i < raw.len; i++)
        if (raw.at[i] != ' ')
            return false;
    return true;
}

enum card_result card_result_import(enum card_source source, struct span raw)
{
    struct span wanted = blank(raw) ? span_text("") : raw;
    for (size_t i = 0; i < sizeof imports / sizeof imports[0]; i++)
        if (imports[i].source == source && span_is(wanted, imports[i].raw))
            return imports[i].result;
    return wanted.len == 0 ? CARD_RESULT_NO_RESULT : CARD_RESULT_UNRECOGNISED;
}

const char *card_result_export(enum card_face face, enum card_result result)
{
    ASSERT((unsigned)face < CARD_FACE_COUNT && (unsigned)result < CARD_RESULT_COUNT);
    return exports[result][face];
}

/* gateway.md 4, "deriving the canonical value", in its order. */
enum card_result card_result_derive(const struct card_result_facts *facts)
{
    if (facts->bypassed)
        return CARD_RESULT_BYPASSED;
    enum card_result read = card_result_import(facts->source, facts->raw);
    if (facts->code_sent)
        return read;
    if (facts->presence == '9' || read == CARD_RESULT_MERCHANT_SAYS_NOT_ON_CARD)
        return CARD_RESULT_MERCHANT_SAYS_NOT_ON_CARD;
    return read == CARD_RESULT_MISSING_BUT_REQUIRED ? read : CARD_RESULT_NOT_PROVIDED;
}

/* gateway.md 4.2: a Mastercard track Y must never be read as a match. */
void card_result_association(enum card_result result, struct span raw, char out[static 2])
{
    const char *letter = card_result_export(CARD_FACE_COMMERCEHUB_ASSOCIATION, result);
    bool same = result != CARD_RESULT_UNRECOGNISED && raw.len == 1 && !blank(raw) &&
                card_result_import(CARD_SOURCE_COMMERCEHUB_ASSOCIATION, raw) == result;
    out[0] = same ? (char)raw.at[0] : letter[0];
    out[1] = 0;
}

static bool find(const char *const *names, unsigned count, struct span name, unsigned *out)
{
    for (unsigned i = 0; i < count; i++)
        if (span_is(name, names[i])) {
            *out = i;
            return true;
        }
    return false;
}

const char *card_result_name(enum card_result result)
{
    return (unsigned)result < CARD_RESULT_COUNT ? result_names[result] : "UNRECOGNISED";
}

enum card_result_class card_result_class(enum card_result result)
{
    return (unsigned)result < CARD_RESULT_COUNT ? result_classes[result] : CARD_CLASS_OPEN;
}

bool card_result_from_name(struct span name, enum card_result *out)
{
    unsigned at = 0;
    bool found = find(result_names, CARD_RESULT_COUNT, name, &at);
    if (found)
        *out = (enum card_result)at;
    return found;
}

bool card_source_from_name(struct span name, enum card_source *out)
{
    unsigned at = 0;
    bool found = find(source_names, CARD_SOURCE_COUNT, name, &at);
    if (found)
        *out = (enum card_source)at;
    return found;
}

const char *card_face_name(enum card_face face)
{
    ASSERT((unsigned)face < CARD_FACE_COUNT);
    return face_names[face];
}

bool card_face_from_name(struct span name, enum card_face *out)
{
    unsigned at = 0;
    bool found = find(face_names, CARD_FACE_COUNT, name, &at);
    if (found)
        *out = (enum card_face)at;
    return found;
}
