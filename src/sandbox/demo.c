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

#include "main/services.h"
#include "sandbox/help.h"
#include "sandbox/tell.h"

enum { OFFSET_MAX = 50000 };

static volatile sig_atomic_t interrupted;

static void on_signal(int signum)
{
    (void)signum;
    interrupted = 1;
}

bool demo_interrupted(void)
{
    return interrupted != 0;
}

enum err demo_fail(struct demo *demo, enum err err, const char *what, const char *detail)
{
    if (!demo->problem[0])
        (void)snprintf(demo->problem, sizeof demo->problem, "%s%s%s", what, detail ? ": " : "", detail ? detail : "");
    return err;
}

void demo_path(const struct demo *demo, const char *name, char out[static DEMO_PATH])
{
    (void)snprintf(out, DEMO_PATH, "%.200s/%.50s", demo->dir, name);
}

/* ---- command line ---- */

/* Admin ports stand 1,337 above, not 1,000 as a service's own default: sandboxes with round offsets do not meet. */
static const uint16_t standard_ports[DEMO_PORTS] = {
    [DEMO_PORT_HSM] = 1500,           [DEMO_PORT_ISSUER] = 8081,       [DEMO_PORT_VISA] = 8583,
    [DEMO_PORT_EFTPOS] = 8585,        [DEMO_PORT_GENERIC] = 8586,      [DEMO_PORT_GATEWAY] = 8080,
    [DEMO_PORT_ADMIN_HSM] = 2837,     [DEMO_PORT_ADMIN_ISSUER] = 9418, [DEMO_PORT_ADMIN_SWITCH] = 9920,
    [DEMO_PORT_ADMIN_GATEWAY] = 9417,
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

static bool read_offset(struct demo *demo, const char *text)
{
    char *end = NULL;
    long offset = strtol(text, &end, 10);
    if (!*text || *end || offset < 0 || offset > OFFSET_MAX)
        return false;
    for (size_t i = 0; i < DEMO_PORTS; i++)
        demo->port[i] = (uint16_t)(standard_ports[i] + offset);
    return true;
}

/* 0: go on; otherwise the exit status plus 1. */
static int read_arguments(struct demo *demo, int argc, char **argv)
{
    (void)read_offset(demo, "0");
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(argv[i], "--help") == 0) {
            usage(stdout);
            return 1;
        } else if (strcmp(argv[i], "--once") == 0) {
            demo->once = true;
        } else if (strcmp(argv[i], "--json") == 0) {
            demo->json = true;
        } else if (strcmp(argv[i], "--dir") == 0 && *value && strlen(value) < 200) {
            (void)snprintf(demo->dir, sizeof demo->dir, "%s", value);
            i++;
        } else if (strcmp(argv[i], "--port-offset") == 0 && read_offset(demo, value)) {
            i++;
        } else {
            (void)fprintf(stderr, "countersign demo: cannot use '%s'\n", argv[i]);
            usage(stderr);
            return 3;
        }
    }
    demo->colour = !demo->json && isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
    return 0;
}

/* ---- run ---- */

static enum err check_ports(struct demo *demo)
{
    for (size_t i = 0; i < DEMO_PORTS; i++) {
        struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(demo->port[i]), .sin_addr = {htonl(INADDR_LOOPBACK)}};
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
        bool is_free = fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof at) == 0;
        (void)close(fd);
        char text[96];
        (void)snprintf(text, sizeof text, "port %u is taken; try --port-offset 100", demo->port[i]);
        if (!is_free)
            return demo_fail(demo, ERR_SYSTEM, text, NULL);
    }
    return ERR_OK;
}

static enum err start_tap(struct demo *demo)
{
    const uint16_t far[DEMO_WIRES] = {
        [DEMO_WIRE_VISA] = demo->port[DEMO_PORT_VISA],
        [DEMO_WIRE_EFTPOS] = demo->port[DEMO_PORT_EFTPOS],
        [DEMO_WIRE_SWITCH_HSM] = demo->port[DEMO_PORT_HSM],
        [DEMO_WIRE_ISSUER_HSM] = demo->port[DEMO_PORT_HSM],
    };
    return demo_tap_start(&demo->tap, far);
}

static enum err bring_up(struct demo *demo)
{
    TRY(check_ports(demo));
    TRY(demo_prepare_dir(demo));
    TRY(start_tap(demo)); /* before there are card numbers that its memory would inherit */
    TRY(demo_invent(demo));
    TRY(demo_service_start(demo, DEMO_HSM));
    TRY(demo_service_wait(demo, DEMO_HSM));
    TRY(demo_make_keys(demo));
    TRY(demo_write_files(demo));
    TRY(demo_seed(demo));
    for (enum demo_service s = DEMO_ISSUER; s < DEMO_SERVICES; s++)
        TRY(demo_service_start(demo, s));
    for (enum demo_service s = DEMO_ISSUER; s < DEMO_SERVICES; s++)
        TRY(demo_service_wait(demo, s));
    return demo_register_cards(demo);
}

static enum err stay(struct demo *demo)
{
    struct demo_tap_line line;
    while (!demo_interrupted()) {
        if (demo_services_died(demo) != DEMO_SERVICES)
            return ERR_CLOSED;
        if (!demo_tap_read(&demo->tap, 200, &line))
            demo_sleep_ms(10);
    }
    return ERR_OK;
}

static enum err run(struct demo *demo, bool *held)
{
    demo->began_us = env_monotonic_us(&demo->env);
    TRY(bring_up(demo));
    int64_t took_ms = (env_monotonic_us(&demo->env) - demo->began_us) / 1000;
    demo_say(demo, "Everything answers after %lld.%lld s. Sandbox: %s", (long long)took_ms / 1000, (long long)took_ms % 1000 / 100,
             demo->dir);
    TRY(demo_story(demo, held));
    /* Not before: the story stops the HSM, and who reads the file finds everything answering. */
    TRY(demo_write_sandbox(demo));
    if (demo->once || demo_interrupted())
        return ERR_OK;
    demo_help(demo);
    return stay(demo);
}

static void report(struct demo *demo, enum err err, bool held)
{
    if (err != ERR_OK)
        (void)fprintf(stderr, "countersign demo: %s\n", demo->problem[0] ? demo->problem : err_row(err)->text);
    else if (!demo_interrupted())
        demo_say(demo, "\n%s", held ? "Every expectation held." : "NOT every expectation held.");
    if (demo->temporary && (err != ERR_OK || (!held && !demo_interrupted())))
        (void)fprintf(stderr, "countersign demo: the logs are in %s\n", demo->dir);
}

int main_demo(int argc, char **argv)
{
    static struct demo demo;
    struct sigaction on = {.sa_handler = on_signal};
    bool held = false;
    demo.log = (struct log){.fd = STDERR_FILENO, .least = LOG_ERROR, .service = "demo"};
    demo.env = env_system(&demo.log);
    demo.tap.lines = -1;
    int stop = read_arguments(&demo, argc, argv);
    if (stop)
        return stop - 1;
    (void)sigaction(SIGINT, &on, NULL);
    (void)sigaction(SIGTERM, &on, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    demo_say(&demo, "Countersign %s sandbox: test keys, loopback, NOT FOR PRODUCTION.", COUNTERSIGN_VERSION);
    enum err err = run(&demo, &held);
    demo_services_stop(&demo);
    demo_tap_stop(&demo.tap);
    report(&demo, err, held);
    if (demo.temporary && err == ERR_OK && (held || demo_interrupted()))
        demo_remove_dir(&demo);
    return err == ERR_OK && (held || (demo_interrupted() && !demo.once)) ? 0 : 1;
}
