/* SPDX-License-Identifier: Apache-2.0 */
#include "hsm/process/observe.h"

#include "base/metric.h"

#include "base/arena.h"

#include <string.h>

enum { PERIOD_US = HSM_OBSERVE_PERIOD_MS * 1000 };

/* Upper ends in microseconds; what is longer stands in the count alone. */
static const uint32_t bucket_us[HSM_OBSERVE_BUCKETS] = {5,    10,   20,    50,    100,   200,    500,   1000,
                                                        2000, 5000, 10000, 20000, 50000, 100000, 500000};

static const char *const result_name[HSM_OBSERVE_RESULTS] = {
    [HSM_OBSERVE_OK] = "ok",
    [HSM_OBSERVE_FAILED] = "failed",
    [HSM_OBSERVE_INPUT] = "input",
    [HSM_OBSERVE_REFUSED] = "refused",
    [HSM_OBSERVE_STATE] = "state",
    [HSM_OBSERVE_LIMIT] = "limit",
    [HSM_OBSERVE_INTERNAL] = "internal",
    [HSM_OBSERVE_UNAVAILABLE] = "unavailable",
};

struct command {
    uint64_t results[HSM_OBSERVE_RESULTS];
    struct {
        uint64_t bucket[HSM_OBSERVE_BUCKETS]; /* each counted in one */
        uint64_t count;
        uint64_t sum_us;
    } timed;
    uint32_t pending; /* in the batch under way */
};

struct load {
    int64_t period;  /* the one under way, counted from the epoch of the monotonic clock */
    int64_t busy_us; /* of it */
    uint64_t band[HSM_OBSERVE_BANDS];
};

struct hsm_observe {
    const struct env *env;
    int64_t started_ms;
    bool batch;
    int64_t began_us;
    struct load load;
    uint64_t touched; /* bit per command of the batch under way */
    uint64_t seen;    /* bit per command ever used */
    size_t used;
    enum hostcmd_id order[HOSTCMD_COUNT];
    struct command command[HOSTCMD_COUNT];
};

_Static_assert(HOSTCMD_COUNT <= 64, "one bit a command");

enum err hsm_observe_create(const struct env *env, struct hsm_observe **out)
{
    void *at = NULL;
    TRY(memory_reserve(1, sizeof(struct hsm_observe), &at));
    struct hsm_observe *o = at;
    o->env = env;
    o->started_ms = env_wall_ms(env);
    o->load.period = env_monotonic_us(env) / PERIOD_US;
    *out = o;
    return ERR_OK;
}

void hsm_observe_destroy(struct hsm_observe *observe)
{
    if (observe)
        memory_release(observe, 1, sizeof *observe);
}

/* ---- load ---- */

/* Closes every period before the one of `now_us`; those without a batch were idle. */
static void settle(struct load *load, int64_t now_us)
{
    int64_t period = now_us / PERIOD_US;
    if (period <= load->period)
        return;
    int64_t band = load->busy_us * HSM_OBSERVE_BANDS / PERIOD_US;
    load->band[band < HSM_OBSERVE_BANDS ? band : HSM_OBSERVE_BANDS - 1]++;
    load->band[0] += (uint64_t)(period - load->period - 1);
    load->period = period;
    load->busy_us = 0;
}

/* A batch that crosses the end of a period is busy time of both. */
static void add_busy(struct load *load, int64_t from_us, int64_t to_us)
{
    settle(load, from_us);
    for (int64_t end; (end = (load->period + 1) * PERIOD_US) < to_us; from_us = end) {
        load->busy_us += end - from_us;
        settle(load, end);
    }
    load->busy_us += to_us - from_us;
}

void hsm_observe_load(struct hsm_observe *observe, uint64_t periods[static HSM_OBSERVE_BANDS])
{
    settle(&observe->load, env_monotonic_us(observe->env));
    memcpy(periods, observe->load.band, sizeof observe->load.band);
}

/* ---- feeding ---- */

static enum hsm_observe_result result_of(struct hostcmd_said said)
{
    static const enum hsm_observe_result of_class[] = {
        [ERR_CLASS_NONE] = HSM_OBSERVE_OK,           [ERR_CLASS_INPUT] = HSM_OBSERVE_INPUT,
        [ERR_CLASS_REFUSED] = HSM_OBSERVE_REFUSED,   [ERR_CLASS_STATE] = HSM_OBSERVE_STATE,
        [ERR_CLASS_LIMIT] = HSM_OBSERVE_LIMIT,       [ERR_CLASS_UNAVAILABLE] = HSM_OBSERVE_UNAVAILABLE,
        [ERR_CLASS_INTERNAL] = HSM_OBSERVE_INTERNAL,
    };
    return said.verdict == VERDICT_MISMATCH ? HSM_OBSERVE_FAILED : of_class[err_row(said.cause)->class];
}

void hsm_observe_begin(struct hsm_observe *observe)
{
    ASSERT(!observe->batch);
    observe->batch = true;
    observe->began_us = env_monotonic_us(observe->env);
}

void hsm_observe_command(struct hsm_observe *observe, enum hostcmd_id id, struct hostcmd_said answer)
{
    ASSERT((unsigned)id < HOSTCMD_COUNT);
    struct command *c = &observe->command[id];
    uint64_t bit = UINT64_C(1) << id;
    c->results[result_of(answer)]++;
    c->pending += observe->batch;
    observe->touched |= bit;
    if (!(observe->seen & bit))
        observe->order[observe->used++] = id;
    observe->seen |= bit;
}

static size_t bucket_of(int64_t us)
{
    size_t i = 0;
    while (i < HSM_OBSERVE_BUCKETS && us > bucket_us[i])
        i++;
    return i;
}

void hsm_observe_end(struct hsm_observe *observe)
{
    ASSERT(observe->batch);
    int64_t now_us = env_monotonic_us(observe->env), took_us = now_us - observe->began_us;
    size_t bucket = bucket_of(took_us);
    for (uint64_t left = observe->touched; left; left &= left - 1) {
        struct command *c = &observe->command[__builtin_ctzll(left)];
        if (bucket < HSM_OBSERVE_BUCKETS)
            c->timed.bucket[bucket] += c->pending;
        c->timed.count += c->pending;
        c->timed.sum_us += c->pending * (uint64_t)took_us;
        c->pending = 0;
    }
    observe->touched = 0;
    observe->batch = false;
    add_busy(&observe->load, observe->began_us, now_us);
}

/* ---- reading ---- */

int64_t hsm_observe_started_ms(const struct hsm_observe *observe)
{
    return observe->started_ms;
}

uint64_t hsm_observe_results(const struct hsm_observe *observe, enum hostcmd_id id, enum hsm_observe_result result)
{
    return observe->command[id].results[result];
}

uint64_t hsm_observe_count(const struct hsm_observe *observe, enum hostcmd_id id)
{
    uint64_t sum = 0;
    for (enum hsm_observe_result r = 0; r < HSM_OBSERVE_RESULTS; r++)
        sum += observe->command[id].results[r];
    return sum;
}

size_t hsm_observe_order(const struct hsm_observe *observe, enum hostcmd_id out[static HOSTCMD_COUNT])
{
    memcpy(out, observe->order, sizeof observe->order);
    return observe->used;
}

/* A result that never came has no line; "ok" always has. */
static void put_results(const struct hsm_observe *observe, struct buf *out)
{
    static const char name[] = "countersign_hsm_answers_total";
    metric_head(out, name, "host commands by command and how they ended", "counter");
    for (size_t i = 0; i < observe->used; i++) {
        enum hostcmd_id id = observe->order[i];
        for (enum hsm_observe_result r = 0; r < HSM_OBSERVE_RESULTS; r++) {
            const struct metric_label label[] = {{"command", hostcmd_row(id)->code}, {"result", result_name[r]}};
            if (r == HSM_OBSERVE_OK || observe->command[id].results[r] > 0)
                metric_value(out, name, label, 2, observe->command[id].results[r]);
        }
    }
}

static void put_times(const struct hsm_observe *observe, struct buf *out)
{
    static const char name[] = "countersign_hsm_command_seconds";
    metric_head(out, name, "time from the arrival of a batch to the answers of its commands", "histogram");
    for (size_t i = 0; i < observe->used; i++) {
        const struct command *c = &observe->command[observe->order[i]];
        const struct metric_label label[] = {{"command", hostcmd_row(observe->order[i])->code}};
        const struct metric_histogram histogram = {bucket_us, c->timed.bucket, HSM_OBSERVE_BUCKETS, c->timed.count,
                                                   c->timed.sum_us};
        metric_histogram(out, name, label, 1, &histogram);
    }
}

void hsm_observe_metrics(const struct hsm_observe *observe, struct buf *out)
{
    put_results(observe, out);
    put_times(observe, out);
}
