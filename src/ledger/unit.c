/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/unit.h"

#include <string.h>

enum { KEY_MAX = 128, KEY_PARTS = 8, ORIGINAL_PARTS = 5 };

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

static struct span key_of(struct ledger_unit *unit, const struct ledger_message_id *id, size_t parts, bool end)
{
    const char *part[KEY_PARTS] = {id->link_id, id->mti_class, id->de7, id->de11, without_zeros(id->de32),
                                   id->de37,    id->de41,      id->de42};
    uint8_t room[KEY_MAX];
    struct buf key = buf_over(room, sizeof room);
    for (size_t i = 0; i < parts; i++) {
        struct span s = span_text(part[i]);
        buf_put_byte(&key, (uint8_t)s.len);
        buf_put_span(&key, s);
    }
    if (end) /* above every length byte */
        buf_put_byte(&key, 0xFF);
    if (buf_done(&key) != ERR_OK)
        unit->err = ERR_PARSE_LONG;
    const void *copy = keep(unit, room, key.len);
    return span_of(copy, copy ? key.len : 0);
}

struct span ledger_unit_key(struct ledger_unit *unit, const struct ledger_message_id *id, bool whole)
{
    return key_of(unit, id, whole ? KEY_PARTS : ORIGINAL_PARTS, false);
}

struct span ledger_unit_key_end(struct ledger_unit *unit, const struct ledger_message_id *id)
{
    return key_of(unit, id, ORIGINAL_PARTS, true);
}
