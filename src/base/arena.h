/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory with a fixed capacity.
 *
 * Purpose    All memory is reserved at start. An arena lives as long as its request and is wiped at the end, so nothing of a
 *            request outlives it. This file and library shims are the only callers of malloc.
 * Ownership  arena_create owns its block until arena_destroy; arena_over borrows a block.
 * Threading  One thread at a time.
 * Failure    arena_take gives NULL when the block is used up: the caller answers ERR_MEMORY, the arena never grows.
 * Limits     Blocks are aligned to 16 bytes and start as zeros.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

struct arena {
    uint8_t *at;
    size_t used;
    size_t cap;
};

MUST_USE enum err arena_create(struct arena *a, size_t cap);
void arena_destroy(struct arena *a);
struct arena arena_over(void *at, size_t cap);
/* Zeroed memory, valid until the next arena_reset; NULL when full. */
void *arena_take(struct arena *a, size_t size);
/* Wipes what was used and starts again. */
void arena_reset(struct arena *a);

/* A zeroed array for the lifetime of the process or of its owner, reserved at start; wiped by memory_release. */
MUST_USE enum err memory_reserve(size_t count, size_t size, void **out);
void memory_release(void *at, size_t count, size_t size);

/* Shims for libraries that take allocator hooks: memory is wiped when it is freed. */
void *memory_library_malloc(size_t size);
void memory_library_free(void *at);

#endif
