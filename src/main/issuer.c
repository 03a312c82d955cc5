/* SPDX-License-Identifier: Apache-2.0 */
/* countersign issuer: wiring of the issuer's REST service. */
#include "service/service.h"
#include "main/services.h"
#include "service/hsm_link.h"
#include "service/names.h"
#include "hostcmd/layout_file.h"

#include "base/config.h"
#include "base/metric.h"
#include "issuer/issuer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GRACE_MS = 200, WRITER_CAP = 1024 };

struct settings {
    char store_url[256];
    char listen[64];
    char admin[64];
    char certificate_path[256];
    char key_path[256];
    int64_t threads;
    int64_t slots;
    int64_t connections;
    int64_t connections_per_address;
    struct service_hsm_link_settings hsm;
    int64_t hsm_ms;
    char keys_path[256];
    char vault_path[256];
    bool sandbox;
    char issuer_id[12];
    char client_id[49];
    char api_key[129];
    int64_t opening_balance;
    char currency[4];
};

/* clang-format off */
#define AT(member_) CONFIG_MEMBER(struct settings, member_)
static const struct config_row settings_rows[] = {
    {"store", "url", "sqlite:/path/ledger.db or postgres:...", CONFIG_TEXT, AT(store_url)},
    {"rest", "listen", "ADDR:PORT of the API", CONFIG_TEXT, AT(listen), .initial = "127.0.0.1:8081"},
    {"rest", "certificate", "PEM file; with key: TLS 1.2 and later", CONFIG_TEXT, AT(certificate_path), .initial = ""},
    {"rest", "key", "PEM file of the certificate's key", CONFIG_TEXT, AT(key_path), .initial = ""},
    {"rest", "threads", "threads that read and write connections", CONFIG_INTEGER, AT(threads), 1, 64, "2"},
    {"rest", "slots", "requests under way; more are answered 503", CONFIG_INTEGER, AT(slots), 8, 4096, "512"},
    {"rest", "connections", "open connections", CONFIG_INTEGER, AT(connections), 8, 20000, "1000"},
    {"rest", "connections_per_address", "of them from one address; 0: no limit of its own", CONFIG_INTEGER,
     AT(connections_per_address), 0, 20000, "0"},
    {"admin", "listen", "ADDR:PORT of /healthz /readyz /metrics; empty: none", CONFIG_TEXT, AT(admin), .initial = "127.0.0.1:9081"},
    SERVICE_HSM_LINK_ROWS(struct settings, hsm, "1024"),
    {"hsm", "timeout_ms", "deadline of one command", CONFIG_INTEGER, AT(hsm_ms), 10, 60000, "1500"},
    {"keys", "file", "INI file: HSM key names and their KEY texts", CONFIG_TEXT, AT(keys_path)},
    {"vault", "file", "key of the PAN vault", CONFIG_TEXT, AT(vault_path)},
    {"sandbox", "enabled", "API keys, and credentials in clear for clients without a key; never with real cards", CONFIG_BOOL,
     AT(sandbox), .initial = "false"},
    {"sandbox", "issuer_id", "issuer of the client below, 10 characters", CONFIG_TEXT, AT(issuer_id), .initial = "SANDBOX001"},
    {"sandbox", "client_id", "client with all roles, made at start", CONFIG_TEXT, AT(client_id), .initial = "sandbox"},
    {"sandbox", "api_key", "its X-Api-Key; empty: no client is made", CONFIG_TEXT, AT(api_key), .initial = ""},
    {"sandbox", "account_opening_balance_minor", "balance of the account that a registered card gets; -1: no account",
     CONFIG_INTEGER, AT(opening_balance), -1, 1000000000000, "1000000"},
    {"sandbox", "account_currency", "of that account, ISO 4217 digits", CONFIG_TEXT, AT(currency), .initial = "036"},
};
/* clang-format on */
const struct config_table main_issuer_settings = {settings_rows, sizeof settings_rows / sizeof settings_rows[0]};

/* ---- process ---- */

struct process {
    struct service_process base;
    struct settings settings;
    struct service_names keys_file;
    struct issuer_key key[SERVICE_NAMES_MAX];
    char host[COMMAND_HOST_MAX];
    struct service_hsm_link *hsm;
    struct store *reads;
    struct store_writer *writer;
    struct crypto_vault *vault;
    struct http *http;
    struct issuer *issuer;
};

static void quiesce(void *context)
{
    struct process *p = context;
    http_quiesce(p->http);
}

static void reload(void *context)
{
    struct process *p = context;
    service_hsm_link_reload(p->hsm);
}

static int64_t on_turn(void *context)
{
    struct process *p = context;
    return p->issuer ? issuer_turn(p->issuer) : NET_NEVER_US;
}

static bool is_busy(void *context)
{
    const struct process *p = context;
    return p->issuer && issuer_pending(p->issuer) > 0;
}

static bool is_ready(void *context)
{
    const struct process *p = context;
    return p->issuer && issuer_ready(p->issuer);
}

static void on_metrics(void *context, struct buf *out)
{
    const struct process *p = context;
    struct issuer_counters c = issuer_counters(p->issuer);
    metric_put(out, "countersign_issuer_requests_total", "requests taken", "counter", c.requests);
    metric_put(out, "countersign_issuer_displays_total", "credentials shown", "counter", c.displays);
    metric_put(out, "countersign_issuer_conflicts_total", "commits that lost against another", "counter", c.conflicts);
    metric_put(out, "countersign_issuer_skips_total", "counters skipped by the skip rule", "counter", c.skips);
    metric_put(out, "countersign_issuer_refused_total", "requests answered with a problem", "counter", c.refused);
    metric_put(out, "countersign_issuer_hsm_failures_total", "requests that no HSM served", "counter", c.hsm_failures);
    metric_put(out, "countersign_issuer_store_failures_total", "reads and commits that failed", "counter", c.store_failures);
    metric_put(out, "countersign_issuer_pending", "requests under way", "gauge", (int64_t)issuer_pending(p->issuer));
}

/* ---- start ---- */

static enum err store_connect(struct process *p)
{
    const struct settings *s = &p->settings;
    struct store *writes = NULL;
    TRY(store_open(s->store_url, &p->base.env, &writes));
    enum err err = store_migrate(writes, STORE_LEDGER);
    if (err == ERR_OK && s->sandbox && s->api_key[0])
        err = issuer_sandbox_client(writes, s->issuer_id, s->client_id, span_text(s->api_key));
    if (err == ERR_OK)
        err = store_writer_start(writes, &p->base.env, WRITER_CAP, &p->writer);
    if (err != ERR_OK)
        store_close(writes);
    TRY(err);
    return store_open(s->store_url, &p->base.env, &p->reads);
}

static enum err keys_load(struct process *p, struct net_problem *problem)
{
    TRY(service_names_load(p->settings.keys_path, "keys", &p->keys_file, problem));
    for (size_t i = 0; i < p->keys_file.count; i++) {
        memcpy(p->key[i].name, p->keys_file.row[i].name, sizeof p->key[i].name);
        memcpy(p->key[i].text, p->keys_file.row[i].text, sizeof p->key[i].text);
    }
    return ERR_OK;
}

static enum err rest_open(struct process *p, struct net_problem *problem)
{
    const struct settings *s = &p->settings;
    struct http_config config = {
        .threads = (uint16_t)s->threads,
        .connections = (uint32_t)s->connections,
        .connections_per_address = (uint32_t)s->connections_per_address,
        .slots = (uint32_t)s->slots,
        .certificate_path = s->certificate_path[0] ? s->certificate_path : NULL,
        .key_path = s->key_path,
        .wake = net_loop_wake,
        .wake_context = p->base.loop,
    };
    config.mount = issuer_mounts(&config.mount_count);
    enum err err = command_listen_split(s->listen, p->host, &config.port);
    config.address = p->host;
    if (err == ERR_OK)
        err = http_create(&config, &p->base.env, &p->http);
    if (err != ERR_OK)
        (void)snprintf(problem->text, sizeof problem->text, "cannot listen on %s", s->listen);
    return err;
}

static enum err network_connect(struct process *p, struct net_problem *problem)
{
    const struct settings *s = &p->settings;
    uint16_t admin_port = 0;
    TRY(service_loop_create(&p->base));
    TRY(service_hsm_link_create(&(struct service_hsm_link_config){p->base.loop, &p->base.env, &s->hsm}, &p->hsm, problem));
    TRY(service_admin_create(&p->base, s->admin, problem, &admin_port));
    return rest_open(p, problem);
}

static enum err start(void *context, struct net_problem *problem)
{
    struct process *p = context;
    const struct settings *s = &p->settings;
    struct hostcmd_profile layout;
    TRY(keys_load(p, problem));
    TRY(hostcmd_profile_load(s->hsm.layout, &layout, problem->text, sizeof problem->text));
    TRY(crypto_vault_open_file(s->vault_path, "ledger", &p->vault));
    TRY(store_connect(p));
    TRY(network_connect(p, problem));
    struct issuer_config config = {
        .env = &p->base.env,
        .http = p->http,
        .store = p->reads,
        .writer = p->writer,
        .hsm = service_hsm_link_client(p->hsm),
        .layout = &layout,
        .vault = p->vault,
        .key = p->key,
        .key_count = p->keys_file.count,
        .slots = (uint32_t)s->slots,
        .hsm_timeout_us = s->hsm_ms * 1000,
        .sandbox = s->sandbox,
        .account_opening_balance_minor = s->sandbox ? s->opening_balance : -1,
        .wake = net_loop_wake,
        .wake_context = p->base.loop,
    };
    memcpy(config.account_currency, s->currency, sizeof config.account_currency);
    TRY(issuer_create(&config, &p->issuer));
    if (s->sandbox)
        LOG(p->base.env.log, LOG_WARN, "issuer.sandbox",
            LOG_TEXT("warning", "credentials may leave in clear: never with real cards"));
    LOG(p->base.env.log, LOG_INFO, "issuer.started", LOG_TEXT("store", store_driver_name(p->reads)),
        LOG_INT("port", http_port(p->http)), LOG_TEXT("tls", s->certificate_path[0] ? "yes" : "no"));
    return ERR_OK;
}

/* The writer's last completions wake the loop and are answered; HTTP's threads wake it until they end. No turn runs after the
 * writer: a request on a kept connection would still start, and commit to what is gone. */
static void stop(void *context)
{
    struct process *p = context;
    store_writer_stop(p->writer);
    if (p->issuer) {
        issuer_destroy(p->issuer);
        p->issuer = NULL;
    }
    if (p->http)
        http_destroy(p->http);
    if (p->base.loop)
        net_loop_destroy(p->base.loop);
    service_hsm_link_destroy(p->hsm);
    store_close(p->reads);
    if (p->vault)
        crypto_vault_close(p->vault);
}

static const struct service service = {
    .command =
        {
            .service = "issuer",
            .doc = "Card products, registration and the credentials a holder is shown.",
            .table = &main_issuer_settings,
        },
    .start = start,
    .stop = stop,
    .quiesce = quiesce,
    .turn = on_turn,
    .reload = reload,
    .busy = is_busy,
    .ready = is_ready,
    .metrics = on_metrics,
    .grace_ms = GRACE_MS,
};

int main_issuer(int argc, char **argv)
{
    static struct process process;
    return service_main(&service, argc, argv, &process.base, &process.settings);
}
