/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/heap.h"
#include "crypto/internal.h"

#include "base/secret_arena.h"

#include <openssl/crypto.h>
#include <openssl/provider.h>

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

/* The library follows null pointers if its own start ran out of memory, so it is started here and looked at. */
enum err heap_move(void)
{
    if (CRYPTO_set_mem_functions(take, resize, give) != 1 || OPENSSL_init_crypto(0, NULL) != 1)
        return crypto_failed();
    if (!OSSL_LIB_CTX_get0_global_default() || OSSL_PROVIDER_available(NULL, "default") != 1)
        return crypto_failed();
    return ERR_OK;
}

void heap_release(void)
{
    OPENSSL_cleanup();
}
