/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client side of the HSM link: pooled, pipelined, bounded in time.
 *
 * Purpose    Sends host commands to a pool of HSMs and gives the answers back in batches. A request gets a sequence number in its
 *            header and is matched by it; each has a deadline; an HSM that fails is left alone until it answers a probe.
 * Ownership  The client copies what it sends and wipes it with the answer. An answer holds codes: the taker wipes it
 *            (hostcmd_answer_wipe) when it is done.
 * Threading  All calls on one thread, the caller's loop.
 * Failure    hostcmd_client_send: HOSTCMD_ERR_UNAVAILABLE when no HSM may be asked, ERR_BUSY when every window is full; nothing is
 *            pending then. A request that was accepted always comes back exactly once through hostcmd_client_take, with ERR_OK
 *            and the payload, or ERR_TIMEOUT, HOSTCMD_ERR_UNAVAILABLE (the link broke) or ERR_FRAME (the answer was rubbish).
 *            Asking a second HSM is the caller's decision: send again with `avoid` = the endpoint that failed.
 * Limits     HOSTCMD_ENDPOINTS_MAX HSMs, a window of up to HOSTCMD_WINDOW_MAX requests each, headers from HOSTCMD_HEADER_MIN bytes
 *            on (a shorter one cannot carry a sequence number: refused), answers up to HOSTCMD_ANSWER_MAX bytes.
 *
 * Header     Digits of 64 printable characters, '0' in front. A number whose request timed out is not given again until its answer
 *            came after all or the link was renewed: a late answer never passes for that of another card.
 *
 * Breaker    Three failures (timeout, broken link, rubbish) within 5 s open it; while open, NC is sent once a second and the first
 *            good answer closes it. A link that is down counts as open. Five probes without an answer renew the link.
 *
 * Example
 *     TRY(hostcmd_client_send(c, &(struct hostcmd_send){.command = buf_span(&cy), .deadline_us = now + 500000, .ticket = slot}));
 *     ...
 *     struct hostcmd_answer answer[64];
 *     size_t n = hostcmd_client_take(c, answer, 64);
 */
#ifndef HOSTCMD_CLIENT_H
#define HOSTCMD_CLIENT_H

#include "base/buf.h"
#include "base/env.h"

#include <stdbool.h>

enum {
    HOSTCMD_ENDPOINTS_MAX = 8,
    HOSTCMD_WINDOW_MAX = 4095,
    HOSTCMD_HEADER = 4, /* usual length */
    HOSTCMD_HEADER_MIN = 2,
    HOSTCMD_HEADER_MAX = 255,
    HOSTCMD_ANSWER_MAX = 1152,
};

struct hostcmd_client;

/* The way to the HSMs, wired in main/. Frames sent between two turns go out as one write. */
struct hostcmd_transport {
    void *context;
    size_t endpoints;
    /* The parts make one frame; ERR_BUSY: no room now, ERR_CLOSED: the link is down. */
    enum err (*send)(void *context, size_t endpoint, const struct span *part, size_t count);
    /* Drops the link after rubbish or silence; the transport opens it again and reports it. May be NULL. */
    void (*reset)(void *context, size_t endpoint);
};

struct hostcmd_client_config {
    const struct env *env;
    struct hostcmd_transport transport;
    uint32_t window; /* requests in flight for each HSM */
    uint8_t header;  /* bytes in front of each command, as the HSM is configured */
    char lmk[3];     /* two digits: goes with every command as %NN; empty: the HSM's own default */
};

MUST_USE enum err hostcmd_client_create(const struct hostcmd_client_config *config, struct hostcmd_client **out);
void hostcmd_client_destroy(struct hostcmd_client *client);

/* ---- for the caller ---- */

struct hostcmd_send {
    struct span command; /* from hostcmd_request_build */
    int64_t deadline_us; /* monotonic */
    uint64_t ticket;     /* comes back with the answer */
    int avoid;           /* 0: any; HOSTCMD_AVOID(endpoint): not this one */
};
#define HOSTCMD_AVOID(endpoint_) ((int)(endpoint_) + 1)

struct hostcmd_answer {
    uint64_t ticket;
    enum err err;
    uint16_t endpoint; /* who answered or failed */
    uint16_t len;
    uint8_t at[HOSTCMD_ANSWER_MAX]; /* from the reply code on; for hostcmd_reply_parse */
};

/* Chooses the usable endpoint with the fewest requests in flight. */
MUST_USE enum err hostcmd_client_send(struct hostcmd_client *client, const struct hostcmd_send *send);
/* Completions, oldest first; 0: none. */
size_t hostcmd_client_take(struct hostcmd_client *client, struct hostcmd_answer *out, size_t max);
void hostcmd_answer_wipe(struct hostcmd_answer *answer);
/* Deadlines and probes. Returns when it wants to be called next (monotonic us). Call it in every turn; it is cheap. */
int64_t hostcmd_client_turn(struct hostcmd_client *client, int64_t now_us);
/* True while some HSM may be asked. */
bool hostcmd_client_ready(const struct hostcmd_client *client);
size_t hostcmd_client_pending(const struct hostcmd_client *client);

struct hostcmd_client_counters {
    uint64_t sent, answered, timeouts, broken, rubbish, strays, opened; /* strays: answers nobody waits for any more */
};
struct hostcmd_client_counters hostcmd_client_counters(const struct hostcmd_client *client);

/* ---- for the transport ---- */

void hostcmd_client_link(struct hostcmd_client *client, size_t endpoint, bool up);
/* One frame without its length. */
void hostcmd_client_receive(struct hostcmd_client *client, size_t endpoint, struct span payload);

#endif
