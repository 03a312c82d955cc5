/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the HSM did, in numbers: answers and times by command, and how busy it was.
 *
 * Purpose    Feeds /metrics, J4 (counts by command) and J2 (load). A batch is what one turn of the loop hands over; its answers
 *            leave together, so every command of it took as long as the batch did: two readings of the clock a batch.
 * Ownership  The hsm owns it; nothing of it survives a restart.
 * Threading  As struct hsm: one thread.
 * Failure    None after creation. Commands answered outside of a batch (a caller without a loop) are counted and not timed.
 * Limits     Times in HSM_OBSERVE_BUCKETS fixed buckets; load in HSM_OBSERVE_BANDS bands of periods. A period is one second of the
 *            monotonic clock; its load is the share of it that was spent inside batches.
 *
 * Example
 *     hsm_observe_begin(observe);
 *     for (...) hsm_observe_command(observe, row->id, answer);
 *     hsm_observe_end(observe);
 */
#ifndef HSM_PROCESS_OBSERVE_H
#define HSM_PROCESS_OBSERVE_H

#include "hostcmd/commands.h"

#include "base/env.h"

struct hsm_observe;

enum { HSM_OBSERVE_BUCKETS = 15, HSM_OBSERVE_BANDS = 10, HSM_OBSERVE_PERIOD_MS = 1000 };

/* How a command may end: the classes of base/err.h, with 00 and 01 apart. */
enum hsm_observe_result {
    HSM_OBSERVE_OK,
    HSM_OBSERVE_FAILED, /* 01 */
    HSM_OBSERVE_INPUT,
    HSM_OBSERVE_REFUSED,
    HSM_OBSERVE_STATE,
    HSM_OBSERVE_LIMIT,
    HSM_OBSERVE_UNAVAILABLE,
    HSM_OBSERVE_INTERNAL,
    HSM_OBSERVE_RESULTS
};

MUST_USE enum err hsm_observe_create(const struct env *env, struct hsm_observe **out);
void hsm_observe_destroy(struct hsm_observe *observe);

/* What the dispatcher counts. */
struct hsm_counters {
    uint64_t commands, refused, unknown, frames_bad; /* refused: answers other than 00 and 01 */
    uint64_t together;                               /* codes computed between hsm_answer_begin and hsm_answer_end */
};

/* ---- feeding ---- */

void hsm_observe_begin(struct hsm_observe *observe);
void hsm_observe_command(struct hsm_observe *observe, enum hostcmd_id id, struct hostcmd_said answer);
void hsm_observe_end(struct hsm_observe *observe);

/* ---- reading ---- */

/* Wall time of creation. */
int64_t hsm_observe_started_ms(const struct hsm_observe *observe);
uint64_t hsm_observe_count(const struct hsm_observe *observe, enum hostcmd_id id);
uint64_t hsm_observe_results(const struct hsm_observe *observe, enum hostcmd_id id, enum hsm_observe_result result);
/* The commands used so far in order of their first use; their number. */
size_t hsm_observe_order(const struct hsm_observe *observe, enum hostcmd_id out[static HOSTCMD_COUNT]);
/* Complete periods by load: below 10 %, 10 to below 20 % ... 90 to 100 %. */
void hsm_observe_load(struct hsm_observe *observe, uint64_t periods[static HSM_OBSERVE_BANDS]);
/* Label values and histograms of all commands used, as metrics. */
void hsm_observe_metrics(const struct hsm_observe *observe, struct buf *out);

#endif
