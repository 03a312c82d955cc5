/* SPDX-License-Identifier: Apache-2.0 */
/* Small parts that several handlers share. */
#include "http/error.h"
#include "issuer/error.h"
#include "issuer/internal.h"

#include <string.h>

bool issuer_id_sound(struct span text)
{
    if (text.len < 1 || text.len >= LEDGER_ID)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.at[i];
        bool good = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' || c == '-';
        if (!good)
            return false;
    }
    return true;
}

enum err issuer_text_check(struct issuer_job *job, const char *field, struct span text)
{
    return card_text_has_number(text) ? issuer_blame(job, field, ERR_PARSE_VALUE) : ERR_OK;
}

enum err issuer_body_bind(struct issuer_job *job, void *out)
{
    struct http_json_faults faults;
    if (!http_is_json(job->request))
        return HTTP_ERR_MEDIA_TYPE;
    enum err err = http_json_bind(job->request->route->body, job->request->body, HTTP_JSON_STRICT, out, &faults);
    return err == ERR_OK ? ERR_OK : issuer_blame(job, http_problem_field(&faults), err);
}

enum err issuer_product_take(struct issuer_job *job, size_t at, struct ledger_product *out)
{
    if (ledger_take_product(&job->writing.unit, at, out))
        return ERR_OK;
    return job->writing.unit.err != ERR_OK ? job->writing.unit.err : ISSUER_ERR_PRODUCT_NOT_FOUND;
}

void issuer_unit_begin(struct issuer_job *job, size_t ops)
{
    arena_reset(&job->writing.arena);
    ledger_unit_begin(&job->writing.unit, ops, &job->writing.arena);
}

static void text_copy(char *out, size_t cap, const char *text)
{
    struct buf b = buf_over(out, cap - 1);
    buf_put_text(&b, text);
    out[b.len] = 0;
}

void issuer_issuance_fill(struct issuer *issuer, struct issuer_job *job, enum ledger_issuance_kind kind, int64_t issue_n,
                          int64_t windows)
{
    struct ledger_issuance *row = &job->writing.issuance;
    *row = (struct ledger_issuance){.at = job->now, .kind = kind, .issue_n = issue_n, .windows = windows};
    text_copy(row->card_id, sizeof row->card_id, job->view.card.card.card_id);
    text_copy(row->requested_by, sizeof row->requested_by, job->caller.client.client_id);
    text_copy(row->correlation_id, sizeof row->correlation_id, job->correlation_id);
    env_uuid(issuer->config.env, row->issuance_id);
    job->writing.journaled = true;
}
