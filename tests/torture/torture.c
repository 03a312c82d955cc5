/* SPDX-License-Identifier: Apache-2.0 */
/* Rounds: displays, work under kills and stops, peace, the oracle, days that pass. */
#include "torture/torture.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { ANSWER_MS = 90000, HUNT_MS = 8000, EXCUSED_MS = 2000, SLICE_MS = 200 };
/* The shortest deadline of a service is 1,500 ms. What has passed it is told of late; others may still suffer from the cause. */
enum { SLOW_MS = 1000, SLOW_AFTER_MS = 5000 };

static struct torture *running;

static void on_interrupt(int signum)
{
    (void)signum; /* whichever it was, the round ends */
    atomic_store(&running->stopped, true);
}

int64_t torture_now_ms(void)
{
    struct timespec at;
    (void)clock_gettime(CLOCK_MONOTONIC, &at);
    return (int64_t)at.tv_sec * 1000 + at.tv_nsec / 1000000;
}

struct torture_card *torture_card(struct torture *t, uint32_t card)
{
    return card > TORTURE_CARDS ? &t->holder[card - TORTURE_CARDS - 1] : NULL;
}

/* ---- what excuses a silence, and what a refusal ---- */

struct torture_moment torture_now(const struct torture *t)
{
    return (struct torture_moment){atomic_load(&t->faults), atomic_load(&t->down), torture_now_ms()};
}

bool torture_excused(const struct torture *t, struct torture_moment then)
{
    return then.down || atomic_load(&t->down) || atomic_load(&t->faults) != then.faults;
}

static void mark_slow(struct torture *t, struct torture_moment then)
{
    int64_t now_ms = torture_now_ms();
    if (now_ms - then.at_ms >= SLOW_MS)
        atomic_store(&t->slow_ms, now_ms);
}

bool torture_hears(struct torture *t, int fd, struct torture_moment then)
{
    int patience_ms = t->plan.hunt ? HUNT_MS : ANSWER_MS; /* whoever hunts knows that one is missing */
    for (int waited_ms = 0; waited_ms < patience_ms; waited_ms += SLICE_MS) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        if (poll(&p, 1, SLICE_MS) > 0) {
            mark_slow(t, then);
            return true;
        }
        if (atomic_load(&t->down))
            waited_ms = 0;
        else if (waited_ms >= EXCUSED_MS && torture_excused(t, then))
            return false;
    }
    return false;
}

static bool slow_about(const struct torture *t, struct torture_moment then)
{
    return atomic_load(&t->slow_ms) > then.at_ms - SLOW_AFTER_MS;
}

bool torture_slow(struct torture *t, struct torture_moment then)
{
    if (!slow_about(t, then))
        (void)usleep(2 * SLOW_MS * 1000); /* those that suffer from the same cause have their answers by then */
    bool slow = slow_about(t, then);
    atomic_fetch_add(&t->late, slow);
    return slow;
}

/* ---- work under faults ---- */

static bool early(const struct torture *t, long wanted)
{
    return atomic_load(&t->left) > wanted && !atomic_load(&t->stopped);
}

/* Kills and stops in turn, spread over the uses of the round. Those for which no use is left follow at once. */
static void torment(struct torture *t, uint64_t kills, uint64_t first)
{
    long all = atomic_load(&t->left);
    uint64_t faults = t->plan.hunt ? kills : 2 * kills;
    for (uint64_t i = 0; i < faults && !atomic_load(&t->stopped); i++) {
        long wanted = all - all * (long)(i + 1) / (long)(faults + 1);
        do
            (void)usleep(100000);
        while (early(t, wanted));
        if (t->plan.hunt)
            torture_kill_one(t, first + i);
        else if (i % 2 == 0)
            torture_kill_one(t, first + i / 2);
        else
            torture_stop_one(t, first + i / 2);
    }
    atomic_store(&t->tormented, true);
}

/* ---- rounds ---- */

static void round_run(struct torture *t, uint64_t round, uint64_t *kills)
{
    const struct torture_plan *plan = &t->plan;
    uint64_t part = plan->kills * (round + 1) / plan->rounds - plan->kills * round / plan->rounds;
    torture_show_all(t);
    atomic_store(&t->left, (long)(plan->uses / plan->rounds));
    atomic_store(&t->tormented, false);
    for (size_t i = 0; i < TORTURE_TELLERS; i++)
        if (pthread_create(&t->teller[i].thread, NULL, torture_teller_run, &t->teller[i]) != 0)
            abort();
    torment(t, part, *kills);
    *kills += part;
    for (size_t i = 0; i < TORTURE_TELLERS; i++)
        (void)pthread_join(t->teller[i].thread, NULL);
    (void)usleep(500000); /* what was sent and not waited for comes to its end */
    torture_oracle(t);
}

static void tell(const struct torture *t, uint64_t round, int64_t began_ms)
{
    if (t->plan.quiet)
        return;
    printf("round %llu of %llu: %lu sent, %lu answered, %lu silent, %lu refused late, %lu displays, %u faults, %lu wrong, %.1f s\n",
           (unsigned long long)round + 1, (unsigned long long)t->plan.rounds, atomic_load(&t->sent), atomic_load(&t->answered),
           atomic_load(&t->silent), atomic_load(&t->late), atomic_load(&t->displays), atomic_load(&t->faults) / 2,
           atomic_load(&t->wrong), (double)(torture_now_ms() - began_ms) / 1000);
    fflush(stdout);
}

static void put_faults(const struct torture_fault *row, const struct torture_count *count, size_t rows, bool json)
{
    for (size_t i = 0; i < rows; i++)
        if (count[i].count > 0)
            printf(json ? ",\"%s\":{\"times\":%u,\"longest_s\":%.1f}" : "%s: %u times, all were ready again within %.1f s\n",
                   row[i].name, count[i].count, (double)count[i].longest_ms / 1000);
}

static void report(const struct torture *t, int64_t began_ms)
{
    double seconds = (double)(torture_now_ms() - began_ms) / 1000;
    if (t->plan.quiet)
        return;
    if (t->plan.json)
        printf("{\"seed\":%llu,\"sent\":%lu,\"answered\":%lu,\"silent\":%lu,\"refused_late\":%lu,"
               "\"displays\":%lu,\"faults\":%u,\"wrong\":%lu,\"seconds\":%.1f",
               (unsigned long long)t->plan.seed, atomic_load(&t->sent), atomic_load(&t->answered), atomic_load(&t->silent),
               atomic_load(&t->late), atomic_load(&t->displays), atomic_load(&t->faults) / 2, atomic_load(&t->wrong), seconds);
    put_faults(torture_kill, t->killed, TORTURE_KILLS, t->plan.json);
    put_faults(torture_stop, t->halted, TORTURE_STOPS, t->plan.json);
    if (t->plan.json)
        puts("}");
}

static void people(struct torture *t)
{
    for (size_t i = 0; i < TORTURE_CARDS; i++) {
        (void)pthread_mutex_init(&t->holder[i].showing, NULL);
        (void)pthread_mutex_init(&t->holder[i].at_shelf, NULL);
        lab_code_static(&t->lab, i + 1, t->fixed[i]);
    }
    for (size_t i = 0; i < TORTURE_TELLERS; i++)
        t->teller[i] =
            (struct torture_teller){.torture = t, .dice = (t->plan.seed + 1) * 0x9E3779B97F4A7C15u + i * 7919 + 1, .fd = {-1, -1}};
    t->dice = (t->plan.seed + 1) * 0x9E3779B97F4A7C15u;
}

static void open_lab(struct torture *t)
{
    struct ledger_product fixed = lab_product("static", LEDGER_STATIC), once = lab_product("one-time", LEDGER_ONE_TIME);
    once.tries = 1000;
    once.display_rate_per_h = 1000000;
    lab_open(&t->lab, t->plan.binary, t->plan.url);
    t->lab.nodes = 2;
    lab_put_product(&t->lab, &fixed);
    lab_put_product(&t->lab, &once);
    lab_put_cards(&t->lab, "static", 1, TORTURE_CARDS, INT64_C(1000000000000));
    lab_put_cards(&t->lab, "one-time", 1 + TORTURE_CARDS, TORTURE_CARDS, INT64_C(1000000000000));
    lab_hsm_start(&t->lab);
    lab_switch_start(&t->lab);
    lab_issuer_start(&t->lab);
    people(t);
}

static void leave(struct torture *t)
{
    lab_close(&t->lab);
    for (size_t i = 0; i < TORTURE_TELLERS; i++)
        free(t->teller[i].purchase);
    for (size_t i = 0; i < TORTURE_CARDS; i++) {
        free(t->holder[i].told);
        free(t->holder[i].issued);
        free(t->holder[i].earliest);
    }
    free(t);
}

uint64_t torture_run(const struct torture_plan *plan)
{
    struct torture *t = calloc(1, sizeof *t);
    if (!t)
        abort();
    t->plan = *plan;
    t->plan.rounds = plan->rounds ? plan->rounds : 1;
    atomic_store(&t->serial, 1);
    int64_t began_ms = torture_now_ms();
    uint64_t kills = 0;
    open_lab(t);
    running = t;
    (void)signal(SIGINT, on_interrupt);
    for (uint64_t round = 0; round < t->plan.rounds && !atomic_load(&t->stopped); round++) {
        round_run(t, round, &kills);
        tell(t, round, began_ms);
    }
    (void)signal(SIGINT, SIG_DFL);
    report(t, began_ms);
    uint64_t wrong = atomic_load(&t->wrong);
    leave(t);
    return wrong;
}
