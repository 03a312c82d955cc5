/* SPDX-License-Identifier: Apache-2.0 */
/* Writes: each carries the guards that make it safe against others. */
#include "ledger/unit.h"

static void put_code(struct ledger_unit *unit, const struct store_row *row, const struct ledger_code *before,
                     const struct ledger_code *after)
{
    struct ledger_code_put *put = ledger_unit_fill(unit, row);
    if (!put)
        return;
    put->before_version = before->version;
    put->before_issue_n = before->issue_n;
    put->after = *after;
}

void ledger_put_code(struct ledger_unit *unit, const struct ledger_code *before, const struct ledger_code *after,
                     enum ledger_guard guard)
{
    put_code(unit, guard == LEDGER_CONSUME ? LEDGER_ROW(CODE_CONSUME) : LEDGER_ROW(CODE_UPDATE), before, after);
}

void ledger_put_issue(struct ledger_unit *unit, const struct ledger_code *before, const struct ledger_code *after,
                      const struct ledger_issuance *issuance)
{
    put_code(unit, LEDGER_ROW(CODE_ISSUE), before, after);
    ledger_unit_put(unit, LEDGER_ROW(ISSUANCE_INSERT), issuance);
}

void ledger_put_display(struct ledger_unit *unit, const struct ledger_code *before, const struct ledger_code *after,
                        const struct ledger_issuance *issuance)
{
    put_code(unit, LEDGER_ROW(CODE_DISPLAY), before, after);
    ledger_unit_put(unit, LEDGER_ROW(ISSUANCE_INSERT), issuance);
}

void ledger_put_idem(struct ledger_unit *unit, const struct ledger_message_id *id, const struct ledger_idem *idem)
{
    struct ledger_idem_put *put = ledger_unit_fill(unit, LEDGER_ROW(IDEM_INSERT));
    if (!put)
        return;
    put->original_key = ledger_unit_key(unit, id).whole;
    put->message = ledger_unit_message(unit, id);
    put->idem = *idem;
}

void ledger_put_auth(struct ledger_unit *unit, const struct ledger_auth *auth)
{
    ledger_unit_put(unit, LEDGER_ROW(AUTH_INSERT), auth);
}

void ledger_put_hold(struct ledger_unit *unit, const struct ledger_hold *hold)
{
    ledger_unit_put(unit, LEDGER_ROW(HOLD_INSERT), hold);
}

void ledger_put_account(struct ledger_unit *unit, const struct ledger_account *account)
{
    ledger_unit_put(unit, LEDGER_ROW(ACCOUNT_UPDATE), account);
}

static void put_hold_release(struct ledger_unit *unit, const struct ledger_hold *hold, int64_t left)
{
    const struct ledger_hold_release put = {.auth_id = ledger_unit_text(unit, hold->auth_id),
                                            .before_amount = hold->amount,
                                            .amount = left,
                                            .state = left == 0 ? LEDGER_HOLD_REVERSED : LEDGER_HOLD_OPEN};
    ledger_unit_put(unit, LEDGER_ROW(HOLD_RELEASE), &put);
}

void ledger_put_reversal(struct ledger_unit *unit, const struct ledger_original *original, int64_t amount, int64_t released,
                         int64_t at)
{
    const struct ledger_auth_reverse put = {.auth_id = ledger_unit_text(unit, original->auth.auth_id),
                                            .before_amount = original->auth.reversed_amount,
                                            .reversed_amount = original->auth.reversed_amount + amount,
                                            .reversed_at = at};
    ledger_unit_put(unit, LEDGER_ROW(AUTH_REVERSE), &put);
    if (released > 0)
        put_hold_release(unit, &original->hold, original->hold.amount - released);
}

/* An authorisation or account that is gone does not keep the hold open: it alone must change. */
void ledger_put_lapse(struct ledger_unit *unit, const struct ledger_hold *hold, int64_t at)
{
    const struct ledger_hold_lapse put = {.auth_id = ledger_unit_text(unit, hold->auth_id),
                                          .account_id = ledger_unit_text(unit, hold->account_id),
                                          .amount = hold->amount,
                                          .lapsed_at = at};
    ledger_unit_put(unit, LEDGER_ROW(HOLD_LAPSE), &put);
    ledger_unit_add(unit, LEDGER_ROW(AUTH_LAPSE), 0, &put);
    ledger_unit_add(unit, LEDGER_ROW(ACCOUNT_LAPSE), 0, &put);
}

void ledger_put_tombstone(struct ledger_unit *unit, const struct ledger_message_id *id, int64_t sibling, int64_t at)
{
    ledger_put_idem(unit, id, &(struct ledger_idem){.created_at = at, .sibling = sibling});
}

void ledger_put_retention(struct ledger_unit *unit, int64_t before)
{
    ledger_unit_add(unit, LEDGER_ROW(IDEM_PURGE), 0, &(struct ledger_before){.before = before});
}

void ledger_put_outbox(struct ledger_unit *unit, const struct ledger_outbox *row)
{
    ledger_unit_put(unit, LEDGER_ROW(OUTBOX_INSERT), row);
}

void ledger_put_product(struct ledger_unit *unit, const struct ledger_product *product)
{
    ledger_unit_put(unit, LEDGER_ROW(PRODUCT_INSERT), product);
}

void ledger_put_product_change(struct ledger_unit *unit, const struct ledger_product *product)
{
    ledger_unit_put(unit, LEDGER_ROW(PRODUCT_UPDATE), product);
}

void ledger_put_card(struct ledger_unit *unit, const struct ledger_card *card)
{
    ledger_unit_put(unit, LEDGER_ROW(CARD_INSERT), card);
    ledger_unit_put(unit, LEDGER_ROW(CODE_INSERT), card);
}

void ledger_put_card_change(struct ledger_unit *unit, const struct ledger_card *card)
{
    ledger_unit_put(unit, LEDGER_ROW(CARD_UPDATE), card);
}

void ledger_put_new_account(struct ledger_unit *unit, const struct ledger_account *account)
{
    ledger_unit_put(unit, LEDGER_ROW(ACCOUNT_INSERT), account);
}

void ledger_put_client(struct ledger_unit *unit, const struct ledger_client *client)
{
    ledger_unit_put(unit, LEDGER_ROW(CLIENT_INSERT), client);
}

void ledger_put_client_key(struct ledger_unit *unit, const struct ledger_client_key *key)
{
    ledger_unit_put(unit, LEDGER_ROW(CLIENT_KEY_PUT), key);
}

void ledger_put_client_key_revoked(struct ledger_unit *unit, const char *client_id, const char *kid, int64_t at)
{
    const struct ledger_key_revoke put = {
        .client_id = ledger_unit_text(unit, client_id), .kid = ledger_unit_text(unit, kid), .revoked_at = at};
    ledger_unit_put(unit, LEDGER_ROW(CLIENT_KEY_REVOKE), &put);
}
