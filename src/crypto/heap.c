/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/heap.h"
#include "crypto/internal.h"

#include "base/secret_arena.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
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

/* What this room fetches by name. A name whose first look-up fails for want of memory stays unknown to the library: all are
 * looked up at start, when a failure can still stop it. */
static const char *const ciphers[] = {"DES-EDE-ECB", "DES-EDE3-ECB", "AES-128-CBC", "AES-192-CBC", "AES-256-CBC", "AES-256-GCM"};
static const char *const digests[] = {"SHA1", "SHA256"};
static const char *const macs[] = {"HMAC", "CMAC"};
static const char *const kdfs[] = {"SCRYPT"};

#define LOOK_UP(names_, type_)                                                   \
    for (size_t i = 0; i < sizeof(names_) / sizeof((names_)[0]) && found; i++) { \
        type_ *known = type_##_fetch(NULL, (names_)[i], NULL);                   \
        found = known;                                                           \
        type_##_free(known);                                                     \
    }

static bool look_up(void)
{
    bool found = true;
    LOOK_UP(ciphers, EVP_CIPHER)
    LOOK_UP(digests, EVP_MD)
    LOOK_UP(macs, EVP_MAC)
    LOOK_UP(kdfs, EVP_KDF)
    return found;
}

/* The library follows null pointers if its own start ran out of memory, so it is started here and looked at. */
enum err crypto_heap_move(void)
{
    if (CRYPTO_set_mem_functions(take, resize, give) != 1 || OPENSSL_init_crypto(0, NULL) != 1)
        return crypto_failed();
    if (!OSSL_LIB_CTX_get0_global_default() || OSSL_PROVIDER_available(NULL, "default") != 1 || !look_up())
        return crypto_failed();
    return ERR_OK;
}

void crypto_heap_release(void)
{
    OPENSSL_cleanup();
}
