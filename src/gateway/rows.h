/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows of the gateway's tables, and what its statements take besides. Inside the room only.
 *
 * Ownership  Texts and bytes are spans: of what is written into memory of the caller's, which stays until the batch is done; of
 *            what was read into the batch's arena.
 */
#ifndef GATEWAY_ROWS_H
#define GATEWAY_ROWS_H

#include "store/shape.h"

struct gateway_record_row {
    struct span record_id, tenant, merchant_id, terminal_id, kind;
    int64_t amount;
    struct span currency, brand, bin6, last4;
    struct span pan_fingerprint; /* a keyed hash */
    struct span entry, initiator, cvv_presence, network;
    struct span cvv_raw; /* a control character as \xNN */
    struct span cvv_canonical;
    char avs_raw;
    struct span de39, approval_code, rrn, stan, de7, state, outcome, rejection_reason, trace, reversal_state, face, request_id;
    int64_t created_at;
    struct span pan_enc; /* sealed; empty when the payment is final */
};

struct gateway_claim_row {
    struct span tenant, face, request_id;
    struct span fingerprint;
    struct span record_id, node;
    int64_t created_at;
    int64_t answer_status; /* 0: still running; -1: it led to nothing */
    int64_t signed_at;     /* as the client says; 0: not signed */
    int64_t target;        /* keyed hash of method and path */
};

struct gateway_answer_row {
    struct span answer_id; /* the record's */
    int64_t told_at;
    struct span body;
};

struct gateway_reversal_row {
    struct span reversal_id, node, link_id, record_id;
    struct span message_enc; /* sealed */
    int64_t created_at, next_try_at, tries;
    struct span state;
};

struct gateway_merchant_row {
    struct span merchant_id, tenant, name, mcc, currency;
    bool sandbox;
    struct span prefer, address, city, state, postal_code, country, status;
    int64_t created_at;
};

struct gateway_terminal_row {
    struct span merchant_id, terminal_id;
};

struct gateway_merchant_key_row {
    struct span api_key, merchant_id;
    struct span secret_enc; /* sealed */
    bool legacy_mac;
    struct span status;
    int64_t created_at;
};

struct gateway_encryption_key_row {
    struct span key_id, merchant_id;
    struct span private_enc; /* sealed; empty when it was revoked */
    int64_t created_at, expires_at;
    struct span state;
};

/* ---- arguments and results that are no row ---- */

struct gateway_reversal_move {
    struct span reversal_id;
    int64_t before_tries; /* tries when it was read */
    int64_t tries, next_try_at;
    struct span state;
};

struct gateway_reversal_due {
    struct span node;
    int64_t now;
    int64_t most; /* so many of them */
};

/* What a repeat is compared with, and told. */
struct gateway_claimed {
    struct span fingerprint, record_id;
    int64_t answer_status, signed_at, target;
    struct span body;
};

struct gateway_sweep {
    struct span node;
    int64_t before; /* older ones are left over */
    int64_t now, claims_before, released_before;
};

struct gateway_by_state {
    struct span state;
};

/* Keys of a merchant that are in use, and when the first of them expires. */
struct gateway_keys_live {
    int64_t counted, soonest;
};

struct gateway_counted {
    int64_t counted;
};

extern const struct store_shape gateway_shape_record, gateway_shape_claim, gateway_shape_answer, gateway_shape_claimed,
    gateway_shape_reversal, gateway_shape_merchant, gateway_shape_terminal, gateway_shape_merchant_key,
    gateway_shape_encryption_key, gateway_shape_reversal_move, gateway_shape_reversal_due, gateway_shape_sweep,
    gateway_shape_by_state, gateway_shape_counted, gateway_shape_keys_live;

#endif
