/* SPDX-License-Identifier: Apache-2.0 */
/* What is known about a code, without the code; cancelling it; unlocking the card. */
#include "issuer/internal.h"

#include <string.h>

static const char *const mode_name[] = {"static", "one_time", "time_window"};
static const char *const lock_name[] = {"none", "soft", "hard"};

static void put_time(struct json_writer *w, const char *name, int64_t at_ms)
{
    char text[25];
    if (at_ms == 0)
        return;
    env_rfc3339(at_ms, text);
    json_put_text(w, name, text);
}

static void put_one_time(struct json_writer *w, const struct issuer_job *job)
{
    const struct ledger_code *code = &job->view.card.code;
    enum ledger_code_state state = ledger_code_state_at(code, job->now);
    int64_t left = job->view.product.tries - code->declines;
    json_put_text(w, "state", ledger_code_state_name(state));
    put_time(w, "issuedAt", code->issued_at);
    put_time(w, "cvvExpiresAt", code->expires_at);
    json_put_integer(w, "triesLeft", state == LEDGER_CODE_ACTIVE && left > 0 ? left : 0);
}

static enum err status_start(struct issuer *issuer, struct issuer_job *job, enum issuer_next *next)
{
    const struct ledger_code *code = &job->view.card.code;
    struct json_writer w = issuer_answer(job);
    json_put_text(&w, "mode", mode_name[job->view.static_only ? LEDGER_STATIC : job->view.product.mode]);
    if (!job->view.static_only && job->view.product.mode == LEDGER_ONE_TIME)
        put_one_time(&w, job);
    else
        json_put_text(&w, "state", "none");
    put_time(&w, "lastDisplayAt", code->last_display_at);
    json_open_array(&w, "deferred");
    json_close_array(&w);
    json_put_text(&w, "lock", lock_name[code->g_lock]);
    json_close(&w);
    issuer_reply(issuer, job, 200);
    *next = ISSUER_REPLIED;
    return ERR_OK;
}

/* No active code: nothing to cancel, and the answer is the same. */
static enum err cancel_start(struct issuer *issuer, struct issuer_job *job, enum issuer_next *next)
{
    job->writing.after = job->view.card.code;
    bool active = ledger_code_state_at(&job->writing.after, job->now) == LEDGER_CODE_ACTIVE;
    if (!active || !ledger_code_apply(&job->writing.after, LEDGER_EVENT_CANCEL, &(struct ledger_code_change){.at = job->now})) {
        issuer_reply(issuer, job, 204);
        return ERR_OK;
    }
    issuer_unit_begin(job, 2);
    ledger_put_code(&job->writing.unit, &job->view.card.code, &job->writing.after, LEDGER_UPDATE);
    *next = ISSUER_COMMIT;
    return ERR_OK;
}

static enum err cancel_committed(struct issuer *issuer, struct issuer_job *job, enum issuer_next *next)
{
    issuer_reply(issuer, job, 204);
    *next = ISSUER_REPLIED;
    return ERR_OK;
}

/* Clears locks and guess counters, those of 30 days as well: else the next wrong code would block the card again. A code that was
 * exhausted stays so. */
static enum err unlock_start(struct issuer *issuer, struct issuer_job *job, enum issuer_next *next)
{
    TRY(issuer_body_bind(job, &job->secret->body.unlock));
    TRY(issuer_text_check(job, "reason", WIRE_SPAN(job->secret->body.unlock.reason)));
    job->writing.after = job->view.card.code;
    job->writing.after.g_lock = LEDGER_LOCK_NONE;
    job->writing.after.g_lock_since = 0;
    job->writing.after.g_consec = 0;
    job->writing.after.g_fail_ts.len = 0;
    job->writing.after.g_day.len = 0;
    job->writing.after.g_dates.len = 0;
    job->writing.after.g_unlock_at = job->now;
    memcpy(job->writing.after.g_unlock_by, job->caller.client.client_id, sizeof job->writing.after.g_unlock_by);
    struct span reason = WIRE_SPAN(job->secret->body.unlock.reason);
    char text[65] = {0};
    memcpy(text, reason.at, reason.len);
    LOG(issuer->config.env->log, LOG_INFO, "issuer.unlock", LOG_TEXT("card", job->view.card.card.reference),
        LOG_TEXT("actor", job->caller.client.client_id), LOG_TEXT("reason", text), LOG_TEXT("correlation", job->correlation_id));
    issuer_unit_begin(job, 2);
    ledger_put_code(&job->writing.unit, &job->view.card.code, &job->writing.after, LEDGER_UPDATE);
    *next = ISSUER_COMMIT;
    return ERR_OK;
}

static enum err unlock_committed(struct issuer *issuer, struct issuer_job *job, enum issuer_next *next)
{
    struct json_writer w = issuer_answer(job);
    json_put_text(&w, "lock", lock_name[LEDGER_LOCK_NONE]);
    json_close(&w);
    issuer_reply(issuer, job, 200);
    *next = ISSUER_REPLIED;
    return ERR_OK;
}

const struct issuer_operation issuer_operation_STATUS = {.needs = ISSUER_NEED_CARD | ISSUER_NEED_PRODUCT, .start = status_start};
const struct issuer_operation issuer_operation_CANCEL = {
    .needs = ISSUER_NEED_CARD, .writes = true, .start = cancel_start, .committed = cancel_committed};
const struct issuer_operation issuer_operation_UNLOCK = {
    .needs = ISSUER_NEED_CARD, .writes = true, .start = unlock_start, .committed = unlock_committed};
