/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers above the limit: a heap by the time they fall below. */
#include "hsm/guard/internal.h"

static void heap_put(struct hsm_guess *g, uint32_t place, struct exceeded x)
{
    g->heap[place] = x;
    g->entry[x.entry].place = place;
}

void hsm_guess_heap_up(struct hsm_guess *g, uint32_t place, struct exceeded x)
{
    for (; place > 1 && g->heap[place / 2].until_ms > x.until_ms; place /= 2)
        heap_put(g, place, g->heap[place / 2]);
    heap_put(g, place, x);
}

static void heap_down(struct hsm_guess *g, uint32_t place, struct exceeded x)
{
    for (uint32_t child; (child = 2 * place) <= g->heap_count; place = child) {
        if (child < g->heap_count && g->heap[child + 1].until_ms < g->heap[child].until_ms)
            child++;
        if (g->heap[child].until_ms >= x.until_ms)
            break;
        heap_put(g, place, g->heap[child]);
    }
    heap_put(g, place, x);
}

void hsm_guess_release(struct hsm_guess *g, struct entry *e)
{
    if (e->place == NONE)
        return;
    ASSERT(e->place <= g->heap_count && g->cell[e->cell] > 0);
    uint32_t place = e->place;
    struct exceeded moved = g->heap[g->heap_count--];
    e->place = NONE;
    g->cell[e->cell]--;
    if (place > g->heap_count)
        return;
    if (place > 1 && g->heap[place / 2].until_ms > moved.until_ms)
        hsm_guess_heap_up(g, place, moved);
    else
        heap_down(g, place, moved);
}

void hsm_guess_release_due(struct hsm_guess *g, int64_t now)
{
    while (g->heap_count > 0 && g->heap[1].until_ms <= now)
        hsm_guess_release(g, &g->entry[g->heap[1].entry]);
}
