/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An acquirer link: one ISO 8583 connection to a network, pipelined.
 *
 * Purpose    Signs on, sends authorisations and reversals, matches answers by DE7, DE11 and DE37, and tells the pipeline about
 *            answers and deadlines. The layout of messages is the link's profile.
 * Ownership  The link borrows loop, environment and configuration. `context` values are the caller's.
 * Threading  The loop's thread.
 * Failure    Sending on a link that is down is ERR_LINK_UNAVAILABLE, with too many in flight ERR_BUSY. An answer that cannot be
 *            read, or a connection that is lost, leaves its requests to their deadline: what happened to them is unknown.
 * Limits     GATEWAY_IN_FLIGHT_MAX requests in flight; system trace numbers wrap at one million.
 * Secrets    Message and frame are wiped as soon as the frame has been handed to the connection.
 *
 * Example
 *     gateway_link_stamp(link, now_ms, &payment->stamp);
 *     TRY(gateway_link_authorise(link, payment, secret, &where, slot));
 */
#ifndef GATEWAY_LINK_H
#define GATEWAY_LINK_H

#include "gateway/gateway.h"
#include "gateway/payment.h"
#include "iso8583/message.h"

/* Places: authorisations up to GATEWAY_IN_FLIGHT_MAX less a reserve for reversals and network messages. */
enum { GATEWAY_IN_FLIGHT_MAX = 4096, GATEWAY_IN_FLIGHT_RESERVE = 128, GATEWAY_FRAME_MAX = 2048 };

struct gateway_link;

enum gateway_sent { GATEWAY_SENT_AUTHORISATION, GATEWAY_SENT_REVERSAL };

struct gateway_link_events {
    /* An answer, or message NULL: the deadline has passed. */
    void (*answered)(void *owner, enum gateway_sent sent, void *context, const struct iso8583_message *message);
    void *owner;
};

/* Where a payment is made, as the message carries it. */
struct gateway_place {
    const char *mcc;
    const char *terminal;
    const char *merchant;
    const char *condition; /* DE25 */
};

MUST_USE enum err gateway_link_create(const struct gateway_link_config *config, const struct env *env, struct net_loop *loop,
                                      const struct gateway_link_events *events, struct gateway_link **out);
void gateway_link_destroy(struct gateway_link *link);
/* Connected and signed on. */
bool gateway_link_up(const struct gateway_link *link);

/* Gives the payment a trace number, a transmission time and a retrieval reference of its own. */
void gateway_link_stamp(struct gateway_link *link, int64_t now_ms, struct payment *payment);
/* Sends 0100. The code in `secret` is wiped, whatever the outcome. */
MUST_USE enum err gateway_link_authorise(struct gateway_link *link, const struct payment *payment, struct payment_secret *secret,
                                         const struct gateway_place *place, void *context);
/* The 0400 frame that would reverse the payment; it is kept sealed until it is needed. `reason` is DE39. */
MUST_USE enum err gateway_link_reversal(struct gateway_link *link, const struct payment *payment,
                                        const struct payment_secret *secret, const struct gateway_place *place, int64_t now_ms,
                                        struct buf *frame);
/* Sends such a frame, as 0401 if it is a repeat. */
MUST_USE enum err gateway_link_reverse(struct gateway_link *link, struct span frame, bool repeat, int64_t timeout_us,
                                       void *context);
/* What an answer says: DE39, DE38, the letter of the code check. */
void gateway_link_read(const struct gateway_link *link, const struct iso8583_message *message, struct payment *payment);

/* Deadlines that have passed, sign-on, echo. Returns the next deadline, 0 for none. */
int64_t gateway_link_turn(struct gateway_link *link, int64_t now_us);

struct gateway_link_counts {
    uint64_t sent, answered, timeouts, unmatched, unreadable;
};
struct gateway_link_counts gateway_link_counts(const struct gateway_link *link);

#endif
