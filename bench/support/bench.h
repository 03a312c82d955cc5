/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Measuring, and saying what was measured.
 *
 * Purpose    A bench is one program that measures a figure and, in the same run on the same machine, the limit it is held against
 *            (raw DES operations for a CVV, plain echo for a server, ...). bench_report prints a line for people and one JSON
 *            object for scripts: {"bench":..,"value":..,"unit":..,"limit":..,"ratio":..,"goal":..,"holds":..}.
 * Threading  One thread. Limits Rounds are short (tenths of a second) so that a bench ends within seconds; the best round counts,
 *            since noise only adds.
 *
 * Example
 *     static void codes(void *context, size_t count) { ... }
 *     double value = bench_best_ns(codes, &state, 100000, 5);
 *     double limit = bench_best_ns(raw_des, &state, 400000, 5) * 4;
 *     return bench_report(&(struct bench_figure){.bench = "cvv.one", .value = value, .unit = "ns", .limit = limit,
 *         .limit_is = "four raw DES operations", .rule = BENCH_RATIO_AT_MOST, .goal = 1.3}) ? 0 : 1;
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum bench_rule {
    BENCH_RATIO_AT_MOST,  /* value / limit <= goal */
    BENCH_VALUE_AT_MOST,  /* value <= goal */
    BENCH_VALUE_AT_LEAST, /* value >= goal */
};

struct bench_figure {
    const char *bench;
    const char *unit;
    const char *limit_is; /* what the limit is, for people */
    double value;
    double limit; /* 0: none */
    double goal;
    enum bench_rule rule;
};

/* Monotonic nanoseconds. */
int64_t bench_now_ns(void);
/* Nanoseconds per operation of the best of `rounds` rounds of `count` operations, after one round that warms up. */
double bench_best_ns(void (*body)(void *context, size_t count), void *context, size_t count, size_t rounds);
/* Prints both lines; true if the goal holds. */
bool bench_report(const struct bench_figure *figure);
/* Keeps the compiler from leaving out a result. */
static inline void bench_keep(const void *at)
{
    __asm__ volatile("" : : "r"(at) : "memory");
}

#endif
