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

enum { OFFSET_MAX = 50000, DIR_MAX = 199 };

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
    [SANDBOX_PORT_ADMIN_GATEWAY] = 9417, [SANDBOX_PORT_MASTERCARD] = 8587,   [SANDBOX_PORT_AMEX] = 8588,
    [SANDBOX_PORT_DISCOVER] = 8589,
};

enum { DIR, ONCE, JSON, PORT_OFFSET };
static const struct cli_option options[] = {
    [DIR] = {.name = "dir",
             .kind = CLI_FOLDER,
             .argument = "DIR",
             .max = DIR_MAX,
             .doc = "keep the sandbox in DIR; otherwise a directory that is removed at the end"},
    [ONCE] = {.name = "once", .doc = "the story alone"},
    [JSON] = {.name = "json", .doc = "one JSON object a step"},
    [PORT_OFFSET] = {.name = "port-offset",
                     .kind = CLI_NUMBER,
                     .argument = "N",
                     .max = OFFSET_MAX,
                     .initial = "0",
                     .doc = "add N to every port, to run beside another sandbox"},
};
static const struct cli_status statuses[] = {
    {CLI_EXIT_DONE, "every expectation of the story held, or it was stopped behind the story"},
    {CLI_EXIT_FAILED, "one did not hold, or something did not start"},
    {CLI_EXIT_USAGE, "the command line is not understood"},
};

static void read_line(struct sandbox *box, const struct cli_line *line)
{
    for (size_t i = 0; i < SANDBOX_PORTS; i++)
        box->port[i] = (uint16_t)(standard_ports[i] + cli_number(line, PORT_OFFSET, 0));
    (void)snprintf(box->dir, sizeof box->dir, "%s", cli_text(line, DIR, ""));
    box->once = cli_flag(line, ONCE);
    box->json = cli_flag(line, JSON);
    box->colour = !box->json && isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
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

static enum err play(struct sandbox *box, bool *held)
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

static void report(const struct sandbox *box, const struct cli_line *line, enum err err, bool held)
{
    if (err != ERR_OK)
        (void)cli_failed(line, CLI_EXIT_FAILED, box->problem[0] ? box->problem : err_row(err)->text, "");
    else if (!sandbox_interrupted())
        sandbox_say(box, "\n%s", held ? "Every expectation held." : "NOT every expectation held.");
    if (box->temporary && (err != ERR_OK || (!held && !sandbox_interrupted())))
        (void)cli_failed(line, CLI_EXIT_FAILED, "the logs are in", box->dir);
}

static int run(const struct cli_line *line)
{
    struct sandbox box = {.tap.lines = -1};
    struct sigaction on = {.sa_handler = on_signal};
    bool held = false;
    box.log = (struct log){.fd = STDERR_FILENO, .least = LOG_ERROR, .service = "demo"};
    box.env = env_system(&box.log);
    read_line(&box, line);
    (void)sigaction(SIGINT, &on, NULL);
    (void)sigaction(SIGTERM, &on, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    sandbox_say(&box, "Countersign %s sandbox: test keys, loopback, NOT FOR PRODUCTION.", COUNTERSIGN_VERSION);
    enum err err = play(&box, &held);
    sandbox_services_stop(&box);
    sandbox_tap_stop(&box.tap);
    report(&box, line, err, held);
    if (box.temporary && err == ERR_OK && (held || sandbox_interrupted()))
        sandbox_remove_dir(&box);
    return err == ERR_OK && (held || (sandbox_interrupted() && !box.once)) ? CLI_EXIT_DONE : CLI_EXIT_FAILED;
}

const struct cli_command sandbox_demo = {
    .name = "demo",
    .summary = "starts all of it on loopback and tells the story of a payment",
    .about =
        "Starts HSM, issuer, switch and gateway on loopback over SQLite, with 100 cards, 10 merchants and keys under the public "
        "test LMK, and tells the story of a payment. Then it stays up until Ctrl-C. Not for production.\n"
        "DIR/sandbox.json, written when the story is told and everything answers, tells other programs where everything is.",
    CLI_ROWS(options, statuses),
    .run = run,
};
