/* SPDX-License-Identifier: Apache-2.0 */
/* Errors, buffers, arenas, secrets, calendar, ids, queue, log and configuration. */
#include "base/arena.h"
#include "base/config.h"
#include "base/env.h"
#include "base/queue.h"
#include "base/secret.h"

#include "support/rng.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void test_buf_is_sticky(void **state)
{
    (void)state;
    uint8_t room[4];
    struct buf b = buf_over(room, sizeof room);
    buf_put_decimal(&b, 42, 3);
    buf_put_text(&b, "toolong");
    buf_put_byte(&b, 'x');
    assert_int_equal(buf_done(&b), ERR_PARSE_LONG);
    assert_true(span_is(buf_span(&b), "042"));
    buf_clear(&b);
    buf_put_decimal(&b, 1000, 3);
    assert_int_equal(buf_done(&b), ERR_PARSE_LONG);
    buf_clear(&b);
    buf_put_integer(&b, -12);
    buf_put_hex(&b, "", 0);
    assert_true(span_is(buf_span(&b), "-12"));
    uint8_t wide[24];
    b = buf_over(wide, sizeof wide);
    buf_put_integer(&b, INT64_MIN);
    assert_true(span_is(buf_span(&b), "-9223372036854775808"));
}

/* To the last byte and not one further, with a canary behind. */
static void test_buf_ends_exactly(void **state)
{
    (void)state;
    uint8_t room[6] = {0, 0, 0, 0, 0xC5, 0xC5};
    struct buf b = buf_over(room, 4);
    buf_put_text(&b, "1234");
    assert_int_equal(buf_done(&b), ERR_OK);
    assert_string_equal(buf_text(&b), ""); /* no room for the zero */
    assert_int_equal(buf_done(&b), ERR_PARSE_LONG);
    assert_memory_equal(room, "1234\xC5\xC5", 6);
    buf_clear(&b);
    assert_null(buf_take(&b, 5));
    assert_int_equal(buf_done(&b), ERR_PARSE_LONG);
    buf_clear(&b);
    buf_put_text(&b, "123");
    assert_string_equal(buf_text(&b), "123");
    assert_memory_equal(room, "123\0\xC5\xC5", 6);
}

static void test_spans(void **state)
{
    (void)state;
    uint64_t number = 7;
    uint8_t bytes[2];
    assert_int_equal(span_decimal(span_text("00042"), &number), ERR_OK);
    assert_int_equal(number, 42);
    assert_int_equal(span_decimal(span_text(""), &number), ERR_PARSE_SHORT);
    assert_int_equal(span_decimal(span_text("12a"), &number), ERR_PARSE_CHARACTER);
    assert_int_equal(span_decimal(span_text("1234567890123456789"), &number), ERR_PARSE_LONG);
    assert_int_equal(number, 42);
    assert_int_equal(span_unhex(span_text("aF01"), bytes, 2), ERR_OK);
    assert_memory_equal(bytes, "\xAF\x01", 2);
    assert_int_equal(span_unhex(span_text("aF012"), bytes, 2), ERR_PARSE_SHORT);
    assert_int_equal(span_unhex(span_text("aF0102"), bytes, 2), ERR_PARSE_LONG);
    assert_int_equal(span_unhex(span_text("aX"), bytes, 2), ERR_PARSE_CHARACTER);
    assert_true(span_is(span_slice(span_text("abcdef"), 4, 10), "ef"));
    assert_int_equal(span_slice(span_text("abc"), 9, 1).len, 0);
    struct span rest = span_text("one,,three");
    assert_true(span_is(span_cut(&rest, ','), "one"));
    assert_true(span_is(span_cut(&rest, ','), ""));
    assert_true(span_is(span_cut(&rest, ','), "three"));
    assert_int_equal(rest.len, 0);
    assert_int_equal(span_cut(&rest, ',').len, 0);
}

static void test_arena_is_bounded_and_wiped(void **state)
{
    (void)state;
    struct arena a;
    assert_int_equal(arena_create(&a, 64), ERR_OK);
    uint8_t *first = arena_take(&a, 20);
    uint8_t *second = arena_take(&a, 20);
    assert_non_null(first);
    assert_int_equal((uintptr_t)second % 16, 0);
    assert_null(arena_take(&a, 20));
    memset(first, 0xAA, 20);
    arena_reset(&a);
    assert_int_equal(first[0] | first[19], 0);
    assert_ptr_equal(arena_take(&a, 64), first);
    arena_destroy(&a);
}

static void test_arena_ends_exactly(void **state)
{
    (void)state;
    _Alignas(16) uint8_t room[48];
    struct arena a = arena_over(room, 40);
    assert_ptr_equal(arena_take(&a, 24), room);
    assert_null(arena_take(&a, 9)); /* starts at 32 */
    assert_ptr_equal(arena_take(&a, 8), room + 32);
    assert_null(arena_take(&a, 1));
    assert_null(arena_take(&a, SIZE_MAX));
}

/* What a library hook frees is looked at through another pointer, while it is still mapped. */
static void test_library_memory_is_wiped(void **state)
{
    (void)state;
    static char secret[] = "4111111111111111";
    char *at = memory_library_malloc(4096);
    assert_non_null(at);
    memcpy(at + 2048, secret, sizeof secret);
    volatile char *seen = at + 2048;
    uintptr_t kept = (uintptr_t)seen;
    memory_library_free(at);
#if !defined(__SANITIZE_ADDRESS__)
    assert_int_not_equal(*(volatile char *)kept, '4');
    assert_int_not_equal(*(volatile char *)(kept + 8), '1');
#else
    (void)kept;
#endif
}

static void test_secrets(void **state)
{
    (void)state;
    struct secret_pages pages;
    assert_int_equal(secret_pages_create(100, &pages), ERR_OK);
    memset(pages.at, 1, pages.len);
    secret_pages_destroy(&pages);
    assert_null(pages.at);
    struct code_digits a = {3, "123"};
    struct code_digits b = {3, "123"};
    assert_true(secret_code_equal(&a, &b));
    b.at[2] = '4';
    assert_false(secret_code_equal(&a, &b));
    b = (struct code_digits){4, "123"};
    assert_false(secret_code_equal(&a, &b));
}

static void test_calendar_against_libc(void **state)
{
    (void)state;
    struct env env = rng_env(3);
    for (int i = 0; i < 20000; i++) {
        uint64_t word;
        env_random(&env, &word, sizeof word);
        int64_t ms = (int64_t)(word % 253402300800000u); /* up to the year 9999 */
        time_t seconds = (time_t)(ms / 1000);
        struct tm tm;
        gmtime_r(&seconds, &tm);
        struct env_calendar c = env_calendar(ms);
        assert_int_equal(c.year, tm.tm_year + 1900);
        assert_int_equal(c.month, tm.tm_mon + 1);
        assert_int_equal(c.day, tm.tm_mday);
        assert_int_equal(c.hour * 3600 + c.minute * 60 + c.second, tm.tm_hour * 3600 + tm.tm_min * 60 + tm.tm_sec);
        int64_t back = 0;
        assert_int_equal(env_calendar_ms(&c, &back), ERR_OK);
        assert_int_equal(back, ms);
    }
}

static void test_calendar_refuses_dates_that_do_not_exist(void **state)
{
    (void)state;
    int64_t out;
    const struct env_calendar bad[] = {
        {2026, 2, 29, 0, 0, 0, 0}, {2100, 2, 29, 0, 0, 0, 0}, {2026, 13, 1, 0, 0, 0, 0}, {2026, 0, 1, 0, 0, 0, 0},
        {2026, 4, 31, 0, 0, 0, 0}, {2026, 1, 1, 24, 0, 0, 0}, {2026, 1, 1, 0, 60, 0, 0}, {1969, 1, 1, 0, 0, 0, 0},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(env_calendar_ms(&bad[i], &out), ERR_PARSE_VALUE);
    char text[25];
    env_rfc3339(1767225599123, text);
    assert_string_equal(text, "2025-12-31T23:59:59.123Z");
}

static void test_ids_sort_by_time(void **state)
{
    (void)state;
    struct rng_world world = {9, 1767225600000, 0};
    struct env env = rng_env_over(&world);
    char a[37];
    char b[37];
    env_uuid(&env, a);
    world.wall_ms++;
    env_uuid(&env, b);
    assert_true(strcmp(a, b) < 0);
    assert_int_equal(a[14], '7');
    assert_non_null(strchr("89ab", a[19]));
}

static void count_wake(void *context)
{
    ++*(int *)context;
}

static void test_queue_takes_batches(void **state)
{
    (void)state;
    struct queue q;
    int wakes = 0;
    int items[5];
    void *out[8];
    assert_int_equal(queue_create(&q, 4, count_wake, &wakes), ERR_OK);
    for (int i = 0; i < 4; i++)
        assert_int_equal(queue_put(&q, &items[i]), ERR_OK);
    assert_int_equal(wakes, 1);
    assert_int_equal(queue_put(&q, &items[4]), ERR_BUSY);
    assert_int_equal(queue_take(&q, out, 3), 3);
    assert_int_equal(wakes, 2); /* one is left: the loop must come again */
    assert_ptr_equal(out[2], &items[2]);
    queue_close(&q);
    assert_int_equal(queue_put(&q, &items[0]), ERR_CLOSED);
    assert_int_equal(queue_wait(&q, out, 8), 1);
    assert_int_equal(queue_wait(&q, out, 8), 0);
    queue_destroy(&q);
}

static void test_log_escapes_and_cuts(void **state)
{
    (void)state;
    int fds[2];
    char line[2048] = {0};
    char long_text[2000];
    memset(long_text, 'x', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = 0;
    assert_int_equal(pipe(fds), 0);
    struct log log = {fds[1], LOG_INFO, "test"};
    LOG(&log, LOG_DEBUG, "unseen", LOG_INT("n", 1));
    LOG(&log, LOG_INFO, "said", LOG_TEXT("a", "q\"\\\n"), LOG_INT("n", -5), LOG_TEXT("b", long_text));
    assert_true(read(fds[0], line, sizeof line - 1) > 0);
    assert_non_null(strstr(line, "\"event\":\"said\",\"a\":\"q\\\"\\\\\\u000a\",\"n\":-5,\"cut\":1}\n"));
    close(fds[0]);
    close(fds[1]);
}

struct settings {
    char listen[16];
    int64_t header;
    bool loud;
    char name[8];
};

static const struct config_row setting_rows[] = {
    {"hsm", "listen", "address and port", CONFIG_TEXT, CONFIG_MEMBER(struct settings, listen), 0, 0, "127.0.0.1:0"},
    {"hsm", "header", "bytes of header", CONFIG_INTEGER, CONFIG_MEMBER(struct settings, header), 0, 255, "4"},
    {"hsm", "loud", "say it", CONFIG_BOOL, CONFIG_MEMBER(struct settings, loud), 0, 0, "false"},
    {"hsm", "name", "who", CONFIG_TEXT, CONFIG_MEMBER(struct settings, name), 0, 0, NULL},
};
static const struct config_table settings_table = {setting_rows, 4};

static enum err load_text(const char *text, struct settings *out, char problem[static 256])
{
    char path[] = "/tmp/countersign-config-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
    memset(out, 0, sizeof *out);
    enum err err = config_load(&settings_table, path, out, problem, 256);
    unlink(path);
    return err;
}

static void test_config_binds(void **state)
{
    (void)state;
    struct settings s;
    char problem[256];
    assert_int_equal(load_text("; a comment\n[hsm]\nheader = 8\nloud = yes\nname = one\n", &s, problem), ERR_OK);
    assert_int_equal(s.header, 8);
    assert_true(s.loud);
    assert_string_equal(s.listen, "127.0.0.1:0");
    assert_int_equal(config_set(&settings_table, "hsm.header=255", &s, problem, sizeof problem), ERR_OK);
    assert_int_equal(s.header, 255);
    assert_int_equal(config_set(&settings_table, "hsm.header=-1", &s, problem, sizeof problem), ERR_CONFIG);
    assert_int_equal(s.header, 255);
    assert_int_equal(config_set(&settings_table, "hsm.header=256", &s, problem, sizeof problem), ERR_CONFIG);
    assert_non_null(strstr(problem, "0 to 255"));
    assert_int_equal(config_set(&settings_table, "nonsense", &s, problem, sizeof problem), ERR_CONFIG);
}

static void test_config_says_what_and_where(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *says;
    } rows[] = {
        {"[hsm]\nname = a\nheader = many\n", ":3: [hsm] header: a whole number from 0 to 255"},
        {"[hsm]\nname = a\nloud = maybe\n", ":3: [hsm] loud: true or false"},
        {"[hsm]\nname = muchtoolong\n", ":2: [hsm] name: at most 7 characters"},
        {"[hsm]\nname = a\nport = 1\n", ":3: [hsm] port: no such key"},
        {"[hsm]\nname = a\nrubbish\n", ":3: not a [section]"},
        {"[hsm]\nheader = 4\n", "[hsm] name is required"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct settings s;
        char problem[256];
        assert_int_equal(load_text(rows[i].text, &s, problem), ERR_CONFIG);
        if (!strstr(problem, rows[i].says))
            fail_msg("wanted '%s' in '%s'", rows[i].says, problem);
    }
    struct settings s;
    char problem[256];
    assert_int_equal(config_load(&settings_table, "/nonexistent/file.ini", &s, problem, sizeof problem), ERR_CONFIG);
    assert_non_null(strstr(problem, "cannot be read"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_buf_is_sticky),
        cmocka_unit_test(test_buf_ends_exactly),
        cmocka_unit_test(test_spans),
        cmocka_unit_test(test_arena_is_bounded_and_wiped),
        cmocka_unit_test(test_arena_ends_exactly),
        cmocka_unit_test(test_library_memory_is_wiped),
        cmocka_unit_test(test_secrets),
        cmocka_unit_test(test_calendar_against_libc),
        cmocka_unit_test(test_calendar_refuses_dates_that_do_not_exist),
        cmocka_unit_test(test_ids_sort_by_time),
        cmocka_unit_test(test_queue_takes_batches),
        cmocka_unit_test(test_log_escapes_and_cuts),
        cmocka_unit_test(test_config_binds),
        cmocka_unit_test(test_config_says_what_and_where),
    };
    return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
