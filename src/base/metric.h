/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Metrics: the Prometheus text format, version 0.0.4.
 *
 * Purpose    One writer for what every service tells its operators. The numbers belong to whoever counts them.
 * Ownership  Nothing is kept; texts are borrowed for the call.
 * Threading  Free of state.
 * Failure    The buffer's error is sticky.
 * Limits     No secret belongs into a metric: labels are fixed texts.
 *
 * Example
 *     metric_put(out, "switch_pending", "requests under way", "gauge", (int64_t)pending);
 */
#ifndef BASE_METRIC_H
#define BASE_METRIC_H

#include "base/buf.h"

#include <stddef.h>
#include <stdint.h>

/* `name value` with its HELP and TYPE lines; kind is "counter" or "gauge". */
void metric_put(struct buf *out, const char *name, const char *help, const char *kind, int64_t value);

/* One name with several lines: the head once, then its values; kind is "counter", "gauge" or "histogram". */
struct metric_label {
    const char *name;
    const char *value;
};
void metric_head(struct buf *out, const char *name, const char *help, const char *kind);
void metric_value(struct buf *out, const char *name, const struct metric_label *label, size_t count, uint64_t value);

/* Times in microseconds, printed in seconds. `bucket` counts each time in the first bucket whose end it does not exceed; what is
 * longer than the last end stands in `count` alone. */
struct metric_histogram {
    const uint32_t *end_us;
    const uint64_t *bucket;
    size_t buckets;
    uint64_t count;
    uint64_t sum_us;
};
void metric_histogram(struct buf *out, const char *name, const struct metric_label *label, size_t count,
                      const struct metric_histogram *histogram);

#endif
