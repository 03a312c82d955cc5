/* SPDX-License-Identifier: Apache-2.0 */
/* countersign gateway: the merchants' side. */
#include "gateway/gateway.h"
#include "base/secret.h"
#include "gateway/faces/commercehub/commercehub.h"
#include "gateway/seed.h"
#include "gateway/statements.h"
#include "main/commands.h"
#include "service/names.h"
#include "service/parts.h"

#include <stdio.h>
#include <string.h>

enum { GRACE_MS = 5000, WRITER_CAP = 4096, READER_SPARE = 16 };

struct settings {
    struct service_store_settings store;
    char admin[SERVICE_ADDRESS];
    char vault_path[256];
    bool confined;
    struct service_rest_settings rest;
    int64_t slots, workers, key_workers, keys_live, keys_making, clock_s, key_days, reversal_ms, store_ms;
    char node[24];
    struct gateway_link_config visa, eftpos, mastercard, amex, discover;
    char bins[1024];
    char issued[256];
    char merchants_path[256];
};

#define AT(member_) CONFIG_MEMBER(struct settings, member_)
/* clang-format off */
#define LINK(name_, port_, profile_, extract_, result_, source_, fixed_, points_, ceiling_) \
    {"link", #name_ ".address", "numeric address of the network", CONFIG_TEXT, AT(name_.link.address), .initial = "127.0.0.1"}, \
    {"link", #name_ ".port", "0: the link is not used", CONFIG_INTEGER, AT(name_.link.port), 0, 65535, port_}, \
    {"link", #name_ ".profile", "ISO 8583 profile", CONFIG_TEXT, AT(name_.link.profile), .initial = profile_}, \
    {"link", #name_ ".extract", "where the code travels", CONFIG_TEXT, AT(name_.link.extract), .initial = extract_}, \
    {"link", #name_ ".result", "where its result comes back", CONFIG_TEXT, AT(name_.link.result), .initial = result_}, \
    {"link", #name_ ".source", "whose letters the result is in: a source of the table of results", CONFIG_TEXT, AT(name_.source), \
     .initial = source_}, \
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
    SERVICE_STORE_ROWS(struct settings, store, "gateway.db"),
    SERVICE_ADMIN_ROW(struct settings, admin, "127.0.0.1:9080"),
    SERVICE_VAULT_ROW(struct settings, vault_path),
    SERVICE_WALLS_ROW(struct settings, confined),
    SERVICE_REST_ROWS(struct settings, rest, "127.0.0.1:8080"),
    {"gateway", "node", "names this process among those of one database", CONFIG_TEXT, AT(node), .initial = "gateway-1"},
    {"gateway", "slots", "payments under way", CONFIG_INTEGER, AT(slots), 16, 16384, "512"},
    {"gateway", "workers", "threads that decrypt card blocks", CONFIG_INTEGER, AT(workers), 1, 8, "2"},
    {"gateway", "key_workers", "threads that make encryption keys", CONFIG_INTEGER, AT(key_workers), 1, 8, "1"},
    {"gateway", "keys_live", "encryption keys a merchant may have", CONFIG_INTEGER, AT(keys_live), 1, 100000, "100"},
    {"gateway", "keys_making", "and have made at a time", CONFIG_INTEGER, AT(keys_making), 1, 64, "4"},
    {"gateway", "clock_s", "how far off a Timestamp may be", CONFIG_INTEGER, AT(clock_s), 1, 3600, "300"},
    {"gateway", "key_days", "life of an encryption key", CONFIG_INTEGER, AT(key_days), 1, 3650, "20"},
    {"gateway", "reversal_ms", "pause before an unanswered reversal is repeated", CONFIG_INTEGER, AT(reversal_ms),
     10, 600000, "2000"},
    {"gateway", "store_ms", "how long a request waits for the store before it is answered without", CONFIG_INTEGER, AT(store_ms),
     100, 60000, "5000"},
    {"route", "bins", "prefix:network,network ... separated by blanks", CONFIG_TEXT, AT(bins),
     .initial = "4:visa 433333:visa,eftpos"},
    {"sandbox", "issued", "first digits, with blanks between, of cards that are really verified whatever a face's test values say",
     CONFIG_TEXT, AT(issued), .initial = ""},
    {"sandbox", "merchants", "INI file: merchants that are made at start, ID = TERMINAL APIKEY SECRET NAME; never with real cards",
     CONFIG_TEXT, AT(merchants_path), .initial = ""},
    LINK(visa, "8583", "visa-base1", "visa_126_10", "44_10", "visa", "5000", "80", "0"),
    LINK(eftpos, "8585", "iso87-ascii", "generic_126_10", "none", "visa", "8000", "20", "60000"),
    LINK(mastercard, "0", "iso87-ascii", "generic_126_10", "44_10", "mastercard.cvc2", "5000", "80", "0"),
    LINK(amex, "0", "iso87-ascii", "generic_126_10", "44_10", "amex", "5000", "150", "0"),
    LINK(discover, "0", "iso87-ascii", "generic_126_10", "44_10", "discover", "5000", "80", "0"),
};
/* clang-format on */
static const struct config_table settings_table = {settings_rows, sizeof settings_rows / sizeof settings_rows[0]};

/* ---- faces ---- */

static const struct gateway_face *const faces[] = {&gateway_commercehub};
const struct gateway_faces main_gateway_faces = {faces, sizeof faces / sizeof faces[0]};

/* ---- process ---- */

struct process {
    struct service_process base;
    struct settings settings;
    struct service_parts parts;
    struct gateway_config config;
    struct http_mount mount[GATEWAY_MOUNTS_MAX];
    struct gateway *gateway;
};

static void quiesce(void *context)
{
    struct process *p = context;
    http_quiesce(p->parts.http);
}

static int64_t on_turn(void *context)
{
    struct process *p = context;
    return gateway_turn(p->gateway);
}

static bool is_busy(void *context)
{
    const struct process *p = context;
    return gateway_busy(p->gateway) > 0;
}

static bool is_ready(void *context)
{
    const struct process *p = context;
    return gateway_ready(p->gateway);
}

static void on_metrics(void *context, struct buf *out)
{
    const struct process *p = context;
    gateway_metrics(p->gateway, out);
}

/* ---- configuration ---- */

/* "433333:visa,eftpos" */
static bool take_bin(struct gateway_config *config, struct span networks)
{
    struct span prefix = span_cut(&networks, ':');
    if (networks.len == 0 || config->bin_count == GATEWAY_BINS_MAX)
        return false;
    struct gateway_bin *row = &config->bin[config->bin_count++];
    if (prefix.len >= sizeof row->prefix || networks.len >= sizeof row->networks)
        return false;
    memcpy(row->prefix, prefix.at, prefix.len);
    memcpy(row->networks, networks.at, networks.len);
    return true;
}

static void take_link(struct gateway_config *config, const struct gateway_link_config *from, const char *name)
{
    if (from->link.port == 0)
        return;
    struct gateway_link_config *link = &config->link[config->link_count++];
    *link = *from;
    (void)snprintf(link->link.name, sizeof link->link.name, "%s", name);
}

static enum err take_bins(const char *bins, struct gateway_config *config, struct net_problem *problem)
{
    for (struct span rest = span_text(bins); rest.len > 0;) {
        struct span word = span_cut(&rest, ' ');
        if (word.len == 0 || take_bin(config, word))
            continue;
        (void)snprintf(problem->text, sizeof problem->text,
                       "route.bins: '%.*s': write PREFIX:NETWORK,NETWORK with blanks between, at most %d", (int)word.len, word.at,
                       GATEWAY_BINS_MAX);
        return ERR_CONFIG;
    }
    return ERR_OK;
}

static enum err take_settings(const struct settings *s, struct gateway_config *config, struct net_problem *problem)
{
    config->faces = main_gateway_faces;
    config->slots = (uint32_t)s->slots;
    config->workers = (uint32_t)s->workers;
    config->key_workers = (uint32_t)s->key_workers;
    config->keys_live = (uint32_t)s->keys_live;
    config->keys_making = (uint32_t)s->keys_making;
    config->clock_window_ms = s->clock_s * 1000;
    config->key_days = s->key_days;
    config->reversal_first_ms = s->reversal_ms;
    config->store_ms = s->store_ms;
    memcpy(config->node, s->node, sizeof config->node);
    memcpy(config->issued, s->issued, sizeof config->issued);
    take_link(config, &s->visa, "visa");
    take_link(config, &s->eftpos, "eftpos");
    take_link(config, &s->mastercard, "mastercard");
    take_link(config, &s->amex, "amex");
    take_link(config, &s->discover, "discover");
    return take_bins(s->bins, config, problem);
}

/* ---- merchants of a sandbox ---- */

enum { MERCHANT_WORDS = 4 };

/* TERMINAL APIKEY SECRET NAME; the name may hold blanks. The text is cut into its words. */
static bool words_cut(char *text, const char *word[static MERCHANT_WORDS])
{
    for (size_t i = 0; i < MERCHANT_WORDS; i++) {
        char *blank = strchr(text, ' ');
        word[i] = text;
        if (!*text || (!blank && i < MERCHANT_WORDS - 1))
            return false;
        if (i == MERCHANT_WORDS - 1)
            break;
        *blank = 0;
        text = blank + 1;
    }
    return true;
}

/* A merchant that is there already stays as it is. */
static enum err merchant_make(const struct process *p, struct service_name *row, struct store *store, struct net_problem *problem)
{
    const char *word[MERCHANT_WORDS];
    if (!words_cut(row->text, word)) {
        (void)snprintf(problem->text, sizeof problem->text,
                       "sandbox.merchants: %s: %s: write TERMINAL APIKEY SECRET NAME with one blank between",
                       p->settings.merchants_path, row->name);
        return ERR_CONFIG;
    }
    const struct gateway_seed seed = {
        .merchant_id = row->name, .terminal_id = word[0], .api_key = word[1], .secret = word[2], .name = word[3], .sandbox = true};
    return gateway_seed(store, p->parts.vault, &p->base.env, &seed);
}

static enum err merchants_make(void *context, struct store *store, struct net_problem *problem)
{
    const struct process *p = context;
    struct service_names file = {.count = 0};
    enum err err = ERR_OK;
    if (p->settings.merchants_path[0])
        err = service_names_load("sandbox.merchants", p->settings.merchants_path, "merchants", &file, problem);
    for (size_t i = 0; i < file.count && err == ERR_OK; i++)
        err = merchant_make(p, &file.row[i], store, problem);
    secret_wipe(&file, sizeof file);
    return err;
}

/* ---- start ---- */

static struct service_store_config store_config(const struct process *p)
{
    return (struct service_store_config){&p->settings.store, p->settings.vault_path, gateway_sets, WRITER_CAP, merchants_make};
}

static enum err check(void *context, struct net_problem *problem)
{
    struct process *p = context;
    const struct service_store_config store = store_config(p);
    return service_store_remembered(&p->parts, &store, problem);
}

static enum err parts_open(struct process *p, struct net_problem *problem)
{
    const struct settings *s = &p->settings;
    const struct service_store_config store = store_config(p);
    struct service_rest_config rest = {.settings = &s->rest, .slots = s->slots, .mount = p->mount};
    uint16_t admin_port = 0;
    rest.mount_count = gateway_mounts(&main_gateway_faces, p->mount, GATEWAY_MOUNTS_MAX);
    TRY(service_vault_open(&p->parts, s->vault_path, GATEWAY_VAULT_PURPOSE, problem));
    TRY(service_store_open(&p->parts, &store, problem));
    TRY(service_loop_create(&p->base));
    TRY(service_reader_open(&p->parts, s->store.url, (size_t)(2 * s->slots) + READER_SPARE, problem));
    TRY(service_admin_create(&p->base, s->admin, problem, &admin_port));
    return service_rest_open(&p->parts, &rest, problem);
}

static enum err start(void *context, struct net_problem *problem)
{
    struct process *p = context;
    p->parts.process = &p->base;
    TRY(take_settings(&p->settings, &p->config, problem));
    TRY(parts_open(p, problem));
    const struct gateway_parts parts = {.env = &p->base.env,
                                        .http = p->parts.http,
                                        .writer = p->parts.writer,
                                        .reader = p->parts.reader,
                                        .vault = p->parts.vault,
                                        .loop = p->base.loop};
    TRY(gateway_create(&p->config, &parts, &p->gateway));
    LOG(p->base.env.log, LOG_INFO, "gateway.started", LOG_INT("port", http_port(p->parts.http)),
        LOG_INT("links", p->config.link_count));
    return ERR_OK;
}

static void stop(void *context)
{
    struct process *p = context;
    service_parts_stop(&p->parts);
    gateway_destroy(p->gateway);
    service_parts_disconnect(&p->parts);
    service_parts_close(&p->parts);
}

/* ---- what the process keeps when it locks itself in ---- */

/* clang-format off */
#define ONCE(member_) {offsetof(struct settings, member_), CONFINE_IF_THERE, NULL} /* read at the start */
static const struct confine_setting files[] = {
    {offsetof(struct settings, store.url), 0, store_needs},
    ONCE(rest.certificate),
    ONCE(rest.key),
    ONCE(vault_path),
    ONCE(merchants_path),
};
/* clang-format on */
static const struct confine_set *const calls[] = {&confine_loop, &confine_files, &confine_threads, &confine_dial, &http_calls};
static const struct confine_table kept = CONFINE_TABLE(files, calls);
static const struct service_walls walls = {.table = &kept, .wanted = offsetof(struct settings, confined), .event = "confined"};

static const struct service service = {
    .name = "gateway",
    .check = check,
    .start = start,
    .walls = &walls,
    .stop = stop,
    .quiesce = quiesce,
    .turn = on_turn,
    .busy = is_busy,
    .ready = is_ready,
    .metrics = on_metrics,
    .grace_ms = GRACE_MS,
};

static int run(const struct cli_line *line)
{
    static struct process process;
    return service_run(&service, line, &process.base, &process.settings);
}

const struct cli_command main_gateway = {
    .name = "gateway",
    .summary = "the merchants' side: charges and verifications (REST)",
    .settings = &settings_table,
    .run = run,
};
