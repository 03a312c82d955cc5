/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a service's process, the same for all of them.
 *
 * Purpose    Command line, configuration, hardening, start, loop, signals, drain, stop, exit status. A service is a row of hooks.
 * Ownership  The process struct is the service's, with a service_process as its first member; hooks get all of it.
 * Threading  Everything on the main thread.
 * Failure    A start that fails is told on standard error; `stop` is called all the same and takes what is there.
 *
 * Example
 *     struct process { struct service_process base; struct settings settings; ... };
 *     static const struct service service = {.command = {...}, .start = start, .stop = stop, .turn = on_turn, ...};
 *     return service_main(&service, argc, argv, &process.base, &process.settings);
 */
#ifndef SERVICE_SERVICE_H
#define SERVICE_SERVICE_H

#include "base/env.h"
#include "main/command.h"
#include "net/net.h"

struct service {
    struct command_description command;
    int (*check)(void *process); /* NULL, or after the settings: the exit status of a refusal, 0 = go on */
    enum err (*start)(void *process, struct net_problem *problem);
    enum err (*confine)(void *process); /* NULL, or after a start that succeeded */
    void (*stop)(void *process);
    void (*quiesce)(void *process); /* NULL, or at a signal: takes nothing new */
    int64_t (*turn)(void *process); /* NULL, or as net_loop_config */
    void (*reload)(void *process);  /* NULL, or at SIGHUP: reads again what may change while it runs */
    bool (*busy)(void *process);    /* NULL, or as net_loop_config */
    bool (*ready)(void *process);   /* NULL: ready until it stops */
    void (*metrics)(void *process, struct buf *out);
    uint32_t grace_ms; /* for what is under way at a signal */
};

struct service_process {
    const struct service *service;
    struct log log;
    struct env env;
    struct net_loop *loop;
    bool stopping;
    int argc;
    char **argv;
};

int service_main(const struct service *service, int argc, char **argv, struct service_process *process, void *settings);

/* For reload hooks: the settings as a start with the same command line would find them. */
MUST_USE enum err service_settings_read(struct service_process *process, void *settings, char *problem, size_t problem_cap);

/* For start hooks: the loop, and /healthz /readyz /metrics at `listen` (empty: none; *port gets 0). */
MUST_USE enum err service_loop_create(struct service_process *process);
MUST_USE enum err service_admin_create(struct service_process *process, const char *listen, struct net_problem *problem,
                                       uint16_t *port);

#endif
