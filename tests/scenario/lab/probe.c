/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A library to preload: it tries inside a real process what code that broke in would try. The process gets SIGUSR1; the file that
 * COUNTERSIGN_PROBE names is mapped and says which try is due (an int32_t) and what came of it (another: 0, or an errno).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { WAITING = -1 };

struct page {
    int32_t due;
    int32_t outcome;
    char file[256]; /* of the tries with a file */
};
static struct page *page;

static long run_a_program(void)
{
    char *const argv[] = {(char[]){"true"}, NULL};
    return syscall(SYS_execve, "/bin/true", argv, NULL);
}

static long trace(void)
{
    return syscall(SYS_ptrace, PTRACE_ATTACH, getppid(), NULL, NULL);
}

static long read_memory(void)
{
    char room[8];
    struct iovec to = {room, sizeof room}, from = {page, sizeof room};
    return syscall(SYS_process_vm_readv, getpid(), &to, 1UL, &from, 1UL, 0UL);
}

static long make_a_process(void)
{
    return syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
}

static long make_code(void)
{
    return syscall(SYS_mmap, NULL, 4096UL, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0UL) < 0 ? -1 : 0;
}

static long open_read(void)
{
    return syscall(SYS_openat, AT_FDCWD, page->file, O_RDONLY | O_CLOEXEC);
}

static long open_write(void)
{
    return syscall(SYS_openat, AT_FDCWD, page->file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
}

static long make_socket(int family, int type)
{
    long fd = syscall(SYS_socket, family, type | SOCK_CLOEXEC, 0);
    return fd < 0 ? -1 : syscall(SYS_close, fd);
}

static long socket_ip(void)
{
    return make_socket(AF_INET, SOCK_STREAM);
}

static long socket_local(void)
{
    return make_socket(AF_UNIX, SOCK_STREAM);
}

static long socket_netlink(void)
{
    return make_socket(AF_NETLINK, SOCK_RAW);
}

static long socket_packet(void)
{
    return make_socket(AF_PACKET, SOCK_RAW);
}

static long listen_anew(void)
{
    const struct sockaddr_in any = {.sin_family = AF_INET};
    return syscall(SYS_bind, STDERR_FILENO, &any, sizeof any);
}

static long load_a_module(void)
{
    return syscall(SYS_finit_module, STDERR_FILENO, "", 0);
}

/* In the order of the table in scenario_confined.py. */
static long (*const tries[])(void) = {run_a_program, trace,       read_memory,  make_a_process, make_code,
                                      open_read,     open_write,  socket_ip,    socket_local,   socket_netlink,
                                      socket_packet, listen_anew, load_a_module};

static void probe(int signum)
{
    (void)signum;
    int before = errno;
    long status = (size_t)page->due < sizeof tries / sizeof tries[0] ? tries[page->due]() : -1;
    __atomic_store_n(&page->outcome, status < 0 ? errno : 0, __ATOMIC_RELEASE);
    errno = before;
}

static __attribute__((constructor)) void open_page(void)
{
    const char *path = getenv("COUNTERSIGN_PROBE");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    page = fd >= 0 ? mmap(NULL, sizeof *page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) : MAP_FAILED;
    if (fd >= 0)
        (void)close(fd);
    if (page != MAP_FAILED)
        (void)sigaction(SIGUSR1, &(struct sigaction){.sa_handler = probe, .sa_flags = SA_RESTART}, NULL);
}
