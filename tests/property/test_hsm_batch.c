/* SPDX-License-Identifier: Apache-2.0 */
/* Commands answered together get, byte by byte and counter by counter, what they get one by one. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include "base/log.h"
#include "cvv/cvv.h"
#include "hostcmd/commands.h"
#include "hostcmd/layout/layout.h"
#include "hsm/guard/guess.h"
#include "hsm/hsm.h"
#include "hsm/process/observe.h"
#include "support/rng.h"

#include <stdio.h>
#include <string.h>

enum { HEADER = 4, FRAMES = 900, FRAME_MAX = 400, TURNS = 60, CARDS = 12, REPLY_MAX = 4096, METRICS_MAX = 256 * 1024 };

/* One side of the comparison: its own HSM in a world of its own with the same clock and the same chances. */
struct side {
    struct rng_world world;
    struct env env;
    struct hsm *hsm;
};

static struct side apart, together;
static struct rng_world dice_world = {.state = 77};
static struct env dice;
static struct cvv_key cvk;
static struct cvv_master mk;

static uint8_t frame[FRAMES][FRAME_MAX];
static struct hsm_ask ask[FRAMES];
static uint8_t reply[FRAMES][REPLY_MAX];
static struct span replied[FRAMES];
static enum err ended[FRAMES];

static const struct hsm_client clients[] = {
    {.name = "", .lmk = 0},
    {.name = "blocks", .lmk = 1},
    {.name = "no-cy", .lmk = 0, .disabled = UINT64_C(1) << HOSTCMD_CY},
};

static unsigned below(unsigned n)
{
    uint32_t value = 0;
    env_random(&dice, &value, sizeof value);
    return value % n;
}

/* ---- commands ---- */

/* The first three load the same key, U, without scheme, and as a block of LMK 01 another; then what is wrong in every way. */
static const char *const keys[] = {
    "U9B4934384B19946B040CD702B4D58145",
    "0A61E674E88C6A7EEABC38C2B2BB492F",
    "S00072C0TN00E0001A417975993E2331918759DD1656AC94306BE01C19FDE29E83A93AB42",
    "UB68E039974B21519E5E2226866C4D3A0",
    "S00072E0TN00E00017772090F5BDE6568F9B0EFDADD1D160CDB1655DE1984F00973EC3596",
    "K000",
    "K100",
    "Q0A61E674E88C6A7EEABC38C2B2BB492",
};

static const char *key_text(void)
{
    unsigned roll = below(20);
    return roll < 12 ? keys[0] : roll < 16 ? keys[1] : keys[2 + below(6)];
}

/* Few cards, so that some of them reach the guessing limit; lengths 12 to 19. */
static struct card_pan card_of(unsigned n)
{
    struct card_pan pan = {.len = (uint8_t)(12 + n % 8), .digit = "4123456789012345678"};
    pan.digit[11] = (char)('0' + n % 10);
    return pan;
}

static void put_code(struct buf *b, const struct card_pan *pan)
{
    struct code_digits code;
    assert_int_equal(cvv_generate(&cvk, pan, "2812", "000", 3, &code), ERR_OK);
    if (below(4) == 0)
        code.at[below(3)] = (char)('0' + below(10));
    buf_put(b, code.at, code.len);
}

static void put_tail(struct buf *b)
{
    static const char *const tails[] = {"%00", "%01", "%07", "%0", "\x19", "\x19TRAILER", "%00\x19T", "!", "#00", "junk"};
    if (below(8) == 0)
        buf_put_text(b, tails[below(sizeof tails / sizeof *tails)]);
}

static void put_static(struct buf *b)
{
    struct card_pan pan = card_of(below(CARDS));
    bool verify = below(2);
    buf_put_text(b, verify ? "CY" : "CW");
    buf_put_text(b, key_text());
    if (verify)
        put_code(b, &pan);
    buf_put_span(b, card_pan_span(&pan));
    buf_put_text(b, ";2812000");
    put_tail(b);
}

/* Columns in another order than those of countersign-5, with the same lengths: read by those, they would be other values. */
static const char layout[] = "profile other\n"
                             "algorithm T0\n"
                             "column 1 service 3 N\n"
                             "column 2 expiry 4 N\n"
                             "column 3 time 10 N format=YYMMDDhhmm\n"
                             "column 4 twu 2 N unit=hours\n"
                             "column 5 code 3 N\n";

/* Scheme 5: the first hour of 2026 by windows of one hour, number 490896 (vector t0-01), or the next. */
static void put_window(struct buf *b)
{
    struct card_pan pan = card_of(below(CARDS));
    struct code_digits code;
    struct cvv_dynamic card = {
        .pan = pan, .method = CVV_METHOD_A, .psn = {'0', '0'}, .expiry = {'2', '8', '1', '2'}, .service = {'0', '0', '0'}};
    bool verify = below(2);
    unsigned hour = below(2);
    buf_put_text(b, verify ? "PM50" : "QY5");
    buf_put_text(b, "UB68E039974B21519E5E2226866C4D3A0A");
    buf_put_span(b, card_pan_span(&pan));
    buf_put_text(b, hour ? ";0002812260101010001" : ";0002812260101000001");
    if (verify) {
        cvv_overlay(490896 + hour, card.overlay);
        assert_int_equal(cvv_dynamic_generate(&mk, &card, &code), ERR_OK);
        code.at[0] = below(4) == 0 ? '0' : code.at[0];
        buf_put(b, code.at, code.len);
    }
    put_tail(b);
}

static void put_dynamic(struct buf *b)
{
    if (below(6) == 0) {
        put_window(b);
        return;
    }
    struct card_pan pan = card_of(below(CARDS));
    struct code_digits code;
    struct cvv_dynamic card = {.pan = pan, .psn = {'0', '0'}, .expiry = {'2', '8', '1', '2'}, .service = {'9', '9', '8'}};
    bool verify = below(2);
    unsigned counter = below(20);
    card.method = below(4) == 0 ? CVV_METHOD_B : CVV_METHOD_A;
    buf_put_text(b, verify ? "PM" : "QY");
    buf_put_text(b, below(6) == 0 ? "5" : "0");
    if (verify)
        buf_put_text(b, "0");
    buf_put_text(b, below(5) == 0 ? key_text() : "UB68E039974B21519E5E2226866C4D3A0");
    buf_put_byte(b, (uint8_t)card.method);
    buf_put_span(b, card_pan_span(&pan));
    buf_put_text(b, ";2812998");
    buf_put_decimal(b, counter, 6);
    if (verify) {
        cvv_overlay(counter, card.overlay);
        assert_int_equal(cvv_dynamic_generate(&mk, &card, &code), ERR_OK);
        code.at[0] = below(4) == 0 ? '0' : code.at[0];
        buf_put(b, code.at, code.len);
    }
    put_tail(b);
}

static void put_other(struct buf *b)
{
    static const char *const others[] = {
        "NC",
        "NO00",
        "B200100123456789ABCDEF",
        "XX",
        "RA",
        "N0016",
        "JK",
        "J4",
        "QY0UB68E039974B21519E5E2226866C4D3A0A4123456789012345;2812998000001",
        "PM00UB68E039974B21519E5E2226866C4D3A0A4123456789012345;2812998000001105",
        "A00402U",
        "AS",
        "NK0020050CYU9B4934384B19946B040CD702B4D581455614123456789012345;87011010002NC",
        "NK0010061CYU9B4934384B19946B040CD702B4D581455614123456789012345;8701101",
    };
    buf_put_text(b, others[below(sizeof others / sizeof *others)]);
}

/* A byte changed, the end cut off, or something added: rubbish that is nearly right. */
static void damage(struct buf *b)
{
    size_t at = below((unsigned)b->len);
    switch (below(3)) {
    case 0:
        b->at[at] = (uint8_t)below(256);
        break;
    case 1:
        b->len = at;
        break;
    default:
        buf_put_byte(b, (uint8_t)below(256));
    }
}

static void make_frame(size_t i, unsigned others_in)
{
    struct buf b = buf_over(frame[i], FRAME_MAX);
    buf_put_decimal(&b, i % 10000, HEADER);
    if (below(others_in) == 0)
        put_other(&b);
    else if (below(3) == 0)
        put_dynamic(&b);
    else
        put_static(&b);
    if (below(12) == 0)
        damage(&b);
    unsigned who = below(8);
    ask[i] = (struct hsm_ask){.client = who < 5 ? NULL : &clients[who - 5], .payload = buf_span(&b)};
}

/* ---- both ways ---- */

static void answer_apart(size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct buf b = buf_over(reply[i], REPLY_MAX);
        ended[i] = hsm_answer(apart.hsm, ask[i].client, ask[i].payload, &b);
        replied[i] = buf_span(&b);
    }
}

static void check_together(size_t first, size_t count)
{
    static uint8_t room[REPLY_MAX];
    hsm_answer_begin(together.hsm, ask + first, count);
    for (size_t i = 0; i < count; i++) {
        struct buf b = buf_over(room, sizeof room);
        assert_int_equal(hsm_answer_at(together.hsm, i, &b), ended[first + i]);
        assert_int_equal(b.len, replied[first + i].len);
        assert_memory_equal(room, replied[first + i].at, b.len);
    }
    assert_int_equal(hsm_answer_end(together.hsm), ERR_OK);
}

static void tick(int64_t ms)
{
    apart.world.wall_ms += ms;
    apart.world.monotonic_us += 1000 * ms;
    together.world.wall_ms += ms;
    together.world.monotonic_us += 1000 * ms;
}

/* All metrics but the one that tells the two apart. */
static void assert_same_metrics(void)
{
    static uint8_t a[METRICS_MAX], b[METRICS_MAX];
    struct buf left = buf_over(a, sizeof a), right = buf_over(b, sizeof b);
    hsm_metrics(apart.hsm, &left);
    hsm_metrics(together.hsm, &right);
    buf_put_byte(&left, 0);
    buf_put_byte(&right, 0);
    assert_int_equal(buf_done(&left), ERR_OK);
    assert_int_equal(buf_done(&right), ERR_OK);
    static const char different[] = "\ncountersign_hsm_codes_together_total ";
    char *at = strstr((char *)a, different), *bt = strstr((char *)b, different);
    assert_non_null(at);
    assert_non_null(bt);
    *at = *bt = 0;
    assert_string_equal((char *)a, (char *)b);
    assert_string_equal(strchr(at + 1, '\n'), strchr(bt + 1, '\n'));
}

struct seen {
    const char *code;
    unsigned count;
};

static void count_answers(struct seen *seen, size_t kinds, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < kinds; k++)
            seen[k].count += replied[i].len >= HEADER + 4 && memcmp(replied[i].at + HEADER + 2, seen[k].code, 2) == 0;
}

static void streams_are_answered_alike(void **state)
{
    (void)state;
    struct seen seen[] = {{"00", 0}, {"01", 0}, {"10", 0}, {"12", 0}, {"13", 0}, {"15", 0}, {"26", 0}, {"39", 0}, {"68", 0}};
    enum { KINDS = sizeof seen / sizeof *seen };
    unsigned bad_frames = 0;
    for (unsigned turn = 0; turn < TURNS; turn++) {
        size_t count = turn % 3 == 0 ? 1 + below(70) : 1 + below(FRAMES);
        unsigned others_in = turn % 4 == 0 ? 2 : 30;
        for (size_t i = 0; i < count; i++)
            make_frame(i, others_in);
        answer_apart(count);
        for (size_t done = 0; done < count; done += HSM_ASK_MAX)
            check_together(done, count - done < HSM_ASK_MAX ? count - done : HSM_ASK_MAX);
        count_answers(seen, KINDS, count);
        for (size_t i = 0; i < count; i++)
            bad_frames += ended[i] == ERR_FRAME;
        assert_same_metrics();
        tick(1000 * (int64_t)below(7200));
    }
    for (size_t k = 0; k < KINDS; k++)
        if (seen[k].count < 5)
            fail_msg("answer %s was met %u times", seen[k].code, seen[k].count);
    assert_true(bad_frames > 5);
    assert_true(hsm_counters(together.hsm).together > 5000);
    assert_int_equal(hsm_counters(apart.hsm).together, 0);
}

/* ---- set up ---- */

static void make_side(struct side *side)
{
    struct hostcmd_profile profile;
    struct hostcmd_layout_problem problem;
    assert_int_equal(hostcmd_profile_parse(span_text(layout), &profile, &problem), ERR_OK);
    static const struct hsm_guess_config guess = {.limit = 25, .pans = 100, .memory = 1 << 20, .key = {1, 2, 3}};
    side->world = (struct rng_world){.state = 5, .wall_ms = 1767225600000, .monotonic_us = 1000000};
    side->env = rng_env_over(&side->world);
    const struct hsm_config config = {.env = &side->env,
                                      .header = HEADER,
                                      .sockets = 64,
                                      .test_lmk = true,
                                      .authorised = true,
                                      .guess = &guess,
                                      .layout = &profile};
    assert_int_equal(hsm_create(&config, &side->hsm), ERR_OK);
}

static int set_up(void **state)
{
    (void)state;
    const struct secret_key clear = {
        16, {0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF, 0xFE, 0xDC, 0xBA, 0x98, 0x76, 0x54, 0x32, 0x10}};
    const struct secret_key clear_mk = {
        16, {0x4F, 0x2A, 0x25, 0xC4, 0x91, 0x19, 0x01, 0x91, 0x94, 0xF2, 0xD0, 0xAE, 0x43, 0xF4, 0xD5, 0x79}};
    dice = rng_env_over(&dice_world);
    make_side(&apart);
    make_side(&together);
    return cvv_key_load(&clear, &cvk) == ERR_OK && cvv_master_load(&clear_mk, &mk) == ERR_OK ? 0 : 1;
}

static int tear_down(void **state)
{
    (void)state;
    hsm_destroy(apart.hsm);
    hsm_destroy(together.hsm);
    cvv_key_unload(&cvk);
    cvv_master_unload(&mk);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(streams_are_answered_alike, set_up, tear_down)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
