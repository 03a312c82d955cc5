/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Enrolment of issuers: who they are, and which card numbers are theirs.
 *
 * Purpose    Writes the rows that ledger/issuers.h is filled from. No two ranges hold one number: a change is judged by what is
 *            there, and written only if nobody has changed anything since (issuer_register).
 * Ownership  The caller's arena serves the reading; it is reset.
 * Threading  It waits for the database: for the start, tools and tests, never on a loop.
 * Failure    ERR_DUPLICATE: the issuer exists. ERR_NOT_FOUND: it does not. LEDGER_ERR_RANGE_TAKEN: `clash` says what meets what.
 *            ERR_MEMORY: there are as many issuers or ranges as there may be. Otherwise as store_run.
 * Limits     those of ledger/issuers.h.
 *
 * Example
 *     const struct ledger_enrolment bank = {.issuer_id = "BANK000001", .timezone = "Australia/Sydney", .range = range, .ranges = 1,
 *                                           .fresh = true};
 *     TRY(ledger_enrol(store, &arena, &bank, &clash));
 */
#ifndef LEDGER_ENROL_H
#define LEDGER_ENROL_H

#include "ledger/ledger.h"

enum { LEDGER_ENROL_ARENA = 1 << 20 };

struct ledger_enrolment {
    const char *issuer_id;            /* exactly 10 characters */
    const char *timezone;             /* NULL: as it is; of a new one UTC */
    int64_t reversal_days;            /* 0: as it is; of a new one LEDGER_REVERSAL_DAYS */
    const struct ledger_range *range; /* all of its ranges, their issuer_id not looked at */
    size_t ranges;                    /* 0: as they are */
    bool fresh;                       /* a new issuer; otherwise one that exists */
};

/* Two ranges that share a number: the one that was asked for, and the one that is there, or another that was asked for. */
struct ledger_clash {
    struct ledger_range wanted, there;
};

MUST_USE enum err ledger_enrol(struct store *store, struct arena *arena, const struct ledger_enrolment *enrolment,
                               struct ledger_clash *clash);

/* Issuers and ranges as they are; the table's version is that of the register. `range` gets all of them, by their first digits. */
MUST_USE enum err ledger_issuers_load(struct store *store, struct arena *arena, struct ledger_issuers *table,
                                      struct ledger_range range[static LEDGER_RANGES_MAX]);

/* ---- for loops that read by themselves ---- */

enum { LEDGER_ISSUERS_OPERATIONS = 3 };
/* Rows are never older than the version, and no range is without its issuer: each is read before what it leans on. */
void ledger_get_issuers(struct ledger_unit *unit);
/* The operations above of a unit that begin at `at`. `range` may be NULL. */
MUST_USE enum err ledger_take_issuers(struct ledger_unit *unit, size_t at, struct ledger_issuers *table,
                                      struct ledger_range *range);

/* The change as one transaction, guarded by the version of the register that it was judged by: what ledger_enrol writes.
 * 3 + ranges operations. */
void ledger_put_enrolment(struct ledger_unit *unit, const struct ledger_issuer *issuer, const struct ledger_enrolment *enrolment,
                          int64_t version);

#endif
