/* SPDX-License-Identifier: Apache-2.0 */
/* The front of the pipeline: authenticate, parse, validate. */
#include "gateway/internal.h"
#include "http/error.h"

#include <string.h>

enum { TARGET_MAX = 2048 };

/* ---- authenticate ---- */

static enum gateway_fault_id transport_fault(enum err err)
{
    if (err == ERR_NOT_FOUND)
        return GATEWAY_FAULT_NOT_FOUND;
    if (err == HTTP_ERR_METHOD)
        return GATEWAY_FAULT_METHOD;
    if (err == HTTP_ERR_BODY_TOO_LARGE)
        return GATEWAY_FAULT_BODY_TOO_LARGE;
    if (err == HTTP_ERR_HEADERS_TOO_LARGE)
        return GATEWAY_FAULT_HEADERS_TOO_LARGE;
    return GATEWAY_FAULT_MALFORMED; /* bad percent-encoding, a length told twice */
}

/* The id is the client's until it has been answered, but the store may still need it then. */
static void keep_request_id(struct gateway_slot *slot)
{
    struct span id = slot->x.request_id;
    slot->card_in_id = card_text_has_number(id);
    if (slot->card_in_id)
        id.len = 0; /* it goes nowhere, not even back */
    ASSERT(id.len <= sizeof slot->request_id);
    if (id.len > 0)
        memcpy(slot->request_id, id.at, id.len);
    slot->x.request_id = span_of(slot->request_id, id.len);
}

static bool may_tell(struct gateway_refusals *r, int64_t now_ms)
{
    if (r->second != now_ms / 1000) {
        r->second = now_ms / 1000;
        r->told = 0;
    }
    if (r->told == GATEWAY_REFUSALS_TOLD) {
        r->left_out++;
        return false;
    }
    r->told++;
    return true;
}

/* The key and the id that were sent are not told: they are whatever a stranger likes. */
void gateway_refuse_authentication(struct gateway *g, struct gateway_slot *slot, enum gateway_authentication why)
{
    const struct gateway_exchange *x = &slot->x;
    g->counters.authentication_failures++;
    if (may_tell(&g->refusals, x->now_ms)) {
        LOG(g->parts.env->log, LOG_WARN, "gateway.authentication_failed", LOG_TEXT("id", x->trace_id),
            LOG_TEXT("face", x->face->name), LOG_TEXT("reason", gateway_authentication_text(why)),
            LOG_TEXT("merchant", x->merchant ? x->merchant->id : ""), LOG_INT("left_out", g->refusals.left_out));
        g->refusals.left_out = 0;
    }
    slot->x.faults.count = 0; /* a stranger is told nothing else */
    gateway_refuse(slot, GATEWAY_FAULT_AUTHENTICATION, NULL);
}

/* Method and path, as they were sent: another spelling of the same address counts as another. */
static enum err take_target(struct gateway *g, struct gateway_slot *slot)
{
    const struct http_request *http = slot->x.http;
    uint8_t room[TARGET_MAX];
    uint8_t mac[CRYPTO_VAULT_MAC];
    struct buf text = buf_over(room, sizeof room);
    buf_put_text(&text, http_method_text(http->method));
    buf_put_byte(&text, ' ');
    buf_put_span(&text, http->path);
    TRY(buf_done(&text));
    TRY(crypto_vault_text_mac(g->parts.vault, buf_span(&text), mac));
    memcpy(&slot->target, mac, sizeof slot->target);
    return ERR_OK;
}

static enum err take_signature(struct gateway *g, struct gateway_slot *slot, bool *replayed)
{
    struct gateway_exchange *x = &slot->x;
    uint8_t body[32];
    TRY(take_target(g, slot));
    TRY(gateway_claims_mac(g->claims, x->http->body, body));
    const struct gateway_claims_signed request = {x->signature.mac, slot->target, x->request_id, body};
    if (x->signature.at_ms != 0)
        *replayed = gateway_claims_replayed(g->claims, &request, x->now_ms, x->now_ms + gateway_signature_ms(g));
    slot->spends = x->signature.at_ms != 0 && !*replayed;
    return ERR_OK;
}

static enum gateway_authentication ask_face(struct gateway *g, struct gateway_slot *slot, enum err *err)
{
    struct gateway_exchange *x = &slot->x;
    enum gateway_authentication found = x->face->authenticate(x, g->merchants, g->config.clock_window_ms);
    bool replayed = false;
    if (found != GATEWAY_AUTHENTICATION_DONE)
        return found;
    *err = take_signature(g, slot, &replayed);
    return replayed ? GATEWAY_AUTHENTICATION_REPLAYED : GATEWAY_AUTHENTICATION_DONE;
}

static void authenticate(struct gateway *g, struct gateway_slot *slot)
{
    struct gateway_exchange *x = &slot->x;
    enum gateway_authentication found = GATEWAY_AUTHENTICATION_DONE;
    enum err err = ERR_OK;
    x->face->identify(x);
    keep_request_id(slot);
    if (x->http->err != ERR_OK) {
        gateway_refuse(slot, transport_fault(x->http->err), NULL);
    } else if ((found = ask_face(g, slot, &err)) != GATEWAY_AUTHENTICATION_DONE) {
        gateway_refuse_authentication(g, slot, found);
    } else if (err != ERR_OK) {
        gateway_refuse(slot, GATEWAY_FAULT_INTERNAL, NULL);
    } else if (x->faults.count > 0) {
        flow_to(&slot->item, GATEWAY_STAGE_WRITE);
    } else if (slot->card_in_id) {
        gateway_refuse(slot, GATEWAY_FAULT_CARD_IN_TEXT, NULL);
    } else if (!x->merchant->active) {
        gateway_refuse(slot, GATEWAY_FAULT_MERCHANT_CLOSED, NULL);
    } else {
        flow_next(&slot->item);
    }
}

void gateway_stage_authenticate(void *context, struct flow_item *const *item, size_t count)
{
    for (size_t i = 0; i < count; i++)
        authenticate(context, gateway_slot_of(item[i]));
}

/* ---- parse ---- */

static void check_merchant(const struct gateway *g, struct gateway_slot *slot)
{
    struct gateway_exchange *x = &slot->x;
    const struct gateway_order *order = &slot->order;
    if (order->merchant_id.len > 0 && !span_is(order->merchant_id, x->merchant->id))
        gateway_fault_add(&x->faults, GATEWAY_FAULT_MERCHANT, x->face->field[GATEWAY_FIELD_MERCHANT]);
    else if (order->terminal_id.len > 0 && !gateway_terminal_known(g->merchants, x->merchant->index, order->terminal_id))
        gateway_fault_add(&x->faults, GATEWAY_FAULT_TERMINAL, x->face->field[GATEWAY_FIELD_TERMINAL]);
}

/* What a repeat of the request is compared with, once the card is known: a block that was encrypted anew says the same. The code is
 * in the one that stays in memory. */
static enum err take_digests(struct gateway *g, struct gateway_slot *slot)
{
    const struct code_digits *code = &slot->secret->payment.code;
    bool pays = gateway_operation_row(slot->x.operation)->pays;
    uint8_t room[sizeof slot->digest + sizeof code->at];
    struct buf text = buf_over(room, sizeof room);
    TRY(slot->x.face->digest(&slot->x, pays ? slot->x.payment.fingerprint : NULL, slot->digest));
    buf_put(&text, slot->digest, sizeof slot->digest);
    buf_put(&text, code->at, pays ? code->len : 0);
    enum err err = gateway_claims_mac(g->claims, buf_span(&text), slot->exact);
    secret_wipe(room, sizeof room);
    return err;
}

static enum err take_order(struct gateway *g, struct gateway_slot *slot)
{
    const struct span terminal = slot->order.terminal_id;
    check_merchant(g, slot);
    if (terminal.len > 0 && terminal.len < sizeof slot->terminal)
        memcpy(slot->terminal, terminal.at, terminal.len);
    if (!gateway_operation_row(slot->x.operation)->pays)
        return take_digests(g, slot);
    slot->x.face->check(&slot->x);
    return ERR_OK;
}

/* With a card in clear all faults are told together: those of the card are found by VALIDATE. */
static void parse(struct gateway *g, struct gateway_slot *slot)
{
    struct gateway_exchange *x = &slot->x;
    bool pays = gateway_operation_row(x->operation)->pays;
    bool read = x->face->parse(x, &slot->order);
    enum err err = read ? take_order(g, slot) : ERR_OK;
    /* The body held number and code; from here on they are in locked pages only. */
    secret_wipe((void *)(uintptr_t)x->http->body.at, x->http->body.len);
    if (err != ERR_OK)
        gateway_refuse(slot, GATEWAY_FAULT_INTERNAL, NULL);
    else if (x->faults.count > 0 && !(read && pays && !slot->order.sealed))
        flow_to(&slot->item, GATEWAY_STAGE_WRITE);
    else if (pays && slot->order.sealed)
        flow_to(&slot->item, GATEWAY_STAGE_KEY_FIND);
    else
        flow_next(&slot->item);
}

void gateway_stage_parse(void *context, struct flow_item *const *item, size_t count)
{
    for (size_t i = 0; i < count; i++)
        parse(context, gateway_slot_of(item[i]));
}

/* ---- validate ---- */

static enum err complete(struct gateway *g, struct gateway_slot *slot)
{
    struct gateway_exchange *x = &slot->x;
    struct gateway_payment *payment = &x->payment;
    if (!payment->currency)
        payment->currency = gateway_money_currency(gateway_merchant_currency(x->merchant));
    if (!payment->currency)
        return ERR_INTERNAL;
    payment->merchant = x->merchant->index;
    payment->created_ms = x->now_ms;
    memcpy(payment->id, x->trace_id, sizeof payment->id);
    TRY(crypto_vault_pan_mac(g->parts.vault, card_pan_span(&slot->secret->payment.pan), payment->fingerprint));
    return take_digests(g, slot);
}

static bool issued(const struct gateway *g, const struct card_pan *pan)
{
    for (struct span rest = span_text(g->config.issued); rest.len > 0;) {
        struct span first = span_cut(&rest, ' ');
        if (first.len > 0 && span_equal(span_slice(card_pan_span(pan), 0, first.len), first))
            return true;
    }
    return false;
}

/* A test value of the sandbox is found here: before routing. */
static void go_on(const struct gateway *g, struct gateway_slot *slot)
{
    struct gateway_exchange *x = &slot->x;
    const struct gateway_payment_secret *secret = &slot->secret->payment;
    if (x->merchant->sandbox && x->face->simulate && !issued(g, &secret->pan))
        x->payment.simulated = x->face->simulate(x, secret);
    flow_next(&slot->item);
}

static void validate(struct gateway *g, struct gateway_slot *slot)
{
    struct gateway_exchange *x = &slot->x;
    struct gateway_job *job = &slot->secret->job;
    if (slot->order.sealed) {
        x->face->open(x, span_of(job->out, job->out_len));
        gateway_job_wipe(job);
    }
    /* A card in a block that was not read: nothing is known to be missing from it. */
    if (!slot->order.sealed || !gateway_fault_has(&x->faults, GATEWAY_FAULT_ENCRYPTION))
        x->face->pay(x, &slot->secret->payment);
    if (x->faults.count > 0)
        flow_to(&slot->item, GATEWAY_STAGE_WRITE);
    else if (gateway_payment_expired(&x->payment, x->now_ms)) /* whatever the face thinks of it */
        gateway_refuse(slot, GATEWAY_FAULT_EXPIRY, NULL);
    else if (complete(g, slot) != ERR_OK)
        gateway_refuse(slot, GATEWAY_FAULT_INTERNAL, NULL);
    else
        go_on(g, slot);
}

void gateway_stage_validate(void *context, struct flow_item *const *item, size_t count)
{
    for (size_t i = 0; i < count; i++)
        validate(context, gateway_slot_of(item[i]));
}
