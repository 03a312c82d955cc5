/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Products in memory, checked by version.
 *
 * Purpose    An authorisation needs its product; products change rarely. The cache compares versions with the database when it is
 *            refreshed and loads what changed.
 * Ownership  The cache owns its slots; a pointer it gives is valid until the next refresh.
 * Threading  One thread.
 * Failure    ledger_products_refresh keeps the old content when the store does not answer.
 * Limits     LEDGER_PRODUCT_MAX products; more is ERR_MEMORY.
 */
#ifndef LEDGER_PRODUCTS_H
#define LEDGER_PRODUCTS_H

#include "ledger/ledger.h"

enum { LEDGER_PRODUCT_MAX = 256 };

struct ledger_products;

MUST_USE enum err ledger_products_create(struct ledger_products **out);
void ledger_products_destroy(struct ledger_products *products);
/* Reads the versions and loads what is new or changed; uses and resets `scratch`. Call it once a second or so, and on a miss. */
MUST_USE enum err ledger_products_refresh(struct ledger_products *products, struct store *store, struct arena *scratch);
/* All of them, in no particular order; NULL past the end. */
const struct ledger_product *ledger_products_at(const struct ledger_products *products, size_t index);
/* NULL: not known. */
const struct ledger_product *ledger_products_find(const struct ledger_products *products, const char *product_id);

#endif
