/* SPDX-License-Identifier: Apache-2.0 */
/* What the stages of the switch share. */
#ifndef SWITCH_INTERNAL_H
#define SWITCH_INTERNAL_H

#include "base/queue.h"
#include "ledger/products.h"
#include "switch/rows.h"
#include "switch/slot.h"
#include "switch/switch.h"
#include "switch/work.h"

enum { SWITCH_ATTEMPTS_MAX = 5, SWITCH_ANSWER_LEN = 9, SWITCH_COMMAND_ROOM = 512 };

/* In the order of their rows. */
enum switch_stage {
    SWITCH_STAGE_CLAIM,  /* one request a message; repeats stand behind it */
    SWITCH_STAGE_LOOKUP, /* one unit of reads for all that arrived */
    SWITCH_STAGE_SETTLE, /* stored answers, cards */
    SWITCH_STAGE_JUDGE,  /* is anything left to ask? */
    SWITCH_STAGE_ASK,    /* the HSM */
    SWITCH_STAGE_DECIDE, /* into chunks, to the writer */
    SWITCH_STAGE_REPLY,  /* after the commit */
    SWITCH_STAGES
};

struct switch_core {
    struct switch_config config;
    struct hostcmd_layout layout;
    struct switch_link link[SWITCH_LINKS_MAX];
    size_t in_flight[SWITCH_LINKS_MAX];
    struct flow *flow;
    uint64_t tick;             /* orders arrivals, readings and commits */
    struct secret_pages pages; /* slots, the scratch message, the scratch command */
    struct switch_slot *slot;
    struct ledger_original *original; /* one a slot; of a reversal, as it was read */
    struct iso8583_message *scratch;
    uint8_t *command;
    struct switch_claims claims;
    struct switch_rows rows;
    struct switch_read *read;
    struct switch_read *free_read;
    struct switch_chunk *chunk;
    struct switch_chunk *free_chunk;
    struct switch_chunk *open_chunk;
    struct switch_parking read_room; /* they wait for a reading, a chunk, a place in an HSM's window */
    struct switch_parking chunk_room;
    struct switch_parking hsm_room;
    struct switch_parking product_news; /* their product is newer than the cache, or does not exist */
    struct queue done;                  /* work that is back */
    struct switch_work retention;
    bool retaining;
    int64_t retain_next_us;
    struct switch_work lapse; /* of holds: those that are due, then their end */
    bool lapsing;
    int64_t lapse_next_us;
    size_t lapse_count;
    struct ledger_products *products;
    int64_t rejects_us;    /* the second in which lines about unreadable frames are counted */
    unsigned reject_lines; /* in it */
    struct switch_counters counters;
};

/* ---- pool.c: everything is reserved at start ---- */
MUST_USE enum err switch_pool_create(struct switch_core *core);
void switch_pool_destroy(struct switch_core *core);

/* Leaves what the slot holds and wipes it; what stands behind it goes on. */
void switch_slot_leave(struct switch_core *core, struct switch_slot *s);

/* ---- the stages ---- */
void switch_claim_stage(void *context, struct flow_item *const *item, size_t count);
void switch_lookup_stage(void *context, struct flow_item *const *item, size_t count);
void switch_settle_stage(void *context, struct flow_item *const *item, size_t count);
void switch_judge_stage(void *context, struct flow_item *const *item, size_t count);
void switch_ask_stage(void *context, struct flow_item *const *item, size_t count);
void switch_decide_stage(void *context, struct flow_item *const *item, size_t count);
void switch_reply_stage(void *context, struct flow_item *const *item, size_t count);
/* The source: answers of the HSMs. */
int64_t switch_hsm_turn(void *context, int64_t now_us);

/* The slot waits in `place` at most as long as a request may wait for the store, and goes on at `stage`. */
void switch_wait(struct switch_core *core, struct switch_slot *s, struct switch_parking *place, unsigned stage);

/* The verification plan of a slot from its rows as they are now. */
void switch_slot_plan(struct switch_core *core, const struct switch_slot *s, const struct ledger_product *product,
                      struct switch_plan *plan, struct switch_finding *finding);
/* Whose the number is; NULL: nobody's. */
const struct ledger_issuer *switch_slot_issuer(const struct switch_core *core, const struct switch_slot *s);
/* A card whose product is not there is treated as one without keys. */
const struct ledger_product *switch_slot_product(const struct switch_core *core, const struct switch_slot *s);

/* ---- decisions, into the open chunk ---- */
void switch_put_message(struct ledger_unit *unit, struct switch_slot *s, char letter, const char *de38);
void switch_put_reversal(struct switch_core *core, struct switch_slot *s);
/* Asks for the original and for the tombstone that may stand for it; then takes what came. */
void switch_reversal_ask(struct switch_core *core, struct ledger_unit *unit, struct switch_slot *s);
void switch_reversal_take(struct switch_core *core, struct ledger_unit *unit, struct switch_slot *s);
/* Another reversal of its card was committed after its original was read. */
bool switch_reversal_outdated(const struct switch_slot *s);

/* ---- lapse.c ---- */
int64_t switch_lapse_turn(void *context, int64_t now_us);
void switch_lapse_back(struct switch_core *core);

/* ---- reply.c: each ends the slot ---- */
void switch_reply_verdict(struct switch_core *core, struct switch_slot *s);
/* Nothing was written. Once a commit of the slot is unknown, nothing is said (switch.md 6 step 8). */
void switch_reply_failed(struct switch_core *core, struct switch_slot *s, const char *de39);
void switch_reply_code(struct switch_core *core, struct switch_slot *s, const char *de39);
void switch_reply_stored(struct switch_core *core, struct switch_slot *s, const struct ledger_message *message);
/* No answer: the network repeats. The slot's connection need not wait for one. */
void switch_reply_nothing(struct switch_core *core, struct switch_slot *s);
size_t switch_fingerprint_write(const struct switch_slot *s, uint8_t *out, size_t cap);

#endif
