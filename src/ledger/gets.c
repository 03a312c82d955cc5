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

static size_t get_by_issuer(struct ledger_unit *unit, const struct store_row *row, const char *issuer_id, const char *id)
{
    const struct ledger_by_issuer by = {.id = ledger_unit_text(unit, id), .issuer_id = ledger_unit_text(unit, issuer_id)};
    return get(unit, row, &by);
}

size_t ledger_get_card_by_pan(struct ledger_unit *unit, const char *issuer_id, const uint8_t mac[static LEDGER_MAC_LEN])
{
    struct ledger_by_pan by = {.issuer_id = ledger_unit_text(unit, issuer_id)};
    memcpy(by.pan_mac, mac, sizeof by.pan_mac);
    return get(unit, LEDGER_ROW(CARD_BY_PAN), &by);
}

size_t ledger_get_card_by_reference(struct ledger_unit *unit, const char *issuer_id, const char *reference)
{
    return get_by_issuer(unit, LEDGER_ROW(CARD_BY_REFERENCE), issuer_id, reference);
}

size_t ledger_get_card_of_client(struct ledger_unit *unit, const uint8_t hash[static 32], const char *reference)
{
    struct ledger_by_client by = {.reference = ledger_unit_text(unit, reference)};
    memcpy(by.api_key_hash, hash, sizeof by.api_key_hash);
    return get(unit, LEDGER_ROW(CARD_OF_CLIENT), &by);
}

size_t ledger_get_card(struct ledger_unit *unit, const char *card_id)
{
    return get_by_id(unit, LEDGER_ROW(CARD_BY_ID), card_id);
}

size_t ledger_get_product(struct ledger_unit *unit, const char *issuer_id, const char *product_id)
{
    return get_by_issuer(unit, LEDGER_ROW(PRODUCT_GET), issuer_id, product_id);
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

size_t ledger_get_message(struct ledger_unit *unit, const struct ledger_message_id *id)
{
    const struct ledger_key key = ledger_unit_key(unit, id);
    const struct ledger_by_key by = {
        .message = ledger_unit_message(unit, id), .original_key = key.whole, .from_key = key.from, .to_key = key.to};
    return get(unit, LEDGER_ROW(IDEM_FIND), &by);
}

size_t ledger_get_originals(struct ledger_unit *unit, const struct ledger_original_of *of)
{
    struct ledger_by_original by = {.original_key = ledger_unit_key(unit, of->id).whole,
                                    .mti_class = ledger_unit_text(unit, of->id->mti_class),
                                    .de7 = ledger_unit_text(unit, of->id->de7),
                                    .de11 = ledger_unit_text(unit, of->id->de11),
                                    .de37 = ledger_unit_text(unit, of->de37),
                                    .de38 = ledger_unit_text(unit, of->de38),
                                    .de41 = ledger_unit_text(unit, of->de41),
                                    .since = of->since};
    memcpy(by.pan_mac, of->id->pan_mac, sizeof by.pan_mac);
    return get(unit, of->complete ? LEDGER_ROW(ORIGINAL_FIND) : LEDGER_ROW(ORIGINAL_SEARCH), &by);
}

size_t ledger_get_seen(struct ledger_unit *unit, const struct ledger_auth *auth, int64_t since)
{
    struct ledger_by_merchant by = {
        .de32 = ledger_unit_text(unit, auth->de32), .de42 = ledger_unit_text(unit, auth->de42), .since = since};
    memcpy(by.pan_mac, auth->pan_mac.at, sizeof by.pan_mac);
    return get(unit, LEDGER_ROW(AUTH_SEEN), &by);
}

size_t ledger_get_holds_due(struct ledger_unit *unit, int64_t now)
{
    return get(unit, LEDGER_ROW(HOLDS_DUE), &(struct ledger_before){.before = now});
}

size_t ledger_get_displays_since(struct ledger_unit *unit, const uint8_t hash[static 32], const char *reference, int64_t since)
{
    struct ledger_since by = {.reference = ledger_unit_text(unit, reference), .since = since};
    memcpy(by.api_key_hash, hash, sizeof by.api_key_hash);
    return get(unit, LEDGER_ROW(ISSUANCE_COUNT), &by);
}

size_t ledger_get_issuance(struct ledger_unit *unit, const struct ledger_issuance *issuance)
{
    return get(unit, LEDGER_ROW(ISSUANCE_FIND), issuance);
}

/* A BIN stands in the row of a card; more of a number than that is not told. */
size_t ledger_get_ranges_near(struct ledger_unit *unit, const char *issuer_id, struct span pan)
{
    struct ledger_range by;
    bool bin = ledger_range_parse(span_slice(pan, 0, 8), &by) == ERR_OK;
    if (!bin)
        by = (struct ledger_range){.low = 1}; /* of nothing */
    memset(by.issuer_id, 0, sizeof by.issuer_id);
    memcpy(by.issuer_id, issuer_id, strnlen(issuer_id, sizeof by.issuer_id - 1));
    return get(unit, LEDGER_ROW(ISSUER_RANGES_NEAR), &by);
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

bool ledger_take_range(struct ledger_unit *unit, size_t at, size_t row, struct ledger_range *out)
{
    return take_row(unit, at, row, out);
}

bool ledger_take_account(struct ledger_unit *unit, size_t at, struct ledger_account *out)
{
    return take_row(unit, at, 0, out);
}

bool ledger_take_auth(struct ledger_unit *unit, size_t at, struct ledger_auth *out)
{
    return take_row(unit, at, 0, out);
}

/* A reversal of nothing leaves nothing to reverse. */
static bool undone(const struct ledger_known *known)
{
    return known->reversed_at != 0 && known->reversed_amount >= known->amount;
}

bool ledger_take_message(struct ledger_unit *unit, size_t at, struct ledger_message *out)
{
    *out = (struct ledger_message){0};
    for (size_t row = 0; row < ledger_found(unit, at); row++) {
        struct ledger_known known;
        if (!take_row(unit, at, row, &known))
            return false;
        if (known.own) {
            out->stored = true;
            out->idem = known.idem;
            out->reversed = undone(&known);
        }
        if (!known.same)
            continue;
        out->tombstone = out->tombstone || known.idem.auth_id[0] == 0;
        out->sibling = known.idem.sibling >= out->sibling ? known.idem.sibling + 1 : out->sibling;
    }
    return unit->err == ERR_OK;
}

bool ledger_take_original(struct ledger_unit *unit, size_t at, size_t row, struct ledger_original *out)
{
    return take_row(unit, at, row, out);
}

bool ledger_take_client(struct ledger_unit *unit, size_t at, struct ledger_client *out)
{
    return take_row(unit, at, 0, out);
}

bool ledger_take_product_of(struct ledger_unit *unit, size_t at, size_t row, struct ledger_product *out)
{
    return take_row(unit, at, row, out);
}

bool ledger_take_hold(struct ledger_unit *unit, size_t at, size_t row, struct ledger_hold *out)
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
