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

/* A key of `idem`. Its parts stand each after one length byte, so none begins with the byte that ends `to`. */
struct ledger_key {
    struct span whole;    /* what a reversal names: network, class, DE7, DE11, DE32 and card. Without pan_mac: link and message */
    struct span from, to; /* the keys that differ in the last part alone: from <= key < to */
};
struct ledger_key ledger_unit_key(struct ledger_unit *unit, const struct ledger_message_id *id);
/* What tells a message from the others of its key: link, DE37, DE41 and DE42; of a tombstone the card. */
struct span ledger_unit_message(struct ledger_unit *unit, const struct ledger_message_id *id);
#endif
