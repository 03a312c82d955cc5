/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process that locks itself in: what it does not need after its start it can no longer do.
 *
 * Purpose    seccomp(2) admits the system calls of the table in confine.c and no others; Landlock admits the folders that are named
 *            and no others; new connections out, new listeners, new programs and tracing others are gone for good.
 * Ownership  Process-wide and for ever: there is no way back. Every listener and every file that stays open is opened before.
 * Threading  The main thread, before others are made; later threads inherit it.
 * Failure    What the kernel does not offer is left out and named in the report; the caller logs it and decides. A build for
 *            sanitizers or coverage is not locked in, because their own calls are not in the table.
 * Limits     CONFINE_CALLS_MAX system calls, CONFINE_PATHS_MAX folders.
 *
 * Example
 *     const struct confine_path path[] = {{"/var/lib/countersign", true}, {"/etc/countersign", false}};
 *     struct confine_report report;
 *     confine_enter(path, 2, &report);
 *     if (report.filter != CONFINE_IN_FORCE) LOG(...);
 */
#ifndef BASE_CONFINE_H
#define BASE_CONFINE_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

enum { CONFINE_CALLS_MAX = 40, CONFINE_PATHS_MAX = 16 };

/* A folder and all below it. */
struct confine_path {
    const char *path;
    bool write; /* make, change and remove files and sockets, too */
};

enum confine_step { CONFINE_IN_FORCE, CONFINE_NOT_OFFERED, CONFINE_REFUSED };

struct confine_report {
    enum confine_step filter;  /* seccomp */
    enum confine_step folders; /* Landlock */
    int landlock;              /* version of its interface; 0: none */
    size_t calls;              /* admitted */
    char problem[128];         /* of the first step that is not in force; empty: none */
};

void confine_enter(const struct confine_path *path, size_t count, struct confine_report *report);
/* "in force", "not offered by this kernel", "refused". */
const char *confine_step_text(enum confine_step step);

#endif
