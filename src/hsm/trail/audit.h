/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit trail: what was done to keys and states, in a file that cannot be changed without being seen.
 *
 * Purpose    One JSON object a line. Each line ends with a MAC over itself and the MAC of the line before (HMAC-SHA-256), so a
 *            line that is changed, removed, doubled or moved is found, and which one; the head beside the file (FILE.head) is
 *            sealed under the same key and counts the lines, so that lines cut off at the end are missed. A plain chain of digests
 *            could be built anew by whoever can write the file; a keyed one cannot.
 * Ownership  The trail owns its descriptors. hsm_audit_close makes everything durable.
 * Threading  As struct hsm: one thread.
 * Failure    hsm_audit_write: ERR_SYSTEM where the line is not written, or not durable although it was to be; the trail is as
 *            before and the loss is counted in the next line that can be written. hsm_audit_open refuses a file that is not what
 *            the head says, in `problem`, and changes nothing then. A last line that a crash has cut is kept and marked by a line
 *            of its own, if the complete lines before it are all that the head counts.
 * Limits     Lines up to HSM_AUDIT_LINE bytes. What is not durable at once is so within a second (hsm_audit_tick). Above `size`
 *            bytes FILE becomes FILE.NUMBER, ten digits of its last line, and the chain goes on in a new FILE.
 *
 * Layout     {"n":2,"at":"2026-01-31T23:59:59.000Z","event":"hsm.command","command":"A0","answer":"00","mac":"64H"}
 *            mac = HMAC(key, MAC of the line before | all bytes of the line before `,"mac"`); before the first line it is zeros.
 *            Line 1 is `trail.begun`; the first of a later file is `trail.continued` with `from`, the MAC before it.
 *            Head: "CSAUDIT1 " n 20N " " MAC 64H " " 0 or 1 (FILE has been moved away) " " seal 64H X'0A'
 */
#ifndef HSM_TRAIL_AUDIT_H
#define HSM_TRAIL_AUDIT_H

#include "hsm/trail/chain.h"

#include "base/env.h"
#include "net/net.h"

struct hsm_audit;

enum { HSM_AUDIT_PATH = 256 };

struct hsm_audit_config {
    const char *path;
    uint64_t size; /* bytes of one file */
    uint8_t key[HSM_AUDIT_KEY];
};

MUST_USE enum err hsm_audit_open(const struct env *env, const struct hsm_audit_config *config, struct hsm_audit **out,
                                 struct net_problem *problem);
void hsm_audit_close(struct hsm_audit *audit);

/* `durable`: on the disk when it returns. `audit` NULL: there is no trail, always ERR_OK. */
MUST_USE enum err hsm_audit_write(struct hsm_audit *audit, const char *event, const struct log_field *field, size_t count,
                                  bool durable);
/* From hsm_audit_gather to hsm_audit_settle durable lines wait for one another: hsm_audit_settle makes them durable together, with
 * one sync. ERR_SYSTEM: they may not be, and nothing that rests on them may leave. `audit` NULL: ERR_OK. */
void hsm_audit_gather(struct hsm_audit *audit);
MUST_USE enum err hsm_audit_settle(struct hsm_audit *audit);
/* Once a second. `audit` is a struct hsm_audit; fits net_loop_every. */
void hsm_audit_tick(void *audit);

struct hsm_audit_counters {
    uint64_t number; /* of the last line */
    uint64_t lost;   /* lines that could not be written */
    uint64_t synced; /* times the file was made durable */
};
struct hsm_audit_counters hsm_audit_counters(const struct hsm_audit *audit);

#endif
