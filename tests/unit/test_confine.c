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
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[] = "/tmp/countersign-sandbox-XXXXXX";
static char written[64], readable[64];

enum { NO_SANDBOX = 77, OTHER = 99 };

/* The status of a child that did `act` inside: its errno, 0 for success; a signal as its negative number. */
static int inside(int (*act)(void))
{
    int status = 0;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        const struct confine_path path[] = {{written, true}, {readable, false}};
        struct confine_report report;
        (void)signal(SIGSYS, SIG_DFL);
        confine_enter(path, 2, &report);
        if (report.filter != CONFINE_IN_FORCE || report.folders != CONFINE_IN_FORCE)
            _exit(NO_SANDBOX);
        errno = 0;
        _exit(act() < 0 ? errno : 0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static int open_socket(void)
{
    return socket(AF_INET, SOCK_STREAM, 0);
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
        {"a connection", dial, -SIGSYS},
        {"a program", start_program, -SIGSYS},
        {"memory for code", make_code, EPERM},
        {"memory", make_memory, 0},
        {"reading elsewhere", read_elsewhere, EACCES},
        {"reading in its folder", read_there, 0},
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

static void the_budget_of_calls_holds(void **state)
{
    (void)state;
    int channel[2], status = 0;
    struct confine_report report = {0};
    assert_int_equal(pipe(channel), 0);
    pid_t child = fork();
    if (child == 0) {
        confine_enter(NULL, 0, &report);
        _exit(write(channel[1], &report, sizeof report) == (ssize_t)sizeof report ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(read(channel[0], &report, sizeof report), sizeof report);
    assert_true(report.calls <= CONFINE_CALLS_MAX);
    print_message("system calls %s (%zu), folders %s %s\n", confine_step_text(report.filter), report.calls,
                  confine_step_text(report.folders), report.problem);
    close(channel[0]);
    close(channel[1]);
}

static void a_folder_that_is_not_there_is_told(void **state)
{
    (void)state;
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        const struct confine_path path = {"/nonexistent/folder", false};
        struct confine_report report;
        confine_enter(&path, 1, &report);
        _exit(report.folders != CONFINE_IN_FORCE && report.problem[0] ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static int make_folders(void **state)
{
    (void)state;
    char path[256];
    if (!mkdtemp(folder))
        return -1;
    (void)snprintf(written, sizeof written, "%s/w", folder);
    (void)snprintf(readable, sizeof readable, "%s/r", folder);
    (void)snprintf(path, sizeof path, "mkdir %s %s && echo x >%s/a", written, readable, readable);
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
        cmocka_unit_test(it_keeps_what_is_due_and_nothing_else),
        cmocka_unit_test(the_budget_of_calls_holds),
        cmocka_unit_test(a_folder_that_is_not_there_is_told),
    };
    return cmocka_run_group_tests_name("sandbox", tests, make_folders, remove_folders);
}
