/* SPDX-License-Identifier: Apache-2.0 */
/* Encryption keys: generate on a worker, seal, keep; revoke and destroy. */
#include "gateway/internal.h"

#include <string.h>

/* ---- limits: one merchant leaves room for the others ---- */

enum { MAKING_RETRY_S = 1 };

static void refuse_key(struct gateway_slot *slot, int64_t retry_s)
{
    slot->x.retry_after_s = (unsigned)retry_s;
    gateway_refuse(slot, GATEWAY_FAULT_RATE, NULL);
}

bool gateway_key_begin(struct gateway *g, struct gateway_slot *slot)
{
    if (slot->x.operation != GATEWAY_KEY_GENERATE)
        return true;
    uint32_t *making = &g->making[slot->x.merchant->index];
    if (*making == g->config.keys_making) {
        refuse_key(slot, MAKING_RETRY_S);
        return false;
    }
    ++*making;
    slot->making = true;
    return true;
}

void gateway_key_end(struct gateway *g, struct gateway_slot *slot)
{
    if (slot->making)
        g->making[slot->x.merchant->index]--;
}

void gateway_ask_keys_live(struct gateway_slot *slot)
{
    slot->row.key =
        (struct gateway_encryption_key_row){.merchant_id = span_text(slot->x.merchant->id), .created_at = slot->x.now_ms};
    gateway_ask_op(slot, GATEWAY_ROW(ENCRYPTION_KEY_LIVE), 0, &slot->row.key);
}

/* Those that are made at this moment are not in the table yet. Another process may make some as well: the limit is exceeded by no
 * more than these. */
bool gateway_key_fits(const struct gateway *g, struct gateway_slot *slot)
{
    struct gateway_keys_live live;
    if (store_op_read(&slot->op[1], 0, &live) != ERR_OK) {
        gateway_refuse(slot, GATEWAY_FAULT_INTERNAL, NULL);
        return false;
    }
    if (live.counted + g->making[slot->x.merchant->index] <= g->config.keys_live)
        return true;
    int64_t wait_ms = live.soonest - slot->x.now_ms;
    refuse_key(slot, wait_ms > 0 ? wait_ms / 1000 + 1 : MAKING_RETRY_S);
    return false;
}

/* ---- generate ---- */

void gateway_stage_generate(void *context, struct flow_item *const *item, size_t count)
{
    struct gateway *g = context;
    for (size_t i = 0; i < count; i++) {
        struct gateway_slot *slot = gateway_slot_of(item[i]);
        struct gateway_job *job = &slot->secret->job;
        job->kind = GATEWAY_JOB_GENERATE;
        job->context = slot;
        if (gateway_workers_submit(g->workers, job) == ERR_OK) {
            flow_await(item[i]);
            flow_wait(item[i], 0);
        } else {
            slot->x.retry_after_s = MAKING_RETRY_S;
            gateway_refuse(slot, GATEWAY_FAULT_UNAVAILABLE, NULL);
        }
    }
}

static enum err seal(struct gateway *g, struct gateway_slot *slot)
{
    struct gateway_job *job = &slot->secret->job;
    struct buf sealed = buf_over(slot->sealed, sizeof slot->sealed);
    TRY(job->err);
    env_uuid(g->parts.env, slot->key_id);
    TRY(crypto_vault_seal(g->parts.vault, g->parts.env, span_text(slot->key_id), span_of(job->out, job->out_len), &sealed));
    slot->sealed_len = sealed.len;
    return ERR_OK;
}

static void generated(struct gateway *g, struct gateway_slot *slot)
{
    enum err err = seal(g, slot);
    struct gateway_job *job = &slot->secret->job;
    secret_wipe(job->out, sizeof job->out);
    if (err != ERR_OK) {
        gateway_refuse(slot, GATEWAY_FAULT_INTERNAL, NULL);
        return;
    }
    slot->x.key = (struct gateway_key_answer){
        .key_id = slot->key_id,
        .public_text = span_of(job->public_text, sizeof job->public_text),
        .valid_from_ms = slot->x.now_ms,
        .valid_to_ms = slot->x.now_ms + g->config.key_days * 86400000,
        .active = true,
    };
    flow_next(&slot->item);
}

void gateway_stage_generated(void *context, struct flow_item *const *item, size_t count)
{
    for (size_t i = 0; i < count; i++)
        generated(context, gateway_slot_of(item[i]));
}

void gateway_put_key(struct gateway_slot *slot)
{
    slot->row.key = (struct gateway_encryption_key_row){
        .key_id = span_text(slot->key_id),
        .merchant_id = span_text(slot->x.merchant->id),
        .private_enc = span_of(slot->sealed, slot->sealed_len),
        .created_at = slot->x.key.valid_from_ms,
        .expires_at = slot->x.key.valid_to_ms,
        .state = span_text("active"),
    };
    gateway_ask_op(slot, GATEWAY_ROW(ENCRYPTION_KEY_INSERT), 0, &slot->row.key);
}

/* ---- revoke ---- */

/* Asked as a read: a late revocation needs no undoing. */
static void ask_revoke(struct gateway_slot *slot)
{
    memcpy(slot->key_id, slot->order.key_id.at, slot->order.key_id.len);
    gateway_ask(slot, GATEWAY_ASKED_READ);
    slot->row.key =
        (struct gateway_encryption_key_row){.key_id = span_text(slot->key_id), .merchant_id = span_text(slot->x.merchant->id)};
    gateway_ask_op(slot, GATEWAY_ROW(ENCRYPTION_KEY_REVOKE), 0, &slot->row.key);
}

void gateway_stage_revoke(void *context, struct flow_item *const *item, size_t count)
{
    struct gateway *g = context;
    struct gateway_asking asking = {.count = 0};
    for (size_t i = 0; i < count; i++) {
        struct gateway_slot *slot = gateway_slot_of(item[i]);
        size_t len = slot->order.key_id.len;
        if (len == 0 || len > GATEWAY_KEY_ID_MAX) {
            gateway_refuse(slot, GATEWAY_FAULT_NOT_FOUND, NULL);
        } else {
            ask_revoke(slot);
            asking.slot[asking.count++] = slot;
        }
    }
    gateway_ask_write(g, &asking, GATEWAY_STAGE_REVOKED, gateway_store_deadline_us(g));
}

/* A key of another merchant is as unknown as none. Whatever came back, the key is read again before it is used: a late revocation
 * counts. */
static void revoked(struct gateway *g, struct gateway_slot *slot)
{
    struct gateway_encryption_key_row key;
    enum err err = gateway_asked(slot);
    gateway_keyring_drop(g->keyring, slot->x.merchant->index, span_text(slot->key_id));
    if (err != ERR_OK) {
        gateway_refuse(slot, GATEWAY_FAULT_UNAVAILABLE, NULL);
    } else if (slot->op[0].rows.count == 0) {
        gateway_refuse(slot, GATEWAY_FAULT_NOT_FOUND, NULL);
    } else if (store_op_read(&slot->op[0], 0, &key) != ERR_OK) {
        gateway_refuse(slot, GATEWAY_FAULT_INTERNAL, NULL);
    } else {
        slot->x.key =
            (struct gateway_key_answer){.key_id = slot->key_id, .valid_from_ms = key.created_at, .valid_to_ms = key.expires_at};
        flow_next(&slot->item);
    }
}

void gateway_stage_revoked(void *context, struct flow_item *const *item, size_t count)
{
    for (size_t i = 0; i < count; i++)
        revoked(context, gateway_slot_of(item[i]));
}
