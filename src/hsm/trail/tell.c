/* SPDX-License-Identifier: Apache-2.0 */
#include "hsm/trail/tell.h"

#include "hostcmd/error.h"
#include "hsm/trail/audit.h"

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

/* A peer must not fill the disk. */
bool hsm_tell_admits(struct hsm_tell *tell, enum hsm_tell_kind kind)
{
    ASSERT((unsigned)kind < HSM_TELL_KINDS);
    int64_t second = env_monotonic_us(tell->env) / 1000000;
    if (second != tell->limit[kind].second) {
        const struct log_field left_out[] = {LOG_INT("lines", tell->limit[kind].lines - HSM_TELL_LINES)};
        if (tell->limit[kind].lines > HSM_TELL_LINES)
            (void)!put_both(tell, LOG_WARN, "hsm.left_out", left_out, 1, false);
        tell->limit[kind].second = second;
        tell->limit[kind].lines = 0;
    }
    return ++tell->limit[kind].lines <= HSM_TELL_LINES;
}

void hsm_tell_limited(struct hsm_tell *tell, enum log_level level, const char *event, const struct log_field *field, size_t count)
{
    if (hsm_tell_admits(tell, HSM_TELL_REFUSALS))
        (void)!put_both(tell, level, event, field, count, false);
}

struct hostcmd_said hsm_tell_command(struct hsm_tell *tell, const char *client, const struct hostcmd_row *row,
                                     struct hostcmd_said answer)
{
    bool refused = answer.verdict == VERDICT_UNAVAILABLE;
    bool always = row->audit == HOSTCMD_AUDIT_ALWAYS;
    const char *why = answer.verdict == VERDICT_MISMATCH ? "VERDICT_MISMATCH" : err_row(answer.cause)->name;
    const struct log_field field[] = {LOG_TEXT("command", row->code), LOG_TEXT("answer", hostcmd_said_code(answer)),
                                      LOG_TEXT("why", why), LOG_TEXT("client", client)};
    enum log_level level = refused ? LOG_WARN : LOG_INFO;
    if (!always && refused && row->audit == HOSTCMD_AUDIT_FAILURE)
        hsm_tell_limited(tell, level, "hsm.command", field, sizeof field / sizeof field[0]);
    if (!always)
        return answer;
    enum err err = put_both(tell, level, "hsm.command", field, sizeof field / sizeof field[0], true);
    return err != ERR_OK && tell->hardened ? hostcmd_said(HOSTCMD_ERR_INTERNAL, VERDICT_UNAVAILABLE) : answer;
}
