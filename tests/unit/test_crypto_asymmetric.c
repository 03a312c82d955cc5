/* SPDX-License-Identifier: Apache-2.0 */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include "crypto/base64.h"
#include "crypto/jose.h"
#include "crypto/jwe.h"
#include "crypto/rsa.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct crypto_rsa_key rsa;

static int make_rsa(void **state)
{
    (void)state;
    return crypto_rsa_generate(&rsa) != ERR_OK;
}

static int free_rsa(void **state)
{
    (void)state;
    crypto_rsa_free(&rsa);
    return 0;
}

static void keys_travel(void **state)
{
    (void)state;
    char text[512], der[CRYPTO_RSA_DER_MAX], cipher[CRYPTO_RSA_BYTES], plain[CRYPTO_RSA_BYTES];
    struct buf t = buf_over(text, sizeof text), d = buf_over(der, sizeof der), c = buf_over(cipher, sizeof cipher);
    struct buf p = buf_over(plain, sizeof plain);
    struct crypto_rsa_key public = {0}, private = {0};
    assert_int_equal(crypto_rsa_public_text(&rsa, &t), ERR_OK);
    assert_int_equal(t.len, CRYPTO_RSA_SPKI_TEXT);
    assert_int_equal(crypto_rsa_import_public(buf_span(&t), &public), ERR_OK);
    assert_int_equal(crypto_rsa_private_der(&rsa, &d), ERR_OK);
    assert_int_equal(crypto_rsa_import_private(buf_span(&d), &private), ERR_OK);
    assert_int_equal(crypto_rsa_oaep_encrypt(&public, span_text("411111111111111112302812"), &c), ERR_OK);
    assert_int_equal(crypto_rsa_oaep_decrypt(&private, buf_span(&c), &p), ERR_OK);
    assert_true(span_is(buf_span(&p), "411111111111111112302812"));
    crypto_rsa_free(&public);
    crypto_rsa_free(&private);
    assert_int_equal(crypto_rsa_import_public(span_text("=notbase64"), &public), ERR_PARSE_VALUE);
    assert_int_equal(crypto_rsa_import_public(span_of(t.at, t.len - 4), &public), ERR_PARSE_VALUE);
    assert_int_equal(crypto_rsa_import_private(span_of(d.at, d.len / 2), &private), ERR_PARSE_VALUE);
    assert_null(public.key);
    assert_null(private.key);
}

static void plaintexts_of_every_length(void **state)
{
    (void)state;
    char text[CRYPTO_RSA_PLAIN_MAX + 1], cipher[CRYPTO_RSA_BYTES], plain[CRYPTO_RSA_BYTES];
    memset(text, 'x', sizeof text);
    static const size_t lengths[] = {0, 1, 16, 189, 190};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        struct buf c = buf_over(cipher, sizeof cipher), p = buf_over(plain, sizeof plain);
        assert_int_equal(crypto_rsa_oaep_encrypt(&rsa, span_of(text, lengths[i]), &c), ERR_OK);
        assert_int_equal(crypto_rsa_oaep_decrypt(&rsa, buf_span(&c), &p), ERR_OK);
        assert_true(span_equal(buf_span(&p), span_of(text, lengths[i])));
    }
    struct buf c = buf_over(cipher, sizeof cipher);
    assert_int_equal(crypto_rsa_oaep_encrypt(&rsa, span_of(text, CRYPTO_RSA_PLAIN_MAX + 1), &c), ERR_PARSE_LONG);
}

/* Changed bytes, wrong lengths and other paddings all fail the same way and leave nothing behind. */
static void one_failure_for_all(void **state)
{
    (void)state;
    uint8_t cipher[CRYPTO_RSA_BYTES + 1] = {0}, plain[CRYPTO_RSA_BYTES];
    struct buf c = buf_over(cipher, CRYPTO_RSA_BYTES), p = buf_over(plain, sizeof plain);
    assert_int_equal(crypto_rsa_oaep_encrypt(&rsa, span_text("4111111111111111"), &c), ERR_OK);
    for (size_t i = 0; i < CRYPTO_RSA_BYTES; i += 51) {
        cipher[i] ^= 1;
        assert_int_equal(crypto_rsa_oaep_decrypt(&rsa, buf_span(&c), &p), ERR_PARSE_VALUE);
        cipher[i] ^= 1;
    }
    static const size_t lengths[] = {0, 1, 128, 255, 257};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++)
        assert_int_equal(crypto_rsa_oaep_decrypt(&rsa, span_of(cipher, lengths[i]), &p), ERR_PARSE_VALUE);
    memset(cipher, 0xFF, CRYPTO_RSA_BYTES);
    assert_int_equal(crypto_rsa_oaep_decrypt(&rsa, span_of(cipher, CRYPTO_RSA_BYTES), &p), ERR_PARSE_VALUE);
    assert_int_equal(p.len, 0);
}

static void put_file(const char *directory, const char *name, struct span text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *out = fopen(path, "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(text.at, 1, text.len, out), text.len);
    fclose(out);
}

static size_t get_file(const char *directory, const char *name, uint8_t *to, size_t cap)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *in = fopen(path, "rb");
    assert_non_null(in);
    size_t len = fread(to, 1, cap, in);
    fclose(in);
    return len;
}

static void openssl(const char *directory, const char *arguments)
{
    char command[1024];
    snprintf(command, sizeof command, "cd %s && openssl %s 2>err.txt", directory, arguments);
    assert_int_equal(system(command), 0);
}

/* The command line tool encrypts with our public key as a merchant's page would; SHA-1 and PKCS#1 v1.5 are not accepted. */
static void openssl_encrypts_we_decrypt(void **state)
{
    (void)state;
    char directory[] = "/tmp/countersign-rsa-XXXXXX", text[512];
    uint8_t cipher[CRYPTO_RSA_BYTES + 1], plain[CRYPTO_RSA_BYTES];
    struct buf t = buf_over(text, sizeof text), p = buf_over(plain, sizeof plain);
    assert_non_null(mkdtemp(directory));
    assert_int_equal(crypto_rsa_public_text(&rsa, &t), ERR_OK);
    put_file(directory, "spki.b64", buf_span(&t));
    put_file(directory, "plain", span_text("4111111111111111123"));
    openssl(directory, "base64 -d -A -in spki.b64 -out spki.der");
    openssl(directory, "pkeyutl -encrypt -pubin -inkey spki.der -keyform DER -in plain -out oaep -pkeyopt rsa_padding_mode:oaep "
                       "-pkeyopt rsa_oaep_md:sha256 -pkeyopt rsa_mgf1_md:sha256");
    size_t len = get_file(directory, "oaep", cipher, sizeof cipher);
    assert_int_equal(crypto_rsa_oaep_decrypt(&rsa, span_of(cipher, len), &p), ERR_OK);
    assert_true(span_is(buf_span(&p), "4111111111111111123"));
    static const char *const others[] = {
        "-pkeyopt rsa_padding_mode:oaep",
        "-pkeyopt rsa_padding_mode:pkcs1",
        "-pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256 -pkeyopt rsa_mgf1_md:sha1",
    };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        char arguments[512];
        snprintf(arguments, sizeof arguments, "pkeyutl -encrypt -pubin -inkey spki.der -keyform DER -in plain -out other %s",
                 others[i]);
        openssl(directory, arguments);
        len = get_file(directory, "other", cipher, sizeof cipher);
        buf_clear(&p);
        assert_int_equal(crypto_rsa_oaep_decrypt(&rsa, span_of(cipher, len), &p), ERR_PARSE_VALUE);
    }
    char command[64];
    snprintf(command, sizeof command, "rm -r %s", directory);
    assert_int_equal(system(command), 0);
}

/* ---- JWE ---- */

/* RFC 7518 appendix C: Z from the two keys, then the derived key. */
static void concat_kdf_of_the_standard(void **state)
{
    (void)state;
    static const uint8_t z[32] = {158, 86, 217, 29,  129, 113, 53,  211, 114, 131, 66,  131, 191, 132, 38,  156,
                                  251, 49, 110, 163, 218, 128, 106, 72,  246, 218, 167, 121, 140, 254, 144, 196};
    const struct crypto_jwe_kdf in = {span_of(z, sizeof z), span_text("A128GCM"), span_text("Alice"), span_text("Bob")};
    uint8_t key[16], text[32];
    struct buf b = buf_over(text, sizeof text);
    assert_int_equal(crypto_jwe_concat_kdf(&in, key, sizeof key), ERR_OK);
    crypto_base64url_encode(span_of(key, sizeof key), &b);
    assert_true(span_is(buf_span(&b), "VqqN6vgjbSBcIijNcacQGg"));
}

static const char *member(const cJSON *v, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(v, name);
    assert_true(cJSON_IsString(item));
    return item->valuestring;
}

/* Messages made by another implementation, one with apu and apv, one empty. */
static void messages_of_another_implementation(void **state)
{
    (void)state;
    char line[8192];
    unsigned count = 0;
    FILE *in = fopen("tests/vectors/jwe.jsonl", "r");
    assert_non_null(in);
    while (fgets(line, sizeof line, in)) {
        cJSON *v = cJSON_Parse(line);
        assert_non_null(v);
        struct crypto_jwe_public point;
        struct crypto_jwe_private own = {0};
        char plain[1024];
        struct buf p = buf_over(plain, sizeof plain);
        assert_int_equal(crypto_jwe_import_public(span_text(member(v, "x")), span_text(member(v, "y")), &point), ERR_OK);
        assert_int_equal(crypto_jwe_import_private(&point, span_text(member(v, "d")), &own), ERR_OK);
        assert_int_equal(crypto_jwe_decrypt(&own, span_text(member(v, "compact")), &p), ERR_OK);
        assert_true(span_is(buf_span(&p), member(v, "plain")));
        crypto_jwe_private_free(&own);
        cJSON_Delete(v);
        count++;
    }
    fclose(in);
    assert_int_equal(count, 3);
}

static void our_messages_and_every_changed_character(void **state)
{
    (void)state;
    struct env env = env_system(NULL);
    struct crypto_jwe_private own = {0}, other = {0};
    struct crypto_jwe_public point, other_point;
    char one_room[2048], two_room[2048], plain_room[256];
    struct buf one = buf_over(one_room, sizeof one_room), two = buf_over(two_room, sizeof two_room);
    struct buf p = buf_over(plain_room, sizeof plain_room);
    struct span text = span_text("{\"cvv2\":\"104\"}");
    assert_int_equal(crypto_jwe_generate(&own, &point), ERR_OK);
    assert_int_equal(crypto_jwe_generate(&other, &other_point), ERR_OK);
    assert_int_equal(crypto_jwe_encrypt(&point, span_text("k-1"), text, &env, &one), ERR_OK);
    assert_int_equal(crypto_jwe_encrypt(&point, span_text("k-1"), text, &env, &two), ERR_OK);
    assert_int_equal(one.len, two.len);
    assert_memory_not_equal(one.at, two.at, 250);
    assert_int_equal(crypto_jwe_decrypt(&own, buf_span(&one), &p), ERR_OK);
    assert_true(span_equal(buf_span(&p), text));
    buf_clear(&p);
    assert_int_equal(crypto_jwe_decrypt(&other, buf_span(&one), &p), ERR_PARSE_VALUE);
    for (size_t i = 0; i < one.len; i++) {
        uint8_t was = one.at[i];
        one.at[i] = was == 'A' ? 'Q' : 'A';
        assert_int_equal(crypto_jwe_decrypt(&own, buf_span(&one), &p), ERR_PARSE_VALUE);
        assert_int_equal(p.len, 0);
        one.at[i] = was;
    }
    for (size_t len = 0; len < one.len; len += 7)
        assert_int_equal(crypto_jwe_decrypt(&own, span_of(one.at, len), &p), ERR_PARSE_VALUE);
    /* Direct agreement has no encrypted key; the tag does not cover that part, so it has to be looked at (RFC 7516 5.2). */
    const uint8_t *dots = memmem(one.at, one.len, "..", 2);
    assert_non_null(dots);
    size_t head = (size_t)(dots - one.at) + 1;
    buf_clear(&two);
    buf_put(&two, one.at, head);
    buf_put_text(&two, "AAAA");
    buf_put(&two, one.at + head, one.len - head);
    assert_int_equal(crypto_jwe_decrypt(&own, buf_span(&two), &p), ERR_PARSE_VALUE);
    assert_int_equal(crypto_jwe_encrypt(&point, span_text("k\"1"), text, &env, &two), ERR_PARSE_CHARACTER);
    assert_int_equal(crypto_jwe_encrypt(&point, span_text(""), text, &env, &two), ERR_PARSE_CHARACTER);
    crypto_jwe_private_free(&own);
    crypto_jwe_private_free(&other);
}

static void points_off_the_curve(void **state)
{
    (void)state;
    struct crypto_jwe_public point, was = {{1}, {1}};
    static const char x[] = "gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0", y[] = "SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps";
    static const char zero[] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    assert_int_equal(crypto_jwe_import_public(span_text(x), span_text(y), &point), ERR_OK);
    point = was;
    assert_int_equal(crypto_jwe_import_public(span_text(y), span_text(x), &point), ERR_PARSE_VALUE);
    assert_int_equal(crypto_jwe_import_public(span_text(zero), span_text(zero), &point), ERR_PARSE_VALUE);
    assert_int_equal(crypto_jwe_import_public(span_text(x), span_text("short"), &point), ERR_PARSE_VALUE);
    assert_int_equal(crypto_jwe_import_public(span_text(x), span_of(y, 42), &point), ERR_PARSE_VALUE);
    assert_memory_equal(&point, &was, sizeof was);
}

static void headers_are_read_strictly(void **state)
{
    (void)state;
    struct span out;
    static const char good[] = " {\"a\" : \"1\", \"n\":12 ,\"t\":true,\"o\":{\"a\":\"x}\",\"l\":[1,{}]},\"e\":{}} ";
    assert_int_equal(crypto_jose_text(span_text(good), "a", &out), ERR_OK);
    assert_true(span_is(out, "1"));
    assert_int_equal(crypto_jose_object(span_text(good), "o", &out), ERR_OK);
    assert_int_equal(crypto_jose_text(out, "a", &out), ERR_OK);
    assert_true(span_is(out, "x}"));
    assert_int_equal(crypto_jose_object(span_text(good), "e", &out), ERR_OK);
    assert_int_equal(crypto_jose_text(span_text(good), "n", &out), ERR_PARSE_TYPE);
    assert_int_equal(crypto_jose_object(span_text(good), "a", &out), ERR_PARSE_TYPE);
    assert_int_equal(crypto_jose_text(span_text(good), "missing", &out), ERR_PARSE_MISSING);
    assert_int_equal(crypto_jose_text(span_text("{\"a\":\"1\",\"a\":\"2\"}"), "a", &out), ERR_PARSE_DUPLICATE);
    static const char *const bad[] = {"",
                                      "{",
                                      "[]",
                                      "{\"a\"}",
                                      "{\"a\":}",
                                      "{\"a\":\"1\"",
                                      "{a:1}",
                                      "{\"a\":1,}",
                                      "{\"a\":\"\\u0031\"}",
                                      "{\"a\":{}",
                                      "{\"a\":\"1\"}x",
                                      "{\"a\":\"1\n\"}"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(crypto_jose_text(span_text(bad[i]), "a", &out), ERR_PARSE_JSON);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_travel),
        cmocka_unit_test(plaintexts_of_every_length),
        cmocka_unit_test(one_failure_for_all),
        cmocka_unit_test(openssl_encrypts_we_decrypt),
        cmocka_unit_test(concat_kdf_of_the_standard),
        cmocka_unit_test(messages_of_another_implementation),
        cmocka_unit_test(our_messages_and_every_changed_character),
        cmocka_unit_test(points_off_the_curve),
        cmocka_unit_test(headers_are_read_strictly),
    };
    return cmocka_run_group_tests(tests, make_rsa, free_rsa);
}
