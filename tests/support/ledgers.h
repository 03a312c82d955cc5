/* SPDX-License-Identifier: Apache-2.0 */
/* Rows for tests of the ledger. */
#ifndef SUPPORT_LEDGERS_H
#define SUPPORT_LEDGERS_H

#include "ledger/ledger.h"
#include "support/stores.h"

/* A new issuer with one range. */
void ledgers_enrol(struct store *store, struct arena *arena, const char *issuer_id, const char *range, const char *timezone);
/* A one-time card with an account of 1,000.00, registered; its id is "card_<n>". */
void ledgers_add_card(struct stores_fixture *f, struct store *store, int64_t n);
void ledgers_card_id(int64_t n, char out[static LEDGER_ID]);
void ledgers_pan_mac(int64_t n, uint8_t out[static LEDGER_MAC_LEN]);
/* The card as it stands; aborts if it is not there. */
void ledgers_read(struct store *store, struct arena *arena, int64_t n, struct ledger_full_card *out);
/* A display at `at`: a new code that lives for `life_ms`. */
enum err ledgers_issue(struct store *store, struct arena *arena, const struct ledger_code *code, int64_t at, int64_t life_ms);
/* An approved authorisation of the code, as the switch writes it. `serial` makes its message unique. */
enum err ledgers_consume(struct store *store, struct arena *arena, const struct ledger_full_card *card, int64_t serial, int64_t at);
/* The same with another statement in the place of CODE_CONSUME. */
enum err ledgers_consume_by(const struct store_row *row, struct store *store, struct arena *arena,
                            const struct ledger_full_card *card, int64_t serial, int64_t at);
struct store_shape;
/* Fills a row through its shape with values that differ from member to member. */
void ledgers_fill(const struct store_shape *shape, void *row);
/* Codes that were approved more than once, by the authorisations that are stored. */
int64_t ledgers_double_uses(struct store *store, struct arena *arena);

#endif
