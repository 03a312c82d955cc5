/* SPDX-License-Identifier: Apache-2.0 */
/* Check values, decimalisation, and keys under the test LMK, step by step (host-commands.md 3). */
#include "keys/keys.h"
#include "crypto/aes.h"
#include "crypto/des.h"
#include "cvv/cvv.h"
#include "tool/calc/calc.h"

#include <stdio.h>
#include <string.h>

enum { PAIR = 16, PARTS = 3, TEXT = 64 };

/* ---- check values ---- */

static void kcv_result(struct tool_calc *c, const uint8_t value[static CRYPTO_DES_BLOCK])
{
    char hex[2 * CRYPTO_DES_BLOCK];
    struct buf text = buf_over(hex, sizeof hex);
    buf_put_hex(&text, value, CRYPTO_DES_BLOCK);
    tool_calc_text(c, "3", "long form", "16H", buf_span(&text));
    tool_calc_text(c, "4", "KCV", "the leftmost 6H", span_of(hex, 6));
    tool_calc_result(c, span_of(hex, 6));
}

static void aes_step(struct tool_calc *c, const char *number, const char *name, const char *how,
                     uint8_t block[static CRYPTO_AES_BLOCK])
{
    static const uint8_t iv[CRYPTO_AES_BLOCK];
    if (c->err == ERR_OK)
        c->err = crypto_aes_cbc_encrypt(&c->key, iv, block, block, CRYPTO_AES_BLOCK);
    tool_calc_hex(c, number, name, how, span_of(block, CRYPTO_AES_BLOCK));
}

static void run_kcv_aes(struct tool_calc *c)
{
    enum { POLYNOMIAL = 0x87 };
    uint8_t mac[CRYPTO_AES_BLOCK] = {0}, real[CRYPTO_DES_BLOCK] = {0};
    static const uint8_t zeros[CRYPTO_AES_BLOCK];
    tool_calc_hex(c, "1", "zeros", "16 zero bytes", span_of(zeros, sizeof zeros));
    aes_step(c, "2.1", "L", "AES-encrypt the zeros", mac);
    unsigned over = mac[0] >> 7;
    for (size_t i = 0; i < sizeof mac; i++)
        mac[i] = (uint8_t)(mac[i] << 1 | (i + 1 < sizeof mac ? mac[i + 1] >> 7 : 0));
    mac[sizeof mac - 1] ^= (uint8_t)(over * POLYNOMIAL);
    tool_calc_hex(c, "2.2", "K1", "L shifted left by a bit, xor 87 if one fell out: SP 800-38B", span_of(mac, sizeof mac));
    aes_step(c, "2.3", "CMAC", "AES-encrypt(zeros xor K1)", mac);
    tool_calc_agree(c, keys_kcv_aes(&c->key, real), mac, real, sizeof real);
    kcv_result(c, mac);
}

static void run_kcv_tdes(struct tool_calc *c)
{
    uint8_t block[CRYPTO_DES_BLOCK] = {0}, real[CRYPTO_DES_BLOCK] = {0};
    const struct tool_calc_des first = {c->key.at, false}, second = {c->key.at + CRYPTO_DES_BLOCK, true};
    const struct tool_calc_des third = {c->key.at + (c->key.len == 24 ? PAIR : 0), false};
    tool_calc_hex(c, "1", "zeros", "8 zero bytes", span_of(block, sizeof block));
    tool_calc_des(c, "2.1", "", "DES-encrypt with the first part", first, block);
    if (c->key.len > CRYPTO_DES_BLOCK) {
        tool_calc_des(c, "2.2", "", "DES-decrypt with the second part", second, block);
        tool_calc_des(c, "2.3", "", c->key.len == 24 ? "DES-encrypt with the third part" : "DES-encrypt with the first part", third,
                      block);
    }
    tool_calc_agree(c, keys_kcv(&c->key, real), block, real, sizeof real);
    kcv_result(c, block);
}

static void run_kcv(struct tool_calc *c)
{
    if (span_is(WIRE_SPAN(c->in.algorithm), "A"))
        run_kcv_aes(c);
    else
        run_kcv_tdes(c);
}

/* ---- decimalisation ---- */

static void run_decimalise(struct tool_calc *c)
{
    uint8_t block[20] = {0};
    char digits[2 * sizeof block];
    SECRET_CODE real = {0};
    struct span hex = WIRE_SPAN(c->in.block);
    if (span_unhex(hex, block, sizeof block) != ERR_OK)
        c->err = ERR_PARSE_VALUE;
    tool_calc_hex(c, "3", "Y", "the block", span_of(block, hex.len / 2));
    tool_calc_decimalise(c, "4", span_of(block, hex.len / 2), digits);
    cvv_decimalise(block, 2 * (hex.len / 2), sizeof real.at, &real);
    tool_calc_agree(c, ERR_OK, digits, real.at, sizeof real.at);
    tool_calc_result(c, span_of(digits, sizeof real.at));
    secret_wipe(digits, sizeof digits);
}

/* ---- keys under the test LMK ---- */

struct wrapping {
    uint8_t pair[PAIR]; /* with the variant of the key type */
    uint8_t variant[PARTS];
    struct keys_type_place place;
};

/* Xor of byte 8 of the pair for each part (host-commands.md 3). */
static void scheme_variants(char scheme, uint8_t out[static PARTS])
{
    static const uint8_t u[PARTS] = {0xA6, 0x5A, 0}, t[PARTS] = {0x6A, 0xDE, 0x2B};
    memset(out, 0, PARTS);
    if (scheme == 'U' || scheme == 'T')
        memcpy(out, scheme == 'U' ? u : t, PARTS);
}

static void wrapping_steps(struct tool_calc *c, char scheme, struct wrapping *w)
{
    static const uint8_t variant[] = {0x00, 0xA6, 0x5A, 0x6A, 0xDE, 0x2B, 0x50, 0x74, 0x9C, 0xFA};
    char name[16];
    if (c->err == ERR_OK)
        c->err = keys_type_place(WIRE_SPAN(c->in.type), &w->place);
    if (c->err != ERR_OK)
        return;
    (void)snprintf(name, sizeof name, "%02u-%02u", 2u * w->place.pair, 2u * w->place.pair + 1);
    tool_calc_text(c, "1.1", "LMK pair", "of the key type", span_text(name));
    keys_lmk_test_pair(w->place.pair, w->pair);
    tool_calc_hex(c, "1.2", "", "its value in the public test LMK", span_of(w->pair, PAIR));
    w->pair[0] ^= variant[w->place.variant % sizeof variant];
    tool_calc_hex(c, "1.3", "", "byte 0 xor the variant of the key type", span_of(w->pair, PAIR));
    scheme_variants(scheme, w->variant);
}

/* Each part under its own variant of the pair. */
static void part_steps(struct tool_calc *c, const struct wrapping *w, bool unwrap, uint8_t *at, size_t len)
{
    static const char *const key_number[PARTS] = {"2.1", "3.1", "4.1"};
    static const char *const number[PARTS] = {"2.2", "3.2", "4.2"};
    static const char *const name[PARTS] = {"part 1", "part 2", "part 3"};
    for (size_t i = 0; i < len / CRYPTO_DES_BLOCK; i++) {
        uint8_t key[PAIR];
        memcpy(key, w->pair, PAIR);
        key[CRYPTO_DES_BLOCK] ^= w->variant[i];
        tool_calc_hex(c, key_number[i], "", "byte 8 xor the variant of the scheme for this part", span_of(key, PAIR));
        tool_calc_ede(c, number[i], name[i], key, unwrap, at + CRYPTO_DES_BLOCK * i);
        secret_wipe(key, sizeof key);
    }
}

static enum err test_set(struct keys_lmk_set **out)
{
    struct keys_lmk_set *set = NULL;
    TRY(keys_lmk_set_create(&set));
    enum err err = keys_lmk_add_test_variant(set, 0);
    if (err == ERR_OK)
        *out = set;
    else
        keys_lmk_set_destroy(set);
    return err;
}

static void run_wrap(struct tool_calc *c)
{
    struct wrapping w = {0};
    struct keys_lmk_set *set = NULL;
    uint8_t at[24] = {0};
    char text[TEXT] = "", real[TEXT] = "";
    struct buf out = buf_over(text, sizeof text), product = buf_over(real, sizeof real);
    char tag = c->in.scheme.present ? (char)c->in.scheme.at[0] : '0';
    memcpy(at, c->key.at, sizeof at);
    wrapping_steps(c, tag, &w);
    part_steps(c, &w, false, at, c->key.len);
    if (tag != '0' && tag != 'Z')
        buf_put_byte(&out, (uint8_t)tag);
    buf_put_hex(&out, at, c->key.len);
    tool_calc_text(c, "5", "key under the LMK", "the tag of the scheme, the parts", buf_span(&out));
    if (c->err == ERR_OK)
        c->err = test_set(&set);
    if (c->err == ERR_OK)
        tool_calc_agree(c, keys_wrap(set, 0, w.place, tag == '0' ? KEYS_NONE : (enum keys_scheme)tag, &c->key, &product), text,
                        real, sizeof real);
    keys_lmk_set_destroy(set);
    tool_calc_result(c, buf_span(&out));
    secret_wipe(at, sizeof at);
}

static void run_unwrap(struct tool_calc *c)
{
    struct wrapping w = {0};
    struct keys_lmk_set *set = NULL;
    enum keys_scheme scheme = KEYS_NONE;
    struct span digits = {0};
    SECRET_KEY key = {0}, real = {0};
    char hex[2 * sizeof key.at];
    struct buf out = buf_over(hex, sizeof hex);
    c->err = keys_scheme_read(WIRE_SPAN(c->in.text), &scheme, &digits);
    if (c->err == ERR_OK)
        c->err = span_unhex(digits, key.at, sizeof key.at);
    key.len = (uint8_t)(digits.len / 2);
    wrapping_steps(c, (char)scheme, &w);
    part_steps(c, &w, true, key.at, key.len);
    buf_put_hex(&out, key.at, key.len);
    tool_calc_text(c, "5", "clear key", keys_parity_odd(&key) ? "odd parity" : "NOT of odd parity: an HSM answers 10",
                   buf_span(&out));
    if (c->err == ERR_OK)
        c->err = test_set(&set);
    if (c->err == ERR_OK)
        tool_calc_agree(c, keys_unwrap(set, 0, w.place, WIRE_SPAN(c->in.text), &real), &key, &real, sizeof real);
    keys_lmk_set_destroy(set);
    tool_calc_result(c, buf_span(&out));
    secret_wipe(hex, sizeof hex);
}

/* ---- the table ---- */

/* clang-format off */
#define IN(member_) WIRE_AT(struct tool_calc_in, member_)
#define TYPE_ROW                                                                                                                  \
    {.name = "type", .doc = "key type code: 402 CVK, 109 MK-AC, 709 MK-CVC3", .kind = WIRE_H, .min = 3, .max = 3, IN(type)}
static const struct wire_field kcv_fields[] = {
    {.name = "algorithm", .doc = "T: TDES, A: AES (default T)", .kind = WIRE_ENUM, .choices = "T|A", .min = 1, .max = 1,
     .flags = WIRE_OPTIONAL, IN(algorithm)},
};
static const struct wire_field decimalise_fields[] = {
    {.name = "block", .doc = "8 to 20 bytes", .kind = WIRE_H, .min = 16, .max = 40, IN(block)},
};
static const struct wire_field wrap_fields[] = {
    TYPE_ROW,
    {.name = "scheme", .doc = "U, T, X, Y, Z; 0: none (default 0)", .kind = WIRE_ENUM, .choices = "0|U|T|X|Y|Z", .min = 1, .max = 1,
     .flags = WIRE_OPTIONAL, IN(scheme)},
};
static const struct wire_field unwrap_fields[] = {
    TYPE_ROW,
    {.name = "text", .doc = "key under the variant test LMK, with its tag", .kind = WIRE_AN, .min = 16, .max = 49, IN(text)},
};
#define RECORD(name_) static const struct wire_record name_##_record = WIRE_RECORD(#name_, struct tool_calc_in, name_##_fields)
RECORD(kcv);
RECORD(decimalise);
RECORD(wrap);
RECORD(unwrap);

const struct tool_calc_algorithm tool_calc_keys[] = {
    {"kcv", "check value of a key", "host-commands 3", &kcv_record, "any key", run_kcv},
    {"decimalise", "both passes over a block", "3.4", &decimalise_record, NULL, run_decimalise},
    {"wrap", "a clear key under the public variant test LMK", "host-commands 3", &wrap_record, "the clear key", run_wrap},
    {"unwrap", "a key under the public variant test LMK, clear", "host-commands 3", &unwrap_record, NULL, run_unwrap},
    {0},
};
/* clang-format on */
