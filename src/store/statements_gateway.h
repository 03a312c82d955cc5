/* SPDX-License-Identifier: Apache-2.0 */
/* Statements over the tables of the gateway. Columns and rules: store/statements.h. */
#ifndef STORE_STATEMENTS_GATEWAY_H
#define STORE_STATEMENTS_GATEWAY_H

/* clang-format off */
#define STORE_RECORD_COLUMNS                                                                                            \
    "record_id, tenant, merchant_id, account, kind, amount, currency, brand, bin6, last4, pan_fingerprint, entry, "     \
    "initiator, cvv_presence, network, cvv_raw, cvv_canonical, avs_raw, de39, approval_code, rrn, stan, de7, state, "   \
    "outcome, rejection_reason, trace, reversal_state, face, answer_status, answer, created_at"
#define STORE_RECORD_TYPES "tttttittttbttttttttttttttttttiti"

#define STORE_STATEMENTS_GATEWAY(X) \
    X(MERCHANT_INSERT, GATEWAY, WRITE, "ttttttti", "", \
      "INSERT INTO merchant (merchant_id, tenant, name, mcc, currency, acquirer_id, status, created_at) " \
      "VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING", "a new merchant") \
    X(MERCHANT_GET, GATEWAY, READ, "tt", "ttttttti", \
      "SELECT merchant_id, tenant, name, mcc, currency, acquirer_id, status, created_at FROM merchant " \
      "WHERE tenant = $1 AND merchant_id = $2", "one merchant of a tenant") \
    X(MERCHANT_KEY_INSERT, GATEWAY, WRITE, "tttbti", "", \
      "INSERT INTO merchant_key (api_key, tenant, merchant_id, secret_enc, status, created_at) " \
      "VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING", "an API key with its sealed secret") \
    X(MERCHANT_KEY_GET, GATEWAY, READ, "t", "tttbti", \
      "SELECT api_key, tenant, merchant_id, secret_enc, status, created_at FROM merchant_key WHERE api_key = $1", \
      "authentication") \
    X(ENCRYPTION_KEY_INSERT, GATEWAY, WRITE, "tttbiit", "", \
      "INSERT INTO encryption_key (key_id, tenant, merchant_id, private_enc, created_at, expires_at, state) " \
      "VALUES ($1, $2, $3, $4, $5, $6, $7)", "a sealed RSA private key") \
    X(ENCRYPTION_KEY_GET, GATEWAY, READ, "tt", "tttbiit", \
      "SELECT key_id, tenant, merchant_id, private_enc, created_at, expires_at, state FROM encryption_key " \
      "WHERE tenant = $1 AND key_id = $2", "one encryption key of a tenant") \
    X(RECORD_INSERT, GATEWAY, WRITE, STORE_RECORD_TYPES, "", \
      "INSERT INTO record (" STORE_RECORD_COLUMNS ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, " \
      "$16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32)", "one immutable payment record") \
    X(RECORD_GET, GATEWAY, READ, "tt", STORE_RECORD_TYPES, \
      "SELECT " STORE_RECORD_COLUMNS " FROM record WHERE tenant = $1 AND record_id = $2", "one payment record of a tenant") \
    X(CLAIM_INSERT, GATEWAY, WRITE, "tttbti", "", \
      "INSERT INTO claim (tenant, face, request_id, fingerprint, record_id, created_at) VALUES ($1, $2, $3, $4, $5, $6) " \
      "ON CONFLICT DO NOTHING", "claims an idempotency key before routing") \
    X(CLAIM_GET, GATEWAY, READ, "ttt", "btiit", \
      "SELECT fingerprint, record_id, created_at, answer_status, answer FROM claim " \
      "WHERE tenant = $1 AND face = $2 AND request_id = $3", "a claim and its answer; status 0: still running") \
    X(CLAIM_ANSWER, GATEWAY, WRITE, "tttit", "", \
      "UPDATE claim SET answer_status = $4, answer = $5 " \
      "WHERE tenant = $1 AND face = $2 AND request_id = $3 AND answer_status = 0", "stores the answer, in the record's transaction") \
    X(CLAIM_RELEASE, GATEWAY, WRITE, "ttt", "", \
      "DELETE FROM claim WHERE tenant = $1 AND face = $2 AND request_id = $3 AND answer_status = 0", \
      "gives up a claim that led to nothing") \
    X(REVERSAL_INSERT, GATEWAY, WRITE, "tttbiit", "", \
      "INSERT INTO reversal (reversal_id, link_id, record_id, message_enc, created_at, next_try_at, state) " \
      "VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING", "a reversal, durable before it is sent; the message is sealed") \
    X(REVERSAL_DUE, GATEWAY, READ, "ii", "tttbiiit", \
      "SELECT reversal_id, link_id, record_id, message_enc, created_at, next_try_at, tries, state FROM reversal " \
      "WHERE state = 'queued' AND next_try_at <= $1 ORDER BY next_try_at LIMIT $2", "reversals to send now") \
    X(REVERSAL_UPDATE, GATEWAY, WRITE, "titii", "", \
      "UPDATE reversal SET next_try_at = $4, tries = $5, state = $3 WHERE reversal_id = $1 AND tries = $2 AND state = 'queued'", \
      "after a try: later again, accepted, refused or abandoned")
/* clang-format on */

#endif
