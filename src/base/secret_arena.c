/* SPDX-License-Identifier: Apache-2.0 */
/* Boundary tags: each block knows its size and that of the block before it, so that neighbours join when one is given back. Free
 * blocks stand in lists by the power of two of their size. */
#include "base/secret_arena.h"

#include "base/secret.h"

#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { UNIT = 16, HEAD = 16, BINS = 34, USED = 1 };

/* The head of a block. Sizes count the head and are multiples of UNIT; the lowest bit of `size` says that it is in use. */
struct block {
    size_t size;
    size_t before;      /* size of the block in front; 0: the first */
    struct block *next; /* free blocks only: inside what was the payload */
    struct block *previous;
};
_Static_assert(offsetof(struct block, next) == HEAD, "the payload follows the head");

enum { SMALLEST = sizeof(struct block) };

static struct arena_state {
    pthread_mutex_t mutex;
    enum secret_arena_kind kind;
    uint8_t *map; /* with the guard pages */
    size_t map_len;
    uint8_t *at;
    struct secret_arena_use use;
    struct block *bin[BINS];
} arena = {.mutex = PTHREAD_MUTEX_INITIALIZER};

/* ---- blocks ---- */

static size_t size_of(const struct block *b)
{
    return b->size & ~(size_t)USED;
}

static bool is_used(const struct block *b)
{
    return b->size & USED;
}

static struct block *after(const struct block *b)
{
    uint8_t *next = (uint8_t *)(uintptr_t)b + size_of(b);
    return next < arena.at + arena.use.size ? (struct block *)(void *)next : NULL;
}

static struct block *block_of(void *at)
{
    return (struct block *)(void *)((uint8_t *)at - HEAD);
}

static unsigned bin_of(size_t size)
{
    return 63u - (unsigned)__builtin_clzll(size) - 4;
}

static void list(struct block *b)
{
    struct block **head = &arena.bin[bin_of(b->size)];
    b->previous = NULL;
    b->next = *head;
    if (*head)
        (*head)->previous = b;
    *head = b;
}

static void unlist(struct block *b)
{
    if (b->previous)
        b->previous->next = b->next;
    else
        arena.bin[bin_of(b->size)] = b->next;
    if (b->next)
        b->next->previous = b->previous;
}

static void resize_block(struct block *b, size_t size)
{
    b->size = size | (b->size & USED);
    struct block *next = after(b);
    if (next)
        next->before = size;
}

/* First fit in the bin of that size, any block of a larger one. */
static struct block *find(size_t size)
{
    for (unsigned bin = bin_of(size); bin < BINS; bin++)
        for (struct block *b = arena.bin[bin]; b; b = b->next)
            if (b->size >= size)
                return b;
    return NULL;
}

/* Leaves `size` bytes to b and lists the rest, if that makes a block. */
static void split(struct block *b, size_t size)
{
    size_t rest = size_of(b) - size;
    if (rest < SMALLEST)
        return;
    struct block *tail = (struct block *)(void *)((uint8_t *)b + size);
    tail->size = 0;
    tail->before = size;
    b->size = size | (b->size & USED);
    resize_block(tail, rest);
    list(tail);
}

static void *take(size_t len)
{
    size_t size = (len + HEAD + UNIT - 1) / UNIT * UNIT;
    size = size < SMALLEST ? SMALLEST : size;
    struct block *b = arena.kind == SECRET_ARENA_CLOSED || len > arena.use.size ? NULL : find(size);
    if (!b) {
        arena.use.refused++;
        return NULL;
    }
    unlist(b);
    split(b, size);
    b->size |= USED;
    arena.use.taken += size_of(b);
    arena.use.most = arena.use.taken > arena.use.most ? arena.use.taken : arena.use.most;
    /* Free memory is zero but for the links. */
    b->next = b->previous = NULL;
    return (uint8_t *)b + HEAD;
}

static void give(void *at)
{
    struct block *b = block_of(at), *next = after(b);
    ASSERT(secret_arena_owns(at) && is_used(b));
    arena.use.taken -= size_of(b);
    secret_wipe(at, size_of(b) - HEAD);
    b->size &= ~(size_t)USED;
    if (next && !is_used(next)) {
        unlist(next);
        resize_block(b, b->size + next->size);
        secret_wipe(next, sizeof *next);
    }
    if (b->before > 0) {
        struct block *front = (struct block *)(void *)((uint8_t *)b - b->before);
        if (!is_used(front)) {
            unlist(front);
            resize_block(front, front->size + b->size);
            secret_wipe(b, sizeof *b);
            b = front;
        }
    }
    list(b);
}

/* ---- the mapping ---- */

static size_t page_size(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

/* Lays secret memory over the body; false: the kernel has none for us. */
static bool map_secretmem(uint8_t *at, size_t len)
{
#ifdef SYS_memfd_secret
    int fd = (int)syscall(SYS_memfd_secret, O_CLOEXEC);
    if (fd < 0)
        return false;
    bool mapped =
        ftruncate(fd, (off_t)len) == 0 && mmap(at, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) != MAP_FAILED;
    close(fd);
    return mapped && madvise(at, len, MADV_DONTFORK) == 0;
#else
    (void)at;
    (void)len;
    return false;
#endif
}

static bool map_locked(uint8_t *at, size_t len)
{
    bool locked = mlock2(at, len, MLOCK_ONFAULT) == 0 || mlock(at, len) == 0;
    locked &= madvise(at, len, MADV_DONTDUMP) == 0;
    return locked & (madvise(at, len, MADV_WIPEONFORK) == 0);
}

static enum secret_arena_kind map_body(uint8_t *at, size_t len, bool secretmem)
{
    if (secretmem && map_secretmem(at, len))
        return SECRET_ARENA_SECRETMEM;
    if (mmap(at, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
        return SECRET_ARENA_CLOSED;
    return map_locked(at, len) ? SECRET_ARENA_LOCKED : SECRET_ARENA_ORDINARY;
}

/* Leak checkers do not look into mappings: where one is linked in, it learns that this one holds pointers. */
extern void __lsan_register_root_region(const void *at, size_t len) __attribute__((weak));
extern void __lsan_unregister_root_region(const void *at, size_t len) __attribute__((weak));

enum err secret_arena_open(size_t len, bool secretmem)
{
    size_t page = page_size(), body = (len + page - 1) / page * page;
    ASSERT(arena.kind == SECRET_ARENA_CLOSED && len >= SECRET_ARENA_MIN && len <= SECRET_ARENA_MAX);
    uint8_t *map = mmap(NULL, body + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (map == MAP_FAILED)
        return ERR_MEMORY;
    enum secret_arena_kind kind = map_body(map + page, body, secretmem);
    if (kind == SECRET_ARENA_CLOSED) {
        munmap(map, body + 2 * page);
        return ERR_MEMORY;
    }
    arena.kind = kind;
    arena.map = map;
    arena.map_len = body + 2 * page;
    arena.at = map + page;
    arena.use = (struct secret_arena_use){.size = body};
    struct block *all = (struct block *)(void *)arena.at;
    all->size = body;
    list(all);
    if (__lsan_register_root_region)
        __lsan_register_root_region(arena.at, body);
    return ERR_OK;
}

void secret_arena_close(void)
{
    if (arena.kind == SECRET_ARENA_CLOSED)
        return;
    /* What is free was wiped when it was given back. */
    for (struct block *b = (struct block *)(void *)arena.at; b; b = after(b))
        if (is_used(b))
            secret_wipe((uint8_t *)b + HEAD, size_of(b) - HEAD);
    if (__lsan_unregister_root_region)
        __lsan_unregister_root_region(arena.at, arena.use.size);
    munmap(arena.map, arena.map_len);
    memset(arena.bin, 0, sizeof arena.bin);
    arena.kind = SECRET_ARENA_CLOSED;
    arena.at = arena.map = NULL;
    arena.use = (struct secret_arena_use){0};
}

/* ---- from any thread ---- */

enum secret_arena_kind secret_arena_kind(void)
{
    return arena.kind;
}

bool secret_arena_owns(const void *at)
{
    const uint8_t *place = at;
    return arena.at && place >= arena.at && place < arena.at + arena.use.size;
}

void *secret_arena_take(size_t len)
{
    pthread_mutex_lock(&arena.mutex);
    void *at = take(len);
    pthread_mutex_unlock(&arena.mutex);
    return at;
}

void secret_arena_give(void *at)
{
    if (!at)
        return;
    pthread_mutex_lock(&arena.mutex);
    give(at);
    pthread_mutex_unlock(&arena.mutex);
}

void *secret_arena_resize(void *at, size_t len)
{
    if (!at)
        return secret_arena_take(len);
    size_t have = size_of(block_of(at)) - HEAD;
    if (len <= have && len >= have / 2)
        return at;
    void *to = secret_arena_take(len);
    if (!to)
        return NULL;
    memcpy(to, at, have < len ? have : len);
    secret_arena_give(at);
    return to;
}

struct secret_arena_use secret_arena_use(void)
{
    pthread_mutex_lock(&arena.mutex);
    struct secret_arena_use use = arena.use;
    pthread_mutex_unlock(&arena.mutex);
    return use;
}
