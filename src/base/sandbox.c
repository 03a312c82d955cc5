/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Sanitizers and coverage make calls of their own and write files at exit. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || defined(CS_INSTRUMENTED)
enum { INSTRUMENTED = true };
#else
enum { INSTRUMENTED = false };
#endif

static void describe(struct sandbox_report *report, const char *what, int error)
{
    if (!report->problem[0])
        (void)snprintf(report->problem, sizeof report->problem, "%s: %s", what, strerror(error));
}

/* ---- system calls ---- */

/* What an event loop over sockets and files needs once it runs, by the name of the call and, for machines that lack it, of the one
 * in its place. */
static const struct admitted {
    const char *name;
    const char *otherwise;
} admitted[] = {
    /* bytes */
    {"read", NULL},
    {"write", NULL},
    {"writev", NULL},
    {"close", NULL},
    {"fcntl", NULL},
    /* files of the data folder */
    {"openat", NULL},
    {"newfstatat", NULL},
    {"lseek", NULL},
    {"fsync", NULL},
    {"fdatasync", NULL},
    {"ftruncate", NULL},
    {"rename", "renameat"},
    {"unlink", "unlinkat"},
    /* connections that came in */
    {"accept4", NULL},
    {"shutdown", NULL},
    {"getsockopt", NULL},
    {"setsockopt", NULL},
    {"getpeername", NULL},
    {"getsockname", NULL},
    /* waiting */
    {"epoll_wait", "epoll_pwait"},
    {"epoll_pwait", NULL},
    {"epoll_ctl", NULL},
    {"futex", NULL},
    {"restart_syscall", NULL},
    /* memory */
    {"munmap", NULL},
    {"brk", NULL},
    {"madvise", NULL},
    /* the rest of life, and abort */
    {"clock_gettime", NULL},
    {"getrandom", NULL},
    {"rt_sigaction", NULL},
    {"rt_sigprocmask", NULL},
    {"rt_sigreturn", NULL},
    {"getpid", NULL},
    {"gettid", NULL},
    {"tgkill", NULL},
    {"exit_group", NULL},
};
/* Admitted with one argument looked at: ioctl(FIONBIO), and mappings that nothing can be run from. */
enum { WITH_ARGUMENT = 3 };
_Static_assert(sizeof admitted / sizeof admitted[0] + WITH_ARGUMENT <= SANDBOX_CALLS_MAX, "the budget of system calls");

/* No program does these by mistake: the process ends at once instead of getting an error. */
static const char *const fatal[] = {"execve", "execveat", "ptrace", "process_vm_readv", "process_vm_writev", "connect", "bind"};

static int admit(scmp_filter_ctx filter, struct sandbox_report *report)
{
    for (size_t i = 0; i < sizeof admitted / sizeof admitted[0]; i++) {
        int call = seccomp_syscall_resolve_name(admitted[i].name);
        if (call < 0 && admitted[i].otherwise)
            call = seccomp_syscall_resolve_name(admitted[i].otherwise);
        if (call < 0)
            return -EDOM;
        int status = seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 0);
        if (status != 0)
            return status;
        report->calls++;
    }
    report->calls += WITH_ARGUMENT;
    int status = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1, SCMP_A1(SCMP_CMP_EQ, FIONBIO));
    if (status == 0)
        status = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    if (status == 0)
        status = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    return status;
}

static int forbid(scmp_filter_ctx filter)
{
    for (size_t i = 0; i < sizeof fatal / sizeof fatal[0]; i++) {
        int status = seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, seccomp_syscall_resolve_name(fatal[i]), 0);
        if (status != 0)
            return status;
    }
    return 0;
}

/* The filter is a tree by the number of the call instead of a list to be walked (libseccomp: optimization level 2). */
enum { BY_TREE = 2 };

static void filter_calls(struct sandbox_report *report)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    int status = filter ? seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, BY_TREE) : -ENOMEM;
    if (status == 0)
        status = admit(filter, report);
    if (status == 0)
        status = forbid(filter);
    if (status == 0)
        status = seccomp_load(filter);
    seccomp_release(filter);
    if (status == 0)
        return;
    describe(report, "system call filter", -status);
    report->filter = status == -EINVAL || status == -ENOSYS ? SANDBOX_NOT_OFFERED : SANDBOX_REFUSED;
}

/* ---- folders ---- */

#define READ_RIGHTS (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
/* Headers older than the kernel lack what came later. */
#ifndef LANDLOCK_ACCESS_FS_REFER
#define LANDLOCK_ACCESS_FS_REFER (UINT64_C(1) << 13)
#endif
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (UINT64_C(1) << 14)
#endif
#define WRITE_RIGHTS                                                                                                \
    (LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG |                 \
     LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_TRUNCATE)
/* Everything the first interface knows; what later ones added comes with their version. */
#define HANDLED_1 ((UINT64_C(1) << 13) - 1)

static uint64_t handled_rights(int version)
{
    uint64_t rights = HANDLED_1;
    if (version >= 2)
        rights |= LANDLOCK_ACCESS_FS_REFER;
    if (version >= 3)
        rights |= LANDLOCK_ACCESS_FS_TRUNCATE;
    return rights;
}

static bool open_folder(int rules, const struct sandbox_path *path, uint64_t handled)
{
    const uint64_t rights = path->write ? READ_RIGHTS | WRITE_RIGHTS : READ_RIGHTS;
    struct landlock_path_beneath_attr beneath = {.allowed_access = rights & handled};
    beneath.parent_fd = open(path->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (beneath.parent_fd < 0)
        return false;
    long status = syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0);
    close(beneath.parent_fd);
    return status == 0;
}

static bool restrict_folders(const struct sandbox_path *path, size_t count, uint64_t handled)
{
    const struct landlock_ruleset_attr attr = {.handled_access_fs = handled};
    int rules = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof attr.handled_access_fs, 0);
    if (rules < 0)
        return false;
    bool done = true;
    for (size_t i = 0; i < count && done; i++)
        done = open_folder(rules, &path[i], handled);
    done = done && syscall(SYS_landlock_restrict_self, rules, 0) == 0;
    int error = errno;
    close(rules);
    errno = error;
    return done;
}

static void close_folders(const struct sandbox_path *path, size_t count, struct sandbox_report *report)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (version < 1) {
        describe(report, "Landlock", errno);
        report->folders = SANDBOX_NOT_OFFERED;
        return;
    }
    report->landlock = (int)version;
    if (restrict_folders(path, count, handled_rights((int)version)))
        return;
    describe(report, "Landlock", errno);
    report->folders = SANDBOX_REFUSED;
}

void sandbox_enter(const struct sandbox_path *path, size_t count, struct sandbox_report *report)
{
    ASSERT(count <= SANDBOX_PATHS_MAX);
    *report = (struct sandbox_report){0};
    if (INSTRUMENTED) {
        (void)snprintf(report->problem, sizeof report->problem, "an instrumented build: its own calls are not in the table");
        report->filter = report->folders = SANDBOX_NOT_OFFERED;
        return;
    }
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        describe(report, "no new privileges", errno);
        report->filter = report->folders = SANDBOX_REFUSED;
        return;
    }
    close_folders(path, count, report);
    filter_calls(report);
}

const char *sandbox_step_text(enum sandbox_step step)
{
    static const char *const text[] = {"in force", "not offered by this kernel", "refused"};
    return text[step];
}
