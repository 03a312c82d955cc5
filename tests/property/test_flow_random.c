/* SPDX-License-Identifier: Apache-2.0 */
/* The engine of the services under a seeded run: random verdicts, answers in any order, late ones among them. */
#include "flow/flow.h"

#include "support/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { STAGES = 4, ITEMS = 64, STEPS = 60000, VISITS = 40 };

struct thing {
    struct flow_item item;
    unsigned visits;
};

struct bench {
    struct rng_world world;
    struct env env;
    struct flow *flow;
    struct thing thing[ITEMS];
    unsigned released;
};
static struct bench bench;

static struct thing *thing_of(struct flow_item *item)
{
    return (struct thing *)(void *)item;
}

static void release(void *context, struct flow_item *item)
{
    struct bench *b = context;
    (void)item;
    b->released++;
}

static uint32_t draw(struct bench *b, uint32_t bound)
{
    uint32_t value = 0;
    env_random(&b->env, &value, sizeof value);
    return value % bound;
}

/* Tickets of questions that are not answered yet. */
static uint64_t outside[ITEMS * 3 * (VISITS + 1)];
static size_t outside_count;

static void anything(struct bench *b, unsigned stage, struct flow_item *item)
{
    struct thing *t = thing_of(item);
    t->visits++;
    bool last = stage == STAGES - 1;
    if (item->awaited > 0 && (item->expired || last)) {
        flow_wait_at(item, STAGES - 1, 0);
        return;
    }
    switch (last || t->visits > VISITS ? 5u : draw(b, 5)) {
    case 0:
        flow_next(item);
        break;
    case 1:
        flow_to(item, draw(b, STAGES));
        break;
    case 2:
        flow_wait(item, flow_now_us(b->flow) + 1 + draw(b, 50));
        break;
    case 3:
    case 4: {
        uint32_t questions = 1 + draw(b, 3);
        for (uint32_t i = 0; i < questions && outside_count < sizeof outside / sizeof outside[0]; i++) {
            flow_await(item);
            outside[outside_count++] = flow_ticket(item, (uint8_t)i);
        }
        flow_wait(item, draw(b, 2) ? flow_now_us(b->flow) + 1 + draw(b, 40) : 0);
        break;
    }
    default:
        if (item->awaited > 0)
            flow_wait_at(item, STAGES - 1, 0);
        else
            flow_done(item);
    }
}

/* One of the questions outside is answered, in any order. Each names an item that still stands in its place. */
static void answer_one(struct bench *b)
{
    uint8_t part = 0;
    size_t at = draw(b, (uint32_t)outside_count);
    struct flow_item *item = flow_find(b->flow, outside[at], &part);
    assert_non_null(item);
    outside[at] = outside[--outside_count];
    flow_arrive(b->flow, item);
}

static void run_stage(struct bench *b, unsigned stage, struct flow_item *const *item, size_t count)
{
    for (size_t i = 0; i < count; i++)
        anything(b, stage, item[i]);
}

static void run_a(void *context, struct flow_item *const *item, size_t count)
{
    run_stage(context, 0, item, count);
}
static void run_b(void *context, struct flow_item *const *item, size_t count)
{
    run_stage(context, 1, item, count);
}
static void run_c(void *context, struct flow_item *const *item, size_t count)
{
    run_stage(context, 2, item, count);
}
static void run_d(void *context, struct flow_item *const *item, size_t count)
{
    run_stage(context, 3, item, count);
}
static const struct flow_stage stages[STAGES] = {
    {.name = "a", .run = run_a, .batch = 7}, {.name = "b", .run = run_b}, {.name = "c", .run = run_c}, {.name = "d", .run = run_d}};

static void begin(void)
{
    bench.world = (struct rng_world){.state = 20261130, .monotonic_us = 1000};
    bench.env = rng_env_over(&bench.world);
    const struct flow_config config = {.name = "bench",
                                       .env = &bench.env,
                                       .stage = stages,
                                       .stages = STAGES,
                                       .items = bench.thing,
                                       .size = sizeof bench.thing[0],
                                       .count = ITEMS,
                                       .release = release,
                                       .context = &bench};
    assert_int_equal(flow_create(&config, &bench.flow), ERR_OK);
}

static void every_item_ends_exactly_once(void **state)
{
    (void)state;
    unsigned entered = 0;
    unsigned waited_full = 0;
    begin();
    for (unsigned step = 0; step < STEPS || flow_busy(bench.flow) > 0; step++) {
        assert_true(step < 2 * STEPS);
        for (uint32_t wanted = step < STEPS ? draw(&bench, 12) : 0; wanted > 0; wanted--) {
            struct flow_item *item = flow_take(bench.flow);
            waited_full += !item;
            if (!item)
                break;
            *thing_of(item) = (struct thing){.item = *item};
            entered++;
            flow_enter(bench.flow, item, draw(&bench, 2), FLOW_PATH_ALL);
        }
        while (outside_count > 0 && draw(&bench, 3))
            answer_one(&bench);
        (void)flow_turn(bench.flow);
        bench.world.monotonic_us += draw(&bench, 20);
    }
    assert_int_equal(bench.released, entered);
    assert_int_equal(outside_count, 0);
    assert_true(waited_full > 100); /* the bound was met */
    flow_destroy(bench.flow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_item_ends_exactly_once)};
    return cmocka_run_group_tests_name("flow at random", tests, NULL, NULL);
}
