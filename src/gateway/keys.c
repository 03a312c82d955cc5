/* SPDX-License-Identifier: Apache-2.0 */
/* Encryption keys: generate on a worker, seal, keep; revoke and destroy. */
#include "gateway/internal.h"

#include <string.h>

enum { KEYS_START, KEYS_DONE };

static enum step generate_start(struct gateway *g, struct slot *slot)
{
    struct gateway_job *job = &slot->secret->job;
    job->kind = GATEWAY_JOB_GENERATE;
    job->context = slot;
    slot->phase = KEYS_DONE;
    if (gateway_workers_submit(g->workers, job) == ERR_OK)
        return STEP_WAIT;
    slot->undone = true;
    return pipeline_fault(slot, GATEWAY_FAULT_UNAVAILABLE, NULL);
}

static enum step generate_done(struct gateway *g, struct slot *slot)
{
    struct gateway_job *job = &slot->secret->job;
    struct buf sealed = buf_over(slot->sealed, sizeof slot->sealed);
    env_uuid(g->parts.env, slot->key_id);
    enum err err = job->err;
    if (err == ERR_OK)
        err = crypto_vault_seal(g->parts.vault, g->parts.env, span_text(slot->key_id), span_of(job->out, job->out_len), &sealed);
    gateway_job_wipe(job);
    if (err != ERR_OK)
        return pipeline_fault(slot, GATEWAY_FAULT_INTERNAL, NULL);
    slot->sealed_len = sealed.len;
    slot->key_answer = (struct commercehub_key_answer){
        .key_id = slot->key_id,
        .public_text = span_of(job->public_text, sizeof job->public_text),
        .valid_from_ms = slot->now_ms,
        .valid_to_ms = slot->now_ms + g->config.key_days * 86400000,
        .status = COMMERCEHUB_KEY_ACTIVE,
    };
    return STEP_NEXT;
}

void keys_put(struct gateway *g, struct slot *slot)
{
    record_value(slot, store_text(slot->key_id));
    record_value(slot, store_text(gateway_merchant_at(g->merchants, slot->merchant)->id));
    record_value(slot, store_bytes(slot->sealed, slot->sealed_len));
    record_value(slot, store_int(slot->key_answer.valid_from_ms));
    record_value(slot, store_int(slot->key_answer.valid_to_ms));
    record_value(slot, store_text("active"));
    record_op(slot, STORE_ENCRYPTION_KEY_INSERT, 0, 6);
}

/* ---- revoke ---- */

static enum step revoke_start(struct gateway *g, struct slot *slot)
{
    struct span key_id = http_parameter(slot->http, "keyId");
    if (key_id.len == 0 || key_id.len >= sizeof slot->key_id)
        return pipeline_fault(slot, GATEWAY_FAULT_NOT_FOUND, NULL);
    memcpy(slot->key_id, key_id.at, key_id.len);
    slot->key_id[key_id.len] = 0;
    record_begin(slot);
    record_value(slot, store_text(slot->key_id));
    record_value(slot, store_text(gateway_merchant_at(g->merchants, slot->merchant)->id));
    record_value(slot, store_bytes("", 0));
    record_op(slot, STORE_ENCRYPTION_KEY_REVOKE, 0, 3);
    slot->phase = KEYS_DONE;
    return record_submit(g, slot);
}

/* Columns: created_at, expires_at, state. A key of another merchant is as unknown as none. */
static enum step revoke_done(struct gateway *g, struct slot *slot)
{
    const struct store_rows *rows = &slot->op[0].rows;
    if (slot->batch.err != ERR_OK)
        return pipeline_fault(slot, GATEWAY_FAULT_UNAVAILABLE, NULL);
    if (rows->count == 0)
        return pipeline_fault(slot, GATEWAY_FAULT_NOT_FOUND, NULL);
    gateway_keyring_drop(g->keyring, slot->merchant, span_text(slot->key_id));
    slot->key_answer = (struct commercehub_key_answer){
        .key_id = slot->key_id,
        .valid_from_ms = store_cell_int(rows, 0, 0),
        .valid_to_ms = store_cell_int(rows, 0, 1),
        .status = COMMERCEHUB_KEY_REVOKED,
    };
    return STEP_NEXT;
}

enum step keys_work(struct gateway *g, struct slot *slot)
{
    if (slot->call == COMMERCEHUB_KEYS_REVOKE)
        return slot->phase == KEYS_START ? revoke_start(g, slot) : revoke_done(g, slot);
    return slot->phase == KEYS_START ? generate_start(g, slot) : generate_done(g, slot);
}
