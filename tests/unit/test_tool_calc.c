/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of calc against the product's own functions: they agree for random inputs, and a difference does not pass. */
#include "cvv/csc.h"
#include "cvv/cvc3.h"
#include "cvv/cvv.h"
#include "keys/keys.h"
#include "tool/calc/calc.h"
#include "tool/tool.h"

#include "support/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { ROUNDS = 200 };

static struct env env;
static const char *planted = ""; /* the function of the product that gives another answer */

static bool is_planted(const char *name)
{
    return strcmp(planted, name) == 0;
}

/* The product's function, linked under another name, and the one in its place. */
#define PLANT(name_, takes_, given_, spoil_) \
    enum err __real_##name_ takes_;          \
    enum err __wrap_##name_ takes_;          \
    enum err __wrap_##name_ takes_           \
    {                                        \
        TRY(__real_##name_ given_);          \
        if (is_planted(#name_))              \
            spoil_;                          \
        return ERR_OK;                       \
    }

PLANT(cvv_generate,
      (struct cvv_key * key, const struct card_pan *pan, const char *expiry, const char *service, uint8_t digits,
       struct code_digits *out),
      (key, pan, expiry, service, digits, out), out->at[0] ^= 1)
PLANT(cvv_dynamic_generate, (struct cvv_master * master, const struct cvv_dynamic *in, struct code_digits *out), (master, in, out),
      out->at[2] ^= 1)
PLANT(cvv_card_key,
      (struct crypto_des * master, const struct card_pan *pan, const char *psn, enum cvv_method method, struct secret_key *out),
      (master, pan, psn, method, out), out->at[15] ^= 2)
PLANT(cvv_window_index, (int64_t seconds, unsigned twu, uint64_t *out), (seconds, twu, out), *out += 1)
PLANT(cvv_cvc3_iv_track1, (const struct secret_key *card, struct span track, uint8_t *out), (card, track, out), out[1] ^= 1)
PLANT(cvv_cvc3,
      (const struct secret_key *card, const uint8_t *iv, const char *unpredictable, uint16_t counter, struct code_digits *out),
      (card, iv, unpredictable, counter, out), out->at[4] ^= 1)
PLANT(cvv_csc_generate,
      (const struct secret_key *csck, struct span account, const char *expiry, const char *service, struct cvv_csc *out),
      (csck, account, expiry, service, out), out->three[2] ^= 1)
PLANT(keys_kcv, (const struct secret_key *key, uint8_t *out), (key, out), out[7] ^= 1)
PLANT(keys_kcv_aes, (const struct secret_key *key, uint8_t *out), (key, out), out[0] ^= 1)
PLANT(keys_wrap,
      (struct keys_lmk_set * set, unsigned lmk, struct keys_type_place place, enum keys_scheme scheme, const struct secret_key *key,
       struct buf *out),
      (set, lmk, place, scheme, key, out), out->at[out->len - 1] ^= 1)
PLANT(keys_unwrap,
      (struct keys_lmk_set * set, unsigned lmk, struct keys_type_place place, struct span text, struct secret_key *out),
      (set, lmk, place, text, out), out->at[0] ^= 2)

void __real_cvv_overlay(uint64_t number, char *out);
void __wrap_cvv_overlay(uint64_t number, char *out);
void __wrap_cvv_overlay(uint64_t number, char *out)
{
    __real_cvv_overlay(number, out);
    out[0] ^= is_planted("cvv_overlay");
}

void __real_cvv_decimalise(const uint8_t *block, size_t hex_digits, uint8_t digits, struct code_digits *out);
void __wrap_cvv_decimalise(const uint8_t *block, size_t hex_digits, uint8_t digits, struct code_digits *out);
void __wrap_cvv_decimalise(const uint8_t *block, size_t hex_digits, uint8_t digits, struct code_digits *out)
{
    __real_cvv_decimalise(block, hex_digits, digits, out);
    out->at[2] ^= is_planted("cvv_decimalise");
}

/* Fillers set to zero as digits are: right for most lengths, wrong for short data and long numbers. */
enum err __real_cvv_cvc3_iv(const struct secret_key *card, struct span track, uint8_t *out);
enum err __wrap_cvv_cvc3_iv(const struct secret_key *card, struct span track, uint8_t *out);
enum err __wrap_cvv_cvc3_iv(const struct secret_key *card, struct span track, uint8_t *out)
{
    char text[CVV_TRACK2_MAX];
    memcpy(text, track.at, track.len);
    for (size_t i = 0, after = 0; i < track.len && is_planted("cvv_cvc3_iv"); i++) {
        if (after > 0 && text[i] == 'F' && ((after > 8 && after <= 11) || (after > 13 && after <= 20)))
            text[i] = '0';
        after += after > 0 || text[i] == 'D';
    }
    return __real_cvv_cvc3_iv(card, span_of(text, track.len), out);
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
        WIRE_SET(c->in.track, span_text(c->in.pan.at[0] % 2 ? "5413123556784804D09061019005997722553F"
                                                            : "5123456789012345D351210100000000000F"));
    if (c->in.track1.present)
        WIRE_SET(c->in.track1, span_text("B5413123556784804^SUPPLIED/NOT^09061019000990000000000000000000"));
    bool first = c->in.pan.at[1] % 2 == 0;
    c->in.track1.present &= first;
    c->in.track.present &= !first;
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
    const struct tool_calc_algorithm *const lists[] = {tool_calc_codes, tool_calc_keys};
    for (size_t l = 0; l < 2; l++)
        for (const struct tool_calc_algorithm *a = lists[l]; a->name; a++)
            for (int i = 0; i < ROUNDS; i++)
                if (!agrees(a))
                    fail_msg("%s: steps and product differ", a->name);
}

/* The algorithms that see the planted fault in one of ROUNDS runs, each with a blank behind it. */
static void who_sees(char *out, size_t size)
{
    const struct tool_calc_algorithm *const lists[] = {tool_calc_codes, tool_calc_keys};
    out[0] = 0;
    for (size_t l = 0; l < 2; l++)
        for (const struct tool_calc_algorithm *a = lists[l]; a->name; a++) {
            int differ = 0;
            for (int i = 0; i < ROUNDS && differ == 0; i++)
                differ += !agrees(a);
            if (differ > 0)
                (void)snprintf(out + strlen(out), size - strlen(out), "%s ", a->name);
        }
}

static void a_difference_is_seen(void **state)
{
    (void)state;
    static const struct {
        const char *function, *seen;
    } faults[] = {
        {"cvv_generate", "cvv cvv2 icvv cavv dcvv otc window "},
        {"cvv_dynamic_generate", "dcvv otc window "},
        {"cvv_card_key", "cardkey dcvv otc window cvc3 "},
        {"cvv_window_index", "window "},
        {"cvv_overlay", "dcvv otc window "},
        {"cvv_decimalise", "cardkey dcvv otc window cvc3 decimalise "},
        {"cvv_cvc3_iv", "cvc3 "},
        {"cvv_cvc3_iv_track1", "cvc3 "},
        {"cvv_cvc3", "cvc3 "},
        {"cvv_csc_generate", "csc "},
        {"keys_kcv", "kcv "},
        {"keys_kcv_aes", "kcv "},
        {"keys_wrap", "wrap "},
        {"keys_unwrap", "unwrap "},
    };
    char seen[256];
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        planted = faults[i].function;
        who_sees(seen, sizeof seen);
        planted = "";
        if (strcmp(seen, faults[i].seen) != 0)
            fail_msg("%s: seen by %s", faults[i].function, seen);
    }
}

/* The command in a process of its own: what it prints, and its status. */
static int run_calc(const char *const *words, size_t count, char *told, size_t size)
{
    static const struct cli_command *const commands[] = {&tool_calc};
    static const struct cli_command program = {.name = "countersign-hsm", .summary = "", CLI_CHILDREN(commands)};
    int ends[2], status = 0;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        char *argv[16] = {(char *)(uintptr_t) "countersign-hsm"};
        for (size_t i = 0; i < count; i++)
            argv[i + 1] = (char *)(uintptr_t)words[i];
        (void)dup2(ends[1], STDOUT_FILENO);
        (void)dup2(ends[1], STDERR_FILENO);
        _exit(cli_main(&program, (int)count + 1, argv));
    }
    (void)close(ends[1]);
    size_t len = 0;
    for (ssize_t got; len + 1 < size && (got = read(ends[0], told + len, size - 1 - len)) > 0;)
        len += (size_t)got;
    told[len] = 0;
    (void)close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    return WEXITSTATUS(status);
}

/* What a person is told: nothing but that. */
static void a_difference_is_reported(void **state)
{
    (void)state;
    static const char *const words[] = {
        "calc", "cvv", "pan=4123456789012345", "expiry=8701", "service=101", "--key", "0123456789ABCDEFFEDCBA9876543210"};
    char told[4096];
    for (int wrong = 0; wrong < 2; wrong++) {
        planted = wrong ? "cvv_generate" : "";
        int status = run_calc(words, sizeof words / sizeof words[0], told, sizeof told);
        planted = "";
        assert_int_equal(status, wrong ? 1 : 0);
        assert_int_equal(!strstr(told, "disagree; nothing is shown"), !wrong);
        assert_int_equal(!strstr(told, "result 561"), wrong);
    }
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
        cmocka_unit_test(a_difference_is_reported),
        cmocka_unit_test(the_first_error_sticks),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
