/* SPDX-License-Identifier: Apache-2.0 */
/* A seeded world for tests: its random stream is splitmix64, its clocks stand still until the test moves them. */
#ifndef SUPPORT_RNG_H
#define SUPPORT_RNG_H

#include "base/env.h"

struct rng_world {
    uint64_t state;
    int64_t wall_ms;
    int64_t monotonic_us;
};

/* Over a world the caller keeps. */
struct env rng_env_over(struct rng_world *world);
/* Over one static world a process, for tests that need no clock: it starts on 2026-01-01T00:00:00Z. */
struct env rng_env(uint64_t seed);

#endif
