/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many failures a number had when the guessing limit had no room for it any more (hsm/guard/guess.h).
 *
 * Purpose    A number that was forgotten comes back with what it had: whoever fills the table with invented numbers washes nothing
 *            out of it.
 * Ownership  Reserved at create.
 * Threading  As struct hsm: one thread.
 * Limits     A cell for each hash: of numbers that share one the larger count is given back. Remembered for one to two days.
 */
#ifndef HSM_GUARD_LOST_H
#define HSM_GUARD_LOST_H

#include "base/err.h"

#include <stdint.h>

struct hsm_lost {
    uint8_t *day[2]; /* this one, the one before */
    uint32_t cells;  /* a power of two */
    int64_t began_ms;
};

/* Bytes for a table of so many numbers. */
uint64_t hsm_lost_memory(uint32_t pans);
MUST_USE enum err hsm_lost_create(uint32_t pans, struct hsm_lost *out);
void hsm_lost_destroy(struct hsm_lost *lost);
/* `hash` is of the number's key. */
void hsm_lost_put(struct hsm_lost *lost, uint64_t hash, uint32_t count, int64_t now_ms);
uint32_t hsm_lost_get(struct hsm_lost *lost, uint64_t hash, int64_t now_ms);

#endif
