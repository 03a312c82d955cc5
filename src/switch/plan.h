/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The verification plan: which questions the HSM is asked for a presented code, in which order, and what the answers add up to.
 *
 * Purpose    switch.md 5. A plan is made from the product and the card's rows as they are now; facts are what the HSM has said
 *            so far in this request. Because a fact ("the value fits counter n") stays true whatever happens to the row, a plan
 *            can be made again after a conflict and only steps without a fact are asked.
 * Ownership  Values.
 * Threading  Free of state.
 * Failure    None: a step that cannot be asked has a fact NONE, which makes the outcome "HSM down", never a mismatch.
 * Limits     SWITCH_STEPS_MAX steps. Deferred slots are not part of the plan yet.
 *
 * Example
 *     switch_plan_make(&input, &plan);
 *     switch (switch_plan_read(&plan, &facts, &finding)) ...
 */
#ifndef SWITCH_PLAN_H
#define SWITCH_PLAN_H

#include "base/verdict.h"
#include "ledger/code.h"
#include "ledger/rows.h"

#include <stddef.h>

enum { SWITCH_STEPS_MAX = 6, SWITCH_FACTS_MAX = 12, SWITCH_STEPS_TEXT = 33 };

/* What the HSM is asked. */
enum switch_question { SWITCH_CY, SWITCH_PM0, SWITCH_PM5 };

struct switch_step {
    enum switch_question question;
    int64_t ref;   /* PM0: counter; PM5: window index; CY: 0 */
    bool previous; /* PM5: the window before the current one */
    bool diag;     /* names outcomes 9 to 11 for the operator; never counts as a match */
};

struct switch_plan {
    struct switch_step step[SWITCH_STEPS_MAX];
    size_t count;
    size_t live; /* steps that can match: w of the guess budget */
};

struct switch_plan_input {
    const struct ledger_product *product;
    const struct ledger_card *card;
    const struct ledger_code *code;
    int64_t now_ms;       /* once per frame, the switch's own clock */
    bool static_override; /* of the link */
};

void switch_plan_make(const struct switch_plan_input *in, struct switch_plan *out);
/* floor(UTC seconds / (3600 x TWU)) */
int64_t switch_window_index(int64_t now_ms, int64_t twu_h);
/* The steps a text such as "CY,PM5,PM5P" names are known; empty is the default order. */
bool switch_plan_text_valid(const char *text);

enum switch_fact_answer {
    SWITCH_UNASKED,
    SWITCH_MATCH,
    SWITCH_NO_MATCH,
    SWITCH_NO_ANSWER,
    SWITCH_LIMITED /* the HSM compared nothing: the card has reached its limit of wrong codes */
};
struct switch_fact {
    enum switch_question question;
    int64_t ref;
    enum switch_fact_answer answer;
};
struct switch_facts {
    struct switch_fact fact[SWITCH_FACTS_MAX];
    size_t count;
};

/* What the answer to a question that was asked counts as. */
enum switch_fact_answer switch_fact_of(enum verdict verdict);
enum switch_fact_answer switch_facts_find(const struct switch_facts *facts, const struct switch_step *step);
/* Adds or replaces; drops the oldest when full, which only costs asking again. */
void switch_facts_add(struct switch_facts *facts, const struct switch_step *step, enum switch_fact_answer answer);

enum switch_reading {
    SWITCH_READ_ASK,       /* steps without a fact remain */
    SWITCH_READ_MATCH,     /* `step` matched, alone */
    SWITCH_READ_DEAD,      /* no match, but the diagnostic step recognised a dead code */
    SWITCH_READ_MISMATCH,  /* every step was answered: no match */
    SWITCH_READ_NO_ANSWER, /* no match, and a step is unanswered */
    SWITCH_READ_LIMITED    /* a step met the limit of the HSM: whatever the others say, the card is locked */
};
struct switch_finding {
    enum switch_reading reading;
    struct switch_step step; /* MATCH, DEAD */
    struct switch_step ask[SWITCH_STEPS_MAX];
    size_t ask_count;
};
/* Sequential: the first step without a fact is asked, unless an earlier one matched. Parallel: all of them. */
void switch_plan_read(const struct switch_plan *plan, const struct switch_facts *facts, bool parallel, struct switch_finding *out);
/* CY-,PM0+ : what was asked, and + match, - no match, ? no answer, ! limit of the HSM. */
void switch_plan_text(const struct switch_plan *plan, const struct switch_facts *facts, char out[static SWITCH_STEPS_TEXT]);

#endif
