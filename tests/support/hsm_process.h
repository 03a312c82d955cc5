/* SPDX-License-Identifier: Apache-2.0 */
/* A real countersign-hsm on a free port, for tests and benches; it stands beside the tests in the build directory. */
#ifndef SUPPORT_HSM_PROCESS_H
#define SUPPORT_HSM_PROCESS_H

#include <stdint.h>
#include <sys/types.h>

enum { HSM_PROCESS_PATH = 512 };
/* Where the program of this build stands. */
void hsm_process_path(char path[static HSM_PROCESS_PATH]);

struct hsm_process {
    pid_t pid;
    uint16_t port;
    uint16_t tls_port; /* 0: none */
    uint16_t admin_port;
};

/* `extra` (may be NULL) ends with NULL and follows --test-lmk --listen 127.0.0.1:0 --admin 127.0.0.1:0. Waits until it listens. */
struct hsm_process hsm_process_start(const char *const *extra);
/* Sends the signal and waits: the exit status, or 128 + the signal that ended it. */
int hsm_process_stop(struct hsm_process *process, int signum);
/* True while it has not exited. */
int hsm_process_alive(const struct hsm_process *process);

#endif
