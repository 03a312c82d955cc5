/* SPDX-License-Identifier: Apache-2.0 */
/* The system calls of what every process of ours is made of. A machine may have a call under its newer name only. */
#include "base/confine.h"

#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

/* clang-format off */
static const struct confine_call loop[] = {
    ADMIT(epoll_pwait),
#ifdef SYS_epoll_wait
    ADMIT(epoll_wait),
#endif
    ADMIT(read), ADMIT(write), ADMIT(writev), ADMIT(epoll_ctl), ADMIT(futex), ADMIT(clock_gettime),
    /* connections that came in */
    ADMIT(accept4), ADMIT(close), ADMIT(shutdown), ADMIT(getsockopt), ADMIT(setsockopt), ADMIT(getpeername),
    ADMIT(getsockname), ADMIT(fcntl), ADMIT_WHERE(ioctl, 1, UINT32_MAX, FIONBIO),
    /* memory; nothing can be run from new one */
    ADMIT(munmap), ADMIT(brk), ADMIT(madvise),
    ADMIT_WHERE(mmap, 2, PROT_EXEC, 0), ADMIT_WHERE(mprotect, 2, PROT_EXEC, 0),
    /* the rest of life, and abort */
    ADMIT(getrandom), ADMIT(restart_syscall), ADMIT(rt_sigaction), ADMIT(rt_sigprocmask), ADMIT(rt_sigreturn),
    ADMIT(getpid), ADMIT(gettid), ADMIT(tgkill), ADMIT(exit_group),
};
static const struct confine_call files[] = {
    ADMIT(openat), ADMIT(newfstatat), ADMIT(lseek), ADMIT(fsync), ADMIT(fdatasync), ADMIT(ftruncate),
#ifdef SYS_rename
    ADMIT(rename), ADMIT(unlink),
#else
    ADMIT(renameat), ADMIT(unlinkat),
#endif
};
static const struct confine_call threads[] = {
    /* one that was made before may take its first steps now; the C library ends the process where it cannot */
    ADMIT(rseq), ADMIT(set_robust_list), ADMIT_WHERE(prctl, 0, UINT32_MAX, PR_SET_NAME),
    ADMIT(sched_yield), ADMIT(clock_nanosleep), ADMIT(nanosleep),
    /* the C library asks once how many processors there are, before it makes another heap; large blocks grow in place */
    ADMIT(sched_getaffinity), ADMIT(mremap),
    /* pages that hold secrets are locked, and forgotten when they are given back */
    ADMIT(mlock), ADMIT(munlock),
    ADMIT(exit),
};
static const struct confine_call dial[] = {
    ADMIT(connect), ADMIT_WHERE(socket, 0, UINT32_MAX, AF_INET), ADMIT_WHERE(socket, 0, UINT32_MAX, AF_INET6),
};
/* clang-format on */

const struct confine_set confine_loop = CONFINE_SET(loop);
const struct confine_set confine_files = CONFINE_SET(files);
const struct confine_set confine_threads = CONFINE_SET(threads);
const struct confine_set confine_dial = CONFINE_SET(dial);
