/* SPDX-License-Identifier: Apache-2.0 */
#include "support/stores.h"

#include "support/postgres.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ARENA_SIZE = 4 << 20 };

static const struct store_member wide_member[] = {STORE_MEMBER(STRING, struct stores_wide, "client_id", client_id),
                                                  STORE_MEMBER(STRING, struct stores_wide, "kid", kid),
                                                  STORE_MEMBER(STRING, struct stores_wide, "jwk", jwk)};
static const struct store_shape wide = STORE_SHAPE(struct stores_wide, wide_member);
const struct store_row stores_wide_row = {
    "WIDE",
    STORE_ROW_WRITE,
    LEDGER_TABLE_CLIENT_KEY,
    "client_id kid",
    &wide,
    NULL,
    "INSERT INTO client_key ({takes}) VALUES ({:takes}) ON CONFLICT (client_id, kid) DO UPDATE SET jwk = excluded.jwk",
    ""};
static const struct store_set wide_set = {.name = "wide", .row = &stores_wide_row, .count = 1};
const struct store_set *const stores_sets[] = {&ledger_set, &gateway_set, &wide_set, NULL};

static void insist(bool condition, const char *what)
{
    if (condition)
        return;
    fprintf(stderr, "stores: %s\n", what);
    abort();
}

static void sqlite_fresh(struct buf *url)
{
    char path[] = "/tmp/countersign-store.XXXXXX";
    int file = mkstemp(path);
    insist(file >= 0, "no temporary file");
    close(file);
    buf_put_text(url, "sqlite:");
    buf_put_text(url, path);
    (void)buf_text(url);
}

const struct stores_driver stores_sqlite = {"sqlite", sqlite_fresh};
const struct stores_driver stores_postgres = {"postgres", postgres_fresh};

void stores_setup_as(struct stores_fixture *f, const struct stores_driver *driver, const struct store_set *ledger)
{
    *f = (struct stores_fixture){.log = {.fd = open("/dev/null", O_WRONLY | O_CLOEXEC), .service = "test"}};
    f->env = env_system(&f->log);
    struct buf url = buf_over(f->url, sizeof f->url);
    driver->fresh(&url);
    insist(arena_create(&f->arena, ARENA_SIZE) == ERR_OK, "no memory");
    f->store = stores_connect(f);
    insist(store_migrate(f->store, ledger) == ERR_OK, "cannot migrate the ledger");
    insist(store_migrate(f->store, &gateway_set) == ERR_OK, "cannot migrate the gateway");
}

void stores_setup(struct stores_fixture *f, const struct stores_driver *driver)
{
    stores_setup_as(f, driver, &ledger_set);
}

void stores_join(struct stores_fixture *f, const struct stores_fixture *first)
{
    *f = (struct stores_fixture){.log = {.fd = open("/dev/null", O_WRONLY | O_CLOEXEC), .service = "test"}, .joined = true};
    f->env = env_system(&f->log);
    memcpy(f->url, first->url, sizeof f->url);
    insist(arena_create(&f->arena, ARENA_SIZE) == ERR_OK, "no memory");
    f->store = stores_connect(f);
}

struct store *stores_connect(const struct stores_fixture *f)
{
    struct store *store = NULL;
    insist(store_open(f->url, &f->env, stores_sets, &store) == ERR_OK, "cannot open");
    return store;
}

const char *stores_path(const struct stores_fixture *f)
{
    return f->url + sizeof "sqlite:" - 1;
}

void stores_teardown(struct stores_fixture *f)
{
    static const char *const tails[] = {"", "-wal", "-shm", "-turn"};
    store_close(f->store);
    if (f->env.log)
        close(f->log.fd);
    arena_destroy(&f->arena);
    if (f->joined || f->url[0] != 's')
        return;
    for (size_t i = 0; i < sizeof tails / sizeof tails[0]; i++) {
        char path[300];
        snprintf(path, sizeof path, "%s%s", stores_path(f), tails[i]);
        unlink(path);
    }
}
