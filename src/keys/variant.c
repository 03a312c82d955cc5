/* SPDX-License-Identifier: Apache-2.0 */
/* The variant scheme: keys enciphered part by part under a pair whose bytes carry the key type and the part. */
#include "crypto/des.h"
#include "crypto/error.h"
#include "keys/error.h"
#include "keys/internal.h"

#include <string.h>

enum { COMPONENT = 0xFF };
static const uint8_t type_variant[] = {0x00, 0xA6, 0x5A, 0x6A, 0xDE, 0x2B, 0x50, 0x74, 0x9C, 0xFA};

/* clang-format off */
static const struct scheme_row {
    uint8_t tag;
    uint8_t key_len;     /* bytes; 0 = 8, 16 or 24 */
    uint8_t variant[3];  /* xor of byte 8 of the pair, for each part */
} schemes[] = {
    {KEYS_NONE, 0,  {0, 0, 0}},
    {KEYS_U,    16, {0xA6, 0x5A, 0}},
    {KEYS_T,    24, {0x6A, 0xDE, 0x2B}},
    {KEYS_X,    16, {0, 0, 0}},
    {KEYS_Y,    24, {0, 0, 0}},
    {KEYS_Z,    8,  {0, 0, 0}},
};
/* clang-format on */

static const struct scheme_row *scheme_find(uint8_t tag)
{
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++)
        if (schemes[i].tag == tag)
            return &schemes[i];
    return NULL;
}

static bool hexadecimal(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F') || (c >= 'a' && c <= 'f');
}

static enum err check_length(const struct scheme_row *row, size_t len)
{
    bool fits = row->key_len ? len == row->key_len : len == 8 || len == 16 || len == 24;
    return fits ? ERR_OK : CRYPTO_ERR_KEY_LENGTH;
}

enum err keys_scheme_read(struct span text, enum keys_scheme *scheme, struct span *digits)
{
    if (text.len == 0)
        return ERR_PARSE_SHORT;
    bool tagged = !hexadecimal(text.at[0]);
    const struct scheme_row *row = scheme_find(tagged ? text.at[0] : KEYS_NONE);
    if (!row || (tagged && row->tag == KEYS_NONE))
        return KEYS_ERR_SCHEME;
    struct span rest = span_slice(text, tagged, text.len - tagged);
    for (size_t i = 0; i < rest.len; i++)
        if (!hexadecimal(rest.at[i]))
            return ERR_PARSE_CHARACTER;
    if (rest.len % 2 != 0)
        return CRYPTO_ERR_KEY_LENGTH;
    TRY(check_length(row, rest.len / 2));
    *scheme = (enum keys_scheme)row->tag;
    *digits = rest;
    return ERR_OK;
}

typedef enum err (*cipher)(struct crypto_des *des, const uint8_t *in, uint8_t *out, size_t len);

/* Every part under its own variant of the wrapping key; a wrapping key without byte 8 takes no scheme variant. */
static enum err each_part(const struct secret_key *wrapping, const struct scheme_row *row, cipher run, uint8_t *at, size_t len)
{
    bool varied = row->variant[0] != 0;
    if (varied && wrapping->len < 16)
        return CRYPTO_ERR_KEY_LENGTH;
    for (size_t i = 0; i < len / CRYPTO_DES_BLOCK; i++) {
        SECRET_KEY part = *wrapping;
        struct crypto_des des = {0};
        if (varied)
            part.at[8] ^= row->variant[i];
        enum err err = crypto_des_load(&part, &des);
        if (err == ERR_OK)
            err = run(&des, at + CRYPTO_DES_BLOCK * i, at + CRYPTO_DES_BLOCK * i, CRYPTO_DES_BLOCK);
        crypto_des_unload(&des);
        TRY(err);
    }
    return ERR_OK;
}

static enum err unwrap(const struct secret_key *wrapping, struct span text, struct secret_key *out)
{
    enum keys_scheme scheme;
    struct span digits;
    SECRET_KEY key = {0};
    TRY(keys_scheme_read(text, &scheme, &digits));
    TRY(span_unhex(digits, key.at, sizeof key.at));
    key.len = (uint8_t)(digits.len / 2);
    TRY(each_part(wrapping, scheme_find((uint8_t)scheme), crypto_des_decrypt, key.at, key.len));
    *out = key;
    return ERR_OK;
}

static enum err wrap(const struct secret_key *wrapping, enum keys_scheme scheme, const struct secret_key *key, struct buf *out)
{
    const struct scheme_row *row = scheme_find((uint8_t)scheme);
    if (!row)
        return KEYS_ERR_SCHEME;
    SECRET_KEY copy = *key;
    TRY(check_length(row, key->len));
    TRY(each_part(wrapping, row, crypto_des_encrypt, copy.at, copy.len));
    /* A single-length key under Z goes without a tag, as hosts of its time expect. */
    if (row->tag != KEYS_NONE && row->tag != KEYS_Z)
        buf_put_byte(out, row->tag);
    buf_put_hex(out, copy.at, copy.len);
    return buf_done(out);
}

static enum err lmk_key(const struct keys_lmk_set *set, unsigned id, struct keys_type_place type, struct secret_key *out)
{
    const struct keys_lmk *lmk = keys_lmk_find(set, id);
    if (!lmk)
        return KEYS_ERR_LMK_IDENTIFIER;
    if (lmk->kind != KEYS_LMK_VARIANT)
        return KEYS_ERR_SCHEME;
    ASSERT(type.pair < KEYS_PAIRS && type.variant < sizeof type_variant);
    out->len = 16;
    memcpy(out->at, lmk->pair[type.pair], 16);
    out->at[0] ^= type_variant[type.variant] ^ (type.component ? COMPONENT : 0);
    return ERR_OK;
}

enum err keys_unwrap(struct keys_lmk_set *set, unsigned lmk, struct keys_type_place type, struct span text, struct secret_key *out)
{
    SECRET_KEY wrapping = {0};
    TRY(lmk_key(set, lmk, type, &wrapping));
    return unwrap(&wrapping, text, out);
}

enum err keys_wrap(struct keys_lmk_set *set, unsigned lmk, struct keys_type_place type, enum keys_scheme scheme,
                   const struct secret_key *key, struct buf *out)
{
    SECRET_KEY wrapping = {0};
    TRY(lmk_key(set, lmk, type, &wrapping));
    return wrap(&wrapping, scheme, key, out);
}

enum err keys_zmk_unwrap(const struct secret_key *zmk, struct span text, struct secret_key *out)
{
    return unwrap(zmk, text, out);
}

enum err keys_zmk_wrap(const struct secret_key *zmk, enum keys_scheme scheme, const struct secret_key *key, struct buf *out)
{
    return wrap(zmk, scheme, key, out);
}
