/* SPDX-License-Identifier: Apache-2.0 */
/* Reversals (switch.md 8): they release the hold once and touch no code, no declines, no guess counter. */
#include "switch/internal.h"

#include <string.h>

/* What the statements give at most. As many as that may be not all. */
enum { CANDIDATES_MAX = 8 };

/* ---- the original ---- */

static bool zeros(struct span digits)
{
    size_t i = 0;
    while (i < digits.len && digits.at[i] == '0')
        i++;
    return i == digits.len;
}

static bool complete(const struct switch_slot *s)
{
    const struct iso8583_original *o = &s->original;
    return !zeros(WIRE_SPAN(o->mti)) && !zeros(WIRE_SPAN(o->stan)) && !zeros(WIRE_SPAN(o->transmission)) &&
           !zeros(WIRE_SPAN(o->acquirer));
}

void switch_reversal_ask(struct switch_core *core, struct ledger_unit *unit, struct switch_slot *s)
{
    const struct ledger_issuer *issuer = switch_slot_issuer(core, s);
    int64_t days = issuer ? issuer->reversal_days : LEDGER_REVERSAL_DAYS;
    struct switch_original_texts room;
    struct ledger_message_id id;
    switch_slot_original_id(s, &room, &id);
    const struct ledger_original_of of = {.id = &id,
                                          .complete = complete(s),
                                          .de37 = s->auth.de37,
                                          .de38 = s->de38,
                                          .de41 = s->auth.de41,
                                          .since = s->auth.received_at - days * 86400000};
    /* In this order: an original that is committed in between is found, or meets the tombstone. */
    s->at_tombstone = ledger_get_message(unit, &id);
    s->at_original = ledger_get_originals(unit, &of);
}

struct candidates {
    struct ledger_original at[CANDIDATES_MAX];
    size_t count;
};

/* Whether a candidate is what the reversal says it is, as far as it says anything. */
typedef bool fits(const struct switch_core *core, const struct switch_slot *s, const struct ledger_auth *auth);

/* What the messages of two links of one network mean is one; of links that another node alone has nothing is known. */
static bool fits_network(const struct switch_core *core, const struct switch_slot *s, const struct ledger_auth *auth)
{
    for (size_t i = 0; i < core->config.link_count; i++)
        if (strcmp(core->link[i].id, auth->link_id) == 0)
            return core->link[i].network == core->link[s->link].network;
    return true;
}

static bool fits_part(struct span said, const char *is)
{
    return zeros(said) || span_is(said, is);
}

static bool fits_original(const struct switch_core *core, const struct switch_slot *s, const struct ledger_auth *auth)
{
    struct switch_original_texts said;
    struct ledger_message_id id;
    (void)core; /* the message says it all */
    switch_slot_original_id(s, &said, &id);
    return fits_part(span_text(said.mti_class), auth->mti_class) && fits_part(span_text(said.de7), auth->de7) &&
           fits_part(span_text(said.de11), auth->de11) &&
           (said.de32[0] == 0 || iso8583_acquirer_equal(span_text(said.de32), span_text(auth->de32)));
}

static bool either_empty(const char *a, const char *b)
{
    return a[0] == 0 || b[0] == 0;
}

static bool fits_place(const struct switch_core *core, const struct switch_slot *s, const struct ledger_auth *auth)
{
    (void)core; /* the message says it all */
    return (either_empty(s->auth.de41, auth->de41) || strcmp(s->auth.de41, auth->de41) == 0) &&
           (either_empty(s->auth.de42, auth->de42) || strcmp(s->auth.de42, auth->de42) == 0);
}

static bool fits_rrn(const struct switch_core *core, const struct switch_slot *s, const struct ledger_auth *auth)
{
    (void)core; /* the message says it all */
    return s->auth.de37[0] != 0 && strcmp(s->auth.de37, auth->de37) == 0;
}

static bool fits_approval(const struct switch_core *core, const struct switch_slot *s, const struct ledger_auth *auth)
{
    (void)core; /* the message says it all */
    return s->de38[0] != 0 && strcmp(s->de38, auth->de38) == 0;
}

/* Drops those that do not fit. Where `must` is not set and none does, all stay. */
static void narrow(const struct switch_core *core, const struct switch_slot *s, struct candidates *c, fits *fit, bool must)
{
    size_t count = 0;
    for (size_t i = 0; i < c->count; i++)
        count += fit(core, s, &c->at[i].auth);
    if (count == 0 && !must)
        return;
    count = 0;
    for (size_t i = 0; i < c->count; i++)
        if (fit(core, s, &c->at[i].auth))
            c->at[count++] = c->at[i];
    c->count = count;
}

void switch_reversal_take(struct switch_core *core, struct ledger_unit *unit, struct switch_slot *s)
{
    struct candidates c = {.count = 0};
    struct ledger_message message;
    while (c.count < CANDIDATES_MAX && ledger_take_original(unit, s->at_original, c.count, &c.at[c.count]))
        c.count++;
    bool all = c.count < CANDIDATES_MAX;
    narrow(core, s, &c, fits_network, true);
    narrow(core, s, &c, fits_original, true);
    narrow(core, s, &c, fits_place, true);
    narrow(core, s, &c, fits_rrn, false);
    narrow(core, s, &c, fits_approval, false);
    s->found = SWITCH_ORIGINAL_UNCLEAR;
    if (c.count == 1 && all) {
        s->found = SWITCH_ORIGINAL_FOUND;
        core->original[s->item.index] = c.at[0];
    } else if (c.count == 0 && all && complete(s)) {
        s->found = SWITCH_ORIGINAL_UNSEEN;
    }
    if (!ledger_take_message(unit, s->at_tombstone, &message))
        return; /* the unit has the error */
    s->tombstone = message.stored;
    s->sibling = message.sibling;
}

/* ---- what it does ---- */

/* What is said, and what is given back. */
struct effect {
    const char *de39;
    bool writes;      /* the original's row says that it was reversed */
    int64_t amount;   /* in its currency */
    int64_t released; /* of its hold, in the account's */
};

/* The network converted the whole: a part of it releases the same part of the hold, rounded down. A hold that lapsed or was cleared
 * holds nothing any more. */
static int64_t released(const struct ledger_hold *hold, int64_t amount, int64_t left)
{
    if (hold->auth_id[0] == 0 || hold->state != LEDGER_HOLD_OPEN)
        return 0;
    return amount == left ? hold->amount : (int64_t)((__int128)hold->amount * amount / left);
}

/* A reversal that asks for more than is left, or for nothing of something, is a mistake: 00 would say what did not happen. */
static struct effect effect_of(const struct switch_slot *s, const struct ledger_original *original)
{
    const struct ledger_auth *auth = &original->auth;
    int64_t left = auth->amount - auth->reversed_amount;
    int64_t wanted = s->partial ? left - s->remaining : s->auth.amount;
    if (auth->de38[0] == 0)
        return (struct effect){.de39 = "00"};
    if (s->auth.currency[0] != 0 && strcmp(s->auth.currency, auth->currency) != 0)
        return (struct effect){.de39 = "12"};
    if (wanted < 0 || wanted > left || (wanted == 0 && left > 0 && !s->partial))
        return (struct effect){.de39 = "13"};
    return (struct effect){.de39 = "00",
                           .writes = wanted > 0 || auth->reversed_at == 0,
                           .amount = wanted,
                           .released = wanted > 0 ? released(&original->hold, wanted, left) : 0};
}

/* The account in memory counts where it is the one of the hold. */
static void put_account(struct switch_chunk *c, struct switch_slot *s, const struct ledger_original *original, int64_t amount)
{
    struct switch_account *shared = s->card ? s->card->account : NULL;
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

static void put_release(struct switch_chunk *c, struct switch_slot *s, const struct ledger_original *original,
                        const struct effect *effect)
{
    ledger_put_reversal(&c->work.unit, original, effect->amount, effect->released, s->auth.decided_at);
    if (s->card) {
        s->card->chunk = c;
        s->card->reversing = true;
    }
    if (effect->released > 0 && original->account.account_id[0])
        put_account(c, s, original, effect->released);
}

bool switch_reversal_outdated(const struct switch_slot *s)
{
    return s->kind == SWITCH_SLOT_REVERSAL && s->card && s->card->reversed_tick > s->read_tick;
}

static void put_tombstone(struct switch_core *core, struct switch_slot *s)
{
    struct switch_original_texts room;
    struct ledger_message_id id;
    switch_slot_original_id(s, &room, &id);
    if (!s->tombstone)
        ledger_put_tombstone(&core->open_chunk->work.unit, &id, s->sibling, s->auth.decided_at);
}

void switch_put_reversal(struct switch_core *core, struct switch_slot *s)
{
    struct ledger_unit *unit = &core->open_chunk->work.unit;
    struct effect effect = {.de39 = core->link[s->link].config.unknown_original};
    env_uuid(core->config.env, s->auth.auth_id);
    s->auth.decided_at = env_wall_ms(core->config.env);
    if (s->found == SWITCH_ORIGINAL_UNSEEN)
        put_tombstone(core, s);
    else
        effect = effect_of(s, &core->original[s->item.index]);
    if (effect.writes)
        put_release(core->open_chunk, s, &core->original[s->item.index], &effect);
    memcpy(s->auth.de39, effect.de39, sizeof s->auth.de39);
    switch_put_message(unit, s, 0, "");
    ledger_put_auth(unit, &s->auth);
}
