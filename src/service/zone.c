/* SPDX-License-Identifier: Apache-2.0 */
#include "service/zone.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define FOLDER "/usr/share/zoneinfo/"

/* Letters, digits and the signs of names such as America/Port-au-Prince and Etc/GMT+5; no way out of the folder. */
static bool is_name(const char *name)
{
    static const char signs[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/_+-";
    return name[0] && name[0] != '/' && name[strspn(name, signs)] == 0;
}

/* The C library takes a name that it does not know for UTC, without a word. */
static bool is_zone(const char *name)
{
    char path[128], magic[4];
    (void)snprintf(path, sizeof path, FOLDER "%s", name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool zone = fd >= 0 && read(fd, magic, sizeof magic) == (ssize_t)sizeof magic && memcmp(magic, "TZif", sizeof magic) == 0;
    if (fd >= 0)
        (void)close(fd);
    return zone;
}

enum err service_zone_use(const char *name, struct net_problem *problem)
{
    bool utc = strcmp(name, "UTC") == 0; /* needs no data */
    if (!utc && (!is_name(name) || !is_zone(name))) {
        (void)snprintf(problem->text, sizeof problem->text,
                       "cards.timezone: '%.40s' is no time zone of this system: write an IANA name such as Australia/Sydney, and "
                       "install tzdata",
                       is_name(name) ? name : "?");
        return ERR_CONFIG;
    }
    if (setenv("TZ", utc ? "UTC0" : name, 1) != 0)
        return ERR_MEMORY;
    tzset();
    return ERR_OK;
}

int64_t service_zone_local_ms(int64_t wall_ms)
{
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm local;
    return localtime_r(&seconds, &local) ? wall_ms + (int64_t)local.tm_gmtoff * 1000 : wall_ms;
}
