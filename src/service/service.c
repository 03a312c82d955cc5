/* SPDX-License-Identifier: Apache-2.0 */
#include "service/service.h"

#include "base/secret.h"
#include "net/admin.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static void say(struct service_process *p, enum log_level level, const char *what, struct log_field field)
{
    char event[64];
    (void)snprintf(event, sizeof event, "%s.%s", p->service->command.service, what);
    log_write(&p->log, level, event, &field, 1);
}

static void on_signal(void *context, int signum)
{
    struct service_process *p = context;
    if (signum == SIGHUP) {
        if (p->service->reload)
            p->service->reload(p);
        return;
    }
    p->stopping = true;
    say(p, LOG_INFO, "stopping", LOG_INT("signal", signum));
    if (p->service->quiesce)
        p->service->quiesce(p);
    net_loop_drain(p->loop, p->service->grace_ms);
}

static bool is_ready(void *context)
{
    struct service_process *p = context;
    return !p->stopping && (!p->service->ready || p->service->ready(p));
}

enum err service_loop_create(struct service_process *p)
{
    const struct net_loop_config config = {
        .env = &p->env, .turn = p->service->turn, .signal = on_signal, .busy = p->service->busy, .context = p};
    return net_loop_create(&config, &p->loop);
}

enum err service_admin_create(struct service_process *p, const char *listen, struct net_problem *problem, uint16_t *port)
{
    const struct net_admin_config config = {listen, is_ready, p->service->metrics, p};
    struct net_admin *admin = NULL;
    *port = 0;
    if (!listen[0])
        return ERR_OK;
    TRY(net_admin_create(p->loop, &config, &admin, problem));
    *port = net_admin_port(admin);
    return ERR_OK;
}

static int run(struct service_process *p)
{
    struct net_problem problem = {""};
    enum err err = p->service->start(p, &problem);
    if (err != ERR_OK)
        command_start_failed(&p->service->command, problem.text, err);
    else if (p->service->confine)
        err = p->service->confine(p);
    if (err == ERR_OK)
        err = net_loop_run(p->loop);
    p->service->stop(p);
    if (err == ERR_OK)
        say(p, LOG_INFO, "stopped", LOG_INT("status", 0));
    return command_exit_status(err);
}

enum err service_settings_read(struct service_process *p, void *settings, char *problem, size_t problem_cap)
{
    return command_settings_load(&p->service->command, p->argc, p->argv, settings, problem, problem_cap);
}

int service_main(const struct service *service, int argc, char **argv, struct service_process *p, void *settings)
{
    char problem[256] = "";
    p->service = service;
    p->argc = argc;
    p->argv = argv;
    p->log = (struct log){STDERR_FILENO, LOG_INFO, service->command.service};
    p->env = env_system(&p->log);
    if (command_settings_load(&service->command, argc, argv, settings, problem, sizeof problem) != ERR_OK) {
        command_refused(&service->command, problem);
        return COMMAND_EXIT_BAD_START;
    }
    int refusal = service->check ? service->check(p) : 0;
    if (refusal != 0)
        return refusal;
    if (secret_process_harden() != ERR_OK)
        say(p, LOG_WARN, "harden", LOG_TEXT("reason", "the process could not be made undumpable"));
    return run(p);
}
