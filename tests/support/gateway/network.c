/* SPDX-License-Identifier: Apache-2.0 */
#include "support/gateway/network.h"

#include "iso8583/layout.h"
#include "iso8583/profile.h"

#include <stdio.h>
#include <string.h>

static void copy(char *out, size_t size, struct span from)
{
    (void)snprintf(out, size, "%.*s", (int)from.len, (const char *)from.at);
}

/* ---- answers on their way ---- */

static void answer_at(struct network *n, size_t link, struct span frame, int64_t due_us)
{
    ASSERT(n->waitings < NETWORK_WAITING_MAX && frame.len <= NETWORK_FRAME);
    struct network_waiting *w = &n->waiting[n->waitings++];
    *w = (struct network_waiting){.due_us = due_us, .link = link, .len = frame.len};
    memcpy(w->frame, frame.at, frame.len);
}

static void answer(struct network *n, size_t link, struct span frame, enum network_fate fate, int64_t now_us)
{
    if (fate == NETWORK_LOSES || fate == NETWORK_IS_SILENT)
        return;
    if (fate == NETWORK_GARBLES)
        frame.len /= 2;
    answer_at(n, link, frame, now_us + (fate == NETWORK_IS_LATE ? n->late_us : fate == NETWORK_DELAYS ? NETWORK_DELAY_US : 0));
    if (fate == NETWORK_DOUBLES)
        answer_at(n, link, frame, now_us + NETWORK_DELAY_US);
}

bool network_due(struct network *n, int64_t now_us, struct network_waiting *out)
{
    for (size_t i = 0; i < n->waitings; i++) {
        if (n->waiting[i].due_us > now_us)
            continue;
        *out = n->waiting[i];
        n->waitings--;
        memmove(&n->waiting[i], &n->waiting[i + 1], (n->waitings - i) * sizeof *out);
        return true;
    }
    return false;
}

int64_t network_next_us(const struct network *n)
{
    int64_t next_us = INT64_MAX;
    for (size_t i = 0; i < n->waitings; i++)
        next_us = n->waiting[i].due_us < next_us ? n->waiting[i].due_us : next_us;
    return next_us;
}

void network_cut(struct network *n, size_t link)
{
    size_t kept = 0;
    for (size_t i = 0; i < n->waitings; i++)
        if (n->waiting[i].link != link)
            n->waiting[kept++] = n->waiting[i];
    n->waitings = kept;
}

/* ---- the issuer ---- */

static bool is_reversal(const struct iso8583_message *m)
{
    return m->mti == ISO8583_REVERSAL || m->mti == ISO8583_REVERSAL_REPEAT;
}

static void note(struct network *n, size_t link, const struct iso8583_message *in, int64_t now_us)
{
    if (n->takens == NETWORK_TAKEN_MAX)
        return;
    struct network_taken *t = &n->taken[n->takens++];
    *t = (struct network_taken){.at_us = now_us, .mti = (uint16_t)in->mti, .link = link};
    copy(t->amount, sizeof t->amount, iso8583_get(in, ISO8583_AMOUNT));
    copy(t->transmission, sizeof t->transmission, iso8583_get(in, ISO8583_TRANSMISSION));
    copy(t->stan, sizeof t->stan, iso8583_get(in, ISO8583_STAN));
    copy(t->rrn, sizeof t->rrn, iso8583_get(in, ISO8583_RRN));
    copy(t->original, sizeof t->original, iso8583_get(in, ISO8583_ORIGINAL));
    copy(t->reason, sizeof t->reason, iso8583_get(in, ISO8583_RESPONSE));
}

/* The authorisation of this reference; a reversal that comes first leaves one that is reversed already. */
static struct network_hold *hold_of(struct network *n, struct span rrn, struct span stan)
{
    for (size_t i = 0; i < n->holds; i++)
        if (span_is(rrn, n->hold[i].rrn) && span_is(stan, n->hold[i].stan))
            return &n->hold[i];
    ASSERT(n->holds < NETWORK_HOLDS_MAX && rrn.len == 12 && stan.len == 6);
    struct network_hold *hold = &n->hold[n->holds++];
    *hold = (struct network_hold){0};
    copy(hold->rrn, sizeof hold->rrn, rrn);
    copy(hold->stan, sizeof hold->stan, stan);
    return hold;
}

static void reverse(struct network *n, const struct iso8583_message *in)
{
    struct iso8583_original original;
    char numbers[24];
    ASSERT(iso8583_original_read(in, &original) == ERR_OK);
    struct network_hold *hold = hold_of(n, iso8583_get(in, ISO8583_RRN), WIRE_SPAN(original.stan));
    struct span at = iso8583_get(in, ISO8583_TRANSMISSION), stan = iso8583_get(in, ISO8583_STAN);
    (void)snprintf(numbers, sizeof numbers, "%.*s %.*s", (int)at.len, (const char *)at.at, (int)stan.len, (const char *)stan.at);
    hold->reversed_anew |= hold->reversal[0] && strcmp(hold->reversal, numbers) != 0;
    memcpy(hold->reversal, numbers, sizeof numbers);
    hold->reversed |= !n->forgets_reversals;
}

static void authorise(struct network *n, const struct iso8583_message *in, uint64_t amount, enum network_fate fate,
                      struct iso8583_message *out)
{
    struct network_hold *hold = hold_of(n, iso8583_get(in, ISO8583_RRN), iso8583_get(in, ISO8583_STAN));
    hold->amount = amount;
    hold->approved = fate != NETWORK_REFUSES && !hold->reversed;
    iso8583_set_text(out, ISO8583_RESPONSE, hold->approved ? "00" : "05");
    if (hold->approved)
        iso8583_set(out, ISO8583_APPROVAL, iso8583_get(in, ISO8583_STAN));
    hold->reversed |= n->reverses_late && fate == NETWORK_IS_LATE;
}

/* What becomes of its answer; NETWORK_LOSES: the message was lost on its way. */
static enum network_fate take(struct network *n, const struct iso8583_message *in, struct iso8583_message *out)
{
    uint64_t amount = 0;
    iso8583_set_text(out, ISO8583_RESPONSE, "00");
    if (!is_reversal(in) && in->mti != ISO8583_AUTHORISATION)
        return NETWORK_ANSWERS;
    ASSERT(span_decimal(iso8583_get(in, ISO8583_AMOUNT), &amount) == ERR_OK);
    enum network_fate fate = n->fate ? n->fate(n->context, is_reversal(in), amount) : NETWORK_ANSWERS;
    if (fate == NETWORK_LOSES)
        return fate;
    if (!is_reversal(in)) {
        authorise(n, in, amount, fate, out);
        return fate;
    }
    reverse(n, in);
    if (n->reversal_response)
        iso8583_set_text(out, ISO8583_RESPONSE, n->reversal_response);
    return fate;
}

void network_take(struct network *n, size_t link, struct span frame, int64_t now_us)
{
    static struct iso8583_message in, out;
    const struct iso8583_profile *profile = iso8583_profile_find(span_text("iso87-ascii"));
    uint8_t room[NETWORK_FRAME];
    struct buf reply = buf_over(room, sizeof room);
    ASSERT(iso8583_parse(profile, frame, &in, NULL) == ERR_OK);
    if (is_reversal(&in) || in.mti == ISO8583_AUTHORISATION)
        note(n, link, &in, now_us);
    iso8583_answer_init(profile, &in, &out);
    enum network_fate fate = take(n, &in, &out);
    ASSERT(iso8583_build(profile, &out, &reply) == ERR_OK);
    answer(n, link, buf_span(&reply), fate, now_us);
}

size_t network_standing(const struct network *n, uint64_t amount, const struct network_hold **out)
{
    size_t count = 0;
    for (size_t i = 0; i < n->holds; i++) {
        const struct network_hold *hold = &n->hold[i];
        if (hold->amount != amount || !hold->approved || hold->reversed)
            continue;
        count++;
        if (out)
            *out = hold;
    }
    return count;
}
