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
    (void)snprintf(event, sizeof event, "%s.%s", p->service->name, what);
    log_write(&p->log, level, event, &field, 1);
}

/* ---- what the loop calls ---- */

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

static int64_t on_turn(void *context)
{
    struct service_process *p = context;
    return p->running && p->service->turn ? p->service->turn(p) : NET_NEVER_US;
}

static bool is_busy(void *context)
{
    struct service_process *p = context;
    return p->running && p->service->busy && p->service->busy(p);
}

static bool is_ready(void *context)
{
    struct service_process *p = context;
    return p->running && !p->stopping && (!p->service->ready || p->service->ready(p));
}

enum err service_loop_create(struct service_process *p)
{
    ASSERT(!p->loop);
    const struct net_loop_config config = {.env = &p->env, .turn = on_turn, .signal = on_signal, .busy = is_busy, .context = p};
    return net_loop_create(&config, &p->loop);
}

enum err service_admin_create(struct service_process *p, const char *listen, struct net_problem *problem, uint16_t *port)
{
    const struct net_admin_config config = {listen, is_ready, p->service->metrics, p};
    struct net_admin *admin = NULL;
    ASSERT(p->loop);
    *port = 0;
    if (!listen[0])
        return ERR_OK;
    TRY(net_admin_create(p->loop, &config, &admin, problem));
    *port = net_admin_port(admin);
    return ERR_OK;
}

/* ---- life ---- */

enum err service_problem(struct net_problem *problem, enum err err, const char *setting, const char *value, const char *hint)
{
    (void)snprintf(problem->text, sizeof problem->text, "%s: %s%s%s; %s", setting, value ? value : "", value ? ": " : "",
                   err == ERR_CONFIG ? "cannot be used" : err_row(err)->text, hint);
    return err;
}

static enum err lock_in(struct service_process *p, const void *settings, struct confine_report *report)
{
    enum err err = service_walls_after(p->service->walls, settings, &p->log, report);
    if (err != ERR_OK)
        (void)cli_failed(p->line, 0, "cannot lock itself in", report->problem);
    return err;
}

static enum err start(struct service_process *p, const void *settings, struct confine_report *report)
{
    struct net_problem problem = {""};
    enum err err = p->service->start(p, &problem);
    if (err != ERR_OK)
        (void)cli_failed(p->line, 0, "cannot start", problem.text[0] ? problem.text : err_row(err)->text);
    else if (p->service->walls)
        err = lock_in(p, settings, report);
    return err;
}

static int run(struct service_process *p, const void *settings)
{
    struct confine_report report = {.problem = ""};
    if (p->service->walls && service_walls_before(p->service->walls, settings, &report) != ERR_OK)
        return cli_failed(p->line, CLI_EXIT_FAILED, "cannot lock itself in", report.problem);
    enum err err = start(p, settings, &report);
    if (err == ERR_OK) {
        p->running = true;
        err = net_loop_run(p->loop);
        p->running = false;
    }
    p->service->stop(p);
    if (err == ERR_OK)
        say(p, LOG_INFO, "stopped", LOG_INT("status", 0));
    return cli_exit_of(err);
}

enum err service_settings_read(const struct service_process *p, void *settings, char *problem, size_t problem_cap)
{
    return cli_settings_load(p->line, settings, problem, problem_cap);
}

int service_run(const struct service *service, const struct cli_line *line, struct service_process *p, void *settings)
{
    struct net_problem problem = {""};
    ASSERT(service->start && service->stop && line->command->settings);
    p->service = service;
    p->line = line;
    p->log = (struct log){STDERR_FILENO, LOG_INFO, service->name};
    p->env = env_system(&p->log);
    enum err err = service_settings_read(p, settings, problem.text, sizeof problem.text);
    if (err == ERR_OK && service->check)
        err = service->check(p, &problem);
    if (err != ERR_OK)
        return cli_failed(line, err == ERR_FORBIDDEN ? CLI_EXIT_MODE : CLI_EXIT_USAGE, problem.text, "");
    if (secret_process_harden() != ERR_OK)
        say(p, LOG_WARN, "harden", LOG_TEXT("reason", "the process could not be made undumpable"));
    return run(p, settings);
}
