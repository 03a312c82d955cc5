/* SPDX-License-Identifier: Apache-2.0 */
/* The table of stages and the one loop that runs it. */
#include "gateway/internal.h"

#include <string.h>

#define BIT(stage_) (1u << STAGE_##stage_)

static const struct stage_row {
    const char *name;
    enum step (*run)(struct gateway *g, struct slot *slot);
} stages[STAGE_COUNT] = {
    [STAGE_AUTHENTICATE] = {"authenticate", front_authenticate},
    [STAGE_PARSE] = {"parse", front_parse},
    [STAGE_DECRYPT] = {"decrypt", front_decrypt},
    [STAGE_VALIDATE] = {"validate", front_validate},
    [STAGE_ROUTE] = {"route", route_choose},
    [STAGE_CLAIM] = {"claim", record_claim},
    [STAGE_KEYS] = {"keys", keys_work},
    [STAGE_AUTHORISE] = {"authorise", outcome_authorise},
    [STAGE_NORMALISE] = {"normalise", outcome_normalise},
    [STAGE_EVALUATE] = {"evaluate", outcome_evaluate},
    [STAGE_WRITE] = {"write", record_write},
    [STAGE_RECORD] = {"record", record_commit},
    [STAGE_ANSWER] = {"answer", record_answer},
};

/* Which stages each call goes through. */
enum {
    PATH_PAYMENT = BIT(AUTHENTICATE) | BIT(PARSE) | BIT(DECRYPT) | BIT(VALIDATE) | BIT(ROUTE) | BIT(CLAIM) | BIT(AUTHORISE) |
                   BIT(NORMALISE) | BIT(EVALUATE) | BIT(WRITE) | BIT(RECORD) | BIT(ANSWER),
    PATH_GENERATE = BIT(AUTHENTICATE) | BIT(PARSE) | BIT(CLAIM) | BIT(KEYS) | BIT(WRITE) | BIT(RECORD) | BIT(ANSWER),
    PATH_REVOKE = BIT(AUTHENTICATE) | BIT(PARSE) | BIT(KEYS) | BIT(WRITE) | BIT(ANSWER),
};
static const uint32_t paths[] = {
    [COMMERCEHUB_VERIFICATION] = PATH_PAYMENT,
    [COMMERCEHUB_CHARGES] = PATH_PAYMENT,
    [COMMERCEHUB_KEYS_GENERATE] = PATH_GENERATE,
    [COMMERCEHUB_KEYS_REVOKE] = PATH_REVOKE,
};

/* ---- routes ---- */

/* clang-format off */
#define CALL(path_, call_, doc_) {.method = HTTP_POST, .path = path_, .handler = COMMERCEHUB_##call_, .doc = doc_}
/* clang-format on */
static const struct http_route routes[] = {
    CALL("/payments-vas/v1/accounts/verification", VERIFICATION, "checks card and security code; no charge"),
    CALL("/payments/v1/accounts/verification", VERIFICATION, "the same, under the address of the published guide"),
    CALL("/payments/v1/charges", CHARGES, "authorises, or sells (captureFlag true, the default)"),
    CALL("/security/v1/keys/generate", KEYS_GENERATE, "makes an RSA key for the encryption block"),
    CALL("/security/v1/keys/{keyId}/revoke", KEYS_REVOKE, "revokes it and destroys its private half"),
};
static const char busy_body[] = "{\"gatewayResponse\":{\"transactionProcessingDetails\":{}},\"error\":[{\"type\":\"APIM\","
                                "\"code\":\"712\",\"message\":\"Service Unavailable\"}]}";
enum { ROUTES = sizeof routes / sizeof routes[0] };
static const struct http_mount mounts[] = {
    {"", routes, ROUTES, busy_body, "application/json"},
    {"/ch", routes, ROUTES, busy_body, "application/json"},
};

const struct http_mount *gateway_mounts(size_t *count)
{
    *count = sizeof mounts / sizeof mounts[0];
    return mounts;
}

/* ---- the loop ---- */

void pipeline_push(struct gateway *g, struct slot *slot)
{
    ASSERT(g->waiting_count[slot->stage] < g->config.slots);
    g->waiting[slot->stage][g->waiting_count[slot->stage]++] = slot;
}

enum step pipeline_fault(struct slot *slot, enum gateway_fault_id id, const char *field)
{
    gateway_fault_add(&slot->faults, id, field);
    return STEP_WRITE;
}

static void move(struct gateway *g, struct slot *slot, enum stage stage)
{
    while (!(slot->path & 1u << stage))
        stage++;
    slot->stage = stage;
    slot->phase = 0;
    pipeline_push(g, slot);
}

/* An answered slot is ready for its next request: nothing of this one stays. */
static void release(struct gateway *g, struct slot *slot)
{
    struct arena arena = slot->arena;
    struct slot_secret *secret = slot->secret;
    arena_reset(&arena);
    secret_wipe(&secret->payment, sizeof secret->payment);
    secret_wipe(&secret->request, sizeof secret->request);
    gateway_job_wipe(&secret->job);
    memset(slot, 0, sizeof *slot);
    slot->arena = arena;
    slot->secret = secret;
    g->busy--;
}

static void run_stage(struct gateway *g, enum stage stage)
{
    size_t count = g->waiting_count[stage];
    g->waiting_count[stage] = 0;
    for (size_t i = 0; i < count; i++) {
        /* What a stage puts back to itself lands before i: never over an item that is still to come. */
        struct slot *slot = g->waiting[stage][i];
        switch (stages[stage].run(g, slot)) {
        case STEP_NEXT:
            move(g, slot, stage + 1);
            break;
        case STEP_WRITE:
            move(g, slot, STAGE_WRITE);
            break;
        case STEP_ANSWER:
            move(g, slot, STAGE_ANSWER);
            break;
        case STEP_WAIT:
        default:
            if (!slot->http)
                release(g, slot);
            break;
        }
    }
}

void pipeline_run(struct gateway *g)
{
    for (unsigned stage = 0; stage < STAGE_COUNT; stage++)
        while (g->waiting_count[stage] > 0)
            run_stage(g, (enum stage)stage);
}

static void accept(struct gateway *g, struct http_request *http)
{
    ASSERT(http->index < g->config.slots);
    struct slot *slot = &g->slot[http->index];
    ASSERT(!slot->http);
    char id[37];
    env_uuid(g->parts.env, id);
    for (size_t from = 0, to = 0; from < 36; from++) /* ids sort by time and have no dashes on this face */
        if (id[from] != '-')
            slot->trace_id[to++] = id[from];
    slot->http = http;
    slot->call = http->route ? (enum commercehub_call)http->route->handler : COMMERCEHUB_CHARGES;
    slot->path = paths[slot->call];
    slot->merchant = GATEWAY_NO_MERCHANT;
    slot->now_ms = env_wall_ms(g->parts.env);
    slot->stage = STAGE_AUTHENTICATE;
    g->busy++;
    g->counters.requests++;
    pipeline_push(g, slot);
}

void pipeline_take(struct gateway *g)
{
    struct http_request *batch[64];
    size_t count;
    while ((count = http_take(g->parts.http, batch, 64)) > 0)
        for (size_t i = 0; i < count; i++)
            accept(g, batch[i]);
}
