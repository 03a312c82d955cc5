/* SPDX-License-Identifier: Apache-2.0 */
/* One request id, one outcome: the claim that goes in before anything leaves, and the answer that stands behind it. */
#include "gateway/internal.h"
#include "store/error.h"

#include <string.h>

enum { AGAIN_PAUSE_US = 20000, AGAIN_TRIES = 100 };

/* Two merchants of a tenant number their requests independently, and so do two faces. */
void gateway_ask_claim(struct gateway_slot *slot, const struct store_row *row, unsigned flags)
{
    slot->row.claim.tenant = span_text(slot->x.merchant->id);
    slot->row.claim.face = span_text(slot->x.face->name);
    slot->row.claim.request_id = slot->x.request_id;
    slot->row.claim.record_id = span_text(slot->x.trace_id);
    gateway_ask_op(slot, row, flags, &slot->row.claim);
}

static struct gateway_claims_key key_of(const struct gateway_slot *slot)
{
    return (struct gateway_claims_key){
        .face = span_text(slot->x.face->name), .merchant = span_text(slot->x.merchant->id), .request_id = slot->x.request_id};
}

void gateway_claim_forget(struct gateway *g, const struct gateway_slot *slot)
{
    const struct gateway_claims_key key = key_of(slot);
    gateway_claims_forget(g->claims, &key);
}

/* ---- claim ---- */

/* Sealed, since a reversal carries the card number and may stand for a day. */
static enum err seal_reversal(struct gateway *g, struct gateway_slot *slot)
{
    uint8_t room[ACQUIRER_FRAME_MAX];
    struct buf frame = buf_over(room, sizeof room);
    struct buf sealed = buf_over(slot->sealed, sizeof slot->sealed);
    struct acquirer_authorisation a = gateway_authorisation(slot);
    enum err err = acquirer_reversal_build(g->link[slot->x.payment.link], &a, slot->x.now_ms, &frame);
    if (err == ERR_OK)
        err = crypto_vault_seal(g->parts.vault, g->parts.env, span_text(slot->x.payment.id), buf_span(&frame), &sealed);
    secret_wipe(room, frame.len);
    slot->sealed_len = sealed.len;
    return err;
}

/* The reversal goes in with the claim: what may be lost later is armed before anything leaves. */
static enum err put_reversal(struct gateway *g, struct gateway_slot *slot)
{
    TRY(seal_reversal(g, slot));
    slot->row.reversal = (struct gateway_reversal_row){
        .reversal_id = span_text(slot->x.payment.id),
        .node = span_text(g->config.node),
        .link_id = span_text(slot->x.payment.network),
        .record_id = span_text(slot->x.payment.id),
        .message_enc = span_of(slot->sealed, slot->sealed_len),
        .created_at = slot->x.now_ms,
        .next_try_at = slot->x.now_ms,
    };
    gateway_ask_op(slot, GATEWAY_ROW(REVERSAL_INSERT), 0, &slot->row.reversal);
    return ERR_OK;
}

static void fill_claim(const struct gateway *g, struct gateway_slot *slot)
{
    slot->row.claim.fingerprint = span_of(slot->digest, sizeof slot->digest);
    slot->row.claim.node = span_text(g->config.node);
    slot->row.claim.created_at = slot->x.now_ms;
    slot->row.claim.signed_at = slot->x.signature.at_ms;
    slot->row.claim.target = slot->target;
}

bool gateway_ask_spend(struct gateway *g, struct gateway_slot *slot)
{
    bool asked = slot->asked != GATEWAY_ASKED_NOTHING && slot->asked != GATEWAY_ASKED_READ;
    bool behind = flow_busy(g->flow) - g->counters.busy > g->config.slots / 2; /* no slots for this while the store stands still */
    if (!slot->spends || slot->x.request_id.len == 0 || asked || behind || slot->batch.err != ERR_OK || slot->item.awaited > 0)
        return false;
    gateway_ask(slot, GATEWAY_ASKED_SPEND);
    fill_claim(g, slot);
    gateway_ask_claim(slot, GATEWAY_ROW(CLAIM_SPEND), 0);
    return true;
}

static enum err ask_claim(struct gateway *g, struct gateway_slot *slot)
{
    gateway_ask(slot, GATEWAY_ASKED_CLAIM);
    fill_claim(g, slot);
    gateway_ask_claim(slot, GATEWAY_ROW(CLAIM_INSERT), STORE_MUST_CHANGE);
    if (slot->making)
        gateway_ask_keys_live(slot);
    return gateway_slot_arms(slot) ? put_reversal(g, slot) : ERR_OK;
}

void gateway_stage_claim(void *context, struct flow_item *const *item, size_t count)
{
    struct gateway *g = context;
    struct gateway_asking asking = {.count = 0};
    for (size_t i = 0; i < count; i++) {
        struct gateway_slot *slot = gateway_slot_of(item[i]);
        const struct gateway_claims_key key = key_of(slot);
        enum gateway_claim claim = GATEWAY_CLAIM_UNKNOWN;
        enum err err = gateway_claims_compare(g->claims, &key, slot->exact, &claim);
        if (err == ERR_OK && claim == GATEWAY_CLAIM_OTHER)
            gateway_refuse(slot, GATEWAY_FAULT_REUSED, NULL);
        else if (err == ERR_OK && slot->unrouted)
            flow_to(item[i], GATEWAY_STAGE_REPEAT_FIND);
        else if (err == ERR_OK && !gateway_key_begin(g, slot))
            gateway_claim_forget(g, slot);
        else if (err != ERR_OK || ask_claim(g, slot) != ERR_OK)
            gateway_refuse(slot, GATEWAY_FAULT_INTERNAL, NULL);
        else
            asking.slot[asking.count++] = slot;
    }
    gateway_ask_write(g, &asking, GATEWAY_STAGE_CLAIMED, gateway_store_deadline_us(g));
}

static void claimed(struct gateway *g, struct gateway_slot *slot)
{
    enum err err = gateway_asked(slot);
    if (err == ERR_OK) {
        slot->claimed = true;
        slot->armed = gateway_slot_arms(slot);
        if (!slot->making || gateway_key_fits(g, slot))
            flow_next(&slot->item);
    } else if (err == STORE_ERR_CONFLICT) {
        flow_to(&slot->item, GATEWAY_STAGE_REPEAT_FIND);
    } else {
        /* A batch that is late, or whose outcome is unknown, may still leave a claim: LEAVE looks. */
        g->counters.store_failures++;
        g->counters.store_late += slot->item.awaited > 0;
        gateway_store_doubt(g);
        gateway_claim_forget(g, slot);
        gateway_refuse(slot, GATEWAY_FAULT_UNAVAILABLE, NULL);
    }
}

void gateway_stage_claimed(void *context, struct flow_item *const *item, size_t count)
{
    for (size_t i = 0; i < count; i++)
        claimed(context, gateway_slot_of(item[i]));
}

/* ---- a repeat ---- */

void gateway_stage_repeat_find(void *context, struct flow_item *const *item, size_t count)
{
    struct gateway *g = context;
    struct gateway_asking asking = {.count = 0};
    for (size_t i = 0; i < count; i++) {
        struct gateway_slot *slot = gateway_slot_of(item[i]);
        gateway_ask(slot, GATEWAY_ASKED_READ);
        gateway_ask_claim(slot, GATEWAY_ROW(CLAIM_GET), 0);
        asking.slot[asking.count++] = slot;
    }
    gateway_ask_read(g, &asking, GATEWAY_STAGE_REPEAT_TAKE, gateway_store_deadline_us(g));
}

static void repeat_answer(struct gateway *g, struct gateway_slot *slot, const struct gateway_claimed *claim)
{
    struct span trace = claim->record_id;
    g->counters.replays++;
    slot->x.status = (unsigned)claim->answer_status;
    memcpy(slot->x.trace_id, trace.at, trace.len < sizeof slot->x.trace_id ? trace.len : sizeof slot->x.trace_id - 1);
    buf_put_span(http_body(slot->x.http), claim->body);
    flow_to(&slot->item, GATEWAY_STAGE_ANSWER);
}

/* The reversal of the attempt before it leaves first: soon, if its link is up. */
static bool claims_again(struct gateway *g, struct gateway_slot *slot)
{
    if (!gateway_operation_row(slot->x.operation)->pays || slot->unrouted || slot->waits == AGAIN_TRIES)
        return false;
    slot->waits++;
    gateway_reversals_soon(g->reversals);
    flow_wait_at(&slot->item, GATEWAY_STAGE_CLAIM, flow_now_us(g->flow) + AGAIN_PAUSE_US);
    return true;
}

/* Given up in between, or never here. Only a link that is down may come back. */
static void repeat_of_nothing(struct gateway *g, struct gateway_slot *slot)
{
    if (claims_again(g, slot))
        return;
    enum gateway_fault_id no_link = slot->untaken ? GATEWAY_FAULT_SOURCE_UNSUPPORTED : GATEWAY_FAULT_UNAVAILABLE;
    if (slot->unrouted)
        gateway_claim_forget(g, slot);
    gateway_refuse(slot, slot->unrouted ? no_link : GATEWAY_FAULT_IN_PROGRESS, NULL);
}

/* One id and one time were signed, the address is another: the signature has been used. */
static bool is_replay(const struct gateway_slot *slot, const struct gateway_claimed *claim)
{
    return claim->signed_at != 0 && claim->signed_at == slot->x.signature.at_ms && claim->target != slot->target;
}

/* What this process remembers of the id is this request, and the claim is another's: that one may still ask for its answer. */
static void refuse_reused(struct gateway *g, struct gateway_slot *slot)
{
    gateway_claim_forget(g, slot);
    gateway_refuse(slot, GATEWAY_FAULT_REUSED, NULL);
}

static void repeat_compare(struct gateway *g, struct gateway_slot *slot)
{
    struct gateway_claimed claim;
    slot->spends = false; /* the claim that stands is remembered */
    if (store_op_read(&slot->op[0], 0, &claim) != ERR_OK)
        gateway_refuse(slot, GATEWAY_FAULT_INTERNAL, NULL);
    else if (is_replay(slot, &claim))
        gateway_refuse_authentication(g, slot, GATEWAY_AUTHENTICATION_REPLAYED);
    else if (claim.target != slot->target && claim.target != 0)
        refuse_reused(g, slot);
    else if (claim.answer_status == GATEWAY_CLAIM_RELEASED)
        repeat_of_nothing(g, slot);
    else if (!span_equal(claim.fingerprint, span_of(slot->digest, sizeof slot->digest)))
        refuse_reused(g, slot);
    else if (claim.answer_status == GATEWAY_CLAIM_RUNS)
        gateway_refuse(slot, GATEWAY_FAULT_IN_PROGRESS, NULL);
    else
        repeat_answer(g, slot, &claim);
}

static void repeat_take(struct gateway *g, struct gateway_slot *slot)
{
    if (gateway_asked(slot) != ERR_OK) {
        gateway_refuse(slot, GATEWAY_FAULT_UNAVAILABLE, NULL);
    } else if (slot->op[0].rows.count == 0) {
        repeat_of_nothing(g, slot);
    } else {
        repeat_compare(g, slot);
    }
}

void gateway_stage_repeat_take(void *context, struct flow_item *const *item, size_t count)
{
    for (size_t i = 0; i < count; i++)
        repeat_take(context, gateway_slot_of(item[i]));
}
