/* SPDX-License-Identifier: Apache-2.0 */
#include "keys/component.h"

#include "crypto/aead.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HALF = 8, PAIR = 16, TRIPLE = 24 };

void keys_material_cleanup(struct keys_material *material)
{
    secret_wipe(material, sizeof *material);
}

size_t keys_component_len(enum keys_lmk_kind kind)
{
    return kind == KEYS_LMK_VARIANT ? KEYS_MATERIAL : TRIPLE;
}

/* ---- properties ---- */

/* Bytes of the weak and semi-weak keys alternate between two values in each half, the lower four bytes mirroring the upper:
 * SP 800-67 3.3.2. Listed without parity bits. */
static const uint8_t weak[][HALF] = {
    {0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00}, {0xFE, 0xFE, 0xFE, 0xFE, 0xFE, 0xFE, 0xFE, 0xFE},
    {0xE0, 0xE0, 0xE0, 0xE0, 0xF0, 0xF0, 0xF0, 0xF0}, {0x1E, 0x1E, 0x1E, 0x1E, 0x0E, 0x0E, 0x0E, 0x0E},
    {0x00, 0x1E, 0x00, 0x1E, 0x00, 0x0E, 0x00, 0x0E}, {0x1E, 0x00, 0x1E, 0x00, 0x0E, 0x00, 0x0E, 0x00},
    {0x00, 0xE0, 0x00, 0xE0, 0x00, 0xF0, 0x00, 0xF0}, {0xE0, 0x00, 0xE0, 0x00, 0xF0, 0x00, 0xF0, 0x00},
    {0x00, 0xFE, 0x00, 0xFE, 0x00, 0xFE, 0x00, 0xFE}, {0xFE, 0x00, 0xFE, 0x00, 0xFE, 0x00, 0xFE, 0x00},
    {0x1E, 0xE0, 0x1E, 0xE0, 0x0E, 0xF0, 0x0E, 0xF0}, {0xE0, 0x1E, 0xE0, 0x1E, 0xF0, 0x0E, 0xF0, 0x0E},
    {0x1E, 0xFE, 0x1E, 0xFE, 0x0E, 0xFE, 0x0E, 0xFE}, {0xFE, 0x1E, 0xFE, 0x1E, 0xFE, 0x0E, 0xFE, 0x0E},
    {0xE0, 0xFE, 0xE0, 0xFE, 0xF0, 0xFE, 0xF0, 0xFE}, {0xFE, 0xE0, 0xFE, 0xE0, 0xFE, 0xF0, 0xFE, 0xF0},
};

static bool half_weak(const uint8_t half[static HALF])
{
    uint8_t plain[HALF];
    bool found = false;
    for (int i = 0; i < HALF; i++)
        plain[i] = half[i] & 0xFE;
    for (size_t i = 0; i < sizeof weak / sizeof weak[0]; i++)
        found |= secret_equal(plain, weak[i], HALF);
    secret_wipe(plain, sizeof plain);
    return found;
}

static void parity_set(struct keys_material *m, size_t len)
{
    for (size_t i = 0; i < len; i++)
        m->at[i] = (uint8_t)((m->at[i] & 0xFE) | (__builtin_parity(m->at[i] & 0xFE) ^ 1));
}

static bool parity_odd(const struct keys_material *m, size_t len)
{
    unsigned even = 0;
    for (size_t i = 0; i < len; i++)
        even |= (unsigned)__builtin_parity(m->at[i]) ^ 1;
    return even == 0;
}

static bool any_weak(const struct keys_material *m, size_t len)
{
    bool found = false;
    for (size_t at = 0; at < len; at += HALF)
        found |= half_weak(m->at + at);
    return found;
}

/* Halves of one pair or triple. */
static bool halves_equal(const struct keys_material *m, size_t len, size_t key)
{
    bool found = false;
    for (size_t at = 0; at < len; at += key)
        for (size_t i = 0; i < key; i += HALF)
            for (size_t j = i + HALF; j < key; j += HALF)
                found |= secret_equal(m->at + at + i, m->at + at + j, HALF);
    return found;
}

/* Two uses of keys under one pair would not be told apart. */
static bool pairs_equal(const struct keys_material *m)
{
    bool found = false;
    for (size_t i = 0; i < KEYS_MATERIAL; i += PAIR)
        for (size_t j = i + PAIR; j < KEYS_MATERIAL; j += PAIR)
            found |= secret_equal(m->at + i, m->at + j, PAIR);
    return found;
}

static bool is_zero(const struct keys_material *m, size_t len)
{
    uint8_t bits = 0;
    for (size_t i = 0; i < len; i++)
        bits |= m->at[i] & 0xFE; /* the zero with odd parity is zero, too */
    return bits == 0;
}

static const char *result_wrong(enum keys_lmk_kind kind, const struct keys_material *m)
{
    size_t len = keys_component_len(kind);
    if (any_weak(m, len))
        return "the LMK would have a weak key";
    if (halves_equal(m, len, kind == KEYS_LMK_VARIANT ? PAIR : TRIPLE))
        return "the LMK would have equal halves";
    if (kind == KEYS_LMK_VARIANT && pairs_equal(m))
        return "the LMK would have equal pairs";
    return NULL;
}

/* ---- components ---- */

void keys_component_generate(enum keys_lmk_kind kind, const struct env *env, struct keys_material *out)
{
    size_t len = keys_component_len(kind);
    memset(out, 0, sizeof *out);
    do {
        env_random(env, out->at, len);
        parity_set(out, len);
    } while (result_wrong(kind, out));
}

const char *keys_component_wrong(enum keys_lmk_kind kind, const struct keys_material *component)
{
    size_t len = keys_component_len(kind);
    if (!parity_odd(component, len))
        return "a byte has even parity: a digit is not the one on the paper";
    if (is_zero(component, len))
        return "the component is zero";
    return NULL;
}

enum err keys_component_check(enum keys_lmk_kind kind, const struct keys_material *component,
                              char out[static KEYS_COMPONENT_CHECK + 1])
{
    char check[KEYS_CHECK];
    TRY(keys_lmk_check_value(kind, component, check));
    memcpy(out, check, KEYS_COMPONENT_CHECK);
    out[KEYS_COMPONENT_CHECK] = 0;
    return ERR_OK;
}

static bool any_equal(const struct keys_material *component, size_t count, size_t len)
{
    bool found = false;
    for (size_t i = 0; i < count; i++)
        for (size_t j = i + 1; j < count; j++)
            found |= secret_equal(component[i].at, component[j].at, len);
    return found;
}

const char *keys_components_combine(enum keys_lmk_kind kind, const struct keys_material *component, size_t count,
                                    struct keys_material *out)
{
    size_t len = keys_component_len(kind);
    KEYS_MATERIAL_SECRET sum = {0};
    if (any_equal(component, count, len))
        return "two components are equal and would cancel each other";
    for (size_t c = 0; c < count; c++)
        for (size_t i = 0; i < len; i++)
            sum.at[i] ^= component[c].at[i];
    parity_set(&sum, len);
    const char *wrong = result_wrong(kind, &sum);
    if (!wrong)
        *out = sum;
    return wrong;
}
