/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stands between programs and the PostgreSQL of this process, on a Unix socket of its own, and breaks connections at COMMIT.
 *
 * Threading  A thread of its own passes bytes on. One cutter a process.
 * Failure    Whatever goes wrong ends the program with status 1.
 */
#ifndef SUPPORT_CUTTER_H
#define SUPPORT_CUTTER_H

#include "base/buf.h"

enum cutter_place {
    CUTTER_ANSWER, /* COMMIT reaches the server, its answer does not come back */
    CUTTER_COMMIT  /* COMMIT does not reach the server */
};

/* An empty database, and its store URL by way of the cutter (with a zero). */
void cutter_open(struct buf *url);
void cutter_close(void);
/* The next `times` COMMITs break all connections; after each, new ones are refused for `refuse_ms`. */
void cutter_arm(enum cutter_place place, unsigned times, int refuse_ms);
/* How many are still to come. */
unsigned cutter_left(void);

#endif
