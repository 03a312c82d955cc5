/* SPDX-License-Identifier: Apache-2.0 */
/* Statements over the tables of the gateway. Columns and rules: store/statements.h. */
#ifndef GATEWAY_STATEMENTS_H
#define GATEWAY_STATEMENTS_H

/* clang-format off */
#define STORE_RECORD_COLUMNS \
    "record_id, tenant, merchant_id, terminal_id, kind, amount, currency, brand, bin6, last4, " \
    "pan_fingerprint, entry, initiator, cvv_presence, network, cvv_raw, cvv_canonical, avs_raw, de39, " \
    "approval_code, rrn, stan, de7, state, outcome, rejection_reason, trace, reversal_state, face, " \
    "request_id, created_at, pan_enc"
#define STORE_RECORD_TYPES "tttttittttbtttttttttttttttttttib"
#define STORE_RECORD_ARITY 32
#define STORE_RECORD_PLACES \
    "$1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, " \
    "$22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32"
#define STORE_MERCHANT_COLUMNS \
    "merchant_id, tenant, name, mcc, currency, sandbox, prefer, address, city, state, postal_code, " \
    "country, status, created_at"
#define STORE_MERCHANT_TYPES "tttttittttttti"

#define STORE_STATEMENTS_GATEWAY(X) \
    X(MERCHANT_INSERT, GATEWAY, WRITE, STORE_MERCHANT_TYPES, "", \
      "INSERT INTO merchant (" STORE_MERCHANT_COLUMNS ") " \
      "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) " \
      "ON CONFLICT DO NOTHING", \
      "a new merchant") \
    X(MERCHANT_ALL, GATEWAY, READ | STORE_ROW_SCAN, "", STORE_MERCHANT_TYPES, \
      "SELECT " STORE_MERCHANT_COLUMNS " FROM merchant ORDER BY merchant_id", "the merchant table a gateway keeps in memory") \
    X(TERMINAL_INSERT, GATEWAY, WRITE, "tt", "", \
      "INSERT INTO terminal (merchant_id, terminal_id) VALUES ($1, $2) ON CONFLICT DO NOTHING", "a terminal of a merchant") \
    X(TERMINAL_ALL, GATEWAY, READ | STORE_ROW_SCAN, "", "tt", \
      "SELECT merchant_id, terminal_id FROM terminal ORDER BY merchant_id, terminal_id", \
      "the terminals a gateway keeps in memory") \
    X(MERCHANT_KEY_INSERT, GATEWAY, WRITE, "ttbiti", "", \
      "INSERT INTO merchant_key (api_key, merchant_id, secret_enc, legacy_mac, status, created_at) " \
      "VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING", "an API key with its sealed secret") \
    X(MERCHANT_KEY_ALL, GATEWAY, READ | STORE_ROW_SCAN, "", "ttbiti", \
      "SELECT api_key, merchant_id, secret_enc, legacy_mac, status, created_at FROM merchant_key ORDER BY api_key", \
      "the API keys a gateway keeps in memory, so that an unknown one costs as much as a known one") \
    X(ENCRYPTION_KEY_INSERT, GATEWAY, WRITE, "ttbiit", "", \
      "INSERT INTO encryption_key (key_id, merchant_id, private_enc, created_at, expires_at, state) " \
      "VALUES ($1, $2, $3, $4, $5, $6)", "a sealed RSA private key") \
    X(ENCRYPTION_KEY_GET, GATEWAY, READ, "tt", "bit", \
      "SELECT private_enc, expires_at, state FROM encryption_key WHERE key_id = $1 AND merchant_id = $2", \
      "an encryption key of a merchant") \
    X(ENCRYPTION_KEY_REVOKE, GATEWAY, WRITE, "ttb", "iit", \
      "UPDATE encryption_key SET state = 'revoked', private_enc = $3 WHERE key_id = $1 AND merchant_id = $2 " \
      "RETURNING created_at, expires_at, state", "revokes a key and destroys its private half; harmless when repeated") \
    X(RECORD_INSERT, GATEWAY, WRITE, STORE_RECORD_TYPES, "", \
      "INSERT INTO record (" STORE_RECORD_COLUMNS ") VALUES (" STORE_RECORD_PLACES ")", "one immutable payment record") \
    X(RECORD_GET, GATEWAY, READ, "tt", STORE_RECORD_TYPES, \
      "SELECT " STORE_RECORD_COLUMNS " FROM record WHERE tenant = $1 AND record_id = $2", "one payment record of a tenant") \
    X(RECORD_COUNT, GATEWAY, READ | STORE_ROW_SCAN, "t", "i", \
      "SELECT count(*) FROM record WHERE state = $1", "records in a state, for operators and tests") \
    X(CLAIM_INSERT, GATEWAY, WRITE | STORE_ROW_KEY_3, "tttbtti", "", \
      "INSERT INTO claim (tenant, face, request_id, fingerprint, record_id, node, created_at, answer_status) " \
      "VALUES ($1, $2, $3, $4, $5, $6, $7, CAST(0 AS BIGINT)) ON CONFLICT DO NOTHING", \
      "claims an idempotency key before routing") \
    X(CLAIM_GET, GATEWAY, READ, "ttt", "btiit", \
      "SELECT fingerprint, record_id, created_at, answer_status, answer FROM claim " \
      "WHERE tenant = $1 AND face = $2 AND request_id = $3", "a claim and its answer; status 0: still running") \
    X(CLAIM_ANSWER, GATEWAY, WRITE | STORE_ROW_KEY_3, "ttttit", "", \
      "UPDATE claim SET answer_status = $5, answer = $6 " \
      "WHERE tenant = $1 AND face = $2 AND request_id = $3 AND record_id = $4 AND answer_status = 0", \
      "stores the answer, in the record's transaction") \
    X(CLAIM_RELEASE, GATEWAY, WRITE | STORE_ROW_KEY_3, "tttt", "", \
      "DELETE FROM claim WHERE tenant = $1 AND face = $2 AND request_id = $3 AND record_id = $4 AND answer_status = 0", \
      "gives up a claim that led to nothing") \
    X(CLAIM_ABANDONED, GATEWAY, WRITE | STORE_ROW_SCAN, "ti", "", \
      "DELETE FROM claim WHERE node = $1 AND answer_status = 0 AND created_at < $2", \
      "claims that no process of this node can still be working on") \
    X(CLAIM_PURGE, GATEWAY, WRITE | STORE_ROW_SCAN, "i", "", \
      "DELETE FROM claim WHERE created_at < $1", "answers past their retention") \
    X(REVERSAL_INSERT, GATEWAY, WRITE, "ttttbii", "", \
      "INSERT INTO reversal (reversal_id, node, link_id, record_id, message_enc, created_at, next_try_at, tries, state) " \
      "VALUES ($1, $2, $3, $4, $5, $6, $7, CAST(0 AS BIGINT), 'armed')", \
      "armed before the authorisation leaves, so that a crash in between is reversed; the message is sealed") \
    X(REVERSAL_DISARM, GATEWAY, WRITE, "t", "", \
      "DELETE FROM reversal WHERE reversal_id = $1 AND state = 'armed'", "the outcome is known and needs none") \
    X(REVERSAL_FIRE, GATEWAY, WRITE, "ti", "", \
      "UPDATE reversal SET state = 'queued', next_try_at = $2 WHERE reversal_id = $1 AND state = 'armed'", \
      "timeout, unreadable answer or rejection: to be sent") \
    X(REVERSAL_ABANDONED, GATEWAY, WRITE | STORE_ROW_SCAN, "tii", "", \
      "UPDATE reversal SET state = 'queued', next_try_at = $3 WHERE node = $1 AND state = 'armed' AND created_at < $2", \
      "reversals whose attempt no process of this node can still be working on") \
    X(REVERSAL_DUE, GATEWAY, READ, "tii", "tttbiiit", \
      "SELECT reversal_id, link_id, record_id, message_enc, created_at, next_try_at, tries, state FROM reversal " \
      "WHERE state = 'queued' AND node = $1 AND next_try_at <= $2 ORDER BY next_try_at LIMIT $3", "reversals to send now") \
    X(REVERSAL_UPDATE, GATEWAY, WRITE, "titii", "", \
      "UPDATE reversal SET next_try_at = $4, tries = $5, state = $3 WHERE reversal_id = $1 AND tries = $2 AND state = 'queued'", \
      "after a try: later again, accepted, refused or abandoned") \
    X(REVERSAL_COUNT, GATEWAY, READ | STORE_ROW_SCAN, "t", "i", \
      "SELECT count(*) FROM reversal WHERE state = $1", "reversals in a state, for operators and tests")
/* clang-format on */

#endif
