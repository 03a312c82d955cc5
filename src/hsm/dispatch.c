/* SPDX-License-Identifier: Apache-2.0 */
#include "hsm/hsm_internal.h"

#include "net/admin.h"

#include "base/arena.h"
#include "base/secret.h"

#include <string.h>

enum { CODE_LEN = 2, AUDIT_LINES_MAX = 100 };

/* The largest request and the largest reply of the table. */
union request {
    struct hostcmd_cw cw;
    struct hostcmd_cy cy;
    struct hostcmd_qy qy;
    struct hostcmd_pm pm;
    struct hostcmd_as as;
    struct hostcmd_a0 a0;
    struct hostcmd_bu bu;
    struct hostcmd_b2 b2;
    struct hostcmd_no no;
};
union reply {
    struct hostcmd_cw_reply cw;
    struct hostcmd_qy_reply qy;
    struct hostcmd_pm_reply pm;
    struct hostcmd_as_reply as;
    struct hostcmd_a0_reply a0;
    struct hostcmd_bu_reply bu;
    struct hostcmd_b2_reply b2;
    struct hostcmd_nc_reply nc;
    struct hostcmd_no_reply no;
};

struct hsm {
    struct hsm_config config;
    struct hsm_counters counters;
    struct hsm_keys *keys;
    int64_t audit_second;
    uint64_t audit_lines; /* wanted in that second */
    union request request;
    union reply reply;
};

/* ---- life ---- */

enum err hsm_create(const struct hsm_config *config, struct hsm **out)
{
    struct wire_fault fault;
    TRY(hostcmd_check(&fault));
    void *at = NULL;
    TRY(memory_reserve(1, sizeof(struct hsm), &at));
    struct hsm *hsm = at;
    hsm->config = *config;
    enum err err = hsm_keys_create(config, &hsm->keys);
    if (err != ERR_OK) {
        memory_release(hsm, 1, sizeof *hsm);
        return err;
    }
    *out = hsm;
    return ERR_OK;
}

void hsm_destroy(struct hsm *hsm)
{
    if (!hsm)
        return;
    hsm_keys_destroy(hsm->keys);
    memory_release(hsm, 1, sizeof *hsm);
}

const struct env *hsm_env(const struct hsm *hsm)
{
    return hsm->config.env;
}

struct hsm_keys *hsm_keys(struct hsm *hsm)
{
    return hsm->keys;
}

const struct hsm_config *hsm_config(const struct hsm *hsm)
{
    return &hsm->config;
}

struct hsm_counters hsm_counters(const struct hsm *hsm)
{
    return hsm->counters;
}

void hsm_metrics(void *hsm, struct buf *out)
{
    const struct hsm_counters *c = &((const struct hsm *)hsm)->counters;
    net_metric(out, "countersign_hsm_commands_total", "host commands answered", "counter", (int64_t)c->commands);
    net_metric(out, "countersign_hsm_refused_total", "answers other than 00 and 01", "counter", (int64_t)c->refused);
    net_metric(out, "countersign_hsm_unknown_total", "commands outside the table", "counter", (int64_t)c->unknown);
    net_metric(out, "countersign_hsm_bad_frames_total", "frames too short to answer", "counter", (int64_t)c->frames_bad);
}

/* ---- commands that are switched off ---- */

_Static_assert(HOSTCMD_COUNT <= 32, "one bit a command");

enum err hsm_disabled_parse(const char *list, uint32_t *out)
{
    uint32_t mask = 0;
    for (struct span left = span_text(list); left.len > 0; left = span_slice(left, CODE_LEN + 1, SIZE_MAX)) {
        const struct hostcmd_row *row = hostcmd_find(span_slice(left, 0, CODE_LEN));
        bool ends = left.len == CODE_LEN || (left.len > CODE_LEN + 1 && left.at[CODE_LEN] == ',');
        if (!row || !ends)
            return ERR_COMMAND_DISABLED;
        mask |= UINT32_C(1) << hostcmd_row_id(row);
    }
    *out = mask;
    return ERR_OK;
}

static hsm_handler enabled_handler(const struct hsm *hsm, const struct hostcmd_row *row)
{
    if (!row || hsm->config.disabled >> hostcmd_row_id(row) & 1)
        return NULL;
    return hsm_handler_of(hostcmd_row_id(row));
}

/* ---- one command ---- */

/* A peer that sends rubbish must not fill the disk: so many lines a second, the rest is counted in the next one. */
static bool audit_admits(struct hsm *hsm)
{
    int64_t second = env_monotonic_us(hsm->config.env) / 1000000;
    if (second != hsm->audit_second) {
        if (hsm->audit_lines > AUDIT_LINES_MAX)
            LOG(hsm->config.env->log, LOG_WARN, "hsm.audit_left_out", LOG_INT("lines", hsm->audit_lines - AUDIT_LINES_MAX));
        hsm->audit_second = second;
        hsm->audit_lines = 0;
    }
    return ++hsm->audit_lines <= AUDIT_LINES_MAX;
}

/* The audit column of the row: what leaves a line. No field of the request is logged. */
static void audit(struct hsm *hsm, const struct hostcmd_row *row, enum err answer)
{
    struct log *log = hsm->config.env->log;
    bool refused = answer != ERR_OK && answer != ERR_VERIFY_FAILED;
    bool always = row->audit == HOSTCMD_AUDIT_ALWAYS;
    bool wanted = always || (row->audit == HOSTCMD_AUDIT_FAILURE && refused);
    if (log && wanted && (always || audit_admits(hsm)))
        LOG(log, refused ? LOG_WARN : LOG_INFO, "hsm.command", LOG_TEXT("command", row->code),
            LOG_TEXT("answer", err_row(answer)->host_code), LOG_TEXT("why", err_row(answer)->name));
}

static enum err perform(struct hsm *hsm, const struct hostcmd_row *row, hsm_handler handler, const struct hostcmd_tail *tail)
{
    struct hsm_call call = {.row = row,
                            .lmk = tail->lmk == HOSTCMD_LMK_DEFAULT ? hsm->config.lmk : (uint8_t)tail->lmk,
                            .lmk_given = tail->lmk != HOSTCMD_LMK_DEFAULT,
                            .authorised = hsm->config.authorised,
                            .attributes = tail->has_attributes ? &tail->attributes : NULL,
                            .request = &hsm->request,
                            .reply = &hsm->reply};
    if (!hsm_keys_loaded(hsm->keys, call.lmk))
        return ERR_LMK_IDENTIFIER;
    return handler(hsm, &call);
}

static void wipe(struct hsm *hsm, const struct hostcmd_row *row, const struct wire_record *reply)
{
    secret_wipe(&hsm->request, row->request->size);
    secret_wipe(&hsm->reply, reply->size);
}

static void answer_row(struct hsm *hsm, const struct hostcmd_row *row, hsm_handler handler, struct span data, struct buf *out)
{
    struct hostcmd_tail tail;
    size_t start = out->len;
    enum err answer = hostcmd_request_parse(row, data, &hsm->request, &tail, NULL);
    /* All reply layouts of a row share one struct. */
    const struct wire_record *reply = row->reply;
    if (answer == ERR_OK) {
        memset(&hsm->reply, 0, reply->size);
        answer = perform(hsm, row, handler, &tail);
    }
    if (hostcmd_reply_build(row, answer, &hsm->request, &hsm->reply, tail.trailer, out) != ERR_OK) {
        /* A handler that broke its own row: our defect, and the peer still gets an answer. */
        secret_wipe(out->at + start, out->len - start);
        out->len = start;
        out->err = ERR_OK;
        answer = ERR_HSM_INTERNAL;
        buf_put_text(out, row->reply_code);
        buf_put_text(out, err_row(answer)->host_code);
        buf_put_span(out, tail.trailer);
    }
    hsm->counters.refused += answer != ERR_OK && answer != ERR_VERIFY_FAILED;
    audit(hsm, row, answer);
    wipe(hsm, row, reply);
}

/* The rule of the reply code holds for unknown commands, too. */
static void answer_unknown(struct hsm *hsm, struct span code, struct span data, struct buf *out)
{
    hsm->counters.unknown++;
    hsm->counters.refused++;
    buf_put_byte(out, code.at[0]);
    buf_put_byte(out, (uint8_t)(code.at[1] + 1));
    buf_put_text(out, err_row(ERR_COMMAND_DISABLED)->host_code);
    buf_put_span(out, hostcmd_trailer_of(data));
}

enum err hsm_answer(struct hsm *hsm, struct span payload, struct buf *reply)
{
    size_t m = hsm->config.header;
    if (payload.len < m + CODE_LEN) {
        hsm->counters.frames_bad++;
        return ERR_FRAME;
    }
    struct span code = span_slice(payload, m, CODE_LEN);
    struct span data = span_slice(payload, m + CODE_LEN, SIZE_MAX);
    buf_put_span(reply, span_slice(payload, 0, m));
    const struct hostcmd_row *row = hostcmd_find(code);
    hsm_handler handler = enabled_handler(hsm, row);
    hsm->counters.commands++;
    if (handler)
        answer_row(hsm, row, handler, data, reply);
    else
        answer_unknown(hsm, code, data, reply);
    return buf_done(reply);
}
