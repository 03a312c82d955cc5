/* SPDX-License-Identifier: Apache-2.0 */
/* Statements over the tables of the ledger: issuer and switch. Columns and rules: store/statements.h. */
#ifndef LEDGER_STATEMENTS_H
#define LEDGER_STATEMENTS_H

/* clang-format off */
#define STORE_PRODUCT_COLUMNS                                                                                       \
    "product_id, issuer_id, version, mode, network, expiry_delay_s, tries, twu_h, accept_previous_window, "         \
    "window_single_use, window_requires_display, window_tries, static_policy, regenerate, count_other_declines, "   \
    "deferred_max_reuse, deferred_window_s, deferred_mcc_group, deferred_slots, plan, plan_parallel, smart_order, " \
    "smart_order_s, diag_step, absent_policy, malformed_policy, standin, standin_limit, batch_max, notify_batch, "  \
    "display_rate_per_h, cvk_ref, mk_ref, key_derivation, service_code_dyn"
#define STORE_PRODUCT_TYPES "ttittiiiiiiittiiititiiiitttiiiitttt"
#define STORE_PRODUCT_COUNT 35

#define STORE_CARD_COLUMNS                                                                                          \
    "c.card_id, c.issuer_id, c.product_id, c.account_id, c.pan_enc, c.pan_mac, c.pan_last4, c.bin8, c.expiry, "     \
    "c.alt_expiry, c.alt_until, c.psn, c.holder_name, c.status, c.enrolled, c.created_at, c.updated_at, c.version"
#define STORE_CARD_TYPES "ttttbbttttitttiiii"

#define STORE_CODE_COLUMNS                                                                                          \
    "k.card_id, k.version, k.issue_n, k.state, k.issued_at, k.expires_at, k.declines, k.used_at, k.used_by, "       \
    "k.first_display_at, k.last_display_at, k.win_idx, k.deferred, k.g_fail_ts, k.g_consec, k.g_lock, "             \
    "k.g_lock_since, k.g_unlock_at, k.g_unlock_by, k.g_last_merchants"
#define STORE_CODE_TYPES "tiitiiiitiiibbitiitb"

#define STORE_ACCOUNT_COLUMNS                                                                                       \
    "a.account_id, a.currency, a.balance, a.held, a.limit_txn, a.limit_day, a.limit_count, a.day, a.day_amount, "   \
    "a.day_count, a.version"
#define STORE_ACCOUNT_TYPES "ttiiiiiiiii"

#define STORE_FULL_CARD                                                                                             \
    "SELECT " STORE_CARD_COLUMNS ", " STORE_CODE_COLUMNS ", " STORE_ACCOUNT_COLUMNS                                 \
    " FROM card c JOIN card_code k ON k.card_id = c.card_id LEFT JOIN account a ON a.account_id = c.account_id"

#define STORE_AUTH_COLUMNS                                                                                          \
    "u.auth_id, u.link_id, u.mti_class, u.de7, u.de11, u.de32, u.de37, u.de41, u.de42, u.card_id, u.bin8, "         \
    "u.pan_mac, u.amount, u.currency, u.de3, u.mcc, u.de22, u.de25, u.received_at, u.decided_at, u.outcome, "       \
    "u.steps, u.ref, u.result, u.de39, u.de38, u.ctm_reason, u.reversed_amount, u.reversed_at, u.locked, "          \
    "u.suspect_merchant"
#define STORE_AUTH_TYPES "tttttttttttbitttttiiittttttiiii"

/* What an authorisation may change in card_code; consume and update differ in their guards alone. */
#define STORE_CODE_SET                                                                                              \
    "UPDATE card_code SET version = version + 1, state = $3, declines = $4, used_at = $5, used_by = $6, "           \
    "win_idx = $7, deferred = $8, g_fail_ts = $9, g_consec = $10, g_lock = $11, g_lock_since = $12, "               \
    "g_unlock_at = $13, g_unlock_by = $14, g_last_merchants = $15 WHERE card_id = $1 AND version = $2"
#define STORE_CODE_SET_TYPES "titiitibbitiitb"

#define STORE_STATEMENTS_LEDGER(X) \
    X(PRODUCT_VERSIONS, LEDGER, READ | STORE_ROW_SCAN, "", "ti", \
      "SELECT product_id, version FROM product", "what the product caches compare with") \
    X(PRODUCT_GET, LEDGER, READ, "t", STORE_PRODUCT_TYPES, \
      "SELECT " STORE_PRODUCT_COLUMNS " FROM product WHERE product_id = $1", "one product") \
    X(PRODUCTS_OF, LEDGER, READ | STORE_ROW_SCAN, "t", "ttti", \
      "SELECT product_id, mode, network, version FROM product WHERE issuer_id = $1 ORDER BY product_id", \
      "the products of an issuer, in short") \
    X(PRODUCT_INSERT, LEDGER, WRITE, STORE_PRODUCT_TYPES, "", \
      "INSERT INTO product (" STORE_PRODUCT_COLUMNS ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, " \
      "$16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35) " \
      "ON CONFLICT DO NOTHING", \
      "a new product; an existing one stays") \
    X(PRODUCT_UPDATE, LEDGER, WRITE, STORE_PRODUCT_TYPES, "", \
      "UPDATE product SET version = version + 1, " \
      "mode = $4, network = $5, expiry_delay_s = $6, tries = $7, twu_h = $8, accept_previous_window = $9, " \
      "window_single_use = $10, window_requires_display = $11, window_tries = $12, static_policy = $13, regenerate = " \
      "$14, count_other_declines = $15, deferred_max_reuse = $16, deferred_window_s = $17, deferred_mcc_group = $18, " \
      "deferred_slots = $19, plan = $20, plan_parallel = $21, smart_order = $22, smart_order_s = $23, diag_step = $24, " \
      "absent_policy = $25, malformed_policy = $26, standin = $27, standin_limit = $28, batch_max = $29, notify_batch = " \
      "$30, display_rate_per_h = $31, cvk_ref = $32, mk_ref = $33, key_derivation = $34, service_code_dyn = $35 " \
      "WHERE product_id = $1 AND issuer_id = $2 AND version = $3", \
      "all fields of a product, guarded by the version that was read") \
    X(CARD_BY_PAN_MAC, LEDGER, READ, "b", STORE_CARD_TYPES STORE_CODE_TYPES STORE_ACCOUNT_TYPES, \
      STORE_FULL_CARD " WHERE c.pan_mac = $1", "card, code row and account of a PAN") \
    X(CARD_BY_ID, LEDGER, READ, "t", STORE_CARD_TYPES STORE_CODE_TYPES STORE_ACCOUNT_TYPES, \
      STORE_FULL_CARD " WHERE c.card_id = $1", "card, code row and account of a card id") \
    X(CARD_INSERT, LEDGER, WRITE, STORE_CARD_TYPES, "", \
      "INSERT INTO card (card_id, issuer_id, product_id, account_id, pan_enc, pan_mac, pan_last4, bin8, expiry, alt_expiry, " \
      "alt_until, psn, holder_name, status, enrolled, created_at, updated_at, version) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, " \
      "$9, $10, $11, $12, $13, $14, $15, $16, $17, $18) ON CONFLICT DO NOTHING", "registration") \
    X(CARD_UPDATE, LEDGER, WRITE, "tittttittii", "", \
      "UPDATE card SET version = version + 1, product_id = $3, account_id = $4, expiry = $5, alt_expiry = $6, alt_until = $7, " \
      "holder_name = $8, status = $9, enrolled = $10, updated_at = $11 WHERE card_id = $1 AND version = $2", \
      "status, enrolment, reissue") \
    X(CODE_INSERT, LEDGER, WRITE, "t", "", \
      "INSERT INTO card_code (card_id) VALUES ($1) ON CONFLICT DO NOTHING", "the code row of a new card: nothing issued yet") \
    X(CODE_ISSUE, LEDGER, WRITE, "tiiiiii", "", \
      "UPDATE card_code SET version = version + 1, issue_n = $3, state = 'active', issued_at = $4, expires_at = $5, " \
      "declines = 0, used_at = 0, used_by = '', first_display_at = $6, last_display_at = $7 " \
      "WHERE card_id = $1 AND version = $2 AND issue_n < $3", "a new code becomes the active one (issuer.md 4.1 step 4)") \
    X(CODE_DISPLAY, LEDGER, WRITE, "tiii", "", \
      "UPDATE card_code SET version = version + 1, first_display_at = $3, last_display_at = $4 " \
      "WHERE card_id = $1 AND version = $2", "a display that issues no counter: same_until_expiry, windows") \
    X(CODE_UPDATE, LEDGER, WRITE, STORE_CODE_SET_TYPES, "", STORE_CODE_SET, "declines, cancellation, guess counters") \
    X(CODE_CONSUME, LEDGER, WRITE, STORE_CODE_SET_TYPES "i", "", STORE_CODE_SET " AND state = 'active' AND issue_n = $16", \
      "the one conditional write that lets exactly one authorisation use a code (switch.md 6 step 6)") \
    X(ACCOUNT_INSERT, LEDGER, WRITE, STORE_ACCOUNT_TYPES, "", \
      "INSERT INTO account (account_id, currency, balance, held, limit_txn, limit_day, limit_count, day, day_amount, day_count, " \
      "version) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING", "a new account") \
    X(ACCOUNT_GET, LEDGER, READ, "t", STORE_ACCOUNT_TYPES, \
      "SELECT " STORE_ACCOUNT_COLUMNS " FROM account a WHERE a.account_id = $1", "one account") \
    X(ACCOUNT_UPDATE, LEDGER, WRITE, "tiiiiii", "", \
      "UPDATE account SET version = version + 1, balance = $3, held = $4, day = $5, day_amount = $6, day_count = $7 " \
      "WHERE account_id = $1 AND version = $2", "funds and daily counts") \
    X(AUTH_INSERT, LEDGER, WRITE, STORE_AUTH_TYPES, "", \
      "INSERT INTO auth (auth_id, link_id, mti_class, de7, de11, de32, de37, de41, de42, card_id, bin8, pan_mac, amount, " \
      "currency, de3, mcc, de22, de25, received_at, decided_at, outcome, steps, ref, result, de39, de38, ctm_reason, " \
      "reversed_amount, reversed_at, locked, suspect_merchant) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, " \
      "$14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31)", "one evaluated request") \
    X(AUTH_GET, LEDGER, READ, "t", STORE_AUTH_TYPES, \
      "SELECT " STORE_AUTH_COLUMNS " FROM auth u WHERE u.auth_id = $1", "one authorisation") \
    X(AUTH_REVERSE, LEDGER, WRITE, "tiii", "", \
      "UPDATE auth SET reversed_amount = $3, reversed_at = $4 WHERE auth_id = $1 AND reversed_amount = $2", \
      "records a reversal once: $2 is the sum reversed before") \
    X(AUTH_APPROVED_CODES, LEDGER, READ | STORE_ROW_SCAN, "", "tti", \
      "SELECT u.card_id, u.ref, count(*) FROM auth u WHERE u.outcome IN (5, 7) AND u.ref <> '' " \
      "AND u.de39 IN ('00', '08', '10', '11', '85') GROUP BY u.card_id, u.ref ORDER BY u.card_id, u.ref", \
      "approvals per code reference: the double-use oracle of the tests") \
    X(IDEM_FIND, LEDGER, READ, "bb", "bbti", \
      "SELECT fingerprint, answer, auth_id, created_at FROM idem WHERE message_key = $1 UNION ALL " \
      "SELECT fingerprint, answer, '', created_at FROM tombstone WHERE original_key = $2", \
      "the stored answer of a message; a row without auth id: it was reversed before it arrived") \
    X(IDEM_INSERT, LEDGER, WRITE, "bbbtib", "", \
      "INSERT INTO idem (message_key, fingerprint, answer, auth_id, created_at) SELECT $1, $2, $3, $4, $5 " \
      "WHERE NOT EXISTS (SELECT 1 FROM tombstone WHERE original_key = $6) ON CONFLICT DO NOTHING", \
      "claims a message; changes nothing if it was answered or reversed before") \
    X(IDEM_PURGE, LEDGER, WRITE, "i", "", "DELETE FROM idem WHERE created_at < $1", "end of retention") \
    X(TOMBSTONE_PURGE, LEDGER, WRITE, "i", "", "DELETE FROM tombstone WHERE created_at < $1", "end of retention") \
    X(TOMBSTONE_INSERT, LEDGER, WRITE, "bi", "", \
      "INSERT INTO tombstone (original_key, created_at) VALUES ($1, $2) ON CONFLICT DO NOTHING", \
      "an original that was reversed before it arrived") \
    X(ORIGINAL_FIND, LEDGER, READ, "bb", STORE_AUTH_TYPES "ttiti" STORE_ACCOUNT_TYPES, \
      "SELECT " STORE_AUTH_COLUMNS ", h.auth_id, h.account_id, h.amount, h.state, h.until, " STORE_ACCOUNT_COLUMNS \
      " FROM idem i JOIN auth u ON u.auth_id = i.auth_id LEFT JOIN hold h ON h.auth_id = u.auth_id " \
      "LEFT JOIN account a ON a.account_id = h.account_id WHERE i.message_key >= $1 AND i.message_key < $2", \
      "the original of a reversal with its hold and account, by the leading parts of its key") \
    X(HOLD_INSERT, LEDGER, WRITE, "ttiti", "", \
      "INSERT INTO hold (auth_id, account_id, amount, state, until) VALUES ($1, $2, $3, $4, $5)", "funds set aside") \
    X(HOLD_RELEASE, LEDGER, WRITE, "tiit", "", \
      "UPDATE hold SET amount = $3, state = $4 WHERE auth_id = $1 AND amount = $2 AND state = 'open'", \
      "full or partial release; $2 is the amount before") \
    X(ISSUANCE_INSERT, LEDGER, WRITE, "tittiitt", "", \
      "INSERT INTO issuance (card_id, at, issuance_id, kind, issue_n, windows, requested_by, correlation_id) " \
      "VALUES ($1, $2, $3, $4, $5, $6, $7, $8)", "journal of displays, without codes") \
    X(ISSUANCE_COUNT, LEDGER, READ, "ti", "ii", \
      "SELECT count(*), CAST(coalesce(min(at), 0) AS BIGINT) FROM issuance WHERE card_id = $1 AND at > $2", \
      "displays since a time, and the first of them") \
    X(ISSUANCE_FIND, LEDGER, READ, "tit", "i", \
      "SELECT issue_n FROM issuance WHERE card_id = $1 AND at = $2 AND issuance_id = $3", \
      "settles a display whose commit is unknown") \
    X(CLIENT_BY_API_KEY, LEDGER, READ, "b", "ttttttb", \
      "SELECT client_id, issuer_id, kind, status, roles, mtls_fingerprint, api_key_hash FROM client WHERE api_key_hash = $1", \
      "authentication") \
    X(CLIENT_INSERT, LEDGER, WRITE, "ttttttb", "", \
      "INSERT INTO client (client_id, issuer_id, kind, status, roles, mtls_fingerprint, api_key_hash) " \
      "VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING", "a new client") \
    X(CLIENT_KEYS, LEDGER, READ, "t", "ttttiii", \
      "SELECT client_id, kid, key_use, jwk, not_before, not_after, revoked_at FROM client_key WHERE client_id = $1 " \
      "ORDER BY not_before DESC, kid", "public keys of a client, newest first") \
    X(CLIENT_KEY_PUT, LEDGER, WRITE, "ttttiii", "", \
      "INSERT INTO client_key (client_id, kid, key_use, jwk, not_before, not_after, revoked_at) " \
      "VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (client_id, kid) DO UPDATE SET key_use = excluded.key_use, " \
      "jwk = excluded.jwk, not_before = excluded.not_before, not_after = excluded.not_after, revoked_at = excluded.revoked_at", \
      "registers or replaces a public key") \
    X(CLIENT_KEY_REVOKE, LEDGER, WRITE, "tti", "", \
      "UPDATE client_key SET revoked_at = $3 WHERE client_id = $1 AND kid = $2 AND revoked_at = 0", "revokes a public key") \
    X(OUTBOX_INSERT, LEDGER, WRITE, "ttttiiittti", "", \
      "INSERT INTO outbox (outbox_id, kind, target, body, created_at, next_try_at, tries, state, lease_owner, last_error, " \
      "lease_until) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)", "a notification, in the transaction of its cause")
/* clang-format on */

#endif
