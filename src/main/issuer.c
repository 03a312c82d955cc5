/* SPDX-License-Identifier: Apache-2.0 */
/* countersign issuer: wiring of the issuer's REST service. */
#include "issuer/issuer.h"
#include "hostcmd/layout/file.h"
#include "ledger/enrol.h"
#include "ledger/error.h"
#include "main/commands.h"
#include "service/names.h"
#include "service/parts.h"
#include "service/zone.h"

#include <string.h>

enum { GRACE_MS = 200, WRITER_CAP = 1024, READER_CAP = 1024, SANDBOX_RANGES = 32 };

struct settings {
    struct service_store_settings store;
    char admin[SERVICE_ADDRESS];
    struct service_rest_settings rest;
    int64_t slots;
    struct service_hsm_link_settings hsm;
    int64_t hsm_ms;
    int64_t store_ms;
    char keys_path[256];
    char vault_path[256];
    bool confined;
    bool sandbox;
    char issuer_id[12];
    char client_id[49];
    char api_key[129];
    char ranges[513];
    int64_t opening_balance;
    char currency[4];
};

/* clang-format off */
#define AT(member_) CONFIG_MEMBER(struct settings, member_)
static const struct config_row settings_rows[] = {
    SERVICE_STORE_ROWS(struct settings, store, "ledger.db"),
    SERVICE_REST_ROWS(struct settings, rest, "127.0.0.1:8081"),
    {"rest", "slots", "requests under way; more are answered 503", CONFIG_INTEGER, AT(slots), 8, 4096, "512"},
    SERVICE_ADMIN_ROW(struct settings, admin, "127.0.0.1:9081"),
    SERVICE_HSM_LINK_ROWS(struct settings, hsm, "1024"),
    {"store", "timeout_ms", "deadline of a read, and half of a commit's; then 503",
     CONFIG_INTEGER, AT(store_ms), 10, 60000, "3000"},
    {"hsm", "timeout_ms", "deadline of one command", CONFIG_INTEGER, AT(hsm_ms), 10, 60000, "1500"},
    {"keys", "file", "INI file: HSM key names and their KEY texts", CONFIG_TEXT, AT(keys_path)},
    SERVICE_VAULT_ROW(struct settings, vault_path),
    SERVICE_WALLS_ROW(struct settings, confined),
    {"sandbox", "enabled", "API keys, and credentials in clear for clients without a key; never with real cards", CONFIG_BOOL,
     AT(sandbox), .initial = "false"},
    {"sandbox", "issuer_id", "issuer of the client below, 10 characters", CONFIG_TEXT, AT(issuer_id), .initial = "SANDBOX001"},
    {"sandbox", "ranges", "of card numbers, separated by blanks, if that issuer is new: FROM[-TO][/LENGTHS]", CONFIG_TEXT,
     AT(ranges), .initial = "000000-999999/12-19"},
    {"sandbox", "client_id", "client with all roles, made at start", CONFIG_TEXT, AT(client_id), .initial = "sandbox"},
    {"sandbox", "api_key", "its X-Api-Key; empty: no client is made", CONFIG_TEXT, AT(api_key), .initial = ""},
    {"sandbox", "account_opening_balance_minor", "balance of the account that a registered card gets; -1: no account",
     CONFIG_INTEGER, AT(opening_balance), -1, 1000000000000, "1000000"},
    {"sandbox", "account_currency", "of that account, ISO 4217 digits", CONFIG_TEXT, AT(currency), .initial = "036"},
};
/* clang-format on */
static const struct config_table settings_table = {settings_rows, sizeof settings_rows / sizeof settings_rows[0]};

/* ---- process ---- */

struct process {
    struct service_process base;
    struct settings settings;
    struct service_parts parts;
    struct service_names names;
    struct service_zones *zones;
    struct issuer_key key[SERVICE_NAMES_MAX];
    struct issuer *issuer;
};

static void quiesce(void *context)
{
    struct process *p = context;
    http_quiesce(p->parts.http);
}

static void reload(void *context)
{
    struct process *p = context;
    service_hsm_link_reload(p->parts.hsm);
}

static int64_t on_turn(void *context)
{
    struct process *p = context;
    return service_health_turn(&p->parts, issuer_store_err(p->issuer), issuer_turn(p->issuer));
}

static bool is_busy(void *context)
{
    const struct process *p = context;
    return issuer_pending(p->issuer) > 0;
}

static bool is_ready(void *context)
{
    const struct process *p = context;
    return service_store_up(&p->parts) && issuer_ready(p->issuer);
}

static void on_metrics(void *context, struct buf *out)
{
    const struct process *p = context;
    issuer_metrics(p->issuer, out);
}

/* ---- start ---- */

static enum err ranges_read(const struct settings *s, struct ledger_range range[static SANDBOX_RANGES], size_t *count)
{
    struct span text = span_text(s->ranges);
    for (*count = 0; text.len > 0;) {
        size_t len = strcspn((const char *)text.at, " ");
        if (len > 0 && *count == SANDBOX_RANGES)
            return ERR_PARSE_LONG;
        if (len > 0)
            TRY(ledger_range_parse(span_slice(text, 0, len), &range[(*count)++]));
        len += len < text.len;
        text = span_slice(text, len, text.len - len);
    }
    return *count > 0 ? ERR_OK : ERR_PARSE_MISSING;
}

/* An issuer that is enrolled stays as it is. */
static enum err sandbox_enrol(const struct settings *s, struct store *store)
{
    struct ledger_range range[SANDBOX_RANGES];
    struct ledger_enrolment bank = {.issuer_id = s->issuer_id, .range = range, .fresh = true};
    struct ledger_clash clash;
    struct arena arena;
    TRY(ranges_read(s, range, &bank.ranges));
    TRY(arena_create(&arena, LEDGER_ENROL_ARENA));
    enum err err = ledger_enrol(store, &arena, &bank, &clash);
    arena_destroy(&arena);
    return err == ERR_DUPLICATE ? ERR_OK : err;
}

static enum err sandbox_prepare(void *context, struct store *store, struct net_problem *problem)
{
    const struct process *p = context;
    const struct settings *s = &p->settings;
    if (!s->sandbox || !s->api_key[0])
        return ERR_OK;
    enum err err = sandbox_enrol(s, store);
    if (err == LEDGER_ERR_RANGE_TAKEN || err_row(err)->class == ERR_CLASS_INPUT)
        return service_problem(problem, ERR_CONFIG, "sandbox.ranges", s->ranges,
                               "write ranges that no other issuer has, such as 411111-411119/16");
    TRY(err);
    return issuer_sandbox_client(store, s->issuer_id, s->client_id, span_text(s->api_key));
}

static enum err keys_load(struct process *p, struct net_problem *problem)
{
    TRY(service_names_load("keys.file", p->settings.keys_path, "keys", &p->names, problem));
    for (size_t i = 0; i < p->names.count; i++) {
        memcpy(p->key[i].name, p->names.row[i].name, sizeof p->key[i].name);
        memcpy(p->key[i].text, p->names.row[i].text, sizeof p->key[i].text);
    }
    return ERR_OK;
}

static struct service_store_config store_config(const struct process *p)
{
    return (struct service_store_config){&p->settings.store, p->settings.vault_path, ledger_sets, WRITER_CAP, sandbox_prepare};
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
    struct service_rest_config rest = {.settings = &s->rest, .slots = s->slots};
    uint16_t admin_port = 0;
    rest.mount = issuer_mounts(&rest.mount_count);
    TRY(service_zones_create(&p->zones));
    TRY(service_vault_open(&p->parts, s->vault_path, "ledger", problem));
    TRY(service_store_open(&p->parts, &store, problem));
    TRY(service_loop_create(&p->base));
    TRY(service_reader_open(&p->parts, s->store.url, READER_CAP, problem));
    TRY(service_health_open(&p->parts, s->store_ms));
    TRY(service_hsm_open(&p->parts, &s->hsm, problem));
    TRY(service_admin_create(&p->base, s->admin, problem, &admin_port));
    return service_rest_open(&p->parts, &rest, problem);
}

static enum err core_create(struct process *p, const struct hostcmd_profile *layout)
{
    const struct settings *s = &p->settings;
    struct issuer_config config = {
        .env = &p->base.env,
        .http = p->parts.http,
        .reader = p->parts.reader,
        .writer = p->parts.writer,
        .hsm = service_hsm_link_client(p->parts.hsm),
        .layout = layout,
        .vault = p->parts.vault,
        .key = p->key,
        .key_count = p->names.count,
        .slots = (uint32_t)s->slots,
        .hsm_timeout_us = s->hsm_ms * 1000,
        .store_timeout_us = s->store_ms * 1000,
        .sandbox = s->sandbox,
        .account_opening_balance_minor = s->sandbox ? s->opening_balance : -1,
        .local_ms = service_zones_local_ms,
        .zones = p->zones,
        .wake = net_loop_wake,
        .wake_context = p->base.loop,
    };
    memcpy(config.account_currency, s->currency, sizeof config.account_currency);
    return issuer_create(&config, &p->issuer);
}

static enum err start(void *context, struct net_problem *problem)
{
    struct process *p = context;
    const struct settings *s = &p->settings;
    struct hostcmd_profile layout;
    p->parts.process = &p->base;
    TRY(keys_load(p, problem));
    TRY(hostcmd_profile_load(s->hsm.layout, &layout, problem->text, sizeof problem->text));
    TRY(parts_open(p, problem));
    TRY(core_create(p, &layout));
    if (s->sandbox)
        LOG(p->base.env.log, LOG_WARN, "issuer.sandbox",
            LOG_TEXT("warning", "credentials may leave in clear: never with real cards"));
    LOG(p->base.env.log, LOG_INFO, "issuer.started", LOG_TEXT("store", p->parts.driver), LOG_INT("port", http_port(p->parts.http)),
        LOG_TEXT("tls", s->rest.certificate[0] ? "yes" : "no"));
    return ERR_OK;
}

static void stop(void *context)
{
    struct process *p = context;
    service_parts_stop(&p->parts);
    if (p->issuer)
        issuer_destroy(p->issuer);
    service_parts_disconnect(&p->parts);
    service_parts_close(&p->parts);
    service_zones_destroy(p->zones);
}

/* ---- what the process keeps when it locks itself in ---- */

/* clang-format off */
#define ONCE(member_) {offsetof(struct settings, member_), CONFINE_IF_THERE, NULL} /* read at the start */
static const struct confine_setting files[] = {
    {offsetof(struct settings, store.url), 0, store_needs},
    SERVICE_HSM_LINK_FILES(struct settings, hsm),
    ONCE(rest.certificate),
    ONCE(rest.key),
    ONCE(keys_path),
    ONCE(vault_path),
};
/* clang-format on */
static const struct confine_set *const calls[] = {&confine_loop, &confine_files, &confine_threads, &confine_dial, &http_calls};
static const struct confine_table kept = CONFINE_TABLE(files, calls);
static const struct service_walls walls = {.table = &kept, .wanted = offsetof(struct settings, confined), .event = "confined"};

static const struct service service = {
    .name = "issuer",
    .check = check,
    .start = start,
    .walls = &walls,
    .stop = stop,
    .quiesce = quiesce,
    .turn = on_turn,
    .reload = reload,
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

const struct cli_command main_issuer = {
    .name = "issuer",
    .summary = "card products, registration and the credentials a holder is shown (REST)",
    .settings = &settings_table,
    .run = run,
};
