/* SPDX-License-Identifier: Apache-2.0 */
/* The guessing limit (host-commands.md 10) against a plain model and at its bounds. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include "hostcmd/error.h"
#include "hsm/guard/guess.h"
#include "support/rng.h"

#include <stdio.h>
#include <string.h>

enum { DAY_MS = 86400000 };

static struct rng_world world;
static struct env env;
static char reached[HSM_GUESS_LABEL];
static unsigned reached_count;

static char told_of[80], told_client[80];
static int64_t told_failures;
static unsigned told_count;

static void on_told(void *context, enum log_level level, const char *event, const struct log_field *field, size_t count)
{
    (void)context;
    (void)level;
    (void)snprintf(told_of, sizeof told_of, "%s", event);
    told_count++;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(field[i].name, "card") == 0)
            (void)snprintf(reached, sizeof reached, "%s", field[i].text);
        if (strcmp(field[i].name, "client") == 0)
            (void)snprintf(told_client, sizeof told_client, "%s", field[i].text);
        if (strcmp(field[i].name, "failures") == 0)
            told_failures = field[i].number;
    }
    reached_count += strcmp(event, "hsm.guess_limit") == 0;
}

static struct hsm_guess_config config_of(uint32_t limit, uint32_t pans)
{
    struct hsm_guess_config config = {.limit = limit, .pans = pans, .memory = hsm_guess_memory(pans)};
    for (size_t i = 0; i < sizeof config.key; i++)
        config.key[i] = (uint8_t)i;
    return config;
}

static struct hsm_guess *fresh(uint32_t limit, uint32_t pans)
{
    struct hsm_guess *guess = NULL;
    const struct hsm_guess_config config = config_of(limit, pans);
    world = (struct rng_world){.state = 42, .monotonic_us = 5000};
    env = rng_env_over(&world);
    reached_count = told_count = 0;
    assert_int_equal(hsm_guess_create(&env, &config, (struct hsm_guess_hook){on_told, NULL}, &guess), ERR_OK);
    return guess;
}

static void pass_ms(int64_t ms)
{
    world.monotonic_us += ms * 1000;
}

static void name_of(unsigned card, char out[static 17])
{
    (void)snprintf(out, 17, "41234567%08u", card);
}

/* As a handler does: ERR_OK where the verdict may be told, else 39. */
static enum err ask(struct hsm_guess *guess, unsigned card, bool right)
{
    char pan[17];
    struct hsm_guess_item item = {0};
    name_of(card, pan);
    enum err err = hsm_guess_admit(guess, span_text(pan), &item);
    return err == ERR_OK ? hsm_guess_answer(guess, span_text(pan), &item, right ? VERDICT_MATCH : VERDICT_MISMATCH) : err;
}

static void expect(struct hsm_guess *guess, unsigned card, bool right, enum err wanted)
{
    enum err got = ask(guess, card, right);
    if (got != wanted)
        fail_msg("card %u: %s instead of %s", card, err_row(got)->host_code, err_row(wanted)->host_code);
}

static void fails(struct hsm_guess *guess, unsigned card, int times)
{
    for (int i = 0; i < times; i++)
        expect(guess, card, false, ERR_OK);
}

/* ---- the rules, one by one ---- */

static void test_limit(void **state)
{
    (void)state;
    struct hsm_guess *guess = fresh(3, 10);
    for (int i = 0; i < 3; i++) {
        assert_false(hsm_guess_exceeded(guess));
        expect(guess, 1, true, ERR_OK); /* takes nothing back */
        expect(guess, 1, false, ERR_OK);
        pass_ms(1000);
    }
    assert_true(hsm_guess_exceeded(guess));
    assert_int_equal(reached_count, 1);
    expect(guess, 1, true, HOSTCMD_ERR_FRAUD_DETECTION);
    expect(guess, 1, false, HOSTCMD_ERR_FRAUD_DETECTION);
    expect(guess, 2, true, ERR_OK);
    expect(guess, 2, false, ERR_OK);
    hsm_guess_destroy(guess);
}

static void test_sliding_day(void **state)
{
    (void)state;
    struct hsm_guess *guess = fresh(3, 10);
    for (int i = 0; i < 3; i++) {
        expect(guess, 1, false, ERR_OK);
        pass_ms(1000);
    }
    pass_ms(DAY_MS - 3000 - 1); /* the first is a millisecond short of a day old */
    expect(guess, 1, true, HOSTCMD_ERR_FRAUD_DETECTION);
    assert_true(hsm_guess_exceeded(guess));
    pass_ms(1);
    assert_false(hsm_guess_exceeded(guess));
    expect(guess, 1, true, ERR_OK);
    expect(guess, 1, false, ERR_OK); /* the second and third still count */
    expect(guess, 1, true, HOSTCMD_ERR_FRAUD_DETECTION);
    pass_ms(999);
    expect(guess, 1, true, HOSTCMD_ERR_FRAUD_DETECTION);
    pass_ms(1);
    expect(guess, 1, true, ERR_OK);
    pass_ms(60 * (int64_t)DAY_MS); /* longer than the low half of a time can tell */
    fails(guess, 1, 3);
    expect(guess, 1, false, HOSTCMD_ERR_FRAUD_DETECTION);
    hsm_guess_destroy(guess);
}

static void test_another_limit(void **state)
{
    (void)state;
    struct hsm_guess *guess = fresh(5, 10);
    for (int i = 0; i < 4; i++) {
        expect(guess, 1, false, ERR_OK);
        pass_ms(1000);
    }
    hsm_guess_limit_set(guess, 3);
    expect(guess, 1, true, HOSTCMD_ERR_FRAUD_DETECTION);
    pass_ms(DAY_MS - 4000); /* the first is past: three are left */
    expect(guess, 1, true, HOSTCMD_ERR_FRAUD_DETECTION);
    pass_ms(1000);
    expect(guess, 1, true, ERR_OK);
    expect(guess, 1, false, ERR_OK);
    expect(guess, 1, true, HOSTCMD_ERR_FRAUD_DETECTION);
    hsm_guess_limit_set(guess, 4);
    expect(guess, 1, true, ERR_OK);
    assert_false(hsm_guess_exceeded(guess));
    assert_int_equal(hsm_guess_limit(guess), 4);
    hsm_guess_destroy(guess);
}

static void assert_told(const char *event)
{
    assert_string_equal(told_of, event);
    assert_string_equal(told_client, "guesser");
}

/* The alarms name a client: of the failure that reaches the limit; with the most failures when the table is full or closed. */
static void test_alarms(void **state)
{
    (void)state;
    struct hsm_guess *guess = fresh(3, 4);
    hsm_guess_by(guess, "switch-1");
    fails(guess, 1, 2);
    assert_int_equal(told_count, 0);
    hsm_guess_by(guess, "guesser");
    expect(guess, 1, false, ERR_OK);
    assert_told("hsm.guess_limit");
    for (unsigned card = 2; card <= 5; card++)
        expect(guess, card, false, ERR_OK);
    assert_told("hsm.guess_full");
    assert_int_equal(told_failures, 4);
    hsm_guess_by(guess, "");
    for (unsigned card = 3; card <= 5; card++)
        expect(guess, card, false, ERR_OK);
    assert_true(hsm_guess_counters(guess).closed);
    hsm_guess_by(guess, "switch-1");
    expect(guess, 6, true, HOSTCMD_ERR_FRAUD_DETECTION);
    assert_told("hsm.guess_closed");
    unsigned before = told_count;
    expect(guess, 7, false, HOSTCMD_ERR_FRAUD_DETECTION);
    assert_int_equal(told_count, before); /* once a minute */
    pass_ms(60000);
    expect(guess, 7, true, HOSTCMD_ERR_FRAUD_DETECTION);
    assert_int_equal(told_count, before + 1);
    hsm_guess_destroy(guess);
}

/* HMAC-SHA-256 under the key 00 01 .. 1F, by Python's hmac. */
static void test_label(void **state)
{
    (void)state;
    struct hsm_guess *guess = fresh(3, 10);
    const struct span pan = span_text("4123456789012345");
    for (int i = 0; i < 3; i++) {
        struct hsm_guess_item item = {0};
        assert_int_equal(hsm_guess_answer(guess, pan, &item, VERDICT_MISMATCH), ERR_OK);
    }
    assert_string_equal(reached, "570C467CE5FA886C");
    hsm_guess_destroy(guess);
}

static void test_no_limit(void **state)
{
    (void)state;
    fails(NULL, 1, 100);
    expect(NULL, 1, true, ERR_OK);
    assert_false(hsm_guess_exceeded(NULL));
}

/* A batch admits all of its items before it answers the first: the limit holds all the same. */
static void test_batch(void **state)
{
    (void)state;
    enum { ITEMS = 50 };
    struct hsm_guess *guess = fresh(7, 10);
    struct hsm_guess_item item[ITEMS] = {0};
    const struct span pan = span_text("4123456789012345");
    for (size_t i = 0; i < ITEMS; i++)
        assert_int_equal(hsm_guess_admit(guess, pan, &item[i]), ERR_OK);
    for (size_t i = 0; i < ITEMS; i++)
        assert_int_equal(hsm_guess_answer(guess, pan, &item[i], i == ITEMS - 1 ? VERDICT_MATCH : VERDICT_MISMATCH),
                         i < 7 ? ERR_OK : HOSTCMD_ERR_FRAUD_DETECTION);
    hsm_guess_destroy(guess);
}

/* ---- bounds ---- */

static void test_memory(void **state)
{
    (void)state;
    struct hsm_guess *guess = NULL;
    struct hsm_guess_config config = config_of(3, 1000);
    config.memory--;
    assert_int_equal(hsm_guess_create(&env, &config, (struct hsm_guess_hook){0}, &guess), ERR_CONFIG);
    assert_null(guess);
}

/* With limit 6 a number with four failures is never dropped. Of the others those with few go first, and the oldest of them. */
static void test_few_failures_go_first(void **state)
{
    (void)state;
    struct hsm_guess *guess = fresh(6, 4);
    fails(guess, 1, 3);
    for (unsigned card = 2; card <= 4; card++) {
        pass_ms(10);
        expect(guess, card, false, ERR_OK);
    }
    assert_int_equal(hsm_guess_counters(guess).dropped, 0);
    expect(guess, 5, false, ERR_OK); /* in the place of card 2 */
    assert_int_equal(hsm_guess_counters(guess).dropped, 1);
    assert_int_equal(hsm_guess_counters(guess).pans, 4);
    fails(guess, 1, 3); /* still has its three */
    expect(guess, 1, true, HOSTCMD_ERR_FRAUD_DETECTION);
    fails(guess, 2, 5); /* comes back with its one */
    expect(guess, 2, true, HOSTCMD_ERR_FRAUD_DETECTION);
    hsm_guess_destroy(guess);
}

/* One guess at a card, the table filled with invented numbers of which each has more failures, and again. */
static void test_washing_out(void **state)
{
    (void)state;
    enum { LIMIT = 30, PANS = 64, TARGET = 7000000 };
    struct hsm_guess *guess = fresh(LIMIT, PANS);
    unsigned guesses = 0, invented = 0;
    for (unsigned round = 0; round < 100; round++) {
        guesses += ask(guess, TARGET, false) == ERR_OK;
        for (unsigned i = 0; i < 3 * PANS; i++, invented++) {
            (void)ask(guess, invented % 4096, false);
            (void)ask(guess, invented % 4096, false);
        }
        pass_ms(1000);
    }
    assert_true(hsm_guess_counters(guess).dropped > 1000);
    assert_true(guesses <= LIMIT && guesses >= LIMIT / 3);
    expect(guess, TARGET, true, HOSTCMD_ERR_FRAUD_DETECTION);
    hsm_guess_destroy(guess);
}

/* All that are here are near their limit: new numbers get 39 for right and wrong alike, those that are here go on. */
static void test_closed(void **state)
{
    (void)state;
    struct hsm_guess *guess = fresh(3, 4);
    for (unsigned card = 1; card <= 4; card++)
        fails(guess, card, 2);
    expect(guess, 5, true, HOSTCMD_ERR_FRAUD_DETECTION);
    expect(guess, 5, false, HOSTCMD_ERR_FRAUD_DETECTION);
    expect(guess, 1, true, ERR_OK);
    expect(guess, 1, false, ERR_OK);
    expect(guess, 1, true, HOSTCMD_ERR_FRAUD_DETECTION);
    assert_int_equal(hsm_guess_counters(guess).dropped, 0);
    pass_ms(DAY_MS);
    expect(guess, 5, true, ERR_OK);
    expect(guess, 5, false, ERR_OK);
    hsm_guess_destroy(guess);
}

/* One number under the highest limit takes the times of many. */
static void test_times_run_out(void **state)
{
    (void)state;
    enum { PANS = 3000 };
    struct hsm_guess *guess = fresh(HSM_GUESS_MOST, PANS);
    for (unsigned card = 0; card < PANS; card++)
        expect(guess, card, false, ERR_OK);
    assert_int_equal(hsm_guess_counters(guess).dropped, 0);
    for (unsigned i = 1; i < HSM_GUESS_MOST; i++) {
        expect(guess, PANS - 1, false, ERR_OK);
        pass_ms(1);
    }
    expect(guess, PANS - 1, true, HOSTCMD_ERR_FRAUD_DETECTION);
    struct hsm_guess_counters c = hsm_guess_counters(guess);
    /* 10,000 times stand in ceil(10,000 / 7) = 1,429 chunks, one of which it had. */
    assert_int_equal(c.dropped, 1428);
    assert_int_equal(c.pans, PANS - 1428);
    pass_ms(DAY_MS);
    assert_int_equal(hsm_guess_counters(guess).pans, 0);
    expect(guess, PANS - 1, true, ERR_OK);
    hsm_guess_destroy(guess);
}

/* ---- against a model ---- */

enum { CARDS = 24, STEPS = 60000, KEPT = 64 };

struct model {
    int64_t at_ms[KEPT]; /* oldest first */
    size_t count;
};

static int64_t model_now(void)
{
    return world.monotonic_us / 1000;
}

static void model_age(struct model *m)
{
    size_t gone = 0;
    while (gone < m->count && model_now() - m->at_ms[gone] >= DAY_MS)
        gone++;
    m->count -= gone;
    memmove(m->at_ms, m->at_ms + gone, m->count * sizeof m->at_ms[0]);
}

static enum err model_ask(struct model *model, unsigned card, bool right, uint32_t limit)
{
    struct model *mine = &model[card];
    for (size_t i = 0; i < CARDS; i++)
        model_age(&model[i]);
    if (mine->count >= limit)
        return HOSTCMD_ERR_FRAUD_DETECTION;
    if (right)
        return ERR_OK;
    mine->at_ms[mine->count++] = model_now();
    return ERR_OK;
}

static unsigned draw(unsigned bound)
{
    uint32_t value;
    env_random(&env, &value, sizeof value);
    return value % bound;
}

static void test_model(void **state)
{
    (void)state;
    static struct model model[CARDS];
    uint32_t limit = 12;
    struct hsm_guess *guess = fresh(limit, CARDS);
    size_t right_ones = 0, wrong_ones = 0, limited = 0;
    for (unsigned step = 0; step < STEPS; step++) {
        unsigned card = draw(10) < 7 ? draw(4) : draw(CARDS);
        bool right = draw(3) == 0;
        enum err wanted = model_ask(model, card, right, limit);
        expect(guess, card, right, wanted);
        right_ones += right && wanted == ERR_OK;
        wrong_ones += !right && wanted == ERR_OK;
        limited += wanted == HOSTCMD_ERR_FRAUD_DETECTION;
        bool any = false;
        for (size_t i = 0; i < CARDS; i++)
            any |= model[i].count >= limit;
        assert_int_equal(hsm_guess_exceeded(guess), any);
        pass_ms(1 + (draw(100) == 0 ? draw(DAY_MS / 2) : draw(1200000)));
        if (draw(500) == 0) {
            for (size_t i = 0; i < CARDS; i++)
                model_age(&model[i]);
            limit = 3 + draw(30);
            hsm_guess_limit_set(guess, limit);
        }
    }
    assert_true(right_ones > 1000 && wrong_ones > 1000 && limited > 1000);
    hsm_guess_destroy(guess);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_limit),         cmocka_unit_test(test_sliding_day),
        cmocka_unit_test(test_another_limit), cmocka_unit_test(test_label),
        cmocka_unit_test(test_no_limit),      cmocka_unit_test(test_batch),
        cmocka_unit_test(test_memory),        cmocka_unit_test(test_few_failures_go_first),
        cmocka_unit_test(test_washing_out),   cmocka_unit_test(test_closed),
        cmocka_unit_test(test_alarms),        cmocka_unit_test(test_times_run_out),
        cmocka_unit_test(test_model),

    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
