/* SPDX-License-Identifier: Apache-2.0 */
/* What the pipeline asks of the store: one batch a slot, since each has its own outcome, and all batches of a stage in one go. */
#include "gateway/internal.h"
#include "store/error.h"

void gateway_ask(struct gateway_slot *slot, enum gateway_asked asked)
{
    ASSERT(slot->item.awaited == 0); /* the batch before is back */
    arena_reset(&slot->arena);
    slot->asked = asked;
    slot->batch = (struct store_batch){.op = slot->op, .arena = &slot->arena, .context = slot};
}

void gateway_ask_op(struct gateway_slot *slot, const struct store_row *row, unsigned flags, const void *argument)
{
    ASSERT(slot->batch.count < GATEWAY_OPS_MAX);
    slot->op[slot->batch.count++] = (struct store_op){.row = row, .flags = flags, .argument = argument};
}

static void wait(struct gateway_slot *slot, bool taken, unsigned stage, int64_t deadline_us)
{
    if (taken) {
        flow_await(&slot->item);
        flow_wait_at(&slot->item, stage, deadline_us);
    } else {
        slot->batch.err = STORE_ERR_UNAVAILABLE;
        flow_to(&slot->item, stage);
    }
}

static size_t submit(struct gateway *g, const struct gateway_asking *asking)
{
    struct store_batch *batch[FLOW_BATCH_MAX];
    for (size_t i = 0; i < asking->count; i++) {
        batch[i] = &asking->slot[i]->batch;
        batch[i]->done = &g->store_done;
    }
    return store_writer_submit_all(g->parts.writer, batch, asking->count);
}

void gateway_ask_write_aside(struct gateway *g, const struct gateway_asking *asking, unsigned stage)
{
    size_t taken = submit(g, asking);
    for (size_t i = 0; i < asking->count; i++) {
        if (i < taken)
            flow_await(&asking->slot[i]->item);
        flow_to(&asking->slot[i]->item, stage);
    }
}

void gateway_ask_write(struct gateway *g, const struct gateway_asking *asking, unsigned stage, int64_t deadline_us)
{
    size_t taken = submit(g, asking);
    for (size_t i = 0; i < asking->count; i++)
        wait(asking->slot[i], i < taken, stage, deadline_us);
}

/* The reader answers at the deadline itself: nothing is late then, and the slot need not wait for its batch. */
void gateway_ask_read(struct gateway *g, const struct gateway_asking *asking, unsigned stage, int64_t deadline_us)
{
    for (size_t i = 0; i < asking->count; i++) {
        struct store_batch *batch = &asking->slot[i]->batch;
        batch->done = &g->store_done;
        wait(asking->slot[i], store_reader_submit(g->parts.reader, batch, deadline_us) == ERR_OK, stage, 0);
    }
}

enum err gateway_asked(const struct gateway_slot *slot)
{
    return slot->item.awaited > 0 ? STORE_ERR_UNAVAILABLE : slot->batch.err;
}
