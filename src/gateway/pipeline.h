/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stages of the gateway and the item that goes through them. Inside the room only.
 *
 * Purpose    gateway.md 2, on the engine of flow/flow.h. A stage takes everything that waits for it; what a batch asks of the store
 *            goes out together (stored.c).
 * Ownership  A slot is the engine's item. `secret` is the page of its HTTP request: it is wiped before the request is answered.
 *            What the store may still read after that stands in the slot itself or in its arena.
 * Failure    A slot whose store work is late is answered without it and waits at LEAVE, without HTTP, until the work is back;
 *            what it may have written is undone then.
 */
#ifndef GATEWAY_PIPELINE_H
#define GATEWAY_PIPELINE_H

#include "crypto/vault.h"
#include "flow/flow.h"
#include "gateway/face.h"
#include "gateway/keyring.h"
#include "gateway/rows.h"
#include "gateway/statements.h"
#include "gateway/workers.h"
#include "store/store.h"

/* clang-format off */
#define GATEWAY_STAGE_LIST(X) \
    X(AUTHENTICATE, authenticate) \
    X(PARSE,        parse) \
    X(KEY_FIND,     key_find)   /* of an encrypted card block: at hand, or asked of the store */ \
    X(KEY_TAKE,     key_take) \
    X(DECRYPT,      decrypt)    /* on a worker */ \
    X(DECRYPTED,    decrypted) \
    X(VALIDATE,     validate) \
    X(ROUTE,        route) \
    X(CLAIM,        claim)      /* the request id, and the reversal in case */ \
    X(CLAIMED,      claimed) \
    X(REPEAT_FIND,  repeat_find) /* somebody has claimed it: is there an answer? */ \
    X(REPEAT_TAKE,  repeat_take) \
    X(GENERATE,     generate)   /* on a worker */ \
    X(GENERATED,    generated) \
    X(REVOKE,       revoke) \
    X(REVOKED,      revoked) \
    X(AUTHORISE,    authorise) \
    X(NORMALISE,    normalise) \
    X(EVALUATE,     evaluate) \
    X(WRITE,        write)      /* the answer's text */ \
    X(RECORD,       record)     /* outcome and answer into the store */ \
    X(RECORDED,     recorded) \
    X(ANSWER,       answer) \
    X(LEAVE,        leave)
/* clang-format on */

enum gateway_stage {
#define GATEWAY_ENUM(name, run) GATEWAY_STAGE_##name,
    GATEWAY_STAGE_LIST(GATEWAY_ENUM)
#undef GATEWAY_ENUM
        GATEWAY_STAGE_COUNT
};
#define GATEWAY_BIT(stage_) (1u << GATEWAY_STAGE_##stage_)

#define GATEWAY_PROTOTYPE(name, run) void gateway_stage_##run(void *context, struct flow_item *const *item, size_t count);
GATEWAY_STAGE_LIST(GATEWAY_PROTOTYPE)
#undef GATEWAY_PROTOTYPE

enum { GATEWAY_OPS_MAX = 4, GATEWAY_ARENA = 12 * 1024 };
enum { GATEWAY_SEALED_MAX = 1024 + CRYPTO_RSA_DER_MAX };

/* What the store was asked for a slot, last. */
enum gateway_asked {
    GATEWAY_ASKED_NOTHING,
    GATEWAY_ASKED_READ,
    GATEWAY_ASKED_CLAIM,
    GATEWAY_ASKED_RECORD,
    GATEWAY_ASKED_UNDO,
    GATEWAY_ASKED_SPEND
};
/* answer_status of a claim that led to nothing: its id may be used again, at the same address. */
enum { GATEWAY_CLAIM_RUNS = 0, GATEWAY_CLAIM_RELEASED = -1 };

struct gateway_slot_secret {
    struct gateway_payment_secret payment;
    struct gateway_job job;
    uint8_t request[] __attribute__((aligned(16))); /* the face's */
};

/* At most one of each goes into a batch. */
struct gateway_asked_rows {
    struct gateway_claim_row claim;
    struct gateway_answer_row answer;
    struct gateway_reversal_row reversal;
    struct gateway_record_row record;
    struct gateway_encryption_key_row key;
};

struct gateway_slot {
    struct flow_item item;
    struct gateway_exchange x;
    struct gateway_order order;
    struct gateway_slot_secret *secret; /* NULL once the request is answered */
    char request_id[GATEWAY_REQUEST_ID_MAX];
    char terminal[65];
    uint8_t digest[32];
    uint8_t exact[32];       /* MAC of digest and code, under a key of this process */
    int64_t target;          /* keyed hash of method and path, as the claim has it */
    bool spends;             /* its signature is new, and good for nothing else from now on */
    bool card_in_id;         /* the client's id holds a card number, and is not kept */
    bool making;             /* counted among the keys that are made for its merchant */
    bool unrouted;           /* no link may take it: only a stored answer can be given */
    bool untaken;            /* and none ever does: no row of route.bins fits, or names a link that there is */
    bool claimed;            /* the claim is ours, or may be */
    bool armed;              /* so with the reversal */
    bool sent;               /* an authorisation has left */
    bool timed_out;          /* and no answer came */
    bool final;              /* what is told stands: it is stored with the answer */
    bool unknown;            /* an earlier try of the record may have been committed */
    bool settled;            /* the store holds the outcome, or that there is none */
    struct gateway_key *key; /* held while a worker uses it */
    char key_id[GATEWAY_KEY_ID_MAX + 1];
    /* store */
    enum gateway_asked asked;
    struct store_batch batch;
    struct arena arena;
    int64_t give_up_us; /* RECORD: until then it is tried again */
    unsigned tries;     /* LEAVE */
    unsigned waits;     /* CLAIM: for a reversal to leave */
    size_t sealed_len;
    size_t pan_sealed_len;
    /* What follows is written before it is read, and is not cleared between requests. Nothing in it is secret. */
    struct store_op op[GATEWAY_OPS_MAX];
    struct gateway_asked_rows row; /* what the operations take */
    uint8_t sealed[GATEWAY_SEALED_MAX];
    uint8_t pan_sealed[CARD_PAN_MAX + CRYPTO_VAULT_OVERHEAD]; /* for the record, until the payment is final */
    char trace[512];
    char stan[8];
    char raw[8];
};

static inline struct gateway_slot *gateway_slot_of(struct flow_item *item)
{
    return (struct gateway_slot *)(void *)item;
}

/* Its claim goes with a reversal, in case. */
static inline bool gateway_slot_arms(const struct gateway_slot *slot)
{
    return gateway_operation_row(slot->x.operation)->pays && !slot->x.payment.simulated;
}

struct gateway;

/* ---- engine.c ---- */
MUST_USE enum err gateway_pipeline_create(struct gateway *g);
/* The fault is told: on to WRITE. */
void gateway_refuse(struct gateway_slot *slot, enum gateway_fault_id id, const char *field);

/* ---- front.c ---- */
/* Tells the client that authentication failed, and the log why. */
void gateway_refuse_authentication(struct gateway *g, struct gateway_slot *slot, enum gateway_authentication why);

/* ---- stored.c: the store's work for a slot ---- */
void gateway_ask(struct gateway_slot *slot, enum gateway_asked asked);
/* `argument` is one of the slot's rows. */
void gateway_ask_op(struct gateway_slot *slot, const struct store_row *row, unsigned flags, const void *argument);
/* Slots of one batch whose work goes out together. */
struct gateway_asking {
    struct gateway_slot *slot[FLOW_BATCH_MAX];
    size_t count;
};
/* Every one waits at `stage`; one that the queue does not take goes there at once, with STORE_ERR_UNAVAILABLE. */
void gateway_ask_write(struct gateway *g, const struct gateway_asking *asking, unsigned stage, int64_t deadline_us);
/* Every one goes on at `stage` at once; LEAVE waits for the store. */
void gateway_ask_write_aside(struct gateway *g, const struct gateway_asking *asking, unsigned stage);
void gateway_ask_read(struct gateway *g, const struct gateway_asking *asking, unsigned stage, int64_t deadline_us);
/* What came of it; STORE_ERR_UNAVAILABLE while it is late. */
enum err gateway_asked(const struct gateway_slot *slot);

/* ---- claim.c, keys.c ---- */
/* Asks for something of the claim whose key is the slot's; what else the row takes stands in slot->row.claim. */
void gateway_ask_claim(struct gateway_slot *slot, const struct store_row *row, unsigned flags);
void gateway_put_key(struct gateway_slot *slot);
/* Counts the key that is asked for; false: refused, there are too many in the making. */
bool gateway_key_begin(struct gateway *g, struct gateway_slot *slot);
void gateway_key_end(struct gateway *g, struct gateway_slot *slot);
/* Asks with the claim how many keys there are; and once it is back: false: refused, there are too many. */
void gateway_ask_keys_live(struct gateway_slot *slot);
bool gateway_key_fits(const struct gateway *g, struct gateway_slot *slot);
/* Leaves a released claim: the request led to nothing, and its signature may lead to nothing else. */
bool gateway_ask_spend(struct gateway *g, struct gateway_slot *slot);
void gateway_claim_forget(struct gateway *g, const struct gateway_slot *slot);

/* ---- outcome.c ---- */
/* Into the payment's result half. */
void gateway_outcome_take(struct gateway *g, struct gateway_slot *slot, const struct iso8583_message *message);
/* What goes to the network of the slot's payment. */
struct acquirer_authorisation gateway_authorisation(const struct gateway_slot *slot);

#endif
