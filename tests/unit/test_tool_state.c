/* SPDX-License-Identifier: Apache-2.0 */
/* The state of a batch: what is written is read, whatever happens to one of its two slots. */
#include "tool/personalise/state.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char path[] = "/tmp/batch-state-XXXXXX";

static struct tool_personalise_progress sample(uint64_t sequence)
{
    struct tool_personalise_progress p = {.sequence = sequence,
                                          .input = 1000 * sequence,
                                          .line = 10 * sequence + 2,
                                          .output = 77 * sequence,
                                          .report = sequence / 2,
                                          .coded = 9 * sequence,
                                          .bad = sequence,
                                          .messages = sequence};
    memset(p.input_digest, (int)(sequence + 1), sizeof p.input_digest);
    memset(p.options_digest, 0xA5, sizeof p.options_digest);
    p.done = sequence == 4;
    return p;
}

static void assert_same(const struct tool_personalise_progress *a, const struct tool_personalise_progress *b)
{
    uint8_t one[TOOL_PERSONALISE_SLOT], two[TOOL_PERSONALISE_SLOT];
    assert_int_equal(tool_personalise_slot_build(a, one), ERR_OK);
    assert_int_equal(tool_personalise_slot_build(b, two), ERR_OK);
    assert_memory_equal(one, two, sizeof one);
}

static void a_slot_is_text_and_reads_back(void **state)
{
    (void)state;
    uint8_t room[TOOL_PERSONALISE_SLOT];
    struct tool_personalise_progress p = sample(4), back;
    assert_int_equal(tool_personalise_slot_build(&p, room), ERR_OK);
    assert_memory_equal(room, "CSBATCH1 4 4000 42 308 2 36 4 4 1 0505", 38);
    assert_int_equal(room[sizeof room - 1], '\n');
    assert_int_equal(tool_personalise_slot_parse(span_of(room, sizeof room), &back), ERR_OK);
    assert_same(&p, &back);
    p.input = 1000000000000000000; /* nineteen digits */
    assert_int_not_equal(tool_personalise_slot_build(&p, room), ERR_OK);
}

static void any_changed_byte_is_found(void **state)
{
    (void)state;
    uint8_t room[TOOL_PERSONALISE_SLOT];
    struct tool_personalise_progress p = sample(3), back;
    assert_int_equal(tool_personalise_slot_build(&p, room), ERR_OK);
    size_t used = TOOL_PERSONALISE_SLOT;
    while (room[used - 1] == ' ' || room[used - 1] == '\n')
        used--;
    for (size_t i = 0; i < used; i++) {
        room[i] ^= 1;
        assert_int_not_equal(tool_personalise_slot_parse(span_of(room, sizeof room), &back), ERR_OK);
        room[i] ^= 1;
    }
    for (size_t len = 0; len < used; len++)
        assert_int_not_equal(tool_personalise_slot_parse(span_of(room, len), &back), ERR_OK);
}

static void reopen(struct tool_personalise_state *s, bool *fresh, struct tool_personalise_progress *p)
{
    tool_personalise_state_close(s);
    assert_int_equal(tool_personalise_state_open(path, false, s, fresh, p), ERR_OK);
}

static void damage(uint64_t sequence)
{
    int fd = open(path, O_WRONLY);
    assert_int_equal(pwrite(fd, "torn", 4, (off_t)(sequence % 2) * TOOL_PERSONALISE_SLOT + 20), 4);
    close(fd);
}

static void the_newest_whole_slot_counts(void **state)
{
    (void)state;
    struct tool_personalise_state s = {-1};
    struct tool_personalise_progress p, expected;
    bool fresh = false;
    unlink(path);
    assert_int_equal(tool_personalise_state_open(path, false, &s, &fresh, &p), ERR_PARSE_MISSING);
    assert_int_equal(tool_personalise_state_open(path, true, &s, &fresh, &p), ERR_OK);
    assert_true(fresh);
    for (uint64_t sequence = 0; sequence < 6; sequence++) {
        expected = sample(sequence);
        assert_int_equal(tool_personalise_state_write(&s, &expected), ERR_OK);
        reopen(&s, &fresh, &p);
        assert_false(fresh);
        assert_same(&p, &expected);
    }
    damage(5);
    reopen(&s, &fresh, &p);
    expected = sample(4);
    assert_same(&p, &expected);
    damage(4);
    tool_personalise_state_close(&s);
    assert_int_equal(tool_personalise_state_open(path, false, &s, &fresh, &p), ERR_PARSE_VALUE);
    tool_personalise_state_close(&s);
}

static void one_holder_at_a_time(void **state)
{
    (void)state;
    struct tool_personalise_state one = {-1}, two = {-1};
    struct tool_personalise_progress p;
    bool fresh = false;
    unlink(path);
    assert_int_equal(tool_personalise_state_open(path, true, &one, &fresh, &p), ERR_OK);
    assert_int_equal(tool_personalise_state_open(path, true, &two, &fresh, &p), ERR_BUSY);
    tool_personalise_state_close(&one);
    assert_int_equal(tool_personalise_state_open(path, true, &two, &fresh, &p), ERR_OK);
    tool_personalise_state_close(&two);
}

static int make_path(void **state)
{
    (void)state;
    int fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}

static int remove_path(void **state)
{
    (void)state;
    return unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slot_is_text_and_reads_back),
        cmocka_unit_test(any_changed_byte_is_found),
        cmocka_unit_test(the_newest_whole_slot_counts),
        cmocka_unit_test(one_holder_at_a_time),
    };
    return cmocka_run_group_tests(tests, make_path, remove_path);
}
