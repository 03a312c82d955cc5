/* SPDX-License-Identifier: Apache-2.0 */
/* What libpq touches after the start: it connects again by itself, and reads its files each time. */
#include "store/postgres/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

/* clang-format off */
static const struct confine_call calls[] = {
    ADMIT(recvfrom), ADMIT(sendto),
#ifdef SYS_poll
    ADMIT(poll),
#endif
    ADMIT(ppoll),
    /* a server on this machine; who we are to it, and where its password stands */
    ADMIT_WHERE(socket, 0, UINT32_MAX, AF_UNIX), ADMIT(geteuid), ADMIT(getuid),
    /* TLS without a signal when the server goes */
    ADMIT(rt_sigpending), ADMIT(rt_sigtimedwait),
    /* folders of modules for who we are */
    ADMIT(getdents64),
    /* a name that is looked up */
    ADMIT(sendmmsg), ADMIT(sendmsg), ADMIT(recvmsg), ADMIT_WHERE(ioctl, 1, UINT32_MAX, FIONREAD),
    ADMIT(uname), ADMIT(sysinfo),
};
/* clang-format on */
static const struct confine_set set = CONFINE_SET(calls);

/* Connection options that name files or a folder. Certificates are renewed while it runs. */
static const char *const named[] = {"sslcert", "sslkey", "sslrootcert", "sslcrl", "sslcrldir", "passfile"};
/* What it reads in the home directory when none is named. */
static const char *const at_home[] = {".pgpass", ".postgresql", ".pg_service.conf"};

static void need_named(const PQconninfoOption *option, struct confine_needs *needs)
{
    for (const PQconninfoOption *o = option; o && o->keyword; o++)
        for (size_t i = 0; i < sizeof named / sizeof named[0]; i++)
            if (o->val && strchr(o->val, '/') && strcmp(o->keyword, named[i]) == 0)
                confine_need_path(needs, o->val, CONFINE_BESIDE | CONFINE_IF_THERE);
}

static void need_home(struct confine_needs *needs)
{
    char path[CONFINE_PATH_SIZE];
    const char *home = getenv("HOME");
    for (size_t i = 0; home && home[0] && i < sizeof at_home / sizeof at_home[0]; i++)
        if (snprintf(path, sizeof path, "%s/%s", home, at_home[i]) < (int)sizeof path)
            confine_need_path(needs, path, CONFINE_IF_THERE);
}

void store_postgres_needs(const char *place, struct confine_needs *needs)
{
    PQconninfoOption *given = PQconninfoParse(place, NULL);
    PQconninfoOption *around = PQconndefaults(); /* from the environment */
    need_named(given, needs);
    need_named(around, needs);
    need_home(needs);
    confine_need_calls(needs, &confine_dial);
    confine_need_calls(needs, &set);
    PQconninfoFree(given);
    PQconninfoFree(around);
}
