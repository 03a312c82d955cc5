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
#include <sys/prctl.h>
#include <sys/stat.h>
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

/* No program does these by mistake: the process ends at once instead of getting an error. */
static const uint32_t fatal[] = {SYS_execve,  SYS_execveat, SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev,
                                 SYS_connect, SYS_bind};

enum {
    FATAL = sizeof fatal / sizeof fatal[0],
    PER_FATAL = 2,
    PER_CALL = 6,
    AROUND = 8,
    PROGRAM = AROUND + PER_FATAL * FATAL + PER_CALL * CONFINE_CALLS_MAX,
};

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
static void admit(struct program *p, const struct confine_call *c)
{
    if (c->mask == 0) {
        answer_if(p, c->number, SECCOMP_RET_ALLOW);
        return;
    }
    put(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, c->number, 0, PER_CALL - 1));
    load(p, offsetof(struct seccomp_data, args) + c->argument * sizeof(uint64_t));
    put(p, (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, c->mask));
    answer_if(p, c->value, SECCOMP_RET_ALLOW);
    load(p, offsetof(struct seccomp_data, nr)); /* another row may admit the same call */
}

/* How many calls it admits. */
static size_t write_program(const struct confine_needs *needs, struct program *p)
{
    size_t count = 0;
    load(p, offsetof(struct seccomp_data, arch));
    put(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, machine, 1, 0));
    answer(p, SECCOMP_RET_KILL_PROCESS);
    load(p, offsetof(struct seccomp_data, nr));
    put(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, ABI_BIT, 0, 1));
    answer(p, SECCOMP_RET_KILL_PROCESS);
    for (size_t i = 0; i < needs->set_count; i++)
        for (size_t j = 0; j < needs->set[i]->count; j++, count++)
            admit(p, &needs->set[i]->call[j]);
    for (size_t i = 0; i < FATAL; i++)
        answer_if(p, fatal[i], SECCOMP_RET_KILL_PROCESS);
    answer(p, SECCOMP_RET_ERRNO | EPERM);
    return count;
}

/* 0, or an error number. All threads take the filter together, or none does. */
static int filter_calls(const struct sock_fprog *filter)
{
    long status = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_LOG, filter);
    return status == 0 ? 0 : status < 0 ? errno : ESRCH; /* a number: of the thread that could not follow */
}

/* ---- files and folders ---- */

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

/* What a rule for a file may say; others are of folders alone. */
#define FILE_RIGHTS (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_TRUNCATE)

static bool open_path(int rules, const struct confine_path *path, uint64_t handled)
{
    uint64_t rights = path->how & CONFINE_WRITE ? READ_RIGHTS | WRITE_RIGHTS : READ_RIGHTS;
    struct landlock_path_beneath_attr beneath = {.parent_fd = open(path->path, O_PATH | O_CLOEXEC)};
    struct stat found;
    if (beneath.parent_fd < 0)
        return path->how & CONFINE_IF_THERE;
    if (fstat(beneath.parent_fd, &found) == 0 && !S_ISDIR(found.st_mode))
        rights &= FILE_RIGHTS;
    beneath.allowed_access = rights & handled;
    long status = syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0);
    int error = errno;
    close(beneath.parent_fd);
    errno = error;
    return status == 0 || error == EBADFD; /* a pipe or the like, which Landlock does not watch */
}

static bool restrict_paths(const struct confine_needs *needs, uint64_t handled)
{
    const struct landlock_ruleset_attr attr = {.handled_access_fs = handled};
    int rules = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof attr.handled_access_fs, 0);
    if (rules < 0)
        return false;
    bool done = true;
    for (size_t i = 0; i < needs->path_count && done; i++)
        done = open_path(rules, &needs->path[i], handled);
    done = done && syscall(SYS_landlock_restrict_self, rules, 0) == 0;
    int error = errno;
    close(rules);
    errno = error;
    return done;
}

/* ---- both ---- */

static bool may_begin(struct confine_report *report, enum confine_step *step)
{
    *step = CONFINE_IN_FORCE;
    if (INSTRUMENTED) {
        (void)snprintf(report->problem, sizeof report->problem, "an instrumented build: its own calls are in no set");
        *step = CONFINE_NOT_OFFERED;
    } else if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        describe(report, "no new privileges", errno);
        *step = CONFINE_REFUSED;
    }
    return *step == CONFINE_IN_FORCE;
}

void confine_close_paths(const struct confine_needs *needs, struct confine_report *report)
{
    if (!may_begin(report, &report->paths))
        return;
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (version < 1) {
        describe(report, "Landlock", errno);
        report->paths = CONFINE_NOT_OFFERED;
        return;
    }
    report->landlock = (int)version;
    if (restrict_paths(needs, handled_rights((int)version)))
        return;
    describe(report, "Landlock", errno);
    report->paths = CONFINE_REFUSED;
}

void confine_close_calls(const struct confine_needs *needs, struct confine_report *report)
{
    struct program program = {.len = 0};
    if (!may_begin(report, &report->calls))
        return;
    report->call_count = write_program(needs, &program);
    const struct sock_fprog filter = {program.len, program.at};
    int error = filter_calls(&filter);
    if (error == 0)
        return;
    describe(report, "system call filter", error);
    report->calls = error == EINVAL || error == ENOSYS ? CONFINE_NOT_OFFERED : CONFINE_REFUSED;
}

const char *confine_step_text(enum confine_step step)
{
    static const char *const text[] = {"in force", "not offered by this kernel", "refused"};
    return text[step];
}
