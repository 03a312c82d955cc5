/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/unit.h"

#include <string.h>

enum { KEY_MAX = 128 };

void ledger_unit_begin(struct ledger_unit *unit, size_t cap, struct arena *arena)
{
    *unit = (struct ledger_unit){.cap = cap, .arena = arena};
    unit->op = arena_take(arena, cap * sizeof *unit->op);
    unit->tag = arena_take(arena, cap * sizeof *unit->tag);
    if (!unit->op || !unit->tag)
        unit->err = ERR_MEMORY;
    unit->batch = (struct store_batch){.op = unit->op, .arena = arena};
}

void ledger_unit_mark(struct ledger_unit *unit, uint32_t tag)
{
    unit->current_tag = tag;
}

uint32_t ledger_unit_tag(const struct ledger_unit *unit, size_t at)
{
    return at < unit->batch.count ? unit->tag[at] : 0;
}

enum err ledger_unit_batch(struct ledger_unit *unit, struct store_batch **out)
{
    TRY(unit->err);
    *out = &unit->batch;
    return ERR_OK;
}

enum err ledger_unit_run(struct ledger_unit *unit, struct store *store)
{
    TRY(unit->err);
    return store_run(store, &unit->batch);
}

enum err ledger_unit_submit(struct ledger_unit *unit, struct store_reader *reader, struct queue *done, void *context,
                            int64_t deadline_us)
{
    TRY(unit->err);
    unit->batch.done = done;
    unit->batch.context = context;
    return store_reader_submit(reader, &unit->batch, deadline_us);
}

static void *keep(struct ledger_unit *unit, const void *at, size_t size)
{
    void *copy = unit->err == ERR_OK ? arena_take(unit->arena, size) : NULL;
    if (copy)
        return memcpy(copy, at, size);
    unit->err = unit->err == ERR_OK ? ERR_MEMORY : unit->err;
    return NULL;
}

static void add(struct ledger_unit *unit, const struct store_row *row, unsigned flags, const void *argument)
{
    if (unit->err == ERR_OK && unit->batch.count == unit->cap)
        unit->err = ERR_MEMORY;
    if (unit->err != ERR_OK)
        return;
    size_t at = unit->batch.count++;
    unit->tag[at] = unit->current_tag;
    unit->op[at] = (struct store_op){.row = row, .flags = flags, .argument = argument};
}

void ledger_unit_add(struct ledger_unit *unit, const struct store_row *row, unsigned flags, const void *argument)
{
    add(unit, row, flags, argument ? keep(unit, argument, row->takes->size) : NULL);
}

void *ledger_unit_fill(struct ledger_unit *unit, const struct store_row *row)
{
    void *argument = unit->err == ERR_OK ? arena_take(unit->arena, row->takes->size) : NULL;
    if (!argument && unit->err == ERR_OK)
        unit->err = ERR_MEMORY;
    add(unit, row, STORE_MUST_CHANGE, argument);
    return unit->err == ERR_OK ? argument : NULL;
}

void ledger_unit_put(struct ledger_unit *unit, const struct store_row *row, const void *argument)
{
    ledger_unit_add(unit, row, STORE_MUST_CHANGE, argument);
}

const char *ledger_unit_text(struct ledger_unit *unit, const char *text)
{
    const char *copy = keep(unit, text, strlen(text) + 1);
    return copy ? copy : "";
}

/* DE32 is numeric: 00123 of DE90 and 123 of the message are one acquirer. */
static const char *without_zeros(const char *digits)
{
    return digits + strspn(digits, "0");
}

static void key_part(struct buf *key, struct span part)
{
    buf_put_byte(key, (uint8_t)part.len);
    buf_put_span(key, part);
}

static struct span key_keep(struct ledger_unit *unit, struct buf *key)
{
    if (buf_done(key) != ERR_OK)
        unit->err = ERR_PARSE_LONG;
    const void *copy = keep(unit, key->at, key->len);
    return span_of(copy, copy ? key->len : 0);
}

/* The card by the first half of its MAC. */
static void key_card(struct buf *key, const struct ledger_message_id *id)
{
    key_part(key, span_of(id->pan_mac, LEDGER_MAC_LEN / 2));
}

static void key_parts(struct buf *key, const char *const part[], size_t count)
{
    for (size_t i = 0; i < count; i++)
        key_part(key, span_text(part[i]));
}

static void key_message(struct buf *key, const struct ledger_message_id *id)
{
    const char *const part[] = {id->link_id, id->de37, id->de41, id->de42};
    if (id->link_id[0] == 0)
        key_card(key, id);
    else
        key_parts(key, part, sizeof part / sizeof part[0]);
}

struct span ledger_unit_message(struct ledger_unit *unit, const struct ledger_message_id *id)
{
    uint8_t room[KEY_MAX];
    struct buf key = buf_over(room, sizeof room);
    key_message(&key, id);
    return key_keep(unit, &key);
}

struct ledger_key ledger_unit_key(struct ledger_unit *unit, const struct ledger_message_id *id)
{
    const char *const part[] = {id->pan_mac ? id->network : id->link_id, id->mti_class, id->de7, id->de11, without_zeros(id->de32)};
    uint8_t room[KEY_MAX];
    struct buf key = buf_over(room, sizeof room);
    key_parts(&key, part, sizeof part / sizeof part[0]);
    size_t leading = key.len;
    if (id->pan_mac)
        key_card(&key, id);
    else
        key_message(&key, id);
    struct span whole = key_keep(unit, &key);
    key.len = leading;
    buf_put_byte(&key, UINT8_MAX);
    struct span end = key_keep(unit, &key);
    return (struct ledger_key){.whole = whole, .from = span_of(whole.at, whole.at ? leading : 0), .to = end};
}
