/* SPDX-License-Identifier: Apache-2.0 */
/* The sealed LMK store: what it keeps, who opens it, and that no changed byte passes. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include "keys/lmk_store.h"
#include "support/vectors.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { IMAGE_MAX = 16384 };

static const struct kdf_cost cheap = {4, 1, 1};
static const char *const passphrase[] = {"correct horse battery", "staple of officer two", "third and last, really",
                                         "the fourth one, alone"};
/* The public test triple; its check value was made with openssl (des-ede3 of eight zero bytes). */
static const char triple_hex[] = "0123456789ABCDEF8080808080808080FEDCBA9876543210";
static const char triple_check[] = "8E0EC0864D35705B";

/* Eight zero bytes through des-ede of openssl under each pair of pairs_of(1) in turn. */
static const char pairs_check[] = "B7D2850000000000";

static struct env env;
static char folder[] = "/tmp/countersign-store-XXXXXX";
static char path[64];

static struct keys_material material_of(const char *hex)
{
    struct keys_material m = {0};
    assert_int_equal(span_unhex(span_text(hex), m.at, sizeof m.at), ERR_OK);
    return m;
}

static struct keys_lmk_facts facts_of(uint8_t id, enum keys_lmk_kind kind, bool old)
{
    return (struct keys_lmk_facts){
        .id = id, .kind = (uint8_t)kind, .test = true, .old = old, .made_ms = 1700000000123, .comment = "made in a test"};
}

static struct keys_material pairs_of(uint8_t seed)
{
    struct keys_material m;
    for (size_t i = 0; i < sizeof m.at; i++)
        m.at[i] = (uint8_t)(seed + 37 * i);
    return m;
}

static void write_store(uint8_t needed, uint8_t officers)
{
    struct keys_store *s = NULL;
    char problem[KEYS_STORE_PROBLEM];
    struct keys_material triple = material_of(triple_hex), pairs = pairs_of(1), older = pairs_of(2);
    struct keys_lmk_facts block = facts_of(1, KEYS_LMK_BLOCK, false), variant = facts_of(0, KEYS_LMK_VARIANT, false),
                          old = facts_of(0, KEYS_LMK_VARIANT, true);
    assert_int_equal(keys_store_create(cheap, needed, officers, &env, &s), ERR_OK);
    assert_int_equal(keys_store_write(s, path, &env, problem), ERR_CONFIG);
    for (uint8_t i = 0; i < officers; i++)
        assert_int_equal(keys_store_passphrase(s, (uint8_t)(i + 1), span_text(passphrase[i]), &env), ERR_OK);
    assert_int_equal(keys_store_put(s, &block, &triple), ERR_OK);
    assert_int_equal(keys_store_put(s, &variant, &pairs), ERR_OK);
    assert_int_equal(keys_store_put(s, &old, &older), ERR_OK);
    assert_int_equal(keys_store_put(s, &old, &older), ERR_DUPLICATE);
    assert_int_equal(keys_store_write(s, path, &env, problem), ERR_OK);
    keys_store_destroy(s);
}

static enum err prove(struct keys_store *s, uint8_t number, const char *words)
{
    uint8_t key[KEYS_STORE_KEY];
    assert_int_equal(keys_store_officer_key(s, number, span_text(words), key), ERR_OK);
    return keys_store_prove(s, number, key);
}

static struct keys_store *read_store(void)
{
    struct keys_store *s = NULL;
    char problem[KEYS_STORE_PROBLEM] = "";
    if (keys_store_read(path, &s, problem) != ERR_OK)
        fail_msg("%s", problem);
    return s;
}

static struct keys_store *open_store(uint8_t a, uint8_t b)
{
    struct keys_store *s = read_store();
    assert_int_equal(prove(s, a, passphrase[a - 1]), ERR_OK);
    assert_int_equal(prove(s, b, passphrase[b - 1]), ERR_OK);
    assert_int_equal(keys_store_open(s), ERR_OK);
    return s;
}

/* ---- what it keeps ---- */

static void any_two_of_three_open_it(void **state)
{
    (void)state;
    write_store(2, 3);
    for (uint8_t a = 1; a <= 3; a++) {
        for (uint8_t b = 1; b <= 3; b++) {
            struct keys_store *s = read_store();
            struct keys_lmk_set *set = NULL;
            char check[KEYS_CHECK];
            assert_int_equal(keys_lmk_set_create(&set), ERR_OK);
            assert_int_equal(prove(s, a, passphrase[a - 1]), ERR_OK);
            assert_int_equal(keys_store_open(s), ERR_NOT_AUTHORISED);
            assert_int_equal(keys_store_fill(s, set), ERR_NOT_AUTHORISED);
            assert_int_equal(prove(s, b, passphrase[b - 1]), ERR_OK);
            assert_int_equal(keys_store_open(s), a == b ? ERR_NOT_AUTHORISED : ERR_OK);
            if (a != b) {
                assert_int_equal(keys_store_fill(s, set), ERR_OK);
                assert_int_equal(keys_lmk_check(set, 1, check), ERR_OK);
                assert_memory_equal(check, triple_check, KEYS_CHECK);
                assert_int_equal(keys_lmk_check(set, 0, check), ERR_OK);
                assert_memory_equal(check, pairs_check, KEYS_CHECK);
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
    write_store(2, 2);
    struct keys_store *s = read_store();
    struct keys_store_facts facts = keys_store_facts(s);
    assert_int_equal(facts.needed, 2);
    assert_int_equal(facts.officers, 2);
    assert_int_equal(facts.lmks, 3);
    assert_int_equal(facts.generation, 1);
    assert_true(facts.below_floor);
    assert_int_equal(keys_store_lmk(s, 0)->id, 0);
    assert_false(keys_store_lmk(s, 0)->old);
    assert_true(keys_store_lmk(s, 1)->old);
    assert_int_equal(keys_store_lmk(s, 2)->id, 1);
    assert_string_equal(keys_store_lmk(s, 2)->check, triple_check);
    assert_string_equal(keys_store_lmk(s, 2)->comment, "made in a test");
    assert_true(keys_store_lmk(s, 2)->made_ms == 1700000000123);
    assert_null(keys_store_lmk(s, 3));
    assert_null(keys_store_salt(s, 3));
    keys_store_destroy(s);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
}

/* Another implementation, by the documented layout alone. */
static void node_reads_the_same(void **state)
{
    (void)state;
    char command[512], line[1024], expected[800];
    struct keys_material pairs = pairs_of(1);
    struct buf b = buf_over(expected, sizeof expected);
    write_store(3, 4);
    (void)snprintf(command, sizeof command, "node tests/support/store_reader.js %s '4:%s' '1:%s' '3:%s'", path, passphrase[3],
                   passphrase[0], passphrase[2]);
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
    write_store(2, 3);
    struct keys_store *s = read_store();
    uint8_t key[KEYS_STORE_KEY];
    assert_int_equal(prove(s, 1, "correct horse batterx"), ERR_AUTHENTICATION);
    assert_int_equal(prove(s, 1, passphrase[1]), ERR_AUTHENTICATION);
    assert_int_equal(prove(s, 1, ""), ERR_AUTHENTICATION);
    assert_int_equal(keys_store_proved(s), 0);
    assert_int_equal(keys_store_officer_key(s, 0, span_text(passphrase[0]), key), ERR_NOT_FOUND);
    assert_int_equal(keys_store_officer_key(s, 4, span_text(passphrase[0]), key), ERR_NOT_FOUND);
    assert_int_equal(prove(s, 2, passphrase[1]), ERR_OK);
    assert_int_equal(keys_store_open(s), ERR_NOT_AUTHORISED);
    keys_store_forget(s);
    assert_int_equal(prove(s, 3, passphrase[2]), ERR_OK);
    assert_int_equal(keys_store_open(s), ERR_NOT_AUTHORISED);
    keys_store_destroy(s);
}

static void passphrases_change_one_by_one(void **state)
{
    (void)state;
    char problem[KEYS_STORE_PROBLEM];
    write_store(2, 3);
    struct keys_store *s = open_store(1, 3);
    assert_int_equal(keys_store_passphrase(s, 2, span_text("too short"), &env), ERR_PARSE_VALUE);
    assert_int_equal(keys_store_passphrase(s, 2, span_text("a new one for officer 2"), &env), ERR_OK);
    assert_int_equal(keys_store_write(s, path, &env, problem), ERR_OK);
    keys_store_destroy(s);
    s = read_store();
    assert_int_equal(keys_store_facts(s).generation, 2);
    assert_int_equal(prove(s, 2, passphrase[1]), ERR_AUTHENTICATION);
    assert_int_equal(prove(s, 2, "a new one for officer 2"), ERR_OK);
    assert_int_equal(prove(s, 1, passphrase[0]), ERR_OK);
    assert_int_equal(keys_store_open(s), ERR_OK);
    keys_store_destroy(s);
}

/* Proofs are also asked for while the store is open: they must not disturb it. */
static void proofs_while_open(void **state)
{
    (void)state;
    struct keys_lmk_set *set = NULL;
    write_store(2, 3);
    struct keys_store *s = open_store(2, 3);
    keys_store_forget(s);
    assert_int_equal(keys_store_proved(s), 0);
    assert_int_equal(prove(s, 1, passphrase[1]), ERR_AUTHENTICATION);
    assert_int_equal(prove(s, 1, passphrase[0]), ERR_OK);
    assert_int_equal(keys_store_proved(s), 1);
    assert_int_equal(keys_lmk_set_create(&set), ERR_OK);
    assert_int_equal(keys_store_fill(s, set), ERR_OK);
    keys_lmk_set_clear(set);
    assert_int_equal(keys_lmk_kind(set, 0), KEYS_LMK_ABSENT);
    keys_store_lock(s);
    assert_int_equal(keys_store_fill(s, set), ERR_NOT_AUTHORISED);
    assert_int_equal(keys_store_passphrase(s, 1, span_text(passphrase[0]), &env), ERR_NOT_AUTHORISED);
    keys_lmk_set_destroy(set);
    keys_store_destroy(s);
}

static void numbers_of_officers(void **state)
{
    (void)state;
    struct keys_store *s = NULL;
    assert_int_equal(keys_store_create(cheap, 1, 2, &env, &s), ERR_PARSE_VALUE);
    assert_int_equal(keys_store_create(cheap, 3, 2, &env, &s), ERR_PARSE_VALUE);
    assert_int_equal(keys_store_create(cheap, 2, 10, &env, &s), ERR_PARSE_VALUE);
    assert_int_equal(keys_store_create((struct kdf_cost){21, 8, 1}, 2, 3, &env, &s), ERR_PARSE_VALUE);
    assert_int_equal(keys_store_create(cheap, 9, 9, &env, &s), ERR_OK);
    keys_store_destroy(s);
}

/* ---- LMKs ---- */

static void live_lmks_want_the_floor(void **state)
{
    (void)state;
    struct keys_store *s = NULL;
    struct keys_material triple = material_of(triple_hex);
    struct keys_lmk_facts live = facts_of(5, KEYS_LMK_BLOCK, false);
    live.test = false;
    assert_int_equal(keys_store_create((struct kdf_cost){14, 8, 1}, 2, 2, &env, &s), ERR_OK);
    assert_int_equal(keys_store_put(s, &live, &triple), ERR_FORBIDDEN);
    keys_store_destroy(s);
    assert_int_equal(keys_store_create((struct kdf_cost){15, 8, 1}, 2, 2, &env, &s), ERR_OK);
    assert_int_equal(keys_store_put(s, &live, &triple), ERR_OK);
    keys_store_destroy(s);
}

static void old_and_deleted(void **state)
{
    (void)state;
    struct keys_material triple = material_of(triple_hex), pairs = pairs_of(9);
    write_store(2, 3);
    struct keys_store *s = open_store(1, 2);
    struct keys_lmk_facts again = facts_of(1, KEYS_LMK_VARIANT, false);
    assert_int_equal(keys_store_make_old(s, 7), ERR_LMK_IDENTIFIER);
    assert_int_equal(keys_store_make_old(s, 0), ERR_DUPLICATE);
    assert_int_equal(keys_store_make_old(s, 1), ERR_OK);
    assert_int_equal(keys_store_make_old(s, 1), ERR_LMK_IDENTIFIER);
    assert_int_equal(keys_store_put(s, &again, &pairs), ERR_OK);
    assert_int_equal(keys_store_delete(s, 0, true), ERR_OK);
    assert_int_equal(keys_store_delete(s, 0, true), ERR_LMK_IDENTIFIER);
    struct keys_lmk_set *set = NULL;
    char check[KEYS_CHECK];
    assert_int_equal(keys_lmk_set_create(&set), ERR_OK);
    assert_int_equal(keys_store_fill(s, set), ERR_OK);
    assert_int_equal(keys_lmk_kind(set, 1), KEYS_LMK_VARIANT);
    assert_int_equal(keys_lmk_check(set, KEYS_LMK_OLD | 1, check), ERR_OK);
    assert_memory_equal(check, triple_check, KEYS_CHECK);
    assert_int_equal(keys_lmk_kind(set, KEYS_LMK_OLD | 0), KEYS_LMK_ABSENT);
    assert_true(keys_lmk_is_public(KEYS_LMK_BLOCK, &triple));
    assert_false(keys_lmk_is_public(KEYS_LMK_VARIANT, &pairs));
    keys_lmk_set_destroy(set);
    keys_store_destroy(s);
}

/* ---- damage ---- */

static uint8_t image[IMAGE_MAX];

static size_t load_image(void)
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    size_t len = fread(image, 1, sizeof image, f);
    assert_int_equal(fclose(f), 0);
    return len;
}

static void save_image(size_t len)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(image, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
}

/* True if officers 1 and 2 get in. */
static bool opens(void)
{
    struct keys_store *s = NULL;
    char problem[KEYS_STORE_PROBLEM] = "";
    if (keys_store_read(path, &s, problem) != ERR_OK) {
        assert_non_null(strstr(problem, path));          /* it says which file ... */
        assert_true(strlen(problem) > strlen(path) + 5); /* ... and what about it */
        return false;
    }
    uint8_t key[KEYS_STORE_KEY];
    bool in = true;
    for (uint8_t i = 1; i <= 2 && in; i++)
        in = keys_store_officer_key(s, i, span_text(passphrase[i - 1]), key) == ERR_OK && keys_store_prove(s, i, key) == ERR_OK;
    in = in && keys_store_open(s) == ERR_OK;
    keys_store_destroy(s);
    return in;
}

static void no_changed_byte_passes(void **state)
{
    (void)state;
    write_store(2, 3);
    size_t len = load_image();
    assert_true(opens());
    for (size_t i = 0; i < len; i++) {
        image[i] ^= 0x01;
        save_image(len);
        if (opens())
            fail_msg("byte %zu may be changed unseen", i);
        image[i] ^= 0x01;
    }
    save_image(len);
    assert_true(opens());
}

static void no_other_length_passes(void **state)
{
    (void)state;
    write_store(2, 3);
    size_t len = load_image();
    for (size_t cut = 0; cut < len; cut += cut < 40 ? 1 : 61) {
        save_image(cut);
        assert_false(opens());
    }
    image[len] = 0;
    save_image(len + 1);
    assert_false(opens());
    save_image(IMAGE_MAX);
    assert_false(opens());
}

static void files_that_are_refused(void **state)
{
    (void)state;
    struct keys_store *s = NULL;
    char problem[KEYS_STORE_PROBLEM] = "";
    write_store(2, 2);
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(keys_store_read(path, &s, problem), ERR_CONFIG);
    assert_non_null(strstr(problem, "chmod 600"));
    assert_int_equal(keys_store_read(folder, &s, problem), ERR_CONFIG);
    assert_int_equal(keys_store_read("/nonexistent/store", &s, problem), ERR_CONFIG);
    assert_non_null(strstr(problem, "No such file"));
    assert_null(s);
}

/* A writing that fails leaves the old file. */
static void writing_is_all_or_nothing(void **state)
{
    (void)state;
    char problem[KEYS_STORE_PROBLEM] = "", temporary[80];
    write_store(2, 2);
    size_t len = load_image();
    struct keys_store *s = open_store(1, 2);
    (void)snprintf(temporary, sizeof temporary, "%s.new", path);
    assert_int_equal(mkdir(temporary, 0700), 0);
    assert_int_equal(keys_store_write(s, path, &env, problem), ERR_CONFIG);
    assert_int_equal(rmdir(temporary), 0);
    /* A disk that is full after any number of bytes. */
    struct rlimit before_limit, limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before_limit), 0);
    (void)signal(SIGXFSZ, SIG_IGN);
    for (size_t room = 0; room < len; room += 97) {
        limit = before_limit;
        limit.rlim_cur = room;
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
        enum err err = keys_store_write(s, path, &env, problem);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &before_limit), 0);
        assert_int_equal(err, ERR_CONFIG);
        assert_non_null(strstr(problem, "File too large"));
        assert_int_equal(access(temporary, F_OK), -1);
    }
    uint8_t before[IMAGE_MAX];
    memcpy(before, image, len);
    assert_int_equal(load_image(), len);
    assert_memory_equal(before, image, len);
    assert_int_equal(keys_store_write(s, path, &env, problem), ERR_OK);
    assert_int_equal(access(temporary, F_OK), -1);
    keys_store_destroy(s);
    assert_true(opens());
}

static void erased(void **state)
{
    (void)state;
    char problem[KEYS_STORE_PROBLEM] = "", other[80];
    write_store(2, 2);
    size_t len = load_image();
    (void)snprintf(other, sizeof other, "%s.link", path);
    assert_int_equal(link(path, other), 0); /* to see what was written over */
    assert_int_equal(keys_store_erase(path, &env, problem), ERR_OK);
    assert_int_equal(access(path, F_OK), -1);
    uint8_t before[IMAGE_MAX];
    memcpy(before, image, len);
    assert_int_equal(rename(other, path), 0);
    assert_int_equal(load_image(), len);
    for (size_t at = 0; at + 16 <= len; at += 16)
        assert_memory_not_equal(before + at, image + at, 16);
    unlink(path);
    assert_int_equal(keys_store_erase(path, &env, problem), ERR_CONFIG);
}

static int set_up(void **state)
{
    (void)state;
    env = env_system(NULL);
    if (!mkdtemp(folder))
        return 1;
    (void)snprintf(path, sizeof path, "%s/store", folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_two_of_three_open_it),
        cmocka_unit_test(told_without_opening),
        cmocka_unit_test(node_reads_the_same),
        cmocka_unit_test(wrong_passphrase),
        cmocka_unit_test(passphrases_change_one_by_one),
        cmocka_unit_test(proofs_while_open),
        cmocka_unit_test(numbers_of_officers),
        cmocka_unit_test(live_lmks_want_the_floor),
        cmocka_unit_test(old_and_deleted),
        cmocka_unit_test(no_changed_byte_passes),
        cmocka_unit_test(no_other_length_passes),
        cmocka_unit_test(files_that_are_refused),
        cmocka_unit_test(writing_is_all_or_nothing),
        cmocka_unit_test(erased),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
