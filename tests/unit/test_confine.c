/* SPDX-License-Identifier: Apache-2.0 */
/* What a process can no longer do once it has locked itself in. Each try is made in a child. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include "base/confine.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[] = "/tmp/countersign-sandbox-XXXXXX";
static char written[64], readable[64], single[64], link_to[80];

/* Stream sockets of one family, so that a row that looks at an argument is tried, too. */
static const struct confine_call streams_rows[] = {ADMIT_WHERE(socket, 0, UINT32_MAX, AF_UNIX),
                                                   ADMIT_WHERE(socket, 0, UINT32_MAX, AF_INET6)};
static const struct confine_set streams = CONFINE_SET(streams_rows);

enum { NO_SANDBOX = 77, OTHER = 99 };

static void need(struct confine_needs *needs)
{
    *needs = (struct confine_needs){.set_count = 0};
    confine_need_path(needs, written, CONFINE_WRITE);
    confine_need_path(needs, readable, CONFINE_READ);
    confine_need_path(needs, single, CONFINE_READ);
    confine_need_path(needs, "/nonexistent/file", CONFINE_IF_THERE);
    confine_need_calls(needs, &confine_loop);
    confine_need_calls(needs, &confine_files);
    confine_need_calls(needs, &confine_threads);
    confine_need_calls(needs, &streams);
}

/* What happened to it: its errno, 0 for success; a signal as its negative number. */
static int outcome(pid_t child)
{
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

/* Of a child that did `act` inside. */
static int inside(int (*act)(void))
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct confine_needs needs;
        struct confine_report report = {.problem = ""};
        need(&needs);
        (void)signal(SIGSYS, SIG_DFL);
        confine_close_paths(&needs, &report);
        confine_close_calls(&needs, &report);
        if (report.calls != CONFINE_IN_FORCE || report.paths != CONFINE_IN_FORCE)
            _exit(NO_SANDBOX);
        errno = 0;
        _exit(act() < 0 ? errno : 0);
    }
    return outcome(child);
}

static int open_socket(void)
{
    return socket(AF_INET, SOCK_STREAM, 0);
}

static int open_local_socket(void)
{
    return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static int open_socket_of_a_second_row(void)
{
    return socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0) < 0 && errno == EPERM ? -1 : 0; /* a machine may have no IPv6 */
}

static int read_the_memory_of_its_parent(void)
{
    char room[16];
    struct iovec to = {room, sizeof room}, from = {(void *)(uintptr_t)0x1000, sizeof room};
    return (int)process_vm_readv(getppid(), &to, 1, &from, 1, 0);
}

static int trace_its_parent(void)
{
    return (int)ptrace(PTRACE_ATTACH, getppid(), NULL, NULL);
}

static int become_two(void)
{
    return (int)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
}

static int dial(void)
{
    const struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    return connect(STDIN_FILENO, (const struct sockaddr *)&to, sizeof to);
}

static int start_program(void)
{
    return execl("/bin/true", "true", NULL);
}

static int make_code(void)
{
    return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1 : 0;
}

static int make_memory(void)
{
    return mmap(NULL, 1 << 22, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1 : 0;
}

static int file(const char *in, const char *name, int flags)
{
    char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", in, name);
    return open(path, flags | O_CLOEXEC, 0600);
}

static int read_elsewhere(void)
{
    return open("/etc/passwd", O_RDONLY | O_CLOEXEC);
}

static int read_there(void)
{
    return file(readable, "a", O_RDONLY);
}

static int read_the_single_file(void)
{
    return open(single, O_RDONLY | O_CLOEXEC);
}

static int read_beside_the_single_file(void)
{
    return file(folder, "other", O_RDONLY);
}

static int write_where_only_reading_is_due(void)
{
    return file(readable, "a", O_RDWR);
}

static int make_where_only_reading_is_due(void)
{
    return file(readable, "new", O_RDWR | O_CREAT);
}

static int replace_a_file(void)
{
    char from[128], to[128];
    int fd = file(written, "new", O_RDWR | O_CREAT);
    (void)snprintf(from, sizeof from, "%s/new", written);
    (void)snprintf(to, sizeof to, "%s/a", written);
    return fd < 0 || write(fd, "x", 1) != 1 || fsync(fd) != 0 || ftruncate(fd, 0) != 0 || rename(from, to) != 0 ? -1 : unlink(to);
}

static int abort_itself(void)
{
    abort();
}

static void it_keeps_what_is_due_and_nothing_else(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        int (*act)(void);
        int status;
    } row[] = {
        {"a socket", open_socket, EPERM},
        {"a socket of a family that is admitted", open_local_socket, 0},
        {"one that the second row admits", open_socket_of_a_second_row, 0},
        {"the memory of another process", read_the_memory_of_its_parent, -SIGSYS},
        {"tracing another process", trace_its_parent, -SIGSYS},
        {"another process", become_two, EPERM},
        {"a connection", dial, -SIGSYS},
        {"a program", start_program, -SIGSYS},
        {"memory for code", make_code, EPERM},
        {"memory", make_memory, 0},
        {"reading elsewhere", read_elsewhere, EACCES},
        {"reading in its folder", read_there, 0},
        {"reading the single file", read_the_single_file, 0},
        {"reading beside it", read_beside_the_single_file, EACCES},
        {"writing where it reads", write_where_only_reading_is_due, EACCES},
        {"making a file where it reads", make_where_only_reading_is_due, EACCES},
        {"replacing a file of its own", replace_a_file, 0},
        {"abort", abort_itself, -SIGABRT},
    };
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        int status = inside(row[i].act);
        if (status == NO_SANDBOX) {
            print_message("this kernel or build has no sandbox\n");
            return;
        }
        if (status != row[i].status)
            fail_msg("%s: %d, expected %d", row[i].what, status, row[i].status);
    }
}

/* ---- threads ---- */

static pthread_barrier_t locked_in;

static void *tried_by_a_thread(void *context)
{
    int *error = context;
    (void)pthread_barrier_wait(&locked_in);
    errno = 0;
    (void)open_socket();
    *error = errno;
    return NULL;
}

/* A thread that was there before is locked in by the same call. */
static int lock_in_with_a_thread(void)
{
    struct confine_needs needs;
    struct confine_report report = {.problem = ""};
    pthread_t thread;
    int error = OTHER;
    need(&needs);
    (void)pthread_barrier_init(&locked_in, NULL, 2);
    if (pthread_create(&thread, NULL, tried_by_a_thread, &error) != 0)
        return OTHER;
    confine_close_calls(&needs, &report);
    if (report.calls != CONFINE_IN_FORCE)
        return NO_SANDBOX;
    (void)pthread_barrier_wait(&locked_in);
    (void)pthread_join(thread, NULL);
    return error;
}

static void threads_that_were_there_are_locked_in(void **state)
{
    (void)state;
    pid_t child = fork();
    if (child == 0)
        _exit(lock_in_with_a_thread());
    int status = outcome(child);
    if (status != NO_SANDBOX)
        assert_int_equal(status, EPERM);
}

/* ---- paths ---- */

static void a_path_that_is_not_there_is_told(void **state)
{
    (void)state;
    pid_t child = fork();
    if (child == 0) {
        struct confine_needs needs = {.set_count = 0};
        struct confine_report report = {.problem = ""};
        confine_need_path(&needs, "/nonexistent/folder", CONFINE_READ);
        confine_close_paths(&needs, &report);
        _exit(report.paths != CONFINE_IN_FORCE && report.problem[0] ? 0 : 1);
    }
    assert_int_equal(outcome(child), 0);
}

/* As on a kernel without Landlock, whose calls are refused here before it is asked for: told, and the process goes on. */
static void without_landlock_it_goes_on_and_says_so(void **state)
{
    (void)state;
    pid_t child = fork();
    if (child == 0) {
        struct confine_needs needs;
        struct confine_report report = {.problem = ""};
        static const struct confine_call rows[] = {ADMIT(prctl)};
        static const struct confine_set more = CONFINE_SET(rows);
        need(&needs);
        confine_need_calls(&needs, &more);
        confine_close_calls(&needs, &report);
        report.problem[0] = 0;
        confine_close_paths(&needs, &report);
        bool told = report.paths == CONFINE_NOT_OFFERED && report.landlock == 0 && report.problem[0];
        _exit(told && open("/etc/passwd", O_RDONLY | O_CLOEXEC) >= 0 ? 0 : 1);
    }
    assert_int_equal(outcome(child), 0);
}

/* A certificate is often a link to where a tool keeps it: both folders stay readable. */
static void a_file_that_may_be_replaced_is_its_folders(void **state)
{
    (void)state;
    struct confine_needs needs = {.set_count = 0};
    char first[80], second[80];
    confine_need_path(&needs, link_to, CONFINE_BESIDE);
    confine_need_path(&needs, link_to, CONFINE_BESIDE);
    confine_need_path(&needs, "", CONFINE_BESIDE);
    confine_need_path(&needs, "name", CONFINE_BESIDE | CONFINE_WRITE);
    (void)snprintf(first, sizeof first, "%s/", written);
    (void)snprintf(second, sizeof second, "%s/", readable);
    assert_int_equal(needs.path_count, 3);
    assert_string_equal(needs.path[0].path, first);
    assert_string_equal(needs.path[1].path, second);
    assert_int_equal(needs.path[1].how, CONFINE_READ);
    assert_string_equal(needs.path[2].path, ".");
    assert_int_equal(needs.path[2].how, CONFINE_WRITE);
}

/* A pipe of the shell as a key file: Landlock knows no rule for it, and does not watch it. */
static void a_pipe_is_no_obstacle(void **state)
{
    (void)state;
    int channel[2];
    assert_int_equal(pipe(channel), 0);
    pid_t child = fork();
    if (child == 0) {
        struct confine_needs needs = {.set_count = 0};
        struct confine_report report = {.problem = ""};
        char path[32];
        (void)snprintf(path, sizeof path, "/dev/fd/%d", channel[0]);
        confine_need_path(&needs, path, CONFINE_IF_THERE);
        confine_close_paths(&needs, &report);
        if (report.paths == CONFINE_NOT_OFFERED)
            _exit(0);
        _exit(report.paths == CONFINE_IN_FORCE && open(path, O_RDONLY | O_NONBLOCK) >= 0 ? 0 : 1);
    }
    assert_int_equal(outcome(child), 0);
    close(channel[0]);
    close(channel[1]);
}

static int make_folders(void **state)
{
    (void)state;
    char path[256];
    if (!mkdtemp(folder))
        return -1;
    (void)snprintf(written, sizeof written, "%s/w", folder);
    (void)snprintf(readable, sizeof readable, "%s/r", folder);
    (void)snprintf(single, sizeof single, "%s/single", folder);
    (void)snprintf(link_to, sizeof link_to, "%s/link", written);
    (void)snprintf(path, sizeof path, "cd %s && mkdir w r && echo x >r/a && echo x >single && echo x >other && ln -s ../r/a w/link",
                   folder);
    return system(path);
}

static int remove_folders(void **state)
{
    (void)state;
    char command[128];
    (void)snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_keeps_what_is_due_and_nothing_else),      cmocka_unit_test(threads_that_were_there_are_locked_in),
        cmocka_unit_test(a_path_that_is_not_there_is_told),           cmocka_unit_test(without_landlock_it_goes_on_and_says_so),
        cmocka_unit_test(a_file_that_may_be_replaced_is_its_folders), cmocka_unit_test(a_pipe_is_no_obstacle),
    };
    return cmocka_run_group_tests_name("sandbox", tests, make_folders, remove_folders);
}
