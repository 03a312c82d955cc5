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

enum {
    SWITCH_PENDING_MAX = 6,
    SWITCH_ATTEMPTS_MAX = 5,
    SWITCH_LOOKUP_MAX = 256,
    SWITCH_CHUNKS = 64,
    SWITCH_BUCKETS = 16384,
    SWITCH_ANSWER_LEN = 9
};

struct switch_chunk;
struct switch_slot;

struct switch_list {
    struct switch_slot *head;
    struct switch_slot *tail;
    size_t count;
};

/* A row that requests under way share. While a chunk with changes of it is at the writer it is busy: nothing is decided on it. */
struct switch_account {
    struct switch_account *next; /* bucket or free list */
    struct ledger_account row;
    struct switch_chunk *chunk; /* that changes it, open or submitted */
    uint32_t refs;
    bool stale;
};
struct switch_card {
    struct switch_card *next;
    struct ledger_full_card row; /* its account member is a copy; account->row counts */
    struct switch_account *account;
    struct switch_chunk *chunk;
    struct switch_list parked; /* waiting for the chunk, in order of arrival */
    int64_t read_us;
    uint32_t refs;
    bool stale;
};

enum switch_slot_kind { SWITCH_SLOT_AUTHORISATION, SWITCH_SLOT_REVERSAL };

/* One request. Stands in locked, undumpable pages: it holds a PAN and a code. */
struct switch_slot {
    struct switch_slot *next;          /* in the list it is in */
    struct switch_slot *next_key;      /* bucket of its message key */
    struct switch_slot *next_original; /* bucket of link, class, DE7, DE11, DE32 */
    struct switch_list waiters;        /* repeats of this message, reversals of it */
    uint32_t index;
    uint32_t generation;
    enum switch_slot_kind kind;
    size_t link;
    struct net_peer peer;
    int64_t received_us;
    int64_t deadline_us; /* of all HSM questions; 0 = none asked yet */
    uint64_t key_hash;
    uint64_t original_hash;
    bool keyed; /* in both buckets */

    struct card_pan pan;
    struct iso8583_code code;
    char de14[5];
    struct ledger_auth auth; /* identity on the wire, then the decision */
    struct iso8583_message answer;
    struct iso8583_original original; /* reversal */
    int64_t remaining;                /* reversal: amount that stays authorised */

    struct switch_card *card;
    struct switch_facts facts;
    struct switch_step pending[SWITCH_PENDING_MAX];
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
struct switch_chunk {
    struct switch_chunk *next;
    struct switch_core *core;
    struct arena arena;
    struct ledger_unit unit;
    struct switch_slot *slot[SWITCH_CHUNK_MAX];
    size_t count;
};

struct switch_core {
    struct switch_config config;
    struct hostcmd_layout layout;
    struct switch_link link[SWITCH_LINKS_MAX];
    size_t in_flight[SWITCH_LINKS_MAX];
    struct secret_pages pages; /* slots, the scratch message, the scratch command */
    struct switch_slot *slot;
    struct switch_slot *free_slot;
    struct iso8583_message *scratch;
    uint8_t *command;
    struct switch_slot **by_key;
    struct switch_slot **by_original;
    struct switch_card *card;
    struct switch_card *free_card;
    struct switch_card **cards;
    struct switch_account *account;
    struct switch_account *free_account;
    struct switch_account **accounts;
    struct switch_list arrived; /* before lookup */
    struct switch_list ready;   /* before ask and decide */
    struct switch_chunk *chunk;
    struct switch_chunk *free_chunk;
    struct switch_chunk *open_chunk;
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

enum { SWITCH_COMMAND_ROOM = 512 };

/* ---- pool.c ---- */
MUST_USE enum err switch_pool_create(struct switch_core *core);
void switch_pool_destroy(struct switch_core *core);
void switch_list_push(struct switch_list *l, struct switch_slot *s);
struct switch_slot *switch_list_pop(struct switch_list *l);
/* Puts `front` before what is in `l`. */
void switch_list_prepend(struct switch_list *l, struct switch_list *front);
struct switch_slot *switch_slot_take(struct switch_core *core);
void switch_slot_free(struct switch_core *core, struct switch_slot *s);
void switch_slot_hash(struct switch_slot *s);
/* The message under way with the same key; NULL: none, and `s` is now the one. */
struct switch_slot *switch_slot_claim(struct switch_core *core, struct switch_slot *s);
/* The authorisation under way that the reversal `s` speaks of. */
struct switch_slot *switch_slot_original(struct switch_core *core, const struct switch_slot *s);
struct switch_card *switch_card_find(struct switch_core *core, const uint8_t mac[static LEDGER_MAC_LEN]);
/* Makes or refreshes the entry; NULL: no room. */
struct switch_card *switch_card_enter(struct switch_core *core, const struct ledger_full_card *row);
void switch_card_hold(struct switch_card *card, struct switch_slot *s);
void switch_card_drop(struct switch_core *core, struct switch_slot *s);
struct switch_chunk *switch_chunk_take(struct switch_core *core);
void switch_chunk_free(struct switch_core *core, struct switch_chunk *c);

/* ---- the stages ---- */
enum err switch_products_load(struct switch_core *core);
void switch_lookup_stage(struct switch_core *core);
void switch_ready_stage(struct switch_core *core);
void switch_commit_stage(struct switch_core *core);
void switch_hsm_stage(struct switch_core *core);
/* Sends what the finding asks. False: every window is full, try again in a later turn. */
bool switch_ask_hsm(struct switch_core *core, struct switch_slot *s, const struct ledger_product *product,
                    const struct switch_finding *finding);
void switch_decide_authorisation(struct switch_core *core, struct switch_slot *s, const struct ledger_product *product,
                                 const struct switch_plan *plan, const struct switch_finding *finding);
void switch_decide_unknown(struct switch_core *core, struct switch_slot *s);
void switch_decide_reversal(struct switch_core *core, struct switch_slot *s);
/* False: the slot must wait for a chunk, a card or an account; it has been put where it waits. */
bool switch_decide_open(struct switch_core *core, struct switch_slot *s);
void switch_chunk_add(struct switch_core *core, struct switch_slot *s);
void switch_chunk_submit(struct switch_core *core);
void switch_unit_put_message(struct ledger_unit *unit, struct switch_slot *s, char letter, const char *de38);

/* ---- reply.c ---- */
void switch_reply_verdict(struct switch_core *core, struct switch_slot *s);
void switch_reply_code(struct switch_core *core, struct switch_slot *s, const char *de39);
void switch_reply_stored(struct switch_core *core, struct switch_slot *s, const struct ledger_idem *idem);
/* No answer: the network repeats. */
void switch_reply_nothing(struct switch_core *core, struct switch_slot *s);
void switch_slot_message_id(const struct switch_slot *s, struct ledger_message_id *out);
/* Of the authorisation that the reversal speaks of; texts are cut out of DE90 into `room`. */
struct switch_original_texts {
    char de7[11], de11[7], de32[12];
};
void switch_slot_original_id(const struct switch_slot *s, struct switch_original_texts *room, struct ledger_message_id *out);
size_t switch_fingerprint_write(const struct switch_slot *s, uint8_t *out, size_t cap);

#endif
