/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose    How operations are added to a unit. Inside the room only; rules: ledger/ledger.h.
 */
#ifndef LEDGER_UNIT_H
#define LEDGER_UNIT_H

#include "ledger/ledger.h"
#include "ledger/shapes.h"

/* Adds an operation with a copy of the struct that the row takes; NULL, where it takes none. */
void ledger_unit_add(struct ledger_unit *unit, const struct store_row *row, unsigned flags, const void *argument);
/* The same for a write that must change its row. */
void ledger_unit_put(struct ledger_unit *unit, const struct store_row *row, const void *argument);
/* The same, with a struct of zeros that the caller fills: nothing large is copied twice. NULL with the sticky error set. */
void *ledger_unit_fill(struct ledger_unit *unit, const struct store_row *row);
/* A copy of a text in the unit's arena; "" with the sticky error set. */
const char *ledger_unit_text(struct ledger_unit *unit, const char *text);

/* The key of a message: its parts, each after one length byte; the first five alone are the key of an original (DE90). */
struct span ledger_unit_key(struct ledger_unit *unit, const struct ledger_message_id *id, bool whole);
/* The first key after all that begin with the key of an original. */
struct span ledger_unit_key_end(struct ledger_unit *unit, const struct ledger_message_id *id);

#endif
