/* SPDX-License-Identifier: Apache-2.0 */
/* The back of the pipeline: authorise, normalise, evaluate. */
#include "gateway/internal.h"

#include <string.h>

/* ---- authorise ---- */

/* DE25: 51 account verification, 08 mail or telephone order, 00 at the till, 59 electronic commerce. */
static const char *condition(const struct slot *slot)
{
    struct span origin = WIRE_SPAN(slot->secret->request.origin);
    if (slot->payment.kind == GATEWAY_KIND_VERIFICATION)
        return "51";
    if (span_is(origin, "MOTO"))
        return "08";
    return span_is(origin, "POS") ? "00" : "59";
}

struct acquirer_authorisation outcome_authorisation(const struct gateway *g, const struct slot *slot)
{
    static const enum iso8583_presence presence[] = {
        [GATEWAY_CODE_ABSENT] = ISO8583_CODE_ABSENT,
        [GATEWAY_CODE_PRESENT] = ISO8583_CODE_PRESENT,
        [GATEWAY_CODE_ILLEGIBLE] = ISO8583_CODE_ILLEGIBLE,
        [GATEWAY_CODE_NOT_ON_CARD] = ISO8583_CODE_NOT_ON_CARD,
    };
    const struct gateway_merchant *merchant = gateway_merchant_at(g->merchants, slot->merchant);
    const struct gateway_payment *payment = &slot->payment;
    return (struct acquirer_authorisation){
        .pan = &slot->secret->payment.pan,
        .code = &slot->secret->payment.code,
        .presence = presence[payment->presence],
        .amount_minor = payment->amount_minor,
        .currency = payment->currency->numeric,
        .expiry = payment->expiry,
        .mcc = merchant->mcc,
        .condition = condition(slot),
        .terminal = slot->terminal,
        .merchant = merchant->id,
        .stamp = payment->stamp,
    };
}

void outcome_take(const struct acquirer_link *link, const struct iso8583_message *message, struct gateway_payment *payment)
{
    struct acquirer_answer answer;
    acquirer_answer_read(link, message, &answer);
    memcpy(payment->de39, answer.response, sizeof payment->de39);
    memcpy(payment->approval, answer.approval, sizeof payment->approval);
    payment->cvv_raw = answer.result;
    bool part = answer.partial && answer.amount_minor < payment->amount_minor;
    payment->approved_minor = part ? answer.amount_minor : payment->amount_minor;
}

enum step outcome_authorise(struct gateway *g, struct slot *slot)
{
    enum { SEND, ANSWERED };
    if (slot->phase == ANSWERED)
        return STEP_NEXT;
    struct acquirer_authorisation a = outcome_authorisation(g, slot);
    slot->phase = ANSWERED;
    slot->payment.state = GATEWAY_STATE_AUTHORIZING;
    enum err err = acquirer_authorise(g->link[slot->payment.link], &a, slot);
    secret_wipe(&slot->secret->payment.code, sizeof slot->secret->payment.code);
    if (err == ERR_OK)
        return STEP_WAIT;
    slot->undone = true; /* nothing has left: no reversal, and the request may be sent again */
    return pipeline_fault(slot, GATEWAY_FAULT_UNAVAILABLE, NULL);
}

/* ---- normalise ---- */

static char presence_sent(enum gateway_presence presence)
{
    static const char digits[] = {[GATEWAY_CODE_ABSENT] = '0',
                                  [GATEWAY_CODE_PRESENT] = '1',
                                  [GATEWAY_CODE_ILLEGIBLE] = '2',
                                  [GATEWAY_CODE_NOT_ON_CARD] = '9'};
    return digits[presence];
}

enum step outcome_normalise(struct gateway *g, struct slot *slot)
{
    struct gateway_payment *payment = &slot->payment;
    if (slot->timed_out) {
        g->counters.timeouts++;
        payment->state = GATEWAY_STATE_FAILED;
        payment->cvv = CARD_RESULT_NO_RESULT;
        payment->reversal = true;
        gateway_payment_trace_add(payment, "processor", GATEWAY_OUTCOME_LOG, "no_answer");
        return pipeline_fault(slot, GATEWAY_FAULT_ISSUER_TIMEOUT, NULL);
    }
    enum card_source source = CARD_SOURCE_VISA;
    (void)card_source_from_name(span_text(payment->network), &source);
    struct card_result_facts facts = {
        .code_sent = payment->presence == GATEWAY_CODE_PRESENT,
        .presence = presence_sent(payment->presence),
        .source = source,
        .raw = span_of(&payment->cvv_raw, payment->cvv_raw ? 1 : 0),
    };
    payment->cvv = card_result_derive(&facts);
    if (payment->cvv == CARD_RESULT_UNRECOGNISED)
        g->counters.unrecognised++;
    return STEP_NEXT;
}

/* ---- evaluate: the processor's decline ends the decision; no filter or rule of this release can turn it ---- */

enum step outcome_evaluate(struct gateway *g, struct slot *slot)
{
    static const enum gateway_state approved[] = {[GATEWAY_KIND_NONE] = GATEWAY_STATE_FAILED,
                                                  [GATEWAY_KIND_VERIFICATION] = GATEWAY_STATE_VERIFIED,
                                                  [GATEWAY_KIND_AUTH] = GATEWAY_STATE_AUTHORIZED,
                                                  [GATEWAY_KIND_SALE] = GATEWAY_STATE_CAPTURED};
    struct gateway_payment *payment = &slot->payment;
    bool yes = gateway_payment_approved(payment);
    payment->state = yes ? approved[payment->kind] : GATEWAY_STATE_PROCESSOR_DECLINED;
    gateway_payment_trace_add(payment, "processor", GATEWAY_OUTCOME_PASS, yes ? "approved" : "declined");
    g->counters.approvals += yes;
    g->counters.declines += !yes;
    return STEP_NEXT;
}
