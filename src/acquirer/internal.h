/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the link share. Inside the room only. */
#ifndef ACQUIRER_INTERNAL_H
#define ACQUIRER_INTERNAL_H

#include "acquirer/acquirer.h"
#include "iso8583/profile.h"

enum { ACQUIRER_STANS = 1000000 };

enum acquirer_entry_kind { ACQUIRER_ENTRY_FREE, ACQUIRER_ENTRY_AUTHORISATION, ACQUIRER_ENTRY_REVERSAL, ACQUIRER_ENTRY_NETWORK };

/* A request that waits for its answer. */
struct acquirer_entry {
    enum acquirer_entry_kind kind;
    struct acquirer_stamp stamp; /* rrn "": not compared */
    int64_t deadline_us;
    void *context;
};

struct net_client;

struct acquirer_link {
    struct acquirer_config config;
    const struct iso8583_profile *profile;
    enum iso8583_extract extract;
    enum iso8583_result result;
    const struct env *env;
    struct net_client *client;
    struct acquirer_events events;
    bool signed_on;
    int64_t echo_us; /* next network message */
    uint32_t stan;
    struct acquirer_entry entry[ACQUIRER_IN_FLIGHT_MAX]; /* by trace number */
    size_t in_flight;
    int64_t next_us; /* no deadline is earlier */
    struct acquirer_counts counts;
};

/* ---- stamp.c: trace numbers, times, and what stands under them ---- */
uint32_t acquirer_stan_next(struct acquirer_link *link);
void acquirer_stamp_time(int64_t now_ms, char out[static 11]);
void acquirer_stamp_read(const struct iso8583_message *m, struct acquirer_stamp *out);
struct acquirer_entry *acquirer_entry_at(struct acquirer_link *link, uint32_t stan);
/* From now on an answer is expected. */
void acquirer_expect(struct acquirer_link *link, const struct acquirer_entry *entry);
/* The entry is free again; what stood in it. */
struct acquirer_entry acquirer_settle(struct acquirer_link *link, struct acquirer_entry *entry);
/* The entry that an answer belongs to; NULL: none. */
struct acquirer_entry *acquirer_match(struct acquirer_link *link, const struct iso8583_message *m);

/* ---- link.c ---- */
/* Builds, sends and wipes. */
MUST_USE enum err acquirer_send(struct acquirer_link *link, struct iso8583_message *m);

#endif
