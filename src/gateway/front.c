/* SPDX-License-Identifier: Apache-2.0 */
/* The front of the pipeline: authenticate, parse, decrypt, validate. */
#include "crypto/base64.h"
#include "gateway/internal.h"
#include "http/error.h"

#include <string.h>

/* ---- authenticate ---- */

static enum gateway_fault_id transport_fault(enum err err)
{
    if (err == ERR_NOT_FOUND)
        return GATEWAY_FAULT_NOT_FOUND;
    if (err == HTTP_ERR_METHOD)
        return GATEWAY_FAULT_METHOD;
    return GATEWAY_FAULT_MALFORMED; /* too large, bad percent-encoding, headers too long */
}

static struct commercehub_headers headers_of(const struct http_request *http)
{
    return (struct commercehub_headers){
        .api_key = http_header(http, "Api-Key"),
        .request_id = http_header(http, "Client-Request-Id"),
        .timestamp = http_header(http, "Timestamp"),
        .token_type = http_header(http, "Auth-Token-Type"),
        .authorization = http_header(http, "Authorization"),
    };
}

enum step front_authenticate(struct gateway *g, struct slot *slot)
{
    struct http_request *http = slot->http;
    struct commercehub_headers headers = headers_of(http);
    if (commercehub_request_id_valid(headers.request_id))
        slot->request_id = headers.request_id;
    if (http->err != ERR_OK)
        return pipeline_fault(slot, transport_fault(http->err), NULL);
    const struct gateway_access *access = gateway_access_find(g->merchants, headers.api_key);
    if (!commercehub_authenticated(&headers, http->body, &access->key, access->known, slot->now_ms, g->config.clock_window_ms)) {
        g->counters.authentication_failures++;
        return pipeline_fault(slot, GATEWAY_FAULT_AUTHENTICATION, NULL);
    }
    slot->merchant = access->merchant;
    if (!http_is_json(http))
        return pipeline_fault(slot, GATEWAY_FAULT_MEDIA_TYPE, NULL);
    if (headers.request_id.len == 0)
        return pipeline_fault(slot, GATEWAY_FAULT_BODY_MISSING, "Client-Request-Id");
    if (slot->request_id.len == 0)
        return pipeline_fault(slot, GATEWAY_FAULT_FIELD_VALUE, "Client-Request-Id");
    if (!gateway_merchant_at(g->merchants, slot->merchant)->active)
        return pipeline_fault(slot, GATEWAY_FAULT_MERCHANT_CLOSED, NULL);
    return STEP_NEXT;
}

/* ---- parse ---- */

static bool has_fault(const struct gateway_faults *faults, enum gateway_fault_id id)
{
    for (size_t i = 0; i < faults->count; i++)
        if (faults->at[i].id == id)
            return true;
    return false;
}

static void check_merchant(const struct gateway *g, struct slot *slot)
{
    const struct gateway_merchant *merchant = gateway_merchant_at(g->merchants, slot->merchant);
    const struct commercehub_request *request = &slot->secret->request;
    if (request->merchant_id.present && !span_is(WIRE_SPAN(request->merchant_id), merchant->id))
        gateway_fault_add(&slot->faults, GATEWAY_FAULT_MERCHANT, "merchantDetails.merchantId");
    else if (request->terminal_id.present && !gateway_terminal_known(g->merchants, slot->merchant, WIRE_SPAN(request->terminal_id)))
        gateway_fault_add(&slot->faults, GATEWAY_FAULT_TERMINAL, "merchantDetails.terminalId");
}

/* What a repeat of the request is compared with. */
static enum err take_digests(struct gateway *g, struct slot *slot)
{
    const struct commercehub_request *request = &slot->secret->request;
    bool number = request->card_data.present && request->card_data.len <= CARD_PAN_MAX;
    if (number)
        TRY(crypto_vault_pan_mac(g->parts.vault, WIRE_SPAN(request->card_data), slot->payment.fingerprint));
    TRY(gateway_claims_mac(g->claims, slot->http->body, slot->exact));
    return commercehub_digest(slot->call, request, number ? slot->payment.fingerprint : NULL, slot->digest);
}

enum step front_parse(struct gateway *g, struct slot *slot)
{
    struct commercehub_request *request = &slot->secret->request;
    commercehub_parse(slot->call, slot->http->body, request, &slot->faults);
    bool bound = !has_fault(&slot->faults, GATEWAY_FAULT_MALFORMED) && !has_fault(&slot->faults, GATEWAY_FAULT_BODY_MISSING) &&
                 (slot->faults.count == 0 || request->merchant_id.present || request->source_type.present);
    enum err err = ERR_OK;
    if (bound) {
        check_merchant(g, slot);
        memcpy(slot->terminal, request->terminal_id.at, request->terminal_id.len);
        slot->terminal[request->terminal_id.len] = 0;
        if (slot->path & 1u << STAGE_VALIDATE)
            commercehub_check(slot->call, gateway_merchant_at(g->merchants, slot->merchant)->sandbox, request, &slot->faults);
        err = take_digests(g, slot);
    }
    /* The body held number and code; from here on they are in locked pages only. */
    secret_wipe((void *)(uintptr_t)slot->http->body.at, slot->http->body.len);
    if (err != ERR_OK)
        return pipeline_fault(slot, GATEWAY_FAULT_INTERNAL, NULL);
    bool validates = (slot->path & 1u << STAGE_VALIDATE) && bound && !request->encrypted;
    return slot->faults.count > 0 && !validates ? STEP_WRITE : STEP_NEXT;
}

/* ---- decrypt ---- */

enum { DECRYPT_START, DECRYPT_READ, DECRYPT_DONE };

static enum step decrypt_submit(struct gateway *g, struct slot *slot, struct gateway_key *key)
{
    struct gateway_job *job = &slot->secret->job;
    if (key->expires_ms <= slot->now_ms)
        return pipeline_fault(slot, GATEWAY_FAULT_KEY_EXPIRED, "source.encryptionData.keyId");
    job->kind = GATEWAY_JOB_DECRYPT;
    job->key = &key->rsa;
    job->context = slot;
    slot->phase = DECRYPT_DONE;
    if (gateway_workers_submit(g->workers, job) != ERR_OK)
        return pipeline_fault(slot, GATEWAY_FAULT_UNAVAILABLE, NULL);
    key->held++;
    slot->key = key;
    return STEP_WAIT;
}

static enum step decrypt_start(struct gateway *g, struct slot *slot)
{
    struct commercehub_request *request = &slot->secret->request;
    struct gateway_job *job = &slot->secret->job;
    uint8_t room[sizeof request->encryption_block.at];
    struct buf cipher = buf_over(room, sizeof room);
    if (crypto_base64_decode(WIRE_SPAN(request->encryption_block), &cipher) != ERR_OK)
        return pipeline_fault(slot, GATEWAY_FAULT_ENCRYPTION, "source.encryptionData.encryptionBlock");
    /* Any length but the key's fails like any other wrong ciphertext. */
    job->in_len = cipher.len <= sizeof job->in ? cipher.len : 0;
    memcpy(job->in, room, job->in_len);
    struct span key_id = WIRE_SPAN(request->key_id);
    struct gateway_key *key = gateway_keyring_find(g->keyring, slot->merchant, key_id, env_monotonic_us(g->parts.env));
    if (key)
        return decrypt_submit(g, slot, key);
    record_begin(slot);
    record_value(slot, store_text_span(key_id));
    record_value(slot, store_text(gateway_merchant_at(g->merchants, slot->merchant)->id));
    record_op(slot, STORE_ENCRYPTION_KEY_GET, 0, 2);
    slot->phase = DECRYPT_READ;
    return record_submit(g, slot);
}

/* Columns: private_enc, expires_at, state. The private key is sealed under its id. */
static enum step decrypt_read(struct gateway *g, struct slot *slot)
{
    static const char path[] = "source.encryptionData.keyId";
    const struct store_rows *rows = &slot->op[0].rows;
    struct span key_id = WIRE_SPAN(slot->secret->request.key_id);
    struct buf der = buf_over(slot->secret->job.out, sizeof slot->secret->job.out);
    struct gateway_key like = {.merchant = slot->merchant, .expires_ms = store_cell_int(rows, 0, 1)};
    struct gateway_key *key = NULL;
    if (slot->batch.err != ERR_OK)
        return pipeline_fault(slot, GATEWAY_FAULT_UNAVAILABLE, NULL);
    if (rows->count == 0)
        return pipeline_fault(slot, GATEWAY_FAULT_KEY_UNKNOWN, path);
    if (!span_is(store_cell_span(rows, 0, 2), "active")) {
        gateway_keyring_drop(g->keyring, slot->merchant, key_id);
        return pipeline_fault(slot, GATEWAY_FAULT_KEY_EXPIRED, path);
    }
    memcpy(like.id, key_id.at, key_id.len < sizeof like.id ? key_id.len : sizeof like.id - 1);
    enum err err = crypto_vault_unseal(g->parts.vault, key_id, store_cell_span(rows, 0, 0), &der);
    if (err == ERR_OK)
        err = gateway_keyring_put(g->keyring, &like, buf_span(&der), env_monotonic_us(g->parts.env), &key);
    secret_wipe(der.at, der.cap);
    return err == ERR_OK ? decrypt_submit(g, slot, key) : pipeline_fault(slot, GATEWAY_FAULT_INTERNAL, NULL);
}

static enum step decrypt_done(struct slot *slot)
{
    gateway_keyring_release(slot->key);
    slot->key = NULL;
    /* One outcome for whatever was wrong: the key is no padding oracle. */
    if (slot->secret->job.err != ERR_OK)
        return pipeline_fault(slot, GATEWAY_FAULT_DECRYPTION, "source.encryptionData.encryptionBlock");
    return STEP_NEXT;
}

enum step front_decrypt(struct gateway *g, struct slot *slot)
{
    if (!slot->secret->request.encrypted)
        return STEP_NEXT;
    switch (slot->phase) {
    case DECRYPT_START:
        return decrypt_start(g, slot);
    case DECRYPT_READ:
        return decrypt_read(g, slot);
    default:
        return decrypt_done(slot);
    }
}

/* ---- validate ---- */

static void merge(struct slot *slot)
{
    struct commercehub_request *request = &slot->secret->request;
    struct gateway_job *job = &slot->secret->job;
    struct commercehub_slices slices;
    if (commercehub_slices_parse(WIRE_SPAN(request->encryption_block_fields), &slices) != ERR_OK)
        gateway_fault_add(&slot->faults, GATEWAY_FAULT_ENCRYPTION, "source.encryptionData.encryptionBlockFields");
    else
        commercehub_merge(&slices, span_of(job->out, job->out_len), request, &slot->faults);
    gateway_job_wipe(job);
}

enum step front_validate(struct gateway *g, struct slot *slot)
{
    struct slot_secret *secret = slot->secret;
    struct gateway_payment *payment = &slot->payment;
    if (secret->request.encrypted) {
        merge(slot);
        if (has_fault(&slot->faults, GATEWAY_FAULT_ENCRYPTION))
            return STEP_WRITE; /* the card in the block was not read: nothing is known to be missing from it */
    }
    commercehub_payment(slot->call, &secret->request, payment, &secret->payment, &slot->faults);
    commercehub_order(slot->call, &slot->faults);
    if (slot->faults.count > 0)
        return STEP_WRITE;
    const struct gateway_merchant *merchant = gateway_merchant_at(g->merchants, slot->merchant);
    if (!payment->currency)
        payment->currency = gateway_money_currency(span_text(merchant->currency));
    if (!payment->currency ||
        crypto_vault_pan_mac(g->parts.vault, card_pan_span(&secret->payment.pan), payment->fingerprint) != ERR_OK)
        return pipeline_fault(slot, GATEWAY_FAULT_INTERNAL, NULL);
    payment->merchant = slot->merchant;
    payment->created_ms = slot->now_ms;
    memcpy(payment->id, slot->trace_id, sizeof payment->id);
    return STEP_NEXT;
}
