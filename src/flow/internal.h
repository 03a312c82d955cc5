/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the engine share. Inside the room only. */
#ifndef FLOW_INTERNAL_H
#define FLOW_INTERNAL_H

#include "flow/flow.h"

struct flow_queue {
    struct flow_item *head;
    struct flow_item *tail;
    size_t count;
    struct flow_counts counts;
};

struct flow {
    struct flow_config config;
    struct flow_item *free;
    struct flow_item **heap; /* of deadlines; heap[0] is the next one */
    size_t heap_count;
    size_t busy;
    size_t queued; /* in all stages */
    uint64_t moves;
    int64_t now_us;
    int64_t began_us; /* the turn */
    unsigned first;   /* stage of the next round */
    bool running;
    struct flow_queue queue[FLOW_STAGES_MAX];
};

/* deadlines.c: items that wait, the next deadline first */
void flow_deadline_add(struct flow *flow, struct flow_item *item);
/* Does nothing for an item without a deadline. */
void flow_deadline_remove(struct flow *flow, struct flow_item *item);

#endif
