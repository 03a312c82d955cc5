/* SPDX-License-Identifier: Apache-2.0 */
#include "net/turns.h"

#include "base/metric.h"

/* 20 ms is what the slowest turn may take while a database stands still. */
static const uint32_t end_us[NET_TURNS_BUCKETS] = {50,    100,   250,   500,    1000,   2000,   5000,
                                                   10000, 20000, 50000, 100000, 500000, 1000000};

void net_turns_begin(struct net_turns *turns, uv_loop_t *uv)
{
    *turns = (struct net_turns){0};
    (void)uv_loop_configure(uv, UV_METRICS_IDLE_TIME);
    turns->began_ns = uv_hrtime();
}

void net_turns_end(struct net_turns *turns, uv_loop_t *uv)
{
    uint64_t now_ns = uv_hrtime();
    uint64_t waited_ns = uv_metrics_idle_time(uv);
    uint64_t passed_ns = now_ns - turns->began_ns;
    uint64_t idle_ns = waited_ns - turns->waited_ns;
    uint64_t turn_us = idle_ns < passed_ns ? (passed_ns - idle_ns) / 1000 : 0;
    turns->began_ns = now_ns;
    turns->waited_ns = waited_ns;
    turns->count++;
    turns->sum_us += turn_us;
    turns->longest_us = turn_us > turns->longest_us ? turn_us : turns->longest_us;
    for (size_t i = 0; i < NET_TURNS_BUCKETS; i++) {
        if (turn_us <= end_us[i]) {
            turns->bucket[i]++;
            return;
        }
    }
}

void net_turns_metrics(const struct net_turns *turns, struct buf *out)
{
    const struct metric_histogram histogram = {
        .end_us = end_us, .bucket = turns->bucket, .buckets = NET_TURNS_BUCKETS, .count = turns->count, .sum_us = turns->sum_us};
    metric_head(out, "net_loop_turn_seconds", "what passes between two waits for events", "histogram");
    metric_histogram(out, "net_loop_turn_seconds", NULL, 0, &histogram);
    metric_put(out, "net_loop_turn_longest_microseconds", "longest turn since the start", "gauge", (int64_t)turns->longest_us);
}
