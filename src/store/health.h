/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The health of a store under a service that runs.
 *
 * Purpose    Requests read, and a disk that is full can still be read; nobody may ask for anything while the database goes. So a
 *            small write finds out every few seconds whether the store is there, is the one of the start, and takes writes; it is
 *            asked at once when a batch of the writer has failed. What is wrong is in the log once, as what it is, and so is its
 *            end.
 * Ownership  The health owns its batch and queue; the writer has them while a write is under way: stop the writer before
 *            store_health_destroy.
 * Threading  One thread: the loop's.
 * Failure    store_health_err: ERR_OK while all is well, else what is wrong.
 *
 * Example
 *     int64_t wake_us = store_health_turn(health, env_monotonic_us(env), ledger_products_err(products));   // in the turn hook
 *     ready = store_health_err(health) == ERR_OK;
 */
#ifndef STORE_HEALTH_H
#define STORE_HEALTH_H

#include "store/identity.h"
#include "store/writer.h"

struct store_health;

struct store_health_config {
    const struct env *env;
    struct store_writer *writer;
    const char *set_name;
    struct store_identity identity;
    const char *service; /* of the events in the log: "switch" */
    int64_t timeout_us;  /* of a write; a store that is slower is down */
    void (*wake)(void *context);
    void *context;
};

MUST_USE enum err store_health_create(const struct store_health_config *config, struct store_health **out);
/* NULL is allowed. */
void store_health_destroy(struct store_health *health);
/* `reads`: what the service's own reading of the store ended with. Returns when it must be called again at the latest. */
int64_t store_health_turn(struct store_health *health, int64_t now_us, enum err reads);
enum err store_health_err(const struct store_health *health);

#endif
