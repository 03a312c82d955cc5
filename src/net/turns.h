/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long the turns of a loop are.
 *
 * Purpose    A loop serves everybody by turns; whatever makes one turn long stops them all. A turn is what passes between two waits
 *            for events: reading, the service's own turn, writing.
 * Ownership  A value inside the loop.
 * Threading  The loop's.
 * Time       The library's clock, which tells how long it has waited, not that of `env`: a turn is a fact of the process.
 * Failure    A library that cannot tell counts its waits as turns.
 *
 * Example
 *     net_turns_begin(&loop->turns, &loop->uv);      // before the loop runs
 *     net_turns_end(&loop->turns, &loop->uv);        // as the last thing before each wait
 */
#ifndef NET_TURNS_H
#define NET_TURNS_H

#include "base/buf.h"

#include <uv.h>

enum { NET_TURNS_BUCKETS = 13 };

struct net_turns {
    uint64_t bucket[NET_TURNS_BUCKETS];
    uint64_t count;
    uint64_t sum_us;
    uint64_t longest_us;
    uint64_t began_ns;  /* the last wait began */
    uint64_t waited_ns; /* in all, until then */
};

void net_turns_begin(struct net_turns *turns, uv_loop_t *uv);
void net_turns_end(struct net_turns *turns, uv_loop_t *uv);
/* net_loop_turn_seconds and net_loop_turn_longest_microseconds. */
void net_turns_metrics(const struct net_turns *turns, struct buf *out);

#endif
