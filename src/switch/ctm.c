/* SPDX-License-Identifier: Apache-2.0 */
#include "switch/ctm.h"

#include "base/env.h"
#include "card/card.h"

#include <string.h>

/* clang-format off */
static const struct switch_ctm_row rows[SWITCH_CTM_REASONS] = {
    [SWITCH_CTM_APPROVED]       = {"approved",         "00", "",   false},
    [SWITCH_CTM_CARD_CLOSED]    = {"card_closed",      "14", "46", true},
    [SWITCH_CTM_CARD_SUSPENDED] = {"card_suspended",   "62", "05", true},
    [SWITCH_CTM_CARD_DATE]      = {"card_date",        "54", "",   false},
    [SWITCH_CTM_CARD_EXPIRED]   = {"card_expired",     "54", "",   false},
    [SWITCH_CTM_CURRENCY]       = {"foreign_currency", "12", "",   false}, /* the link says which */
    [SWITCH_CTM_NO_ACCOUNT]     = {"no_account",       "51", "",   false},
    [SWITCH_CTM_LIMIT_AMOUNT]   = {"limit_amount",     "61", "",   false},
    [SWITCH_CTM_LIMIT_DAY]      = {"limit_day",        "61", "",   false},
    [SWITCH_CTM_LIMIT_COUNT]    = {"limit_count",      "65", "",   false},
    [SWITCH_CTM_FUNDS]          = {"funds",            "51", "",   false},
    [SWITCH_CTM_UNKNOWN_CARD]   = {"unknown_card",     "14", "",   true},
};

/* ISO 18245: who cannot say at first what it will come to. */
static const struct {
    uint16_t first, last;
} long_holds[] = {
    {3351, 3500}, /* vehicle rental, by company */
    {3501, 3999}, /* lodging, by company */
    {7011, 7011}, /* lodging */
    {7512, 7513}, /* cars and trucks */
    {7519, 7519}, /* motor homes and other vehicles */
};
/* clang-format on */

enum { DAY_MS = 86400000, HOLD_DAYS = 7, HOLD_DAYS_LONG = 30 };

const struct switch_ctm_row *switch_ctm_row(enum switch_ctm_reason reason)
{
    return &rows[reason < SWITCH_CTM_REASONS ? reason : SWITCH_CTM_APPROVED];
}

static bool expired(const char *expiry, int64_t local_ms)
{
    struct env_calendar now = env_calendar(local_ms);
    struct card_expiry date;
    if (card_expiry_parse(span_of(expiry, strlen(expiry)), CARD_YYMM, &date) != ERR_OK)
        return true;
    return card_expiry_past(date, now.year, now.month);
}

bool switch_ctm_amount(const struct switch_money *money, const char *currency, int64_t *out)
{
    *out = 0;
    if (money->amount == 0)
        return true;
    if (currency[0] != 0 && strcmp(money->currency, currency) == 0)
        *out = money->amount;
    else if (currency[0] != 0 && strcmp(money->billing_currency, currency) == 0)
        *out = money->billing_amount;
    return *out > 0;
}

static enum switch_ctm_reason limits(const struct ledger_account *a, int64_t amount, int64_t local_ms)
{
    bool today = a->day == local_ms / DAY_MS;
    if (a->limit_txn != 0 && amount > a->limit_txn)
        return SWITCH_CTM_LIMIT_AMOUNT;
    if (a->limit_day != 0 && (today ? a->day_amount : 0) + amount > a->limit_day)
        return SWITCH_CTM_LIMIT_DAY;
    if (a->limit_count != 0 && (today ? a->day_count : 0) + 1 > a->limit_count)
        return SWITCH_CTM_LIMIT_COUNT;
    return SWITCH_CTM_APPROVED;
}

enum switch_ctm_reason switch_ctm_decide(const struct switch_ctm_input *in)
{
    if (in->status == LEDGER_CARD_CLOSED)
        return SWITCH_CTM_CARD_CLOSED;
    if (in->status == LEDGER_CARD_SUSPENDED)
        return SWITCH_CTM_CARD_SUSPENDED;
    if (in->date_wrong)
        return SWITCH_CTM_CARD_DATE;
    if (expired(in->expiry, in->local_ms))
        return SWITCH_CTM_CARD_EXPIRED;
    if (in->amount == 0 && !in->foreign)
        return SWITCH_CTM_APPROVED;
    if (in->account->account_id[0] == 0)
        return SWITCH_CTM_NO_ACCOUNT;
    if (in->foreign)
        return SWITCH_CTM_CURRENCY;
    enum switch_ctm_reason limit = limits(in->account, in->amount, in->local_ms);
    if (limit != SWITCH_CTM_APPROVED)
        return limit;
    return in->account->balance - in->account->held < in->amount ? SWITCH_CTM_FUNDS : SWITCH_CTM_APPROVED;
}

int64_t switch_ctm_hold_days(const char *mcc)
{
    uint64_t category = 0;
    if (span_decimal(span_text(mcc), &category) != ERR_OK)
        return HOLD_DAYS;
    for (size_t i = 0; i < sizeof long_holds / sizeof long_holds[0]; i++)
        if (category >= long_holds[i].first && category <= long_holds[i].last)
            return HOLD_DAYS_LONG;
    return HOLD_DAYS;
}

void switch_ctm_hold(struct ledger_account *account, int64_t amount, int64_t local_ms)
{
    if (account->day != local_ms / DAY_MS) {
        account->day = local_ms / DAY_MS;
        account->day_amount = 0;
        account->day_count = 0;
    }
    account->held += amount;
    account->day_amount += amount;
    account->day_count++;
}

void switch_ctm_release(struct ledger_account *account, int64_t amount)
{
    account->held -= amount;
}
