/* SPDX-License-Identifier: Apache-2.0 */
#include "support/readers.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

enum { DONE_MAX = 1024, PATIENCE_US = 120000000, STEP_MS = 100 };

static void insist(bool fine, const char *what)
{
    if (fine)
        return;
    fprintf(stderr, "reader for tests: %s\n", what);
    abort();
}

static void on_watch(void *context, int fd, bool readable, bool writable)
{
    struct readers *w = context;
    w->fd = fd;
    w->readable = readable;
    w->writable = writable;
}

void readers_open(struct readers *w, const struct store_set *const *sets, size_t cap, uint32_t silence_ms)
{
    struct store_reader_config config = {
        .url = w->f.url, .env = &w->f.env, .sets = sets, .cap = cap, .watch = on_watch, .context = w, .silence_ms = silence_ms};
    w->fd = -1;
    insist(queue_create(&w->done, DONE_MAX, NULL, NULL) == ERR_OK, "no memory");
    insist(store_reader_open(&config, &w->reader) == ERR_OK, "cannot open");
}

void readers_close(struct readers *w)
{
    store_reader_close(w->reader);
    w->reader = NULL;
    queue_destroy(&w->done);
}

void readers_submit(struct readers *w, struct store_batch *batch, int64_t us)
{
    insist(store_reader_submit(w->reader, batch, env_monotonic_us(&w->f.env) + us) == ERR_OK, "refused");
}

/* Waits as a loop does: for the descriptor, for the reader's time, at most for `most_ms`. */
static void turn(struct readers *w, int most_ms)
{
    int64_t next_us = store_reader_turn(w->reader, env_monotonic_us(&w->f.env));
    int64_t ms = next_us == 0 ? most_ms : (next_us - env_monotonic_us(&w->f.env) + 999) / 1000;
    ms = ms < 0 ? 0 : ms < most_ms ? ms : most_ms;
    struct pollfd fd = {.fd = w->fd, .events = (short)((w->readable ? POLLIN : 0) | (w->writable ? POLLOUT : 0))};
    poll(&fd, 1, (int)ms);
}

void readers_await(struct readers *w, size_t count)
{
    int64_t limit_us = env_monotonic_us(&w->f.env) + PATIENCE_US;
    while (count > 0) {
        void *item = NULL;
        if (queue_take(&w->done, &item, 1) == 1) {
            w->last = item;
            count--;
            continue;
        }
        insist(env_monotonic_us(&w->f.env) < limit_us, "a batch does not come back");
        turn(w, STEP_MS);
    }
}

void readers_drive(struct readers *w, int64_t ms)
{
    int64_t limit_us = env_monotonic_us(&w->f.env) + ms * 1000;
    while (env_monotonic_us(&w->f.env) < limit_us)
        turn(w, 10);
}
