/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a code: a pure state machine over `struct ledger_code`.
 *
 * Purpose    issuer.md 5, switch.md 9, as one table {state, event, next, action}. The issuer and the switch decide by it; the
 *            conditional writes of ledger/ledger.h make the decision exact when others write at the same time.
 * Ownership  Changes the struct it is given, nothing else.
 * Threading  Free of state.
 * Failure    An event that the state does not allow leaves the code untouched and answers false: a verdict, not an error.
 *
 * Example
 *     if (ledger_code_state_at(&code, now) == LEDGER_CODE_ACTIVE)
 *         ledger_code_apply(&code, LEDGER_EVENT_CONSUME, &(struct ledger_code_change){.at = now, .auth_id = id});
 */
#ifndef LEDGER_CODE_H
#define LEDGER_CODE_H

#include "base/buf.h"
#include "ledger/rows.h"

enum ledger_code_event {
    LEDGER_EVENT_ISSUE,   /* a new counter: display, after the policy of issuer.md 4.2 */
    LEDGER_EVENT_CONSUME, /* match and approved */
    LEDGER_EVENT_DECLINE, /* wrong code, or match and other decline, tries left after it */
    LEDGER_EVENT_EXHAUST, /* the same, the last of the tries */
    LEDGER_EVENT_EXPIRE,  /* the clock passed expires_at */
    LEDGER_EVENT_CANCEL,  /* suspend, close, unenrol, operator */
    LEDGER_EVENT_COUNT
};

enum ledger_code_action {
    LEDGER_ACTION_REFUSE, /* the event is not allowed in this state: nothing changes */
    LEDGER_ACTION_START,  /* issue_n = n, issued_at, expires_at, declines = 0, used_* cleared, display times */
    LEDGER_ACTION_USE,    /* used_at, used_by */
    LEDGER_ACTION_COUNT,  /* declines + 1 */
    LEDGER_ACTION_END,    /* the state alone changes */
};

struct ledger_code_rule {
    enum ledger_code_state state;
    enum ledger_code_event event;
    enum ledger_code_state next;
    enum ledger_code_action action;
};

struct ledger_code_change {
    int64_t at;          /* wall time of the event */
    int64_t issue_n;     /* ISSUE: the new counter, greater than the last */
    int64_t expires_at;  /* ISSUE */
    const char *auth_id; /* CONSUME */
};

/* The rule for a pair; total over both enums. */
const struct ledger_code_rule *ledger_code_rule(enum ledger_code_state state, enum ledger_code_event event);
/* Applies the event if the rule allows it. An ISSUE that does not raise the counter is refused as well. */
bool ledger_code_apply(struct ledger_code *code, enum ledger_code_event event, const struct ledger_code_change *change);
/* DECLINE or EXHAUST, whichever the next decline is under a product with `tries`. */
enum ledger_code_event ledger_code_decline_event(const struct ledger_code *code, int64_t tries);
/* What every reader must take for the state: an active code is expired from expires_at on, written down or not. */
enum ledger_code_state ledger_code_state_at(const struct ledger_code *code, int64_t now);
/* The clock is more than 2 s behind the newest time in the row: answer 503, or "HSM down" (issuer.md 5). */
bool ledger_code_clock_suspect(const struct ledger_code *code, int64_t now);
/* The counter a display takes next: the last one plus 1; LEDGER_ERR_COUNTER_EXHAUSTED after 999,999. */
MUST_USE enum err ledger_code_next_counter(const struct ledger_code *code, int64_t *out);

const char *ledger_code_state_name(enum ledger_code_state state);
const char *ledger_code_event_name(enum ledger_code_event event);
/* The table as a Markdown table, for the documents. */
void ledger_code_document(struct buf *out);

#endif
