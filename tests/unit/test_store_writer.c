/* SPDX-License-Identifier: Apache-2.0 */
/* The writer thread on both engines: every batch comes back with its own outcome, and commits are shared. */
#include "store/error.h"
#include "store/writer.h"

#include "support/stores.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#define VALUES(...) ((const struct store_value[]){__VA_ARGS__})

static struct store_op account_insert(const struct store_value *value)
{
    return (struct store_op){
        .statement = STORE_ACCOUNT_INSERT, .flags = STORE_MUST_CHANGE, .argument = value, .argument_count = 11};
}

#define ACCOUNT(id_)                                                                                                    \
    VALUES(store_text(id_), store_text("036"), store_int(1000), store_int(0), store_int(0), store_int(0), store_int(0), \
           store_int(0), store_int(0), store_int(0), store_int(1))
enum { SUBMITTERS = 3, PER_SUBMITTER = 200 };

struct submitter {
    struct store_writer *writer;
    struct queue done;
    struct store_batch batch[PER_SUBMITTER];
    struct store_op op[PER_SUBMITTER];
    struct store_value value[PER_SUBMITTER][11];
    char name[PER_SUBMITTER][16];
    int index;
};

static void *submit_all(void *context)
{
    struct submitter *s = context;
    for (int i = 0; i < PER_SUBMITTER; i++) {
        struct buf b = buf_over(s->name[i], sizeof s->name[i]);
        buf_put_integer(&b, i % 2 == 0 ? s->index * 1000 + i : 7777); /* the odd ones clash */
        memcpy(s->value[i], ACCOUNT(buf_text(&b)), sizeof s->value[i]);
        s->op[i] = account_insert(s->value[i]);
        s->batch[i] = (struct store_batch){.op = &s->op[i], .count = 1, .done = &s->done, .context = s};
        if (store_writer_submit(s->writer, &s->batch[i]) != ERR_OK)
            abort();
    }
    void *item[PER_SUBMITTER];
    for (size_t finished = 0; finished < PER_SUBMITTER;)
        finished += queue_wait(&s->done, item, PER_SUBMITTER);
    return NULL;
}

static void test_the_writer_shares_commits(void **state)
{
    struct stores_fixture f;
    struct store_writer *writer = NULL;
    static struct submitter submitter[SUBMITTERS];
    pthread_t thread[SUBMITTERS];
    stores_setup(&f, *state);
    assert_int_equal(store_writer_start(stores_connect(&f), &f.env, SUBMITTERS * PER_SUBMITTER, &writer), ERR_OK);
    for (int i = 0; i < SUBMITTERS; i++) {
        submitter[i] = (struct submitter){.writer = writer, .index = i};
        assert_int_equal(queue_create(&submitter[i].done, PER_SUBMITTER, NULL, NULL), ERR_OK);
        assert_int_equal(pthread_create(&thread[i], NULL, submit_all, &submitter[i]), 0);
    }
    int fine = 0;
    for (int i = 0; i < SUBMITTERS; i++) {
        pthread_join(thread[i], NULL);
        for (int j = 0; j < PER_SUBMITTER; j++) {
            enum err err = submitter[i].batch[j].err;
            assert_true(err == ERR_OK || (j % 2 == 1 && err == STORE_ERR_CONFLICT));
            fine += err == ERR_OK;
        }
    }
    assert_int_equal(fine, SUBMITTERS * PER_SUBMITTER / 2 + 1);
    struct store_writer_counts counts = store_writer_counts(writer);
    assert_int_equal(counts.batches, SUBMITTERS * PER_SUBMITTER);
    assert_int_equal(counts.conflicts, SUBMITTERS * PER_SUBMITTER / 2 - 1);
    assert_int_equal(counts.failures, 0);
    assert_true(counts.groups > 0 && counts.groups <= counts.batches);
    store_writer_stop(writer);
    store_writer_stop(NULL);
    for (int i = 0; i < SUBMITTERS; i++)
        queue_destroy(&submitter[i].done);
    stores_teardown(&f);
}

/* ---- two processes over one file: the busy one may not starve the other ---- */

enum { TURNS = 200, TURNS_BETWEEN = 20 };

struct busy_writer {
    const struct stores_fixture *f;
    _Atomic bool stop;
    _Atomic int64_t commits;
};

static enum err insert_one(struct store *store, int64_t number)
{
    char name[24];
    struct store_value value[11];
    struct buf b = buf_over(name, sizeof name);
    buf_put_integer(&b, number);
    memcpy(value, ACCOUNT(buf_text(&b)), sizeof value);
    struct store_op op = account_insert(value);
    return store_run(store, &(struct store_batch){.op = &op, .count = 1});
}

static void *commit_without_pause(void *context)
{
    struct busy_writer *w = context;
    struct store *store = stores_connect(w->f);
    while (!w->stop)
        if (insert_one(store, 1000000 + w->commits++) != ERR_OK)
            abort();
    store_close(store);
    return NULL;
}

static void test_writers_take_turns(void **state)
{
    struct stores_fixture f;
    pthread_t thread;
    stores_setup(&f, *state);
    struct busy_writer busy = {.f = &f};
    assert_int_equal(pthread_create(&thread, NULL, commit_without_pause, &busy), 0);
    while (busy.commits < 10)
        sched_yield();
    int64_t meanwhile = 0;
    for (int i = 0; i < TURNS; i++) {
        int64_t before = busy.commits;
        assert_int_equal(insert_one(f.store, i), ERR_OK);
        meanwhile += busy.commits - before;
    }
    busy.stop = true;
    pthread_join(thread, NULL);
    assert_in_range(meanwhile, 0, TURNS * TURNS_BETWEEN);
    stores_teardown(&f);
}

/* ---- readers without a gap: the WAL may not grow for ever ---- */

enum { WIDE_TEXT = 3900, WIDE_ROWS = 256, WIDE_BATCHES = 220, READERS = 2, WAL_MAX = 160 << 20 };

struct reader {
    const struct stores_fixture *f;
    _Atomic bool stop;
};

static void *read_without_gap(void *context)
{
    struct reader *r = context;
    struct store *store = stores_connect(r->f);
    struct arena arena;
    if (arena_create(&arena, 1 << 20) != ERR_OK)
        abort();
    while (!r->stop) {
        struct store_value key = store_text("c");
        struct store_op op[64];
        for (int i = 0; i < 64; i++)
            op[i] = (struct store_op){.statement = STORE_ACCOUNT_GET, .argument = &key, .argument_count = 1};
        arena_reset(&arena);
        if (store_run(store, &(struct store_batch){.op = op, .count = 64, .arena = &arena}) != ERR_OK)
            abort();
    }
    store_close(store);
    arena_destroy(&arena);
    return NULL;
}

/* One row fills a page. */
static void write_wide(struct store *store, int batch)
{
    static char wide[WIDE_TEXT + 1];
    static char kid[WIDE_ROWS][16];
    static struct store_value value[WIDE_ROWS][7];
    static struct store_op op[WIDE_ROWS];
    memset(wide, 'w', WIDE_TEXT);
    for (int i = 0; i < WIDE_ROWS; i++) {
        struct buf text = buf_over(kid[i], sizeof kid[i]);
        buf_put_integer(&text, batch * WIDE_ROWS + i);
        const struct store_value row[] = {
            store_text("c"), store_text(buf_text(&text)), store_text("enc"), store_text(wide), store_int(0), store_int(0),
            store_int(0)};
        memcpy(value[i], row, sizeof row);
        op[i] = (struct store_op){.statement = STORE_CLIENT_KEY_PUT, .argument = value[i], .argument_count = 7};
    }
    assert_int_equal(store_run(store, &(struct store_batch){.op = op, .count = WIDE_ROWS}), ERR_OK);
}

static void test_the_wal_stays_bounded(void **state)
{
    struct stores_fixture f;
    pthread_t thread[READERS];
    char path[300];
    struct stat wal;
    stores_setup(&f, *state);
    struct buf text = buf_over(path, sizeof path);
    buf_put_text(&text, stores_path(&f));
    buf_put_text(&text, "-wal");
    (void)buf_text(&text);
    struct reader reader = {.f = &f};
    for (int i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, read_without_gap, &reader), 0);
    for (int i = 0; i < WIDE_BATCHES; i++)
        write_wide(f.store, i);
    assert_int_equal(stat(path, &wal), 0);
    reader.stop = true;
    for (int i = 0; i < READERS; i++)
        pthread_join(thread[i], NULL);
    assert_in_range(wal.st_size, 1, WAL_MAX); /* of more than 220 MB that were written */
    stores_teardown(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(test_the_writer_shares_commits),
        ON_BOTH(test_writers_take_turns),
        ON_SQLITE(test_the_wal_stays_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
