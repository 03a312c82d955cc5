/* SPDX-License-Identifier: Apache-2.0 */
/* The table of the guessing limit, between its files. */
#ifndef HSM_GUARD_INTERNAL_H
#define HSM_GUARD_INTERNAL_H

#include "crypto/mac.h"
#include "hsm/guard/guess.h"
#include "hsm/guard/lost.h"

enum { TIMES = 7, NONE = 0, CELLS = 65536, KEY_LEN = 16, PAN_ROOM = 24, CHUNKS_LEAST = 2048, NAME_LEN = 14, CLIENTS = 32 };
enum { DAY_MS = 86400000, WARN_MS = 60000 };
/* Numbers with few failures go first; those of the last tier, at two thirds of the limit, never. */
enum { TIERS = 8, KEPT = TIERS - 1 };

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
    uint8_t tier;
    uint8_t first_at, last_at; /* index of the oldest time in `first`, behind the newest in `last` */
};

/* Who asked, and how many wrong answers it got. */
struct guesser {
    char name[72]; /* as of a certificate; "": none */
    uint64_t failures;
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
    uint32_t newest[TIERS], oldest[TIERS]; /* by last failure */
    struct hsm_lost lost;
    uint32_t count, heap_count;
    uint64_t failures, refused, dropped;
    uint64_t dropped_told;
    bool closed;
    int64_t told_ms[2]; /* that it is full; that it is closed */
    const char *by;     /* whose command is under way */
    struct guesser client[CLIENTS];
    int64_t aged_ms;
};

/* ---- guess_alarm.c ---- */
/* The failure is that of the client whose command is under way. */
void hsm_guess_blame(struct hsm_guess *g, int64_t now);
void hsm_guess_tell_reached(struct hsm_guess *g, const struct entry *e);
/* At most once a minute each: numbers are forgotten; nothing may be forgotten, and new numbers are refused. */
void hsm_guess_tell_full(struct hsm_guess *g, int64_t now, bool closed);

/* ---- guess_heap.c ---- */
void hsm_guess_heap_up(struct hsm_guess *g, uint32_t place, struct exceeded x);
/* The number is below the limit again, or forgotten. */
void hsm_guess_release(struct hsm_guess *g, struct entry *e);
void hsm_guess_release_due(struct hsm_guess *g, int64_t now);

#endif
