/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a service's process, the same for all of them.
 *
 * Purpose    Settings, hardening, start, loop, admin port, signals, drain, stop, exit status. A service is a row of hooks, and a
 *            row of the command line that runs it.
 * Ownership  The process struct is the service's, with a service_process as its first member; hooks get all of it.
 * Threading  Everything on the main thread.
 * Failure    A start that fails is told on standard error; `stop` is called all the same and takes what is there.
 *
 * turn, busy, ready, quiesce and reload are called only while the service runs: after a start that succeeded and before `stop`.
 * They need not ask whether anything is there yet.
 *
 * Example
 *     struct process { struct service_process base; struct settings settings; ... };
 *     static const struct service service = {.name = "switch", .start = start, .stop = stop, .turn = on_turn, ...};
 *     static int run(const struct cli_line *line)
 *     {
 *         static struct process process;
 *         return service_run(&service, line, &process.base, &process.settings);
 *     }
 *     const struct cli_command main_switch = {.name = "switch", .settings = &settings_table, .run = run, ...};
 */
#ifndef SERVICE_SERVICE_H
#define SERVICE_SERVICE_H

#include "base/env.h"
#include "cli/cli.h"
#include "net/net.h"
#include "service/walls.h"

enum { SERVICE_ADDRESS = 64 };

struct service {
    const char *name; /* in the log: "switch" */
    /* NULL, or judges the settings before anything else. ERR_FORBIDDEN: they contradict the mode; the status is CLI_EXIT_MODE. */
    enum err (*check)(void *process, struct net_problem *problem);
    enum err (*start)(void *process, struct net_problem *problem);
    const struct service_walls *walls; /* NULL, or what the process keeps when it locks itself in (service/walls.h) */
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
    const struct cli_line *line;
    struct log log;
    struct env env;
    struct net_loop *loop;
    bool running;
    bool stopping; /* a signal has come */
};

/* The exit status of the process. `settings` is laid out by the table of the line's command. */
int service_run(const struct service *service, const struct cli_line *line, struct service_process *process, void *settings);

/* For reload hooks: the settings as a start with the same command line would find them. */
MUST_USE enum err service_settings_read(const struct service_process *process, void *settings, char *problem, size_t problem_cap);

/* ---- for start hooks ---- */

MUST_USE enum err service_loop_create(struct service_process *process);

/* The row of section [admin] in a table over struct_, whose member_ is a char[SERVICE_ADDRESS]. */
#define SERVICE_ADMIN_ROW(struct_, member_, initial_)                                                                           \
    {                                                                                                                           \
        "admin", "listen", "ADDR:PORT of /healthz /readyz /metrics; empty: none", CONFIG_TEXT, CONFIG_MEMBER(struct_, member_), \
            .initial = initial_                                                                                                 \
    }
/* /healthz /readyz /metrics at `listen` (empty: none; *port gets 0). */
MUST_USE enum err service_admin_create(struct service_process *process, const char *listen, struct net_problem *problem,
                                       uint16_t *port);

/* Tells what cannot be used, why, and what to do about it: "vault.file: /etc/x: WHY; HINT". `value` NULL: it is not repeated, for
 * it may hold a password. Gives back err. */
enum err service_problem(struct net_problem *problem, enum err err, const char *setting, const char *value, const char *hint);

#endif
