/* SPDX-License-Identifier: Apache-2.0 */
#include "service/zone.h"

#include "base/arena.h"
#include "base/env.h"
#include "base/file.h"

#include <stdio.h>
#include <string.h>

enum { NAME = 65, TRANSITIONS = 512, HEADER = 44, COUNTS_AT = 20, DAY_S = 86400 };

/* When the clocks are changed, of a POSIX TZ text. */
struct change {
    enum { CHANGE_MONTH, CHANGE_JULIAN, CHANGE_DAY } kind;
    int month, week, day; /* Mm.w.d, or the day alone */
    int64_t second;       /* of the local day */
};

/* What holds behind the last transition of the file: a POSIX TZ text. */
struct rule {
    bool there, summer;
    int64_t offset, summer_offset;
    struct change begin, end;
};

struct zone {
    char name[NAME];
    int64_t first; /* offset before all transitions */
    size_t count;
    int64_t at[TRANSITIONS], offset[TRANSITIONS];
    struct rule rule;
};

struct service_zones {
    size_t count;
    struct zone zone[SERVICE_ZONES_MAX];
    uint8_t file[SERVICE_ZONE_FILE];
};

/* ---- POSIX TZ texts: EST5EDT,M3.2.0,M11.1.0/1 ---- */

static bool take_mark(struct span *text, char mark)
{
    if (text->len == 0 || text->at[0] != (uint8_t)mark)
        return false;
    *text = span_slice(*text, 1, text->len - 1);
    return true;
}

static bool take_number(struct span *text, int *out)
{
    int value = 0;
    size_t at = 0;
    for (; at < text->len && at < 4 && text->at[at] >= '0' && text->at[at] <= '9'; at++)
        value = value * 10 + text->at[at] - '0';
    *text = span_slice(*text, at, text->len - at);
    *out = value;
    return at > 0;
}

/* The abbreviation, in letters or between < and >. */
static bool take_name(struct span *text)
{
    size_t at = 0;
    bool quoted = take_mark(text, '<');
    while (at < text->len && (quoted ? text->at[at] != '>' : (text->at[at] | 32) >= 'a' && (text->at[at] | 32) <= 'z'))
        at++;
    *text = span_slice(*text, at, text->len - at);
    return at > 0 && (!quoted || take_mark(text, '>'));
}

/* [+-]hh[:mm[:ss]] in seconds */
static bool take_time(struct span *text, int64_t *out)
{
    int part[3] = {0};
    bool minus = take_mark(text, '-');
    if (!minus)
        (void)take_mark(text, '+'); /* may stand there */
    if (!take_number(text, &part[0]))
        return false;
    for (int i = 1; i < 3 && take_mark(text, ':'); i++)
        if (!take_number(text, &part[i]))
            return false;
    *out = (part[0] * INT64_C(3600) + part[1] * 60 + part[2]) * (minus ? -1 : 1);
    return true;
}

static bool take_change(struct span *text, struct change *out)
{
    *out = (struct change){.second = 7200};
    bool month = take_mark(text, 'M');
    out->kind = month ? CHANGE_MONTH : take_mark(text, 'J') ? CHANGE_JULIAN : CHANGE_DAY;
    bool good = month ? take_number(text, &out->month) && take_mark(text, '.') && take_number(text, &out->week) &&
                            take_mark(text, '.') && take_number(text, &out->day)
                      : take_number(text, &out->day);
    return good && (!take_mark(text, '/') || take_time(text, &out->second));
}

static bool rule_read(struct span text, struct rule *out)
{
    *out = (struct rule){.there = true};
    if (!take_name(&text) || !take_time(&text, &out->offset))
        return false;
    out->offset = -out->offset;
    if (text.len == 0)
        return true;
    out->summer = true;
    out->summer_offset = out->offset + 3600;
    if (!take_name(&text))
        return false;
    if (text.len > 0 && text.at[0] != ',') {
        if (!take_time(&text, &out->summer_offset))
            return false;
        out->summer_offset = -out->summer_offset;
    }
    return take_mark(&text, ',') && take_change(&text, &out->begin) && take_mark(&text, ',') && take_change(&text, &out->end) &&
           text.len == 0;
}

/* ---- moments of a rule ---- */

static int64_t day_of(int year, int month, int day)
{
    const struct env_calendar c = {.year = year, .month = month, .day = day};
    int64_t ms = 0;
    return env_calendar_ms(&c, &ms) == ERR_OK ? ms / 1000 / DAY_S : 0;
}

static bool leaps(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Days since 1970; week 5 is the last one that the month has. 1970 began on a Thursday. */
static int64_t change_day(const struct change *c, int year)
{
    int64_t new_year = day_of(year, 1, 1);
    if (c->kind == CHANGE_DAY)
        return new_year + c->day;
    if (c->kind == CHANGE_JULIAN)
        return new_year + c->day - 1 + (leaps(year) && c->day >= 60);
    int64_t first = day_of(year, c->month, 1);
    int64_t after = c->month == 12 ? day_of(year + 1, 1, 1) : day_of(year, c->month + 1, 1);
    int64_t day = first + (c->day - (first + 4) % 7 + 7) % 7 + (c->week - 1) * 7;
    while (day >= after)
        day -= 7;
    return day;
}

static int64_t rule_offset(const struct rule *rule, int64_t now)
{
    if (!rule->summer)
        return rule->offset;
    int year = env_calendar((now + rule->offset) * 1000).year;
    int64_t begin = change_day(&rule->begin, year) * DAY_S + rule->begin.second - rule->offset;
    int64_t end = change_day(&rule->end, year) * DAY_S + rule->end.second - rule->summer_offset;
    bool summer = begin < end ? now >= begin && now < end : now >= begin || now < end;
    return summer ? rule->summer_offset : rule->offset;
}

/* ---- files: RFC 8536 ---- */

static int64_t big(const uint8_t *at, size_t bytes)
{
    uint64_t value = bytes == 4 && at[0] & 0x80 ? UINT64_MAX : 0;
    for (size_t i = 0; i < bytes; i++)
        value = value << 8 | at[i];
    return (int64_t)value;
}

enum { UT, STANDARD, LEAPS, TIMES, TYPES, CHARACTERS, COUNTS };

/* The counts of the header at the begin of `file`, and the length of the block behind it, whose times have `width` bytes. */
static bool header_read(struct span file, size_t width, size_t count[static COUNTS], size_t *len)
{
    if (file.len < HEADER || memcmp(file.at, "TZif", 4) != 0)
        return false;
    for (size_t i = 0; i < COUNTS; i++) {
        count[i] = (size_t)big(file.at + COUNTS_AT + 4 * i, 4);
        if (count[i] > SERVICE_ZONE_FILE)
            return false;
    }
    *len = HEADER + count[TIMES] * (width + 1) + count[TYPES] * 6 + count[CHARACTERS] + count[LEAPS] * (width + 4) +
           count[STANDARD] + count[UT];
    return *len <= file.len && count[TYPES] > 0;
}

/* The newest transitions, as many as there is room for. */
static bool block_read(const uint8_t *at, const size_t count[static COUNTS], struct zone *zone)
{
    const uint8_t *type = at + count[TIMES] * 8;
    const uint8_t *row = type + count[TIMES];
    size_t skipped = count[TIMES] > TRANSITIONS ? count[TIMES] - TRANSITIONS : 0;
    zone->first = big(row, 4);
    for (size_t i = skipped; i < count[TIMES]; i++) {
        if (type[i] >= count[TYPES])
            return false;
        zone->at[zone->count] = big(at + 8 * i, 8);
        zone->offset[zone->count++] = big(row + 6 * type[i], 4);
    }
    return true;
}

static bool zone_parse(struct span file, struct zone *zone)
{
    size_t count[COUNTS], len;
    if (!header_read(file, 4, count, &len) || file.at[4] < '2')
        return false;
    file = span_slice(file, len, file.len - len);
    if (!header_read(file, 8, count, &len) || !block_read(file.at + HEADER, count, zone))
        return false;
    struct span text = span_slice(file, len, file.len - len);
    if (text.len < 2 || text.at[0] != '\n' || text.at[text.len - 1] != '\n')
        return false;
    text = span_slice(text, 1, text.len - 2);
    return text.len == 0 || rule_read(text, &zone->rule);
}

/* Letters, digits and the signs of names such as America/Port-au-Prince and Etc/GMT+5; no way out of the folder. */
static bool is_name(const char *name)
{
    static const char signs[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/_+-";
    return name[0] && name[0] != '/' && strlen(name) < NAME && name[strspn(name, signs)] == 0;
}

/* UTC needs no file. */
static bool zone_read(const char *name, uint8_t room[static SERVICE_ZONE_FILE], struct zone *zone)
{
    char path[sizeof SERVICE_ZONE_FOLDER + NAME];
    struct buf file = buf_over(room, SERVICE_ZONE_FILE);
    memset(zone, 0, sizeof *zone);
    if (strcmp(name, "UTC") == 0)
        return true;
    if (!is_name(name))
        return false;
    (void)snprintf(path, sizeof path, SERVICE_ZONE_FOLDER "%s", name);
    return file_read(path, &file) == ERR_OK && zone_parse(buf_span(&file), zone);
}

/* ---- the zones of a process ---- */

enum err service_zones_create(struct service_zones **out)
{
    void *at = NULL;
    TRY(memory_reserve(1, sizeof(struct service_zones), &at));
    *out = at;
    return ERR_OK;
}

void service_zones_destroy(struct service_zones *zones)
{
    memory_release(zones, 1, sizeof *zones);
}

enum err service_zone_check(const char *name, struct net_problem *problem)
{
    struct service_zones *zones = NULL;
    TRY(service_zones_create(&zones));
    bool good = zone_read(name, zones->file, &zones->zone[0]);
    service_zones_destroy(zones);
    if (good)
        return ERR_OK;
    (void)snprintf(problem->text, sizeof problem->text,
                   "'%.40s' is no time zone of this system: write an IANA name such as Australia/Sydney, and install tzdata",
                   is_name(name) ? name : "?");
    return ERR_CONFIG;
}

static const struct zone *zone_find(struct service_zones *zones, const char *name)
{
    for (size_t i = 0; i < zones->count; i++)
        if (strcmp(zones->zone[i].name, name) == 0)
            return &zones->zone[i];
    if (zones->count == SERVICE_ZONES_MAX || strlen(name) >= NAME)
        return NULL;
    struct zone *zone = &zones->zone[zones->count++];
    if (!zone_read(name, zones->file, zone))
        memset(zone, 0, sizeof *zone); /* UTC, and not read again for each payment */
    memcpy(zone->name, name, strlen(name) + 1);
    return zone;
}

static int64_t zone_offset(const struct zone *zone, int64_t now)
{
    size_t from = 0, to = zone->count; /* transitions before `to` have happened */
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (zone->at[middle] <= now)
            from = middle + 1;
        else
            to = middle;
    }
    if (from == zone->count && zone->rule.there)
        return rule_offset(&zone->rule, now);
    return from > 0 ? zone->offset[from - 1] : zone->first;
}

int64_t service_zones_local_ms(void *zones, const char *name, int64_t wall_ms)
{
    const struct zone *zone = zone_find(zones, name);
    return zone ? wall_ms + zone_offset(zone, wall_ms / 1000) * 1000 : wall_ms;
}
