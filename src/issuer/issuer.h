/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The issuer: card products, registration, and the credentials a holder is shown.
 *
 * Purpose    REST in (http), codes from the HSM (hostcmd), counters in the ledger. A code exists for the span of one request: it is
 *            returned only after the ledger committed its counter, and wiped with the request.
 * Ownership  The issuer borrows everything in its config; all of it outlives the issuer. Jobs are reserved at start: one for each
 *            slot of the HTTP server and some for answered requests whose batch is still out. Their secrets stand in locked pages.
 * Threading  One thread: issuer_turn and all other calls. Commits run on the store's writer thread, requests come from HTTP's.
 * Failure    A request that cannot be served gets a problem document (issuer.md 8.4). Nothing a peer sends stops the issuer. A
 *            database that does not answer costs only the requests that need it: after store_timeout_us they get 503, and nothing
 *            that is not known to be committed is shown.
 * Limits     As many requests at once as the HTTP server has slots.
 *
 * Stages     rows of flow/flow.h: hold (one writer a card) -> read and admit (client, card, displays: one read for the batch) ->
 *            keys -> start -> look (reads of the operation) -> answered (HSM, pipelined) -> commit -> committed. A conflict at the
 *            commit goes back to read, at most ISSUER_ATTEMPTS times.
 *
 * Example
 *     http_config.mount = issuer_mounts(&http_config.mount_count);
 *     TRY(http_create(&http_config, env, &http));
 *     TRY(issuer_create(&config, &issuer));
 *     // in the loop's turn hook
 *     return issuer_turn(issuer);
 */
#ifndef ISSUER_ISSUER_H
#define ISSUER_ISSUER_H

#include "base/env.h"
#include "crypto/vault.h"
#include "hostcmd/client.h"
#include "hostcmd/layout/layout.h"
#include "http/http.h"
#include "ledger/ledger.h"
#include "store/reader.h"
#include "store/writer.h"

enum { ISSUER_ATTEMPTS = 5, ISSUER_KEY_NAME = 49, ISSUER_KEY_TEXT = 256 };

/* A key of the HSM: products name it, the HSM alone can use its text. */
struct issuer_key {
    char name[ISSUER_KEY_NAME];
    char text[ISSUER_KEY_TEXT];
};

struct issuer_config {
    const struct env *env;
    struct http *http;
    struct store_reader *reader;
    struct store_writer *writer;
    struct hostcmd_client *hsm;
    const struct hostcmd_profile *layout; /* of scheme 5, as the HSMs have it; copied; NULL: countersign-5 */
    struct crypto_vault *vault;           /* purpose "ledger"; PANs are sealed with the card id as associated data */
    const struct issuer_key *key;
    size_t key_count;
    uint32_t slots;           /* as the HTTP server has */
    int64_t hsm_timeout_us;   /* of one command */
    int64_t store_timeout_us; /* of a read; a commit has twice as long; 0: 3 s */
    bool sandbox;             /* API keys, plain credentials and bodies; without it a client must have an encryption key */
    int64_t account_opening_balance_minor; /* sandbox: a registered card gets an account with this balance; negative: none */
    char account_currency[4];              /* as the switch knows it: three digits (ISO 4217) */
    /* A moment on the wall clock of a time zone, as if that were UTC; NULL: UTC. */
    int64_t (*local_ms)(void *zones, const char *timezone, int64_t wall_ms);
    void *zones;
    void (*wake)(void *context); /* makes the loop call issuer_turn soon; any thread */
    void *wake_context;
};

struct issuer;

/* The table of routes, for http_config. */
const struct http_mount *issuer_mounts(size_t *count);

MUST_USE enum err issuer_create(const struct issuer_config *config, struct issuer **out);
/* The writer has been stopped: requests whose commit came back are answered, the others get 503. Nothing is submitted any more. */
void issuer_destroy(struct issuer *issuer);
/* Serves everything that has arrived; returns when it wants to be called next (monotonic microseconds, 0: when woken). */
int64_t issuer_turn(struct issuer *issuer);
/* True when a display could be served: some HSM may be asked and the last read of the store succeeded. */
bool issuer_ready(const struct issuer *issuer);
/* What the last reading of the products ended with. */
enum err issuer_store_err(const struct issuer *issuer);
/* Requests that are not answered yet. */
size_t issuer_pending(const struct issuer *issuer);

struct issuer_counters {
    int64_t requests, displays, conflicts, skips, refused, hsm_failures, store_failures;
};
struct issuer_counters issuer_counters(const struct issuer *issuer);
/* The counters, and what the engine counts of each stage. */
void issuer_metrics(const struct issuer *issuer, struct buf *out);

/* Sandbox: inserts a client with all roles that is known by `api_key`; an existing one stays as it is. */
MUST_USE enum err issuer_sandbox_client(struct store *store, const char *issuer_id, const char *client_id, struct span api_key);

#endif
