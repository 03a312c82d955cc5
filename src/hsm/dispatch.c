/* SPDX-License-Identifier: Apache-2.0 */
/* From a command to its answer: what comes before and after every handler. */
#include "hsm/hsm.h"

#include "hostcmd/error.h"
#include "hsm/commands/ahead.h"
#include "hsm/commands/table.h"
#include "hsm/guard/authority.h"
#include "hsm/guard/guess.h"
#include "hsm/guard/state.h"
#include "hsm/internal.h"
#include "hsm/key/keys.h"
#include "hsm/key/resolve.h"
#include "hsm/trail/audit.h"
#include "keys/error.h"
#include "wire/error.h"

#include <string.h>

static bool enabled(const struct hsm *hsm, const struct hsm_client *client, const struct hostcmd_row *row, struct span data)
{
    return row && !((hsm->config.disabled | client->disabled) & hsm_policy_bits(row, data));
}

/* ---- one command ---- */

static enum err admit(const struct hsm_context *context, const struct hsm_call *call)
{
    const struct hostcmd_row *row = call->row;
    /* A command that needs no LMK still refuses one that it names and that is not there. */
    if (!hsm_keys_loaded(context->keys, call->lmk) && (call->lmk_given || !(row->flags & HOSTCMD_NO_LMK)))
        return KEYS_ERR_LMK_IDENTIFIER;
    if (hsm_state_secure(context->state) && !(row->flags & HOSTCMD_STATUS))
        return ERR_NOT_AUTHORISED;
    if (!(row->flags & HOSTCMD_NO_LMK) && hsm_key_barred(context, call->lmk))
        return ERR_NOT_AUTHORISED;
    return hsm_authorised(context, call, call->lmk) ? ERR_OK : ERR_NOT_AUTHORISED;
}

/* What authorised state changes for a command without an activity: PM tells the expected value, in compatibility mode. */
static bool lmk_authorised(const struct hsm *hsm, uint8_t lmk)
{
    return !hsm->config.hardened && hsm_state_count(hsm->context.state, lmk) > 0;
}

/* A chained command is never prepared. */
static struct hsm_prepared *prepared(const struct hsm *hsm)
{
    return hsm->depth == 1 ? hsm->prepared : NULL;
}

static void answer_chained(void *dispatcher, const struct hsm_client *client, struct span command, struct buf *out);

/* Answers the request of the scratch; `told` gets what its line says of it. */
static void perform(struct hsm *hsm, const struct hsm_client *client, const struct hostcmd_tail *tail, const struct hsm_scratch *at,
                    struct hsm_told *told)
{
    const struct hostcmd_row *row = told->row;
    bool lmk_given = tail->lmk != HOSTCMD_LMK_DEFAULT;
    uint8_t lmk = lmk_given ? (uint8_t)tail->lmk : client->lmk;
    struct hsm_call call = {.row = row,
                            .client = client,
                            .lmk = lmk,
                            .lmk_given = lmk_given,
                            .authorised = lmk_authorised(hsm, lmk),
                            .attributes = tail->has_attributes ? &tail->attributes : NULL,
                            .changes = tail->changes,
                            .prepared = prepared(hsm),
                            .dispatch = {answer_chained, hsm},
                            .request = at->request,
                            .reply = at->reply,
                            .verdict = VERDICT_MATCH};
    hsm_guess_by(hsm->context.guess, client->name);
    enum err err = admit(&hsm->context, &call);
    told->authorised = err == ERR_OK && row->activity != HOSTCMD_OPEN;
    if (err == ERR_OK)
        err = hsm_handler_of(row->id)(&hsm->context, &call);
    told->lmk = lmk;
    told->request = at->request;
    told->reply = err == ERR_OK ? at->reply : NULL;
    told->idle = call.idle;
    told->answer = hostcmd_said(err, call.verdict);
}

/* Parses, unless that was done ahead, performs, builds; request and reply stand in the scratch of this depth. */
static struct hostcmd_said answer_row(struct hsm *hsm, const struct hsm_client *client, const struct hostcmd_row *row,
                                      struct span data, struct buf *out)
{
    struct hsm_scratch at = hsm->scratch[hsm->depth - 1];
    struct hsm_prepared *ahead = prepared(hsm);
    struct hostcmd_tail tail;
    size_t start = out->len;
    enum err err = ERR_OK;
    if (ahead) {
        at.request = &ahead->request;
        tail = ahead->tail;
    } else {
        err = hostcmd_request_parse(row, data, at.request, &tail, NULL);
    }
    struct hsm_told told = {.row = row, .client = client->name, .answer = hostcmd_said(err, VERDICT_MATCH), .lmk = -1};
    if (err == ERR_OK) {
        memset(at.reply, 0, row->reply->size);
        perform(hsm, client, &tail, &at, &told);
    }
    struct hostcmd_said answer = hsm_tell_command(&hsm->tell, &told);
    if (hostcmd_reply_build(row, answer, at.request, at.reply, tail.trailer, out) != ERR_OK) {
        /* No room for this reply (in a chain), or a handler that broke its own row: our defect, and the peer gets an answer. */
        answer = hostcmd_said(buf_done(out) != ERR_OK ? WIRE_ERR_DATA_LENGTH : HOSTCMD_ERR_INTERNAL, VERDICT_UNAVAILABLE);
        secret_wipe(out->at + start, out->len - start);
        out->len = start;
        out->err = ERR_OK;
        buf_put_text(out, row->reply_code);
        buf_put_text(out, hostcmd_said_code(answer));
        buf_put_span(out, tail.trailer);
    }
    /* All reply layouts of a row share one struct. */
    secret_wipe(at.request, row->request->size);
    secret_wipe(at.reply, row->reply->size);
    return answer;
}

/* The rule of the reply code holds for unknown commands, too. */
static void answer_unknown(struct hsm *hsm, struct span code, struct span data, struct buf *out)
{
    hsm->counters.unknown++;
    hsm->counters.refused++;
    buf_put_byte(out, code.at[0]);
    buf_put_byte(out, (uint8_t)(code.at[1] + 1));
    buf_put_text(out, err_row(HOSTCMD_ERR_COMMAND_DISABLED)->host_code);
    buf_put_span(out, hostcmd_trailer_of(data));
}

static void tell_disabled(struct hsm *hsm, const struct hsm_client *client, const struct hostcmd_row *row)
{
    const struct hsm_told told = {
        .row = row, .client = client->name, .answer = hostcmd_said(HOSTCMD_ERR_COMMAND_DISABLED, VERDICT_UNAVAILABLE), .lmk = -1};
    (void)hsm_tell_command(&hsm->tell, &told);
}

static void answer_command(struct hsm *hsm, const struct hsm_client *client, struct span command, struct buf *out)
{
    struct span code = span_slice(command, 0, HSM_CODE_LEN), data = span_slice(command, HSM_CODE_LEN, SIZE_MAX);
    const struct hostcmd_row *row = hostcmd_find(code);
    ASSERT(command.len >= HSM_CODE_LEN && hsm->depth < HSM_DEPTH);
    hsm->counters.commands++;
    if (!enabled(hsm, client, row, data)) {
        if (row)
            tell_disabled(hsm, client, row);
        answer_unknown(hsm, code, data, out);
        return;
    }
    row = hostcmd_layout_row(&hsm->layout, row->id);
    hsm->depth++;
    struct hostcmd_said answer = answer_row(hsm, client, row, data, out);
    hsm->depth--;
    hsm->counters.refused += answer.verdict == VERDICT_UNAVAILABLE;
    hsm_observe_command(hsm->context.observe, row->id, answer);
}

static void answer_chained(void *dispatcher, const struct hsm_client *client, struct span command, struct buf *out)
{
    answer_command(dispatcher, client, command, out);
}

enum err hsm_answer(struct hsm *hsm, const struct hsm_client *client, struct span payload, struct buf *reply)
{
    const struct hsm_client nobody = {.name = "", .lmk = hsm->config.lmk};
    size_t m = hsm->config.header;
    if (payload.len < m + HSM_CODE_LEN) {
        hsm->counters.frames_bad++;
        return ERR_FRAME;
    }
    buf_put_span(reply, span_slice(payload, 0, m));
    answer_command(hsm, client ? client : &nobody, span_slice(payload, m, SIZE_MAX), reply);
    return buf_done(reply);
}

/* ---- many commands ---- */

_Static_assert((int)HSM_ASK_MAX == (int)HSM_AHEAD_FRAMES, "what is asked at once is what can be prepared at once");

void hsm_answer_begin(struct hsm *hsm, const struct hsm_ask *ask, size_t count)
{
    ASSERT(!hsm->ask && count <= HSM_ASK_MAX);
    hsm->ask = ask;
    hsm->asks = count;
    hsm_audit_gather(hsm->tell.audit);
    hsm_ahead_prepare(&hsm->context, hsm->ahead, ask, count);
}

enum err hsm_answer_at(struct hsm *hsm, size_t i, struct buf *reply)
{
    ASSERT(hsm->ask && i < hsm->asks && hsm->depth == 0);
    hsm->prepared = hsm_ahead_prepared(hsm->ahead, i);
    enum err err = hsm_answer(hsm, hsm->ask[i].client, hsm->ask[i].payload, reply);
    hsm->prepared = NULL;
    return err;
}

enum err hsm_answer_end(struct hsm *hsm)
{
    ASSERT(hsm->ask && hsm->depth == 0);
    hsm_ahead_clear(hsm->ahead);
    hsm->ask = NULL;
    enum err err = hsm_audit_settle(hsm->tell.audit);
    return hsm->config.hardened ? err : ERR_OK;
}
