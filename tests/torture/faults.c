/* SPDX-License-Identifier: Apache-2.0 */
/* What happens to services and to the database meanwhile. */
#include "torture/torture.h"

#include "support/cutter.h"
#include "support/postgres.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { REFUSE_MS = 2500 }; /* longer than a switch waits for a reading */
enum { STOP_LEAST_MS = 100, STOP_MOST_MS = 3000 };

/* ---- services ---- */

static void end(pid_t *process)
{
    (void)kill(*process, SIGKILL);
    (void)waitpid(*process, NULL, 0);
    *process = 0;
}

static size_t node_of(const struct torture_chance *chance)
{
    return chance->number % 2;
}

static void sleep_ms(int64_t ms)
{
    (void)usleep((useconds_t)(ms * 1000));
}

static void stop(pid_t process, const struct torture_chance *chance)
{
    (void)kill(process, SIGSTOP);
    sleep_ms(chance->stop_ms);
    (void)kill(process, SIGCONT);
}

static void kill_switch(struct torture *t, const struct torture_chance *chance)
{
    end(&t->lab.process[node_of(chance)]);
    atomic_fetch_add(&t->life[node_of(chance)], 1);
    lab_switch_again(&t->lab, node_of(chance));
}

static void kill_issuer(struct torture *t, const struct torture_chance *chance)
{
    end(&t->lab.issuer);
    sleep_ms(chance->stop_ms / 10);
    lab_issuer_start(&t->lab);
}

static void kill_hsm(struct torture *t, const struct torture_chance *chance)
{
    end(&t->lab.hsm);
    sleep_ms(chance->stop_ms / 10);
    lab_hsm_start(&t->lab);
}

static void stop_switch(struct torture *t, const struct torture_chance *chance)
{
    stop(t->lab.process[node_of(chance)], chance);
}

static void stop_issuer(struct torture *t, const struct torture_chance *chance)
{
    stop(t->lab.issuer, chance);
}

static void stop_hsm(struct torture *t, const struct torture_chance *chance)
{
    stop(t->lab.hsm, chance);
}

/* ---- the database ---- */

/* A COMMIT reaches the database, and its answer does not come back; nor can anybody ask for a while. */
static void cut_commit(struct torture *t, const struct torture_chance *chance)
{
    (void)t;
    (void)chance;
    cutter_arm(CUTTER_ANSWER, 1, REFUSE_MS);
    for (int i = 0; i < 200 && cutter_left() > 0; i++)
        sleep_ms(10);
    sleep_ms(REFUSE_MS + 500);
}

static void end_backends(struct torture *t, const struct torture_chance *chance)
{
    (void)t;
    (void)chance;
    postgres_cut_connections();
}

static void kill_backend(struct torture *t, const struct torture_chance *chance)
{
    (void)t;
    (void)chance;
    postgres_kill_backend();
}

static void stop_backend(struct torture *t, const struct torture_chance *chance)
{
    (void)t;
    postgres_freeze_backend();
    sleep_ms(chance->stop_ms);
    postgres_thaw();
}

static void stop_database(struct torture *t, const struct torture_chance *chance)
{
    (void)t;
    postgres_freeze();
    sleep_ms(chance->stop_ms);
    postgres_thaw();
}

/* ---- the rows: those of SQLite first ---- */

const struct torture_fault torture_kill[TORTURE_KILLS] = {
    {"a switch killed", kill_switch},        {"the HSM killed", kill_hsm},       {"the issuer killed", kill_issuer},
    {"a COMMIT without answer", cut_commit}, {"a backend killed", kill_backend}, {"all backends ended", end_backends},
};
const struct torture_fault torture_stop[TORTURE_STOPS] = {
    {"a switch stopped", stop_switch},   {"the HSM stopped", stop_hsm},           {"the issuer stopped", stop_issuer},
    {"a backend stopped", stop_backend}, {"the database stopped", stop_database},
};

static uint32_t draw(struct torture *t, uint32_t sides)
{
    t->dice ^= t->dice << 13;
    t->dice ^= t->dice >> 7;
    t->dice ^= t->dice << 17;
    return (uint32_t)(t->dice >> 11) % sides;
}

static void mark(struct torture *t, bool begins)
{
    atomic_store(&t->down, begins);
    atomic_fetch_add(&t->faults, 1);
}

/* Answers that were under way when it ended may still be missing. */
static void cause(struct torture *t, const struct torture_fault *fault, struct torture_count *count, uint64_t number)
{
    const struct torture_chance chance = {number, STOP_LEAST_MS + draw(t, STOP_MOST_MS - STOP_LEAST_MS)};
    int64_t began_ms = torture_now_ms();
    mark(t, true);
    fault->cause(t, &chance);
    for (size_t node = 0; node < t->lab.nodes; node++)
        lab_wait_ready(t->lab.admin_port[node]);
    lab_wait_ready(t->lab.issuer_admin_port);
    int64_t took_ms = torture_now_ms() - began_ms;
    count->longest_ms = took_ms > count->longest_ms ? took_ms : count->longest_ms;
    count->count++;
    sleep_ms(200);
    mark(t, false);
}

void torture_kill_one(struct torture *t, uint64_t n)
{
    size_t which = n % (t->plan.url ? TORTURE_KILLS : TORTURE_SERVICES);
    if (t->plan.url && t->plan.hunt)
        which = TORTURE_SERVICES; /* whoever hunts wants the rarest: the COMMIT */
    cause(t, &torture_kill[which], &t->killed[which], n / TORTURE_KILLS);
}

void torture_stop_one(struct torture *t, uint64_t n)
{
    size_t which = n % (t->plan.url ? TORTURE_STOPS : TORTURE_SERVICES);
    cause(t, &torture_stop[which], &t->halted[which], n / TORTURE_STOPS);
}
