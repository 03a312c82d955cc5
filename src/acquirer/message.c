/* SPDX-License-Identifier: Apache-2.0 */
/* Authorisations and reversals: what they say, and what an answer says. */
#include "acquirer/internal.h"

#include "base/secret.h"

#include <string.h>

static void put_cut(struct iso8583_message *m, unsigned field, const char *text, size_t max)
{
    struct span value = span_text(text);
    if (value.len > 0)
        iso8583_set(m, field, span_slice(value, 0, max));
}

/* DE22: number keyed by the shopper (01), no PIN entry; the length is the profile's. */
static void put_entry_mode(const struct iso8583_profile *profile, struct iso8583_message *m)
{
    static const char mode[] = "0100";
    iso8583_set(m, ISO8583_ENTRY_MODE, span_of(mode, profile->field[ISO8583_ENTRY_MODE].max == 4 ? 4 : 3));
}

static void put_common(const struct acquirer_link *link, const struct acquirer_authorisation *a, struct iso8583_message *m)
{
    iso8583_set(m, ISO8583_PAN, card_pan_span(a->pan));
    iso8583_set_text(m, ISO8583_PROCESSING_CODE, "000000");
    iso8583_set_decimal(m, ISO8583_AMOUNT, a->amount_minor, 12);
    iso8583_set_text(m, ISO8583_TIME_LOCAL, a->stamp.transmission + 4);
    iso8583_set(m, ISO8583_DATE_LOCAL, span_of(a->stamp.transmission, 4));
    iso8583_set_text(m, ISO8583_EXPIRY, a->expiry);
    iso8583_set_text(m, ISO8583_MCC, a->mcc);
    put_entry_mode(link->profile, m);
    iso8583_set_text(m, ISO8583_CONDITION, a->condition);
    iso8583_set_text(m, ISO8583_ACQUIRER, link->config.acquirer);
    iso8583_set_text(m, ISO8583_RRN, a->stamp.rrn);
    put_cut(m, ISO8583_TERMINAL, a->terminal, 8);
    put_cut(m, ISO8583_MERCHANT, a->merchant, 15);
    iso8583_set_text(m, ISO8583_CURRENCY, a->currency);
}

static enum err put_code(const struct acquirer_link *link, const struct acquirer_authorisation *a, struct iso8583_message *m)
{
    struct iso8583_code code = {.presence = a->presence, .result_wanted = true};
    if (a->presence == ISO8583_CODE_PRESENT)
        code.digits = *a->code;
    enum err err = iso8583_code_write(link->extract, &code, m);
    secret_wipe(&code, sizeof code);
    return err;
}

/* ---- authorisation ---- */

static enum err send_authorisation(struct acquirer_link *link, const struct acquirer_authorisation *a)
{
    struct iso8583_message m;
    iso8583_message_init(&m, ISO8583_AUTHORISATION);
    put_common(link, a, &m);
    iso8583_set_text(&m, ISO8583_TRANSMISSION, a->stamp.transmission);
    iso8583_set_decimal(&m, ISO8583_STAN, a->stamp.stan, 6);
    enum err err = put_code(link, a, &m);
    if (err == ERR_OK)
        return acquirer_send(link, &m);
    iso8583_message_wipe(&m);
    return err;
}

enum err acquirer_authorise(struct acquirer_link *link, const struct acquirer_authorisation *a, void *context)
{
    if (!acquirer_up(link))
        return ERR_LINK_UNAVAILABLE;
    if (link->in_flight >= (size_t)link->config.in_flight || acquirer_entry_at(link, a->stamp.stan)->kind != ACQUIRER_ENTRY_FREE)
        return ERR_BUSY;
    TRY(send_authorisation(link, a));
    const struct acquirer_entry entry = {.kind = ACQUIRER_ENTRY_AUTHORISATION,
                                         .stamp = a->stamp,
                                         .context = context,
                                         .deadline_us = env_monotonic_us(link->env) + link->config.timeout_ms * 1000};
    acquirer_expect(link, &entry);
    return ERR_OK;
}

/* ---- reversal ---- */

enum err acquirer_reversal_build(struct acquirer_link *link, const struct acquirer_authorisation *a, int64_t now_ms,
                                 struct buf *frame)
{
    struct iso8583_message original, m;
    char transmission[11];
    acquirer_stamp_time(now_ms, transmission);
    iso8583_message_init(&original, ISO8583_AUTHORISATION);
    iso8583_set_text(&original, ISO8583_TRANSMISSION, a->stamp.transmission);
    iso8583_set_decimal(&original, ISO8583_STAN, a->stamp.stan, 6);
    iso8583_set_text(&original, ISO8583_ACQUIRER, link->config.acquirer);
    iso8583_message_init(&m, ISO8583_REVERSAL);
    put_common(link, a, &m);
    iso8583_set_text(&m, ISO8583_TRANSMISSION, transmission);
    /* A number of its own, not one in flight at this moment: repeats keep it. */
    iso8583_set_decimal(&m, ISO8583_STAN, acquirer_stan_next(link), 6);
    iso8583_set_text(&m, ISO8583_RESPONSE, "68"); /* why: answer received too late */
    enum err err = iso8583_original_write(&original, &m);
    if (err == ERR_OK)
        err = iso8583_build(link->profile, &m, frame);
    iso8583_message_wipe(&m);
    return err;
}

enum err acquirer_reverse(struct acquirer_link *link, struct span frame, bool repeat, int64_t timeout_us, void *context)
{
    struct iso8583_message m;
    struct acquirer_entry entry = {.kind = ACQUIRER_ENTRY_REVERSAL, .context = context};
    if (!acquirer_up(link))
        return ERR_LINK_UNAVAILABLE;
    enum err err = iso8583_parse(link->profile, frame, &m, NULL);
    if (err == ERR_OK) {
        acquirer_stamp_read(&m, &entry.stamp);
        if (acquirer_entry_at(link, entry.stamp.stan)->kind != ACQUIRER_ENTRY_FREE)
            err = ERR_BUSY;
    }
    if (err != ERR_OK) {
        iso8583_message_wipe(&m);
        return err;
    }
    m.mti = repeat ? ISO8583_REVERSAL_REPEAT : ISO8583_REVERSAL;
    TRY(acquirer_send(link, &m));
    entry.deadline_us = env_monotonic_us(link->env) + timeout_us;
    acquirer_expect(link, &entry);
    return ERR_OK;
}

/* ---- answers ---- */

void acquirer_answer_read(const struct acquirer_link *link, const struct iso8583_message *m, struct acquirer_answer *out)
{
    struct span response = iso8583_get(m, ISO8583_RESPONSE);
    struct span approval = iso8583_get(m, ISO8583_APPROVAL);
    *out = (struct acquirer_answer){.result = iso8583_result_read(link->result, m)};
    if (response.len == 2)
        memcpy(out->response, response.at, 2);
    if (approval.len < sizeof out->approval)
        memcpy(out->approval, approval.at, approval.len);
    out->amount_told = span_decimal(iso8583_get(m, ISO8583_AMOUNT), &out->amount_minor) == ERR_OK;
}
