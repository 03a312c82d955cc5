/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The outside world, as arguments: clock, randomness, log.
 *
 * Purpose    No domain file calls time(), rand() or prints. Production wires the system's; tests and the simulator wire virtual
 *            ones.
 * Ownership  An env is made in main/ and outlives everything that holds a pointer to it.
 * Threading  Each interface may be called from any thread.
 * Units      wall time in UTC milliseconds since 1970, monotonic time in microseconds.
 */
#ifndef BASE_ENV_H
#define BASE_ENV_H

#include "base/err.h"
#include "base/log.h"

#include <stddef.h>
#include <stdint.h>

struct env {
    int64_t (*wall_ms)(void *context);
    int64_t (*monotonic_us)(void *context);
    void (*random_fill)(void *context, void *out, size_t len); /* cryptographic quality, or the seeded stream of a test */
    void *context;
    struct log *log;
};

static inline int64_t env_wall_ms(const struct env *e)
{
    return e->wall_ms(e->context);
}
static inline int64_t env_monotonic_us(const struct env *e)
{
    return e->monotonic_us(e->context);
}
static inline void env_random(const struct env *e, void *out, size_t len)
{
    e->random_fill(e->context, out, len);
}

/* The system's clock and getrandom(2). */
struct env env_system(struct log *log);

/* UUIDv7 (RFC 9562): 36 characters and a zero. Ids sort by the time they were made. */
void env_uuid(const struct env *e, char out[static 37]);

/* UTC calendar of a wall time; years 1970..9999. */
struct env_calendar {
    int year, month, day, hour, minute, second, millisecond;
};
struct env_calendar env_calendar(int64_t wall_ms);
/* Milliseconds of a calendar date; ERR_PARSE_VALUE for a date or time that does not exist. */
MUST_USE enum err env_calendar_ms(const struct env_calendar *c, int64_t *out);
/* RFC 3339 with milliseconds: 2026-01-31T23:59:59.000Z, 24 characters and a zero. */
void env_rfc3339(int64_t wall_ms, char out[static 25]);

#endif
