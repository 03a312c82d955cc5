/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guess budget of a card (switch.md 13): failures in the last 24 hours and 30 days, consecutive failures, locks.
 *
 * Purpose    The counters stand in the code row and are written with the answer, so they survive restart and failover.
 *            Ten failures in a row and twenty in 30 days block the card until somebody unlocks it. Matches end the row of ten,
 *            but not the 30 days: else a holder's own payments would give a guesser nine tries a day for ever.
 * Ownership  Changes the row it is given.
 * Threading  Free of state.
 */
#ifndef SWITCH_GUESS_H
#define SWITCH_GUESS_H

#include "ledger/rows.h"

#include <stddef.h>

enum {
    SWITCH_GUESS_TIMES = 10,
    SWITCH_GUESS_CONSECUTIVE = 10,
    SWITCH_GUESS_DAYS = 30,
    SWITCH_GUESS_LONG = 20,
    SWITCH_GUESS_DATES = 5
};

/* Failures allowed in 24 h for w accepted values: the largest k with 1 - C(1000-w,k)/C(1000,k) <= 1 %. */
int64_t switch_guess_budget(size_t live);
int64_t switch_guess_failures(const struct ledger_code *code, int64_t now_ms);
/* Of the last 30 days, by days of UTC. */
int64_t switch_guess_failures_long(const struct ledger_code *code, int64_t now_ms);
/* Tested before evaluation. Without a live step the budget is that of one accepted value. */
enum ledger_lock switch_guess_lock(const struct ledger_code *code, size_t live, int64_t now_ms);
/* One evaluated failure. */
void switch_guess_fail(struct ledger_code *code, size_t live, int64_t now_ms);
/* Wrong card dates without a code in the last 24 hours, as far as they are kept: SWITCH_GUESS_DATES. */
int64_t switch_guess_dates(const struct ledger_code *code, int64_t now_ms);
void switch_guess_date_fail(struct ledger_code *code, int64_t now_ms);
/* An approved match: ends the consecutive count, never empties the budget. True if the row changed. */
bool switch_guess_pass(struct ledger_code *code);

#endif
