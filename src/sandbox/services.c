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
    enum demo_port admin;
} services[DEMO_SERVICES] = {
    [DEMO_HSM] = {"hsm", "countersign-hsm", NULL, NULL, DEMO_PORT_ADMIN_HSM},
    [DEMO_ISSUER] = {"issuer", "countersign", "issuer", "issuer.ini", DEMO_PORT_ADMIN_ISSUER},
    [DEMO_SWITCH] = {"switch", "countersign", "switch", "switch.ini", DEMO_PORT_ADMIN_SWITCH},
    [DEMO_GATEWAY] = {"gateway", "countersign", "gateway", "gateway.ini", DEMO_PORT_ADMIN_GATEWAY},
};

/* The files say where the services really are; the sandbox's own processes are led through the tap instead. */
static const struct detour {
    enum demo_service service;
    const char *key;
    enum demo_wire wire;
    bool whole_address; /* ADDR:PORT, not the port alone */
} detours[] = {
    {DEMO_ISSUER, "hsm.address", DEMO_WIRE_ISSUER_HSM, true},
    {DEMO_SWITCH, "hsm.address", DEMO_WIRE_SWITCH_HSM, true},
    {DEMO_GATEWAY, "link.visa.port", DEMO_WIRE_VISA, false},
    {DEMO_GATEWAY, "link.eftpos.port", DEMO_WIRE_EFTPOS, false},
};

struct command {
    char *argv[ARGUMENTS];
    size_t count;
    char room[ARGUMENTS][DEMO_PATH + 64];
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
    char self[DEMO_PATH], path[2 * DEMO_PATH];
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

static void add_hsm_options(const struct demo *demo, struct command *c)
{
    char listen[32], admin[32];
    (void)snprintf(listen, sizeof listen, "127.0.0.1:%u", demo->port[DEMO_PORT_HSM]);
    (void)snprintf(admin, sizeof admin, "127.0.0.1:%u", demo->port[DEMO_PORT_ADMIN_HSM]);
    add(c, "--test-lmk");
    add(c, "--listen");
    add(c, listen);
    add(c, "--header");
    add(c, "4");
    add(c, "--admin");
    add(c, admin);
}

static void add_detours(const struct demo *demo, enum demo_service service, struct command *c)
{
    for (size_t i = 0; i < sizeof detours / sizeof detours[0]; i++) {
        const struct detour *d = &detours[i];
        char text[96];
        if (d->service != service)
            continue;
        (void)snprintf(text, sizeof text, "%s=%s%u", d->key, d->whole_address ? "127.0.0.1:" : "", demo->tap.port[d->wire]);
        add(c, "--set");
        add(c, text);
    }
}

enum err demo_service_start(struct demo *demo, enum demo_service service)
{
    static struct command c;
    const struct service *row = &services[service];
    char log[DEMO_PATH], config[DEMO_PATH], name[32];
    c = (struct command){0};
    if (add_program(&c, row->program) != ERR_OK)
        return demo_fail(demo, ERR_SYSTEM, "there is no such program beside this one", row->program);
    if (row->subcommand)
        add(&c, row->subcommand);
    if (row->config) {
        demo_path(demo, row->config, config);
        add(&c, "--config");
        add(&c, config);
        add_detours(demo, service, &c);
    } else {
        add_hsm_options(demo, &c);
    }
    (void)snprintf(name, sizeof name, "%s.log", row->name);
    demo_path(demo, name, log);
    return demo_child_start(&demo->child[service], c.argv, log);
}

static bool answers(const struct demo *demo, enum demo_service service)
{
    struct hostcmd_nc_reply reply;
    if (service == DEMO_HSM)
        return demo_hsm_call(demo->port[DEMO_PORT_HSM], HOSTCMD_NC, NULL, &reply) == ERR_OK;
    uint16_t port = demo->port[services[service].admin];
    /* A gateway is ready with one link; the story needs both. */
    if (service == DEMO_GATEWAY && !(demo_http_says(port, "/metrics", "gateway_link_up{link=\"visa\"} 1") &&
                                     demo_http_says(port, "/metrics", "gateway_link_up{link=\"eftpos\"} 1")))
        return false;
    return demo_http_says(port, "/readyz", "");
}

static enum err report_death(struct demo *demo, enum demo_service service)
{
    char how[64], text[160];
    demo_child_describe(&demo->child[service], how, sizeof how);
    (void)snprintf(text, sizeof text, "%s ended: %s; see %s.log", services[service].name, how, services[service].name);
    return demo_fail(demo, ERR_CLOSED, text, NULL);
}

enum err demo_service_wait(struct demo *demo, enum demo_service service)
{
    for (int waited = 0; waited < START_MS && !demo_interrupted(); waited += LOOK_MS) {
        if (demo_child_ended(&demo->child[service]))
            return report_death(demo, service);
        if (answers(demo, service))
            return ERR_OK;
        demo_sleep_ms(LOOK_MS);
    }
    return demo_fail(demo, ERR_TIMEOUT, "does not get ready", services[service].name);
}

enum err demo_service_stop(struct demo *demo, enum demo_service service)
{
    demo_child_stop(&demo->child[service], STOP_MS);
    return ERR_OK;
}

void demo_services_stop(struct demo *demo)
{
    for (enum demo_service s = DEMO_SERVICES; s-- > 0;)
        demo_child_stop(&demo->child[s], STOP_MS);
}

enum demo_service demo_services_died(struct demo *demo)
{
    for (enum demo_service s = 0; s < DEMO_SERVICES; s++)
        if (demo_child_ended(&demo->child[s])) {
            (void)report_death(demo, s);
            return s;
        }
    return DEMO_SERVICES;
}
