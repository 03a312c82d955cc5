/* SPDX-License-Identifier: Apache-2.0 */
/* `countersign demo`: the sandbox from start to stop. */
#include "sandbox/internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sandbox/help.h"
#include "sandbox/sandbox.h"
#include "sandbox/tell.h"

enum { OFFSET_MAX = 50000 };

static volatile sig_atomic_t interrupted;

static void on_signal(int signum)
{
    (void)signum;
    interrupted = 1;
}

bool sandbox_interrupted(void)
{
    return interrupted != 0;
}

enum err sandbox_fail(struct sandbox *box, enum err err, const char *what, const char *detail)
{
    if (!box->problem[0])
        (void)snprintf(box->problem, sizeof box->problem, "%s%s%s", what, detail ? ": " : "", detail ? detail : "");
    return err;
}

void sandbox_path(const struct sandbox *box, const char *name, char out[static SANDBOX_PATH])
{
    (void)snprintf(out, SANDBOX_PATH, "%.200s/%.50s", box->dir, name);
}

/* ---- command line ---- */

/* Admin ports stand 1,337 above, not 1,000 as a service's own default: sandboxes with round offsets do not meet. */
static const uint16_t standard_ports[SANDBOX_PORTS] = {
    [SANDBOX_PORT_HSM] = 1500,           [SANDBOX_PORT_ISSUER] = 8081,       [SANDBOX_PORT_VISA] = 8583,
    [SANDBOX_PORT_EFTPOS] = 8585,        [SANDBOX_PORT_GENERIC] = 8586,      [SANDBOX_PORT_GATEWAY] = 8080,
    [SANDBOX_PORT_ADMIN_HSM] = 2837,     [SANDBOX_PORT_ADMIN_ISSUER] = 9418, [SANDBOX_PORT_ADMIN_SWITCH] = 9920,
    [SANDBOX_PORT_ADMIN_GATEWAY] = 9417,
};

static void usage(FILE *out)
{
    (void)fputs(
        "usage: countersign demo [--dir DIR] [--once] [--json] [--port-offset N]\n\n"
        "Starts HSM, issuer, switch and gateway on loopback over SQLite, with 100 cards, 10 merchants and keys under the\n"
        "public test LMK, and tells the story of a payment. Then it stays up until Ctrl-C. Not for production.\n\n"
        "  --dir DIR          keep the sandbox in DIR (default: a directory that is removed at the end)\n"
        "  --once             the story alone; exit status 0 only if every expectation held\n"
        "  --json             one JSON object a step\n"
        "  --port-offset N    add N to every port, to run beside another sandbox\n\n"
        "DIR/sandbox.json, written when the story is told and everything answers, tells other programs where everything is.\n",
        out);
}

static bool read_offset(struct sandbox *box, const char *text)
{
    char *end = NULL;
    long offset = strtol(text, &end, 10);
    if (!*text || *end || offset < 0 || offset > OFFSET_MAX)
        return false;
    for (size_t i = 0; i < SANDBOX_PORTS; i++)
        box->port[i] = (uint16_t)(standard_ports[i] + offset);
    return true;
}

/* 0: go on; otherwise the exit status plus 1. */
static int read_arguments(struct sandbox *box, int argc, char **argv)
{
    (void)read_offset(box, "0");
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(argv[i], "--help") == 0) {
            usage(stdout);
            return 1;
        } else if (strcmp(argv[i], "--once") == 0) {
            box->once = true;
        } else if (strcmp(argv[i], "--json") == 0) {
            box->json = true;
        } else if (strcmp(argv[i], "--dir") == 0 && *value && strlen(value) < 200) {
            (void)snprintf(box->dir, sizeof box->dir, "%s", value);
            i++;
        } else if (strcmp(argv[i], "--port-offset") == 0 && read_offset(box, value)) {
            i++;
        } else {
            (void)fprintf(stderr, "countersign demo: cannot use '%s'\n", argv[i]);
            usage(stderr);
            return 3;
        }
    }
    box->colour = !box->json && isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
    return 0;
}

/* ---- run ---- */

static enum err check_ports(struct sandbox *box)
{
    for (size_t i = 0; i < SANDBOX_PORTS; i++) {
        struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(box->port[i]), .sin_addr = {htonl(INADDR_LOOPBACK)}};
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
        bool is_free = fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof at) == 0;
        (void)close(fd);
        char text[96];
        (void)snprintf(text, sizeof text, "port %u is taken; try --port-offset 100", box->port[i]);
        if (!is_free)
            return sandbox_fail(box, ERR_SYSTEM, text, NULL);
    }
    return ERR_OK;
}

static enum err start_tap(struct sandbox *box)
{
    const uint16_t far[SANDBOX_WIRES] = {
        [SANDBOX_WIRE_VISA] = box->port[SANDBOX_PORT_VISA],
        [SANDBOX_WIRE_EFTPOS] = box->port[SANDBOX_PORT_EFTPOS],
        [SANDBOX_WIRE_SWITCH_HSM] = box->port[SANDBOX_PORT_HSM],
        [SANDBOX_WIRE_ISSUER_HSM] = box->port[SANDBOX_PORT_HSM],
    };
    return sandbox_tap_start(&box->tap, far);
}

static enum err bring_up(struct sandbox *box)
{
    TRY(check_ports(box));
    TRY(sandbox_prepare_dir(box));
    TRY(start_tap(box)); /* before there are card numbers that its memory would inherit */
    TRY(sandbox_invent(box));
    TRY(sandbox_service_start(box, SANDBOX_HSM));
    TRY(sandbox_service_wait(box, SANDBOX_HSM));
    TRY(sandbox_make_keys(box));
    TRY(sandbox_write_files(box));
    for (enum sandbox_service s = SANDBOX_ISSUER; s < SANDBOX_SERVICES; s++)
        TRY(sandbox_service_start(box, s));
    for (enum sandbox_service s = SANDBOX_ISSUER; s < SANDBOX_SERVICES; s++)
        TRY(sandbox_service_wait(box, s));
    return sandbox_issue(box);
}

static enum err stay(struct sandbox *box)
{
    struct sandbox_tap_line line;
    while (!sandbox_interrupted()) {
        if (sandbox_services_died(box) != SANDBOX_SERVICES)
            return ERR_CLOSED;
        if (!sandbox_tap_read(&box->tap, 200, &line))
            sandbox_sleep_ms(10);
    }
    return ERR_OK;
}

static enum err run(struct sandbox *box, bool *held)
{
    box->began_us = env_monotonic_us(&box->env);
    TRY(bring_up(box));
    int64_t took_ms = (env_monotonic_us(&box->env) - box->began_us) / 1000;
    sandbox_say(box, "Everything answers after %lld.%lld s. Sandbox: %s", (long long)took_ms / 1000,
                (long long)took_ms % 1000 / 100, box->dir);
    TRY(sandbox_story(box, held));
    /* Not before: the story stops the HSM, and who reads the file finds everything answering. */
    TRY(sandbox_write_json(box));
    if (box->once || sandbox_interrupted())
        return ERR_OK;
    sandbox_help(box);
    return stay(box);
}

static void report(struct sandbox *box, enum err err, bool held)
{
    if (err != ERR_OK)
        (void)fprintf(stderr, "countersign demo: %s\n", box->problem[0] ? box->problem : err_row(err)->text);
    else if (!sandbox_interrupted())
        sandbox_say(box, "\n%s", held ? "Every expectation held." : "NOT every expectation held.");
    if (box->temporary && (err != ERR_OK || (!held && !sandbox_interrupted())))
        (void)fprintf(stderr, "countersign demo: the logs are in %s\n", box->dir);
}

int sandbox_main(int argc, char **argv)
{
    struct sandbox box = {.tap.lines = -1};
    struct sigaction on = {.sa_handler = on_signal};
    bool held = false;
    box.log = (struct log){.fd = STDERR_FILENO, .least = LOG_ERROR, .service = "demo"};
    box.env = env_system(&box.log);
    int stop = read_arguments(&box, argc, argv);
    if (stop)
        return stop - 1;
    (void)sigaction(SIGINT, &on, NULL);
    (void)sigaction(SIGTERM, &on, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    sandbox_say(&box, "Countersign %s sandbox: test keys, loopback, NOT FOR PRODUCTION.", COUNTERSIGN_VERSION);
    enum err err = run(&box, &held);
    sandbox_services_stop(&box);
    sandbox_tap_stop(&box.tap);
    report(&box, err, held);
    if (box.temporary && err == ERR_OK && (held || sandbox_interrupted()))
        sandbox_remove_dir(&box);
    return err == ERR_OK && (held || (sandbox_interrupted() && !box.once)) ? 0 : 1;
}
