/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the guessing limit costs: CY in one process with it and without; a failure counted in a table of a million card numbers; and
 * CY while a thousand numbers are above their limit, so that the filter before the table works for every command.
 */
#include "hsm/guard/guess.h"
#include "hsm/hsm.h"
#include "support/bench.h"

#include <stdio.h>

enum { HEADER = 4, ROUNDS = 5, MANY = 1000000, ABOVE = 1000, LIMIT = 30 };

#define CY_RIGHT "0001CYU9B4934384B19946B040CD702B4D581455614123456789012345;8701101"

static struct env env;

static struct hsm *open_hsm(const struct hsm_guess_config *guess)
{
    const struct hsm_config config = {.env = &env, .header = HEADER, .sockets = 64, .test_lmk = true, .guess = guess};
    struct hsm *hsm = NULL;
    ASSERT(hsm_create(&config, &hsm) == ERR_OK);
    return hsm;
}

static void ask(struct hsm *hsm, const char *frame, const char *wanted)
{
    static uint8_t room[HSM_REPLY_MAX];
    struct buf reply = buf_over(room, sizeof room);
    ASSERT(hsm_answer(hsm, NULL, span_text(frame), &reply) == ERR_OK);
    ASSERT(span_is(buf_span(&reply), wanted));
}

static void verify(void *context, size_t count)
{
    for (size_t i = 0; i < count; i++)
        ask(context, CY_RIGHT, "0001CZ00");
}

static void exceed(struct hsm *hsm)
{
    for (unsigned card = 0; card < ABOVE; card++) {
        char frame[96];
        (void)snprintf(frame, sizeof frame, "0001CYU9B4934384B19946B040CD702B4D58145XXX51234567%08u;8701101", card);
        /* Two codes, of which one is wrong. */
        for (unsigned code = 0; code < 2 * LIMIT + 2; code++) {
            static uint8_t room[HSM_REPLY_MAX];
            struct buf reply = buf_over(room, sizeof room);
            char digits[4];
            (void)snprintf(digits, sizeof digits, "%03u", code);
            for (int i = 0; i < 3; i++)
                frame[39 + i] = digits[i];
            ASSERT(hsm_answer(hsm, NULL, span_text(frame), &reply) == ERR_OK);
        }
    }
}

/* ---- the table alone ---- */

struct table {
    struct hsm_guess *guess;
    unsigned next;
};

static void fail(void *context, size_t count)
{
    struct table *table = context;
    for (size_t i = 0; i < count; i++) {
        char pan[17];
        struct hsm_guess_item item = {0};
        /* Spread over the table, each below its limit for long. */
        table->next = (table->next + 611953) % MANY;
        (void)snprintf(pan, sizeof pan, "41234567%08u", table->next);
        ASSERT(hsm_guess_answer(table->guess, span_text(pan), &item, VERDICT_MISMATCH) == ERR_OK);
    }
}

static void printf_alone(void *context, size_t count)
{
    struct table *table = context;
    for (size_t i = 0; i < count; i++) {
        char pan[17];
        table->next = (table->next + 611953) % MANY;
        (void)snprintf(pan, sizeof pan, "41234567%08u", table->next);
        bench_keep(pan);
    }
}

static bool report(const char *name, double value, double limit)
{
    return bench_report(&(struct bench_figure){.bench = name,
                                               .unit = "ns",
                                               .limit_is = "CY without a limit",
                                               .value = value,
                                               .limit = limit,
                                               .goal = limit > 0 ? 1.15 : 2000,
                                               .rule = limit > 0 ? BENCH_RATIO_AT_MOST : BENCH_VALUE_AT_MOST});
}

int main(void)
{
    env = env_system(NULL);
    struct hsm_guess_config config = {.limit = LIMIT, .pans = MANY, .memory = 256u << 20};
    struct hsm *without = open_hsm(NULL), *with = open_hsm(&config);
    double bare = bench_best_ns(verify, without, 100000, ROUNDS);
    double limited = bench_best_ns(verify, with, 100000, ROUNDS);
    exceed(with);
    double filtered = bench_best_ns(verify, with, 100000, ROUNDS);
    hsm_destroy(without);
    hsm_destroy(with);
    struct table table = {0};
    config.limit = HSM_GUESS_MOST;
    ASSERT(hsm_guess_create(&env, &config, (struct hsm_guess_hook){0}, &table.guess) == ERR_OK);
    fail(&table, MANY);
    double names = bench_best_ns(printf_alone, &table, MANY, 1);
    double failure = bench_best_ns(fail, &table, MANY, 1) - names;
    hsm_guess_destroy(table.guess);
    bool holds = report("guess.cy", limited, bare);
    holds &= report("guess.cy_while_exceeded", filtered, bare);
    holds &= report("guess.failure", failure, 0);
    return holds ? 0 : 1;
}
