/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a request: answer, wipe, and the slot is free again. */
#include "issuer/error.h"
#include "issuer/internal.h"

static void job_end(struct issuer *issuer, struct job *job)
{
    issuer_card_release(issuer, job);
    struct job_secret *secret = job->secret;
    struct arena arena = job->arena;
    arena_reset(&arena);
    secret_wipe(secret, sizeof *secret);
    secret_wipe(job, sizeof *job);
    job->secret = secret;
    job->arena = arena;
    issuer->pending--;
}

static void put_correlation(struct job *job)
{
    http_put_header(job->request, "x-correlation-id", span_text(job->correlation_id));
}

void issuer_reply(struct issuer *issuer, struct job *job, unsigned status)
{
    put_correlation(job);
    bool empty = http_body(job->request)->len == 0;
    http_reply(job->request, status, empty ? NULL : "application/json");
    job_end(issuer, job);
}

void issuer_reply_error(struct issuer *issuer, struct job *job, enum err err)
{
    const struct err_row *row = err_row(err);
    if (row->http_status >= 500)
        LOG(issuer->config.env->log, LOG_WARN, "issuer.refused", LOG_TEXT("error", row->name),
            LOG_TEXT("correlation", job->correlation_id), LOG_TEXT("card", job->card.card.card_id));
    issuer->counters.refused++;
    put_correlation(job);
    struct http_problem problem = {
        .err = err,
        .field = job->field,
        .correlation_id = span_text(job->correlation_id),
        .retry_after_s = job->retry_after_s,
        .cvv_expires_at_ms = err == ISSUER_ERR_CODE_ACTIVE ? job->card.code.expires_at : 0,
    };
    http_problem_reply(job->request, &problem);
    job_end(issuer, job);
}

struct json_writer issuer_answer(struct job *job)
{
    struct json_writer w = json_writer(http_body(job->request));
    json_open(&w, NULL);
    return w;
}
