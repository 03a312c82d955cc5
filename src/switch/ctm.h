/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Card and transaction manager: the part of a decision that does not depend on the code.
 *
 * Purpose    switch.md 10: card status, expiry, limits, funds, in this order. It is asked after a failed code as well and then
 *            can only decline. Pure functions over the rows; holds are changes of the row in memory, written with the batch.
 * Ownership  Values.
 * Threading  Free of state.
 * Currency   Amounts are the account's. switch_ctm_amount finds the one that counts; what cannot be converted is declined.
 * Limits     One account a card. Merchant category blocks are not part of it yet.
 */
#ifndef SWITCH_CTM_H
#define SWITCH_CTM_H

#include "ledger/rows.h"

enum switch_ctm_reason {
    SWITCH_CTM_APPROVED,
    SWITCH_CTM_CARD_CLOSED,
    SWITCH_CTM_CARD_SUSPENDED,
    SWITCH_CTM_CARD_DATE,
    SWITCH_CTM_CARD_EXPIRED,
    SWITCH_CTM_CURRENCY,
    SWITCH_CTM_NO_ACCOUNT,
    SWITCH_CTM_LIMIT_AMOUNT,
    SWITCH_CTM_LIMIT_DAY,
    SWITCH_CTM_LIMIT_COUNT,
    SWITCH_CTM_FUNDS,
    SWITCH_CTM_UNKNOWN_CARD,
    SWITCH_CTM_REASONS
};
struct switch_ctm_row {
    const char *name;
    char de39[3];
    char visa[3];     /* the same on Visa, where 12, 57 and 62 mean "never" to merchants; empty: the same */
    bool before_code; /* stands before the code outcome in the order */
};
const struct switch_ctm_row *switch_ctm_row(enum switch_ctm_reason reason);

struct switch_ctm_input {
    enum ledger_card_status status;
    const char *expiry; /* YYMM of the card */
    const struct ledger_account *account;
    int64_t amount;   /* in the account's currency; 0: nothing is taken */
    bool foreign;     /* no amount in the account's currency is known */
    bool date_wrong;  /* the message has no code, and another date than the card */
    int64_t local_ms; /* on the wall clock of the issuer */
};
/* What a message says of its amount. */
struct switch_money {
    int64_t amount; /* DE4 in the currency of DE49 */
    const char *currency;
    int64_t billing_amount; /* DE6 in the currency of DE51: the network's conversion */
    const char *billing_currency;
};
/* The amount in `currency`; false: it is not known. Zero is zero in every currency. */
bool switch_ctm_amount(const struct switch_money *money, const char *currency, int64_t *out);

/* The first reason to decline, or APPROVED. */
enum switch_ctm_reason switch_ctm_decide(const struct switch_ctm_input *in);
/* How long a hold stays open, by the merchant category: 7 days, 30 for lodging and vehicle rental. */
int64_t switch_ctm_hold_days(const char *mcc);
/* Sets funds aside and counts the day; for an approved amount above zero. */
void switch_ctm_hold(struct ledger_account *account, int64_t amount, int64_t local_ms);
/* Gives funds back. */
void switch_ctm_release(struct ledger_account *account, int64_t amount);

#endif
