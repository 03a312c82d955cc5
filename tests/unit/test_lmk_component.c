/* SPDX-License-Identifier: Apache-2.0 */
/* Components of LMKs: what is taken, what is refused, and the file that carries one. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include "keys/component.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PAIR = 16, IMAGE = 382 };

static struct env env;
static char folder[] = "/tmp/countersign-component-XXXXXX";
static char path[64];

static struct keys_material of_hex(const char *hex)
{
    struct keys_material m = {0};
    assert_int_equal(span_unhex(span_text(hex), m.at, sizeof m.at), ERR_OK);
    return m;
}

static struct keys_material sum_of(const struct keys_material *a, const struct keys_material *b)
{
    struct keys_material sum;
    for (size_t i = 0; i < sizeof sum.at; i++)
        sum.at[i] = a->at[i] ^ b->at[i];
    return sum;
}

static void assert_words(const char *told, const char *wanted)
{
    if (!told || !strstr(told, wanted))
        fail_msg("%s instead of %s", told ? told : "nothing", wanted);
}

static void random_ones_are_taken(void **state)
{
    (void)state;
    for (int round = 0; round < 200; round++) {
        enum keys_lmk_kind kind = round % 2 ? KEYS_LMK_VARIANT : KEYS_LMK_BLOCK;
        struct keys_material part[3], lmk, other;
        for (int i = 0; i < 3; i++) {
            keys_component_generate(kind, &env, &part[i]);
            assert_null(keys_component_wrong(kind, &part[i]));
        }
        assert_null(keys_components_combine(kind, part, 3, &lmk));
        assert_null(keys_component_wrong(kind, &lmk));
        struct keys_material sum = sum_of(&part[0], &part[1]);
        sum = sum_of(&sum, &part[2]);
        for (size_t i = 0; i < keys_component_len(kind); i++)
            assert_int_equal(sum.at[i] & 0xFE, lmk.at[i] & 0xFE);
        assert_null(keys_components_combine(kind, part, 2, &other));
        assert_memory_not_equal(lmk.at, other.at, keys_component_len(kind));
    }
}

static void typing_errors_show(void **state)
{
    (void)state;
    struct keys_material m = of_hex("0123456789ABCDEF8080808080808080FEDCBA9876543210");
    assert_null(keys_component_wrong(KEYS_LMK_BLOCK, &m));
    for (size_t i = 0; i < 24; i++)
        for (int bit = 0; bit < 8; bit++) {
            m.at[i] ^= (uint8_t)(1 << bit);
            assert_words(keys_component_wrong(KEYS_LMK_BLOCK, &m), "parity");
            m.at[i] ^= (uint8_t)(1 << bit);
        }
    struct keys_material zero = of_hex("010101010101010101010101010101010101010101010101");
    assert_words(keys_component_wrong(KEYS_LMK_BLOCK, &zero), "zero");
}

/* The other component is chosen so that the result is what is to be refused. */
static void results_that_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *lmk, *words;
    } block[] = {
        {"E0E0E0E0F1F1F1F123456789ABCDEF01456789ABCDEF0123", "weak"},
        {"23456789ABCDEF01011F011F010E010E456789ABCDEF0123", "weak"},
        {"23456789ABCDEF01456789ABCDEF0123FE01FE01FE01FE01", "weak"},
        {"23456789ABCDEF0123456789ABCDEF01456789ABCDEF0123", "equal halves"},
        {"23456789ABCDEF01456789ABCDEF012323456789ABCDEF01", "equal halves"},
        {"23456789ABCDEF01456789ABCDEF0123456789ABCDEF0123", "equal halves"},
    };
    for (size_t i = 0; i < sizeof block / sizeof block[0]; i++) {
        struct keys_material part[2], lmk = of_hex(block[i].lmk), out = {.at = {9}};
        keys_component_generate(KEYS_LMK_BLOCK, &env, &part[0]);
        part[1] = sum_of(&part[0], &lmk);
        assert_words(keys_components_combine(KEYS_LMK_BLOCK, part, 2, &out), block[i].words);
        assert_int_equal(out.at[0], 9);
    }
    struct keys_material part[3], out;
    keys_component_generate(KEYS_LMK_VARIANT, &env, &part[0]);
    keys_component_generate(KEYS_LMK_VARIANT, &env, &part[1]);
    part[2] = part[0];
    assert_words(keys_components_combine(KEYS_LMK_VARIANT, part, 3, &out), "cancel");
    /* Pair 38-39 of the sum becomes pair 00-01. */
    struct keys_material sum = sum_of(&part[0], &part[1]);
    for (size_t i = 0; i < PAIR; i++)
        part[1].at[19 * PAIR + i] ^= sum.at[i] ^ sum.at[19 * PAIR + i];
    assert_words(keys_components_combine(KEYS_LMK_VARIANT, part, 2, &out), "equal pairs");
}

/* ---- files ---- */

static uint8_t image[IMAGE + 1];

static void save(size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_int_equal(write(fd, image, len), len);
    close(fd);
}

static void a_file_carries_one(void **state)
{
    (void)state;
    struct keys_material made, back = {0};
    struct span words = span_text("the words of its officer");
    char problem[KEYS_COMPONENT_PROBLEM] = "", check[KEYS_COMPONENT_CHECK + 1];
    struct stat facts;
    keys_component_generate(KEYS_LMK_BLOCK, &env, &made);
    assert_int_equal(keys_component_write(path, KEYS_LMK_BLOCK, &made, words, &env, problem), ERR_OK);
    assert_int_equal(keys_component_write(path, KEYS_LMK_BLOCK, &made, words, &env, problem), ERR_CONFIG);
    assert_int_equal(stat(path, &facts), 0);
    assert_int_equal(facts.st_mode & 07777, 0600);
    assert_int_equal(facts.st_size, IMAGE);
    assert_int_equal(keys_component_read(path, KEYS_LMK_BLOCK, words, &back, problem), ERR_OK);
    assert_memory_equal(&made, &back, sizeof made);
    assert_int_equal(keys_component_check(KEYS_LMK_BLOCK, &made, check), ERR_OK);
    int fd = open(path, O_RDONLY);
    assert_int_equal(read(fd, image, sizeof image), IMAGE);
    close(fd);
    assert_memory_equal(image + 28, check, KEYS_COMPONENT_CHECK);
    assert_null(memmem(image, IMAGE, made.at, 8));
}

static void other_files_are_refused(void **state)
{
    (void)state;
    struct keys_material back = {0};
    struct span words = span_text("the words of its officer");
    char problem[KEYS_COMPONENT_PROBLEM] = "";
    /* A byte of each field: those behind the cost take a scrypt each. */
    static const struct {
        size_t at;
        enum err err;
    } field[] = {{0, ERR_CONFIG},          {8, ERR_CONFIG},          {11, ERR_AUTHENTICATION},  {12, ERR_AUTHENTICATION},
                 {28, ERR_AUTHENTICATION}, {34, ERR_AUTHENTICATION}, {100, ERR_AUTHENTICATION}, {IMAGE - 1, ERR_AUTHENTICATION}};
    for (size_t i = 0; i < sizeof field / sizeof field[0]; i++) {
        image[field[i].at] ^= 1;
        save(IMAGE);
        enum err err = keys_component_read(path, KEYS_LMK_BLOCK, words, &back, problem);
        image[field[i].at] ^= 1;
        if (err != field[i].err)
            fail_msg("byte %zu gives %s", field[i].at, err_row(err)->name);
        assert_non_null(strstr(problem, path));
    }
    save(IMAGE);
    assert_int_equal(keys_component_read(path, KEYS_LMK_VARIANT, words, &back, problem), ERR_CONFIG);
    assert_words(problem, "other kind");
    assert_int_equal(keys_component_read(path, KEYS_LMK_BLOCK, span_text("the words of another"), &back, problem),
                     ERR_AUTHENTICATION);
    save(IMAGE - 1);
    assert_int_equal(keys_component_read(path, KEYS_LMK_BLOCK, words, &back, problem), ERR_CONFIG);
    save(IMAGE + 1);
    assert_int_equal(keys_component_read(path, KEYS_LMK_BLOCK, words, &back, problem), ERR_CONFIG);
    unlink(path);
    assert_int_equal(keys_component_read(path, KEYS_LMK_BLOCK, words, &back, problem), ERR_CONFIG);
    static const struct keys_material nothing;
    assert_memory_equal(&back, &nothing, sizeof back);
}

static int set_up(void **state)
{
    (void)state;
    env = env_system(NULL);
    if (!mkdtemp(folder))
        return 1;
    (void)snprintf(path, sizeof path, "%s/component", folder);
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
        cmocka_unit_test(random_ones_are_taken),    cmocka_unit_test(typing_errors_show),
        cmocka_unit_test(results_that_are_refused), cmocka_unit_test(a_file_carries_one),
        cmocka_unit_test(other_files_are_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
