/* SPDX-License-Identifier: Apache-2.0 */
/* The reading stage: one round trip to the store for a batch of requests; then who asks, and whether they may. */
#include "crypto/mac.h"
#include "http/error.h"
#include "issuer/error.h"
#include "issuer/internal.h"

#include <string.h>

enum { OPS_PER_JOB = 3, API_KEY_MAX = 128, CARD_TEXT_MAX = LEDGER_ID - 1 };
static const int64_t hour_ms = 3600 * 1000;

static const struct {
    const char *name;
    enum role role;
} role_name[] = {
    {"cards", ROLE_CARDS},       {"display", ROLE_DISPLAY},   {"read", ROLE_READ},
    {"products", ROLE_PRODUCTS}, {"operator", ROLE_OPERATOR}, {"keys", ROLE_KEYS},
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

static enum err key_hash(const struct job *job, uint8_t out[static CRYPTO_DIGEST_SHA256])
{
    struct span key = http_header(job->request, "X-Api-Key");
    if (key.len > API_KEY_MAX)
        key.len = 0; /* no key is that long; the lookup finds nothing and costs the same */
    return crypto_digest_sha256(key, out);
}

/* An unknown key is compared as well, with zeros. */
static enum err authenticate(const struct issuer *issuer, struct job *job, struct ledger_unit *unit)
{
    struct ledger_client none = {0};
    uint8_t hash[CRYPTO_DIGEST_SHA256];
    bool found = ledger_take_client(unit, job->at_client, &job->client);
    if (!found)
        job->client = none;
    if (http_header(job->request, "X-Api-Key").len == 0)
        return http_header(job->request, "Authorization").len > 0 ? ERR_AUTHENTICATION : HTTP_ERR_NO_TOKEN;
    if (!issuer->config.sandbox)
        return ISSUER_ERR_SANDBOX_ONLY;
    TRY(key_hash(job, hash));
    bool same = secret_equal(hash, job->client.api_key_hash.at, sizeof hash);
    bool active = strcmp(job->client.status, "active") == 0;
    if (!found || !same || job->client.api_key_hash.len != sizeof hash || !active)
        return ERR_AUTHENTICATION;
    return ERR_OK;
}

static enum err authorise(const struct job *job)
{
    if (!span_is(http_parameter(job->request, "issuerId"), job->client.issuer_id))
        return ISSUER_ERR_WRONG_ISSUER;
    uint32_t needed = job->request->route->roles;
    return (roles_read(job->client.roles) & needed) == needed ? ERR_OK : ISSUER_ERR_MISSING_ROLE;
}

/* ---- reading ---- */

static void add_card(struct job *job, struct ledger_unit *unit)
{
    job->at_card = ledger_get_card(unit, job->card_id); /* an impossible id is empty and finds nothing */
    if ((job->operation->needs & NEED_DISPLAYS) != 0)
        job->at_displays = ledger_get_displays_since(unit, job->card_id, job->now - hour_ms);
}

static enum err add_reads(struct job *job, struct ledger_unit *unit)
{
    uint8_t hash[CRYPTO_DIGEST_SHA256];
    TRY(key_hash(job, hash));
    job->at_client = ledger_get_client_by_api_key(unit, hash);
    if ((job->operation->needs & NEED_CARD) != 0)
        add_card(job, unit);
    return ERR_OK;
}

/* Runs a unit that only reads, on this thread. */
static enum err read_run(struct issuer *issuer, struct ledger_unit *unit)
{
    enum err err = ledger_unit_run(unit, issuer->config.store);
    issuer->store_good = err == ERR_OK;
    issuer->counters.store_failures += err != ERR_OK;
    return err;
}

static enum err product_find(struct issuer *issuer, struct job *job)
{
    const struct ledger_product *product = ledger_products_find(issuer->products, job->card.card.product_id);
    if (!product)
        return ISSUER_ERR_PRODUCT_NOT_FOUND;
    job->product = *product;
    job->static_only = product->mode == LEDGER_STATIC || !job->card.card.enrolled;
    return ERR_OK;
}

static enum err take_reads(struct issuer *issuer, struct job *job, struct ledger_unit *unit)
{
    TRY(authenticate(issuer, job, unit));
    TRY(authorise(job));
    if ((job->operation->needs & NEED_CARD) == 0)
        return ERR_OK;
    if (!ledger_take_card(unit, job->at_card, &job->card))
        return ISSUER_ERR_CARD_NOT_FOUND;
    if (strcmp(job->card.card.issuer_id, job->client.issuer_id) != 0) {
        memset(&job->card, 0, sizeof job->card);
        return ISSUER_ERR_CARD_NOT_FOUND;
    }
    if ((job->operation->needs & NEED_DISPLAYS) != 0)
        job->displays = ledger_take_displays(unit, job->at_displays, &job->first_display_at);
    return (job->operation->needs & NEED_PRODUCT) != 0 ? product_find(issuer, job) : ERR_OK;
}

/* ---- keys of the clients that passed ---- */

static bool key_live(const struct ledger_client_key *key, int64_t now)
{
    return key->revoked_at == 0 && key->not_before <= now && now < key->not_after;
}

/* Newest first: the first live encryption key is the one to use. */
static void take_keys(struct job *job, struct ledger_unit *unit)
{
    size_t count = ledger_found(unit, job->at_keys);
    for (size_t row = 0; row < count; row++) {
        struct ledger_client_key key;
        if (!ledger_take_client_key(unit, job->at_keys, row, &key) || !key_live(&key, job->now))
            continue;
        if (key.use == LEDGER_KEY_ENC && !job->key.kid[0])
            job->key = key;
        if (job->known_count < sizeof job->known / sizeof job->known[0])
            job->known[job->known_count++] = key;
    }
}

static void start(struct issuer *issuer, struct job *job)
{
    enum next next = NEXT_REPLIED;
    enum err err = job->operation->start(issuer, job, &next);
    issuer_go_on(issuer, job, err, next);
}

static void start_all(struct issuer *issuer, struct job *const *job, size_t count)
{
    struct ledger_unit unit;
    size_t asked = 0;
    arena_reset(&issuer->read_arena);
    ledger_unit_begin(&unit, count, &issuer->read_arena);
    for (size_t i = 0; i < count; i++) {
        if ((job[i]->operation->needs & NEED_KEYS) == 0)
            continue;
        job[i]->at_keys = ledger_get_client_keys(&unit, job[i]->client.client_id);
        asked++;
    }
    enum err err = asked > 0 ? read_run(issuer, &unit) : ERR_OK;
    for (size_t i = 0; i < count && err == ERR_OK; i++) /* before any of them starts and reads on its own */
        if ((job[i]->operation->needs & NEED_KEYS) != 0)
            take_keys(job[i], &unit);
    for (size_t i = 0; i < count; i++) {
        if (err != ERR_OK && (job[i]->operation->needs & NEED_KEYS) != 0)
            issuer_go_on(issuer, job[i], err, NEXT_REPLIED);
        else
            start(issuer, job[i]);
    }
}

static void job_begin(struct issuer *issuer, struct job *job)
{
    job->stage = JOB_LOADING;
    job->now = env_wall_ms(issuer->config.env);
    job->asks = 0;
    job->hsm_err = ERR_OK;
    job->skips = 0;
    job->journaled = false;
    job->cvv_expires_at = 0;
    job->known_count = 0;
    memset(&job->key, 0, sizeof job->key);
    memset(&job->card, 0, sizeof job->card);
}

static void load(struct issuer *issuer, struct job *const *job, size_t count)
{
    struct job *good[TURN_BATCH];
    size_t good_count = 0;
    struct ledger_unit unit;
    arena_reset(&issuer->read_arena);
    ledger_unit_begin(&unit, count * OPS_PER_JOB, &issuer->read_arena);
    enum err err = ERR_OK;
    for (size_t i = 0; i < count && err == ERR_OK; i++) {
        job_begin(issuer, job[i]);
        err = add_reads(job[i], &unit);
    }
    if (err == ERR_OK)
        err = read_run(issuer, &unit);
    for (size_t i = 0; i < count; i++) {
        enum err own = err == ERR_OK ? take_reads(issuer, job[i], &unit) : err;
        if (own == ERR_OK)
            good[good_count++] = job[i];
        else
            issuer_go_on(issuer, job[i], own, NEXT_REPLIED);
    }
    start_all(issuer, good, good_count);
}

void issuer_load(struct issuer *issuer, struct job *const *job, size_t count)
{
    struct job *free_to_go[TURN_BATCH];
    size_t free_count = 0;
    for (size_t i = 0; i < count; i++)
        if (issuer_card_hold(issuer, job[i]))
            free_to_go[free_count++] = job[i];
    if (free_count > 0)
        load(issuer, free_to_go, free_count);
}
