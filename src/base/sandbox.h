/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process that locks itself in: what it does not need after its start it can no longer do.
 *
 * Purpose    seccomp(2) admits the system calls of the table in sandbox.c and no others; Landlock admits the folders that are named
 *            and no others; new connections out, new listeners, new programs and tracing others are gone for good.
 * Ownership  Process-wide and for ever: there is no way back. Every listener and every file that stays open is opened before.
 * Threading  The main thread, before others are made; later threads inherit it.
 * Failure    What the kernel does not offer is left out and named in the report; the caller logs it and decides. A build for
 *            sanitizers or coverage is not locked in, because their own calls are not in the table.
 * Limits     SANDBOX_CALLS_MAX system calls, SANDBOX_PATHS_MAX folders.
 *
 * Example
 *     const struct sandbox_path path[] = {{"/var/lib/countersign", true}, {"/etc/countersign", false}};
 *     struct sandbox_report report;
 *     sandbox_enter(path, 2, &report);
 *     if (report.filter != SANDBOX_IN_FORCE) LOG(...);
 */
#ifndef BASE_SANDBOX_H
#define BASE_SANDBOX_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

enum { SANDBOX_CALLS_MAX = 40, SANDBOX_PATHS_MAX = 16 };

/* A folder and all below it. */
struct sandbox_path {
    const char *path;
    bool write; /* make, change and remove files and sockets, too */
};

enum sandbox_step { SANDBOX_IN_FORCE, SANDBOX_NOT_OFFERED, SANDBOX_REFUSED };

struct sandbox_report {
    enum sandbox_step filter;  /* seccomp */
    enum sandbox_step folders; /* Landlock */
    int landlock;              /* version of its interface; 0: none */
    size_t calls;              /* admitted */
    char problem[128];         /* of the first step that is not in force; empty: none */
};

void sandbox_enter(const struct sandbox_path *path, size_t count, struct sandbox_report *report);
/* "in force", "not offered by this kernel", "refused". */
const char *sandbox_step_text(enum sandbox_step step);

#endif
