/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request of the issuer on its way, and what an operation is. Of the room alone.
 *
 * Purpose    A job is what flows. Its parts belong to those who fill them: the caller (who asks), the view (what was read), the
 *            asking (what the HSM is asked), the writing (what is committed). An operation is a row of steps; between two of them
 *            the engine waits for the reader, the HSM or the writer.
 * Ownership  A job belongs to the engine. Its secrets stand in locked pages, one entry a job, and are wiped with it.
 * Threading  The issuer's thread.
 * Failure    A step answers an error, which becomes the problem that the client gets, or says in `next` what shall follow. What it
 *            blames stands beside the error: issuer_blame.
 */
#ifndef ISSUER_JOB_H
#define ISSUER_JOB_H

#include "base/secret.h"
#include "card/card.h"
#include "flow/flow.h"
#include "http/http.h"
#include "issuer/body.h"
#include "ledger/ledger.h"

enum {
    ISSUER_BATCH_MAX = 24, /* codes a call, issuer.md 4.3 */
    ISSUER_ASKS_MAX = ISSUER_BATCH_MAX,
    ISSUER_PLAIN_MAX = 4096, /* a credentials payload before encryption */
    ISSUER_KNOWN_KEYS = 4,
};

enum issuer_role {
    ISSUER_CARDS = 1 << 0,
    ISSUER_DISPLAY = 1 << 1,
    ISSUER_READER = 1 << 2,
    ISSUER_PRODUCTS = 1 << 3,
    ISSUER_OPERATOR = 1 << 4,
    ISSUER_KEYS = 1 << 5,
};

/* What a request needs from the store before its first step. */
enum issuer_need {
    ISSUER_NEED_CARD = 1 << 0,     /* {cardId} of this issuer; 404 if there is none */
    ISSUER_NEED_PRODUCT = 1 << 1,  /* of the card */
    ISSUER_NEED_DISPLAYS = 1 << 2, /* of the last hour */
    ISSUER_NEED_KEYS = 1 << 3,     /* of the client */
};

/* What shall follow a step. */
enum issuer_next {
    ISSUER_REPLIED, /* the answer is out */
    ISSUER_ASKED,   /* commands are on their way: go on with `answered` */
    ISSUER_LOOK,    /* the unit holds reads: go on with `looked` */
    ISSUER_COMMIT,  /* the unit holds writes: go on with `committed` */
    ISSUER_RELOAD,  /* someone else was faster: read again and start again */
};

struct issuer;
struct issuer_job;
struct issuer_round;

typedef enum err issuer_step(struct issuer *issuer, struct issuer_job *job, enum issuer_next *next);

struct issuer_operation {
    unsigned needs; /* enum issuer_need */
    bool writes;    /* it may write the card: jobs of one card follow one another */
    issuer_step *start;
    issuer_step *looked;    /* NULL: reads nothing more */
    issuer_step *answered;  /* NULL: asks nothing */
    issuer_step *committed; /* NULL: writes nothing */
};

enum issuer_ask_kind { ISSUER_ASK_STATIC, ISSUER_ASK_COUNTER, ISSUER_ASK_WINDOW };

/* One host command of a job. */
struct issuer_ask {
    enum issuer_ask_kind kind;
    bool again;    /* it was sent a second time, to another HSM */
    int64_t value; /* counter, or UTC seconds in the window */
    struct code_digits *to;
};

/* Who asks. */
struct issuer_caller {
    struct ledger_client client;
    struct ledger_client_key key; /* kid empty: no live encryption key */
    struct ledger_client_key known[ISSUER_KNOWN_KEYS];
    size_t known_count;
};

/* What was read for the job. */
struct issuer_view {
    struct issuer_round *round; /* the reading that holds its rows; NULL: taken */
    size_t at_client, at_card, at_displays, at_keys;
    struct ledger_full_card card;
    struct ledger_product product;
    bool static_only; /* the card is not enrolled, or its product is static */
    int64_t displays;
    int64_t first_display_at;
};

struct issuer_asking {
    struct issuer_ask ask[ISSUER_ASKS_MAX];
    unsigned count;
    enum err err; /* of one that no HSM answered */
    int skips;
};

/* What the holder is told of a code besides the code. */
struct issuer_times {
    int64_t cvv_expires_at; /* 0: none */
    int64_t first_window_s;
    int64_t windows;
};

/* A unit of the job's own: reads of a step, or what is about to be committed. */
struct issuer_writing {
    struct arena arena;
    struct ledger_unit unit;
    size_t at[4]; /* of reads, as the step that filled the unit numbers them */
    struct ledger_code after;
    struct ledger_card changed;
    struct ledger_issuance issuance;
    bool journaled; /* the unit holds `issuance`, so an unknown commit can be settled */
};

/* In locked pages. */
struct issuer_secret {
    union issuer_body body;
    struct card_pan pan;
    struct code_digits fresh;
    struct code_digits previous;
    struct code_digits fixed; /* static code */
    struct code_digits window[ISSUER_BATCH_MAX];
    uint8_t plain[ISSUER_PLAIN_MAX];
};

/* Says whose store batch came back: one of a job, or a round that several jobs share. */
struct issuer_owner {
    struct issuer_job *job;
    struct issuer_round *round;
};

struct issuer_job {
    struct flow_item item;
    struct issuer_owner owner;
    struct http_request *request; /* NULL: answered */
    const struct issuer_operation *operation;
    char correlation_id[65];
    uint8_t key_hash[32];           /* of the API key: whose client asks */
    char reference[LEDGER_ID];      /* {cardId}; empty: none, or none that can exist */
    bool holds;                     /* no other job of this process with this API key writes the card */
    struct issuer_job *next_holder; /* in its bucket */
    struct issuer_job *parked;      /* those that wait for the card, in order of arrival */
    struct issuer_job *parked_last;
    struct issuer_job *parked_next;
    int attempts;
    int64_t now;       /* wall time of this attempt */
    const char *field; /* that the error blames; NULL: none */
    unsigned retry_after_s;
    struct issuer_caller caller;
    struct issuer_view view;
    struct issuer_asking asking;
    struct issuer_times times;
    struct issuer_writing writing;
    struct issuer_secret *secret;
};

/* Names the member that an error is about, and gives the error on. */
static inline enum err issuer_blame(struct issuer_job *job, const char *field, enum err err)
{
    if (err != ERR_OK)
        job->field = field;
    return err;
}

/* Length of a window of the job's product in seconds. */
static inline int64_t issuer_window_s(const struct issuer_job *job)
{
    return job->view.product.twu_h * 3600;
}

#endif
