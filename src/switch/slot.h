/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Slots: one request each, from its frame to its answer.
 *
 * Purpose    A slot is an item of the flow. It knows its request by two keys: the message key (a repeat has the same) and the
 *            original (link, DE7, DE11, DE32: an authorisation and the reversals of it have the same). Of the slots that share a
 *            key only the oldest is evaluated; the others stand behind it until it is answered.
 * Ownership  The core owns all slots, in locked, undumpable pages: a slot holds a PAN and a code. It is wiped at its end.
 * Threading  The loop's.
 * Failure    None.
 * Limits     A slot stands in one parking at a time.
 *
 * Example
 *     struct switch_slot *ahead = switch_slot_ahead(&core->claims, s);
 *     if (ahead) {
 *         switch_park(&ahead->behind, s);
 *         flow_wait_at(&s->item, SWITCH_STAGE_CLAIM, 0);
 *     }
 */
#ifndef SWITCH_SLOT_H
#define SWITCH_SLOT_H

#include "card/card.h"
#include "crypto/siphash.h"
#include "flow/flow.h"
#include "ledger/ledger.h"
#include "switch/outcome.h"
#include "switch/switch.h"

enum { SWITCH_PENDING_MAX = 6 };

struct switch_slot;
struct switch_card;
struct switch_read;

/* Slots that wait for one thing, in the order in which they came. They are items that wait in the flow. */
struct switch_parking {
    struct switch_slot *first;
    struct switch_slot *last;
};

/* Of a reversal: a DE90 without zeros that names nothing is an original that has not come; the others cannot be told. */
enum switch_original { SWITCH_ORIGINAL_UNSEEN, SWITCH_ORIGINAL_FOUND, SWITCH_ORIGINAL_UNCLEAR };
enum switch_slot_kind { SWITCH_SLOT_AUTHORISATION, SWITCH_SLOT_REVERSAL };

struct switch_slot {
    struct flow_item item;          /* the first member */
    struct switch_parking *parking; /* that it stands in; NULL: none */
    struct switch_slot *before;     /* in it */
    struct switch_slot *after;
    struct switch_parking behind;      /* repeats of this message, reversals of it, or what it reverses */
    struct switch_slot *next_key;      /* bucket of its message key */
    struct switch_slot *next_original; /* bucket of its original */
    uint64_t key_hash;
    uint64_t original_hash;
    uint64_t tick;  /* of its arrival */
    uint64_t claim; /* its place in the order of claims; 0: it has none */
    enum switch_slot_kind kind;
    size_t link;
    const char *network; /* of the link */
    struct net_peer peer;
    int64_t received_us;
    int64_t deadline_us; /* of all HSM questions; 0 = none asked yet */

    struct card_pan pan;
    struct iso8583_code code;
    char de14[5];
    enum switch_purpose purpose;
    int64_t billing_amount; /* DE6, in the currency of DE51 */
    char billing_currency[4];
    struct ledger_auth auth; /* identity on the wire, then the decision */
    struct iso8583_message answer;
    struct iso8583_original original; /* reversal */
    char de38[7];                     /* reversal: the approval it names */
    bool partial;                     /* reversal: DE95 says what stays authorised */
    int64_t remaining;

    struct switch_read *read; /* that answers for it */
    size_t at_idem;           /* its operations there */
    size_t at_card;
    size_t at_original;
    size_t at_tombstone;
    size_t at_merchant;
    uint64_t read_tick;         /* of the last reading */
    enum switch_original found; /* reversal: what the reading had of the original */
    bool tombstone;             /* reversal: one stands for the original */
    int64_t sibling;            /* of the row that the message gets; of a reversal, of the tombstone */

    struct switch_card *card;
    struct switch_facts facts;
    struct switch_step pending[SWITCH_PENDING_MAX];
    uint32_t pending_count;
    uint32_t retried;   /* bit per pending question */
    enum err committed; /* what became of its transaction */
    uint8_t attempts;
    uint8_t unknown; /* commits whose outcome is not known */
    bool at_fault;   /* its operation lost a conditional write */
    bool alone;      /* gets a transaction of its own after a conflict */
    bool no_keys;
    bool alternate; /* DE14 is the date of the reissue */
    bool expiry_wrong;
    bool repeat; /* it says so: it may have been answered before */
    bool unattended;
    bool merchant_wanted; /* the next reading asks for the merchant */
    bool merchant_read;
    bool known_merchant;
};

static inline struct switch_slot *switch_slot_of(struct flow_item *item)
{
    return (struct switch_slot *)(void *)item;
}

/* ---- parking ---- */

void switch_park(struct switch_parking *parking, struct switch_slot *s);
/* Takes the slot out of its parking. True: it stood in one, so nobody resumed it and its deadline passed. */
bool switch_unpark(struct switch_slot *s);
/* The first `most` go on. */
void switch_resume(struct flow *flow, struct switch_parking *parking, size_t most);

/* ---- keys ---- */

/* The slots under way by their keys. */
struct switch_claims {
    struct crypto_siphash_key hash_key;
    struct switch_slot **by_key;
    struct switch_slot **by_original;
    uint64_t claimed; /* so far: the order of claims */
};
/* `env` gives the key of the hash. switch_claims_destroy takes what is there. */
MUST_USE enum err switch_claims_create(const struct env *env, struct switch_claims *claims);
void switch_claims_destroy(struct switch_claims *claims);

void switch_slot_hash(const struct switch_claims *claims, struct switch_slot *s);
/* Claims the slot's keys. Gives the slot under way that must be answered before this one; NULL: none. */
struct switch_slot *switch_slot_ahead(struct switch_claims *claims, struct switch_slot *s);
/* Gives the keys back, if the slot has them, and wipes everything behind the item. */
void switch_slot_wipe(struct switch_claims *claims, struct switch_slot *s);

/* ---- identity ---- */

void switch_slot_message_id(const struct switch_slot *s, struct ledger_message_id *out);

/* Of the authorisation that a reversal speaks of; texts are cut out of DE90 into `room`. It is the id of its tombstone. */
struct switch_original_texts {
    char mti_class[5], de7[11], de11[7], de32[12];
};
void switch_slot_original_id(const struct switch_slot *s, struct switch_original_texts *room, struct ledger_message_id *out);

#endif
