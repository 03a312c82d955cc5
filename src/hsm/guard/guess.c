/* SPDX-License-Identifier: Apache-2.0 */
#include "hsm/guard/guess.h"

#include "crypto/mac.h"

#include "base/arena.h"
#include "base/secret.h"
#include "hostcmd/error.h"

#include <string.h>

enum { TIMES = 7, NONE = 0, CELLS = 65536, KEY_LEN = 16, PAN_ROOM = 24, CHUNKS_LEAST = 2048, NAME_LEN = 14 };
enum { DAY_MS = 86400000, WARN_MS = 60000 };

/* Failures of one number, oldest first, in a list of chunks. Indexes start at 1. */
struct chunk {
    uint32_t next;
    uint32_t at_ms[TIMES]; /* the low half of the time: all of them lie within a day of `last_ms` of the entry */
};

struct entry {
    uint8_t key[KEY_LEN];
    int64_t last_ms;
    uint32_t chain; /* next of the bucket, or of the free ones */
    uint32_t newer, older;
    uint32_t place; /* in the heap, from 1; 0: below the limit */
    uint32_t count;
    uint32_t first, last; /* chunks */
    uint16_t cell;
    uint8_t first_at, last_at; /* index of the oldest time in `first`, behind the newest in `last` */
};

/* A number above the limit, and when it will no longer be. */
struct exceeded {
    int64_t until_ms;
    uint32_t entry;
};

struct hsm_guess {
    const struct env *env;
    struct hsm_guess_hook hook;
    struct crypto_hmac hmac;
    uint64_t mix; /* key of the cells */
    uint32_t limit;
    uint32_t pans, chunks, buckets;
    struct entry *entry;
    struct chunk *chunk;
    uint32_t *bucket;
    struct exceeded *heap;              /* by until_ms, smallest at 1 */
    uint32_t *cell;                     /* how many numbers above the limit share it */
    uint32_t entries_used, chunks_used; /* ever: what lies beyond has not been touched */
    uint32_t entry_free, chunk_free;
    uint32_t newest, oldest; /* by last failure */
    uint32_t count, heap_count;
    uint64_t failures, refused, dropped;
    uint64_t dropped_told;
    int64_t told_ms;
};

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
    return sizeof(struct hsm_guess) + pans * per_pan + (power_of_two(pans) + (uint64_t)CELLS) * sizeof(uint32_t);
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
                            .told_ms = -WARN_MS};
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
    memory_release(guess, 1, sizeof *guess);
}

/* ---- numbers above the limit: a heap by the time they fall below ---- */

static void heap_put(struct hsm_guess *g, uint32_t place, struct exceeded x)
{
    g->heap[place] = x;
    g->entry[x.entry].place = place;
}

static void heap_up(struct hsm_guess *g, uint32_t place, struct exceeded x)
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

static void release(struct hsm_guess *g, struct entry *e)
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
        heap_up(g, place, moved);
    else
        heap_down(g, place, moved);
}

static void release_due(struct hsm_guess *g, int64_t now)
{
    while (g->heap_count > 0 && g->heap[1].until_ms <= now)
        release(g, &g->entry[g->heap[1].entry]);
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

static void unlink_age(struct hsm_guess *g, const struct entry *e)
{
    *(e->newer ? &g->entry[e->newer].older : &g->newest) = e->older;
    *(e->older ? &g->entry[e->older].newer : &g->oldest) = e->newer;
}

static void link_newest(struct hsm_guess *g, uint32_t index)
{
    struct entry *e = &g->entry[index];
    e->newer = NONE;
    e->older = g->newest;
    *(g->newest ? &g->entry[g->newest].newer : &g->oldest) = index;
    g->newest = index;
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
    release(g, e);
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
    while (g->oldest && now - g->entry[g->oldest].last_ms >= DAY_MS)
        forget(g, g->oldest);
}

static void drop_oldest(struct hsm_guess *g, int64_t now)
{
    forget(g, g->oldest);
    g->dropped++;
    if (now - g->told_ms < WARN_MS || !g->env->log)
        return;
    LOG(g->env->log, LOG_WARN, "hsm.guess_full", LOG_INT("pans", g->count), LOG_INT("forgotten", g->dropped - g->dropped_told),
        LOG_TEXT("see", "hsm.guess_pans and hsm.guess_memory"));
    g->dropped_told = g->dropped;
    g->told_ms = now;
}

static uint32_t take_chunk(struct hsm_guess *g, int64_t now)
{
    /* The number that needs it is the newest and holds fewer than CHUNKS_LEAST: there is always another to forget. */
    while (g->chunk_free == NONE && g->chunks_used == g->chunks)
        drop_oldest(g, now);
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
    if (g->entry_free == NONE && g->entries_used == g->pans)
        drop_oldest(g, now);
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

static void push(struct hsm_guess *g, uint32_t index, int64_t now)
{
    struct entry *e = &g->entry[index];
    unlink_age(g, e);
    link_newest(g, index);
    pop_past(g, e, now);
    e->last_ms = now;
    if (e->last == NONE || e->last_at == TIMES) {
        uint32_t chunk = take_chunk(g, now);
        *(e->last ? &g->chunk[e->last].next : &e->first) = chunk;
        e->last = chunk;
        e->last_at = 0;
        if (e->count == 0)
            e->first_at = 0;
    }
    g->chunk[e->last].at_ms[e->last_at++] = (uint32_t)now;
    e->count++;
}

/* ---- limit ---- */

static void tell(const struct hsm_guess *g, const struct entry *e)
{
    uint8_t label[HSM_GUESS_LABEL];
    struct buf out = buf_over(label, sizeof label);
    buf_put_hex(&out, e->key, (HSM_GUESS_LABEL - 1) / 2);
    if (g->hook.reached)
        g->hook.reached(g->hook.context, buf_text(&out));
}

/* The count falls below the limit when the failure that is `limit`-th from the newest grows a day old. */
static void judge(struct hsm_guess *g, uint32_t index)
{
    struct entry *e = &g->entry[index];
    release(g, e);
    if (e->count < g->limit)
        return;
    ASSERT(g->heap_count < g->count);
    g->cell[e->cell]++;
    heap_up(g, ++g->heap_count, (struct exceeded){time_at(g, e, e->count - g->limit) + DAY_MS, index});
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

enum err hsm_guess_admit(struct hsm_guess *guess, struct span pan, struct hsm_guess_item *item)
{
    if (!guess || guess->heap_count == 0 || guess->cell[cell_of(guess, pan)] == 0)
        return ERR_OK;
    release_due(guess, now_ms(guess));
    TRY(hash(guess, pan, item));
    uint32_t index = find(guess, item->key);
    if (index == NONE || guess->entry[index].place == NONE)
        return ERR_OK;
    guess->refused++;
    return HOSTCMD_ERR_FRAUD_DETECTION;
}

static enum err count_failure(struct hsm_guess *g, struct span pan, struct hsm_guess_item *item)
{
    TRY(hash(g, pan, item));
    int64_t now = now_ms(g);
    forget_past(g, now);
    uint32_t index = find(g, item->key);
    if (index == NONE)
        index = add(g, item->key, cell_of(g, pan), now);
    push(g, index, now);
    judge(g, index);
    g->failures++;
    if (g->entry[index].place)
        tell(g, &g->entry[index]);
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
    release_due(guess, now_ms(guess));
    return guess->heap_count > 0;
}

void hsm_guess_limit_set(struct hsm_guess *guess, uint32_t limit)
{
    ASSERT(limit >= HSM_GUESS_LEAST && limit <= HSM_GUESS_MOST);
    int64_t now = now_ms(guess);
    guess->limit = limit;
    forget_past(guess, now);
    for (uint32_t index = guess->oldest; index; index = guess->entry[index].newer) {
        pop_past(guess, &guess->entry[index], now);
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
    release_due(guess, now);
    return (struct hsm_guess_counters){guess->count, guess->heap_count, guess->failures, guess->refused, guess->dropped};
}
