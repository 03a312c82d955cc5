/* SPDX-License-Identifier: Apache-2.0 */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include "support/lmk_stores.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const struct crypto_kdf_cost stores_cost = {4, 1, 1};
const char *const stores_passphrase[4] = {"correct horse battery", "staple of officer two", "third and last, really",
                                          "the fourth one, alone"};

bool stores_begin(struct stores *t)
{
    t->env = env_system(NULL);
    (void)snprintf(t->folder, sizeof t->folder, "/tmp/countersign-store-XXXXXX");
    bool made = mkdtemp(t->folder);
    (void)snprintf(t->path, sizeof t->path, "%s/store", t->folder);
    return made;
}

int stores_end(struct stores *t)
{
    unlink(t->path);
    return rmdir(t->folder);
}

struct keys_material stores_triple(void)
{
    struct keys_material m = {0};
    assert_int_equal(span_unhex(span_text("0123456789ABCDEF8080808080808080FEDCBA9876543210"), m.at, sizeof m.at), ERR_OK);
    return m;
}

struct keys_lmk_facts stores_facts(uint8_t id, enum keys_lmk_kind kind, bool old)
{
    return (struct keys_lmk_facts){
        .id = id, .kind = (uint8_t)kind, .test = true, .old = old, .made_ms = 1700000000123, .comment = "made in a test"};
}

struct keys_material stores_pairs(uint8_t seed)
{
    struct keys_material m;
    for (size_t i = 0; i < sizeof m.at; i++)
        m.at[i] = (uint8_t)(seed + 37 * i);
    return m;
}

void stores_write(struct stores *t, uint8_t needed, uint8_t officers)
{
    unlink(t->path); /* a store is never written over another */
    struct keys_store *s = NULL;
    char problem[KEYS_STORE_PROBLEM];
    struct keys_material triple = stores_triple(), pairs = stores_pairs(1), older = stores_pairs(2);
    struct keys_lmk_facts block = stores_facts(1, KEYS_LMK_BLOCK, false), variant = stores_facts(0, KEYS_LMK_VARIANT, false),
                          old = stores_facts(0, KEYS_LMK_VARIANT, true);
    assert_int_equal(keys_store_create(stores_cost, needed, officers, &t->env, &s), ERR_OK);
    assert_int_equal(keys_store_write(s, t->path, &t->env, problem), ERR_CONFIG);
    for (uint8_t i = 0; i < officers; i++)
        assert_int_equal(keys_store_passphrase(s, (uint8_t)(i + 1), span_text(stores_passphrase[i]), &t->env), ERR_OK);
    assert_int_equal(keys_store_put(s, &block, &triple), ERR_OK);
    assert_int_equal(keys_store_put(s, &variant, &pairs), ERR_OK);
    assert_int_equal(keys_store_put(s, &old, &older), ERR_OK);
    assert_int_equal(keys_store_put(s, &old, &older), ERR_DUPLICATE);
    assert_int_equal(keys_store_write(s, t->path, &t->env, problem), ERR_OK);
    keys_store_destroy(s);
}

enum err stores_prove(struct keys_store *s, uint8_t number, const char *words)
{
    uint8_t key[KEYS_STORE_KEY];
    assert_int_equal(keys_store_officer_key(s, number, span_text(words), key), ERR_OK);
    return keys_store_prove(s, number, key);
}

struct keys_store *stores_read(struct stores *t)
{
    struct keys_store *s = NULL;
    char problem[KEYS_STORE_PROBLEM] = "";
    if (keys_store_read(t->path, &s, problem) != ERR_OK)
        fail_msg("%s", problem);
    return s;
}

struct keys_store *stores_open(struct stores *t, uint8_t a, uint8_t b)
{
    struct keys_store *s = stores_read(t);
    assert_int_equal(stores_prove(s, a, stores_passphrase[a - 1]), ERR_OK);
    assert_int_equal(stores_prove(s, b, stores_passphrase[b - 1]), ERR_OK);
    assert_int_equal(keys_store_open(s), ERR_OK);
    return s;
}
