/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/shapes.h"

#include <string.h>

const char *const ledger_code_state_names[] = {"none", "active", "used", "expired", "exhausted", "cancelled", NULL};
const char *const ledger_hold_state_names[] = {"open", "reversed", "cleared", "lapsed", NULL};
static const char *const modes[] = {"static", "one_time", "time_window", NULL};
static const char *const static_policies[] = {"off", "allowed", "fallback_until_first_display", NULL};
static const char *const regenerates[] = {"replace", "refuse", "same_until_expiry", NULL};
static const char *const policies[] = {"rules", "decline", NULL};
static const char *const standins[] = {"decline", "approve_without_code", NULL};
static const char *const card_states[] = {"active", "suspended", "closed", NULL};
static const char *const locks[] = {"none", "soft", "hard", NULL};
static const char *const issuance_kinds[] = {"display", "batch", "regenerate_same", NULL};
static const char *const key_uses[] = {"sig", "enc", NULL};

#define SIZE(member_) sizeof(((ROW *)0)->member_)
#define AT(member_) (uint16_t) offsetof(ROW, member_)
#define INT(member_)                                                  \
    {                                                                 \
#member_, LEDGER_COLUMN_INT, AT(member_), SIZE(member_), NULL \
    }
#define BOOL(member_)                                                  \
    {                                                                  \
#member_, LEDGER_COLUMN_BOOL, AT(member_), SIZE(member_), NULL \
    }
#define TEXT(member_)                                                  \
    {                                                                  \
#member_, LEDGER_COLUMN_TEXT, AT(member_), SIZE(member_), NULL \
    }
#define BYTES(member_)                                                     \
    {                                                                      \
#member_, LEDGER_COLUMN_BYTES, AT(member_), SIZE(member_.at), NULL \
    }
#define ENUM(member_, names_)                                            \
    {                                                                    \
#member_, LEDGER_COLUMN_ENUM, AT(member_), SIZE(member_), names_ \
    }
#define SHAPE(name_) \
    const struct ledger_shape ledger_shape_##name_ = {name_##_column, sizeof name_##_column / sizeof name_##_column[0], sizeof(ROW)}

/* clang-format off */
#define ROW struct ledger_product
static const struct ledger_column product_column[] = {
    TEXT(product_id), TEXT(issuer_id), INT(version), ENUM(mode, modes), TEXT(network), INT(expiry_delay_s), INT(tries), INT(twu_h),
    BOOL(accept_previous_window), BOOL(window_single_use), BOOL(window_requires_display), INT(window_tries),
    ENUM(static_policy, static_policies), ENUM(regenerate, regenerates), BOOL(count_other_declines), INT(deferred_max_reuse),
    INT(deferred_window_s), TEXT(deferred_mcc_group), INT(deferred_slots), TEXT(plan), BOOL(plan_parallel), BOOL(smart_order),
    INT(smart_order_s), BOOL(diag_step), ENUM(absent_policy, policies), ENUM(malformed_policy, policies), ENUM(standin, standins),
    INT(standin_limit), INT(batch_max), INT(notify_batch), INT(display_rate_per_h), TEXT(cvk_ref), TEXT(mk_ref),
    TEXT(key_derivation), TEXT(service_code_dyn),
};
SHAPE(product);
static const struct ledger_column product_brief_column[] = {TEXT(product_id), ENUM(mode, modes), TEXT(network), INT(version)};
SHAPE(product_brief);
#undef ROW

#define ROW struct ledger_card
static const struct ledger_column card_column[] = {
    TEXT(card_id), TEXT(issuer_id), TEXT(product_id), TEXT(account_id), BYTES(pan_enc), BYTES(pan_mac), TEXT(pan_last4), TEXT(bin8),
    TEXT(expiry), TEXT(alt_expiry), INT(alt_until), TEXT(psn), TEXT(holder_name), ENUM(status, card_states), BOOL(enrolled),
    INT(created_at), INT(updated_at), INT(version),
};
SHAPE(card);
static const struct ledger_column card_change_column[] = {
    TEXT(card_id), INT(version), TEXT(product_id), TEXT(account_id), TEXT(expiry), TEXT(alt_expiry), INT(alt_until),
    TEXT(holder_name), ENUM(status, card_states), BOOL(enrolled), INT(updated_at),
};
SHAPE(card_change);
#undef ROW

#define ROW struct ledger_code
static const struct ledger_column code_column[] = {
    TEXT(card_id), INT(version), INT(issue_n), ENUM(state, ledger_code_state_names), INT(issued_at), INT(expires_at), INT(declines),
    INT(used_at), TEXT(used_by), INT(first_display_at), INT(last_display_at), INT(win_idx), BYTES(deferred), BYTES(g_fail_ts),
    INT(g_consec), ENUM(g_lock, locks), INT(g_lock_since), INT(g_unlock_at), TEXT(g_unlock_by), BYTES(g_last_merchants),
};
SHAPE(code);
/* card_id and version come first, from the row as it was read; here they are those of the new values. */
static const struct ledger_column code_change_column[] = {
    ENUM(state, ledger_code_state_names), INT(declines), INT(used_at), TEXT(used_by), INT(win_idx), BYTES(deferred),
    BYTES(g_fail_ts), INT(g_consec), ENUM(g_lock, locks), INT(g_lock_since), INT(g_unlock_at), TEXT(g_unlock_by),
    BYTES(g_last_merchants),
};
SHAPE(code_change);
#undef ROW

#define ROW struct ledger_account
static const struct ledger_column account_column[] = {
    TEXT(account_id), TEXT(currency), INT(balance), INT(held), INT(limit_txn), INT(limit_day), INT(limit_count), INT(day),
    INT(day_amount), INT(day_count), INT(version),
};
SHAPE(account);
static const struct ledger_column account_change_column[] = {
    TEXT(account_id), INT(version), INT(balance), INT(held), INT(day), INT(day_amount), INT(day_count),
};
SHAPE(account_change);
#undef ROW

#define ROW struct ledger_auth
static const struct ledger_column auth_column[] = {
    TEXT(auth_id), TEXT(link_id), TEXT(mti_class), TEXT(de7), TEXT(de11), TEXT(de32), TEXT(de37), TEXT(de41), TEXT(de42),
    TEXT(card_id), TEXT(bin8), BYTES(pan_mac), INT(amount), TEXT(currency), TEXT(de3), TEXT(mcc), TEXT(de22), TEXT(de25),
    INT(received_at), INT(decided_at), INT(outcome), TEXT(steps), TEXT(ref), TEXT(result), TEXT(de39), TEXT(de38), TEXT(ctm_reason),
    INT(reversed_amount), INT(reversed_at), BOOL(locked), BOOL(suspect_merchant),
};
SHAPE(auth);
#undef ROW

#define ROW struct ledger_idem
static const struct ledger_column idem_column[] = {BYTES(fingerprint), BYTES(answer), TEXT(auth_id), INT(created_at)};
SHAPE(idem);
#undef ROW

#define ROW struct ledger_hold
static const struct ledger_column hold_column[] = {
    TEXT(auth_id), TEXT(account_id), INT(amount), ENUM(state, ledger_hold_state_names), INT(until),
};
SHAPE(hold);
#undef ROW

#define ROW struct ledger_issuance
static const struct ledger_column issuance_column[] = {
    TEXT(card_id), INT(at), TEXT(issuance_id), ENUM(kind, issuance_kinds), INT(issue_n), INT(windows), TEXT(requested_by),
    TEXT(correlation_id),
};
SHAPE(issuance);
#undef ROW

#define ROW struct ledger_client
static const struct ledger_column client_column[] = {
    TEXT(client_id), TEXT(issuer_id), TEXT(kind), TEXT(status), TEXT(roles), TEXT(mtls_fingerprint), BYTES(api_key_hash),
};
SHAPE(client);
#undef ROW

#define ROW struct ledger_client_key
static const struct ledger_column client_key_column[] = {
    TEXT(client_id), TEXT(kid), ENUM(use, key_uses), TEXT(jwk), INT(not_before), INT(not_after), INT(revoked_at),
};
SHAPE(client_key);
#undef ROW

#define ROW struct ledger_outbox
static const struct ledger_column outbox_column[] = {
    TEXT(outbox_id), TEXT(kind), TEXT(target), TEXT(body), INT(created_at), INT(next_try_at), INT(tries), TEXT(state),
    TEXT(lease_owner), TEXT(last_error), INT(lease_until),
};
SHAPE(outbox);
#undef ROW
/* clang-format on */

/* What every LEDGER_BYTES begins with. */
struct bytes {
    uint16_t len;
    uint8_t at[];
};

static enum err read_enum(const struct ledger_column *column, struct span text, uint8_t *member)
{
    for (unsigned i = 0; column->names[i]; i++) {
        if (!span_is(text, column->names[i]))
            continue;
        memcpy(member, &i, sizeof i);
        return ERR_OK;
    }
    return ERR_INTERNAL;
}

static enum err read_text(const struct ledger_column *column, struct span text, uint8_t *member)
{
    if (text.len >= column->size || memchr(text.at, 0, text.len))
        return ERR_INTERNAL;
    memcpy(member, text.at, text.len);
    return ERR_OK;
}

static enum err read_bytes(const struct ledger_column *column, struct span bytes, uint8_t *member)
{
    if (bytes.len > column->size)
        return ERR_INTERNAL;
    uint16_t len = (uint16_t)bytes.len;
    memcpy(member, &len, sizeof len);
    memcpy(member + offsetof(struct bytes, at), bytes.at, len);
    return ERR_OK;
}

static enum err read_value(const struct ledger_column *column, const struct store_value *value, uint8_t *member)
{
    if (value->kind == STORE_NULL)
        return ERR_OK;
    struct span s = span_of(value->at, value->len);
    switch (column->kind) {
    case LEDGER_COLUMN_INT:
        memcpy(member, &value->integer, sizeof value->integer);
        return ERR_OK;
    case LEDGER_COLUMN_BOOL:
        *member = value->integer != 0;
        return ERR_OK;
    case LEDGER_COLUMN_TEXT:
        return read_text(column, s, member);
    case LEDGER_COLUMN_BYTES:
        return read_bytes(column, s, member);
    case LEDGER_COLUMN_ENUM:
        return read_enum(column, s, member);
    }
    return ERR_INTERNAL;
}

enum err ledger_shape_read(const struct ledger_shape *shape, const struct store_rows *rows, size_t row, size_t first, void *out)
{
    memset(out, 0, shape->size);
    for (size_t i = 0; i < shape->count; i++) {
        struct store_value value = store_cell(rows, row, first + i);
        TRY(read_value(&shape->column[i], &value, (uint8_t *)out + shape->column[i].offset));
    }
    return ERR_OK;
}

static struct store_value write_bytes(const uint8_t *member)
{
    uint16_t len;
    memcpy(&len, member, sizeof len);
    return store_bytes(member + offsetof(struct bytes, at), len);
}

static struct store_value write_value(const struct ledger_column *column, const uint8_t *member)
{
    int64_t integer = 0;
    unsigned index = 0;
    switch (column->kind) {
    case LEDGER_COLUMN_INT:
        memcpy(&integer, member, sizeof integer);
        return store_int(integer);
    case LEDGER_COLUMN_BOOL:
        return store_int(*member != 0);
    case LEDGER_COLUMN_TEXT:
        return store_text((const char *)member);
    case LEDGER_COLUMN_BYTES:
        return write_bytes(member);
    case LEDGER_COLUMN_ENUM:
        memcpy(&index, member, sizeof index);
        return store_text(column->names[index]);
    }
    return store_int(0);
}

void ledger_shape_write(const struct ledger_shape *shape, const void *in, struct store_value *out)
{
    for (size_t i = 0; i < shape->count; i++)
        out[i] = write_value(&shape->column[i], (const uint8_t *)in + shape->column[i].offset);
}
