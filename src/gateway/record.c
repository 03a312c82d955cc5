/* SPDX-License-Identifier: Apache-2.0 */
/* Claim, answer, record: what the store holds of a request. */
#include "gateway/internal.h"
#include "store/error.h"

#include <string.h>

static const char face[] = "commercehub";

/* ---- a slot's batch ---- */

void record_begin(struct slot *slot)
{
    arena_reset(&slot->arena);
    slot->batch.count = 0;
    slot->batch.err = ERR_OK;
    slot->values = 0;
}

void record_value(struct slot *slot, struct store_value value)
{
    ASSERT(slot->values < SLOT_VALUES);
    slot->value[slot->values++] = value;
}

void record_op(struct slot *slot, enum store_statement statement, unsigned flags, size_t arguments)
{
    ASSERT(slot->batch.count < SLOT_OPS && arguments <= slot->values);
    slot->op[slot->batch.count++] = (struct store_op){
        .statement = statement, .flags = flags, .argument = &slot->value[slot->values - arguments], .argument_count = arguments};
}

enum step record_submit(struct gateway *g, struct slot *slot)
{
    slot->batch.op = slot->op;
    slot->batch.arena = &slot->arena;
    slot->batch.done = &g->store_done;
    slot->batch.context = slot;
    if (store_writer_submit(g->parts.writer, &slot->batch) == ERR_OK)
        return STEP_WAIT;
    slot->batch.err = STORE_ERR_UNAVAILABLE;
    pipeline_push(g, slot);
    return STEP_WAIT;
}

static const char *tenant_of(const struct gateway *g, const struct slot *slot)
{
    return gateway_merchant_at(g->merchants, slot->merchant)->tenant;
}

static struct span scope_of(const struct gateway *g, const struct slot *slot)
{
    return span_text(gateway_merchant_at(g->merchants, slot->merchant)->id);
}

/* Scope, face, request id. The scope is the merchant: two merchants of a tenant number their requests independently. */
static void put_claim_key(const struct gateway *g, struct slot *slot)
{
    record_value(slot, store_text_span(scope_of(g, slot)));
    record_value(slot, store_text(face));
    record_value(slot, store_text_span(slot->request_id));
}

/* ---- claim ---- */

/* Sealed, since a reversal carries the card number and may stand for a day. */
static enum err seal_reversal(struct gateway *g, struct slot *slot, struct buf *sealed)
{
    uint8_t room[ACQUIRER_FRAME_MAX];
    struct buf frame = buf_over(room, sizeof room);
    struct acquirer_authorisation a = outcome_authorisation(g, slot);
    enum err err = acquirer_reversal_build(g->link[slot->payment.link], &a, slot->now_ms, &frame);
    if (err == ERR_OK)
        err = crypto_vault_seal(g->parts.vault, g->parts.env, span_text(slot->payment.id), buf_span(&frame), sealed);
    secret_wipe(room, frame.len);
    return err;
}

/* The reversal goes in with the claim: what may be lost later is armed before anything leaves. */
static enum err put_reversal(struct gateway *g, struct slot *slot)
{
    struct buf sealed = buf_over(slot->sealed, sizeof slot->sealed);
    TRY(seal_reversal(g, slot, &sealed));
    record_value(slot, store_text(slot->payment.id));
    record_value(slot, store_text(g->config.node));
    record_value(slot, store_text(slot->payment.network));
    record_value(slot, store_text(slot->payment.id));
    record_value(slot, store_bytes(sealed.at, sealed.len));
    record_value(slot, store_int(slot->now_ms));
    record_value(slot, store_int(slot->now_ms));
    record_op(slot, STORE_REVERSAL_INSERT, 0, 7);
    return ERR_OK;
}

enum { CLAIM_START, CLAIM_INSERTED, CLAIM_READ };

static enum step claim_look(struct gateway *g, struct slot *slot)
{
    record_begin(slot);
    put_claim_key(g, slot);
    record_op(slot, STORE_CLAIM_GET, 0, 3);
    slot->phase = CLAIM_READ;
    return record_submit(g, slot);
}

static enum step claim_start(struct gateway *g, struct slot *slot)
{
    enum gateway_claim claim = GATEWAY_CLAIM_UNKNOWN;
    if (gateway_claims_compare(g->claims, scope_of(g, slot), slot->request_id, slot->exact, &claim) != ERR_OK)
        return pipeline_fault(slot, GATEWAY_FAULT_INTERNAL, NULL);
    if (claim == GATEWAY_CLAIM_OTHER)
        return pipeline_fault(slot, GATEWAY_FAULT_REUSED, NULL);
    if (slot->unrouted)
        return claim_look(g, slot);
    record_begin(slot);
    put_claim_key(g, slot);
    record_value(slot, store_bytes(slot->digest, sizeof slot->digest));
    record_value(slot, store_text(slot->trace_id));
    record_value(slot, store_text(g->config.node));
    record_value(slot, store_int(slot->now_ms));
    record_op(slot, STORE_CLAIM_INSERT, STORE_MUST_CHANGE, 7);
    if ((slot->path & 1u << STAGE_AUTHORISE) && put_reversal(g, slot) != ERR_OK)
        return pipeline_fault(slot, GATEWAY_FAULT_INTERNAL, NULL);
    slot->phase = CLAIM_INSERTED;
    return record_submit(g, slot);
}

static enum step claim_inserted(struct gateway *g, struct slot *slot)
{
    if (slot->batch.err == ERR_OK) {
        slot->claimed = true;
        slot->armed = (slot->path & 1u << STAGE_AUTHORISE) != 0;
        return STEP_NEXT;
    }
    if (slot->batch.err != STORE_ERR_CONFLICT) {
        g->counters.store_failures++;
        gateway_claims_forget(g->claims, scope_of(g, slot), slot->request_id);
        return pipeline_fault(slot, GATEWAY_FAULT_UNAVAILABLE, NULL);
    }
    return claim_look(g, slot);
}

/* Columns: fingerprint, record_id, created_at, answer_status, answer. */
static enum step claim_read(struct gateway *g, struct slot *slot)
{
    const struct store_rows *rows = &slot->op[0].rows;
    if (slot->batch.err != ERR_OK)
        return pipeline_fault(slot, GATEWAY_FAULT_UNAVAILABLE, NULL);
    if (rows->count == 0 && slot->unrouted)
        gateway_claims_forget(g->claims, scope_of(g, slot), slot->request_id);
    if (rows->count == 0) /* given up in between, or never here */
        return pipeline_fault(slot, slot->unrouted ? GATEWAY_FAULT_UNAVAILABLE : GATEWAY_FAULT_IN_PROGRESS, NULL);
    struct span digest = store_cell_span(rows, 0, 0);
    if (!span_equal(digest, span_of(slot->digest, sizeof slot->digest)))
        return pipeline_fault(slot, GATEWAY_FAULT_REUSED, NULL);
    if (store_cell_int(rows, 0, 3) == 0)
        return pipeline_fault(slot, GATEWAY_FAULT_IN_PROGRESS, NULL);
    g->counters.replays++;
    slot->status = (unsigned)store_cell_int(rows, 0, 3);
    struct span trace = store_cell_span(rows, 0, 1);
    memcpy(slot->trace_id, trace.at, trace.len < 33 ? trace.len : 32);
    buf_put_span(http_body(slot->http), store_cell_span(rows, 0, 4));
    return STEP_ANSWER;
}

enum step record_claim(struct gateway *g, struct slot *slot)
{
    switch (slot->phase) {
    case CLAIM_START:
        return claim_start(g, slot);
    case CLAIM_INSERTED:
        return claim_inserted(g, slot);
    default:
        return claim_read(g, slot);
    }
}

/* ---- the answer's text ---- */

static enum err write_success(struct gateway *g, struct slot *slot, const struct commercehub_identity *identity, struct buf *body)
{
    if (!(slot->path & 1u << STAGE_AUTHORISE))
        return commercehub_key_write(identity, slot->now_ms, &slot->key_answer, body);
    const struct gateway_merchant *m = gateway_merchant_at(g->merchants, slot->merchant);
    struct commercehub_merchant merchant = {m->name, m->address, m->city, m->state, m->postal_code, m->country};
    return commercehub_payment_write(identity, &slot->payment, &slot->secret->request, &merchant, body);
}

enum step record_write(struct gateway *g, struct slot *slot)
{
    struct commercehub_identity identity = {slot->trace_id, slot->request_id};
    struct buf *body = http_body(slot->http);
    if (slot->faults.count == 0) {
        slot->status = slot->call == COMMERCEHUB_KEYS_REVOKE ? 200 : 201;
        if (write_success(g, slot, &identity, body) == ERR_OK)
            return STEP_NEXT;
        buf_clear(body);
        gateway_fault_add(&slot->faults, GATEWAY_FAULT_INTERNAL, NULL);
        slot->payment.reversal = slot->armed; /* what cannot be told must not stand */
    }
    slot->status = commercehub_error_write(&identity, &slot->faults, body);
    return STEP_NEXT;
}

/* ---- record ---- */

static void put_text(struct slot *slot, const char *text)
{
    record_value(slot, store_text(text));
}

static const char *letter(char raw, char text[static 2])
{
    text[0] = raw;
    text[1] = 0;
    return text;
}

static void put_request_half(const struct gateway *g, struct slot *slot)
{
    static const char *const presence[] = {"absent", "present", "illegible", "not_on_card"};
    const struct gateway_payment *p = &slot->payment;
    put_text(slot, p->id);
    put_text(slot, tenant_of(g, slot));
    put_text(slot, gateway_merchant_at(g->merchants, slot->merchant)->id);
    put_text(slot, slot->terminal);
    put_text(slot, gateway_kind_text(p->kind));
    record_value(slot, store_int((int64_t)p->amount_minor));
    put_text(slot, p->currency->alpha);
    put_text(slot, card_brand_row(p->brand)->name);
    put_text(slot, p->bin6);
    put_text(slot, p->last4);
    record_value(slot, store_bytes(p->fingerprint, sizeof p->fingerprint));
    put_text(slot, "full_pan");
    put_text(slot, p->customer_initiated ? "customer" : "merchant");
    put_text(slot, presence[p->presence]);
}

/* Columns of STORE_RECORD_COLUMNS. */
static void put_record(const struct gateway *g, struct slot *slot)
{
    const struct gateway_payment *p = &slot->payment;
    struct buf stan = buf_over(slot->stan, sizeof slot->stan);
    struct buf trace = buf_over(slot->trace, sizeof slot->trace);
    buf_put_decimal(&stan, p->stamp.stan, 6);
    gateway_payment_trace_write(p, &trace);
    put_request_half(g, slot);
    put_text(slot, p->network);
    put_text(slot, letter(p->cvv_raw, slot->letters[0]));
    put_text(slot, card_result_name(p->cvv));
    put_text(slot, letter(p->avs_raw, slot->letters[1]));
    put_text(slot, p->de39);
    put_text(slot, p->approval);
    put_text(slot, p->stamp.rrn);
    put_text(slot, buf_text(&stan));
    put_text(slot, p->stamp.transmission);
    put_text(slot, gateway_state_text(p->state));
    put_text(slot, gateway_outcome_text(p->outcome));
    put_text(slot, ""); /* no filter, rule or limit rejects yet */
    put_text(slot, buf_text(&trace));
    put_text(slot, p->reversal ? "queued" : "none");
    put_text(slot, face);
    record_value(slot, store_text_span(slot->request_id));
    record_value(slot, store_int(p->created_ms));
    record_op(slot, STORE_RECORD_INSERT, 0, STORE_RECORD_ARITY);
}

static void put_answer(const struct gateway *g, struct slot *slot)
{
    put_claim_key(g, slot);
    record_value(slot, store_int(slot->status));
    record_value(slot, store_text_span(buf_span(http_body(slot->http))));
    record_op(slot, STORE_CLAIM_ANSWER, STORE_MUST_CHANGE, 5);
}

/* Nothing came of it: the request may be sent again under the same id. */
static void put_release(struct gateway *g, struct slot *slot)
{
    put_claim_key(g, slot);
    record_op(slot, STORE_CLAIM_RELEASE, 0, 3);
    gateway_claims_forget(g->claims, scope_of(g, slot), slot->request_id);
}

static void put_reversal_outcome(struct slot *slot)
{
    put_text(slot, slot->payment.id);
    if (slot->payment.reversal) {
        record_value(slot, store_int(slot->now_ms));
        record_op(slot, STORE_REVERSAL_FIRE, 0, 2);
    } else {
        record_op(slot, STORE_REVERSAL_DISARM, 0, 1);
    }
}

/* The private key, sealed by keys_work into slot->sealed, is the batch's first operation then. */
static enum step record_start(struct gateway *g, struct slot *slot)
{
    bool final = !slot->undone && (slot->faults.count == 0 || slot->timed_out);
    record_begin(slot);
    if (!final)
        put_release(g, slot);
    else
        put_answer(g, slot);
    if (slot->armed) {
        put_reversal_outcome(slot);
        if (final)
            put_record(g, slot);
    }
    if (final && slot->call == COMMERCEHUB_KEYS_GENERATE)
        keys_put(g, slot);
    return record_submit(g, slot);
}

enum { RECORD_START, RECORD_STORED, RECORD_TRIES = 25, RECORD_PAUSE_US = 200000 };

/* The outcome cannot be stored: it may not be told either. The reversal stays armed and the sweep sends it. */
static enum step record_failed(struct gateway *g, struct slot *slot)
{
    struct commercehub_identity identity = {slot->trace_id, slot->request_id};
    LOG(g->parts.env->log, LOG_ERROR, "gateway.record_failed", LOG_TEXT("id", slot->trace_id),
        LOG_TEXT("error", err_row(slot->batch.err)->name));
    slot->faults.count = 0;
    gateway_fault_add(&slot->faults, GATEWAY_FAULT_INTERNAL, NULL);
    buf_clear(http_body(slot->http));
    slot->status = commercehub_error_write(&identity, &slot->faults, http_body(slot->http));
    return STEP_NEXT;
}

enum step record_commit(struct gateway *g, struct slot *slot)
{
    if (!slot->claimed)
        return STEP_NEXT; /* there was nothing to store */
    if (slot->phase == RECORD_START) {
        slot->phase = RECORD_STORED;
        return record_start(g, slot);
    }
    enum err err = slot->batch.err;
    /* Our own earlier try, whose outcome was unknown, was committed after all. Without such a try the claim was taken from us. */
    if (slot->unknown && (err == STORE_ERR_CONFLICT || err == ERR_DUPLICATE))
        err = ERR_OK;
    if (err == ERR_OK) {
        if (slot->payment.reversal)
            reversal_due_soon(g);
        return STEP_NEXT;
    }
    g->counters.store_failures++;
    slot->unknown |= err == STORE_ERR_UNKNOWN;
    if ((err != STORE_ERR_UNAVAILABLE && err != STORE_ERR_UNKNOWN) || ++slot->tries > RECORD_TRIES)
        return record_failed(g, slot);
    slot->retry_us = env_monotonic_us(g->parts.env) + RECORD_PAUSE_US;
    slot->phase = RECORD_START;
    g->retrying++;
    return STEP_WAIT;
}

enum step record_answer(struct gateway *g, struct slot *slot)
{
    g->counters.answers_2xx += slot->status < 300;
    g->counters.answers_4xx += slot->status >= 400 && slot->status < 500;
    g->counters.answers_5xx += slot->status >= 500;
    http_put_header(slot->http, "ApiTraceId", span_text(slot->trace_id));
    http_reply(slot->http, slot->status, "application/json");
    slot->http = NULL;
    return STEP_WAIT;
}
