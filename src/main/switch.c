/* SPDX-License-Identifier: Apache-2.0 */
/* countersign switch: wiring of the authorisation switch. */
#include "service/service.h"
#include "main/services.h"
#include "service/hsm_link.h"
#include "service/names.h"
#include "hostcmd/layout_file.h"

#include "base/config.h"
#include "store/writer.h"
#include "switch/switch.h"

#include <stdio.h>
#include <string.h>

enum { GRACE_MS = 5000, LINKS = 3, WRITER_CAP = 256 };

struct settings {
    char store_url[256];
    char admin[64];
    struct service_hsm_link_settings hsm;
    char keys_path[256];
    char vault_path[256];
    int64_t slots;
    int64_t retain_h;
    int64_t round_ms;
    int64_t total_ms;
    struct switch_link_config link[LINKS];
};
static const char *const link_ids[LINKS] = {"visa", "eftpos", "generic"};

/* clang-format off */
#define AT(member_) CONFIG_MEMBER(struct settings, member_)
#define LINK_ROWS(section_, i_, listen_, profile_, network_, extract_, result_) \
    {section_, "listen", "ADDR:PORT of this link; empty: off", CONFIG_TEXT, AT(link[i_].listen), .initial = listen_}, \
    {section_, "profile", "visa-base1 or iso87-ascii", CONFIG_TEXT, AT(link[i_].profile), .initial = profile_}, \
    {section_, "network", "visa, mastercard, eftpos or generic", CONFIG_TEXT, AT(link[i_].network), .initial = network_}, \
    {section_, "extract", "where the code stands: visa_126_10, generic_126_10, as2805_backslash, none", CONFIG_TEXT, \
     AT(link[i_].extract), .initial = extract_}, \
    {section_, "result", "where its result goes: 44_10 or none", CONFIG_TEXT, AT(link[i_].result), .initial = result_}, \
    {section_, "code_de39", "DE39 of a decline for the code; empty: by network", CONFIG_TEXT, AT(link[i_].code_de39), \
     .initial = ""}, \
    {section_, "zero_de39", "DE39 of a passed zero-amount verification; empty: by network", CONFIG_TEXT, AT(link[i_].zero_de39), \
     .initial = ""}, \
    {section_, "unknown_original", "DE39 of a reversal whose original is not known", CONFIG_TEXT, AT(link[i_].unknown_original), \
     .initial = "00"}, \
    {section_, "max_in_flight", "requests under way; above it 91 at once", CONFIG_INTEGER, AT(link[i_].max_in_flight), 1, 65535, \
     "10000"}, \
    {section_, "late_ms", "an older request is dropped unevaluated", CONFIG_INTEGER, AT(link[i_].late_ms), 1, 65535, "10000"}, \
    {section_, "static_override", "the network turns a dynamic code into the static one: ask CY although the product says off", \
     CONFIG_BOOL, AT(link[i_].static_override), .initial = "false"}, \
    {section_, "mask_unknown_card", "an unknown card is answered as a mismatch", CONFIG_BOOL, AT(link[i_].mask_unknown_card), \
     .initial = "false"}

static const struct config_row settings_rows[] = {
    {"store", "url", "sqlite:/path/ledger.db or postgres:...", CONFIG_TEXT, AT(store_url)},
    {"admin", "listen", "ADDR:PORT of /healthz /readyz /metrics; empty: none", CONFIG_TEXT, AT(admin), .initial = "127.0.0.1:9583"},
    SERVICE_HSM_LINK_ROWS(struct settings, hsm, "4095"),
    {"hsm", "round_ms", "deadline of one question", CONFIG_INTEGER, AT(round_ms), 10, 60000, "1500"},
    {"hsm", "total_ms", "deadline of all questions of a request", CONFIG_INTEGER, AT(total_ms), 10, 60000, "3000"},
    {"keys", "file", "INI file: HSM key names and their KEY texts", CONFIG_TEXT, AT(keys_path)},
    {"vault", "file", "key of the PAN vault", CONFIG_TEXT, AT(vault_path)},
    {"switch", "slots", "requests under way on all links", CONFIG_INTEGER, AT(slots), 16, 65536, "4096"},
    {"switch", "retain_h", "hours that a repeat gets its stored answer; more than any link repeats", CONFIG_INTEGER, AT(retain_h),
     1, 8760, "72"},
    LINK_ROWS("visa",    0, "127.0.0.1:8583", "visa-base1",  "visa",    "visa_126_10",    "44_10"),
    /* The tag of the code on an eftpos link is not public: its rule has no default. */
    LINK_ROWS("eftpos",  1, "",               "iso87-ascii", "eftpos",  "",               "none"),
    LINK_ROWS("generic", 2, "127.0.0.1:8586", "iso87-ascii", "generic", "generic_126_10", "44_10"),
};
/* clang-format on */
const struct config_table main_switch_settings = {settings_rows, sizeof settings_rows / sizeof settings_rows[0]};

/* ---- process ---- */

struct process {
    struct service_process base;
    struct settings settings;
    struct service_names keys;
    struct switch_link link[LINKS];
    size_t link_count;
    struct service_hsm_link *hsm;
    struct store *reads;
    struct store_writer *writer;
    struct crypto_vault *vault;
    struct switch_ports *ports;
    struct switch_core *core;
};

static void reload(void *context)
{
    struct process *p = context;
    service_hsm_link_reload(p->hsm);
}

static int64_t on_turn(void *context)
{
    struct process *p = context;

    return p->core != NULL ? switch_turn(p->core) : NET_NEVER_US;
}

static bool is_busy(void *context)
{
    const struct process *p = context;

    return p->core != NULL && switch_pending(p->core) > 0;
}

static bool is_ready(void *context)
{
    const struct process *p = context;

    return p->core != NULL && hostcmd_client_ready(service_hsm_link_client(p->hsm));
}

static void on_metrics(void *context, struct buf *out)
{
    const struct process *p = context;

    switch_metrics(p->core, out);
}

static const char *find_key(void *context, const char *name)
{
    struct process *p = context;

    return service_names_find(&p->keys, name);
}

static void send_reply(void *context, size_t link, struct net_peer peer, struct span frame)
{
    struct process *p = context;

    switch_ports_reply(p->ports, link, peer, frame);
}

static void wake(void *context)
{
    struct process *p = context;

    net_loop_wake(p->base.loop);
}

static enum err links_resolve(struct process *p, char *problem, size_t problem_cap)
{
    for (size_t i = 0; i < LINKS; i++) {
        if (p->settings.link[i].listen[0] == 0)
            continue;
        TRY(switch_link_resolve(link_ids[i], &p->settings.link[i], &p->link[p->link_count], problem, problem_cap));
        TRY(iso8583_check(p->link[p->link_count].profile, NULL));
        p->link_count++;
    }
    if (p->link_count > 0)
        return ERR_OK;
    (void)snprintf(problem, problem_cap, "no link listens");
    return ERR_CONFIG;
}

static enum err store_connect(struct process *p)
{
    struct store *writes = NULL;
    enum err err;

    TRY(store_open(p->settings.store_url, &p->base.env, &writes));
    err = store_migrate(writes, STORE_LEDGER);
    if (err == ERR_OK)
        err = store_writer_start(writes, &p->base.env, WRITER_CAP, &p->writer);
    if (err != ERR_OK)
        store_close(writes);
    TRY(err);
    return store_open(p->settings.store_url, &p->base.env, &p->reads);
}

static enum err network_connect(struct process *p, struct net_problem *problem)
{
    const struct settings *s = &p->settings;
    uint16_t admin_port = 0;

    TRY(service_loop_create(&p->base));
    TRY(service_hsm_link_create(&(struct service_hsm_link_config){p->base.loop, &p->base.env, &s->hsm}, &p->hsm, problem));
    TRY(switch_ports_open(p->base.loop, p->link, p->link_count, &p->ports, problem));
    TRY(service_admin_create(&p->base, s->admin, problem, &admin_port));
    return ERR_OK;
}

static enum err start(void *context, struct net_problem *problem)
{
    struct process *p = context;
    const struct settings *s = &p->settings;
    struct switch_config config = {.env = &p->base.env,
                                   .link = p->link,
                                   .key = find_key,
                                   .reply = send_reply,
                                   .wake = wake,
                                   .context = p,
                                   .slots = (uint32_t)s->slots,
                                   .retain_h = (uint32_t)s->retain_h,
                                   .round_ms = (uint32_t)s->round_ms,
                                   .total_ms = (uint32_t)s->total_ms};

    struct hostcmd_profile layout;

    TRY(links_resolve(p, problem->text, sizeof problem->text));
    TRY(hostcmd_profile_load(s->hsm.layout, &layout, problem->text, sizeof problem->text));
    TRY(service_names_load(s->keys_path, "keys", &p->keys, problem));
    TRY(crypto_vault_open_file(s->vault_path, "ledger", &p->vault));
    TRY(store_connect(p));
    TRY(network_connect(p, problem));
    config.link_count = p->link_count;
    config.store = p->reads;
    config.writer = p->writer;
    config.hsm = service_hsm_link_client(p->hsm);
    config.layout = &layout;
    config.vault = p->vault;
    TRY(switch_create(&config, &p->core));
    switch_ports_attach(p->ports, p->core);
    for (size_t i = 0; i < p->link_count; i++)
        LOG(p->base.env.log, LOG_INFO, "switch.link", LOG_TEXT("link", p->link[i].id),
            LOG_TEXT("profile", p->link[i].profile->name), LOG_INT("port", switch_ports_number(p->ports, i)));
    LOG(p->base.env.log, LOG_INFO, "switch.started", LOG_TEXT("store", store_driver_name(p->reads)), LOG_INT("slots", s->slots));
    return ERR_OK;
}

static void stop(void *context)
{
    struct process *p = context;
    /* The writer puts its last completions into the switch's queue, and its wake hook needs the loop. */
    store_writer_stop(p->writer);
    if (p->base.loop != NULL)
        net_loop_destroy(p->base.loop);
    service_hsm_link_destroy(p->hsm);
    switch_destroy(p->core);
    if (p->ports != NULL)
        switch_ports_close(p->ports);
    store_close(p->reads);
    if (p->vault != NULL)
        crypto_vault_close(p->vault);
}

static const struct service service = {
    .command =
        {
            .service = "switch",
            .doc = "Authorises ISO 8583 requests and consumes each code exactly once.",
            .table = &main_switch_settings,
        },
    .start = start,
    .stop = stop,
    .turn = on_turn,
    .reload = reload,
    .busy = is_busy,
    .ready = is_ready,
    .metrics = on_metrics,
    .grace_ms = GRACE_MS,
};

int main_switch(int argc, char **argv)
{
    static struct process process;
    return service_main(&service, argc, argv, &process.base, &process.settings);
}
