/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/kdf.h"

#include "base/secret.h"
#include "crypto/internal.h"

#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

enum { LOG2N_MIN = 4, LOG2N_MAX = 20, R_MAX = 32, P_MAX = 16 };
static const uint64_t memory_max = UINT64_C(1) << 30;
/* The library counts its own tables as well. */
static const uint64_t memory_slack = UINT64_C(1) << 20;

bool crypto_kdf_cost_allowed(struct crypto_kdf_cost c)
{
    bool in_range = c.log2n >= LOG2N_MIN && c.log2n <= LOG2N_MAX && c.r >= 1 && c.r <= R_MAX && c.p >= 1 && c.p <= P_MAX;
    return in_range && (UINT64_C(128) * c.r << c.log2n) <= memory_max;
}

static EVP_KDF_CTX *scrypt_context(void)
{
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "SCRYPT", NULL);
    EVP_KDF_CTX *context = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
    EVP_KDF_free(kdf);
    return context;
}

enum err crypto_kdf_scrypt(struct span passphrase, struct span salt, struct crypto_kdf_cost cost, uint8_t *out, size_t len)
{
    if (!crypto_kdf_cost_allowed(cost))
        return ERR_PARSE_VALUE;
    uint64_t n = UINT64_C(1) << cost.log2n, most = memory_max + memory_slack;
    uint32_t r = cost.r, p = cost.p;
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_PASSWORD, (void *)(uintptr_t)passphrase.at, passphrase.len),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *)(uintptr_t)salt.at, salt.len),
        OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_N, &n),
        OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_SCRYPT_R, &r),
        OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_SCRYPT_P, &p),
        OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_MAXMEM, &most),
        OSSL_PARAM_construct_end(),
    };
    EVP_KDF_CTX *context = scrypt_context();
    bool made = context && EVP_KDF_derive(context, out, len, params) == 1;
    EVP_KDF_CTX_free(context);
    if (made)
        return ERR_OK;
    secret_wipe(out, len);
    return crypto_failed();
}
