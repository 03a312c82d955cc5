/* SPDX-License-Identifier: Apache-2.0 */
#include "base/env.h"

#include "base/buf.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

static int64_t system_wall_ms(void *context)
{
    (void)context;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t system_monotonic_us(void *context)
{
    (void)context;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void system_random(void *context, void *out, size_t len)
{
    (void)context;
    uint8_t *at = out;
    while (len > 0) {
        ssize_t got = getrandom(at, len, 0);
        /* Without randomness nothing may go on: a nonce or a key would repeat. */
        ASSERT(got > 0 || errno == EINTR);
        if (got > 0) {
            at += got;
            len -= (size_t)got;
        }
    }
}

struct env env_system(struct log *log)
{
    return (struct env){system_wall_ms, system_monotonic_us, system_random, NULL, log};
}

void env_uuid(const struct env *e, char out[static 37])
{
    static const char digit[] = "0123456789abcdef";
    uint8_t id[16];
    uint64_t ms = (uint64_t)env_wall_ms(e);
    env_random(e, id, sizeof id);
    for (int i = 0; i < 6; i++)
        id[i] = (uint8_t)(ms >> (40 - 8 * i));
    id[6] = (uint8_t)(0x70 | (id[6] & 0x0F));
    id[8] = (uint8_t)(0x80 | (id[8] & 0x3F));
    size_t at = 0;
    for (size_t i = 0; i < sizeof id; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            out[at++] = '-';
        out[at++] = digit[id[i] >> 4];
        out[at++] = digit[id[i] & 15];
    }
    out[at] = 0;
}

/* Days from civil and back: Hinnant, "chrono-Compatible Low-Level Date Algorithms". */
static int64_t days_from_civil(int64_t year, int64_t month, int64_t day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

struct env_calendar env_calendar(int64_t wall_ms)
{
    int64_t days = wall_ms / 86400000;
    int64_t rest = wall_ms % 86400000;
    if (rest < 0) {
        rest += 86400000;
        days--;
    }
    int64_t shifted = days + 719468;
    int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
    int64_t day_of_era = shifted - era * 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month_shifted = (5 * day_of_year + 2) / 153;
    int month = (int)(month_shifted < 10 ? month_shifted + 3 : month_shifted - 9);
    return (struct env_calendar){
        .year = (int)(year_of_era + era * 400 + (month <= 2)),
        .month = month,
        .day = (int)(day_of_year - (153 * month_shifted + 2) / 5 + 1),
        .hour = (int)(rest / 3600000),
        .minute = (int)(rest / 60000 % 60),
        .second = (int)(rest / 1000 % 60),
        .millisecond = (int)(rest % 1000),
    };
}

static int month_days(int year, int month)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}

enum err env_calendar_ms(const struct env_calendar *c, int64_t *out)
{
    if (c->year < 1970 || c->year > 9999 || c->month < 1 || c->month > 12)
        return ERR_PARSE_VALUE;
    if (c->day < 1 || c->day > month_days(c->year, c->month))
        return ERR_PARSE_VALUE;
    if (c->hour < 0 || c->hour > 23 || c->minute < 0 || c->minute > 59 || c->second < 0 || c->second > 59)
        return ERR_PARSE_VALUE;
    int64_t days = days_from_civil(c->year, c->month, c->day);
    *out = ((days * 24 + c->hour) * 60 + c->minute) * 60000 + c->second * 1000 + c->millisecond;
    return ERR_OK;
}

void env_rfc3339(int64_t wall_ms, char out[static 25])
{
    struct env_calendar c = env_calendar(wall_ms);
    struct buf b = buf_over(out, 25);
    buf_put_decimal(&b, (uint64_t)c.year, 4);
    buf_put_byte(&b, '-');
    buf_put_decimal(&b, (uint64_t)c.month, 2);
    buf_put_byte(&b, '-');
    buf_put_decimal(&b, (uint64_t)c.day, 2);
    buf_put_byte(&b, 'T');
    buf_put_decimal(&b, (uint64_t)c.hour, 2);
    buf_put_byte(&b, ':');
    buf_put_decimal(&b, (uint64_t)c.minute, 2);
    buf_put_byte(&b, ':');
    buf_put_decimal(&b, (uint64_t)c.second, 2);
    buf_put_byte(&b, '.');
    buf_put_decimal(&b, (uint64_t)c.millisecond, 3);
    buf_put_byte(&b, 'Z');
    ASSERT(buf_text(&b)[0] != 0);
}
