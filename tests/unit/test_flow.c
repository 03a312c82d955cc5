/* SPDX-License-Identifier: Apache-2.0 */
/* The engine of the services: every verdict, deadlines, tickets, batches, sources, metrics, broken contracts. */
#include "flow/flow.h"

#include "support/rng.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { STAGES = 4, ITEMS = 600 };

struct thing {
    struct flow_item item;
    uint32_t number;
    unsigned visits;
};

struct bench {
    struct rng_world world;
    struct env env;
    struct flow *flow;
    struct thing thing[ITEMS];
    void (*rule)(struct bench *b, unsigned stage, struct flow_item *item);
    size_t batch[64]; /* sizes, in order of the calls */
    size_t batches;
    char trace[512];
    unsigned released;
    unsigned source_calls;
    int64_t source_next_us;
};

static struct thing *thing_of(struct flow_item *item)
{
    return (struct thing *)(void *)item;
}

static void run(struct bench *b, unsigned stage, struct flow_item *const *item, size_t count)
{
    if (b->batches < sizeof b->batch / sizeof b->batch[0])
        b->batch[b->batches++] = count;
    for (size_t i = 0; i < count; i++) {
        char text[16];
        snprintf(text, sizeof text, "%u%c ", thing_of(item[i])->number, "abcd"[stage]);
        if (strlen(b->trace) + strlen(text) < sizeof b->trace)
            memcpy(b->trace + strlen(b->trace), text, strlen(text) + 1);
        thing_of(item[i])->visits++;
        b->rule(b, stage, item[i]);
    }
}

static void run_a(void *context, struct flow_item *const *item, size_t count)
{
    run(context, 0, item, count);
}
static void run_b(void *context, struct flow_item *const *item, size_t count)
{
    run(context, 1, item, count);
}
static void run_c(void *context, struct flow_item *const *item, size_t count)
{
    run(context, 2, item, count);
}
static void run_d(void *context, struct flow_item *const *item, size_t count)
{
    run(context, 3, item, count);
}
static const struct flow_stage stages[STAGES] = {{.name = "a", .run = run_a, .batch = 100},
                                                 {.name = "b", .run = run_b},
                                                 {.name = "c", .run = run_c},
                                                 {.name = "d", .run = run_d}};

static void release(void *context, struct flow_item *item)
{
    struct bench *b = context;
    (void)item;
    b->released++;
}

static int64_t source(void *context, int64_t now_us)
{
    struct bench *b = context;
    (void)now_us;
    b->source_calls++;
    return b->source_next_us;
}
static const struct flow_source sources[] = {{.name = "world", .turn = source, .after = true}};

static void begin(struct bench *b, size_t count, void (*rule)(struct bench *b, unsigned stage, struct flow_item *item))
{
    memset(b, 0, sizeof *b);
    b->world.monotonic_us = 1000;
    b->env = rng_env_over(&b->world);
    b->rule = rule;
    b->source_next_us = FLOW_NEVER_US;
    const struct flow_config config = {.name = "bench",
                                       .env = &b->env,
                                       .stage = stages,
                                       .stages = STAGES,
                                       .source = sources,
                                       .sources = 1,
                                       .items = b->thing,
                                       .size = sizeof b->thing[0],
                                       .count = count,
                                       .release = release,
                                       .context = b};
    assert_int_equal(flow_create(&config, &b->flow), ERR_OK);
}

static struct flow_item *enter(struct bench *b, uint32_t number, uint32_t path)
{
    struct flow_item *item = flow_take(b->flow);
    assert_non_null(item);
    thing_of(item)->number = number;
    flow_enter(b->flow, item, 0, path);
    return item;
}

static struct bench bench;

/* ---- verdicts ---- */

static void straight(struct bench *b, unsigned stage, struct flow_item *item)
{
    (void)b;
    if (stage == 3)
        flow_done(item);
    else
        flow_next(item);
}

static void items_pass_in_batches_and_in_order(void **state)
{
    (void)state;
    begin(&bench, 8, straight);
    for (uint32_t i = 0; i < 3; i++)
        enter(&bench, i, FLOW_PATH_ALL);
    assert_true(flow_turn(bench.flow) == FLOW_NEVER_US);
    assert_string_equal(bench.trace, "0a 1a 2a 0b 1b 2b 0c 1c 2c 0d 1d 2d ");
    assert_int_equal(bench.batches, 4);
    assert_int_equal(bench.released, 3);
    assert_int_equal(flow_busy(bench.flow), 0);
    flow_destroy(bench.flow);
}

static void a_path_leaves_stages_out(void **state)
{
    (void)state;
    begin(&bench, 8, straight);
    enter(&bench, 7, 1u << 1 | 1u << 3);
    (void)flow_turn(bench.flow);
    assert_string_equal(bench.trace, "7b 7d ");
    flow_destroy(bench.flow);
}

static void a_batch_has_its_bound(void **state)
{
    (void)state;
    begin(&bench, ITEMS, straight);
    for (uint32_t i = 0; i < 250; i++)
        enter(&bench, i, FLOW_PATH_ALL);
    (void)flow_turn(bench.flow);
    const size_t expected[] = {100, 100, 50, 250, 250, 250};
    assert_int_equal(bench.batches, 6);
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(bench.batch[i], expected[i]);
    flow_destroy(bench.flow);
}

static void back_once(struct bench *b, unsigned stage, struct flow_item *item)
{
    if (stage == 2 && thing_of(item)->visits < 4)
        flow_to(item, 1);
    else
        straight(b, stage, item);
}

static void an_item_goes_back_to_a_stage(void **state)
{
    (void)state;
    begin(&bench, 4, back_once);
    enter(&bench, 5, FLOW_PATH_ALL);
    (void)flow_turn(bench.flow);
    assert_string_equal(bench.trace, "5a 5b 5c 5b 5c 5d ");
    flow_destroy(bench.flow);
}

static void for_ever(struct bench *b, unsigned stage, struct flow_item *item)
{
    (void)b;
    if (stage == 2)
        flow_to(item, 1);
    else
        flow_next(item);
}

/* An item that never rests does not hold the loop: the turn ends and asks for the next one at once. */
static void a_turn_ends_although_items_run_on(void **state)
{
    (void)state;
    begin(&bench, 4, for_ever);
    enter(&bench, 1, FLOW_PATH_ALL);
    assert_int_equal(flow_turn(bench.flow), 1000);
    assert_in_range(thing_of(&bench.thing[0].item)->visits, FLOW_ROUNDS, 3 * FLOW_ROUNDS);
    flow_destroy(bench.flow);
}

static void slow(struct bench *b, unsigned stage, struct flow_item *item)
{
    b->world.monotonic_us += 40;
    straight(b, stage, item);
}

/* 250 items of 160 us each are 40 ms of work. */
static void a_turn_ends_when_its_time_is_over(void **state)
{
    (void)state;
    begin(&bench, ITEMS, slow);
    for (uint32_t i = 0; i < 250; i++)
        enter(&bench, i, FLOW_PATH_ALL);
    for (unsigned turns = 0; flow_busy(bench.flow) > 0; turns++) {
        int64_t began_us = bench.world.monotonic_us;
        int64_t next_us = flow_turn(bench.flow);
        assert_true(bench.world.monotonic_us - began_us <= FLOW_TURN_US + 250 * 40);
        assert_true(flow_busy(bench.flow) == 0 || next_us <= bench.world.monotonic_us);
        assert_true(turns < 20 && (turns > 2 || flow_busy(bench.flow) > 0));
    }
    flow_destroy(bench.flow);
}

/* ---- waiting ---- */

static void two_answers(struct bench *b, unsigned stage, struct flow_item *item)
{
    if (stage == 1) {
        flow_await(item);
        flow_await(item);
        flow_wait(item, flow_now_us(b->flow) + 100);
    } else {
        straight(b, stage, item);
    }
}

static void an_item_waits_for_all_that_it_announced(void **state)
{
    (void)state;
    begin(&bench, 4, two_answers);
    struct flow_item *item = enter(&bench, 1, FLOW_PATH_ALL);
    assert_int_equal(flow_turn(bench.flow), 1100);
    assert_false(flow_arrive(bench.flow, item));
    assert_int_equal(flow_turn(bench.flow), 1100);
    assert_string_equal(bench.trace, "1a 1b ");
    assert_true(flow_arrive(bench.flow, item));
    (void)flow_turn(bench.flow);
    assert_string_equal(bench.trace, "1a 1b 1c 1d ");
    flow_destroy(bench.flow);
}

static void at_once(struct bench *b, unsigned stage, struct flow_item *item)
{
    if (stage == 1) {
        flow_await(item);
        assert_true(flow_arrive(b->flow, item)); /* the store answered within the call */
        flow_wait(item, flow_now_us(b->flow) + 100);
    } else {
        straight(b, stage, item);
    }
}

static void an_answer_within_the_stage_is_not_lost(void **state)
{
    (void)state;
    begin(&bench, 4, at_once);
    enter(&bench, 1, FLOW_PATH_ALL);
    assert_true(flow_turn(bench.flow) == FLOW_NEVER_US);
    assert_string_equal(bench.trace, "1a 1b 1c 1d ");
    assert_false(bench.thing[0].item.expired);
    flow_destroy(bench.flow);
}

static void until_late(struct bench *b, unsigned stage, struct flow_item *item)
{
    if (stage == 1)
        two_answers(b, stage, item);
    else if (stage == 2) {
        assert_true(item->expired);
        assert_int_equal(item->awaited, 2);
        flow_wait_at(item, 3, 0);
    } else {
        assert_false(stage == 3 && item->expired);
        straight(b, stage, item);
    }
}

static void a_deadline_passes_and_late_answers_find_the_item(void **state)
{
    (void)state;
    begin(&bench, 4, until_late);
    struct flow_item *item = enter(&bench, 1, FLOW_PATH_ALL);
    uint64_t ticket = flow_ticket(item, 9);
    uint8_t part = 0;
    (void)flow_turn(bench.flow);
    bench.world.monotonic_us = 1099;
    (void)flow_turn(bench.flow);
    assert_string_equal(bench.trace, "1a 1b ");
    bench.world.monotonic_us = 1100;
    assert_true(flow_turn(bench.flow) == FLOW_NEVER_US);
    assert_string_equal(bench.trace, "1a 1b 1c ");
    assert_ptr_equal(flow_find(bench.flow, ticket, &part), item);
    assert_int_equal(part, 9);
    flow_arrive(bench.flow, item);
    flow_arrive(bench.flow, item);
    (void)flow_turn(bench.flow);
    assert_string_equal(bench.trace, "1a 1b 1c 1d ");
    assert_null(flow_find(bench.flow, ticket, &part));
    flow_destroy(bench.flow);
}

static void pause_or_rest(struct bench *b, unsigned stage, struct flow_item *item)
{
    if (stage == 0)
        flow_wait(item, thing_of(item)->number == 0 ? 0 : flow_now_us(b->flow) + thing_of(item)->number);
    else
        straight(b, stage, item);
}

static void pauses_end_in_the_order_of_their_deadlines(void **state)
{
    (void)state;
    static const uint32_t order[] = {50, 10, 40, 20, 30, 60, 5};
    begin(&bench, 16, pause_or_rest);
    for (size_t i = 0; i < 7; i++)
        enter(&bench, order[i], FLOW_PATH_ALL);
    assert_int_equal(flow_turn(bench.flow), 1005);
    bench.trace[0] = 0;
    bench.world.monotonic_us = 1045;
    assert_int_equal(flow_turn(bench.flow), 1050);
    assert_non_null(strstr(bench.trace, "5b 10b 20b 30b 40b "));
    flow_destroy(bench.flow);
}

static void an_item_rests_until_it_is_resumed(void **state)
{
    (void)state;
    begin(&bench, 4, pause_or_rest);
    struct flow_item *item = enter(&bench, 0, FLOW_PATH_ALL);
    assert_true(flow_turn(bench.flow) == FLOW_NEVER_US);
    bench.world.monotonic_us += 1000000000;
    (void)flow_turn(bench.flow);
    assert_string_equal(bench.trace, "0a ");
    flow_resume(bench.flow, item);
    (void)flow_turn(bench.flow);
    assert_string_equal(bench.trace, "0a 0b 0c 0d ");
    flow_destroy(bench.flow);
}

/* ---- the pool, sources, metrics ---- */

static void the_pool_has_its_bound(void **state)
{
    (void)state;
    begin(&bench, 2, straight);
    struct flow_item *a = flow_take(bench.flow);
    struct flow_item *b = flow_take(bench.flow);
    assert_non_null(a);
    assert_non_null(b);
    assert_null(flow_take(bench.flow));
    uint64_t ticket = flow_ticket(b, 0);
    uint8_t part;
    flow_give_back(bench.flow, b);
    assert_null(flow_find(bench.flow, ticket, &part));
    assert_ptr_equal(flow_take(bench.flow), b);
    assert_null(flow_find(bench.flow, ticket, &part)); /* another generation */
    assert_null(flow_find(bench.flow, UINT64_MAX, &part));
    assert_int_equal(flow_busy(bench.flow), 2);
    flow_destroy(bench.flow);
}

static void sources_are_called_before_and_after(void **state)
{
    (void)state;
    begin(&bench, 4, straight);
    bench.source_next_us = 7777;
    assert_int_equal(flow_turn(bench.flow), 7777);
    assert_int_equal(bench.source_calls, 2);
    enter(&bench, 1, FLOW_PATH_ALL);
    (void)flow_turn(bench.flow);
    assert_int_equal(bench.source_calls, 5); /* a second round, because something moved */
    flow_destroy(bench.flow);
}

static void metrics_come_from_the_rows(void **state)
{
    (void)state;
    static char room[8192];
    struct buf out = buf_over(room, sizeof room - 1);
    begin(&bench, 8, straight);
    for (uint32_t i = 0; i < 3; i++)
        enter(&bench, i, FLOW_PATH_ALL);
    bench.world.monotonic_us += 10;
    (void)flow_turn(bench.flow);
    enter(&bench, 3, FLOW_PATH_ALL);
    flow_metrics(bench.flow, &out);
    const char *text = buf_text(&out);
    assert_non_null(strstr(text, "# TYPE flow_items_total counter\n"));
    assert_non_null(strstr(text, "flow_items_total{flow=\"bench\",stage=\"a\"} 3\n"));
    assert_non_null(strstr(text, "flow_batches_total{flow=\"bench\",stage=\"d\"} 1\n"));
    assert_non_null(strstr(text, "flow_wait_microseconds_total{flow=\"bench\",stage=\"a\"} 30\n"));
    assert_non_null(strstr(text, "flow_batch_largest{flow=\"bench\",stage=\"b\"} 3\n"));
    assert_non_null(strstr(text, "flow_queued{flow=\"bench\",stage=\"a\"} 1\n"));
    assert_non_null(strstr(text, "flow_busy{flow=\"bench\"} 1\n"));
    flow_destroy(bench.flow);
}

/* Between two turns the loop may sleep for long. What enters then has not waited since the last turn. */
static void waiting_begins_when_an_item_enters(void **state)
{
    (void)state;
    begin(&bench, 8, straight);
    (void)flow_turn(bench.flow);
    bench.world.monotonic_us += 5000000;
    enter(&bench, 0, FLOW_PATH_ALL);
    bench.world.monotonic_us += 7;
    (void)flow_turn(bench.flow);
    assert_int_equal(flow_counts(bench.flow, 0).wait_us, 7);
    assert_int_equal(flow_counts(bench.flow, 1).wait_us, 0);
    flow_destroy(bench.flow);
}

/* ---- our own bugs are caught ---- */

static void silent(struct bench *b, unsigned stage, struct flow_item *item)
{
    (void)b, (void)stage, (void)item;
}
static void twice(struct bench *b, unsigned stage, struct flow_item *item)
{
    (void)b, (void)stage;
    flow_next(item);
    flow_next(item);
}
static void too_early(struct bench *b, unsigned stage, struct flow_item *item)
{
    (void)b, (void)stage;
    flow_await(item);
    flow_done(item);
}

static bool dies(void (*rule)(struct bench *b, unsigned stage, struct flow_item *item))
{
    pid_t child = fork();
    if (child == 0) {
        (void)!freopen("/dev/null", "w", stderr);
        begin(&bench, 4, rule);
        enter(&bench, 1, FLOW_PATH_ALL);
        (void)flow_turn(bench.flow);
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void a_stage_that_breaks_the_contract_ends_the_process(void **state)
{
    (void)state;
    assert_false(dies(straight));
    assert_true(dies(silent));
    assert_true(dies(twice));
    assert_true(dies(too_early));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_pass_in_batches_and_in_order),
        cmocka_unit_test(a_path_leaves_stages_out),
        cmocka_unit_test(a_batch_has_its_bound),
        cmocka_unit_test(an_item_goes_back_to_a_stage),
        cmocka_unit_test(a_turn_ends_although_items_run_on),
        cmocka_unit_test(a_turn_ends_when_its_time_is_over),
        cmocka_unit_test(an_item_waits_for_all_that_it_announced),
        cmocka_unit_test(an_answer_within_the_stage_is_not_lost),
        cmocka_unit_test(a_deadline_passes_and_late_answers_find_the_item),
        cmocka_unit_test(pauses_end_in_the_order_of_their_deadlines),
        cmocka_unit_test(an_item_rests_until_it_is_resumed),
        cmocka_unit_test(the_pool_has_its_bound),
        cmocka_unit_test(sources_are_called_before_and_after),
        cmocka_unit_test(metrics_come_from_the_rows),
        cmocka_unit_test(waiting_begins_when_an_item_enters),
        cmocka_unit_test(a_stage_that_breaks_the_contract_ends_the_process),
    };
    return cmocka_run_group_tests_name("flow", tests, NULL, NULL);
}
