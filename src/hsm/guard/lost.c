/* SPDX-License-Identifier: Apache-2.0 */
#include "hsm/guard/lost.h"

#include "base/arena.h"

#include <string.h>

enum { CELLS_PER_PAN = 4, DAY_MS = 86400000 };

static uint32_t cells_of(uint32_t pans)
{
    uint64_t n = 1;
    while (n < (uint64_t)pans * CELLS_PER_PAN && n < UINT32_MAX / 2)
        n *= 2;
    return (uint32_t)n;
}

uint64_t hsm_lost_memory(uint32_t pans)
{
    return 2 * (uint64_t)cells_of(pans);
}

enum err hsm_lost_create(uint32_t pans, struct hsm_lost *out)
{
    *out = (struct hsm_lost){.cells = cells_of(pans)};
    for (int i = 0; i < 2; i++) {
        void *at = NULL;
        enum err err = memory_reserve(out->cells, 1, &at);
        if (err != ERR_OK) {
            hsm_lost_destroy(out);
            return err;
        }
        out->day[i] = at;
    }
    return ERR_OK;
}

void hsm_lost_destroy(struct hsm_lost *lost)
{
    memory_release(lost->day[0], 1, 1);
    memory_release(lost->day[1], 1, 1);
    *lost = (struct hsm_lost){0};
}

static void turn(struct hsm_lost *lost, int64_t now_ms)
{
    if (now_ms - lost->began_ms < DAY_MS)
        return;
    uint8_t *oldest = lost->day[1];
    memset(oldest, 0, lost->cells);
    lost->day[1] = lost->day[0];
    lost->day[0] = oldest;
    lost->began_ms = now_ms;
}

void hsm_lost_put(struct hsm_lost *lost, uint64_t hash, uint32_t count, int64_t now_ms)
{
    turn(lost, now_ms);
    uint8_t *cell = &lost->day[0][hash & (lost->cells - 1)];
    uint8_t kept = count < UINT8_MAX ? (uint8_t)count : UINT8_MAX;
    *cell = *cell > kept ? *cell : kept;
}

uint32_t hsm_lost_get(struct hsm_lost *lost, uint64_t hash, int64_t now_ms)
{
    turn(lost, now_ms);
    uint8_t now = lost->day[0][hash & (lost->cells - 1)], before = lost->day[1][hash & (lost->cells - 1)];
    return now > before ? now : before;
}
