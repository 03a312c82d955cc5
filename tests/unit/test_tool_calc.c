/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of calc against the product's own functions: they agree for random inputs, and a difference does not pass. */
#include "cvv/cvv.h"
#include "keys/keys.h"
#include "tool/calc/calc.h"

#include "support/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { ROUNDS = 200 };

static struct env env;
static bool planted; /* the product computes another code */

enum err __real_cvv_generate(struct cvv_key *key, const struct card_pan *pan, const char *expiry, const char *service,
                             uint8_t digits, struct code_digits *out);
enum err __wrap_cvv_generate(struct cvv_key *key, const struct card_pan *pan, const char *expiry, const char *service,
                             uint8_t digits, struct code_digits *out);

enum err __wrap_cvv_generate(struct cvv_key *key, const struct card_pan *pan, const char *expiry, const char *service,
                             uint8_t digits, struct code_digits *out)
{
    TRY(__real_cvv_generate(key, pan, expiry, service, digits, out));
    if (planted)
        out->at[0] = out->at[0] == '0' ? '1' : '0';
    return ERR_OK;
}

/* Generated rows are valid one by one; these must be so together. */
static void make_fit(struct tool_calc *c)
{
    if (c->in.digits.present)
        WIRE_SET(c->in.digits, span_text("16"));
    if (c->in.time.present)
        WIRE_SET(c->in.time, span_text("2601312359"));
    if (c->in.twu.present)
        WIRE_SET(c->in.twu, span_text("18"));
    if (c->in.atc.present && c->in.unpredictable.present)
        WIRE_SET(c->in.atc, span_text("65535"));
    if (c->in.track.present)
        WIRE_SET(c->in.track, span_text("5413123556784804D09061019005997722553F"));
    if (c->in.track1.present)
        WIRE_SET(c->in.track1, span_text("B5413123556784804^SUPPLIED/NOT^09061019000990000000000000000000"));
    if (c->in.track.present)
        c->in.track1.present = false;
    bool track = c->in.track.present || c->in.track1.present;
    if (c->in.unpredictable.present && track)
        c->in.iv.present = false;
    if (c->in.unpredictable.present && !track)
        WIRE_SET(c->in.iv, span_text("CD76"));
    if (c->in.account.present)
        memcpy(c->in.account.at, c->in.account.at[2] % 2 ? "34" : "37", 2);
    if (c->in.block.present)
        c->in.block.len &= (uint16_t)~1u;
    if (c->in.type.present)
        WIRE_SET(c->in.type, span_text("402"));
    if (c->in.text.present)
        WIRE_SET(c->in.text, span_text("U9B4934384B19946B040CD702B4D58145"));
    if (c->in.scheme.present && strchr("TYZ", c->in.scheme.at[0]))
        WIRE_SET(c->in.scheme, span_text("U"));
}

/* Whether the steps agree with the product. */
static bool agrees(const struct tool_calc_algorithm *a)
{
    struct tool_calc *c = NULL;
    assert_int_equal(tool_calc_create(&c), ERR_OK);
    wire_generate(a->input, &env, &c->in);
    make_fit(c);
    keys_generate(&env, 16, &c->key);
    a->run(c);
    if (c->err != ERR_OK)
        fail_msg("%s: %s", a->name, err_row(c->err)->text);
    assert_true(c->count >= 3 && c->result[0] != 0);
    bool same = !c->differs;
    tool_calc_destroy(c);
    return same;
}

static void steps_and_product_agree(void **state)
{
    (void)state;
    planted = false;
    const struct tool_calc_algorithm *const lists[] = {tool_calc_codes, tool_calc_keys};
    for (size_t l = 0; l < 2; l++)
        for (const struct tool_calc_algorithm *a = lists[l]; a->name; a++)
            for (int i = 0; i < ROUNDS; i++)
                if (!agrees(a))
                    fail_msg("%s: steps and product differ", a->name);
}

static void a_difference_is_seen(void **state)
{
    (void)state;
    size_t seen = 0;
    planted = true;
    for (const struct tool_calc_algorithm *a = tool_calc_codes; a->name; a++)
        seen += !agrees(a);
    planted = false;
    assert_int_equal(seen, 7); /* cvv, cvv2, icvv, cavv, dcvv, otc, window */
}

static void the_first_error_sticks(void **state)
{
    (void)state;
    struct tool_calc *c = NULL;
    assert_int_equal(tool_calc_create(&c), ERR_OK);
    for (int i = 0; i < TOOL_CALC_STEPS + 5; i++)
        tool_calc_text(c, "1", "x", "", span_text("y"));
    assert_int_equal(c->err, ERR_MEMORY);
    assert_int_equal(c->count, TOOL_CALC_STEPS);
    tool_calc_agree(c, ERR_OK, "a", "b", 1);
    assert_false(c->differs);
    tool_calc_destroy(c);
}

static int start(void **state)
{
    (void)state;
    env = rng_env(11);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_and_product_agree),
        cmocka_unit_test(a_difference_is_seen),
        cmocka_unit_test(the_first_error_sticks),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
