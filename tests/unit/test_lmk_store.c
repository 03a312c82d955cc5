/* SPDX-License-Identifier: Apache-2.0 */
/* The sealed LMK store: what it keeps, and who opens it. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include "keys/error.h"
#include "keys/store/share.h"
#include "support/lmk_stores.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static struct stores t;

/* ---- what it keeps ---- */

static void any_two_of_three_open_it(void **state)
{
    (void)state;
    stores_write(&t, 2, 3);
    for (uint8_t a = 1; a <= 3; a++) {
        for (uint8_t b = 1; b <= 3; b++) {
            struct keys_store *s = stores_read(&t);
            struct keys_lmk_set *set = NULL;
            char check[KEYS_CHECK];
            assert_int_equal(keys_lmk_set_create(&set), ERR_OK);
            assert_int_equal(stores_prove(s, a, stores_passphrase[a - 1]), ERR_OK);
            assert_int_equal(keys_store_open(s), ERR_NOT_AUTHORISED);
            assert_int_equal(keys_store_fill(s, set), ERR_NOT_AUTHORISED);
            assert_int_equal(stores_prove(s, b, stores_passphrase[b - 1]), ERR_OK);
            assert_int_equal(keys_store_open(s), a == b ? ERR_NOT_AUTHORISED : ERR_OK);
            if (a != b) {
                assert_int_equal(keys_store_fill(s, set), ERR_OK);
                assert_int_equal(keys_lmk_check(set, 1, check), ERR_OK);
                assert_memory_equal(check, STORES_TRIPLE_CHECK, KEYS_CHECK);
                assert_int_equal(keys_lmk_check(set, 0, check), ERR_OK);
                assert_memory_equal(check, STORES_PAIRS_CHECK, KEYS_CHECK);
                assert_int_equal(keys_lmk_kind(set, 0), KEYS_LMK_VARIANT);
                assert_int_equal(keys_lmk_kind(set, KEYS_LMK_OLD | 0), KEYS_LMK_VARIANT);
                assert_int_equal(keys_lmk_kind(set, KEYS_LMK_OLD | 1), KEYS_LMK_ABSENT);
            }
            keys_lmk_set_destroy(set);
            keys_store_destroy(s);
        }
    }
}

static void told_without_opening(void **state)
{
    (void)state;
    stores_write(&t, 2, 2);
    struct keys_store *s = stores_read(&t);
    struct keys_store_facts facts = keys_store_facts(s);
    assert_true(facts.needed == 2 && facts.officers == 2 && facts.lmks == 3 && facts.generation == 1 && facts.below_floor);
    assert_true(keys_store_lmk(s, 0)->id == 0 && !keys_store_lmk(s, 0)->old && keys_store_lmk(s, 1)->old);
    assert_int_equal(keys_store_lmk(s, 2)->id, 1);
    assert_string_equal(keys_store_lmk(s, 2)->check, STORES_TRIPLE_CHECK);
    assert_string_equal(keys_store_lmk(s, 2)->comment, "made in a test");
    assert_true(keys_store_lmk(s, 2)->made_ms == 1700000000123);
    assert_null(keys_store_lmk(s, 3));
    assert_null(keys_store_salt(s, 3));
    keys_store_destroy(s);
    struct stat st;
    assert_int_equal(stat(t.path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
}

/* Another implementation, by the documented layout alone. */
static void node_reads_the_same(void **state)
{
    (void)state;
    char command[512], line[1024], expected[800];
    struct keys_material pairs = stores_pairs(1);
    struct buf b = buf_over(expected, sizeof expected);
    stores_write(&t, 3, 4);
    (void)snprintf(command, sizeof command, "node tests/support/store_reader.js %s '4:%s' '1:%s' '3:%s'", t.path,
                   stores_passphrase[3], stores_passphrase[0], stores_passphrase[2]);
    FILE *out = popen(command, "r");
    assert_non_null(out);
    assert_non_null(fgets(line, sizeof line, out));
    buf_put_hex(&b, pairs.at, sizeof pairs.at);
    buf_put_text(&b, "\n");
    assert_non_null(strstr(line, buf_text(&b)));
    assert_int_equal(strncmp(line, "0 1 1 ", 6), 0);
    assert_non_null(fgets(line, sizeof line, out));
    assert_int_equal(strncmp(line, "0 1 3 ", 6), 0);
    assert_non_null(fgets(line, sizeof line, out));
    assert_string_equal(line, "1 2 1 8E0EC0864D35705B made in a test 0123456789ABCDEF8080808080808080FEDCBA9876543210\n");
    assert_int_equal(pclose(out), 0);
}

/* ---- who opens it ---- */

static void wrong_passphrase(void **state)
{
    (void)state;
    stores_write(&t, 2, 3);
    struct keys_store *s = stores_read(&t);
    uint8_t key[KEYS_STORE_KEY];
    assert_int_equal(stores_prove(s, 1, "correct horse batterx"), ERR_AUTHENTICATION);
    assert_int_equal(stores_prove(s, 1, stores_passphrase[1]), ERR_AUTHENTICATION);
    assert_int_equal(stores_prove(s, 1, ""), ERR_AUTHENTICATION);
    assert_int_equal(keys_store_proved(s), 0);
    assert_int_equal(keys_store_officer_key(s, 0, span_text(stores_passphrase[0]), key), ERR_NOT_FOUND);
    assert_int_equal(keys_store_officer_key(s, 4, span_text(stores_passphrase[0]), key), ERR_NOT_FOUND);
    assert_int_equal(stores_prove(s, 2, stores_passphrase[1]), ERR_OK);
    assert_int_equal(keys_store_open(s), ERR_NOT_AUTHORISED);
    keys_store_forget(s);
    assert_int_equal(stores_prove(s, 3, stores_passphrase[2]), ERR_OK);
    assert_int_equal(keys_store_open(s), ERR_NOT_AUTHORISED);
    keys_store_destroy(s);
}

static void passphrases_change_one_by_one(void **state)
{
    (void)state;
    char problem[KEYS_STORE_PROBLEM];
    stores_write(&t, 2, 3);
    struct keys_store *s = stores_open(&t, 1, 3);
    uint8_t salt[KEYS_STORE_SALT];
    memcpy(salt, keys_store_salt(s, 2), sizeof salt);
    assert_int_equal(keys_store_passphrase(s, 2, span_text("too short"), &t.env), ERR_PARSE_VALUE);
    assert_int_equal(keys_store_passphrase(s, 2, span_text("a new one for officer 2"), &t.env), ERR_OK);
    assert_int_equal(keys_store_write(s, t.path, &t.env, problem), ERR_OK);
    keys_store_destroy(s);
    s = stores_read(&t);
    assert_int_equal(keys_store_facts(s).generation, 2);
    assert_memory_not_equal(keys_store_salt(s, 2), salt, sizeof salt);
    assert_int_equal(stores_prove(s, 2, stores_passphrase[1]), ERR_AUTHENTICATION);
    assert_int_equal(stores_prove(s, 2, "a new one for officer 2"), ERR_OK);
    assert_int_equal(stores_prove(s, 1, stores_passphrase[0]), ERR_OK);
    assert_int_equal(keys_store_open(s), ERR_OK);
    keys_store_destroy(s);
}

/* Proofs are also asked for while the store is open: they must not disturb it. */
static void proofs_while_open(void **state)
{
    (void)state;
    struct keys_lmk_set *set = NULL;
    stores_write(&t, 2, 3);
    struct keys_store *s = stores_open(&t, 2, 3);
    keys_store_forget(s);
    assert_int_equal(keys_store_proved(s), 0);
    assert_int_equal(stores_prove(s, 1, stores_passphrase[1]), ERR_AUTHENTICATION);
    assert_int_equal(stores_prove(s, 1, stores_passphrase[0]), ERR_OK);
    assert_int_equal(keys_store_proved(s), 1);
    assert_int_equal(keys_lmk_set_create(&set), ERR_OK);
    assert_int_equal(keys_store_fill(s, set), ERR_OK);
    keys_lmk_set_clear(set);
    assert_int_equal(keys_lmk_kind(set, 0), KEYS_LMK_ABSENT);
    keys_store_lock(s);
    assert_int_equal(keys_store_fill(s, set), ERR_NOT_AUTHORISED);
    assert_int_equal(keys_store_passphrase(s, 1, span_text(stores_passphrase[0]), &t.env), ERR_NOT_AUTHORISED);
    keys_lmk_set_destroy(set);
    keys_store_destroy(s);
}

static void numbers_of_officers(void **state)
{
    (void)state;
    static const struct {
        struct crypto_kdf_cost cost;
        uint8_t needed, officers;
    } refused[] = {{{4, 1, 1}, 1, 2}, {{4, 1, 1}, 3, 2}, {{4, 1, 1}, 2, 10}, {{21, 8, 1}, 2, 3}};
    struct keys_store *s = NULL;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        assert_int_equal(keys_store_create(refused[i].cost, refused[i].needed, refused[i].officers, &t.env, &s), ERR_PARSE_VALUE);
    assert_int_equal(keys_store_create(stores_cost, 9, 9, &t.env, &s), ERR_OK);
    keys_store_destroy(s);
}

/* Bytes of the secret that the first `count` shares tell; one in 256 by chance. */
static unsigned told_by(const uint8_t *secret, const uint8_t share[][KEYS_SHARE], size_t count)
{
    static const uint8_t holder[KEYS_SHARE_HOLDERS] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    uint8_t value[KEYS_SHARE];
    unsigned same = 0;
    keys_share_value(holder, share, count, 0, value);
    for (int i = 0; i < KEYS_SHARE; i++)
        same += value[i] == secret[i];
    return same;
}

static void fewer_shares_tell_nothing(void **state)
{
    (void)state;
    uint8_t secret[KEYS_SHARE], share[KEYS_SHARE_HOLDERS][KEYS_SHARE];
    for (uint8_t needed = 2; needed <= KEYS_SHARE_HOLDERS; needed++) {
        env_random(&t.env, secret, sizeof secret);
        keys_share_split(secret, needed, KEYS_SHARE_HOLDERS, &t.env, share);
        assert_int_equal(told_by(secret, share, needed), KEYS_SHARE);
        for (uint8_t count = 1; count < needed; count++)
            assert_true(told_by(secret, share, count) < KEYS_SHARE / 4);
    }
}

/* ---- LMKs ---- */

static void live_lmks_want_the_floor(void **state)
{
    (void)state;
    struct keys_store *s = NULL;
    struct keys_material triple = stores_triple();
    struct keys_lmk_facts live = stores_facts(5, KEYS_LMK_BLOCK, false);
    live.test = false;
    assert_int_equal(keys_store_create((struct crypto_kdf_cost){14, 8, 1}, 2, 2, &t.env, &s), ERR_OK);
    assert_int_equal(keys_store_put(s, &live, &triple), ERR_FORBIDDEN);
    keys_store_destroy(s);
    assert_int_equal(keys_store_create((struct crypto_kdf_cost){15, 8, 1}, 2, 2, &t.env, &s), ERR_OK);
    assert_int_equal(keys_store_put(s, &live, &triple), ERR_OK);
    keys_store_destroy(s);
}

static void old_and_deleted(void **state)
{
    (void)state;
    struct keys_material triple = stores_triple(), pairs = stores_pairs(9);
    stores_write(&t, 2, 3);
    struct keys_store *s = stores_open(&t, 1, 2);
    struct keys_lmk_facts again = stores_facts(1, KEYS_LMK_VARIANT, false);
    assert_int_equal(keys_store_make_old(s, 7), KEYS_ERR_LMK_IDENTIFIER);
    assert_int_equal(keys_store_make_old(s, 0), ERR_DUPLICATE);
    assert_int_equal(keys_store_make_old(s, 1), ERR_OK);
    assert_int_equal(keys_store_make_old(s, 1), KEYS_ERR_LMK_IDENTIFIER);
    assert_int_equal(keys_store_put(s, &again, &pairs), ERR_OK);
    assert_int_equal(keys_store_delete(s, 0, true), ERR_OK);
    assert_int_equal(keys_store_delete(s, 0, true), KEYS_ERR_LMK_IDENTIFIER);
    struct keys_lmk_set *set = NULL;
    char check[KEYS_CHECK];
    assert_int_equal(keys_lmk_set_create(&set), ERR_OK);
    assert_int_equal(keys_store_fill(s, set), ERR_OK);
    assert_int_equal(keys_lmk_kind(set, 1), KEYS_LMK_VARIANT);
    assert_int_equal(keys_lmk_check(set, KEYS_LMK_OLD | 1, check), ERR_OK);
    assert_memory_equal(check, STORES_TRIPLE_CHECK, KEYS_CHECK);
    assert_int_equal(keys_lmk_kind(set, KEYS_LMK_OLD | 0), KEYS_LMK_ABSENT);
    assert_true(keys_lmk_is_public(KEYS_LMK_BLOCK, &triple));
    assert_false(keys_lmk_is_public(KEYS_LMK_VARIANT, &pairs));
    keys_lmk_set_destroy(set);
    keys_store_destroy(s);
}

static int set_up(void **state)
{
    (void)state;
    return !stores_begin(&t);
}

static int tear_down(void **state)
{
    (void)state;
    return stores_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_two_of_three_open_it),      cmocka_unit_test(told_without_opening),
        cmocka_unit_test(node_reads_the_same),           cmocka_unit_test(wrong_passphrase),
        cmocka_unit_test(passphrases_change_one_by_one), cmocka_unit_test(proofs_while_open),
        cmocka_unit_test(numbers_of_officers),           cmocka_unit_test(fewer_shares_tell_nothing),
        cmocka_unit_test(live_lmks_want_the_floor),      cmocka_unit_test(old_and_deleted),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
