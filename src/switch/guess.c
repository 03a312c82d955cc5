/* SPDX-License-Identifier: Apache-2.0 */
#include "switch/guess.h"

#include <string.h>

enum { DAY_MS = 86400000, TIME_LEN = 8 };

int64_t switch_guess_budget(size_t live)
{
    static const int64_t budget[] = {0, 10, 5, 3, 2, 2};
    return budget[live < sizeof budget / sizeof budget[0] ? live : 5];
}

/* Times are eight bytes each, big-endian, newest first. */
static int64_t time_at(const struct ledger_code *code, size_t i)
{
    uint64_t value = 0;
    for (size_t b = 0; b < TIME_LEN; b++)
        value = value << 8 | code->g_fail_ts.at[i * TIME_LEN + b];
    return (int64_t)value;
}

int64_t switch_guess_failures(const struct ledger_code *code, int64_t now_ms)
{
    int64_t count = 0;
    for (size_t i = 0; i < code->g_fail_ts.len / (size_t)TIME_LEN; i++)
        count += time_at(code, i) > now_ms - DAY_MS;
    return count;
}

bool switch_guess_locked(const struct ledger_code *code, size_t live, int64_t now_ms)
{
    if (code->g_lock == LEDGER_LOCK_HARD)
        return true;
    return live > 0 && switch_guess_failures(code, now_ms) >= switch_guess_budget(live);
}

void switch_guess_fail(struct ledger_code *code, size_t live, int64_t now_ms)
{
    size_t kept = code->g_fail_ts.len / (size_t)TIME_LEN;
    kept = kept < SWITCH_GUESS_TIMES ? kept : SWITCH_GUESS_TIMES - 1;
    memmove(code->g_fail_ts.at + TIME_LEN, code->g_fail_ts.at, kept * TIME_LEN);
    for (int b = 0; b < TIME_LEN; b++)
        code->g_fail_ts.at[b] = (uint8_t)((uint64_t)now_ms >> (8 * (TIME_LEN - 1 - b)));
    code->g_fail_ts.len = (uint16_t)((kept + 1) * TIME_LEN);
    code->g_consec++;
    if (code->g_consec >= SWITCH_GUESS_CONSECUTIVE && code->g_lock != LEDGER_LOCK_HARD) {
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
