/* SPDX-License-Identifier: Apache-2.0 */
#include "store/identity.h"

#include "store/driver.h"

const char store_identity_table[] = "CREATE TABLE IF NOT EXISTS store_identity (set_name TEXT NOT NULL, id TEXT NOT NULL, "
                                    "written_at {int} NOT NULL, PRIMARY KEY (set_name)) {table}";

static const struct store_member probe_member[] = {
    STORE_MEMBER(STRING, struct store_identity_probe, "set_name", set_name),
    STORE_MEMBER(STRING, struct store_identity_probe, "id", id),
    STORE_MEMBER(INT, struct store_identity_probe, "now", now),
};
static const struct store_shape probe_shape = STORE_SHAPE(struct store_identity_probe, probe_member);
static const struct store_member found_member[] = {STORE_MEMBER(TEXT, struct store_identity, "id", text)};
static const struct store_shape found_shape = STORE_SHAPE(struct store_identity, found_member);

enum { IDENTITY_GET, IDENTITY_START, IDENTITY_PROBE, IDENTITY_COUNT };
static const struct store_row identity_row[IDENTITY_COUNT] = {
    [IDENTITY_GET] = {"IDENTITY_GET", STORE_ROW_READ, 0, NULL, &probe_shape, &found_shape,
                      "SELECT {gives} FROM store_identity WHERE set_name = :set_name", "which store this is"},
    [IDENTITY_START] =
        {"IDENTITY_START", STORE_ROW_WRITE, 0, "set_name", &probe_shape, NULL,
         "INSERT INTO store_identity (set_name, id, written_at) VALUES (:set_name, :id, :now) ON CONFLICT DO NOTHING",
         "a store that has no identity yet"},
    [IDENTITY_PROBE] = {"IDENTITY_PROBE", STORE_ROW_WRITE | STORE_ROW_PROBE, 0, "set_name", &probe_shape, NULL,
                        "UPDATE store_identity SET written_at = :now WHERE set_name = :set_name AND id = :id",
                        "finds out whether the store is there, is the same, and can be written"},
};
const struct store_set store_identity_set = {.name = "identity", .row = identity_row, .count = IDENTITY_COUNT};

const struct store_row *store_identity_probe_row(void)
{
    return &identity_row[IDENTITY_PROBE];
}

static enum err get(struct store *store, const struct store_set *set, struct store_identity *out)
{
    uint8_t room[512];
    struct arena arena = arena_over(room, sizeof room);
    const struct store_identity_probe key = {.set_name = set->name, .id = ""};
    struct store_op op = {.row = &identity_row[IDENTITY_GET], .argument = &key};
    struct store_identity found = {""};
    TRY(store_run(store, &(struct store_batch){.op = &op, .count = 1, .arena = &arena}));
    if (op.rows.count == 1)
        TRY(store_op_read(&op, 0, &found));
    *out = found;
    return ERR_OK;
}

enum err store_identity_read(struct store *store, const struct store_set *set, struct store_identity *out)
{
    TRY(store_own_tables(store));
    return get(store, set, out);
}

enum err store_identity_make(struct store *store, const struct store_set *set, struct store_identity *out)
{
    uint8_t random[STORE_IDENTITY_LEN / 2];
    char id[STORE_IDENTITY_LEN + 1];
    struct buf text = buf_over(id, sizeof id);
    env_random(store->env, random, sizeof random);
    buf_put_hex(&text, random, sizeof random);
    const struct store_identity_probe row = {set->name, buf_text(&text), env_wall_ms(store->env)};
    struct store_op op = {.row = &identity_row[IDENTITY_START], .argument = &row};
    TRY(store_own_tables(store));
    TRY(store_run(store, &(struct store_batch){.op = &op, .count = 1}));
    return get(store, set, out);
}
