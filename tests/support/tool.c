/* SPDX-License-Identifier: Apache-2.0 */
#include "support/tool.h"

#include "support/hsm_process.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ARGUMENTS = 64, CHUNK = 4096 };

static _Noreturn void become(const char *const *argument, int in, int out)
{
    char path[512];
    const char *all[ARGUMENTS] = {"countersign-hsm"};
    hsm_process_path(path);
    for (size_t i = 0; argument[i] && i < ARGUMENTS - 2; i++)
        all[i + 1] = argument[i];
    dup2(in, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    dup2(out, STDERR_FILENO);
    execv(path, (char *const *)all);
    _exit(127);
}

int tool_run(const char *const *argument, struct span input, struct buf *out)
{
    int from[2], status = 0;
    FILE *given = tmpfile(); /* a file: neither side waits for the other */
    ASSERT(given && fwrite(input.at, 1, input.len, given) == input.len);
    rewind(given);
    ASSERT(pipe(from) == 0);
    pid_t pid = fork();
    ASSERT(pid >= 0);
    if (pid == 0)
        become(argument, fileno(given), from[1]);
    close(from[1]);
    uint8_t chunk[CHUNK];
    for (ssize_t n; (n = read(from[0], chunk, sizeof chunk)) > 0;)
        buf_put(out, chunk, (size_t)n);
    close(from[0]);
    (void)fclose(given);
    ASSERT(waitpid(pid, &status, 0) == pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
