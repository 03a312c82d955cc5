/* SPDX-License-Identifier: Apache-2.0 */
/* The arena of secrets: what is taken never overlaps, what is given back is wiped and found again, outsiders cannot read it. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include "base/secret.h"
#include "base/secret_arena.h"
#include "support/rng.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SIZE = 1 << 20, HELD = 256, ROUNDS = 200000 };

static int open_arena(void **state)
{
    (void)state;
    return secret_arena_open(SIZE, true) == ERR_OK ? 0 : -1;
}

static int close_arena(void **state)
{
    (void)state;
    secret_arena_close();
    return 0;
}

static bool all_are(const uint8_t *at, size_t len, uint8_t value)
{
    for (size_t i = 0; i < len; i++)
        if (at[i] != value)
            return false;
    return true;
}

struct held {
    uint8_t *at;
    size_t len;
    uint8_t mark;
};

static void turn(struct held *h, uint8_t mark, size_t len)
{
    if (h->at) {
        assert_true(all_are(h->at, h->len, h->mark));
        secret_arena_give(h->at);
        *h = (struct held){0};
        return;
    }
    uint8_t *at = secret_arena_take(len);
    if (!at)
        return;
    assert_int_equal((uintptr_t)at % 16, 0);
    assert_true(secret_arena_owns(at) && secret_arena_owns(at + len - 1));
    assert_true(all_are(at, len, 0));
    memset(at, mark, len);
    *h = (struct held){at, len, mark};
}

static void random_takers_never_meet(void **state)
{
    (void)state;
    static struct held held[HELD];
    struct env env = rng_env(20260);
    size_t refused = 0;
    for (int i = 0; i < ROUNDS; i++) {
        uint8_t draw[6];
        env.random_fill(env.context, draw, sizeof draw);
        size_t len = 1 + (draw[1] % 2 == 0 ? (size_t)draw[2] * draw[3] : (size_t)(draw[2] % 200));
        struct held *h = &held[draw[0] % HELD];
        bool wanted = !h->at;
        turn(h, (uint8_t)(draw[4] | 1), len);
        refused += wanted && !h->at;
    }
    assert_true(refused > 0 && refused == secret_arena_use().refused);
    for (size_t i = 0; i < HELD; i++)
        if (held[i].at)
            turn(&held[i], 0, 0);
    /* Everything joined again: one block of the whole arena is there, all of it zero. */
    assert_int_equal(secret_arena_use().taken, 0);
    uint8_t *whole = secret_arena_take(SIZE - 64);
    assert_non_null(whole);
    assert_true(all_are(whole, SIZE - 64, 0));
    secret_arena_give(whole);
}

static void resizing_keeps_and_wipes(void **state)
{
    (void)state;
    uint8_t *at = secret_arena_take(100), *after = secret_arena_take(16);
    memset(at, 7, 100);
    uint8_t *grown = secret_arena_resize(at, 5000);
    assert_true(grown && grown != at);
    assert_true(all_are(grown, 100, 7) && all_are(grown + 100, 4900, 0));
    assert_true(all_are(at + 16, 84, 0)); /* behind the links of the free block */
    assert_null(secret_arena_resize(grown, SIZE));
    assert_true(all_are(grown, 100, 7));
    uint8_t *shrunk = secret_arena_resize(grown, 50);
    assert_true(all_are(shrunk, 50, 7));
    secret_arena_give(shrunk);
    secret_arena_give(after);
    secret_arena_give(NULL);
    assert_int_equal(secret_arena_use().taken, 0);
}

static void pages_come_from_it(void **state)
{
    (void)state;
    struct secret_pages pages;
    assert_int_equal(secret_pages_create(10000, &pages), ERR_OK);
    assert_true(secret_arena_owns(pages.at));
    assert_int_equal((uintptr_t)pages.at % SECRET_PAGES_ALIGNMENT, 0);
    memset(pages.at, 1, pages.len);
    secret_pages_destroy(&pages);
    assert_int_equal(secret_pages_create(SIZE, &pages), ERR_MEMORY);
    assert_int_equal(secret_arena_use().taken, 0);
}

static void status_of_child(void (*body)(void *), void *at, int *status)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        for (int signum = 1; signum < 32; signum++)
            (void)signal(signum, SIG_DFL);
        body(at);
        _exit(0);
    }
    assert_int_equal(waitpid(child, status, 0), child);
}

static void write_there(void *at)
{
    *(volatile uint8_t *)at = 1;
}

static void guards_stop_who_runs_over(void **state)
{
    (void)state;
    int status = 0;
    uint8_t *last = secret_arena_take(SIZE - 64);
    assert_non_null(last);
    status_of_child(write_there, last + SIZE, &status);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
    secret_arena_give(last);
}

/* The kernel itself refuses to read secret memory for /proc/PID/mem, even to root. */
static void the_kernel_does_not_show_it(void **state)
{
    (void)state;
    if (secret_arena_kind() != SECRET_ARENA_SECRETMEM) {
        print_message("this kernel has no secret memory: the arena is %s\n",
                      secret_arena_kind() == SECRET_ARENA_LOCKED ? "locked" : "ordinary");
        return;
    }
    char seen[32], *at = secret_arena_take(sizeof seen);
    memset(at, 'k', sizeof seen);
    int fd = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, seen, sizeof seen, (off_t)(uintptr_t)&state), sizeof seen);
    assert_int_equal(pread(fd, seen, sizeof seen, (off_t)(uintptr_t)at), -1);
    close(fd);
    secret_arena_give(at);
}

static void without_secret_memory_it_is_locked(void **state)
{
    (void)state;
    assert_int_equal(secret_arena_open(SIZE, false), ERR_OK);
    assert_true(secret_arena_kind() == SECRET_ARENA_LOCKED || secret_arena_kind() == SECRET_ARENA_ORDINARY);
    void *at = secret_arena_take(1);
    assert_non_null(at);
    secret_arena_close();
    assert_int_equal(secret_arena_kind(), SECRET_ARENA_CLOSED);
    assert_null(secret_arena_take(1));
    assert_false(secret_arena_owns(at));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(random_takers_never_meet, open_arena, close_arena),
        cmocka_unit_test_setup_teardown(resizing_keeps_and_wipes, open_arena, close_arena),
        cmocka_unit_test_setup_teardown(pages_come_from_it, open_arena, close_arena),
        cmocka_unit_test_setup_teardown(guards_stop_who_runs_over, open_arena, close_arena),
        cmocka_unit_test_setup_teardown(the_kernel_does_not_show_it, open_arena, close_arena),
        cmocka_unit_test(without_secret_memory_it_is_locked),
    };
    return cmocka_run_group_tests_name("secret arena", tests, NULL, NULL);
}
