/* SPDX-License-Identifier: Apache-2.0 */
/* Stage 6 and the answers. Nothing that approves is answered before its commit. */
#include "store/error.h"
#include "switch/internal.h"

#include <string.h>

/* What a reversal undoes, and how far: DE90 as it came, and what DE95 leaves. */
static void reversal_write(const struct switch_slot *s, struct buf *text)
{
    const struct iso8583_original *o = &s->original;
    const struct span part[] = {WIRE_SPAN(o->mti), WIRE_SPAN(o->stan), WIRE_SPAN(o->transmission), WIRE_SPAN(o->acquirer),
                                WIRE_SPAN(o->forwarder)};
    buf_put_byte(text, '|');
    for (size_t i = 0; i < sizeof part / sizeof part[0]; i++)
        buf_put_span(text, part[i]);
    buf_put_byte(text, '|');
    if (s->partial)
        buf_put_integer(text, s->remaining);
}

/* Which request this was, whatever code it carried: the PAN by its MAC (first half), DE3, amount, currency. */
size_t switch_fingerprint_write(const struct switch_slot *s, uint8_t *out, size_t cap)
{
    struct buf text = buf_over(out, cap);
    buf_put_hex(&text, s->auth.pan_mac.at, LEDGER_MAC_LEN / 2);
    buf_put_byte(&text, '|');
    buf_put_text(&text, s->auth.de3);
    buf_put_byte(&text, '|');
    buf_put_integer(&text, s->auth.amount);
    buf_put_byte(&text, '|');
    buf_put_text(&text, s->auth.currency);
    if (s->kind == SWITCH_SLOT_REVERSAL)
        reversal_write(s, &text);
    return text.len;
}

static void send_answer(struct switch_core *core, struct switch_slot *s, const char *de39, const char *de38, char letter)
{
    const struct switch_link *link = &core->link[s->link];
    uint8_t room[ISO8583_FRAME_MAX];
    struct buf out = buf_over(room, sizeof room);
    secret_wipe(&s->code, sizeof s->code); /* before the answer is built (switch.md 6 step 9) */
    if (de38[0] != 0)
        iso8583_set_text(&s->answer, ISO8583_APPROVAL, de38);
    iso8583_set_text(&s->answer, ISO8583_RESPONSE, de39);
    iso8583_result_write(link->result, letter, &s->answer);
    if (iso8583_build(link->profile, &s->answer, &out) == ERR_OK)
        core->config.reply(core->config.context, s->link, s->peer, buf_span(&out));
    else
        LOG(core->config.env->log, LOG_ERROR, "switch.answer", LOG_TEXT("link", link->id));
    secret_wipe(room, out.len);
    flow_done(&s->item);
}

void switch_reply_verdict(struct switch_core *core, struct switch_slot *s)
{
    if (s->kind == SWITCH_SLOT_REVERSAL)
        core->counters.reversals++;
    else if (s->auth.de38[0] != 0)
        core->counters.approved++;
    else
        core->counters.declined++;
    send_answer(core, s, s->auth.de39, s->auth.de38, s->auth.result[0]);
}

void switch_reply_code(struct switch_core *core, struct switch_slot *s, const char *de39)
{
    core->counters.unavailable += strcmp(de39, "96") == 0;
    send_answer(core, s, de39, "", 0);
}

void switch_reply_failed(struct switch_core *core, struct switch_slot *s, const char *de39)
{
    if (s->unknown > 0)
        switch_reply_nothing(core, s);
    else
        switch_reply_code(core, s, de39);
}

/* DE39, DE38 or six hyphens, letter or a hyphen: see switch_put_message. */
void switch_reply_stored(struct switch_core *core, struct switch_slot *s, const struct ledger_message *message)
{
    const struct ledger_idem *idem = &message->idem;
    const uint8_t *at = idem->answer.at;
    uint8_t fingerprint[sizeof idem->fingerprint.at];
    size_t len = switch_fingerprint_write(s, fingerprint, sizeof fingerprint);
    core->counters.repeats++;
    if (idem->fingerprint.len != len || memcmp(idem->fingerprint.at, fingerprint, len) != 0) {
        LOG(core->config.env->log, LOG_WARN, "switch.key_reused", LOG_TEXT("link", s->auth.link_id),
            LOG_TEXT("de11", s->auth.de11));
        switch_reply_code(core, s, "94");
        return;
    }
    if (message->reversed) {
        switch_reply_code(core, s, "05"); /* outcome 19: what was approved stands no more */
        return;
    }
    if (idem->answer.len != SWITCH_ANSWER_LEN) {
        switch_reply_code(core, s, "96");
        return;
    }
    char de39[3] = {0};
    memcpy(de39, at, 2);
    char de38[7] = {0};
    if (at[2] != '-')
        memcpy(de38, at + 2, 6);
    send_answer(core, s, de39, de38, at[8] == '-' ? 0 : (char)at[8]);
}

void switch_reply_nothing(struct switch_core *core, struct switch_slot *s)
{
    core->counters.unanswered++;
    if (core->config.silent)
        core->config.silent(core->config.context, s->link, s->peer);
    LOG(core->config.env->log, LOG_ERROR, "switch.unanswered", LOG_TEXT("link", s->auth.link_id), LOG_TEXT("de11", s->auth.de11));
    flow_done(&s->item);
}

/* ---- the stage ---- */

static void conclude(struct switch_core *core, struct switch_slot *s)
{
    enum err err = s->committed;
    if (err == ERR_OK) {
        switch_reply_verdict(core, s);
    } else if (err == STORE_ERR_CONFLICT || err == ERR_DUPLICATE) {
        s->alone = true;
        if (s->at_fault && ++s->attempts > SWITCH_ATTEMPTS_MAX)
            switch_reply_failed(core, s, "96");
        else
            flow_to(&s->item, SWITCH_STAGE_LOOKUP);
    } else if (err == STORE_ERR_UNKNOWN) {
        /* The idempotency row tells: present is committed; absent is tried once more (switch.md 6 step 8). */
        s->unknown++;
        flow_to(&s->item, SWITCH_STAGE_LOOKUP);
    } else {
        switch_reply_failed(core, s, "96");
    }
}

void switch_reply_stage(void *context, struct flow_item *const *item, size_t count)
{
    for (size_t i = 0; i < count; i++)
        conclude(context, switch_slot_of(item[i]));
}
