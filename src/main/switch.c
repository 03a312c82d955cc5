/* SPDX-License-Identifier: Apache-2.0 */
/* countersign switch: wiring of the authorisation switch. */
#include "switch/switch.h"
#include "hostcmd/layout/file.h"
#include "ledger/statements.h"
#include "main/commands.h"
#include "service/names.h"
#include "service/parts.h"
#include "service/zone.h"

#include <stdio.h>

enum { GRACE_MS = 5000, LINKS = 6, WRITER_CAP = 256, READER_CAP = SWITCH_READS_MAX + 2 };

struct settings {
    struct service_store_settings store;
    char admin[SERVICE_ADDRESS];
    struct service_hsm_link_settings hsm;
    char keys_path[256];
    char vault_path[256];
    bool confined;
    int64_t slots;
    int64_t retain_h;
    int64_t round_ms;
    int64_t total_ms;
    int64_t store_ms;
    struct switch_link_config link[LINKS];
};
static const char *const link_ids[LINKS] = {"visa", "eftpos", "generic", "mastercard", "amex", "discover"};

/* clang-format off */
#define AT(member_) CONFIG_MEMBER(struct settings, member_)
#define LINK_ROWS(section_, i_, listen_, profile_, network_, extract_, result_) \
    {section_, "listen", "ADDR:PORT of this link; empty: off", CONFIG_TEXT, AT(link[i_].listen), .initial = listen_}, \
    {section_, "profile", "visa-base1 or iso87-ascii", CONFIG_TEXT, AT(link[i_].profile), .initial = profile_}, \
    {section_, "network", "visa, mastercard, amex, discover, eftpos or generic", CONFIG_TEXT, AT(link[i_].network), \
     .initial = network_}, \
    {section_, "extract", "where the code stands: visa_126_10, generic_126_10, as2805_backslash, none", CONFIG_TEXT, \
     AT(link[i_].extract), .initial = extract_}, \
    {section_, "result", "where its result goes: 44_10 or none", CONFIG_TEXT, AT(link[i_].result), .initial = result_}, \
    {section_, "code_de39", "DE39 of a decline for the code; empty: by network", CONFIG_TEXT, AT(link[i_].code_de39), \
     .initial = ""}, \
    {section_, "zero_de39", "DE39 of a passed zero-amount verification; empty: by network", CONFIG_TEXT, AT(link[i_].zero_de39), \
     .initial = ""}, \
    {section_, "currency_de39", "DE39 of an amount that is not in the account's currency; empty: by network", CONFIG_TEXT, \
     AT(link[i_].currency_de39), .initial = ""}, \
    {section_, "processing_codes", "first two digits of DE3 that are taken; others 57", CONFIG_TEXT, \
     AT(link[i_].processing_codes), .initial = SWITCH_PROCESSING_CODES}, \
    {section_, "unknown_original", "DE39 of a reversal whose original is not known", CONFIG_TEXT, AT(link[i_].unknown_original), \
     .initial = "00"}, \
    {section_, "max_in_flight", "requests under way; above it 91 at once", CONFIG_INTEGER, AT(link[i_].max_in_flight), 1, 65535, \
     "10000"}, \
    {section_, "max_connections", "open at a time; a full link closes the longest idle one first", CONFIG_INTEGER, \
     AT(link[i_].max_connections), 1, 4096, "1024"}, \
    {section_, "connections_per_address", "of them from one address; 0: no limit of its own", CONFIG_INTEGER, \
     AT(link[i_].connections_per_address), 0, 4096, "768"}, \
    {section_, "idle_s", "seconds of silence after which a connection is closed; 0: never", CONFIG_INTEGER, \
     AT(link[i_].idle_s), 0, 604800, "0"}, \
    {section_, "keepalive", "TCP asks whether a silent peer is there", CONFIG_BOOL, AT(link[i_].keepalive), .initial = "true"}, \
    {section_, "late_ms", "an older request is dropped unevaluated", CONFIG_INTEGER, AT(link[i_].late_ms), 1, 65535, "10000"}, \
    {section_, "static_override", "the network turns a dynamic code into the static one: ask CY although the product says off", \
     CONFIG_BOOL, AT(link[i_].static_override), .initial = "false"}, \
    {section_, "zero_length", "a frame of length zero: ignore or echo", CONFIG_TEXT, AT(link[i_].zero_length), \
     .initial = "ignore"}, \
    {section_, "unknown_field", "a field that the message class does not use: ignore or reject", CONFIG_TEXT, \
     AT(link[i_].unknown_field), .initial = "ignore"}, \
    {section_, "mask_unknown_card", "an unknown card is answered as a mismatch", CONFIG_BOOL, AT(link[i_].mask_unknown_card), \
     .initial = "false"}

static const struct config_row settings_rows[] = {
    SERVICE_STORE_ROWS(struct settings, store, "ledger.db"),
    {"store", "timeout_ms", "that a request waits for the database; then DE39 96", CONFIG_INTEGER, AT(store_ms), 10, 60000, "1500"},
    SERVICE_ADMIN_ROW(struct settings, admin, "127.0.0.1:9583"),
    SERVICE_HSM_LINK_ROWS(struct settings, hsm, "4095"),
    {"hsm", "round_ms", "deadline of one question", CONFIG_INTEGER, AT(round_ms), 10, 60000, "1500"},
    {"hsm", "total_ms", "deadline of all questions of a request", CONFIG_INTEGER, AT(total_ms), 10, 60000, "3000"},
    {"keys", "file", "INI file: HSM key names and their KEY texts", CONFIG_TEXT, AT(keys_path)},
    SERVICE_VAULT_ROW(struct settings, vault_path),
    SERVICE_WALLS_ROW(struct settings, confined),
    {"switch", "slots", "requests under way on all links", CONFIG_INTEGER, AT(slots), 16, 65536, "4096"},
    {"switch", "retain_h", "hours that a repeat gets its stored answer; more than any link repeats", CONFIG_INTEGER, AT(retain_h),
     1, 8760, "72"},
    LINK_ROWS("visa",    0, "127.0.0.1:8583", "visa-base1",  "visa",    "visa_126_10",    "44_10"),
    /* The tag of the code on an eftpos link is not public: its rule has no default. */
    LINK_ROWS("eftpos",  1, "",               "iso87-ascii", "eftpos",  "",               "none"),
    LINK_ROWS("generic", 2, "127.0.0.1:8586", "iso87-ascii", "generic", "generic_126_10", "44_10"),
    LINK_ROWS("mastercard", 3, "", "iso87-ascii", "mastercard", "generic_126_10", "44_10"),
    LINK_ROWS("amex",     4, "", "iso87-ascii", "amex",     "generic_126_10", "44_10"),
    LINK_ROWS("discover", 5, "", "iso87-ascii", "discover", "generic_126_10", "44_10"),
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
    struct switch_link link[LINKS];
    size_t link_count;
    struct switch_ports *ports;
    struct switch_core *core;
};

static void reload(void *context)
{
    struct process *p = context;
    service_hsm_link_reload(p->parts.hsm);
}

static int64_t on_turn(void *context)
{
    struct process *p = context;
    return service_health_turn(&p->parts, switch_store_err(p->core), switch_turn(p->core));
}

static bool is_busy(void *context)
{
    const struct process *p = context;
    return switch_pending(p->core) > 0;
}

static bool is_ready(void *context)
{
    const struct process *p = context;
    return service_store_up(&p->parts) && switch_store_up(p->core) && hostcmd_client_ready(service_hsm_link_client(p->parts.hsm));
}

static void on_metrics(void *context, struct buf *out)
{
    const struct process *p = context;
    switch_metrics(p->core, out);
}

static const char *find_key(void *context, const char *name)
{
    const struct process *p = context;
    return service_names_find(&p->names, name);
}

static void send_reply(void *context, size_t link, struct net_peer peer, struct span frame)
{
    struct process *p = context;
    switch_ports_reply(p->ports, link, peer, frame);
}

static void send_nothing(void *context, size_t link, struct net_peer peer)
{
    struct process *p = context;
    switch_ports_silent(p->ports, link, peer);
}

static void wake(void *context)
{
    struct process *p = context;
    net_loop_wake(p->base.loop);
}

/* ---- start ---- */

static enum err links_resolve(struct process *p, struct net_problem *problem)
{
    for (size_t i = 0; i < LINKS; i++) {
        const struct switch_link_config *config = &p->settings.link[i];
        struct switch_link *link = &p->link[p->link_count];
        if (!config->listen[0])
            continue;
        TRY(switch_link_resolve(link_ids[i], config, link, problem->text, sizeof problem->text));
        TRY(iso8583_check(link->profile, NULL));
        p->link_count++;
    }
    if (p->link_count > 0)
        return ERR_OK;
    (void)snprintf(problem->text, sizeof problem->text,
                   "no link listens: set visa.listen, eftpos.listen or generic.listen to an ADDR:PORT");
    return ERR_CONFIG;
}

static struct service_store_config store_config(const struct process *p)
{
    return (struct service_store_config){&p->settings.store, p->settings.vault_path, ledger_sets, WRITER_CAP, NULL};
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
    uint16_t admin_port = 0;
    TRY(service_zones_create(&p->zones));
    TRY(service_vault_open(&p->parts, s->vault_path, "ledger", problem));
    TRY(service_store_open(&p->parts, &store, problem));
    TRY(service_loop_create(&p->base));
    TRY(service_reader_open(&p->parts, s->store.url, READER_CAP, problem));
    TRY(service_health_open(&p->parts, s->store_ms));
    TRY(service_hsm_open(&p->parts, &s->hsm, problem));
    TRY(switch_ports_open(p->base.loop, p->link, p->link_count, &p->ports, problem));
    return service_admin_create(&p->base, s->admin, problem, &admin_port);
}

static enum err core_create(struct process *p, const struct hostcmd_profile *layout)
{
    const struct settings *s = &p->settings;
    const struct switch_config config = {
        .env = &p->base.env,
        .link = p->link,
        .link_count = p->link_count,
        .reader = p->parts.reader,
        .writer = p->parts.writer,
        .hsm = service_hsm_link_client(p->parts.hsm),
        .layout = layout,
        .vault = p->parts.vault,
        .key = find_key,
        .reply = send_reply,
        .silent = send_nothing,
        .wake = wake,
        .context = p,
        .slots = (uint32_t)s->slots,
        .local_ms = service_zones_local_ms,
        .zones = p->zones,
        .retain_h = (uint32_t)s->retain_h,
        .round_ms = (uint32_t)s->round_ms,
        .total_ms = (uint32_t)s->total_ms,
        .store_ms = (uint32_t)s->store_ms,
    };
    TRY(switch_create(&config, &p->core));
    switch_ports_attach(p->ports, p->core);
    return ERR_OK;
}

static enum err start(void *context, struct net_problem *problem)
{
    struct process *p = context;
    const struct settings *s = &p->settings;
    struct hostcmd_profile layout;
    p->parts.process = &p->base;
    TRY(links_resolve(p, problem));
    TRY(hostcmd_profile_load(s->hsm.layout, &layout, problem->text, sizeof problem->text));
    TRY(service_names_load("keys.file", s->keys_path, "keys", &p->names, problem));
    TRY(parts_open(p, problem));
    TRY(core_create(p, &layout));
    for (size_t i = 0; i < p->link_count; i++)
        LOG(p->base.env.log, LOG_INFO, "switch.link", LOG_TEXT("link", p->link[i].id),
            LOG_TEXT("profile", p->link[i].profile->name), LOG_INT("port", switch_ports_number(p->ports, i)));
    LOG(p->base.env.log, LOG_INFO, "switch.started", LOG_TEXT("store", p->parts.driver), LOG_INT("slots", s->slots));
    return ERR_OK;
}

/* The ports own connections of the loop: they and the core go after it. */
static void stop(void *context)
{
    struct process *p = context;
    service_parts_stop(&p->parts);
    service_parts_disconnect(&p->parts);
    switch_destroy(p->core);
    if (p->ports)
        switch_ports_close(p->ports);
    service_parts_close(&p->parts);
    service_zones_destroy(p->zones);
}

/* ---- what the process keeps when it locks itself in ---- */

/* clang-format off */
#define ONCE(member_) {offsetof(struct settings, member_), CONFINE_IF_THERE, NULL} /* read at the start */
static const struct confine_setting files[] = {
    {offsetof(struct settings, store.url), 0, store_needs},
    SERVICE_HSM_LINK_FILES(struct settings, hsm),
    ONCE(keys_path),
    ONCE(vault_path),
};
/* clang-format on */
static const struct confine_set *const calls[] = {&confine_loop, &confine_files, &confine_threads, &confine_dial};
static const struct confine_table kept = CONFINE_TABLE(files, calls);
static const struct service_walls walls = {.table = &kept, .wanted = offsetof(struct settings, confined), .event = "confined"};

static const struct service service = {
    .name = "switch",
    .check = check,
    .start = start,
    .walls = &walls,
    .stop = stop,
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

const struct cli_command main_switch = {
    .name = "switch",
    .summary = "authorises ISO 8583 requests and consumes each code exactly once",
    .settings = &settings_table,
    .run = run,
};
