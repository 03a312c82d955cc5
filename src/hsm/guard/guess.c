/* SPDX-License-Identifier: Apache-2.0 */
#include "hsm/guard/guess.h"

#include "hsm/guard/internal.h"

#include "base/arena.h"
#include "base/secret.h"
#include "hostcmd/error.h"

#include <string.h>

static int64_t now_ms(const struct hsm_guess *g)
{
    return env_monotonic_us(g->env) / 1000;
}

/* ---- life ---- */

static uint32_t power_of_two(uint32_t least)
{
    uint32_t n = 1;
    while (n < least)
        n *= 2;
    return n;
}

static uint64_t fixed_memory(uint32_t pans)
{
    uint64_t per_pan = sizeof(struct entry) + sizeof(struct exceeded);
    return sizeof(struct hsm_guess) + pans * per_pan + (power_of_two(pans) + (uint64_t)CELLS) * sizeof(uint32_t) +
           hsm_lost_memory(pans);
}

uint64_t hsm_guess_memory(uint32_t pans)
{
    uint64_t chunks = pans > CHUNKS_LEAST ? pans : CHUNKS_LEAST;
    return fixed_memory(pans) + chunks * sizeof(struct chunk);
}

static enum err reserve(size_t count, size_t size, void *out)
{
    void *at = NULL;
    TRY(memory_reserve(count, size, &at));
    memcpy(out, &at, sizeof at);
    return ERR_OK;
}

static enum err fill(struct hsm_guess *g, const struct hsm_guess_config *config)
{
    TRY(reserve(g->pans + 1, sizeof(struct entry), &g->entry));
    TRY(reserve(g->chunks + 1, sizeof(struct chunk), &g->chunk));
    TRY(reserve(g->pans + 1, sizeof(struct exceeded), &g->heap));
    TRY(reserve(g->buckets, sizeof(uint32_t), &g->bucket));
    TRY(reserve(CELLS, sizeof(uint32_t), &g->cell));
    TRY(hsm_lost_create(g->pans, &g->lost));
    env_random(g->env, &g->mix, sizeof g->mix);
    return crypto_hmac_load(span_of(config->key, sizeof config->key), &g->hmac);
}

enum err hsm_guess_create(const struct env *env, const struct hsm_guess_config *config, struct hsm_guess_hook hook,
                          struct hsm_guess **out)
{
    ASSERT(config->limit >= HSM_GUESS_LEAST && config->limit <= HSM_GUESS_MOST && config->pans > 0);
    if (config->memory < hsm_guess_memory(config->pans))
        return ERR_CONFIG;
    uint64_t chunks = (config->memory - fixed_memory(config->pans)) / sizeof(struct chunk);
    struct hsm_guess *g = NULL;
    TRY(reserve(1, sizeof *g, &g));
    *g = (struct hsm_guess){.env = env,
                            .hook = hook,
                            .limit = config->limit,
                            .pans = config->pans,
                            .chunks = chunks < UINT32_MAX ? (uint32_t)chunks : UINT32_MAX - 1,
                            .buckets = power_of_two(config->pans),
                            .told_ms = {-WARN_MS, -WARN_MS},
                            .aged_ms = env_monotonic_us(env) / 1000};
    enum err err = fill(g, config);
    if (err == ERR_OK)
        *out = g;
    else
        hsm_guess_destroy(g);
    return err;
}

void hsm_guess_destroy(struct hsm_guess *guess)
{
    if (!guess)
        return;
    if (guess->hmac.context)
        crypto_hmac_unload(&guess->hmac);
    /* What was never used is not touched: it would be made resident only to be wiped. */
    memory_release(guess->entry, guess->entries_used + 1, sizeof(struct entry));
    memory_release(guess->chunk, guess->chunks_used + 1, sizeof(struct chunk));
    memory_release(guess->heap, guess->heap_count + 1, sizeof(struct exceeded));
    memory_release(guess->bucket, 1, sizeof(uint32_t));
    memory_release(guess->cell, 1, sizeof(uint32_t));
    hsm_lost_destroy(&guess->lost);
    memory_release(guess, 1, sizeof *guess);
}

/* ---- the times of one number ---- */

static int64_t time_of(const struct entry *e, uint32_t low)
{
    return e->last_ms - (int64_t)((uint32_t)e->last_ms - low);
}

static void chunk_release(struct hsm_guess *g, uint32_t index)
{
    g->chunk[index].next = g->chunk_free;
    g->chunk_free = index;
}

static void pop(struct hsm_guess *g, struct entry *e)
{
    ASSERT(e->count > 0 && e->first != NONE);
    e->count--;
    if (++e->first_at < TIMES && e->count > 0)
        return;
    uint32_t next = g->chunk[e->first].next;
    chunk_release(g, e->first);
    e->first = next;
    e->first_at = 0;
    if (e->count == 0)
        e->first = e->last = NONE;
}

static void pop_past(struct hsm_guess *g, struct entry *e, int64_t now)
{
    while (e->count > 0 && now - time_of(e, g->chunk[e->first].at_ms[e->first_at]) >= DAY_MS)
        pop(g, e);
}

/* The time of the index-th failure, oldest 0. */
static int64_t time_at(const struct hsm_guess *g, const struct entry *e, uint32_t index)
{
    uint32_t at = e->first, place = e->first_at + index;
    for (; place >= TIMES; place -= TIMES)
        at = g->chunk[at].next;
    return time_of(e, g->chunk[at].at_ms[place]);
}

/* ---- the numbers ---- */

static uint8_t tier_of(const struct hsm_guess *g, uint32_t count)
{
    uint8_t tier = 0;
    if (3 * (uint64_t)count >= 2 * (uint64_t)g->limit)
        return KEPT;
    for (; count > 1 && tier + 1 < KEPT; count /= 2)
        tier++;
    return tier;
}

static void unlink_age(struct hsm_guess *g, const struct entry *e)
{
    *(e->newer ? &g->entry[e->newer].older : &g->newest[e->tier]) = e->older;
    *(e->older ? &g->entry[e->older].newer : &g->oldest[e->tier]) = e->newer;
}

static void link_newest(struct hsm_guess *g, uint32_t index)
{
    struct entry *e = &g->entry[index];
    e->tier = tier_of(g, e->count);
    e->newer = NONE;
    e->older = g->newest[e->tier];
    *(e->older ? &g->entry[e->older].newer : &g->oldest[e->tier]) = index;
    g->newest[e->tier] = index;
}

static uint32_t *bucket_of(struct hsm_guess *g, const uint8_t key[static KEY_LEN])
{
    uint32_t hash;
    memcpy(&hash, key, sizeof hash);
    return &g->bucket[hash & (g->buckets - 1)];
}

static uint32_t find(struct hsm_guess *g, const uint8_t key[static KEY_LEN])
{
    uint32_t index = *bucket_of(g, key);
    while (index && memcmp(g->entry[index].key, key, KEY_LEN) != 0) /* not secret: a keyed hash, and it is ours */
        index = g->entry[index].chain;
    return index;
}

static void forget(struct hsm_guess *g, uint32_t index)
{
    struct entry *e = &g->entry[index];
    uint32_t *link = bucket_of(g, e->key);
    while (*link != index)
        link = &g->entry[*link].chain;
    *link = e->chain;
    hsm_guess_release(g, e);
    unlink_age(g, e);
    for (uint32_t at = e->first, next; at; at = next) {
        next = at == e->last ? NONE : g->chunk[at].next;
        chunk_release(g, at);
    }
    *e = (struct entry){.chain = g->entry_free};
    ASSERT(g->count > 0);
    g->entry_free = index;
    g->count--;
}

static void forget_past(struct hsm_guess *g, int64_t now)
{
    for (int tier = 0; tier < TIERS; tier++)
        while (g->oldest[tier] && now - g->entry[g->oldest[tier]].last_ms >= DAY_MS)
            forget(g, g->oldest[tier]);
}

static uint64_t hash_of(const uint8_t key[static KEY_LEN])
{
    uint64_t hash;
    memcpy(&hash, key + KEY_LEN - sizeof hash, sizeof hash);
    return hash;
}

/* The number that may be dropped first; NONE: none may. */
static uint32_t droppable(const struct hsm_guess *g)
{
    uint32_t index = NONE;
    for (int tier = 0; tier < KEPT && !index; tier++)
        index = g->oldest[tier];
    return index;
}

/* False: nothing may be dropped. */
static bool drop_one(struct hsm_guess *g, int64_t now)
{
    uint32_t index = droppable(g);
    if (index) {
        hsm_lost_put(&g->lost, hash_of(g->entry[index].key), g->entry[index].count, now);
        forget(g, index);
        g->dropped++;
        hsm_guess_tell_full(g, now, false);
    }
    return index;
}

static uint32_t take_chunk(struct hsm_guess *g, int64_t now)
{
    while (g->chunk_free == NONE && g->chunks_used == g->chunks)
        if (!drop_one(g, now))
            return NONE;
    uint32_t index = g->chunk_free;
    if (index)
        g->chunk_free = g->chunk[index].next;
    else
        index = ++g->chunks_used;
    ASSERT(g->chunks_used <= g->chunks);
    g->chunk[index].next = NONE;
    return index;
}

static uint32_t add(struct hsm_guess *g, const uint8_t key[static KEY_LEN], uint16_t cell, int64_t now)
{
    if (g->entry_free == NONE && g->entries_used == g->pans && !drop_one(g, now))
        return NONE;
    uint32_t index = g->entry_free ? g->entry_free : ++g->entries_used;
    struct entry *e = &g->entry[index];
    if (index == g->entry_free)
        g->entry_free = e->chain;
    uint32_t *bucket = bucket_of(g, key);
    *e = (struct entry){.chain = *bucket, .cell = cell};
    memcpy(e->key, key, KEY_LEN);
    *bucket = index;
    link_newest(g, index);
    g->count++;
    ASSERT(g->count <= g->entries_used && g->entries_used <= g->pans);
    return index;
}

/* False: there is no room for it. While it takes some, the number itself is not among those that may be dropped. */
static bool push(struct hsm_guess *g, uint32_t index, int64_t now)
{
    struct entry *e = &g->entry[index];
    unlink_age(g, e);
    pop_past(g, e, now);
    e->last_ms = now;
    if (e->last == NONE || e->last_at == TIMES) {
        uint32_t chunk = take_chunk(g, now);
        if (chunk == NONE) {
            link_newest(g, index);
            return false;
        }
        *(e->last ? &g->chunk[e->last].next : &e->first) = chunk;
        e->last = chunk;
        e->last_at = 0;
        if (e->count == 0)
            e->first_at = 0;
    }
    g->chunk[e->last].at_ms[e->last_at++] = (uint32_t)now;
    e->count++;
    link_newest(g, index);
    return true;
}

/* A number that comes back has what it had when it was dropped. */
static bool push_lost(struct hsm_guess *g, uint32_t index, int64_t now)
{
    uint32_t had = hsm_lost_get(&g->lost, hash_of(g->entry[index].key), now);
    for (uint32_t i = 0; i < had && i < g->limit; i++)
        if (!push(g, index, now))
            return false;
    return true;
}

/* ---- limit ---- */

/* The count falls below the limit when the failure that is `limit`-th from the newest grows a day old. */
static void judge(struct hsm_guess *g, uint32_t index)
{
    struct entry *e = &g->entry[index];
    hsm_guess_release(g, e);
    if (e->count < g->limit)
        return;
    ASSERT(g->heap_count < g->count);
    g->cell[e->cell]++;
    hsm_guess_heap_up(g, ++g->heap_count, (struct exceeded){time_at(g, e, e->count - g->limit) + DAY_MS, index});
}

struct span hsm_guess_name(struct span pan)
{
    struct span name = pan.len > NAME_LEN ? span_slice(pan, pan.len - NAME_LEN, NAME_LEN) : pan;
    while (name.len > 1 && name.at[0] == '0')
        name = span_slice(name, 1, SIZE_MAX);
    return name;
}

/* Spread, not strength: a clash costs an HMAC, never an answer. */
static uint16_t cell_of(const struct hsm_guess *g, struct span pan)
{
    uint64_t word[PAN_ROOM / 8] = {0}, hash = g->mix ^ pan.len;
    memcpy(word, pan.at, pan.len < PAN_ROOM ? pan.len : PAN_ROOM);
    for (size_t i = 0; i < PAN_ROOM / 8; i++) {
        hash = (hash ^ word[i]) * 0x9E3779B97F4A7C15u;
        hash ^= hash >> 32;
    }
    secret_wipe(word, sizeof word);
    return (uint16_t)(hash >> 16);
}

static enum err hash(struct hsm_guess *g, struct span pan, struct hsm_guess_item *item)
{
    uint8_t full[CRYPTO_DIGEST_SHA256];
    if (item->hashed)
        return ERR_OK;
    TRY(crypto_hmac_run(&g->hmac, &pan, 1, full));
    memcpy(item->key, full, KEY_LEN);
    item->hashed = true;
    return ERR_OK;
}

/* No new number finds a place: all that are here are near their limit, for a day. */
static bool closed(struct hsm_guess *g)
{
    forget_past(g, now_ms(g));
    g->closed = g->entry_free == NONE && g->entries_used == g->pans && droppable(g) == NONE;
    return g->closed;
}

/* `room`: for want of it, which is an alarm. */
static enum err refuse(struct hsm_guess *g, bool room)
{
    g->refused++;
    if (room)
        hsm_guess_tell_full(g, now_ms(g), true);
    return HOSTCMD_ERR_FRAUD_DETECTION;
}

enum err hsm_guess_admit(struct hsm_guess *guess, struct span pan, struct hsm_guess_item *item)
{
    if (!guess || (guess->closed ? false : guess->heap_count == 0 || guess->cell[cell_of(guess, pan)] == 0))
        return ERR_OK;
    hsm_guess_release_due(guess, now_ms(guess));
    TRY(hash(guess, pan, item));
    uint32_t index = find(guess, item->key);
    /* With a table that has no room, right and wrong codes of a new number would tell themselves apart uncounted. */
    if (index == NONE ? !closed(guess) : guess->entry[index].place == NONE)
        return ERR_OK;
    return refuse(guess, index == NONE);
}

static enum err count_failure(struct hsm_guess *g, struct span pan, struct hsm_guess_item *item)
{
    TRY(hash(g, pan, item));
    int64_t now = now_ms(g);
    forget_past(g, now);
    uint32_t index = find(g, item->key);
    bool fresh = index == NONE;
    if (fresh)
        index = add(g, item->key, cell_of(g, pan), now);
    if (index == NONE || (fresh && !push_lost(g, index, now)) || !push(g, index, now)) {
        g->closed = true;
        return refuse(g, true);
    }
    judge(g, index);
    g->closed = closed(g);
    g->failures++;
    hsm_guess_blame(g, now);
    if (g->entry[index].place)
        hsm_guess_tell_reached(g, &g->entry[index]);
    return ERR_OK;
}

enum err hsm_guess_answer(struct hsm_guess *guess, struct span pan, struct hsm_guess_item *item, enum verdict verdict)
{
    ASSERT(verdict != VERDICT_UNAVAILABLE);
    TRY(hsm_guess_admit(guess, pan, item));
    return guess && verdict == VERDICT_MISMATCH ? count_failure(guess, pan, item) : ERR_OK;
}

bool hsm_guess_exceeded(struct hsm_guess *guess)
{
    if (!guess || guess->heap_count == 0)
        return false;
    hsm_guess_release_due(guess, now_ms(guess));
    return guess->heap_count > 0;
}

void hsm_guess_limit_set(struct hsm_guess *guess, uint32_t limit)
{
    ASSERT(limit >= HSM_GUESS_LEAST && limit <= HSM_GUESS_MOST);
    int64_t now = now_ms(guess);
    guess->limit = limit;
    forget_past(guess, now);
    for (uint32_t index = 1; index <= guess->entries_used; index++) {
        struct entry *e = &guess->entry[index];
        if (e->count == 0)
            continue;
        unlink_age(guess, e);
        pop_past(guess, e, now);
        link_newest(guess, index);
        judge(guess, index);
    }
}

uint32_t hsm_guess_limit(const struct hsm_guess *guess)
{
    return guess->limit;
}

struct hsm_guess_counters hsm_guess_counters(struct hsm_guess *guess)
{
    int64_t now = now_ms(guess);
    forget_past(guess, now);
    hsm_guess_release_due(guess, now);
    return (struct hsm_guess_counters){guess->count,   guess->heap_count, guess->failures,
                                       guess->refused, guess->dropped,    closed(guess)};
}
