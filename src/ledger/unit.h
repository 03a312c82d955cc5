/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose    How operations are added to a unit. Inside the room only; rules: ledger/ledger.h.
 */
#ifndef LEDGER_UNIT_H
#define LEDGER_UNIT_H

#include "ledger/ledger.h"
#include "ledger/shapes.h"

/* Adds an operation whose `count` argument values are returned for the caller to fill; NULL with the sticky error set. */
struct store_value *ledger_unit_add(struct ledger_unit *unit, enum store_statement statement, unsigned flags, size_t count);
/* Copies `size` bytes of a row into the unit's arena; NULL with the sticky error set. */
const void *ledger_unit_keep(struct ledger_unit *unit, const void *row, size_t size);
struct store_value ledger_unit_text(struct ledger_unit *unit, const char *text);
/* Adds an operation whose arguments are the columns of a shape. */
void ledger_unit_put(struct ledger_unit *unit, enum store_statement statement, const struct ledger_shape *shape, const void *row);

/* The key of a message: its parts, each after one length byte; the first five alone are the key of an original (DE90). */
struct store_value ledger_unit_key(struct ledger_unit *unit, const struct ledger_message_id *id, bool whole);
/* The first key after all that begin with the key of an original. */
struct store_value ledger_unit_key_end(struct ledger_unit *unit, const struct ledger_message_id *id);

#endif
