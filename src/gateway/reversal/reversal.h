/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reversals: from the store to the link, until they are answered; gateway.md 3.3.
 *
 * Purpose    Looks for rows that are due, sends them, moves their rows on: again later, accepted, refused, abandoned after a day.
 * Ownership  Writer, reader, vault, loop and node text are the caller's. The places of what is under way are its own.
 * Threading  The loop's thread.
 * Failure    A row moves only if nobody else has moved it since this try. What the store does not take stays due and is sent again;
 *            the issuer takes a reversal once.
 * Limits     GATEWAY_REVERSALS_MAX under way; the rest waits in the store.
 * Secrets    A message stands sealed in the store; opened, it is wiped as soon as it has been sent.
 *
 * Example
 *     gateway_reversals_soon(reversals);                       // a row was just queued
 *     next_us = gateway_reversals_turn(reversals, now_us);     // in every turn
 */
#ifndef GATEWAY_REVERSAL_REVERSAL_H
#define GATEWAY_REVERSAL_REVERSAL_H

#include "acquirer/acquirer.h"
#include "crypto/vault.h"
#include "store/reader.h"
#include "store/writer.h"

enum { GATEWAY_REVERSALS_MAX = 64 };

struct gateway_reversals;

struct gateway_reversals_config {
    const struct env *env;
    struct store_writer *writer;
    struct store_reader *reader;
    struct crypto_vault *vault;
    struct net_loop *loop;
    const char *node;
    int64_t first_ms; /* pause before the first repeat */
    /* NULL: there is no such link. */
    struct acquirer_link *(*link)(void *context, struct span name);
    void *context;
};

MUST_USE enum err gateway_reversals_create(const struct gateway_reversals_config *config, struct gateway_reversals **out);
/* NULL is allowed. */
void gateway_reversals_destroy(struct gateway_reversals *r);
/* A row was queued: the next turn looks. */
void gateway_reversals_soon(struct gateway_reversals *r);
/* For acquirer_events: `context` is the one that was given to acquirer_reverse. */
void gateway_reversals_answered(struct gateway_reversals *r, void *context, const struct iso8583_message *message);
/* Looks for what is due; returns when it wants to look again. */
int64_t gateway_reversals_turn(struct gateway_reversals *r, int64_t now_us);

struct gateway_reversals_counts {
    uint64_t sent, accepted, refused, abandoned;
};
struct gateway_reversals_counts gateway_reversals_counts(const struct gateway_reversals *r);

#endif
