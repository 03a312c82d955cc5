/* SPDX-License-Identifier: Apache-2.0 */
/* Shared inside the room; nobody else includes it. */
#ifndef ISSUER_INTERNAL_H
#define ISSUER_INTERNAL_H

#include "base/json.h"
#include "http/problem.h"
#include "issuer/issuer.h"
#include "issuer/job.h"
#include "ledger/products.h"

enum {
    ISSUER_ROUNDS = 8,
    ISSUER_HOLDERS = 1024,
    ISSUER_ANSWERS = 64,
    ISSUER_RETRY_AFTER_S = 1,
    ISSUER_HOLD_TIMES = 3 /* of store_timeout_us */
};

/* One reading that the jobs of a batch share. It is in use until each of them has taken its rows. */
struct issuer_round {
    struct issuer_owner owner;
    struct issuer_round *next; /* free */
    struct ledger_unit unit;
    struct arena arena;
    struct issuer_job *job[FLOW_BATCH_MAX];
    size_t count;
    size_t left; /* jobs that have not taken their rows */
};

struct issuer {
    struct issuer_config config;
    struct hostcmd_layout layout;
    struct flow *flow;
    struct queue done; /* finished batches of reader and writer */
    struct ledger_products *products;
    bool closing;
    struct issuer_job *job;
    size_t jobs;
    struct secret_pages pages;
    struct issuer_round round[ISSUER_ROUNDS];
    struct issuer_round *free_round;
    struct issuer_job *holder[ISSUER_HOLDERS];
    size_t pending;
    struct hostcmd_answer answer[ISSUER_ANSWERS];
    struct issuer_counters counters;
};

static inline struct issuer_job *issuer_job_of(struct flow_item *item)
{
    return (struct issuer_job *)(void *)item; /* its first member */
}

/* ---- routes.c ---- */
extern const struct issuer_operation *const issuer_operations[];

/* ---- stages.c: the rows of the engine ---- */
MUST_USE enum err issuer_flow_create(struct issuer *issuer);
/* With the deadline of this turn; ERR_CLOSED while the issuer ends. */
MUST_USE enum err issuer_reader_submit(struct issuer *issuer, struct store_batch *batch);
/* The verdict for a job whose step ended so. */
void issuer_go_on(struct issuer *issuer, struct issuer_job *job, enum err err, enum issuer_next next);

/* ---- read.c: reads for all jobs of a batch at once, and who asks ---- */
MUST_USE enum err issuer_key_hash(struct issuer_job *job);
void issuer_read_stage(void *context, struct flow_item *const *item, size_t count);
void issuer_admit_stage(void *context, struct flow_item *const *item, size_t count);
void issuer_keys_stage(void *context, struct flow_item *const *item, size_t count);
void issuer_keyed_stage(void *context, struct flow_item *const *item, size_t count);
void issuer_round_stored(struct issuer *issuer, struct issuer_round *round);

/* ---- card_hold.c: jobs of one card follow one another instead of losing against each other at the commit ---- */
void issuer_hold_stage(void *context, struct flow_item *const *item, size_t count);
void issuer_card_release(struct issuer *issuer, struct issuer_job *job);

/* ---- reply.c ---- */
void issuer_reply(struct issuer *issuer, struct issuer_job *job, unsigned status);
void issuer_reply_error(struct issuer *issuer, struct issuer_job *job, enum err err);
/* Starts `{` in the answer body. */
struct json_writer issuer_answer(struct issuer_job *job);

/* ---- hsm.c ---- */
/* Never fails: what cannot be sent sets job->asking.err. `to` lives in job->secret. */
void issuer_ask(struct issuer *issuer, struct issuer_job *job, enum issuer_ask_kind kind, int64_t value, struct code_digits *to);
/* Everything that the HSM has answered; how many answers. */
size_t issuer_answers_take(struct issuer *issuer);
const struct issuer_key *issuer_key_find(const struct issuer *issuer, const char *name);

/* ---- payload.c ---- */
/* The PAN of the card, unsealed into job->secret. */
MUST_USE enum err issuer_pan_open(struct issuer *issuer, struct issuer_job *job);
/* ISSUER_ERR_NO_ENCRYPTION_KEY, in production mode, for a client without a live key. */
MUST_USE enum err issuer_payload_allowed(const struct issuer *issuer, const struct issuer_job *job);
/* The credentials, encrypted if the client has a key, into the answer body. `code` NULL: the windows of the job. */
MUST_USE enum err issuer_payload_write(struct issuer *issuer, struct issuer_job *job, const struct code_digits *code);

/* ---- common.c ---- */
void issuer_unit_begin(struct issuer_job *job, size_t ops);
void issuer_issuance_fill(struct issuer *issuer, struct issuer_job *job, enum ledger_issuance_kind kind, int64_t issue_n,
                          int64_t windows);
MUST_USE enum err issuer_body_bind(struct issuer_job *job, void *out);
bool issuer_id_sound(struct span text);
/* Refuses a text that holds a card number: ids, names and reasons are stored and told in clear. */
MUST_USE enum err issuer_text_check(struct issuer_job *job, const char *field, struct span text);
/* The product that read `at` of the job's unit found; ISSUER_ERR_PRODUCT_NOT_FOUND: the issuer has none of this name. */
MUST_USE enum err issuer_product_take(struct issuer_job *job, size_t at, struct ledger_product *out);

#endif
