/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/products.h"

#include "base/arena.h"

#include <string.h>

enum { LOAD_AT_ONCE = 16 };

struct ledger_products {
    size_t count;
    struct ledger_product row[LEDGER_PRODUCT_MAX];
};

enum err ledger_products_create(struct ledger_products **out)
{
    void *at = NULL;
    TRY(memory_reserve(1, sizeof(struct ledger_products), &at));
    *out = at;
    return ERR_OK;
}

void ledger_products_destroy(struct ledger_products *products)
{
    memory_release(products, 1, sizeof *products);
}

static struct ledger_product *find(struct ledger_products *products, struct span product_id)
{
    for (size_t i = 0; i < products->count; i++)
        if (span_is(product_id, products->row[i].product_id))
            return &products->row[i];
    return NULL;
}

const struct ledger_product *ledger_products_at(const struct ledger_products *products, size_t index)
{
    return index < products->count ? &products->row[index] : NULL;
}

const struct ledger_product *ledger_products_find(const struct ledger_products *products, const char *product_id)
{
    for (size_t i = 0; i < products->count; i++)
        if (strcmp(products->row[i].product_id, product_id) == 0)
            return &products->row[i];
    return NULL;
}

/* Ids whose version differs from ours. */
struct stale {
    char id[LEDGER_PRODUCT_MAX][LEDGER_ID];
    size_t count;
};

static enum err compare(struct ledger_products *products, struct store *store, struct arena *scratch, struct stale *stale)
{
    struct store_op op = {.statement = STORE_PRODUCT_VERSIONS};
    TRY(store_run(store, &(struct store_batch){.op = &op, .count = 1, .arena = scratch}));
    if (op.rows.count > LEDGER_PRODUCT_MAX)
        return ERR_MEMORY;
    for (size_t i = 0; i < op.rows.count; i++) {
        struct span id = store_cell_span(&op.rows, i, 0);
        const struct ledger_product *ours = find(products, id);
        if ((ours && ours->version == store_cell_int(&op.rows, i, 1)) || id.len >= LEDGER_ID)
            continue;
        memcpy(stale->id[stale->count], id.at, id.len);
        stale->id[stale->count++][id.len] = 0;
    }
    return ERR_OK;
}

static enum err keep(struct ledger_products *products, const struct ledger_product *row)
{
    struct ledger_product *slot = find(products, span_text(row->product_id));
    if (!slot && products->count == LEDGER_PRODUCT_MAX)
        return ERR_MEMORY;
    if (!slot)
        slot = &products->row[products->count++];
    *slot = *row;
    return ERR_OK;
}

static enum err load(struct ledger_products *products, struct store *store, struct arena *scratch, const char (*id)[LEDGER_ID],
                     size_t count)
{
    struct ledger_unit unit;
    struct ledger_product row;
    arena_reset(scratch);
    ledger_unit_begin(&unit, LOAD_AT_ONCE, scratch);
    for (size_t i = 0; i < count; i++)
        (void)ledger_get_product(&unit, id[i]);
    TRY(ledger_unit_run(&unit, store));
    for (size_t i = 0; i < count; i++)
        if (ledger_take_product(&unit, i, &row))
            TRY(keep(products, &row));
    return unit.err;
}

enum err ledger_products_refresh(struct ledger_products *products, struct store *store, struct arena *scratch)
{
    struct stale stale = {0};
    arena_reset(scratch);
    TRY(compare(products, store, scratch, &stale));
    for (size_t i = 0; i < stale.count; i += LOAD_AT_ONCE) {
        size_t left = stale.count - i;
        TRY(load(products, store, scratch, (const char(*)[LEDGER_ID]) & stale.id[i], left < LOAD_AT_ONCE ? left : LOAD_AT_ONCE));
    }
    arena_reset(scratch);
    return ERR_OK;
}
