/* SPDX-License-Identifier: Apache-2.0 */
#include "hsm/hsm.h"

#include "hsm/commands/ahead.h"
#include "hsm/guard/guess.h"
#include "hsm/guard/state.h"
#include "hsm/internal.h"
#include "hsm/key/keys.h"
#include "hsm/key/storage.h"
#include "hsm/trail/audit.h"

#include "cvv/window.h"

#include "base/arena.h"
#include "base/metric.h"

enum { TEST_LMKS = 2 };

/* ---- life ---- */

static enum err scratch_create(struct hsm *hsm)
{
    TRY(secret_pages_create(2 * HSM_DEPTH * HOSTCMD_RECORD_MAX, &hsm->pages));
    uint8_t *at = hsm->pages.at;
    for (size_t i = 0; i < HSM_DEPTH; i++)
        hsm->scratch[i] = (struct hsm_scratch){at + 2 * i * HOSTCMD_RECORD_MAX, at + (2 * i + 1) * HOSTCMD_RECORD_MAX};
    return ERR_OK;
}

/* Every activity under the test LMKs, until RA. */
static enum err authorise_from_start(struct hsm_state *state)
{
    for (uint8_t lmk = 0; lmk < TEST_LMKS; lmk++)
        for (enum hostcmd_activity a = HOSTCMD_GENERATE; a <= HOSTCMD_EXPORT; a++)
            TRY(hsm_state_authorise(state, lmk, a, "", 0));
    return ERR_OK;
}

static void on_guess(void *tell, enum log_level level, const char *event, const struct log_field *field, size_t count)
{
    hsm_tell_limited(tell, level, event, field, count);
}

static enum err layout_fill(struct hsm *hsm, const struct hostcmd_profile *given)
{
    const struct hostcmd_profile *profile = given ? given : &hostcmd_profile_countersign_5;
    hsm->context.algorithm = cvv_window_find(profile->algorithm);
    hsm->context.layout = &hsm->layout;
    return hsm->context.algorithm ? hostcmd_layout_fill(profile, &hsm->layout) : ERR_CONFIG;
}

static enum err parts_create(struct hsm_context *context, struct hsm_tell *tell, const struct hsm_guess_config *guess)
{
    TRY(hsm_state_create(context->env, &context->state));
    if (context->config->authorised)
        TRY(authorise_from_start(context->state));
    TRY(hsm_observe_create(context->env, &context->observe));
    if (guess)
        TRY(hsm_guess_create(context->env, guess, (struct hsm_guess_hook){on_guess, tell}, &context->guess));
    TRY(hsm_keys_create(context->config, &context->keys));
    context->lmks = hsm_keys_lmks(context->keys);
    return ERR_OK;
}

static enum err fill(struct hsm *hsm, const struct hsm_config *config)
{
    hsm->config = *config;
    hsm->config.layout = NULL; /* it is the caller's */
    hsm->config.guess = NULL;  /* borrowed for creation: it holds a key */
    hsm->tell = (struct hsm_tell){.env = config->env, .audit = config->audit, .hardened = config->hardened};
    hsm->context = (struct hsm_context){.config = &hsm->config, .env = config->env, .tell = &hsm->tell};
    TRY(scratch_create(hsm));
    TRY(layout_fill(hsm, config->layout));
    TRY(hsm_ahead_create(&hsm->ahead));
    return parts_create(&hsm->context, &hsm->tell, config->guess);
}

enum err hsm_create(const struct hsm_config *config, struct hsm **out)
{
    ASSERT(config->env && config->storage_size <= HSM_STORAGE_MAX);
    struct wire_fault fault;
    TRY(hostcmd_check(&fault));
    void *at = NULL;
    TRY(memory_reserve(1, sizeof(struct hsm), &at));
    struct hsm *hsm = at;
    enum err err = fill(hsm, config);
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
    hsm_keys_destroy(hsm->context.keys);
    hsm_state_destroy(hsm->context.state);
    hsm_observe_destroy(hsm->context.observe);
    hsm_guess_destroy(hsm->context.guess);
    hsm_ahead_destroy(hsm->ahead);
    secret_pages_destroy(&hsm->pages);
    memory_release(hsm, 1, sizeof *hsm);
}

const struct hsm_context *hsm_context(const struct hsm *hsm)
{
    return &hsm->context;
}

/* ---- policy ---- */

void hsm_policy_set(struct hsm *hsm, const struct hsm_policy *policy)
{
    ASSERT(policy->plaintext.count <= HSM_POLICY_NETS && policy->clients.count <= HSM_POLICY_CLIENTS);
    hsm->policy = *policy;
    hsm->policy_version++;
}

void hsm_policy_disable(struct hsm *hsm, uint64_t disabled)
{
    hsm->config.disabled = disabled;
}

void hsm_policy_limit(struct hsm *hsm, uint32_t limit)
{
    if (hsm->context.guess)
        hsm_guess_limit_set(hsm->context.guess, limit);
}

/* ---- user storage ---- */

enum err hsm_storage_check(const struct hsm *hsm, const char *path, struct net_problem *problem)
{
    if (!path || !*path)
        return ERR_OK;
    struct buf text = buf_over(problem->text, sizeof problem->text - 1);
    enum err err = hsm_keys_storage_check(hsm->context.keys, path, &text);
    problem->text[text.len] = 0;
    return err;
}

enum err hsm_storage_reload(struct hsm *hsm, struct net_problem *problem)
{
    const char *path = hsm->config.user_storage;
    if (!path || !*path)
        return ERR_OK;
    struct buf text = buf_over(problem->text, sizeof problem->text - 1);
    enum err err = hsm_keys_storage_load(hsm->context.keys, path, &text);
    problem->text[text.len] = 0;
    if (err == ERR_OK)
        LOG(hsm->config.env->log, LOG_INFO, "hsm.user_storage", LOG_INT("entries", hsm_keys_stored(hsm->context.keys)));
    return err;
}

/* ---- counters ---- */

struct hsm_counters hsm_counters(const struct hsm *hsm)
{
    struct hsm_counters counters = hsm->counters;
    counters.together = hsm_ahead_codes(hsm->ahead);
    return counters;
}

void hsm_tick(void *hsm)
{
    struct hsm *of = hsm;
    hsm_tell_tick(&of->tell);
    hsm_audit_tick(of->config.audit);
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
    metric_put(out, "countersign_hsm_guess_closed", "1: new card numbers are refused for want of room", "gauge", c.closed);
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
    struct keys_cache_counters cache = hsm_keys_cache_counters(of->context.keys);
    metric_put(out, "countersign_hsm_key_cache_hits_total", "keys found loaded", "counter", (int64_t)cache.hits);
    metric_put(out, "countersign_hsm_key_cache_misses_total", "keys that had to be unwrapped", "counter", (int64_t)cache.misses);
    metric_put(out, "countersign_hsm_commands_total", "host commands answered", "counter", (int64_t)c->commands);
    metric_put(out, "countersign_hsm_refused_total", "answers other than 00 and 01", "counter", (int64_t)c->refused);
    metric_put(out, "countersign_hsm_unknown_total", "commands outside the table", "counter", (int64_t)c->unknown);
    metric_put(out, "countersign_hsm_bad_frames_total", "frames too short to answer", "counter", (int64_t)c->frames_bad);
    metric_put(out, "countersign_hsm_codes_together_total", "codes computed together with others", "counter",
               (int64_t)hsm_ahead_codes(of->ahead));
    metric_put(out, "countersign_hsm_left_out_total", "lines about peers that were left out of log and audit trail", "counter",
               (int64_t)hsm_tell_left_out(&of->tell));
    if (of->config.audit)
        put_audit(of->config.audit, out);
    if (of->context.guess)
        put_guess(of->context.guess, out);
    hsm_observe_metrics(of->context.observe, out);
}
