/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines over a socket of this machine.
 *
 * Purpose    A console: a peer connects to a socket file, sends lines, and gets the answer to each in the same turn. Only processes
 *            of the same user and of root are heard (SO_PEERCRED), and the file is its owner's alone.
 * Ownership  The loop owns it; net_loop_destroy closes it and removes the file. A line's bytes are borrowed for the time of the
 *            call; lines and answers are wiped after use.
 * Threading  The loop's thread.
 * Failure    What stops a start is told in `problem`. A line longer than the limit, or an answer that does not fit, closes the
 *            connection.
 * Limits     NET_LOCAL_PEERS connections, lines of NET_LOCAL_LINE bytes, answers of NET_LOCAL_ANSWER; NET_LOCAL_IDLE_MS of silence
 *            end a connection.
 *
 * Example
 *     static void echo(void *context, struct span line, struct buf *answer)
 *     {
 *         buf_put_span(answer, line);
 *         buf_put_byte(answer, '\n');
 *     }
 *     const struct net_local_config config = {.name = "console", .path = "/run/countersign/hsm.console", .line = echo};
 *     TRY(net_local_create(loop, &config, problem));
 */
#ifndef NET_LOCAL_H
#define NET_LOCAL_H

#include "net/net.h"

enum { NET_LOCAL_PEERS = 4, NET_LOCAL_LINE = 512, NET_LOCAL_ANSWER = 16 * 1024, NET_LOCAL_IDLE_MS = 30000 };

struct net_local_config {
    const char *name;                                                  /* in logs */
    const char *path;                                                  /* of the socket; one that nobody listens on is replaced */
    void (*line)(void *context, struct span line, struct buf *answer); /* without its end */
    void *context;
};

MUST_USE enum err net_local_create(struct net_loop *loop, const struct net_local_config *config, struct net_problem *problem);

#endif
