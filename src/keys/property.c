/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/des.h"
#include "crypto/mac.h"
#include "keys/keys.h"

#include <string.h>

bool keys_parity_odd(const struct secret_key *key)
{
    unsigned even = 0;
    for (size_t i = 0; i < key->len; i++)
        even |= (unsigned)__builtin_parity(key->at[i]) ^ 1;
    return even == 0;
}

void keys_parity_set(struct secret_key *key)
{
    for (size_t i = 0; i < key->len; i++)
        key->at[i] = (uint8_t)((key->at[i] & 0xFE) | (__builtin_parity(key->at[i] & 0xFE) ^ 1));
}

bool keys_halves_equal(const struct secret_key *key)
{
    bool equal = key->len >= 16 && secret_equal(key->at, key->at + 8, 8);
    if (key->len == 24)
        equal |= secret_equal(key->at + 8, key->at + 16, 8) | secret_equal(key->at, key->at + 16, 8);
    return equal;
}

bool keys_zero(const struct secret_key *key)
{
    unsigned bits = 0;
    for (size_t i = 0; i < key->len; i++)
        bits |= key->at[i] & 0xFEu;
    return bits == 0;
}

/* clang-format off */
/* FIPS 74 and SP 800-67 3.4.2, with odd parity: four weak keys, then the six pairs of semi-weak ones. */
static const uint8_t weak[][8] = {
    {0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01}, {0xFE, 0xFE, 0xFE, 0xFE, 0xFE, 0xFE, 0xFE, 0xFE},
    {0xE0, 0xE0, 0xE0, 0xE0, 0xF1, 0xF1, 0xF1, 0xF1}, {0x1F, 0x1F, 0x1F, 0x1F, 0x0E, 0x0E, 0x0E, 0x0E},
    {0x01, 0xFE, 0x01, 0xFE, 0x01, 0xFE, 0x01, 0xFE}, {0xFE, 0x01, 0xFE, 0x01, 0xFE, 0x01, 0xFE, 0x01},
    {0x1F, 0xE0, 0x1F, 0xE0, 0x0E, 0xF1, 0x0E, 0xF1}, {0xE0, 0x1F, 0xE0, 0x1F, 0xF1, 0x0E, 0xF1, 0x0E},
    {0x01, 0xE0, 0x01, 0xE0, 0x01, 0xF1, 0x01, 0xF1}, {0xE0, 0x01, 0xE0, 0x01, 0xF1, 0x01, 0xF1, 0x01},
    {0x1F, 0xFE, 0x1F, 0xFE, 0x0E, 0xFE, 0x0E, 0xFE}, {0xFE, 0x1F, 0xFE, 0x1F, 0xFE, 0x0E, 0xFE, 0x0E},
    {0x01, 0x1F, 0x01, 0x1F, 0x01, 0x0E, 0x01, 0x0E}, {0x1F, 0x01, 0x1F, 0x01, 0x0E, 0x01, 0x0E, 0x01},
    {0xE0, 0xFE, 0xE0, 0xFE, 0xF1, 0xFE, 0xF1, 0xFE}, {0xFE, 0xE0, 0xFE, 0xE0, 0xFE, 0xF1, 0xFE, 0xF1},
};
/* clang-format on */

/* Every part against every row: the time tells nothing of the key. */
bool keys_weak(const struct secret_key *key)
{
    SECRET_KEY odd = *key;
    bool found = false;
    keys_parity_set(&odd);
    for (size_t at = 0; at + 8 <= odd.len; at += 8)
        for (size_t i = 0; i < sizeof weak / sizeof weak[0]; i++)
            found |= secret_equal(odd.at + at, weak[i], sizeof weak[i]);
    return found;
}

void keys_generate(const struct env *env, uint8_t len, struct secret_key *out)
{
    ASSERT(len == 8 || len == 16 || len == 24);
    *out = (struct secret_key){.len = len};
    do {
        env_random(env, out->at, len);
        keys_parity_set(out);
    } while (keys_halves_equal(out) || keys_weak(out));
}

enum err keys_kcv(const struct secret_key *key, uint8_t out[static 8])
{
    static const uint8_t zero[CRYPTO_DES_BLOCK];
    struct crypto_des des = {0};
    TRY(crypto_des_load(key, &des));
    enum err err = crypto_des_encrypt(&des, zero, out, sizeof zero);
    crypto_des_unload(&des);
    return err;
}

enum err keys_kcv_aes(const struct secret_key *key, uint8_t out[static 8])
{
    static const uint8_t zero[16];
    uint8_t mac[16];
    TRY(crypto_cmac_run(CRYPTO_CMAC_AES, key, span_of(zero, sizeof zero), mac));
    memcpy(out, mac, 8);
    return ERR_OK;
}
