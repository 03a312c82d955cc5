/* SPDX-License-Identifier: Apache-2.0 */
/* Shared inside the room; nobody else includes it. */
#ifndef ISSUER_INTERNAL_H
#define ISSUER_INTERNAL_H

#include "base/secret.h"
#include "card/card.h"
#include "hostcmd/layout/layout.h"
#include "http/problem.h"
#include "issuer/body.h"
#include "issuer/issuer.h"
#include "ledger/products.h"

enum {
    BATCH_MAX = 24, /* codes a call, issuer.md 4.3 */
    ASKS_MAX = BATCH_MAX,
    PLAIN_MAX = 4096, /* a credentials payload before encryption */
    UNIT_ARENA = 16 * 1024,
    READ_ARENA = 1024 * 1024,
    TURN_BATCH = 64,
    RETRY_AFTER_S = 1,
};

enum role {
    ROLE_CARDS = 1 << 0,
    ROLE_DISPLAY = 1 << 1,
    ROLE_READ = 1 << 2,
    ROLE_PRODUCTS = 1 << 3,
    ROLE_OPERATOR = 1 << 4,
    ROLE_KEYS = 1 << 5,
};

/* What a request needs from the store before its first step. */
enum need {
    NEED_CARD = 1 << 0,     /* {cardId}; 404 if there is none of this issuer */
    NEED_PRODUCT = 1 << 1,  /* of the card */
    NEED_DISPLAYS = 1 << 2, /* of the last hour */
    NEED_KEYS = 1 << 3,     /* of the client */
};

/* What a step ended with. */
enum next {
    NEXT_REPLIED, /* the answer is out, or the step's error makes one */
    NEXT_HSM,     /* commands were asked for: go on with `answered` */
    NEXT_COMMIT,  /* job->unit is filled: go on with `committed` */
    NEXT_RELOAD,  /* someone else was faster: read again and start again */
};

struct issuer;
struct job;

typedef enum err step_function(struct issuer *issuer, struct job *job, enum next *next);

struct operation {
    unsigned needs; /* enum need */
    step_function *start;
    step_function *answered;  /* all HSM answers are in; NULL: asks nothing */
    step_function *committed; /* job->unit.batch.err is ERR_OK; NULL: writes nothing */
};

enum ask_kind { ASK_STATIC, ASK_COUNTER, ASK_WINDOW };

/* One host command of a job. */
struct ask {
    enum ask_kind kind;
    bool again;    /* it was sent a second time, to another HSM */
    int64_t value; /* counter, or UTC seconds in the window */
    struct code_digits *to;
};

/* In locked pages; wiped with every reply. */
struct job_secret {
    union issuer_body body;
    struct card_pan pan;
    struct code_digits fresh;
    struct code_digits previous;
    struct code_digits fixed; /* static code */
    struct code_digits window[BATCH_MAX];
    uint8_t plain[PLAIN_MAX];
};

enum job_stage { JOB_IDLE, JOB_PARKED, JOB_LOADING, JOB_ASKING, JOB_COMMITTING };

struct job {
    enum job_stage stage;
    struct http_request *request;
    const struct operation *operation;
    char correlation_id[65];
    char card_id[LEDGER_ID]; /* of the path; empty: none, or none that can exist */
    bool holds;              /* no other job of this process writes the card: they are parked until this one ends */
    int attempts;
    int64_t now; /* wall time of this attempt */
    struct ledger_client client;
    struct ledger_full_card card;
    struct ledger_product product;
    bool static_only; /* the card is not enrolled, or its product is static */
    int64_t displays;
    int64_t first_display_at;
    struct ledger_client_key key; /* kid empty: no live encryption key */
    struct ledger_client_key known[4];
    size_t known_count;
    /* places of results in the reading unit */
    size_t at_client, at_card, at_displays, at_keys;
    /* HSM */
    struct ask ask[ASKS_MAX];
    unsigned asks;
    unsigned outstanding;
    enum err hsm_err;
    int skips;
    /* what is about to be committed */
    struct arena arena;
    struct ledger_unit unit;
    struct ledger_code after;
    struct ledger_card changed;
    struct ledger_issuance issuance;
    bool journaled;         /* the unit holds `issuance`, so an unknown commit can be settled */
    int64_t cvv_expires_at; /* 0: none */
    int64_t first_window_s;
    int64_t windows;
    const char *field; /* that an error blames */
    unsigned retry_after_s;
    struct job_secret *secret;
};

struct issuer {
    struct issuer_config config;
    struct hostcmd_layout layout;
    struct queue done; /* finished batches */
    struct ledger_products *products;
    struct arena read_arena;
    int64_t products_at_us; /* of the last refresh */
    bool store_good;
    struct job *job; /* one a slot of the HTTP server */
    struct secret_pages pages;
    struct job **reload; /* jobs to be loaded again, at most one a slot */
    size_t reload_count;
    size_t pending;
    size_t parked;
    struct issuer_counters counters;
    struct hostcmd_answer answer[TURN_BATCH];
};

/* routes.c */
extern const struct operation issuer_operation[];

/* load.c: reads for all jobs at once, authenticates, and starts each. */
void issuer_load(struct issuer *issuer, struct job *const *job, size_t count);

/* issuer.c: carries out what a step decided. */
void issuer_go_on(struct issuer *issuer, struct job *job, enum err err, enum next next);

/* card_hold.c: displays of one card queue up here instead of losing against each other at the commit */
/* False: the job was parked and comes back through issuer->reload. */
bool issuer_card_hold(struct issuer *issuer, struct job *job);
void issuer_card_release(struct issuer *issuer, struct job *job);

/* reply.c */
void issuer_reply(struct issuer *issuer, struct job *job, unsigned status);
void issuer_reply_error(struct issuer *issuer, struct job *job, enum err err);
/* Starts `{` in the answer body. */
struct json_writer issuer_answer(struct job *job);

/* hsm.c */
/* Never fails: what cannot be sent sets job->hsm_err. `to` lives in job->secret. */
void issuer_ask(struct issuer *issuer, struct job *job, enum ask_kind kind, int64_t value, struct code_digits *to);
void issuer_answered(struct issuer *issuer, const struct hostcmd_answer *answer);
const struct issuer_key *issuer_key_find(const struct issuer *issuer, const char *name);

/* payload.c */
/* The PAN of the card, unsealed into job->secret. */
MUST_USE enum err issuer_pan_open(struct issuer *issuer, struct job *job);
/* ISSUER_ERR_NO_ENCRYPTION_KEY, in production mode, for a client without a live key. */
MUST_USE enum err issuer_payload_allowed(const struct issuer *issuer, const struct job *job);
/* The credentials, encrypted if the client has a key, into the answer body. `code` NULL: the windows of the job. */
MUST_USE enum err issuer_payload_write(struct issuer *issuer, struct job *job, const struct code_digits *code);

/* units */
void issuer_unit_begin(struct job *job, size_t ops);
void issuer_issuance_fill(struct issuer *issuer, struct job *job, enum ledger_issuance_kind kind, int64_t issue_n, int64_t windows);

/* products.c; the product is one of the client's issuer */
MUST_USE enum err issuer_product_find(struct issuer *issuer, const struct job *job, const char *product_id,
                                      const struct ledger_product **out);

/* checks shared by handlers */
MUST_USE enum err issuer_body_bind(struct job *job, void *out);
bool issuer_id_sound(struct span text);
/* Length of a window of the job's product in seconds. */
static inline int64_t issuer_window_s(const struct job *job)
{
    return job->product.twu_h * 3600;
}

/* the operations of routes.c; each name is one step */
#define STEP(name_) enum err issuer_##name_(struct issuer *issuer, struct job *job, enum next *next)
STEP(credentials_start);
STEP(credentials_answered);
STEP(credentials_committed);
STEP(batch_start);
STEP(batch_answered);
STEP(batch_committed);
STEP(card_register_start);
STEP(card_register_committed);
STEP(card_get_start);
STEP(card_patch_start);
STEP(card_patch_committed);
STEP(card_close_start);
STEP(card_close_committed);
STEP(enrolment_get_start);
STEP(enrolment_put_start);
STEP(enrolment_delete_start);
STEP(enrolment_committed);
STEP(status_start);
STEP(cancel_start);
STEP(cancel_committed);
STEP(unlock_start);
STEP(unlock_committed);
STEP(product_list_start);
STEP(product_get_start);
STEP(product_post_start);
STEP(product_post_committed);
STEP(product_put_start);
STEP(product_put_committed);
STEP(key_put_start);
STEP(key_put_committed);
STEP(key_get_start);
STEP(key_delete_start);
STEP(key_delete_committed);

#endif
