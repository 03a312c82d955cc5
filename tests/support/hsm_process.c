/* SPDX-License-Identifier: Apache-2.0 */
#include "support/hsm_process.h"

#include "base/err.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATH_SIZE = HSM_PROCESS_PATH, LEVELS = 3, ARGUMENTS = 24 };

/* build/tests/unit/test_x -> build/countersign-hsm; benches lie one level higher. */
void hsm_process_path(char path[static PATH_SIZE])
{
    char self[PATH_SIZE - 32];
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    ASSERT(len > 0);
    self[len] = 0;
    for (int level = 0; level < LEVELS; level++) {
        char *slash = strrchr(self, '/');
        ASSERT(slash);
        *slash = 0;
        (void)snprintf(path, PATH_SIZE, "%s/countersign-hsm", self);
        if (access(path, X_OK) == 0)
            return;
    }
    (void)fprintf(stderr, "countersign-hsm is not built\n");
    abort();
}

static _Noreturn void become(const char *path, const char *const *extra, int log)
{
    const char *argument[ARGUMENTS] = {"countersign-hsm", "--test-lmk", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"};
    size_t count = 6;
    for (; extra && *extra && count < ARGUMENTS - 1; extra++)
        argument[count++] = *extra;
    dup2(log, STDERR_FILENO);
    execv(path, (char *const *)argument);
    _exit(127);
}

static uint16_t number_after(const char *line, const char *name)
{
    const char *at = strstr(line, name);
    return at ? (uint16_t)strtoul(at + strlen(name), NULL, 10) : 0;
}

struct hsm_process hsm_process_start(const char *const *extra)
{
    struct hsm_process process = {0};
    char path[PATH_SIZE];
    int log[2];
    hsm_process_path(path);
    ASSERT(pipe(log) == 0);
    process.pid = fork();
    ASSERT(process.pid >= 0);
    if (process.pid == 0) {
        close(log[0]);
        become(path, extra, log[1]);
    }
    close(log[1]);
    FILE *lines = fdopen(log[0], "r");
    ASSERT(lines);
    char line[1200];
    while (process.port == 0 && fgets(line, sizeof line, lines)) {
        if (!strstr(line, "hsm.started"))
            continue;
        process.port = number_after(line, "\"port\":");
        process.tls_port = number_after(line, "\"tls_port\":");
        process.admin_port = number_after(line, "\"admin_port\":");
    }
    ASSERT(process.port != 0);
    /* The log is left open and unread in a small way only: the process writes a line a refused command, so drain it. */
    if (fork() == 0) {
        while (fgets(line, sizeof line, lines))
            continue;
        _exit(0);
    }
    (void)fclose(lines);
    return process;
}

int hsm_process_stop(struct hsm_process *process, int signum)
{
    int status = 0;
    kill(process->pid, signum);
    ASSERT(waitpid(process->pid, &status, 0) == process->pid);
    process->pid = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int hsm_process_alive(const struct hsm_process *process)
{
    int status = 0;
    return waitpid(process->pid, &status, WNOHANG) == 0;
}
