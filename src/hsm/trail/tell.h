/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a command, an officer or a peer leaves behind: a line of the log and one of the audit trail. Inside the room.
 *
 * Purpose    The audit column of a row decides about commands. Those that touch keys or states leave a line that is durable before
 *            the answer leaves, if they had effect; if they had none, although the activity was authorised, their line is durable
 *            too, but its kind is limited. Everything that a stranger can cause (refusals, requests that cannot be parsed) is
 *            limited and not durable. Lines of commands say LMK, key type and check value (hsm/trail/subject.h); no other field of
 *            a request or reply is in a line.
 * Ownership  A struct hsm_tell is a value inside the hsm; log and trail are the caller's.
 * Threading  As struct hsm: one thread.
 * Limits     HSM_TELL_LINES lines a second of a kind, of connections HSM_TELL_CONNECTIONS_LINES; how many were left out is told in
 *            a line of the next second.
 */
#ifndef HSM_TRAIL_TELL_H
#define HSM_TRAIL_TELL_H

#include "hostcmd/commands.h"
#include "hsm/trail/subject.h"

#include "base/env.h"

enum { HSM_TELL_LINES = 20, HSM_TELL_CONNECTIONS_LINES = 100 };

/* A kind takes no line away from another. Connections come and go in the log alone. */
enum hsm_tell_kind { HSM_TELL_CONNECTIONS, HSM_TELL_REFUSALS, HSM_TELL_FAILURES, HSM_TELL_KINDS };

struct hsm_tell {
    const struct env *env;   /* its log may be NULL */
    struct hsm_audit *audit; /* hsm/trail/audit.h; NULL: no trail */
    bool hardened;
    struct {
        int64_t second;
        uint64_t lines;    /* wanted in it */
        uint64_t left_out; /* since the start */
    } limit[HSM_TELL_KINDS];
};

/* What officers and operators do. */
void hsm_tell_event(struct hsm_tell *tell, enum log_level level, const char *event, const struct log_field *field, size_t count);
#define HSM_TELL(tell_, level_, event_, ...)                                             \
    hsm_tell_event((tell_), (level_), (event_), (const struct log_field[]){__VA_ARGS__}, \
                   sizeof((const struct log_field[]){__VA_ARGS__}) / sizeof(struct log_field))

/* What to answer: that of `told`, or HOSTCMD_ERR_INTERNAL where hardened mode forbids a command on keys that leaves no line. */
struct hostcmd_said hsm_tell_command(struct hsm_tell *tell, const struct hsm_told *told);
/* A peer may cause it as often as it likes. */
void hsm_tell_limited(struct hsm_tell *tell, enum log_level level, const char *event, const struct log_field *field, size_t count);
/* True while the kind may have another line this second. */
bool hsm_tell_admits(struct hsm_tell *tell, enum hsm_tell_kind kind);
/* Once a second: tells what was left out. */
void hsm_tell_tick(struct hsm_tell *tell);
/* Lines left out since the start, of all kinds. */
uint64_t hsm_tell_left_out(const struct hsm_tell *tell);

#endif
