/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The acquirer's side of an ISO 8583 link: one connection to a network, pipelined.
 *
 * Purpose    Signs on, sends authorisations (0100) and reversals (0400, 0401), matches answers by DE7, DE11 and DE37, and tells
 *            its owner about answers and deadlines. The layout of messages is the link's profile.
 * Ownership  A link borrows loop and environment; the configuration is copied. `context` values are the caller's. What an
 *            authorisation points to is borrowed for the call.
 * Threading  The loop's thread.
 * Failure    Sending on a link that is down is ERR_LINK_UNAVAILABLE, with too many in flight ERR_BUSY. An answer that cannot be
 *            read, or a connection that is lost, leaves its requests to their deadline: what happened to them is unknown.
 * Limits     ACQUIRER_IN_FLIGHT_MAX requests in flight; system trace numbers wrap at one million.
 * Secrets    Message and frame are wiped as soon as the frame has been handed to the connection. The caller wipes the code.
 *
 * Example
 *     acquirer_stamp(link, now_ms, &authorisation.stamp);
 *     TRY(acquirer_reversal_build(link, &authorisation, now_ms, &frame));   // keep it until the outcome is known
 *     TRY(acquirer_authorise(link, &authorisation, payment));
 */
#ifndef ACQUIRER_ACQUIRER_H
#define ACQUIRER_ACQUIRER_H

#include "base/env.h"
#include "card/card.h"
#include "iso8583/layout.h"
#include "iso8583/message.h"

/* Places: authorisations up to ACQUIRER_IN_FLIGHT_MAX less a reserve for reversals and network messages. */
enum { ACQUIRER_IN_FLIGHT_MAX = 4096, ACQUIRER_IN_FLIGHT_RESERVE = 128, ACQUIRER_FRAME_MAX = 2048 };

#define ACQUIRER_NEVER_US INT64_MAX

struct acquirer_link;
struct net_loop;

struct acquirer_config {
    char name[16];
    char address[64];
    int64_t port;
    char profile[24];   /* iso8583 profile */
    char extract[24];   /* where the code travels, iso8583/layout.h */
    char result[24];    /* where its result comes back */
    char acquirer[12];  /* DE32 */
    int64_t in_flight;  /* most requests outstanding */
    int64_t timeout_ms; /* of an authorisation */
};

enum acquirer_sent { ACQUIRER_AUTHORISATION, ACQUIRER_REVERSAL };

struct acquirer_events {
    /* An answer, or message NULL: the deadline has passed. Exactly once for every request that was sent. */
    void (*answered)(void *owner, enum acquirer_sent sent, void *context, const struct iso8583_message *message);
    void *owner;
};

/* What tells one request from another on its link. */
struct acquirer_stamp {
    uint32_t stan;         /* DE11 */
    char transmission[11]; /* DE7 */
    char rrn[13];          /* DE37 */
};

/* What an authorisation and its reversal say. */
struct acquirer_authorisation {
    const struct card_pan *pan;
    const struct code_digits *code; /* read only if it is present */
    enum iso8583_presence presence;
    uint64_t amount_minor;
    const char *currency;  /* numeric */
    const char *expiry;    /* YYMM */
    const char *mcc;       /* DE18 */
    const char *condition; /* DE25 */
    const char *terminal;  /* DE41, cut to its length */
    const char *merchant;  /* DE42, cut to its length */
    struct acquirer_stamp stamp;
};

/* What an answer says. */
struct acquirer_answer {
    char response[3]; /* DE39; "": none came */
    char approval[7]; /* DE38 */
    char result;      /* the letter of the code check; 0: none came */
    bool amount_told; /* DE4 says what was approved */
    uint64_t amount_minor;
};

MUST_USE enum err acquirer_create(const struct acquirer_config *config, const struct env *env, struct net_loop *loop,
                                  const struct acquirer_events *events, struct acquirer_link **out);
/* Before the loop ends. NULL is allowed. */
void acquirer_destroy(struct acquirer_link *link);
/* Connected and signed on. */
bool acquirer_up(const struct acquirer_link *link);

/* A trace number whose place is free, a transmission time and a retrieval reference. */
void acquirer_stamp(struct acquirer_link *link, int64_t now_ms, struct acquirer_stamp *out);
/* Sends 0100. ERR_OK: `answered` will be called with `context`. */
MUST_USE enum err acquirer_authorise(struct acquirer_link *link, const struct acquirer_authorisation *a, void *context);
/* The 0400 frame that would reverse the authorisation: to be kept, sealed, until it is needed. */
MUST_USE enum err acquirer_reversal_build(struct acquirer_link *link, const struct acquirer_authorisation *a, int64_t now_ms,
                                          struct buf *frame);
/* Sends such a frame, as 0401 if it is a repeat. ERR_OK: `answered` will be called with `context`. */
MUST_USE enum err acquirer_reverse(struct acquirer_link *link, struct span frame, bool repeat, int64_t timeout_us, void *context);
void acquirer_answer_read(const struct acquirer_link *link, const struct iso8583_message *message, struct acquirer_answer *out);

/* Deadlines that have passed, sign-on, echo. Returns the next deadline; ACQUIRER_NEVER_US: none. */
int64_t acquirer_turn(struct acquirer_link *link, int64_t now_us);

struct acquirer_counts {
    uint64_t sent, answered, timeouts, unmatched, unreadable;
};
struct acquirer_counts acquirer_counts(const struct acquirer_link *link);

#endif
