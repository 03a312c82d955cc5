/* SPDX-License-Identifier: Apache-2.0 */
#include "switch/outcome.h"

#include "base/env.h"
#include "card/card.h"
#include "switch/guess.h"

#include <string.h>

/* clang-format off */
static const struct switch_outcome_row rows[SWITCH_OUTCOMES] = {
    [SWITCH_OUTCOME_ABSENT]          = {"absent",           0,   SWITCH_DE39_CTM},
    [SWITCH_OUTCOME_ILLEGIBLE]       = {"illegible",        'P', SWITCH_DE39_CTM},
    [SWITCH_OUTCOME_MALFORMED]       = {"malformed",        'P', SWITCH_DE39_POLICY},
    [SWITCH_OUTCOME_STATIC_MATCH]    = {"static_match",     'M', SWITCH_DE39_CTM},
    [SWITCH_OUTCOME_ACTIVE_APPROVED] = {"active_approved",  'M', SWITCH_DE39_CTM},
    [SWITCH_OUTCOME_ACTIVE_DECLINED] = {"active_declined",  'M', SWITCH_DE39_CTM},
    [SWITCH_OUTCOME_PREVIOUS_WINDOW] = {"previous_window",  'M', SWITCH_DE39_CTM},
    [SWITCH_OUTCOME_EXPIRED]         = {"expired",          'N', SWITCH_DE39_CODE},
    [SWITCH_OUTCOME_USED]            = {"used",             'N', SWITCH_DE39_CODE},
    [SWITCH_OUTCOME_EXHAUSTED]       = {"exhausted",        'N', SWITCH_DE39_CODE},
    [SWITCH_OUTCOME_MISMATCH]        = {"mismatch",         'N', SWITCH_DE39_CODE},
    [SWITCH_OUTCOME_LOCKED]          = {"locked",           'N', SWITCH_DE39_CODE},
    [SWITCH_OUTCOME_HSM_DOWN]        = {"hsm_down",         'P', SWITCH_DE39_DOWN},
    [SWITCH_OUTCOME_REPEAT]          = {"repeat",           0,   SWITCH_DE39_STORED},
    [SWITCH_OUTCOME_LATE_ORIGINAL]   = {"late_original",    0,   SWITCH_DE39_LATE},
};

/* Letters of switch.md 4.4; rows: networks, columns: M N P S U. eftpos says all of it with DE39. */
static const char letters[SWITCH_NETWORKS][6] = {
    [SWITCH_VISA]       = "MNPSU",
    [SWITCH_MASTERCARD] = "MNP P",
    [SWITCH_EFTPOS]     = "     ",
    [SWITCH_GENERIC]    = "MNPSU",
    [SWITCH_AMEX]       = "YNU U", /* unconfirmed */
    [SWITCH_DISCOVER]   = "MNPSU", /* not public: Visa's */
};
/* clang-format on */

const struct switch_outcome_row *switch_outcome_row(enum switch_outcome outcome)
{
    return &rows[outcome < SWITCH_OUTCOMES ? outcome : SWITCH_OUTCOME_UNEVALUATED];
}

char switch_letter(enum switch_network network, char letter)
{
    const char *column = letter != 0 ? strchr("MNPSU", letter) : NULL;
    char shown = column && network < SWITCH_NETWORKS ? letters[network][column - "MNPSU"] : ' ';
    return shown == ' ' ? 0 : shown;
}

enum switch_purpose switch_purpose_of(const char *de3)
{
    if (de3[0] == '2' && de3[1] == '0')
        return SWITCH_CREDIT;
    return de3[0] == '3' && (de3[1] == '0' || de3[1] == '1') ? SWITCH_INQUIRY : SWITCH_DEBIT;
}

/* ---- which outcome ---- */

static enum switch_outcome outcome_dead(const struct switch_case *c)
{
    switch (ledger_code_state_at(&c->row->code, c->now_ms)) {
    case LEDGER_CODE_USED:
        return SWITCH_OUTCOME_USED;
    case LEDGER_CODE_EXHAUSTED:
        return SWITCH_OUTCOME_EXHAUSTED;
    case LEDGER_CODE_NONE:
    case LEDGER_CODE_ACTIVE:
    case LEDGER_CODE_EXPIRED:
    case LEDGER_CODE_CANCELLED: /* the table has no row of its own; the wire is the same */
    case LEDGER_CODE_STATE_COUNT:
    default:
        return SWITCH_OUTCOME_EXPIRED;
    }
}

static enum switch_outcome outcome_match(const struct switch_case *c)
{
    if (c->finding->step.question == SWITCH_CY)
        return SWITCH_OUTCOME_STATIC_MATCH;
    return c->finding->step.previous ? SWITCH_OUTCOME_PREVIOUS_WINDOW : SWITCH_OUTCOME_ACTIVE_APPROVED;
}

/* A field that cannot be read may hold a code all the same. */
static bool with_code(const struct switch_case *c)
{
    return c->presence == ISO8583_CODE_PRESENT || c->presence == ISO8583_CODE_MALFORMED;
}

static enum ledger_lock lock_of(const struct switch_case *c)
{
    if (c->purpose == SWITCH_CREDIT || (c->unattended && !with_code(c)))
        return LEDGER_LOCK_NONE;
    return switch_guess_lock(&c->row->code, c->plan->live, c->now_ms);
}

bool switch_merchant_matters(const struct switch_case *c)
{
    return !with_code(c) && lock_of(c) == LEDGER_LOCK_SOFT;
}

/* switch.md 12, order of judgement. An HSM at its limit has locked the card by its own count. */
static bool locked(const struct switch_case *c)
{
    enum ledger_lock lock = lock_of(c);
    if (with_code(c))
        return lock != LEDGER_LOCK_NONE || c->finding->reading == SWITCH_READ_LIMITED;
    return lock == LEDGER_LOCK_HARD || (lock == LEDGER_LOCK_SOFT && !c->known_merchant);
}

static enum switch_outcome outcome_of(const struct switch_case *c)
{
    if (locked(c))
        return SWITCH_OUTCOME_LOCKED;
    if (c->presence == ISO8583_CODE_ABSENT || c->presence == ISO8583_CODE_NOT_ON_CARD)
        return SWITCH_OUTCOME_ABSENT;
    if (c->presence == ISO8583_CODE_ILLEGIBLE)
        return SWITCH_OUTCOME_ILLEGIBLE;
    if (c->presence == ISO8583_CODE_MALFORMED)
        return SWITCH_OUTCOME_MALFORMED;
    if (c->finding->reading == SWITCH_READ_NO_ANSWER)
        return SWITCH_OUTCOME_HSM_DOWN;
    if (c->expiry_wrong)
        return SWITCH_OUTCOME_MISMATCH;
    if (c->finding->reading == SWITCH_READ_MATCH)
        return outcome_match(c);
    return c->finding->reading == SWITCH_READ_DEAD ? outcome_dead(c) : SWITCH_OUTCOME_MISMATCH;
}

/* ---- DE39 ---- */

static const char *ctm_de39(const struct switch_case *c, enum switch_ctm_reason reason)
{
    const struct switch_ctm_row *row = switch_ctm_row(reason);
    if (reason == SWITCH_CTM_CURRENCY)
        return c->link->currency_de39;
    if (reason == SWITCH_CTM_CARD_DATE && switch_guess_dates(&c->row->code, c->now_ms) >= SWITCH_GUESS_DATES)
        return "05"; /* who tries so many dates is no longer told that it was the date */
    return c->link->network == SWITCH_VISA && row->visa[0] != 0 ? row->visa : row->de39;
}

/* What the case takes from the account; the amount of the message where its currency is of no matter. */
struct charge {
    int64_t amount;
    bool foreign;
};

static struct charge charge_of(const struct switch_case *c)
{
    struct charge charge = {0};
    if (c->purpose == SWITCH_DEBIT)
        charge.foreign = !switch_ctm_amount(&c->money, c->row->account.currency, &charge.amount);
    return charge;
}

/* Whoever knows no date of the card is not let in because the HSM is silent. */
static bool stands_in(const struct switch_case *c)
{
    return !c->expiry_wrong && !c->expiry_past && c->product->standin == LEDGER_STANDIN_APPROVE &&
           charge_of(c).amount <= c->product->standin_limit;
}

/* A credit carries no code, and nobody misses it. */
static enum ledger_policy policy_of(const struct switch_case *c, bool absent)
{
    if (c->purpose == SWITCH_CREDIT)
        return LEDGER_RULES;
    return absent ? c->product->absent_policy : c->product->malformed_policy;
}

static const char *de39_of(const struct switch_case *c, enum switch_outcome outcome, enum switch_ctm_reason reason)
{
    const char *ctm = reason != SWITCH_CTM_APPROVED ? ctm_de39(c, reason) : NULL;
    bool absent = outcome == SWITCH_OUTCOME_ABSENT || outcome == SWITCH_OUTCOME_ILLEGIBLE;
    enum ledger_policy policy = policy_of(c, absent);
    if (switch_ctm_row(reason)->before_code)
        return ctm;
    switch (rows[outcome].rule) {
    case SWITCH_DE39_CODE:
        return with_code(c) ? c->link->code_de39 : "05";
    case SWITCH_DE39_DOWN:
        return ctm ? ctm : stands_in(c) ? NULL : "91";
    case SWITCH_DE39_POLICY:
        return policy == LEDGER_DECLINE ? "05" : ctm;
    case SWITCH_DE39_LATE:
        return "05";
    case SWITCH_DE39_CTM:
    case SWITCH_DE39_STORED:
    default:
        return !ctm && absent && policy == LEDGER_DECLINE ? "05" : ctm;
    }
}

/* ---- effects on the code row ---- */

static void window_start(struct ledger_code *code, int64_t window)
{
    if (code->win_idx == window)
        return;
    code->win_idx = window;
    code->state = LEDGER_CODE_ACTIVE;
    code->declines = 0;
    code->used_at = 0;
    code->used_by[0] = 0;
}

static enum switch_write window_use(const struct switch_case *c, struct ledger_code *code)
{
    if (!c->product->window_single_use)
        return SWITCH_WRITE_NONE;
    window_start(code, c->finding->step.ref);
    code->state = LEDGER_CODE_USED;
    code->used_at = c->now_ms;
    memcpy(code->used_by, c->auth_id, sizeof code->used_by);
    return SWITCH_WRITE_UPDATE;
}

static enum switch_write window_decline(const struct switch_case *c, int64_t window, struct ledger_code *code)
{
    if (c->product->window_tries == 0)
        return SWITCH_WRITE_NONE;
    window_start(code, window);
    if (++code->declines >= c->product->window_tries)
        code->state = LEDGER_CODE_EXHAUSTED;
    return SWITCH_WRITE_UPDATE;
}

static enum switch_write code_use(const struct switch_case *c, struct ledger_code *code)
{
    if (c->finding->step.question == SWITCH_PM5)
        return window_use(c, code);
    return ledger_code_apply(code, LEDGER_EVENT_CONSUME, &(struct ledger_code_change){.at = c->now_ms, .auth_id = c->auth_id})
               ? SWITCH_WRITE_CONSUME
               : SWITCH_WRITE_NONE;
}

/* A decline while a code is active: wrong code, or match and another decline. */
static enum switch_write code_decline(const struct switch_case *c, struct ledger_code *code)
{
    if (c->product->mode == LEDGER_TIME_WINDOW) {
        int64_t twu_h = c->product->twu_h > 0 ? c->product->twu_h : 1;
        bool matched = c->finding->reading == SWITCH_READ_MATCH;
        return window_decline(c, matched ? c->finding->step.ref : switch_window_index(c->now_ms, twu_h), code);
    }
    if (ledger_code_state_at(code, c->now_ms) != LEDGER_CODE_ACTIVE)
        return SWITCH_WRITE_NONE;
    return ledger_code_apply(code, ledger_code_decline_event(code, c->product->tries),
                             &(struct ledger_code_change){.at = c->now_ms})
               ? SWITCH_WRITE_UPDATE
               : SWITCH_WRITE_NONE;
}

/* Once a request was judged on an expired code it stays so, whatever the clock does later (issuer.md 11, I-5). */
static enum switch_write code_expire(const struct switch_case *c, struct ledger_code *code)
{
    bool over = c->product->mode == LEDGER_ONE_TIME && code->state == LEDGER_CODE_ACTIVE &&
                ledger_code_state_at(code, c->now_ms) == LEDGER_CODE_EXPIRED;
    return over && ledger_code_apply(code, LEDGER_EVENT_EXPIRE, &(struct ledger_code_change){.at = c->now_ms}) ? SWITCH_WRITE_UPDATE
                                                                                                               : SWITCH_WRITE_NONE;
}

/* With nothing live nothing could have matched: no failure. */
static enum switch_write mismatch_effects(const struct switch_case *c, struct ledger_code *code)
{
    enum switch_write expired = code_expire(c, code);
    enum switch_write write = code_decline(c, code);
    if (c->plan->live > 0) {
        switch_guess_fail(code, c->plan->live, c->now_ms);
        write = SWITCH_WRITE_UPDATE;
    }
    return write != SWITCH_WRITE_NONE ? write : expired;
}

static enum switch_write match_effects(const struct switch_case *c, const struct switch_verdict *v, struct ledger_code *code)
{
    bool dynamic = v->outcome != SWITCH_OUTCOME_STATIC_MATCH;
    enum switch_write write = code_expire(c, code);
    if (dynamic && v->approved)
        write = code_use(c, code);
    else if (dynamic && c->product->count_other_declines)
        write = code_decline(c, code);
    if (v->approved && switch_guess_pass(code) && write == SWITCH_WRITE_NONE)
        write = SWITCH_WRITE_UPDATE;
    return write;
}

static enum switch_write effects(const struct switch_case *c, const struct switch_verdict *v, struct ledger_code *code)
{
    if (v->reason == SWITCH_CTM_CARD_DATE) {
        switch_guess_date_fail(code, c->now_ms);
        return SWITCH_WRITE_UPDATE;
    }
    switch (v->outcome) {
    case SWITCH_OUTCOME_STATIC_MATCH:
    case SWITCH_OUTCOME_ACTIVE_APPROVED:
    case SWITCH_OUTCOME_ACTIVE_DECLINED:
    case SWITCH_OUTCOME_PREVIOUS_WINDOW:
        return match_effects(c, v, code);
    case SWITCH_OUTCOME_EXPIRED:
        return code_expire(c, code);
    case SWITCH_OUTCOME_MISMATCH:
        return mismatch_effects(c, code);
    case SWITCH_OUTCOME_UNEVALUATED:
    case SWITCH_OUTCOME_ABSENT:
    case SWITCH_OUTCOME_ILLEGIBLE:
    case SWITCH_OUTCOME_MALFORMED:
    case SWITCH_OUTCOME_USED:
    case SWITCH_OUTCOME_EXHAUSTED:
    case SWITCH_OUTCOME_LOCKED:
    case SWITCH_OUTCOME_HSM_DOWN:
    case SWITCH_OUTCOME_REPEAT:
    case SWITCH_OUTCOME_LATE_ORIGINAL:
    case SWITCH_OUTCOMES:
    default:
        return SWITCH_WRITE_NONE;
    }
}

/* ---- the verdict ---- */

static void ref_write(const struct switch_case *c, char out[static 24])
{
    const struct switch_step *step = &c->finding->step;
    struct buf text = buf_over(out, 23);
    if (step->question == SWITCH_PM0) {
        buf_put_integer(&text, step->ref);
    } else if (step->question == SWITCH_PM5) {
        buf_put_byte(&text, 'W');
        buf_put_integer(&text, step->ref * 3600 * (c->product->twu_h > 0 ? c->product->twu_h : 1));
    }
    out[text.len] = 0;
}

static char letter_of(const struct switch_case *c, enum switch_outcome outcome)
{
    char letter = rows[outcome].letter;
    if (outcome == SWITCH_OUTCOME_ABSENT && c->presence == ISO8583_CODE_NOT_ON_CARD)
        letter = 'S';
    if (outcome == SWITCH_OUTCOME_HSM_DOWN && c->no_keys)
        letter = 'U';
    if (outcome == SWITCH_OUTCOME_LOCKED && !with_code(c))
        letter = 0;
    return c->result_wanted ? switch_letter(c->link->network, letter) : 0;
}

/* Without a code nothing but the date shows that the card was at hand. With one a wrong date is a mismatch; unattended messages
 * carry old dates, and a credit takes nothing. */
static bool date_refused(const struct switch_case *c, enum switch_outcome outcome)
{
    bool unevaluated =
        outcome == SWITCH_OUTCOME_ABSENT || outcome == SWITCH_OUTCOME_ILLEGIBLE || outcome == SWITCH_OUTCOME_MALFORMED;
    return unevaluated && c->purpose != SWITCH_CREDIT && !c->unattended && (c->expiry_wrong || c->expiry_past);
}

static enum switch_ctm_reason ctm_of(const struct switch_case *c, enum switch_outcome outcome, const struct charge *charge)
{
    struct switch_ctm_input ctm = {.status = c->row->card.status,
                                   .expiry = c->row->card.expiry,
                                   .account = &c->row->account,
                                   .amount = charge->amount,
                                   .foreign = charge->foreign,
                                   .date_wrong = date_refused(c, outcome),
                                   .local_ms = c->local_ms};
    enum switch_ctm_reason reason = switch_ctm_decide(&ctm);
    if (reason != SWITCH_CTM_CARD_EXPIRED || c->row->card.alt_until <= c->now_ms || c->row->card.alt_expiry[0] == 0)
        return reason;
    ctm.expiry = c->row->card.alt_expiry;
    return switch_ctm_decide(&ctm);
}

/* Only a debit of zero is a verification of the account. */
static const char *approval_of(const struct switch_case *c)
{
    return c->purpose == SWITCH_DEBIT && c->money.amount == 0 ? c->link->zero_de39 : "00";
}

void switch_judge(const struct switch_case *c, struct switch_verdict *out, struct ledger_full_card *after)
{
    const struct charge charge = charge_of(c);
    enum switch_outcome outcome = outcome_of(c);
    *after = *c->row;
    *out = (struct switch_verdict){.outcome = outcome, .letter = letter_of(c, outcome), .reason = ctm_of(c, outcome, &charge)};
    const char *de39 = de39_of(c, outcome, out->reason);
    out->approved = !de39;
    memcpy(out->de39, de39 ? de39 : approval_of(c), 3);
    out->locked = outcome == SWITCH_OUTCOME_LOCKED;
    if (outcome == SWITCH_OUTCOME_ACTIVE_APPROVED && !out->approved)
        out->outcome = SWITCH_OUTCOME_ACTIVE_DECLINED;
    out->code_write = effects(c, out, &after->code);
    if (out->outcome == SWITCH_OUTCOME_ACTIVE_APPROVED || (out->outcome == SWITCH_OUTCOME_PREVIOUS_WINDOW && out->approved))
        ref_write(c, out->ref);
    if (out->approved && charge.amount > 0) {
        switch_ctm_hold(&after->account, charge.amount, c->local_ms);
        out->hold = charge.amount;
        out->account_write = true;
    }
}

void switch_judge_unknown(const struct switch_link *link, enum iso8583_presence presence, bool result_wanted,
                          struct switch_verdict *out)
{
    bool masked = link->config.mask_unknown_card && presence == ISO8583_CODE_PRESENT;
    *out = (struct switch_verdict){.outcome = SWITCH_OUTCOME_UNEVALUATED, .reason = SWITCH_CTM_UNKNOWN_CARD};
    memcpy(out->de39, masked ? link->code_de39 : switch_ctm_row(SWITCH_CTM_UNKNOWN_CARD)->de39, 3);
    if (masked && result_wanted)
        out->letter = switch_letter(link->network, 'N');
}

bool switch_expiry_past(struct span date, int64_t local_ms)
{
    struct env_calendar now = env_calendar(local_ms);
    struct card_expiry expiry;
    return card_expiry_parse(date, CARD_YYMM, &expiry) == ERR_OK && card_expiry_past(expiry, now.year, now.month);
}

bool switch_expiry_wrong(const struct ledger_card *card, struct span de14, int64_t now_ms, bool *alternate)
{
    *alternate = de14.len > 0 && card->alt_expiry[0] != 0 && card->alt_until > now_ms && span_is(de14, card->alt_expiry);
    return de14.len > 0 && !*alternate && !span_is(de14, card->expiry);
}
