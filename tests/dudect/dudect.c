/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does the time of an operation tell something about its secret?
 *
 * The method of Reparaz, Balasch and Verbauwhede, "Dude, is my code constant time?" (DATE 2017): each run draws one of two classes
 * of secrets, a fixed one or a random one, and measures it; Welch's t over the two samples tells whether their means differ. As the
 * upper tail is the machine's and not the operation's, t is also taken over the samples below a few percentiles, and the largest
 * |t| counts. Below 5 nothing was found. A comparison that stops at the first difference goes along, to show that the method finds
 * what is there.
 *
 *     build/tests/dudect/dudect [RUNS]     default 10,000,000 a target; exit status 1 if a target leaks or the control does not
 */
#include "base/env.h"
#include "base/secret.h"
#include "cvv/cvv.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH = 16, REPEATS = 16, POOL = 4096, CROPS = 6, WARM = 100000, DEFAULT_RUNS = 10000000 };
static const double LIMIT = 5.0;

struct input {
    uint8_t secret[WIDTH]; /* what the peer sent, or the block behind a code */
};

struct target {
    const char *name;
    void (*prepare)(struct input *in); /* from random bytes to a legal input */
    unsigned (*run)(const struct input *in);
    bool leaks; /* the control */
};

/* The right answer, the same for all. */
static const uint8_t right[WIDTH] = "7394";

/* ---- targets ---- */

static void as_drawn(struct input *in)
{
    (void)in;
}

static void as_digits(struct input *in)
{
    for (size_t i = 0; i < WIDTH; i++)
        in->secret[i] = i < 3 ? (uint8_t)('0' + in->secret[i] % 10) : 0;
}

static unsigned run_equal(const struct input *in)
{
    return secret_equal(in->secret, right, WIDTH);
}

static unsigned run_code_equal(const struct input *in)
{
    struct code_digits given = {.len = 3}, expected = {.len = 3};
    memcpy(given.at, in->secret, WIDTH);
    memcpy(expected.at, right, 3);
    return secret_code_equal(&given, &expected);
}

static unsigned run_decimalise(const struct input *in)
{
    struct code_digits code;
    cvv_decimalise(in->secret, 16, 3, &code);
    return (unsigned)code.at[0];
}

/* The control: what memcmp may do. */
static __attribute__((noinline)) unsigned run_until_difference(const struct input *in)
{
    const volatile uint8_t *secret = in->secret;
    for (size_t i = 0; i < WIDTH; i++)
        if (secret[i] != right[i])
            return 0;
    return 1;
}

static const struct target targets[] = {
    {"secret_equal, 16 bytes", as_drawn, run_equal, false},
    {"secret_code_equal, 3 digits", as_digits, run_code_equal, false},
    {"cvv_decimalise", as_drawn, run_decimalise, false},
    {"control: stops at the first difference", as_drawn, run_until_difference, true},
};

/* ---- measuring ---- */

static uint64_t ticks(const struct env *env)
{
#if defined(__x86_64__)
    (void)env;
    unsigned ignored;
    return __builtin_ia32_rdtscp(&ignored);
#else
    return (uint64_t)env_monotonic_us(env);
#endif
}

static uint64_t measure(const struct env *env, const struct target *target, const struct input *in)
{
    volatile unsigned sink = 0;
    uint64_t from = ticks(env);
    for (int i = 0; i < REPEATS; i++)
        sink += target->run(in);
    uint64_t took = ticks(env) - from;
    (void)sink;
    return took;
}

/* Welford's running mean and variance of one class. */
struct sample {
    double count, mean, squares;
};

static void sample_add(struct sample *s, double value)
{
    double delta = value - s->mean;
    s->count += 1;
    s->mean += delta / s->count;
    s->squares += delta * (value - s->mean);
}

static double welch(const struct sample *a, const struct sample *b)
{
    if (a->count < 1000 || b->count < 1000)
        return 0;
    double spread = a->squares / (a->count - 1) / a->count + b->squares / (b->count - 1) / b->count;
    return spread > 0 ? (a->mean - b->mean) / sqrt(spread) : 0;
}

static int ascending(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right_one = *(const uint64_t *)b;
    return (left > right_one) - (left < right_one);
}

/* Inputs are made before the clock runs; the class of each is drawn, so that drift meets both alike. */
struct pool {
    struct input input[POOL];
    bool random[POOL];
};

static void pool_fill(const struct env *env, const struct target *target, struct pool *pool)
{
    env->random_fill(env->context, pool->input, sizeof pool->input);
    for (size_t i = 0; i < POOL; i++) {
        pool->random[i] = pool->input[i].secret[WIDTH - 1] & 1;
        if (pool->random[i])
            target->prepare(&pool->input[i]);
        else
            memcpy(pool->input[i].secret, right, WIDTH);
    }
}

static void find_crops(const struct env *env, const struct target *target, struct pool *pool, uint64_t crop[static CROPS])
{
    static const double percentile[CROPS] = {0.5, 0.75, 0.9, 0.95, 0.99, 1.0};
    static uint64_t took[WARM];
    for (size_t i = 0; i < WARM; i++) {
        if (i % POOL == 0)
            pool_fill(env, target, pool);
        took[i] = measure(env, target, &pool->input[i % POOL]);
    }
    qsort(took, WARM, sizeof took[0], ascending);
    for (int i = 0; i < CROPS; i++)
        crop[i] = percentile[i] < 1 ? took[(size_t)(percentile[i] * WARM)] : UINT64_MAX;
}

static double largest_t(const struct env *env, const struct target *target, long runs)
{
    static struct pool pool;
    struct sample sample[CROPS][2] = {0};
    uint64_t crop[CROPS];
    find_crops(env, target, &pool, crop);
    for (long i = 0; i < runs; i++) {
        if (i % POOL == 0)
            pool_fill(env, target, &pool);
        uint64_t took = measure(env, target, &pool.input[i % POOL]);
        for (int c = 0; c < CROPS; c++)
            if (took <= crop[c])
                sample_add(&sample[c][pool.random[i % POOL]], (double)took);
    }
    double most = 0;
    for (int c = 0; c < CROPS; c++)
        most = fmax(most, fabs(welch(&sample[c][0], &sample[c][1])));
    return most;
}

int main(int argc, char **argv)
{
    struct env env = env_system(NULL);
    long runs = argc > 1 ? strtol(argv[1], NULL, 10) : DEFAULT_RUNS;
    int failed = 0;
    if (runs < 10000) {
        (void)fprintf(stderr, "dudect: RUNS is a number from 10000 on\n");
        return 2;
    }
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        double t = largest_t(&env, &targets[i], runs);
        bool found = t >= LIMIT, right_so = found == targets[i].leaks;
        printf("%s %-42s |t| = %8.2f over %ld runs: %s\n", right_so ? "ok  " : "FAIL", targets[i].name, t, runs,
               found ? "leaks" : "nothing found");
        failed += !right_so;
    }
    return failed > 0;
}
