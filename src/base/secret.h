/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secrets are types.
 *
 * Purpose    Keys and security codes have types of their own, without a printer. Long-lived ones stand in locked, undumpable pages.
 * Ownership  secret_pages_* owns its mapping. The value types are copied freely; the last holder wipes with secret_wipe.
 * Threading  Values; secret_equal runs in constant time for equal lengths.
 * Failure    Locking that the system refuses (RLIMIT_MEMLOCK) is reported by *locked = false; the pages work all the same.
 * Limits     Keys up to 32 bytes, codes up to 16 digits.
 */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct secret_key {
    uint8_t len; /* bytes: 8, 16, 24 or 32 */
    uint8_t at[32];
};

struct code_digits {
    uint8_t len;
    char at[16];
};

/* Overwrites; the compiler may not leave it out, because it must take the bytes for read afterwards. */
static inline void secret_wipe(void *at, size_t len)
{
    if (len > 0)
        memset(at, 0, len);
    __asm__ volatile("" : : "r"(at) : "memory");
}
/* Constant time in `len`; the lengths of both sides are the caller's. */
bool secret_equal(const void *a, const void *b, size_t len);
bool secret_code_equal(const struct code_digits *a, const struct code_digits *b);

/* Zeroed memory out of the process's secret arena (base/secret_arena.h); without one, pages of their own between two guard pages,
 * locked, left out of cores and of forks. Aligned to SECRET_PAGES_ALIGNMENT. */
enum { SECRET_PAGES_ALIGNMENT = 64 };
struct secret_pages {
    void *at;
    size_t len;
    bool locked;
    void *taken; /* from the arena; NULL: a mapping of their own */
};
MUST_USE enum err secret_pages_create(size_t len, struct secret_pages *out);
void secret_pages_destroy(struct secret_pages *pages);

/* No core file, no ptrace by the same user. */
MUST_USE enum err secret_process_harden(void);

/* For __attribute__((cleanup)) on scope exit. */
void secret_key_cleanup(struct secret_key *key);
void secret_code_cleanup(struct code_digits *code);
#define SECRET_KEY __attribute__((cleanup(secret_key_cleanup))) struct secret_key
#define SECRET_CODE __attribute__((cleanup(secret_code_cleanup))) struct code_digits

#endif
