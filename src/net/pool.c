/* SPDX-License-Identifier: Apache-2.0 */
#include "net/pool.h"

#include "base/arena.h"

#include <sys/mman.h>

static size_t pages(size_t len)
{
    return (len + NET_PAGE - 1) & ~(size_t)(NET_PAGE - 1);
}

enum err net_pool_reserve(struct net_pool *pool, size_t count, size_t size)
{
    ASSERT(count > 0 && count <= UINT32_MAX && size > 0);
    void *high = NULL, *vacant = NULL;
    *pool = (struct net_pool){.size = pages(size), .count = count};
    if (memory_reserve(count, sizeof(uint32_t), &high) != ERR_OK || memory_reserve(count, sizeof(uint32_t), &vacant) != ERR_OK) {
        memory_release(high, count, sizeof(uint32_t));
        return ERR_MEMORY;
    }
    pool->high = high;
    pool->vacant = vacant;
    void *at = mmap(NULL, count * pool->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED) {
        net_pool_release(pool);
        return ERR_MEMORY;
    }
    pool->at = at;
    /* Frames hold codes: they stay out of cores. A huge page would make 2 MiB resident for one byte. Refused: no matter. */
    (void)madvise(at, count * pool->size, MADV_DONTDUMP);
    (void)madvise(at, count * pool->size, MADV_NOHUGEPAGE);
    for (size_t i = count; i > 0; i--)
        pool->vacant[pool->vacant_count++] = (uint32_t)(i - 1);
    return ERR_OK;
}

void net_pool_release(struct net_pool *pool)
{
    if (pool->at)
        (void)munmap(pool->at, pool->count * pool->size);
    memory_release(pool->high, pool->count, sizeof(uint32_t));
    memory_release(pool->vacant, pool->count, sizeof(uint32_t));
    *pool = (struct net_pool){0};
}

uint8_t *net_pool_borrow(struct net_pool *pool)
{
    ASSERT(pool->vacant_count > 0);
    uint32_t index = pool->vacant[--pool->vacant_count];
    ASSERT(index < pool->count && pool->hot >= pool->high[index]);
    pool->hot -= pool->high[index];
    return pool->at + index * pool->size;
}

static size_t index_of(const struct net_pool *pool, const uint8_t *at)
{
    size_t offset = (size_t)(at - pool->at);
    ASSERT(offset < pool->count * pool->size && offset % pool->size == 0);
    return offset / pool->size;
}

/* Pages that are not resident read as zeros, as wiped ones do. */
static void drop(struct net_pool *pool, size_t index, size_t keep)
{
    (void)madvise(pool->at + index * pool->size + keep, pages(pool->high[index]) - keep, MADV_DONTNEED);
    pool->high[index] = (uint32_t)keep;
}

static size_t touch(struct net_pool *pool, const uint8_t *at, size_t touched)
{
    size_t index = index_of(pool, at);
    ASSERT(touched <= pool->size);
    if (touched > pool->high[index])
        pool->high[index] = (uint32_t)pages(touched);
    return index;
}

void net_pool_return(struct net_pool *pool, uint8_t *at, size_t touched)
{
    size_t index = touch(pool, at, touched);
    if (pool->hot + pool->high[index] > NET_POOL_HOT)
        drop(pool, index, 0);
    ASSERT(pool->vacant_count < pool->count);
    pool->hot += pool->high[index];
    pool->vacant[pool->vacant_count++] = (uint32_t)index;
}

void net_pool_trim(struct net_pool *pool, uint8_t *at, size_t used, size_t touched)
{
    ASSERT(used <= touched);
    size_t index = touch(pool, at, touched);
    if (pool->high[index] > pages(used))
        drop(pool, index, pages(used));
}
