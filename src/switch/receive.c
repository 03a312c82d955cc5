/* SPDX-License-Identifier: Apache-2.0 */
/* From a frame to a slot: parse, answer at once what needs no evaluation, hash the message key. */
#include "switch/internal.h"

#include <string.h>

enum { REJECT_LINES = 20 }; /* a second */

/* Copies a value that the profile has already bounded; a fixed text loses the blanks that filled it. */
static void text_copy(char *out, size_t cap, struct span value)
{
    while (value.len > 0 && value.at[value.len - 1] == ' ')
        value.len--;
    if (value.len >= cap)
        value.len = cap - 1;
    memcpy(out, value.at, value.len);
    out[value.len] = 0;
}

static void mti_class_write(uint16_t mti, char out[static 5])
{
    for (int i = 0; i < 4; i++)
        out[i] = "0123456789ABCDEF"[iso8583_mti_class(mti) >> (12 - 4 * i) & 15];
    out[4] = 0;
}

/* clang-format off */
/* Which data element becomes which text of the authorisation row. */
static const struct {
    uint16_t field;
    uint16_t offset;
    uint16_t cap;
} auth_texts[] = {
#define AUTH_TEXT(field_, member_) {field_, offsetof(struct ledger_auth, member_), sizeof(((struct ledger_auth *)0)->member_)}
    AUTH_TEXT(ISO8583_TRANSMISSION,    de7),
    AUTH_TEXT(ISO8583_STAN,            de11),
    AUTH_TEXT(ISO8583_ACQUIRER,        de32),
    AUTH_TEXT(ISO8583_RRN,             de37),
    AUTH_TEXT(ISO8583_TERMINAL,        de41),
    AUTH_TEXT(ISO8583_MERCHANT,        de42),
    AUTH_TEXT(ISO8583_PROCESSING_CODE, de3),
    AUTH_TEXT(ISO8583_MCC,             mcc),
    AUTH_TEXT(ISO8583_ENTRY_MODE,      de22),
    AUTH_TEXT(ISO8583_CONDITION,       de25),
    AUTH_TEXT(ISO8583_CURRENCY,        currency),
#undef AUTH_TEXT
};
/* clang-format on */

static enum err slot_read(struct switch_core *core, struct switch_slot *s, const struct iso8583_message *m)
{
    struct ledger_auth *a = &s->auth;
    for (size_t i = 0; i < sizeof auth_texts / sizeof auth_texts[0]; i++)
        text_copy((char *)a + auth_texts[i].offset, auth_texts[i].cap, iso8583_get(m, auth_texts[i].field));
    TRY(card_pan_parse(iso8583_get(m, ISO8583_PAN), CARD_ANY, &s->pan));
    uint64_t amount = 0;
    TRY(span_decimal(iso8583_get(m, ISO8583_AMOUNT), &amount));
    a->amount = (int64_t)amount;
    amount = 0;
    if (iso8583_has(m, ISO8583_BILLING_AMOUNT))
        TRY(span_decimal(iso8583_get(m, ISO8583_BILLING_AMOUNT), &amount));
    s->billing_amount = (int64_t)amount;
    text_copy(s->billing_currency, sizeof s->billing_currency, iso8583_get(m, ISO8583_BILLING_CURRENCY));
    text_copy(a->link_id, sizeof a->link_id, span_text(core->link[s->link].id));
    mti_class_write(m->mti, a->mti_class);
    text_copy(a->bin8, sizeof a->bin8, span_slice(iso8583_get(m, ISO8583_PAN), 0, 8));
    text_copy(s->de14, sizeof s->de14, iso8583_get(m, ISO8583_EXPIRY));
    a->received_at = env_wall_ms(core->config.env);
    a->pan_mac.len = LEDGER_MAC_LEN;
    return crypto_vault_pan_mac(core->config.vault, iso8583_get(m, ISO8583_PAN), a->pan_mac.at);
}

static enum err reversal_read(struct switch_slot *s, const struct iso8583_message *m)
{
    TRY(iso8583_original_read(m, &s->original));
    uint64_t amount = 0;
    TRY(iso8583_replacement_read(m, &s->partial, &amount));
    s->remaining = (int64_t)amount;
    text_copy(s->de38, sizeof s->de38, iso8583_get(m, ISO8583_APPROVAL));
    return ERR_OK;
}

static void stay_silent(struct switch_core *core, size_t link, struct net_peer peer)
{
    if (core->config.silent)
        core->config.silent(core->config.context, link, peer);
}

/* An answer with nothing but DE39, from a message that has no slot. */
static void answer_now(struct switch_core *core, size_t link, struct net_peer peer, const struct iso8583_message *request,
                       const char *de39)
{
    const struct iso8583_profile *p = core->link[link].profile;
    uint8_t room[ISO8583_FRAME_MAX];
    struct buf out = buf_over(room, sizeof room);
    struct iso8583_message answer;
    iso8583_answer_init(p, request, &answer);
    iso8583_set_text(&answer, ISO8583_RESPONSE, de39);
    if (iso8583_build(p, &answer, &out) == ERR_OK)
        core->config.reply(core->config.context, link, peer, buf_span(&out));
    else
        stay_silent(core, link, peer);
    iso8583_message_wipe(&answer);
    secret_wipe(room, out.len);
}

/* The connection stays, so a peer could fill the log with them; the metric counts them all. */
static bool reject_is_told(struct switch_core *core)
{
    int64_t now_us = env_monotonic_us(core->config.env);
    if (now_us - core->rejects_us >= 1000000) {
        core->rejects_us = now_us;
        core->reject_lines = 0;
    }
    return core->reject_lines++ < REJECT_LINES;
}

static void reject(struct switch_core *core, size_t link, struct net_peer peer, const struct iso8583_fault *fault,
                   const struct iso8583_message *m)
{
    const char *de39 = iso8583_fault_response(fault, m);
    core->counters.rejected++;
    if (reject_is_told(core))
        LOG(core->config.env->log, LOG_WARN, "switch.format", LOG_TEXT("link", core->link[link].id), LOG_INT("field", fault->field),
            LOG_INT("offset", fault->offset), LOG_INT("outcome", fault->outcome), LOG_TEXT("answer", de39 ? de39 : "none"));
    if (de39)
        answer_now(core, link, peer, m, de39);
    else
        stay_silent(core, link, peer);
}

/* A credit is not asked for a code: whatever stands in the field is none. */
static void code_take(const struct switch_link *link, const struct iso8583_message *m, struct switch_slot *s)
{
    s->purpose = switch_purpose_of(s->auth.de3);
    s->unattended = iso8583_unattended(link->marks, m);
    if (s->purpose == SWITCH_CREDIT)
        s->code = (struct iso8583_code){.presence = ISO8583_CODE_ABSENT};
    else
        iso8583_code_read(link->extract, m, &s->code);
}

static bool processing_taken(const struct switch_link *link, const struct iso8583_message *m)
{
    uint64_t code = 0;
    return span_decimal(span_slice(iso8583_get(m, ISO8583_PROCESSING_CODE), 0, 2), &code) == ERR_OK && link->processing[code];
}

/* A slot with everything of the request; NULL after an answer with `de39`. */
static const char *slot_open(struct switch_core *core, size_t link, struct net_peer peer, const struct iso8583_message *m,
                             struct switch_slot **out)
{
    bool reversal = iso8583_mti_class(m->mti) == ISO8583_REVERSAL;
    if (!reversal && !processing_taken(&core->link[link], m))
        return "57";
    bool room = core->in_flight[link] < (size_t)core->link[link].config.max_in_flight;
    struct flow_item *item = room ? flow_take(core->flow) : NULL;
    if (!item) {
        core->counters.busy++;
        return "91";
    }
    struct switch_slot *s = switch_slot_of(item);
    s->kind = reversal ? SWITCH_SLOT_REVERSAL : SWITCH_SLOT_AUTHORISATION;
    s->repeat = m->mti & 1;
    s->link = link;
    s->network = switch_network_name(core->link[link].network);
    s->peer = peer;
    s->received_us = env_monotonic_us(core->config.env);
    s->tick = ++core->tick;
    core->in_flight[link]++;
    if (slot_read(core, s, m) != ERR_OK || (reversal && reversal_read(s, m) != ERR_OK)) {
        switch_slot_leave(core, s);
        flow_give_back(core->flow, item);
        core->counters.rejected++;
        return "30";
    }
    code_take(&core->link[link], m, s);
    iso8583_answer_init(core->link[link].profile, m, &s->answer);
    switch_slot_hash(&core->claims, s);
    *out = s;
    return NULL;
}

static void dispatch(struct switch_core *core, size_t link, struct net_peer peer, const struct iso8583_message *m)
{
    if (!iso8583_mti_request(m->mti)) { /* an answer to nothing: ignored */
        stay_silent(core, link, peer);
        return;
    }
    struct switch_slot *s = NULL;
    const char *de39 = "12";
    if (iso8583_mti_class(m->mti) == ISO8583_NETWORK)
        de39 = "00";
    else if (iso8583_mti_class(m->mti) == ISO8583_AUTHORISATION || iso8583_mti_class(m->mti) == ISO8583_REVERSAL)
        de39 = slot_open(core, link, peer, m, &s);
    if (de39)
        answer_now(core, link, peer, m, de39);
    else
        flow_enter(core->flow, &s->item, SWITCH_STAGE_CLAIM, FLOW_PATH_ALL);
}

static void keepalive(struct switch_core *core, size_t link, struct net_peer peer, struct span payload)
{
    core->counters.keepalives++;
    if (core->link[link].zero_echo)
        core->config.reply(core->config.context, link, peer, payload);
    else
        stay_silent(core, link, peer);
}

static enum err frame_read(const struct switch_link *link, struct span payload, struct iso8583_message *m,
                           struct iso8583_fault *fault)
{
    TRY(iso8583_parse(link->profile, payload, m, fault));
    return link->unknown_reject ? iso8583_skipped_refuse(m, fault) : ERR_OK;
}

void switch_receive(struct switch_core *core, size_t link, struct net_peer peer, struct span payload)
{
    if (payload.len == 0) {
        keepalive(core, link, peer, payload);
        return;
    }
    core->counters.received++;
    struct iso8583_fault fault;
    if (frame_read(&core->link[link], payload, core->scratch, &fault) == ERR_OK)
        dispatch(core, link, peer, core->scratch);
    else
        reject(core, link, peer, &fault, core->scratch);
    iso8583_message_wipe(core->scratch);
}
