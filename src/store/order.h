/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes of a transaction in key order.
 *
 * Purpose    Two nodes that write the same rows in different orders stop each other. The operations of a group are sent by table
 *            and, within a table, by the key that the row names. Operations on one key keep their order, so
 *            each finds what those before it left. A batch that also reads keeps its own order, after all others.
 * Ownership  An order owns its room, reserved at open; the steps it gives are valid until the next call.
 * Threading  One thread.
 * Limits     STORE_ORDER_MAX operations in a group.
 */
#ifndef STORE_ORDER_H
#define STORE_ORDER_H

#include "store/driver.h"

enum { STORE_ORDER_MAX = 65536 };

struct store_step {
    struct store_op *op;
    uint32_t batch, at; /* where it stands in the group */
    unsigned rank;      /* of its table */
    const struct store_statement *statement;
    size_t keys;              /* parts of its key */
    struct store_value first; /* of them */
};

struct store_order {
    struct store_step *room[2];
};

MUST_USE enum err store_order_open(struct store_order *order);
void store_order_close(struct store_order *order);
/* The operations of a group, in the order in which they are to be sent. ERR_MEMORY: there are too many. */
MUST_USE enum err store_order_steps(struct store_order *order, const struct store *store, struct store_batch *const *batch,
                                    size_t count, const struct store_step **out, size_t *out_count);
#endif
