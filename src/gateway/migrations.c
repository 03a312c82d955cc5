/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables of the gateway, as steps; rules: store/statement.h.
 *
 * Rows are found by their primary key, and tables are stored in its order: ids sort by time, so inserts append. Every further index
 * costs each payment a write, hence there are few. Claims are in the order of what merchants call their requests, each in a page of
 * its own: their rows are kept small, so the text of an answer stands apart.
 */
#include "gateway/statements.h"

#include <stddef.h>

#define TEXT " TEXT NOT NULL DEFAULT '', "
#define INT " {int} NOT NULL DEFAULT 0, "
#define BYTES " {bytes} NOT NULL DEFAULT {empty}, "

/* clang-format off */
static const struct store_migration migration[] = {
    {1, "CREATE TABLE merchant (merchant_id" TEXT "tenant" TEXT "name" TEXT "mcc" TEXT "currency" TEXT "sandbox" INT
        "prefer" TEXT "address" TEXT "city" TEXT "state" TEXT "postal_code" TEXT "country" TEXT "status" TEXT "created_at" INT
        "PRIMARY KEY (merchant_id)) {table}"},
    {1, "CREATE TABLE terminal (merchant_id" TEXT "terminal_id" TEXT
        "PRIMARY KEY (merchant_id, terminal_id)) {table}"},
    {1, "CREATE TABLE merchant_key (api_key" TEXT "merchant_id" TEXT "secret_enc" BYTES "legacy_mac" INT
        "status" TEXT "created_at" INT "PRIMARY KEY (api_key)) {table}"},
    {1, "CREATE TABLE encryption_key (key_id" TEXT "merchant_id" TEXT "private_enc" BYTES "created_at" INT
        "expires_at" INT "state" TEXT "PRIMARY KEY (key_id)) {table}"},
    {1, "CREATE TABLE record (record_id" TEXT "tenant" TEXT "merchant_id" TEXT "terminal_id" TEXT "kind" TEXT
        "amount" INT "currency" TEXT "brand" TEXT "bin6" TEXT "last4" TEXT "pan_fingerprint" BYTES "entry" TEXT "initiator" TEXT
        "cvv_presence" TEXT "network" TEXT "cvv_raw" TEXT "cvv_canonical" TEXT "avs_raw" TEXT "de39" TEXT "approval_code" TEXT
        "rrn" TEXT "stan" TEXT "de7" TEXT "state" TEXT "outcome" TEXT "rejection_reason" TEXT "trace" TEXT "reversal_state" TEXT
        "face" TEXT "request_id" TEXT "created_at" INT "PRIMARY KEY (record_id)) {table}"},
    {1, "CREATE TABLE claim (tenant" TEXT "face" TEXT "request_id" TEXT "fingerprint" BYTES "record_id" TEXT
        "node" TEXT "created_at" INT "answer_status" INT "answer" TEXT "PRIMARY KEY (tenant, face, request_id)) {table}"},
    {1, "CREATE TABLE reversal (reversal_id" TEXT "node" TEXT "link_id" TEXT "record_id" TEXT "message_enc" BYTES
        "created_at" INT "next_try_at" INT "tries" INT "state" TEXT "PRIMARY KEY (reversal_id)) {table}"},
    {1, "CREATE INDEX reversal_due ON reversal (node, next_try_at) WHERE state = 'queued'"},
    {2, "ALTER TABLE record ADD COLUMN pan_enc {bytes} NOT NULL DEFAULT {empty}"},
    {3, "ALTER TABLE claim ADD COLUMN signed_at {int} NOT NULL DEFAULT 0"},
    {3, "ALTER TABLE claim ADD COLUMN target {int} NOT NULL DEFAULT 0"},
    {4, "CREATE INDEX encryption_key_merchant ON encryption_key (merchant_id)"},
    {5, "CREATE TABLE answer (answer_id" TEXT "told_at" INT "body" TEXT "PRIMARY KEY (answer_id)) {table}"},
    {5, "INSERT INTO answer (answer_id, told_at, body) SELECT record_id, created_at, answer FROM claim WHERE answer_status > 0"},
    {5, "ALTER TABLE claim DROP COLUMN answer"},
    {6, "CREATE TABLE probe (node" TEXT "written_at" INT "PRIMARY KEY (node)) {table}"},
};
/* clang-format on */

const struct store_set gateway_set = {.name = "gateway",
                                      .row = gateway_statement,
                                      .count = GATEWAY_STATEMENT_COUNT,
                                      .migration = migration,
                                      .migration_count = sizeof migration / sizeof migration[0]};
const struct store_set *const gateway_sets[] = {&gateway_set, NULL};
