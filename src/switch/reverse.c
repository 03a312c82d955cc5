/* SPDX-License-Identifier: Apache-2.0 */
/* Reversals (switch.md 8): they release the hold once and touch no code, no declines, no guess counter. */
#include "switch/internal.h"

#include <string.h>

/* What this message still has to give back: never more than the original, and nothing twice. */
static int64_t amount_to_reverse(const struct switch_slot *s, const struct ledger_original *original)
{
    int64_t wanted = original->auth.amount - s->remaining - original->auth.reversed_amount;
    if (original->auth.de38[0] == 0 || original->hold.auth_id[0] == 0 || original->hold.state != LEDGER_HOLD_OPEN || wanted <= 0)
        return 0;
    return wanted < original->hold.amount ? wanted : original->hold.amount;
}

/* The account in memory counts where it is the one of the hold. */
static void put_release(struct switch_chunk *c, struct switch_slot *s, const struct ledger_original *original, int64_t amount)
{
    struct switch_card *card = s->card;
    ledger_put_reversal(&c->work.unit, original, amount, s->auth.decided_at);
    card->chunk = c;
    card->reversing = true;
    if (!original->account.account_id[0])
        return;
    struct switch_account *shared = card->account;
    bool ours = shared && strcmp(shared->row.account_id, original->account.account_id) == 0;
    struct ledger_account account = ours ? shared->row : original->account;
    switch_ctm_release(&account, amount);
    ledger_put_account(&c->work.unit, &account);
    if (!ours)
        return;
    account.version++;
    shared->row = account;
    shared->chunk = c;
}

static void put_tombstone(struct switch_core *core, struct switch_slot *s)
{
    struct switch_original_texts room;
    struct ledger_message_id id;
    switch_slot_original_id(s, &room, &id);
    ledger_put_tombstone(&core->open_chunk->work.unit, &id, s->auth.decided_at);
    memcpy(s->auth.de39, core->link[s->link].config.unknown_original, sizeof s->auth.de39);
}

bool switch_reversal_outdated(const struct switch_slot *s)
{
    return s->kind == SWITCH_SLOT_REVERSAL && s->card && s->card->reversed_tick > s->read_tick;
}

void switch_put_reversal(struct switch_core *core, struct switch_slot *s)
{
    const struct ledger_original *original = &core->original[s->item.index];
    struct ledger_unit *unit = &core->open_chunk->work.unit;
    env_uuid(core->config.env, s->auth.auth_id);
    s->auth.decided_at = env_wall_ms(core->config.env);
    memcpy(s->auth.de39, "00", 3);
    bool found = s->found && s->card && strcmp(original->auth.card_id, s->card->row.card.card_id) == 0;
    int64_t amount = found ? amount_to_reverse(s, original) : 0;
    if (!found)
        put_tombstone(core, s);
    else if (amount > 0)
        put_release(core->open_chunk, s, original, amount);
    switch_put_message(unit, s, 0, "");
    ledger_put_auth(unit, &s->auth);
}
