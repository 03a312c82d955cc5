/* SPDX-License-Identifier: Apache-2.0 */
/* Reads: what a unit asks, and how the answers become values. */
#include "ledger/unit.h"

#include <string.h>

static size_t get(struct ledger_unit *unit, const struct store_row *row, const void *argument)
{
    ledger_unit_add(unit, row, 0, argument);
    return unit->batch.count > 0 ? unit->batch.count - 1 : 0;
}

static size_t get_by_id(struct ledger_unit *unit, const struct store_row *row, const char *id)
{
    return get(unit, row, &(struct ledger_by_id){.id = ledger_unit_text(unit, id)});
}

static size_t get_by_hash(struct ledger_unit *unit, const struct store_row *row, const uint8_t *hash)
{
    struct ledger_by_hash by;
    memcpy(by.hash, hash, sizeof by.hash);
    return get(unit, row, &by);
}

size_t ledger_get_card_by_pan_mac(struct ledger_unit *unit, const uint8_t mac[static LEDGER_MAC_LEN])
{
    return get_by_hash(unit, LEDGER_ROW(CARD_BY_PAN_MAC), mac);
}

size_t ledger_get_card(struct ledger_unit *unit, const char *card_id)
{
    return get_by_id(unit, LEDGER_ROW(CARD_BY_ID), card_id);
}

size_t ledger_get_product(struct ledger_unit *unit, const char *product_id)
{
    return get_by_id(unit, LEDGER_ROW(PRODUCT_GET), product_id);
}

size_t ledger_get_products_of(struct ledger_unit *unit, const char *issuer_id)
{
    return get_by_id(unit, LEDGER_ROW(PRODUCTS_OF), issuer_id);
}

size_t ledger_get_account(struct ledger_unit *unit, const char *account_id)
{
    return get_by_id(unit, LEDGER_ROW(ACCOUNT_GET), account_id);
}

size_t ledger_get_auth(struct ledger_unit *unit, const char *auth_id)
{
    return get_by_id(unit, LEDGER_ROW(AUTH_GET), auth_id);
}

size_t ledger_get_client_by_api_key(struct ledger_unit *unit, const uint8_t hash[static 32])
{
    return get_by_hash(unit, LEDGER_ROW(CLIENT_BY_API_KEY), hash);
}

size_t ledger_get_client_keys(struct ledger_unit *unit, const char *client_id)
{
    return get_by_id(unit, LEDGER_ROW(CLIENT_KEYS), client_id);
}

size_t ledger_get_idem(struct ledger_unit *unit, const struct ledger_message_id *id)
{
    const struct ledger_by_key by = {.message_key = ledger_unit_key(unit, id, true),
                                     .original_key = ledger_unit_key(unit, id, false)};
    return get(unit, LEDGER_ROW(IDEM_FIND), &by);
}

size_t ledger_get_original(struct ledger_unit *unit, const struct ledger_message_id *id)
{
    const struct ledger_by_key by = {.original_key = ledger_unit_key(unit, id, false),
                                     .original_end = ledger_unit_key_end(unit, id)};
    return get(unit, LEDGER_ROW(ORIGINAL_FIND), &by);
}

size_t ledger_get_seen(struct ledger_unit *unit, const struct ledger_auth *auth, int64_t since)
{
    const struct ledger_by_merchant by = {.card_id = ledger_unit_text(unit, auth->card_id),
                                          .de32 = ledger_unit_text(unit, auth->de32),
                                          .de42 = ledger_unit_text(unit, auth->de42),
                                          .since = since};
    return get(unit, LEDGER_ROW(AUTH_SEEN), &by);
}

size_t ledger_get_displays_since(struct ledger_unit *unit, const char *card_id, int64_t since)
{
    const struct ledger_since by = {.card_id = ledger_unit_text(unit, card_id), .since = since};
    return get(unit, LEDGER_ROW(ISSUANCE_COUNT), &by);
}

size_t ledger_get_issuance(struct ledger_unit *unit, const struct ledger_issuance *issuance)
{
    return get(unit, LEDGER_ROW(ISSUANCE_FIND), issuance);
}

/* ---- answers ---- */

size_t ledger_found(const struct ledger_unit *unit, size_t at)
{
    return at < unit->batch.count && unit->batch.err == ERR_OK ? unit->op[at].rows.count : 0;
}

/* `out` is what the row of the operation gives. */
static bool take_row(struct ledger_unit *unit, size_t at, size_t row, void *out)
{
    if (row >= ledger_found(unit, at) || unit->err != ERR_OK)
        return false;
    unit->err = store_op_read(&unit->op[at], row, out);
    return unit->err == ERR_OK;
}

bool ledger_take_card(struct ledger_unit *unit, size_t at, struct ledger_full_card *out)
{
    return take_row(unit, at, 0, out);
}

bool ledger_take_product(struct ledger_unit *unit, size_t at, struct ledger_product *out)
{
    return take_row(unit, at, 0, out);
}

bool ledger_take_account(struct ledger_unit *unit, size_t at, struct ledger_account *out)
{
    return take_row(unit, at, 0, out);
}

bool ledger_take_auth(struct ledger_unit *unit, size_t at, struct ledger_auth *out)
{
    return take_row(unit, at, 0, out);
}

bool ledger_take_idem(struct ledger_unit *unit, size_t at, struct ledger_idem *out)
{
    return take_row(unit, at, 0, out);
}

bool ledger_take_original(struct ledger_unit *unit, size_t at, struct ledger_original *out)
{
    return take_row(unit, at, 0, out);
}

bool ledger_take_client(struct ledger_unit *unit, size_t at, struct ledger_client *out)
{
    return take_row(unit, at, 0, out);
}

bool ledger_take_product_of(struct ledger_unit *unit, size_t at, size_t row, struct ledger_product *out)
{
    return take_row(unit, at, row, out);
}

bool ledger_take_client_key(struct ledger_unit *unit, size_t at, size_t row, struct ledger_client_key *out)
{
    return take_row(unit, at, row, out);
}

int64_t ledger_take_displays(struct ledger_unit *unit, size_t at, int64_t *first_at)
{
    struct ledger_displays found = {0};
    (void)take_row(unit, at, 0, &found); /* none: 0 */
    *first_at = found.first_at;
    return found.displays;
}

bool ledger_take_issuance(struct ledger_unit *unit, size_t at, int64_t *issue_n)
{
    struct ledger_issuance found;
    if (!take_row(unit, at, 0, &found))
        return false;
    *issue_n = found.issue_n;
    return true;
}
