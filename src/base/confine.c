/* SPDX-License-Identifier: Apache-2.0 */
#include "base/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
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

static void describe(struct confine_report *report, const char *what, int error)
{
    if (!report->problem[0])
        (void)snprintf(report->problem, sizeof report->problem, "%s: %s", what, strerror(error));
}

/* ---- system calls ---- */

/* Numbers differ by machine, and a machine may have a call under its newer name only. */
#ifdef SYS_rename
enum { CALL_RENAME = SYS_rename, CALL_UNLINK = SYS_unlink, CALL_EPOLL_WAIT = SYS_epoll_wait };
#else
enum { CALL_RENAME = SYS_renameat, CALL_UNLINK = SYS_unlinkat, CALL_EPOLL_WAIT = SYS_epoll_pwait };
#endif

/* What an event loop over sockets and files needs once it runs, the most frequent first: they are compared in this order. */
/* clang-format off */
static const uint32_t admitted[] = {
    SYS_epoll_pwait, CALL_EPOLL_WAIT, SYS_read, SYS_write, SYS_writev, SYS_epoll_ctl, SYS_futex, SYS_clock_gettime,
    /* files of the data folder */
    SYS_openat, SYS_close, SYS_fcntl, SYS_newfstatat, SYS_lseek, SYS_fsync, SYS_fdatasync, SYS_ftruncate, CALL_RENAME, CALL_UNLINK,
    /* connections that came in */
    SYS_accept4, SYS_shutdown, SYS_getsockopt, SYS_setsockopt, SYS_getpeername, SYS_getsockname,
    /* memory */
    SYS_munmap, SYS_brk, SYS_madvise,
    /* the rest of life, and abort */
    SYS_getrandom, SYS_restart_syscall, SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_getpid, SYS_gettid, SYS_tgkill,
    SYS_exit_group,
};
/* clang-format on */
/* Admitted with one argument looked at: the bits of `mask` in its lower half have the value. */
static const struct looked_at {
    uint32_t call;
    uint32_t argument;
    uint32_t mask;
    uint32_t value;
} looked_at[] = {
    {SYS_ioctl, 1, UINT32_MAX, FIONBIO},
    {SYS_mmap, 2, PROT_EXEC, 0}, /* nothing can be run from new memory */
    {SYS_mprotect, 2, PROT_EXEC, 0},
};
/* No program does these by mistake: the process ends at once instead of getting an error. */
static const uint32_t fatal[] = {SYS_execve,  SYS_execveat, SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev,
                                 SYS_connect, SYS_bind};

enum {
    ADMITTED = sizeof admitted / sizeof admitted[0],
    LOOKED_AT = sizeof looked_at / sizeof looked_at[0],
    FATAL = sizeof fatal / sizeof fatal[0],
    PER_CALL = 2,
    PER_LOOK = 6,
    AROUND = 8,
    PROGRAM = AROUND + PER_CALL * (ADMITTED + FATAL) + PER_LOOK * LOOKED_AT,
};
_Static_assert(ADMITTED + LOOKED_AT <= CONFINE_CALLS_MAX, "the budget of system calls");

#if defined(__x86_64__)
enum { ABI_BIT = 0x40000000 }; /* x32 calls carry it: none of them is admitted */
static const uint32_t machine = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
enum { ABI_BIT = 0 };
static const uint32_t machine = AUDIT_ARCH_AARCH64;
#else
#error "name the machine for the system call filter"
#endif

struct program {
    struct sock_filter at[PROGRAM];
    unsigned short len;
};

static void put(struct program *p, struct sock_filter instruction)
{
    ASSERT(p->len < PROGRAM);
    p->at[p->len++] = instruction;
}

static void load(struct program *p, size_t offset)
{
    put(p, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset));
}

static void answer(struct program *p, uint32_t action)
{
    put(p, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action));
}

static void answer_if(struct program *p, uint32_t call, uint32_t action)
{
    put(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1));
    answer(p, action);
}

/* Arguments are 64 bits wide, the half that is looked at comes first on these machines (little-endian). */
static void look_at(struct program *p, const struct looked_at *l)
{
    put(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, l->call, 0, PER_LOOK - 1));
    load(p, offsetof(struct seccomp_data, args) + l->argument * sizeof(uint64_t));
    put(p, (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, l->mask));
    answer_if(p, l->value, SECCOMP_RET_ALLOW);
    answer(p, SECCOMP_RET_ERRNO | EPERM);
}

static void write_program(struct program *p)
{
    load(p, offsetof(struct seccomp_data, arch));
    put(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, machine, 1, 0));
    answer(p, SECCOMP_RET_KILL_PROCESS);
    load(p, offsetof(struct seccomp_data, nr));
    put(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, ABI_BIT, 0, 1));
    answer(p, SECCOMP_RET_KILL_PROCESS);
    for (size_t i = 0; i < ADMITTED; i++)
        answer_if(p, admitted[i], SECCOMP_RET_ALLOW);
    for (size_t i = 0; i < LOOKED_AT; i++)
        look_at(p, &looked_at[i]);
    for (size_t i = 0; i < FATAL; i++)
        answer_if(p, fatal[i], SECCOMP_RET_KILL_PROCESS);
    answer(p, SECCOMP_RET_ERRNO | EPERM);
}

static void filter_calls(struct confine_report *report)
{
    struct program program = {.len = 0};
    write_program(&program);
    const struct sock_fprog filter = {program.len, program.at};
    report->calls = ADMITTED + LOOKED_AT;
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0) == 0)
        return;
    int error = errno;
    describe(report, "system call filter", error);
    report->filter = error == EINVAL || error == ENOSYS ? CONFINE_NOT_OFFERED : CONFINE_REFUSED;
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
#define WRITE_RIGHTS                                                                                                               \
    (LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK | \
     LANDLOCK_ACCESS_FS_TRUNCATE)
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

static bool open_folder(int rules, const struct confine_path *path, uint64_t handled)
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

static bool restrict_folders(const struct confine_path *path, size_t count, uint64_t handled)
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

static void close_folders(const struct confine_path *path, size_t count, struct confine_report *report)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (version < 1) {
        describe(report, "Landlock", errno);
        report->folders = CONFINE_NOT_OFFERED;
        return;
    }
    report->landlock = (int)version;
    if (restrict_folders(path, count, handled_rights((int)version)))
        return;
    describe(report, "Landlock", errno);
    report->folders = CONFINE_REFUSED;
}

void confine_enter(const struct confine_path *path, size_t count, struct confine_report *report)
{
    ASSERT(count <= CONFINE_PATHS_MAX);
    *report = (struct confine_report){0};
    if (INSTRUMENTED) {
        (void)snprintf(report->problem, sizeof report->problem, "an instrumented build: its own calls are not in the table");
        report->filter = report->folders = CONFINE_NOT_OFFERED;
        return;
    }
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        describe(report, "no new privileges", errno);
        report->filter = report->folders = CONFINE_REFUSED;
        return;
    }
    close_folders(path, count, report);
    filter_calls(report);
}

const char *confine_step_text(enum confine_step step)
{
    static const char *const text[] = {"in force", "not offered by this kernel", "refused"};
    return text[step];
}
