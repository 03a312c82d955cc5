/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/workers.h"

#include "base/arena.h"
#include "base/secret.h"
#include "crypto/error.h"

struct gateway_workers {
    struct queue jobs;
    struct queue done;
    pthread_t thread[GATEWAY_WORKERS_MAX];
    size_t count;
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
    struct gateway_workers *workers = context;
    void *item = NULL;
    while (queue_wait(&workers->jobs, &item, 1) == 1) {
        struct gateway_job *job = item;
        if (job->kind == GATEWAY_JOB_DECRYPT)
            decrypt(job);
        else
            job->err = generate(job);
        /* Both queues have room for every job. */
        ASSERT(queue_put(&workers->done, job) == ERR_OK);
    }
    return NULL;
}

enum err gateway_workers_start(size_t threads, size_t cap, void (*wake)(void *context), void *wake_context,
                               struct gateway_workers **out)
{
    void *at = NULL;
    if (threads == 0 || threads > GATEWAY_WORKERS_MAX)
        return ERR_CONFIG;
    TRY(memory_reserve(1, sizeof(struct gateway_workers), &at));
    struct gateway_workers *workers = at;
    enum err err = queue_create(&workers->jobs, cap, NULL, NULL);
    if (err == ERR_OK)
        err = queue_create(&workers->done, cap, wake, wake_context);
    while (err == ERR_OK && workers->count < threads) {
        if (pthread_create(&workers->thread[workers->count], NULL, work, workers) != 0)
            err = ERR_SYSTEM;
        else
            workers->count++;
    }
    if (err != ERR_OK)
        gateway_workers_stop(workers);
    else
        *out = workers;
    return err;
}

enum err gateway_workers_submit(struct gateway_workers *workers, struct gateway_job *job)
{
    return queue_put(&workers->jobs, job);
}

size_t gateway_workers_take(struct gateway_workers *workers, struct gateway_job **out, size_t max)
{
    void *item[64];
    size_t count = queue_take(&workers->done, item, max < 64 ? max : 64);
    for (size_t i = 0; i < count; i++)
        out[i] = item[i];
    return count;
}

void gateway_workers_stop(struct gateway_workers *workers)
{
    if (!workers)
        return;
    if (workers->jobs.ring)
        queue_close(&workers->jobs);
    for (size_t i = 0; i < workers->count; i++)
        pthread_join(workers->thread[i], NULL);
    queue_destroy(&workers->jobs);
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
