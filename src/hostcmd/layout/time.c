/* SPDX-License-Identifier: Apache-2.0 */
/* Moments in the formats that a layout profile may name. UTC; two-digit years are 2000 to 2099. */
#include "hostcmd/layout/internal.h"

#include <string.h>

enum { DAY = 86400, AHEAD = 300, CENTURY = 2000 };

const struct hostcmd_time_row hostcmd_time_rows[HOSTCMD_TIME_FORMATS] = {
    [HOSTCMD_YYMMDDHHMM] = {"YYMMDDhhmm", 10},
    [HOSTCMD_YYMMDDHHMMSS] = {"YYMMDDhhmmss", 12},
    [HOSTCMD_YYYYMMDDHHMM] = {"YYYYMMDDhhmm", 12},
    [HOSTCMD_YYYYMMDDHHMMSS] = {"YYYYMMDDhhmmss", 14},
    [HOSTCMD_UNIX10] = {"unix10", 10},
    [HOSTCMD_HHMM] = {"hhmm", 4},
    [HOSTCMD_HHMMSS] = {"hhmmss", 6},
};

/* The part of a calendar date that a letter of a pattern stands for. */
static int *part_of(struct env_calendar *c, char letter)
{
    switch (letter) {
    case 'Y':
        return &c->year;
    case 'M':
        return &c->month;
    case 'D':
        return &c->day;
    case 'h':
        return &c->hour;
    case 'm':
        return &c->minute;
    default:
        return &c->second;
    }
}

enum err hostcmd_time_write(enum hostcmd_time_format format, int64_t unix_s, struct buf *out)
{
    const char *pattern = hostcmd_time_rows[format].name;
    struct env_calendar c = env_calendar(unix_s * 1000);
    if (unix_s < 0)
        return ERR_PARSE_VALUE;
    if (format == HOSTCMD_UNIX10) {
        buf_put_decimal(out, (uint64_t)unix_s, hostcmd_time_rows[format].length);
        return buf_done(out);
    }
    if (*pattern == 'Y' && (c.year < CENTURY || c.year >= CENTURY + 100))
        return ERR_PARSE_VALUE;
    for (size_t len; *pattern; pattern += len) {
        len = strspn(pattern, (const char[]){*pattern, 0});
        int value = *part_of(&c, *pattern);
        buf_put_decimal(out, (uint64_t)(len == 2 ? value % 100 : value), len);
    }
    return buf_done(out);
}

/* The latest moment with this time of day that is not too far ahead. */
static int64_t latest(int64_t of_day_s, int64_t now_s)
{
    int64_t bound = now_s + AHEAD, moment = bound / DAY * DAY + of_day_s;
    return moment > bound ? moment - DAY : moment;
}

enum err hostcmd_time_read(enum hostcmd_time_format format, struct span text, int64_t now_s, int64_t *out)
{
    const char *pattern = hostcmd_time_rows[format].name;
    struct env_calendar c = {.year = 0, .month = 0};
    uint64_t number = 0;
    int64_t ms = 0;
    if (text.len != hostcmd_time_rows[format].length)
        return ERR_PARSE_SHORT;
    TRY(span_decimal(text, &number));
    if (format == HOSTCMD_UNIX10) {
        *out = (int64_t)number;
        return ERR_OK;
    }
    bool dated = *pattern == 'Y', long_year = strncmp(pattern, "YYYY", 4) == 0;
    for (size_t i = 0; i < text.len; i++) {
        int *part = part_of(&c, pattern[i]);
        *part = *part * 10 + text.at[i] - '0';
    }
    if (!dated)
        c = (struct env_calendar){.year = 1970, .month = 1, .day = 1, .hour = c.hour, .minute = c.minute, .second = c.second};
    else if (!long_year)
        c.year += CENTURY;
    else if (c.year < CENTURY || c.year >= CENTURY + 100)
        return ERR_PARSE_VALUE;
    TRY(env_calendar_ms(&c, &ms));
    *out = dated ? ms / 1000 : latest(ms / 1000, now_s);
    return ERR_OK;
}

/* ---- the moment of a command ---- */

enum err hostcmd_layout_moment(const struct hostcmd_layout *layout, struct span time, struct span twu, int64_t now_s,
                               struct hostcmd_moment *out)
{
    const struct hostcmd_profile *profile = &layout->profile;
    bool minutes = hostcmd_profile_column(profile, HOSTCMD_TWU)->minutes;
    enum hostcmd_time_format format = hostcmd_profile_column(profile, HOSTCMD_TIME)->format;
    uint64_t units = 0;
    TRY(hostcmd_time_read(format, time, now_s, &out->unix_s));
    TRY(span_decimal(twu, &units));
    if (units == 0 || units > (minutes ? HOSTCMD_TWU_MOST : HOSTCMD_TWU_MOST / 60))
        return ERR_PARSE_VALUE;
    out->twu_minutes = (uint32_t)units * (minutes ? 1 : 60);
    return ERR_OK;
}

static enum err set_moment(const struct hostcmd_profile *profile, const struct hostcmd_moment *moment, struct wire_text *time,
                           struct wire_text *twu)
{
    const struct hostcmd_column *time_column = hostcmd_profile_column(profile, HOSTCMD_TIME);
    const struct hostcmd_column *twu_column = hostcmd_profile_column(profile, HOSTCMD_TWU);
    uint32_t unit = twu_column->minutes ? 1 : 60;
    struct buf text = buf_over(time->at, time_column->length);
    if (moment->twu_minutes == 0 || moment->twu_minutes > HOSTCMD_TWU_MOST || moment->twu_minutes % unit != 0)
        return ERR_PARSE_VALUE;
    TRY(hostcmd_time_write(time_column->format, moment->unix_s, &text));
    time->len = (uint16_t)text.len;
    struct buf units = buf_over(twu->at, twu_column->length);
    buf_put_decimal(&units, moment->twu_minutes / unit, twu_column->length);
    TRY(buf_done(&units) == ERR_OK ? ERR_OK : ERR_PARSE_VALUE);
    twu->len = (uint16_t)units.len;
    time->present = twu->present = true;
    /* A profile that never sends the window knows one only. */
    return !twu_column->unsent || span_is(buf_span(&units), twu_column->value) ? ERR_OK : ERR_PARSE_VALUE;
}

static void set_filler(const struct hostcmd_profile *profile, size_t which, struct wire_text *member)
{
    for (size_t i = 0; i < profile->count; i++)
        if (profile->column[i].kind == HOSTCMD_FILLER && which-- == 0) {
            memset(member->at, '0', profile->column[i].length);
            member->len = profile->column[i].length;
            member->present = true;
            return;
        }
}

#define MEMBER(member_) ((struct wire_text *)(void *)&(member_))
enum err hostcmd_layout_qy(const struct hostcmd_layout *layout, const struct hostcmd_moment *moment, struct hostcmd_qy *ask)
{
    TRY(set_moment(&layout->profile, moment, MEMBER(ask->time), MEMBER(ask->twu)));
    set_filler(&layout->profile, 0, MEMBER(ask->filler));
    set_filler(&layout->profile, 1, MEMBER(ask->filler_2));
    return WIRE_SET(ask->scheme, span_text("5")) ? ERR_OK : ERR_INTERNAL;
}

enum err hostcmd_layout_pm(const struct hostcmd_layout *layout, const struct hostcmd_moment *moment, struct hostcmd_pm *ask)
{
    TRY(set_moment(&layout->profile, moment, MEMBER(ask->time), MEMBER(ask->twu)));
    set_filler(&layout->profile, 0, MEMBER(ask->filler));
    set_filler(&layout->profile, 1, MEMBER(ask->filler_2));
    return WIRE_SET(ask->scheme, span_text("5")) && WIRE_SET(ask->version, span_text("0")) ? ERR_OK : ERR_INTERNAL;
}
