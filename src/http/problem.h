/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors of the REST faces as application/problem+json (RFC 9457).
 *
 * Purpose    One row of the error list becomes one answer: members type, title, status, code, correlationId, and `field` where a
 *            row of the body's table is to blame. Input is never echoed: `field` is a name of our own tables.
 * Ownership  Borrows everything for the call.
 * Threading  Free of state.
 *
 * Example
 *     http_problem_reply(request, &(struct http_problem){.err = ERR_NOT_FOUND, .correlation_id = id});
 */
#ifndef HTTP_PROBLEM_H
#define HTTP_PROBLEM_H

#include "http/http.h"
#include "http/json.h"

#define HTTP_PROBLEM_CONTENT_TYPE "application/problem+json"

struct http_problem {
    enum err err;      /* status, code and title come from its row */
    const char *field; /* static; NULL: none */
    struct span correlation_id;
    unsigned retry_after_s;    /* 0: 1 for statuses 429 and 503, else no header */
    int64_t cvv_expires_at_ms; /* 0: none; with code_active (issuer.md 4.2) */
};

void http_problem_write(const struct http_problem *problem, struct buf *out);
/* Headers, body and reply. */
void http_problem_reply(struct http_request *request, const struct http_problem *problem);
/* The field that a failed http_json_bind blames, or NULL. */
const char *http_problem_field(const struct http_json_faults *faults);

#endif
