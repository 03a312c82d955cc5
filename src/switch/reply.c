/* SPDX-License-Identifier: Apache-2.0 */
/* Identity of a message, its fingerprint, and the answers. */
#include "switch/internal.h"

#include <string.h>

void switch_slot_message_id(const struct switch_slot *s, struct ledger_message_id *out)
{
    const struct ledger_auth *a = &s->auth;
    *out = (struct ledger_message_id){.link_id = a->link_id,
                                      .mti_class = a->mti_class,
                                      .de7 = a->de7,
                                      .de11 = a->de11,
                                      .de32 = a->de32,
                                      .de37 = a->de37,
                                      .de41 = a->de41,
                                      .de42 = a->de42};
}

static void text_of(char *out, size_t cap, struct span value)
{
    size_t len = value.len < cap ? value.len : cap - 1;
    memcpy(out, value.at, len);
    out[len] = 0;
}

void switch_slot_original_id(const struct switch_slot *s, struct switch_original_texts *room, struct ledger_message_id *out)
{
    struct span acquirer = WIRE_SPAN(s->original.acquirer);
    while (acquirer.len > 0 && acquirer.at[0] == '0')
        acquirer = span_slice(acquirer, 1, acquirer.len - 1);
    text_of(room->de7, sizeof room->de7, WIRE_SPAN(s->original.transmission));
    text_of(room->de11, sizeof room->de11, WIRE_SPAN(s->original.stan));
    text_of(room->de32, sizeof room->de32, acquirer);
    *out = (struct ledger_message_id){.link_id = s->auth.link_id,
                                      .mti_class = "0100",
                                      .de7 = room->de7,
                                      .de11 = room->de11,
                                      .de32 = room->de32,
                                      .de37 = "",
                                      .de41 = "",
                                      .de42 = ""};
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
    switch_slot_free(core, s);
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

/* DE39, DE38 or six hyphens, letter or a hyphen: see switch_unit_put_message. */
void switch_reply_stored(struct switch_core *core, struct switch_slot *s, const struct ledger_idem *idem)
{
    const uint8_t *at = idem->answer.at;
    uint8_t fingerprint[96];
    size_t len = switch_fingerprint_write(s, fingerprint, sizeof fingerprint);
    core->counters.repeats++;
    if (idem->fingerprint.len != len || memcmp(idem->fingerprint.at, fingerprint, len) != 0) {
        LOG(core->config.env->log, LOG_WARN, "switch.key_reused", LOG_TEXT("link", s->auth.link_id),
            LOG_TEXT("de11", s->auth.de11));
        switch_reply_code(core, s, "94");
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
    LOG(core->config.env->log, LOG_ERROR, "switch.unanswered", LOG_TEXT("link", s->auth.link_id), LOG_TEXT("de11", s->auth.de11));
    switch_slot_free(core, s);
}
