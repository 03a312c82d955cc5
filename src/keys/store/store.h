/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file that keeps LMKs, sealed under a key that no officer holds alone.
 *
 * Purpose    A random store key seals the LMKs (AES-256-GCM). It is split among n officers so that any m of them restore it; each
 *            share is sealed under a key made from that officer's passphrase (scrypt). What the LMKs are (identifier, kind, check
 *            value) can be read without a passphrase; that nothing was changed is known once the store is open.
 * Ownership  A store lives in locked, undumpable pages; keys_store_destroy wipes it.
 * Threading  One thread at a time.
 * Failure    What is wrong with a file is told in `problem`, one line for people. A wrong passphrase is ERR_AUTHENTICATION.
 * Limits     2 <= m <= n <= 9; KEYS_STORE_LMKS LMKs; identifiers 00..99, each at most once current and once old. A store whose
 *            scrypt cost is below the floor takes test LMKs only.
 *
 * Layout     integers big-endian; everything before the sealed body is its associated data
 *                 8  "CSLMKST1"
 *                16  identity, random
 *              1 1 1  scrypt: log2 N, r, p
 *              1 1 1  officers needed (m), officers (n), LMKs (k)
 *                 2  zero
 *                 4  generation: one more with each writing
 *            n x 77  officer: number 1 | salt 16 | nonce 12, share 32, tag 16; associated data: from the start to n, and the number
 *            k x 60  LMK: identifier 1 | kind 1 | flags 1 (1 test, 2 old) | zero 1 | made 8 (UTC ms) | check 16A | comment 32A
 *          28 + 320k  body: nonce 12 | k x 320 (pairs 00-01 to 38-39, or a triple and zeros) | tag 16
 *
 * Example
 *     TRY(keys_store_read(path, &store, problem));
 *     for each officer present:
 *         TRY(keys_store_officer_key(store, number, passphrase, key));     // slow on purpose
 *         TRY(keys_store_prove(store, number, key));
 *     TRY(keys_store_open(store));                                         // m of them were there
 *     TRY(keys_store_fill(store, lmks));
 */
#ifndef KEYS_STORE_STORE_H
#define KEYS_STORE_STORE_H

#include "crypto/kdf.h"
#include "keys/keys.h"
#include "keys/store/share.h"

enum {
    KEYS_STORE_LMKS = 40,
    KEYS_STORE_OFFICERS = KEYS_SHARE_HOLDERS,
    KEYS_STORE_SALT = 16,
    KEYS_STORE_KEY = 32,
    KEYS_STORE_IDENTITY = 16,
    KEYS_STORE_PROBLEM = 160,
    KEYS_PASSPHRASE_MIN = 12, /* characters */
    KEYS_PASSPHRASE_MAX = 128,
    KEYS_SCRYPT_FLOOR = 15, /* log2 N, with r = 8: 32 MiB a guess */
};

struct keys_store;

/* ---- life ---- */

/* A new store, open, without LMKs; every officer needs keys_store_passphrase before it can be written. ERR_PARSE_VALUE: numbers. */
MUST_USE enum err keys_store_create(struct crypto_kdf_cost cost, uint8_t needed, uint8_t officers, const struct env *env,
                                    struct keys_store **out);
MUST_USE enum err keys_store_read(const char *path, struct keys_store **out, char problem[static KEYS_STORE_PROBLEM]);
/* Replaces the file whole or not at all, mode 0600. Needs an open store. */
MUST_USE enum err keys_store_write(struct keys_store *store, const char *path, const struct env *env,
                                   char problem[static KEYS_STORE_PROBLEM]);
void keys_store_destroy(struct keys_store *store);
/* Overwrites the file and removes it. */
MUST_USE enum err keys_store_erase(const char *path, const struct env *env, char problem[static KEYS_STORE_PROBLEM]);

/* ---- officers ---- */

struct keys_store_facts {
    uint8_t identity[KEYS_STORE_IDENTITY];
    struct crypto_kdf_cost cost;
    uint8_t needed, officers, lmks;
    uint32_t generation;
    bool below_floor; /* of the scrypt cost */
};
struct keys_store_facts keys_store_facts(const struct keys_store *store);
/* NULL: no such officer. */
const uint8_t *keys_store_salt(const struct keys_store *store, uint8_t number);

/* scrypt; `key` is the caller's to wipe. */
MUST_USE enum err keys_store_officer_key(const struct keys_store *store, uint8_t number, struct span passphrase,
                                         uint8_t key[static KEYS_STORE_KEY]);
/* The officer's share, kept until keys_store_lock; ERR_AUTHENTICATION for the wrong key. A second proof of one officer is fine and
 * counts once. */
MUST_USE enum err keys_store_prove(struct keys_store *store, uint8_t number, const uint8_t key[static KEYS_STORE_KEY]);
unsigned keys_store_proved(const struct keys_store *store);
/* ERR_NOT_AUTHORISED: fewer than m were proved; ERR_PARSE_VALUE: something in the file was changed. */
MUST_USE enum err keys_store_open(struct keys_store *store);
bool keys_store_is_open(const struct keys_store *store);
/* Forgets who proved; a closed store wipes their shares. */
void keys_store_forget(struct keys_store *store);
/* Wipes shares, store key and LMKs; what is told without opening remains. */
void keys_store_lock(struct keys_store *store);
/* Seals the officer's share under a new passphrase. Needs an open store; the other officers' passphrases stay. */
MUST_USE enum err keys_store_passphrase(struct keys_store *store, uint8_t number, struct span passphrase, const struct env *env);

/* ---- LMKs ---- */

/* NULL past the last one. Sorted by identifier, the current one before the old. */
const struct keys_lmk_facts *keys_store_lmk(const struct keys_store *store, size_t index);
/* Needs an open store. ERR_DUPLICATE: the place is taken; ERR_FORBIDDEN: a live LMK below the floor; ERR_MEMORY: full. The check
 * value is computed. */
MUST_USE enum err keys_store_put(struct keys_store *store, const struct keys_lmk_facts *lmk, const struct keys_material *material);
/* The current LMK becomes the old one. KEYS_ERR_LMK_IDENTIFIER: there is none; ERR_DUPLICATE: there is an old one already. */
MUST_USE enum err keys_store_make_old(struct keys_store *store, uint8_t id);
MUST_USE enum err keys_store_delete(struct keys_store *store, uint8_t id, bool old);
/* Loads everything into the set. */
MUST_USE enum err keys_store_fill(const struct keys_store *store, struct keys_lmk_set *set);

#endif
