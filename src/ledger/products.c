/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/products.h"

#include "base/arena.h"
#include "ledger/unit.h"

#include <string.h>

enum { LOAD_AT_ONCE = 16, ARENA_SIZE = 128 * 1024, ANSWER_US = 1000000, RETRY_US = 100000 };

/* Ids whose version differs from ours. */
struct stale {
    char id[LEDGER_PRODUCT_MAX][LEDGER_ID];
    size_t count;
};

enum step { STEP_IDLE, STEP_VERSIONS, STEP_ROWS };

struct ledger_products {
    /* of the turns */
    enum step step;
    bool wanted;
    int64_t next_us;     /* IDLE: the next refresh */
    int64_t deadline_us; /* otherwise: of what is under way */
    int64_t began_us, read_us;
    enum err err;
    struct stale stale;
    size_t loaded; /* of the stale ones */
    struct ledger_unit unit;
    struct arena arena;
    struct queue done;
    /* the content */
    size_t count;
    struct ledger_product row[LEDGER_PRODUCT_MAX];
};

enum err ledger_products_create(struct ledger_products **out)
{
    void *at = NULL;
    TRY(memory_reserve(1, sizeof(struct ledger_products), &at));
    struct ledger_products *products = at;
    enum err err = arena_create(&products->arena, ARENA_SIZE);
    if (err == ERR_OK)
        err = queue_create(&products->done, 1, NULL, NULL);
    if (err != ERR_OK) {
        ledger_products_destroy(products);
        return err;
    }
    *out = products;
    return ERR_OK;
}

void ledger_products_destroy(struct ledger_products *products)
{
    if (!products)
        return;
    void *item = NULL;
    ASSERT(products->step == STEP_IDLE || queue_take(&products->done, &item, 1) == 1);
    queue_destroy(&products->done);
    if (products->arena.at)
        arena_destroy(&products->arena);
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

/* ---- the two steps of a refresh ---- */

static void ask_versions(struct ledger_unit *unit, struct arena *arena)
{
    arena_reset(arena);
    ledger_unit_begin(unit, 1, arena);
    ledger_unit_add(unit, LEDGER_ROW(PRODUCT_VERSIONS), 0, NULL);
}

static enum err compare(struct ledger_products *products, const struct ledger_unit *unit, struct stale *stale)
{
    const struct store_rows *rows = &unit->op[0].rows;
    stale->count = 0;
    if (rows->count > LEDGER_PRODUCT_MAX)
        return ERR_MEMORY;
    for (size_t i = 0; i < rows->count; i++) {
        struct ledger_product_version row;
        TRY(store_op_read(&unit->op[0], i, &row));
        const struct ledger_product *ours = find(products, row.product_id);
        if ((ours && ours->version == row.version) || row.product_id.len >= LEDGER_ID)
            continue;
        memcpy(stale->id[stale->count], row.product_id.at, row.product_id.len);
        stale->id[stale->count++][row.product_id.len] = 0;
    }
    return ERR_OK;
}

static void ask_rows(struct ledger_unit *unit, struct arena *arena, const struct stale *stale, size_t from)
{
    arena_reset(arena);
    ledger_unit_begin(unit, LOAD_AT_ONCE, arena);
    for (size_t i = from; i < stale->count && i < from + LOAD_AT_ONCE; i++)
        (void)ledger_get_product(unit, stale->id[i]);
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

enum err ledger_products_keep(struct ledger_products *products, const struct ledger_product *row)
{
    const struct ledger_product *have = ledger_products_find(products, row->product_id);
    return have && have->version > row->version ? ERR_OK : keep(products, row);
}

static enum err keep_all(struct ledger_products *products, struct ledger_unit *unit)
{
    struct ledger_product row;
    for (size_t i = 0; i < unit->batch.count; i++)
        if (ledger_take_product(unit, i, &row))
            TRY(keep(products, &row));
    return unit->err;
}

/* ---- at once ---- */

enum err ledger_products_refresh(struct ledger_products *products, struct store *store, struct arena *scratch)
{
    struct ledger_unit unit;
    struct stale stale;
    ASSERT(products->step == STEP_IDLE);
    ask_versions(&unit, scratch);
    TRY(ledger_unit_run(&unit, store));
    TRY(compare(products, &unit, &stale));
    for (size_t i = 0; i < stale.count; i += LOAD_AT_ONCE) {
        ask_rows(&unit, scratch, &stale, i);
        TRY(ledger_unit_run(&unit, store));
        TRY(keep_all(products, &unit));
    }
    arena_reset(scratch);
    return ERR_OK;
}

/* ---- turn by turn ---- */

static void finish(struct ledger_products *products, enum err err, int64_t now_us)
{
    products->step = STEP_IDLE;
    products->err = err;
    products->next_us = now_us + (err == ERR_OK ? LEDGER_PRODUCTS_PERIOD_US : RETRY_US);
    if (err == ERR_OK)
        products->read_us = products->began_us;
}

static void submit(struct ledger_products *products, struct store_reader *reader, enum step step, int64_t now_us)
{
    products->deadline_us = now_us + ANSWER_US;
    products->step = step;
    enum err err = ledger_unit_submit(&products->unit, reader, &products->done, products, products->deadline_us);
    if (err != ERR_OK)
        finish(products, err, now_us);
}

static void load_more(struct ledger_products *products, struct store_reader *reader, int64_t now_us)
{
    if (products->loaded >= products->stale.count) {
        finish(products, ERR_OK, now_us);
        return;
    }
    ask_rows(&products->unit, &products->arena, &products->stale, products->loaded);
    products->loaded += LOAD_AT_ONCE;
    submit(products, reader, STEP_ROWS, now_us);
}

static void begin(struct ledger_products *products, struct store_reader *reader, int64_t now_us)
{
    products->wanted = false;
    products->began_us = now_us;
    products->loaded = 0;
    ask_versions(&products->unit, &products->arena);
    submit(products, reader, STEP_VERSIONS, now_us);
}

static void answered(struct ledger_products *products, struct store_reader *reader, int64_t now_us)
{
    enum err err = products->unit.batch.err;
    ASSERT(products->step != STEP_IDLE);
    if (err == ERR_OK && products->step == STEP_VERSIONS)
        err = compare(products, &products->unit, &products->stale);
    else if (err == ERR_OK)
        err = keep_all(products, &products->unit);
    if (err == ERR_OK)
        load_more(products, reader, now_us);
    else
        finish(products, err, now_us);
}

int64_t ledger_products_turn(struct ledger_products *products, struct store_reader *reader, int64_t now_us)
{
    for (;;) {
        void *item = NULL;
        if (queue_take(&products->done, &item, 1) == 1)
            answered(products, reader, now_us);
        else if (products->step != STEP_IDLE)
            return products->deadline_us;
        else if (products->wanted || now_us >= products->next_us)
            begin(products, reader, now_us);
        else
            return products->next_us;
    }
}

void ledger_products_want(struct ledger_products *products)
{
    products->wanted = true;
}

int64_t ledger_products_read_us(const struct ledger_products *products)
{
    return products->read_us;
}

enum err ledger_products_err(const struct ledger_products *products)
{
    return products->err;
}
