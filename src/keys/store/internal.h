/* SPDX-License-Identifier: Apache-2.0 */
/* Shared inside the room: a store as it lies in its pages (store.c) and its layout in the file (file.c). */
#ifndef KEYS_STORE_INTERNAL_H
#define KEYS_STORE_INTERNAL_H

#include "crypto/aead.h"
#include "keys/store/store.h"

enum {
    KEYS_STORE_MAGIC_LEN = 8,
    KEYS_STORE_BOUND_LEN =
        KEYS_STORE_MAGIC_LEN + KEYS_STORE_IDENTITY + 5, /* magic to n: associated data of the shares, with the number */
    KEYS_STORE_HEAD_LEN = KEYS_STORE_BOUND_LEN + 1 + 2 + 4,
    KEYS_STORE_SEALED_SHARE_LEN = CRYPTO_AEAD_OVERHEAD + KEYS_SHARE,
    KEYS_STORE_OFFICER_LEN = 1 + KEYS_STORE_SALT + KEYS_STORE_SEALED_SHARE_LEN,
    KEYS_STORE_LMK_LEN = 4 + 8 + KEYS_CHECK + KEYS_COMMENT,
    KEYS_STORE_PUBLIC_MAX =
        KEYS_STORE_HEAD_LEN + KEYS_STORE_OFFICERS * KEYS_STORE_OFFICER_LEN + KEYS_STORE_LMKS * KEYS_STORE_LMK_LEN,
    KEYS_STORE_BODY_MAX = CRYPTO_AEAD_OVERHEAD + KEYS_STORE_LMKS * KEYS_MATERIAL,
    KEYS_STORE_FILE_MAX = KEYS_STORE_PUBLIC_MAX + KEYS_STORE_BODY_MAX,
};

struct keys_store_officer {
    uint8_t salt[KEYS_STORE_SALT];
    uint8_t sealed[KEYS_STORE_SEALED_SHARE_LEN];
    bool set; /* has a passphrase */
    bool proved;
};

struct keys_store {
    struct secret_pages pages;
    struct keys_store_facts facts;
    struct keys_store_officer officer[KEYS_STORE_OFFICERS];
    struct keys_lmk_facts lmk[KEYS_STORE_LMKS];
    bool open;
    uint8_t share[KEYS_STORE_OFFICERS][KEYS_SHARE]; /* of those who proved; of all once open */
    uint8_t key[KEYS_STORE_KEY];
    struct keys_material material[KEYS_STORE_LMKS];
    uint8_t file[KEYS_STORE_FILE_MAX]; /* as it was read */
    size_t file_len;
};

/* A closed store of these facts; ERR_PARSE_VALUE if they cannot be. */
enum err keys_store_reserve(const struct keys_store_facts *facts, struct keys_store **out);
/* Magic to n, and the officer's number. */
void keys_store_put_bound(const struct keys_store_facts *facts, uint8_t number, struct buf *out);
/* Everything before the body. */
void keys_store_put_public(const struct keys_store *store, struct buf *out);

#endif
