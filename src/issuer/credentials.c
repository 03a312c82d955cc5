/* SPDX-License-Identifier: Apache-2.0 */
/* A display (issuer.md 4): a fresh code that is good once, the code of the current window, or the printed one. */
#include "card/card.h"
#include "issuer/error.h"
#include "issuer/internal.h"
#include "ledger/error.h"

#include <string.h>

enum { SKIPS_MAX = 16, OVERLAY = 10000 };
static const int64_t hour_ms = 3600 * 1000;

/* ---- before a code is made ---- */

static enum err rate_check(struct issuer_job *job)
{
    if (job->view.displays < job->view.product.display_rate_per_h)
        return ERR_OK;
    int64_t wait_ms = job->view.first_display_at + hour_ms - job->now;
    job->retry_after_s = wait_ms > 0 ? (unsigned)(wait_ms / 1000 + 1) : ISSUER_RETRY_AFTER_S;
    return ERR_RATE;
}

/* Whether the card is still valid at a moment: until its month is over. */
static bool valid_at(const struct issuer *issuer, const struct issuer_job *job, int64_t at_ms)
{
    const char *date = job->view.card.card.expiry;
    const struct ledger_issuers *issuers = ledger_products_issuers(issuer->products);
    const struct ledger_issuer *bank = ledger_issuers_find(issuers, job->view.card.card.issuer_id);
    bool zoned = issuer->config.local_ms && bank;
    struct env_calendar at = env_calendar(zoned ? issuer->config.local_ms(issuer->config.zones, bank->timezone, at_ms) : at_ms);
    struct card_expiry expiry;
    return card_expiry_parse(span_text(date), CARD_YYMM, &expiry) == ERR_OK && !card_expiry_past(expiry, at.year, at.month);
}

static enum err display_check(struct issuer *issuer, struct issuer_job *job)
{
    TRY(issuer_payload_allowed(issuer, job));
    if (job->view.card.card.status != LEDGER_CARD_ACTIVE)
        return ISSUER_ERR_CARD_NOT_ACTIVE;
    if (!valid_at(issuer, job, job->now))
        return ISSUER_ERR_CARD_EXPIRED;
    TRY(rate_check(job));
    return issuer_pan_open(issuer, job);
}

static bool has_static(const struct issuer_job *job)
{
    return job->view.product.cvk_ref[0] != 0;
}

/* ---- one_time ---- */

/* The counter that is shown again, or the next one. */
static enum err counter_choose(struct issuer_job *job)
{
    const struct ledger_code *code = &job->view.card.code;
    if (ledger_code_clock_suspect(code, job->now))
        return LEDGER_ERR_CLOCK_SUSPECT;
    bool active = ledger_code_state_at(code, job->now) == LEDGER_CODE_ACTIVE;
    if (active && job->view.product.regenerate == LEDGER_REFUSE)
        return ISSUER_ERR_CODE_ACTIVE;
    job->writing.after = *code;
    if (active && job->view.product.regenerate == LEDGER_SAME_UNTIL_EXPIRY) {
        job->times.cvv_expires_at = code->expires_at;
        return ERR_OK;
    }
    int64_t next = 0;
    TRY(ledger_code_next_counter(code, &next));
    job->writing.after.issue_n = next;
    return ERR_OK;
}

static bool shown_again(const struct issuer_job *job)
{
    return job->writing.after.issue_n == job->view.card.code.issue_n;
}

/* The new code, and beside it, in the same pipeline, those it must differ from (security-codes.md 6, skip rule). */
static void ask_one_time(struct issuer *issuer, struct issuer_job *job)
{
    issuer_ask(issuer, job, ISSUER_ASK_COUNTER, job->writing.after.issue_n, &job->secret->fresh);
    if (shown_again(job))
        return;
    if (has_static(job))
        issuer_ask(issuer, job, ISSUER_ASK_STATIC, 0, &job->secret->fixed);
    if (job->view.card.code.issue_n > 0)
        issuer_ask(issuer, job, ISSUER_ASK_COUNTER, job->view.card.code.issue_n, &job->secret->previous);
}

/* A code equal to the printed one or to the one before would be good twice; so would counters 10,000 apart. */
static bool must_skip(const struct issuer_job *job)
{
    const struct issuer_secret *s = job->secret;
    int64_t last = job->view.card.code.issue_n;
    if (shown_again(job))
        return false;
    bool as_static = has_static(job) && secret_code_equal(&s->fresh, &s->fixed);
    bool as_previous = last > 0 && secret_code_equal(&s->fresh, &s->previous);
    bool as_overlay = last > 0 && job->writing.after.issue_n % OVERLAY == last % OVERLAY;
    return as_static || as_previous || as_overlay;
}

static enum err skip(struct issuer *issuer, struct issuer_job *job, enum issuer_next *next)
{
    if (job->writing.after.issue_n >= LEDGER_COUNTER_MAX)
        return LEDGER_ERR_COUNTER_EXHAUSTED;
    if (++job->asking.skips > SKIPS_MAX)
        return ERR_INTERNAL; /* 1 in 500 to the power of 16: the keys are not what they should be */
    issuer->counters.skips++;
    job->writing.after.issue_n++;
    issuer_ask(issuer, job, ISSUER_ASK_COUNTER, job->writing.after.issue_n, &job->secret->fresh);
    *next = ISSUER_ASKED;
    return ERR_OK;
}

static enum err commit_one_time(struct issuer *issuer, struct issuer_job *job, enum issuer_next *next)
{
    int64_t n = job->writing.after.issue_n;
    issuer_unit_begin(job, 4);
    if (shown_again(job)) {
        job->writing.after.last_display_at = job->now;
        issuer_issuance_fill(issuer, job, LEDGER_ISSUANCE_REGENERATE_SAME, n, 0);
        ledger_put_display(&job->writing.unit, &job->view.card.code, &job->writing.after, &job->writing.issuance);
    } else {
        job->times.cvv_expires_at = job->now + job->view.product.expiry_delay_s * 1000;
        job->writing.after = job->view.card.code;
        struct ledger_code_change change = {.at = job->now, .issue_n = n, .expires_at = job->times.cvv_expires_at};
        if (!ledger_code_apply(&job->writing.after, LEDGER_EVENT_ISSUE, &change))
            return ERR_INTERNAL;
        issuer_issuance_fill(issuer, job, LEDGER_ISSUANCE_DISPLAY, n, 0);
        ledger_put_issue(&job->writing.unit, &job->view.card.code, &job->writing.after, &job->writing.issuance);
    }
    *next = ISSUER_COMMIT;
    return ERR_OK;
}

/* ---- windows ---- */

static int64_t window_start(const struct issuer_job *job)
{
    int64_t now_s = job->now / 1000;
    return now_s - now_s % issuer_window_s(job); /* anchored at the epoch: all windows have equal length */
}

static void window_times(struct issuer_job *job)
{
    int64_t grace_s = job->view.product.accept_previous_window ? issuer_window_s(job) : 0;
    job->times.first_window_s = window_start(job);
    job->times.cvv_expires_at = (job->times.first_window_s + issuer_window_s(job) + grace_s) * 1000;
}

/* A display that issues no counter. The printed code leaves the times alone: it does not end the fallback to itself. */
static enum err commit_display(struct issuer *issuer, struct issuer_job *job, enum ledger_issuance_kind kind,
                               enum issuer_next *next)
{
    job->writing.after = job->view.card.code;
    if (!job->view.static_only) {
        if (job->writing.after.first_display_at == 0)
            job->writing.after.first_display_at = job->now;
        job->writing.after.last_display_at = job->now;
    }
    issuer_unit_begin(job, 4);
    issuer_issuance_fill(issuer, job, kind, job->view.static_only ? 0 : job->times.first_window_s, job->times.windows);
    ledger_put_display(&job->writing.unit, &job->view.card.code, &job->writing.after, &job->writing.issuance);
    *next = ISSUER_COMMIT;
    return ERR_OK;
}

/* ---- GET credentials ---- */

static enum err credentials_start(struct issuer *issuer, struct issuer_job *job, enum issuer_next *next)
{
    TRY(display_check(issuer, job));
    if (job->view.static_only) {
        if (!has_static(job))
            return ISSUER_ERR_NOT_ENROLLED; /* a product without a printed code has nothing else to show */
        issuer_ask(issuer, job, ISSUER_ASK_STATIC, 0, &job->secret->fixed);
    } else if (job->view.product.mode == LEDGER_ONE_TIME) {
        TRY(counter_choose(job));
        ask_one_time(issuer, job);
    } else {
        if (ledger_code_clock_suspect(&job->view.card.code, job->now))
            return LEDGER_ERR_CLOCK_SUSPECT;
        window_times(job);
        issuer_ask(issuer, job, ISSUER_ASK_WINDOW, job->now / 1000, &job->secret->fresh);
    }
    *next = ISSUER_ASKED;
    return ERR_OK;
}

static enum err credentials_answered(struct issuer *issuer, struct issuer_job *job, enum issuer_next *next)
{
    if (job->view.static_only || job->view.product.mode != LEDGER_ONE_TIME)
        return commit_display(issuer, job, LEDGER_ISSUANCE_DISPLAY, next);
    return must_skip(job) ? skip(issuer, job, next) : commit_one_time(issuer, job, next);
}

/* Only now is the code shown (issuer.md 4.1 step 5). */
static enum err credentials_committed(struct issuer *issuer, struct issuer_job *job, enum issuer_next *next)
{
    TRY(issuer_payload_write(issuer, job, job->view.static_only ? &job->secret->fixed : &job->secret->fresh));
    issuer->counters.displays++;
    issuer_reply(issuer, job, 200);
    *next = ISSUER_REPLIED;
    return ERR_OK;
}

/* ---- POST dynamic-cvv2: the codes of several windows ---- */

static enum err count_read(struct issuer_job *job)
{
    struct issuer_batch_body *body = &job->secret->body.batch;
    TRY(issuer_body_bind(job, body));
    if (http_json_integer(WIRE_SPAN(body->count), 1, job->view.product.batch_max, &job->times.windows) != ERR_OK)
        return issuer_blame(job, "count", ISSUER_ERR_BAD_COUNT);
    return ERR_OK;
}

static enum err batch_start(struct issuer *issuer, struct issuer_job *job, enum issuer_next *next)
{
    if (job->view.product.mode != LEDGER_TIME_WINDOW)
        return ISSUER_ERR_WRONG_MODE;
    if (job->view.card.card.status == LEDGER_CARD_ACTIVE && !job->view.card.card.enrolled)
        return ISSUER_ERR_NOT_ENROLLED;
    TRY(count_read(job));
    TRY(display_check(issuer, job));
    if (ledger_code_clock_suspect(&job->view.card.code, job->now))
        return LEDGER_ERR_CLOCK_SUSPECT;
    window_times(job);
    /* The last code is shown for a window that begins while the card is valid. */
    if (!valid_at(issuer, job, (job->times.first_window_s + (job->times.windows - 1) * issuer_window_s(job)) * 1000))
        return ISSUER_ERR_CARD_EXPIRED;
    for (int64_t i = 0; i < job->times.windows; i++)
        issuer_ask(issuer, job, ISSUER_ASK_WINDOW, job->times.first_window_s + i * issuer_window_s(job), &job->secret->window[i]);
    *next = ISSUER_ASKED;
    return ERR_OK;
}

static enum err batch_answered(struct issuer *issuer, struct issuer_job *job, enum issuer_next *next)
{
    return commit_display(issuer, job, LEDGER_ISSUANCE_BATCH, next);
}

static enum err batch_committed(struct issuer *issuer, struct issuer_job *job, enum issuer_next *next)
{
    TRY(issuer_payload_write(issuer, job, NULL));
    issuer->counters.displays++;
    issuer_reply(issuer, job, 200);
    *next = ISSUER_REPLIED;
    return ERR_OK;
}

enum { NEEDS = ISSUER_NEED_CARD | ISSUER_NEED_PRODUCT | ISSUER_NEED_DISPLAYS | ISSUER_NEED_KEYS };

const struct issuer_operation issuer_operation_CREDENTIALS = {.needs = NEEDS,
                                                              .writes = true,
                                                              .start = credentials_start,
                                                              .answered = credentials_answered,
                                                              .committed = credentials_committed};
const struct issuer_operation issuer_operation_BATCH = {
    .needs = NEEDS, .writes = true, .start = batch_start, .answered = batch_answered, .committed = batch_committed};
