/* SPDX-License-Identifier: Apache-2.0 */
#include "support/rng.h"

#include <string.h>

static uint64_t next(uint64_t *state)
{
    uint64_t z = *state += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static int64_t wall(void *context)
{
    return ((struct rng_world *)context)->wall_ms;
}

static int64_t monotonic(void *context)
{
    return ((struct rng_world *)context)->monotonic_us;
}

static void fill(void *context, void *out, size_t len)
{
    uint8_t *at = out;
    while (len > 0) {
        uint64_t word = next(&((struct rng_world *)context)->state);
        size_t part = len < sizeof word ? len : sizeof word;
        memcpy(at, &word, part);
        at += part;
        len -= part;
    }
}

struct env rng_env_over(struct rng_world *world)
{
    return (struct env){wall, monotonic, fill, world, NULL};
}

struct env rng_env(uint64_t seed)
{
    static struct rng_world world;
    world = (struct rng_world){seed, 1767225600000, 0};
    return rng_env_over(&world);
}
