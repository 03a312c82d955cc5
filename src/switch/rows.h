/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cards and accounts that requests under way share.
 *
 * Purpose    Several requests of one card are decided on one row in memory, so that the second sees what the first did. While a
 *            chunk that changes a row is at the writer, nothing is decided on the row: slots wait in its parking.
 * Ownership  The rows own all entries. A slot holds its card (switch_card_hold) until it drops it; a card holds its account.
 * Threading  The loop's.
 * Failure    switch_card_enter gives NULL when every entry is in use.
 * Limits     As many cards and accounts as there are slots.
 * Time       Readings are on their way while chunks commit. Ticks of the core order both: of a row in memory and a reading the
 *            newer version counts. After a lost write the row is stale; only a reading asked for later makes it good again.
 *
 * Example
 *     struct switch_card *card = switch_card_enter(&core->rows, &row, read->tick);
 *     if (card && !s->card)
 *         switch_card_hold(card, s);
 */
#ifndef SWITCH_ROWS_H
#define SWITCH_ROWS_H

#include "switch/slot.h"

struct switch_chunk;

struct switch_account {
    struct switch_account *next; /* bucket or free list */
    struct ledger_account row;
    struct switch_chunk *chunk;   /* that changes it, open or submitted */
    struct switch_parking parked; /* for the chunk */
    uint64_t stale_tick;
    uint32_t refs;
    bool stale;
};

struct switch_card {
    struct switch_card *next;
    struct ledger_full_card row; /* its account member is a copy; account->row counts */
    struct switch_account *account;
    struct switch_chunk *chunk;
    struct switch_parking parked; /* for the chunk, in order of arrival */
    uint64_t read_tick;           /* of the newest reading in it */
    uint64_t stale_tick;
    uint64_t reversed_tick; /* the last reversal was committed */
    uint32_t refs;
    bool stale;
    bool reversing; /* the chunk has a reversal of it */
};

struct switch_rows {
    struct flow *flow; /* of the slots that wait */
    struct crypto_siphash_key hash_key;
    size_t count;
    struct switch_card *card;
    struct switch_card *free_card;
    struct switch_card **cards;
    struct switch_account *account;
    struct switch_account *free_account;
    struct switch_account **accounts;
};
/* `count` of each; `env` gives the key of the hash. switch_rows_destroy takes what is there. */
MUST_USE enum err switch_rows_create(const struct env *env, size_t count, struct switch_rows *rows);
void switch_rows_destroy(struct switch_rows *rows);

struct switch_card *switch_card_find(const struct switch_rows *rows, const char *issuer_id,
                                     const uint8_t mac[static LEDGER_MAC_LEN]);
/* Makes the entry or brings it up to date with a reading that was asked for at `tick`; NULL: no room. */
struct switch_card *switch_card_enter(struct switch_rows *rows, const struct ledger_full_card *row, uint64_t tick);
void switch_card_hold(struct switch_card *card, struct switch_slot *s);
/* Does nothing for a slot without a card. */
void switch_card_drop(struct switch_rows *rows, struct switch_slot *s);
/* The card must be read again before something is decided on it. */
bool switch_card_stale(const struct switch_slot *s);

/* What became of a chunk that may have changed the slot's card and account. */
struct switch_settled {
    const struct switch_chunk *chunk;
    bool written;
    uint64_t tick; /* of the moment */
};
void switch_card_settle(const struct switch_rows *rows, struct switch_slot *s, const struct switch_settled *settled);

#endif
