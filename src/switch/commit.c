/* SPDX-License-Identifier: Apache-2.0 */
/* Stages 6 to 9: one batch a chunk to the writer, and what comes back. Nothing that approves is answered before its commit. */
#include "store/error.h"
#include "switch/internal.h"

void switch_chunk_add(struct switch_core *core, struct switch_slot *s)
{
    struct switch_chunk *c = core->open_chunk;
    c->slot[c->count++] = s;
    if (c->count == SWITCH_CHUNK_MAX || s->alone)
        switch_chunk_submit(core);
}

/* The rows of the chunk may be decided on again; after a failure they must be read first. */
static void rows_release(struct switch_core *core, struct switch_chunk *c, bool stale)
{
    for (size_t i = 0; i < c->count; i++) {
        struct switch_card *card = c->slot[i]->card;

        if (!card)
            continue;
        if (card->account && card->account->chunk == c) {
            card->account->chunk = NULL;
            card->account->stale |= stale;
        }
        if (card->chunk == c) {
            card->chunk = NULL;
            card->stale |= stale;
            switch_list_prepend(&core->ready, &card->parked);
        }
    }
}

static void decided(struct switch_core *core, struct switch_slot *s, enum err err, bool at_fault)
{
    if (err == ERR_OK) {
        switch_reply_verdict(core, s);
    } else if (err == STORE_ERR_CONFLICT || err == ERR_DUPLICATE) {
        s->alone = true;
        if (at_fault && ++s->attempts > SWITCH_ATTEMPTS_MAX)
            switch_reply_code(core, s, "96");
        else
            switch_list_push(&core->arrived, s);
    } else if (err == STORE_ERR_UNKNOWN) {
        /* The idempotency row tells: present is committed; absent is tried once more (switch.md 6 step 8). */
        s->unknown++;
        switch_list_push(&core->arrived, s);
    } else {
        switch_reply_code(core, s, "96");
    }
}

static void chunk_finish(struct switch_core *core, struct switch_chunk *c, enum err err, size_t fault)
{
    if (err == STORE_ERR_CONFLICT || err == ERR_DUPLICATE)
        core->counters.conflicts++;
    else if (err != ERR_OK)
        LOG(core->config.env->log, LOG_ERROR, "switch.commit", LOG_TEXT("error", err_row(err)->name), LOG_INT("count", c->count));
    rows_release(core, c, err != ERR_OK);
    for (size_t i = 0; i < c->count; i++)
        decided(core, c->slot[i], err, i == fault);
    switch_chunk_free(core, c);
}

void switch_chunk_submit(struct switch_core *core)
{
    struct switch_chunk *c = core->open_chunk;
    if (!c || c->count == 0)
        return;
    core->open_chunk = NULL;
    struct store_batch *batch = NULL;
    enum err err = ledger_unit_batch(&c->unit, &batch);
    if (err == ERR_OK) {
        batch->done = &core->done;
        batch->context = c;
        err = store_writer_submit(core->config.writer, batch);
    }
    if (err != ERR_OK)
        chunk_finish(core, c, err, c->count);
}

static void retention_finish(struct switch_core *core, enum err err)
{
    core->retaining = false;
    if (err == ERR_OK)
        core->counters.retentions++;
    else
        LOG(core->config.env->log, LOG_WARN, "switch.retention", LOG_TEXT("error", err_row(err)->name));
}

void switch_commit_stage(struct switch_core *core)
{
    void *item[SWITCH_CHUNKS + 1];
    size_t count;

    while ((count = queue_take(&core->done, item, SWITCH_CHUNKS + 1)) > 0) {
        for (size_t i = 0; i < count; i++) {
            struct store_batch *batch = item[i];
            struct switch_chunk *c = batch->context;

            if (!c) {
                retention_finish(core, batch->err);
                continue;
            }
            bool conflict = batch->err == STORE_ERR_CONFLICT || batch->err == ERR_DUPLICATE;

            chunk_finish(core, c, batch->err, conflict ? ledger_unit_tag(&c->unit, batch->at) : c->count);
        }
    }
}
