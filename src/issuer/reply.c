/* SPDX-License-Identifier: Apache-2.0 */
/* The answer to a request. What it leaves behind is wiped when the job is done. */
#include "issuer/error.h"
#include "issuer/internal.h"

static void answered(struct issuer *issuer, struct issuer_job *job)
{
    ASSERT(job->request && issuer->pending > 0);
    job->request = NULL;
    issuer->pending--;
}

static void put_correlation(struct issuer_job *job)
{
    http_put_header(job->request, "x-correlation-id", span_text(job->correlation_id));
}

void issuer_reply(struct issuer *issuer, struct issuer_job *job, unsigned status)
{
    put_correlation(job);
    bool empty = http_body(job->request)->len == 0;
    http_reply(job->request, status, empty ? NULL : "application/json");
    answered(issuer, job);
}

void issuer_reply_error(struct issuer *issuer, struct issuer_job *job, enum err err)
{
    const struct err_row *row = err_row(err);
    if (row->http_status >= 500)
        LOG(issuer->config.env->log, LOG_WARN, "issuer.refused", LOG_TEXT("error", row->name),
            LOG_TEXT("correlation", job->correlation_id), LOG_TEXT("card", job->view.card.card.reference));
    issuer->counters.refused++;
    put_correlation(job);
    struct http_problem problem = {
        .err = err,
        .field = job->field,
        .correlation_id = span_text(job->correlation_id),
        .retry_after_s = job->retry_after_s,
        .cvv_expires_at_ms = err == ISSUER_ERR_CODE_ACTIVE ? job->view.card.code.expires_at : 0,
    };
    http_problem_reply(job->request, &problem);
    answered(issuer, job);
}

struct json_writer issuer_answer(struct issuer_job *job)
{
    struct json_writer w = json_writer(http_body(job->request));
    json_open(&w, NULL);
    return w;
}
