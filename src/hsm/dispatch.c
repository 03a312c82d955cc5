/* SPDX-License-Identifier: Apache-2.0 */
#include "hostcmd/error.h"
#include "hsm/commands/ahead.h"
#include "hsm/context.h"
#include "hsm/guard/guess.h"
#include "hsm/guard/policy.h"
#include "hsm/guard/state.h"
#include "hsm/process/observe.h"
#include "hsm/trail/audit.h"
#include "hsm/trail/tell.h"

#include "cvv/window.h"

#include "base/metric.h"

#include "base/arena.h"
#include "base/secret.h"
#include "keys/error.h"
#include "wire/error.h"

#include <string.h>

enum { CODE_LEN = 2, DEPTH = 2, TEST_LMKS = 2 };

/* One request and its reply; a chained command (NK) stands in the second while its chain stands in the first. */
struct scratch {
    void *request;
    void *reply;
};

struct hsm {
    struct hsm_config config;
    struct hsm_counters counters;
    struct hsm_keys *keys;
    struct hsm_state *state;
    struct hostcmd_layout layout;
    const struct cvv_window_algorithm *algorithm; /* that the layout names */
    struct hsm_observe *observe;
    struct hsm_guess *guess;
    struct hsm_batch *batch;
    const struct hsm_ask *ask;     /* between hsm_answer_begin and hsm_answer_end */
    struct hsm_prepared *prepared; /* of the command under way at depth 1; NULL: nothing */
    struct hsm_policy policy;
    uint32_t policy_version;
    struct secret_pages pages; /* of the scratch */
    struct scratch scratch[DEPTH];
    size_t depth; /* commands under way */
    struct hsm_tell_limit tell_limit[HSM_TELL_KINDS];
};

/* ---- life ---- */

static enum err scratch_create(struct hsm *hsm)
{
    TRY(secret_pages_create(2 * DEPTH * HOSTCMD_RECORD_MAX, &hsm->pages));
    uint8_t *at = hsm->pages.at;
    for (size_t i = 0; i < DEPTH; i++)
        hsm->scratch[i] = (struct scratch){at + 2 * i * HOSTCMD_RECORD_MAX, at + (2 * i + 1) * HOSTCMD_RECORD_MAX};
    return ERR_OK;
}

/* Every activity under the test LMKs, until RA. */
static enum err authorise_from_start(struct hsm *hsm)
{
    for (uint8_t lmk = 0; lmk < TEST_LMKS; lmk++)
        for (enum hostcmd_activity a = HOSTCMD_GENERATE; a <= HOSTCMD_EXPORT; a++)
            TRY(hsm_state_authorise(hsm->state, lmk, a, "", 0));
    return ERR_OK;
}

static void on_guess_limit(void *context, const char *label)
{
    const struct log_field field[] = {LOG_TEXT("card", label)};
    hsm_tell_limited(context, LOG_WARN, "hsm.guess_limit", field, 1);
}

static enum err layout_fill(struct hsm *hsm)
{
    const struct hostcmd_profile *profile = hsm->config.layout ? hsm->config.layout : &hostcmd_profile_countersign_5;
    hsm->algorithm = cvv_window_find(profile->algorithm);
    hsm->config.layout = NULL; /* it is the caller's */
    return hsm->algorithm ? hostcmd_layout_fill(profile, &hsm->layout) : ERR_CONFIG;
}

static enum err fill(struct hsm *hsm)
{
    TRY(scratch_create(hsm));
    TRY(layout_fill(hsm));
    TRY(hsm_state_create(hsm->config.env, &hsm->state));
    if (hsm->config.authorised)
        TRY(authorise_from_start(hsm));
    TRY(hsm_observe_create(hsm->config.env, &hsm->observe));
    if (hsm->config.guess)
        TRY(hsm_guess_create(hsm->config.env, hsm->config.guess, (struct hsm_guess_hook){on_guess_limit, hsm}, &hsm->guess));
    hsm->config.guess = NULL; /* borrowed for creation: it holds a key */
    TRY(hsm_batch_create(&hsm->batch));
    return hsm_keys_create(&hsm->config, &hsm->keys);
}

enum err hsm_create(const struct hsm_config *config, struct hsm **out)
{
    struct wire_fault fault;
    TRY(hostcmd_check(&fault));
    void *at = NULL;
    TRY(memory_reserve(1, sizeof(struct hsm), &at));
    struct hsm *hsm = at;
    hsm->config = *config;
    enum err err = fill(hsm);
    if (err == ERR_OK)
        *out = hsm;
    else
        hsm_destroy(hsm);
    return err;
}

void hsm_destroy(struct hsm *hsm)
{
    if (!hsm)
        return;
    hsm_keys_destroy(hsm->keys);
    hsm_state_destroy(hsm->state);
    hsm_observe_destroy(hsm->observe);
    hsm_guess_destroy(hsm->guess);
    hsm_batch_destroy(hsm->batch);
    secret_pages_destroy(&hsm->pages);
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

struct hsm_state *hsm_state(struct hsm *hsm)
{
    return hsm->state;
}

struct hsm_observe *hsm_observe(struct hsm *hsm)
{
    return hsm->observe;
}

struct hsm_tell_limit *hsm_tell_limit(struct hsm *hsm, enum hsm_tell_kind kind)
{
    return &hsm->tell_limit[kind];
}

struct hsm_guess *hsm_guess(struct hsm *hsm)
{
    return hsm->guess;
}

const struct hsm_config *hsm_config(const struct hsm *hsm)
{
    return &hsm->config;
}

const struct hostcmd_layout *hsm_layout(const struct hsm *hsm)
{
    return &hsm->layout;
}

const struct cvv_window_algorithm *hsm_window_algorithm(const struct hsm *hsm)
{
    return hsm->algorithm;
}

void hsm_policy_set(struct hsm *hsm, const struct hsm_policy *policy)
{
    hsm->policy = *policy;
    hsm->policy_version++;
}

void hsm_policy_disable(struct hsm *hsm, uint64_t disabled)
{
    hsm->config.disabled = disabled;
}

void hsm_policy_limit(struct hsm *hsm, uint32_t limit)
{
    if (hsm->guess)
        hsm_guess_limit_set(hsm->guess, limit);
}

const struct hsm_policy *hsm_policy(const struct hsm *hsm)
{
    return &hsm->policy;
}

uint32_t hsm_policy_version(const struct hsm *hsm)
{
    return hsm->policy_version;
}

struct hsm_counters hsm_counters(const struct hsm *hsm)
{
    struct hsm_counters counters = hsm->counters;
    counters.together = hsm_batch_codes(hsm->batch);
    return counters;
}

static void put_guess(struct hsm_guess *guess, struct buf *out)
{
    struct hsm_guess_counters c = hsm_guess_counters(guess);
    metric_put(out, "countersign_hsm_guess_limit", "failures a card number may have in 24 hours", "gauge", hsm_guess_limit(guess));
    metric_put(out, "countersign_hsm_guess_cards", "card numbers with failures in 24 hours", "gauge", c.pans);
    metric_put(out, "countersign_hsm_guess_exceeded", "of them those that have reached the limit", "gauge", c.exceeded);
    metric_put(out, "countersign_hsm_guess_failures_total", "answers 01 counted", "counter", (int64_t)c.failures);
    metric_put(out, "countersign_hsm_guess_refused_total", "answers 39", "counter", (int64_t)c.refused);
    metric_put(out, "countersign_hsm_guess_dropped_total", "forgotten for want of room", "counter", (int64_t)c.dropped);
}

static void put_audit(const struct hsm_audit *audit, struct buf *out)
{
    struct hsm_audit_counters c = hsm_audit_counters(audit);
    metric_put(out, "countersign_hsm_audit_number", "number of the last line of the audit trail", "gauge", (int64_t)c.number);
    metric_put(out, "countersign_hsm_audit_lost_total", "lines that could not be written", "counter", (int64_t)c.lost);
    metric_put(out, "countersign_hsm_audit_synced_total", "times the trail was made durable", "counter", (int64_t)c.synced);
}

void hsm_metrics(void *hsm, struct buf *out)
{
    const struct hsm *of = hsm;
    const struct hsm_counters *c = &of->counters;
    struct keys_cache_counters cache = hsm_keys_cache_counters(of->keys);
    metric_put(out, "countersign_hsm_key_cache_hits_total", "keys found loaded", "counter", (int64_t)cache.hits);
    metric_put(out, "countersign_hsm_key_cache_misses_total", "keys that had to be unwrapped", "counter", (int64_t)cache.misses);
    metric_put(out, "countersign_hsm_commands_total", "host commands answered", "counter", (int64_t)c->commands);
    metric_put(out, "countersign_hsm_refused_total", "answers other than 00 and 01", "counter", (int64_t)c->refused);
    metric_put(out, "countersign_hsm_unknown_total", "commands outside the table", "counter", (int64_t)c->unknown);
    metric_put(out, "countersign_hsm_bad_frames_total", "frames too short to answer", "counter", (int64_t)c->frames_bad);
    metric_put(out, "countersign_hsm_codes_together_total", "codes computed together with others", "counter",
               (int64_t)hsm_batch_codes(of->batch));
    if (of->config.audit)
        put_audit(of->config.audit, out);
    if (of->guess)
        put_guess(of->guess, out);
    hsm_observe_metrics(of->observe, out);
}

/* ---- commands that are switched off ---- */

_Static_assert(HOSTCMD_COUNT <= 64, "one bit a command");

enum err hsm_disabled_parse(const char *list, uint64_t *out)
{
    uint64_t mask = 0;
    for (struct span left = span_text(list); left.len > 0; left = span_slice(left, CODE_LEN + 1, SIZE_MAX)) {
        const struct hostcmd_row *row = hostcmd_find(span_slice(left, 0, CODE_LEN));
        bool ends = left.len == CODE_LEN || (left.len > CODE_LEN + 1 && left.at[CODE_LEN] == ',');
        if (!row || !ends)
            return HOSTCMD_ERR_COMMAND_DISABLED;
        mask |= UINT64_C(1) << hostcmd_row_id(row);
    }
    *out = mask;
    return ERR_OK;
}

static bool enabled(const struct hsm *hsm, const struct hsm_client *client, const struct hostcmd_row *row)
{
    if (!row || (hsm->config.disabled | client->disabled) >> row->id & 1)
        return false;
    return hsm_handler_of(row->id);
}

/* ---- one command ---- */

/* The key type that the authority for a command is about: host-commands.md 6, activity.{type}.host. */
static struct span activity_type(const struct hostcmd_row *row, const void *request)
{
    if (row->activity_type)
        return span_text(row->activity_type);
    const struct wire_text *member = (const struct wire_text *)(const void *)((const uint8_t *)request + row->activity_member);
    return span_of(member->at, member->len);
}

bool hsm_authorised_for(struct hsm *hsm, uint8_t lmk, enum hostcmd_activity activity, struct span type)
{
    return !hsm->config.hardened || hsm_state_authorised(hsm->state, lmk, activity, type);
}

bool hsm_authorised(struct hsm *hsm, const struct hsm_call *call, uint8_t lmk)
{
    const struct hostcmd_row *row = call->row;
    return row->activity == HOSTCMD_OPEN || hsm_authorised_for(hsm, lmk, row->activity, activity_type(row, call->request));
}

static enum err admit(struct hsm *hsm, const struct hsm_call *call)
{
    const struct hostcmd_row *row = call->row;
    /* A command that needs no LMK still refuses one that it names and that is not there. */
    if (!hsm_keys_loaded(hsm->keys, call->lmk) && (call->lmk_given || !(row->flags & HOSTCMD_NO_LMK)))
        return KEYS_ERR_LMK_IDENTIFIER;
    if (hsm_state_secure(hsm->state) && !(row->flags & HOSTCMD_STATUS))
        return ERR_NOT_AUTHORISED;
    return hsm_authorised(hsm, call, call->lmk) ? ERR_OK : ERR_NOT_AUTHORISED;
}

/* What authorised state changes for a command without an activity: PM tells the expected value, in compatibility mode. */
static bool lmk_authorised(const struct hsm *hsm, uint8_t lmk)
{
    return !hsm->config.hardened && hsm_state_count(hsm->state, lmk) > 0;
}

/* A chained command is never prepared. */
static struct hsm_prepared *prepared(const struct hsm *hsm)
{
    return hsm->depth == 1 ? hsm->prepared : NULL;
}

static enum err perform(struct hsm *hsm, const struct hsm_client *client, const struct hostcmd_row *row,
                        const struct hostcmd_tail *tail, const struct scratch *at)
{
    bool lmk_given = tail->lmk != HOSTCMD_LMK_DEFAULT;
    struct hsm_call call = {.row = row,
                            .client = client,
                            .lmk = lmk_given ? (uint8_t)tail->lmk : client->lmk,
                            .lmk_given = lmk_given,
                            .authorised = lmk_authorised(hsm, lmk_given ? (uint8_t)tail->lmk : client->lmk),
                            .attributes = tail->has_attributes ? &tail->attributes : NULL,
                            .changes = tail->changes,
                            .prepared = prepared(hsm),
                            .request = at->request,
                            .reply = at->reply};
    TRY(admit(hsm, &call));
    return hsm_handler_of(row->id)(hsm, &call);
}

/* Parses, unless that was done ahead, performs, builds; request and reply stand in the scratch of this depth. */
static enum err answer_row(struct hsm *hsm, const struct hsm_client *client, const struct hostcmd_row *row, struct span data,
                           struct buf *out)
{
    struct scratch at = hsm->scratch[hsm->depth - 1];
    struct hsm_prepared *ahead = prepared(hsm);
    struct hostcmd_tail tail;
    size_t start = out->len;
    enum err answer = ERR_OK;
    if (ahead) {
        at.request = &ahead->request;
        tail = ahead->tail;
    } else {
        answer = hostcmd_request_parse(row, data, at.request, &tail, NULL);
    }
    if (answer == ERR_OK) {
        memset(at.reply, 0, row->reply->size);
        answer = perform(hsm, client, row, &tail, &at);
    }
    answer = hsm_tell_command(hsm, client, row, answer);
    if (hostcmd_reply_build(row, answer, at.request, at.reply, tail.trailer, out) != ERR_OK) {
        /* No room for this reply (in a chain), or a handler that broke its own row: our defect, and the peer gets an answer. */
        answer = buf_done(out) != ERR_OK ? WIRE_ERR_DATA_LENGTH : HOSTCMD_ERR_INTERNAL;
        secret_wipe(out->at + start, out->len - start);
        out->len = start;
        out->err = ERR_OK;
        buf_put_text(out, row->reply_code);
        buf_put_text(out, err_row(answer)->host_code);
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

void hsm_answer_command(struct hsm *hsm, const struct hsm_client *client, struct span command, struct buf *out)
{
    struct span code = span_slice(command, 0, CODE_LEN), data = span_slice(command, CODE_LEN, SIZE_MAX);
    const struct hostcmd_row *row = hostcmd_find(code);
    ASSERT(command.len >= CODE_LEN && hsm->depth < DEPTH);
    hsm->counters.commands++;
    if (!enabled(hsm, client, row)) {
        if (row)
            (void)hsm_tell_command(hsm, client, row, HOSTCMD_ERR_COMMAND_DISABLED);
        answer_unknown(hsm, code, data, out);
        return;
    }
    row = hostcmd_layout_row(&hsm->layout, row->id);
    hsm->depth++;
    enum err answer = answer_row(hsm, client, row, data, out);
    hsm->depth--;
    hsm->counters.refused += answer != ERR_OK && answer != ERR_VERIFY_FAILED;
    hsm_observe_command(hsm->observe, row->id, answer);
}

enum err hsm_answer(struct hsm *hsm, const struct hsm_client *client, struct span payload, struct buf *reply)
{
    const struct hsm_client nobody = {.name = "", .lmk = hsm->config.lmk};
    size_t m = hsm->config.header;
    if (payload.len < m + CODE_LEN) {
        hsm->counters.frames_bad++;
        return ERR_FRAME;
    }
    buf_put_span(reply, span_slice(payload, 0, m));
    hsm_answer_command(hsm, client ? client : &nobody, span_slice(payload, m, SIZE_MAX), reply);
    return buf_done(reply);
}

/* ---- many commands ---- */

_Static_assert((int)HSM_ASK_MAX == (int)HSM_BATCH_FRAMES, "what is asked at once is what can be prepared at once");

void hsm_answer_begin(struct hsm *hsm, const struct hsm_ask *ask, size_t count)
{
    ASSERT(!hsm->ask);
    hsm->ask = ask;
    hsm_batch_prepare(hsm, hsm->batch, ask, count);
}

enum err hsm_answer_at(struct hsm *hsm, size_t i, struct buf *reply)
{
    hsm->prepared = hsm_batch_prepared(hsm->batch, i);
    enum err err = hsm_answer(hsm, hsm->ask[i].client, hsm->ask[i].payload, reply);
    hsm->prepared = NULL;
    return err;
}

void hsm_answer_end(struct hsm *hsm)
{
    hsm_batch_clear(hsm->batch);
    hsm->ask = NULL;
}
