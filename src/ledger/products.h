/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Products and issuers in memory, checked by version.
 *
 * Purpose    An authorisation needs its product and its issuer; they change rarely. The cache compares versions with the database
 *            once a period, and when it is asked to, and loads what changed. On a loop it does so without waiting
 *            (ledger_products_turn).
 * Ownership  The cache owns its slots; a pointer it gives is valid until the next turn or refresh. While a turn has a batch under
 *            way, the cache belongs to the reader: close the reader before ledger_products_destroy.
 * Threading  One thread.
 * Failure    The old content stays when the store does not answer; it is asked again soon. ledger_products_read_us tells how old
 *            the content is, ledger_products_err why.
 * Limits     LEDGER_PRODUCT_MAX products; more is ERR_MEMORY.
 *
 * Example: a product that may be new
 *     const struct ledger_product *product = ledger_products_find(products, issuer_id, id);
 *     if (!product && ledger_products_read_us(products) < request->arrived_us)
 *         ledger_products_want(products);                // and look again when read_us has passed arrived_us
 *     else if (!product)
 *         refuse();                                      // it did not exist when the request arrived
 *     ...
 *     int64_t wake_us = ledger_products_turn(products, reader, now_us);   // in the turn hook, after store_reader_turn
 */
#ifndef LEDGER_PRODUCTS_H
#define LEDGER_PRODUCTS_H

#include "ledger/ledger.h"

enum { LEDGER_PRODUCT_MAX = 256, LEDGER_PRODUCTS_PERIOD_US = 1000000 };

struct ledger_products;

MUST_USE enum err ledger_products_create(struct ledger_products **out);
/* NULL is allowed. */
void ledger_products_destroy(struct ledger_products *products);

/* Never waits: takes the answers that have come, asks what is due. Returns when it must be called again at the latest (monotonic
 * microseconds). Answers come within store_reader_turn: call it after that one. */
int64_t ledger_products_turn(struct ledger_products *products, struct store_reader *reader, int64_t now_us);
/* The next turn begins a refresh; if one is under way, another follows it. */
void ledger_products_want(struct ledger_products *products);
/* What was committed before this time is in the cache: when the last complete refresh began (monotonic us); 0: none yet. */
int64_t ledger_products_read_us(const struct ledger_products *products);
/* What the last refresh ended with. */
enum err ledger_products_err(const struct ledger_products *products);

/* The same at once, for the start and tools: reads the versions and loads what is new or changed; uses and resets `scratch`. */
MUST_USE enum err ledger_products_refresh(struct ledger_products *products, struct store *store, struct arena *scratch);

/* A row that this process has just committed: it counts from now on. One that is newer stays. */
MUST_USE enum err ledger_products_keep(struct ledger_products *products, const struct ledger_product *row);

/* All of them, in no particular order; NULL past the end. */
const struct ledger_product *ledger_products_at(const struct ledger_products *products, size_t index);
/* NULL: not known. */
const struct ledger_product *ledger_products_find(const struct ledger_products *products, const char *issuer_id,
                                                  const char *product_id);
/* Who has which numbers. Empty before the first refresh. */
const struct ledger_issuers *ledger_products_issuers(const struct ledger_products *products);

#endif
