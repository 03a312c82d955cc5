/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/payment.h"

#include <string.h>

#define PAYMENT_TEXT(name, text) text,
static const char *const kinds[] = {PAYMENT_KIND_LIST(PAYMENT_TEXT)};
static const char *const states[] = {PAYMENT_STATE_LIST(PAYMENT_TEXT)};
static const char *const outcomes[] = {PAYMENT_OUTCOME_LIST(PAYMENT_TEXT)};

const char *payment_kind_text(enum payment_kind kind)
{
    return kinds[kind];
}

const char *payment_state_text(enum payment_state state)
{
    return states[state];
}

const char *payment_outcome_text(enum payment_outcome outcome)
{
    return outcomes[outcome];
}

bool payment_approved(const struct payment *payment)
{
    static const char approvals[][3] = {"00", "08", "10", "11", "85"};
    for (size_t i = 0; i < sizeof approvals / sizeof approvals[0]; i++)
        if (strcmp(payment->de39, approvals[i]) == 0)
            return true;
    return false;
}

void payment_trace_add(struct payment *payment, const char *check, enum payment_outcome outcome, const char *note)
{
    if (payment->trace_count == PAYMENT_TRACE_MAX)
        return;
    payment->trace[payment->trace_count++] = (struct payment_trace){check, outcome, note};
    if (outcome > payment->outcome)
        payment->outcome = outcome;
}

void payment_trace_write(const struct payment *payment, struct buf *out)
{
    for (size_t i = 0; i < payment->trace_count; i++) {
        if (i > 0)
            buf_put_byte(out, ' ');
        buf_put_text(out, payment->trace[i].check);
        buf_put_byte(out, ':');
        buf_put_text(out, payment_outcome_text(payment->trace[i].outcome));
        buf_put_byte(out, ':');
        buf_put_text(out, payment->trace[i].note);
    }
}
