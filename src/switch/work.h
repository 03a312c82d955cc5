/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the switch gives to the store: readings, chunks, purges.
 *
 * Purpose    A reading asks for stored answers, cards and originals of all slots that arrived together. A chunk is a transaction
 *            with the decisions of up to SWITCH_CHUNK_MAX slots. Both come back through the core's queue and let their slots go on.
 * Ownership  The core owns them. A reading is held by its slots until the last of them has taken its rows.
 * Threading  The loop's; the queue is filled by the store's threads as well.
 * Failure    What the store does not take comes back through the same queue with its error, so nothing happens within the call.
 * Limits     SWITCH_READS_MAX and SWITCH_CHUNKS under way; slots that find none wait in core->read_room and core->chunk_room.
 *
 * Example
 *     struct switch_parking *place = switch_chunk_open(core, s);
 *     if (!place)
 *         switch_chunk_add(core, s);
 */
#ifndef SWITCH_WORK_H
#define SWITCH_WORK_H

#include "base/arena.h"
#include "switch/slot.h"

enum { SWITCH_LOOKUP_MAX = FLOW_BATCH_MAX, SWITCH_CHUNKS = 64 };

enum switch_work_kind { SWITCH_WORK_READ, SWITCH_WORK_CHUNK, SWITCH_WORK_RETENTION, SWITCH_WORK_DUE, SWITCH_WORK_LAPSE };
struct switch_work {
    enum switch_work_kind kind;
    struct ledger_unit unit;
    struct arena arena;
};

struct switch_read {
    struct switch_work work; /* the first member, as in a chunk */
    struct switch_read *next;
    struct switch_slot *slot[SWITCH_LOOKUP_MAX];
    size_t count;
    size_t held; /* slots that have not taken their rows */
    uint64_t tick;
};

struct switch_chunk {
    struct switch_work work;
    struct switch_chunk *next;
    struct switch_slot *slot[SWITCH_CHUNK_MAX];
    size_t count;
};

/* Hands the unit to the reader or the writer. */
void switch_work_submit(struct switch_core *core, struct switch_work *work);

/* ---- readings ---- */

/* NULL: all are under way. */
struct switch_read *switch_read_take(struct switch_core *core);
/* The slot's rows are to come with the reading. */
void switch_read_add(struct switch_read *read, struct switch_slot *s);
void switch_read_submit(struct switch_core *core, struct switch_read *read);
/* The slot has taken its rows. */
void switch_read_leave(struct switch_core *core, struct switch_slot *s);

/* ---- chunks ---- */

/* Where the slot must wait before it can be decided; NULL: core->open_chunk takes it. */
struct switch_parking *switch_chunk_open(struct switch_core *core, struct switch_slot *s);
/* The slot's decision is in the open chunk. */
void switch_chunk_add(struct switch_core *core, struct switch_slot *s);
/* Gives the open chunk to the writer, if it holds anything. */
void switch_chunk_submit(struct switch_core *core);

/* The source: what came back, and rooms for those who wait. */
int64_t switch_work_turn(void *context, int64_t now_us);

#endif
