/* SPDX-License-Identifier: Apache-2.0 */
/* The turn: what has arrived goes one stage further. */
#include "crypto/mac.h"
#include "issuer/internal.h"
#include "store/error.h"

#include <string.h>

static const int64_t products_period_us = 1000 * 1000;

/* ---- stages ---- */

static bool correlation_sound(struct span text)
{
    return text.len >= 1 && text.len <= 64 && issuer_id_sound(span_slice(text, 0, 48)) &&
           (text.len <= 48 || issuer_id_sound(span_slice(text, 48, 16)));
}

static void commit(struct issuer *issuer, struct job *job)
{
    struct store_batch *batch = NULL;
    enum err err = ledger_unit_batch(&job->unit, &batch);
    if (err == ERR_OK) {
        batch->done = &issuer->done;
        batch->context = job;
        err = store_writer_submit(issuer->config.writer, batch);
    }
    if (err == ERR_OK)
        job->stage = JOB_COMMITTING;
    else
        issuer_reply_error(issuer, job, err == ERR_CLOSED ? STORE_ERR_UNAVAILABLE : err);
}

static void hsm_done(struct issuer *issuer, struct job *job)
{
    enum next next = NEXT_REPLIED;
    enum err err = job->hsm_err;
    if (err != ERR_OK)
        issuer->counters.hsm_failures++;
    else
        err = job->operation->answered(issuer, job, &next);
    issuer_go_on(issuer, job, err, next);
}

static void reload(struct issuer *issuer, struct job *job)
{
    issuer->counters.conflicts++;
    if (++job->attempts >= ISSUER_ATTEMPTS) {
        issuer_reply_error(issuer, job, STORE_ERR_UNAVAILABLE);
        return;
    }
    job->stage = JOB_LOADING;
    job->asks = 0;
    job->outstanding = 0;
    secret_wipe(job->secret, sizeof *job->secret);
    ASSERT(issuer->reload_count < issuer->config.slots);
    issuer->reload[issuer->reload_count++] = job;
}

void issuer_go_on(struct issuer *issuer, struct job *job, enum err err, enum next next)
{
    if (err != ERR_OK) {
        issuer_reply_error(issuer, job, err);
        return;
    }
    switch (next) {
    case NEXT_HSM:
        job->stage = JOB_ASKING;
        if (job->outstanding == 0)
            hsm_done(issuer, job);
        return;
    case NEXT_COMMIT:
        commit(issuer, job);
        return;
    case NEXT_RELOAD:
        reload(issuer, job);
        return;
    case NEXT_REPLIED:
    default:
        return;
    }
}

/* ---- what has arrived ---- */

static void job_open(struct issuer *issuer, struct http_request *request)
{
    struct job *job = &issuer->job[request->index];
    ASSERT(job->stage == JOB_IDLE);
    job->request = request;
    issuer->pending++;
    issuer->counters.requests++;
    struct span id = http_header(request, "x-correlation-id");
    if (correlation_sound(id))
        memcpy(job->correlation_id, id.at, id.len);
    else
        env_uuid(issuer->config.env, job->correlation_id);
}

static void job_admit(struct job *job)
{
    struct span card_id = http_parameter(job->request, "cardId");
    if (issuer_id_sound(card_id))
        memcpy(job->card_id, card_id.at, card_id.len);
    job->operation = &issuer_operation[job->request->route->handler];
    job->stage = JOB_LOADING;
}

static void take_requests(struct issuer *issuer)
{
    struct http_request *request[TURN_BATCH];
    struct job *job[TURN_BATCH];
    for (size_t n; (n = http_take(issuer->config.http, request, TURN_BATCH)) > 0;) {
        size_t count = 0;
        for (size_t i = 0; i < n; i++) {
            struct job *one = &issuer->job[request[i]->index];
            job_open(issuer, request[i]);
            if (request[i]->err != ERR_OK) {
                issuer_reply_error(issuer, one, request[i]->err);
                continue;
            }
            job_admit(one);
            job[count++] = one;
        }
        issuer_load(issuer, job, count);
    }
}

static void take_reloads(struct issuer *issuer)
{
    struct job *job[TURN_BATCH];
    size_t left = issuer->reload_count; /* what is added meanwhile waits for the next turn */
    while (left > 0) {
        size_t count = left < TURN_BATCH ? left : TURN_BATCH;
        left -= count;
        issuer->reload_count -= count;
        memcpy(job, issuer->reload, count * sizeof job[0]);
        memmove(issuer->reload, issuer->reload + count, issuer->reload_count * sizeof job[0]);
        issuer_load(issuer, job, count);
    }
}

static void take_answers(struct issuer *issuer)
{
    for (size_t n; (n = hostcmd_client_take(issuer->config.hsm, issuer->answer, TURN_BATCH)) > 0;) {
        for (size_t i = 0; i < n; i++) {
            struct job *job = &issuer->job[issuer->answer[i].ticket / ASKS_MAX];
            issuer_answered(issuer, &issuer->answer[i]);
            hostcmd_answer_wipe(&issuer->answer[i]);
            if (job->stage == JOB_ASKING && job->outstanding == 0)
                hsm_done(issuer, job);
        }
    }
}

/* Whether the journal row of this very request is there (issuer.md 4.1, end). */
static enum err settle(struct issuer *issuer, struct job *job)
{
    struct ledger_unit unit;
    int64_t issue_n = 0;
    if (!job->journaled)
        return STORE_ERR_CONFLICT; /* the other writes are evaluated afresh: they are idempotent */
    arena_reset(&issuer->read_arena);
    ledger_unit_begin(&unit, 1, &issuer->read_arena);
    size_t at = ledger_get_issuance(&unit, &job->issuance);
    TRY(ledger_unit_run(&unit, issuer->config.store));
    return ledger_take_issuance(&unit, at, &issue_n) && issue_n == job->issuance.issue_n ? ERR_OK : STORE_ERR_CONFLICT;
}

static void committed(struct issuer *issuer, struct job *job, enum err err)
{
    enum next next = NEXT_REPLIED;
    if (err == STORE_ERR_UNKNOWN)
        err = settle(issuer, job);
    if (err == ERR_OK) {
        err = job->operation->committed(issuer, job, &next);
    } else if (err == STORE_ERR_CONFLICT || err == ERR_DUPLICATE) {
        next = NEXT_RELOAD;
        err = ERR_OK;
    } else {
        issuer->counters.store_failures++;
    }
    issuer_go_on(issuer, job, err, next);
}

static void take_commits(struct issuer *issuer)
{
    void *item[TURN_BATCH];
    for (size_t n; (n = queue_take(&issuer->done, item, TURN_BATCH)) > 0;) {
        for (size_t i = 0; i < n; i++) {
            struct store_batch *batch = item[i];
            committed(issuer, batch->context, batch->err);
        }
    }
}

/* ---- the public part ---- */

static void products_refresh(struct issuer *issuer, int64_t now_us)
{
    if (issuer->products_at_us != 0 && now_us - issuer->products_at_us < products_period_us)
        return;
    issuer->products_at_us = now_us;
    enum err err = ledger_products_refresh(issuer->products, issuer->config.store, &issuer->read_arena);
    issuer->store_good = err == ERR_OK;
    if (err != ERR_OK)
        LOG(issuer->config.env->log, LOG_WARN, "issuer.products", LOG_TEXT("error", err_row(err)->name));
}

int64_t issuer_turn(struct issuer *issuer)
{
    int64_t now_us = env_monotonic_us(issuer->config.env);
    products_refresh(issuer, now_us);
    hostcmd_client_turn(issuer->config.hsm, now_us);
    take_answers(issuer);
    take_commits(issuer);
    take_reloads(issuer);
    take_requests(issuer);
    int64_t hsm_us = hostcmd_client_turn(issuer->config.hsm, now_us);
    int64_t products_us = issuer->reload_count > 0 ? now_us : issuer->products_at_us + products_period_us;
    return hsm_us > 0 && hsm_us < products_us ? hsm_us : products_us;
}

static enum err jobs_create(struct issuer *issuer)
{
    uint32_t count = issuer->config.slots;
    void *at = NULL;
    TRY(memory_reserve(count, sizeof(struct job), &at));
    issuer->job = at;
    TRY(memory_reserve(count, sizeof(struct job *), &at));
    issuer->reload = at;
    TRY(secret_pages_create(count * sizeof(struct job_secret), &issuer->pages));
    struct job_secret *secret = issuer->pages.at;
    for (uint32_t i = 0; i < count; i++) {
        issuer->job[i].secret = &secret[i];
        TRY(arena_create(&issuer->job[i].arena, UNIT_ARENA));
    }
    if (!issuer->pages.locked)
        LOG(issuer->config.env->log, LOG_WARN, "issuer.memory_not_locked", LOG_TEXT("see", "RLIMIT_MEMLOCK"));
    return ERR_OK;
}

static enum err parts_create(struct issuer *issuer)
{
    const struct issuer_config *config = &issuer->config;
    TRY(queue_create(&issuer->done, config->slots, config->wake, config->wake_context));
    TRY(ledger_products_create(&issuer->products));
    TRY(arena_create(&issuer->read_arena, READ_ARENA));
    TRY(jobs_create(issuer));
    products_refresh(issuer, env_monotonic_us(config->env));
    return ERR_OK;
}

static void parts_destroy(struct issuer *issuer)
{
    for (uint32_t i = 0; issuer->job && i < issuer->config.slots; i++)
        arena_destroy(&issuer->job[i].arena);
    memory_release(issuer->job, issuer->config.slots, sizeof(struct job));
    memory_release(issuer->reload, issuer->config.slots, sizeof(struct job *));
    secret_pages_destroy(&issuer->pages);
    if (issuer->products)
        ledger_products_destroy(issuer->products);
    if (issuer->read_arena.at)
        arena_destroy(&issuer->read_arena);
    queue_destroy(&issuer->done);
}

enum err issuer_create(const struct issuer_config *config, struct issuer **out)
{
    void *at = NULL;
    TRY(memory_reserve(1, sizeof(struct issuer), &at));
    struct issuer *issuer = at;
    issuer->config = *config;
    enum err err = hostcmd_layout_fill(config->layout ? config->layout : &hostcmd_profile_countersign_5, &issuer->layout);
    if (err == ERR_OK)
        err = parts_create(issuer);
    if (err != ERR_OK) {
        parts_destroy(issuer);
        memory_release(issuer, 1, sizeof *issuer);
        return err;
    }
    *out = issuer;
    return ERR_OK;
}

void issuer_destroy(struct issuer *issuer)
{
    take_commits(issuer); /* what the writer finished while it was stopped is answered as it is */
    for (uint32_t i = 0; i < issuer->config.slots; i++)
        if (issuer->job[i].stage != JOB_IDLE)
            issuer_reply_error(issuer, &issuer->job[i], ERR_CLOSED);
    parts_destroy(issuer);
    memory_release(issuer, 1, sizeof *issuer);
}

bool issuer_ready(const struct issuer *issuer)
{
    return issuer->store_good && hostcmd_client_ready(issuer->config.hsm);
}

size_t issuer_pending(const struct issuer *issuer)
{
    return issuer->pending;
}

struct issuer_counters issuer_counters(const struct issuer *issuer)
{
    return issuer->counters;
}

enum err issuer_sandbox_client(struct store *store, const char *issuer_id, const char *client_id, struct span api_key)
{
    uint8_t room[4096];
    struct arena arena = arena_over(room, sizeof room);
    struct ledger_client client = {.kind = "sandbox", .status = "active", .roles = "cards display read products operator keys"};
    struct buf id = buf_over(client.client_id, sizeof client.client_id - 1);
    struct buf issuer = buf_over(client.issuer_id, sizeof client.issuer_id - 1);
    buf_put_text(&id, client_id);
    buf_put_text(&issuer, issuer_id);
    TRY(buf_done(&id));
    TRY(buf_done(&issuer));
    client.api_key_hash.len = CRYPTO_DIGEST_SHA256;
    TRY(crypto_digest_sha256(api_key, client.api_key_hash.at));
    struct ledger_unit unit;
    ledger_unit_begin(&unit, 1, &arena);
    ledger_put_client(&unit, &client);
    enum err err = ledger_unit_run(&unit, store);
    return err == STORE_ERR_CONFLICT || err == ERR_DUPLICATE ? ERR_OK : err;
}
