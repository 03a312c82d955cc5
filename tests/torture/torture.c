/* SPDX-License-Identifier: Apache-2.0 */
/* Rounds: displays, work under kills, peace, the oracle, days that pass. */
#include "torture/torture.h"

#include "support/cutter.h"
#include "support/postgres.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { REFUSE_MS = 2500 }; /* longer than a switch waits for a reading */

static struct torture *running;

static void on_interrupt(int signum)
{
    (void)signum; /* whichever it was, the round ends */
    atomic_store(&running->stopped, true);
}

static int64_t now_ms(void)
{
    struct timespec at;
    (void)clock_gettime(CLOCK_MONOTONIC, &at);
    return (int64_t)at.tv_sec * 1000 + at.tv_nsec / 1000000;
}

/* ---- displays ---- */

static void display(struct torture *t, int64_t round)
{
    for (size_t n = 1; n <= 2 * (size_t)TORTURE_CARDS; n++) {
        if (n > TORTURE_CARDS) {
            lab_issue(&t->lab, n, round, 3600000);
            lab_code_one_time(&t->lab, n, round, t->code[n - 1]);
        } else if (round == 1) {
            lab_code_static(&t->lab, n, t->code[n - 1]);
        }
    }
}

/* ---- kills ---- */

static void fault(struct torture *t, bool begins)
{
    atomic_store(&t->down, begins);
    atomic_fetch_add(&t->faults, 1);
}

/* A COMMIT reaches the database, and its answer does not come back; nor can anybody ask for a while. */
static void cut_commit(void)
{
    cutter_arm(CUTTER_ANSWER, 1, REFUSE_MS);
    for (int i = 0; i < 200 && cutter_left() > 0; i++)
        (void)usleep(10000);
    (void)usleep((REFUSE_MS + 500) * 1000);
}

/* Answers that were under way when it ended may still be missing. */
static void kill_one(struct torture *t, uint64_t n)
{
    fault(t, true);
    if (t->plan.url && (t->plan.hunt || n % 4 == 2)) { /* whoever hunts wants the rarest */
        cut_commit();
    } else if (t->plan.url && n % 4 == 0) {
        postgres_cut_connections();
    } else {
        size_t node = n / 2 % 2;
        (void)kill(t->lab.process[node], SIGKILL);
        (void)waitpid(t->lab.process[node], NULL, 0);
        atomic_fetch_add(&t->life[node], 1);
        lab_switch_again(&t->lab, node);
    }
    (void)usleep(200000);
    fault(t, false);
}

static bool at_work(const struct torture *t)
{
    return atomic_load(&t->left) > 0 && !atomic_load(&t->stopped);
}

static void torment(struct torture *t, uint64_t kills, uint64_t first)
{
    long all = atomic_load(&t->left);
    for (uint64_t i = 0; i < kills && at_work(t); i++) {
        long wanted = all - all * (long)(i + 1) / (long)(kills + 1);
        while (at_work(t) && atomic_load(&t->left) > wanted)
            (void)usleep(5000);
        if (at_work(t))
            kill_one(t, first + i);
    }
}

/* ---- rounds ---- */

static void round_run(struct torture *t, uint64_t round, uint64_t *kills)
{
    const struct torture_plan *plan = &t->plan;
    uint64_t part = plan->kills * (round + 1) / plan->rounds - plan->kills * round / plan->rounds;
    display(t, (int64_t)round + 1);
    atomic_store(&t->left, (long)(plan->uses / plan->rounds));
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
    printf("round %llu of %llu: %lu sent, %lu answered, %lu silent, %u faults, %lu wrong, %.1f s\n", (unsigned long long)round + 1,
           (unsigned long long)t->plan.rounds, atomic_load(&t->sent), atomic_load(&t->answered), atomic_load(&t->silent),
           atomic_load(&t->faults) / 2, atomic_load(&t->wrong), (double)(now_ms() - began_ms) / 1000);
    fflush(stdout);
}

static void report(const struct torture *t, int64_t began_ms)
{
    double seconds = (double)(now_ms() - began_ms) / 1000;
    if (t->plan.json)
        printf("{\"seed\":%llu,\"sent\":%lu,\"answered\":%lu,\"silent\":%lu,\"faults\":%u,\"wrong\":%lu,\"seconds\":%.1f}\n",
               (unsigned long long)t->plan.seed, atomic_load(&t->sent), atomic_load(&t->answered), atomic_load(&t->silent),
               atomic_load(&t->faults) / 2, atomic_load(&t->wrong), seconds);
}

static void open_lab(struct torture *t)
{
    struct ledger_product fixed = lab_product("static", LEDGER_STATIC), once = lab_product("one-time", LEDGER_ONE_TIME);
    once.tries = 1000;
    lab_open(&t->lab, t->plan.binary, t->plan.url);
    t->lab.nodes = 2;
    lab_put_product(&t->lab, &fixed);
    lab_put_product(&t->lab, &once);
    lab_put_cards(&t->lab, "static", 1, TORTURE_CARDS, INT64_C(1000000000000));
    lab_put_cards(&t->lab, "one-time", 1 + TORTURE_CARDS, TORTURE_CARDS, INT64_C(1000000000000));
    lab_hsm_start(&t->lab);
    lab_switch_start(&t->lab);
    for (size_t i = 0; i < TORTURE_TELLERS; i++)
        t->teller[i] =
            (struct torture_teller){.torture = t, .dice = (t->plan.seed + 1) * 0x9E3779B97F4A7C15u + i * 7919 + 1, .fd = {-1, -1}};
}

uint64_t torture_run(const struct torture_plan *plan)
{
    struct torture *t = calloc(1, sizeof *t);
    if (!t)
        abort();
    t->plan = *plan;
    t->plan.rounds = plan->rounds ? plan->rounds : 1;
    atomic_store(&t->serial, 1);
    int64_t began_ms = now_ms();
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
    lab_close(&t->lab);
    for (size_t i = 0; i < TORTURE_TELLERS; i++)
        free(t->teller[i].purchase);
    free(t);
    return wrong;
}
