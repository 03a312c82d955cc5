/* SPDX-License-Identifier: Apache-2.0 */
/* countersign-hsm: the key holder's process. */
#include "hsm/hsm.h"
#include "main/command.h"
#include "main/services.h"
#include "net/admin.h"

#include "base/config.h"
#include "base/secret.h"

#include <argp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

enum { GRACE_MS = 5000 };

struct settings {
    char listen[64];
    char admin[64];
    int64_t header;
    int64_t connections;
    int64_t lmk;
    bool test_lmk;
    bool authorised;
    char disabled[64];
};

/* clang-format off */
static const struct config_row settings_rows[] = {
    {"hsm", "listen", "ADDR:PORT of the host commands", CONFIG_TEXT, CONFIG_MEMBER(struct settings, listen),
     .initial = "127.0.0.1:1500"},
    {"hsm", "admin", "ADDR:PORT of /healthz /readyz /metrics; empty: none", CONFIG_TEXT, CONFIG_MEMBER(struct settings, admin),
     .initial = ""},
    {"hsm", "header", "bytes in front of each command that are echoed", CONFIG_INTEGER, CONFIG_MEMBER(struct settings, header),
     0, 255, "4"},
    {"hsm", "connections", "largest number of connections", CONFIG_INTEGER, CONFIG_MEMBER(struct settings, connections),
     1, 4096, "256"},
    {"hsm", "lmk", "LMK identifier where a command names none", CONFIG_INTEGER, CONFIG_MEMBER(struct settings, lmk), 0, 99, "0"},
    {"hsm", "test_lmk", "load the public test LMKs", CONFIG_BOOL, CONFIG_MEMBER(struct settings, test_lmk), .initial = "false"},
    {"hsm", "authorised", "authorised state: PM tells the expected code (compatibility mode)", CONFIG_BOOL,
     CONFIG_MEMBER(struct settings, authorised), .initial = "false"},
    {"hsm", "disabled", "commands that answer 68, separated by commas: AS,A0", CONFIG_TEXT,
     CONFIG_MEMBER(struct settings, disabled), .initial = ""},
};
/* clang-format on */
const struct config_table main_hsm_settings = {settings_rows, sizeof settings_rows / sizeof settings_rows[0]};

static const struct command_option options[] = {
    {"test-lmk", NULL, "load the public test LMKs: NOT FOR PRODUCTION", "hsm.test_lmk=true"},
    {"listen", "ADDR:PORT", "host commands (default 127.0.0.1:1500; port 0: any free one)", "hsm.listen="},
    {"header", "N", "bytes echoed in front of each command, 0..255 (default 4)", "hsm.header="},
    {"admin", "ADDR:PORT", "serve /healthz /readyz /metrics", "hsm.admin="},
};
static const struct command_description description = {
    .service = "hsm",
    .doc = "Answers payShield host commands; the only process that holds keys.",
    .table = &main_hsm_settings,
    .option = options,
    .option_count = sizeof options / sizeof options[0],
    .exit_statuses = "64 without LMKs",
};

/* ---- process ---- */

struct process {
    struct env env;
    struct net_loop *loop;
    struct hsm *hsm;
    struct net_server *server;
    bool stopping;
};

static void on_signal(void *context, int signum)
{
    struct process *p = context;
    if (signum == SIGHUP)
        return; /* nothing is re-read: a changed configuration needs a restart */
    p->stopping = true;
    LOG(p->env.log, LOG_INFO, "hsm.stopping", LOG_INT("signal", signum));
    net_loop_drain(p->loop, GRACE_MS);
}

static bool is_ready(void *context)
{
    const struct process *p = context;
    return !p->stopping;
}

static void on_metrics(void *context, struct buf *out)
{
    const struct process *p = context;
    struct net_counters c = net_server_counters(p->server);
    hsm_metrics(p->hsm, out);
    net_metric(out, "countersign_hsm_connections", "connections open", "gauge", (int64_t)net_server_count(p->server));
    net_metric(out, "countersign_hsm_connections_refused_total", "connections beyond the limit", "counter", (int64_t)c.refused);
    net_metric(out, "countersign_hsm_frames_cut_total", "connections closed for a malformed length", "counter",
               (int64_t)c.bad_frames);
}

static void warn_test_lmk(void)
{
    (void)fputs("**************************************************************************\n"
                "*  countersign-hsm runs under the PUBLIC TEST LMKs: every key it holds   *\n"
                "*  can be read by anyone.  NOT FOR PRODUCTION.                           *\n"
                "**************************************************************************\n",
                stderr);
}

static enum err start(struct process *p, const struct settings *s, struct net_problem *problem)
{
    struct hsm_config hsm = {.env = &p->env,
                             .header = (uint8_t)s->header,
                             .lmk = (uint8_t)s->lmk,
                             .sockets = (uint16_t)s->connections,
                             .test_lmk = s->test_lmk,
                             .authorised = s->authorised};
    if (hsm_disabled_parse(s->disabled, &hsm.disabled) != ERR_OK) {
        (void)snprintf(problem->text, sizeof problem->text, "hsm.disabled: write known commands with commas, such as AS,A0");
        return ERR_CONFIG;
    }
    TRY(hsm_create(&hsm, &p->hsm));
    TRY(net_loop_create(&(struct net_loop_config){.env = &p->env, .signal = on_signal, .context = p}, &p->loop));
    struct hsm_serve_config serve = {s->listen, (uint32_t)s->connections};
    TRY(hsm_serve(p->hsm, p->loop, &serve, &p->server, problem));
    uint16_t admin_port = 0;
    if (s->admin[0]) {
        struct net_admin *admin = NULL;
        TRY(net_admin_create(p->loop, &(struct net_admin_config){s->admin, is_ready, on_metrics, p}, &admin, problem));
        admin_port = net_admin_port(admin);
    }
    LOG(p->env.log, LOG_INFO, "hsm.started", LOG_TEXT("listen", s->listen), LOG_INT("port", net_server_port(p->server)),
        LOG_INT("admin_port", admin_port), LOG_INT("header", s->header), LOG_TEXT("lmk", "test"));
    return ERR_OK;
}

static int run(struct process *p, const struct settings *s)
{
    struct net_problem problem = {""};
    enum err err = start(p, s, &problem);
    if (err != ERR_OK)
        command_start_failed(&description, problem.text, err);
    else
        err = net_loop_run(p->loop);
    net_loop_destroy(p->loop);
    hsm_destroy(p->hsm);
    if (err == ERR_OK)
        LOG(p->env.log, LOG_INFO, "hsm.stopped", LOG_INT("status", 0));
    return command_exit_status(err);
}

int main_hsm(int argc, char **argv)
{
    struct log log = {STDERR_FILENO, LOG_INFO, "hsm"};
    struct process process = {.env = env_system(&log)};
    struct settings settings;
    char problem[256] = "";
    argp_program_version = "countersign-hsm " COUNTERSIGN_VERSION;
    if (command_settings_load(&description, argc, argv, &settings, problem, sizeof problem) != ERR_OK) {
        (void)fprintf(stderr, "countersign-hsm: %s\n", problem);
        return COMMAND_EXIT_BAD_START;
    }
    if (!settings.test_lmk) {
        (void)fputs("countersign-hsm: no LMKs. Forming production LMKs from components is not part of this release;\n"
                    "  --test-lmk loads the public test LMKs for a sandbox.\n",
                    stderr);
        return EX_USAGE;
    }
    if (secret_process_harden() != ERR_OK)
        LOG(&log, LOG_WARN, "hsm.harden", LOG_TEXT("reason", "the process could not be made undumpable"));
    warn_test_lmk();
    return run(&process, &settings);
}
