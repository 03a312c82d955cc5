/* SPDX-License-Identifier: Apache-2.0 */
/* Linked into a build of countersign-hsm with --wrap: the n-th request to the secret arena fails (COUNTERSIGN_FAULT=arena:N), among
 * them all of the cipher library's. How many there were goes where tests/fault/shim.c writes its counts. */
#include "base/secret_arena.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *__real_secret_arena_take(size_t len);
void *__real_secret_arena_resize(void *at, size_t len);
void *__wrap_secret_arena_take(size_t len);
void *__wrap_secret_arena_resize(void *at, size_t len);

static unsigned long calls, failing;
static int counts_fd = -1;

static __attribute__((constructor)) void arm(void)
{
    const char *fault = getenv("COUNTERSIGN_FAULT"), *counts = getenv("COUNTERSIGN_FAULT_COUNTS");
    if (fault && strncmp(fault, "arena:", 6) == 0)
        failing = strtoul(fault + 6, NULL, 10);
    if (counts)
        counts_fd = open(counts, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static __attribute__((destructor)) void tell(void)
{
    if (counts_fd >= 0)
        dprintf(counts_fd, "arena %lu\n", calls);
}

static bool fails(void)
{
    return ++calls == failing;
}

void *__wrap_secret_arena_take(size_t len)
{
    return fails() ? NULL : __real_secret_arena_take(len);
}

void *__wrap_secret_arena_resize(void *at, size_t len)
{
    return fails() ? NULL : __real_secret_arena_resize(at, len);
}
