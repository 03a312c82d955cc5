/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/heap.h"

#include "base/secret_arena.h"

#include <openssl/crypto.h>

static void *take(size_t len, const char *file, int line)
{
    (void)file;
    (void)line;
    return len > 0 ? secret_arena_take(len) : NULL;
}

/* As realloc of the library: a size of zero frees. */
static void *resize(void *at, size_t len, const char *file, int line)
{
    (void)file;
    (void)line;
    if (len > 0)
        return secret_arena_resize(at, len);
    secret_arena_give(at);
    return NULL;
}

static void give(void *at, const char *file, int line)
{
    (void)file;
    (void)line;
    secret_arena_give(at);
}

enum err heap_move(void)
{
    return CRYPTO_set_mem_functions(take, resize, give) == 1 ? ERR_OK : ERR_CRYPTO;
}

void heap_release(void)
{
    OPENSSL_cleanup();
}
