/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gateway between clients, a network and a store that the test plays on one clock. Its n-th write meets a fate, for every n and
 * every fate: the process dies before or behind it; or learns of it late or never, and so of all that follow within three seconds.
 * Answers are lost, late, doubled, reordered and unreadable meanwhile. Afterwards
 *     who was told "approved" has exactly one authorisation that stands, that of the code that was told;
 *     who was told anything else has none; who left with a 503 or a 504 has none, or the one that a repeat is told of;
 *     a request that ended in a 504 runs again, behind the reversal of the attempt before it;
 *     the same request is told the same again, and charges nothing;
 *     records, claims and reversals say what was told.
 * Random histories draw all of it. GATEWAY_CRASH_SEED repeats one of them, GATEWAY_CRASH_ROUNDS says how many there are.
 */
#include "gateway/rows.h"
#include "support/gateway/planted.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
    PAYMENTS = NETWORK_FATES,
    CLIENTS = 2 * PAYMENTS,
    AGAIN_US = 200000,
    LATE_US = 2600000,
    SECOND_US = 1000000,
    GIVE_UP_US = 900 * SECOND_US, /* of the clock; nothing waits as long */
    AMOUNT = 200000,
    TOLD = 64,
    TROUBLE_US = 3 * SECOND_US, /* longer than a request waits for the store */
    ROUNDS = 60,
    FIRST_SEED = 5000
};

static struct gateway_sim sim;

static struct client {
    size_t payment;
    struct gateway_sim_request *request; /* NULL: it waits */
    int64_t again_us;
    char told[TOLD];       /* the last word */
    char approved[TOLD];   /* the first approval that it was told of */
    bool leaves, has_left; /* it asks no more after a 503 or a 504 */
} client[CLIENTS];
static size_t clients;

/* ---- what happens ---- */

static struct life {
    uint64_t seed;
    enum gateway_sim_fate fate; /* from the write `fated` on; 0: of none */
    unsigned fated;
    bool random; /* any fate of any write and of any message */
    enum gateway_planted planted;
} life;
static struct rng_world dice;
static struct trouble {
    enum gateway_sim_fate fate;
    int64_t until_us;
} trouble;
static bool calm; /* everything is answered in time */

/* clang-format off */
#define PROBLEM_LIST(X) \
    X(NO_LAST_WORD,    "no last word") \
    X(CHARGED_TWICE,   "charged twice") \
    X(NOTHING_STANDS,  "told approved, and nothing stands") \
    X(STANDS,          "an authorisation stands, and was told otherwise") \
    X(CHANGED,         "told otherwise than before") \
    X(REVERSED_ANEW,   "reversed under another number") \
    X(REVERSAL_LEFT,   "a reversal is left") \
    X(RECORDS,         "records and authorisations differ") \
    X(ORDER,           "charged anew before the reversal had left")
/* clang-format on */
enum problem {
#define PROBLEM_ENUM(name, text) name,
    PROBLEM_LIST(PROBLEM_ENUM)
#undef PROBLEM_ENUM
};
static unsigned problems; /* bit a problem */
static bool quiet;

static void problem(enum problem which, const struct client *c)
{
    static const char *const text[] = {
#define PROBLEM_TEXT(name, text) text,
        PROBLEM_LIST(PROBLEM_TEXT)
#undef PROBLEM_TEXT
    };
    problems |= 1u << which;
    if (!quiet)
        print_error("    seed %llu%s, write %u, fate %d, payment %zu: %s; told '%s'\n", (unsigned long long)life.seed,
                    life.random ? " (GATEWAY_CRASH_SEED)" : "", life.fated, (int)life.fate, c ? c->payment : 0, text[which],
                    c ? c->told : "");
}

static unsigned roll(unsigned sides)
{
    const struct env env = rng_env_over(&dice);
    uint32_t random;
    env_random(&env, &random, sizeof random);
    return random % sides;
}

static uint64_t amount_of(size_t payment)
{
    return AMOUNT + 100 * payment;
}

/* Of a walk: one for each payment. */
static enum network_fate network_fate(void *context, bool reversal, uint64_t amount)
{
    (void)context; /* there is one simulation */
    if (calm || (!life.random && reversal))
        return NETWORK_ANSWERS;
    if (!life.random)
        return (enum network_fate)((amount - AMOUNT) / 100);
    return roll(2) == 0 ? NETWORK_ANSWERS : (enum network_fate)roll(NETWORK_FATES);
}

/* What befalls a write befalls those that follow as well, for a while; a process dies once. */
static enum gateway_sim_fate write_fate(unsigned n)
{
    int64_t now_us = sim.world.monotonic_us;
    if (n == life.fated)
        trouble = (struct trouble){life.fate, now_us + TROUBLE_US};
    if (life.random && now_us >= trouble.until_us && roll(32) == 0)
        trouble = (struct trouble){(enum gateway_sim_fate)roll(GATEWAY_SIM_LIES), now_us + roll(TROUBLE_US)};
    if (calm || now_us > trouble.until_us)
        return GATEWAY_SIM_COMMITS;
    if (trouble.fate == GATEWAY_SIM_DIES_BEFORE || trouble.fate == GATEWAY_SIM_DIES_BEHIND)
        trouble.until_us = 0;
    return trouble.fate;
}

/* ---- clients ---- */

static bool is_timeout(const struct gateway_sim_request *r, const char *text)
{
    char timeout[32];
    (void)snprintf(timeout, sizeof timeout, "fault %d", GATEWAY_FAULT_ISSUER_TIMEOUT);
    return r->status > 0 && strcmp(text, timeout) == 0;
}

static void hear(struct client *c)
{
    struct gateway_sim_request *r = c->request;
    const char *text = buf_text(&r->answer);
    c->request = NULL;
    c->again_us = sim.world.monotonic_us + AGAIN_US;
    c->has_left |= c->leaves && (r->status == 503 || is_timeout(r, text));
    if (r->status == 200)
        (void)snprintf(c->told, TOLD, "%s", text);
    if (strncmp(text, "approved", 8) == 0 && r->status == 200 && !c->approved[0])
        (void)snprintf(c->approved, TOLD, "%s", text);
    gateway_sim_forget(r);
}

static bool client_turn(struct client *c)
{
    char id[24];
    if (c->request) {
        if (!c->request->replied)
            return false;
        hear(c);
        return true;
    }
    if (c->told[0] || c->has_left || c->again_us > sim.world.monotonic_us)
        return false;
    (void)snprintf(id, sizeof id, "p%zu", c->payment);
    c->request = gateway_sim_pay(&sim, id, "4111111111111111", amount_of(c->payment));
    return c->request;
}

/* One step: what can happen now happens; if nothing can, time passes. */
static void step(void)
{
    bool happened = gateway_sim_turn(&sim);
    int64_t next_us = sim.world.monotonic_us + SECOND_US;
    for (size_t i = 0; i < clients; i++) {
        happened |= client_turn(&client[i]);
        bool waits = !client[i].request && !client[i].told[0] && !client[i].has_left;
        next_us = waits && client[i].again_us < next_us ? client[i].again_us : next_us;
    }
    if (life.random && !calm && roll(400) == 0)
        gateway_sim_kill(&sim);
    if (life.random && !calm && roll(400) == 0 && sim.gateway)
        gateway_sim_cut(&sim, 0, false);
    if (!happened)
        gateway_sim_pass(&sim, next_us);
}

static bool all_told(void)
{
    for (size_t i = 0; i < clients; i++)
        if (!client[i].told[0] && !client[i].has_left)
            return false;
    return true;
}

static bool settled(void)
{
    return sim.gateway && sim.under_way == 0 && gateway_busy(sim.gateway) == 0 &&
           gateway_sim_count(&sim, GATEWAY_ROW(REVERSAL_COUNT), "armed") == 0 &&
           gateway_sim_count(&sim, GATEWAY_ROW(REVERSAL_COUNT), "queued") == 0;
}

static void play(void)
{
    int64_t until_us = sim.world.monotonic_us + GIVE_UP_US;
    while (!all_told() && sim.world.monotonic_us < until_us) {
        calm |= sim.world.monotonic_us > until_us - GIVE_UP_US + 30 * (int64_t)SECOND_US;
        step();
    }
    calm = true;
    for (unsigned i = 0; sim.world.monotonic_us < until_us && (i % 64 != 0 || !settled()); i++)
        step();
}

/* ---- what they were told, and what stands ---- */

static void check_client(const struct client *c)
{
    const struct network_hold *hold = NULL;
    char approval[TOLD] = "";
    size_t stands = network_standing(&sim.network, amount_of(c->payment), &hold);
    if (hold)
        (void)snprintf(approval, sizeof approval, "approved %s", hold->stan);
    if (!c->told[0] && !c->has_left)
        problem(NO_LAST_WORD, c);
    if (stands > 1)
        problem(CHARGED_TWICE, c);
    if (c->told[0] && stands == 0 && strncmp(c->told, "approved", 8) == 0)
        problem(NOTHING_STANDS, c);
    if (c->told[0] && stands == 1 && strcmp(c->told, approval) != 0)
        problem(STANDS, c);
    if (c->approved[0] && c->told[0] && strcmp(c->approved, c->told) != 0)
        problem(CHANGED, c);
}

static bool reverses(const struct network_taken *reversal, const struct network_taken *original)
{
    return (reversal->mti & 0xFF00) == 0x0400 && strncmp(reversal->original + 4, original->stan, 6) == 0;
}

/* Between two authorisations of one payment the first of them is reversed. */
static void check_order(void)
{
    const struct network *n = &sim.network;
    for (size_t i = 0; i < n->takens; i++) {
        const struct network_taken *first = &n->taken[i];
        bool reversed = false, again = false;
        for (size_t j = i + 1; first->mti == 0x0100 && j < n->takens && !again; j++) {
            reversed |= reverses(&n->taken[j], first);
            again = n->taken[j].mti == 0x0100 && strcmp(n->taken[j].amount, first->amount) == 0;
        }
        if (again && !reversed)
            problem(ORDER, NULL);
    }
}

static void check_books(void)
{
    check_order();
    size_t stands = 0;
    for (size_t i = 0; i < PAYMENTS; i++)
        stands += network_standing(&sim.network, amount_of(i), NULL);
    for (size_t i = 0; i < sim.network.holds; i++)
        if (sim.network.hold[i].reversed_anew)
            problem(REVERSED_ANEW, NULL);
    if (!settled())
        problem(REVERSAL_LEFT, NULL);
    if (gateway_sim_count(&sim, GATEWAY_ROW(RECORD_COUNT), "captured") != (int64_t)stands)
        problem(RECORDS, NULL);
}

static void check(void)
{
    char told[CLIENTS][TOLD];
    bool stood[CLIENTS];
    check_books();
    for (size_t i = 0; i < clients; i++) {
        struct client *c = &client[i];
        check_client(c);
        memcpy(told[i], c->told, TOLD);
        stood[i] = network_standing(&sim.network, amount_of(c->payment), NULL) > 0;
        c->told[0] = 0;
        c->has_left = c->leaves = false;
    }
    play();
    check_books();
    for (size_t i = 0; i < clients; i++) {
        check_client(&client[i]);
        if (told[i][0] && strcmp(told[i], client[i].told) != 0)
            problem(CHANGED, &client[i]);
        if (stood[i] && strncmp(client[i].told, "approved", 8) != 0)
            problem(CHANGED, &client[i]);
    }
}

/* ---- lives ---- */

static void gather(void)
{
    memset(client, 0, sizeof client);
    clients = life.random ? CLIENTS : PAYMENTS;
    for (size_t i = 0; i < clients; i++)
        client[i] = (struct client){.payment = i % PAYMENTS,
                                    .again_us = sim.world.monotonic_us + (life.random ? roll(2 * SECOND_US) : (unsigned)i * 1000),
                                    .leaves = life.random && roll(4) == 0};
}

/* How many writes there were until everybody was told. */
static unsigned live(const struct life *how)
{
    life = *how;
    dice = (struct rng_world){.state = life.seed};
    trouble = (struct trouble){0};
    calm = false;
    gateway_sim_open(&sim, life.seed);
    sim.fate = write_fate;
    sim.network.fate = network_fate;
    sim.network.late_us = LATE_US;
    gateway_planted_into(&sim, life.planted);
    gather();
    play();
    unsigned writes = sim.writes;
    check();
    gateway_sim_close(&sim);
    return writes;
}

static void each_write_meets_each_fate(void **state)
{
    (void)state;
    unsigned writes = live(&(struct life){.seed = 1});
    assert_true(writes > 2 * PAYMENTS);
    for (unsigned fate = GATEWAY_SIM_COMMITS + 1; fate < GATEWAY_SIM_LIES; fate++)
        for (unsigned n = 1; n <= writes; n++)
            (void)live(&(struct life){.seed = 1, .fate = (enum gateway_sim_fate)fate, .fated = n});
    assert_int_equal(problems, 0);
}

static uint64_t setting(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 10) : otherwise;
}

static void random_histories(void **state)
{
    (void)state;
    uint64_t one = setting("GATEWAY_CRASH_SEED", 0);
    uint64_t rounds = one ? 1 : setting("GATEWAY_CRASH_ROUNDS", ROUNDS);
    for (uint64_t i = 0; i < rounds; i++)
        (void)live(&(struct life){.seed = one ? one : FIRST_SEED + i, .random = true});
    assert_int_equal(problems, 0);
}

/* The same seed is the same history. */
static void a_seed_is_a_history(void **state)
{
    (void)state;
    struct network_taken first[NETWORK_TAKEN_MAX];
    (void)live(&(struct life){.seed = 77, .random = true});
    memcpy(first, sim.network.taken, sizeof first);
    unsigned writes = sim.writes;
    (void)live(&(struct life){.seed = 77, .random = true});
    assert_int_equal(sim.writes, writes);
    assert_memory_equal(first, sim.network.taken, sizeof first);
}

/* By what must be seen of it, not by anything. */
static void planted_faults_are_found(void **state)
{
    static const enum problem seen[GATEWAY_PLANTED_COUNT] = {
        [GATEWAY_PLANTED_ANSWERS_EARLY] = NOTHING_STANDS,  [GATEWAY_PLANTED_ARMS_NOTHING] = CHARGED_TWICE,
        [GATEWAY_PLANTED_DROPS_REVERSALS] = CHARGED_TWICE, [GATEWAY_PLANTED_SENDS_NO_REVERSALS] = CHARGED_TWICE,
        [GATEWAY_PLANTED_REVERSES_TWICE] = REVERSED_ANEW,  [GATEWAY_PLANTED_TAKES_LATE_ANSWERS] = NOTHING_STANDS,
        [GATEWAY_PLANTED_CHARGES_TWICE] = CHARGED_TWICE,   [GATEWAY_PLANTED_LOSES_CLAIMS] = CHARGED_TWICE,
        [GATEWAY_PLANTED_KEEPS_CLAIMS] = NO_LAST_WORD,     [GATEWAY_PLANTED_SWAPS_ANSWERS] = STANDS,
    };
    (void)state;
    quiet = true;
    for (unsigned i = GATEWAY_PLANTED_NOTHING + 1; i < GATEWAY_PLANTED_COUNT; i++) {
        problems = 0;
        for (uint64_t seed = 1; seed <= 20 && !(problems >> seen[i] & 1); seed++)
            (void)live(&(struct life){.seed = seed, .random = true, .planted = (enum gateway_planted)i});
        if (!(problems >> seen[i] & 1))
            fail_msg("not found: %s", gateway_planted_text((enum gateway_planted)i));
    }
    problems = 0;
    quiet = false;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_write_meets_each_fate),
        cmocka_unit_test(random_histories),
        cmocka_unit_test(a_seed_is_a_history),
        cmocka_unit_test(planted_faults_are_found),
    };
    return cmocka_run_group_tests_name("gateway, crash", tests, NULL, NULL);
}
