/* SPDX-License-Identifier: Apache-2.0 */
/* The reader when things run out: memory at every allocation of its start, descriptors while it connects, a server that stalls. */
#include "support/postgres.h"
#include "support/readers.h"

#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

/* The program is linked with --wrap=calloc, under which all memory of the house is reserved: the n-th call fails. */
static size_t calls;
static size_t fail_at;
void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size)
{
    return ++calls == fail_at ? NULL : __real_calloc(count, size);
}

enum { LONG_US = 60000000, WIDE = 1 << 20 };

struct own {
    struct span bytes;
    int64_t len;
};
static const struct store_member bytes_member[] = {STORE_MEMBER(BLOB, struct own, "bytes", bytes)};
static const struct store_member len_member[] = {STORE_MEMBER(INT, struct own, "len", len)};
static const struct store_shape bytes_shape = STORE_SHAPE(struct own, bytes_member);
static const struct store_shape len_shape = STORE_SHAPE(struct own, len_member);
static const struct store_row own_row[] = {
    {"LENGTH", STORE_ROW_READ, 0, NULL, &bytes_shape, &len_shape, "SELECT CAST(length(:bytes) AS BIGINT) AS len", ""},
    {"ECHO", STORE_ROW_READ, 0, NULL, &bytes_shape, &bytes_shape, "SELECT :bytes AS bytes", ""},
};
static const struct store_set own_set = {.name = "own", .row = own_row, .count = sizeof own_row / sizeof own_row[0]};
static const struct store_set *const own[] = {&own_set, NULL};

static int open_files(void)
{
    int count = 0;
    for (int fd = 0; fd < 256; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

static void test_no_memory_at_the_start(void **state)
{
    struct stores_fixture f;
    stores_setup(&f, *state);
    struct store_reader *reader = NULL;
    struct store_reader_config config = {.url = f.url, .env = &f.env, .sets = own, .cap = 8};
    int before = open_files();
    size_t failed = 0;
    enum err err;
    do {
        calls = 0;
        fail_at = failed + 1;
        err = store_reader_open(&config, &reader);
        fail_at = 0;
        if (err != ERR_OK) {
            assert_int_equal(err, ERR_MEMORY);
            assert_null(reader);
            assert_int_equal(open_files(), before);
            failed++;
        }
    } while (err != ERR_OK);
    assert_true(failed >= 3);
    store_reader_close(reader);
    stores_teardown(&f);
}

struct question {
    struct store_batch batch;
    struct store_op op;
    struct own value;
    struct arena arena;
};

static void ask(struct readers *w, struct question *q, int statement, size_t size)
{
    static const uint8_t zeros[WIDE];
    *q = (struct question){.value = {.bytes = span_of(zeros, size)}};
    assert_int_equal(arena_create(&q->arena, WIDE + 4096), ERR_OK);
    q->op = (struct store_op){.row = &own_row[statement], .argument = &q->value};
    q->batch = (struct store_batch){.op = &q->op, .count = 1, .arena = &q->arena, .done = &w->done};
    readers_submit(w, &q->batch, LONG_US);
}

/* More than the socket takes at once, both ways, behind each other. */
static void test_large_values(void **state)
{
    enum { ASKED = 6 };
    static struct readers w;
    struct question q[ASKED];
    stores_setup(&w.f, *state);
    readers_open(&w, own, ASKED, 0);
    for (int i = 0; i < ASKED; i++)
        ask(&w, &q[i], i % 2, WIDE - 1000 * (size_t)i);
    readers_await(&w, ASKED);
    for (int i = 0; i < ASKED; i++) {
        assert_int_equal(q[i].batch.err, ERR_OK);
        size_t len = i % 2 == 0 ? (size_t)store_cell_int(&q[i].op.rows, 0, 0) : store_cell_span(&q[i].op.rows, 0, 0).len;
        assert_int_equal(len, WIDE - 1000 * i);
        arena_destroy(&q[i].arena);
    }
    readers_close(&w);
    stores_teardown(&w.f);
}

static void test_no_descriptors(void **state)
{
    static struct readers w;
    struct question q;
    struct rlimit before, none;
    stores_setup(&w.f, *state);
    readers_open(&w, own, 4, 0);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = 3;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    ask(&w, &q, 0, 5);
    readers_drive(&w, 300);
    assert_true(store_reader_counts(w.reader).lost > 1);
    assert_int_equal(store_reader_under_way(w.reader), 1);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    readers_await(&w, 1);
    assert_int_equal(q.batch.err, ERR_OK);
    assert_int_equal(store_cell_int(&q.op.rows, 0, 0), 5);
    arena_destroy(&q.arena);
    readers_close(&w);
    stores_teardown(&w.f);
}

/* ---- a server that says what it likes ---- */

/* Listens where the first host of the URL is, answers each connection with `answer`, and closes it. */
static void serve(int listener, const void *answer, size_t len)
{
    int peer = accept(listener, NULL, NULL);
    if (peer < 0)
        return;
    char startup[1024];
    if (read(peer, startup, sizeof startup) > 0)
        assert_int_equal(write(peer, answer, len), len);
    close(peer);
}

static void test_a_server_that_talks_rubbish(void **state)
{
    static const char refusal[] = "E\0\0\0\x1dSFATAL\0C53300\0Mtoo many\0";
    static const uint8_t ready[] = {'R', 0, 0, 0, 8, 0, 0, 0, 0, 'Z', 0, 0, 0, 5, 'I'};
    static const uint8_t results[] = {'R', 0,   0, 0, 8, 0, 0,   0,   0, 'Z', 0, 0, 0,   5,   'I', '1', 0, 0, 0,
                                      4,   'Z', 0, 0, 0, 5, 'I', 'Z', 0, 0,   0, 5, 'I', 'Z', 0,   0,   0, 5, 'I'};
    const struct span answers[] = {span_of(refusal, sizeof refusal - 1), span_of("rubbish", 7), span_of("", 0),
                                   span_of(ready, sizeof ready), span_of(results, sizeof results)};
    static struct readers w = {.f = {.env = {0}}};
    struct question q;
    char directory[] = "/tmp/countersign-liar.XXXXXX";
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)state;
    w.f.env = env_system(NULL);
    assert_non_null(mkdtemp(directory));
    snprintf(address.sun_path, sizeof address.sun_path, "%s/.s.PGSQL.5432", directory);
    snprintf(w.f.url, sizeof w.f.url, "postgres:host=%s user=u dbname=d target_session_attrs=any", directory);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (const struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(listener, 4), 0);
    readers_open(&w, own, 4, 100);
    ask(&w, &q, 0, 5);
    int64_t lost = 0;
    for (size_t i = 0; i < 3 * sizeof answers / sizeof answers[0]; i++) {
        for (int patience = 0; store_reader_counts(w.reader).lost == lost && patience < 1000; patience++) {
            readers_drive(&w, 2);
            serve(listener, answers[i % 5].at, answers[i % 5].len);
        }
        assert_true(store_reader_counts(w.reader).lost > lost);
        lost = store_reader_counts(w.reader).lost;
        assert_false(store_reader_up(w.reader));
    }
    readers_close(&w);
    arena_destroy(&q.arena);
    close(listener);
    unlink(address.sun_path);
    rmdir(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(test_no_memory_at_the_start),
        ON_BOTH(test_large_values),
        ON_POSTGRES(test_no_descriptors),
        cmocka_unit_test(test_a_server_that_talks_rubbish),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
