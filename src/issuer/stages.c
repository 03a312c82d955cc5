/* SPDX-License-Identifier: Apache-2.0 */
/* The way of a request: the rows of the engine, and what a step's end means for the job. */
#include "issuer/internal.h"
#include "store/error.h"

#include <string.h>

enum stage {
    STAGE_HOLD,
    STAGE_READ,
    STAGE_ADMIT,
    STAGE_KEYS,
    STAGE_KEYED,
    STAGE_START,
    STAGE_LOOK,
    STAGE_LOOKED,
    STAGE_ANSWERED,
    STAGE_COMMIT,
    STAGE_COMMITTED,
    STAGE_SETTLED,
    STAGE_LEAVE,
    STAGES
};

/* ---- what a step ended with ---- */

/* A job whose batch is still out stays in its place until it is back. */
static void leave(struct issuer_job *job)
{
    if (job->item.awaited > 0)
        flow_wait_at(&job->item, STAGE_LEAVE, 0);
    else
        flow_done(&job->item);
}

static void reload(struct issuer *issuer, struct issuer_job *job)
{
    issuer->counters.conflicts++;
    if (++job->attempts >= ISSUER_ATTEMPTS) {
        issuer_reply_error(issuer, job, STORE_ERR_UNAVAILABLE);
        leave(job);
        return;
    }
    secret_wipe(job->secret, sizeof *job->secret);
    flow_to(&job->item, STAGE_READ);
}

void issuer_go_on(struct issuer *issuer, struct issuer_job *job, enum err err, enum issuer_next next)
{
    if (err != ERR_OK) {
        issuer_reply_error(issuer, job, err);
        leave(job);
        return;
    }
    switch (next) {
    case ISSUER_ASKED:
        if (job->item.awaited > 0)
            flow_wait_at(&job->item, STAGE_ANSWERED, 0); /* every question has its deadline at the client of the HSM */
        else
            flow_to(&job->item, STAGE_ANSWERED);
        return;
    case ISSUER_LOOK:
        flow_to(&job->item, STAGE_LOOK);
        return;
    case ISSUER_COMMIT:
        flow_to(&job->item, STAGE_COMMIT);
        return;
    case ISSUER_RELOAD:
        reload(issuer, job);
        return;
    case ISSUER_REPLIED:
    default:
        ASSERT(!job->request);
        leave(job);
        return;
    }
}

/* ---- steps of operations ---- */

static void run_step(struct issuer *issuer, struct issuer_job *job, issuer_step *step)
{
    enum issuer_next next = ISSUER_REPLIED;
    enum err err = step(issuer, job, &next);
    issuer_go_on(issuer, job, err, next);
}

static void start_stage(void *context, struct flow_item *const *item, size_t count)
{
    for (size_t i = 0; i < count; i++)
        run_step(context, issuer_job_of(item[i]), issuer_job_of(item[i])->operation->start);
}

enum err issuer_reader_submit(struct issuer *issuer, struct store_batch *batch)
{
    int64_t deadline_us = flow_now_us(issuer->flow) + issuer->config.store_timeout_us;
    return issuer->closing ? ERR_CLOSED : store_reader_submit(issuer->config.reader, batch, deadline_us);
}

/* The reader's deadline brings the batch back. */
static enum err look(struct issuer *issuer, struct issuer_job *job)
{
    struct store_batch *batch = NULL;
    TRY(ledger_unit_batch(&job->writing.unit, &batch));
    batch->done = &issuer->done;
    batch->context = &job->owner;
    enum err err = issuer_reader_submit(issuer, batch);
    if (err == ERR_OK)
        flow_await(&job->item);
    return err == ERR_BUSY || err == ERR_CLOSED ? STORE_ERR_UNAVAILABLE : err;
}

static void look_stage(void *context, struct flow_item *const *item, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct issuer_job *job = issuer_job_of(item[i]);
        enum err err = look(context, job);
        if (err == ERR_OK)
            flow_wait(item[i], 0);
        else
            issuer_go_on(context, job, err, ISSUER_REPLIED);
    }
}

static void looked_stage(void *context, struct flow_item *const *item, size_t count)
{
    struct issuer *issuer = context;
    for (size_t i = 0; i < count; i++) {
        struct issuer_job *job = issuer_job_of(item[i]);
        enum err err = job->writing.unit.batch.err;
        issuer->counters.store_failures += err != ERR_OK;
        if (err == ERR_OK)
            run_step(issuer, job, job->operation->looked);
        else
            issuer_go_on(issuer, job, err, ISSUER_REPLIED);
    }
}

static void answered_stage(void *context, struct flow_item *const *item, size_t count)
{
    struct issuer *issuer = context;
    for (size_t i = 0; i < count; i++) {
        struct issuer_job *job = issuer_job_of(item[i]);
        issuer->counters.hsm_failures += job->asking.err != ERR_OK;
        if (job->asking.err == ERR_OK)
            run_step(issuer, job, job->operation->answered);
        else
            issuer_go_on(issuer, job, job->asking.err, ISSUER_REPLIED);
    }
}

/* ---- commits ---- */

/* A commit may take longer than a read: a database that is late is told from one that did not take it, which the client cannot. */
enum { COMMIT_TIMES = 2 };

static enum err commit(struct issuer *issuer, struct issuer_job *job)
{
    struct store_batch *batch = NULL;
    TRY(ledger_unit_batch(&job->writing.unit, &batch));
    batch->done = &issuer->done;
    batch->context = &job->owner;
    enum err err = issuer->closing ? ERR_CLOSED : store_writer_submit(issuer->config.writer, batch);
    if (err == ERR_OK)
        flow_await(&job->item);
    return err == ERR_CLOSED ? STORE_ERR_UNAVAILABLE : err;
}

static void commit_stage(void *context, struct flow_item *const *item, size_t count)
{
    struct issuer *issuer = context;
    for (size_t i = 0; i < count; i++) {
        struct issuer_job *job = issuer_job_of(item[i]);
        enum err err = commit(issuer, job);
        if (err == ERR_OK)
            flow_wait(item[i], flow_now_us(issuer->flow) + COMMIT_TIMES * issuer->config.store_timeout_us);
        else
            issuer_go_on(issuer, job, err, ISSUER_REPLIED);
    }
}

/* Reads whether the journal row of this very request is there (issuer.md 4.1, end). */
static void settle(struct issuer *issuer, struct issuer_job *job)
{
    if (!job->writing.journaled) { /* the other writes are evaluated afresh: they are idempotent */
        reload(issuer, job);
        return;
    }
    issuer_unit_begin(job, 1);
    job->writing.at[0] = ledger_get_issuance(&job->writing.unit, &job->writing.issuance);
    enum err err = look(issuer, job);
    if (err == ERR_OK)
        flow_wait_at(&job->item, STAGE_SETTLED, 0);
    else
        issuer_go_on(issuer, job, err, ISSUER_REPLIED);
}

static void committed(struct issuer *issuer, struct issuer_job *job, enum err err)
{
    if (err == ERR_OK)
        run_step(issuer, job, job->operation->committed);
    else if (err == STORE_ERR_CONFLICT || err == ERR_DUPLICATE)
        reload(issuer, job);
    else if (err == STORE_ERR_UNKNOWN)
        settle(issuer, job);
    else {
        issuer->counters.store_failures++;
        issuer_go_on(issuer, job, err, ISSUER_REPLIED);
    }
}

static void committed_stage(void *context, struct flow_item *const *item, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct issuer_job *job = issuer_job_of(item[i]);
        /* The batch is still with the writer: nothing is known of it, so nothing is shown. */
        enum err err = item[i]->awaited > 0 ? STORE_ERR_UNAVAILABLE : job->writing.unit.batch.err;
        committed(context, job, err);
    }
}

static void settled_stage(void *context, struct flow_item *const *item, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct issuer_job *job = issuer_job_of(item[i]);
        struct ledger_unit *unit = &job->writing.unit;
        int64_t issue_n = 0;
        enum err err = unit->batch.err;
        if (err == ERR_OK &&
            (!ledger_take_issuance(unit, job->writing.at[0], &issue_n) || issue_n != job->writing.issuance.issue_n))
            err = STORE_ERR_CONFLICT;
        committed(context, job, err);
    }
}

static void leave_stage(void *context, struct flow_item *const *item, size_t count)
{
    (void)context;
    for (size_t i = 0; i < count; i++)
        flow_done(item[i]);
}

static const struct flow_stage stages[STAGES] = {
    [STAGE_HOLD] = {.name = "hold", .run = issuer_hold_stage},
    [STAGE_READ] = {.name = "read", .run = issuer_read_stage},
    [STAGE_ADMIT] = {.name = "admit", .run = issuer_admit_stage},
    [STAGE_KEYS] = {.name = "keys", .run = issuer_keys_stage},
    [STAGE_KEYED] = {.name = "keyed", .run = issuer_keyed_stage},
    [STAGE_START] = {.name = "start", .run = start_stage},
    [STAGE_LOOK] = {.name = "look", .run = look_stage},
    [STAGE_LOOKED] = {.name = "looked", .run = looked_stage},
    [STAGE_ANSWERED] = {.name = "answered", .run = answered_stage},
    [STAGE_COMMIT] = {.name = "commit", .run = commit_stage},
    [STAGE_COMMITTED] = {.name = "committed", .run = committed_stage},
    [STAGE_SETTLED] = {.name = "settled", .run = settled_stage},
    [STAGE_LEAVE] = {.name = "leave", .run = leave_stage},
};

/* ---- what comes from outside ---- */

static bool correlation_sound(struct span text)
{
    return text.len >= 1 && text.len <= 64 && issuer_id_sound(span_slice(text, 0, 48)) &&
           (text.len <= 48 || issuer_id_sound(span_slice(text, 48, 16))) && !card_text_has_number(text);
}

static void job_open(struct issuer *issuer, struct issuer_job *job, struct http_request *request)
{
    job->request = request;
    job->owner = (struct issuer_owner){.job = job};
    issuer->pending++;
    issuer->counters.requests++;
    struct span id = http_header(request, "x-correlation-id");
    if (correlation_sound(id))
        memcpy(job->correlation_id, id.at, id.len);
    else
        env_uuid(issuer->config.env, job->correlation_id);
}

static enum err job_enter(struct issuer *issuer, struct issuer_job *job)
{
    const uint32_t keys = 1u << STAGE_KEYS | 1u << STAGE_KEYED;
    struct span reference = http_parameter(job->request, "cardId");
    TRY(job->request->err);
    TRY(issuer_key_hash(job));
    if (issuer_id_sound(reference))
        memcpy(job->reference, reference.at, reference.len);
    job->operation = issuer_operations[job->request->route->handler];
    flow_enter(issuer->flow, &job->item, STAGE_HOLD,
               job->operation->needs & ISSUER_NEED_KEYS ? FLOW_PATH_ALL : FLOW_PATH_ALL & ~keys);
    return ERR_OK;
}

static void release(void *context, struct flow_item *item);

static void accept(struct issuer *issuer, struct http_request *request)
{
    struct flow_item *item = flow_take(issuer->flow);
    if (!item) { /* answered ones still wait for the writer */
        http_problem_reply(request, &(struct http_problem){.err = ERR_BUSY, .retry_after_s = ISSUER_RETRY_AFTER_S});
        return;
    }
    struct issuer_job *job = issuer_job_of(item);
    job_open(issuer, job, request);
    enum err err = job_enter(issuer, job);
    if (err == ERR_OK)
        return;
    issuer_reply_error(issuer, job, err);
    release(issuer, item);
    flow_give_back(issuer->flow, item);
}

static int64_t http_turn(void *context, int64_t now_us)
{
    enum { AT_ONCE = 64 };
    struct issuer *issuer = context;
    struct http_request *request[AT_ONCE];
    (void)now_us;
    for (size_t n; !issuer->closing && (n = http_take(issuer->config.http, request, AT_ONCE)) > 0;)
        for (size_t i = 0; i < n; i++)
            accept(issuer, request[i]);
    return FLOW_NEVER_US;
}

static int64_t store_turn(void *context, int64_t now_us)
{
    enum { AT_ONCE = 64 };
    struct issuer *issuer = context;
    void *item[AT_ONCE];
    (void)now_us;
    for (size_t n; (n = queue_take(&issuer->done, item, AT_ONCE)) > 0;) {
        for (size_t i = 0; i < n; i++) {
            const struct issuer_owner *owner = ((struct store_batch *)item[i])->context;
            if (owner->round)
                issuer_round_stored(issuer, owner->round);
            else
                flow_arrive(issuer->flow, &owner->job->item);
        }
    }
    return FLOW_NEVER_US;
}

static int64_t due(int64_t at_us)
{
    return at_us > 0 ? at_us : FLOW_NEVER_US;
}

static int64_t reader_turn(void *context, int64_t now_us)
{
    struct issuer *issuer = context;
    return issuer->closing ? FLOW_NEVER_US : due(store_reader_turn(issuer->config.reader, now_us));
}

static int64_t hsm_turn(void *context, int64_t now_us)
{
    struct issuer *issuer = context;
    if (issuer->closing)
        return FLOW_NEVER_US;
    int64_t at_us = hostcmd_client_turn(issuer->config.hsm, now_us);
    while (issuer_answers_take(issuer) > 0) /* what is asked again has a deadline too */
        at_us = hostcmd_client_turn(issuer->config.hsm, now_us);
    return due(at_us);
}

static int64_t products_turn(void *context, int64_t now_us)
{
    struct issuer *issuer = context;
    return issuer->closing ? FLOW_NEVER_US : due(ledger_products_turn(issuer->products, issuer->config.reader, now_us));
}

static const struct flow_source sources[] = {
    {.name = "reader", .turn = reader_turn, .after = true},
    {.name = "store", .turn = store_turn},
    {.name = "hsm", .turn = hsm_turn, .after = true},
    {.name = "products", .turn = products_turn, .after = true},
    {.name = "http", .turn = http_turn},
};

/* Nothing of a request outlives it. */
static void release(void *context, struct flow_item *item)
{
    struct issuer *issuer = context;
    struct issuer_job *job = issuer_job_of(item);
    ASSERT(!job->request && !job->view.round);
    issuer_card_release(issuer, job);
    struct issuer_secret *secret = job->secret;
    struct arena arena = job->writing.arena;
    arena_reset(&arena);
    secret_wipe(secret, sizeof *secret);
    secret_wipe((uint8_t *)job + sizeof job->item, sizeof *job - sizeof job->item);
    job->secret = secret;
    job->writing.arena = arena;
}

enum err issuer_flow_create(struct issuer *issuer)
{
    const struct flow_config config = {
        .name = "issuer",
        .env = issuer->config.env,
        .stage = stages,
        .stages = STAGES,
        .source = sources,
        .sources = sizeof sources / sizeof sources[0],
        .items = issuer->job,
        .size = sizeof *issuer->job,
        .count = issuer->jobs,
        .release = release,
        .context = issuer,
    };
    return flow_create(&config, &issuer->flow);
}
