/* SPDX-License-Identifier: Apache-2.0 */
#include "support/stores.h"

#include "support/postgres.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { ARENA_SIZE = 4 << 20 };

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

void stores_setup(struct stores_fixture *f, const struct stores_driver *driver)
{
    *f = (struct stores_fixture){.log = {.fd = open("/dev/null", O_WRONLY | O_CLOEXEC), .service = "test"}};
    f->env = env_system(&f->log);
    struct buf url = buf_over(f->url, sizeof f->url);
    driver->fresh(&url);
    insist(arena_create(&f->arena, ARENA_SIZE) == ERR_OK, "no memory");
    f->store = stores_connect(f);
    insist(store_migrate(f->store, STORE_LEDGER) == ERR_OK, "cannot migrate the ledger");
    insist(store_migrate(f->store, STORE_GATEWAY) == ERR_OK, "cannot migrate the gateway");
}

struct store *stores_connect(const struct stores_fixture *f)
{
    struct store *store = NULL;
    insist(store_open(f->url, &f->env, &store) == ERR_OK, "cannot open");
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
    if (f->url[0] != 's')
        return;
    for (size_t i = 0; i < sizeof tails / sizeof tails[0]; i++) {
        char path[300];
        snprintf(path, sizeof path, "%s%s", stores_path(f), tails[i]);
        unlink(path);
    }
}
