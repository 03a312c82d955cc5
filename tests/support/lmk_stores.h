/* SPDX-License-Identifier: Apache-2.0 */
/* An LMK store of up to four officers in a folder of its own, for the tests of stores; a failure ends the running cmocka test. */
#ifndef SUPPORT_LMK_STORES_H
#define SUPPORT_LMK_STORES_H

#include "keys/store/store.h"

/* Eight zero bytes under the public test triple, and through stores_pairs(1) in turn; by openssl (des-ede3, des-ede). */
#define STORES_TRIPLE_CHECK "8E0EC0864D35705B"
#define STORES_PAIRS_CHECK "B7D2850000000000"

extern const struct crypto_kdf_cost stores_cost;
extern const char *const stores_passphrase[4];

struct stores {
    struct env env;
    char folder[40];
    char path[64];
};

/* True: there is a folder. */
bool stores_begin(struct stores *t);
/* Zero: the folder was empty but for the store. */
int stores_end(struct stores *t);

struct keys_material stores_triple(void);
struct keys_material stores_pairs(uint8_t seed);
struct keys_lmk_facts stores_facts(uint8_t id, enum keys_lmk_kind kind, bool old);
/* A store with a variant LMK 00, its old one, and the test triple as 01. */
void stores_write(struct stores *t, uint8_t needed, uint8_t officers);
enum err stores_prove(struct keys_store *s, uint8_t number, const char *words);
struct keys_store *stores_read(struct stores *t);
struct keys_store *stores_open(struct stores *t, uint8_t a, uint8_t b);

#endif
