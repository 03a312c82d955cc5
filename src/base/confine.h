/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process that locks itself in: what it does not need it can no longer do.
 *
 * Purpose    seccomp(2) admits the system calls of the sets that a process names and no others; Landlock admits the files and
 *            folders that it names and no others. A program's table is its list of sets, and its settings that name files.
 *            No new listener, no new program, no tracing of others, no memory that is both written and run.
 * Ownership  Process-wide and for ever: there is no way back. Every listener is opened before.
 * Threading  Landlock holds for the calling thread and those that it makes later: before other threads. The system calls hold for
 *            all threads of the process, whenever they were made.
 * Failure    What the kernel does not offer is left out and named in the report; the caller logs it and decides. A build for
 *            sanitizers or coverage is not locked in, because their own calls are in no set.
 * Limits     CONFINE_PATHS_MAX paths of CONFINE_PATH_SIZE - 1 bytes, CONFINE_SETS_MAX sets, CONFINE_CALLS_MAX rows in them.
 *
 * A call outside the sets gets EPERM, and the kernel's log names it. One that no program makes by mistake (a new program, a new
 * listener, another process's memory; a connection, where no set admits it) ends the process with SIGSYS.
 *
 * Example
 *     struct confine_needs needs = {.set_count = 0};
 *     struct confine_report report = {.problem = ""};
 *     confine_need_path(&needs, "/var/lib/countersign", CONFINE_WRITE);
 *     confine_need_calls(&needs, &confine_loop);
 *     confine_close_paths(&needs, &report);
 *     confine_close_calls(&needs, &report);
 *     if (report.calls != CONFINE_IN_FORCE) LOG(...);
 */
#ifndef BASE_CONFINE_H
#define BASE_CONFINE_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CONFINE_CALLS_MAX = 128, CONFINE_SETS_MAX = 12, CONFINE_PATHS_MAX = 64, CONFINE_PATH_SIZE = 512 };

/* ---- system calls ---- */

/* A row of a set: admitted always (mask 0), or where these bits in the lower half of an argument have the value. */
struct confine_call {
    uint32_t number;
    uint32_t argument;
    uint32_t mask;
    uint32_t value;
};
/* What one part of a process needs; the most frequent first, for they are compared in this order. */
struct confine_set {
    const struct confine_call *call;
    size_t count;
};
/* clang-format off */
#define ADMIT(name_) {.number = SYS_##name_}
#define ADMIT_WHERE(name_, argument_, mask_, value_) {SYS_##name_, argument_, mask_, value_}
#define CONFINE_SET(rows_) {rows_, sizeof rows_ / sizeof rows_[0]}
/* clang-format on */

extern const struct confine_set confine_loop;    /* an event loop over connections that came in; memory, signals, abort */
extern const struct confine_set confine_files;   /* files that are read, written and replaced */
extern const struct confine_set confine_threads; /* threads that work, wait and end; none is made */
extern const struct confine_set confine_dial;    /* connections that go out over IP */

/* ---- paths ---- */

enum confine_how {
    CONFINE_READ = 0,
    CONFINE_WRITE = 1 << 0,    /* make, change and remove files and sockets, too */
    CONFINE_BESIDE = 1 << 1,   /* the folder in which the file stands: it may be replaced by another of its name */
    CONFINE_IF_THERE = 1 << 2, /* nothing of that name is no failure */
};
struct confine_path {
    char path[CONFINE_PATH_SIZE]; /* of a file, or of a folder and all below it */
    unsigned how;                 /* enum confine_how, without CONFINE_BESIDE */
};

/* ---- what a process needs ---- */

struct confine_needs {
    struct confine_path path[CONFINE_PATHS_MAX];
    size_t path_count;
    const struct confine_set *set[CONFINE_SETS_MAX];
    size_t set_count;
};
/* A setting that names a file: a text at `offset` of a settings struct; empty, it names none. */
struct confine_setting {
    size_t offset;
    unsigned how;
    void (*needs)(const char *value, struct confine_needs *needs); /* or NULL: it is more than a path */
};

/* A program's table. */
struct confine_table {
    const struct confine_setting *file;
    size_t file_count;
    const struct confine_set *const *set;
    size_t set_count;
};
/* clang-format off */
#define CONFINE_TABLE(files_, sets_) {files_, sizeof files_ / sizeof files_[0], sets_, sizeof sets_ / sizeof sets_[0]}
/* clang-format on */

/* An empty path and one of CONFINE_PATH_SIZE bytes or more are left out. */
void confine_need_path(struct confine_needs *needs, const char *path, unsigned how);
void confine_need_calls(struct confine_needs *needs, const struct confine_set *set);
void confine_need_table(struct confine_needs *needs, const struct confine_table *table, const void *settings);

/* ---- walls ---- */

enum confine_step { CONFINE_IN_FORCE, CONFINE_NOT_OFFERED, CONFINE_REFUSED };

struct confine_report {
    enum confine_step calls; /* seccomp */
    enum confine_step paths; /* Landlock */
    int landlock;            /* version of its interface; 0: none */
    size_t call_count;       /* admitted */
    char problem[128];       /* of the first step that is not in force; empty: none */
};

/* Both also take away new privileges. */
void confine_close_paths(const struct confine_needs *needs, struct confine_report *report);
void confine_close_calls(const struct confine_needs *needs, struct confine_report *report);
/* "in force", "not offered by this kernel", "refused". */
const char *confine_step_text(enum confine_step step);

#endif
