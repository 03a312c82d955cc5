/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/internal.h"

#include "base/metric.h"

enum column { COLUMN_ITEMS, COLUMN_BATCHES, COLUMN_LARGEST, COLUMN_WAIT, COLUMN_RUN, COLUMN_QUEUED };

static uint64_t count_of(const struct flow_counts *counts, enum column column)
{
    switch (column) {
    case COLUMN_ITEMS:
        return counts->items;
    case COLUMN_BATCHES:
        return counts->batches;
    case COLUMN_LARGEST:
        return counts->largest;
    case COLUMN_WAIT:
        return counts->wait_us;
    case COLUMN_RUN:
        return counts->run_us;
    case COLUMN_QUEUED:
    default:
        return counts->queued;
    }
}

static void metric_of(const struct flow *flow, const char *name, enum column column, struct buf *out)
{
    for (unsigned stage = 0; stage < flow->config.stages; stage++) {
        const struct metric_label label[] = {{"flow", flow->config.name}, {"stage", flow->config.stage[stage].name}};
        struct flow_counts counts = flow_counts(flow, stage);
        metric_value(out, name, label, sizeof label / sizeof label[0], count_of(&counts, column));
    }
}

void flow_metrics(const struct flow *flow, struct buf *out)
{
    static const struct {
        const char *name, *help, *kind;
        enum column column;
    } rows[] = {
        {"flow_items_total", "items that a stage was given", "counter", COLUMN_ITEMS},
        {"flow_batches_total", "batches that a stage was given", "counter", COLUMN_BATCHES},
        {"flow_batch_largest", "largest batch of a stage", "gauge", COLUMN_LARGEST},
        {"flow_wait_microseconds_total", "time of items in the queue before a stage", "counter", COLUMN_WAIT},
        {"flow_run_microseconds_total", "time in a stage", "counter", COLUMN_RUN},
        {"flow_queued", "items that wait before a stage", "gauge", COLUMN_QUEUED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        metric_head(out, rows[i].name, rows[i].help, rows[i].kind);
        metric_of(flow, rows[i].name, rows[i].column, out);
    }
    const struct metric_label label[] = {{"flow", flow->config.name}};
    metric_head(out, "flow_busy", "items in use", "gauge");
    metric_value(out, "flow_busy", label, 1, flow->busy);
}
