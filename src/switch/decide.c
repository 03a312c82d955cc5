/* SPDX-License-Identifier: Apache-2.0 */
/* Stages 4 and 5: read the plan again from the rows as they are, ask what is still open, or decide into the open chunk. A decision
 * stands on rows that were read after its request arrived, or that its own chunk has changed since: a display or a suspension that
 * was answered before the request came is never overlooked. */
#include "switch/internal.h"

#include <string.h>

/* A card whose product is gone is treated as one without keys. */
static const struct ledger_product no_product = {.mode = LEDGER_STATIC, .malformed_policy = LEDGER_DECLINE};

void switch_wait(struct switch_core *core, struct switch_slot *s, struct switch_parking *place, unsigned stage)
{
    switch_park(place, s);
    flow_wait_at(&s->item, stage, flow_now_us(core->flow) + (int64_t)core->config.store_ms * 1000);
}

/* Idempotency row: fingerprint and what is needed to build the answer again. */
void switch_put_message(struct ledger_unit *unit, struct switch_slot *s, char letter, const char *de38)
{
    struct ledger_idem idem = {.created_at = s->auth.decided_at, .sibling = s->kind == SWITCH_SLOT_REVERSAL ? 0 : s->sibling};
    struct buf answer = buf_over(idem.answer.at, sizeof idem.answer.at);
    struct ledger_message_id id;
    switch_slot_message_id(s, &id);
    idem.fingerprint.len = (uint16_t)switch_fingerprint_write(s, idem.fingerprint.at, sizeof idem.fingerprint.at);
    buf_put(&answer, s->auth.de39, 2);
    buf_put_text(&answer, de38[0] != 0 ? de38 : "------");
    buf_put_byte(&answer, letter != 0 ? (uint8_t)letter : '-');
    idem.answer.len = (uint16_t)answer.len;
    memcpy(idem.auth_id, s->auth.auth_id, sizeof idem.auth_id);
    ledger_put_idem(unit, &id, &idem);
}

/* Six characters of the authorisation's id, which are random. */
static void approval_write(const char *auth_id, char out[static 7])
{
    for (int i = 0; i < 6; i++) {
        char c = auth_id[30 + i];

        out[i] = (char)(c >= 'a' && c <= 'f' ? c - 'a' + 'A' : c);
    }
    out[6] = 0;
}

static void auth_fill(struct switch_core *core, struct switch_slot *s, const struct switch_verdict *v)
{
    struct ledger_auth *a = &s->auth;
    const char *reason = switch_ctm_row(v->reason)->name;
    struct buf text = buf_over(a->ctm_reason, sizeof a->ctm_reason - 1);
    a->decided_at = env_wall_ms(core->config.env);
    a->outcome = (int64_t)v->outcome;
    memcpy(a->ref, v->ref, sizeof v->ref);
    a->result[0] = v->letter;
    a->result[1] = 0;
    memcpy(a->de39, v->de39, sizeof a->de39);
    a->de38[0] = 0;
    if (v->approved)
        approval_write(a->auth_id, a->de38);
    buf_put_text(&text, reason);
    a->ctm_reason[text.len] = 0;
    a->locked = v->locked;
}

static void put_hold(struct switch_chunk *c, const struct switch_slot *s, int64_t amount)
{
    struct ledger_hold hold = {
        .amount = amount, .state = LEDGER_HOLD_OPEN, .until = s->auth.decided_at + switch_ctm_hold_days(s->auth.mcc) * 86400000};
    memcpy(hold.auth_id, s->auth.auth_id, sizeof hold.auth_id);
    memcpy(hold.account_id, s->card->account->row.account_id, sizeof hold.account_id);
    ledger_put_hold(&c->work.unit, &hold);
}

/* What moves money becomes the head of its account's chain: reversals find it there. */
static void put_changes(struct switch_chunk *c, struct switch_slot *s, const struct switch_verdict *v,
                        struct ledger_full_card *after)
{
    struct switch_card *card = s->card;
    if (v->code_write != SWITCH_WRITE_NONE) {
        ledger_put_code(&c->work.unit, &card->row.code, &after->code,
                        v->code_write == SWITCH_WRITE_CONSUME ? LEDGER_CONSUME : LEDGER_UPDATE);
        after->code.version = card->row.code.version + 1;
        card->row.code = after->code;
        card->chunk = c;
    }
    if (v->account_write && card->account) {
        put_hold(c, s, v->hold);
        memcpy(s->auth.previous_auth_id, after->account.last_auth_id, sizeof s->auth.previous_auth_id);
        memcpy(after->account.last_auth_id, s->auth.auth_id, sizeof after->account.last_auth_id);
        ledger_put_account(&c->work.unit, &after->account);
        after->account.version++;
        card->account->row = after->account;
        card->account->chunk = c;
        card->chunk = c;
    }
}

/* When the request came, on the wall clock of the card's issuer. */
static int64_t local_ms(const struct switch_core *core, const struct switch_slot *s)
{
    const struct ledger_issuers *issuers = ledger_products_issuers(core->products);
    const struct ledger_issuer *issuer = ledger_issuers_find(issuers, s->card->row.card.issuer_id);
    if (!core->config.local_ms || !issuer)
        return s->auth.received_at;
    return core->config.local_ms(core->config.zones, issuer->timezone, s->auth.received_at);
}

static struct switch_case case_of(const struct switch_core *core, const struct switch_slot *s, const struct ledger_product *product,
                                  const struct switch_plan *plan, const struct switch_finding *finding)
{
    int64_t local = local_ms(core, s);
    return (struct switch_case){.link = &core->link[s->link],
                                .product = product,
                                .row = &s->card->row,
                                .plan = plan,
                                .finding = finding,
                                .presence = s->code.presence,
                                .result_wanted = s->code.result_wanted,
                                .expiry_wrong = s->expiry_wrong,
                                .expiry_past = switch_expiry_past(span_text(s->de14), local),
                                .no_keys = s->no_keys,
                                .purpose = s->purpose,
                                .unattended = s->unattended,
                                .known_merchant = s->known_merchant,
                                .money = {s->auth.amount, s->auth.currency, s->billing_amount, s->billing_currency},
                                .now_ms = s->auth.received_at,
                                .local_ms = local,
                                .auth_id = s->auth.auth_id};
}

static void decide_authorisation(struct switch_core *core, struct switch_slot *s, const struct ledger_product *product,
                                 const struct switch_plan *plan, const struct switch_finding *finding)
{
    struct ledger_unit *unit = &core->open_chunk->work.unit;
    const struct switch_case c = case_of(core, s, product, plan, finding);
    env_uuid(core->config.env, s->auth.auth_id);
    if (s->card->account)
        s->card->row.account = s->card->account->row;
    struct ledger_full_card after;
    struct switch_verdict v;
    switch_judge(&c, &v, &after);
    auth_fill(core, s, &v);
    switch_plan_text(plan, &s->facts, s->auth.steps);
    switch_put_message(unit, s, v.letter, s->auth.de38);
    put_changes(core->open_chunk, s, &v, &after);
    ledger_put_auth(unit, &s->auth);
}

static void decide_unknown(struct switch_core *core, struct switch_slot *s)
{
    struct ledger_unit *unit = &core->open_chunk->work.unit;
    env_uuid(core->config.env, s->auth.auth_id);
    struct switch_verdict v;
    switch_judge_unknown(&core->link[s->link], s->code.presence, s->code.result_wanted, &v);
    auth_fill(core, s, &v);
    switch_put_message(unit, s, v.letter, "");
    ledger_put_auth(unit, &s->auth);
}

/* ---- the plan ---- */

const struct ledger_product *switch_slot_product(const struct switch_core *core, const struct switch_slot *s)
{
    const struct ledger_card *card = &s->card->row.card;
    const struct ledger_product *product = ledger_products_find(core->products, card->issuer_id, card->product_id);
    return product ? product : &no_product;
}

/* The card was read with the version that its product had then: an older one in the cache is not what the request found. */
static bool product_news(const struct switch_core *core, const struct switch_slot *s)
{
    const struct ledger_product *product = switch_slot_product(core, s);
    return product->version < s->card->row.product_version;
}

void switch_slot_plan(struct switch_core *core, const struct switch_slot *s, const struct ledger_product *product,
                      struct switch_plan *plan, struct switch_finding *finding)
{
    *finding = (struct switch_finding){.reading = SWITCH_READ_MISMATCH};
    switch_plan_make(&(struct switch_plan_input){.product = product,
                                                 .card = &s->card->row.card,
                                                 .code = &s->card->row.code,
                                                 .now_ms = s->auth.received_at,
                                                 .static_override = core->link[s->link].config.static_override},
                     plan);
    if (s->code.presence == ISO8583_CODE_PRESENT)
        switch_plan_read(plan, &s->facts, product->plan_parallel, finding);
}

/* A soft lock lets some merchants through: the ledger knows which (switch.md 12). */
static bool merchant_open(const struct switch_core *core, struct switch_slot *s, const struct ledger_product *product,
                          const struct switch_plan *plan, const struct switch_finding *finding)
{
    const struct switch_case c = case_of(core, s, product, plan, finding);
    s->merchant_wanted = !s->merchant_read && switch_merchant_matters(&c);
    return s->merchant_wanted;
}

/* Where an authorisation goes on, by its rows as they are now. */
static enum switch_stage slot_next(struct switch_core *core, struct switch_slot *s, struct switch_plan *plan,
                                   struct switch_finding *finding)
{
    const struct ledger_product *product = switch_slot_product(core, s);
    switch_slot_plan(core, s, product, plan, finding);
    if (finding->reading == SWITCH_READ_ASK)
        return SWITCH_STAGE_ASK;
    return merchant_open(core, s, product, plan, finding) ? SWITCH_STAGE_LOOKUP : SWITCH_STAGE_DECIDE;
}

/* ---- the stages ---- */

static void judge(struct switch_core *core, struct switch_slot *s)
{
    struct switch_finding finding;
    struct switch_plan plan;
    bool evaluated = s->kind == SWITCH_SLOT_AUTHORISATION && s->card;
    bool silent = s->parking == &core->product_news;
    (void)switch_unpark(s); /* no room at the HSM until its deadline: asking will say so */
    if (silent) {
        switch_reply_failed(core, s, "96");
    } else if (switch_card_stale(s)) {
        flow_to(&s->item, SWITCH_STAGE_LOOKUP);
    } else if (evaluated && product_news(core, s)) {
        ledger_products_want(core->products);
        switch_wait(core, s, &core->product_news, SWITCH_STAGE_JUDGE);
    } else {
        flow_to(&s->item, evaluated ? slot_next(core, s, &plan, &finding) : SWITCH_STAGE_DECIDE);
    }
}

void switch_judge_stage(void *context, struct flow_item *const *item, size_t count)
{
    for (size_t i = 0; i < count; i++)
        judge(context, switch_slot_of(item[i]));
}

/* Into the open chunk, or to wait for a place in it. */
static void write(struct switch_core *core, struct switch_slot *s, const struct ledger_product *product,
                  const struct switch_plan *plan, const struct switch_finding *finding)
{
    struct switch_parking *place = switch_chunk_open(core, s);
    if (place) {
        switch_wait(core, s, place, SWITCH_STAGE_DECIDE);
        return;
    }
    if (s->kind == SWITCH_SLOT_REVERSAL)
        switch_put_reversal(core, s);
    else if (s->card)
        decide_authorisation(core, s, product, plan, finding);
    else
        decide_unknown(core, s);
    switch_chunk_add(core, s);
}

/* The rows may have changed since the slot was judged: by a decision before it in this batch, or while it waited. */
static void decide(struct switch_core *core, struct switch_slot *s)
{
    const struct ledger_product *product = &no_product;
    struct switch_finding finding = {.reading = SWITCH_READ_MISMATCH};
    struct switch_plan plan = {0};
    if (switch_unpark(s)) {
        switch_reply_failed(core, s, "96");
        return;
    }
    if (switch_card_stale(s) || switch_reversal_outdated(s)) {
        flow_to(&s->item, SWITCH_STAGE_LOOKUP);
        return;
    }
    enum switch_stage next = SWITCH_STAGE_DECIDE;
    if (s->kind == SWITCH_SLOT_AUTHORISATION && s->card) {
        product = switch_slot_product(core, s);
        next = slot_next(core, s, &plan, &finding);
    }
    if (next != SWITCH_STAGE_DECIDE)
        flow_to(&s->item, next);
    else
        write(core, s, product, &plan, &finding);
}

void switch_decide_stage(void *context, struct flow_item *const *item, size_t count)
{
    for (size_t i = 0; i < count; i++)
        decide(context, switch_slot_of(item[i]));
    switch_chunk_submit(context);
}
