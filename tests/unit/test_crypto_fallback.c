/* SPDX-License-Identifier: Apache-2.0 */
/* Single DES on a machine without OpenSSL's legacy provider. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include "cvv/cvv.h"
#include "support/vectors.h"

#include <openssl/provider.h>
#include <stdlib.h>

static void single_des_without_the_legacy_provider(void **state)
{
    (void)state;
    struct secret_key key = vector_key("0123456789ABCDEF"), other = vector_key("8001010101010101");
    uint8_t block[8] = {0x4E, 0x6F, 0x77, 0x20, 0x69, 0x73, 0x20, 0x74}, zero[8] = {0};
    struct crypto_des des;
    assert_int_equal(crypto_des_load(&key, &des), ERR_OK);
    assert_int_equal(OSSL_PROVIDER_available(NULL, "legacy"), 0);
    assert_int_equal(crypto_des_encrypt(&des, block, block, 8), ERR_OK);
    vector_assert_hex(block, "3FA40E8A984D4815"); /* FIPS 81 */
    assert_int_equal(crypto_des_decrypt(&des, block, block, 8), ERR_OK);
    vector_assert_hex(block, "4E6F772069732074");
    assert_int_equal(crypto_des_reload(&des, &other), ERR_OK);
    assert_int_equal(crypto_des_encrypt(&des, zero, zero, 8), ERR_OK);
    vector_assert_hex(zero, "95A8D72813DAA94D"); /* SP 800-17, variable key */
    crypto_des_unload(&des);
}

static void codes_without_the_legacy_provider(void **state)
{
    (void)state;
    struct secret_key cvk = vector_key("0123456789ABCDEFFEDCBA9876543210"), mk = vector_key("4F2A25C49119019194F2D0AE43F4D579");
    struct cvv_key key;
    struct cvv_master master;
    struct code_digits code;
    struct card_pan pan = vector_pan("4123456789012345");
    const struct cvv_dynamic d = {pan, CVV_METHOD_A, "00", "2812", "998", "0001"};
    assert_int_equal(cvv_key_load(&cvk, &key), ERR_OK);
    assert_int_equal(cvv_generate(&key, &pan, "8701", "101", 3, &code), ERR_OK);
    vector_assert_text(span_of(code.at, code.len), "561"); /* cvv-01 */
    assert_int_equal(cvv_master_load(&mk, &master), ERR_OK);
    assert_int_equal(cvv_dynamic_generate(&master, &d, &code), ERR_OK);
    vector_assert_text(span_of(code.at, code.len), "104"); /* otc-1 */
    cvv_key_unload(&key);
    cvv_master_unload(&master);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(single_des_without_the_legacy_provider),
        cmocka_unit_test(codes_without_the_legacy_provider),
    };
    /* Read by the library when it looks for the module, so before its first use. */
    if (setenv("OPENSSL_MODULES", "/nonexistent", 1) != 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
