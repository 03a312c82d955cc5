/* SPDX-License-Identifier: Apache-2.0 */
/* A display (issuer.md 4): a fresh code that is good once, the code of the current window, or the printed one. */
#include "issuer/error.h"
#include "issuer/internal.h"
#include "ledger/error.h"

#include <string.h>

enum { SKIPS_MAX = 16, OVERLAY = 10000 };
static const int64_t hour_ms = 3600 * 1000;

/* ---- before a code is made ---- */

static enum err rate_check(struct job *job)
{
    if (job->displays < job->product.display_rate_per_h)
        return ERR_OK;
    int64_t wait_ms = job->first_display_at + hour_ms - job->now;
    job->retry_after_s = wait_ms > 0 ? (unsigned)(wait_ms / 1000 + 1) : RETRY_AFTER_S;
    return ERR_RATE;
}

static enum err display_check(struct issuer *issuer, struct job *job)
{
    TRY(issuer_payload_allowed(issuer, job));
    if (job->card.card.status != LEDGER_CARD_ACTIVE)
        return ISSUER_ERR_CARD_NOT_ACTIVE;
    TRY(rate_check(job));
    return issuer_pan_open(issuer, job);
}

static bool has_static(const struct job *job)
{
    return job->product.cvk_ref[0] != 0;
}

/* ---- one_time ---- */

/* The counter that is shown again, or the next one. */
static enum err counter_choose(struct job *job)
{
    const struct ledger_code *code = &job->card.code;
    if (ledger_code_clock_suspect(code, job->now))
        return LEDGER_ERR_CLOCK_SUSPECT;
    bool active = ledger_code_state_at(code, job->now) == LEDGER_CODE_ACTIVE;
    if (active && job->product.regenerate == LEDGER_REFUSE)
        return ISSUER_ERR_CODE_ACTIVE;
    job->after = *code;
    if (active && job->product.regenerate == LEDGER_SAME_UNTIL_EXPIRY) {
        job->cvv_expires_at = code->expires_at;
        return ERR_OK;
    }
    int64_t next = 0;
    TRY(ledger_code_next_counter(code, &next));
    job->after.issue_n = next;
    return ERR_OK;
}

static bool shown_again(const struct job *job)
{
    return job->after.issue_n == job->card.code.issue_n;
}

/* The new code, and beside it, in the same pipeline, those it must differ from (security-codes.md 6, skip rule). */
static void ask_one_time(struct issuer *issuer, struct job *job)
{
    issuer_ask(issuer, job, ASK_COUNTER, job->after.issue_n, &job->secret->fresh);
    if (shown_again(job))
        return;
    if (has_static(job))
        issuer_ask(issuer, job, ASK_STATIC, 0, &job->secret->fixed);
    if (job->card.code.issue_n > 0)
        issuer_ask(issuer, job, ASK_COUNTER, job->card.code.issue_n, &job->secret->previous);
}

/* A code equal to the printed one or to the one before would be good twice; so would counters 10,000 apart. */
static bool must_skip(const struct job *job)
{
    const struct job_secret *s = job->secret;
    int64_t last = job->card.code.issue_n;
    if (shown_again(job))
        return false;
    bool as_static = has_static(job) && secret_code_equal(&s->fresh, &s->fixed);
    bool as_previous = last > 0 && secret_code_equal(&s->fresh, &s->previous);
    bool as_overlay = last > 0 && job->after.issue_n % OVERLAY == last % OVERLAY;
    return as_static || as_previous || as_overlay;
}

static enum err skip(struct issuer *issuer, struct job *job, enum next *next)
{
    if (job->after.issue_n >= LEDGER_COUNTER_MAX)
        return LEDGER_ERR_COUNTER_EXHAUSTED;
    if (++job->skips > SKIPS_MAX)
        return ERR_INTERNAL; /* 1 in 500 to the power of 16: the keys are not what they should be */
    issuer->counters.skips++;
    job->after.issue_n++;
    issuer_ask(issuer, job, ASK_COUNTER, job->after.issue_n, &job->secret->fresh);
    *next = NEXT_HSM;
    return ERR_OK;
}

static enum err commit_one_time(struct issuer *issuer, struct job *job, enum next *next)
{
    int64_t n = job->after.issue_n;
    issuer_unit_begin(job, 4);
    if (shown_again(job)) {
        job->after.last_display_at = job->now;
        issuer_issuance_fill(issuer, job, LEDGER_ISSUANCE_REGENERATE_SAME, n, 0);
        ledger_put_display(&job->unit, &job->card.code, &job->after, &job->issuance);
    } else {
        job->cvv_expires_at = job->now + job->product.expiry_delay_s * 1000;
        job->after = job->card.code;
        struct ledger_code_change change = {.at = job->now, .issue_n = n, .expires_at = job->cvv_expires_at};
        if (!ledger_code_apply(&job->after, LEDGER_EVENT_ISSUE, &change))
            return ERR_INTERNAL;
        issuer_issuance_fill(issuer, job, LEDGER_ISSUANCE_DISPLAY, n, 0);
        ledger_put_issue(&job->unit, &job->card.code, &job->after, &job->issuance);
    }
    *next = NEXT_COMMIT;
    return ERR_OK;
}

/* ---- windows ---- */

static int64_t window_start(const struct job *job)
{
    int64_t now_s = job->now / 1000;
    return now_s - now_s % issuer_window_s(job); /* anchored at the epoch: all windows have equal length */
}

static void window_times(struct job *job)
{
    int64_t grace_s = job->product.accept_previous_window ? issuer_window_s(job) : 0;
    job->first_window_s = window_start(job);
    job->cvv_expires_at = (job->first_window_s + issuer_window_s(job) + grace_s) * 1000;
}

/* A display that issues no counter. The printed code leaves the times alone: it does not end the fallback to itself. */
static enum err commit_display(struct issuer *issuer, struct job *job, enum ledger_issuance_kind kind, enum next *next)
{
    job->after = job->card.code;
    if (!job->static_only) {
        if (job->after.first_display_at == 0)
            job->after.first_display_at = job->now;
        job->after.last_display_at = job->now;
    }
    issuer_unit_begin(job, 4);
    issuer_issuance_fill(issuer, job, kind, job->static_only ? 0 : job->first_window_s, job->windows);
    ledger_put_display(&job->unit, &job->card.code, &job->after, &job->issuance);
    *next = NEXT_COMMIT;
    return ERR_OK;
}

/* ---- GET credentials ---- */

enum err issuer_credentials_start(struct issuer *issuer, struct job *job, enum next *next)
{
    TRY(display_check(issuer, job));
    if (job->static_only) {
        if (!has_static(job))
            return ISSUER_ERR_NOT_ENROLLED; /* a product without a printed code has nothing else to show */
        issuer_ask(issuer, job, ASK_STATIC, 0, &job->secret->fixed);
    } else if (job->product.mode == LEDGER_ONE_TIME) {
        TRY(counter_choose(job));
        ask_one_time(issuer, job);
    } else {
        if (ledger_code_clock_suspect(&job->card.code, job->now))
            return LEDGER_ERR_CLOCK_SUSPECT;
        window_times(job);
        issuer_ask(issuer, job, ASK_WINDOW, job->now / 1000, &job->secret->fresh);
    }
    *next = NEXT_HSM;
    return ERR_OK;
}

enum err issuer_credentials_answered(struct issuer *issuer, struct job *job, enum next *next)
{
    if (job->static_only || job->product.mode != LEDGER_ONE_TIME)
        return commit_display(issuer, job, LEDGER_ISSUANCE_DISPLAY, next);
    return must_skip(job) ? skip(issuer, job, next) : commit_one_time(issuer, job, next);
}

/* Only now is the code shown (issuer.md 4.1 step 5). */
enum err issuer_credentials_committed(struct issuer *issuer, struct job *job, enum next *next)
{
    TRY(issuer_payload_write(issuer, job, job->static_only ? &job->secret->fixed : &job->secret->fresh));
    issuer->counters.displays++;
    issuer_reply(issuer, job, 200);
    *next = NEXT_REPLIED;
    return ERR_OK;
}

/* ---- POST dynamic-cvv2: the codes of several windows ---- */

static enum err count_read(struct job *job)
{
    struct batch_body *body = &job->secret->body.batch;
    TRY(issuer_body_bind(job, body));
    job->field = "count";
    if (http_json_integer(WIRE_SPAN(body->count), 1, job->product.batch_max, &job->windows) != ERR_OK)
        return ISSUER_ERR_BAD_COUNT;
    job->field = NULL;
    return ERR_OK;
}

enum err issuer_batch_start(struct issuer *issuer, struct job *job, enum next *next)
{
    if (job->product.mode != LEDGER_TIME_WINDOW)
        return ISSUER_ERR_WRONG_MODE;
    if (job->card.card.status == LEDGER_CARD_ACTIVE && !job->card.card.enrolled)
        return ISSUER_ERR_NOT_ENROLLED;
    TRY(count_read(job));
    TRY(display_check(issuer, job));
    if (ledger_code_clock_suspect(&job->card.code, job->now))
        return LEDGER_ERR_CLOCK_SUSPECT;
    window_times(job);
    for (int64_t i = 0; i < job->windows; i++)
        issuer_ask(issuer, job, ASK_WINDOW, job->first_window_s + i * issuer_window_s(job), &job->secret->window[i]);
    *next = NEXT_HSM;
    return ERR_OK;
}

enum err issuer_batch_answered(struct issuer *issuer, struct job *job, enum next *next)
{
    return commit_display(issuer, job, LEDGER_ISSUANCE_BATCH, next);
}

enum err issuer_batch_committed(struct issuer *issuer, struct job *job, enum next *next)
{
    TRY(issuer_payload_write(issuer, job, NULL));
    issuer->counters.displays++;
    issuer_reply(issuer, job, 200);
    *next = NEXT_REPLIED;
    return ERR_OK;
}
