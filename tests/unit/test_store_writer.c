/* SPDX-License-Identifier: Apache-2.0 */
/* The writer thread on both engines: every batch comes back with its own outcome, and commits are shared. */
#include "ledger/ledger.h"
#include "ledger/shapes.h"
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

static struct store_op account_insert(const struct ledger_account *account)
{
    return (struct store_op){.row = LEDGER_ROW(ACCOUNT_INSERT), .flags = STORE_MUST_CHANGE, .argument = account};
}

static struct ledger_account account_of(int64_t number)
{
    struct ledger_account account = {.currency = "036", .balance = 1000, .version = 1};
    struct buf id = buf_over(account.account_id, sizeof account.account_id);
    buf_put_integer(&id, number);
    (void)buf_text(&id);
    return account;
}

enum { SUBMITTERS = 3, PER_SUBMITTER = 200 };

struct submitter {
    struct store_writer *writer;
    struct queue done;
    struct store_batch batch[PER_SUBMITTER];
    struct store_op op[PER_SUBMITTER];
    struct ledger_account account[PER_SUBMITTER];
    int index;
};

static void *submit_all(void *context)
{
    struct submitter *s = context;
    for (int i = 0; i < PER_SUBMITTER; i++) {
        s->account[i] = account_of(i % 2 == 0 ? s->index * 1000 + i : 7777); /* the odd ones clash */
        s->op[i] = account_insert(&s->account[i]);
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
    const struct ledger_account account = account_of(number);
    struct store_op op = account_insert(&account);
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
        const struct ledger_by_id key = {.id = "c"};
        struct store_op op[64];
        for (int i = 0; i < 64; i++)
            op[i] = (struct store_op){.row = LEDGER_ROW(ACCOUNT_GET), .argument = &key};
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
    static struct stores_wide put[WIDE_ROWS];
    static struct store_op op[WIDE_ROWS];
    memset(wide, 'w', WIDE_TEXT);
    for (int i = 0; i < WIDE_ROWS; i++) {
        struct buf text = buf_over(kid[i], sizeof kid[i]);
        buf_put_integer(&text, batch * WIDE_ROWS + i);
        put[i] = (struct stores_wide){"c", buf_text(&text), wide};
        op[i] = (struct store_op){.row = &stores_wide_row, .argument = &put[i]};
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
