/* SPDX-License-Identifier: Apache-2.0 */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include "crypto/aead.h"
#include "crypto/base64.h"
#include "crypto/des.h"
#include "crypto/error.h"
#include "crypto/kdf.h"
#include "crypto/mac.h"
#include "crypto/vault.h"
#include "support/vectors.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* FIPS 81 and SP 800-17 style vectors; the EDE vectors are NIST SP 800-67 B.1. */
static void des_blocks(void **state)
{
    (void)state;
    static const struct {
        const char *key, *plain, *cipher;
    } known[] = {
        {"0123456789ABCDEF", "4E6F772069732074", "3FA40E8A984D4815"},
        {"0101010101010101", "8000000000000000", "95F8A5E5DD31D900"},
        {"8001010101010101", "0000000000000000", "95A8D72813DAA94D"},
        {"0123456789ABCDEF23456789ABCDEF01456789ABCDEF0123", "5468652071756663", "A826FD8CE53B855F"},
        {"0123456789ABCDEF23456789ABCDEF01456789ABCDEF0123", "6B2062726F776E20", "CCE21C8112256FE6"},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        struct secret_key key = vector_key(known[i].key), block = vector_key(known[i].plain);
        struct crypto_des des;
        assert_int_equal(crypto_des_load(&key, &des), ERR_OK);
        assert_int_equal(crypto_des_encrypt(&des, block.at, block.at, 8), ERR_OK);
        vector_assert_hex(block.at, known[i].cipher);
        assert_int_equal(crypto_des_decrypt(&des, block.at, block.at, 8), ERR_OK);
        vector_assert_hex(block.at, known[i].plain);
        crypto_des_unload(&des);
    }
}

/* A reloaded context is a fresh one, in both directions. */
static void des_reload_equals_load(void **state)
{
    (void)state;
    struct secret_key a = vector_key("0123456789ABCDEFFEDCBA9876543210"), b = vector_key("13345779133457798664432086644320");
    struct secret_key shorter = vector_key("0123456789ABCDEF");
    struct crypto_des moved, fresh;
    uint8_t one[16] = {1, 2, 3}, two[16] = {1, 2, 3}, back[16];
    assert_int_equal(crypto_des_load(&a, &moved), ERR_OK);
    assert_int_equal(crypto_des_decrypt(&moved, one, back, 16), ERR_OK);
    assert_int_equal(crypto_des_reload(&moved, &b), ERR_OK);
    assert_int_equal(crypto_des_load(&b, &fresh), ERR_OK);
    assert_int_equal(crypto_des_encrypt(&moved, one, one, 16), ERR_OK);
    assert_int_equal(crypto_des_encrypt(&fresh, two, two, 16), ERR_OK);
    assert_memory_equal(one, two, 16);
    assert_int_equal(crypto_des_decrypt(&moved, one, back, 16), ERR_OK);
    assert_int_equal(back[2], 3);
    assert_int_equal(crypto_des_reload(&moved, &shorter), CRYPTO_ERR_KEY_LENGTH_ALGORITHM);
    shorter.len = 7;
    struct crypto_des none = {0};
    assert_int_equal(crypto_des_load(&shorter, &none), CRYPTO_ERR_KEY_LENGTH_ALGORITHM);
    assert_null(none.encrypt);
    crypto_des_unload(&moved);
    crypto_des_unload(&fresh);
}

/* FIPS 81, CBC example. */
static void des_cbc(void **state)
{
    (void)state;
    struct secret_key key = vector_key("0123456789ABCDEF"), iv = vector_key("1234567890ABCDEF");
    struct crypto_des des;
    uint8_t text[24];
    memcpy(text, "Now is the time for all ", 24);
    assert_int_equal(crypto_des_load(&key, &des), ERR_OK);
    assert_int_equal(crypto_des_cbc_encrypt(&des, iv.at, text, text, 24), ERR_OK);
    vector_assert_hex(text, "E5C7CDDE872BF27C43E934008C389C0F683788499A7C05F6");
    assert_int_equal(crypto_des_cbc_decrypt(&des, iv.at, text, text, 24), ERR_OK);
    assert_memory_equal(text, "Now is the time for all ", 24);
    crypto_des_unload(&des);
}

/* ISO/IEC 9797-1 annex B, algorithm 3 with padding method 2: keys K, K', data "Now is the time for it" and "for all ". */
static void retail_mac(void **state)
{
    (void)state;
    struct secret_key pair = vector_key("0123456789ABCDEFFEDCBA9876543210");
    uint8_t mac[8];
    static const char it[] = "Now is the time for it", all[] = "Now is the time for all ";
    assert_int_equal(crypto_des_mac_retail(&pair, (const uint8_t *)all, 24, mac), ERR_OK);
    vector_assert_hex(mac, "E9086230CA3BE796");
    assert_int_equal(crypto_des_mac_retail(&pair, (const uint8_t *)it, 22, mac), ERR_OK);
    vector_assert_hex(mac, "5A692CE64F404145");
}

static void digests(void **state)
{
    (void)state;
    uint8_t out[32];
    assert_int_equal(crypto_digest_sha1(span_text("abc"), out), ERR_OK);
    vector_assert_hex(out, "A9993E364706816ABA3E25717850C26C9CD0D89D");
    assert_int_equal(crypto_digest_sha256(span_text("abc"), out), ERR_OK);
    vector_assert_hex(out, "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD");
}

/* RFC 4231 test cases 2 and 3, whole and in parts, several times over one loaded key. */
static void hmac_known(void **state)
{
    (void)state;
    struct crypto_hmac hmac;
    uint8_t out[32], fifty[50];
    static const char expected[] = "5BDCC146BF60754E6A042426089575C75A003F089D2739839DEC58B964EC3843";
    const struct span whole = span_text("what do ya want for nothing?");
    const struct span part[] = {span_text("what do ya "), span_text(""), span_text("want for nothing?")};
    assert_int_equal(crypto_hmac_load(span_text("Jefe"), &hmac), ERR_OK);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(crypto_hmac_run(&hmac, &whole, 1, out), ERR_OK);
        vector_assert_hex(out, expected);
        assert_int_equal(crypto_hmac_run(&hmac, part, 3, out), ERR_OK);
        vector_assert_hex(out, expected);
    }
    crypto_hmac_unload(&hmac);
    memset(fifty, 0xDD, sizeof fifty);
    memset(out, 0xAA, 20);
    const struct span data = span_of(fifty, sizeof fifty);
    assert_int_equal(crypto_hmac_sha256(span_of(out, 20), &data, 1, out), ERR_OK);
    vector_assert_hex(out, "773EA91E36800E46854DB8EBD09181A72959098B3EF8C122D9635514CED565FE");
}

/* RFC 5869 test case 3: no salt, no info. */
static void hkdf_known(void **state)
{
    (void)state;
    uint8_t secret[22], out[42];
    memset(secret, 0x0B, sizeof secret);
    assert_int_equal(crypto_hkdf_sha256(span_of(secret, 22), span_text(""), out, sizeof out), ERR_OK);
    vector_assert_hex(out, "8DA4E775A563C18F715F802A063C5A31B8A11F5C5EE1879EC3454E5F3C738D2D9D201395FAA4B61A96C8");
}

/* RFC 4493 example 2; SP 800-38B D.6 example for two-key TDES, 64 bits. */
static void cmac_known(void **state)
{
    (void)state;
    uint8_t out[16];
    struct secret_key aes = vector_key("2B7E151628AED2A6ABF7158809CF4F3C"), m = vector_key("6BC1BEE22E409F96E93D7E117393172A");
    assert_int_equal(crypto_cmac_run(CRYPTO_CMAC_AES, &aes, span_of(m.at, 16), out), ERR_OK);
    vector_assert_hex(out, "070A16B46B4D4144F79BDD9DD04A287C");
    struct secret_key des = vector_key("4CF15134A2850DD58A3D10BA80570D38"), d = vector_key("6BC1BEE22E409F96");
    assert_int_equal(crypto_cmac_run(CRYPTO_CMAC_DES, &des, span_of(d.at, 8), out), ERR_OK);
    vector_assert_hex(out, "4FF2AB813C53CE83");
    des.len = 8;
    assert_int_equal(crypto_cmac_run(CRYPTO_CMAC_DES, &des, span_of(d.at, 8), out), CRYPTO_ERR_KEY_LENGTH_ALGORITHM);
}

/* RFC 4648 section 10. */
static void base64_known(void **state)
{
    (void)state;
    static const struct {
        const char *plain, *standard, *url;
    } known[] = {{"", "", ""},
                 {"f", "Zg==", "Zg"},
                 {"fo", "Zm8=", "Zm8"},
                 {"foo", "Zm9v", "Zm9v"},
                 {"foob", "Zm9vYg==", "Zm9vYg"},
                 {"fooba", "Zm9vYmE=", "Zm9vYmE"},
                 {"foobar", "Zm9vYmFy", "Zm9vYmFy"},
                 {"\xFB\xFF", "+/8=", "-_8"}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        char room[32];
        struct buf b = buf_over(room, sizeof room);
        crypto_base64_encode(span_text(known[i].plain), &b);
        assert_true(span_is(buf_span(&b), known[i].standard));
        buf_clear(&b);
        crypto_base64url_encode(span_text(known[i].plain), &b);
        assert_true(span_is(buf_span(&b), known[i].url));
        buf_clear(&b);
        assert_int_equal(crypto_base64_decode(span_text(known[i].standard), &b), ERR_OK);
        assert_true(span_is(buf_span(&b), known[i].plain));
        buf_clear(&b);
        assert_int_equal(crypto_base64url_decode(span_text(known[i].url), &b), ERR_OK);
        assert_true(span_is(buf_span(&b), known[i].plain));
    }
    static const char *const bad[] = {"Z",    "Zg",   "Zg=",    "Zg===",    "Zh==",
                                      "Zm9=", "Zm 9", "Zm9v\n", "====",     "=abc",
                                      "Z=g=", "Zm8-", "Zm9vYg", "Zg==Zg==", "\xFF\xFF\xFF\xFF"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char room[32];
        struct buf b = buf_over(room, sizeof room);
        assert_int_not_equal(crypto_base64_decode(span_text(bad[i]), &b), ERR_OK);
        assert_int_equal(b.len, 0);
    }
    char small[2];
    struct buf b = buf_over(small, sizeof small);
    assert_int_not_equal(crypto_base64_decode(span_text("Zm9v"), &b), ERR_OK);
    assert_int_not_equal(crypto_base64url_decode(span_text("Zg=="), &b), ERR_OK);
}

/* ---- vault ---- */

static const uint8_t master[CRYPTO_VAULT_MASTER] = {1, 2, 3, 4, 5, 6, 7, 8};

static void vault_round_trip_and_tampering(void **state)
{
    (void)state;
    struct env env = env_system(NULL);
    struct crypto_vault *vault = NULL, *same = NULL, *other = NULL;
    uint8_t sealed_room[128], again_room[128], plain_room[64];
    struct buf sealed = buf_over(sealed_room, sizeof sealed_room), again = buf_over(again_room, sizeof again_room);
    assert_int_equal(crypto_vault_open(master, "ledger", &vault), ERR_OK);
    assert_int_equal(crypto_vault_open(master, "ledger", &same), ERR_OK);
    assert_int_equal(crypto_vault_open(master, "gateway", &other), ERR_OK);
    struct span pan = span_text("4111111111111111"), aad = span_text("card-1");
    assert_int_equal(crypto_vault_seal(vault, &env, aad, pan, &sealed), ERR_OK);
    assert_int_equal(crypto_vault_seal(vault, &env, aad, pan, &again), ERR_OK);
    assert_int_equal(sealed.len, 16 + CRYPTO_VAULT_OVERHEAD);
    assert_memory_not_equal(sealed.at, again.at, sealed.len);
    for (int round = 0; round < 2; round++) {
        struct buf plain = buf_over(plain_room, sizeof plain_room);
        assert_int_equal(crypto_vault_unseal(same, aad, buf_span(&sealed), &plain), ERR_OK);
        assert_true(span_equal(buf_span(&plain), pan));
    }
    struct buf plain = buf_over(plain_room, sizeof plain_room);
    assert_int_equal(crypto_vault_unseal(vault, span_text("card-2"), buf_span(&sealed), &plain), ERR_PARSE_VALUE);
    assert_int_equal(crypto_vault_unseal(other, aad, buf_span(&sealed), &plain), ERR_PARSE_VALUE);
    for (size_t i = 0; i < sealed.len; i++) {
        sealed.at[i] ^= 1;
        assert_int_equal(crypto_vault_unseal(vault, aad, buf_span(&sealed), &plain), ERR_PARSE_VALUE);
        assert_int_equal(plain.len, 0);
        sealed.at[i] ^= 1;
    }
    for (size_t len = 0; len < sealed.len; len++)
        assert_int_equal(crypto_vault_unseal(vault, aad, span_of(sealed.at, len), &plain), ERR_PARSE_VALUE);
    uint8_t a[32], b[32];
    assert_int_equal(crypto_vault_pan_mac(vault, pan, a), ERR_OK);
    assert_int_equal(crypto_vault_pan_mac(same, pan, b), ERR_OK);
    assert_memory_equal(a, b, 32);
    assert_int_equal(crypto_vault_pan_mac(other, pan, b), ERR_OK);
    assert_memory_not_equal(a, b, 32);
    crypto_vault_close(vault);
    crypto_vault_close(same);
    crypto_vault_close(other);
}

static void write_key(const char *path, const char *text, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

static void vault_key_file(void **state)
{
    (void)state;
    static const char good[] = "000102030405060708090A0B0C0D0E0F101112131415161718191a1b1c1d1e1f\n";
    char path[] = "/tmp/countersign-vault-XXXXXX";
    struct crypto_vault *vault = NULL;
    close(mkstemp(path));
    write_key(path, good, 0600);
    assert_int_equal(crypto_vault_open_file(path, "ledger", &vault), ERR_OK);
    crypto_vault_close(vault);
    write_key(path, good, 0640);
    assert_int_equal(crypto_vault_open_file(path, "ledger", &vault), ERR_CONFIG);
    write_key(path, good + 1, 0600);
    assert_int_equal(crypto_vault_open_file(path, "ledger", &vault), ERR_CONFIG);
    write_key(path, "0g0102030405060708090A0B0C0D0E0F101112131415161718191a1b1c1d1e1f\n", 0600);
    assert_int_equal(crypto_vault_open_file(path, "ledger", &vault), ERR_CONFIG);
    write_key(path, "000102030405060708090A0B0C0D0E0F101112131415161718191a1b1c1d1e1f\n\n", 0600);
    assert_int_equal(crypto_vault_open_file(path, "ledger", &vault), ERR_CONFIG);
    unlink(path);
    assert_int_equal(crypto_vault_open_file(path, "ledger", &vault), ERR_CONFIG);
}

/* ---- aead, scrypt ---- */

/* McGrew and Viega, "The Galois/Counter Mode of Operation", test cases 14 and 16. */
static void gcm_known(void **state)
{
    (void)state;
    static const struct {
        const char *key, *aad, *plain, *sealed;
    } known[] = {
        {"0000000000000000000000000000000000000000000000000000000000000000", "", "00000000000000000000000000000000",
         "000000000000000000000000CEA7403D4D606B6E074EC5D3BAF39D18D0D1C8A799996BF0265B98B5D48AB919"},
        {"FEFFE9928665731C6D6A8F9467308308FEFFE9928665731C6D6A8F9467308308", "FEEDFACEDEADBEEFFEEDFACEDEADBEEFABADDAD2",
         "D9313225F88406E5A55909C5AFF5269A86A7A9531534F7DA2E4C303D8A318A72"
         "1C3C0C95956809532FCF0E2449A6B525B16AEDF5AA0DE657BA637B39",
         "CAFEBABEFACEDBADDECAF888522DC1F099567D07F47F37A32A84427D643A8CDCBFE5C0C97598A2BD2555D1AA8CB08E48590DBB3DA7B08B1056828838"
         "C5F61E6393BA7A0ABCC9F66276FC6ECE0F4E1768CDDF8853BB2D551B"},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        struct secret_key key = vector_key(known[i].key);
        uint8_t aad[32], sealed[128], room[64];
        struct buf plain = buf_over(room, sizeof room);
        struct crypto_aead aead = {0};
        assert_int_equal(span_unhex(span_text(known[i].aad), aad, sizeof aad), ERR_OK);
        assert_int_equal(span_unhex(span_text(known[i].sealed), sealed, sizeof sealed), ERR_OK);
        struct span in = span_of(sealed, strlen(known[i].sealed) / 2);
        assert_int_equal(crypto_aead_load(key.at, &aead), ERR_OK);
        assert_int_equal(crypto_aead_unseal(&aead, span_of(aad, strlen(known[i].aad) / 2), in, &plain), ERR_OK);
        vector_assert_hex(plain.at, known[i].plain);
        sealed[in.len - 1] ^= 1;
        buf_clear(&plain);
        assert_int_equal(crypto_aead_unseal(&aead, span_of(aad, strlen(known[i].aad) / 2), in, &plain), ERR_PARSE_VALUE);
        crypto_aead_unload(&aead);
    }
}

/* RFC 7914 section 12; the cost is log2 of N. */
static void scrypt_known(void **state)
{
    (void)state;
    static const struct {
        const char *passphrase, *salt;
        struct crypto_kdf_cost cost;
        const char *key;
    } known[] = {
        {"",
         "",
         {4, 1, 1},
         "77D6576238657B203B19CA42C18A0497F16B4844E3074AE8DFDFFA3FEDE21442"
         "FCD0069DED0948F8326A753A0FC81F17E8D3E0FB2E0D3628CF35E20C38D18906"},
        {"password",
         "NaCl",
         {10, 8, 16},
         "FDBABE1C9D3472007856E7190D01E9FE7C6AD7CBC8237830E77376634B373162"
         "2EAF30D92E22A3886FF109279D9830DAC727AFB94A83EE6D8360CBDFA2CC0640"},
        {"pleaseletmein",
         "SodiumChloride",
         {14, 8, 1},
         "7023BDCB3AFD7348461C06CD81FD38EBFDA8FBBA904F8E3EA9B543F6545DA1F2"
         "D5432955613F0FCF62D49705242A9AF9E61E85DC0D651E40DFCF017B45575887"},
    };
    uint8_t key[64];
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        struct span words = span_text(known[i].passphrase), salt = span_text(known[i].salt);
        assert_int_equal(crypto_kdf_scrypt(words, salt, known[i].cost, key, sizeof key), ERR_OK);
        vector_assert_hex(key, known[i].key);
    }
    static const struct crypto_kdf_cost refused[] = {{3, 8, 1},  {21, 8, 1},  {14, 0, 1}, {14, 33, 1},
                                                     {14, 8, 0}, {14, 8, 17}, {20, 9, 1}};
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        assert_int_equal(crypto_kdf_scrypt(span_text("a"), span_text("b"), refused[i], key, sizeof key), ERR_PARSE_VALUE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(des_blocks),     cmocka_unit_test(des_reload_equals_load),
        cmocka_unit_test(des_cbc),        cmocka_unit_test(retail_mac),
        cmocka_unit_test(digests),        cmocka_unit_test(hmac_known),
        cmocka_unit_test(hkdf_known),     cmocka_unit_test(cmac_known),
        cmocka_unit_test(base64_known),   cmocka_unit_test(vault_round_trip_and_tampering),
        cmocka_unit_test(vault_key_file), cmocka_unit_test(gcm_known),
        cmocka_unit_test(scrypt_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
