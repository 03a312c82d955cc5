/* SPDX-License-Identifier: Apache-2.0 */
/* The numbers of a request, and the table of those that wait for an answer. */
#include "acquirer/internal.h"

#include <string.h>

/* ---- numbers and times ---- */

struct acquirer_entry *acquirer_entry_at(struct acquirer_link *link, uint32_t stan)
{
    return &link->entry[stan % ACQUIRER_IN_FLIGHT_MAX];
}

/* The next trace number whose place is free; with less than ACQUIRER_IN_FLIGHT_MAX in flight there is one. */
uint32_t acquirer_stan_next(struct acquirer_link *link)
{
    for (size_t tries = 0; tries <= ACQUIRER_IN_FLIGHT_MAX; tries++) {
        link->stan = link->stan % (ACQUIRER_STANS - 1) + 1;
        if (acquirer_entry_at(link, link->stan)->kind == ACQUIRER_ENTRY_FREE)
            break;
    }
    return link->stan;
}

void acquirer_stamp_time(int64_t now_ms, char out[static 11])
{
    struct env_calendar c = env_calendar(now_ms);
    const int part[] = {c.month, c.day, c.hour, c.minute, c.second};
    struct buf b = buf_over(out, 11);
    for (size_t i = 0; i < sizeof part / sizeof part[0]; i++)
        buf_put_decimal(&b, (uint64_t)part[i], 2);
    (void)buf_text(&b); /* ends the text */
}

/* YDDDHHnnnnnn: last digit of the year, day of the year, hour, trace number. */
static void write_rrn(int64_t now_ms, uint32_t stan, char out[static 13])
{
    struct env_calendar c = env_calendar(now_ms);
    struct env_calendar first = {.year = c.year, .month = 1, .day = 1};
    int64_t start_ms = 0;
    if (env_calendar_ms(&first, &start_ms) != ERR_OK)
        start_ms = now_ms;
    struct buf b = buf_over(out, 13);
    buf_put_decimal(&b, (uint64_t)c.year % 10, 1);
    buf_put_decimal(&b, (uint64_t)((now_ms - start_ms) / 86400000 + 1), 3);
    buf_put_decimal(&b, (uint64_t)c.hour, 2);
    buf_put_decimal(&b, stan, 6);
    (void)buf_text(&b); /* ends the text */
}

void acquirer_stamp(struct acquirer_link *link, int64_t now_ms, struct acquirer_stamp *out)
{
    out->stan = acquirer_stan_next(link);
    acquirer_stamp_time(now_ms, out->transmission);
    write_rrn(now_ms, out->stan, out->rrn);
}

void acquirer_stamp_read(const struct iso8583_message *m, struct acquirer_stamp *out)
{
    uint64_t stan = 0;
    struct span transmission = iso8583_get(m, ISO8583_TRANSMISSION), rrn = iso8583_get(m, ISO8583_RRN);
    *out = (struct acquirer_stamp){0};
    if (span_decimal(iso8583_get(m, ISO8583_STAN), &stan) == ERR_OK)
        out->stan = (uint32_t)stan;
    memcpy(out->transmission, transmission.at, transmission.len < 11 ? transmission.len : 10);
    memcpy(out->rrn, rrn.at, rrn.len < 13 ? rrn.len : 12);
}

/* ---- in flight ---- */

void acquirer_expect(struct acquirer_link *link, const struct acquirer_entry *entry)
{
    struct acquirer_entry *place = acquirer_entry_at(link, entry->stamp.stan);
    ASSERT(place->kind == ACQUIRER_ENTRY_FREE && entry->kind != ACQUIRER_ENTRY_FREE);
    ASSERT(link->in_flight < ACQUIRER_IN_FLIGHT_MAX);
    *place = *entry;
    link->in_flight++;
    link->counts.sent++;
    if (entry->deadline_us < link->next_us)
        link->next_us = entry->deadline_us;
}

struct acquirer_entry acquirer_settle(struct acquirer_link *link, struct acquirer_entry *entry)
{
    ASSERT(entry->kind != ACQUIRER_ENTRY_FREE && link->in_flight > 0);
    struct acquirer_entry done = *entry;
    *entry = (struct acquirer_entry){0};
    link->in_flight--;
    return done;
}

struct acquirer_entry *acquirer_match(struct acquirer_link *link, const struct iso8583_message *m)
{
    static const uint16_t wanted[] = {[ACQUIRER_ENTRY_AUTHORISATION] = ISO8583_AUTHORISATION_ANSWER,
                                      [ACQUIRER_ENTRY_REVERSAL] = ISO8583_REVERSAL_ANSWER,
                                      [ACQUIRER_ENTRY_NETWORK] = ISO8583_NETWORK_ANSWER};
    struct acquirer_stamp told;
    acquirer_stamp_read(m, &told);
    struct acquirer_entry *entry = acquirer_entry_at(link, told.stan);
    bool same = entry->kind != ACQUIRER_ENTRY_FREE && entry->stamp.stan == told.stan &&
                memcmp(entry->stamp.transmission, told.transmission, sizeof told.transmission) == 0;
    if (same && entry->kind != ACQUIRER_ENTRY_NETWORK)
        same = memcmp(entry->stamp.rrn, told.rrn, sizeof told.rrn) == 0;
    return same && m->mti == wanted[entry->kind] ? entry : NULL;
}
