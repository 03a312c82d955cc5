/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/products.h"

#include "base/arena.h"
#include "ledger/enrol.h"
#include "ledger/unit.h"

#include <string.h>

enum { LOAD_AT_ONCE = 16, ARENA_SIZE = 512 * 1024, ANSWER_US = 1000000, RETRY_US = 100000 };

/* Ids whose version differs from ours. */
struct stale {
    struct {
        char product[LEDGER_ID], issuer[11];
    } id[LEDGER_PRODUCT_MAX];
    size_t count;
    bool issuers; /* the register was changed */
};

enum step { STEP_IDLE, STEP_VERSIONS, STEP_ISSUERS, STEP_ROWS };

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
    struct ledger_issuers issuers[2]; /* one is read, the other is for the next */
    size_t current;
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

static struct ledger_product *find(struct ledger_products *products, struct span issuer_id, struct span product_id)
{
    for (size_t i = 0; i < products->count; i++)
        if (span_is(product_id, products->row[i].product_id) && span_is(issuer_id, products->row[i].issuer_id))
            return &products->row[i];
    return NULL;
}

const struct ledger_product *ledger_products_at(const struct ledger_products *products, size_t index)
{
    return index < products->count ? &products->row[index] : NULL;
}

const struct ledger_product *ledger_products_find(const struct ledger_products *products, const char *issuer_id,
                                                  const char *product_id)
{
    for (size_t i = 0; i < products->count; i++)
        if (strcmp(products->row[i].product_id, product_id) == 0 && strcmp(products->row[i].issuer_id, issuer_id) == 0)
            return &products->row[i];
    return NULL;
}

const struct ledger_issuers *ledger_products_issuers(const struct ledger_products *products)
{
    return &products->issuers[products->current];
}

/* ---- the steps of a refresh ---- */

enum { AT_VERSIONS, AT_REGISTER, VERSIONS_OPERATIONS };

static void ask_versions(struct ledger_unit *unit, struct arena *arena)
{
    arena_reset(arena);
    ledger_unit_begin(unit, VERSIONS_OPERATIONS, arena);
    ledger_unit_add(unit, LEDGER_ROW(PRODUCT_VERSIONS), 0, NULL);
    ledger_unit_add(unit, LEDGER_ROW(ISSUER_REGISTER), 0, NULL);
}

static enum err compare_register(struct ledger_products *products, const struct ledger_unit *unit, struct stale *stale)
{
    struct ledger_register row;
    if (ledger_found(unit, AT_REGISTER) != 1)
        return ERR_INTERNAL;
    TRY(store_op_read(&unit->op[AT_REGISTER], 0, &row));
    stale->issuers = row.version != ledger_products_issuers(products)->version;
    return ERR_OK;
}

static enum err compare(struct ledger_products *products, const struct ledger_unit *unit, struct stale *stale)
{
    const struct store_rows *rows = &unit->op[AT_VERSIONS].rows;
    TRY(compare_register(products, unit, stale));
    stale->count = 0;
    if (rows->count > LEDGER_PRODUCT_MAX)
        return ERR_MEMORY;
    for (size_t i = 0; i < rows->count; i++) {
        struct ledger_product_version row;
        TRY(store_op_read(&unit->op[AT_VERSIONS], i, &row));
        const struct ledger_product *ours = find(products, row.issuer_id, row.product_id);
        if ((ours && ours->version == row.version) || row.product_id.len >= LEDGER_ID || row.issuer_id.len > 10)
            continue;
        memset(&stale->id[stale->count], 0, sizeof stale->id[0]);
        memcpy(stale->id[stale->count].product, row.product_id.at, row.product_id.len);
        memcpy(stale->id[stale->count++].issuer, row.issuer_id.at, row.issuer_id.len);
    }
    return ERR_OK;
}

static void ask_rows(struct ledger_unit *unit, struct arena *arena, const struct stale *stale, size_t from)
{
    arena_reset(arena);
    ledger_unit_begin(unit, LOAD_AT_ONCE, arena);
    for (size_t i = from; i < stale->count && i < from + LOAD_AT_ONCE; i++)
        (void)ledger_get_product(unit, stale->id[i].issuer, stale->id[i].product);
}

static void ask_issuers(struct ledger_unit *unit, struct arena *arena)
{
    arena_reset(arena);
    ledger_unit_begin(unit, LEDGER_ISSUERS_OPERATIONS, arena);
    ledger_get_issuers(unit);
}

static enum err keep_issuers(struct ledger_products *products, struct ledger_unit *unit)
{
    TRY(ledger_take_issuers(unit, 0, &products->issuers[1 - products->current], NULL));
    products->current = 1 - products->current;
    return ERR_OK;
}

static enum err keep(struct ledger_products *products, const struct ledger_product *row)
{
    struct ledger_product *slot = find(products, span_text(row->issuer_id), span_text(row->product_id));
    if (!slot && products->count == LEDGER_PRODUCT_MAX)
        return ERR_MEMORY;
    if (!slot)
        slot = &products->row[products->count++];
    *slot = *row;
    return ERR_OK;
}

enum err ledger_products_keep(struct ledger_products *products, const struct ledger_product *row)
{
    const struct ledger_product *have = ledger_products_find(products, row->issuer_id, row->product_id);
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
    if (stale.issuers) {
        ask_issuers(&unit, scratch);
        TRY(ledger_unit_run(&unit, store));
        TRY(keep_issuers(products, &unit));
    }
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
    if (products->stale.issuers) {
        products->stale.issuers = false;
        ask_issuers(&products->unit, &products->arena);
        submit(products, reader, STEP_ISSUERS, now_us);
        return;
    }
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
    else if (err == ERR_OK && products->step == STEP_ISSUERS)
        err = keep_issuers(products, &products->unit);
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
