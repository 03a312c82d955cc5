/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/workers.h"

#include "base/arena.h"
#include "base/secret.h"
#include "crypto/error.h"

/* Threads that share a queue of jobs of one kind. */
struct pool {
    struct queue jobs;
    struct queue *done;
    pthread_t thread[GATEWAY_WORKERS_MAX];
    size_t count;
};

struct gateway_workers {
    struct queue done;
    struct pool pool[GATEWAY_JOBS];
};

static void decrypt(struct gateway_job *job)
{
    struct buf plain = buf_over(job->out, sizeof job->out);
    job->err = crypto_rsa_oaep_decrypt(job->key, span_of(job->in, job->in_len), &plain);
    job->out_len = job->err == ERR_OK ? plain.len : 0;
}

static enum err generate(struct gateway_job *job)
{
    struct crypto_rsa_key key = {0};
    struct buf der = buf_over(job->out, sizeof job->out);
    struct buf text = buf_over(job->public_text, sizeof job->public_text);
    TRY(crypto_rsa_generate(&key));
    enum err err = crypto_rsa_private_der(&key, &der);
    if (err == ERR_OK)
        err = crypto_rsa_public_text(&key, &text);
    crypto_rsa_free(&key);
    job->out_len = err == ERR_OK ? der.len : 0;
    return err == ERR_OK && text.len != sizeof job->public_text ? CRYPTO_ERR_FAILED : err;
}

static void *work(void *context)
{
    struct pool *pool = context;
    void *item = NULL;
    while (queue_wait(&pool->jobs, &item, 1) == 1) {
        struct gateway_job *job = item;
        if (job->kind == GATEWAY_JOB_DECRYPT)
            decrypt(job);
        else
            job->err = generate(job);
        /* There is room for what both queues hold, and for what the threads have in hand. */
        ASSERT(queue_put(pool->done, job) == ERR_OK);
    }
    return NULL;
}

static enum err start(struct pool *pool, const struct gateway_workers_pool *config, struct queue *done)
{
    if (config->threads == 0 || config->threads > GATEWAY_WORKERS_MAX)
        return ERR_CONFIG;
    pool->done = done;
    TRY(queue_create(&pool->jobs, config->cap, NULL, NULL));
    for (; pool->count < config->threads; pool->count++)
        if (pthread_create(&pool->thread[pool->count], NULL, work, pool) != 0)
            return ERR_SYSTEM;
    return ERR_OK;
}

enum err gateway_workers_start(const struct gateway_workers_config *config, struct gateway_workers **out)
{
    void *at = NULL;
    size_t jobs = 0;
    TRY(memory_reserve(1, sizeof(struct gateway_workers), &at));
    struct gateway_workers *workers = at;
    for (size_t i = 0; i < GATEWAY_JOBS; i++)
        jobs += config->pool[i].cap + config->pool[i].threads;
    enum err err = queue_create(&workers->done, jobs, config->wake, config->wake_context);
    for (size_t i = 0; i < GATEWAY_JOBS && err == ERR_OK; i++)
        err = start(&workers->pool[i], &config->pool[i], &workers->done);
    if (err != ERR_OK)
        gateway_workers_stop(workers);
    else
        *out = workers;
    return err;
}

enum err gateway_workers_submit(struct gateway_workers *workers, struct gateway_job *job)
{
    return queue_put(&workers->pool[job->kind].jobs, job);
}

size_t gateway_workers_take(struct gateway_workers *workers, struct gateway_job **out, size_t max)
{
    void *item[64];
    size_t count = queue_take(&workers->done, item, max < 64 ? max : 64);
    for (size_t i = 0; i < count; i++)
        out[i] = item[i];
    return count;
}

static void stop(struct pool *pool)
{
    if (pool->jobs.ring)
        queue_close(&pool->jobs);
    for (size_t i = 0; i < pool->count; i++)
        pthread_join(pool->thread[i], NULL);
    queue_destroy(&pool->jobs);
}

void gateway_workers_stop(struct gateway_workers *workers)
{
    if (!workers)
        return;
    for (size_t i = 0; i < GATEWAY_JOBS; i++)
        stop(&workers->pool[i]);
    queue_destroy(&workers->done);
    memory_release(workers, 1, sizeof *workers);
}

void gateway_job_wipe(struct gateway_job *job)
{
    secret_wipe(job->in, sizeof job->in);
    secret_wipe(job->out, sizeof job->out);
    job->in_len = 0;
    job->out_len = 0;
}
