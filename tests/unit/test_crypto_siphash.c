/* SPDX-License-Identifier: Apache-2.0 */
/* The paper's own vectors, and every short length against OpenSSL's SipHash. */
#include "crypto/siphash.h"

#include <openssl/evp.h>
#include <openssl/params.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { LEN_MAX = 130 };

static struct crypto_siphash_key counting_key(void)
{
    struct crypto_siphash_key key;
    for (size_t i = 0; i < sizeof key.at; i++)
        key.at[i] = (uint8_t)i;
    return key;
}

/* Key and message are 00 01 02 ... (appendix A, and vectors.h of the reference implementation). */
static void published_values(void **state)
{
    static const struct {
        size_t len;
        uint64_t hash;
    } vectors[] = {
        {0, UINT64_C(0x726fdb47dd0e0e31)},
        {1, UINT64_C(0x74f839c593dc67fd)},
        {15, UINT64_C(0xa129ca6149be45e5)},
    };
    (void)state;
    const struct crypto_siphash_key key = counting_key();
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++)
        assert_true(crypto_siphash(&key, span_of(key.at, vectors[i].len)) == vectors[i].hash);
}

static uint64_t openssl_siphash(const struct crypto_siphash_key *key, const uint8_t *at, size_t len)
{
    size_t size = 8;
    uint8_t out[8];
    OSSL_PARAM params[] = {OSSL_PARAM_construct_size_t("size", &size), OSSL_PARAM_construct_end()};
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "SIPHASH", NULL);
    EVP_MAC_CTX *context = EVP_MAC_CTX_new(mac);
    assert_int_equal(EVP_MAC_init(context, key->at, sizeof key->at, params), 1);
    assert_int_equal(EVP_MAC_update(context, at, len), 1);
    assert_int_equal(EVP_MAC_final(context, out, &size, sizeof out), 1);
    EVP_MAC_CTX_free(context);
    EVP_MAC_free(mac);
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++)
        value |= (uint64_t)out[i] << (8 * i);
    return value;
}

static void every_length_as_openssl(void **state)
{
    uint8_t message[LEN_MAX];
    (void)state;
    struct crypto_siphash_key key = counting_key();
    for (size_t len = 0; len < LEN_MAX; len++) {
        message[len] = (uint8_t)(len * 151 + 7);
        key.at[len % sizeof key.at] ^= (uint8_t)(len * 29);
        assert_true(crypto_siphash(&key, span_of(message, len)) == openssl_siphash(&key, message, len));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_values),
        cmocka_unit_test(every_length_as_openssl),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
