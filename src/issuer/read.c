/* SPDX-License-Identifier: Apache-2.0 */
/* The reading stages: one round trip to the store for a batch of requests; then who asks, and whether they may. */
#include "crypto/mac.h"
#include "http/error.h"
#include "issuer/error.h"
#include "issuer/internal.h"
#include "store/error.h"

#include <string.h>

enum { OPS_PER_JOB = 3, API_KEY_MAX = 128 };
static const int64_t hour_ms = 3600 * 1000;
static const int64_t pause_us = 1000; /* until another round may be free */

static const struct {
    const char *name;
    enum issuer_role role;
} role_name[] = {
    {"cards", ISSUER_CARDS},       {"display", ISSUER_DISPLAY},   {"read", ISSUER_READER},
    {"products", ISSUER_PRODUCTS}, {"operator", ISSUER_OPERATOR}, {"keys", ISSUER_KEYS},
};

static uint32_t roles_read(const char *text)
{
    uint32_t roles = 0;
    while (*text) {
        size_t len = strcspn(text, " ");
        for (size_t i = 0; i < sizeof role_name / sizeof role_name[0]; i++)
            if (span_is(span_of(text, len), role_name[i].name))
                roles |= role_name[i].role;
        text += len + (text[len] == ' ');
    }
    return roles;
}

/* ---- who asks ---- */

enum err issuer_key_hash(struct issuer_job *job)
{
    struct span key = http_header(job->request, "X-Api-Key");
    if (key.len > API_KEY_MAX)
        key.len = 0; /* no key is that long; the lookup finds nothing and costs the same */
    return crypto_digest_sha256(key, job->key_hash);
}

/* An unknown key is compared as well, with zeros. */
static enum err authenticate(const struct issuer *issuer, struct issuer_job *job, struct ledger_unit *unit)
{
    struct ledger_client none = {0};
    bool found = ledger_take_client(unit, job->view.at_client, &job->caller.client);
    if (!found)
        job->caller.client = none;
    if (http_header(job->request, "X-Api-Key").len == 0)
        return http_header(job->request, "Authorization").len > 0 ? ERR_AUTHENTICATION : HTTP_ERR_NO_TOKEN;
    if (!issuer->config.sandbox)
        return ISSUER_ERR_SANDBOX_ONLY;
    bool same = secret_equal(job->key_hash, job->caller.client.api_key_hash.at, sizeof job->key_hash);
    bool active = strcmp(job->caller.client.status, "active") == 0;
    if (!found || !same || job->caller.client.api_key_hash.len != sizeof job->key_hash || !active)
        return ERR_AUTHENTICATION;
    return ERR_OK;
}

static enum err authorise(const struct issuer_job *job)
{
    if (!span_is(http_parameter(job->request, "issuerId"), job->caller.client.issuer_id))
        return ISSUER_ERR_WRONG_ISSUER;
    uint32_t needed = job->request->route->roles;
    return (roles_read(job->caller.client.roles) & needed) == needed ? ERR_OK : ISSUER_ERR_MISSING_ROLE;
}

/* ---- rounds ---- */

/* A job is out of the round: its rows are copied, or it needs none. */
static void round_leave(struct issuer *issuer, struct issuer_job *job)
{
    struct issuer_round *round = job->view.round;
    ASSERT(round && round->left > 0);
    job->view.round = NULL;
    if (--round->left > 0)
        return;
    arena_reset(&round->arena);
    round->next = issuer->free_round;
    issuer->free_round = round;
}

static struct issuer_round *round_begin(struct issuer *issuer, size_t ops)
{
    struct issuer_round *round = issuer->free_round;
    if (!round)
        return NULL;
    issuer->free_round = round->next;
    round->next = NULL;
    round->count = 0;
    ledger_unit_begin(&round->unit, ops, &round->arena);
    return round;
}

static void round_add(struct issuer_round *round, struct issuer_job *job)
{
    ASSERT(round->count < FLOW_BATCH_MAX && !job->view.round);
    job->view.round = round;
    round->job[round->count++] = job;
}

/* The round goes to the reader, whose deadline brings it back. What cannot go comes back at once, with the error. */
static void round_submit(struct issuer *issuer, struct issuer_round *round)
{
    struct store_batch *batch = NULL;
    round->left = round->count;
    for (size_t i = 0; i < round->count; i++)
        flow_await(&round->job[i]->item);
    enum err err = ledger_unit_batch(&round->unit, &batch);
    if (err == ERR_OK) {
        batch->done = &issuer->done;
        batch->context = &round->owner;
        err = issuer_reader_submit(issuer, batch);
    }
    for (size_t i = 0; i < round->count; i++)
        flow_wait(&round->job[i]->item, 0);
    if (err == ERR_OK)
        return;
    round->unit.batch.err = err == ERR_BUSY ? STORE_ERR_UNAVAILABLE : err;
    issuer_round_stored(issuer, round);
}

void issuer_round_stored(struct issuer *issuer, struct issuer_round *round)
{
    enum err err = round->unit.batch.err;
    issuer->counters.store_failures += err != ERR_OK;
    for (size_t i = 0; i < round->count; i++)
        flow_arrive(issuer->flow, &round->job[i]->item);
}

static void pause_all(struct issuer *issuer, struct flow_item *const *item, size_t count)
{
    for (size_t i = 0; i < count; i++)
        flow_wait_at(item[i], item[i]->stage, flow_now_us(issuer->flow) + pause_us);
}

/* ---- client, card, displays ---- */

static void job_begin(struct issuer *issuer, struct issuer_job *job)
{
    job->now = env_wall_ms(issuer->config.env);
    job->asking = (struct issuer_asking){.err = ERR_OK};
    job->times = (struct issuer_times){0};
    job->writing.journaled = false;
    job->caller.known_count = 0;
    memset(&job->caller.key, 0, sizeof job->caller.key);
    memset(&job->view.card, 0, sizeof job->view.card);
}

/* Cards are looked for among those of the client's issuer, whatever the path says: what is read, and how long that takes, tells a
 * client nothing of other issuers. */
static void add_reads(struct issuer_job *job, struct ledger_unit *unit)
{
    struct issuer_view *view = &job->view;
    view->at_client = ledger_get_client_by_api_key(unit, job->key_hash);
    if (job->operation->needs & ISSUER_NEED_CARD) /* an impossible id is empty and finds nothing */
        view->at_card = ledger_get_card_of_client(unit, job->key_hash, job->reference);
    if (job->operation->needs & ISSUER_NEED_DISPLAYS)
        view->at_displays = ledger_get_displays_since(unit, job->key_hash, job->reference, job->now - hour_ms);
}

void issuer_read_stage(void *context, struct flow_item *const *item, size_t count)
{
    struct issuer *issuer = context;
    struct issuer_round *round = round_begin(issuer, count * OPS_PER_JOB);
    if (!round) {
        pause_all(issuer, item, count);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        struct issuer_job *job = issuer_job_of(item[i]);
        job_begin(issuer, job);
        round_add(round, job);
        add_reads(job, &round->unit);
    }
    round_submit(issuer, round);
}

static enum err product_find(struct issuer *issuer, struct issuer_job *job)
{
    struct issuer_view *view = &job->view;
    const struct ledger_product *product =
        ledger_products_find(issuer->products, view->card.card.issuer_id, view->card.card.product_id);
    if (!product)
        return ISSUER_ERR_PRODUCT_NOT_FOUND;
    view->product = *product;
    view->static_only = product->mode == LEDGER_STATIC || !view->card.card.enrolled;
    return ERR_OK;
}

static enum err take_reads(struct issuer *issuer, struct issuer_job *job, struct ledger_unit *unit)
{
    struct issuer_view *view = &job->view;
    unsigned needs = job->operation->needs;
    TRY(unit->batch.err);
    TRY(authenticate(issuer, job, unit));
    TRY(authorise(job));
    if (!(needs & ISSUER_NEED_CARD))
        return ERR_OK;
    if (!ledger_take_card(unit, view->at_card, &view->card))
        return ISSUER_ERR_CARD_NOT_FOUND;
    if (needs & ISSUER_NEED_DISPLAYS)
        view->displays = ledger_take_displays(unit, view->at_displays, &view->first_display_at);
    return needs & ISSUER_NEED_PRODUCT ? product_find(issuer, job) : ERR_OK;
}

void issuer_admit_stage(void *context, struct flow_item *const *item, size_t count)
{
    struct issuer *issuer = context;
    for (size_t i = 0; i < count; i++) {
        struct issuer_job *job = issuer_job_of(item[i]);
        enum err err = take_reads(issuer, job, &job->view.round->unit);
        round_leave(issuer, job);
        if (err == ERR_OK)
            flow_next(item[i]);
        else
            issuer_go_on(issuer, job, err, ISSUER_REPLIED);
    }
}

/* ---- keys of the clients that passed ---- */

void issuer_keys_stage(void *context, struct flow_item *const *item, size_t count)
{
    struct issuer *issuer = context;
    struct issuer_round *round = round_begin(issuer, count);
    if (!round) {
        pause_all(issuer, item, count);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        struct issuer_job *job = issuer_job_of(item[i]);
        round_add(round, job);
        job->view.at_keys = ledger_get_client_keys(&round->unit, job->caller.client.client_id);
    }
    round_submit(issuer, round);
}

static bool key_live(const struct ledger_client_key *key, int64_t now)
{
    return key->revoked_at == 0 && key->not_before <= now && now < key->not_after;
}

/* Newest first: the first live encryption key is the one to use. */
static enum err take_keys(struct issuer_job *job, struct ledger_unit *unit)
{
    struct issuer_caller *caller = &job->caller;
    TRY(unit->batch.err);
    size_t count = ledger_found(unit, job->view.at_keys);
    for (size_t row = 0; row < count; row++) {
        struct ledger_client_key key;
        if (!ledger_take_client_key(unit, job->view.at_keys, row, &key) || !key_live(&key, job->now))
            continue;
        if (key.use == LEDGER_KEY_ENC && !caller->key.kid[0])
            caller->key = key;
        if (caller->known_count < ISSUER_KNOWN_KEYS)
            caller->known[caller->known_count++] = key;
    }
    return ERR_OK;
}

void issuer_keyed_stage(void *context, struct flow_item *const *item, size_t count)
{
    struct issuer *issuer = context;
    for (size_t i = 0; i < count; i++) {
        struct issuer_job *job = issuer_job_of(item[i]);
        enum err err = take_keys(job, &job->view.round->unit);
        round_leave(issuer, job);
        if (err == ERR_OK)
            flow_next(item[i]);
        else
            issuer_go_on(issuer, job, err, ISSUER_REPLIED);
    }
}
