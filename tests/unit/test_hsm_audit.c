/* SPDX-License-Identifier: Apache-2.0 */
/* The audit trail: what is written is found unchanged, and every change of any byte or line is found, in its line. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include "support/trails.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LINES = 9 };

/* The index-th line, from 0, with its newline. */
static struct span line_of(const char *text, size_t index)
{
    const char *at = text;
    for (; index > 0; index--)
        at = strchr(at, '\n') + 1;
    return span_of(at, (size_t)(strchr(at, '\n') + 1 - at));
}

static size_t make_trail(char *text)
{
    struct hsm_audit *audit = trails_open(TRAILS_MIB);
    trails_write_lines(audit, LINES - 1);
    hsm_audit_close(audit);
    return trails_slurp(trails_path, text);
}

/* ---- changes ---- */

static void test_unchanged(void **state)
{
    (void)state;
    static char text[TRAILS_ROOM];
    size_t len = make_trail(text);
    assert_int_equal(trails_verify(text, len), 0);
    struct stat at;
    assert_int_equal(stat(trails_path, &at), 0);
    assert_int_equal(at.st_mode & 0777, 0600);
    assert_non_null(strstr(text, "{\"n\":1,\"at\":\"2027-01-15T08:00:00.000Z\",\"event\":\"trail.begun\",\"trail\":\""));
    assert_non_null(strstr(text, "{\"n\":3,\"at\":\"2027-01-15T08:00:02.000Z\",\"event\":\"hsm.command\",\"command\":\"A0\","
                                 "\"answer\":\"00\",\"i\":1,\"mac\":\""));
}

/* Each bit of each byte: the problem is in the line of the byte; a newline that is gone joins two lines. */
static void test_every_byte(void **state)
{
    (void)state;
    static char text[TRAILS_ROOM];
    size_t len = make_trail(text);
    uint64_t line = 1;
    for (size_t i = 0; i < len; i++) {
        char was = text[i];
        for (int bit = 0; bit < 8; bit++) {
            text[i] = (char)(was ^ 1 << bit);
            uint64_t found = trails_verify(text, len);
            if (found != line)
                fail_msg("byte %zu, bit %d: line %llu instead of %llu", i, bit, (unsigned long long)found,
                         (unsigned long long)line);
        }
        text[i] = was;
        line += was == '\n';
    }
}

static void test_every_cut(void **state)
{
    (void)state;
    static char text[TRAILS_ROOM];
    size_t len = make_trail(text);
    for (size_t cut = 0; cut < len; cut++)
        if (trails_verify(text, cut) == 0)
            fail_msg("cut to %zu of %zu bytes", cut, len);
}

static void test_lines(void **state)
{
    (void)state;
    static char text[TRAILS_ROOM], other[TRAILS_ROOM];
    size_t len = make_trail(text);
    for (size_t i = 0; i < LINES; i++) {
        struct span line = line_of(text, i);
        size_t before = (size_t)((const char *)line.at - text), behind = before + line.len;
        memcpy(other, text, before);
        memcpy(other + before, text + behind, len - behind);
        assert_int_equal(trails_verify(other, len - line.len), i + 1); /* removed */
        memcpy(other, text, behind);
        memcpy(other + behind, line.at, line.len);
        memcpy(other + behind + line.len, text + behind, len - behind);
        assert_int_equal(trails_verify(other, len + line.len), i + 2); /* doubled */
        if (i + 1 == LINES)
            continue;
        struct span next = line_of(text, i + 1);
        memcpy(other, text, before);
        memcpy(other + before, next.at, next.len);
        memcpy(other + before + next.len, line.at, line.len);
        memcpy(other + behind + next.len, text + behind + next.len, len - behind - next.len);
        assert_int_equal(trails_verify(other, len), i + 1); /* swapped */
    }
}

static void test_head(void **state)
{
    (void)state;
    static char head[TRAILS_ROOM], text[TRAILS_ROOM];
    make_trail(text);
    size_t len = trails_slurp(trails_head_path, head);
    assert_int_equal(len, HSM_CHAIN_HEAD);
    for (size_t i = 0; i < len; i++) {
        head[i] ^= 1;
        trails_spill(trails_head_path, head, len);
        trails_expect_refused("was changed");
        head[i] ^= 1;
    }
    unlink(trails_head_path);
    trails_expect_refused("is missing beside a trail");
}

/* ---- starts ---- */

static void test_start_refuses(void **state)
{
    (void)state;
    static char text[TRAILS_ROOM];
    size_t len = make_trail(text);
    text[len / 2] ^= 4;
    trails_spill(trails_path, text, len);
    trails_expect_refused("line 5 was changed");
    text[len / 2] ^= 4;
    struct span last = line_of(text, LINES - 1);
    trails_spill(trails_path, text, len - last.len);
    trails_expect_refused("lines at its end are missing");
    unlink(trails_path);
    trails_expect_refused("its lines are missing");
    trails_spill(trails_path, text, len);
    struct hsm_audit *audit = trails_open(TRAILS_MIB);
    trails_expect_refused("another HSM writes this trail");
    hsm_audit_close(audit);
}

/* The file as it is now, beside this head: the HSM does not start, touches nothing, and `audit trails_verify` names a line. */
static void expect_untouched(const char *text, size_t len, uint64_t least)
{
    static char now[TRAILS_ROOM];
    trails_spill(trails_path, text, len);
    trails_expect_refused(trails_path);
    size_t still = trails_slurp(trails_path, now);
    if (still != len || memcmp(now, text, len) != 0)
        fail_msg("%zu bytes became %zu", len, still);
    uint64_t line = trails_verify(text, len);
    if (line < least)
        fail_msg("line %llu named, %llu expected: %.*s", (unsigned long long)line, (unsigned long long)least, (int)len, text);
}

/* An HSM that was killed, and somebody who cuts the file anywhere or puts something else in place of its end: no line that was
 * acknowledged is lost without notice, and lines that were not are the only ones that a start may mark as torn. */
static void test_acknowledged_lines_stay(void **state)
{
    (void)state;
    static char whole[TRAILS_ROOM], other[TRAILS_ROOM], head[TRAILS_ROOM];
    struct hsm_audit *audit = trails_open(TRAILS_MIB);
    trails_write_lines(audit, 3);
    size_t len = trails_slurp(trails_path, whole), head_len = trails_slurp(trails_head_path, head);
    hsm_audit_close(audit);
    static const char *const tail[] = {"",
                                       "{",
                                       "{\n",
                                       "\n",
                                       "{}\n{",
                                       "rubbish\nrubbish\n",
                                       "{\"n\":4,\"at\":\"2027-01-15T08:00:03.000Z\",\"event\":\"trail.torn\"}\n"};
    uint64_t line = 0;
    for (size_t cut = 0; cut < len; cut++) {
        line += cut == 0 || whole[cut - 1] == '\n';
        for (size_t i = 0; i < sizeof tail / sizeof tail[0]; i++) {
            size_t tail_len = strlen(tail[i]), with = cut + tail_len;
            memcpy(other, whole, cut);
            memcpy(other + cut, tail[i], tail_len);
            trails_spill(trails_head_path, head, head_len);
            /* The line is whole, and its newline is there or is put there. */
            if (cut == len - 1 && (tail_len == 0 || tail[i][0] == '\n'))
                continue;
            expect_untouched(other, with, line > 1 ? line - 1 : 0);
        }
    }
    trails_spill(trails_head_path, head, head_len);
    trails_spill(trails_path, whole, len - 1);
    audit = trails_open(TRAILS_MIB);
    assert_int_equal(hsm_audit_counters(audit).number, 4);
    hsm_audit_close(audit);
    assert_int_equal(trails_slurp(trails_path, other), len);
    assert_memory_equal(other, whole, len);
}

static void test_goes_on(void **state)
{
    (void)state;
    static char text[TRAILS_ROOM];
    make_trail(text);
    struct hsm_audit *audit = trails_open(TRAILS_MIB);
    assert_int_equal(hsm_audit_counters(audit).number, LINES);
    trails_write_lines(audit, 3);
    hsm_audit_close(audit);
    size_t len = trails_slurp(trails_path, text);
    assert_int_equal(trails_verify(text, len), 0);
    assert_non_null(strstr(text, "{\"n\":12,"));
}

/* A crash may cut the last line anywhere: it stays, is marked, and both can be verified. */
static void test_torn(void **state)
{
    (void)state;
    static char whole[TRAILS_ROOM], text[TRAILS_ROOM];
    struct hsm_audit *audit = trails_open(TRAILS_MIB);
    trails_write_lines(audit, 3); /* the third is durable, the head counts it */
    size_t counted = trails_slurp(trails_path, whole);
    struct hsm_audit_counters c = hsm_audit_counters(audit);
    assert_int_equal(c.number, 4);
    static char head[TRAILS_ROOM];
    size_t head_len = trails_slurp(trails_head_path, head);
    trails_write_lines(audit, 2);
    size_t len = trails_slurp(trails_path, whole);
    hsm_audit_close(audit);
    size_t fifth = line_of(whole, 4).len;
    for (size_t cut = counted + 1; cut <= counted + fifth; cut += cut + 12 < counted + fifth ? 11 : 1) {
        trails_spill(trails_path, whole, cut);
        trails_spill(trails_head_path, head, head_len);
        audit = trails_open(TRAILS_MIB);
        trails_write_lines(audit, 1);
        hsm_audit_close(audit);
        size_t now = trails_slurp(trails_path, text);
        assert_memory_equal(text, whole, cut);
        assert_int_equal(trails_verify(text, now), 0);
        bool complete = cut >= counted + fifth - 1;
        assert_int_equal(!strstr(text, "trail.torn"), complete);
        if (complete)
            continue;
        /* What was cut may not be changed afterwards either. */
        text[cut - 1] ^= 1;
        assert_int_equal(trails_verify(text, now), 5);
    }
    assert_true(len > counted + fifth);
}

static void test_first_line_torn(void **state)
{
    (void)state;
    static char text[TRAILS_ROOM], head[TRAILS_ROOM];
    struct hsm_audit *audit = trails_open(TRAILS_MIB);
    hsm_audit_close(audit);
    unlink(trails_head_path);
    unlink(trails_path);
    audit = trails_open(TRAILS_MIB);
    size_t len = trails_slurp(trails_path, text);
    hsm_audit_close(audit);
    /* The head as it was before the first line: number 0. */
    static const uint8_t key[HSM_AUDIT_KEY] = {[0 ... HSM_AUDIT_KEY - 1] = 0x4B};
    struct hsm_chain chain;
    struct buf out = buf_over(head, sizeof head);
    assert_int_equal(hsm_chain_begin(key, &chain), ERR_OK);
    assert_int_equal(hsm_chain_head_put(&chain, &(struct hsm_head){0}, &out), ERR_OK);
    hsm_chain_end(&chain);
    trails_spill(trails_head_path, head, out.len);
    trails_spill(trails_path, text, len / 2);
    audit = trails_open(TRAILS_MIB);
    hsm_audit_close(audit);
    len = trails_slurp(trails_path, text);
    assert_int_equal(trails_verify(text, len), 0);
}

/* ---- size ---- */

static void test_moved_away(void **state)
{
    (void)state;
    enum { SIZE = 2000 };
    static char text[TRAILS_ROOM];
    struct hsm_audit *audit = trails_open(SIZE);
    trails_write_lines(audit, 40);
    uint64_t number = hsm_audit_counters(audit).number;
    hsm_audit_close(audit);
    struct hsm_chain chain;
    struct hsm_chain_report report;
    static const uint8_t key[HSM_AUDIT_KEY] = {[0 ... HSM_AUDIT_KEY - 1] = 0x4B};
    assert_int_equal(hsm_chain_begin(key, &chain), ERR_OK);
    unsigned files = 0;
    for (uint64_t n = 1; n <= number; n++) {
        char moved[128];
        (void)snprintf(moved, sizeof moved, "%s.%010llu", trails_path, (unsigned long long)n);
        int fd = open(moved, O_RDONLY);
        if (fd < 0)
            continue;
        files++;
        assert_int_equal(hsm_chain_file(&chain, fd, NULL, &report), ERR_OK);
        close(fd);
        assert_null(report.why);
        assert_true(chain.closed && chain.number == n);
    }
    assert_true(files > 2);
    int fd = open(trails_path, O_RDONLY);
    assert_int_equal(hsm_chain_file(&chain, fd, NULL, &report), ERR_OK);
    close(fd);
    assert_null(report.why);
    assert_int_equal(chain.number, number);
    hsm_chain_end(&chain);
    size_t len = trails_slurp(trails_path, text); /* by itself as well: it says what it continues */
    assert_int_equal(trails_verify(text, len), 0);
    audit = trails_open(SIZE);
    assert_int_equal(hsm_audit_counters(audit).number, number);
    hsm_audit_close(audit);
}

/* ---- a full disk ---- */

static void test_full_disk(void **state)
{
    (void)state;
    static char text[TRAILS_ROOM];
    (void)signal(SIGXFSZ, SIG_IGN);
    struct hsm_audit *audit = trails_open(TRAILS_MIB);
    trails_write_lines(audit, 2);
    size_t len = trails_slurp(trails_path, text);
    trails_limit_files(len + 50); /* half a line fits */
    for (int i = 0; i < 3; i++)
        assert_int_equal(hsm_audit_write(audit, "hsm.command", NULL, 0, true), ERR_SYSTEM);
    trails_limit_files(RLIM_INFINITY);
    assert_int_equal(trails_slurp(trails_path, text), len);
    assert_int_equal(hsm_audit_counters(audit).lost, 3);
    trails_write_lines(audit, 1);
    hsm_audit_close(audit);
    len = trails_slurp(trails_path, text);
    assert_int_equal(trails_verify(text, len), 0);
    assert_non_null(strstr(text, "\"event\":\"trail.lost\",\"lines\":3,"));
}

int main(void)
{
#define TEST(test_) cmocka_unit_test_setup_teardown(test_, trails_begin, trails_end)
    const struct CMUnitTest tests[] = {
        TEST(test_unchanged),
        TEST(test_every_byte),
        TEST(test_every_cut),
        TEST(test_lines),
        TEST(test_head),
        TEST(test_start_refuses),
        TEST(test_acknowledged_lines_stay),
        TEST(test_goes_on),
        TEST(test_torn),
        TEST(test_first_line_torn),
        TEST(test_moved_away),
        TEST(test_full_disk),

    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
