/* SPDX-License-Identifier: Apache-2.0 */
/* The back of the pipeline: authorise, normalise, evaluate. */
#include "gateway/internal.h"

#include <string.h>

/* ---- authorise ---- */

/* DE25: 51 account verification, 08 mail or telephone order, 00 at the till, 59 electronic commerce. */
static const char *condition(const struct gateway_slot *slot)
{
    static const char *const origin[] = {
        [GATEWAY_ORIGIN_INTERNET] = "59", [GATEWAY_ORIGIN_ORDER] = "08", [GATEWAY_ORIGIN_TILL] = "00"};
    return slot->x.payment.kind == GATEWAY_KIND_VERIFICATION ? "51" : origin[slot->order.origin];
}

struct acquirer_authorisation gateway_authorisation(const struct gateway_slot *slot)
{
    static const enum iso8583_presence presence[] = {
        [GATEWAY_CODE_ABSENT] = ISO8583_CODE_ABSENT,
        [GATEWAY_CODE_PRESENT] = ISO8583_CODE_PRESENT,
        [GATEWAY_CODE_ILLEGIBLE] = ISO8583_CODE_ILLEGIBLE,
        [GATEWAY_CODE_NOT_ON_CARD] = ISO8583_CODE_NOT_ON_CARD,
    };
    const struct gateway_payment *payment = &slot->x.payment;
    return (struct acquirer_authorisation){
        .pan = &slot->secret->payment.pan,
        .code = &slot->secret->payment.code,
        .presence = presence[payment->presence],
        .amount_minor = payment->amount_minor,
        .currency = payment->currency->numeric,
        .expiry = payment->expiry,
        .mcc = slot->x.merchant->mcc,
        .condition = condition(slot),
        .terminal = slot->terminal,
        .merchant = slot->x.merchant->id,
        .stamp = payment->stamp,
    };
}

/* Nothing leaves that has not claimed its request id and armed its reversal. */
static void authorise(struct gateway *g, struct gateway_slot *slot)
{
    struct gateway_payment *payment = &slot->x.payment;
    if (payment->simulated) {
        secret_wipe(&slot->secret->payment.code, sizeof slot->secret->payment.code);
        flow_next(&slot->item);
        return;
    }
    struct acquirer_authorisation a = gateway_authorisation(slot);
    ASSERT(slot->claimed && slot->armed && !slot->sent && slot->item.awaited == 0);
    payment->state = GATEWAY_STATE_AUTHORIZING;
    enum err err = acquirer_authorise(g->link[payment->link], &a, slot);
    secret_wipe(&slot->secret->payment.code, sizeof slot->secret->payment.code);
    slot->sent = err == ERR_OK;
    if (slot->sent) {
        flow_await(&slot->item);
        flow_wait(&slot->item, 0); /* the link has the deadline */
    } else {
        gateway_refuse(slot, GATEWAY_FAULT_UNAVAILABLE, NULL);
    }
}

void gateway_stage_authorise(void *context, struct flow_item *const *item, size_t count)
{
    for (size_t i = 0; i < count; i++)
        authorise(context, gateway_slot_of(item[i]));
}

/* A part (DE39 10) of an amount that was not told is none. */
static uint64_t approved_amount(const struct acquirer_answer *answer, uint64_t asked_minor)
{
    if (!answer->amount_told)
        return strcmp(answer->response, "10") == 0 ? 0 : asked_minor;
    return answer->amount_minor < asked_minor ? answer->amount_minor : asked_minor;
}

void gateway_outcome_take(struct gateway *g, struct gateway_slot *slot, const struct iso8583_message *message)
{
    struct gateway_payment *payment = &slot->x.payment;
    struct acquirer_answer answer;
    acquirer_answer_read(g->link[payment->link], message, &answer);
    memcpy(payment->de39, answer.response, sizeof payment->de39);
    memcpy(payment->approval, answer.approval, sizeof payment->approval);
    payment->cvv_raw = answer.result;
    payment->approved_minor = approved_amount(&answer, payment->amount_minor);
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

static void unanswered(struct gateway *g, struct gateway_slot *slot)
{
    struct gateway_payment *payment = &slot->x.payment;
    g->counters.timeouts++;
    payment->state = GATEWAY_STATE_FAILED;
    payment->cvv = CARD_RESULT_NO_RESULT;
    payment->reversal = true;
    gateway_payment_trace_add(payment, "processor", GATEWAY_OUTCOME_LOG, "no_answer");
    gateway_refuse(slot, GATEWAY_FAULT_ISSUER_TIMEOUT, NULL);
}

static void normalise(struct gateway *g, struct gateway_slot *slot)
{
    struct gateway_payment *payment = &slot->x.payment;
    const struct card_result_facts facts = {
        .code_sent = payment->presence == GATEWAY_CODE_PRESENT,
        .presence = presence_sent(payment->presence),
        .source = g->source[payment->link],
        .raw = span_of(&payment->cvv_raw, payment->cvv_raw ? 1 : 0),
    };
    payment->cvv = card_result_derive(&facts);
    g->counters.unrecognised += payment->cvv == CARD_RESULT_UNRECOGNISED;
    flow_next(&slot->item);
}

void gateway_stage_normalise(void *context, struct flow_item *const *item, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct gateway_slot *slot = gateway_slot_of(item[i]);
        if (slot->x.payment.simulated)
            flow_next(item[i]);
        else if (slot->timed_out)
            unanswered(context, slot);
        else
            normalise(context, slot);
    }
}

/* ---- evaluate: the processor's decline ends the decision; no filter or rule of this release can turn it ---- */

/* What the processor said, and what it comes to: less than the whole is declined and given back, unless a part will do
 * (gateway.md 3.3); nothing of something is no approval (commerce-hub.md 6). */
static const char *judge(struct gateway_payment *payment)
{
    if (!gateway_payment_approved(payment))
        return "declined";
    if (payment->approved_minor == payment->amount_minor)
        return "approved";
    if (payment->takes_part && payment->approved_minor > 0)
        return "approved_in_part";
    payment->reversal = true;
    return payment->approved_minor > 0 ? "part_refused" : "nothing_approved";
}

static void evaluate(struct gateway *g, struct gateway_payment *payment)
{
    static const enum gateway_state approved[] = {[GATEWAY_KIND_NONE] = GATEWAY_STATE_FAILED,
                                                  [GATEWAY_KIND_VERIFICATION] = GATEWAY_STATE_VERIFIED,
                                                  [GATEWAY_KIND_AUTH] = GATEWAY_STATE_AUTHORIZED,
                                                  [GATEWAY_KIND_SALE] = GATEWAY_STATE_CAPTURED};
    const char *verdict = judge(payment);
    bool yes = gateway_payment_approved(payment) && !payment->reversal;
    payment->state = yes ? approved[payment->kind] : GATEWAY_STATE_PROCESSOR_DECLINED;
    gateway_payment_trace_add(payment, "processor", GATEWAY_OUTCOME_PASS, verdict);
    g->counters.approvals += yes;
    g->counters.declines += !yes;
}

void gateway_stage_evaluate(void *context, struct flow_item *const *item, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        evaluate(context, &gateway_slot_of(item[i])->x.payment);
        flow_next(item[i]);
    }
}
