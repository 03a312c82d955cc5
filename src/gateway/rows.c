/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/rows.h"

#define M(kind_, name_) STORE_MEMBER(kind_, ROW, #name_, name_)
#define SHAPE(name_) const struct store_shape gateway_shape_##name_ = STORE_SHAPE(ROW, name_##_member)

/* clang-format off */
#define ROW struct gateway_record_row
static const struct store_member record_member[] = {
    M(SPAN, record_id), M(SPAN, tenant), M(SPAN, merchant_id), M(SPAN, terminal_id), M(SPAN, kind), M(INT, amount),
    M(SPAN, currency), M(SPAN, brand), M(SPAN, bin6), M(SPAN, last4), M(BLOB, pan_fingerprint), M(SPAN, entry),
    M(SPAN, initiator), M(SPAN, cvv_presence), M(SPAN, network), M(SPAN, cvv_raw), M(SPAN, cvv_canonical), M(CHAR, avs_raw),
    M(SPAN, de39), M(SPAN, approval_code), M(SPAN, rrn), M(SPAN, stan), M(SPAN, de7), M(SPAN, state), M(SPAN, outcome),
    M(SPAN, rejection_reason), M(SPAN, trace), M(SPAN, reversal_state), M(SPAN, face), M(SPAN, request_id), M(INT, created_at),
    M(BLOB, pan_enc),
};
SHAPE(record);
#undef ROW

#define ROW struct gateway_claim_row
static const struct store_member claim_member[] = {
    M(SPAN, tenant), M(SPAN, face), M(SPAN, request_id), M(BLOB, fingerprint), M(SPAN, record_id), M(SPAN, node),
    M(INT, created_at), M(INT, answer_status), M(INT, signed_at), M(INT, target),
};
SHAPE(claim);
#undef ROW

#define ROW struct gateway_answer_row
static const struct store_member answer_member[] = {
    M(SPAN, answer_id), M(INT, told_at), M(SPAN, body),
};
SHAPE(answer);
#undef ROW

#define ROW struct gateway_claimed
static const struct store_member claimed_member[] = {
    M(BLOB, fingerprint), M(SPAN, record_id), M(INT, answer_status), M(INT, signed_at), M(INT, target), M(SPAN, body),
};
SHAPE(claimed);
#undef ROW

#define ROW struct gateway_reversal_row
static const struct store_member reversal_member[] = {
    M(SPAN, reversal_id), M(SPAN, node), M(SPAN, link_id), M(SPAN, record_id), M(BLOB, message_enc), M(INT, created_at),
    M(INT, next_try_at), M(INT, tries), M(SPAN, state),
};
SHAPE(reversal);
#undef ROW

#define ROW struct gateway_merchant_row
static const struct store_member merchant_member[] = {
    M(SPAN, merchant_id), M(SPAN, tenant), M(SPAN, name), M(SPAN, mcc), M(SPAN, currency), M(BOOL, sandbox), M(SPAN, prefer),
    M(SPAN, address), M(SPAN, city), M(SPAN, state), M(SPAN, postal_code), M(SPAN, country), M(SPAN, status), M(INT, created_at),
};
SHAPE(merchant);
#undef ROW

#define ROW struct gateway_terminal_row
static const struct store_member terminal_member[] = {
    M(SPAN, merchant_id), M(SPAN, terminal_id),
};
SHAPE(terminal);
#undef ROW

#define ROW struct gateway_merchant_key_row
static const struct store_member merchant_key_member[] = {
    M(SPAN, api_key), M(SPAN, merchant_id), M(BLOB, secret_enc), M(BOOL, legacy_mac), M(SPAN, status), M(INT, created_at),
};
SHAPE(merchant_key);
#undef ROW

#define ROW struct gateway_encryption_key_row
static const struct store_member encryption_key_member[] = {
    M(SPAN, key_id), M(SPAN, merchant_id), M(BLOB, private_enc), M(INT, created_at), M(INT, expires_at), M(SPAN, state),
};
SHAPE(encryption_key);
#undef ROW

#define ROW struct gateway_reversal_move
static const struct store_member reversal_move_member[] = {
    M(SPAN, reversal_id), M(INT, before_tries), M(INT, tries), M(INT, next_try_at), M(SPAN, state),
};
SHAPE(reversal_move);
#undef ROW

#define ROW struct gateway_reversal_due
static const struct store_member reversal_due_member[] = {
    M(SPAN, node), M(INT, now), M(INT, most),
};
SHAPE(reversal_due);
#undef ROW

#define ROW struct gateway_sweep
static const struct store_member sweep_member[] = {
    M(SPAN, node), M(INT, before), M(INT, now), M(INT, claims_before), M(INT, released_before),
};
SHAPE(sweep);
#undef ROW

#define ROW struct gateway_by_state
static const struct store_member by_state_member[] = {
    M(SPAN, state),
};
SHAPE(by_state);
#undef ROW

#define ROW struct gateway_keys_live
static const struct store_member keys_live_member[] = {
    M(INT, counted), M(INT, soonest),
};
SHAPE(keys_live);
#undef ROW

#define ROW struct gateway_counted
static const struct store_member counted_member[] = {
    M(INT, counted),
};
SHAPE(counted);
#undef ROW
/* clang-format on */
