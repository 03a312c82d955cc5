/* SPDX-License-Identifier: Apache-2.0 */
#include "service/walls.h"

#include "service/zone.h"

#include <stdio.h>

/*
 * What libraries read wherever a service runs: names of hosts and users, certificates, time zones, modules of the C library and of
 * OpenSSL. None of it is secret. Without it a connection that is made again by name fails, and nothing else.
 */
static const char *const shared[] = {
    "/etc/hosts",
    "/etc/resolv.conf",
    "/run/systemd/resolve",
    "/etc/nsswitch.conf",
    "/etc/host.conf",
    "/etc/gai.conf",
    "/etc/services",
    "/etc/passwd",
    "/etc/ssl/openssl.cnf",
    "/etc/ssl/certs",
    "/usr/lib/ssl",
    "/usr/share/ca-certificates",
    "/usr/local/share/ca-certificates",
    "/etc/gnutls/config",
    "/etc/gss",
    "/etc/krb5.conf",
    "/etc/localtime",
    SERVICE_ZONE_FOLDER,
    "/etc/ld.so.cache",
    "/usr/lib",
    "/usr/lib64",
    "/dev/null",
    "/dev/urandom",
    "/proc/sys/vm/overcommit_memory",
};

static bool is_wanted(const struct service_walls *walls, const void *settings)
{
    return *(const bool *)((const char *)settings + walls->wanted);
}

static void gather(const struct service_walls *walls, const void *settings, struct confine_needs *needs)
{
    confine_need_table(needs, walls->table, settings);
    for (size_t i = 0; !walls->late && i < sizeof shared / sizeof shared[0]; i++)
        confine_need_path(needs, shared[i], CONFINE_IF_THERE);
}

enum err service_walls_before(const struct service_walls *walls, const void *settings, struct confine_report *report)
{
    struct confine_needs needs = {.set_count = 0};
    if (!is_wanted(walls, settings) || walls->late)
        return ERR_OK;
    gather(walls, settings, &needs);
    confine_close_paths(&needs, report);
    return report->paths == CONFINE_REFUSED ? ERR_SYSTEM : ERR_OK;
}

enum err service_walls_after(const struct service_walls *walls, const void *settings, struct log *log,
                             struct confine_report *report)
{
    struct confine_needs needs = {.set_count = 0};
    char event[64];
    (void)snprintf(event, sizeof event, "%s.%s", log->service, walls->event);
    if (!is_wanted(walls, settings)) {
        LOG(log, LOG_WARN, event, LOG_TEXT("warning", "switched off by its setting: for debuggers alone"));
        return ERR_OK;
    }
    gather(walls, settings, &needs);
    if (walls->late)
        confine_close_paths(&needs, report);
    confine_close_calls(&needs, report);
    LOG(log, report->problem[0] ? LOG_WARN : LOG_INFO, event, LOG_TEXT("system_calls", confine_step_text(report->calls)),
        LOG_INT("calls", report->call_count), LOG_TEXT("folders", confine_step_text(report->paths)),
        LOG_INT("landlock", report->landlock), LOG_TEXT("problem", report->problem));
    return report->calls == CONFINE_REFUSED || report->paths == CONFINE_REFUSED ? ERR_SYSTEM : ERR_OK;
}
