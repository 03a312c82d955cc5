/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bounded queue of pointers between threads, taken in batches.
 *
 * Purpose    The batch is the unit of work: a taker gets everything that has arrived. A wake hook tells an event loop that the
 *            queue went from empty to not empty.
 * Ownership  The queue owns its ring, never the items.
 * Threading  Any number of putters and takers.
 * Failure    queue_put gives ERR_BUSY when full, ERR_CLOSED after queue_close; it never blocks and never grows.
 */
#ifndef BASE_QUEUE_H
#define BASE_QUEUE_H

#include "base/err.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

struct queue {
    pthread_mutex_t lock;
    pthread_cond_t filled;
    void **ring;
    size_t cap;
    size_t head;
    size_t count;
    bool closed;
    void (*wake)(void *context); /* called outside the lock when the queue becomes non-empty; may be NULL */
    void *wake_context;
};

MUST_USE enum err queue_create(struct queue *q, size_t cap, void (*wake)(void *context), void *wake_context);
void queue_destroy(struct queue *q);
MUST_USE enum err queue_put(struct queue *q, void *item);
/* As many of them, from the first, as there is room for, with one wake; how many. None after queue_close. */
MUST_USE size_t queue_put_all(struct queue *q, void *const *item, size_t count);
/* Everything that has arrived, at most `max`; 0 when empty. Does not wait. */
size_t queue_take(struct queue *q, void **out, size_t max);
/* Waits until something arrives or the queue is closed; 0 only after close. */
size_t queue_wait(struct queue *q, void **out, size_t max);
/* Wakes all waiters; later puts are refused, what is inside can still be taken. */
void queue_close(struct queue *q);

#endif
