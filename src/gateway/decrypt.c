/* SPDX-License-Identifier: Apache-2.0 */
/* The encrypted card block: find its key, decrypt on a worker. */
#include "crypto/base64.h"
#include "gateway/internal.h"

#include <string.h>

static const char *field_of(const struct gateway_slot *slot, enum gateway_field field)
{
    return slot->x.face->field[field];
}

/* ---- the key ---- */

static bool take_cipher(struct gateway_slot *slot)
{
    struct gateway_job *job = &slot->secret->job;
    uint8_t room[2048];
    struct buf cipher = buf_over(room, sizeof room);
    if (crypto_base64_decode(slot->order.block, &cipher) != ERR_OK)
        return false;
    /* Any length but the key's fails like any other wrong ciphertext. */
    job->in_len = cipher.len <= sizeof job->in ? cipher.len : 0;
    memcpy(job->in, room, job->in_len);
    return true;
}

/* True: the key is at hand. */
static bool key_at_hand(struct gateway *g, struct gateway_slot *slot)
{
    slot->key = gateway_keyring_find(g->keyring, slot->x.merchant->index, slot->order.key_id, flow_now_us(g->flow));
    if (slot->key)
        slot->key->held++;
    return !!slot->key;
}

static void ask_key(struct gateway_slot *slot)
{
    memcpy(slot->key_id, slot->order.key_id.at, slot->order.key_id.len);
    gateway_ask(slot, GATEWAY_ASKED_READ);
    slot->row.key =
        (struct gateway_encryption_key_row){.key_id = span_text(slot->key_id), .merchant_id = span_text(slot->x.merchant->id)};
    gateway_ask_op(slot, GATEWAY_ROW(ENCRYPTION_KEY_GET), 0, &slot->row.key);
}

void gateway_stage_key_find(void *context, struct flow_item *const *item, size_t count)
{
    struct gateway *g = context;
    struct gateway_asking asking = {.count = 0};
    for (size_t i = 0; i < count; i++) {
        struct gateway_slot *slot = gateway_slot_of(item[i]);
        if (!take_cipher(slot)) {
            gateway_refuse(slot, GATEWAY_FAULT_ENCRYPTION, field_of(slot, GATEWAY_FIELD_BLOCK));
        } else if (slot->order.key_id.len > GATEWAY_KEY_ID_MAX) {
            gateway_refuse(slot, GATEWAY_FAULT_KEY_UNKNOWN, field_of(slot, GATEWAY_FIELD_KEY));
        } else if (key_at_hand(g, slot)) {
            flow_to(item[i], GATEWAY_STAGE_DECRYPT);
        } else {
            ask_key(slot);
            asking.slot[asking.count++] = slot;
        }
    }
    gateway_ask_read(g, &asking, GATEWAY_STAGE_KEY_TAKE, gateway_store_deadline_us(g));
}

/* The private key is sealed under its id. */
static enum err take_key(struct gateway *g, struct gateway_slot *slot, const struct gateway_encryption_key_row *row)
{
    struct gateway_job *job = &slot->secret->job;
    struct buf der = buf_over(job->out, sizeof job->out);
    struct gateway_key like = {.merchant = slot->x.merchant->index, .expires_ms = row->expires_at};
    memcpy(like.id, slot->key_id, sizeof like.id);
    enum err err = crypto_vault_unseal(g->parts.vault, span_text(slot->key_id), row->private_enc, &der);
    if (err == ERR_OK)
        err = gateway_keyring_put(g->keyring, &like, buf_span(&der), flow_now_us(g->flow), &slot->key);
    secret_wipe(der.at, der.cap);
    if (err == ERR_OK)
        slot->key->held++;
    return err;
}

static void key_take(struct gateway *g, struct gateway_slot *slot)
{
    struct gateway_encryption_key_row row;
    const char *field = field_of(slot, GATEWAY_FIELD_KEY);
    if (gateway_asked(slot) != ERR_OK) {
        gateway_refuse(slot, GATEWAY_FAULT_UNAVAILABLE, NULL);
    } else if (slot->op[0].rows.count == 0) {
        gateway_refuse(slot, GATEWAY_FAULT_KEY_UNKNOWN, field);
    } else if (store_op_read(&slot->op[0], 0, &row) != ERR_OK) {
        gateway_refuse(slot, GATEWAY_FAULT_INTERNAL, NULL);
    } else if (!span_is(row.state, "active")) {
        gateway_keyring_drop(g->keyring, slot->x.merchant->index, span_text(slot->key_id));
        gateway_refuse(slot, GATEWAY_FAULT_KEY_EXPIRED, field);
    } else if (take_key(g, slot, &row) != ERR_OK) {
        gateway_refuse(slot, GATEWAY_FAULT_INTERNAL, NULL);
    } else {
        flow_to(&slot->item, GATEWAY_STAGE_DECRYPT);
    }
}

void gateway_stage_key_take(void *context, struct flow_item *const *item, size_t count)
{
    for (size_t i = 0; i < count; i++)
        key_take(context, gateway_slot_of(item[i]));
}

/* ---- the block ---- */

static void let_go(struct gateway_slot *slot)
{
    gateway_keyring_release(slot->key);
    slot->key = NULL;
}

static void decrypt(struct gateway *g, struct gateway_slot *slot)
{
    struct gateway_job *job = &slot->secret->job;
    if (slot->key->expires_ms <= slot->x.now_ms) {
        let_go(slot);
        gateway_refuse(slot, GATEWAY_FAULT_KEY_EXPIRED, field_of(slot, GATEWAY_FIELD_KEY));
        return;
    }
    job->kind = GATEWAY_JOB_DECRYPT;
    job->key = &slot->key->rsa;
    job->context = slot;
    if (gateway_workers_submit(g->workers, job) != ERR_OK) {
        let_go(slot);
        gateway_refuse(slot, GATEWAY_FAULT_UNAVAILABLE, NULL);
        return;
    }
    flow_await(&slot->item);
    flow_wait_at(&slot->item, GATEWAY_STAGE_DECRYPTED, 0);
}

void gateway_stage_decrypt(void *context, struct flow_item *const *item, size_t count)
{
    for (size_t i = 0; i < count; i++)
        decrypt(context, gateway_slot_of(item[i]));
}

void gateway_stage_decrypted(void *context, struct flow_item *const *item, size_t count)
{
    (void)context; /* every key knows its ring */
    for (size_t i = 0; i < count; i++) {
        struct gateway_slot *slot = gateway_slot_of(item[i]);
        let_go(slot);
        /* One outcome for whatever was wrong: the key is no padding oracle. */
        if (slot->secret->job.err != ERR_OK)
            gateway_refuse(slot, GATEWAY_FAULT_DECRYPTION, field_of(slot, GATEWAY_FIELD_BLOCK));
        else
            flow_next(item[i]);
    }
}
