/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Child processes of the sandbox.
 *
 * Purpose    Start a program with its output in a log file, notice its end, stop it.
 * Ownership  The caller owns the struct; a started child is stopped with sandbox_child_stop before the struct goes away.
 * Threading  One thread.
 * Failure    ERR_SYSTEM if the program cannot be started; a program that cannot be executed ends with status 127.
 * Limits     A child has a session of its own, so that Ctrl-C reaches the sandbox alone; it gets SIGTERM when the sandbox dies.
 */
#ifndef SANDBOX_PROCESS_H
#define SANDBOX_PROCESS_H

#include "base/err.h"

#include <stdbool.h>
#include <sys/types.h>

struct sandbox_child {
    pid_t pid;  /* 0: not running */
    int status; /* of waitpid, when it ended */
};

/* argv ends with NULL; argv[0] is the program's path. The log is appended to. */
MUST_USE enum err sandbox_child_start(struct sandbox_child *child, char *const argv[], const char *log_path);
/* True if the child has ended by itself since it was started. */
bool sandbox_child_ended(struct sandbox_child *child);
/* SIGTERM, and SIGKILL after `grace_ms`. Nothing happens to a child that does not run. */
void sandbox_child_stop(struct sandbox_child *child, int grace_ms);
/* "exit status 2" or "signal 9 (Killed)". */
void sandbox_child_describe(const struct sandbox_child *child, char *out, size_t cap);
void sandbox_sleep_ms(int ms);

#endif
