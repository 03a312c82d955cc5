/* SPDX-License-Identifier: Apache-2.0 */
/* Stage 3: stored answers and cards, one read batch for all that has arrived. */
#include "switch/internal.h"

enum { LOOKUP_OPS = 2 * SWITCH_LOOKUP_MAX, NO_OP = -1 };

struct ask {
    struct switch_slot *slot;
    long idem;
    long card;
};

static bool late(const struct switch_core *core, const struct switch_slot *s)
{
    return core->now_us - s->received_us > core->link[s->link].config.late_ms * 1000;
}

/* A second message with the key of one under way waits for its answer; so does a reversal for its original. */
static bool waits(struct switch_core *core, struct switch_slot *s)
{
    struct switch_slot *other = s->keyed ? NULL : switch_slot_claim(core, s);
    if (!other && s->kind == SWITCH_SLOT_REVERSAL)
        other = switch_slot_original(core, s);
    if (!other)
        return false;
    switch_list_push(&other->waiters, s);
    return true;
}

/* While changes of it are at the writer an entry is newer than any reading; the slot reads it again when they are there. */
static bool card_known(const struct switch_card *e)
{
    return e && e->chunk;
}

static void ask_add(struct switch_core *core, struct ledger_unit *unit, struct switch_slot *s, struct ask *a)
{
    struct ledger_message_id id;
    switch_slot_message_id(s, &id);
    *a = (struct ask){.slot = s, .card = NO_OP, .idem = (long)ledger_get_idem(unit, &id)};
    if (!card_known(switch_card_find(core, s->auth.pan_mac.at)))
        a->card = (long)ledger_get_card_by_pan_mac(unit, s->auth.pan_mac.at);
}

/* The card of a slot after the reading; false: it is not known. */
static bool card_settle(struct switch_core *core, struct ledger_unit *unit, const struct ask *a)
{
    struct switch_slot *s = a->slot;
    struct switch_card *e = switch_card_find(core, s->auth.pan_mac.at);
    struct ledger_full_card row;
    /* An earlier slot may have entered it and a chunk be on its way: then the entry is newer than the reading. */
    if (a->card != NO_OP && (!e || !e->chunk)) {
        if (!ledger_take_card(unit, (size_t)a->card, &row))
            return false;
        e = switch_card_enter(core, &row);
    }
    if (!e)
        return false;
    if (!s->card)
        switch_card_hold(e, s);
    memcpy(s->auth.card_id, e->row.card.card_id, sizeof s->auth.card_id);
    s->expiry_wrong = switch_expiry_wrong(&e->row.card, span_text(s->de14), s->auth.received_at, &s->alternate);
    return true;
}

static void settle(struct switch_core *core, struct ledger_unit *unit, const struct ask *a)
{
    struct switch_slot *s = a->slot;
    struct ledger_idem idem;
    if (ledger_take_idem(unit, (size_t)a->idem, &idem)) {
        if (idem.auth_id[0] != 0)
            switch_reply_stored(core, s, &idem);
        else
            switch_reply_code(core, s, "05"); /* outcome 19: the original of a reversal that came first */
        return;
    }
    if (s->unknown > 1) {
        switch_reply_nothing(core, s);
        return;
    }
    if (unit->err != ERR_OK) {
        switch_reply_code(core, s, "96");
        return;
    }
    if (!card_settle(core, unit, a) && !core->free_card) {
        switch_reply_code(core, s, "91");
        return;
    }
    switch_list_push(&core->ready, s);
}

static void lookup_batch(struct switch_core *core, struct switch_list *batch)
{
    struct ledger_unit unit;
    ledger_unit_begin(&unit, LOOKUP_OPS, &core->read_arena);
    struct ask ask[SWITCH_LOOKUP_MAX];
    size_t count = 0;
    for (struct switch_slot *s; count < SWITCH_LOOKUP_MAX && (s = switch_list_pop(batch));) {
        if (!s->keyed && late(core, s)) {
            core->counters.late++;
            switch_slot_free(core, s);
        } else if (!waits(core, s)) {
            ask_add(core, &unit, s, &ask[count++]);
        }
    }
    enum err err = count > 0 ? ledger_unit_run(&unit, core->config.store) : ERR_OK;
    if (err != ERR_OK)
        LOG(core->config.env->log, LOG_ERROR, "switch.lookup", LOG_TEXT("error", err_row(err)->name));
    for (size_t i = 0; i < count; i++) {
        if (err != ERR_OK)
            switch_reply_code(core, ask[i].slot, "96");
        else
            settle(core, &unit, &ask[i]);
    }
    arena_reset(&core->read_arena);
}

void switch_lookup_stage(struct switch_core *core)
{
    struct switch_list batch = core->arrived;
    core->arrived = (struct switch_list){0};
    while (batch.head)
        lookup_batch(core, &batch);
}
