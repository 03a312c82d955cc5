/* SPDX-License-Identifier: Apache-2.0 */
/* The life of the issuer, and what operators ask. */
#include "base/metric.h"
#include "crypto/mac.h"
#include "issuer/internal.h"
#include "store/error.h"

#include <string.h>

enum { UNIT_ARENA = 64 * 1024, ROUND_ARENA = 1024 * 1024, LEAVING = 64 /* answered jobs whose batch is still out */ };
static const int64_t store_timeout_us = 3000000;

static enum err jobs_create(struct issuer *issuer)
{
    void *at = NULL;
    issuer->jobs = issuer->config.slots + LEAVING;
    TRY(memory_reserve(issuer->jobs, sizeof(struct issuer_job), &at));
    issuer->job = at;
    TRY(secret_pages_create(issuer->jobs * sizeof(struct issuer_secret), &issuer->pages));
    struct issuer_secret *secret = issuer->pages.at;
    for (size_t i = 0; i < issuer->jobs; i++) {
        issuer->job[i].secret = &secret[i];
        TRY(arena_create(&issuer->job[i].writing.arena, UNIT_ARENA));
    }
    if (!issuer->pages.locked)
        LOG(issuer->config.env->log, LOG_WARN, "issuer.memory_not_locked", LOG_TEXT("see", "RLIMIT_MEMLOCK"));
    return ERR_OK;
}

static enum err rounds_create(struct issuer *issuer)
{
    for (size_t i = 0; i < ISSUER_ROUNDS; i++) {
        struct issuer_round *round = &issuer->round[i];
        TRY(arena_create(&round->arena, ROUND_ARENA));
        round->owner.round = round;
        round->next = issuer->free_round;
        issuer->free_round = round;
    }
    return ERR_OK;
}

static enum err parts_create(struct issuer *issuer)
{
    const struct issuer_config *config = &issuer->config;
    TRY(ledger_products_create(&issuer->products));
    TRY(jobs_create(issuer));
    TRY(rounds_create(issuer));
    TRY(queue_create(&issuer->done, issuer->jobs + ISSUER_ROUNDS, config->wake, config->wake_context));
    return issuer_flow_create(issuer);
}

static void parts_destroy(struct issuer *issuer)
{
    flow_destroy(issuer->flow);
    for (size_t i = 0; issuer->job && i < issuer->jobs && issuer->job[i].writing.arena.at; i++)
        arena_destroy(&issuer->job[i].writing.arena);
    for (size_t i = 0; i < ISSUER_ROUNDS && issuer->round[i].arena.at; i++)
        arena_destroy(&issuer->round[i].arena);
    memory_release(issuer->job, issuer->jobs, sizeof(struct issuer_job));
    secret_pages_destroy(&issuer->pages);
    ledger_products_destroy(issuer->products);
    queue_destroy(&issuer->done);
}

enum err issuer_create(const struct issuer_config *config, struct issuer **out)
{
    void *at = NULL;
    TRY(memory_reserve(1, sizeof(struct issuer), &at));
    struct issuer *issuer = at;
    issuer->config = *config;
    if (issuer->config.store_timeout_us == 0)
        issuer->config.store_timeout_us = store_timeout_us;
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

static void close_one(void *context, struct flow_item *item)
{
    if (issuer_job_of(item)->request)
        issuer_reply_error(context, issuer_job_of(item), ERR_CLOSED);
}

/* What the writer finished while it was stopped is answered as it is. */
void issuer_destroy(struct issuer *issuer)
{
    issuer->closing = true;
    (void)flow_turn(issuer->flow);
    flow_each(issuer->flow, close_one, issuer);
    parts_destroy(issuer);
    memory_release(issuer, 1, sizeof *issuer);
}

int64_t issuer_turn(struct issuer *issuer)
{
    int64_t next_us = flow_turn(issuer->flow);
    return next_us == FLOW_NEVER_US ? 0 : next_us;
}

bool issuer_ready(const struct issuer *issuer)
{
    const struct ledger_products *products = issuer->products;
    bool store =
        store_reader_up(issuer->config.reader) && ledger_products_read_us(products) > 0 && ledger_products_err(products) == ERR_OK;
    return store && hostcmd_client_ready(issuer->config.hsm);
}

enum err issuer_store_err(const struct issuer *issuer)
{
    return ledger_products_err(issuer->products);
}

size_t issuer_pending(const struct issuer *issuer)
{
    return issuer->pending;
}

struct issuer_counters issuer_counters(const struct issuer *issuer)
{
    return issuer->counters;
}

void issuer_metrics(const struct issuer *issuer, struct buf *out)
{
    const struct issuer_counters *c = &issuer->counters;
    const struct {
        const char *name, *help;
        int64_t value;
    } rows[] = {
        {"countersign_issuer_requests_total", "requests taken", c->requests},
        {"countersign_issuer_displays_total", "credentials shown", c->displays},
        {"countersign_issuer_conflicts_total", "commits that lost against another", c->conflicts},
        {"countersign_issuer_skips_total", "counters skipped by the skip rule", c->skips},
        {"countersign_issuer_refused_total", "requests answered with a problem", c->refused},
        {"countersign_issuer_hsm_failures_total", "requests that no HSM served", c->hsm_failures},
        {"countersign_issuer_store_failures_total", "reads and commits that failed", c->store_failures},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        metric_put(out, rows[i].name, rows[i].help, "counter", rows[i].value);
    metric_put(out, "countersign_issuer_pending", "requests under way", "gauge", (int64_t)issuer->pending);
    flow_metrics(issuer->flow, out);
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
