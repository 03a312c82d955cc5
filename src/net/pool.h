/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the room: buffers that connections borrow while they have something to hold.
 *
 * Purpose    An idle connection holds no buffer. Addresses for all buffers are reserved at start; only pages that were written to
 *            are resident, and of the pages of returned buffers at most NET_POOL_HOT bytes stay so.
 * Ownership  The pool owns the mapping. A borrower returns what it borrowed, wiped.
 * Threading  The loop's thread.
 * Failure    ERR_MEMORY when addresses cannot be reserved. There are as many buffers as borrowers: borrowing never fails.
 * Limits     Sizes are rounded up to pages.
 */
#ifndef NET_POOL_H
#define NET_POOL_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

enum { NET_POOL_HOT = 4 * 1024 * 1024, NET_PAGE = 4096 };

struct net_pool {
    uint8_t *at;
    size_t size; /* of one buffer */
    size_t count;
    uint32_t *high;   /* bytes from the start of each buffer that may be resident */
    uint32_t *vacant; /* a stack: the buffer used last is lent first */
    size_t vacant_count;
    size_t hot; /* resident bytes of vacant buffers */
};

MUST_USE enum err net_pool_reserve(struct net_pool *pool, size_t count, size_t size);
void net_pool_release(struct net_pool *pool);
uint8_t *net_pool_borrow(struct net_pool *pool);
/* `touched`: how far from its start the buffer was written to. */
void net_pool_return(struct net_pool *pool, uint8_t *at, size_t touched);
/* A lent buffer that was full and holds `used` bytes now gives the pages behind them back. */
void net_pool_trim(struct net_pool *pool, uint8_t *at, size_t used, size_t touched);

#endif
