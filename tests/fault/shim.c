/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A library to preload: one call of the C library fails, the n-th of its kind.
 *
 *     COUNTERSIGN_FAULT=KIND:N     alloc (malloc, calloc, realloc), read and write (of sockets and files), short (a write that
 *                                  takes one byte), accept, open, mmap
 *     COUNTERSIGN_FAULT=count:0    nothing fails
 *     COUNTERSIGN_FAULT_COUNTS=FILE  the number of calls of each kind is written there at exit
 *
 * Only calls after the program's constructors count. Standard output and error never fail: what the program says must be seen.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum kind { ALLOC, READ, WRITE, SHORT, ACCEPT, OPEN, MMAP, KINDS };
static const char *const names[KINDS] = {"alloc", "read", "write", "short", "accept", "open", "mmap"};

static bool armed;
static enum kind wanted = KINDS;
static unsigned long at;
static unsigned long calls[KINDS];
static int counts_fd = -1;

extern void *__libc_malloc(size_t len);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t len);

static bool fails(enum kind kind, int error)
{
    if (!armed || __atomic_add_fetch(&calls[kind], 1, __ATOMIC_RELAXED) != at || kind != wanted)
        return false;
    errno = error;
    return true;
}

static __attribute__((constructor)) void arm(void)
{
    const char *fault = getenv("COUNTERSIGN_FAULT"), *counts = getenv("COUNTERSIGN_FAULT_COUNTS");
    const char *colon = fault ? strchr(fault, ':') : NULL;
    if (!colon)
        return;
    for (int i = 0; i < KINDS; i++)
        if (strncmp(fault, names[i], (size_t)(colon - fault)) == 0)
            wanted = (enum kind)i;
    at = strtoul(colon + 1, NULL, 10);
    if (counts)
        counts_fd = open(counts, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    armed = true;
}

static __attribute__((destructor)) void tell(void)
{
    armed = false;
    for (int i = 0; i < KINDS && counts_fd >= 0; i++)
        dprintf(counts_fd, "%s %lu\n", names[i], calls[i]);
}

/* The event library ends the process on purpose when its tables cannot grow: its allocations are not ours to fail. */
static bool fails_alloc(const void *caller)
{
    Dl_info info;
    bool spared = armed && dladdr(caller, &info) != 0 && info.dli_fname && strstr(info.dli_fname, "libuv");
    return !spared && fails(ALLOC, ENOMEM);
}

void *malloc(size_t len)
{
    return fails_alloc(__builtin_return_address(0)) ? NULL : __libc_malloc(len);
}

void *calloc(size_t count, size_t size)
{
    return fails_alloc(__builtin_return_address(0)) ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t len)
{
    return fails_alloc(__builtin_return_address(0)) ? NULL : __libc_realloc(old, len);
}

#define REAL(name_) ((__typeof__(&name_))dlsym(RTLD_NEXT, #name_))

/* Sockets and files can fail; the pipes by which a program wakes itself cannot. */
static bool may_fail(int fd)
{
    struct stat status;
    return fstat(fd, &status) == 0 && (S_ISSOCK(status.st_mode) || S_ISREG(status.st_mode));
}

ssize_t read(int fd, void *to, size_t len)
{
    return may_fail(fd) && fails(READ, ECONNRESET) ? -1 : REAL(read)(fd, to, len);
}

ssize_t write(int fd, const void *from, size_t len)
{
    if (fd == STDOUT_FILENO || fd == STDERR_FILENO)
        return REAL(write)(fd, from, len);
    if (may_fail(fd) && fails(SHORT, 0))
        return REAL(write)(fd, from, len > 0);
    return may_fail(fd) && fails(WRITE, EPIPE) ? -1 : REAL(write)(fd, from, len);
}

ssize_t writev(int fd, const struct iovec *part, int count)
{
    if (may_fail(fd) && fails(SHORT, 0))
        return REAL(write)(fd, part[0].iov_base, part[0].iov_len > 0);
    return may_fail(fd) && fails(WRITE, EPIPE) ? -1 : REAL(writev)(fd, part, count);
}

int accept4(int fd, struct sockaddr *address, socklen_t *len, int flags)
{
    return fails(ACCEPT, EMFILE) ? -1 : REAL(accept4)(fd, address, len, flags);
}

int open(const char *path, int flags, ...)
{
    va_list rest;
    va_start(rest, flags);
    mode_t mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    return fails(OPEN, EACCES) ? -1 : REAL(open)(path, flags, mode);
}

void *mmap(void *where, size_t len, int protection, int flags, int fd, off_t offset)
{
    return fails(MMAP, ENOMEM) ? MAP_FAILED : REAL(mmap)(where, len, protection, flags, fd, offset);
}
