/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/payment.h"

#include "base/env.h"

#include <string.h>

#define LIST_TEXT(name, text) text,
static const char *const kinds[] = {GATEWAY_KIND_LIST(LIST_TEXT)};
static const char *const states[] = {GATEWAY_STATE_LIST(LIST_TEXT)};
static const char *const outcomes[] = {GATEWAY_OUTCOME_LIST(LIST_TEXT)};

const char *gateway_kind_text(enum gateway_kind kind)
{
    return kinds[kind];
}

const char *gateway_state_text(enum gateway_state state)
{
    return states[state];
}

const char *gateway_outcome_text(enum gateway_outcome outcome)
{
    return outcomes[outcome];
}

bool gateway_payment_approved(const struct gateway_payment *payment)
{
    static const char approvals[][3] = {"00", "08", "10", "11", "85"};
    for (size_t i = 0; i < sizeof approvals / sizeof approvals[0]; i++)
        if (strcmp(payment->de39, approvals[i]) == 0)
            return true;
    return false;
}

bool gateway_payment_expired(const struct gateway_payment *payment, int64_t now_ms)
{
    /* The last midnight of a month is that of UTC-12. */
    const struct env_calendar last = env_calendar(now_ms - (int64_t)12 * 3600 * 1000);
    struct card_expiry expiry;
    if (card_expiry_parse(span_text(payment->expiry), CARD_YYMM, &expiry) != ERR_OK)
        return false; /* there is none */
    return card_expiry_past(expiry, last.year, last.month);
}

bool gateway_payment_final(const struct gateway_payment *payment)
{
    return payment->state != GATEWAY_STATE_AUTHORIZED && payment->state != GATEWAY_STATE_CAPTURED;
}

void gateway_payment_trace_add(struct gateway_payment *payment, const char *check, enum gateway_outcome outcome, const char *note)
{
    if (outcome > payment->outcome)
        payment->outcome = outcome;
    if (payment->trace_count < GATEWAY_TRACE_MAX)
        payment->trace[payment->trace_count++] = (struct gateway_payment_trace){check, outcome, note};
}

void gateway_payment_trace_write(const struct gateway_payment *payment, struct buf *out)
{
    for (size_t i = 0; i < payment->trace_count; i++) {
        if (i > 0)
            buf_put_byte(out, ' ');
        buf_put_text(out, payment->trace[i].check);
        buf_put_byte(out, ':');
        buf_put_text(out, gateway_outcome_text(payment->trace[i].outcome));
        buf_put_byte(out, ':');
        buf_put_text(out, payment->trace[i].note);
    }
}
