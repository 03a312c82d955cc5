/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a card's personalisation asks for: one card with its reference, from the values of a file's record.
 *
 * Purpose    Checks and takes over reference, card number, expiry and service codes; column names are known here alone.
 * Ownership  Plain values; the holder wipes them, for they hold card numbers.
 * Threading  Free of state.
 * Failure    The first problem as `why`, in words that never hold anything of the input.
 * Limits     References of CARD_REFERENCE printable ASCII characters, which may not hold the card number.
 *
 * Example
 *     struct card_columns columns;
 *     TRY(card_columns_find(&header, &columns, &why));        // id, pan, expiry, service, cvv2_service, icvv_service
 *     TRY(card_order_read(&record, &columns, &rule, &order, &why));
 */
#ifndef CARD_ORDER_H
#define CARD_ORDER_H

#include "card/card.h"
#include "card/lines.h"

enum { CARD_REFERENCE = 64 };

enum card_column {
    CARD_COLUMN_ID,
    CARD_COLUMN_PAN,
    CARD_COLUMN_EXPIRY,
    CARD_COLUMN_CVV,
    CARD_COLUMN_CVV2,
    CARD_COLUMN_ICVV,
    CARD_COLUMNS
};

/* Which value of a CSV record stands for which column; CARD_COLUMN_ABSENT: none. */
enum { CARD_COLUMN_ABSENT = 255 };
struct card_columns {
    uint8_t at[CARD_COLUMNS];
    size_t count; /* values of each record; 0: JSON, where each record names its own */
};

struct card_order_rule {
    enum card_expiry_order expiry;
    enum card_pan_rule pan;
    bool need_service; /* a service code for CVV must be there */
};

struct card_order {
    struct card_pan pan;
    struct card_expiry expiry;
    uint8_t id_len;
    char id[CARD_REFERENCE];
    char service[3][4]; /* CVV, CVV2, iCVV: the record's, or "", "000", "999" */
};

/* The header line of a CSV file. Columns with other names are left alone; a known name may occur once. */
MUST_USE enum err card_columns_find(const struct card_record *header, struct card_columns *out, const char **why);
MUST_USE enum err card_order_read(const struct card_record *record, const struct card_columns *columns,
                                  const struct card_order_rule *rule, struct card_order *out, const char **why);
/* "pan", "expiry" ...: for --help. */
const char *card_column_name(enum card_column column);

#endif
