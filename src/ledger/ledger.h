/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ledger: cards, products, code rows, accounts, authorisations, over the statements of the store.
 *
 * Purpose    Turns rows into values (ledger/rows.h) and decisions into operations of a batch. Exactly-once rests on one row and one
 *            conditional write (ledger_put_code with consume); nothing here reads and then trusts what it read.
 * Ownership  A unit and what it adds live in the caller's arena until the batch is done; rows are copied into it, so they may be on
 *            the stack. Results are copied out.
 * Threading  A unit belongs to one thread at a time, and to the store's writer while submitted.
 * Failure    A unit has a sticky error: too many operations or a full arena set it, later puts and gets do nothing, and
 *            ledger_unit_batch answers it once. Conflicts are answered by the store: batch->err and batch->at; ledger_unit_tag says
 *            whose operation it was.
 *
 * Example: one authorisation, as the switch writes it
 *     ledger_unit_begin(&unit, 8, &arena);
 *     ledger_put_code(&unit, &code_before, &code_after, LEDGER_CONSUME);   // the conditional write, guarded by version
 *     ledger_put_idem(&unit, &id, &idem);                                  // MUST_CHANGE: a repeat rolls back
 *     ledger_put_auth(&unit, &auth);
 *     ledger_put_hold(&unit, &hold);
 *     ledger_put_account(&unit, &account_after);
 *     TRY(ledger_unit_batch(&unit, &batch));
 *     TRY(store_writer_submit(writer, batch));
 */
#ifndef LEDGER_LEDGER_H
#define LEDGER_LEDGER_H

#include "ledger/code.h"
#include "ledger/issuers.h"
#include "ledger/rows.h"
#include "ledger/statements.h"
#include "store/reader.h"

/* ---- units: a batch under construction ---- */

struct ledger_unit {
    struct store_batch batch;
    struct store_op *op;
    uint32_t *tag; /* one an operation */
    size_t cap;
    struct arena *arena;
    uint32_t current_tag;
    enum err err;
};

/* Room for `cap` operations, taken from the arena. The arena also serves the arguments and the result rows. */
void ledger_unit_begin(struct ledger_unit *unit, size_t cap, struct arena *arena);
/* Marks the operations that follow: the index of the frame, card or request they belong to. */
void ledger_unit_mark(struct ledger_unit *unit, uint32_t tag);
/* The mark of an operation, for batch->at. */
uint32_t ledger_unit_tag(const struct ledger_unit *unit, size_t at);
/* The finished batch, inside the unit, for store_run or store_writer_submit. */
MUST_USE enum err ledger_unit_batch(struct ledger_unit *unit, struct store_batch **out);
/* Builds and runs at once. It waits for the database: for the start, tools and tests, never on a loop. */
MUST_USE enum err ledger_unit_run(struct ledger_unit *unit, struct store *store);
/* Builds and submits the gets of a unit (store_reader_submit): &unit->batch comes out of `done` once, with `context` in it, and the
 * takes below give its answers. The unit and its arena stay where they are until then. After an error nothing was submitted. */
MUST_USE enum err ledger_unit_submit(struct ledger_unit *unit, struct store_reader *reader, struct queue *done, void *context,
                                     int64_t deadline_us);

/* ---- reads: get adds an operation and gives its index; the result is taken after the run ---- */

struct ledger_message_id { /* switch.md 8; absent fields are "" */
    const char *link_id;
    const char *mti_class;
    const char *de7;
    const char *de11;
    const char *de32; /* leading zeros do not count */
    const char *de37;
    const char *de41;
    const char *de42;
    /* Of an authorisation, for the reversals that may name it. NULL: none will, and `network` is not looked at. */
    const uint8_t *pan_mac; /* LEDGER_MAC_LEN bytes */
    const char *network;
};

/* What is known of a message, and of those whose reversal would name the same original. */
struct ledger_message {
    bool stored; /* `idem` is its own row */
    struct ledger_idem idem;
    bool reversed;   /* and nothing is left of what it approved */
    bool tombstone;  /* a reversal of it came first */
    int64_t sibling; /* the number that a new row takes */
};

/* What a reversal says of its original (switch.md 8). With `complete` its id leads to it, otherwise DE37, or DE41 and DE38. */
struct ledger_original_of {
    const struct ledger_message_id *id; /* with card and network; what DE90 lacks is "" */
    bool complete;
    const char *de37, *de38, *de41;
    int64_t since; /* the window */
};

size_t ledger_get_card_by_pan(struct ledger_unit *unit, const char *issuer_id, const uint8_t mac[static LEDGER_MAC_LEN]);
size_t ledger_get_card_by_reference(struct ledger_unit *unit, const char *issuer_id, const char *reference);
/* Of the issuer whose client has the API key of this hash; none of that key: none. */
size_t ledger_get_card_of_client(struct ledger_unit *unit, const uint8_t hash[static 32], const char *reference);
size_t ledger_get_card(struct ledger_unit *unit, const char *card_id);
size_t ledger_get_product(struct ledger_unit *unit, const char *issuer_id, const char *product_id);
/* The ranges of the issuer that the number may be in: ledger_range_holds tells. */
size_t ledger_get_ranges_near(struct ledger_unit *unit, const char *issuer_id, struct span pan);
/* All of an issuer, in short: id, mode, network and version alone. */
size_t ledger_get_products_of(struct ledger_unit *unit, const char *issuer_id);
size_t ledger_get_account(struct ledger_unit *unit, const char *account_id);
size_t ledger_get_auth(struct ledger_unit *unit, const char *auth_id);
/* The row of a message and the others of its original. A link_id of "" asks for the tombstone itself. */
size_t ledger_get_message(struct ledger_unit *unit, const struct ledger_message_id *id);
/* At most eight candidates. While its idempotency row is kept a complete one is found by that, else along the chain of what held
 * money of the card's account: what was declined, or held nothing, is not on it. */
size_t ledger_get_originals(struct ledger_unit *unit, const struct ledger_original_of *of);
/* Whether a merchant had an approved payment of the card since a time: ledger_found says so. */
size_t ledger_get_seen(struct ledger_unit *unit, const struct ledger_auth *auth, int64_t since);
/* Open holds whose time is over, the oldest first: LEDGER_DUE_MAX at most. */
enum { LEDGER_DUE_MAX = 32, LEDGER_LAPSE_OPERATIONS = 3 };
size_t ledger_get_holds_due(struct ledger_unit *unit, int64_t now);
/* Of a card as ledger_get_card_of_client finds it. */
size_t ledger_get_displays_since(struct ledger_unit *unit, const uint8_t hash[static 32], const char *reference, int64_t since);
size_t ledger_get_issuance(struct ledger_unit *unit, const struct ledger_issuance *issuance);
size_t ledger_get_client_by_api_key(struct ledger_unit *unit, const uint8_t hash[static 32]);
size_t ledger_get_client_keys(struct ledger_unit *unit, const char *client_id);

/* Rows an operation returned. */
size_t ledger_found(const struct ledger_unit *unit, size_t at);
/* Copies row 0, or row `row`, out. false: not there, `out` untouched. A row that does not fit its struct is ERR_INTERNAL
 * in unit->err and false. */
bool ledger_take_card(struct ledger_unit *unit, size_t at, struct ledger_full_card *out);
bool ledger_take_product(struct ledger_unit *unit, size_t at, struct ledger_product *out);
bool ledger_take_product_of(struct ledger_unit *unit, size_t at, size_t row, struct ledger_product *out);
bool ledger_take_range(struct ledger_unit *unit, size_t at, size_t row, struct ledger_range *out);
bool ledger_take_account(struct ledger_unit *unit, size_t at, struct ledger_account *out);
bool ledger_take_auth(struct ledger_unit *unit, size_t at, struct ledger_auth *out);
bool ledger_take_original(struct ledger_unit *unit, size_t at, size_t row, struct ledger_original *out);
/* All rows; false only for a row that does not fit. */
bool ledger_take_message(struct ledger_unit *unit, size_t at, struct ledger_message *out);
bool ledger_take_hold(struct ledger_unit *unit, size_t at, size_t row, struct ledger_hold *out);
bool ledger_take_client(struct ledger_unit *unit, size_t at, struct ledger_client *out);
bool ledger_take_client_key(struct ledger_unit *unit, size_t at, size_t row, struct ledger_client_key *out);
/* Displays since a time and when the first of them was. */
int64_t ledger_take_displays(struct ledger_unit *unit, size_t at, int64_t *first_at);
/* The counter an issuance row holds; false: it was not committed. */
bool ledger_take_issuance(struct ledger_unit *unit, size_t at, int64_t *issue_n);

/* ---- writes; every one but the retention must change its row ---- */

enum ledger_guard {
    LEDGER_UPDATE,  /* version alone */
    LEDGER_CONSUME, /* version, state='active' and issue_n: exactly one authorisation may use a code */
};
/* Writes what an authorisation, a cancellation or an unlock may change. `before` gives the guards, `after` the new values. The
 * row's version becomes before->version + 1. */
void ledger_put_code(struct ledger_unit *unit, const struct ledger_code *before, const struct ledger_code *after,
                     enum ledger_guard guard);
/* issuer.md 4.1 step 4: the conditional write of a new counter, and its journal row. `after` comes from LEDGER_EVENT_ISSUE. */
void ledger_put_issue(struct ledger_unit *unit, const struct ledger_code *before, const struct ledger_code *after,
                      const struct ledger_issuance *issuance);
/* A display without a new counter: display times of `after`, and the journal row. */
void ledger_put_display(struct ledger_unit *unit, const struct ledger_code *before, const struct ledger_code *after,
                        const struct ledger_issuance *issuance);
void ledger_put_idem(struct ledger_unit *unit, const struct ledger_message_id *id, const struct ledger_idem *idem);
void ledger_put_auth(struct ledger_unit *unit, const struct ledger_auth *auth);
void ledger_put_hold(struct ledger_unit *unit, const struct ledger_hold *hold);
/* Balance, held, daily counts and the head of the chain; guarded by account->version as it was read. */
void ledger_put_account(struct ledger_unit *unit, const struct ledger_account *account);
/* A reversal of `amount`, in the currency of the authorisation: its sum, and `released` of the hold, each guarded by what was read.
 * Does not touch the account. */
void ledger_put_reversal(struct ledger_unit *unit, const struct ledger_original *original, int64_t amount, int64_t released,
                         int64_t at);
/* LEDGER_LAPSE_OPERATIONS: the hold ends by time, its authorisation says so, the account gets the amount back. A conflict: somebody
 * else has ended or changed the hold since it was read. */
void ledger_put_lapse(struct ledger_unit *unit, const struct ledger_hold *hold, int64_t at);
/* Stands for an original that has not come: link_id "", DE37, DE41 and DE42 "". It and the row of the original meet in one unique
 * key, so of the two transactions the second changes nothing: STORE_ERR_CONFLICT. */
void ledger_put_tombstone(struct ledger_unit *unit, const struct ledger_message_id *id, int64_t sibling, int64_t at);
/* Forgets idempotency rows and tombstones made before `before` (switch.md 7.3, 7.4). */
void ledger_put_retention(struct ledger_unit *unit, int64_t before);
void ledger_put_outbox(struct ledger_unit *unit, const struct ledger_outbox *row);

void ledger_put_product(struct ledger_unit *unit, const struct ledger_product *product);
/* All fields; guarded by product->version as it was read. */
void ledger_put_product_change(struct ledger_unit *unit, const struct ledger_product *product);
/* Card row and empty code row. STORE_ERR_CONFLICT: the issuer has a card of this reference or PAN. */
void ledger_put_card(struct ledger_unit *unit, const struct ledger_card *card);
/* Status, enrolment, product, account, expiry dates, name; guarded by card->version as it was read. */
void ledger_put_card_change(struct ledger_unit *unit, const struct ledger_card *card);
void ledger_put_new_account(struct ledger_unit *unit, const struct ledger_account *account);
void ledger_put_client(struct ledger_unit *unit, const struct ledger_client *client);
void ledger_put_client_key(struct ledger_unit *unit, const struct ledger_client_key *key);
void ledger_put_client_key_revoked(struct ledger_unit *unit, const char *client_id, const char *kid, int64_t at);

#endif
