/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a command, an officer or a peer leaves behind, for files of the room: a line of the log and one of the audit trail.
 *
 * Purpose    The audit column of a row decides about commands: those that touch keys or states leave a line that is durable before
 *            the answer leaves; of the others those that were refused. No field of a request is in a line.
 * Ownership  A limit is a value inside the hsm.
 * Threading  As struct hsm: one thread.
 * Limits     HSM_TELL_LINES lines a second and kind about what peers can cause at will; the rest is counted in a line of the next
 *            second.
 */
#ifndef HSM_TRAIL_TELL_H
#define HSM_TRAIL_TELL_H

#include "hsm/context.h"

enum { HSM_TELL_LINES = 100 };

struct hsm_tell_limit {
    int64_t second;
    uint64_t lines; /* wanted in it */
};
/* Connections come and go in the log; they take no line away from what is refused. */
enum hsm_tell_kind { HSM_TELL_CONNECTIONS, HSM_TELL_REFUSALS, HSM_TELL_KINDS };
struct hsm_tell_limit *hsm_tell_limit(struct hsm *hsm, enum hsm_tell_kind kind);
/* True while less than HSM_TELL_LINES lines of the kind were written this second. */
bool hsm_tell_admits(struct hsm *hsm, enum hsm_tell_kind kind);

/* What to answer: `answer`, or HOSTCMD_ERR_INTERNAL where hardened mode forbids a command on keys that leaves no line. */
enum err hsm_tell_command(struct hsm *hsm, const struct hsm_client *client, const struct hostcmd_row *row, enum err answer);
/* A peer may cause it as often as it likes. */
void hsm_tell_limited(struct hsm *hsm, enum log_level level, const char *event, const struct log_field *field, size_t count);

#endif
