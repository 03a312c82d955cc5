/* SPDX-License-Identifier: Apache-2.0 */
/* Shared inside the room: the LMK set as it lies in its pages. */
#ifndef KEYS_INTERNAL_H
#define KEYS_INTERNAL_H

#include "keys/keys.h"

enum { KEYS_LMK_SLOTS = 40 };

struct keys_lmk {
    uint8_t id;   /* with KEYS_LMK_OLD */
    uint8_t kind; /* enum keys_lmk_kind */
    struct keys_lmk_facts facts;
    union {
        uint8_t pair[KEYS_PAIRS][16];
        struct secret_key block;
    };
};

struct keys_lmk_set {
    struct secret_pages pages;
    size_t count;
    struct keys_lmk lmk[KEYS_LMK_SLOTS];
};

/* NULL if not loaded. */
const struct keys_lmk *keys_lmk_find(const struct keys_lmk_set *set, unsigned id);

#endif
