/* SPDX-License-Identifier: Apache-2.0 */
/* countersign-hsm: the key holder's process. */
#include "hsm/hsm.h"
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

enum { EXIT_BAD_START = 2, GRACE_MS = 5000 };

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

/* ---- command line ---- */

enum { OPTION_TEST_LMK = 256, OPTION_LISTEN, OPTION_HEADER, OPTION_ADMIN, OPTION_CONFIG, OPTION_SET };
enum { ASSIGNMENTS_MAX = 32, ASSIGNMENT_SIZE = 320 };

/* Options are kept as assignments and applied after the file: the command line wins wherever --config stands. */
struct arguments {
    const char *config;
    char assignment[ASSIGNMENTS_MAX][ASSIGNMENT_SIZE];
    size_t count;
};

static const struct argp_option options[] = {
    {"test-lmk", OPTION_TEST_LMK, NULL, 0, "load the public test LMKs: NOT FOR PRODUCTION", 0},
    {"listen", OPTION_LISTEN, "ADDR:PORT", 0, "host commands (default 127.0.0.1:1500; port 0: any free one)", 0},
    {"header", OPTION_HEADER, "N", 0, "bytes echoed in front of each command, 0..255 (default 4)", 0},
    {"admin", OPTION_ADMIN, "ADDR:PORT", 0, "serve /healthz /readyz /metrics", 0},
    {"config", OPTION_CONFIG, "FILE", 0, "INI file, section [hsm]", 0},
    {"set", OPTION_SET, "section.key=value", 0, "override one key of the file", 0},
    {0},
};

static void assign(struct arguments *a, const struct argp_state *state, const char *key, const char *value)
{
    if (a->count == ASSIGNMENTS_MAX)
        argp_error(state, "too many settings");
    struct buf b = buf_over(a->assignment[a->count], ASSIGNMENT_SIZE - 1);
    buf_put_text(&b, key);
    buf_put_text(&b, value);
    if (buf_done(&b) != ERR_OK)
        argp_error(state, "the value of %s is too long", key);
    a->count++;
}

static error_t on_option(int key, char *value, struct argp_state *state)
{
    struct arguments *a = state->input;
    switch (key) {
    case OPTION_TEST_LMK:
        assign(a, state, "hsm.test_lmk=", "true");
        return 0;
    case OPTION_LISTEN:
        assign(a, state, "hsm.listen=", value);
        return 0;
    case OPTION_HEADER:
        assign(a, state, "hsm.header=", value);
        return 0;
    case OPTION_ADMIN:
        assign(a, state, "hsm.admin=", value);
        return 0;
    case OPTION_SET:
        assign(a, state, "", value);
        return 0;
    case OPTION_CONFIG:
        a->config = value;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "'%s' is not expected here", value);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static enum err settings_load(int argc, char **argv, struct settings *out, char *problem, size_t problem_cap)
{
    static const struct argp parser = {.options = options,
                                       .parser = on_option,
                                       .doc = "Answers payShield host commands; the only process that holds keys.\v"
                                              "Exit status: 0 after SIGTERM or SIGINT, 2 for a bad command line or configuration, "
                                              "64 without LMKs, 1 for anything else."};
    struct arguments arguments = {0};
    argp_err_exit_status = EXIT_BAD_START;
    argp_program_version = "countersign-hsm " COUNTERSIGN_VERSION;
    if (argp_parse(&parser, argc, argv, 0, NULL, &arguments) != 0)
        return ERR_CONFIG;
    TRY(config_load(&main_hsm_settings, arguments.config, out, problem, problem_cap));
    for (size_t i = 0; i < arguments.count; i++)
        TRY(config_set(&main_hsm_settings, arguments.assignment[i], out, problem, problem_cap));
    return ERR_OK;
}

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
        (void)fprintf(stderr, "countersign-hsm: cannot start: %s%s%s\n", problem.text, problem.text[0] ? ": " : "",
                      err_row(err)->text);
    else
        err = net_loop_run(p->loop);
    net_loop_destroy(p->loop);
    hsm_destroy(p->hsm);
    if (err == ERR_OK)
        LOG(p->env.log, LOG_INFO, "hsm.stopped", LOG_INT("status", 0));
    return err == ERR_OK ? 0 : err == ERR_CONFIG ? EXIT_BAD_START : 1;
}

int main_hsm(int argc, char **argv)
{
    struct log log = {STDERR_FILENO, LOG_INFO, "hsm"};
    struct process process = {.env = env_system(&log)};
    struct settings settings;
    char problem[256] = "";
    if (settings_load(argc, argv, &settings, problem, sizeof problem) != ERR_OK) {
        (void)fprintf(stderr, "countersign-hsm: %s\n", problem);
        return EXIT_BAD_START;
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
