/* SPDX-License-Identifier: Apache-2.0 */
#include "base/queue.h"

#include "base/arena.h"

enum err queue_create(struct queue *q, size_t cap, void (*wake)(void *context), void *wake_context)
{
    void *ring = NULL;
    TRY(memory_reserve(cap, sizeof(void *), &ring));
    *q = (struct queue){.ring = ring, .cap = cap, .wake = wake, .wake_context = wake_context};
    if (pthread_mutex_init(&q->lock, NULL) != 0)
        goto no_lock;
    if (pthread_cond_init(&q->filled, NULL) != 0)
        goto no_condition;
    return ERR_OK;
no_condition:
    pthread_mutex_destroy(&q->lock);
no_lock:
    memory_release(ring, cap, sizeof(void *));
    return ERR_SYSTEM;
}

void queue_destroy(struct queue *q)
{
    if (!q->ring)
        return;
    pthread_cond_destroy(&q->filled);
    pthread_mutex_destroy(&q->lock);
    memory_release(q->ring, q->cap, sizeof(void *));
    q->ring = NULL;
}

enum err queue_put(struct queue *q, void *item)
{
    pthread_mutex_lock(&q->lock);
    enum err err = q->closed ? ERR_CLOSED : q->count == q->cap ? ERR_BUSY : ERR_OK;
    bool first = q->count == 0;
    if (err == ERR_OK) {
        q->ring[(q->head + q->count) % q->cap] = item;
        q->count++;
        if (first)
            pthread_cond_signal(&q->filled);
    }
    pthread_mutex_unlock(&q->lock);
    if (err == ERR_OK && first && q->wake)
        q->wake(q->wake_context);
    return err;
}

size_t queue_put_all(struct queue *q, void *const *item, size_t count)
{
    pthread_mutex_lock(&q->lock);
    size_t room = q->closed ? 0 : q->cap - q->count;
    size_t put = count < room ? count : room;
    bool first = q->count == 0 && put > 0;
    for (size_t i = 0; i < put; i++)
        q->ring[(q->head + q->count++) % q->cap] = item[i];
    if (first)
        pthread_cond_signal(&q->filled);
    pthread_mutex_unlock(&q->lock);
    if (first && q->wake)
        q->wake(q->wake_context);
    return put;
}

static size_t take_locked(struct queue *q, void **out, size_t max)
{
    size_t taken = q->count < max ? q->count : max;
    for (size_t i = 0; i < taken; i++)
        out[i] = q->ring[(q->head + i) % q->cap];
    q->head = (q->head + taken) % q->cap;
    q->count -= taken;
    return taken;
}

size_t queue_take(struct queue *q, void **out, size_t max)
{
    pthread_mutex_lock(&q->lock);
    size_t taken = take_locked(q, out, max);
    bool more = q->count > 0;
    pthread_mutex_unlock(&q->lock);
    if (more && q->wake)
        q->wake(q->wake_context);
    return taken;
}

size_t queue_wait(struct queue *q, void **out, size_t max)
{
    pthread_mutex_lock(&q->lock);
    while (q->count == 0 && !q->closed)
        pthread_cond_wait(&q->filled, &q->lock);
    size_t taken = take_locked(q, out, max);
    if (q->count > 0)
        pthread_cond_signal(&q->filled);
    pthread_mutex_unlock(&q->lock);
    return taken;
}

void queue_close(struct queue *q)
{
    pthread_mutex_lock(&q->lock);
    q->closed = true;
    pthread_cond_broadcast(&q->filled);
    pthread_mutex_unlock(&q->lock);
    if (q->wake)
        q->wake(q->wake_context);
}
