/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/code.h"

#include "ledger/error.h"
#include "ledger/shapes.h"

#include <string.h>

enum { CLOCK_TOLERANCE_MS = 2000 };

/* issuer.md 5. used, expired, exhausted and cancelled are terminal for their counter: only a new one leads on. */
/* clang-format off */
static const struct ledger_code_rule rule[LEDGER_CODE_STATE_COUNT][LEDGER_EVENT_COUNT] = {
#define R(state_, event_, next_, action_) \
    [LEDGER_CODE_##state_][LEDGER_EVENT_##event_] = \
        {LEDGER_CODE_##state_, LEDGER_EVENT_##event_, LEDGER_CODE_##next_, LEDGER_ACTION_##action_},
    R(NONE,      ISSUE,   ACTIVE,    START)
    R(NONE,      CONSUME, NONE,      REFUSE)
    R(NONE,      DECLINE, NONE,      REFUSE)
    R(NONE,      EXHAUST, NONE,      REFUSE)
    R(NONE,      EXPIRE,  NONE,      REFUSE)
    R(NONE,      CANCEL,  NONE,      REFUSE)

    R(ACTIVE,    ISSUE,   ACTIVE,    START)
    R(ACTIVE,    CONSUME, USED,      USE)
    R(ACTIVE,    DECLINE, ACTIVE,    COUNT)
    R(ACTIVE,    EXHAUST, EXHAUSTED, COUNT)
    R(ACTIVE,    EXPIRE,  EXPIRED,   END)
    R(ACTIVE,    CANCEL,  CANCELLED, END)

    R(USED,      ISSUE,   ACTIVE,    START)
    R(USED,      CONSUME, USED,      REFUSE)
    R(USED,      DECLINE, USED,      REFUSE)
    R(USED,      EXHAUST, USED,      REFUSE)
    R(USED,      EXPIRE,  USED,      REFUSE)
    R(USED,      CANCEL,  USED,      REFUSE)

    R(EXPIRED,   ISSUE,   ACTIVE,    START)
    R(EXPIRED,   CONSUME, EXPIRED,   REFUSE)
    R(EXPIRED,   DECLINE, EXPIRED,   REFUSE)
    R(EXPIRED,   EXHAUST, EXPIRED,   REFUSE)
    R(EXPIRED,   EXPIRE,  EXPIRED,   REFUSE)
    R(EXPIRED,   CANCEL,  EXPIRED,   REFUSE)

    R(EXHAUSTED, ISSUE,   ACTIVE,    START)
    R(EXHAUSTED, CONSUME, EXHAUSTED, REFUSE)
    R(EXHAUSTED, DECLINE, EXHAUSTED, REFUSE)
    R(EXHAUSTED, EXHAUST, EXHAUSTED, REFUSE)
    R(EXHAUSTED, EXPIRE,  EXHAUSTED, REFUSE)
    R(EXHAUSTED, CANCEL,  EXHAUSTED, REFUSE)

    R(CANCELLED, ISSUE,   ACTIVE,    START)
    R(CANCELLED, CONSUME, CANCELLED, REFUSE)
    R(CANCELLED, DECLINE, CANCELLED, REFUSE)
    R(CANCELLED, EXHAUST, CANCELLED, REFUSE)
    R(CANCELLED, EXPIRE,  CANCELLED, REFUSE)
    R(CANCELLED, CANCEL,  CANCELLED, REFUSE)
#undef R
};
static const char *const event_name[LEDGER_EVENT_COUNT] = {"issue", "consume", "decline", "exhaust", "expire", "cancel"};
static const char *const action_name[] = {"refuse", "start", "use", "count", "end"};
/* clang-format on */

const struct ledger_code_rule *ledger_code_rule(enum ledger_code_state state, enum ledger_code_event event)
{
    ASSERT((unsigned)state < LEDGER_CODE_STATE_COUNT && (unsigned)event < LEDGER_EVENT_COUNT);
    return &rule[state][event];
}

enum ledger_code_state ledger_code_state_at(const struct ledger_code *code, int64_t now)
{
    return code->state == LEDGER_CODE_ACTIVE && now >= code->expires_at ? LEDGER_CODE_EXPIRED : code->state;
}

static void start(struct ledger_code *code, const struct ledger_code_change *change)
{
    code->issue_n = change->issue_n;
    code->issued_at = change->at;
    code->expires_at = change->expires_at;
    code->declines = 0;
    code->used_at = 0;
    memset(code->used_by, 0, sizeof code->used_by);
    if (code->first_display_at == 0)
        code->first_display_at = change->at;
    code->last_display_at = change->at;
}

static void use(struct ledger_code *code, const struct ledger_code_change *change)
{
    struct buf by = buf_over(code->used_by, sizeof code->used_by);
    code->used_at = change->at;
    buf_put_text(&by, change->auth_id);
    (void)buf_text(&by);
}

bool ledger_code_apply(struct ledger_code *code, enum ledger_code_event event, const struct ledger_code_change *change)
{
    /* What the clock has ended is ended, whether a sweeper has written it down or not; to write it down is what EXPIRE is for. */
    enum ledger_code_state state = event == LEDGER_EVENT_EXPIRE ? code->state : ledger_code_state_at(code, change->at);
    const struct ledger_code_rule *row = ledger_code_rule(state, event);
    switch (row->action) {
    case LEDGER_ACTION_REFUSE:
        return false;
    case LEDGER_ACTION_START:
        if (change->issue_n <= code->issue_n || change->issue_n > LEDGER_COUNTER_MAX)
            return false;
        start(code, change);
        break;
    case LEDGER_ACTION_USE:
        use(code, change);
        break;
    case LEDGER_ACTION_COUNT:
        code->declines++;
        break;
    case LEDGER_ACTION_END:
        break;
    }
    code->state = row->next;
    return true;
}

enum ledger_code_event ledger_code_decline_event(const struct ledger_code *code, int64_t tries)
{
    return code->declines + 1 >= tries ? LEDGER_EVENT_EXHAUST : LEDGER_EVENT_DECLINE;
}

bool ledger_code_clock_suspect(const struct ledger_code *code, int64_t now)
{
    const int64_t times[] = {code->issued_at,       code->used_at,      code->first_display_at,
                             code->last_display_at, code->g_lock_since, code->g_unlock_at};
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++)
        if (now < times[i] - CLOCK_TOLERANCE_MS)
            return true;
    return false;
}

enum err ledger_code_next_counter(const struct ledger_code *code, int64_t *out)
{
    if (code->issue_n >= LEDGER_COUNTER_MAX)
        return LEDGER_ERR_COUNTER_EXHAUSTED;
    *out = code->issue_n + 1;
    return ERR_OK;
}

const char *ledger_code_state_name(enum ledger_code_state state)
{
    ASSERT((unsigned)state < LEDGER_CODE_STATE_COUNT);
    return ledger_code_state_names[state];
}

const char *ledger_code_event_name(enum ledger_code_event event)
{
    ASSERT((unsigned)event < LEDGER_EVENT_COUNT);
    return event_name[event];
}

static void document_cell(const struct ledger_code_rule *row, struct buf *out)
{
    buf_put_text(out, " | ");
    if (row->action == LEDGER_ACTION_REFUSE)
        return;
    buf_put_text(out, ledger_code_state_name(row->next));
    buf_put_text(out, " (");
    buf_put_text(out, action_name[row->action]);
    buf_put_text(out, ")");
}

void ledger_code_document(struct buf *out)
{
    buf_put_text(out, "| state \\ event");
    for (int e = 0; e < LEDGER_EVENT_COUNT; e++) {
        buf_put_text(out, " | ");
        buf_put_text(out, event_name[e]);
    }
    buf_put_text(out, " |\n|---|---|---|---|---|---|---|\n");
    for (int s = 0; s < LEDGER_CODE_STATE_COUNT; s++) {
        buf_put_text(out, "| ");
        buf_put_text(out, ledger_code_state_names[s]);
        for (int e = 0; e < LEDGER_EVENT_COUNT; e++)
            document_cell(&rule[s][e], out);
        buf_put_text(out, " |\n");
    }
}
