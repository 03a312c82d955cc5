/* SPDX-License-Identifier: Apache-2.0 */
/* The services of the sandbox as rows: how each is started and how one sees that it answers. */
#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sandbox/internal.h"
#include "sandbox/net.h"

enum { START_MS = 20000, STOP_MS = 8000, LOOK_MS = 20, ARGUMENTS = 24 };

static const struct service {
    const char *name;
    const char *program;    /* beside our own */
    const char *subcommand; /* NULL: none */
    const char *config;     /* in the directory; NULL: command line only */
    enum sandbox_port admin;
} services[SANDBOX_SERVICES] = {
    [SANDBOX_HSM] = {"hsm", "countersign-hsm", NULL, NULL, SANDBOX_PORT_ADMIN_HSM},
    [SANDBOX_ISSUER] = {"issuer", "countersign", "issuer", "issuer.ini", SANDBOX_PORT_ADMIN_ISSUER},
    [SANDBOX_SWITCH] = {"switch", "countersign", "switch", "switch.ini", SANDBOX_PORT_ADMIN_SWITCH},
    [SANDBOX_GATEWAY] = {"gateway", "countersign", "gateway", "gateway.ini", SANDBOX_PORT_ADMIN_GATEWAY},
};

/* The files say where the services really are; the sandbox's own processes are led through the tap instead. */
static const struct detour {
    enum sandbox_service service;
    const char *key;
    enum sandbox_wire wire;
    bool whole_address; /* ADDR:PORT, not the port alone */
} detours[] = {
    {SANDBOX_ISSUER, "hsm.address", SANDBOX_WIRE_ISSUER_HSM, true},
    {SANDBOX_SWITCH, "hsm.address", SANDBOX_WIRE_SWITCH_HSM, true},
    {SANDBOX_GATEWAY, "link.visa.port", SANDBOX_WIRE_VISA, false},
    {SANDBOX_GATEWAY, "link.eftpos.port", SANDBOX_WIRE_EFTPOS, false},
};

struct command {
    char *argv[ARGUMENTS];
    size_t count;
    char room[ARGUMENTS][SANDBOX_PATH + 64];
};

static void add(struct command *c, const char *text)
{
    ASSERT(c->count < ARGUMENTS - 1);
    (void)snprintf(c->room[c->count], sizeof c->room[0], "%s", text);
    c->argv[c->count] = c->room[c->count];
    c->count++;
}

static enum err add_program(struct command *c, const char *program)
{
    char self[SANDBOX_PATH], path[2 * SANDBOX_PATH];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (n <= 0)
        return ERR_SYSTEM;
    self[n] = '\0';
    (void)snprintf(path, sizeof path, "%s/%s", dirname(self), program);
    if (strlen(path) >= sizeof c->room[0] || access(path, X_OK) != 0)
        return ERR_SYSTEM;
    add(c, path);
    return ERR_OK;
}

static void add_hsm_options(const struct sandbox *box, struct command *c)
{
    char listen[32], admin[32];
    (void)snprintf(listen, sizeof listen, "127.0.0.1:%u", box->port[SANDBOX_PORT_HSM]);
    (void)snprintf(admin, sizeof admin, "127.0.0.1:%u", box->port[SANDBOX_PORT_ADMIN_HSM]);
    add(c, "--test-lmk");
    add(c, "--listen");
    add(c, listen);
    add(c, "--header");
    add(c, "4");
    add(c, "--admin");
    add(c, admin);
}

static void add_detours(const struct sandbox *box, enum sandbox_service service, struct command *c)
{
    for (size_t i = 0; i < sizeof detours / sizeof detours[0]; i++) {
        const struct detour *d = &detours[i];
        char text[96];
        if (d->service != service)
            continue;
        (void)snprintf(text, sizeof text, "%s=%s%u", d->key, d->whole_address ? "127.0.0.1:" : "", box->tap.port[d->wire]);
        add(c, "--set");
        add(c, text);
    }
}

enum err sandbox_service_start(struct sandbox *box, enum sandbox_service service)
{
    struct command c = {0};
    const struct service *row = &services[service];
    char log[SANDBOX_PATH], config[SANDBOX_PATH], name[32];
    if (add_program(&c, row->program) != ERR_OK)
        return sandbox_fail(box, ERR_SYSTEM, "there is no such program beside this one", row->program);
    if (row->subcommand)
        add(&c, row->subcommand);
    if (row->config) {
        sandbox_path(box, row->config, config);
        add(&c, "--config");
        add(&c, config);
        add_detours(box, service, &c);
    } else {
        add_hsm_options(box, &c);
    }
    (void)snprintf(name, sizeof name, "%s.log", row->name);
    sandbox_path(box, name, log);
    return sandbox_child_start(&box->child[service], c.argv, log);
}

static bool answers(const struct sandbox *box, enum sandbox_service service)
{
    struct hostcmd_nc_reply reply;
    if (service == SANDBOX_HSM)
        return sandbox_hsm_call(box->port[SANDBOX_PORT_HSM], HOSTCMD_NC, NULL, &reply) == ERR_OK;
    uint16_t port = box->port[services[service].admin];
    /* A gateway is ready with one link; the story needs both. */
    if (service == SANDBOX_GATEWAY && !(sandbox_http_says(port, "/metrics", "gateway_link_up{link=\"visa\"} 1") &&
                                        sandbox_http_says(port, "/metrics", "gateway_link_up{link=\"eftpos\"} 1")))
        return false;
    return sandbox_http_says(port, "/readyz", "");
}

static enum err report_death(struct sandbox *box, enum sandbox_service service)
{
    char how[64], text[160];
    sandbox_child_describe(&box->child[service], how, sizeof how);
    (void)snprintf(text, sizeof text, "%s ended: %s; see %s.log", services[service].name, how, services[service].name);
    return sandbox_fail(box, ERR_CLOSED, text, NULL);
}

enum err sandbox_service_wait(struct sandbox *box, enum sandbox_service service)
{
    for (int waited = 0; waited < START_MS && !sandbox_interrupted(); waited += LOOK_MS) {
        if (sandbox_child_ended(&box->child[service]))
            return report_death(box, service);
        if (answers(box, service))
            return ERR_OK;
        sandbox_sleep_ms(LOOK_MS);
    }
    return sandbox_fail(box, ERR_TIMEOUT, "does not get ready", services[service].name);
}

enum err sandbox_service_stop(struct sandbox *box, enum sandbox_service service)
{
    sandbox_child_stop(&box->child[service], STOP_MS);
    return ERR_OK;
}

void sandbox_services_stop(struct sandbox *box)
{
    for (enum sandbox_service s = SANDBOX_SERVICES; s-- > 0;)
        sandbox_child_stop(&box->child[s], STOP_MS);
}

enum sandbox_service sandbox_services_died(struct sandbox *box)
{
    for (enum sandbox_service s = 0; s < SANDBOX_SERVICES; s++)
        if (sandbox_child_ended(&box->child[s])) {
            (void)report_death(box, s);
            return s;
        }
    return SANDBOX_SERVICES;
}
