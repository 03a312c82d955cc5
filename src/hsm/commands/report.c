/* SPDX-License-Identifier: Apache-2.0 */
/* What the HSM tells of itself: JK state, J2 load, J4 counts (host-commands.md 7.1 and 7.2). Times are UTC. */
#include "hsm/commands/internal.h"
#include "hsm/guard/guess.h"
#include "hsm/guard/state.h"
#include "hsm/process/observe.h"
#include "keys/keys.h"

#include "base/secret.h"
#include "hostcmd/error.h"

#include <string.h>

enum { SHOWN_MAX = 99, RECORD_MARK = 0x14, BAND_PERCENT = 100 / HOSTCMD_BANDS };

/* Where nobody says which machine this is. */
static const char no_serial[] = "CS0000000000";

/* ---- writing ---- */

static bool set_number(struct wire_text *member, size_t cap, uint64_t value, size_t digits)
{
    struct buf text = buf_over(member->at, cap);
    buf_put_decimal(&text, value, digits);
    member->len = (uint16_t)text.len;
    member->present = buf_done(&text) == ERR_OK;
    return member->present;
}
#define NUMBER(member_, value_) \
    set_number((struct wire_text *)(void *)&(member_), sizeof((member_).at), (uint64_t)(value_), sizeof((member_).at))

static uint64_t pair_of_pairs(int a, int b, int c)
{
    return (uint64_t)(a * 10000 + b * 100 + c);
}
#define MOMENT(date_, time_, ms_) set_moment((struct wire_text *)(void *)&(date_), (struct wire_text *)(void *)&(time_), (ms_))
static bool set_moment(struct wire_text *date, struct wire_text *time, int64_t wall_ms)
{
    struct env_calendar c = env_calendar(wall_ms);
    return set_number(date, 6, pair_of_pairs(c.year % 100, c.month, c.day), 6) &&
           set_number(time, 6, pair_of_pairs(c.hour, c.minute, c.second), 6);
}

static const char *serial(const struct hsm_context *context)
{
    const char *given = context->config->serial;
    return given && *given ? given : no_serial;
}

/* ---- JK ---- */

static enum err put_lmk(const struct hsm_context *context, const struct wire_record *record, const struct keys_lmk_facts *facts,
                        struct buf *out)
{
    struct hostcmd_jk_lmk line = {0};
    size_t activities = hsm_state_count(context->state, facts->id);
    bool block = facts->kind == KEYS_LMK_BLOCK;
    bool fits = NUMBER(line.id, facts->id) && NUMBER(line.authorised, activities > 0) &&
                NUMBER(line.activities, activities < SHOWN_MAX ? activities : SHOWN_MAX) &&
                WIRE_SET(line.scheme, span_text(block ? "K" : "V")) && NUMBER(line.algorithm, block) &&
                WIRE_SET(line.status, span_text(facts->test ? "T" : "L")) && WIRE_SET(line.comment, span_text(facts->comment));
    return fits ? wire_build(record, &line, out) : HOSTCMD_ERR_INTERNAL;
}

/* The current LMKs in the order of loading; old ones, which only BW reads, are counted. */
static enum err put_lmks(const struct hsm_context *context, const struct wire_record *record, struct hostcmd_jk_reply *reply)
{
    const struct keys_lmk_facts *facts;
    size_t live = 0, test = 0, old = 0;
    struct buf lines = buf_over(reply->lmk.at, sizeof reply->lmk.at);
    for (size_t i = 0; (facts = keys_lmk_facts_at(context->lmks, i)); i++) {
        old += facts->old;
        if (facts->old)
            continue;
        if (live++ > 0)
            buf_put_byte(&lines, RECORD_MARK);
        test += facts->test;
        TRY(put_lmk(context, record, facts, &lines));
    }
    TRY(buf_done(&lines));
    reply->lmk.len = (uint16_t)lines.len;
    reply->lmk.present = true;
    bool fits = NUMBER(reply->lmks, live < SHOWN_MAX ? live : SHOWN_MAX) &&
                NUMBER(reply->test_lmks, test < SHOWN_MAX ? test : SHOWN_MAX) &&
                NUMBER(reply->old_lmks, old < SHOWN_MAX ? old : SHOWN_MAX);
    return fits ? ERR_OK : HOSTCMD_ERR_INTERNAL;
}

/* Console and manager are no host ports of ours; the second host port is there where one is served. */
static bool set_ports(const struct hsm_context *context, struct hostcmd_jk_reply *reply)
{
    return WIRE_SET(reply->console, span_text(context->config->console ? "1" : "3")) && WIRE_SET(reply->manager, span_text("3")) &&
           WIRE_SET(reply->host_1, span_text("1")) && WIRE_SET(reply->host_2, span_text(context->config->host_2 ? "1" : "3"));
}

enum err hsm_handle_jk(const struct hsm_context *context, struct hsm_call *call)
{
    struct hostcmd_jk_reply *reply = call->reply;
    bool exceeded = context->guess && hsm_guess_exceeded(context->guess);
    bool fits = WIRE_SET(reply->serial, span_text(serial(context))) &&
                MOMENT(reply->date, reply->time, env_wall_ms(context->env)) && set_ports(context, reply) &&
                WIRE_SET(reply->reserved, span_text("00")) && WIRE_SET(reply->tamper, span_text("1")) &&
                NUMBER(reply->fraud, exceeded) && NUMBER(reply->pin_attacks, 0);
    return fits ? put_lmks(context, call->row->part, reply) : HOSTCMD_ERR_INTERNAL;
}

/* ---- J2 and J4 ---- */

/* Counting began with the process and goes on: it ends now. */
static bool set_span(const struct hsm_context *context, struct hostcmd_span *span)
{
    int64_t start = hsm_observe_started_ms(context->observe), now = env_wall_ms(context->env);
    int64_t seconds = now > start ? now / 1000 - start / 1000 : 0;
    return WIRE_SET(span->serial, span_text(serial(context))) && MOMENT(span->start_date, span->start_time, start) &&
           MOMENT(span->end_date, span->end_time, now) && MOMENT(span->now_date, span->now_time, now) &&
           NUMBER(span->seconds, seconds);
}

enum err hsm_handle_j2(const struct hsm_context *context, struct hsm_call *call)
{
    struct hostcmd_j2_reply *reply = call->reply;
    struct buf bands = buf_over(reply->bands.at, sizeof reply->bands.at);
    uint64_t periods[HSM_OBSERVE_BANDS];
    _Static_assert((int)HSM_OBSERVE_BANDS == (int)HOSTCMD_BANDS, "one band a band");
    hsm_observe_load(context->observe, periods);
    for (unsigned i = 0; i < HOSTCMD_BANDS; i++) {
        struct hostcmd_j2_band band = {0};
        if (!NUMBER(band.from, i * BAND_PERCENT) || !NUMBER(band.to, (i + 1) * BAND_PERCENT) || !NUMBER(band.periods, periods[i]))
            return HOSTCMD_ERR_INTERNAL;
        TRY(wire_build(call->row->part, &band, &bands));
    }
    reply->bands.len = (uint16_t)bands.len;
    reply->bands.present = true;
    return set_span(context, &reply->span) ? ERR_OK : HOSTCMD_ERR_INTERNAL;
}

enum err hsm_handle_j4(const struct hsm_context *context, struct hsm_call *call)
{
    struct hostcmd_j4_reply *reply = call->reply;
    struct buf counts = buf_over(reply->counts.at, sizeof reply->counts.at);
    enum hostcmd_id used[HOSTCMD_COUNT];
    size_t count = hsm_observe_order(context->observe, used);
    _Static_assert((int)HOSTCMD_COUNT <= (int)HOSTCMD_COUNTS, "room for every command");
    for (size_t i = 0; i < count; i++) {
        struct hostcmd_j4_count line = {0};
        bool fits = WIRE_SET(line.command, span_text(hostcmd_row(used[i])->code)) &&
                    NUMBER(line.count, hsm_observe_count(context->observe, used[i]));
        if (!fits)
            return HOSTCMD_ERR_INTERNAL;
        TRY(wire_build(call->row->part, &line, &counts));
    }
    reply->counts.len = (uint16_t)counts.len;
    reply->counts.present = true;
    return set_span(context, &reply->span) ? ERR_OK : HOSTCMD_ERR_INTERNAL;
}
