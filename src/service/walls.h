/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walls around a service's process (base/confine.h), from a table of the service.
 *
 * Purpose    A service names the settings that hold its files and the sets of system calls that it needs; service_run does the
 *            rest. Files are closed before the start, because Landlock holds for threads made later alone; system calls after it.
 *            A service without threads closes both after its start, when it has read what only the start needs.
 * Ownership  Tables of the program.
 * Threading  The main thread.
 * Failure    What the kernel does not offer is told in the log, and the service goes on. What it offers and refuses: ERR_SYSTEM.
 * Limits     Those of base/confine.h.
 *
 * Example
 *     static const struct confine_setting files[] = {{offsetof(struct settings, keys_path), CONFINE_READ | CONFINE_IF_THERE}};
 *     static const struct confine_set *const calls[] = {&confine_loop, &confine_files};
 *     static const struct confine_table table = CONFINE_TABLE(files, calls);
 *     static const struct service_walls walls = {&table, offsetof(struct settings, confined), "confined", false};
 */
#ifndef SERVICE_WALLS_H
#define SERVICE_WALLS_H

#include "base/config.h"
#include "base/confine.h"
#include "base/log.h"

struct service_walls {
    const struct confine_table *table;
    size_t wanted;     /* offset of a bool of the settings: false for debuggers */
    const char *event; /* of the log, behind the name of the service */
    bool late;         /* files, too, are closed after the start */
};

/* The row that `wanted` stands for in a table over struct_, whose member_ is a bool. */
#define SERVICE_WALLS_ROW(struct_, member_)                                                                                       \
    {                                                                                                                             \
        "process", "confined", "admit only the system calls and files that the service needs; false: for debuggers", CONFIG_BOOL, \
            CONFIG_MEMBER(struct_, member_), .initial = "true"                                                                    \
    }

/* Before the start, with the settings as they were read. */
MUST_USE enum err service_walls_before(const struct service_walls *walls, const void *settings, struct confine_report *report);
/* After it; tells the log what is in force. */
MUST_USE enum err service_walls_after(const struct service_walls *walls, const void *settings, struct log *log,
                                      struct confine_report *report);

#endif
