/* SPDX-License-Identifier: Apache-2.0 */
/* A descriptor that is not the loop's own makes it turn, also one that is closed and opened again behind its back. */
#include "net/net.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { PATIENCE_MS = 2000, SLEEP_MS = 200, RESTLESS = 20, WATCHES = 8 };

struct world {
    struct env env;
    struct net_loop *loop;
    struct net_watch *watch;
    int ends[2];
    int read_from; /* -1: the turn hook reads nothing */
    size_t got;
    size_t turns;
    bool over;
};

static int64_t on_turn(void *context)
{
    struct world *w = context;
    char byte;
    w->turns++;
    while (w->read_from >= 0 && read(w->read_from, &byte, 1) == 1)
        w->got++;
    return NET_NEVER_US;
}

static void on_patience(void *context)
{
    ((struct world *)context)->over = true;
}

static void open_pipe(struct world *w)
{
    assert_int_equal(pipe2(w->ends, O_NONBLOCK | O_CLOEXEC), 0);
    w->read_from = w->ends[0];
}

static void close_pipe(struct world *w)
{
    close(w->ends[0]);
    close(w->ends[1]);
    w->read_from = -1;
}

static int setup(void **state)
{
    static struct world world;
    world = (struct world){.env = env_system(NULL)};
    struct net_loop_config config = {.env = &world.env, .turn = on_turn, .context = &world};
    *state = &world;
    if (net_loop_create(&config, &world.loop) != ERR_OK || net_watch_create(world.loop, &world.watch) != ERR_OK)
        return -1;
    open_pipe(&world);
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    close_pipe(w);
    net_loop_destroy(w->loop);
    return 0;
}

static void write_byte(struct world *w)
{
    assert_int_equal(write(w->ends[1], "x", 1), 1);
}

/* Turns that happen without anything to wait for. */
static void settle(struct world *w)
{
    for (int i = 0; i < 4; i++)
        net_loop_turn(w->loop, false);
}

static void test_what_can_be_read_makes_a_turn(void **state)
{
    struct world *w = *state;
    assert_int_equal(net_loop_every(w->loop, PATIENCE_MS, PATIENCE_MS, on_patience, w), ERR_OK);
    net_watch_set(w->watch, w->ends[0], true, false);
    settle(w);
    assert_int_equal(w->got, 0);
    write_byte(w);
    while (w->got == 0 && !w->over)
        net_loop_turn(w->loop, true);
    assert_int_equal(w->got, 1);
    assert_false(w->over);
}

/* What is ready and stays so makes the loop turn again and again; otherwise it sleeps until a timer wakes it. */
static bool turns_at_once(struct world *w)
{
    settle(w);
    w->over = false;
    w->turns = 0;
    assert_int_equal(net_loop_every(w->loop, SLEEP_MS, 0, on_patience, w), ERR_OK);
    while (!w->over && w->turns < RESTLESS)
        net_loop_turn(w->loop, true);
    bool restless = !w->over;
    while (!w->over)
        net_loop_turn(w->loop, true);
    return restless;
}

static void test_what_can_be_written_makes_a_turn(void **state)
{
    struct world *w = *state;
    w->read_from = -1;
    net_watch_set(w->watch, w->ends[1], false, true);
    assert_true(turns_at_once(w));
    net_watch_set(w->watch, w->ends[1], true, false); /* not for that any more */
    assert_false(turns_at_once(w));
}

static void test_nothing_is_watched(void **state)
{
    struct world *w = *state;
    w->read_from = -1;
    net_watch_set(w->watch, w->ends[0], true, false);
    write_byte(w);
    assert_true(turns_at_once(w));
    net_watch_set(w->watch, -1, false, false);
    assert_false(turns_at_once(w));
    net_watch_set(w->watch, -1, false, false);
}

/* As a library does that goes from one address to the next: same number, other socket. */
static void test_a_descriptor_closed_behind_its_back(void **state)
{
    struct world *w = *state;
    for (int round = 0; round < 3; round++) {
        net_watch_set(w->watch, w->ends[0], true, false);
        settle(w);
        int before = w->ends[0];
        close_pipe(w);
        settle(w);
        open_pipe(w);
        assert_int_equal(w->ends[0], before);
        net_watch_set(w->watch, w->ends[0], true, false);
        w->got = 0;
        write_byte(w);
        for (int i = 0; i < 100 && w->got == 0; i++)
            net_loop_turn(w->loop, true);
        assert_int_equal(w->got, 1);
    }
}

static void test_a_descriptor_that_is_none(void **state)
{
    struct world *w = *state;
    net_watch_set(w->watch, 999, true, false); /* logged, nothing else */
    settle(w);
    net_watch_set(w->watch, w->ends[0], true, false);
    write_byte(w);
    settle(w);
    assert_int_equal(w->got, 1);
}

static void test_each_watch_has_its_descriptor(void **state)
{
    struct world *w = *state;
    struct net_watch *more[WATCHES];
    w->read_from = -1;
    for (int i = 1; i < WATCHES; i++)
        assert_int_equal(net_watch_create(w->loop, &more[i]), ERR_OK);
    assert_int_equal(net_watch_create(w->loop, &more[0]), ERR_BUSY);
    net_watch_set(w->watch, w->ends[1], false, true);
    net_watch_set(more[1], w->ends[0], true, false);
    net_watch_set(w->watch, -1, false, false);
    assert_false(turns_at_once(w));
    write_byte(w);
    assert_true(turns_at_once(w));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_can_be_read_makes_a_turn, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_can_be_written_makes_a_turn, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nothing_is_watched, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_descriptor_closed_behind_its_back, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_descriptor_that_is_none, setup, teardown),
        cmocka_unit_test_setup_teardown(test_each_watch_has_its_descriptor, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
