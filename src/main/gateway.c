/* SPDX-License-Identifier: Apache-2.0 */
/* countersign gateway: the merchants' side. */
#include "gateway/gateway.h"

#include "base/config.h"
#include "base/secret.h"
#include "crypto/vault.h"
#include "gateway/seed.h"
#include "http/http.h"
#include "service/service.h"
#include "main/services.h"
#include "service/names.h"
#include "store/writer.h"

#include <stdio.h>
#include <string.h>

enum { GRACE_MS = 5000, WRITER_CAP = 4096 };

struct settings {
    char store_url[320];
    char admin[64];
    char vault_path[256];
    char listen[64];
    int64_t threads, connections, slots, workers, clock_s, key_days, reversal_ms;
    char certificate_path[256];
    char key_path[256];
    char node[24];
    struct gateway_link_config visa, eftpos;
    char bins[1024];
    char merchants_path[256];
};

#define AT(member_) CONFIG_MEMBER(struct settings, member_)
/* clang-format off */
#define LINK(name_, port_, profile_, extract_, result_, fixed_, points_, ceiling_) \
    {"link", #name_ ".address", "numeric address of the network", CONFIG_TEXT, AT(name_.link.address), .initial = "127.0.0.1"}, \
    {"link", #name_ ".port", "0: the link is not used", CONFIG_INTEGER, AT(name_.link.port), 0, 65535, port_}, \
    {"link", #name_ ".profile", "ISO 8583 profile", CONFIG_TEXT, AT(name_.link.profile), .initial = profile_}, \
    {"link", #name_ ".extract", "where the code travels", CONFIG_TEXT, AT(name_.link.extract), .initial = extract_}, \
    {"link", #name_ ".result", "where its result comes back", CONFIG_TEXT, AT(name_.link.result), .initial = result_}, \
    {"link", #name_ ".acquirer", "DE32", CONFIG_TEXT, AT(name_.link.acquirer), .initial = "400123"}, \
    {"link", #name_ ".in_flight", "most requests outstanding", CONFIG_INTEGER, AT(name_.link.in_flight), 1, 3968, "2048"}, \
    {"link", #name_ ".timeout_ms", "of an authorisation", CONFIG_INTEGER, AT(name_.link.timeout_ms), 50, 60000, "10000"}, \
    {"link", #name_ ".fixed_milli", "cost of a payment, thousandths of a minor unit", CONFIG_INTEGER, \
     AT(name_.fixed_milli), 0, 1000000000, fixed_}, \
    {"link", #name_ ".basis_points", "and hundredths of a per cent of the amount", CONFIG_INTEGER, \
     AT(name_.basis_points), 0, 10000, points_}, \
    {"link", #name_ ".ceiling_milli", "at most so much; 0: no ceiling", CONFIG_INTEGER, \
     AT(name_.ceiling_milli), 0, 1000000000, ceiling_}

static const struct config_row settings_rows[] = {
    {"store", "url", "sqlite:/path/gateway.db or postgres:...", CONFIG_TEXT, AT(store_url)},
    {"admin", "listen", "ADDR:PORT of /healthz /readyz /metrics; empty: none", CONFIG_TEXT, AT(admin), .initial = "127.0.0.1:9080"},
    {"vault", "file", "key of the vault", CONFIG_TEXT, AT(vault_path)},
    {"rest", "listen", "ADDR:PORT of the faces", CONFIG_TEXT, AT(listen), .initial = "127.0.0.1:8080"},
    {"rest", "threads", "I/O threads", CONFIG_INTEGER, AT(threads), 1, 64, "2"},
    {"rest", "connections", "most connections", CONFIG_INTEGER, AT(connections), 1, 65536, "1000"},
    {"rest", "certificate", "PEM; empty: plain HTTP", CONFIG_TEXT, AT(certificate_path), .initial = ""},
    {"rest", "key", "PEM", CONFIG_TEXT, AT(key_path), .initial = ""},
    {"gateway", "node", "names this process among those of one database", CONFIG_TEXT, AT(node), .initial = "gateway-1"},
    {"gateway", "slots", "payments under way", CONFIG_INTEGER, AT(slots), 16, 16384, "512"},
    {"gateway", "workers", "threads for RSA", CONFIG_INTEGER, AT(workers), 1, 8, "2"},
    {"gateway", "clock_s", "how far off a Timestamp may be", CONFIG_INTEGER, AT(clock_s), 1, 3600, "300"},
    {"gateway", "key_days", "life of an encryption key", CONFIG_INTEGER, AT(key_days), 1, 3650, "20"},
    {"gateway", "reversal_ms", "pause before an unanswered reversal is repeated", CONFIG_INTEGER, AT(reversal_ms),
     10, 600000, "2000"},
    {"route", "bins", "prefix:network,network ... separated by blanks", CONFIG_TEXT, AT(bins),
     .initial = "4:visa 433333:visa,eftpos"},
    {"sandbox", "merchants", "INI file: merchants that are made at start, ID = TERMINAL APIKEY SECRET NAME; never with real cards",
     CONFIG_TEXT, AT(merchants_path), .initial = ""},
    LINK(visa, "8583", "visa-base1", "visa_126_10", "44_10", "5000", "80", "0"),
    LINK(eftpos, "8585", "iso87-ascii", "generic_126_10", "none", "8000", "20", "60000"),
};
/* clang-format on */
const struct config_table main_gateway_settings = {settings_rows, sizeof settings_rows / sizeof settings_rows[0]};

/* ---- process ---- */

struct process {
    struct service_process base;
    struct settings settings;
    struct gateway_config config;
    char host[COMMAND_HOST_MAX];
    struct store_writer *writer;
    struct crypto_vault *vault;
    struct http *http;
    struct gateway *gateway;
};

static void quiesce(void *context)
{
    struct process *p = context;
    http_quiesce(p->http);
}

static int64_t on_turn(void *context)
{
    struct process *p = context;
    return p->gateway ? gateway_turn(p->gateway) : NET_NEVER_US;
}

static bool is_busy(void *context)
{
    const struct process *p = context;
    return p->gateway && gateway_busy(p->gateway) > 0;
}

static bool is_ready(void *context)
{
    const struct process *p = context;
    return p->gateway && gateway_ready(p->gateway);
}

static void on_metrics(void *context, struct buf *out)
{
    const struct process *p = context;
    if (p->gateway)
        gateway_metrics(p->gateway, out);
}

/* ---- configuration ---- */

static enum err take_bin(struct gateway_config *config, const char *word, size_t len)
{
    const char *colon = memchr(word, ':', len);
    if (!colon || config->bin_count == GATEWAY_BINS_MAX)
        return ERR_CONFIG;
    struct gateway_bin *row = &config->bin[config->bin_count++];
    size_t prefix_len = (size_t)(colon - word);
    size_t networks_len = len - prefix_len - 1;
    if (prefix_len >= sizeof row->prefix || networks_len >= sizeof row->networks)
        return ERR_CONFIG;
    memcpy(row->prefix, word, prefix_len);
    memcpy(row->networks, colon + 1, networks_len);
    return ERR_OK;
}

static void take_link(struct gateway_config *config, const struct gateway_link_config *from, const char *name)
{
    if (from->link.port == 0)
        return;
    struct gateway_link_config *link = &config->link[config->link_count++];
    *link = *from;
    (void)snprintf(link->link.name, sizeof link->link.name, "%s", name);
}

static enum err gateway_settings(const struct settings *s, struct gateway_config *config)
{
    config->slots = (uint32_t)s->slots;
    config->workers = (uint32_t)s->workers;
    config->clock_window_ms = s->clock_s * 1000;
    config->key_days = s->key_days;
    config->reversal_first_ms = s->reversal_ms;
    memcpy(config->node, s->node, sizeof config->node);
    take_link(config, &s->visa, "visa");
    take_link(config, &s->eftpos, "eftpos");
    for (const char *at = s->bins + strspn(s->bins, " "); *at; at += strspn(at, " ")) {
        size_t len = strcspn(at, " ");
        TRY(take_bin(config, at, len));
        at += len;
    }
    return ERR_OK;
}

/* ---- start ---- */

enum { MERCHANT_WORDS = 4 };

/* TERMINAL APIKEY SECRET NAME; the name may hold blanks. The text is cut into its words. */
static bool words_cut(char *text, const char *word[static MERCHANT_WORDS])
{
    for (size_t i = 0; i < MERCHANT_WORDS; i++) {
        text += strspn(text, " ");
        word[i] = text;
        text += i < MERCHANT_WORDS - 1 ? strcspn(text, " ") : strlen(text);
        if (*text)
            *text++ = 0;
    }
    return *word[MERCHANT_WORDS - 1] != 0;
}

/* A merchant that is there already stays as it is. */
static enum err merchants_make(struct process *p, struct store *store, struct net_problem *problem)
{
    struct service_names file = {.count = 0};
    enum err err = ERR_OK;
    if (p->settings.merchants_path[0])
        TRY(service_names_load(p->settings.merchants_path, "merchants", &file, problem));
    for (size_t i = 0; i < file.count && err == ERR_OK; i++) {
        const char *word[MERCHANT_WORDS];
        if (!words_cut(file.row[i].text, word)) {
            (void)snprintf(problem->text, sizeof problem->text, "%s: %s: write TERMINAL APIKEY SECRET NAME",
                           p->settings.merchants_path, file.row[i].name);
            err = ERR_CONFIG;
            break;
        }
        const struct gateway_seed seed = {.merchant_id = file.row[i].name,
                                          .terminal_id = word[0],
                                          .api_key = word[1],
                                          .secret = word[2],
                                          .name = word[3],
                                          .sandbox = true};
        err = gateway_seed(store, p->vault, &p->base.env, &seed);
    }
    secret_wipe(&file, sizeof file);
    return err;
}

static enum err store_connect(struct process *p, struct net_problem *problem)
{
    struct store *store = NULL;
    TRY(store_open(p->settings.store_url, &p->base.env, &store));
    enum err err = store_migrate(store, STORE_GATEWAY);
    if (err == ERR_OK)
        err = merchants_make(p, store, problem);
    if (err == ERR_OK)
        err = store_writer_start(store, &p->base.env, WRITER_CAP, &p->writer);
    if (err != ERR_OK)
        store_close(store);
    return err;
}

static enum err rest_open(struct process *p, struct net_problem *problem)
{
    const struct settings *s = &p->settings;
    struct http_config config = {
        .threads = (uint16_t)s->threads,
        .connections = (uint32_t)s->connections,
        .slots = (uint32_t)s->slots,
        .certificate_path = s->certificate_path[0] ? s->certificate_path : NULL,
        .key_path = s->key_path,
        .wake = net_loop_wake,
        .wake_context = p->base.loop,
    };
    config.mount = gateway_mounts(&config.mount_count);
    enum err err = command_listen_split(s->listen, p->host, &config.port);
    config.address = p->host;
    if (err == ERR_OK)
        err = http_create(&config, &p->base.env, &p->http);
    if (err != ERR_OK)
        (void)snprintf(problem->text, sizeof problem->text, "cannot listen on %s", s->listen);
    return err;
}

static enum err start(void *context, struct net_problem *problem)
{
    struct process *p = context;
    const struct settings *s = &p->settings;
    uint16_t admin_port = 0;
    TRY(gateway_settings(s, &p->config));
    TRY(crypto_vault_open_file(s->vault_path, GATEWAY_VAULT_PURPOSE, &p->vault));
    TRY(store_connect(p, problem));
    TRY(service_loop_create(&p->base));
    TRY(service_admin_create(&p->base, s->admin, problem, &admin_port));
    TRY(rest_open(p, problem));
    struct gateway_parts parts = {
        .env = &p->base.env, .http = p->http, .writer = p->writer, .vault = p->vault, .loop = p->base.loop};
    TRY(gateway_create(&p->config, &parts, &p->gateway));
    LOG(p->base.env.log, LOG_INFO, "gateway.started", LOG_INT("port", http_port(p->http)), LOG_INT("links", p->config.link_count));
    return ERR_OK;
}

/* The writer's last completions wake the loop; HTTP's threads wake it until they end. No turn runs after the writer. */
static void stop(void *context)
{
    struct process *p = context;
    store_writer_stop(p->writer);
    gateway_destroy(p->gateway);
    p->gateway = NULL;
    if (p->http)
        http_destroy(p->http);
    if (p->base.loop)
        net_loop_destroy(p->base.loop);
    if (p->vault)
        crypto_vault_close(p->vault);
}

static const struct service service = {
    .command =
        {
            .service = "gateway",
            .doc = "Takes payments from merchants and sends them to the card networks.",
            .table = &main_gateway_settings,
        },
    .start = start,
    .stop = stop,
    .quiesce = quiesce,
    .turn = on_turn,
    .busy = is_busy,
    .ready = is_ready,
    .metrics = on_metrics,
    .grace_ms = GRACE_MS,
};

int main_gateway(int argc, char **argv)
{
    static struct process process;
    return service_main(&service, argc, argv, &process.base, &process.settings);
}
