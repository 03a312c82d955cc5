/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The statements of the gateway.
 *
 * Purpose    What is asked of the tables of the gateway, once. A gateway opens its connections with gateway_sets and migrates
 *            gateway_set.
 * Columns    X(name, flags, table, key, takes, gives, sql, doc), as store/statement.h has them: `table` is the one that a write
 *            locks, `takes` and `gives` are S(shape) of gateway/rows.h, or NULL.
 *
 * Example
 *     TRY(store_open(url, env, gateway_sets, &store));
 *     TRY(store_migrate(store, &gateway_set));
 */
#ifndef GATEWAY_STATEMENTS_H
#define GATEWAY_STATEMENTS_H

#include "store/statement.h"

/* clang-format off */
/* Tables in the order in which a transaction locks them. */
#define GATEWAY_TABLES(X) \
    X(RECORD) X(ANSWER) X(CLAIM) X(REVERSAL) \
    X(MERCHANT) X(TERMINAL) X(MERCHANT_KEY) X(ENCRYPTION_KEY) X(PROBE)

#define GATEWAY_CLAIM_MINE \
    "tenant = :tenant AND face = :face AND request_id = :request_id AND record_id = :record_id AND answer_status = 0"

#define GATEWAY_CLAIM_COLUMNS "tenant, face, request_id, fingerprint, record_id, node, created_at, signed_at, target, answer_status"
#define GATEWAY_CLAIM_VALUES ":tenant, :face, :request_id, :fingerprint, :record_id, :node, :created_at, :signed_at, :target, "

#define GATEWAY_STATEMENTS(X) \
    X(MERCHANT_INSERT, WRITE, MERCHANT, "merchant_id", S(merchant), NULL, \
      "INSERT INTO merchant ({takes}) VALUES ({:takes}) ON CONFLICT DO NOTHING", "a new merchant") \
    X(MERCHANT_ALL, READ | STORE_ROW_SCAN, MERCHANT, NULL, NULL, S(merchant), \
      "SELECT {gives} FROM merchant ORDER BY merchant_id", "the merchant table a gateway keeps in memory") \
    X(TERMINAL_INSERT, WRITE, TERMINAL, "merchant_id terminal_id", S(terminal), NULL, \
      "INSERT INTO terminal ({takes}) VALUES ({:takes}) ON CONFLICT DO NOTHING", "a terminal of a merchant") \
    X(TERMINAL_ALL, READ | STORE_ROW_SCAN, TERMINAL, NULL, NULL, S(terminal), \
      "SELECT {gives} FROM terminal ORDER BY merchant_id, terminal_id", "the terminals a gateway keeps in memory") \
    X(MERCHANT_KEY_INSERT, WRITE, MERCHANT_KEY, "api_key", S(merchant_key), NULL, \
      "INSERT INTO merchant_key ({takes}) VALUES ({:takes}) ON CONFLICT DO NOTHING", "an API key with its sealed secret") \
    X(MERCHANT_KEY_ALL, READ | STORE_ROW_SCAN, MERCHANT_KEY, NULL, NULL, S(merchant_key), \
      "SELECT {gives} FROM merchant_key ORDER BY api_key", \
      "the API keys a gateway keeps in memory, so that an unknown one costs as much as a known one") \
    X(ENCRYPTION_KEY_INSERT, WRITE, ENCRYPTION_KEY, "key_id", S(encryption_key), NULL, \
      "INSERT INTO encryption_key ({takes}) VALUES ({:takes})", "a sealed RSA private key") \
    X(ENCRYPTION_KEY_GET, READ, ENCRYPTION_KEY, NULL, S(encryption_key), S(encryption_key), \
      "SELECT {gives} FROM encryption_key WHERE key_id = :key_id AND merchant_id = :merchant_id", \
      "an encryption key of a merchant") \
    X(ENCRYPTION_KEY_LIVE, READ, ENCRYPTION_KEY, NULL, S(encryption_key), S(keys_live), \
      "SELECT count(*) AS counted, coalesce(min(expires_at), 0) AS soonest FROM encryption_key " \
      "WHERE merchant_id = :merchant_id AND state = 'active' AND expires_at > :created_at", \
      "how many keys of a merchant are in use") \
    X(ENCRYPTION_KEY_PURGE, WRITE | STORE_ROW_SCAN, ENCRYPTION_KEY, NULL, S(sweep), NULL, \
      "DELETE FROM encryption_key WHERE expires_at < :claims_before", "keys that expired a day ago") \
    X(ENCRYPTION_KEY_REVOKE, WRITE, ENCRYPTION_KEY, "key_id", S(encryption_key), S(encryption_key), \
      "UPDATE encryption_key SET state = 'revoked', private_enc = :private_enc " \
      "WHERE key_id = :key_id AND merchant_id = :merchant_id RETURNING {gives}", \
      "revokes a key and destroys its private half; harmless when repeated") \
    X(RECORD_INSERT, WRITE, RECORD, "record_id", S(record), NULL, \
      "INSERT INTO record ({takes}) VALUES ({:takes})", "one immutable payment record") \
    X(RECORD_GET, READ, RECORD, NULL, S(record), S(record), \
      "SELECT {gives} FROM record WHERE tenant = :tenant AND record_id = :record_id", "one payment record of a tenant") \
    X(RECORD_COUNT, READ | STORE_ROW_SCAN, RECORD, NULL, S(by_state), S(counted), \
      "SELECT count(*) AS counted FROM record WHERE state = :state", "records in a state, for operators and tests") \
    X(CLAIM_INSERT, WRITE, CLAIM, "tenant face request_id", S(claim), NULL, \
      "INSERT INTO claim (" GATEWAY_CLAIM_COLUMNS ") VALUES (" GATEWAY_CLAIM_VALUES "CAST(0 AS BIGINT)) " \
      "ON CONFLICT (tenant, face, request_id) DO UPDATE SET fingerprint = excluded.fingerprint, " \
      "record_id = excluded.record_id, node = excluded.node, created_at = excluded.created_at, " \
      "signed_at = excluded.signed_at, answer_status = excluded.answer_status " \
      "WHERE claim.answer_status = -1 AND claim.target = excluded.target AND NOT EXISTS (SELECT 1 FROM reversal " \
      "WHERE reversal_id = claim.record_id AND state = 'queued' AND tries = 0)", \
      "claims an idempotency key before routing; one that led to nothing is claimed again at its own address alone, once the " \
      "reversal of its attempt has left") \
    X(CLAIM_SPEND, WRITE, CLAIM, "tenant face request_id", S(claim), NULL, \
      "INSERT INTO claim (" GATEWAY_CLAIM_COLUMNS ") VALUES (" GATEWAY_CLAIM_VALUES "CAST(-1 AS BIGINT)) " \
      "ON CONFLICT DO NOTHING", "a request was refused before its claim: its signature is good for nothing else") \
    X(CLAIM_GET, READ, CLAIM, NULL, S(claim), S(claimed), \
      "SELECT fingerprint, record_id, answer_status, signed_at, target, coalesce(body, '') AS body FROM claim " \
      "LEFT JOIN answer ON answer_id = record_id " \
      "WHERE tenant = :tenant AND face = :face AND request_id = :request_id", \
      "a claim and its answer; status 0: still running") \
    X(CLAIM_ANSWER, WRITE, CLAIM, "tenant face request_id", S(claim), NULL, \
      "UPDATE claim SET answer_status = :answer_status WHERE " GATEWAY_CLAIM_MINE, \
      "there is an answer, in the record's transaction") \
    X(ANSWER_INSERT, WRITE, ANSWER, "answer_id", S(answer), NULL, \
      "INSERT INTO answer ({takes}) VALUES ({:takes})", "the answer's text, in the same") \
    X(ANSWER_PURGE, WRITE | STORE_ROW_SCAN, ANSWER, NULL, S(sweep), NULL, \
      "DELETE FROM answer WHERE told_at < :claims_before", "texts past their retention") \
    X(CLAIM_RELEASE, WRITE, CLAIM, "tenant face request_id", S(claim), NULL, \
      "UPDATE claim SET answer_status = -1 WHERE " GATEWAY_CLAIM_MINE, \
      "gives up a claim that led to nothing; it stays, so that its signature is good for nothing else") \
    X(CLAIM_ABANDONED, WRITE | STORE_ROW_SCAN, CLAIM, NULL, S(sweep), NULL, \
      "UPDATE claim SET answer_status = -1 WHERE node = :node AND answer_status = 0 AND created_at < :before", \
      "claims that no process of this node can still be working on") \
    X(CLAIM_PURGE, WRITE | STORE_ROW_SCAN, CLAIM, NULL, S(sweep), NULL, \
      "DELETE FROM claim WHERE created_at < :claims_before OR (answer_status = -1 AND created_at < :released_before)", \
      "answers past their retention; of what led to nothing, signatures past their time") \
    X(PROBE_WRITE, WRITE, PROBE, "node", S(sweep), NULL, \
      "INSERT INTO probe (node, written_at) VALUES (:node, :now) " \
      "ON CONFLICT (node) DO UPDATE SET written_at = excluded.written_at", "finds out whether the store can be written") \
    X(REVERSAL_INSERT, WRITE, REVERSAL, "reversal_id", S(reversal), NULL, \
      "INSERT INTO reversal (reversal_id, node, link_id, record_id, message_enc, created_at, next_try_at, tries, state) " \
      "VALUES (:reversal_id, :node, :link_id, :record_id, :message_enc, :created_at, :next_try_at, CAST(0 AS BIGINT), 'armed')", \
      "armed before the authorisation leaves, so that a crash in between is reversed; the message is sealed") \
    X(REVERSAL_DISARM, WRITE, REVERSAL, "reversal_id", S(reversal), NULL, \
      "DELETE FROM reversal WHERE reversal_id = :reversal_id AND state = 'armed'", "the outcome is known and needs none") \
    X(REVERSAL_FIRE, WRITE, REVERSAL, "reversal_id", S(reversal), NULL, \
      "UPDATE reversal SET state = 'queued', next_try_at = :next_try_at WHERE reversal_id = :reversal_id AND state = 'armed'", \
      "timeout, unreadable answer or rejection: to be sent") \
    X(REVERSAL_ABANDONED, WRITE | STORE_ROW_SCAN, REVERSAL, NULL, S(sweep), NULL, \
      "UPDATE reversal SET state = 'queued', next_try_at = :now " \
      "WHERE node = :node AND state = 'armed' AND created_at < :before", \
      "reversals whose attempt no process of this node can still be working on") \
    X(REVERSAL_DUE, READ, REVERSAL, NULL, S(reversal_due), S(reversal), \
      "SELECT {gives} FROM reversal WHERE state = 'queued' AND node = :node AND next_try_at <= :now " \
      "ORDER BY next_try_at LIMIT :most", "reversals to send now") \
    X(REVERSAL_UPDATE, WRITE, REVERSAL, "reversal_id", S(reversal_move), NULL, \
      "UPDATE reversal SET next_try_at = :next_try_at, tries = :tries, state = :state " \
      "WHERE reversal_id = :reversal_id AND tries = :before_tries AND state = 'queued'", \
      "after a try: later again, accepted, refused or abandoned") \
    X(REVERSAL_COUNT, READ | STORE_ROW_SCAN, REVERSAL, NULL, S(by_state), S(counted), \
      "SELECT count(*) AS counted FROM reversal WHERE state = :state", "reversals in a state, for operators and tests")
/* clang-format on */

enum gateway_table {
#define GATEWAY_ENUM(name) GATEWAY_TABLE_##name,
    GATEWAY_TABLES(GATEWAY_ENUM)
#undef GATEWAY_ENUM
};

enum gateway_statement {
#define GATEWAY_ENUM(name, flags, table, key, takes, gives, sql, doc) GATEWAY_STATEMENT_##name,
    GATEWAY_STATEMENTS(GATEWAY_ENUM)
#undef GATEWAY_ENUM
        GATEWAY_STATEMENT_COUNT
};

extern const struct store_row gateway_statement[GATEWAY_STATEMENT_COUNT];
#define GATEWAY_ROW(name_) (&gateway_statement[GATEWAY_STATEMENT_##name_])

extern const struct store_set gateway_set;
/* For store_open: gateway_set alone. */
extern const struct store_set *const gateway_sets[];

#endif
