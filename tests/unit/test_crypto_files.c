/* SPDX-License-Identifier: Apache-2.0 */
/* What files rest on: a JWE to an RSA key, and a digest that is looked at under way. */
#include "crypto/digest.h"
#include "crypto/jwe_rsa.h"

#include "crypto/aead.h"
#include "crypto/jose.h"
#include "support/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A key of each kind, made by the openssl command. */
static struct span openssl_public(const char *options)
{
    static char room[8192];
    char command[512];
    (void)snprintf(command, sizeof command, "openssl genpkey %s 2>/dev/null | openssl pkey -pubout 2>/dev/null", options);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    size_t len = fread(room, 1, sizeof room, pipe);
    assert_int_equal(pclose(pipe), 0);
    return span_of(room, len);
}

static void only_rsa_keys_of_a_fit_size_are_taken(void **state)
{
    (void)state;
    static const struct {
        const char *options;
        enum err err;
    } keys[] = {
        {"-algorithm RSA -pkeyopt rsa_keygen_bits:2048", ERR_OK},
        {"-algorithm RSA -pkeyopt rsa_keygen_bits:3072", ERR_OK},
        {"-algorithm RSA -pkeyopt rsa_keygen_bits:1024", ERR_PARSE_VALUE},
        {"-algorithm EC -pkeyopt ec_paramgen_curve:P-256", ERR_PARSE_VALUE},
    };
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        struct crypto_jwe_recipient to = {0};
        assert_int_equal(crypto_jwe_recipient_import(openssl_public(keys[i].options), &to), keys[i].err);
        assert_int_equal(strlen(to.kid), keys[i].err == ERR_OK ? CRYPTO_JWE_KID_TEXT : 0);
        crypto_jwe_recipient_free(&to);
    }
    struct crypto_jwe_recipient to = {0};
    assert_int_equal(crypto_jwe_recipient_import(span_text("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"), &to),
                     ERR_PARSE_VALUE);
    assert_int_equal(crypto_jwe_recipient_import(span_text(""), &to), ERR_PARSE_VALUE);
}

static void a_message_has_five_parts_and_its_number(void **state)
{
    (void)state;
    static uint8_t scratch[CRYPTO_AEAD_PLAIN_MAX + 64], text[4 * (CRYPTO_AEAD_PLAIN_MAX + 2048) / 3];
    struct env env = rng_env(5);
    struct crypto_jwe_recipient to = {0};
    assert_int_equal(crypto_jwe_recipient_import(openssl_public("-algorithm RSA -pkeyopt rsa_keygen_bits:4096"), &to), ERR_OK);
    struct buf room = buf_over(scratch, sizeof scratch), out = buf_over(text, sizeof text);
    const struct crypto_jwe_message message = {17, span_text("{\"id\":\"A\"}\n"), &env, &room};
    assert_int_equal(crypto_jwe_recipient_encrypt(&to, &message, &out), ERR_OK);
    assert_true(out.len <= crypto_jwe_recipient_text_max(message.plain.len));
    struct span part[5];
    assert_int_equal(crypto_jose_split(buf_span(&out), part, 5), ERR_OK);
    assert_int_equal(part[1].len, (CRYPTO_JWE_RSA_BYTES_MAX * 4 + 2) / 3);
    assert_int_equal(part[2].len, 16);
    assert_int_equal(part[4].len, 22);
    struct buf small = buf_over(text, 600);
    assert_int_not_equal(crypto_jwe_recipient_encrypt(&to, &message, &small), ERR_OK);
    struct buf again = buf_over(text, sizeof text);
    const struct crypto_jwe_message large = {1, span_of(scratch, CRYPTO_AEAD_PLAIN_MAX + 1), &env, &room};
    assert_int_equal(crypto_jwe_recipient_encrypt(&to, &large, &again), ERR_PARSE_LONG);
    crypto_jwe_recipient_free(&to);
}

/* RFC 4231, case 2: key "Jefe". */
static void a_digest_so_far_is_that_of_what_was_added(void **state)
{
    (void)state;
    static const char expected[] = "5BDCC146BF60754E6A042426089575C75A003F089D2739839DEC58B964EC3843";
    struct crypto_digest_stream stream = {0};
    uint8_t mac[CRYPTO_DIGEST_SHA256], known[CRYPTO_DIGEST_SHA256];
    assert_int_equal(span_unhex(span_text(expected), known, sizeof known), ERR_OK);
    assert_int_equal(crypto_digest_stream_begin(span_text("Jefe"), &stream), ERR_OK);
    assert_int_equal(crypto_digest_stream_add(&stream, span_text("what do ya ")), ERR_OK);
    assert_int_equal(crypto_digest_stream_peek(&stream, mac), ERR_OK);
    assert_memory_not_equal(mac, known, sizeof known);
    assert_int_equal(crypto_digest_stream_add(&stream, span_text("want for nothing?")), ERR_OK);
    assert_int_equal(crypto_digest_stream_add(&stream, span_text("")), ERR_OK);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(crypto_digest_stream_peek(&stream, mac), ERR_OK);
        assert_memory_equal(mac, known, sizeof known);
    }
    crypto_digest_stream_end(&stream);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_rsa_keys_of_a_fit_size_are_taken),
        cmocka_unit_test(a_message_has_five_parts_and_its_number),
        cmocka_unit_test(a_digest_so_far_is_that_of_what_was_added),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
