/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One arena for everything secret of a process that holds keys.
 *
 * Purpose    A single mapping between guard pages from which secret_pages_create and the cipher library (crypto/heap.h) take their
 *            memory. With memfd_secret(2) not even the kernel maps it for others: no core, no swap, no /proc/PID/mem, no ptrace.
 *            Where the kernel has no memfd_secret the mapping is locked and left out of cores and forks; where locking is refused
 *            it works all the same and secret_arena_kind says so.
 * Ownership  Process-wide, because the cipher library's allocation hooks carry no context. Opened once at start, before the first
 *            secret; what is taken belongs to the taker.
 * Threading  secret_arena_open and _close belong to the main thread; the rest may be called from any.
 * Failure    A full arena gives NULL and never grows: its size is the bound. Everything is wiped when it is given back, and all of
 *            it at secret_arena_close.
 * Limits     Payloads are aligned to 16 bytes; SECRET_ARENA_MIN to SECRET_ARENA_MAX bytes.
 *
 * Example
 *     TRY(secret_arena_open(16u << 20));
 *     void *at = secret_arena_take(200);     // zeroed
 *     ...
 *     secret_arena_give(at);                 // wiped
 */
#ifndef BASE_SECRET_ARENA_H
#define BASE_SECRET_ARENA_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SECRET_ARENA_MIN = 1 << 20 };
#define SECRET_ARENA_MAX ((size_t)4 << 30)

enum secret_arena_kind {
    SECRET_ARENA_CLOSED,
    SECRET_ARENA_ORDINARY, /* could not be locked: keys may be swapped out */
    SECRET_ARENA_LOCKED,
    SECRET_ARENA_SECRETMEM,
};

/* ERR_MEMORY without the address space. `secretmem` false: locked pages only. */
MUST_USE enum err secret_arena_open(size_t len, bool secretmem);
/* Wipes and unmaps; nothing taken may be used any more. */
void secret_arena_close(void);
enum secret_arena_kind secret_arena_kind(void);

/* Zeroed; NULL when there is no room or no arena. */
void *secret_arena_take(size_t len);
/* As realloc: the old place is wiped. NULL leaves `at` as it was. */
void *secret_arena_resize(void *at, size_t len);
/* NULL is nothing. */
void secret_arena_give(void *at);
/* True for what this arena gave. */
bool secret_arena_owns(const void *at);

struct secret_arena_use {
    size_t size;
    size_t taken; /* bytes in use, with their headers */
    size_t most;  /* the largest `taken` so far */
    uint64_t refused;
};
struct secret_arena_use secret_arena_use(void);

#endif
