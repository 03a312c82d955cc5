/* SPDX-License-Identifier: Apache-2.0 */
/* The sandbox's merchants, as rows of the gateway's database. */
#include <stdio.h>

#include "crypto/vault.h"
#include "main/demo.h"
#include "store/store.h"

enum { OPS = 3 };

static enum err run(struct store *store, struct store_op op[static OPS])
{
    struct store_batch batch = {.op = op, .count = OPS};
    return store_run(store, &batch);
}

/* The secret is sealed under its API key as additional data (gateway/merchants.h). */
static enum err put_merchant(struct demo *demo, struct store *store, struct vault *vault, size_t index)
{
    const struct demo_merchant *m = &demo->merchant[index];
    uint8_t room[128];
    char name[32];
    int64_t now = env_wall_ms(&demo->env);
    struct buf sealed = buf_over(room, sizeof room);
    TRY(vault_seal(vault, &demo->env, span_text(m->api_key), span_text(m->secret), &sealed));
    (void)snprintf(name, sizeof name, "Sandbox shop %zu", index + 1);
    const struct store_value merchant[] = {
        store_text(m->id),     store_text("sandbox"), store_text(name),       store_text("5999"), store_text("AUD"),
        store_int(1),          store_text(""),        store_text("1 George Street"), store_text("Sydney"), store_text("NSW"),
        store_text("2000"),    store_text("AU"),      store_text("active"),   store_int(now)};
    const struct store_value terminal[] = {store_text(m->id), store_text(m->terminal)};
    const struct store_value key[] = {store_text(m->api_key), store_text(m->id),     store_bytes(sealed.at, sealed.len),
                                      store_int(0),           store_text("active"), store_int(now)};
    struct store_op op[OPS] = {
        {.statement = STORE_MERCHANT_INSERT, .argument = merchant, .argument_count = sizeof merchant / sizeof merchant[0]},
        {.statement = STORE_TERMINAL_INSERT, .argument = terminal, .argument_count = sizeof terminal / sizeof terminal[0]},
        {.statement = STORE_MERCHANT_KEY_INSERT, .argument = key, .argument_count = sizeof key / sizeof key[0]},
    };
    return run(store, op);
}

enum err demo_seed_merchants(struct demo *demo, struct store *store, struct arena *arena)
{
    char path[DEMO_PATH];
    struct vault *vault = NULL;
    (void)arena;
    demo_path(demo, "vault.key", path);
    TRY(store_migrate(store, STORE_GATEWAY));
    TRY(vault_open_file(path, "gateway", &vault));
    enum err err = ERR_OK;
    for (size_t i = 0; i < DEMO_MERCHANTS && err == ERR_OK; i++)
        err = put_merchant(demo, store, vault, i);
    vault_close(vault);
    return err;
}
