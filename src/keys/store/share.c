/* SPDX-License-Identifier: Apache-2.0 */
#include "keys/store/share.h"

#include "base/secret.h"

#include <string.h>

/* x^8 + x^4 + x^3 + x + 1, FIPS 197 4.2. */
enum { POLYNOMIAL = 0x1B };

static uint8_t multiply(uint8_t a, uint8_t b)
{
    uint8_t product = 0;
    for (int i = 0; i < 8; i++) {
        product ^= (uint8_t)(-(b >> i & 1) & a);
        a = (uint8_t)(a << 1 ^ (-(a >> 7) & POLYNOMIAL));
    }
    return product;
}

/* a^254: the group has 255 elements. */
static uint8_t inverse(uint8_t a)
{
    uint8_t power = a;
    for (int i = 0; i < 6; i++)
        power = multiply(multiply(power, power), a);
    return multiply(power, power);
}

void keys_share_split(const uint8_t secret[static KEYS_SHARE], uint8_t threshold, uint8_t count, const struct env *env,
                      uint8_t share[][KEYS_SHARE])
{
    uint8_t coefficient[KEYS_SHARE_HOLDERS - 1][KEYS_SHARE];
    ASSERT(threshold >= 2 && threshold <= count && count <= KEYS_SHARE_HOLDERS);
    env_random(env, coefficient, sizeof coefficient);
    for (uint8_t x = 1; x <= count; x++) {
        uint8_t *value = share[x - 1];
        memset(value, 0, KEYS_SHARE);
        for (int c = threshold - 2; c >= 0; c--)
            for (int i = 0; i < KEYS_SHARE; i++)
                value[i] = multiply(value[i] ^ coefficient[c][i], x);
        for (int i = 0; i < KEYS_SHARE; i++)
            value[i] ^= secret[i];
    }
    secret_wipe(coefficient, sizeof coefficient);
}

void keys_share_value(const uint8_t *holder, const uint8_t share[][KEYS_SHARE], size_t count, uint8_t at,
                      uint8_t out[static KEYS_SHARE])
{
    memset(out, 0, KEYS_SHARE);
    for (size_t i = 0; i < count; i++) {
        uint8_t weight = 1; /* Lagrange: the product of (at - xj) / (xi - xj); minus is xor */
        for (size_t j = 0; j < count; j++)
            if (j != i)
                weight = multiply(weight, multiply(at ^ holder[j], inverse(holder[i] ^ holder[j])));
        for (int b = 0; b < KEYS_SHARE; b++)
            out[b] ^= multiply(weight, share[i][b]);
    }
}
