/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One payment: the record that every face translates to and from.
 *
 * Purpose    A fixed-size value. A face fills the request half, the pipeline the result half; the immutable row of the store and
 *            the answer of the face are both written from it.
 * Ownership  A value in its slot; nothing in it points to request memory.
 * Secrets    Card number and code are not in it: they are in `struct payment_secret`, in locked pages.
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
#define PAYMENT_KIND_LIST(X) X(NONE, "none") X(VERIFICATION, "verification") X(AUTH, "auth") X(SALE, "sale")
#define PAYMENT_STATE_LIST(X) \
    X(RECEIVED, "received") X(AUTHORIZING, "authorizing") X(AUTHORIZED, "authorized") X(CAPTURED, "captured") \
    X(VERIFIED, "verified") X(PROCESSOR_DECLINED, "processor_declined") X(GATEWAY_REJECTED, "gateway_rejected") \
    X(FAILED, "failed") X(VOIDED, "voided")
#define PAYMENT_OUTCOME_LIST(X) X(PASS, "pass") X(LOG, "log") X(FLAG, "flag") X(REJECT, "reject")
/* clang-format on */

enum payment_kind {
#define PAYMENT_ENUM(name, text) PAYMENT_##name,
    PAYMENT_KIND_LIST(PAYMENT_ENUM)
};
enum payment_state { PAYMENT_STATE_LIST(PAYMENT_ENUM) };
#undef PAYMENT_ENUM
/* Ordered by strictness: the strictest check wins. */
enum payment_outcome {
#define PAYMENT_ENUM(name, text) PAYMENT_OUTCOME_##name,
    PAYMENT_OUTCOME_LIST(PAYMENT_ENUM)
#undef PAYMENT_ENUM
};
enum payment_presence { PAYMENT_CODE_ABSENT, PAYMENT_CODE_PRESENT, PAYMENT_CODE_ILLEGIBLE, PAYMENT_CODE_NOT_ON_CARD };

const char *payment_kind_text(enum payment_kind kind);
const char *payment_state_text(enum payment_state state);
const char *payment_outcome_text(enum payment_outcome outcome);

/* A check that ran, in order: the decision trace. Inputs never hold a PAN or a code. */
struct payment_trace {
    const char *check;
    enum payment_outcome outcome;
    const char *note; /* static */
};
enum { PAYMENT_TRACE_MAX = 8 };

struct payment_secret {
    struct pan pan;
    struct code_digits code;
};

struct payment {
    char id[33]; /* 32 lowercase hexadecimal digits */
    enum payment_kind kind;
    uint32_t merchant; /* row of the merchant table */
    uint64_t amount_minor;
    uint64_t approved_minor;
    const struct currency *currency;
    enum card_brand brand;
    char bin6[7];
    char last4[5];
    uint8_t fingerprint[32]; /* keyed hash of the whole PAN; never leaves the process and the store */
    char expiry[5];          /* YYMM */
    bool customer_initiated;
    enum payment_presence presence;

    uint8_t link; /* chosen route */
    struct acquirer_stamp stamp;
    char network[16];
    char cvv_raw; /* 0: none came */
    enum card_result cvv;
    char avs_raw;
    char de39[3];
    char approval[7];
    enum payment_state state;
    enum payment_outcome outcome;
    struct payment_trace trace[PAYMENT_TRACE_MAX];
    size_t trace_count;
    bool reversal; /* one is queued */
    int64_t created_ms;
};

/* The processor said yes: DE39 00, 08, 10, 11 or 85. */
bool payment_approved(const struct payment *payment);
void payment_trace_add(struct payment *payment, const char *check, enum payment_outcome outcome, const char *note);
/* check:outcome:note, separated by blanks. */
void payment_trace_write(const struct payment *payment, struct buf *out);

#endif
