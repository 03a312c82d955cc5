/* SPDX-License-Identifier: Apache-2.0 */
#include "keys/component.h"

#include <string.h>

enum { PAIR = 16, TRIPLE = 24 };

void keys_material_cleanup(struct keys_material *material)
{
    secret_wipe(material, sizeof *material);
}

size_t keys_component_len(enum keys_lmk_kind kind)
{
    return kind == KEYS_LMK_VARIANT ? KEYS_MATERIAL : TRIPLE;
}

/* ---- properties ---- */

/* The pairs of a variant LMK, the one triple of the other kind. */
static size_t key_len(enum keys_lmk_kind kind)
{
    return kind == KEYS_LMK_VARIANT ? PAIR : TRIPLE;
}

/* True if one of the keys has the property. */
static bool any(enum keys_lmk_kind kind, const struct keys_material *m, bool (*has)(const struct secret_key *key))
{
    bool found = false;
    SECRET_KEY key = {.len = (uint8_t)key_len(kind)};
    for (size_t at = 0; at < keys_component_len(kind); at += key.len) {
        memcpy(key.at, m->at + at, key.len);
        found |= has(&key);
    }
    return found;
}

static bool parity_even(const struct secret_key *key)
{
    return !keys_parity_odd(key);
}

static bool not_zero(const struct secret_key *key)
{
    return !keys_zero(key);
}

static void parity_set(enum keys_lmk_kind kind, struct keys_material *m)
{
    SECRET_KEY key = {.len = (uint8_t)key_len(kind)};
    for (size_t at = 0; at < keys_component_len(kind); at += key.len) {
        memcpy(key.at, m->at + at, key.len);
        keys_parity_set(&key);
        memcpy(m->at + at, key.at, key.len);
    }
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

static const char *result_wrong(enum keys_lmk_kind kind, const struct keys_material *m)
{
    if (any(kind, m, keys_weak))
        return "the LMK would have a weak key";
    if (any(kind, m, keys_halves_equal))
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
        parity_set(kind, out);
    } while (result_wrong(kind, out));
}

const char *keys_component_wrong(enum keys_lmk_kind kind, const struct keys_material *component)
{
    if (any(kind, component, parity_even))
        return "a byte has even parity: a digit is not the one on the paper";
    if (!any(kind, component, not_zero))
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
    parity_set(kind, &sum);
    const char *wrong = result_wrong(kind, &sum);
    if (!wrong)
        *out = sum;
    return wrong;
}
