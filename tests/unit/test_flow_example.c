/* SPDX-License-Identifier: Apache-2.0 */
/* The example of flow/flow.h, complete: one stage asks someone outside, the next one answers, the last one lets late answers in. */
#include "flow/flow.h"

#include "support/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { ASK, ANSWER, LEAVE };
enum { ITEMS = 4 };

struct request {
    struct flow_item item;
    const char *said;
};

struct service {
    struct flow *flow;
    uint64_t asked[ITEMS]; /* tickets of questions that nobody has answered yet */
    size_t asked_count;
    const char *said[ITEMS]; /* what clients were told, in order */
    size_t said_count;
};

static void question_send(struct service *s, uint64_t ticket)
{
    s->asked[s->asked_count++] = ticket;
}

static void reply(struct service *s, const struct flow_item *item, const char *text)
{
    (void)item;
    s->said[s->said_count++] = text;
}

static void ask(void *context, struct flow_item *const *item, size_t count)
{
    struct service *s = context;
    for (size_t i = 0; i < count; i++) {
        flow_await(item[i]);
        question_send(s, flow_ticket(item[i], 0));
        flow_wait(item[i], flow_now_us(s->flow) + 500000);
    }
}

static void answer(void *context, struct flow_item *const *item, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        reply(context, item[i], item[i]->expired ? "no answer" : "here it is");
        if (item[i]->awaited > 0)
            flow_wait_at(item[i], LEAVE, 0); /* the answer still comes; it finds the item in its place */
        else
            flow_done(item[i]);
    }
}

static void leave(void *context, struct flow_item *const *item, size_t count)
{
    (void)context;
    for (size_t i = 0; i < count; i++)
        flow_done(item[i]);
}

static void release(void *context, struct flow_item *item)
{
    (void)context;
    ((struct request *)(void *)item)->said = NULL;
}

static const struct flow_stage stages[] = {
    {.name = "ask", .run = ask}, {.name = "answer", .run = answer}, {.name = "leave", .run = leave}};

/* What the client of the HSM does with an answer. */
static void answered(struct service *s, uint64_t ticket)
{
    uint8_t part = 0;
    struct flow_item *item = flow_find(s->flow, ticket, &part);
    if (item)
        flow_arrive(s->flow, item);
}

static void one_answer_in_time_and_one_late(void **state)
{
    (void)state;
    struct rng_world world = {.monotonic_us = 1000};
    struct env env = rng_env_over(&world);
    struct request request[ITEMS] = {0};
    struct service s = {0};
    const struct flow_config config = {.name = "example",
                                       .env = &env,
                                       .stage = stages,
                                       .stages = 3,
                                       .items = request,
                                       .size = sizeof request[0],
                                       .count = ITEMS,
                                       .release = release,
                                       .context = &s};
    assert_int_equal(flow_create(&config, &s.flow), ERR_OK);
    flow_enter(s.flow, flow_take(s.flow), ASK, FLOW_PATH_ALL);
    flow_enter(s.flow, flow_take(s.flow), ASK, FLOW_PATH_ALL);
    assert_int_equal(flow_turn(s.flow), 501000);
    assert_int_equal(s.asked_count, 2);
    answered(&s, s.asked[1]);
    (void)flow_turn(s.flow);
    assert_int_equal(s.said_count, 1);
    assert_string_equal(s.said[0], "here it is");
    world.monotonic_us = 501000;
    assert_true(flow_turn(s.flow) == FLOW_NEVER_US);
    assert_string_equal(s.said[1], "no answer");
    assert_int_equal(flow_busy(s.flow), 1);
    answered(&s, s.asked[0]);
    answered(&s, s.asked[1]); /* of an item that is gone: finds nothing */
    (void)flow_turn(s.flow);
    assert_int_equal(flow_busy(s.flow), 0);
    flow_destroy(s.flow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(one_answer_in_time_and_one_late)};
    return cmocka_run_group_tests_name("flow example", tests, NULL, NULL);
}
