/* SPDX-License-Identifier: Apache-2.0 */
/* Stage 4: questions to the HSM, pipelined, and their answers. */
#include "hostcmd/commands.h"
#include "hostcmd/error.h"
#include "ledger/error.h"
#include "switch/internal.h"

#include <string.h>

/* ---- commands ---- */

enum { RY_ACCOUNT = 19 };

/* What answers the step of this slot. */
static enum hostcmd_id command_of(const struct switch_slot *s, const struct switch_step *step)
{
    if (step->question != SWITCH_CY)
        return HOSTCMD_PM;
    return card_brand_of(&s->pan) == CARD_BRAND_AMEX ? HOSTCMD_RY : HOSTCMD_CY;
}

static const char *expiry_of(const struct switch_slot *s)
{
    return s->alternate ? s->card->row.card.alt_expiry : s->card->row.card.expiry;
}

static struct span code_of(const struct switch_slot *s)
{
    return span_of(s->code.digits.at, s->code.digits.len);
}

static bool cy_build(const struct switch_slot *s, const char *key, struct buf *out)
{
    struct hostcmd_cy ask = {0};
    bool good = WIRE_SET(ask.key, span_text(key)) && WIRE_SET(ask.code, code_of(s)) && WIRE_SET(ask.pan, card_pan_span(&s->pan)) &&
                WIRE_SET(ask.expiry, span_text(expiry_of(s))) && WIRE_SET(ask.service, span_text(CARD_SERVICE_CVV2));
    good = good && hostcmd_request_build(HOSTCMD_CY, &ask, HOSTCMD_LMK_DEFAULT, out) == ERR_OK;
    secret_wipe(&ask, sizeof ask);
    return good;
}

/* An American Express code is a CSC of four digits. Which of the two ways its issuer computes it is not public: flag 0. */
static bool ry_build(const struct switch_slot *s, const char *key, struct buf *out)
{
    struct hostcmd_ry ask = {0};
    uint8_t room[RY_ACCOUNT];
    struct buf account = buf_over(room, sizeof room);
    buf_put_span(&account, card_pan_span(&s->pan));
    buf_put_fill(&account, '0', RY_ACCOUNT - s->pan.len);
    bool good = WIRE_SET(ask.mode, span_text("4")) && WIRE_SET(ask.flag, span_text("0")) && WIRE_SET(ask.key, span_text(key)) &&
                WIRE_SET(ask.account, buf_span(&account)) && WIRE_SET(ask.expiry, span_text(expiry_of(s))) &&
                WIRE_SET(ask.csc5, span_text("FFFFF")) && WIRE_SET(ask.csc4, code_of(s)) && WIRE_SET(ask.csc3, span_text("FFF"));
    good = good && hostcmd_request_build(HOSTCMD_RY, &ask, HOSTCMD_LMK_DEFAULT, out) == ERR_OK;
    secret_wipe(&ask, sizeof ask);
    secret_wipe(room, sizeof room);
    return good;
}

/* The counter; or the window of now, or of now minus one unit for the window before. */
static bool pm_scheme(const struct switch_core *core, const struct switch_slot *s, const struct ledger_product *product,
                      const struct switch_step *step, struct hostcmd_pm *ask)
{
    uint8_t room[16];
    struct buf text = buf_over(room, sizeof room);
    if (step->question == SWITCH_PM0) {
        buf_put_decimal(&text, (uint64_t)step->ref, 6);
        return WIRE_SET(ask->scheme, span_text("0")) && WIRE_SET(ask->version, span_text("0")) &&
               WIRE_SET(ask->atc, buf_span(&text));
    }
    int64_t back_s = step->previous ? product->twu_h * 3600 : 0;
    const struct hostcmd_moment moment = {s->auth.received_at / 1000 - back_s, (uint32_t)product->twu_h * 60};
    return hostcmd_layout_pm(&core->layout, &moment, ask) == ERR_OK;
}

static bool pm_build(const struct switch_core *core, const struct switch_slot *s, const struct ledger_product *product,
                     const struct switch_step *step, const char *key, struct buf *out)
{
    const char *service = product->service_code_dyn[0] != 0 ? product->service_code_dyn
                          : step->question == SWITCH_PM0    ? CARD_SERVICE_ONE_TIME
                                                            : CARD_SERVICE_CVV2;
    struct hostcmd_pm ask = {0};
    bool good = WIRE_SET(ask.key, span_text(key)) &&
                WIRE_SET(ask.method, span_text(product->key_derivation[0] != 0 ? product->key_derivation : "A")) &&
                WIRE_SET(ask.pan, card_pan_span(&s->pan)) && WIRE_SET(ask.expiry, span_text(expiry_of(s))) &&
                WIRE_SET(ask.service, span_text(service)) && WIRE_SET(ask.code, code_of(s)) &&
                pm_scheme(core, s, product, step, &ask);
    good =
        good && hostcmd_request_build_row(hostcmd_layout_row(&core->layout, HOSTCMD_PM), &ask, HOSTCMD_LMK_DEFAULT, out) == ERR_OK;
    secret_wipe(&ask, sizeof ask);
    return good;
}

static bool command_build(const struct switch_core *core, const struct switch_slot *s, const struct ledger_product *product,
                          const struct switch_step *step, const char *key, struct buf *out)
{
    enum hostcmd_id id = command_of(s, step);
    if (id == HOSTCMD_PM)
        return pm_build(core, s, product, step, key, out);
    return id == HOSTCMD_RY ? ry_build(s, key, out) : cy_build(s, key, out);
}

/* ---- sending ---- */

static enum err question_send(struct switch_core *core, struct switch_slot *s, const struct ledger_product *product,
                              uint32_t pending, int avoid)
{
    const struct switch_step *step = &s->pending[pending];
    const char *name = step->question == SWITCH_CY ? product->cvk_ref : product->mk_ref;
    const char *key = name[0] != 0 ? core->config.key(core->config.context, name) : NULL;
    struct buf out = buf_over(core->command, SWITCH_COMMAND_ROOM);
    int64_t now_us = flow_now_us(core->flow);
    int64_t round_us = now_us + (int64_t)core->config.round_ms * 1000;
    if (s->deadline_us == 0)
        s->deadline_us = now_us + (int64_t)core->config.total_ms * 1000;
    enum err err = ERR_NOT_FOUND;
    if (!key)
        s->no_keys = true;
    else if (now_us >= s->deadline_us)
        err = ERR_TIMEOUT;
    else if (command_build(core, s, product, step, key, &out))
        err = hostcmd_client_send(core->config.hsm,
                                  &(struct hostcmd_send){.command = buf_span(&out),
                                                         .deadline_us = round_us < s->deadline_us ? round_us : s->deadline_us,
                                                         .ticket = flow_ticket(&s->item, (uint8_t)pending),
                                                         .avoid = avoid});
    secret_wipe(core->command, out.len);
    return err;
}

/* Puts the step among the pending ones and sends it. */
static enum err step_ask(struct switch_core *core, struct switch_slot *s, const struct ledger_product *product,
                         const struct switch_step *step)
{
    ASSERT(s->pending_count < SWITCH_PENDING_MAX);
    s->pending[s->pending_count] = *step;
    /* A clock behind the newest time of the row makes every dynamic step "HSM down": no try is lost (issuer.md 5). */
    if (step->question != SWITCH_CY && ledger_code_clock_suspect(&s->card->row.code, s->auth.received_at))
        return LEDGER_ERR_CLOCK_SUSPECT;
    TRY(question_send(core, s, product, s->pending_count, 0));
    s->pending_count++;
    flow_await(&s->item);
    return ERR_OK;
}

/* Everything that the finding asks. With some of it sent the slot waits for the answers, with every window full for room. */
static void ask(struct switch_core *core, struct switch_slot *s)
{
    const struct ledger_product *product = switch_slot_product(core, s);
    struct switch_finding finding;
    struct switch_plan plan;
    bool full = false;
    switch_slot_plan(core, s, product, &plan, &finding);
    s->pending_count = 0;
    s->retried = 0;
    for (size_t i = 0; i < finding.ask_count && !full; i++) {
        enum err err = step_ask(core, s, product, &finding.ask[i]);
        full = err == ERR_BUSY;
        if (err != ERR_OK && !full)
            switch_facts_add(&s->facts, &finding.ask[i], SWITCH_NO_ANSWER);
    }
    if (s->pending_count > 0) {
        flow_wait_at(&s->item, SWITCH_STAGE_JUDGE, 0);
    } else if (full) {
        switch_park(&core->hsm_room, s);
        flow_wait_at(&s->item, SWITCH_STAGE_JUDGE, s->deadline_us);
    } else {
        flow_to(&s->item, SWITCH_STAGE_JUDGE);
    }
}

void switch_ask_stage(void *context, struct flow_item *const *item, size_t count)
{
    for (size_t i = 0; i < count; i++)
        ask(context, switch_slot_of(item[i]));
}

/* ---- answers ---- */

static enum switch_fact_answer answer_read(const struct hostcmd_answer *answer, enum hostcmd_id id)
{
    static const struct hostcmd_ry verify = {.mode = {1, true, "4"}};
    enum err err = answer->err;
    union {
        struct hostcmd_pm_reply pm;
        struct hostcmd_ry_reply ry;
    } reply;
    struct hostcmd_said said = {0};
    if (err == ERR_OK)
        err = hostcmd_reply_parse(id, id == HOSTCMD_RY ? &verify : NULL, span_of(answer->at, answer->len), &said, &reply);
    secret_wipe(&reply, sizeof reply);
    if (err == ERR_OK && said.cause == HOSTCMD_ERR_FRAUD_DETECTION)
        return SWITCH_LIMITED;
    return switch_fact_of(err == ERR_OK ? said.verdict : VERDICT_UNAVAILABLE);
}

/* Once more, to another HSM, if time is left. */
static bool asked_again(struct switch_core *core, struct switch_slot *s, uint32_t pending, uint16_t endpoint)
{
    if (s->retried >> pending & 1)
        return false;
    s->retried |= 1u << pending;
    const struct ledger_card *card = &s->card->row.card;
    const struct ledger_product *product = ledger_products_find(core->products, card->issuer_id, card->product_id);
    return product && question_send(core, s, product, pending, HOSTCMD_AVOID(endpoint)) == ERR_OK;
}

static void answer_take(struct switch_core *core, const struct hostcmd_answer *answer)
{
    uint8_t pending = 0;
    struct flow_item *item = flow_find(core->flow, answer->ticket, &pending);
    ASSERT(item && item->awaited > 0); /* each question comes back once, and the slot stays until then */
    struct switch_slot *s = switch_slot_of(item);
    ASSERT(pending < s->pending_count && s->card);
    enum switch_fact_answer said = answer_read(answer, command_of(s, &s->pending[pending]));
    if (said == SWITCH_NO_ANSWER && asked_again(core, s, pending, answer->endpoint))
        return;
    switch_facts_add(&s->facts, &s->pending[pending], said);
    (void)flow_arrive(core->flow, item);
}

/* Everything that the HSMs have answered; how many answers. */
static size_t answers_take(struct switch_core *core)
{
    struct hostcmd_answer answer[32];
    size_t taken = 0;
    for (size_t count; (count = hostcmd_client_take(core->config.hsm, answer, 32)) > 0; taken += count) {
        for (size_t i = 0; i < count; i++) {
            answer_take(core, &answer[i]);
            hostcmd_answer_wipe(&answer[i]);
        }
    }
    return taken;
}

/* What is asked again has a deadline too: the client tells it last. */
int64_t switch_hsm_turn(void *context, int64_t now_us)
{
    struct switch_core *core = context;
    int64_t next_us = hostcmd_client_turn(core->config.hsm, now_us);
    while (answers_take(core) > 0) {
        switch_resume(core->flow, &core->hsm_room, SIZE_MAX);
        next_us = hostcmd_client_turn(core->config.hsm, now_us);
    }
    return next_us > 0 ? next_us : FLOW_NEVER_US;
}
