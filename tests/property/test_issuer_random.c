/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random histories of one card: displays, cancellations, enrolment, suspension, and the switch's consuming and declining between
 * them, with commits that fail, race and vanish and an HSM that comes and goes. After each step the invariants of
 * issuer.md 11 that concern the issuer (I-1, I-2, I-5, I-12, I-14, I-16) are held against the row.
 */
#include "hostcmd/error.h"
#include "support/issuer_script.h"
#include "support/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { STEPS = 1500 };

static struct env dice;

static unsigned roll(unsigned sides)
{
    uint32_t random;
    env_random(&dice, &random, sizeof random);
    return random % sides;
}

/* Half of the steps go well; in the others something does not, or several things. */
static void roll_script(void)
{
    memset(&script, 0, sizeof script);
    if (roll(2) == 0)
        return;
    for (size_t i = 0; i < 6; i++) {
        script.writer[i] = roll(2) ? (enum outcome)roll(GONE + 1) : RUN;
        script.hsm[i] = roll(5) == 0 ? (enum err[]){ERR_TIMEOUT, ERR_FRAME, ERR_BUSY, HOSTCMD_ERR_UNAVAILABLE}[roll(4)] : ERR_OK;
        script.hsm_code[i] = roll(9) == 0 ? "41" : NULL;
    }
}

/* Displays most of all, and what makes them possible again. */
static const struct step {
    const char *method, *path, *body;
    unsigned weight;
    bool display;
} steps[] = {
    {"GET", "/cards/v/credentials", NULL, 16, true},
    {"GET", "/cards/v/dynamic-cvv2/status", NULL, 1, false},
    {"POST", "/cards/v/dynamic-cvv2/cancel", NULL, 2, false},
    {"DELETE", "/cards/v/dynamic-cvv2/enrolment", NULL, 1, false},
    {"PUT", "/cards/v/dynamic-cvv2/enrolment", NULL, 4, false},
    {"PATCH", "/cards/v", "{\"status\":\"suspended\"}", 1, false},
    {"PATCH", "/cards/v", "{\"status\":\"active\"}", 4, false},
    {"POST", "/cards/v/unlock", "{\"reason\":\"test\"}", 1, false},
};

static const struct step *roll_step(void)
{
    unsigned at = roll(30); /* the sum of the weights */
    const struct step *step = steps;
    for (; at >= step->weight; step++)
        at -= step->weight;
    return step;
}

/* What the switch does to an active code. */
static void switch_acts(struct bench *b)
{
    struct ledger_full_card card = world_card(&b->world, "v");
    struct ledger_code after = card.code;
    struct ledger_unit unit;
    enum ledger_code_event event = roll(2) ? LEDGER_EVENT_CONSUME : ledger_code_decline_event(&card.code, 3);
    struct ledger_code_change change = {.at = env_wall_ms(&b->world.env), .auth_id = "00000000-0000-7000-8000-000000000000"};
    if (!ledger_code_apply(&after, event, &change))
        return;
    arena_reset(&b->world.arena);
    ledger_unit_begin(&unit, 2, &b->world.arena);
    ledger_put_code(&unit, &card.code, &after, LEDGER_CONSUME);
    assert_int_equal(ledger_unit_run(&unit, b->world.store), ERR_OK);
}

static bool same_code(const struct ledger_code *a, const struct ledger_code *b)
{
    return a->version == b->version && a->issue_n == b->issue_n && a->state == b->state && a->declines == b->declines &&
           a->expires_at == b->expires_at && a->last_display_at == b->last_display_at;
}

static void check_display(const struct ledger_full_card *before, const struct ledger_full_card *after, const struct world_reply *r)
{
    const char *cvv = world_text(r, "cvv");
    if (r->status != 200) {
        assert_true(same_code(&before->code, &after->code)); /* I-14: a display that failed changed nothing */
        return;
    }
    assert_int_equal(before->card.status, LEDGER_CARD_ACTIVE);
    if (!before->card.enrolled) {
        assert_string_equal(cvv, "999");
        assert_int_equal(after->code.issue_n, before->code.issue_n);
        return;
    }
    assert_string_not_equal(cvv, "999"); /* what equals the printed code is skipped */
    char want[8];
    snprintf(want, sizeof want, "%03d", (int)(after->code.issue_n % 1000));
    assert_string_equal(cvv, want); /* the code shown is that of the counter committed */
    assert_true(after->code.issue_n > before->code.issue_n);
    assert_true(after->code.issue_n <= before->code.issue_n + 2); /* one may be skipped here: the printed code's */
    assert_int_equal(after->code.state, LEDGER_CODE_ACTIVE);
    assert_int_equal(after->code.declines, 0);
}

static void check_step(const struct step *step, const struct ledger_full_card *before, const struct ledger_full_card *after,
                       const struct world_reply *r)
{
    bool shown = step->display && r->status == 200;
    assert_true(r->status != 500 && r->status != 0);
    assert_true(shown == !!cJSON_GetObjectItem(r->json, "cvv")); /* I-16 */
    if (step->display)
        check_display(before, after, r);
    else
        assert_int_equal(after->code.issue_n, before->code.issue_n); /* I-2: displays alone move the counter */
    struct env clock = env_system(NULL);
    int64_t now = env_wall_ms(&clock);
    bool was = ledger_code_state_at(&before->code, now) == LEDGER_CODE_ACTIVE;
    bool is = ledger_code_state_at(&after->code, now) == LEDGER_CODE_ACTIVE;
    if (after->code.issue_n == before->code.issue_n && !was)
        assert_false(is); /* I-5 */
    if (r->status < 300 && (after->card.status != LEDGER_CARD_ACTIVE || !after->card.enrolled))
        assert_false(is); /* nothing active on a card that is not */
}

static void test_random_histories(void **state)
{
    (void)state;
    struct bench b;
    size_t shown = 0;
    size_t refused = 0;
    dice = rng_env(2026);
    bench_open(&b);
    world_issue(&b.world, "v", 900); /* the history passes 999, the printed code */
    for (int i = 0; i < STEPS; i++) {
        const struct step *step = roll_step();
        if (roll(4) == 0)
            switch_acts(&b);
        roll_script();
        struct ledger_full_card before = world_card(&b.world, "v");
        struct world_reply *r = bench_ask(&b, step->method, step->path, step->body);
        struct ledger_full_card after = world_card(&b.world, "v");
        check_step(step, &before, &after, r);
        shown += step->display && r->status == 200;
        refused += r->status >= 400;
        world_reply_free(r);
    }
    assert_true(world_card(&b.world, "v").code.issue_n > 999);
    assert_true(shown > STEPS / 20 && refused > STEPS / 20); /* both kinds of history were walked */
    bench_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random_histories)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
