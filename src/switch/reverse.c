/* SPDX-License-Identifier: Apache-2.0 */
/* Reversals (switch.md 8): they release the hold once and touch no code, no declines, no guess counter. */
#include "switch/internal.h"

#include <string.h>

static bool original_read(struct switch_core *core, struct switch_slot *s, struct ledger_original *out, bool *found)
{
    struct switch_original_texts room;
    struct ledger_message_id id;
    switch_slot_original_id(s, &room, &id);
    struct ledger_unit unit;
    ledger_unit_begin(&unit, 1, &core->read_arena);
    size_t at = ledger_get_original(&unit, &id);
    enum err err = ledger_unit_run(&unit, core->config.store);
    *found = err == ERR_OK && ledger_take_original(&unit, at, out);
    arena_reset(&core->read_arena);
    return err == ERR_OK && unit.err == ERR_OK;
}

/* What this message still has to give back: never more than the original, and nothing twice. */
static int64_t amount_to_reverse(const struct switch_slot *s, const struct ledger_original *original)
{
    int64_t wanted = original->auth.amount - s->remaining - original->auth.reversed_amount;
    if (original->auth.de38[0] == 0 || original->hold.auth_id[0] == 0 || original->hold.state != LEDGER_HOLD_OPEN || wanted <= 0)
        return 0;
    return wanted < original->hold.amount ? wanted : original->hold.amount;
}

static void put_release(struct switch_chunk *c, struct switch_slot *s, struct ledger_original *original, int64_t amount)
{
    struct switch_card *card = s->card;
    ledger_put_reversal(&c->unit, original, amount, s->auth.decided_at);
    if (original->account.account_id[0] == 0)
        return;
    switch_ctm_release(&original->account, amount);
    ledger_put_account(&c->unit, &original->account);
    original->account.version++;
    if (card->account && strcmp(card->account->row.account_id, original->account.account_id) == 0) {
        card->account->row = original->account;
        card->account->chunk = c;
    }
    card->chunk = c;
}

static void put_tombstone(struct switch_core *core, struct switch_slot *s)
{
    struct switch_original_texts room;
    struct ledger_message_id id;
    switch_slot_original_id(s, &room, &id);
    ledger_put_tombstone(&core->open_chunk->unit, &id, s->auth.decided_at);
    memcpy(s->auth.de39, core->link[s->link].config.unknown_original, sizeof s->auth.de39);
}

void switch_decide_reversal(struct switch_core *core, struct switch_slot *s)
{
    struct ledger_original original;
    /* The original's rows are read below: what the open chunk changes of them must be committed first. */
    if (core->open_chunk && core->open_chunk->count > 0)
        switch_chunk_submit(core);
    if (!switch_decide_open(core, s))
        return;
    bool found = false;
    if (!original_read(core, s, &original, &found)) {
        switch_reply_code(core, s, "96");
        return;
    }
    env_uuid(core->config.env, s->auth.auth_id);
    s->auth.decided_at = env_wall_ms(core->config.env);
    memcpy(s->auth.de39, "00", 3);
    found = found && s->card && strcmp(original.auth.card_id, s->card->row.card.card_id) == 0;
    int64_t amount = found ? amount_to_reverse(s, &original) : 0;
    if (!found)
        put_tombstone(core, s);
    else if (amount > 0)
        put_release(core->open_chunk, s, &original, amount);
    switch_unit_put_message(&core->open_chunk->unit, s, 0, "");
    ledger_put_auth(&core->open_chunk->unit, &s->auth);
    switch_chunk_add(core, s);
}
