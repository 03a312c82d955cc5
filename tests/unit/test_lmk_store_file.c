/* SPDX-License-Identifier: Apache-2.0 */
/* The file of the LMK store: no changed byte passes, and no writing loses anything. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include "support/lmk_stores.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { IMAGE_MAX = 16384 };

static struct stores t;

/* ---- damage ---- */

static uint8_t image[IMAGE_MAX];

static size_t load_image(void)
{
    FILE *f = fopen(t.path, "rb");
    assert_non_null(f);
    size_t len = fread(image, 1, sizeof image, f);
    assert_int_equal(fclose(f), 0);
    return len;
}

/* The file is still what was loaded. */
static bool image_stands(size_t len)
{
    static uint8_t before[IMAGE_MAX];
    memcpy(before, image, len);
    return load_image() == len && memcmp(before, image, len) == 0;
}

static void save_image(size_t len)
{
    FILE *f = fopen(t.path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(image, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
}

/* True if officers 1 and 2 get in. */
static bool opens(void)
{
    struct keys_store *s = NULL;
    char problem[KEYS_STORE_PROBLEM] = "";
    if (keys_store_read(t.path, &s, problem) != ERR_OK) {
        assert_non_null(strstr(problem, t.path));          /* it says which file ... */
        assert_true(strlen(problem) > strlen(t.path) + 5); /* ... and what about it */
        return false;
    }
    uint8_t key[KEYS_STORE_KEY];
    bool in = true;
    for (uint8_t i = 1; i <= 2 && in; i++)
        in = keys_store_officer_key(s, i, span_text(stores_passphrase[i - 1]), key) == ERR_OK &&
             keys_store_prove(s, i, key) == ERR_OK;
    in = in && keys_store_open(s) == ERR_OK;
    keys_store_destroy(s);
    return in;
}

static void no_changed_byte_passes(void **state)
{
    (void)state;
    stores_write(&t, 2, 3);
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
    stores_write(&t, 2, 3);
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
    stores_write(&t, 2, 2);
    assert_int_equal(chmod(t.path, 0640), 0);
    assert_int_equal(keys_store_read(t.path, &s, problem), ERR_CONFIG);
    assert_non_null(strstr(problem, "chmod 600"));
    assert_int_equal(keys_store_read(t.folder, &s, problem), ERR_CONFIG);
    assert_int_equal(keys_store_read("/nonexistent/store", &s, problem), ERR_CONFIG);
    assert_non_null(strstr(problem, "No such file"));
    assert_null(s);
}

/* A writing that fails leaves the old file. */
static void writing_is_all_or_nothing(void **state)
{
    (void)state;
    char problem[KEYS_STORE_PROBLEM] = "", temporary[80];
    stores_write(&t, 2, 2);
    size_t len = load_image();
    struct keys_store *s = stores_open(&t, 1, 2);
    (void)snprintf(temporary, sizeof temporary, "%s.new", t.path);
    assert_int_equal(mkdir(temporary, 0700), 0);
    assert_int_equal(keys_store_write(s, t.path, &t.env, problem), ERR_CONFIG);
    assert_int_equal(rmdir(temporary), 0);
    /* A disk that is full after any number of bytes. */
    struct rlimit before_limit, limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before_limit), 0);
    (void)signal(SIGXFSZ, SIG_IGN);
    for (size_t room = 0; room < len; room += 97) {
        limit = before_limit;
        limit.rlim_cur = room;
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
        enum err err = keys_store_write(s, t.path, &t.env, problem);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &before_limit), 0);
        assert_int_equal(err, ERR_CONFIG);
        assert_non_null(strstr(problem, "File too large"));
        assert_int_equal(access(temporary, F_OK), -1);
    }
    assert_true(image_stands(len));
    assert_int_equal(keys_store_write(s, t.path, &t.env, problem), ERR_OK);
    assert_int_equal(access(temporary, F_OK), -1);
    keys_store_destroy(s);
    assert_true(opens());
}

/* Two ceremonies on one store: the second must not undo the first. */
static void no_change_is_lost(void **state)
{
    (void)state;
    char problem[KEYS_STORE_PROBLEM] = "", temporary[80];
    stores_write(&t, 2, 2);
    struct keys_store *first = stores_open(&t, 1, 2), *second = stores_open(&t, 1, 2);
    assert_int_equal(keys_store_delete(first, 1, false), ERR_OK);
    assert_int_equal(keys_store_make_old(second, 1), ERR_OK);
    (void)snprintf(temporary, sizeof temporary, "%s.new", t.path);
    int fd = open(temporary, O_WRONLY | O_CREAT, 0600);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    assert_int_equal(keys_store_write(first, t.path, &t.env, problem), ERR_CONFIG);
    assert_non_null(strstr(problem, "somebody else is changing it"));
    close(fd);
    assert_int_equal(keys_store_write(first, t.path, &t.env, problem), ERR_OK);
    assert_int_equal(keys_store_write(second, t.path, &t.env, problem), ERR_CONFIG);
    assert_non_null(strstr(problem, "meanwhile"));
    assert_int_equal(keys_store_write(first, t.path, &t.env, problem), ERR_OK);
    keys_store_destroy(second);
    second = stores_read(&t);
    assert_int_equal(keys_store_facts(second).generation, 3);
    assert_int_equal(keys_store_facts(second).lmks, 2);
    keys_store_destroy(second);
    unlink(t.path);
    assert_int_equal(keys_store_write(first, t.path, &t.env, problem), ERR_CONFIG);
    keys_store_destroy(first);
    assert_int_equal(access(temporary, F_OK), -1);
}

static void erased(void **state)
{
    (void)state;
    char problem[KEYS_STORE_PROBLEM] = "", other[80];
    stores_write(&t, 2, 2);
    size_t len = load_image();
    (void)snprintf(other, sizeof other, "%s.link", t.path);
    assert_int_equal(link(t.path, other), 0); /* to see what was written over */
    assert_int_equal(keys_store_erase(t.path, &t.env, problem), ERR_OK);
    assert_int_equal(access(t.path, F_OK), -1);
    uint8_t before[IMAGE_MAX];
    memcpy(before, image, len);
    assert_int_equal(rename(other, t.path), 0);
    assert_int_equal(load_image(), len);
    for (size_t at = 0; at + 16 <= len; at += 16)
        assert_memory_not_equal(before + at, image + at, 16);
    unlink(t.path);
    assert_int_equal(keys_store_erase(t.path, &t.env, problem), ERR_CONFIG);
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
        cmocka_unit_test(no_changed_byte_passes),
        cmocka_unit_test(no_other_length_passes),
        cmocka_unit_test(files_that_are_refused),
        cmocka_unit_test(writing_is_all_or_nothing),
        cmocka_unit_test(erased),
        cmocka_unit_test(no_change_is_lost),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
