/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Columns and members: which member of a row's struct stands in which column. Inside the ledger only.
 *
 * Purpose    A shape is the list of columns of a statement's arguments or results, in order. The same engine reads and writes them
 *            all; nothing is copied by hand.
 * Failure    A value that does not fit its member is ERR_INTERNAL: the tables are ours alone.
 */
#ifndef LEDGER_SHAPES_H
#define LEDGER_SHAPES_H

#include "ledger/rows.h"
#include "store/store.h"

enum ledger_column_kind { LEDGER_COLUMN_INT, LEDGER_COLUMN_BOOL, LEDGER_COLUMN_TEXT, LEDGER_COLUMN_BYTES, LEDGER_COLUMN_ENUM };

struct ledger_column {
    const char *name;
    enum ledger_column_kind kind;
    uint16_t offset;
    uint16_t size;            /* of a text with its zero; capacity of bytes */
    const char *const *names; /* of an enum, in its order, ended by NULL */
};

struct ledger_shape {
    const struct ledger_column *column;
    size_t count;
    size_t size; /* of the struct */
};

extern const struct ledger_shape ledger_shape_product, ledger_shape_product_brief, ledger_shape_card, ledger_shape_card_change,
    ledger_shape_code, ledger_shape_code_change, ledger_shape_account, ledger_shape_account_change, ledger_shape_auth,
    ledger_shape_hold, ledger_shape_issuance, ledger_shape_client, ledger_shape_client_key, ledger_shape_outbox, ledger_shape_idem;

/* Fills `out` (shape->size bytes, zeroed first) from the columns that start at `first`. */
MUST_USE enum err ledger_shape_read(const struct ledger_shape *shape, const struct store_rows *rows, size_t row, size_t first,
                                    void *out);
/* Writes shape->count values that point into `in`, which must stay. */
void ledger_shape_write(const struct ledger_shape *shape, const void *in, struct store_value *out);

extern const char *const ledger_code_state_names[];
extern const char *const ledger_hold_state_names[];

#endif
