/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/enrol.h"

#include "base/arena.h"
#include "ledger/error.h"
#include "ledger/unit.h"
#include "store/error.h"

#include <string.h>

enum { TRIES = 64 };

/* ---- reading ---- */

enum { AT_REGISTER, AT_RANGES, AT_ISSUERS };

void ledger_get_issuers(struct ledger_unit *unit)
{
    ledger_unit_add(unit, LEDGER_ROW(ISSUER_REGISTER), 0, NULL);
    ledger_unit_add(unit, LEDGER_ROW(ISSUER_RANGES), 0, NULL);
    ledger_unit_add(unit, LEDGER_ROW(ISSUERS), 0, NULL);
}

static enum err take_ranges(struct ledger_unit *unit, size_t at, struct ledger_issuers *table, struct ledger_range *range)
{
    struct ledger_range one;
    for (size_t row = 0; ledger_take_range(unit, at, row, &one); row++) {
        TRY(ledger_issuers_add_range(table, &one));
        if (range)
            range[row] = one;
    }
    return unit->err;
}

enum err ledger_take_issuers(struct ledger_unit *unit, size_t at, struct ledger_issuers *table, struct ledger_range *range)
{
    struct ledger_register version = {0};
    struct ledger_issuer issuer;
    TRY(unit->batch.err);
    if (ledger_found(unit, at + AT_REGISTER) != 1)
        return ERR_INTERNAL;
    TRY(store_op_read(&unit->op[at + AT_REGISTER], 0, &version));
    ledger_issuers_begin(table, version.version);
    for (size_t row = 0; row < ledger_found(unit, at + AT_ISSUERS); row++) {
        TRY(store_op_read(&unit->op[at + AT_ISSUERS], row, &issuer));
        TRY(ledger_issuers_add(table, &issuer));
    }
    TRY(take_ranges(unit, at + AT_RANGES, table, range));
    return ledger_issuers_end(table);
}

enum err ledger_issuers_load(struct store *store, struct arena *arena, struct ledger_issuers *table,
                             struct ledger_range range[static LEDGER_RANGES_MAX])
{
    struct ledger_unit unit;
    arena_reset(arena);
    ledger_unit_begin(&unit, LEDGER_ISSUERS_OPERATIONS, arena);
    ledger_get_issuers(&unit);
    TRY(ledger_unit_run(&unit, store));
    return ledger_take_issuers(&unit, 0, table, range);
}

/* ---- judging ---- */

struct judged {
    struct ledger_issuers table;
    struct ledger_range range[LEDGER_RANGES_MAX];
    struct ledger_issuer issuer; /* as it shall be */
};

static void text_take(char *out, size_t cap, const char *text)
{
    memset(out, 0, cap);
    memcpy(out, text, strnlen(text, cap - 1));
}

static enum err judge_issuer(struct judged *j, const struct ledger_enrolment *e)
{
    const struct ledger_issuer *have = ledger_issuers_find(&j->table, e->issuer_id);
    if (e->fresh && have)
        return ERR_DUPLICATE;
    if (!e->fresh && !have)
        return ERR_NOT_FOUND;
    if (e->fresh && j->table.count == LEDGER_ISSUERS_MAX)
        return ERR_MEMORY;
    j->issuer = have ? *have : (struct ledger_issuer){.timezone = "UTC", .reversal_days = LEDGER_REVERSAL_DAYS};
    text_take(j->issuer.issuer_id, sizeof j->issuer.issuer_id, e->issuer_id);
    if (e->timezone)
        text_take(j->issuer.timezone, sizeof j->issuer.timezone, e->timezone);
    if (e->reversal_days > 0)
        j->issuer.reversal_days = e->reversal_days;
    return ERR_OK;
}

static enum err refuse(const struct ledger_range *wanted, const struct ledger_range *there, struct ledger_clash *clash)
{
    *clash = (struct ledger_clash){*wanted, *there};
    return LEDGER_ERR_RANGE_TAKEN;
}

/* The issuer's own ranges are replaced: they are in nobody's way. */
static enum err judge_ranges(const struct judged *j, const struct ledger_enrolment *e, struct ledger_clash *clash)
{
    size_t others = 0;
    for (size_t k = 0; k < j->table.ranges; k++) {
        if (strcmp(j->range[k].issuer_id, j->issuer.issuer_id) == 0)
            continue;
        others++;
        for (size_t i = 0; i < e->ranges; i++)
            if (ledger_range_meets(&e->range[i], &j->range[k]))
                return refuse(&e->range[i], &j->range[k], clash);
    }
    for (size_t i = 0; i < e->ranges; i++)
        for (size_t k = i + 1; k < e->ranges; k++)
            if (ledger_range_meets(&e->range[i], &e->range[k]))
                return refuse(&e->range[i], &e->range[k], clash);
    return e->ranges > 0 && others + e->ranges > LEDGER_RANGES_MAX ? ERR_MEMORY : ERR_OK;
}

/* ---- writing ---- */

static void put_ranges(struct ledger_unit *unit, const struct ledger_issuer *issuer, const struct ledger_enrolment *e)
{
    struct ledger_range one = {0};
    memcpy(one.issuer_id, issuer->issuer_id, sizeof one.issuer_id);
    ledger_unit_add(unit, LEDGER_ROW(ISSUER_RANGES_DELETE), 0, &one);
    for (size_t i = 0; i < e->ranges; i++) {
        one = e->range[i];
        memcpy(one.issuer_id, issuer->issuer_id, sizeof one.issuer_id);
        ledger_unit_put(unit, LEDGER_ROW(ISSUER_RANGE_INSERT), &one);
    }
}

void ledger_put_enrolment(struct ledger_unit *unit, const struct ledger_issuer *issuer, const struct ledger_enrolment *enrolment,
                          int64_t version)
{
    const struct ledger_register before = {LEDGER_REGISTER_ID, version};
    ledger_unit_put(unit, LEDGER_ROW(ISSUER_REGISTER_RAISE), &before);
    ledger_unit_put(unit, enrolment->fresh ? LEDGER_ROW(ISSUER_INSERT) : LEDGER_ROW(ISSUER_UPDATE), issuer);
    if (enrolment->ranges > 0)
        put_ranges(unit, issuer, enrolment);
}

static enum err enrol_once(struct store *store, struct arena *arena, const struct ledger_enrolment *e, struct judged *j,
                           struct ledger_clash *clash)
{
    struct ledger_unit unit;
    TRY(ledger_issuers_load(store, arena, &j->table, j->range));
    TRY(judge_issuer(j, e));
    TRY(judge_ranges(j, e, clash));
    arena_reset(arena);
    ledger_unit_begin(&unit, 3 + e->ranges, arena);
    ledger_put_enrolment(&unit, &j->issuer, e, j->table.version);
    return ledger_unit_run(&unit, store);
}

/* A conflict: somebody has changed the register since it was read. */
enum err ledger_enrol(struct store *store, struct arena *arena, const struct ledger_enrolment *enrolment,
                      struct ledger_clash *clash)
{
    void *at = NULL;
    TRY(memory_reserve(1, sizeof(struct judged), &at));
    enum err err = STORE_ERR_CONFLICT;
    for (int tries = 0; tries < TRIES && err == STORE_ERR_CONFLICT; tries++)
        err = enrol_once(store, arena, enrolment, at, clash);
    arena_reset(arena);
    memory_release(at, 1, sizeof(struct judged));
    return err;
}
