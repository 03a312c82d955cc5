/* SPDX-License-Identifier: Apache-2.0 */
#include "base/metric.h"

static void put_all(struct buf *out, const char *const *part, size_t count)
{
    for (size_t i = 0; i < count; i++)
        buf_put_text(out, part[i]);
}

void metric_head(struct buf *out, const char *name, const char *help, const char *kind)
{
    const char *const part[] = {"# HELP ", name, " ", help, "\n# TYPE ", name, " ", kind, "\n"};
    put_all(out, part, sizeof part / sizeof part[0]);
}

void metric_put(struct buf *out, const char *name, const char *help, const char *kind, int64_t value)
{
    metric_head(out, name, help, kind);
    buf_put_text(out, name);
    buf_put_byte(out, ' ');
    buf_put_integer(out, value);
    buf_put_byte(out, '\n');
}

static void put_label(struct buf *out, const struct metric_label *label, const char *before)
{
    const char *const part[] = {before, label->name, "=\""};
    put_all(out, part, sizeof part / sizeof part[0]);
    for (const char *at = label->value; *at; at++) {
        if (*at == '"' || *at == '\\' || *at == '\n')
            buf_put_byte(out, '\\');
        buf_put_byte(out, (uint8_t)(*at == '\n' ? 'n' : *at));
    }
    buf_put_byte(out, '"');
}

static void put_labels(struct buf *out, const struct metric_label *label, size_t count)
{
    for (size_t i = 0; i < count; i++)
        put_label(out, &label[i], i == 0 ? "{" : ",");
    if (count > 0)
        buf_put_byte(out, '}');
}

void metric_value(struct buf *out, const char *name, const struct metric_label *label, size_t count, uint64_t value)
{
    buf_put_text(out, name);
    put_labels(out, label, count);
    buf_put_byte(out, ' ');
    buf_put_decimal(out, value, 0);
    buf_put_byte(out, '\n');
}

static void put_seconds(struct buf *out, uint64_t us)
{
    buf_put_decimal(out, us / 1000000, 0);
    buf_put_byte(out, '.');
    buf_put_decimal(out, us % 1000000, 6);
}

static void put_bucket(struct buf *out, const char *name, const struct metric_label *label, size_t count, const char *end)
{
    buf_put_text(out, name);
    buf_put_text(out, "_bucket");
    for (size_t i = 0; i < count; i++)
        put_label(out, &label[i], i == 0 ? "{" : ",");
    const struct metric_label le = {"le", end};
    put_label(out, &le, count == 0 ? "{" : ",");
    buf_put_text(out, "} ");
}

static void put_part(struct buf *out, const char *name, const char *suffix, const struct metric_label *label, size_t count)
{
    buf_put_text(out, name);
    buf_put_text(out, suffix);
    put_labels(out, label, count);
    buf_put_byte(out, ' ');
}

void metric_histogram(struct buf *out, const char *name, const struct metric_label *label, size_t count,
                      const struct metric_histogram *histogram)
{
    uint64_t sum = 0;
    for (size_t i = 0; i <= histogram->buckets; i++) {
        bool last = i == histogram->buckets;
        uint8_t room[32];
        struct buf end = buf_over(room, sizeof room);
        if (last)
            buf_put_text(&end, "+Inf");
        else
            put_seconds(&end, histogram->end_us[i]);
        sum = last ? histogram->count : sum + histogram->bucket[i];
        put_bucket(out, name, label, count, buf_text(&end));
        buf_put_decimal(out, sum, 0);
        buf_put_byte(out, '\n');
    }
    put_part(out, name, "_sum", label, count);
    put_seconds(out, histogram->sum_us);
    buf_put_byte(out, '\n');
    put_part(out, name, "_count", label, count);
    buf_put_decimal(out, histogram->count, 0);
    buf_put_byte(out, '\n');
}
