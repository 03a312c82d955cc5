/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The statements of the ledger: issuer and switch.
 *
 * Purpose    What is asked of the tables of the ledger, once. Issuer and switch open their connections with
 *            ledger_sets and migrate ledger_set; what they do goes through ledger/ledger.h.
 * Columns    X(name, flags, table, key, takes, gives, sql, doc), as store/statement.h has them: `table` is the one that a write
 *            locks, `takes` and `gives` are S(shape) of ledger/shapes.h, or NULL.
 *
 * Example
 *     TRY(store_open(url, env, ledger_sets, &store));
 *     TRY(store_migrate(store, &ledger_set));
 */
#ifndef LEDGER_STATEMENTS_H
#define LEDGER_STATEMENTS_H

#include "store/statement.h"

/* clang-format off */
/* Tables in the order in which a transaction locks them: that of the operations of one authorisation. */
#define LEDGER_TABLES(X) \
    X(CARD) X(CODE) X(IDEM) X(AUTH) X(HOLD) X(ACCOUNT) X(ISSUANCE) X(PRODUCT) X(CLIENT) X(CLIENT_KEY) X(OUTBOX) \
    X(ISSUER_REGISTER) X(ISSUER) X(ISSUER_RANGE)

#define LEDGER_FULL_CARD \
    "SELECT {gives} FROM card c JOIN card_code k ON k.card_id = c.card_id LEFT JOIN account a ON a.account_id = c.account_id " \
    "LEFT JOIN product p ON p.product_id = c.product_id AND p.issuer_id = c.issuer_id"

/* The issuer of a client. */
#define LEDGER_ISSUER_OF_CLIENT "(SELECT issuer_id FROM client WHERE api_key_hash = :api_key_hash)"

/* What an authorisation may change in card_code; consume and update differ in their guards alone. */
#define LEDGER_CODE_SET \
    "UPDATE card_code SET version = version + 1, state = :state, declines = :declines, used_at = :used_at, used_by = :used_by, " \
    "win_idx = :win_idx, deferred = :deferred, g_fail_ts = :g_fail_ts, g_consec = :g_consec, g_lock = :g_lock, " \
    "g_lock_since = :g_lock_since, g_unlock_at = :g_unlock_at, g_unlock_by = :g_unlock_by, " \
    "g_last_merchants = :g_last_merchants, g_day = :g_day, g_dates = :g_dates " \
    "WHERE card_id = :card_id AND version = :before_version"

/*
 * What held money of the account of a card, the newest first. An index of auth by card would cost each authorisation a page of
 * its own; this chain is written with the account, which changes anyway, and is walked for the few reversals that need it. A LEFT
 * JOIN whose conditions hold for NULL keeps PostgreSQL from walking auth instead.
 */
#define LEDGER_CHAIN(only_) \
    "chain (id) AS (SELECT a.last_auth_id FROM card c JOIN account a ON a.account_id = c.account_id " \
    "WHERE c.pan_mac = :pan_mac" only_ " UNION ALL SELECT u.previous_auth_id FROM chain JOIN auth u ON u.auth_id = chain.id " \
    "WHERE u.received_at > :since) "
#define LEDGER_ORIGINAL \
    "LEFT JOIN auth u ON u.auth_id = chain.id LEFT JOIN hold h ON h.auth_id = u.auth_id " \
    "LEFT JOIN account a ON a.account_id = h.account_id " \
    "WHERE coalesce(u.received_at, 0) > :since AND coalesce(u.pan_mac, :pan_mac) = :pan_mac "

#define LEDGER_STATEMENTS(X) \
    X(PRODUCT_VERSIONS, READ | STORE_ROW_SCAN, PRODUCT, NULL, NULL, S(product_version), \
      "SELECT {gives} FROM product", "what the product caches compare with") \
    X(PRODUCT_GET, READ, PRODUCT, NULL, S(by_issuer), S(product), \
      "SELECT {gives} FROM product WHERE product_id = :id AND issuer_id = :issuer_id", "one product of an issuer") \
    X(PRODUCTS_OF, READ | STORE_ROW_SCAN, PRODUCT, NULL, S(by_id), S(product_brief), \
      "SELECT {gives} FROM product WHERE issuer_id = :id ORDER BY product_id", "the products of an issuer, in short") \
    X(PRODUCT_INSERT, WRITE, PRODUCT, "product_id issuer_id", S(product), NULL, \
      "INSERT INTO product ({takes}) VALUES ({:takes}) ON CONFLICT DO NOTHING", "a new product; an existing one stays") \
    X(PRODUCT_UPDATE, WRITE, PRODUCT, "product_id issuer_id", S(product), NULL, \
      "UPDATE product SET version = version + 1, mode = :mode, network = :network, expiry_delay_s = :expiry_delay_s, " \
      "tries = :tries, twu_h = :twu_h, accept_previous_window = :accept_previous_window, " \
      "window_single_use = :window_single_use, window_requires_display = :window_requires_display, " \
      "window_tries = :window_tries, static_policy = :static_policy, regenerate = :regenerate, " \
      "count_other_declines = :count_other_declines, deferred_max_reuse = :deferred_max_reuse, " \
      "deferred_window_s = :deferred_window_s, deferred_mcc_group = :deferred_mcc_group, deferred_slots = :deferred_slots, " \
      "plan = :plan, plan_parallel = :plan_parallel, smart_order = :smart_order, smart_order_s = :smart_order_s, " \
      "diag_step = :diag_step, absent_policy = :absent_policy, malformed_policy = :malformed_policy, standin = :standin, " \
      "standin_limit = :standin_limit, batch_max = :batch_max, notify_batch = :notify_batch, " \
      "display_rate_per_h = :display_rate_per_h, cvk_ref = :cvk_ref, mk_ref = :mk_ref, key_derivation = :key_derivation, " \
      "service_code_dyn = :service_code_dyn " \
      "WHERE product_id = :product_id AND issuer_id = :issuer_id AND version = :version", \
      "all fields of a product, guarded by the version that was read") \
    X(CARD_BY_PAN, READ, CARD, NULL, S(by_pan), S(full_card), \
      LEDGER_FULL_CARD " WHERE c.pan_mac = :pan_mac AND c.issuer_id = :issuer_id", \
      "card, code row and account of a PAN of an issuer") \
    X(CARD_BY_REFERENCE, READ, CARD, NULL, S(by_issuer), S(full_card), \
      LEDGER_FULL_CARD " WHERE c.reference = :id AND c.issuer_id = :issuer_id", \
      "card, code row and account by the name that the issuer gave") \
    X(CARD_OF_CLIENT, READ, CARD, NULL, S(by_client), S(full_card), \
      LEDGER_FULL_CARD " WHERE c.reference = :reference AND c.issuer_id = " LEDGER_ISSUER_OF_CLIENT, \
      "the same, of the issuer of a client") \
    X(CARD_BY_ID, READ, CARD, NULL, S(by_id), S(full_card), \
      LEDGER_FULL_CARD " WHERE c.card_id = :id", "card, code row and account of a card id") \
    X(CARD_INSERT, WRITE, CARD, "card_id", S(card), NULL, \
      "INSERT INTO card ({takes}) VALUES ({:takes}) ON CONFLICT DO NOTHING", "registration") \
    X(CARD_UPDATE, WRITE, CARD, "card_id", S(card), NULL, \
      "UPDATE card SET version = version + 1, product_id = :product_id, account_id = :account_id, expiry = :expiry, " \
      "alt_expiry = :alt_expiry, alt_until = :alt_until, holder_name = :holder_name, status = :status, enrolled = :enrolled, " \
      "updated_at = :updated_at WHERE card_id = :card_id AND version = :version", "status, enrolment, reissue") \
    X(CODE_INSERT, WRITE, CODE, "card_id", S(card), NULL, \
      "INSERT INTO card_code (card_id) VALUES (:card_id) ON CONFLICT DO NOTHING", \
      "the code row of a new card: nothing issued yet") \
    X(CODE_ISSUE, WRITE, CODE, "card_id", S(code_put), NULL, \
      "UPDATE card_code SET version = version + 1, issue_n = :issue_n, state = 'active', issued_at = :issued_at, " \
      "expires_at = :expires_at, declines = 0, used_at = 0, used_by = '', first_display_at = :first_display_at, " \
      "last_display_at = :last_display_at WHERE card_id = :card_id AND version = :before_version AND issue_n < :issue_n", \
      "a new code becomes the active one (issuer.md 4.1 step 4)") \
    X(CODE_DISPLAY, WRITE, CODE, "card_id", S(code_put), NULL, \
      "UPDATE card_code SET version = version + 1, first_display_at = :first_display_at, last_display_at = :last_display_at " \
      "WHERE card_id = :card_id AND version = :before_version", \
      "a display that issues no counter: same_until_expiry, windows") \
    X(CODE_UPDATE, WRITE, CODE, "card_id", S(code_put), NULL, LEDGER_CODE_SET, "declines, cancellation, guess counters") \
    X(CODE_CONSUME, WRITE, CODE, "card_id", S(code_put), NULL, \
      LEDGER_CODE_SET " AND state = 'active' AND issue_n = :before_issue_n", \
      "the one conditional write that lets exactly one authorisation use a code (switch.md 6 step 6)") \
    X(ACCOUNT_INSERT, WRITE, ACCOUNT, "account_id", S(account), NULL, \
      "INSERT INTO account ({takes}) VALUES ({:takes}) ON CONFLICT DO NOTHING", "a new account") \
    X(ACCOUNT_GET, READ, ACCOUNT, NULL, S(by_id), S(account), \
      "SELECT {gives} FROM account WHERE account_id = :id", "one account") \
    X(ACCOUNT_UPDATE, WRITE, ACCOUNT, "account_id", S(account), NULL, \
      "UPDATE account SET version = version + 1, balance = :balance, held = :held, day = :day, day_amount = :day_amount, " \
      "day_count = :day_count, last_auth_id = :last_auth_id WHERE account_id = :account_id AND version = :version", \
      "funds, daily counts and what held money last") \
    X(AUTH_INSERT, WRITE, AUTH, "auth_id", S(auth), NULL, \
      "INSERT INTO auth ({takes}) VALUES ({:takes})", "one evaluated request") \
    X(AUTH_GET, READ, AUTH, NULL, S(by_id), S(auth), "SELECT {gives} FROM auth WHERE auth_id = :id", "one authorisation") \
    X(AUTH_SEEN, READ, AUTH, NULL, S(by_merchant), S(auth_id), \
      "WITH RECURSIVE " LEDGER_CHAIN("") "SELECT {gives} FROM chain LEFT JOIN auth u ON u.auth_id = chain.id " \
      "WHERE coalesce(u.amount, 0) > coalesce(u.reversed_amount, 0) AND coalesce(u.received_at, 0) > :since " \
      "AND coalesce(u.pan_mac, :pan_mac) = :pan_mac AND coalesce(u.de32, '') = :de32 AND coalesce(u.de42, '') = :de42 " \
      "AND coalesce(u.de3, '') < '2' AND coalesce(u.de38, '') <> '' LIMIT 1", \
      "whether a merchant had an approved debit of a card") \
    X(AUTH_REVERSE, WRITE, AUTH, "auth_id", S(auth_reverse), NULL, \
      "UPDATE auth SET reversed_amount = :reversed_amount, reversed_at = :reversed_at " \
      "WHERE auth_id = :auth_id AND reversed_amount = :before_amount", \
      "records a reversal once, guarded by the sum reversed before") \
    X(AUTH_APPROVED_CODES, READ | STORE_ROW_SCAN, AUTH, NULL, NULL, S(approvals), \
      "SELECT card_id, ref, count(*) AS approvals FROM auth WHERE outcome IN (5, 7) AND ref <> '' " \
      "AND de39 IN ('00', '08', '10', '11', '85') GROUP BY card_id, ref ORDER BY card_id, ref", \
      "approvals per code reference: the double-use oracle of the tests") \
    X(IDEM_FIND, READ, IDEM, NULL, S(by_key), S(known), \
      "SELECT CAST(CASE WHEN i.message = :message THEN 1 ELSE 0 END AS BIGINT) AS own, " \
      "CAST(CASE WHEN i.original_key = :original_key THEN 1 ELSE 0 END AS BIGINT) AS same, i.fingerprint AS fingerprint, " \
      "i.answer AS answer, i.auth_id AS auth_id, i.created_at AS created_at, i.sibling AS sibling, " \
      "CAST(coalesce(u.amount, 0) AS BIGINT) AS amount, CAST(coalesce(u.reversed_amount, 0) AS BIGINT) AS reversed_amount, " \
      "CAST(coalesce(u.reversed_at, 0) AS BIGINT) AS reversed_at FROM idem i LEFT JOIN auth u ON u.auth_id = i.auth_id " \
      "WHERE i.original_key >= :from_key AND i.original_key < :to_key", \
      "the row of a message, and the others of its original; one without auth id: it was reversed before it arrived") \
    X(IDEM_INSERT, WRITE, IDEM, "original_key", S(idem_put), NULL, \
      "INSERT INTO idem ({takes}) VALUES ({:takes}) ON CONFLICT DO NOTHING", \
      "claims a message, or stands for one that was reversed before it arrived; changes nothing if either is there") \
    X(IDEM_PURGE, WRITE, IDEM, NULL, S(before), NULL, "DELETE FROM idem WHERE created_at < :before", "end of retention") \
    X(ORIGINAL_FIND, READ, AUTH, NULL, S(by_original), S(original), \
      "WITH RECURSIVE known (id) AS (SELECT auth_id FROM idem WHERE original_key = :original_key AND auth_id <> ''), " \
      LEDGER_CHAIN(" AND NOT EXISTS (SELECT 1 FROM known)") \
      "SELECT {gives} FROM (SELECT id FROM known UNION ALL SELECT id FROM chain) chain " LEDGER_ORIGINAL \
      "AND coalesce(u.de7, '') = :de7 AND coalesce(u.de11, '') = :de11 AND coalesce(u.mti_class, '') = :mti_class LIMIT 8", \
      "the originals that a complete DE90 may mean, with hold and account") \
    X(ORIGINAL_SEARCH, READ, AUTH, NULL, S(by_original), S(original), \
      "WITH RECURSIVE " LEDGER_CHAIN("") "SELECT {gives} FROM chain " LEDGER_ORIGINAL \
      "AND ((:de37 <> '' AND coalesce(u.de37, '') = :de37) OR (:de38 <> '' AND coalesce(u.de38, '') = :de38 " \
      "AND coalesce(u.de41, '') = :de41)) LIMIT 8", \
      "the same for a DE90 with parts of zeros") \
    X(HOLD_INSERT, WRITE, HOLD, "auth_id", S(hold), NULL, "INSERT INTO hold ({takes}) VALUES ({:takes})", "funds set aside") \
    X(HOLDS_DUE, READ, HOLD, NULL, S(before), S(hold), \
      "SELECT {gives} FROM hold WHERE state = 'open' AND until < :before ORDER BY until LIMIT 32", "open holds whose time is up") \
    X(HOLD_LAPSE, WRITE, HOLD, "auth_id", S(hold_lapse), NULL, \
      "UPDATE hold SET state = 'lapsed' WHERE auth_id = :auth_id AND amount = :amount AND state = 'open'", \
      "the end of a hold by time, once, guarded by its amount") \
    X(AUTH_LAPSE, WRITE, AUTH, "auth_id", S(hold_lapse), NULL, \
      "UPDATE auth SET lapsed_at = :lapsed_at WHERE auth_id = :auth_id", "its hold ended by time") \
    X(ACCOUNT_LAPSE, WRITE, ACCOUNT, "account_id", S(hold_lapse), NULL, \
      "UPDATE account SET version = version + 1, held = held - :amount WHERE account_id = :account_id", \
      "gives back what a lapsed hold held") \
    X(HOLD_RELEASE, WRITE, HOLD, "auth_id", S(hold_release), NULL, \
      "UPDATE hold SET amount = :amount, state = :state WHERE auth_id = :auth_id AND amount = :before_amount AND state = 'open'", \
      "full or partial release, guarded by the amount before") \
    X(ISSUANCE_INSERT, WRITE, ISSUANCE, "card_id", S(issuance), NULL, \
      "INSERT INTO issuance ({takes}) VALUES ({:takes})", "journal of displays, without codes") \
    X(ISSUANCE_COUNT, READ, ISSUANCE, NULL, S(since), S(displays), \
      "SELECT count(*) AS displays, CAST(coalesce(min(at), 0) AS BIGINT) AS first_at FROM issuance " \
      "WHERE card_id = (SELECT card_id FROM card WHERE reference = :reference AND issuer_id = " LEDGER_ISSUER_OF_CLIENT ") " \
      "AND at > :since", \
      "displays since a time, and the first of them") \
    X(ISSUANCE_FIND, READ, ISSUANCE, NULL, S(issuance), S(issue_n), \
      "SELECT {gives} FROM issuance WHERE card_id = :card_id AND at = :at AND issuance_id = :issuance_id", \
      "settles a display whose commit is unknown") \
    X(CLIENT_BY_API_KEY, READ, CLIENT, NULL, S(by_hash), S(client), \
      "SELECT {gives} FROM client WHERE api_key_hash = :hash", "authentication") \
    X(CLIENT_INSERT, WRITE, CLIENT, "client_id", S(client), NULL, \
      "INSERT INTO client ({takes}) VALUES ({:takes}) ON CONFLICT DO NOTHING", "a new client") \
    X(CLIENT_KEYS, READ, CLIENT_KEY, NULL, S(by_id), S(client_key), \
      "SELECT {gives} FROM client_key WHERE client_id = :id ORDER BY not_before DESC, kid", \
      "public keys of a client, newest first") \
    X(CLIENT_KEY_PUT, WRITE, CLIENT_KEY, "client_id kid", S(client_key), NULL, \
      "INSERT INTO client_key ({takes}) VALUES ({:takes}) ON CONFLICT (client_id, kid) DO UPDATE SET " \
      "key_use = excluded.key_use, jwk = excluded.jwk, not_before = excluded.not_before, not_after = excluded.not_after, " \
      "revoked_at = excluded.revoked_at", "registers or replaces a public key") \
    X(CLIENT_KEY_REVOKE, WRITE, CLIENT_KEY, "client_id kid", S(key_revoke), NULL, \
      "UPDATE client_key SET revoked_at = :revoked_at WHERE client_id = :client_id AND kid = :kid AND revoked_at = 0", \
      "revokes a public key") \
    X(OUTBOX_INSERT, WRITE, OUTBOX, "outbox_id", S(outbox), NULL, \
      "INSERT INTO outbox ({takes}) VALUES ({:takes})", "a notification, in the transaction of its cause") \
    X(ISSUER_REGISTER, READ | STORE_ROW_SCAN, ISSUER_REGISTER, NULL, NULL, S(register), \
      "SELECT {gives} FROM issuer_register", "how often issuers and ranges were changed") \
    X(ISSUER_REGISTER_RAISE, WRITE, ISSUER_REGISTER, "register_id", S(register), NULL, \
      "UPDATE issuer_register SET version = version + 1 WHERE register_id = :register_id AND version = :version", \
      "lets one change after the other be judged by what the one before left") \
    X(ISSUERS, READ | STORE_ROW_SCAN, ISSUER, NULL, NULL, S(issuer), "SELECT {gives} FROM issuer ORDER BY issuer_id", \
      "all issuers") \
    X(ISSUER_INSERT, WRITE, ISSUER, "issuer_id", S(issuer), NULL, \
      "INSERT INTO issuer ({takes}) VALUES ({:takes}) ON CONFLICT DO NOTHING", "a new issuer") \
    X(ISSUER_UPDATE, WRITE, ISSUER, "issuer_id", S(issuer), NULL, \
      "UPDATE issuer SET timezone = :timezone, reversal_days = :reversal_days WHERE issuer_id = :issuer_id", \
      "what an issuer decided anew") \
    X(ISSUER_RANGES, READ | STORE_ROW_SCAN, ISSUER_RANGE, NULL, NULL, S(range), \
      "SELECT {gives} FROM issuer_range ORDER BY low, high", "the ranges of all issuers") \
    X(ISSUER_RANGES_NEAR, READ, ISSUER_RANGE, NULL, S(range), S(range), \
      "SELECT {gives} FROM issuer_range WHERE issuer_id = :issuer_id AND low <= :high AND high >= :low", \
      "those of an issuer that numbers of one BIN may be in") \
    X(ISSUER_RANGES_DELETE, WRITE, ISSUER_RANGE, "issuer_id", S(range), NULL, \
      "DELETE FROM issuer_range WHERE issuer_id = :issuer_id", "room for the new ranges of an issuer") \
    X(ISSUER_RANGE_INSERT, WRITE, ISSUER_RANGE, "issuer_id", S(range), NULL, \
      "INSERT INTO issuer_range ({takes}) VALUES ({:takes})", "a range of an issuer")
/* clang-format on */

enum ledger_table {
#define LEDGER_ENUM(name) LEDGER_TABLE_##name,
    LEDGER_TABLES(LEDGER_ENUM)
#undef LEDGER_ENUM
};

enum ledger_statement {
#define LEDGER_ENUM(name, flags, table, key, takes, gives, sql, doc) LEDGER_STATEMENT_##name,
    LEDGER_STATEMENTS(LEDGER_ENUM)
#undef LEDGER_ENUM
        LEDGER_STATEMENT_COUNT
};

extern const struct store_row ledger_statement[LEDGER_STATEMENT_COUNT];
#define LEDGER_ROW(name_) (&ledger_statement[LEDGER_STATEMENT_##name_])

extern const struct store_set ledger_set;
/* For store_open: ledger_set alone. */
extern const struct store_set *const ledger_sets[];

#endif
