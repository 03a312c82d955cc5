/* SPDX-License-Identifier: Apache-2.0 */
/* Reads: what a unit asks, and how the answers become values. */
#include "ledger/unit.h"

static size_t last(const struct ledger_unit *unit)
{
    return unit->batch.count > 0 ? unit->batch.count - 1 : 0;
}

static size_t get_by_text(struct ledger_unit *unit, enum store_statement statement, const char *key)
{
    struct store_value text = ledger_unit_text(unit, key);
    struct store_value *value = ledger_unit_add(unit, statement, 0, 1);
    if (value)
        value[0] = text;
    return last(unit);
}

static size_t get_by_hash(struct ledger_unit *unit, enum store_statement statement, const uint8_t *hash)
{
    const void *copy = ledger_unit_keep(unit, hash, LEDGER_MAC_LEN);
    struct store_value *value = ledger_unit_add(unit, statement, 0, 1);
    if (value)
        value[0] = store_bytes(copy, LEDGER_MAC_LEN);
    return last(unit);
}

size_t ledger_get_card_by_pan_mac(struct ledger_unit *unit, const uint8_t mac[static LEDGER_MAC_LEN])
{
    return get_by_hash(unit, STORE_CARD_BY_PAN_MAC, mac);
}

size_t ledger_get_card(struct ledger_unit *unit, const char *card_id)
{
    return get_by_text(unit, STORE_CARD_BY_ID, card_id);
}

size_t ledger_get_product(struct ledger_unit *unit, const char *product_id)
{
    return get_by_text(unit, STORE_PRODUCT_GET, product_id);
}

size_t ledger_get_products_of(struct ledger_unit *unit, const char *issuer_id)
{
    return get_by_text(unit, STORE_PRODUCTS_OF, issuer_id);
}

size_t ledger_get_account(struct ledger_unit *unit, const char *account_id)
{
    return get_by_text(unit, STORE_ACCOUNT_GET, account_id);
}

size_t ledger_get_auth(struct ledger_unit *unit, const char *auth_id)
{
    return get_by_text(unit, STORE_AUTH_GET, auth_id);
}

size_t ledger_get_client_by_api_key(struct ledger_unit *unit, const uint8_t hash[static 32])
{
    return get_by_hash(unit, STORE_CLIENT_BY_API_KEY, hash);
}

size_t ledger_get_client_keys(struct ledger_unit *unit, const char *client_id)
{
    return get_by_text(unit, STORE_CLIENT_KEYS, client_id);
}

size_t ledger_get_idem(struct ledger_unit *unit, const struct ledger_message_id *id)
{
    struct store_value message = ledger_unit_key(unit, id, true);
    struct store_value original = ledger_unit_key(unit, id, false);
    struct store_value *value = ledger_unit_add(unit, STORE_IDEM_FIND, 0, 2);
    if (value) {
        value[0] = message;
        value[1] = original;
    }
    return last(unit);
}

size_t ledger_get_original(struct ledger_unit *unit, const struct ledger_message_id *id)
{
    struct store_value from = ledger_unit_key(unit, id, false);
    struct store_value to = ledger_unit_key_end(unit, id);
    struct store_value *value = ledger_unit_add(unit, STORE_ORIGINAL_FIND, 0, 2);
    if (value) {
        value[0] = from;
        value[1] = to;
    }
    return last(unit);
}

size_t ledger_get_displays_since(struct ledger_unit *unit, const char *card_id, int64_t since)
{
    struct store_value card = ledger_unit_text(unit, card_id);
    struct store_value *value = ledger_unit_add(unit, STORE_ISSUANCE_COUNT, 0, 2);
    if (value) {
        value[0] = card;
        value[1] = store_int(since);
    }
    return last(unit);
}

size_t ledger_get_issuance(struct ledger_unit *unit, const struct ledger_issuance *issuance)
{
    struct store_value card = ledger_unit_text(unit, issuance->card_id);
    struct store_value id = ledger_unit_text(unit, issuance->issuance_id);
    struct store_value *value = ledger_unit_add(unit, STORE_ISSUANCE_FIND, 0, 3);
    if (value) {
        value[0] = card;
        value[1] = store_int(issuance->at);
        value[2] = id;
    }
    return last(unit);
}

/* ---- answers ---- */

static const struct store_rows *rows_at(const struct ledger_unit *unit, size_t at)
{
    static const struct store_rows none = {0};
    return at < unit->batch.count && unit->batch.err == ERR_OK ? &unit->op[at].rows : &none;
}

size_t ledger_found(const struct ledger_unit *unit, size_t at)
{
    return rows_at(unit, at)->count;
}

/* Reads columns from `first` on into `out` and moves `first` behind them. */
static void take_part(struct ledger_unit *unit, size_t at, const struct ledger_shape *shape, size_t *first, void *out)
{
    enum err err = ledger_shape_read(shape, rows_at(unit, at), 0, *first, out);
    if (err != ERR_OK)
        unit->err = err;
    *first += shape->count;
}

static bool take_row(struct ledger_unit *unit, size_t at, size_t row, const struct ledger_shape *shape, void *out)
{
    if (row >= ledger_found(unit, at) || unit->err != ERR_OK)
        return false;
    unit->err = ledger_shape_read(shape, rows_at(unit, at), row, 0, out);
    return unit->err == ERR_OK;
}

bool ledger_take_card(struct ledger_unit *unit, size_t at, struct ledger_full_card *out)
{
    size_t first = 0;
    if (ledger_found(unit, at) == 0 || unit->err != ERR_OK)
        return false;
    take_part(unit, at, &ledger_shape_card, &first, &out->card);
    take_part(unit, at, &ledger_shape_code, &first, &out->code);
    take_part(unit, at, &ledger_shape_account, &first, &out->account);
    return unit->err == ERR_OK;
}

bool ledger_take_product_of(struct ledger_unit *unit, size_t at, size_t row, struct ledger_product *out)
{
    return take_row(unit, at, row, &ledger_shape_product_brief, out);
}

bool ledger_take_product(struct ledger_unit *unit, size_t at, struct ledger_product *out)
{
    return take_row(unit, at, 0, &ledger_shape_product, out);
}

bool ledger_take_account(struct ledger_unit *unit, size_t at, struct ledger_account *out)
{
    return take_row(unit, at, 0, &ledger_shape_account, out);
}

bool ledger_take_auth(struct ledger_unit *unit, size_t at, struct ledger_auth *out)
{
    return take_row(unit, at, 0, &ledger_shape_auth, out);
}

bool ledger_take_idem(struct ledger_unit *unit, size_t at, struct ledger_idem *out)
{
    return take_row(unit, at, 0, &ledger_shape_idem, out);
}

bool ledger_take_original(struct ledger_unit *unit, size_t at, struct ledger_original *out)
{
    size_t first = 0;
    if (ledger_found(unit, at) == 0 || unit->err != ERR_OK)
        return false;
    take_part(unit, at, &ledger_shape_auth, &first, &out->auth);
    take_part(unit, at, &ledger_shape_hold, &first, &out->hold);
    take_part(unit, at, &ledger_shape_account, &first, &out->account);
    return unit->err == ERR_OK;
}

bool ledger_take_client(struct ledger_unit *unit, size_t at, struct ledger_client *out)
{
    return take_row(unit, at, 0, &ledger_shape_client, out);
}

bool ledger_take_client_key(struct ledger_unit *unit, size_t at, size_t row, struct ledger_client_key *out)
{
    return take_row(unit, at, row, &ledger_shape_client_key, out);
}

int64_t ledger_take_displays(const struct ledger_unit *unit, size_t at, int64_t *first_at)
{
    *first_at = store_cell_int(rows_at(unit, at), 0, 1);
    return store_cell_int(rows_at(unit, at), 0, 0);
}

bool ledger_take_issuance(const struct ledger_unit *unit, size_t at, int64_t *issue_n)
{
    if (ledger_found(unit, at) == 0)
        return false;
    *issue_n = store_cell_int(rows_at(unit, at), 0, 0);
    return true;
}
