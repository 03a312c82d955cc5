/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guessing limit: CY, PM and mode 4 of RY are oracles that say yes or no, so each card number has so many wrong answers a day.
 *
 * Purpose    Keeps the times of the failures (answer 01) of the last 24 hours by card number (hsm_guess_name); at `limit` CY and
 *            PM answer 39 for it, whatever the code, until the oldest of those is 24 hours old. A right code takes nothing back
 *            (host-commands.md 10). The number itself is not kept: an entry is found by the first 16 bytes of HMAC-SHA-256 over its
 *            digits.
 * Ownership  The hsm owns it; nothing of it survives a restart.
 * Threading  As struct hsm: one thread.
 * Failure    HOSTCMD_ERR_FRAUD_DETECTION above the limit; CRYPTO_ERR_FAILED where a failure could not be counted, and
 *            then no verdict may be told.
 * Limits     `pans` entries and `memory` bytes, reserved at start. When either is used up, a number with few failures is forgotten
 *            before one with many, the oldest first, and one at two thirds of its limit never; a number that comes back has what it
 *            had (hsm/guard/lost.h). When nothing may be forgotten, new numbers answer 39. Either is an alarm once a minute. A
 *            time is exact to the millisecond of the monotonic clock.
 * Cost       O(1): while no number is above its limit, a right code costs one comparison; else one multiply hash and a look into a
 *            table of 64 Ki counters, and HMAC only for numbers that share a counter with one above the limit. A failure costs
 *            HMAC. O(log n) when a number reaches or leaves its limit.
 *
 * Example    The same for one command and for each item of a batch, in order. In a batch the second call is what holds the limit,
 *            since items before it may have used up what is left.
 *     struct hsm_guess_item item = {0};
 *     TRY(hsm_guess_admit(guess, pan, &item));              // 39 without computing
 *     ... compute ...
 *     return hsm_guess_answer(guess, pan, &item, verdict);  // ERR_OK: the verdict may be told, and 01 was counted; else 39
 */
#ifndef HSM_GUARD_GUESS_H
#define HSM_GUARD_GUESS_H

#include "base/buf.h"
#include "base/env.h"
#include "base/verdict.h"

struct hsm_guess;

enum { HSM_GUESS_KEY = 32, HSM_GUESS_LEAST = 3, HSM_GUESS_MOST = 10000, HSM_GUESS_LABEL = 16 + 1 };

struct hsm_guess_config {
    uint32_t limit;             /* HSM_GUESS_LEAST .. HSM_GUESS_MOST failures in 24 hours */
    uint32_t pans;              /* card numbers remembered at a time */
    uint64_t memory;            /* bytes; at least hsm_guess_memory(pans) */
    uint8_t key[HSM_GUESS_KEY]; /* of the hash; the same in all HSMs of a cluster, or random */
};

/* The least memory for so many card numbers: room for seven failures of each. */
uint64_t hsm_guess_memory(uint32_t pans);

/* Called with hsm.guess_limit when a number reaches the limit: `card` is a label that tells numbers apart and is none, `client` has
 * sent the command. With hsm.guess_full when numbers are forgotten, with hsm.guess_closed when new ones are refused: `client` has
 * the most failures. */
struct hsm_guess_hook {
    void (*tell)(void *context, enum log_level level, const char *event, const struct log_field *field, size_t count);
    void *context;
};

MUST_USE enum err hsm_guess_create(const struct env *env, const struct hsm_guess_config *config, struct hsm_guess_hook hook,
                                   struct hsm_guess **out);
void hsm_guess_destroy(struct hsm_guess *guess);

/*
 * What failures with a card number count against: its last 14 digits, without zeros in front. Card keys are derived from no other
 * digits (EMV Book 2 A1.4 method A), and dynamic codes put a counter in place of the first four, so numbers that differ further
 * left only have the same dynamic codes; a guesser would have a limit for each of them.
 */
struct span hsm_guess_name(struct span pan);

/* Whose commands come next: the name stays as long. NULL or "": nobody with a certificate. */
void hsm_guess_by(struct hsm_guess *guess, const char *client);

/* What is known of a number within one command; starts zeroed. */
struct hsm_guess_item {
    bool hashed;
    uint8_t key[16];
};

/* Before computing: HOSTCMD_ERR_FRAUD_DETECTION above the limit. `guess` NULL: no limit, always ERR_OK. */
MUST_USE enum err hsm_guess_admit(struct hsm_guess *guess, struct span pan, struct hsm_guess_item *item);
/* After comparing: ERR_OK, and a mismatch is counted, or HOSTCMD_ERR_FRAUD_DETECTION in place of the verdict. */
MUST_USE enum err hsm_guess_answer(struct hsm_guess *guess, struct span pan, struct hsm_guess_item *item, enum verdict verdict);

/* True while any number is above the limit. */
bool hsm_guess_exceeded(struct hsm_guess *guess);

/* Another limit for all numbers at once; those above it answer 39 from now on, those below no longer. */
void hsm_guess_limit_set(struct hsm_guess *guess, uint32_t limit);
uint32_t hsm_guess_limit(const struct hsm_guess *guess);

struct hsm_guess_counters {
    uint32_t pans;     /* remembered */
    uint32_t exceeded; /* of them above the limit */
    uint64_t failures; /* counted since start */
    uint64_t refused;  /* answers 39 */
    uint64_t dropped;  /* numbers forgotten for want of room */
    bool closed;       /* new numbers are refused for want of it */
};
struct hsm_guess_counters hsm_guess_counters(struct hsm_guess *guess);

#endif
