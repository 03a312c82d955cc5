/* SPDX-License-Identifier: Apache-2.0 */
#include "switch/guess.h"

#include <string.h>

enum { DAY_MS = 86400000, TIME_LEN = 8, DAY_LEN = 4 };
_Static_assert(sizeof((struct ledger_code *)0)->g_day.at == DAY_LEN + SWITCH_GUESS_DAYS, "a bucket a day");

int64_t switch_guess_budget(size_t live)
{
    static const int64_t budget[] = {10, 10, 5, 3, 2, 2, 1, 1, 1, 1, 1};
    return live < sizeof budget / sizeof budget[0] ? budget[live] : 0;
}

/* Times are eight bytes each, big-endian, newest first. */
static int64_t times_since(const uint8_t *at, size_t len, int64_t since_ms)
{
    int64_t count = 0;
    for (size_t i = 0; i + TIME_LEN <= len; i += TIME_LEN) {
        uint64_t value = 0;
        for (size_t b = 0; b < TIME_LEN; b++)
            value = value << 8 | at[i + b];
        count += (int64_t)value > since_ms;
    }
    return count;
}

/* The oldest leaves when there is no room. Gives the new length. */
static uint16_t times_add(uint8_t *at, size_t len, size_t cap, int64_t now_ms)
{
    size_t kept = len < cap ? len : cap - TIME_LEN;
    memmove(at + TIME_LEN, at, kept);
    for (int b = 0; b < TIME_LEN; b++)
        at[b] = (uint8_t)((uint64_t)now_ms >> (8 * (TIME_LEN - 1 - b)));
    return (uint16_t)(kept + TIME_LEN);
}

int64_t switch_guess_failures(const struct ledger_code *code, int64_t now_ms)
{
    return times_since(code->g_fail_ts.at, code->g_fail_ts.len, now_ms - DAY_MS);
}

int64_t switch_guess_dates(const struct ledger_code *code, int64_t now_ms)
{
    return times_since(code->g_dates.at, code->g_dates.len, now_ms - DAY_MS);
}

void switch_guess_date_fail(struct ledger_code *code, int64_t now_ms)
{
    code->g_dates.len = times_add(code->g_dates.at, code->g_dates.len, sizeof code->g_dates.at, now_ms);
}

enum ledger_lock switch_guess_lock(const struct ledger_code *code, size_t live, int64_t now_ms)
{
    if (code->g_lock == LEDGER_LOCK_HARD)
        return LEDGER_LOCK_HARD;
    return switch_guess_failures(code, now_ms) >= switch_guess_budget(live) ? LEDGER_LOCK_SOFT : LEDGER_LOCK_NONE;
}

/* ---- day buckets: the newest first ---- */

static int64_t newest_day(const struct ledger_code *code)
{
    const uint8_t *at = code->g_day.at;
    return code->g_day.len == sizeof code->g_day.at ? (int64_t)at[0] << 24 | at[1] << 16 | at[2] << 8 | at[3] : 0;
}

int64_t switch_guess_failures_long(const struct ledger_code *code, int64_t now_ms)
{
    int64_t newest = newest_day(code);
    int64_t count = 0;
    for (int64_t i = 0; newest != 0 && i < SWITCH_GUESS_DAYS; i++)
        if (newest - i > now_ms / DAY_MS - SWITCH_GUESS_DAYS)
            count += code->g_day.at[DAY_LEN + i];
    return count;
}

/* A clock that steps back counts into the newest day. */
static void day_count(struct ledger_code *code, int64_t now_ms)
{
    uint8_t *bucket = code->g_day.at + DAY_LEN;
    int64_t newest = newest_day(code);
    int64_t today = now_ms / DAY_MS > newest ? now_ms / DAY_MS : newest;
    size_t passed = today - newest < SWITCH_GUESS_DAYS ? (size_t)(today - newest) : SWITCH_GUESS_DAYS;
    memmove(bucket + passed, bucket, SWITCH_GUESS_DAYS - passed);
    memset(bucket, 0, passed);
    for (int b = 0; b < DAY_LEN; b++)
        code->g_day.at[b] = (uint8_t)(today >> (8 * (DAY_LEN - 1 - b)));
    bucket[0] = (uint8_t)(bucket[0] < UINT8_MAX ? bucket[0] + 1 : UINT8_MAX);
    code->g_day.len = sizeof code->g_day.at;
}

void switch_guess_fail(struct ledger_code *code, size_t live, int64_t now_ms)
{
    code->g_fail_ts.len = times_add(code->g_fail_ts.at, code->g_fail_ts.len, sizeof code->g_fail_ts.at, now_ms);
    code->g_consec++;
    day_count(code, now_ms);
    bool many = code->g_consec >= SWITCH_GUESS_CONSECUTIVE || switch_guess_failures_long(code, now_ms) >= SWITCH_GUESS_LONG;
    if (many && code->g_lock != LEDGER_LOCK_HARD) {
        code->g_lock = LEDGER_LOCK_HARD;
        code->g_lock_since = now_ms;
    } else if (code->g_lock == LEDGER_LOCK_NONE && switch_guess_failures(code, now_ms) >= switch_guess_budget(live)) {
        code->g_lock = LEDGER_LOCK_SOFT;
        code->g_lock_since = now_ms;
    }
}

bool switch_guess_pass(struct ledger_code *code)
{
    bool changed = code->g_consec != 0 || code->g_lock == LEDGER_LOCK_SOFT;
    code->g_consec = 0;
    /* Only reached while the budget is open again: the soft lock has lapsed. */
    if (code->g_lock == LEDGER_LOCK_SOFT)
        code->g_lock = LEDGER_LOCK_NONE;
    return changed;
}
