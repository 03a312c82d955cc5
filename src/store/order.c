/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order in which a transaction takes its locks. A group holds the writes of many decisions, and two nodes decide in different
 * orders: if each wrote in its own, one would hold what the other waits for. So all write by table, and within one by key.
 */
#include "store/order.h"

#include "base/arena.h"

#include <string.h>

/*
 * Tables in the order in which they are locked: that of the operations of one authorisation. A tombstone comes before the message
 * that must not find one.
 */
static const char *const tables[] = {"card",     "card_code", "tombstone",    "idem",           "auth",    "hold",   "account",
                                     "issuance", "record",    "claim",        "reversal",       "product", "client", "client_key",
                                     "merchant", "terminal",  "merchant_key", "encryption_key", "outbox"};
enum { TABLES = sizeof tables / sizeof tables[0], KEY_DEFAULT = 1 };

unsigned store_order_rank(const struct store_row *row)
{
    static const char *const verbs[] = {"INSERT INTO ", "UPDATE ", "DELETE FROM "};
    for (size_t v = 0; v < sizeof verbs / sizeof verbs[0]; v++) {
        size_t len = strlen(verbs[v]);
        if (strncmp(row->sql, verbs[v], len) != 0)
            continue;
        size_t name = strcspn(row->sql + len, " ");
        for (unsigned i = 0; i < TABLES; i++)
            if (strlen(tables[i]) == name && strncmp(row->sql + len, tables[i], name) == 0)
                return i;
    }
    return TABLES;
}

static size_t key_parts(const struct store_row *row)
{
    return row->flags & STORE_ROW_KEY_3 ? 3 : KEY_DEFAULT;
}

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
    for (size_t i = 0; i < a->key && i < b->key; i++) {
        int order = compare_values(&a->op->argument[i], &b->op->argument[i]);
        if (order != 0)
            return order;
    }
    return 0;
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

enum err store_order_open(struct store_order *order, const struct store_table *table)
{
    void *at = NULL;
    order->rows = table->count;
    TRY(memory_reserve(table->count, sizeof *order->rank, &at));
    order->rank = at;
    for (size_t i = 0; i < table->count; i++)
        order->rank[i] = (uint8_t)store_order_rank(&table->row[i]);
    TRY(memory_reserve(STORE_ORDER_MAX, sizeof *order->room[0], &at));
    order->room[0] = at;
    TRY(memory_reserve(STORE_ORDER_MAX, sizeof *order->room[1], &at));
    order->room[1] = at;
    return ERR_OK;
}

void store_order_close(struct store_order *order)
{
    memory_release(order->rank, order->rows, sizeof *order->rank);
    for (size_t i = 0; i < 2; i++)
        memory_release(order->room[i], STORE_ORDER_MAX, sizeof *order->room[i]);
}

/* A batch that reads as well needs its own order: it comes last, as it stands. */
static bool reads(const struct store *store, const struct store_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        if (!(store_row_of(store, &batch->op[i])->flags & STORE_ROW_WRITE))
            return true;
    return false;
}

enum err store_order_steps(struct store_order *order, const struct store *store, struct store_batch *const *batch, size_t count,
                           const struct store_step **out, size_t *out_count)
{
    size_t steps = 0;
    for (size_t b = 0; b < count; b++) {
        bool last = reads(store, batch[b]);
        for (size_t i = 0; i < batch[b]->count; i++) {
            struct store_op *op = &batch[b]->op[i];
            const struct store_row *row = store_row_of(store, op);
            size_t key = key_parts(row) < op->argument_count ? key_parts(row) : op->argument_count;
            if (steps == STORE_ORDER_MAX)
                return ERR_MEMORY;
            order->room[0][steps++] = (struct store_step){.op = op,
                                                          .batch = (uint32_t)b,
                                                          .at = (uint32_t)i,
                                                          .rank = last ? UINT8_MAX : order->rank[op->statement],
                                                          .key = last ? 0 : (uint8_t)key};
        }
    }
    *out = merge_sort(order->room[0], order->room[1], steps);
    *out_count = steps;
    return ERR_OK;
}
