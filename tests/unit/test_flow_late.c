/* SPDX-License-Identifier: Apache-2.0 */
/* The engine of the services: answers that come late, to an item that already waits again, and what `expired` speaks of. */
#include "flow/flow.h"

#include "support/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { FIRST, SECOND, LAST, STAGES };

static struct bench {
    struct rng_world world;
    struct env env;
    struct flow *flow;
    struct flow_item item[2];
    void (*second)(struct flow_item *item);
    void (*last)(struct flow_item *item);
} bench;

/* The first item asks; each waits for 10 us. */
static void run_first(void *context, struct flow_item *const *item, size_t count)
{
    struct bench *b = context;
    for (size_t i = 0; i < count; i++) {
        if (item[i] == &b->item[0])
            flow_await(item[i]);
        flow_wait(item[i], flow_now_us(b->flow) + 10);
    }
}

static void run_second(void *context, struct flow_item *const *item, size_t count)
{
    struct bench *b = context;
    for (size_t i = 0; i < count; i++)
        b->second(item[i]);
}

static void run_last(void *context, struct flow_item *const *item, size_t count)
{
    struct bench *b = context;
    for (size_t i = 0; i < count; i++)
        b->last(item[i]);
}

static const struct flow_stage stages[STAGES] = {
    [FIRST] = {.name = "first", .run = run_first},
    [SECOND] = {.name = "second", .run = run_second},
    [LAST] = {.name = "last", .run = run_last},
};

static void release(void *context, struct flow_item *item)
{
    (void)context;
    (void)item;
}

/* Two items, of which both have waited until their deadline. */
static void run(void (*second)(struct flow_item *item), void (*last)(struct flow_item *item))
{
    bench = (struct bench){.world = {.monotonic_us = 1000}, .second = second, .last = last};
    bench.env = rng_env_over(&bench.world);
    const struct flow_config config = {.name = "late",
                                       .env = &bench.env,
                                       .stage = stages,
                                       .stages = STAGES,
                                       .items = bench.item,
                                       .size = sizeof bench.item[0],
                                       .count = 2,
                                       .release = release,
                                       .context = &bench};
    assert_int_equal(flow_create(&config, &bench.flow), ERR_OK);
    for (size_t i = 0; i < 2; i++)
        flow_enter(bench.flow, flow_take(bench.flow), FIRST, FLOW_PATH_ALL);
    flow_turn(bench.flow);
    bench.world.monotonic_us += 20;
    flow_turn(bench.flow);
    assert_int_equal(flow_busy(bench.flow), 0);
    flow_destroy(bench.flow);
}

/* The first waits for its late answer; the second brings it, within the same call. */
static void answer_from_a_neighbour(struct flow_item *item)
{
    assert_true(item->expired);
    if (item == &bench.item[0]) {
        assert_int_equal(item->awaited, 1);
        flow_wait(item, 0);
    } else {
        (void)flow_arrive(bench.flow, &bench.item[0]);
        flow_next(item);
    }
}

static void a_late_answer_within_the_stage_is_not_lost(void **state)
{
    (void)state;
    run(answer_from_a_neighbour, flow_done);
}

static void take_and_pass_on(struct flow_item *item)
{
    assert_true(item->expired);
    if (item->awaited > 0)
        (void)flow_arrive(bench.flow, item);
    flow_next(item);
}

static void not_expired(struct flow_item *item)
{
    assert_false(item->expired);
    flow_done(item);
}

static void a_deadline_is_told_to_one_stage(void **state)
{
    (void)state;
    run(take_and_pass_on, not_expired);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_late_answer_within_the_stage_is_not_lost),
        cmocka_unit_test(a_deadline_is_told_to_one_stage),
    };
    return cmocka_run_group_tests_name("flow, late answers", tests, NULL, NULL);
}
