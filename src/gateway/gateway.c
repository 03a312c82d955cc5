/* SPDX-License-Identifier: Apache-2.0 */
/* The gateway's life, and what operators ask it. */
#include "gateway/internal.h"

#include "base/metric.h"
#include "net/net.h"

/* ---- life ---- */

static struct acquirer_link *link_named(void *context, struct span name)
{
    const struct gateway *g = context;
    for (size_t i = 0; i < g->config.link_count; i++)
        if (span_is(name, g->config.link[i].link.name))
            return g->link[i];
    return NULL;
}

static enum err create_reversals(struct gateway *g)
{
    const struct gateway_reversals_config config = {.env = g->parts.env,
                                                    .writer = g->parts.writer,
                                                    .reader = g->parts.reader,
                                                    .vault = g->parts.vault,
                                                    .loop = g->parts.loop,
                                                    .node = g->config.node,
                                                    .first_ms = g->config.reversal_first_ms,
                                                    .link = link_named,
                                                    .context = g};
    return gateway_reversals_create(&config, &g->reversals);
}

static enum err start_workers(struct gateway *g)
{
    const struct gateway_workers_config config = {.pool = {[GATEWAY_JOB_DECRYPT] = {g->config.workers, g->config.slots},
                                                           [GATEWAY_JOB_GENERATE] = {g->config.key_workers, GATEWAY_KEYS_QUEUED}},
                                                  .wake = net_loop_wake,
                                                  .wake_context = g->parts.loop};
    return gateway_workers_start(&config, &g->workers);
}

static enum err start(struct gateway *g)
{
    TRY(gateway_faces_check(&g->config.faces));
    TRY(gateway_merchants_create(&g->merchants));
    TRY(gateway_keyring_create(&g->keyring));
    TRY(gateway_claims_create(g->parts.env, &g->claims));
    TRY(start_workers(g));
    TRY(create_reversals(g));
    TRY(gateway_chores_load(g));
    return gateway_pipeline_create(g);
}

enum err gateway_create(const struct gateway_config *config, const struct gateway_parts *parts, struct gateway **out)
{
    void *at = NULL;
    TRY(memory_reserve(1, sizeof(struct gateway), &at));
    struct gateway *g = at;
    g->config = *config;
    g->parts = *parts;
    enum err err = start(g);
    if (err != ERR_OK)
        gateway_destroy(g);
    else
        *out = g;
    return err;
}

void gateway_destroy(struct gateway *g)
{
    if (!g)
        return;
    gateway_workers_stop(g->workers);
    for (size_t i = 0; i < GATEWAY_LINKS_MAX; i++)
        acquirer_destroy(g->link[i]);
    flow_destroy(g->flow);
    queue_destroy(&g->store_done);
    gateway_chores_destroy(g);
    gateway_reversals_destroy(g->reversals);
    gateway_claims_destroy(g->claims);
    gateway_keyring_destroy(g->keyring);
    gateway_merchants_destroy(g->merchants);
    for (size_t i = 0; g->slot && i < g->slots; i++)
        arena_destroy(&g->slot[i].arena);
    memory_release(g->slot, g->slots, sizeof(struct gateway_slot));
    secret_pages_destroy(&g->pages);
    memory_release(g, 1, sizeof *g);
}

int64_t gateway_turn(struct gateway *g)
{
    return flow_turn(g->flow);
}

/* ---- what operators ask ---- */

bool gateway_ready(const struct gateway *g)
{
    for (size_t i = 0; i < g->config.link_count; i++)
        if (acquirer_up(g->link[i]))
            return gateway_store_up(g);
    return false;
}

size_t gateway_busy(const struct gateway *g)
{
    return flow_busy(g->flow);
}

static void put_counters(const struct gateway *g, struct buf *out)
{
    const struct gateway_counters *c = &g->counters;
    const struct gateway_reversals_counts r = gateway_reversals_counts(g->reversals);
    const struct {
        const char *name, *help;
        uint64_t value;
    } rows[] = {
        {"gateway_requests_total", "requests taken", c->requests},
        {"gateway_answers_2xx_total", "answers with a payment or key", c->answers_2xx},
        {"gateway_answers_4xx_total", "answers that refuse the request", c->answers_4xx},
        {"gateway_answers_5xx_total", "answers that say we could not", c->answers_5xx},
        {"gateway_authentication_failures_total", "wrong key, MAC or time", c->authentication_failures},
        {"gateway_replays_total", "stored answers given again", c->replays},
        {"gateway_approvals_total", "approved by the processor", c->approvals},
        {"gateway_declines_total", "declined by the processor", c->declines},
        {"gateway_timeouts_total", "authorisations without an answer in time", c->timeouts},
        {"gateway_unrecognised_results_total", "code results outside their source's table", c->unrecognised},
        {"gateway_reversals_sent_total", "0400 and 0401 sent", r.sent},
        {"gateway_reversals_accepted_total", "reversals the issuer took", r.accepted},
        {"gateway_reversals_refused_total", "reversals the issuer refused", r.refused},
        {"gateway_reversals_abandoned_total", "reversals given up after a day", r.abandoned},
        {"gateway_store_failures_total", "batches the store did not take", c->store_failures},
        {"gateway_store_late_total", "of these, not back in time", c->store_late},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        metric_put(out, rows[i].name, rows[i].help, "counter", (int64_t)rows[i].value);
}

void gateway_metrics(const struct gateway *g, struct buf *out)
{
    put_counters(g, out);
    metric_put(out, "gateway_busy", "requests between accept and answer", "gauge", (int64_t)g->counters.busy);
    metric_put(out, "gateway_leaving", "requests that are answered and wait for the store", "gauge",
               (int64_t)(flow_busy(g->flow) - g->counters.busy));
    for (size_t i = 0; i < g->config.link_count; i++) {
        buf_put_text(out, "gateway_link_up{link=\"");
        buf_put_text(out, g->config.link[i].link.name);
        buf_put_text(out, acquirer_up(g->link[i]) ? "\"} 1\n" : "\"} 0\n");
    }
    flow_metrics(g->flow, out);
}
