/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/shapes.h"

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

/* ---- the columns: M(kind, name), E(name, texts); the member has the column's name ---- */

/* clang-format off */
#define PRODUCT(M, E) \
    M(TEXT, product_id) M(TEXT, issuer_id) M(INT, version) E(mode, modes) M(TEXT, network) M(INT, expiry_delay_s) M(INT, tries) \
    M(INT, twu_h) M(BOOL, accept_previous_window) M(BOOL, window_single_use) M(BOOL, window_requires_display) \
    M(INT, window_tries) E(static_policy, static_policies) E(regenerate, regenerates) M(BOOL, count_other_declines) \
    M(INT, deferred_max_reuse) M(INT, deferred_window_s) M(TEXT, deferred_mcc_group) M(INT, deferred_slots) M(TEXT, plan) \
    M(BOOL, plan_parallel) M(BOOL, smart_order) M(INT, smart_order_s) M(BOOL, diag_step) E(absent_policy, policies) \
    E(malformed_policy, policies) E(standin, standins) M(INT, standin_limit) M(INT, batch_max) M(INT, notify_batch) \
    M(INT, display_rate_per_h) M(TEXT, cvk_ref) M(TEXT, mk_ref) M(TEXT, key_derivation) M(TEXT, service_code_dyn)
#define CARD(M, E) \
    M(TEXT, card_id) M(TEXT, issuer_id) M(TEXT, reference) M(TEXT, product_id) M(TEXT, account_id) M(BYTES, pan_enc) \
    M(BYTES, pan_mac) M(TEXT, pan_last4) M(TEXT, bin8) M(TEXT, expiry) M(TEXT, alt_expiry) M(INT, alt_until) M(TEXT, psn) \
    M(TEXT, holder_name) E(status, card_states) M(BOOL, enrolled) M(INT, created_at) M(INT, updated_at) M(INT, version)
#define CODE(M, E) \
    M(TEXT, card_id) M(INT, version) M(INT, issue_n) E(state, ledger_code_state_names) M(INT, issued_at) M(INT, expires_at) \
    M(INT, declines) M(INT, used_at) M(TEXT, used_by) M(INT, first_display_at) M(INT, last_display_at) M(INT, win_idx) \
    M(BYTES, deferred) M(BYTES, g_fail_ts) M(INT, g_consec) E(g_lock, locks) M(INT, g_lock_since) M(INT, g_unlock_at) \
    M(TEXT, g_unlock_by) M(BYTES, g_last_merchants) M(BYTES, g_day) M(BYTES, g_dates)
#define ACCOUNT(M, E) \
    M(TEXT, account_id) M(TEXT, currency) M(INT, balance) M(INT, held) M(INT, limit_txn) M(INT, limit_day) M(INT, limit_count) \
    M(INT, day) M(INT, day_amount) M(INT, day_count) M(INT, version) M(TEXT, last_auth_id)
#define AUTH(M, E) \
    M(TEXT, auth_id) M(TEXT, link_id) M(TEXT, mti_class) M(TEXT, de7) M(TEXT, de11) M(TEXT, de32) M(TEXT, de37) M(TEXT, de41) \
    M(TEXT, de42) M(TEXT, card_id) M(TEXT, bin8) M(BYTES, pan_mac) M(INT, amount) M(TEXT, currency) M(TEXT, de3) M(TEXT, mcc) \
    M(TEXT, de22) M(TEXT, de25) M(INT, received_at) M(INT, decided_at) M(INT, outcome) M(TEXT, steps) M(TEXT, ref) \
    M(TEXT, result) M(TEXT, de39) M(TEXT, de38) M(TEXT, ctm_reason) M(INT, reversed_amount) M(INT, reversed_at) \
    M(INT, lapsed_at) M(BOOL, locked) M(BOOL, suspect_merchant) M(TEXT, previous_auth_id)
#define IDEM(M, E) \
    M(BYTES, fingerprint) M(BYTES, answer) M(TEXT, auth_id) M(INT, created_at) M(INT, sibling)
#define HOLD(M, E) \
    M(TEXT, auth_id) M(TEXT, account_id) M(INT, amount) E(state, ledger_hold_state_names) M(INT, until)
#define ISSUANCE(M, E) \
    M(TEXT, card_id) M(INT, at) M(TEXT, issuance_id) E(kind, issuance_kinds) M(INT, issue_n) M(INT, windows) \
    M(TEXT, requested_by) M(TEXT, correlation_id)
#define CLIENT(M, E) \
    M(TEXT, client_id) M(TEXT, issuer_id) M(TEXT, kind) M(TEXT, status) M(TEXT, roles) M(TEXT, mtls_fingerprint) \
    M(BYTES, api_key_hash)
#define OUTBOX(M, E) \
    M(TEXT, outbox_id) M(TEXT, kind) M(TEXT, target) M(TEXT, body) M(INT, created_at) M(INT, next_try_at) M(INT, tries) \
    M(TEXT, state) M(TEXT, lease_owner) M(TEXT, last_error) M(INT, lease_until)

/* ---- shapes ---- */

#define SHAPE(name_, struct_) const struct store_shape ledger_shape_##name_ = STORE_SHAPE(struct_, name_##_member)
#define OWN(kind_, name_) STORE_MEMBER(kind_, ROW, #name_, name_),
#define OWN_ENUM(name_, texts_) STORE_MEMBER_OF(texts_, ROW, #name_, name_),

/* A row by itself. */
#define ROW struct ledger_product
static const struct store_member product_member[] = {PRODUCT(OWN, OWN_ENUM)};
SHAPE(product, ROW);
#undef ROW
#define ROW struct ledger_card
static const struct store_member card_member[] = {CARD(OWN, OWN_ENUM)};
SHAPE(card, ROW);
#undef ROW
#define ROW struct ledger_account
static const struct store_member account_member[] = {ACCOUNT(OWN, OWN_ENUM)};
SHAPE(account, ROW);
#undef ROW
#define ROW struct ledger_auth
static const struct store_member auth_member[] = {AUTH(OWN, OWN_ENUM)};
SHAPE(auth, ROW);
#undef ROW
#define ROW struct ledger_hold
static const struct store_member hold_member[] = {HOLD(OWN, OWN_ENUM)};
SHAPE(hold, ROW);
#undef ROW
#define ROW struct ledger_issuance
static const struct store_member issuance_member[] = {ISSUANCE(OWN, OWN_ENUM)};
SHAPE(issuance, ROW);
#undef ROW
#define ROW struct ledger_client
static const struct store_member client_member[] = {CLIENT(OWN, OWN_ENUM)};
SHAPE(client, ROW);
#undef ROW
#define ROW struct ledger_outbox
static const struct store_member outbox_member[] = {OUTBOX(OWN, OWN_ENUM)};
SHAPE(outbox, ROW);
#undef ROW
#define ROW struct ledger_idem
static const struct store_member idem_member[] = {IDEM(OWN, OWN_ENUM)};
SHAPE(idem, ROW);
#undef ROW

#define ROW struct ledger_product
static const struct store_member product_brief_member[] = {
    OWN(TEXT, product_id) OWN_ENUM(mode, modes) OWN(TEXT, network) OWN(INT, version)
};
SHAPE(product_brief, ROW);
#undef ROW

#define ROW struct ledger_product_version
static const struct store_member product_version_member[] = {
    OWN(SPAN, product_id) OWN(SPAN, issuer_id) OWN(INT, version)
};
SHAPE(product_version, ROW);
#undef ROW

#define ROW struct ledger_register
static const struct store_member register_member[] = {OWN(INT, register_id) OWN(INT, version)};
SHAPE(register, ROW);
#undef ROW
#define ROW struct ledger_issuer
static const struct store_member issuer_member[] = {OWN(TEXT, issuer_id) OWN(TEXT, timezone) OWN(INT, reversal_days)};
SHAPE(issuer, ROW);
#undef ROW
#define ROW struct ledger_range
static const struct store_member range_member[] = {OWN(TEXT, issuer_id) OWN(INT, low) OWN(INT, high) OWN(INT, lengths)};
SHAPE(range, ROW);
#undef ROW

#define ROW struct ledger_client_key
static const struct store_member client_key_member[] = {
    OWN(TEXT, client_id) OWN(TEXT, kid) STORE_MEMBER_OF(key_uses, ROW, "key_use", use), OWN(TEXT, jwk) OWN(INT, not_before)
    OWN(INT, not_after) OWN(INT, revoked_at)
};
SHAPE(client_key, ROW);
#undef ROW

/* Rows of several tables: their columns stand under the name that the table has in the statement. */
#define ROW struct ledger_full_card
#define CARD_PART(kind_, name_) STORE_MEMBER(kind_, ROW, "c." #name_, card.name_),
#define CARD_PART_ENUM(name_, texts_) STORE_MEMBER_OF(texts_, ROW, "c." #name_, card.name_),
#define CODE_PART(kind_, name_) STORE_MEMBER(kind_, ROW, "k." #name_, code.name_),
#define CODE_PART_ENUM(name_, texts_) STORE_MEMBER_OF(texts_, ROW, "k." #name_, code.name_),
#define ACCOUNT_PART(kind_, name_) STORE_MEMBER(kind_, ROW, "a." #name_, account.name_),
static const struct store_member full_card_member[] = {
    CARD(CARD_PART, CARD_PART_ENUM) CODE(CODE_PART, CODE_PART_ENUM) ACCOUNT(ACCOUNT_PART, )
    STORE_MEMBER(INT, ROW, "p.version", product_version)
};
SHAPE(full_card, ROW);
#undef ROW

#define ROW struct ledger_original
#define AUTH_PART(kind_, name_) STORE_MEMBER(kind_, ROW, "u." #name_, auth.name_),
#define HOLD_PART(kind_, name_) STORE_MEMBER(kind_, ROW, "h." #name_, hold.name_),
#define HOLD_PART_ENUM(name_, texts_) STORE_MEMBER_OF(texts_, ROW, "h." #name_, hold.name_),
static const struct store_member original_member[] = {
    AUTH(AUTH_PART, ) HOLD(HOLD_PART, HOLD_PART_ENUM) ACCOUNT(ACCOUNT_PART, )
};
SHAPE(original, ROW);
#undef ROW

/* Arguments: what is written, with what was read before. */
#define ROW struct ledger_code_put
#define AFTER(kind_, name_) STORE_MEMBER(kind_, ROW, #name_, after.name_),
#define AFTER_ENUM(name_, texts_) STORE_MEMBER_OF(texts_, ROW, #name_, after.name_),
static const struct store_member code_put_member[] = {
    OWN(INT, before_version) OWN(INT, before_issue_n) CODE(AFTER, AFTER_ENUM)
};
SHAPE(code_put, ROW);
#undef ROW

#define ROW struct ledger_idem_put
#define IDEM_PART(kind_, name_) STORE_MEMBER(kind_, ROW, #name_, idem.name_),
static const struct store_member idem_put_member[] = {OWN(BLOB, original_key) OWN(BLOB, message) IDEM(IDEM_PART, )};
SHAPE(idem_put, ROW);
#undef ROW

#define ROW struct ledger_auth_reverse
static const struct store_member auth_reverse_member[] = {
    OWN(STRING, auth_id) OWN(INT, before_amount) OWN(INT, reversed_amount) OWN(INT, reversed_at)
};
SHAPE(auth_reverse, ROW);
#undef ROW

#define ROW struct ledger_hold_release
static const struct store_member hold_release_member[] = {
    OWN(STRING, auth_id) OWN(INT, before_amount) OWN(INT, amount) OWN_ENUM(state, ledger_hold_state_names)
};
SHAPE(hold_release, ROW);
#undef ROW

#define ROW struct ledger_hold_lapse
static const struct store_member hold_lapse_member[] = {
    OWN(STRING, auth_id) OWN(STRING, account_id) OWN(INT, amount) OWN(INT, lapsed_at)
};
SHAPE(hold_lapse, ROW);
#undef ROW

#define ROW struct ledger_before
static const struct store_member before_member[] = {OWN(INT, before)};
SHAPE(before, ROW);
#undef ROW

#define ROW struct ledger_key_revoke
static const struct store_member key_revoke_member[] = {OWN(STRING, client_id) OWN(STRING, kid) OWN(INT, revoked_at)};
SHAPE(key_revoke, ROW);
#undef ROW

/* Arguments: what is looked for. */
#define ROW struct ledger_by_id
static const struct store_member by_id_member[] = {OWN(STRING, id)};
SHAPE(by_id, ROW);
#undef ROW

#define ROW struct ledger_by_issuer
static const struct store_member by_issuer_member[] = {OWN(STRING, id) OWN(STRING, issuer_id)};
SHAPE(by_issuer, ROW);
#undef ROW

#define ROW struct ledger_by_client
static const struct store_member by_client_member[] = {OWN(FIXED, api_key_hash) OWN(STRING, reference)};
SHAPE(by_client, ROW);
#undef ROW

#define ROW struct ledger_by_pan
static const struct store_member by_pan_member[] = {OWN(FIXED, pan_mac) OWN(STRING, issuer_id)};
SHAPE(by_pan, ROW);
#undef ROW

#define ROW struct ledger_by_hash
static const struct store_member by_hash_member[] = {OWN(FIXED, hash)};
SHAPE(by_hash, ROW);
#undef ROW

#define ROW struct ledger_by_key
static const struct store_member by_key_member[] = {
    OWN(BLOB, message) OWN(BLOB, original_key) OWN(BLOB, from_key) OWN(BLOB, to_key)
};
SHAPE(by_key, ROW);
#undef ROW

#define ROW struct ledger_by_original
static const struct store_member by_original_member[] = {
    OWN(BLOB, original_key) OWN(FIXED, pan_mac) OWN(STRING, mti_class) OWN(STRING, de7) OWN(STRING, de11) OWN(STRING, de37)
    OWN(STRING, de38) OWN(STRING, de41) OWN(INT, since)
};
SHAPE(by_original, ROW);
#undef ROW

#define ROW struct ledger_since
static const struct store_member since_member[] = {OWN(FIXED, api_key_hash) OWN(STRING, reference) OWN(INT, since)};
SHAPE(since, ROW);
#undef ROW

#define ROW struct ledger_by_merchant
static const struct store_member by_merchant_member[] = {OWN(FIXED, pan_mac) OWN(STRING, de32) OWN(STRING, de42) OWN(INT, since)};
SHAPE(by_merchant, ROW);
#undef ROW

/* Results that are no row of a table. */
#define ROW struct ledger_known
static const struct store_member known_member[] = {
    OWN(BOOL, own) OWN(BOOL, same) IDEM(IDEM_PART, ) OWN(INT, amount) OWN(INT, reversed_amount) OWN(INT, reversed_at)
};
SHAPE(known, ROW);
#undef ROW

#define ROW struct ledger_auth_id
static const struct store_member auth_id_member[] = {OWN(SPAN, auth_id)};
SHAPE(auth_id, ROW);
#undef ROW

#define ROW struct ledger_displays
static const struct store_member displays_member[] = {OWN(INT, displays) OWN(INT, first_at)};
SHAPE(displays, ROW);
#undef ROW

#define ROW struct ledger_issuance
static const struct store_member issue_n_member[] = {OWN(INT, issue_n)};
SHAPE(issue_n, ROW);
#undef ROW

#define ROW struct ledger_approvals
static const struct store_member approvals_member[] = {OWN(SPAN, card_id) OWN(SPAN, ref) OWN(INT, approvals)};
SHAPE(approvals, ROW);
#undef ROW
/* clang-format on */
