/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of the gateway only. */
#ifndef GATEWAY_INTERNAL_H
#define GATEWAY_INTERNAL_H

#include "acquirer/acquirer.h"
#include "crypto/mac.h"
#include "crypto/vault.h"
#include "gateway/claims.h"
#include "gateway/faces/commercehub/commercehub.h"
#include "gateway/gateway.h"
#include "gateway/keyring.h"
#include "gateway/merchants.h"
#include "gateway/workers.h"
#include "http/http.h"
#include "store/writer.h"

/* The pipeline, in order; gateway.md 2. */
enum stage {
    STAGE_AUTHENTICATE,
    STAGE_PARSE,
    STAGE_DECRYPT,
    STAGE_VALIDATE,
    STAGE_ROUTE,
    STAGE_CLAIM,
    STAGE_KEYS,
    STAGE_AUTHORISE,
    STAGE_NORMALISE,
    STAGE_EVALUATE,
    STAGE_WRITE,
    STAGE_RECORD,
    STAGE_ANSWER,
    STAGE_COUNT
};

/* What a stage says about one item. */
enum step {
    STEP_NEXT,   /* on to the next stage of its path */
    STEP_WAIT,   /* something outside will bring it back to this stage, with `phase` as the stage set it */
    STEP_WRITE,  /* faults: straight to writing the answer */
    STEP_ANSWER, /* the answer is written and stored: reply */
};

enum { SLOT_OPS = 4, SLOT_VALUES = STORE_RECORD_ARITY + 8, SLOT_ARENA = 12 * 1024, SEALED_MAX = 1024 };

struct slot_secret {
    struct gateway_payment_secret payment;
    struct commercehub_request request;
    struct gateway_job job;
};

struct slot {
    struct http_request *http; /* NULL: the slot is free */
    uint32_t path;             /* bit a stage */
    enum stage stage;
    unsigned phase;
    enum commercehub_call call;
    struct gateway_faults faults;
    uint32_t merchant;
    struct span request_id;
    char trace_id[33];
    int64_t now_ms;
    unsigned status;
    struct slot_secret *secret;
    struct gateway_payment payment;
    uint8_t digest[32];
    uint8_t exact[32]; /* MAC of the body as received, under a key of this process */
    bool unrouted;     /* no link may take it: only a stored answer can be given */
    bool claimed;      /* the claim row is ours */
    bool armed;        /* the reversal row stands */
    bool undone;       /* nothing went out: give up claim and reversal instead of recording */
    bool timed_out;
    struct gateway_key *key; /* held while a worker uses it */
    char key_id[37];
    struct commercehub_key_answer key_answer;
    /* store */
    struct store_batch batch;
    struct store_op op[SLOT_OPS];
    struct store_value value[SLOT_VALUES];
    struct arena arena;
    size_t values;
    unsigned tries;
    bool unknown;     /* RECORD: an earlier try may have been committed */
    int64_t retry_us; /* RECORD: when to try again; 0: not waiting for that */
    uint8_t sealed[SEALED_MAX + CRYPTO_RSA_DER_MAX];
    size_t sealed_len;
    char terminal[65];
    char trace[512];
    char stan[8];
    char letters[2][2];
};

/* One reversal on its way; gateway.md 3.3. */
struct reversal {
    bool used;
    bool awaiting;   /* an answer on the link */
    unsigned writes; /* store batches under way */
    char id[33];
    int64_t tries;
    struct store_batch batch[2];
    struct store_op op[2];
    struct store_value value[2][5];
};
enum { REVERSALS_MAX = 64 };

/* Store work that belongs to no payment. */
struct chore {
    bool busy;
    int64_t next_us;
    struct store_batch batch;
    struct store_op op[4];
    struct store_value value[8];
    struct arena arena;
};

struct gateway_counters {
    uint64_t requests, answers_2xx, answers_4xx, answers_5xx, authentication_failures, replays, approvals, declines, timeouts;
    uint64_t unrecognised, reversals_sent, reversals_accepted, reversals_refused, reversals_abandoned, store_failures;
};

struct gateway {
    struct gateway_config config;
    struct gateway_parts parts;
    struct acquirer_link *link[GATEWAY_LINKS_MAX];
    struct gateway_merchants *merchants;
    struct gateway_keyring *keyring;
    struct gateway_claims *claims;
    struct gateway_workers *workers;
    struct slot *slot;
    struct secret_pages pages; /* struct slot_secret [slots] */
    struct slot **waiting[STAGE_COUNT];
    size_t waiting_count[STAGE_COUNT];
    size_t busy;
    size_t retrying; /* slots with a retry_us */
    struct queue store_done;
    struct reversal reversal[REVERSALS_MAX];
    struct chore reload, due, sweep;
    bool store_up;
    struct gateway_counters counters;
};

/* ---- pipeline.c ---- */
void pipeline_push(struct gateway *g, struct slot *slot);
void pipeline_run(struct gateway *g);
/* What http has for us becomes slots. */
void pipeline_take(struct gateway *g);
/* STEP_WRITE with the fault added. */
enum step pipeline_fault(struct slot *slot, enum gateway_fault_id id, const char *field);

/* ---- stages ---- */
enum step front_authenticate(struct gateway *g, struct slot *slot);
enum step front_parse(struct gateway *g, struct slot *slot);
enum step front_decrypt(struct gateway *g, struct slot *slot);
enum step front_validate(struct gateway *g, struct slot *slot);
enum step route_choose(struct gateway *g, struct slot *slot);
enum step record_claim(struct gateway *g, struct slot *slot);
enum step keys_work(struct gateway *g, struct slot *slot);
enum step outcome_authorise(struct gateway *g, struct slot *slot);
enum step outcome_normalise(struct gateway *g, struct slot *slot);
enum step outcome_evaluate(struct gateway *g, struct slot *slot);
enum step record_write(struct gateway *g, struct slot *slot);
enum step record_commit(struct gateway *g, struct slot *slot);
enum step record_answer(struct gateway *g, struct slot *slot);

/* ---- record.c: store batches of a slot ---- */
void record_begin(struct slot *slot);
/* Adds an operation; its arguments are the values put since the last one. */
void record_op(struct slot *slot, enum store_statement statement, unsigned flags, size_t arguments);
void record_value(struct slot *slot, struct store_value value);
/* STEP_WAIT, or the stage at once again with batch.err set if the writer takes nothing. */
enum step record_submit(struct gateway *g, struct slot *slot);

/* The new encryption key into the batch that stores the answer. */
void keys_put(struct gateway *g, struct slot *slot);
/* Into the payment's result half. */
void outcome_take(const struct acquirer_link *link, const struct iso8583_message *message, struct gateway_payment *payment);
/* What goes to the network of the slot's payment. */
struct acquirer_authorisation outcome_authorisation(const struct gateway *g, const struct slot *slot);

/* ---- reversal.c ---- */
void reversal_due_soon(struct gateway *g);
void reversal_answered(struct gateway *g, struct reversal *reversal, const struct iso8583_message *message);
/* True if the batch was one of the reversals'. */
bool reversal_stored(struct gateway *g, struct store_batch *batch);
void reversal_due_stored(struct gateway *g);
/* Looks for what is due; returns when it wants to look again. */
int64_t reversal_turn(struct gateway *g, int64_t now_us);

#endif
