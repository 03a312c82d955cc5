/* SPDX-License-Identifier: Apache-2.0 */
/* countersign-hsm: the key holder's process. */
#include "hsm/hsm.h"
#include "main/service.h"
#include "main/services.h"
#include "net/admin.h"

#include "base/config.h"

#include <argp.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

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
/* ---- process ---- */

struct process {
    struct service_process base;
    struct settings settings;
    struct hsm *hsm;
    struct net_server *server;
};

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

static enum err start(void *context, struct net_problem *problem)
{
    struct process *p = context;
    const struct settings *s = &p->settings;
    struct hsm_config hsm = {.env = &p->base.env,
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
    TRY(service_loop_create(&p->base));
    struct hsm_serve_config serve = {s->listen, (uint32_t)s->connections};
    TRY(hsm_serve(p->hsm, p->base.loop, &serve, &p->server, problem));
    uint16_t admin_port = 0;
    TRY(service_admin_create(&p->base, s->admin, problem, &admin_port));
    LOG(p->base.env.log, LOG_INFO, "hsm.started", LOG_TEXT("listen", s->listen), LOG_INT("port", net_server_port(p->server)),
        LOG_INT("admin_port", admin_port), LOG_INT("header", s->header), LOG_TEXT("lmk", "test"));
    return ERR_OK;
}

static void stop(void *context)
{
    struct process *p = context;
    net_loop_destroy(p->base.loop);
    hsm_destroy(p->hsm);
}

/* Nothing runs without LMKs; the public ones are told loudly. */
static int check(void *context)
{
    const struct process *p = context;
    if (!p->settings.test_lmk) {
        (void)fputs("countersign-hsm: no LMKs. Forming production LMKs from components is not part of this release;\n"
                    "  --test-lmk loads the public test LMKs for a sandbox.\n",
                    stderr);
        return EX_USAGE;
    }
    warn_test_lmk();
    return 0;
}

static const struct service service = {
    .command =
        {
            .service = "hsm",
            .doc = "Answers payShield host commands; the only process that holds keys.",
            .table = &main_hsm_settings,
            .option = options,
            .option_count = sizeof options / sizeof options[0],
            .exit_statuses = "64 without LMKs",
        },
    .start = start,
    .stop = stop,
    .check = check,
    .metrics = on_metrics,
    .grace_ms = GRACE_MS,
};

int main_hsm(int argc, char **argv)
{
    static struct process process;
    argp_program_version = "countersign-hsm " COUNTERSIGN_VERSION;
    return service_main(&service, argc, argv, &process.base, &process.settings);
}
