/* SPDX-License-Identifier: Apache-2.0 */
/* The LMKs of this HSM. */
#include "hsm/hsm_internal.h"

#include "keys/keys.h"

#include "base/arena.h"

#include <string.h>

enum { TEST_VARIANT_LMK = 0, TEST_BLOCK_LMK = 1 };

struct hsm_keys {
    struct keys_lmk_set *lmk;
};

static enum err load(struct hsm_keys *keys, bool test)
{
    TRY(keys_lmk_set_create(&keys->lmk));
    if (!test)
        return ERR_OK;
    TRY(keys_lmk_add_test_variant(keys->lmk, TEST_VARIANT_LMK));
    return keys_lmk_add_test_block(keys->lmk, TEST_BLOCK_LMK);
}

enum err hsm_keys_create(const struct hsm_config *config, struct hsm_keys **out)
{
    void *at = NULL;
    TRY(memory_reserve(1, sizeof(struct hsm_keys), &at));
    struct hsm_keys *keys = at;
    enum err err = load(keys, config->test_lmk);
    if (err != ERR_OK) {
        hsm_keys_destroy(keys);
        return err;
    }
    *out = keys;
    return ERR_OK;
}

void hsm_keys_destroy(struct hsm_keys *keys)
{
    if (!keys)
        return;
    keys_lmk_set_destroy(keys->lmk);
    memory_release(keys, 1, sizeof *keys);
}

bool hsm_keys_loaded(const struct hsm_keys *keys, uint8_t lmk)
{
    return keys_lmk_kind(keys->lmk, lmk) != KEYS_LMK_ABSENT;
}

void hsm_keys_check_value(const struct hsm_keys *keys, uint8_t lmk, char out[static 16])
{
    if (keys_lmk_check(keys->lmk, lmk, out) != ERR_OK)
        memset(out, '0', 16);
}
