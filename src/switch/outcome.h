/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Outcomes: from what the HSM said and the card's rows to letter, DE39 and effects.
 *
 * Purpose    switch.md 12, one row an outcome. switch_judge is a pure function: it reads the rows as they are now and gives
 *            the rows as they shall be; the pipeline writes the difference under the guards of the ledger.
 * Ownership  Values.
 * Threading  Free of state.
 * Failure    None.
 *
 * Example
 *     switch_judge(&c, &verdict, &after);
 *     if (verdict.code_write != SWITCH_WRITE_NONE) ledger_put_code(...);
 */
#ifndef SWITCH_OUTCOME_H
#define SWITCH_OUTCOME_H

#include "iso8583/layout.h"
#include "switch/ctm.h"
#include "switch/link.h"
#include "switch/plan.h"

/* Numbers of switch.md 12. */
enum switch_outcome {
    SWITCH_OUTCOME_UNEVALUATED = 0, /* unknown card, reversal */
    SWITCH_OUTCOME_ABSENT = 1,
    SWITCH_OUTCOME_ILLEGIBLE = 2,
    SWITCH_OUTCOME_MALFORMED = 3,
    SWITCH_OUTCOME_STATIC_MATCH = 4,
    SWITCH_OUTCOME_ACTIVE_APPROVED = 5,
    SWITCH_OUTCOME_ACTIVE_DECLINED = 6,
    SWITCH_OUTCOME_PREVIOUS_WINDOW = 7,
    SWITCH_OUTCOME_EXPIRED = 9,
    SWITCH_OUTCOME_USED = 10,
    SWITCH_OUTCOME_EXHAUSTED = 11,
    SWITCH_OUTCOME_MISMATCH = 15,
    SWITCH_OUTCOME_LOCKED = 16,
    SWITCH_OUTCOME_HSM_DOWN = 17,
    SWITCH_OUTCOME_REPEAT = 18,
    SWITCH_OUTCOME_LATE_ORIGINAL = 19,
    SWITCH_OUTCOMES = 20
};

enum switch_de39_rule {
    SWITCH_DE39_CTM,    /* the code does not decide */
    SWITCH_DE39_CODE,   /* decline for the code, by link */
    SWITCH_DE39_POLICY, /* malformed: by product */
    SWITCH_DE39_DOWN,   /* 91, unless the CTM declines for its own reason or stands in */
    SWITCH_DE39_STORED,
    SWITCH_DE39_LATE, /* 05, nothing evaluated */
};
struct switch_outcome_row {
    const char *name; /* NULL: not an outcome, or not built yet (8, 12, 13, 14) */
    char letter;      /* canonical; the network's own by switch_letter */
    enum switch_de39_rule rule;
};
const struct switch_outcome_row *switch_outcome_row(enum switch_outcome outcome);
/* The letter a network shows for a canonical one; 0 = none. */
char switch_letter(enum switch_network network, char letter);

/* By the processing code: only a debit takes anything. No lock stops what the holder receives, and no code is asked for it. */
enum switch_purpose { SWITCH_DEBIT, SWITCH_CREDIT, SWITCH_INQUIRY };
enum switch_purpose switch_purpose_of(const char *de3);

struct switch_case {
    const struct switch_link *link;
    const struct ledger_product *product;
    const struct ledger_full_card *row;
    const struct switch_plan *plan;
    const struct switch_finding *finding; /* anything but ASK */
    enum iso8583_presence presence;
    bool result_wanted;
    bool expiry_wrong; /* DE14 is neither of the card's dates: code and expiry cannot be searched separately */
    bool expiry_past;  /* DE14 is over */
    bool no_keys;      /* a key of the product is not there */
    enum switch_purpose purpose;
    bool unattended;     /* marked by its network: recurring, instalment, stored credential */
    bool known_merchant; /* had an approved payment of this card; asked for where switch_merchant_matters */
    struct switch_money money;
    int64_t now_ms;
    int64_t local_ms; /* the same on the wall clock of the card's issuer: card dates and days of limits */
    const char *auth_id;
};

enum switch_write { SWITCH_WRITE_NONE, SWITCH_WRITE_UPDATE, SWITCH_WRITE_CONSUME };
struct switch_verdict {
    enum switch_outcome outcome;
    char letter; /* as sent on this link; 0 = none */
    char de39[3];
    bool approved;
    enum switch_ctm_reason reason;
    enum switch_write code_write;
    bool account_write;
    int64_t hold; /* funds set aside */
    char ref[24]; /* what counted: a counter, or W and the start of the window */
    bool locked;
};

/* Whether the verdict depends on c->known_merchant: a soft lock meets a message without a code. */
bool switch_merchant_matters(const struct switch_case *c);
void switch_judge(const struct switch_case *c, struct switch_verdict *out, struct ledger_full_card *after);
/* The verdict for a card that is not known: as CTM 14, or as a mismatch where the link masks it. */
void switch_judge_unknown(const struct switch_link *link, enum iso8583_presence presence, bool result_wanted,
                          struct switch_verdict *out);
/* A month, YYMM, is over at its end on the wall clock of the issuer. */
bool switch_expiry_past(struct span date, int64_t local_ms);
/* DE14 against the card's dates; an absent DE14 is not wrong. `alternate`: it is the date of the reissue. */
bool switch_expiry_wrong(const struct ledger_card *card, struct span de14, int64_t now_ms, bool *alternate);

#endif
