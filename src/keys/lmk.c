/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/des.h"
#include "crypto/error.h"
#include "keys/error.h"
#include "keys/internal.h"

#include <string.h>

enum { BLOCK_LEN = 24, CHECK_SHOWN = 3, OLD_PAIRS = 7 };

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

void keys_lmk_test_pair(unsigned pair, uint8_t out[static 16])
{
    ASSERT(pair < KEYS_PAIRS);
    memcpy(out, test_pairs[pair], sizeof test_pairs[pair]);
}

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

void keys_lmk_set_clear(struct keys_lmk_set *set)
{
    secret_wipe(set->lmk, sizeof set->lmk);
    set->count = 0;
}

enum err keys_lmk_add(struct keys_lmk_set *set, const struct keys_lmk_facts *facts, const struct keys_material *material)
{
    unsigned id = facts->id | (facts->old ? KEYS_LMK_OLD : 0u);
    if (facts->id >= KEYS_LMK_IDS || keys_lmk_find(set, id))
        return KEYS_ERR_LMK_IDENTIFIER;
    if (set->count == KEYS_LMK_SLOTS)
        return ERR_MEMORY;
    struct keys_lmk *lmk = &set->lmk[set->count++];
    lmk->id = (uint8_t)id;
    lmk->kind = facts->kind;
    lmk->facts = *facts;
    if (facts->kind == KEYS_LMK_VARIANT) {
        memcpy(lmk->pair, material->at, sizeof lmk->pair);
    } else {
        lmk->block.len = BLOCK_LEN;
        memcpy(lmk->block.at, material->at, BLOCK_LEN);
    }
    return ERR_OK;
}

enum err keys_lmk_add_variant(struct keys_lmk_set *set, unsigned id, const uint8_t pair[static KEYS_PAIRS][16],
                              const char check[static KEYS_CHECK])
{
    struct keys_material material;
    struct keys_lmk_facts facts = {.id = (uint8_t)id, .kind = KEYS_LMK_VARIANT, .test = true};
    if (id >= KEYS_LMK_IDS)
        return KEYS_ERR_LMK_IDENTIFIER;
    memcpy(material.at, pair, sizeof material.at);
    memcpy(facts.check, check, KEYS_CHECK);
    enum err err = keys_lmk_add(set, &facts, &material);
    secret_wipe(&material, sizeof material);
    return err;
}

enum err keys_lmk_add_block(struct keys_lmk_set *set, unsigned id, const struct secret_key *triple)
{
    struct keys_material material = {0};
    struct keys_lmk_facts facts = {.id = (uint8_t)id, .kind = KEYS_LMK_BLOCK, .test = true};
    if (triple->len != BLOCK_LEN)
        return CRYPTO_ERR_KEY_LENGTH;
    if (id >= KEYS_LMK_IDS)
        return KEYS_ERR_LMK_IDENTIFIER;
    memcpy(material.at, triple->at, BLOCK_LEN);
    enum err err = keys_lmk_check_value(KEYS_LMK_BLOCK, &material, facts.check);
    if (err == ERR_OK)
        err = keys_lmk_add(set, &facts, &material);
    secret_wipe(&material, sizeof material);
    return err;
}

enum err keys_lmk_add_test_variant(struct keys_lmk_set *set, unsigned id)
{
    return keys_lmk_add_variant(set, id, test_pairs, test_check);
}

enum err keys_lmk_add_test_block(struct keys_lmk_set *set, unsigned id)
{
    return keys_lmk_add_block(set, id, &test_block);
}

enum err keys_lmk_add_test_old(struct keys_lmk_set *set, unsigned variant_id, unsigned block_id)
{
    struct keys_material pairs, triple = {0};
    struct keys_lmk_facts facts = {.id = (uint8_t)variant_id, .kind = KEYS_LMK_VARIANT, .test = true, .old = true};
    for (size_t i = 0; i < KEYS_PAIRS; i++)
        memcpy(pairs.at + 16 * i, test_pairs[(i + OLD_PAIRS) % KEYS_PAIRS], 16);
    TRY(keys_lmk_check_value(KEYS_LMK_VARIANT, &pairs, facts.check));
    TRY(keys_lmk_add(set, &facts, &pairs));
    memcpy(triple.at, test_block.at + 16, 8);
    memcpy(triple.at + 8, test_block.at + 8, 8);
    memcpy(triple.at + 16, test_block.at, 8);
    facts.id = (uint8_t)block_id;
    facts.kind = KEYS_LMK_BLOCK;
    TRY(keys_lmk_check_value(KEYS_LMK_BLOCK, &triple, facts.check));
    return keys_lmk_add(set, &facts, &triple);
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
        return KEYS_ERR_LMK_IDENTIFIER;
    memcpy(out, lmk->facts.check, KEYS_CHECK);
    return ERR_OK;
}

const struct keys_lmk_facts *keys_lmk_facts_at(const struct keys_lmk_set *set, size_t index)
{
    return index < set->count ? &set->lmk[index].facts : NULL;
}

/* ---- clear LMKs ---- */

static enum err pairs_in_turn(const struct keys_material *material, uint8_t block[static CRYPTO_DES_BLOCK])
{
    enum err err = ERR_OK;
    memset(block, 0, CRYPTO_DES_BLOCK);
    for (size_t i = 0; i < KEYS_PAIRS && err == ERR_OK; i++) {
        SECRET_KEY pair = {.len = 16};
        struct crypto_des des = {0};
        memcpy(pair.at, material->at + 16 * i, 16);
        TRY(crypto_des_load(&pair, &des));
        err = crypto_des_encrypt(&des, block, block, CRYPTO_DES_BLOCK);
        crypto_des_unload(&des);
    }
    return err;
}

enum err keys_lmk_check_value(enum keys_lmk_kind kind, const struct keys_material *material, char out[static KEYS_CHECK])
{
    SECRET_KEY triple = {.len = BLOCK_LEN};
    uint8_t check[CRYPTO_DES_BLOCK];
    memcpy(triple.at, material->at, BLOCK_LEN);
    TRY(kind == KEYS_LMK_VARIANT ? pairs_in_turn(material, check) : keys_kcv(&triple, check));
    if (kind == KEYS_LMK_VARIANT)
        memset(check + CHECK_SHOWN, 0, sizeof check - CHECK_SHOWN);
    struct buf b = buf_over(out, KEYS_CHECK);
    buf_put_hex(&b, check, sizeof check);
    return buf_done(&b);
}

bool keys_lmk_is_public(enum keys_lmk_kind kind, const struct keys_material *material)
{
    return kind == KEYS_LMK_VARIANT ? secret_equal(material->at, test_pairs, sizeof test_pairs)
                                    : secret_equal(material->at, test_block.at, BLOCK_LEN);
}
