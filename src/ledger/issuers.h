/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Issuers and the ranges of card numbers that belong to them (issuer.md 3.5).
 *
 * Purpose    A number belongs to at most one issuer: the one with a range that holds its first digits and has its length. The table
 *            answers whose a number is without asking the database.
 * Ownership  A table is a value of fixed size; it is filled between begin and end, and read afterwards. What it gives points into
 *            it.
 * Threading  Free of state.
 * Failure    ERR_PARSE_VALUE or another parse error for a text that is no range; ERR_MEMORY for more than the limits; ERR_DUPLICATE
 *            for ranges of which two hold one number.
 * Limits     LEDGER_ISSUERS_MAX issuers, LEDGER_RANGES_MAX ranges of all of them, first digits of 6 to LEDGER_PREFIX digits.
 *
 * Example
 *     ledger_issuers_begin(table, version);
 *     TRY(ledger_issuers_add(table, &issuer));
 *     TRY(ledger_range_parse(span_text("411111-411119/16"), &range));
 *     TRY(ledger_issuers_add_range(table, &range));      // its issuer_id is set
 *     TRY(ledger_issuers_end(table));
 *     const struct ledger_issuer *owner = ledger_issuers_of(table, card_pan_span(&pan));   // NULL: nobody's
 */
#ifndef LEDGER_ISSUERS_H
#define LEDGER_ISSUERS_H

#include "base/buf.h"
#include "card/card.h"

enum {
    LEDGER_ISSUERS_MAX = 64,
    LEDGER_RANGES_MAX = 1024,
    LEDGER_LENGTHS = CARD_PAN_MAX - CARD_PAN_MIN + 1,
    LEDGER_PREFIX = 12, /* digits that ranges are compared by; no number has fewer */
    LEDGER_PREFIX_MIN = 6,
    LEDGER_TIMEZONE = 65,
    LEDGER_RANGE_TEXT = 64,
    LEDGER_REVERSAL_DAYS = 30,
    LEDGER_REVERSAL_DAYS_MAX = 540,
};

struct ledger_issuer {
    char issuer_id[11];
    char timezone[LEDGER_TIMEZONE]; /* IANA name */
    int64_t reversal_days;          /* that an authorisation of its cards can be reversed */
};

struct ledger_range {
    char issuer_id[11];
    int64_t low, high; /* the first LEDGER_PREFIX digits, both included */
    int64_t lengths;   /* bit n: numbers of n digits */
};

/* ---- one range ---- */

/* FROM[-TO][/LENGTHS]: 411111, 411111-411119/16, 50000000-50000099/12-16+19. Without lengths 16. Leaves issuer_id alone. */
MUST_USE enum err ledger_range_parse(struct span text, struct ledger_range *out);
/* The same, as short as it can be said. */
void ledger_range_write(const struct ledger_range *range, struct buf *out);
bool ledger_range_holds(const struct ledger_range *range, struct span pan);
/* Some number is in both. */
bool ledger_range_meets(const struct ledger_range *a, const struct ledger_range *b);

/* ---- the table ---- */

struct ledger_issuers {
    int64_t version; /* of the register it was read from */
    size_t count;
    struct ledger_issuer row[LEDGER_ISSUERS_MAX];
    size_t ranges;
    size_t entries;
    struct ledger_issuers_entry { /* one a range and length, in order */
        int64_t low, high;        /* length, then first digits */
        size_t issuer;
    } entry[LEDGER_RANGES_MAX * LEDGER_LENGTHS];
};

void ledger_issuers_begin(struct ledger_issuers *table, int64_t version);
MUST_USE enum err ledger_issuers_add(struct ledger_issuers *table, const struct ledger_issuer *issuer);
/* Its issuer was added before: ERR_NOT_FOUND. */
MUST_USE enum err ledger_issuers_add_range(struct ledger_issuers *table, const struct ledger_range *range);
MUST_USE enum err ledger_issuers_end(struct ledger_issuers *table);

/* NULL: not known. */
const struct ledger_issuer *ledger_issuers_find(const struct ledger_issuers *table, const char *issuer_id);
/* Whose a number is; NULL: nobody's. */
const struct ledger_issuer *ledger_issuers_of(const struct ledger_issuers *table, struct span pan);

#endif
