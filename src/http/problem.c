/* SPDX-License-Identifier: Apache-2.0 */
#include "http/problem.h"

#include "base/secret.h"

enum { RETRY_DEFAULT_S = 1, TOO_MANY = 429, UNAVAILABLE = 503 };

static void put_type(struct json_writer *w, const char *code)
{
    uint8_t room[96];
    struct buf type = buf_over(room, sizeof room);
    buf_put_text(&type, "urn:countersign:problem:");
    buf_put_text(&type, code);
    json_put(w, "type", buf_span(&type));
}

void http_problem_write(const struct http_problem *problem, struct buf *out)
{
    const struct err_row *row = err_row(problem->err);
    struct json_writer w = json_writer(out);
    json_open(&w, NULL);
    put_type(&w, row->code);
    json_put_text(&w, "title", row->text);
    json_put_integer(&w, "status", row->http_status);
    json_put_text(&w, "code", row->code);
    if (problem->field)
        json_put_text(&w, "field", problem->field);
    if (problem->cvv_expires_at_ms > 0) {
        char at[25];
        env_rfc3339(problem->cvv_expires_at_ms, at);
        json_put_text(&w, "cvvExpiresAt", at);
    }
    if (problem->correlation_id.len > 0)
        json_put(&w, "correlationId", problem->correlation_id);
    json_close(&w);
}

void http_problem_reply(struct http_request *request, const struct http_problem *problem)
{
    unsigned status = err_row(problem->err)->http_status;
    unsigned retry_s = problem->retry_after_s;
    if (retry_s == 0 && (status == TOO_MANY || status == UNAVAILABLE))
        retry_s = RETRY_DEFAULT_S;
    if (retry_s > 0) {
        uint8_t room[12];
        struct buf text = buf_over(room, sizeof room);
        buf_put_decimal(&text, retry_s, 0);
        http_put_header(request, "Retry-After", buf_span(&text));
    }
    struct buf *body = http_body(request);
    secret_wipe(body->at, body->len); /* half an answer may have held a code */
    buf_clear(body);
    http_problem_write(problem, body);
    http_reply(request, status, HTTP_PROBLEM_CONTENT_TYPE);
}

const char *http_problem_field(const struct http_json_faults *faults)
{
    return faults->count > 0 && faults->at[0].field ? faults->at[0].field->name : NULL;
}
