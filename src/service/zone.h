/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time zones of issuers: a card is valid until the last moment of its month at its issuer's place, and days of limits begin there
 * (switch.md 10).
 *
 * Purpose    From an IANA name to the wall clock of that place, by the zone files of the system (RFC 8536), for several zones at
 *            once: the C library knows one a process.
 * Ownership  The caller owns the zones; memory is reserved at create. A zone is read when it is first asked for, and kept.
 * Threading  One thread.
 * Failure    service_zone_check says what is wrong with a name. A zone that cannot be read later counts as UTC.
 * Limits     SERVICE_ZONES_MAX zones; files of SERVICE_ZONE_FILE bytes.
 *
 * Example
 *     TRY(service_zone_check("Australia/Sydney", &problem));
 *     int64_t local_ms = service_zones_local_ms(zones, "Australia/Sydney", env_wall_ms(env));
 */
#ifndef SERVICE_ZONE_H
#define SERVICE_ZONE_H

#include "net/net.h"

/* Where the zone files are. */
#define SERVICE_ZONE_FOLDER "/usr/share/zoneinfo/"

enum { SERVICE_ZONES_MAX = 64, SERVICE_ZONE_FILE = 16384 };

struct service_zones;

MUST_USE enum err service_zones_create(struct service_zones **out);
/* NULL is allowed. */
void service_zones_destroy(struct service_zones *zones);

/* ERR_CONFIG with a text: the name is none, or the system has no such zone. */
MUST_USE enum err service_zone_check(const char *name, struct net_problem *problem);
/* The moment as the wall clock of the zone shows it, as if that were UTC. `zones` is a struct service_zones. */
int64_t service_zones_local_ms(void *zones, const char *name, int64_t wall_ms);

#endif
