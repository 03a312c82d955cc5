/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One payment: the record that every face translates to and from.
 *
 * Purpose    A fixed-size value. A face fills the request half, the pipeline the result half; the immutable row of the store and
 *            the answer of the face are both written from it.
 * Ownership  A value in its slot; nothing in it points to request memory.
 * Secrets    Card number and code are not in it: they are in `struct gateway_payment_secret`, in locked pages.
 */
#ifndef GATEWAY_PAYMENT_H
#define GATEWAY_PAYMENT_H

#include "acquirer/acquirer.h"
#include "base/secret.h"
#include "card/card.h"
#include "card/result.h"
#include "gateway/money.h"
#include "wire/wire.h"

/* clang-format off */
#define GATEWAY_KIND_LIST(X) X(NONE, "none") X(VERIFICATION, "verification") X(AUTH, "auth") X(SALE, "sale")
#define GATEWAY_STATE_LIST(X) \
    X(RECEIVED, "received") X(AUTHORIZING, "authorizing") X(AUTHORIZED, "authorized") X(CAPTURED, "captured") \
    X(VERIFIED, "verified") X(PROCESSOR_DECLINED, "processor_declined") X(GATEWAY_REJECTED, "gateway_rejected") \
    X(FAILED, "failed") X(VOIDED, "voided")
#define GATEWAY_OUTCOME_LIST(X) X(PASS, "pass") X(LOG, "log") X(FLAG, "flag") X(REJECT, "reject")
/* clang-format on */

enum gateway_kind {
#define GATEWAY_ENUM(name, text) GATEWAY_KIND_##name,
    GATEWAY_KIND_LIST(GATEWAY_ENUM)
#undef GATEWAY_ENUM
};
enum gateway_state {
#define GATEWAY_ENUM(name, text) GATEWAY_STATE_##name,
    GATEWAY_STATE_LIST(GATEWAY_ENUM)
#undef GATEWAY_ENUM
};
/* Ordered by strictness: the strictest check wins. */
enum gateway_outcome {
#define GATEWAY_ENUM(name, text) GATEWAY_OUTCOME_##name,
    GATEWAY_OUTCOME_LIST(GATEWAY_ENUM)
#undef GATEWAY_ENUM
};
/* What came of a part of the address; UNKNOWN: no network said. */
enum gateway_avs {
    GATEWAY_AVS_UNKNOWN,
    GATEWAY_AVS_MATCHED,
    GATEWAY_AVS_NOT_MATCHED,
    GATEWAY_AVS_NOT_CHECKED,
    GATEWAY_AVS_NO_INPUT_DATA,
    GATEWAY_AVS_NONE
};
enum gateway_presence { GATEWAY_CODE_ABSENT, GATEWAY_CODE_PRESENT, GATEWAY_CODE_ILLEGIBLE, GATEWAY_CODE_NOT_ON_CARD };

const char *gateway_kind_text(enum gateway_kind kind);
const char *gateway_state_text(enum gateway_state state);
const char *gateway_outcome_text(enum gateway_outcome outcome);

/* A check that ran, in order: the decision trace. Inputs never hold a PAN or a code. */
struct gateway_payment_trace {
    const char *check;
    enum gateway_outcome outcome;
    const char *note; /* static */
};
enum { GATEWAY_TRACE_MAX = 8 };

struct gateway_payment_secret {
    struct card_pan pan;
    struct code_digits code;
};

struct gateway_payment {
    char id[33]; /* 32 lowercase hexadecimal digits */
    enum gateway_kind kind;
    uint32_t merchant; /* row of the merchant table */
    uint64_t amount_minor;
    uint64_t approved_minor;
    const struct gateway_currency *currency;
    enum card_brand brand;
    char bin6[7];
    char last4[5];
    uint8_t fingerprint[32]; /* keyed hash of the whole PAN; never leaves the process and the store */
    char expiry[5];          /* YYMM */
    bool customer_initiated;
    bool takes_part; /* a part of the amount will do */
    enum gateway_presence presence;

    uint8_t link; /* chosen route */
    struct acquirer_stamp stamp;
    char network[16];
    char cvv_raw; /* 0: none came */
    enum card_result cvv;
    char avs_raw;
    enum gateway_avs avs_street, avs_postal;
    char avs_name; /* 1 to 8; 0: none */
    char de39[3];
    char approval[7];
    enum gateway_state state;
    enum gateway_outcome outcome;
    struct gateway_payment_trace trace[GATEWAY_TRACE_MAX];
    size_t trace_count;
    bool reversal;  /* one is queued */
    bool simulated; /* of the sandbox: no network sees it */
    int64_t created_ms;
};

/* The processor said yes: DE39 00, 08, 10, 11 or 85. */
bool gateway_payment_approved(const struct gateway_payment *payment);
/* The month on the card is over everywhere: the gateway does not know the issuer's time zone. */
bool gateway_payment_expired(const struct gateway_payment *payment, int64_t now_ms);
/* No capture, void or refund can follow: nobody needs the card number any more. */
bool gateway_payment_final(const struct gateway_payment *payment);
/* Raises the outcome; a check beyond GATEWAY_TRACE_MAX counts without being noted. */
void gateway_payment_trace_add(struct gateway_payment *payment, const char *check, enum gateway_outcome outcome, const char *note);
/* check:outcome:note, separated by blanks. */
void gateway_payment_trace_write(const struct gateway_payment *payment, struct buf *out);

#endif
