/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the statements of the ledger take and give: shapes over the rows of ledger/rows.h, and small structs where a statement needs
 * something else, such as what was read before. Inside the ledger only.
 */
#ifndef LEDGER_SHAPES_H
#define LEDGER_SHAPES_H

#include "ledger/issuers.h"
#include "ledger/rows.h"
#include "store/shape.h"

/* ---- what is written, with what was read before ---- */

struct ledger_code_put {
    int64_t before_version;
    int64_t before_issue_n;
    struct ledger_code after;
};
struct ledger_idem_put {
    struct span original_key, message;
    struct ledger_idem idem;
};
struct ledger_auth_reverse {
    const char *auth_id;
    int64_t before_amount; /* the sum reversed before */
    int64_t reversed_amount;
    int64_t reversed_at;
};
struct ledger_hold_release {
    const char *auth_id;
    int64_t before_amount;
    int64_t amount; /* what is left */
    enum ledger_hold_state state;
};
struct ledger_hold_lapse {
    const char *auth_id, *account_id;
    int64_t amount, lapsed_at;
};
struct ledger_before {
    int64_t before;
};
struct ledger_key_revoke {
    const char *client_id, *kid;
    int64_t revoked_at;
};

/* ---- what is looked for ---- */

struct ledger_by_id {
    const char *id;
};
struct ledger_by_issuer {
    const char *id, *issuer_id;
};
struct ledger_by_client {
    uint8_t api_key_hash[LEDGER_MAC_LEN];
    const char *reference;
};
struct ledger_by_pan {
    uint8_t pan_mac[LEDGER_MAC_LEN];
    const char *issuer_id;
};
struct ledger_by_hash {
    uint8_t hash[LEDGER_MAC_LEN];
};
struct ledger_by_key {
    struct span message, original_key, from_key, to_key;
};
struct ledger_by_original {
    struct span original_key;
    uint8_t pan_mac[LEDGER_MAC_LEN];
    const char *mti_class, *de7, *de11, *de37, *de38, *de41;
    int64_t since;
};
struct ledger_since {
    uint8_t api_key_hash[LEDGER_MAC_LEN];
    const char *reference;
    int64_t since;
};
struct ledger_by_merchant {
    uint8_t pan_mac[LEDGER_MAC_LEN];
    const char *de32, *de42;
    int64_t since;
};

/* ---- results that are no row of a table; a span points to the result ---- */

struct ledger_product_version {
    struct span product_id, issuer_id;
    int64_t version;
};
enum { LEDGER_REGISTER_ID = 1 };
struct ledger_register {
    int64_t register_id; /* the one row */
    int64_t version;
};
struct ledger_known {
    bool own;  /* the message's own row */
    bool same; /* of the same original, card included */
    struct ledger_idem idem;
    int64_t amount, reversed_amount, reversed_at; /* of its authorisation */
};
struct ledger_auth_id {
    struct span auth_id;
};
struct ledger_displays {
    int64_t displays;
    int64_t first_at;
};
struct ledger_approvals {
    struct span card_id, ref;
    int64_t approvals;
};

extern const struct store_shape ledger_shape_product, ledger_shape_product_brief, ledger_shape_product_version, ledger_shape_card,
    ledger_shape_full_card, ledger_shape_account, ledger_shape_auth, ledger_shape_original, ledger_shape_hold,
    ledger_shape_issuance, ledger_shape_issue_n, ledger_shape_client, ledger_shape_client_key, ledger_shape_outbox,
    ledger_shape_idem, ledger_shape_code_put, ledger_shape_idem_put, ledger_shape_auth_reverse, ledger_shape_hold_release,
    ledger_shape_before, ledger_shape_hold_lapse, ledger_shape_known, ledger_shape_by_original, ledger_shape_key_revoke,
    ledger_shape_by_id, ledger_shape_by_hash, ledger_shape_by_key, ledger_shape_since, ledger_shape_by_merchant,
    ledger_shape_auth_id, ledger_shape_displays, ledger_shape_approvals, ledger_shape_by_issuer, ledger_shape_by_pan,
    ledger_shape_by_client, ledger_shape_register, ledger_shape_issuer, ledger_shape_range;

extern const char *const ledger_code_state_names[];
extern const char *const ledger_hold_state_names[];

#endif
