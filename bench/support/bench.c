/* SPDX-License-Identifier: Apache-2.0 */
#include "support/bench.h"

#include <stdio.h>
#include <time.h>

int64_t bench_now_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

double bench_best_ns(void (*body)(void *context, size_t count), void *context, size_t count, size_t rounds)
{
    double best = 0;
    body(context, count);
    for (size_t i = 0; i < rounds; i++) {
        int64_t began = bench_now_ns();
        body(context, count);
        double each = (double)(bench_now_ns() - began) / (double)count;
        if (i == 0 || each < best)
            best = each;
    }
    return best;
}

static bool holds(const struct bench_figure *f, double ratio)
{
    switch (f->rule) {
    case BENCH_RATIO_AT_MOST:
        return f->limit > 0 && ratio <= f->goal;
    case BENCH_VALUE_AT_MOST:
        return f->value <= f->goal;
    case BENCH_VALUE_AT_LEAST:
        return f->value >= f->goal;
    }
    return false;
}

/* Rates read better without decimals, costs with them. */
static int decimals(double value)
{
    return value < 1000 ? 2 : 0;
}

bool bench_report(const struct bench_figure *f)
{
    static const char *const relation[] = {"ratio <=", "<=", ">="};
    double ratio = f->limit > 0 ? f->value / f->limit : 0;
    bool ok = holds(f, ratio);
    printf("%-32s %12.*f %-6s", f->bench, decimals(f->value), f->value, f->unit);
    if (f->limit > 0)
        printf("  %.2f x of %.*f (%s)", ratio, decimals(f->limit), f->limit, f->limit_is ? f->limit_is : "limit");
    printf("  goal %s %.*f: %s\n", relation[f->rule], decimals(f->goal), f->goal, ok ? "holds" : "MISSED");
    printf("{\"bench\":\"%s\",\"value\":%.3f,\"unit\":\"%s\",\"limit\":%.3f,\"ratio\":%.4f,\"goal\":%.3f,\"holds\":%s}\n", f->bench,
           f->value, f->unit, f->limit, ratio, f->goal, ok ? "true" : "false");
    (void)fflush(stdout);
    return ok;
}
