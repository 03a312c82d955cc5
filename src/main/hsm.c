/* SPDX-License-Identifier: Apache-2.0 */
/* countersign-hsm: the key holder's process. */
#include "hsm/hsm.h"
#include "cvv/window.h"
#include "hostcmd/layout/file.h"
#include "hsm/process/confine.h"
#include "hsm/process/custody.h"
#include "hsm/process/mode.h"
#include "hsm/process/ports.h"
#include "hsm/process/reload.h"
#include "main/commands.h"
#include "net/admin.h"
#include "service/service.h"

#include "base/secret.h"

#include <stdio.h>
#include <string.h>

enum { GRACE_MS = 5000, TICK_MS = 1000 };

struct process {
    struct service_process base;
    struct hsm_settings settings;
    struct hsm_custody custody;
    struct hsm_policy policy;
    struct hsm_audit *audit;
    struct hsm *hsm;
    struct hostcmd_profile layout;
    struct hsm_ports ports;
    struct hsm_reload reload;
};

static void on_metrics(void *context, struct buf *out)
{
    const struct process *p = context;
    hsm_metrics(p->hsm, out);
    hsm_officers_metrics(p->custody.officers, out);
    hsm_confine_metrics(out);
    hsm_ports_metrics(&p->ports, out);
    hsm_reload_metrics(&p->reload, out);
}

static void warn_test_lmk(void)
{
    (void)fputs("**************************************************************************\n"
                "*  countersign-hsm runs under the PUBLIC TEST LMKs: every key it holds   *\n"
                "*  can be read by anyone.  NOT FOR PRODUCTION.                           *\n"
                "**************************************************************************\n",
                stderr);
}

static enum err load_layout(struct process *p, struct net_problem *problem)
{
    TRY(hostcmd_profile_load(p->settings.layout, &p->layout, problem->text, sizeof problem->text));
    if (cvv_window_find(p->layout.algorithm))
        return ERR_OK;
    (void)snprintf(problem->text, sizeof problem->text, "hsm.layout: %s names algorithm %s, which is not built in",
                   p->settings.layout, p->layout.algorithm);
    return ERR_CONFIG;
}

/* With the policy and the guessing limit of the mode. */
static enum err create(struct process *p, struct hsm_config *config, struct net_problem *problem)
{
    struct hsm_guess_config guess;
    bool limited = false;
    TRY(hsm_mode_policy(&p->settings, &p->policy, problem));
    TRY(hsm_mode_audit(&p->settings, config->env, &p->audit, problem));
    TRY(hsm_mode_guess(&p->settings, config->env, &guess, &limited, problem));
    config->guess = limited ? &guess : NULL;
    config->audit = p->audit;
    enum err err = hsm_create(config, &p->hsm);
    secret_wipe(&guess, sizeof guess);
    TRY(err);
    hsm_policy_set(p->hsm, &p->policy);
    hsm_mode_warn(&p->settings, config->env->log);
    return ERR_OK;
}

static enum err read_settings(void *context, struct hsm_settings *out, char *problem, size_t problem_cap)
{
    struct process *p = context;
    return service_settings_read(&p->base, out, problem, problem_cap);
}

/* What the settings say by themselves. */
static enum err config_take(struct process *p, struct hsm_config *out, struct net_problem *problem)
{
    const struct hsm_settings *s = &p->settings;
    *out = (struct hsm_config){.env = &p->base.env,
                               .header = (uint8_t)s->header,
                               .lmk = (uint8_t)s->lmk,
                               .sockets = (uint16_t)s->connections,
                               .test_lmk = s->test_lmk,
                               .test_lmk_old = s->test_lmk_old,
                               .user_storage = s->user_storage,
                               .storage_size = (size_t)s->storage_size,
                               .hardened = hsm_mode_hardened(s),
                               .authorised = s->authorised,
                               .blocks_only = !s->variant_keys,
                               .qy_service_998_only = s->qy_service_998_only,
                               .layout = &p->layout,
                               .serial = s->serial,
                               .console = s->console[0] != 0,
                               .host_2 = s->tls_listen[0] != 0};
    if (hsm_disabled_parse(s->disabled, &out->disabled) != ERR_OK) {
        (void)snprintf(problem->text, sizeof problem->text, "hsm.disabled: write known commands with commas, such as AS,A0");
        return ERR_CONFIG;
    }
    if (s->serial[0] && strlen(s->serial) != sizeof s->serial - 1) {
        (void)snprintf(problem->text, sizeof problem->text, "hsm.serial: write 12 characters");
        return ERR_CONFIG;
    }
    return load_layout(p, problem);
}

/* The loop, and what it serves. */
static enum err serve(struct process *p, bool hardened, uint16_t *admin_port, struct net_problem *problem)
{
    const struct hsm_settings *s = &p->settings;
    TRY(service_loop_create(&p->base));
    TRY(hsm_mode_started(s, p->audit, problem));
    TRY(net_loop_every(p->base.loop, TICK_MS, TICK_MS, hsm_tick, p->hsm));
    TRY(hsm_custody_open(&p->custody, p->hsm, hardened, p->base.loop, problem));
    TRY(hsm_ports_open(s, p->hsm, p->base.loop, &p->ports, problem));
    p->reload = (struct hsm_reload){.read = read_settings,
                                    .context = p,
                                    .log = &p->base.log,
                                    .settings = &p->settings,
                                    .hsm = p->hsm,
                                    .audit = p->audit,
                                    .ports = &p->ports};
    return service_admin_create(&p->base, s->admin, problem, admin_port);
}

static enum err start(void *context, struct net_problem *problem)
{
    struct process *p = context;
    const struct hsm_settings *s = &p->settings;
    struct hsm_config config;
    uint16_t admin_port = 0;
    TRY(config_take(p, &config, problem));
    TRY(hsm_custody_prepare(s, &p->custody, problem));
    TRY(hsm_confine_open(s, p->base.env.log));
    TRY(create(p, &config, problem));
    TRY(hsm_storage_reload(p->hsm, problem));
    TRY(serve(p, config.hardened, &admin_port, problem));
    LOG(p->base.env.log, LOG_INFO, "hsm.started", LOG_TEXT("listen", s->listen), LOG_INT("port", hsm_ports_number(p->ports.plain)),
        LOG_INT("tls_port", hsm_ports_number(p->ports.tls)), LOG_INT("admin_port", admin_port), LOG_INT("header", s->header),
        LOG_TEXT("lmk", s->test_lmk ? "test" : s->lmk_store), LOG_TEXT("layout", p->layout.name),
        LOG_TEXT("algorithm", p->layout.algorithm), LOG_TEXT("mode", config.hardened ? "hardened" : "compatibility"));
    return ERR_OK;
}

static void stop(void *context)
{
    struct process *p = context;
    net_loop_destroy(p->base.loop);
    hsm_custody_close(&p->custody);
    hsm_destroy(p->hsm);
    hsm_mode_stopped(p->audit);
    hsm_confine_close();
}

static void reload(void *context)
{
    struct process *p = context;
    hsm_reload(&p->reload);
}

/* It has no threads: its files are closed when the start has read what it alone needs. */
static const struct service_walls walls = {
    .table = &hsm_confine_table, .wanted = offsetof(struct hsm_settings, sandbox), .event = "sandbox", .late = true};

/* The public LMKs are told loudly. */
static enum err check(void *context, struct net_problem *problem)
{
    const struct process *p = context;
    TRY(hsm_mode_check(&p->settings, problem));
    TRY(hsm_custody_check(&p->settings, problem));
    if (p->settings.test_lmk)
        warn_test_lmk();
    return ERR_OK;
}

/* It takes commands that need keys. */
static bool is_ready(void *context)
{
    const struct process *p = context;
    return hsm_officers_ready(p->custody.officers);
}

static const struct service service = {
    .name = "hsm",
    .check = check,
    .start = start,
    .walls = &walls,
    .stop = stop,
    .reload = reload,
    .ready = is_ready,
    .metrics = on_metrics,
    .grace_ms = GRACE_MS,
};

/* ---- the command line ---- */

/* clang-format off */
static const struct cli_option options[] = {
    {.name = "test-lmk", .doc = "load the public test LMKs: NOT FOR PRODUCTION", .sets = "hsm.test_lmk=true"},
    {.name = "listen", .kind = CLI_TEXT, .argument = "ADDR:PORT", .sets = "hsm.listen=",
     .doc = "host commands; port 0: any free one", .initial = "127.0.0.1:1500"},
    {.name = "header", .kind = CLI_NUMBER, .argument = "N", .max = 255, .sets = "hsm.header=",
     .doc = "bytes echoed in front of each command", .initial = "4"},
    {.name = "admin", .kind = CLI_TEXT, .argument = "ADDR:PORT", .doc = "serve /healthz /readyz /metrics", .sets = "hsm.admin="},
};
static const struct cli_status statuses[] = {
    {CLI_EXIT_DONE, "ended by SIGTERM or SIGINT"},
    {CLI_EXIT_FAILED, "failed"},
    {CLI_EXIT_USAGE, "the command line or the configuration cannot be used"},
    {CLI_EXIT_MODE, "there are no LMKs, or settings contradict the mode"},
};
/* clang-format on */
static const struct cli_section sections[] = {
    {.title = "Signals",
     .text = "SIGTERM, SIGINT: take no new connection, answer what has been received, and end with status 0.\n"
             "\n"
             "SIGHUP: read the configuration again: the guessing limit, the lists of peers, clients and disabled commands, the "
             "user storage "
             "and the certificates. One bad value changes nothing, and is logged; so is what waits for a start.\n"},
    {.title = "Files",
     .text = "/etc/countersign/hsm.conf: the configuration by convention; see countersign-hsm.conf(5).\n"
             "\n"
             "hsm.lmk_store: the sealed LMKs, made by countersign-hsm-lmk(1).\n"},
};

static int run(const struct cli_line *line)
{
    static struct process process;
    (void)snprintf(process.settings.config, sizeof process.settings.config, "%s", line->config ? line->config : "");
    return service_run(&service, line, &process.base, &process.settings);
}

const struct cli_command main_hsm_serve = {
    .name = "serve",
    .summary = "answer host commands; what options without a command do, too",
    .about = "Answers payShield host commands; the only process that holds keys.",
    CLI_ROWS(options, statuses),
    CLI_SECTIONS(sections),
    .settings = &hsm_settings_table,
    .no_page = true,
    .run = run,
};
