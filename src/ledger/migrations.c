/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables of the ledger, as steps; rules: store/statement.h.
 *
 * Rows are found by their primary key, and tables are stored in its order: ids sort by time, so inserts append. Every further index
 * costs each authorisation a write, hence there are few.
 */
#include "ledger/statements.h"

#include <stddef.h>

#define TEXT " TEXT NOT NULL DEFAULT '', "
#define INT " {int} NOT NULL DEFAULT 0, "
#define BYTES " {bytes} NOT NULL DEFAULT {empty}, "

/* A tombstone of schema 4 named its link, and neither card nor network. The row of its reversal was made at the same time and has
 * the card; each network is tried. */
#define FORMER_KEY(network_)                                                                                               \
    "CAST(CAST('" network_ "' AS {bytes}) || substr(t.original_key, 2 + length(u.link_id)) || CAST('\020' AS {bytes}) || " \
    "substr(u.pan_mac, 1, 16) AS {bytes})"
#define FORMER_TOMBSTONE(network_)                                                                                                \
    "INSERT INTO idem (message_key, original_key, created_at) SELECT DISTINCT " FORMER_KEY(network_) ", " FORMER_KEY(             \
        network_) ", t.created_at FROM auth u CROSS JOIN tombstone t WHERE u.mti_class = '0400' AND t.created_at = u.decided_at " \
                  "AND substr(t.original_key, 2, length(u.link_id)) = CAST(u.link_id AS {bytes})"

/*
 * Steps 5 and 6 had a key of a message beside that of its original: link, class, DE7, DE11, DE32, DE37, DE41, DE42, a length before
 * each. What follows DE32 and what stands before the class now tell the messages of one original apart; a tombstone has its card.
 * A message that came before step 5 has no key of an original, since its network is not known: each is tried, behind what step 5
 * numbered.
 */
#define FORMER_HELD "FROM auth u JOIN hold h ON h.auth_id = u.auth_id"
#define FORMER_HEAD "1 + length(u.link_id)"
#define FORMER_BODY "(4 + length(u.mti_class) + length(u.de7) + length(u.de11) + length(ltrim(u.de32, '0')))"
#define FORMER_CARD "substr(f.original_key, length(f.original_key) - 16)"
#define FORMER_MESSAGE "substr(f.message_key, 1, " FORMER_HEAD ") || substr(f.message_key, 1 + " FORMER_HEAD " + " FORMER_BODY ")"
#define FORMER_IDEM(key_, sibling_, message_)                                                                                     \
    "INSERT INTO idem (original_key, sibling, message, fingerprint, answer, auth_id, created_at) SELECT " key_ ", " sibling_ ", " \
    "CAST(" message_ " AS {bytes}), f.fingerprint, f.answer, f.auth_id, f.created_at FROM former_idem f LEFT JOIN auth u "        \
    "ON u.auth_id = f.auth_id WHERE "
#define FORMER_UNKNOWN_KEY(network_)                                                                          \
    "CAST(CAST('" network_ "' AS {bytes}) || substr(f.message_key, 1 + " FORMER_HEAD ", " FORMER_BODY ") || " \
    "CAST('\020' AS {bytes}) || substr(u.pan_mac, 1, 16) AS {bytes})"
#define FORMER_UNKNOWN(network_)                                                                                                  \
    FORMER_IDEM(FORMER_UNKNOWN_KEY(network_),                                                                                     \
                "row_number() OVER (PARTITION BY " FORMER_UNKNOWN_KEY(network_) " ORDER BY f.message_key) + 999", FORMER_MESSAGE) \
    "u.mti_class <> '0400' AND f.original_key = f.message_key"

/* Numbers of 12 to 19 digits, as struct ledger_range says it. */
#define ALL_LENGTHS "1044480"

/* clang-format off */
static const struct store_migration migration[] = {
    {1, "CREATE TABLE product (product_id" TEXT "issuer_id" TEXT "version" INT "mode" TEXT "network" TEXT
        "expiry_delay_s" INT "tries" INT "twu_h" INT "accept_previous_window" INT "window_single_use" INT
        "window_requires_display" INT "window_tries" INT "static_policy" TEXT "regenerate" TEXT "count_other_declines" INT
        "deferred_max_reuse" INT "deferred_window_s" INT "deferred_mcc_group" TEXT "deferred_slots" INT "plan" TEXT
        "plan_parallel" INT "smart_order" INT "smart_order_s" INT "diag_step" INT "absent_policy" TEXT "malformed_policy" TEXT
        "standin" TEXT "standin_limit" INT "batch_max" INT "notify_batch" INT "display_rate_per_h" INT "cvk_ref" TEXT "mk_ref" TEXT
        "key_derivation" TEXT "service_code_dyn" TEXT "PRIMARY KEY (product_id)) {table}"},
    {1, "CREATE TABLE card (card_id" TEXT "issuer_id" TEXT "product_id" TEXT "account_id" TEXT "pan_enc" BYTES
        "pan_mac" BYTES "pan_last4" TEXT "bin8" TEXT "expiry" TEXT "alt_expiry" TEXT "alt_until" INT "psn" TEXT "holder_name" TEXT
        "status" TEXT "enrolled" INT "created_at" INT "updated_at" INT "version" INT "PRIMARY KEY (card_id)) {table}"},
    {1, "CREATE UNIQUE INDEX card_pan_mac ON card (pan_mac, issuer_id)"},
    {1, "CREATE TABLE card_code (card_id" TEXT "version" INT "issue_n" INT
        "state TEXT NOT NULL DEFAULT 'none', issued_at" INT "expires_at" INT "declines" INT "used_at" INT "used_by" TEXT
        "first_display_at" INT "last_display_at" INT "win_idx" INT "deferred" BYTES "g_fail_ts" BYTES "g_consec" INT
        "g_lock TEXT NOT NULL DEFAULT 'none', g_lock_since" INT "g_unlock_at" INT "g_unlock_by" TEXT "g_last_merchants" BYTES
        "PRIMARY KEY (card_id)) {table}"},
    {1, "CREATE TABLE account (account_id" TEXT "currency" TEXT "balance" INT "held" INT "limit_txn" INT
        "limit_day" INT "limit_count" INT "day" INT "day_amount" INT "day_count" INT "version" INT
        "PRIMARY KEY (account_id)) {table}"},
    {1, "CREATE TABLE auth (auth_id" TEXT "link_id" TEXT "mti_class" TEXT "de7" TEXT "de11" TEXT "de32" TEXT
        "de37" TEXT "de41" TEXT "de42" TEXT "card_id" TEXT "bin8" TEXT "pan_mac" BYTES "amount" INT "currency" TEXT "de3" TEXT
        "mcc" TEXT "de22" TEXT "de25" TEXT "received_at" INT "decided_at" INT "outcome" INT "steps" TEXT "ref" TEXT "result" TEXT
        "de39" TEXT "de38" TEXT "ctm_reason" TEXT "reversed_amount" INT "reversed_at" INT "locked" INT "suspect_merchant" INT
        "PRIMARY KEY (auth_id)) {table}"},
    {1, "CREATE TABLE idem (message_key" BYTES "fingerprint" BYTES "answer" BYTES "auth_id" TEXT "created_at" INT
        "PRIMARY KEY (message_key)) {table}"},
    {1, "CREATE TABLE tombstone (original_key" BYTES "fingerprint" BYTES "answer" BYTES "created_at" INT
        "PRIMARY KEY (original_key)) {table}"},
    {1, "CREATE TABLE hold (auth_id" TEXT "account_id" TEXT "amount" INT "state" TEXT "until" INT
        "PRIMARY KEY (auth_id)) {table}"},
    {1, "CREATE TABLE issuance (card_id" TEXT "at" INT "issuance_id" TEXT "kind" TEXT "issue_n" INT "windows" INT
        "requested_by" TEXT "correlation_id" TEXT "PRIMARY KEY (card_id, at, issuance_id)) {table}"},
    {1, "CREATE TABLE client (client_id" TEXT "issuer_id" TEXT "kind" TEXT "status" TEXT "roles" TEXT
        "mtls_fingerprint" TEXT "api_key_hash" BYTES "PRIMARY KEY (client_id)) {table}"},
    {1, "CREATE UNIQUE INDEX client_api_key ON client (api_key_hash)"},
    {1, "CREATE TABLE client_key (client_id" TEXT "kid" TEXT "key_use" TEXT "jwk" TEXT "not_before" INT
        "not_after" INT "revoked_at" INT "PRIMARY KEY (client_id, kid)) {table}"},
    {1, "CREATE TABLE outbox (outbox_id" TEXT "kind" TEXT "target" TEXT "body" TEXT "created_at" INT "next_try_at" INT
        "tries" INT "state" TEXT "lease_owner" TEXT "last_error" TEXT "lease_until" INT "PRIMARY KEY (outbox_id)) {table}"},
    {2, "CREATE INDEX idem_created ON idem (created_at)"},
    {2, "CREATE INDEX tombstone_created ON tombstone (created_at)"},
    {3, "ALTER TABLE card_code ADD COLUMN g_day {bytes} NOT NULL DEFAULT {empty}"},
    {3, "ALTER TABLE card_code ADD COLUMN g_dates {bytes} NOT NULL DEFAULT {empty}"},
    {3, "ALTER TABLE auth ADD COLUMN lapsed_at {int} NOT NULL DEFAULT 0"},
    {3, "CREATE INDEX auth_card ON auth (card_id, received_at)"},
    {3, "CREATE INDEX hold_due ON hold (until) WHERE state = 'open'"},
    {4, "UPDATE product SET diag_step = 1"},
    {5, "DROP INDEX auth_card"},
    {5, "CREATE INDEX auth_original ON auth (pan_mac, de7, de11)"},
    {5, "ALTER TABLE idem ADD COLUMN original_key {bytes} NOT NULL DEFAULT {empty}"},
    {5, "ALTER TABLE idem ADD COLUMN sibling {int} NOT NULL DEFAULT 0"},
    {5, "UPDATE idem SET original_key = message_key"},
    {5, "CREATE UNIQUE INDEX idem_original ON idem (original_key, sibling)"},
    {5, FORMER_TOMBSTONE("\004visa")},
    {5, FORMER_TOMBSTONE("\012mastercard")},
    {5, FORMER_TOMBSTONE("\006eftpos")},
    {5, FORMER_TOMBSTONE("\007generic")},
    {5, "DROP TABLE tombstone"},
    {6, "DROP INDEX card_pan_mac"},
    {6, "CREATE UNIQUE INDEX card_pan ON card (pan_mac)"},
    {7, "DROP INDEX auth_original"},
    {7, "ALTER TABLE account ADD COLUMN last_auth_id TEXT NOT NULL DEFAULT ''"},
    {7, "ALTER TABLE auth ADD COLUMN previous_auth_id TEXT NOT NULL DEFAULT ''"},
    {7, "UPDATE auth SET previous_auth_id = t.previous_id FROM (SELECT u.auth_id AS auth_id, coalesce(lag(u.auth_id) OVER "
        "(PARTITION BY h.account_id ORDER BY u.received_at, u.auth_id), '') AS previous_id " FORMER_HELD ") AS t "
        "WHERE t.auth_id = auth.auth_id"},
    {7, "UPDATE account SET last_auth_id = t.auth_id FROM (SELECT h.account_id AS account_id, u.auth_id AS auth_id, row_number() "
        "OVER (PARTITION BY h.account_id ORDER BY u.received_at DESC, u.auth_id DESC) AS place " FORMER_HELD ") AS t "
        "WHERE t.place = 1 AND t.account_id = account.account_id"},
    {7, "DROP INDEX idem_created"},
    {7, "DROP INDEX idem_original"},
    {7, "ALTER TABLE idem RENAME TO former_idem"},
    {7, "CREATE TABLE idem (original_key" BYTES "sibling" INT "message" BYTES "fingerprint" BYTES "answer" BYTES "auth_id" TEXT
        "created_at" INT "PRIMARY KEY (original_key, sibling)) {table}"},
    {7, "CREATE INDEX idem_created ON idem (created_at)"},
    {7, FORMER_IDEM("f.original_key", "f.sibling", FORMER_CARD) "f.auth_id = ''"},
    {7, FORMER_IDEM("f.original_key", "f.sibling", FORMER_MESSAGE) "f.auth_id <> '' AND (u.mti_class = '0400' OR "
        "f.original_key <> f.message_key)"},
    {7, FORMER_UNKNOWN("\004visa")},
    {7, FORMER_UNKNOWN("\012mastercard")},
    {7, FORMER_UNKNOWN("\006eftpos")},
    {7, FORMER_UNKNOWN("\007generic")},
    {7, "DROP TABLE former_idem"},
    {8, "CREATE TABLE issuer (issuer_id" TEXT "timezone TEXT NOT NULL DEFAULT 'UTC', reversal_days {int} NOT NULL DEFAULT 30, "
        "PRIMARY KEY (issuer_id)) {table}"},
    {8, "CREATE TABLE issuer_range (issuer_id" TEXT "low" INT "high" INT "lengths" INT
        "PRIMARY KEY (issuer_id, low, high, lengths)) {table}"},
    {8, "CREATE TABLE issuer_register (register_id" INT "version" INT "PRIMARY KEY (register_id)) {table}"},
    {8, "INSERT INTO issuer_register (register_id, version) VALUES (1, 1)"},
    {8, "INSERT INTO issuer (issuer_id) SELECT issuer_id FROM client UNION SELECT issuer_id FROM product UNION "
        "SELECT issuer_id FROM card"},
    {8, "INSERT INTO issuer_range (issuer_id, low, high, lengths) SELECT issuer_id, 0, 999999999999, " ALL_LENGTHS " FROM issuer "
        "WHERE (SELECT count(*) FROM issuer) = 1"},
    {8, "INSERT INTO issuer_range (issuer_id, low, high, lengths) SELECT min(issuer_id), CAST(bin8 || '0000' AS {int}), "
        "CAST(bin8 || '9999' AS {int}), " ALL_LENGTHS " FROM card WHERE length(bin8) = 8 AND (SELECT count(*) FROM issuer) > 1 "
        "GROUP BY bin8 HAVING min(issuer_id) = max(issuer_id) ORDER BY count(*) DESC, bin8 LIMIT 1024"},
    {8, "DROP INDEX card_pan"},
    {8, "CREATE UNIQUE INDEX card_pan_issuer ON card (pan_mac, issuer_id)"},
    {8, "ALTER TABLE card ADD COLUMN reference TEXT NOT NULL DEFAULT ''"},
    {8, "UPDATE card SET reference = card_id"},
    {8, "CREATE UNIQUE INDEX card_reference ON card (reference, issuer_id)"},
    {8, "CREATE TABLE product_of (product_id" TEXT "issuer_id" TEXT "version" INT "mode" TEXT "network" TEXT
        "expiry_delay_s" INT "tries" INT "twu_h" INT "accept_previous_window" INT "window_single_use" INT
        "window_requires_display" INT "window_tries" INT "static_policy" TEXT "regenerate" TEXT "count_other_declines" INT
        "deferred_max_reuse" INT "deferred_window_s" INT "deferred_mcc_group" TEXT "deferred_slots" INT "plan" TEXT
        "plan_parallel" INT "smart_order" INT "smart_order_s" INT "diag_step" INT "absent_policy" TEXT "malformed_policy" TEXT
        "standin" TEXT "standin_limit" INT "batch_max" INT "notify_batch" INT "display_rate_per_h" INT "cvk_ref" TEXT "mk_ref" TEXT
        "key_derivation" TEXT "service_code_dyn" TEXT "PRIMARY KEY (product_id, issuer_id)) {table}"},
    {8, "INSERT INTO product_of SELECT * FROM product"},
    {8, "DROP TABLE product"},
    {8, "ALTER TABLE product_of RENAME TO product"},
};
/* clang-format on */

const struct store_set ledger_set = {.name = "ledger",
                                     .row = ledger_statement,
                                     .count = LEDGER_STATEMENT_COUNT,
                                     .migration = migration,
                                     .migration_count = sizeof migration / sizeof migration[0]};
const struct store_set *const ledger_sets[] = {&ledger_set, NULL};
