/* SPDX-License-Identifier: Apache-2.0 */
#include "base/secret.h"

#include "base/secret_arena.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

bool secret_equal(const void *a, const void *b, size_t len)
{
    const volatile uint8_t *left = a;
    const volatile uint8_t *right = b;
    uint8_t difference = 0;
    for (size_t i = 0; i < len; i++)
        difference |= left[i] ^ right[i];
    return difference == 0;
}

bool secret_code_equal(const struct code_digits *a, const struct code_digits *b)
{
    return secret_equal(a->at, b->at, sizeof a->at) & (a->len == b->len);
}

/* Leak checkers do not look into mappings: where one is linked in, it learns that these pages hold pointers. */
extern void __lsan_register_root_region(const void *at, size_t len) __attribute__((weak));
extern void __lsan_unregister_root_region(const void *at, size_t len) __attribute__((weak));

static size_t page_round(size_t len, size_t page)
{
    return (len + page - 1) / page * page;
}

/* The arena gives 16-byte alignment; what lies in front of the next multiple stays unused. */
static enum err pages_of_arena(size_t len, struct secret_pages *out)
{
    void *taken = secret_arena_take(len + SECRET_PAGES_ALIGNMENT);
    if (!taken)
        return ERR_MEMORY;
    uint8_t *at = (uint8_t *)taken + (SECRET_PAGES_ALIGNMENT - (uintptr_t)taken % SECRET_PAGES_ALIGNMENT) % SECRET_PAGES_ALIGNMENT;
    *out = (struct secret_pages){at, len, secret_arena_kind() != SECRET_ARENA_ORDINARY, taken};
    return ERR_OK;
}

static enum err pages_of_their_own(size_t len, struct secret_pages *out)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t body = page_round(len, page);
    uint8_t *at = mmap(NULL, body + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED)
        return ERR_MEMORY;
    if (mprotect(at + page, body, PROT_READ | PROT_WRITE) != 0) {
        munmap(at, body + 2 * page);
        return ERR_MEMORY;
    }
    bool locked = mlock(at + page, body) == 0;
    locked &= madvise(at + page, body, MADV_DONTDUMP) == 0;
    locked &= madvise(at + page, body, MADV_WIPEONFORK) == 0;
    if (__lsan_register_root_region)
        __lsan_register_root_region(at + page, body);
    *out = (struct secret_pages){at + page, body, locked, NULL};
    return ERR_OK;
}

enum err secret_pages_create(size_t len, struct secret_pages *out)
{
    return secret_arena_kind() == SECRET_ARENA_CLOSED ? pages_of_their_own(len, out) : pages_of_arena(len, out);
}

void secret_pages_destroy(struct secret_pages *pages)
{
    if (!pages->at)
        return;
    if (pages->taken) {
        secret_arena_give(pages->taken);
        *pages = (struct secret_pages){0};
        return;
    }
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    secret_wipe(pages->at, pages->len);
    if (__lsan_unregister_root_region)
        __lsan_unregister_root_region(pages->at, pages->len);
    munmap((uint8_t *)pages->at - page, pages->len + 2 * page);
    *pages = (struct secret_pages){0};
}

enum err secret_process_harden(void)
{
    struct rlimit none = {0, 0};
    if (setrlimit(RLIMIT_CORE, &none) != 0 || prctl(PR_SET_DUMPABLE, 0) != 0)
        return ERR_SYSTEM;
    return ERR_OK;
}

void secret_key_cleanup(struct secret_key *key)
{
    secret_wipe(key, sizeof *key);
}

void secret_code_cleanup(struct code_digits *code)
{
    secret_wipe(code, sizeof *code);
}
