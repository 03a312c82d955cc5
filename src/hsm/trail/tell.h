/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a command, an officer or a peer leaves behind: a line of the log and one of the audit trail. Inside the room.
 *
 * Purpose    The audit column of a row decides about commands: those that touch keys or states leave a line that is durable before
 *            the answer leaves; of the others those that were refused. No field of a request is in a line.
 * Ownership  A struct hsm_tell is a value inside the hsm; log and trail are the caller's.
 * Threading  As struct hsm: one thread.
 * Limits     HSM_TELL_LINES lines a second and kind about what peers can cause at will; the rest is counted in a line of the next
 *            second.
 */
#ifndef HSM_TRAIL_TELL_H
#define HSM_TRAIL_TELL_H

#include "hostcmd/commands.h"

#include "base/env.h"

enum { HSM_TELL_LINES = 100 };

/* Connections come and go in the log; they take no line away from what is refused. */
enum hsm_tell_kind { HSM_TELL_CONNECTIONS, HSM_TELL_REFUSALS, HSM_TELL_KINDS };

struct hsm_tell {
    const struct env *env;   /* its log may be NULL */
    struct hsm_audit *audit; /* hsm/trail/audit.h; NULL: no trail */
    bool hardened;
    struct {
        int64_t second;
        uint64_t lines; /* wanted in it */
    } limit[HSM_TELL_KINDS];
};

/* What officers and operators do. */
void hsm_tell_event(struct hsm_tell *tell, enum log_level level, const char *event, const struct log_field *field, size_t count);
#define HSM_TELL(tell_, level_, event_, ...)                                             \
    hsm_tell_event((tell_), (level_), (event_), (const struct log_field[]){__VA_ARGS__}, \
                   sizeof((const struct log_field[]){__VA_ARGS__}) / sizeof(struct log_field))

/* What to answer: `answer`, or HOSTCMD_ERR_INTERNAL where hardened mode forbids a command on keys that leaves no line. */
struct hostcmd_said hsm_tell_command(struct hsm_tell *tell, const char *client, const struct hostcmd_row *row,
                                     struct hostcmd_said answer);
/* A peer may cause it as often as it likes. */
void hsm_tell_limited(struct hsm_tell *tell, enum log_level level, const char *event, const struct log_field *field, size_t count);
/* True while less than HSM_TELL_LINES lines of the kind were written this second. */
bool hsm_tell_admits(struct hsm_tell *tell, enum hsm_tell_kind kind);

#endif
