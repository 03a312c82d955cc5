/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order in which a transaction takes its locks. A group holds the writes of many decisions, and two nodes decide in different
 * orders: if each wrote in its own, one would hold what the other waits for. So all write by table, and within one by key.
 */
#include "store/order.h"

#include "base/arena.h"

#include <limits.h>
#include <string.h>

static int compare_values(const struct store_value *a, const struct store_value *b)
{
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    if (a->kind == STORE_NULL)
        return 0;
    if (a->kind == STORE_INT)
        return a->integer < b->integer ? -1 : a->integer > b->integer;
    size_t len = a->len < b->len ? a->len : b->len;
    int order = len > 0 ? memcmp(a->at, b->at, len) : 0; /* keys of rows, not secret */
    return order != 0 ? order : a->len < b->len ? -1 : a->len > b->len;
}

static int compare(const struct store_step *a, const struct store_step *b)
{
    if (a->rank != b->rank)
        return a->rank < b->rank ? -1 : 1;
    int order = compare_values(&a->first, &b->first);
    for (size_t i = 1; order == 0 && i < a->keys && i < b->keys; i++) {
        struct store_value of_a = store_member_value(a->statement->key[i], a->op->argument);
        struct store_value of_b = store_member_value(b->statement->key[i], b->op->argument);
        order = compare_values(&of_a, &of_b);
    }
    return order;
}

/* Bottom up, from `from` into `to` and back; what is equal stays in its order. The result is returned. */
static struct store_step *merge_sort(struct store_step *from, struct store_step *to, size_t count)
{
    for (size_t width = 1; width < count; width *= 2) {
        for (size_t start = 0; start < count; start += 2 * width) {
            size_t middle = start + width < count ? start + width : count;
            size_t end = middle + width < count ? middle + width : count;
            size_t left = start, right = middle;
            for (size_t i = start; i < end; i++)
                to[i] = right == end || (left < middle && compare(&from[left], &from[right]) <= 0) ? from[left++] : from[right++];
        }
        struct store_step *swap = from;
        from = to;
        to = swap;
    }
    return from;
}

enum err store_order_open(struct store_order *order)
{
    void *at = NULL;
    TRY(memory_reserve(STORE_ORDER_MAX, sizeof *order->room[0], &at));
    order->room[0] = at;
    TRY(memory_reserve(STORE_ORDER_MAX, sizeof *order->room[1], &at));
    order->room[1] = at;
    return ERR_OK;
}

void store_order_close(struct store_order *order)
{
    for (size_t i = 0; i < 2; i++)
        memory_release(order->room[i], STORE_ORDER_MAX, sizeof *order->room[i]);
}

/* A batch that reads as well needs its own order: it comes last, as it stands. */
static bool reads(const struct store_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        if (!(batch->op[i].row->flags & STORE_ROW_WRITE))
            return true;
    return false;
}

/* One that comes last has no key: all of them keep their order. */
static struct store_step step_of(const struct store *store, struct store_op *op, bool last, size_t batch, size_t at)
{
    const struct store_statement *statement = store_statement_of(store, op);
    struct store_step step = {.op = op, .statement = statement, .batch = (uint32_t)batch, .at = (uint32_t)at};
    step.rank = last ? UINT_MAX : op->row->rank;
    step.keys = last ? 0 : statement->key_count;
    if (step.keys > 0)
        step.first = store_member_value(statement->key[0], op->argument);
    return step;
}

enum err store_order_steps(struct store_order *order, const struct store *store, struct store_batch *const *batch, size_t count,
                           const struct store_step **out, size_t *out_count)
{
    size_t steps = 0;
    for (size_t b = 0; b < count; b++) {
        bool last = reads(batch[b]);
        for (size_t i = 0; i < batch[b]->count; i++) {
            if (steps == STORE_ORDER_MAX)
                return ERR_MEMORY;
            order->room[0][steps++] = step_of(store, &batch[b]->op[i], last, b, i);
        }
    }
    *out = merge_sort(order->room[0], order->room[1], steps);
    *out_count = steps;
    return ERR_OK;
}
