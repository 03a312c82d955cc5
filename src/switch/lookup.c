/* SPDX-License-Identifier: Apache-2.0 */
/* Stages 2 and 3: one request a message, then stored answers, cards and originals by one reading for all that has arrived. */
#include "switch/internal.h"

/* How long a merchant with an approved payment of a card is known to it (switch.md 12). */
#define MERCHANT_MS (INT64_C(180) * 86400000)

/* The store does not tell whether the message was answered before. A first one was not, and 96 says that nothing was done; a repeat
 * may be one of an approval, which 96 would deny. */
static void unread(struct switch_core *core, struct switch_slot *s)
{
    if (s->repeat)
        switch_reply_nothing(core, s);
    else
        switch_reply_failed(core, s, "96");
}

/* ---- claim ---- */

static bool late(const struct switch_core *core, const struct switch_slot *s)
{
    return flow_now_us(core->flow) - s->received_us > core->link[s->link].config.late_ms * 1000;
}

static void claim(struct switch_core *core, struct switch_slot *s)
{
    if (s->claim == 0 && late(core, s)) {
        core->counters.late++;
        if (core->config.silent)
            core->config.silent(core->config.context, s->link, s->peer);
        flow_done(&s->item);
        return;
    }
    struct switch_slot *ahead = switch_slot_ahead(&core->claims, s);
    if (!ahead) {
        flow_next(&s->item);
        return;
    }
    switch_park(&ahead->behind, s);
    flow_wait_at(&s->item, SWITCH_STAGE_CLAIM, 0);
}

void switch_claim_stage(void *context, struct flow_item *const *item, size_t count)
{
    for (size_t i = 0; i < count; i++)
        claim(context, switch_slot_of(item[i]));
}

/* ---- lookup ---- */

const struct ledger_issuer *switch_slot_issuer(const struct switch_core *core, const struct switch_slot *s)
{
    return ledger_issuers_of(ledger_products_issuers(core->products), card_pan_span(&s->pan));
}

/* While changes of it are at the writer a card is newer than any reading. It is held, since they may be back before the rows. */
static bool card_known(struct switch_core *core, struct switch_slot *s, const char *issuer_id)
{
    struct switch_card *card = s->card ? s->card : switch_card_find(&core->rows, issuer_id, s->auth.pan_mac.at);
    if (!card || !card->chunk)
        return false;
    if (!s->card)
        switch_card_hold(card, s);
    return true;
}

/* That of the card which is held, though its number may belong to another by now. A number of nobody is asked for all the same, for
 * the same work. */
static const char *issuer_asked(const struct switch_core *core, const struct switch_slot *s)
{
    const struct ledger_issuer *issuer = s->card ? NULL : switch_slot_issuer(core, s);
    return s->card ? s->card->row.card.issuer_id : issuer ? issuer->issuer_id : "";
}

static void ask(struct switch_core *core, struct switch_read *read, struct switch_slot *s)
{
    struct ledger_unit *unit = &read->work.unit;
    const char *issuer_id = issuer_asked(core, s);
    struct ledger_message_id id;
    switch_slot_message_id(s, &id);
    s->at_idem = ledger_get_message(unit, &id);
    s->at_card = card_known(core, s, issuer_id) ? SIZE_MAX : ledger_get_card_by_pan(unit, issuer_id, s->auth.pan_mac.at);
    if (s->kind == SWITCH_SLOT_REVERSAL)
        switch_reversal_ask(core, unit, s);
    if (s->merchant_wanted)
        s->at_merchant = ledger_get_seen(unit, &s->auth, s->auth.received_at - MERCHANT_MS);
    switch_read_add(read, s);
    flow_wait(&s->item, 0);
}

void switch_lookup_stage(void *context, struct flow_item *const *item, size_t count)
{
    struct switch_core *core = context;
    struct switch_read *read = NULL;
    for (size_t i = 0; i < count; i++) {
        struct switch_slot *s = switch_slot_of(item[i]);
        if (switch_unpark(s))
            unread(core, s);
        else if (ledger_products_read_us(core->products) == 0) /* whose numbers are whose is not known yet */
            switch_wait(core, s, &core->product_news, SWITCH_STAGE_LOOKUP);
        else if (read || (read = switch_read_take(core)))
            ask(core, read, s);
        else
            switch_wait(core, s, &core->read_room, SWITCH_STAGE_LOOKUP);
    }
    if (read)
        switch_read_submit(core, read);
}

/* ---- settle ---- */

enum card_found { CARD_UNKNOWN, CARD_NO_ROOM, CARD_HELD };

/* The card of a slot after the reading. */
static enum card_found card_settle(struct switch_core *core, struct switch_slot *s)
{
    struct switch_card *card = s->card;
    struct ledger_full_card row;
    if (s->at_card != SIZE_MAX) {
        if (!ledger_take_card(&s->read->work.unit, s->at_card, &row))
            return CARD_UNKNOWN;
        card = switch_card_enter(&core->rows, &row, s->read->tick);
    }
    if (!card)
        return CARD_NO_ROOM;
    if (!s->card)
        switch_card_hold(card, s);
    memcpy(s->auth.card_id, card->row.card.card_id, sizeof s->auth.card_id);
    s->expiry_wrong = switch_expiry_wrong(&card->row.card, span_text(s->de14), s->auth.received_at, &s->alternate);
    return CARD_HELD;
}

static void rows_settle(struct switch_core *core, struct switch_slot *s)
{
    struct ledger_unit *unit = &s->read->work.unit;
    if (s->kind == SWITCH_SLOT_REVERSAL)
        switch_reversal_take(core, unit, s);
    if (s->merchant_wanted) {
        s->known_merchant = s->auth.de42[0] != 0 && ledger_found(unit, s->at_merchant) > 0;
        s->merchant_read = true;
        s->merchant_wanted = false;
    }
    enum card_found found = card_settle(core, s);
    if (unit->err != ERR_OK)
        switch_reply_failed(core, s, "96");
    else if (s->kind == SWITCH_SLOT_REVERSAL && s->found == SWITCH_ORIGINAL_UNCLEAR)
        switch_reply_failed(core, s, "25"); /* none, or several: nothing is written */
    else if (found == CARD_NO_ROOM)
        switch_reply_failed(core, s, "91");
    else
        flow_next(&s->item);
}

static void settle(struct switch_core *core, struct switch_slot *s)
{
    struct ledger_unit *unit = &s->read->work.unit;
    struct ledger_message message;
    if (unit->batch.err != ERR_OK || !ledger_take_message(unit, s->at_idem, &message)) {
        unread(core, s);
    } else if (message.stored) {
        switch_reply_stored(core, s, &message);
    } else if (message.tombstone) {
        switch_reply_code(core, s, "05"); /* outcome 19: the original of a reversal that came first */
    } else if (s->unknown > 1) {
        switch_reply_nothing(core, s);
    } else {
        s->sibling = message.sibling;
        rows_settle(core, s);
    }
}

void switch_settle_stage(void *context, struct flow_item *const *item, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct switch_slot *s = switch_slot_of(item[i]);
        settle(context, s);
        switch_read_leave(context, s);
    }
}
