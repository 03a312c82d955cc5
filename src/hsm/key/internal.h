/* SPDX-License-Identifier: Apache-2.0 */
/* The keys as they lie in their pages: keys.c makes them, resolve.c finds and loads. */
#ifndef HSM_KEY_INTERNAL_H
#define HSM_KEY_INTERNAL_H

#include "base/secret.h"

struct hsm_keys {
    struct secret_pages pages;
    struct keys_lmk_set *lmks;
    struct keys_cache *cvks;    /* of struct cvv_key */
    struct keys_cache *masters; /* of struct cvv_master */
    size_t storage_size;
    struct hsm_storage *storage; /* storage.h */
    struct hsm_key_check *check; /* check.h; hardened mode, else NULL */
};

#endif
