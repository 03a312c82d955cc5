/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A library to preload: what a process writes to a database file fails with the errno in the file COUNTERSIGN_DISK names, an int;
 * 0: it does not. A scenario fills the disk of all its processes at once by writing the file.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const int *code;

static __attribute__((constructor)) void open_disk(void)
{
    const char *path = getenv("COUNTERSIGN_DISK");
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    void *page = fd >= 0 ? mmap(NULL, sizeof *code, PROT_READ, MAP_SHARED, fd, 0) : MAP_FAILED;
    if (fd >= 0)
        (void)close(fd);
    if (page != MAP_FAILED)
        code = page;
}

static int refused(int fd)
{
    char link[64], path[512];
    int now = code ? __atomic_load_n(code, __ATOMIC_RELAXED) : 0;
    if (now == 0)
        return 0;
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, path, sizeof path - 1);
    path[len > 0 ? len : 0] = 0;
    if (!strstr(path, ".db"))
        return 0;
    errno = now;
    return now;
}

static ssize_t written(const char *name, int fd, const void *at, size_t len, off_t offset)
{
    ssize_t (*real)(int, const void *, size_t, off_t) = (ssize_t(*)(int, const void *, size_t, off_t))dlsym(RTLD_NEXT, name);
    return refused(fd) ? -1 : real(fd, at, len, offset);
}

ssize_t pwrite(int fd, const void *at, size_t len, off_t offset)
{
    return written("pwrite", fd, at, len, offset);
}

ssize_t pwrite64(int fd, const void *at, size_t len, off_t offset)
{
    return written("pwrite64", fd, at, len, offset);
}
