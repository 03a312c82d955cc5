/* SPDX-License-Identifier: Apache-2.0 */
/* Status and diagnostics at the frame boundary: N0, NO, RA, NK, JK, J2, J4 (host-commands.md 7). */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include "hsm/guard/guess.h"
#include "hsm/guard/state.h"
#include "hsm/process/observe.h"
#include "support/frames.h"

#include <stdio.h>
#include <string.h>

#define CVK "U9B4934384B19946B040CD702B4D58145"
#define MK "UB68E039974B21519E5E2226866C4D3A0"

/* A clock that stands until it is moved. */
static int64_t wall_ms = 1767225600000, monotonic_us;

static int64_t wall(void *context)
{
    (void)context;
    return wall_ms;
}

static int64_t monotonic(void *context)
{
    (void)context;
    return monotonic_us;
}

static void pass(int64_t us)
{
    monotonic_us += us;
    wall_ms += us / 1000;
}

static struct env env;
static struct hsm *hsm;

static struct hsm_config config_of(void)
{
    return (struct hsm_config){.env = &env, .header = 4, .sockets = 64, .test_lmk = true};
}

static struct span ask(struct hsm *on, const void *at, size_t len)
{
    return frames_ask_span(on, span_of(at, len));
}

/* ---- N0, NO, %NN ---- */

static void random_bytes(void **state)
{
    (void)state;
    static const unsigned lengths[] = {1, 2, 16, 25, 999};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        char request[16], first[1024];
        snprintf(request, sizeof request, "N0%03u", lengths[i]);
        struct span reply = frames_ask_span(hsm, span_text(request));
        assert_int_equal(reply.len, 4 + lengths[i]);
        assert_memory_equal(reply.at, "N100", 4);
        memcpy(first, reply.at, reply.len);
        reply = frames_ask_span(hsm, span_text(request));
        assert_int_equal(reply.len, 4 + lengths[i]);
        if (lengths[i] >= 16)
            assert_memory_not_equal(reply.at + 4, first + 4, lengths[i]);
    }
    struct span reply = frames_ask_span(hsm, span_text("N0003\x19tail"));
    assert_int_equal(reply.len, 4 + 3 + 5);
    assert_memory_equal(reply.at + 7, "\x19tail", 5);
    static const struct exchange refused[] = {
        {"N0000", "N101"},           {"N0", "N115"}, {"N012", "N115"}, {"N00x1", "N115"}, {"N01000", "N115"}, {"N0016%07", "N113"},
        {"N0000\x19t", "N101\x19t"},
    };
    FRAMES_ASSERT(hsm, refused);
}

static void port_and_pci_state(void **state)
{
    (void)state;
    static const struct exchange frames[] = {
        {"NO00", "NP003100641500-002300000"},
        {"NO01", "NP000"},
        {"NO02", "NP15"},
        {"NO", "NP15"},
        {"NO01%07", "NP13"},
        {"NO01%01\x19t", "NP000\x19t"},
        {"NC", "ND0026860400000000001500-0023"},
    };
    FRAMES_ASSERT(hsm, frames);
    struct hsm_config config = config_of();
    config.hardened = true;
    struct hsm *hard = frames_hsm_of(&config);
    frames_assert(hard, "NO01", "NP001");
    hsm_destroy(hard);
}

/* ---- RA ---- */

static void ra_ends_what_was_authorised(void **state)
{
    (void)state;
    struct hsm_config config = config_of();
    config.authorised = true;
    struct hsm *open = frames_hsm_of(&config);
    static const char wrong[] = "PM00" MK "A4123456789012345;2812998000001105";
    frames_assert(open, wrong, "PN01104");
    frames_assert(open, "RA%01", "RB00");
    frames_assert(open, wrong, "PN01104");
    frames_assert(open, "RA%07", "RB13");
    frames_assert(open, "RAx", "RB15");
    frames_assert(open, "RA\x19t", "RB00\x19t");
    frames_assert(open, wrong, "PN01");
    frames_assert(open, "RA", "RB00");
    hsm_destroy(open);
}

/* ---- NK ---- */

/* `parts` are commands without length; with headers they have one in front already. */
static size_t chain(char *out, size_t cap, const char *flag, size_t count, const char *const *parts)
{
    size_t at = (size_t)snprintf(out, cap, "NK%s%02zu", flag, count);
    for (size_t i = 0; i < count; i++)
        at += (size_t)snprintf(out + at, cap - at, "%04zu%s", strlen(parts[i]), parts[i]);
    return at;
}

static void assert_chain(struct hsm *on, const char *flag, size_t count, const char *const *parts, const char *reply)
{
    static char request[HOSTCMD_FRAME_MAX];
    chain(request, sizeof request, flag, count, parts);
    frames_assert(on, request, reply);
}

static void published_chain(void **state)
{
    (void)state;
    /* BE belongs to the PIN commands and is not served here; the CY is vector cvv-15. */
    static const char *const parts[] = {"BE0", "CYB62C0A61BEAB9D15A31A02F7CCBCC8291713500200000543012;0413526"};
    assert_chain(hsm, "0", 2, parts, "NL00020004BF680004CZ00");
}

static void chains(void **state)
{
    (void)state;
    static const char *const parts[] = {"BE", "CY" CVK "5614123456789012345;8701101", "CW" CVK "4123456789012345;8701101\x19T",
                                        "NC%07", "CY" CVK "1114123456789012345;8701101"};
    static const char *const with_header[] = {"ABCDNC",
                                              "\x19"
                                              "  1CW" CVK "4123456789012345;8701101",
                                              "zzzzNK000"};
    static const char *const inside[] = {"NK0010002NC", "NK", "N0001%07"};
    assert_chain(hsm, "0", 1, parts, "NL00010004BF68");
    assert_chain(hsm, "0", 2, parts, "NL00020004BF680004CZ00");
    assert_chain(hsm, "0", 5, parts, "NL00050004BF680004CZ000009CX00561\x19T0004ND130004CZ01");
    assert_chain(hsm, "1", 3, with_header,
                 "NL00030033ABCDND0026860400000000001500-00230011\x19"
                 "  1CX005610008zzzzNL15");
    assert_chain(hsm, "0", 3, inside, "NL00030004NL150004NL150004N113");
    static const struct exchange frames[] = {
        {"NK0010002NC", "NL00010029ND0026860400000000001500-0023"},
        {"NK0010002NC\x19t", "NL00010029ND0026860400000000001500-0023\x19t"},
        /* The LMK of the chain is that of its commands unless they say otherwise; check value of 01 by openssl. */
        {"NK0010002NC%01", "NL00010029ND008E0EC0864D35705B1500-0023"},
        {"NK0010005NC%00%01", "NL00010029ND0026860400000000001500-0023"},
        {"NK0010002NC%07", "NL13"},
        /* 52: the count; 15: the lengths. */
        {"NK000", "NL52"},
        {"NK0000002NC", "NL52"},
        {"NK00x0002NC", "NL52"},
        {"NK0", "NL15"},
        {"NK", "NL15"},
        {"NK2010002NC", "NL15"},
        {"NK001", "NL15"},
        {"NK0020002NC", "NL15"},
        {"NK0010002NC0002NC", "NL15"},
        {"NK0010003NC", "NL15"},
        {"NK0010001NC", "NL15"},
        {"NK00100x2NC", "NL15"},
        {"NK0010001N", "NL15"},
        {"NK0010000", "NL15"},
        {"NK1010005HEADN", "NL15"},
    };
    FRAMES_ASSERT(hsm, frames);
}

static void nothing_runs_in_a_malformed_chain(void **state)
{
    (void)state;
    struct hsm_config config = config_of();
    config.authorised = true;
    struct hsm *open = frames_hsm_of(&config);
    frames_assert(open, "NK0020002RA0001N", "NL15");
    frames_assert(open, "PM00" MK "A4123456789012345;2812998000001105", "PN01104");
    frames_assert(open, "NK0010002RA", "NL00010004RB00");
    frames_assert(open, "PM00" MK "A4123456789012345;2812998000001105", "PN01");
    hsm_destroy(open);
}

/* 99 commands whose answers are larger than a frame: those that do not fit answer 80, the small ones are all there. */
static void large_chains(void **state)
{
    (void)state;
    static char request[HOSTCMD_FRAME_MAX];
    const char *parts[100];
    for (size_t i = 0; i < 100; i++)
        parts[i] = i % 2 ? "N0999" : "CW" CVK "4123456789012345;8701101";
    struct span reply = ask(hsm, request, chain(request, sizeof request, "0", 99, parts));
    assert_memory_equal(reply.at, "NL0099", 6);
    assert_true(reply.len <= HOSTCMD_FRAME_MAX);
    struct span rest = span_slice(reply, 6, SIZE_MAX), item;
    size_t whole = 0, cut = 0;
    for (size_t i = 0; i < 99; i++) {
        assert_int_equal(wire_item_next(&rest, &item), WIRE_OUTCOME_OK);
        if (i % 2 == 0) {
            assert_true(span_is(item, "CX00561"));
        } else if (item.len == 4) {
            assert_true(span_is(item, "N180"));
            cut++;
        } else {
            assert_int_equal(item.len, 4 + 999);
            whole++;
        }
    }
    assert_int_equal(rest.len, 0);
    assert_true(whole > 25 && cut > 10 && whole + cut == 49);
    assert_chain(hsm, "0", 0, parts, "NL52");
    chain(request, sizeof request, "0", 100, parts);
    assert_int_equal(ask(hsm, request, strlen(request)).len, 4);
}

/* Header, command and its length; the rest of the largest frame is data, and all of it comes back. */
static void echo_fills_a_frame(void **state)
{
    (void)state;
    static char request[HOSTCMD_FRAME_MAX];
    struct buf out = buf_over(request, HOSTCMD_FRAME_MAX - 4);
    buf_put_text(&out, "B27FF6");
    buf_put_fill(&out, 'e', 0x7FF6);
    assert_int_equal(buf_done(&out), ERR_OK);
    assert_int_equal(out.len, HOSTCMD_FRAME_MAX - 4);
    struct span reply = ask(hsm, request, out.len);
    assert_int_equal(reply.len, 4 + 0x7FF6);
    assert_memory_equal(reply.at, "B300e", 5);
}

/* One answer that would fill the frame: it gives way, so that each of the small ones behind it has its place. */
static void one_large_answer_leaves_room(void **state)
{
    (void)state;
    static char request[HOSTCMD_FRAME_MAX];
    struct buf out = buf_over(request, sizeof request);
    buf_put_text(&out, "NK099");
    buf_put_text(&out, "9006B22328");
    buf_put_fill(&out, 'e', 9000);
    buf_put_text(&out, "9006B22328");
    buf_put_fill(&out, 'e', 9000);
    buf_put_text(&out, "9006B22328");
    buf_put_fill(&out, 'e', 9000);
    buf_put_text(&out, "2006B207D0");
    buf_put_fill(&out, 'e', 2000);
    for (int i = 4; i < 99; i++)
        buf_put_text(&out, "0002NC");
    assert_int_equal(buf_done(&out), ERR_OK);
    struct span reply = ask(hsm, request, out.len), rest = span_slice(reply, 6, SIZE_MAX), one;
    assert_memory_equal(reply.at, "NL0099", 6);
    for (int i = 0; i < 99; i++) {
        assert_int_equal(wire_item_next(&rest, &one), WIRE_OUTCOME_OK);
        if (i < 3)
            assert_int_equal(one.len, 4 + 9000);
        else if (i == 3)
            assert_true(span_is(one, "B380"));
        else
            assert_memory_equal(one.at, "ND00", 4);
    }
    assert_int_equal(rest.len, 0);
}

/* Binary data inside a chain: lengths rule, X'19' does not. */
static void binary_chain(void **state)
{
    (void)state;
    static const char request[] = "NK002"
                                  "0010B20004\x19\x00\x19\x19"
                                  "0002NC\x19t";
    struct span reply = ask(hsm, request, sizeof request - 1);
    static const char expected[] = "NL0002"
                                   "0008B300\x19\x00\x19\x19"
                                   "0029ND0026860400000000001500-0023\x19t";
    assert_int_equal(reply.len, sizeof expected - 1);
    assert_memory_equal(reply.at, expected, sizeof expected - 1);
}

/* ---- JK, J2, J4 ---- */

#define JL_HEAD    \
    "JL00"         \
    "CS0000000000" \
    "260101"       \
    "000000"       \
    "3313"         \
    "00"           \
    "1"

static void state_of_the_hsm(void **state)
{
    (void)state;
    struct hsm_config config = config_of();
    const struct hsm_guess_config guess = {.limit = 3, .pans = 16, .memory = hsm_guess_memory(16)};
    config.guess = &guess;
    struct hsm *own = frames_hsm_of(&config);
    char expected[512], comments[2][33] = {"", ""};
    for (size_t i = 0; i < 2; i++)
        snprintf(comments[i], sizeof comments[i], "%s", keys_lmk_facts_at(hsm_context(own)->lmks, i)->comment);
    snprintf(expected, sizeof expected,
             JL_HEAD "020200"
                     "00000V0T%s\x14"
                     "01000K1T%s\x15"
                     "00",
             comments[0], comments[1]);
    frames_assert(own, "JK", expected);
    frames_assert(own, "JKx\x19t", "JL15\x19t");
    frames_assert(own, "JK%07", "JL13");
    assert_int_equal(hsm_state_authorise(hsm_context(own)->state, 1, HOSTCMD_IMPORT, "402", 0), ERR_OK);
    assert_int_equal(hsm_state_authorise(hsm_context(own)->state, 1, HOSTCMD_EXPORT, "", 0), ERR_OK);
    for (int i = 0; i < 3; i++)
        frames_assert(own, "CY" CVK "1114123456789012345;8701101", "CZ01");
    snprintf(expected, sizeof expected,
             JL_HEAD "020200"
                     "00000V0T%s\x14"
                     "01102K1T%s\x15"
                     "10\x19t",
             comments[0], comments[1]);
    frames_assert(own, "JK\x19t", expected);
    hsm_destroy(own);
}

static void state_without_keys(void **state)
{
    (void)state;
    struct hsm_config config = config_of();
    config.test_lmk = false;
    config.serial = "SN2026000017";
    config.console = true;
    config.host_2 = true;
    struct hsm *empty = frames_hsm_of(&config);
    static const struct exchange frames[] = {
        {"JK", "JL00"
               "SN2026000017"
               "260101"
               "000000"
               "1311"
               "00"
               "1"
               "000000\x15"
               "00"},
        {"NO01", "NP000"},
        {"RA", "RB13"},
        {"NC", "ND13"},
        {"CW" CVK "4123456789012345;8701101", "CX13"},
        {"NK0010002NC", "NL00010004ND13"},
    };
    FRAMES_ASSERT(empty, frames);
    hsm_destroy(empty);
}

static void load_by_bands(void **state)
{
    (void)state;
    struct hsm_config config = config_of();
    struct hsm *own = frames_hsm_of(&config);
    /* One second at 25 %, one idle, one at 100 %. */
    hsm_observe_begin(hsm_context(own)->observe);
    pass(250000);
    hsm_observe_end(hsm_context(own)->observe);
    pass(1750000);
    hsm_observe_begin(hsm_context(own)->observe);
    pass(1000000);
    hsm_observe_end(hsm_context(own)->observe);
    frames_assert(own, "J2",
                  "J300"
                  "CS0000000000"
                  "260101000000"
                  "260101000003"
                  "260101000003"
                  "0000000003"
                  "0000100000000001;0100200000000000;0200300000000001;0300400000000000;0400500000000000;"
                  "0500600000000000;0600700000000000;0700800000000000;0800900000000000;0901000000000001;");
    hsm_destroy(own);
    pass(-3000000);
}

static void counts_in_order_of_first_use(void **state)
{
    (void)state;
    struct hsm_config config = config_of();
    struct hsm *own = frames_hsm_of(&config);
#define HEAD       \
    "J500"         \
    "CS0000000000" \
    "260101000000" \
    "260101000000" \
    "260101000000" \
    "0000000000"
    frames_assert(own, "J4", HEAD);
    frames_assert(own, "XX", "XY68");
    frames_assert(own, "CY" CVK "1114123456789012345;8701101", "CZ01");
    frames_assert(own, "CW", "CX15");
    frames_assert(own, "CY" CVK "5614123456789012345;8701101", "CZ00");
    frames_assert(own, "NK0010002NC", "NL00010029ND0026860400000000001500-0023");
    /* What a chain holds is counted before the chain itself. */
    frames_assert(own, "J4",
                  HEAD "J4000000000001"
                       "CY000000000002"
                       "CW000000000001"
                       "NC000000000001"
                       "NK000000000001");
    hsm_destroy(own);
}

static int set_up(void **state)
{
    (void)state;
    env = env_system(NULL);
    env.wall_ms = wall;
    env.monotonic_us = monotonic;
    struct hsm_config config = config_of();
    hsm = frames_hsm_of(&config);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    hsm_destroy(hsm);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_bytes),
        cmocka_unit_test(echo_fills_a_frame),
        cmocka_unit_test(port_and_pci_state),
        cmocka_unit_test(ra_ends_what_was_authorised),
        cmocka_unit_test(published_chain),
        cmocka_unit_test(chains),
        cmocka_unit_test(nothing_runs_in_a_malformed_chain),
        cmocka_unit_test(large_chains),
        cmocka_unit_test(one_large_answer_leaves_room),
        cmocka_unit_test(binary_chain),
        cmocka_unit_test(state_of_the_hsm),
        cmocka_unit_test(state_without_keys),
        cmocka_unit_test(load_by_bands),
        cmocka_unit_test(counts_in_order_of_first_use),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
