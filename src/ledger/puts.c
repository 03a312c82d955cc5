/* SPDX-License-Identifier: Apache-2.0 */
/* Writes: each carries the guards that make it safe against others. */
#include "ledger/unit.h"

enum { CODE_GUARDS = 2 };

void ledger_put_code(struct ledger_unit *unit, const struct ledger_code *before, const struct ledger_code *after,
                     enum ledger_guard guard)
{
    const struct ledger_shape *shape = &ledger_shape_code_change;
    const struct ledger_code *copy = ledger_unit_keep(unit, after, sizeof *after);
    size_t count = CODE_GUARDS + shape->count + (guard == LEDGER_CONSUME ? 1 : 0);
    enum store_statement statement = guard == LEDGER_CONSUME ? STORE_CODE_CONSUME : STORE_CODE_UPDATE;
    struct store_value *value = ledger_unit_add(unit, statement, STORE_MUST_CHANGE, count);
    if (!copy || !value)
        return;
    value[0] = store_text(copy->card_id);
    value[1] = store_int(before->version);
    ledger_shape_write(shape, copy, &value[CODE_GUARDS]);
    if (guard == LEDGER_CONSUME)
        value[count - 1] = store_int(before->issue_n);
}

static void put_journal(struct ledger_unit *unit, const struct ledger_issuance *issuance)
{
    ledger_unit_put(unit, STORE_ISSUANCE_INSERT, &ledger_shape_issuance, issuance);
}

void ledger_put_issue(struct ledger_unit *unit, const struct ledger_code *before, const struct ledger_code *after,
                      const struct ledger_issuance *issuance)
{
    struct store_value card = ledger_unit_text(unit, after->card_id);
    struct store_value *value = ledger_unit_add(unit, STORE_CODE_ISSUE, STORE_MUST_CHANGE, 7);
    if (!value)
        return;
    value[0] = card;
    value[1] = store_int(before->version);
    value[2] = store_int(after->issue_n);
    value[3] = store_int(after->issued_at);
    value[4] = store_int(after->expires_at);
    value[5] = store_int(after->first_display_at);
    value[6] = store_int(after->last_display_at);
    put_journal(unit, issuance);
}

void ledger_put_display(struct ledger_unit *unit, const struct ledger_code *before, const struct ledger_code *after,
                        const struct ledger_issuance *issuance)
{
    struct store_value card = ledger_unit_text(unit, after->card_id);
    struct store_value *value = ledger_unit_add(unit, STORE_CODE_DISPLAY, STORE_MUST_CHANGE, 4);
    if (!value)
        return;
    value[0] = card;
    value[1] = store_int(before->version);
    value[2] = store_int(after->first_display_at);
    value[3] = store_int(after->last_display_at);
    put_journal(unit, issuance);
}

void ledger_put_idem(struct ledger_unit *unit, const struct ledger_message_id *id, const struct ledger_idem *idem)
{
    const struct ledger_shape *shape = &ledger_shape_idem;
    const struct ledger_idem *copy = ledger_unit_keep(unit, idem, sizeof *idem);
    struct store_value message = ledger_unit_key(unit, id, true);
    struct store_value original = ledger_unit_key(unit, id, false);
    struct store_value *value = ledger_unit_add(unit, STORE_IDEM_INSERT, STORE_MUST_CHANGE, shape->count + 2);
    if (!copy || !value)
        return;
    value[0] = message;
    ledger_shape_write(shape, copy, &value[1]);
    value[shape->count + 1] = original;
}

void ledger_put_auth(struct ledger_unit *unit, const struct ledger_auth *auth)
{
    ledger_unit_put(unit, STORE_AUTH_INSERT, &ledger_shape_auth, auth);
}

void ledger_put_hold(struct ledger_unit *unit, const struct ledger_hold *hold)
{
    ledger_unit_put(unit, STORE_HOLD_INSERT, &ledger_shape_hold, hold);
}

void ledger_put_account(struct ledger_unit *unit, const struct ledger_account *account)
{
    ledger_unit_put(unit, STORE_ACCOUNT_UPDATE, &ledger_shape_account_change, account);
}

static void put_hold_release(struct ledger_unit *unit, const struct ledger_hold *hold, int64_t left)
{
    struct store_value id = ledger_unit_text(unit, hold->auth_id);
    struct store_value *value = ledger_unit_add(unit, STORE_HOLD_RELEASE, STORE_MUST_CHANGE, 4);
    if (!value)
        return;
    value[0] = id;
    value[1] = store_int(hold->amount);
    value[2] = store_int(left);
    value[3] = store_text(ledger_hold_state_names[left == 0 ? LEDGER_HOLD_REVERSED : LEDGER_HOLD_OPEN]);
}

void ledger_put_reversal(struct ledger_unit *unit, const struct ledger_original *original, int64_t amount, int64_t at)
{
    struct store_value id = ledger_unit_text(unit, original->auth.auth_id);
    struct store_value *value = ledger_unit_add(unit, STORE_AUTH_REVERSE, STORE_MUST_CHANGE, 4);
    if (!value)
        return;
    value[0] = id;
    value[1] = store_int(original->auth.reversed_amount);
    value[2] = store_int(original->auth.reversed_amount + amount);
    value[3] = store_int(at);
    if (original->hold.auth_id[0])
        put_hold_release(unit, &original->hold, original->hold.amount - amount);
}

void ledger_put_tombstone(struct ledger_unit *unit, const struct ledger_message_id *id, int64_t at)
{
    struct store_value original = ledger_unit_key(unit, id, false);
    struct store_value *value = ledger_unit_add(unit, STORE_TOMBSTONE_INSERT, 0, 2);
    if (!value)
        return;
    value[0] = original;
    value[1] = store_int(at);
}

void ledger_put_retention(struct ledger_unit *unit, int64_t before)
{
    static const enum store_statement statement[] = {STORE_IDEM_PURGE, STORE_TOMBSTONE_PURGE};
    for (size_t i = 0; i < sizeof statement / sizeof statement[0]; i++) {
        struct store_value *value = ledger_unit_add(unit, statement[i], 0, 1);
        if (!value)
            return;
        value[0] = store_int(before);
    }
}

void ledger_put_outbox(struct ledger_unit *unit, const struct ledger_outbox *row)
{
    ledger_unit_put(unit, STORE_OUTBOX_INSERT, &ledger_shape_outbox, row);
}

void ledger_put_product(struct ledger_unit *unit, const struct ledger_product *product)
{
    ledger_unit_put(unit, STORE_PRODUCT_INSERT, &ledger_shape_product, product);
}

void ledger_put_product_change(struct ledger_unit *unit, const struct ledger_product *product)
{
    ledger_unit_put(unit, STORE_PRODUCT_UPDATE, &ledger_shape_product, product);
}

void ledger_put_card(struct ledger_unit *unit, const struct ledger_card *card)
{
    ledger_unit_put(unit, STORE_CARD_INSERT, &ledger_shape_card, card);
    struct store_value id = ledger_unit_text(unit, card->card_id);
    struct store_value *value = ledger_unit_add(unit, STORE_CODE_INSERT, STORE_MUST_CHANGE, 1);
    if (value)
        value[0] = id;
}

void ledger_put_card_change(struct ledger_unit *unit, const struct ledger_card *card)
{
    ledger_unit_put(unit, STORE_CARD_UPDATE, &ledger_shape_card_change, card);
}

void ledger_put_new_account(struct ledger_unit *unit, const struct ledger_account *account)
{
    ledger_unit_put(unit, STORE_ACCOUNT_INSERT, &ledger_shape_account, account);
}

void ledger_put_client(struct ledger_unit *unit, const struct ledger_client *client)
{
    ledger_unit_put(unit, STORE_CLIENT_INSERT, &ledger_shape_client, client);
}

void ledger_put_client_key(struct ledger_unit *unit, const struct ledger_client_key *key)
{
    ledger_unit_put(unit, STORE_CLIENT_KEY_PUT, &ledger_shape_client_key, key);
}

void ledger_put_client_key_revoked(struct ledger_unit *unit, const char *client_id, const char *kid, int64_t at)
{
    struct store_value client = ledger_unit_text(unit, client_id);
    struct store_value key = ledger_unit_text(unit, kid);
    struct store_value *value = ledger_unit_add(unit, STORE_CLIENT_KEY_REVOKE, STORE_MUST_CHANGE, 3);
    if (!value)
        return;
    value[0] = client;
    value[1] = key;
    value[2] = store_int(at);
}
