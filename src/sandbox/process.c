/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

void sandbox_sleep_ms(int ms)
{
    struct timespec t = {ms / 1000, (long)(ms % 1000) * 1000000};
    (void)nanosleep(&t, NULL);
}

static _Noreturn void become(char *const argv[], const char *log_path, pid_t parent)
{
    int log = open(log_path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    int none = open("/dev/null", O_RDONLY);
    sigset_t all;
    (void)sigemptyset(&all);
    (void)sigprocmask(SIG_SETMASK, &all, NULL);
    (void)setsid();
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (log < 0 || none < 0 || getppid() != parent || dup2(none, 0) < 0 || dup2(log, 1) < 0 || dup2(log, 2) < 0)
        _exit(127);
    (void)close(log);
    (void)close(none);
    (void)execv(argv[0], argv);
    (void)dprintf(2, "cannot execute %s: %s\n", argv[0], strerror(errno));
    _exit(127);
}

enum err sandbox_child_start(struct sandbox_child *child, char *const argv[], const char *log_path)
{
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid < 0)
        return ERR_SYSTEM;
    if (pid == 0)
        become(argv, log_path, parent);
    *child = (struct sandbox_child){.pid = pid};
    return ERR_OK;
}

bool sandbox_child_ended(struct sandbox_child *child)
{
    if (child->pid == 0 || waitpid(child->pid, &child->status, WNOHANG) != child->pid)
        return false;
    child->pid = 0;
    return true;
}

void sandbox_child_stop(struct sandbox_child *child, int grace_ms)
{
    if (child->pid == 0)
        return;
    (void)kill(child->pid, SIGTERM);
    for (int waited = 0; waited < grace_ms; waited += 10) {
        if (sandbox_child_ended(child))
            return;
        sandbox_sleep_ms(10);
    }
    (void)kill(child->pid, SIGKILL);
    (void)waitpid(child->pid, &child->status, 0);
    child->pid = 0;
}

void sandbox_child_describe(const struct sandbox_child *child, char *out, size_t cap)
{
    if (WIFSIGNALED(child->status))
        (void)snprintf(out, cap, "signal %d (%s)", WTERMSIG(child->status), strsignal(WTERMSIG(child->status)));
    else
        (void)snprintf(out, cap, "exit status %d", WEXITSTATUS(child->status));
}
