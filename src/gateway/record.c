/* SPDX-License-Identifier: Apache-2.0 */
/* Outcome and answer into the store, in one transaction; and what is undone when that was not possible. */
#include "gateway/internal.h"
#include "store/error.h"

#include <string.h>

enum { PAUSE_US = 200000, UNDO_PAUSE_US = 1000000, UNDO_TRIES = 5 };

/* ---- the rows ---- */

/* What void, refund and a reversal of the gateway's own need. Sealed once, however often the record is tried. */
static enum err seal_pan(struct gateway *g, struct gateway_slot *slot)
{
    struct buf sealed = buf_over(slot->pan_sealed, sizeof slot->pan_sealed);
    struct span pan = card_pan_span(&slot->secret->payment.pan);
    if (gateway_payment_final(&slot->x.payment) || slot->pan_sealed_len > 0)
        return ERR_OK;
    TRY(crypto_vault_seal(g->parts.vault, g->parts.env, span_text(slot->x.payment.id), pan, &sealed));
    slot->pan_sealed_len = sealed.len;
    return ERR_OK;
}

static void put_request_half(struct gateway_slot *slot, struct gateway_record_row *row)
{
    static const char *const presence[] = {"absent", "present", "illegible", "not_on_card"};
    const struct gateway_payment *p = &slot->x.payment;
    *row = (struct gateway_record_row){
        .record_id = span_text(p->id),
        .tenant = span_text(slot->x.merchant->tenant),
        .merchant_id = span_text(slot->x.merchant->id),
        .terminal_id = span_text(slot->terminal),
        .kind = span_text(gateway_kind_text(p->kind)),
        .amount = (int64_t)p->amount_minor,
        .currency = span_text(p->currency->alpha),
        .brand = span_text(card_brand_row(p->brand)->name),
        .bin6 = span_text(p->bin6),
        .last4 = span_text(p->last4),
        .pan_fingerprint = span_of(p->fingerprint, sizeof p->fingerprint),
        .entry = span_text("full_pan"),
        .initiator = span_text(p->customer_initiated ? "customer" : "merchant"),
        .cvv_presence = span_text(presence[p->presence]),
        .face = span_text(slot->x.face->name),
        .request_id = slot->x.request_id,
        .created_at = p->created_ms,
        .pan_enc = span_of(slot->pan_sealed, slot->pan_sealed_len),
    };
}

static void put_letter(char letter, struct buf *out)
{
    if (letter >= 0x20 && letter < 0x7F) {
        buf_put_byte(out, (uint8_t)letter);
    } else if (letter) {
        buf_put_text(out, "\\x");
        buf_put_hex(out, (const uint8_t *)&letter, 1);
    }
}

/* No filter, rule or limit rejects yet: rejection_reason stays empty. */
static void put_record(struct gateway_slot *slot)
{
    const struct gateway_payment *p = &slot->x.payment;
    struct gateway_record_row *row = &slot->row.record;
    struct buf stan = buf_over(slot->stan, sizeof slot->stan);
    struct buf trace = buf_over(slot->trace, sizeof slot->trace);
    struct buf raw = buf_over(slot->raw, sizeof slot->raw);
    buf_put_decimal(&stan, p->stamp.stan, 6);
    gateway_payment_trace_write(p, &trace);
    put_letter(p->cvv_raw, &raw);
    put_request_half(slot, row);
    row->network = span_text(p->network);
    row->cvv_raw = buf_span(&raw);
    row->cvv_canonical = span_text(card_result_name(p->cvv));
    row->avs_raw = p->avs_raw;
    row->de39 = span_text(p->de39);
    row->approval_code = span_text(p->approval);
    row->rrn = span_text(p->stamp.rrn);
    row->stan = buf_span(&stan);
    row->de7 = span_text(p->stamp.transmission);
    row->state = span_text(gateway_state_text(p->state));
    row->outcome = span_text(gateway_outcome_text(p->outcome));
    row->trace = buf_span(&trace);
    row->reversal_state = span_text(p->reversal ? "queued" : "none");
    gateway_ask_op(slot, GATEWAY_ROW(RECORD_INSERT), 0, row);
}

/* The answer is copied: it may be gone to the client before the store has taken it. */
static enum err put_answer(struct gateway_slot *slot)
{
    struct span body = buf_span(http_body(slot->x.http));
    void *copy = arena_take(&slot->arena, body.len);
    if (!copy)
        return ERR_MEMORY;
    memcpy(copy, body.at, body.len);
    slot->row.answer = (struct gateway_answer_row){
        .answer_id = span_text(slot->x.trace_id), .told_at = slot->x.now_ms, .body = span_of(copy, body.len)};
    gateway_ask_op(slot, GATEWAY_ROW(ANSWER_INSERT), 0, &slot->row.answer);
    slot->row.claim.answer_status = slot->x.status;
    gateway_ask_claim(slot, GATEWAY_ROW(CLAIM_ANSWER), STORE_MUST_CHANGE);
    return ERR_OK;
}

/* Nothing came of it: the request may be sent again under the same id. */
static void put_release(struct gateway_slot *slot)
{
    gateway_ask_claim(slot, GATEWAY_ROW(CLAIM_RELEASE), 0);
}

static void put_reversal_outcome(struct gateway_slot *slot, bool fire)
{
    slot->row.reversal.reversal_id = span_text(slot->x.payment.id);
    slot->row.reversal.next_try_at = slot->x.now_ms;
    gateway_ask_op(slot, fire ? GATEWAY_ROW(REVERSAL_FIRE) : GATEWAY_ROW(REVERSAL_DISARM), 0, &slot->row.reversal);
}

/* ---- record ---- */

/* Not told and not final: nothing stands of it. An attempt that the issuer did not answer is on record, and its id runs again
 * (commerce-hub.md 10). */
static enum err ask_record(struct gateway *g, struct gateway_slot *slot)
{
    slot->final = slot->x.faults.count == 0 || slot->timed_out;
    gateway_ask(slot, GATEWAY_ASKED_RECORD);
    if (!slot->final || slot->timed_out) {
        put_release(slot);
        gateway_claim_forget(g, slot);
    } else {
        TRY(put_answer(slot));
    }
    if (slot->armed)
        put_reversal_outcome(slot, slot->x.payment.reversal);
    if ((slot->armed || slot->x.payment.simulated) && slot->final) {
        TRY(seal_pan(g, slot));
        put_record(slot);
    }
    if (slot->final && slot->x.operation == GATEWAY_KEY_GENERATE)
        gateway_put_key(slot);
    return ERR_OK;
}

static void tell_loss(struct gateway_slot *slot, enum err err)
{
    bool down = store_err_unavailable(err) || err == STORE_ERR_UNKNOWN;
    struct buf *body = http_body(slot->x.http);
    slot->x.faults.count = 0;
    gateway_fault_add(&slot->x.faults, down ? GATEWAY_FAULT_UNAVAILABLE : GATEWAY_FAULT_INTERNAL, NULL);
    buf_clear(body);
    slot->x.face->error(&slot->x, body);
}

/* The outcome cannot be stored: it may not be told either. LEAVE undoes what stands. */
static void lose(struct gateway *g, struct gateway_slot *slot, enum err err)
{
    LOG(g->parts.env->log, LOG_ERROR, "gateway.record_failed", LOG_TEXT("id", slot->x.trace_id),
        LOG_TEXT("error", err_row(err)->name), LOG_TEXT("late", slot->item.awaited > 0 ? "yes" : "no"));
    if (slot->final)
        tell_loss(slot, err);
    flow_to(&slot->item, GATEWAY_STAGE_ANSWER);
}

void gateway_stage_record(void *context, struct flow_item *const *item, size_t count)
{
    struct gateway *g = context;
    struct gateway_asking asking = {.count = 0};
    struct gateway_asking spending = {.count = 0};
    int64_t deadline_us = gateway_store_deadline_us(g);
    for (size_t i = 0; i < count; i++) {
        struct gateway_slot *slot = gateway_slot_of(item[i]);
        enum err err = ERR_OK;
        if (slot->give_up_us == 0)
            slot->give_up_us = deadline_us;
        if (!slot->claimed && gateway_ask_spend(g, slot))
            spending.slot[spending.count++] = slot;
        else if (!slot->claimed || item[i]->awaited > 0)
            flow_to(item[i], GATEWAY_STAGE_ANSWER); /* there is nothing to store, or not yet: LEAVE undoes the claim */
        else if ((err = ask_record(g, slot)) == ERR_OK)
            asking.slot[asking.count++] = slot;
        else
            lose(g, slot, slot->batch.err = err);
    }
    gateway_ask_write(g, &asking, GATEWAY_STAGE_RECORDED, deadline_us);
    gateway_ask_write_aside(g, &spending, GATEWAY_STAGE_ANSWER); /* a refusal does not wait for the store */
}

/* What became of the record, once its batch is back. */
static enum err outcome(struct gateway_slot *slot)
{
    enum err err = slot->batch.err;
    /* Our own earlier try, whose outcome was unknown, was committed after all. Without such a try the claim was taken from us. */
    if (slot->unknown && (err == STORE_ERR_CONFLICT || err == ERR_DUPLICATE))
        err = ERR_OK;
    slot->settled = err == ERR_OK;
    slot->unknown |= err == STORE_ERR_UNKNOWN;
    return err;
}

static void recorded(struct gateway *g, struct gateway_slot *slot)
{
    bool late = slot->item.awaited > 0;
    enum err err = late ? STORE_ERR_UNAVAILABLE : outcome(slot);
    if (err == ERR_OK) {
        if (slot->x.payment.reversal)
            gateway_reversals_soon(g->reversals);
        flow_next(&slot->item);
        return;
    }
    g->counters.store_failures++;
    g->counters.store_late += late;
    gateway_store_doubt(g);
    bool passes = !late && (store_err_unavailable(err) || err == STORE_ERR_UNKNOWN);
    if (passes && flow_now_us(g->flow) < slot->give_up_us)
        flow_wait_at(&slot->item, GATEWAY_STAGE_RECORD, flow_now_us(g->flow) + PAUSE_US);
    else
        lose(g, slot, err);
}

void gateway_stage_recorded(void *context, struct flow_item *const *item, size_t count)
{
    for (size_t i = 0; i < count; i++)
        recorded(context, gateway_slot_of(item[i]));
}

/* ---- leave: the request is answered, its traces in the store are not as they should be ---- */

static void ask_undo(struct gateway *g, struct gateway_slot *slot)
{
    gateway_claim_forget(g, slot);
    gateway_ask(slot, GATEWAY_ASKED_UNDO);
    put_release(slot);
    if (slot->armed)
        put_reversal_outcome(slot, slot->sent); /* what went out is taken back */
}

/* What the batch that was late has done. */
static void settle(struct gateway *g, struct gateway_slot *slot)
{
    bool may_stand = slot->batch.err == ERR_OK || slot->batch.err == STORE_ERR_UNKNOWN;
    if (slot->asked == GATEWAY_ASKED_CLAIM && !slot->claimed) {
        slot->claimed = may_stand;
        slot->armed = may_stand && gateway_slot_arms(slot);
    } else if (slot->asked == GATEWAY_ASKED_RECORD) {
        (void)outcome(slot); /* it is looked at below */
    } else if (slot->asked == GATEWAY_ASKED_UNDO) {
        slot->settled = slot->batch.err == ERR_OK;
    }
    if (slot->x.operation == GATEWAY_KEY_REVOKE) /* it may have been read again before it was revoked */
        gateway_keyring_drop(g->keyring, slot->x.merchant->index, span_text(slot->key_id));
    if (slot->settled && (slot->asked == GATEWAY_ASKED_RECORD ? slot->x.payment.reversal : slot->sent))
        gateway_reversals_soon(g->reversals);
}

/* True: the slot asks the store once more. What cannot be undone now is found by the sweep. */
static bool leave(struct gateway *g, struct gateway_slot *slot)
{
    ASSERT(!slot->x.http && slot->item.awaited == 0);
    settle(g, slot);
    if (!slot->claimed || slot->settled || slot->tries == UNDO_TRIES) {
        flow_done(&slot->item);
        return false;
    }
    if (slot->asked == GATEWAY_ASKED_UNDO && !slot->item.expired) {
        flow_wait_at(&slot->item, GATEWAY_STAGE_LEAVE, flow_now_us(g->flow) + UNDO_PAUSE_US);
        return false;
    }
    slot->tries++;
    ask_undo(g, slot);
    return true;
}

void gateway_stage_leave(void *context, struct flow_item *const *item, size_t count)
{
    struct gateway *g = context;
    struct gateway_asking asking = {.count = 0};
    for (size_t i = 0; i < count; i++) {
        struct gateway_slot *slot = gateway_slot_of(item[i]);
        if (leave(g, slot))
            asking.slot[asking.count++] = slot;
    }
    gateway_ask_write(g, &asking, GATEWAY_STAGE_LEAVE, 0);
}
