/* SPDX-License-Identifier: Apache-2.0 */
/* Files and descriptors, whole. */
#include "base/file.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char path[] = "/tmp/file-test-XXXXXX";

static void fill(const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void a_file_is_read_whole(void **state)
{
    (void)state;
    char room[8];
    struct stat facts;
    struct buf out = buf_over(room, sizeof room);
    fill("12345678");
    assert_int_equal(file_read_known(path, &out, &facts), ERR_OK);
    assert_true(span_is(buf_span(&out), "12345678"));
    assert_int_equal(facts.st_size, 8);
    fill("");
    buf_clear(&out);
    assert_int_equal(file_read(path, &out), ERR_OK);
    assert_int_equal(out.len, 0);
    fill("cd");
    buf_put_text(&out, "ab"); /* behind what is there */
    assert_int_equal(file_read(path, &out), ERR_OK);
    assert_true(span_is(buf_span(&out), "abcd"));
}

static void what_does_not_fit_or_is_not_there_is_an_error(void **state)
{
    (void)state;
    char room[8];
    struct buf out = buf_over(room, sizeof room);
    fill("123456789");
    assert_int_equal(file_read(path, &out), ERR_PARSE_LONG);
    buf_clear(&out);
    assert_int_equal(file_read("/nowhere/at/all", &out), ERR_NOT_FOUND);
    assert_int_equal(file_read("/tmp", &out), ERR_SYSTEM);
}

static void lines_are_taken_one_by_one(void **state)
{
    (void)state;
    int ends[2];
    char room[4];
    struct buf out = buf_over(room, sizeof room);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "ab\n\n12345\nlast", 14), 14);
    close(ends[1]);
    assert_int_equal(file_read_line(ends[0], &out), ERR_OK);
    assert_true(span_is(buf_span(&out), "ab"));
    buf_clear(&out);
    assert_int_equal(file_read_line(ends[0], &out), ERR_OK);
    assert_int_equal(out.len, 0);
    assert_int_equal(file_read_line(ends[0], &out), ERR_PARSE_LONG);
    buf_clear(&out);
    assert_int_equal(file_read_line(ends[0], &out), ERR_OK); /* the end of the file ends a line */
    assert_true(span_is(buf_span(&out), "last"));
    buf_clear(&out);
    assert_int_equal(file_read_line(ends[0], &out), ERR_CLOSED);
    close(ends[0]);
    assert_int_equal(file_read_line(ends[0], &out), ERR_SYSTEM);
}

/* More than a pipe holds, to a reader that takes it in pieces. */
static void all_is_written(void **state)
{
    (void)state;
    enum { PIECE = 750, MUCH = 400 * PIECE };
    static uint8_t much[MUCH], taken[MUCH];
    int ends[2], status = 0;
    size_t got = 0;
    for (size_t i = 0; i < MUCH; i++)
        much[i] = (uint8_t)(i % 251);
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        _exit(file_write(ends[1], span_of(much, MUCH)) == ERR_OK ? 0 : 1);
    }
    close(ends[1]);
    for (ssize_t n; got < MUCH && (n = read(ends[0], taken + got, MUCH - got < PIECE ? MUCH - got : PIECE)) > 0;)
        got += (size_t)n;
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(got, MUCH);
    assert_memory_equal(much, taken, MUCH);
    assert_int_equal(file_write(ends[1], span_text("x")), ERR_SYSTEM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_read_whole),
        cmocka_unit_test(what_does_not_fit_or_is_not_there_is_an_error),
        cmocka_unit_test(lines_are_taken_one_by_one),
        cmocka_unit_test(all_is_written),
    };
    (void)signal(SIGPIPE, SIG_IGN);
    int fd = mkstemp(path);
    if (fd < 0)
        return 1;
    close(fd);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    (void)unlink(path);
    return failed;
}
