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

void keys_generate(const struct env *env, uint8_t len, struct secret_key *out)
{
    ASSERT(len == 8 || len == 16 || len == 24);
    *out = (struct secret_key){.len = len};
    do {
        env_random(env, out->at, len);
        keys_parity_set(out);
    } while (keys_halves_equal(out));
}

enum err keys_kcv(const struct secret_key *key, uint8_t out[static 8])
{
    static const uint8_t zero[DES_BLOCK];
    struct des des = {0};
    TRY(des_load(key, &des));
    enum err err = des_encrypt(&des, zero, out, sizeof zero);
    des_unload(&des);
    return err;
}

enum err keys_kcv_aes(const struct secret_key *key, uint8_t out[static 8])
{
    static const uint8_t zero[16];
    uint8_t mac[16];
    TRY(cmac_run(CMAC_AES, key, span_of(zero, sizeof zero), mac));
    memcpy(out, mac, 8);
    return ERR_OK;
}
