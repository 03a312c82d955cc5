/* SPDX-License-Identifier: Apache-2.0 */
#include "hsm/trail/tell.h"

#include "hostcmd/error.h"
#include "hsm/trail/audit.h"

enum { COMMAND_FIELDS = 4 };

static void put_log(struct hsm_tell *tell, enum log_level level, const char *event, const struct log_field *field, size_t count)
{
    if (tell->env->log)
        log_write(tell->env->log, level, event, field, count);
}

static enum err put_both(struct hsm_tell *tell, enum log_level level, const char *event, const struct log_field *field,
                         size_t count, bool durable)
{
    put_log(tell, level, event, field, count);
    return hsm_audit_write(tell->audit, event, field, count, durable);
}

void hsm_tell_event(struct hsm_tell *tell, enum log_level level, const char *event, const struct log_field *field, size_t count)
{
    /* What officers take away or grant is done; a line that is lost is told and counted by the trail. */
    (void)!put_both(tell, level, event, field, count, true);
}

/* ---- limits: a peer must not fill the disk ---- */

static uint64_t most(enum hsm_tell_kind kind)
{
    return kind == HSM_TELL_CONNECTIONS ? HSM_TELL_CONNECTIONS_LINES : HSM_TELL_LINES;
}

/* The kind's second is over if another has begun: what it left out is told in one line. */
static void next_second(struct hsm_tell *tell, enum hsm_tell_kind kind)
{
    static const char *const name[HSM_TELL_KINDS] = {
        [HSM_TELL_CONNECTIONS] = "connections", [HSM_TELL_REFUSALS] = "refusals", [HSM_TELL_FAILURES] = "failures"};
    int64_t second = env_monotonic_us(tell->env) / 1000000;
    if (second == tell->limit[kind].second)
        return;
    uint64_t lines = tell->limit[kind].lines;
    tell->limit[kind].second = second;
    tell->limit[kind].lines = 0;
    if (lines <= most(kind))
        return;
    const struct log_field field[] = {LOG_TEXT("of", name[kind]), LOG_INT("lines", lines - most(kind))};
    tell->limit[kind].left_out += lines - most(kind);
    if (kind == HSM_TELL_CONNECTIONS)
        put_log(tell, LOG_WARN, "hsm.left_out", field, 2);
    else
        (void)!put_both(tell, LOG_WARN, "hsm.left_out", field, 2, false);
}

bool hsm_tell_admits(struct hsm_tell *tell, enum hsm_tell_kind kind)
{
    ASSERT((unsigned)kind < HSM_TELL_KINDS);
    next_second(tell, kind);
    return ++tell->limit[kind].lines <= most(kind);
}

void hsm_tell_tick(struct hsm_tell *tell)
{
    for (enum hsm_tell_kind kind = 0; kind < HSM_TELL_KINDS; kind++)
        next_second(tell, kind);
}

uint64_t hsm_tell_left_out(const struct hsm_tell *tell)
{
    uint64_t left_out = 0;
    for (enum hsm_tell_kind kind = 0; kind < HSM_TELL_KINDS; kind++)
        left_out += tell->limit[kind].left_out;
    return left_out;
}

void hsm_tell_limited(struct hsm_tell *tell, enum log_level level, const char *event, const struct log_field *field, size_t count)
{
    if (hsm_tell_admits(tell, HSM_TELL_REFUSALS))
        (void)!put_both(tell, level, event, field, count, false);
}

/* ---- commands ---- */

static enum err put_command(struct hsm_tell *tell, const struct hsm_told *told, bool durable)
{
    struct hsm_subject subject;
    bool refused = told->answer.verdict == VERDICT_UNAVAILABLE;
    const char *why = told->answer.verdict == VERDICT_MISMATCH ? "VERDICT_MISMATCH" : err_row(told->answer.cause)->name;
    struct log_field field[COMMAND_FIELDS + HSM_SUBJECT_FIELDS] = {LOG_TEXT("command", told->row->code),
                                                                   LOG_TEXT("answer", hostcmd_said_code(told->answer)),
                                                                   LOG_TEXT("why", why), LOG_TEXT("client", told->client)};
    size_t count = COMMAND_FIELDS + hsm_subject_fields(told, &subject, field + COMMAND_FIELDS);
    return put_both(tell, refused ? LOG_WARN : LOG_INFO, "hsm.command", field, count, durable);
}

struct hostcmd_said hsm_tell_command(struct hsm_tell *tell, const struct hsm_told *told)
{
    bool refused = told->answer.verdict == VERDICT_UNAVAILABLE;
    bool always = told->row->audit == HOSTCMD_AUDIT_ALWAYS;
    if (always && !refused && !told->idle) {
        bool lost = put_command(tell, told, true) != ERR_OK;
        return lost && tell->hardened ? hostcmd_said(HOSTCMD_ERR_INTERNAL, VERDICT_UNAVAILABLE) : told->answer;
    }
    bool wanted = always || (refused && told->row->audit == HOSTCMD_AUDIT_FAILURE);
    bool durable = always && told->authorised;
    /* Nothing was done: a line that is lost is told and counted by the trail. */
    if (wanted && hsm_tell_admits(tell, durable ? HSM_TELL_FAILURES : HSM_TELL_REFUSALS))
        (void)!put_command(tell, told, durable);
    return told->answer;
}
