/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One frame to an HSM and its answer, over the network room's own client.
 *
 * Purpose    What `countersign-hsm send` does on the wire: connect, send, wait, close.
 * Ownership  Frames are the caller's.
 * Threading  Runs a loop of its own until the answer or the deadline.
 * Failure    ERR_LINK_UNAVAILABLE (nobody listens), ERR_TIMEOUT, ERR_CLOSED (the HSM closed without an answer); `problem` says why.
 * Units      Times in microseconds.
 */
#ifndef TOOL_SEND_LINK_H
#define TOOL_SEND_LINK_H

#include "base/env.h"
#include "net/net.h"

struct tool_send_call {
    const struct env *env;
    const char *address; /* ADDR:PORT */
    struct span payload; /* without the length */
    uint32_t wait_ms;
    const struct net_tls_config *tls; /* NULL: plain TCP */
};

/* Appends the payload of the answer. */
MUST_USE enum err tool_send_call(const struct tool_send_call *call, struct buf *answer, int64_t *elapsed_us,
                                 struct net_problem *problem);

#endif
