/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The time zone of the issuer's cards: a card is valid until the last moment of its month there, and days of limits begin there
 * (switch.md 10).
 *
 * Purpose    From an IANA name to the wall clock of that place, by the zone data of the system.
 * Ownership  The zone is the process's: the C library has one. Log lines and rows stay in UTC.
 * Threading  service_zone_use before the first thread; service_zone_local_ms from any.
 * Failure    ERR_CONFIG with a text: the name is none, or the system has no such zone.
 *
 * Example
 *     TRY(service_zone_use("Australia/Sydney", problem));
 *     int64_t local_ms = service_zone_local_ms(env_wall_ms(env));
 */
#ifndef SERVICE_ZONE_H
#define SERVICE_ZONE_H

#include "net/net.h"

#define SERVICE_ZONE_ROW(struct_, member_)                                                                              \
    {                                                                                                                   \
        "cards", "timezone", "IANA name of the issuer's time zone: the last day of cards, days of limits", CONFIG_TEXT, \
            CONFIG_MEMBER(struct_, member_), .initial = "UTC"                                                           \
    }

MUST_USE enum err service_zone_use(const char *name, struct net_problem *problem);
/* The moment as the wall clock of the zone shows it, as if that were UTC. */
int64_t service_zone_local_ms(int64_t wall_ms);

#endif
