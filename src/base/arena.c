/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include "base/secret.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGNMENT = 16 };

enum err arena_create(struct arena *a, size_t cap)
{
    void *at = NULL;
    TRY(memory_reserve(1, cap, &at));
    *a = (struct arena){at, 0, cap};
    return ERR_OK;
}

void arena_destroy(struct arena *a)
{
    memory_release(a->at, 1, a->cap);
    *a = (struct arena){0};
}

struct arena arena_over(void *at, size_t cap)
{
    memset(at, 0, cap);
    return (struct arena){at, 0, cap};
}

void *arena_take(struct arena *a, size_t size)
{
    size_t start = (a->used + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    if (start > a->cap || size > a->cap - start)
        return NULL;
    a->used = start + size;
    return a->at + start;
}

void arena_reset(struct arena *a)
{
    if (a->used > 0)
        secret_wipe(a->at, a->used);
    a->used = 0;
}

enum err memory_reserve(size_t count, size_t size, void **out)
{
    void *at = calloc(count, size);
    if (!at)
        return ERR_MEMORY;
    *out = at;
    return ERR_OK;
}

void memory_release(void *at, size_t count, size_t size)
{
    if (!at)
        return;
    secret_wipe(at, count * size);
    free(at);
}

void *memory_library_malloc(size_t size)
{
    return malloc(size);
}

void memory_library_free(void *at)
{
    if (!at)
        return;
    secret_wipe(at, malloc_usable_size(at));
    free(at);
}
