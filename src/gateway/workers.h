/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A few threads for RSA, so that a private operation of a millisecond does not stop the loop.
 *
 * Purpose    Jobs go in through a queue a kind, come back through another whose wake hook wakes the loop. Making a key takes a
 *            hundred times as long as a decryption: each kind has threads of its own, so no payment waits behind a key.
 * Ownership  A job belongs to the workers from submit until it is taken back. The key in it must live as long.
 * Threading  Submit and take from one thread.
 * Failure    gateway_workers_submit answers ERR_BUSY when all are queued up; a job's own outcome is in `err`.
 * Limits     Of each kind as many jobs as `cap` before the threads take them; at most GATEWAY_WORKERS_MAX threads.
 * Secrets    A job holds plain card data or a private key: keep it in locked pages and wipe it with gateway_job_wipe.
 *
 * Example
 *     job->kind = GATEWAY_JOB_DECRYPT;
 *     job->key = &entry->rsa;
 *     TRY(gateway_workers_submit(workers, job));
 */
#ifndef GATEWAY_WORKERS_H
#define GATEWAY_WORKERS_H

#include "base/queue.h"
#include "crypto/rsa.h"

enum { GATEWAY_WORKERS_MAX = 8 };

enum gateway_job_kind { GATEWAY_JOB_DECRYPT, GATEWAY_JOB_GENERATE, GATEWAY_JOBS };

struct gateway_job {
    enum gateway_job_kind kind;
    const struct crypto_rsa_key *key; /* DECRYPT */
    uint8_t in[CRYPTO_RSA_BYTES];     /* DECRYPT: ciphertext */
    size_t in_len;
    uint8_t out[CRYPTO_RSA_DER_MAX]; /* DECRYPT: plaintext; GENERATE: DER of the private key */
    size_t out_len;
    char public_text[CRYPTO_RSA_SPKI_TEXT]; /* GENERATE */
    enum err err;
    void *context; /* the caller's */
};

struct gateway_workers;

struct gateway_workers_config {
    struct gateway_workers_pool {
        size_t threads, cap;
    } pool[GATEWAY_JOBS];
    void (*wake)(void *context);
    void *wake_context;
};
MUST_USE enum err gateway_workers_start(const struct gateway_workers_config *config, struct gateway_workers **out);
MUST_USE enum err gateway_workers_submit(struct gateway_workers *workers, struct gateway_job *job);
/* Finished jobs, at most `max`; does not wait. */
size_t gateway_workers_take(struct gateway_workers *workers, struct gateway_job **out, size_t max);
/* Finishes what was submitted and ends the threads. NULL is allowed. */
void gateway_workers_stop(struct gateway_workers *workers);
void gateway_job_wipe(struct gateway_job *job);

#endif
