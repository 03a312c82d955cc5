/* SPDX-License-Identifier: Apache-2.0 */
/* The deadlines: a binary heap whose items know their place. */
#include "flow/internal.h"

static void heap_set(struct flow *flow, size_t place, struct flow_item *item)
{
    flow->heap[place] = item;
    item->heap = (uint32_t)place + 1;
}

static void heap_up(struct flow *flow, size_t place, struct flow_item *item)
{
    while (place > 0) {
        size_t parent = (place - 1) / 2;
        if (flow->heap[parent]->deadline_us <= item->deadline_us)
            break;
        heap_set(flow, place, flow->heap[parent]);
        place = parent;
    }
    heap_set(flow, place, item);
}

static void heap_down(struct flow *flow, size_t place, struct flow_item *item)
{
    for (;;) {
        size_t child = 2 * place + 1;
        if (child >= flow->heap_count)
            break;
        if (child + 1 < flow->heap_count && flow->heap[child + 1]->deadline_us < flow->heap[child]->deadline_us)
            child++;
        if (item->deadline_us <= flow->heap[child]->deadline_us)
            break;
        heap_set(flow, place, flow->heap[child]);
        place = child;
    }
    heap_set(flow, place, item);
}

void flow_deadline_add(struct flow *flow, struct flow_item *item)
{
    ASSERT(item->heap == 0 && flow->heap_count < flow->config.count);
    heap_up(flow, flow->heap_count++, item);
}

void flow_deadline_remove(struct flow *flow, struct flow_item *item)
{
    if (item->heap == 0)
        return;
    size_t place = item->heap - 1;
    ASSERT(place < flow->heap_count && flow->heap[place] == item);
    struct flow_item *last = flow->heap[--flow->heap_count];
    item->heap = 0;
    if (last == item)
        return;
    if (place > 0 && flow->heap[(place - 1) / 2]->deadline_us > last->deadline_us)
        heap_up(flow, place, last);
    else
        heap_down(flow, place, last);
}
