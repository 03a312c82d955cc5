/* SPDX-License-Identifier: Apache-2.0 */
/* A reader over a fixture's database, with a small loop around it: turns when its descriptor says so or its time has come. */
#ifndef SUPPORT_READERS_H
#define SUPPORT_READERS_H

#include "store/driver.h"
#include "store/reader.h"
#include "support/stores.h"

struct readers {
    struct stores_fixture f;
    struct store_reader *reader;
    struct queue done;
    struct store_batch *last; /* the last that came back */
    int fd;                   /* what is watched */
    bool readable, writable;
};

/* `w->f` stands already. */
void readers_open(struct readers *w, const struct store_set *const *sets, size_t cap, uint32_t silence_ms);
void readers_close(struct readers *w);
/* Shall be answered within `us` from now. */
void readers_submit(struct readers *w, struct store_batch *batch, int64_t us);
/* Turns until `count` batches have come back; fails the test after two minutes. */
void readers_await(struct readers *w, size_t count);
/* Turns for some time. */
void readers_drive(struct readers *w, int64_t ms);

#endif
