/* SPDX-License-Identifier: Apache-2.0 */
/* What the stages of the switch share. */
#ifndef SWITCH_INTERNAL_H
#define SWITCH_INTERNAL_H

#include "base/arena.h"
#include "base/queue.h"
#include "card/card.h"
#include "ledger/ledger.h"
#include "ledger/products.h"
#include "switch/outcome.h"
#include "switch/switch.h"

enum { PENDING_MAX = 6, ATTEMPTS_MAX = 5, LOOKUP_MAX = 256, CHUNKS = 64, BUCKETS = 16384, ANSWER_LEN = 9 };

struct chunk;
struct slot;

struct list {
    struct slot *head;
    struct slot *tail;
    size_t count;
};

/* A row that requests under way share. While a chunk with changes of it is at the writer it is busy: nothing is decided on it. */
struct account_entry {
    struct account_entry *next; /* bucket or free list */
    struct ledger_account row;
    struct chunk *chunk; /* that changes it, open or submitted */
    uint32_t refs;
    bool stale;
};
struct card_entry {
    struct card_entry *next;
    struct ledger_full_card row; /* its account member is a copy; account->row counts */
    struct account_entry *account;
    struct chunk *chunk;
    struct list parked; /* waiting for the chunk, in order of arrival */
    int64_t read_us;
    uint32_t refs;
    bool stale;
};

enum slot_kind { SLOT_AUTHORISATION, SLOT_REVERSAL };

/* One request. Stands in locked, undumpable pages: it holds a PAN and a code. */
struct slot {
    struct slot *next;          /* in the list it is in */
    struct slot *next_key;      /* bucket of its message key */
    struct slot *next_original; /* bucket of link, class, DE7, DE11, DE32 */
    struct list waiters;        /* repeats of this message, reversals of it */
    uint32_t index;
    uint32_t generation;
    enum slot_kind kind;
    size_t link;
    struct net_peer peer;
    int64_t received_us;
    int64_t deadline_us; /* of all HSM questions; 0 = none asked yet */
    uint64_t key_hash;
    uint64_t original_hash;
    bool keyed; /* in both buckets */

    struct pan pan;
    struct iso8583_code code;
    char de14[5];
    struct ledger_auth auth; /* identity on the wire, then the decision */
    struct iso8583_message answer;
    struct iso8583_original original; /* reversal */
    int64_t remaining;                /* reversal: amount that stays authorised */

    struct card_entry *card;
    struct switch_facts facts;
    struct switch_step pending[PENDING_MAX];
    uint32_t pending_count;
    uint32_t waiting; /* questions at the HSM */
    uint32_t retried; /* bit per pending question */
    uint8_t attempts;
    uint8_t unknown; /* commits whose outcome is not known */
    bool alone;      /* gets a transaction of its own after a conflict */
    bool no_keys;
    bool alternate; /* DE14 is the date of the reissue */
    bool expiry_wrong;
    bool touches_card; /* in its chunk */
};

/* Requests decided together: one batch for the writer. */
struct chunk {
    struct chunk *next;
    struct switch_core *core;
    struct arena arena;
    struct ledger_unit unit;
    struct slot *slot[SWITCH_CHUNK_MAX];
    size_t count;
};

struct switch_core {
    struct switch_config config;
    struct hostcmd_layout layout;
    struct switch_link link[SWITCH_LINKS_MAX];
    size_t in_flight[SWITCH_LINKS_MAX];
    struct secret_pages pages; /* slots, the scratch message, the scratch command */
    struct slot *slot;
    struct slot *free_slot;
    struct iso8583_message *scratch;
    uint8_t *command;
    struct slot **by_key;
    struct slot **by_original;
    struct card_entry *card;
    struct card_entry *free_card;
    struct card_entry **cards;
    struct account_entry *account;
    struct account_entry *free_account;
    struct account_entry **accounts;
    struct list arrived; /* before lookup */
    struct list ready;   /* before ask and decide */
    struct chunk *chunk;
    struct chunk *free_chunk;
    struct chunk *open_chunk;
    struct queue done;
    struct ledger_products *products;
    struct arena read_arena;
    struct arena retain_arena;
    struct ledger_unit retain; /* at the writer while `retaining` */
    bool retaining;
    int64_t retain_next_us;
    int64_t products_next_us;
    int64_t products_read_us;
    int64_t now_us;
    bool busy_hsm; /* a question found every window full: try again soon */
    size_t pending;
    struct switch_counters counters;
};

enum { COMMAND_ROOM = 512 };

/* ---- pool.c ---- */
MUST_USE enum err switch_pool_create(struct switch_core *core);
void switch_pool_destroy(struct switch_core *core);
void switch_list_push(struct list *l, struct slot *s);
struct slot *switch_list_pop(struct list *l);
/* Puts `front` before what is in `l`. */
void switch_list_prepend(struct list *l, struct list *front);
struct slot *switch_slot_take(struct switch_core *core);
void switch_slot_free(struct switch_core *core, struct slot *s);
void switch_slot_hash(struct slot *s);
/* The message under way with the same key; NULL: none, and `s` is now the one. */
struct slot *switch_slot_claim(struct switch_core *core, struct slot *s);
/* The authorisation under way that the reversal `s` speaks of. */
struct slot *switch_slot_original(struct switch_core *core, const struct slot *s);
struct card_entry *switch_card_find(struct switch_core *core, const uint8_t mac[static LEDGER_MAC_LEN]);
/* Makes or refreshes the entry; NULL: no room. */
struct card_entry *switch_card_enter(struct switch_core *core, const struct ledger_full_card *row);
void switch_card_hold(struct card_entry *card, struct slot *s);
void switch_card_drop(struct switch_core *core, struct slot *s);
struct chunk *switch_chunk_take(struct switch_core *core);
void switch_chunk_free(struct switch_core *core, struct chunk *c);

/* ---- the stages ---- */
enum err switch_products_load(struct switch_core *core);
void switch_lookup_stage(struct switch_core *core);
void switch_ready_stage(struct switch_core *core);
void switch_commit_stage(struct switch_core *core);
void switch_hsm_stage(struct switch_core *core);
/* Sends what the finding asks. False: every window is full, try again in a later turn. */
bool switch_ask_hsm(struct switch_core *core, struct slot *s, const struct ledger_product *product,
                    const struct switch_finding *finding);
void switch_decide_authorisation(struct switch_core *core, struct slot *s, const struct ledger_product *product,
                                 const struct switch_plan *plan, const struct switch_finding *finding);
void switch_decide_unknown(struct switch_core *core, struct slot *s);
void switch_decide_reversal(struct switch_core *core, struct slot *s);
/* False: the slot must wait for a chunk, a card or an account; it has been put where it waits. */
bool switch_decide_open(struct switch_core *core, struct slot *s);
void switch_chunk_add(struct switch_core *core, struct slot *s);
void switch_chunk_submit(struct switch_core *core);
void switch_unit_put_message(struct ledger_unit *unit, struct slot *s, char letter, const char *de38);

/* ---- reply.c ---- */
void switch_reply_verdict(struct switch_core *core, struct slot *s);
void switch_reply_code(struct switch_core *core, struct slot *s, const char *de39);
void switch_reply_stored(struct switch_core *core, struct slot *s, const struct ledger_idem *idem);
/* No answer: the network repeats. */
void switch_reply_nothing(struct switch_core *core, struct slot *s);
void switch_slot_message_id(const struct slot *s, struct ledger_message_id *out);
/* Of the authorisation that the reversal speaks of; texts are cut out of DE90 into `room`. */
struct original_texts {
    char de7[11], de11[7], de32[12];
};
void switch_slot_original_id(const struct slot *s, struct original_texts *room, struct ledger_message_id *out);
size_t switch_fingerprint_write(const struct slot *s, uint8_t *out, size_t cap);

#endif
