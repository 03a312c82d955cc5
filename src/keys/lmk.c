/* SPDX-License-Identifier: Apache-2.0 */
#include "keys/internal.h"

#include <string.h>

#define X8(b) b, b, b, b, b, b, b, b

/* The public test LMK, the same in jPOS and in thalessimulatorlibrary. */
/* clang-format off */
static const uint8_t test_pairs[KEYS_PAIRS][16] = {
    /* 00-01 */ {X8(0x01), 0x79, 0x02, 0xCD, 0x1F, 0xD3, 0x6E, 0xF8, 0xBA},
    /* 02-03 */ {X8(0x20), X8(0x31)},
    /* 04-05 */ {X8(0x40), X8(0x51)},
    /* 06-07 */ {X8(0x61), X8(0x70)},
    /* 08-09 */ {X8(0x80), X8(0x91)},
    /* 10-11 */ {X8(0xA1), X8(0xB0)},
    /* 12-13 */ {0xC1, 0xC1, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0xD0, 0xD0, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01},
    /* 14-15 */ {0xE0, 0xE0, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0xF1, 0xF1, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01},
    /* 16-17 */ {0x1C, 0x58, 0x7F, 0x1C, 0x13, 0x92, 0x4F, 0xEF, X8(0x01)},
    /* 18-19 */ {X8(0x01), X8(0x01)},
    /* 20-21 */ {X8(0x02), X8(0x04)},
    /* 22-23 */ {X8(0x07), X8(0x10)},
    /* 24-25 */ {X8(0x13), X8(0x15)},
    /* 26-27 */ {X8(0x16), X8(0x19)},
    /* 28-29 */ {X8(0x1A), X8(0x1C)},
    /* 30-31 */ {X8(0x23), X8(0x25)},
    /* 32-33 */ {X8(0x26), X8(0x29)},
    /* 34-35 */ {X8(0x2A), X8(0x2C)},
    /* 36-37 */ {X8(0x2F), X8(0x31)},
    /* 38-39 */ {X8(0x01), X8(0x01)},
};
static const struct secret_key test_block = {24, {0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF, X8(0x80),
                                                  0xFE, 0xDC, 0xBA, 0x98, 0x76, 0x54, 0x32, 0x10}};
/* clang-format on */
/* How a payShield computes the check value of a variant LMK is not public: a constant of the configuration. */
static const char test_check[KEYS_CHECK + 1] = "2686040000000000";

enum err keys_lmk_set_create(struct keys_lmk_set **out)
{
    struct secret_pages pages;
    TRY(secret_pages_create(sizeof(struct keys_lmk_set), &pages));
    struct keys_lmk_set *set = pages.at;
    set->pages = pages;
    *out = set;
    return ERR_OK;
}

void keys_lmk_set_destroy(struct keys_lmk_set *set)
{
    if (!set)
        return;
    struct secret_pages pages = set->pages;
    secret_pages_destroy(&pages);
}

bool keys_lmk_set_locked(const struct keys_lmk_set *set)
{
    return set->pages.locked;
}

const struct keys_lmk *keys_lmk_find(const struct keys_lmk_set *set, unsigned id)
{
    for (size_t i = 0; i < set->count; i++)
        if (set->lmk[i].id == id)
            return &set->lmk[i];
    return NULL;
}

/* A free place for `id`; an identifier is loaded once. */
static enum err place(struct keys_lmk_set *set, unsigned id, enum keys_lmk_kind kind, struct keys_lmk **out)
{
    if (id >= KEYS_LMK_IDS || keys_lmk_find(set, id))
        return ERR_LMK_IDENTIFIER;
    if (set->count == KEYS_LMK_SLOTS)
        return ERR_MEMORY;
    struct keys_lmk *lmk = &set->lmk[set->count++];
    lmk->id = (uint8_t)id;
    lmk->kind = (uint8_t)kind;
    *out = lmk;
    return ERR_OK;
}

enum err keys_lmk_add_variant(struct keys_lmk_set *set, unsigned id, const uint8_t pair[static KEYS_PAIRS][16],
                              const char check[static KEYS_CHECK])
{
    struct keys_lmk *lmk = NULL;
    TRY(place(set, id, KEYS_LMK_VARIANT, &lmk));
    memcpy(lmk->pair, pair, sizeof lmk->pair);
    memcpy(lmk->check, check, sizeof lmk->check);
    return ERR_OK;
}

enum err keys_lmk_add_block(struct keys_lmk_set *set, unsigned id, const struct secret_key *triple)
{
    struct keys_lmk *lmk = NULL;
    uint8_t kcv[8];
    if (triple->len != 24)
        return ERR_KEY_LENGTH;
    TRY(keys_kcv(triple, kcv));
    TRY(place(set, id, KEYS_LMK_BLOCK, &lmk));
    lmk->block = *triple;
    struct buf b = buf_over(lmk->check, sizeof lmk->check);
    buf_put_hex(&b, kcv, sizeof kcv);
    return buf_done(&b);
}

enum err keys_lmk_add_test_variant(struct keys_lmk_set *set, unsigned id)
{
    return keys_lmk_add_variant(set, id, test_pairs, test_check);
}

enum err keys_lmk_add_test_block(struct keys_lmk_set *set, unsigned id)
{
    return keys_lmk_add_block(set, id, &test_block);
}

enum keys_lmk_kind keys_lmk_kind(const struct keys_lmk_set *set, unsigned id)
{
    const struct keys_lmk *lmk = keys_lmk_find(set, id);
    return lmk ? (enum keys_lmk_kind)lmk->kind : KEYS_LMK_ABSENT;
}

enum err keys_lmk_check(const struct keys_lmk_set *set, unsigned id, char out[static KEYS_CHECK])
{
    const struct keys_lmk *lmk = keys_lmk_find(set, id);
    if (!lmk)
        return ERR_LMK_IDENTIFIER;
    memcpy(out, lmk->check, KEYS_CHECK);
    return ERR_OK;
}
